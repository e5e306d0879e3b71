---- MODULE Odometer ----
(* Four wheels that turn one at a time: Base^4 states with 4 steps each, the farthest 4 (Base - 1) steps
   away. The large model of benchmarks/pool_rate.py: much to explore, little to evaluate. *)
EXTENDS Naturals
CONSTANT Base
VARIABLES a, b, c, d
Init == a = 0 /\ b = 0 /\ c = 0 /\ d = 0
Turn(wheel) == (wheel + 1) % Base
Next == \/ a' = Turn(a) /\ UNCHANGED <<b, c, d>>
        \/ b' = Turn(b) /\ UNCHANGED <<a, c, d>>
        \/ c' = Turn(c) /\ UNCHANGED <<a, b, d>>
        \/ d' = Turn(d) /\ UNCHANGED <<a, b, c>>
Shown == a < Base /\ b < Base /\ c < Base /\ d < Base
====
