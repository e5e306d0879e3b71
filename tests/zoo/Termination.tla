---- MODULE Termination ----
(* A token goes round a ring of N to find out whether all are at rest. A node that works may wake
   another; one that sent since the token passed is black and blackens the token. The test counts the
   states over again in Python. *)
EXTENDS Naturals
CONSTANT N
VARIABLES active, black, at, tokenBlack
vars == <<active, black, at, tokenBlack>>
Node == 0..(N - 1)
Init ==
  /\ active \in [Node -> BOOLEAN]
  /\ black = [n \in Node |-> TRUE]
  /\ at = 0
  /\ tokenBlack = TRUE
Begin ==
  /\ at = 0 /\ (tokenBlack \/ black[0])
  /\ at' = N - 1
  /\ tokenBlack' = FALSE
  /\ black' = [black EXCEPT ![0] = FALSE]
  /\ UNCHANGED active
Pass(n) ==
  /\ n # 0 /\ at = n /\ ~active[n]
  /\ at' = n - 1
  /\ tokenBlack' = (tokenBlack \/ black[n])
  /\ black' = [black EXCEPT ![n] = FALSE]
  /\ UNCHANGED active
Wake(n, m) ==
  /\ active[n] /\ n # m
  /\ active' = [active EXCEPT ![m] = TRUE]
  /\ black' = [black EXCEPT ![n] = TRUE]
  /\ UNCHANGED <<at, tokenBlack>>
Rest(n) == active[n] /\ active' = [active EXCEPT ![n] = FALSE] /\ UNCHANGED <<black, at, tokenBlack>>
Token == Begin \/ \E n \in Node : Pass(n)
Next == Token \/ \E n \in Node : Rest(n) \/ \E m \in Node : Wake(n, m)
Spec == Init /\ [][Next]_vars /\ WF_vars(Token)
Quiet == \A n \in Node : ~active[n]
Detected == at = 0 /\ ~tokenBlack /\ ~black[0] /\ ~active[0]
Sound == Detected => Quiet
Complete == Quiet ~> Detected
====
