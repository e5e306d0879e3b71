---- MODULE Election ----
(* The greatest of a ring is elected: each sends its number on, and passes on what is greater than its
   own. It starts with every order of the numbers around the ring, N! initial states. The test counts
   the states over again in Python. *)
EXTENDS Naturals
CONSTANT N
VARIABLES number, inbox, elected
vars == <<number, inbox, elected>>
Place == 1..N
After(p) == (p % N) + 1
Init ==
  /\ number \in {f \in [Place -> Place] : \A a, b \in Place : a # b => f[a] # f[b]}
  /\ inbox = [p \in Place |-> {number[IF p = 1 THEN N ELSE p - 1]}]
  /\ elected = {}
Take(p) == \E n \in inbox[p] :
  /\ inbox' = IF n > number[p] THEN [inbox EXCEPT ![p] = @ \ {n}, ![After(p)] = @ \union {n}]
              ELSE [inbox EXCEPT ![p] = @ \ {n}]
  /\ elected' = IF n = number[p] THEN elected \union {p} ELSE elected
  /\ UNCHANGED number
Next == \E p \in Place : Take(p)
Spec == Init /\ [][Next]_vars /\ WF_vars(Next)
OneAtMost == \A a, b \in elected : a = b
TheGreatest == \A a \in elected : \A b \in Place : number[b] <= number[a]
Ends == <>[](elected # {})
====
