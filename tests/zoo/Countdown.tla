---- MODULE Countdown ----
(* From Start to 0 one by one: Start + 1 states, the last without a successor. In the mistaken version a
   check inside the action fails with a message of its own, at 2. *)
EXTENDS Naturals, TLC
CONSTANTS Start, Lowest
VARIABLE left
Init == left = Start
Next == left > 0 /\ Assert(left > Lowest, "too low") /\ left' = left - 1
====
