---- MODULE Commit ----
(* What a commit among members is: all end alike. From "working" each may prepare; a member commits when
   all are prepared or committed, and aborts when none is committed. With n members the states are 3^n
   without a commit, and 2^n - 1 with one, all others prepared. *)
CONSTANT Members
VARIABLE state
Init == state = [m \in Members |-> "working"]
Prepare(m) == state[m] = "working" /\ state' = [state EXCEPT ![m] = "prepared"]
MayCommit == \A m \in Members : state[m] \in {"prepared", "committed"}
MayAbort == \A m \in Members : state[m] # "committed"
Decide(m) ==
  \/ state[m] = "prepared" /\ MayCommit /\ state' = [state EXCEPT ![m] = "committed"]
  \/ state[m] \in {"working", "prepared"} /\ MayAbort /\ state' = [state EXCEPT ![m] = "aborted"]
Next == \E m \in Members : Prepare(m) \/ Decide(m)
Spec == Init /\ [][Next]_state
Consistent == \A a, b \in Members : ~(state[a] = "committed" /\ state[b] = "aborted")
====
