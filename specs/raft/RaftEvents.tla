----------------------------- MODULE RaftEvents -----------------------------
(***************************************************************************)
(* Raft, with a record of which step was taken.  `event` is the last       *)
(* action and its arguments; nothing depends on it, and configurations     *)
(* hide it with VIEW, so that the states are those of Raft.  Replay, the   *)
(* oracle and the viewer read it.                                          *)
(***************************************************************************)
EXTENDS Raft

VARIABLE event   \* [action, and its arguments by name]

TimeoutEvent(i) ==
    Timeout(i) /\ event' = [action |-> "Timeout", node |-> i]

ClientRequestEvent(i, v) ==
    ClientRequest(i, v) /\ event' = [action |-> "ClientRequest", node |-> i, value |-> v]

AppendEntriesEvent(i, j) ==
    AppendEntries(i, j) /\ event' = [action |-> "AppendEntries", node |-> i, peer |-> j]

HandleRequestVoteRequestEvent ==
    \E m \in DOMAIN messages :
        HandleRequestVoteRequest(m) /\ event' = [action |-> "HandleRequestVoteRequest", node |-> m.dest, message |-> m]

HandleRequestVoteResponseEvent ==
    \E m \in DOMAIN messages :
        HandleRequestVoteResponse(m) /\ event' = [action |-> "HandleRequestVoteResponse", node |-> m.dest, message |-> m]

HandleAppendEntriesRequestEvent ==
    \E m \in DOMAIN messages :
        HandleAppendEntriesRequest(m) /\ event' = [action |-> "HandleAppendEntriesRequest", node |-> m.dest, message |-> m]

HandleAppendEntriesResponseEvent ==
    \E m \in DOMAIN messages :
        HandleAppendEntriesResponse(m) /\ event' = [action |-> "HandleAppendEntriesResponse", node |-> m.dest, message |-> m]

RestartEvent(i) ==
    Restart(i) /\ event' = [action |-> "Restart", node |-> i]

DuplicateMessageEvent ==
    \E m \in DOMAIN messages : DuplicateMessage(m) /\ event' = [action |-> "DuplicateMessage", message |-> m]

DropMessageEvent ==
    \E m \in DOMAIN messages : DropMessage(m) /\ event' = [action |-> "DropMessage", message |-> m]

-----------------------------------------------------------------------------
EventInit == Init /\ event = [action |-> "Init"]

EventNext ==
    \/ \E i \in Server : TimeoutEvent(i)
    \/ \E i \in Server, v \in Value : ClientRequestEvent(i, v)
    \/ \E i, j \in Server : AppendEntriesEvent(i, j)
    \/ HandleRequestVoteRequestEvent
    \/ HandleRequestVoteResponseEvent
    \/ HandleAppendEntriesRequestEvent
    \/ HandleAppendEntriesResponseEvent
    \/ \E i \in Server : RestartEvent(i)
    \/ DuplicateMessageEvent
    \/ DropMessageEvent

EventSpec == EventInit /\ [][EventNext]_<<vars, event>>

(* What a state is without the record of how it was reached. *)
EventView == vars
=============================================================================
