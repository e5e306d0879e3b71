"""Raft as a pure core: `step(node, input) -> (node, effects)`.

Theory of operation. A `Node` is the whole of one server: its `Config` (who is in the cluster), its
`Durable` state (what a crash must not lose) and its volatile state (commit index and role). The
host owns the world: it fires timers, carries messages and writes disks. It hands the core one
input at a time and carries out the effects *in their order*; a `Persist` comes before any `Send`
that relies on it, and must be on disk first (paper, Figure 2: "updated on stable storage before
responding to RPCs").

| host sees                         | input                   | action in specs/raft/Raft.tla |
|-----------------------------------|-------------------------|-------------------------------|
| the election timer fired          | `Timeout()`             | `Timeout(i)`                  |
| time to send to a peer            | `AppendEntries(peer)`   | `AppendEntries(i, j)`         |
| a client submitted a value        | `ClientRequest(value)`  | `ClientRequest(i, v)`         |
| a message arrived                 | `Receive(message)`      | `Handle...(m)`                |
| the server came back from a crash | `recover(config, disk)` | `Restart(i)`                  |

Sources: "paper" is Ongaro and Ousterhout, "In Search of an Understandable Consensus Algorithm",
USENIX ATC 2014; "thesis" is Ongaro, "Consensus: Bridging Theory and Practice", 2014.
"""

from impl.raft.core import recover, step
from impl.raft.effects import Apply, BecameLeader, Effect, NotLeader, Persist, ResetElectionTimer, Send
from impl.raft.inputs import AppendEntries, ClientRequest, Input, Receive, Timeout
from impl.raft.messages import (
    AppendEntriesRequest,
    AppendEntriesResponse,
    Message,
    RequestVoteRequest,
    RequestVoteResponse,
)
from impl.raft.state import (
    NOOP,
    Candidate,
    Config,
    Durable,
    Entry,
    Follower,
    InvalidConfig,
    Leader,
    MisroutedInput,
    Node,
    NoOp,
    Progress,
    Role,
)

__all__ = [
    "NOOP",
    "AppendEntries",
    "AppendEntriesRequest",
    "AppendEntriesResponse",
    "Apply",
    "BecameLeader",
    "Candidate",
    "ClientRequest",
    "Config",
    "Durable",
    "Effect",
    "Entry",
    "Follower",
    "Input",
    "InvalidConfig",
    "Leader",
    "Message",
    "MisroutedInput",
    "NoOp",
    "Node",
    "NotLeader",
    "Persist",
    "Progress",
    "Receive",
    "RequestVoteRequest",
    "RequestVoteResponse",
    "ResetElectionTimer",
    "Role",
    "Send",
    "Timeout",
    "recover",
    "step",
]
