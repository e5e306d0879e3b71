A module with one of everything that `tlacheck parse` tells; what stands here is comment to SANY.
---- MODULE Outline ----
(* The comment of a module. *)
EXTENDS Naturals, OutlineBase
CONSTANTS Limit, Cost(_, _)
ASSUME LimitIsPositive == Limit > 0
ASSUME Limit < 100
VARIABLES count, bag  \* what follows is not about Init

\* Where it begins.
\* In two lines.
Init == count = 0 /\ bag = {}  \* a comment of this line
Add(n) == count' = count + n /\ UNCHANGED bag
(* A block
   of two lines, *)

(***********)
(* a box,  *)
(***********)
Put(x, F(_)) ==
	/\ count' = F(x)	\* tabs
	/\ UNCHANGED bag
RECURSIVE Sum(_)
Sum(n) == IF n = 0 THEN 0 ELSE n + Sum(n - 1)
LOCAL Hidden == 3
square[i \in 1..3] == i * i
a ++ b == a + b
Either(k) == Add(k) \/ \E x \in bag : Put(x, Sum)
Inner(p) == INSTANCE OutlinePart WITH v <- p, Step <- Limit
Part == INSTANCE OutlinePart WITH v <- count, Step <- Limit
LOCAL INSTANCE FiniteSets
Idle == UNCHANGED <<count, bag>>
Rest == Idle
Next == \/ \E n \in 1..Limit : Add(n)
        \/ \E q, r \in {1,
                        2}, s \in bag : Either(r)
        \/ count > 3 /\ count' = 1 /\ UNCHANGED bag
        \/ Part!Advance /\ UNCHANGED bag
        \/ Part!Advance
        \/ LET w == 3 IN Add(w)
        \/ IF count = 1 THEN Rest ELSE FromBase(Limit)
vars == <<count, bag>>
Fair == count' = 5 /\ UNCHANGED bag
Spec == Init /\ [][Next]_vars /\ WF_vars(Fair)
Grows == [][count' >= count]_count
CanStep == ENABLED Next
THEOREM Safe == Spec => []TRUE
THEOREM Spec => Grows
====
