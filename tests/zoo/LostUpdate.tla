---- MODULE LostUpdate ----
(* Everybody reads a counter and writes one more back; an update is lost when two read before either
   writes. Two are enough for the fault: read, read, write, write, 4 steps. With locks all is well.
   The test counts the states over again in Python. *)
EXTENDS Naturals, FiniteSets
CONSTANTS Process, Locked, none
VARIABLES counter, seen, lock
vars == <<counter, seen, lock>>
Ready == [at |-> "ready", value |-> 0]
Init == counter = 0 /\ seen = [p \in Process |-> Ready] /\ lock = none
Read(p) ==
  /\ seen[p].at = "ready"
  /\ Locked => lock = none
  /\ lock' = IF Locked THEN p ELSE lock
  /\ seen' = [seen EXCEPT ![p] = [at |-> "read", value |-> counter]]
  /\ UNCHANGED counter
Write(p) ==
  /\ seen[p].at = "read"
  /\ counter' = seen[p].value + 1
  /\ seen' = [seen EXCEPT ![p].at = "done"]
  /\ lock' = none
Next == \E p \in Process : Read(p) \/ Write(p)
Counted == (\A p \in Process : seen[p].at = "done") => counter = Cardinality(Process)
====
