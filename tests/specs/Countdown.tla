---- MODULE Countdown ----
(* From 3 to 0, and there it stops: 4 states, a deadlock unless one does not mind. *)
EXTENDS Naturals
CONSTANT Start
ASSUME Start > 2
VARIABLE left
Init == left = Start
Tick == left > 0 /\ left' = left - 1
Next == Tick
====
