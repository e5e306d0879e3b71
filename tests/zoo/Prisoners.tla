---- MODULE Prisoners ----
(* Prisoners come one by one into a room with a switch. All but the first set it once; the first resets
   it and counts. When the count is full, all have been there. The switch begins reset.
   The test counts the states over again in Python. *)
EXTENDS Naturals, FiniteSets
CONSTANT Others
VARIABLES switch, count, been, set
vars == <<switch, count, been, set>>
Init == switch = FALSE /\ count = 0 /\ been = {} /\ set = {}
Counter ==
  /\ switch' = FALSE
  /\ count' = IF switch THEN count + 1 ELSE count
  /\ UNCHANGED <<been, set>>
Other(p) ==
  /\ been' = been \union {p}
  /\ IF ~switch /\ p \notin set THEN switch' = TRUE /\ set' = set \union {p} ELSE UNCHANGED <<switch, set>>
  /\ UNCHANGED count
Next == Counter \/ \E p \in Others : Other(p)
Spec == Init /\ [][Next]_vars /\ WF_vars(Counter) /\ \A p \in Others : SF_vars(Other(p) /\ ~switch)
Right == count = Cardinality(Others) => been = Others
Known == <>(count = Cardinality(Others))
====
