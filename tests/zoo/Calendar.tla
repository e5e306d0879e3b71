---- MODULE Calendar ----
(* The clock with a weekday that changes at its midnight, in a module that extends it: 7 times as many
   states. *)
EXTENDS Clock, Sequences
VARIABLE day
Week == <<"Mo", "Tu", "We", "Th", "Fr", "Sa", "Su">>
Position(d) == CHOOSE i \in DOMAIN Week : Week[i] = d
Start == Init /\ day = Head(Week)
Pass == Tick /\ day' = IF H!Wraps /\ M!Wraps THEN Week[(Position(day) % Len(Week)) + 1] ELSE day
Known == \E i \in DOMAIN Week : Week[i] = day
====
