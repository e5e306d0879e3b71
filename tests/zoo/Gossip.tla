---- MODULE Gossip ----
(* N people know a secret each; a call shares all that both know. All know all after 2 N - 4 calls for
   N >= 4, and not before. The test counts the states over again in Python. *)
EXTENDS Naturals
CONSTANT N
VARIABLE knows
Init == knows = [p \in 1..N |-> {p}]
Call(p, q) ==
  /\ p < q
  /\ knows[p] # knows[q]
  /\ knows' = [knows EXCEPT ![p] = @ \union knows[q], ![q] = @ \union knows[p]]
Next == \E p, q \in 1..N : Call(p, q)
Secret == \E p \in 1..N : knows[p] # UNION {knows[q] : q \in 1..N}
====
