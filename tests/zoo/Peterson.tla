---- MODULE Peterson ----
(* Peterson's mutual exclusion for two processes: raise the flag, yield the turn, wait, enter, leave.
   The test counts the states over again in Python. *)
EXTENDS Naturals
VARIABLES pc, flag, turn
vars == <<pc, flag, turn>>
Process == {0, 1}
Init ==
  /\ pc = [i \in Process |-> "idle"]
  /\ flag = [i \in Process |-> FALSE]
  /\ turn = 0
Raise(i) ==
  /\ pc[i] = "idle"
  /\ pc' = [pc EXCEPT ![i] = "raised"]
  /\ flag' = [flag EXCEPT ![i] = TRUE]
  /\ UNCHANGED turn
Yield(i) ==
  /\ pc[i] = "raised"
  /\ pc' = [pc EXCEPT ![i] = "waiting"]
  /\ turn' = 1 - i
  /\ UNCHANGED flag
Enter(i) ==
  /\ pc[i] = "waiting"
  /\ ~flag[1 - i] \/ turn = i
  /\ pc' = [pc EXCEPT ![i] = "critical"]
  /\ UNCHANGED <<flag, turn>>
Leave(i) ==
  /\ pc[i] = "critical"
  /\ pc' = [pc EXCEPT ![i] = "idle"]
  /\ flag' = [flag EXCEPT ![i] = FALSE]
  /\ UNCHANGED turn
Step(i) == Raise(i) \/ Yield(i) \/ Enter(i) \/ Leave(i)
Next == \E i \in Process : Step(i)
Unfair == Init /\ [][Next]_vars
Fair == Unfair /\ \A i \in Process : WF_vars(Yield(i) \/ Enter(i) \/ Leave(i))
Exclusion == \E i \in Process : pc[i] # "critical"
Served == \A i \in Process : pc[i] = "waiting" ~> pc[i] = "critical"
====
