---------------------------- MODULE HotStuffEvents ----------------------------
(***************************************************************************)
(* HotStuff, with a record of which step was taken.  `event` is the last   *)
(* action and its arguments; nothing depends on it, and configurations     *)
(* hide it with VIEW.  Replay, the oracle and the viewer read it.          *)
(***************************************************************************)
EXTENDS HotStuff

VARIABLE event   \* [action, and its arguments by name]

ProposeEvent(i, x) ==
    Propose(i, x) /\ event' = [action |-> "Propose", node |-> i, batch |-> x]

StoreEvent(i, b) ==
    Store(i, b) /\ event' = [action |-> "Store", node |-> i, block |-> b]

VoteEvent(i, b) ==
    Vote(i, b) /\ event' = [action |-> "Vote", node |-> i, block |-> b]

LearnEvent(i, p) ==
    Learn(i, p) /\ event' = [action |-> "Learn", node |-> i, block |-> p]

TimeOutEvent(i) ==
    TimeOut(i) /\ event' = [action |-> "TimeOut", node |-> i]

JoinEvent(i, v) ==
    Join(i, v) /\ event' = [action |-> "Join", node |-> i, view |-> v]

EnterEvent(i, v) ==
    Enter(i, v) /\ event' = [action |-> "Enter", node |-> i, view |-> v]

RestartEvent(i) ==
    Restart(i) /\ event' = [action |-> "Restart", node |-> i]

EventInit == Init /\ event = [action |-> "Init"]

EventNext ==
    \/ \E i \in Correct : \E x \in Batch : ProposeEvent(i, x)
    \/ \E i \in Correct : \E b \in Proposed(LastView + 1) : StoreEvent(i, b)
    \/ \E i \in Correct : \E b \in blocks[i] : VoteEvent(i, b)
    \/ \E i \in Correct : \E p \in Certified : LearnEvent(i, p)
    \/ \E i \in Correct : TimeOutEvent(i)
    \/ \E i \in Correct : \E v \in WantedViews : JoinEvent(i, v)
    \/ \E i \in Correct : \E v \in TimedViews : EnterEvent(i, v + 1)
    \/ \E i \in Correct : RestartEvent(i)

EventSpec == EventInit /\ [][EventNext]_<<vars, event>>

(* What a state is without the record of how it was reached. *)
EventView == vars
=============================================================================
