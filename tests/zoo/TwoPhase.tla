---- MODULE TwoPhase ----
(* Two-phase commit: a manager hears of those who are prepared and tells all. It implements Commit,
   whose variable is the same. The test counts the states over again in Python. *)
CONSTANT Members
VARIABLES state, manager, heard, sent
vars == <<state, manager, heard, sent>>
Messages == [kind : {"prepared"}, from : Members] \union [kind : {"commit", "abort"}]
Init ==
  /\ state = [m \in Members |-> "working"]
  /\ manager = "open"
  /\ heard = {}
  /\ sent = {}
Hear(m) ==
  /\ manager = "open"
  /\ [kind |-> "prepared", from |-> m] \in sent
  /\ heard' = heard \union {m}
  /\ UNCHANGED <<state, manager, sent>>
Commit ==
  /\ manager = "open" /\ heard = Members
  /\ manager' = "done"
  /\ sent' = sent \union {[kind |-> "commit"]}
  /\ UNCHANGED <<state, heard>>
Abort ==
  /\ manager = "open"
  /\ manager' = "done"
  /\ sent' = sent \union {[kind |-> "abort"]}
  /\ UNCHANGED <<state, heard>>
Prepare(m) ==
  /\ state[m] = "working"
  /\ state' = [state EXCEPT ![m] = "prepared"]
  /\ sent' = sent \union {[kind |-> "prepared", from |-> m]}
  /\ UNCHANGED <<manager, heard>>
Refuse(m) ==
  /\ state[m] = "working"
  /\ state' = [state EXCEPT ![m] = "aborted"]
  /\ UNCHANGED <<manager, heard, sent>>
Obey(m) ==
  \E order \in {[kind |-> "commit", next |-> "committed"], [kind |-> "abort", next |-> "aborted"]} :
    /\ [kind |-> order.kind] \in sent
    /\ state' = [state EXCEPT ![m] = order.next]
    /\ UNCHANGED <<manager, heard, sent>>
Next == Commit \/ Abort \/ \E m \in Members : Hear(m) \/ Prepare(m) \/ Refuse(m) \/ Obey(m)
Spec == Init /\ [][Next]_vars
Typed == sent \subseteq Messages /\ heard \subseteq Members
Abstract == INSTANCE Commit
Implements == Abstract!Spec
Consistent == Abstract!Consistent
====
