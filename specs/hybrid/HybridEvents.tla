---------------------------- MODULE HybridEvents ----------------------------
(***************************************************************************)
(* The hybrid with a record of the step that was taken.  `event` is the    *)
(* last action and its arguments; nothing depends on it, and               *)
(* configurations hide it with VIEW, so that the states are those of       *)
(* Hybrid.  Replay, the oracle and the viewer read it.                     *)
(***************************************************************************)
EXTENDS Hybrid

VARIABLE event   \* [action, and its arguments by name]

VoteEvent(i, t, c) ==
    Vote(i, t, c) /\ event' = [action |-> "Vote", node |-> i, term |-> t, prefix |-> c]

LockEvent(i, t, c) ==
    Lock(i, t, c) /\ event' = [action |-> "Lock", node |-> i, term |-> t, prefix |-> c]

AcceptEvent(e, t, s) ==
    Accept(e, t, s) /\ event' = [action |-> "Accept", epoch |-> e, term |-> t, state |-> s]

AbortEvent(i, w) ==
    Abort(i, w) /\ event' = [action |-> "Abort", node |-> i, why |-> w]

EndEpochEvent(S) ==
    EndEpoch(S) /\ event' = [action |-> "EndEpoch", aborts |-> S]

DecideEvent(v) ==
    Decide(v) /\ event' = [action |-> "Decide", operation |-> v]

VoteSwitchbackEvent(i) ==
    VoteSwitchback(i) /\ event' = [action |-> "VoteSwitchback", node |-> i]

StartEpochEvent(C) ==
    StartEpoch(C) /\ event' = [action |-> "StartEpoch", switchbacks |-> C]

LearnEvent(i) ==
    Learn(i) /\ event' = [action |-> "Learn", node |-> i]

RaiseEvent(i) ==
    Raise(i) /\ event' = [action |-> "Raise", node |-> i]

LowerEvent(i) ==
    Lower(i) /\ event' = [action |-> "Lower", node |-> i]

CoolDownEvent(i) ==
    CoolDown(i) /\ event' = [action |-> "CoolDown", node |-> i]

RestartEvent(i) ==
    Restart(i) /\ event' = [action |-> "Restart", node |-> i]

EventInit == Init /\ event = [action |-> "Init"]

EventNext ==
    \/ \E i \in Correct, t \in Term, c \in LogPrefixes : VoteEvent(i, t, c)
    \/ \E i \in Correct : \E s \in QCs(EpochOf(i)) : LockEvent(i, s.term, s.prefix)
    \/ \E e \in 0..Epoch(controlLog), t \in Term \cup {0}, s \in UNION {Prefixes(u) : u \in States} : AcceptEvent(e, t, s)
    \/ \E i \in Correct, w \in Reasons \cup {"Joined"} : AbortEvent(i, w)
    \/ Protocol(controlLog) = "Raft" /\ \E S \in AbortHistories : EndEpochEvent(S)
    \/ \E v \in Operation : DecideEvent(v)
    \/ \E i \in Correct : VoteSwitchbackEvent(i)
    \/ \E C \in SUBSET Replica : StartEpochEvent(C)
    \/ \E i \in Correct : LearnEvent(i)
    \/ \E i \in Correct : RaiseEvent(i)
    \/ \E i \in Correct : LowerEvent(i)
    \/ \E i \in Correct : CoolDownEvent(i)
    \/ \E i \in Correct : RestartEvent(i)

EventSpec == EventInit /\ [][EventNext]_<<vars, event>>

(* A state without the record of how it was reached. *)
EventView == vars
=============================================================================
