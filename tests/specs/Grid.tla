---- MODULE Grid ----
(* From one corner of a board of 4 by 4 to the other, up or to the right: 16 states, those of one depth on
   a diagonal, so 1 2 3 4 3 2 1; and 1 + 12 + 12 generated. *)
EXTENDS Naturals
VARIABLES x, y
Init == x = 0 /\ y = 0
Right == x < 3 /\ x' = x + 1 /\ y' = y
Up == y < 3 /\ y' = y + 1 /\ x' = x
Next == Right \/ Up
Near == x + y <= 2
OnlyRight == x' > x
Column == x
====
