---- MODULE Lamp ----
(* A lamp that is switched on and off forever. What holds of it, and what does not, can be seen at once. *)
VARIABLE lit
Init == lit = FALSE
Switch == lit' = ~lit
Spec == Init /\ [][Switch]_lit /\ WF_lit(Switch)
OftenLit == []<>lit
StaysLit == <>[]lit
GoesOut == lit ~> ~lit
StaysDark == <>[]~lit
OftenSwitched == []<><<Switch>>_lit
FairlySwitched == WF_lit(Switch)
ThenStays == <>[][lit' = lit]_lit
NeverOutAgain == <>[][lit' = TRUE]_lit
====
