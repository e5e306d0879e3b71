---- MODULE Climb ----
(* A counter that climbs from 0 to 5 and may fall by 1 from 1 and 2: 6 states, one at each depth, and
   1 + 5 + 2 generated. It never leaps. *)
EXTENDS Naturals
VARIABLE n
Init == n = 0
Up == n < 5 /\ IF n > 50 THEN n' = 0 ELSE n' = n + 1
Fall == n \in 1..2 /\ n' = n - 1
Leap == n > 100 /\ n' = 0
Next ==
  \/ Up
  \/ Fall
  \/ Leap
Small == n < 3
Tiny == n < 2
Grow == [][n' >= n]_n
Low == n < 4
====
