---- MODULE RiverCrossing ----
(* A farmer takes wolf, goat and cabbage across a river, one at a time. Of 16 distributions 10 are safe,
   and all of them are reached by 10 crossings there and back. All are across after 7. *)
EXTENDS Naturals, FiniteSets
VARIABLE here  \* who is on the first bank
All == {"farmer", "wolf", "goat", "cabbage"}
Safe(bank) == "farmer" \in bank \/ ~({"wolf", "goat"} \subseteq bank \/ {"goat", "cabbage"} \subseteq bank)
Init == here = All
Cross(bank) == \E load \in {s \in SUBSET bank : "farmer" \in s /\ Cardinality(s) <= 2} :
  /\ here' = IF bank = here THEN here \ load ELSE here \union load
  /\ Safe(here') /\ Safe(All \ here')
Next == Cross(IF "farmer" \in here THEN here ELSE All \ here)
NotAcross == here # {}
====
