---------------------------- MODULE BarrierEvents ----------------------------
(***************************************************************************)
(* Barrier, with a record of which step was taken.  `event` is the last    *)
(* action and its arguments; nothing depends on it, and configurations     *)
(* hide it with VIEW.                                                      *)
(***************************************************************************)
EXTENDS Barrier

VARIABLE event   \* [action, and its arguments by name]

WriteEvent(n)      == Write(n) /\ event' = [action |-> "Write", node |-> n]
HearEvent(n, s)    == Hear(n, s) /\ event' = [action |-> "Hear", node |-> n, record |-> s]
ActEvent(n, o)     == Act(n, o) /\ event' = [action |-> "Act", node |-> n, owner |-> o]
ProposeEvent(c, o) == Propose(c, o) /\ event' = [action |-> "Propose", node |-> c, owner |-> o]
CommitEvent(e)     == Commit(e) /\ event' = [action |-> "Commit", decision |-> e]
ApplyEvent(n, k)   == Apply(n, k) /\ event' = [action |-> "Apply", node |-> n, index |-> k]
WelcomeEvent(n, g) == Welcome(n, g) /\ event' = [action |-> "Welcome", node |-> n, generation |-> g]
JoinEvent(n, w)    == Join(n, w) /\ event' = [action |-> "Join", node |-> n, welcome |-> w]
RestartEvent(n)    == Restart(n) /\ event' = [action |-> "Restart", node |-> n]
OpenEvent(c)       == Open(c) /\ event' = [action |-> "Open", node |-> c]
AckEvent(n)        == Ack(n) /\ event' = [action |-> "Ack", node |-> n]
CountEvent(c, a)   == Count(c, a) /\ event' = [action |-> "Count", node |-> c, ack |-> a]
TimeOutEvent(c)    == TimeOut(c) /\ event' = [action |-> "TimeOut", node |-> c]

EventInit == Init /\ event = [action |-> "Init"]

EventNext ==
    \/ \E n \in Node :
           \/ WriteEvent(n) \/ RestartEvent(n) \/ AckEvent(n)
           \/ \E g \in 1..gen[n] : WelcomeEvent(n, g)
           \/ \E s \in said : HearEvent(n, s)
           \/ \E o \in Node : ActEvent(n, o)
           \/ \E k \in 1..Len(log) : ApplyEvent(n, k)
           \/ \E w \in welcomes : JoinEvent(n, w)
    \/ \E c \in Coordinator :
           \/ \E o \in Node : ProposeEvent(c, o)
           \/ OpenEvent(c) \/ TimeOutEvent(c)
           \/ \E a \in acks : CountEvent(c, a)
    \/ \E e \in proposed \cup {Fence} : CommitEvent(e)

EventSpec == EventInit /\ [][EventNext]_<<vars, event>>

(* What a state is without the record of how it was reached. *)
EventView == vars
=============================================================================
