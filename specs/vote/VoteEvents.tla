----------------------------- MODULE VoteEvents -----------------------------
(***************************************************************************)
(* Vote, with a record of which step was taken.  `event` is the last       *)
(* action and its arguments; nothing depends on it, and configurations     *)
(* hide it with VIEW.  Replay, the oracle and the viewer read it.          *)
(*                                                                         *)
(* `voters` are those whose word may count in the step, the Byzantine ones *)
(* among them: it is for readers, who see from it who told whom what.      *)
(***************************************************************************)
EXTENDS Vote

VARIABLE event   \* [action, and its arguments by name]

VoteEvent(i, c) ==
    Vote(i, c) /\ event' = [action |-> "Vote", node |-> i, round |-> round[i], choice |-> c]

ConfirmEvent(i, c) ==
    /\ Confirm(i, c)
    /\ event' = [action |-> "Confirm", node |-> i, round |-> lock'[i].round, choice |-> c, voters |-> VotesFor(lock'[i].round, c)]

GiveUpEvent(i) ==
    GiveUp(i) /\ event' = [action |-> "GiveUp", node |-> i]

EnterEvent(i, r, l) ==
    Enter(i, r, l) /\ event' = [action |-> "Enter", node |-> i, round |-> r, lock |-> l, voters |-> Tellers(r, l)]

ConvictEvent(k, i) ==
    Convict(k, i) /\ event' = [action |-> "Convict", counter |-> k, voter |-> i]

ReportEvent(k, r) ==
    Report(k, r) /\ event' = [action |-> "Report", counter |-> k, round |-> r]

DecideEvent(k, r, c) ==
    /\ Decide(k, r, c)
    /\ event' = [action |-> "Decide", counter |-> k, round |-> r, choice |-> c,
                 voters |-> VotesFor(r, c) \cup ConfirmsFor(r, c)]

EventInit == Init /\ event = [action |-> "Init"]

EventNext ==
    \/ \E i \in Correct : \E c \in Choice : VoteEvent(i, c)
    \/ \E i \in Correct : \E c \in Choice : ConfirmEvent(i, c)
    \/ \E i \in Correct : GiveUpEvent(i)
    \/ \E i \in Correct : \E r \in Rounds : \E l \in Openings(r) : EnterEvent(i, r, l)
    \/ \E k \in Counter : \E i \in Voter : ConvictEvent(k, i)
    \/ \E k \in Counter : \E r \in Rounds : ReportEvent(k, r)
    \/ \E k \in Counter : \E r \in Rounds : \E c \in Choice : DecideEvent(k, r, c)

EventSpec == EventInit /\ [][EventNext]_<<vars, event>>

(* What a state is without the record of how it was reached. *)
EventView == vars
=============================================================================
