---- MODULE Walk ----
(* A walk around a ring of Size places that counts its steps. The count is endless; the view leaves it
   out, and Size states remain, the farthest (Size - 1) / 2 steps away. With a bound on the count the
   test counts them over again in Python. Upward alone, one comes from 0 to each place, one at a time, or
   to the last at once: Size + 1 states, 2 steps each looked at. *)
EXTENDS Integers
CONSTANTS Size, Bound
VARIABLES place, steps
Init == place = 0 /\ steps = 0
Step(by) == place' = (place + by) % Size /\ steps' = steps + 1
Next == Step(1) \/ Step(-1)
Place == place
Within == steps < Bound
Onward == place' > place
Upward == Onward
====
