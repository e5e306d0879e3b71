---- MODULE Sliding ----
(* The sliding puzzle of 2 by 3. Half of the 6! arrangements are reached, 360; the gap has 2 neighbours
   in a corner and 3 between, 840 moves in all; the farthest arrangement takes 21 moves. *)
EXTENDS Naturals
VARIABLE tile  \* place -> tile; 0 is the gap. Places 1 2 3 above 4 5 6
Beside == {<<1, 2>>, <<2, 3>>, <<4, 5>>, <<5, 6>>, <<1, 4>>, <<2, 5>>, <<3, 6>>}
Init == tile = [p \in 1..6 |-> p % 6]
Swap(p, q) == tile' = [tile EXCEPT ![p] = tile[q], ![q] = tile[p]]
Next == \E p, q \in 1..6 : tile[p] = 0 /\ (<<p, q>> \in Beside \/ <<q, p>> \in Beside) /\ Swap(p, q)
Even == LET gap == CHOOSE p \in 1..6 : tile[p] = 0
        IN  tile[gap] = 0 /\ {tile[p] : p \in (1..6) \ {gap}} = 1..5
====
