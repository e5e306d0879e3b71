---- MODULE MazeStep ----
EXTENDS Naturals
VARIABLES p, q
CONSTANT Limit
Swap == p # q /\ p' = q /\ q' = p
Climb == p < Limit /\ p' = p + 1 /\ UNCHANGED q
====
