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

InstallSnapshotEvent(i, j) ==
    InstallSnapshot(i, j) /\ event' = [action |-> "InstallSnapshot", node |-> i, peer |-> j]

CompactEvent(i) ==
    Compact(i) /\ event' = [action |-> "Compact", node |-> i]

ChangeMembershipEvent(i, proposals) ==
    \E c \in proposals :
        ChangeMembership(i, c) /\ event' = [action |-> "ChangeMembership", node |-> i, configuration |-> c]

CheckQuorumEvent(i) ==
    CheckQuorum(i) /\ event' = [action |-> "CheckQuorum", node |-> i]

TransferLeadershipEvent(i, j) ==
    TransferLeadership(i, j) /\ event' = [action |-> "TransferLeadership", node |-> i, peer |-> j]

AbortTransferEvent(i) ==
    AbortTransfer(i) /\ event' = [action |-> "AbortTransfer", node |-> i]

ReadIndexEvent(i, r) ==
    ReadIndex(i, r) /\ event' = [action |-> "ReadIndex", node |-> i, read |-> r]

LeaseReadEvent(i, r) ==
    LeaseRead(i, r) /\ event' = [action |-> "LeaseRead", node |-> i, read |-> r]

RenewLeaseEvent(i) ==
    RenewLease(i) /\ event' = [action |-> "RenewLease", node |-> i]

HandlePreVoteRequestEvent ==
    \E m \in DOMAIN messages :
        HandlePreVoteRequest(m) /\ event' = [action |-> "HandlePreVoteRequest", node |-> m.dest, message |-> m]

HandlePreVoteResponseEvent ==
    \E m \in DOMAIN messages :
        HandlePreVoteResponse(m) /\ event' = [action |-> "HandlePreVoteResponse", node |-> m.dest, message |-> m]

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

HandleInstallSnapshotRequestEvent ==
    \E m \in DOMAIN messages :
        HandleInstallSnapshotRequest(m) /\ event' = [action |-> "HandleInstallSnapshotRequest", node |-> m.dest, message |-> m]

HandleTimeoutNowEvent ==
    \E m \in DOMAIN messages :
        HandleTimeoutNow(m) /\ event' = [action |-> "HandleTimeoutNow", node |-> m.dest, message |-> m]

TickEvent(i) ==
    Tick(i) /\ event' = [action |-> "Tick", node |-> i]

DiskSyncedEvent(i) ==
    \E last \in synced[i] + 1..LastIndex(i) :
        DiskSynced(i, last) /\ event' = [action |-> "DiskSynced", node |-> i, lastIndex |-> last]

RestartEvent(i) ==
    \E last \in SurvivingIndexes(i) :
        Restart(i, last) /\ event' = [action |-> "Restart", node |-> i, lastIndex |-> last]

DuplicateMessageEvent ==
    \E m \in DOMAIN messages : DuplicateMessage(m) /\ event' = [action |-> "DuplicateMessage", message |-> m]

DropMessageEvent ==
    \E m \in DOMAIN messages : DropMessage(m) /\ event' = [action |-> "DropMessage", message |-> m]

(* The same, told which message or configuration it is about: for an oracle that knows, and need not look at all others. *)
Handler(m) == "Handle" \o m.type

ReceiveEvent(i, m) ==
    /\ m \in DOMAIN messages /\ m.dest = i
    /\ Receive(m)
    /\ event' = [action |-> Handler(m), node |-> i, message |-> m]

DuplicateEvent(m) ==
    m \in DOMAIN messages /\ DuplicateMessage(m) /\ event' = [action |-> "DuplicateMessage", message |-> m]

DropEvent(m) ==
    m \in DOMAIN messages /\ DropMessage(m) /\ event' = [action |-> "DropMessage", message |-> m]

ChangeEvent(i, c) == ChangeMembershipEvent(i, {c} \cap Successors(Config(i)))

DiskSyncedAtEvent(i, last) ==
    DiskSynced(i, last) /\ event' = [action |-> "DiskSynced", node |-> i, lastIndex |-> last]

RestartAtEvent(i, last) ==
    Restart(i, last) /\ event' = [action |-> "Restart", node |-> i, lastIndex |-> last]

-----------------------------------------------------------------------------
EventInit == Init /\ event = [action |-> "Init"]

EventNext ==
    \/ \E i \in Server : TimeoutEvent(i)
    \/ \E i \in Server, v \in Value : ClientRequestEvent(i, v)
    \/ \E i, j \in Server : AppendEntriesEvent(i, j)
    \/ \E i, j \in Server : InstallSnapshotEvent(i, j)
    \/ \E i \in Server : CompactEvent(i)
    \/ \E i \in Server : ChangeMembershipEvent(i, Successors(Config(i)))
    \/ \E i \in Server : CheckQuorumEvent(i)
    \/ \E i, j \in Server : TransferLeadershipEvent(i, j)
    \/ \E i \in Server : AbortTransferEvent(i)
    \/ \E i \in Server, r \in Read : ReadIndexEvent(i, r)
    \/ \E i \in Server, r \in Read : LeaseReadEvent(i, r)
    \/ \E i \in Server : RenewLeaseEvent(i)
    \/ HandlePreVoteRequestEvent
    \/ HandlePreVoteResponseEvent
    \/ HandleRequestVoteRequestEvent
    \/ HandleRequestVoteResponseEvent
    \/ HandleAppendEntriesRequestEvent
    \/ HandleAppendEntriesResponseEvent
    \/ HandleInstallSnapshotRequestEvent
    \/ HandleTimeoutNowEvent
    \/ \E i \in Server : TickEvent(i)
    \/ \E i \in Server : DiskSyncedEvent(i)
    \/ \E i \in Server : RestartEvent(i)
    \/ DuplicateMessageEvent
    \/ DropMessageEvent

EventSpec == EventInit /\ [][EventNext]_<<vars, event>>

(* What a state is without the record of how it was reached. *)
EventView == vars
=============================================================================
