----------------------------- MODULE FlowEvents -----------------------------
(***************************************************************************)
(* Flow, with a record of which step was taken.  `event` is the last       *)
(* action and its arguments; nothing depends on it, and configurations     *)
(* hide it with VIEW.                                                      *)
(***************************************************************************)
EXTENDS Flow

VARIABLE event   \* [action, and its arguments by name]

AskEvent(q, c)     == Ask(q, c) /\ event' = [action |-> "Ask", query |-> q, coordinator |-> c]
AskNextEvent(q, c) == AskNext(q, c) /\ event' = [action |-> "AskNext", query |-> q, coordinator |-> c]
GiveUpEvent(q)     == GiveUp(q) /\ event' = [action |-> "GiveUp", query |-> q]
HearEvent(m)       == Hear(m) /\ event' = [action |-> "Hear", message |-> m]

AnswerByGossipEvent(c, m, r) ==
    AnswerByGossip(c, m, r) /\ event' = [action |-> "AnswerByGossip", coordinator |-> c, message |-> m, reading |-> r]

ProposeEvent(c, m)  == Propose(c, m) /\ event' = [action |-> "Propose", coordinator |-> c, message |-> m]
RefuseEvent(c, m)   == Refuse(c, m) /\ event' = [action |-> "Refuse", coordinator |-> c, message |-> m]
DecideEvent(m)      == Decide(m) /\ event' = [action |-> "Decide", message |-> m]
ApplyEvent(c, r)    == Apply(c, r) /\ event' = [action |-> "Apply", coordinator |-> c, reading |-> r]
TakePartEvent(c, m) == TakePart(c, m) /\ event' = [action |-> "TakePart", coordinator |-> c, message |-> m]
ChaseEvent(c, q)    == Chase(c, q) /\ event' = [action |-> "Chase", coordinator |-> c, query |-> q]

DeputiseEvent(c, m, r) ==
    Deputise(c, m, r) /\ event' = [action |-> "Deputise", coordinator |-> c, message |-> m, reading |-> r]

ExpireEvent(c, q) == Expire(c, q) /\ event' = [action |-> "Expire", coordinator |-> c, query |-> q]
CrashEvent(c)     == Crash(c) /\ event' = [action |-> "Crash", coordinator |-> c]
RestartEvent(c)   == Restart(c) /\ event' = [action |-> "Restart", coordinator |-> c]

EventInit == Init /\ event = [action |-> "Init"]

EventNext ==
    \/ \E q \in Query : GiveUpEvent(q) \/ \E c \in Coordinator : AskEvent(q, c) \/ AskNextEvent(q, c)
    \/ \E m \in messages : HearEvent(m) \/ DecideEvent(m)
    \/ \E c \in Coordinator :
           \/ \E m \in messages : ProposeEvent(c, m) \/ RefuseEvent(c, m) \/ TakePartEvent(c, m)
           \/ \E m \in messages, r \in Readings : AnswerByGossipEvent(c, m, r) \/ DeputiseEvent(c, m, r)
           \/ \E r \in Readings : ApplyEvent(c, r)
           \/ \E q \in Query : ChaseEvent(c, q) \/ ExpireEvent(c, q)
           \/ CrashEvent(c) \/ RestartEvent(c)

EventSpec == EventInit /\ [][EventNext]_<<vars, event>>

(* What a state is without the record of how it was reached. *)
EventView == vars
=============================================================================
