---- MODULE TrafficLight ----
(* A light that goes round red, green, yellow: 3 states, and with the button that makes it blink a 4th,
   from which it comes back to red. Without fairness it may stay red forever: a behaviour that
   stutters. A step to blinking is none of the round, which breaks the action property. *)
VARIABLE light
Init == light = "red"
After(colour) == CASE colour = "red" -> "green" [] colour = "green" -> "yellow" [] OTHER -> "red"
Change == light' = After(light)
Blink == light # "blinking" /\ light' = "blinking"
Round == Init /\ [][Change]_light
FairRound == Round /\ WF_light(Change)
Blinking == Init /\ [][Change \/ Blink]_light
InOrder == [][light' = After(light)]_light
Green == []<>(light = "green")
NotInitial == light # "red"
====
