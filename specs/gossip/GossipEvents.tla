---------------------------- MODULE GossipEvents ----------------------------
(***************************************************************************)
(* Gossip, with a record of which step was taken.  `event` is the last     *)
(* action and its arguments; nothing depends on it, and configurations     *)
(* hide it with VIEW.  Replay, the oracle and the viewer read it.          *)
(***************************************************************************)
EXTENDS Gossip

VARIABLE event   \* [action, and its arguments by name]

WriteEvent(o, k, x) == Write(o, k, x) /\ event' = [action |-> "Write", node |-> o, key |-> k, value |-> x]

DeleteEvent(o, k) == Delete(o, k) /\ event' = [action |-> "Delete", node |-> o, key |-> k]

CollectEvent(o, v) == Collect(o, v) /\ event' = [action |-> "Collect", node |-> o, version |-> v]

StartEvent(i, j, o) == Start(i, j, o) /\ event' = [action |-> "Start", node |-> i, dest |-> j, owner |-> o]

HandleSynEvent(i, m, d) ==
    HandleSyn(i, m, d) /\ event' = [action |-> "HandleSyn", node |-> i, message |-> m, delta |-> d]

HandleReplyEvent(i, m, d) ==
    HandleReply(i, m, d) /\ event' = [action |-> "HandleReply", node |-> i, message |-> m, delta |-> d]

HandleAckEvent(i, m) == HandleAck(i, m) /\ event' = [action |-> "HandleAck", node |-> i, message |-> m]

SuspectEvent(i, o) == Suspect(i, o) /\ event' = [action |-> "Suspect", node |-> i, accused |-> o]

WithdrawEvent(i, o) == Withdraw(i, o) /\ event' = [action |-> "Withdraw", node |-> i, accused |-> o]

RefuteEvent(o) == Refute(o) /\ event' = [action |-> "Refute", node |-> o]

BuryEvent(i, o) == Bury(i, o) /\ event' = [action |-> "Bury", node |-> i, accused |-> o]

ForgetEvent(i, o) == Forget(i, o) /\ event' = [action |-> "Forget", node |-> i, accused |-> o]

ReturnEvent(o, m) == Return(o, m) /\ event' = [action |-> "Return", node |-> o, message |-> m]

MisleadEvent(o) == Mislead(o) /\ event' = [action |-> "Mislead", node |-> o]

HearEvent(i, c) == Hear(i, c) /\ event' = [action |-> "Hear", node |-> i, state |-> c]

RecoverEvent(i) == Recover(i) /\ event' = [action |-> "Recover", node |-> i]

RestartEvent(i) == Restart(i) /\ event' = [action |-> "Restart", node |-> i]

EventInit == Init /\ event = [action |-> "Init"]

EventNext ==
    \/ \E o \in Node : \E k \in Key : \E x \in Value : WriteEvent(o, k, x)
    \/ \E o \in Node : \E k \in Key : DeleteEvent(o, k)
    \/ \E o \in Node : \E r \in copy[o][o].recs : CollectEvent(o, r.version)
    \/ \E i, j, o \in Node : StartEvent(i, j, o)
    \/ \E m \in messages : m.type = "Syn" /\ \E d \in Answers(m.dest, m.owner, m.digest) : HandleSynEvent(m.dest, m, d)
    \/ \E m \in messages : m.type = "Reply" /\ \E d \in {NoDelta} \cup DeltasFor(Merged(m.dest, m.owner, m.delta), m.digest) : HandleReplyEvent(m.dest, m, d)
    \/ \E m \in messages : HandleAckEvent(m.dest, m)
    \/ \E i, o \in Node : SuspectEvent(i, o) \/ WithdrawEvent(i, o) \/ BuryEvent(i, o) \/ ForgetEvent(i, o)
    \/ \E o \in Node : RefuteEvent(o) \/ MisleadEvent(o)
    \/ \E i \in Node : \E c \in history : HearEvent(i, c)
    \/ \E m \in messages : ReturnEvent(m.dest, m)
    \/ \E i \in Node : RecoverEvent(i) \/ RestartEvent(i)

EventSpec == EventInit /\ [][EventNext]_<<vars, event>>

(* What a state is without the record of how it was reached. *)
EventView == vars
=============================================================================
