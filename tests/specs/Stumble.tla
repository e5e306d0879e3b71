---- MODULE Stumble ----
(* The fourth step cannot be evaluated, and neither can the invariant Comparable after the second. *)
EXTENDS Naturals
VARIABLE x
Init == x = 0
Up == x < 3 /\ x' = x + 1
Fall == x = 3 /\ x' = CHOOSE y \in {1, 2} : y > x
Next == Up \/ Fall
Comparable == x < 2 \/ x = "two"
====
