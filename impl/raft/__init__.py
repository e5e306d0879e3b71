"""Raft as a pure core: `step(node, input) -> (node, effects)`.

Theory of operation. A `Node` is the whole of one server: its `Config` (the founding members, and which parts
of the protocol are on), its `Durable` state (what a crash must not lose) and its volatile state (commit index
and role). The host fires timers, carries messages, writes disks and runs the state machine. It hands the core
one input at a time and carries out the effects *in their order*; a `Persist` comes before any `Send` that
relies on it, and must be on disk first (paper, Figure 2: "updated on stable storage before responding to
RPCs").

| host sees                          | input                             | action in specs/raft/Raft.tla |
|------------------------------------|-----------------------------------|-------------------------------|
| a server starts for the first time | `first_start(config)`             | `Init`                        |
| a server came back from a crash    | `recover(config, disk)`           | `Restart(i, lastIndex)`       |
| the election timer fired           | `Timeout()`                       | `Timeout(i)`                  |
| a client submitted a value         | `ClientRequest(value)`            | `ClientRequest(i, v)`         |
| time to send to a member           | `AppendEntries(peer)`             | `AppendEntries(i, j)`         |
|                                    |                                   | or `InstallSnapshot(i, j)`    |
| the log grew long                  | `Compact(state)`                  | `Compact(i)`                  |
| an operator changes the membership | `ChangeMembership(configuration)` | `ChangeMembership(i, c)`      |
| an election timeout of a leader    | `CheckQuorum()`                   | `CheckQuorum(i)`              |
| an operator moves the leadership   | `TransferLeadership(peer)`        | `TransferLeadership(i, j)`    |
| nobody took over in time           | `AbortTransfer()`                 | `AbortTransfer(i)`            |
| a client reads, by a quorum        | `ReadIndex(read)`                 | `ReadIndex(i, r)`             |
| a client reads, by the clock       | `LeaseRead(read)`                 | `LeaseRead(i, r)`             |
| time for a new lease               | `RenewLease()`                    | `RenewLease(i)`               |
| the clock ticked                   | `Tick()`                          | `Tick(i)`                     |
| the disk finished a write          | `DiskSynced(index)`               | `DiskSynced(i, last)`         |
| a message arrived                  | `Receive(message)`                | `Handle...(m)`                |

Each input is handled in a module of its own topic: `elections`, `replication`, `snapshots`, `membership`,
`reads`; `leading` ends each step of a leader, and `rules` holds the rules on which safety rests.

Sources: "paper" is Ongaro and Ousterhout, "In Search of an Understandable Consensus Algorithm", the extended
version of their paper at USENIX ATC 2014; "thesis" is Ongaro, "Consensus: Bridging Theory and Practice",
2014.
"""

from impl.common import Refused
from impl.common.errors import InvalidConfig
from impl.common.identities import NodeId
from impl.raft.configuration import Configuration
from impl.raft.core import first_start, recover, step
from impl.raft.effects import (
    Apply,
    BecameLeader,
    Effect,
    Persist,
    ReadFailed,
    ReadReady,
    ResetElectionTimer,
    Restore,
    Send,
    SteppedDown,
    Write,
)
from impl.raft.inputs import (
    AbortTransfer,
    AppendEntries,
    ChangeMembership,
    CheckQuorum,
    ClientRequest,
    Compact,
    DiskSynced,
    Input,
    LeaseRead,
    ReadIndex,
    Receive,
    RenewLease,
    Tick,
    Timeout,
    TransferLeadership,
)
from impl.raft.log import NOOP, Entry, NoOp, Snapshot
from impl.raft.messages import (
    NO_CONFLICT,
    AppendEntriesRequest,
    AppendEntriesResponse,
    ConflictHint,
    InstallSnapshotRequest,
    Message,
    PreVoteRequest,
    PreVoteResponse,
    RequestVoteRequest,
    RequestVoteResponse,
    TimeoutNow,
)
from impl.raft.sizes import SizeLimits
from impl.raft.state import (
    NO_LEASE,
    Candidate,
    Config,
    Durable,
    Follower,
    Leader,
    Lease,
    MisroutedInput,
    Node,
    PendingRead,
    PreCandidate,
    Progress,
    Role,
)

__all__ = [
    "NOOP",
    "NO_CONFLICT",
    "NO_LEASE",
    "AbortTransfer",
    "AppendEntries",
    "AppendEntriesRequest",
    "AppendEntriesResponse",
    "Apply",
    "BecameLeader",
    "Candidate",
    "ChangeMembership",
    "CheckQuorum",
    "ClientRequest",
    "Compact",
    "Config",
    "Configuration",
    "ConflictHint",
    "DiskSynced",
    "Durable",
    "Effect",
    "Entry",
    "Follower",
    "Input",
    "InstallSnapshotRequest",
    "InvalidConfig",
    "Leader",
    "Lease",
    "LeaseRead",
    "Message",
    "MisroutedInput",
    "NoOp",
    "Node",
    "NodeId",
    "PendingRead",
    "Persist",
    "PreCandidate",
    "PreVoteRequest",
    "PreVoteResponse",
    "Progress",
    "ReadFailed",
    "ReadIndex",
    "ReadReady",
    "Receive",
    "Refused",
    "RenewLease",
    "RequestVoteRequest",
    "RequestVoteResponse",
    "ResetElectionTimer",
    "Restore",
    "Role",
    "Send",
    "SizeLimits",
    "Snapshot",
    "SteppedDown",
    "Tick",
    "Timeout",
    "TimeoutNow",
    "TransferLeadership",
    "Write",
    "first_start",
    "recover",
    "step",
]
