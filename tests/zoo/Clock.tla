---- MODULE Clock ----
(* A clock of hours and minutes out of two counters of another module, and a third instance with a
   parameter for arithmetic. Hours * Minutes states on one ring: one successor each. *)
EXTENDS Naturals
CONSTANTS Hours, Minutes
VARIABLES hour, minute
H == INSTANCE Modular WITH Base <- Hours, digit <- hour
M == INSTANCE Modular WITH Base <- Minutes, digit <- minute
In(Base) == INSTANCE Modular WITH digit <- minute
Init == H!Zero /\ M!Zero
Tick == M!Up /\ IF M!Wraps THEN H!Up ELSE UNCHANGED hour
Spec == Init /\ [][Tick]_<<hour, minute>> /\ WF_<<hour, minute>>(Tick)
HoursCount == H!Count
Sums == In(7)!Plus(hour, minute) = (hour + minute) % 7
Noon == [](minute = 0 => <>(hour = 0 /\ minute = 0))
====
