---------------------------- MODULE ThreatEvents ----------------------------
(***************************************************************************)
(* The threat level, with a record of which step was taken.  `event` is    *)
(* the last input and its fields; nothing depends on it, and               *)
(* configurations hide it with VIEW.                                       *)
(***************************************************************************)
EXTENDS Threat

VARIABLE event   \* [action, and its arguments by name]

ObserveEvent(kind) == Observe(kind) /\ event' = [action |-> "Observe", kind |-> kind]

HearEvent(j, k, s) ==
    Hear(j, k, s) /\ event' = [action |-> "Hear", reporter |-> j, number |-> k, score |-> s]

ProveEvent(kind, j) == Prove(kind, j) /\ event' = [action |-> "Prove", kind |-> kind, accused |-> j]

TickEvent == Tick /\ event' = [action |-> "Tick"]

RestartEvent == Restart /\ event' = [action |-> "Restart"]

EventInit == Init /\ event = [action |-> "Init"]

(* Numbers about the last that counted, and scores a little out of range: all others are like one of these. *)
NumbersAbout(j) == {k \in (heard[j] - 1)..(heard[j] + 2) : k > 0}
AnyScore        == (-1)..(ScoreMax + 1)

EventNext ==
    \/ \E kind \in Suspicion : ObserveEvent(kind)
    \/ \E j \in Others : \E k \in NumbersAbout(j), s \in AnyScore : HearEvent(j, k, s)
    \/ \E kind \in ProofKind, j \in Replica : ProveEvent(kind, j)
    \/ TickEvent
    \/ RestartEvent

EventSpec == EventInit /\ [][EventNext]_<<vars, event>>

(* What a state is without the record of how it was reached. *)
EventView == vars
=============================================================================
