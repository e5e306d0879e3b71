---- MODULE Majority ----
(* The majority vote of Boyer and Moore over every sequence of Length values: v^Length initial states and
   as many for each position, one successor each until the end: v^Length * (Length + 1) states. *)
EXTENDS Naturals, Sequences, FiniteSets
CONSTANTS Length, Values
VARIABLES votes, at, candidate, lead
Init ==
  /\ votes \in [1..Length -> Values]
  /\ at = 1 /\ lead = 0
  /\ candidate = CHOOSE v \in Values : TRUE
Next ==
  /\ at <= Length
  /\ at' = at + 1
  /\ CASE lead = 0 -> candidate' = votes[at] /\ lead' = 1
       [] lead > 0 /\ candidate = votes[at] -> candidate' = candidate /\ lead' = lead + 1
       [] lead > 0 /\ candidate # votes[at] -> candidate' = candidate /\ lead' = lead - 1
  /\ UNCHANGED votes
Count(v) == Cardinality({i \in 1..Length : votes[i] = v})
Found == at > Length => \A v \in Values : 2 * Count(v) > Length => v = candidate
====
