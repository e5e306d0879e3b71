---- MODULE LightsOut ----
(* To press a lamp of 3 by 3 switches it and its neighbours. The presses are linearly independent, so
   all 2^9 patterns are reached, 9 presses in each; the farthest needs all 9 lamps pressed. *)
EXTENDS Integers
VARIABLE on
Lamp == (1..3) \X (1..3)
Distance(a, b) == LET Abs(n) == IF n < 0 THEN -n ELSE n IN Abs(a[1] - b[1]) + Abs(a[2] - b[2])
Cross(lamp) == {other \in Lamp : Distance(lamp, other) <= 1}
Init == on = {}
Press(lamp) == on' = (on \ Cross(lamp)) \union (Cross(lamp) \ on)
Next == \E lamp \in Lamp : Press(lamp)
====
