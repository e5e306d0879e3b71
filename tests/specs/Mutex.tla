---- MODULE Mutex ----
(* Two processes and a critical section. Of the 9 combinations all but (critical, critical) are
   reachable: 8 states. A process can move unless it waits for the other one: 14 steps. *)
CONSTANTS p, q
VARIABLE pc
Other(x) == IF x = p THEN q ELSE p
Init == pc = [x \in {p, q} |-> "idle"]
Request(x) == pc[x] = "idle" /\ pc' = [pc EXCEPT ![x] = "waiting"]
Enter(x) == pc[x] = "waiting" /\ pc[Other(x)] # "critical" /\ pc' = [pc EXCEPT ![x] = "critical"]
Rush(x) == pc[x] = "waiting" /\ pc' = [pc EXCEPT ![x] = "critical"]
Leave(x) == pc[x] = "critical" /\ pc' = [pc EXCEPT ![x] = "idle"]
Next == \E x \in {p, q} : Request(x) \/ Enter(x) \/ Leave(x)
BrokenNext == \E x \in {p, q} : Request(x) \/ Rush(x) \/ Leave(x)
Spec == Init /\ [][Next]_pc
WeakSpec == Spec /\ \A x \in {p, q} : WF_pc(Enter(x)) /\ WF_pc(Leave(x))
StrongSpec == Spec /\ \A x \in {p, q} : SF_pc(Enter(x)) /\ WF_pc(Leave(x))
Exclusion == ~(pc[p] = "critical" /\ pc[q] = "critical")
Served == \A x \in {p, q} : pc[x] = "waiting" ~> pc[x] = "critical"
====
