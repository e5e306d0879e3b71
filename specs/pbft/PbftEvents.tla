----------------------------- MODULE PbftEvents -----------------------------
(***************************************************************************)
(* PBFT, with a record of which step was taken.  `event` is the last       *)
(* action and its arguments; nothing depends on it, and configurations     *)
(* hide it with VIEW, so that the states are those of Pbft.  Replay, the   *)
(* oracle and the viewer read it.                                          *)
(***************************************************************************)
EXTENDS Pbft

VARIABLE event   \* [action, and its arguments by name]

ProposeEvent(i, b) ==
    Propose(i, b) /\ event' = [action |-> "Propose", node |-> i, seq |-> NextSeq(i), batch |-> b]

AcceptPrePrepareEvent(i, j, n, b) ==
    /\ AcceptPrePrepare(i, j, n, b)
    /\ event' = [action |-> "AcceptPrePrepare", node |-> i, message |-> PrePrepareMessage(j, view[i], n, b)]

CollectPreparesEvent(i, n, b) ==
    CollectPrepares(i, n, b) /\ event' = [action |-> "CollectPrepares", node |-> i, seq |-> n, batch |-> b]

CollectCommitsEvent(i, n, b) ==
    CollectCommits(i, n, b) /\ event' = [action |-> "CollectCommits", node |-> i, seq |-> n, batch |-> b]

CollectCheckpointsEvent(i, n, s) ==
    CollectCheckpoints(i, n, s) /\ event' = [action |-> "CollectCheckpoints", node |-> i, seq |-> n, state |-> s]

TransferStateEvent(i) ==
    TransferState(i) /\ event' = [action |-> "TransferState", node |-> i]

TimeoutEvent(i) ==
    Timeout(i) /\ event' = [action |-> "Timeout", node |-> i]

JoinViewChangeEvent(i, v) ==
    JoinViewChange(i, v) /\ event' = [action |-> "JoinViewChange", node |-> i, view |-> v]

NewViewEvent(i, V) ==
    NewView(i, V) /\ event' = [action |-> "NewView", node |-> i, viewChanges |-> V]

(* The view changes by which a Byzantine primary justifies what it says; those of a correct one went with its message. *)
Proof(m) ==
    LET proofs == {V \in Justifications(m.view) : m.checkpoint = Base(V) /\ m.proposals \in Reproposals(V)}
    IN  IF m.source \in Correct \/ proofs = {} THEN {} ELSE CHOOSE V \in proofs : TRUE

EnterNewViewEvent(i, m) ==
    /\ EnterNewView(i, m)
    /\ event' = [action |-> "EnterNewView", node |-> i, message |-> m, viewChanges |-> Proof(m)]

EventInit == Init /\ event = [action |-> "Init"]

(* The views to which somebody may want to change: a Byzantine replica perhaps to an earlier one than the correct    *)
(* ones, of whom one must want to.  And the checkpoints that somebody made.                                       *)
WantedViews == UNION {1..m.view : m \in {k \in messages : k.type = "ViewChange"}}
Claimed     == {[seq |-> m.seq, state |-> m.state] : m \in {k \in messages : k.type = "Checkpoint"}}

EventNext ==
    \/ \E i \in Correct : \E b \in Batch : ProposeEvent(i, b)
    \/ \E i \in Correct : \E j \in Replica, p \in Proposable(i) : AcceptPrePrepareEvent(i, j, p[1], p[2])
    \/ \E i \in Correct : \E a \in accepted[i] : CollectPreparesEvent(i, a.seq, a.batch)
    \/ \E i \in Correct : \E a \in accepted[i] : CollectCommitsEvent(i, a.seq, a.batch)
    \/ \E i \in Correct : \E c \in Claimed : CollectCheckpointsEvent(i, c.seq, c.state)
    \/ \E i \in Correct : TransferStateEvent(i)
    \/ \E i \in Correct : TimeoutEvent(i)
    \/ \E i \in Correct : \E v \in WantedViews : JoinViewChangeEvent(i, v)
    \/ \E i \in Correct : \E V \in OwnJustifications(i) : NewViewEvent(i, V)
    \/ \E i \in Correct : \E v \in WantedViews : \E m \in NewViewsOf(v) : EnterNewViewEvent(i, m)

EventSpec == EventInit /\ [][EventNext]_<<vars, event>>

(* What a state is without the record of how it was reached. *)
EventView == vars
=============================================================================
