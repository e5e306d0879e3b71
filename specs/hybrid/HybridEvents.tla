---------------------------- MODULE HybridEvents ----------------------------
(***************************************************************************)
(* The hybrid, with a record of which step was taken.  `event` is the last *)
(* action and its arguments; nothing depends on it, and configurations     *)
(* hide it with VIEW, so that the states are those of Hybrid.  Replay, the *)
(* oracle and the viewer read it.                                          *)
(***************************************************************************)
EXTENDS Hybrid

VARIABLE event   \* [action, and its arguments by name]

AckEvent(i, t, c) ==
    Ack(i, t, c) /\ event' = [action |-> "Ack", node |-> i, term |-> t, chain |-> c]

HoldEvent(i, t, c) ==
    Hold(i, t, c) /\ event' = [action |-> "Hold", node |-> i, term |-> t, chain |-> c]

BelieveEvent(e, t, s) ==
    Believe(e, t, s) /\ event' = [action |-> "Believe", epoch |-> e, term |-> t, state |-> s]

StopEvent(i, w) ==
    Stop(i, w) /\ event' = [action |-> "Stop", node |-> i, why |-> w]

CloseEvent(S) ==
    Close(S) /\ event' = [action |-> "Close", stops |-> S]

DecideEvent(v) ==
    Decide(v) /\ event' = [action |-> "Decide", operation |-> v]

CalmEvent(i) ==
    Calm(i) /\ event' = [action |-> "Calm", node |-> i]

OpenEvent(C) ==
    Open(C) /\ event' = [action |-> "Open", calms |-> C]

LearnEvent(i) ==
    Learn(i) /\ event' = [action |-> "Learn", node |-> i]

RaiseEvent(i) ==
    Raise(i) /\ event' = [action |-> "Raise", node |-> i]

LowerEvent(i) ==
    Lower(i) /\ event' = [action |-> "Lower", node |-> i]

DwellEvent(i) ==
    Dwell(i) /\ event' = [action |-> "Dwell", node |-> i]

RestartEvent(i) ==
    Restart(i) /\ event' = [action |-> "Restart", node |-> i]

EventInit == Init /\ event = [action |-> "Init"]

EventNext ==
    \/ \E i \in Correct, t \in Term, c \in Chains : AckEvent(i, t, c)
    \/ \E i \in Correct : \E s \in Seals(EpochOf(i)) : HoldEvent(i, s.term, s.chain)
    \/ \E e \in 0..Epoch(book), t \in Term \cup {0}, s \in UNION {Prefixes(u) : u \in States} : BelieveEvent(e, t, s)
    \/ \E i \in Correct, w \in Reasons \cup {"Joined"} : StopEvent(i, w)
    \/ Protocol(book) = "Raft" /\ \E S \in CloseSets : CloseEvent(S)
    \/ \E v \in Operation : DecideEvent(v)
    \/ \E i \in Correct : CalmEvent(i)
    \/ \E C \in SUBSET Replica : OpenEvent(C)
    \/ \E i \in Correct : LearnEvent(i)
    \/ \E i \in Correct : RaiseEvent(i)
    \/ \E i \in Correct : LowerEvent(i)
    \/ \E i \in Correct : DwellEvent(i)
    \/ \E i \in Correct : RestartEvent(i)

EventSpec == EventInit /\ [][EventNext]_<<vars, event>>

(* What a state is without the record of how it was reached. *)
EventView == vars
=============================================================================
