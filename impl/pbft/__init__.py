"""PBFT as a pure core: `step(node, input) -> (node, effects)`.

Theory of operation. A `Node` is the whole of one replica: its `Config`, its `Durable` state, which is what
the variables of the spec say of it, and what it heard but has not counted yet, which a crash may lose. The
host owns the world: it fires the timer, carries messages, writes the disk, makes batches of what waits. It
hands the core one input at a time and carries out the effects *in their order*; a `Persist` comes before any
`Send` that relies on it, and must be on disk first: a replica that forgets what it said may contradict it.

| host sees                            | input                 | actions in specs/pbft/Pbft.tla                |
|--------------------------------------|-----------------------|-----------------------------------------------|
| a replica starts for the first time  | `first_start(config)` | `Init`                                        |
| a replica came back from a crash     | `recover(config, disk)` | none: it was slow                           |
| requests wait and it is the primary  | `Propose(batch)`      | `Propose(i, b)`                               |
| a proposal arrived                   | `Receive(PrePrepare)` | `AcceptPrePrepare(i, j, n, b)`                |
| a prepare arrived                    | `Receive(Prepare)`    | `CollectPrepares(i, n, b)` at the last needed |
| a commit arrived                     | `Receive(Commit)`     | `CollectCommits(i, n, b)` at the last needed  |
| a checkpoint arrived                 | `Receive(Checkpoint)` | `CollectCheckpoints(i, n, s)` at the last needed |
| a state arrived that it asked for    | `Receive(StateResponse)` | `TransferState(i)`, perhaps after `CollectCheckpoints` |
| the timer fired                      | `Timeout()`           | `Timeout(i)`                                  |
| a view change arrived                | `Receive(ViewChange)` | `JoinViewChange(i, v)` or, perhaps its own, `NewView(i, V)` at the last needed |
| a new view arrived                   | `Receive(NewView)`    | `EnterNewView(i, m)`                          |
| a request or a question for a state arrived | `Receive(Request)`, `Receive(StateRequest)` | none           |
| time to say it all again             | `Retransmit()`        | none: the network of the spec forgets nothing |
| a unit of time has passed, if clients are limited | `Tick()`  | none: whatever clients ask for is possible    |

A message that comes before it is needed is kept, so that one input may complete several actions in a row, a
proposal for which all votes are there: `AcceptPrePrepare`, `CollectPrepares`, `CollectCommits` and, if that
was the last checkpoint needed, `CollectCheckpoints`. Their effects come in this order.

Whatever arrives is checked in `validation` (its shape by `shapes`, what it proves by `proofs`) before a
handler sees it; what is not taken is `Refused`, with the kind of reason, and changes nothing. `rules` is what
safety rests on, by the names of the spec; `normal`, `execution`, `checkpoints`, `view_changes` and `clients`
handle inputs, `voting` is the log of what is not counted yet, `limits` says how often a client may ask, `timers`
when to lose patience, `retransmission` repeats, `core` puts them together. `impl.common` makes bytes of messages
and signs them; `impl.pbft.metrics`, which the core does not need, tells an operator how a replica is.

Sources: "paper" is Castro and Liskov, "Practical Byzantine Fault Tolerance", OSDI 1999; "TOCS" is the same
authors' "Practical Byzantine Fault Tolerance and Proactive Recovery", TOCS 2002.
"""

from impl.common.encoding import Digest, NotCanonical, Value, digest, encode
from impl.common.errors import InvalidConfig
from impl.common.identities import ClientId, NodeId
from impl.common.keys import Keys, SymbolicKeys, is_signed_by, signed
from impl.pbft.configuration import Config
from impl.pbft.core import first_start, recover, step
from impl.pbft.effects import (
    Diverged,
    Effect,
    EnteredView,
    Executed,
    Persist,
    Refused,
    ResetTimer,
    Send,
    StopTimer,
    Transferred,
    Why,
)
from impl.pbft.inputs import Input, Propose, Receive, Retransmit, Tick, Timeout
from impl.pbft.limits import RateLimit
from impl.pbft.messages import (
    NULL_BATCH,
    Answered,
    Batch,
    Checkpoint,
    CheckpointCertificate,
    Commit,
    Message,
    NewView,
    Prepare,
    PreparedCertificate,
    PrePrepare,
    Reply,
    Request,
    State,
    StateRequest,
    StateResponse,
    ViewChange,
)
from impl.pbft.service import LEDGER, Ledger, Service
from impl.pbft.state import Durable, Node, Votes
from impl.pbft.timers import is_waiting

__all__ = [
    "LEDGER",
    "NULL_BATCH",
    "Answered",
    "Batch",
    "Checkpoint",
    "CheckpointCertificate",
    "ClientId",
    "Commit",
    "Config",
    "Digest",
    "Diverged",
    "Durable",
    "Effect",
    "EnteredView",
    "Executed",
    "Input",
    "InvalidConfig",
    "Keys",
    "Ledger",
    "Message",
    "NewView",
    "Node",
    "NodeId",
    "NotCanonical",
    "Persist",
    "PrePrepare",
    "Prepare",
    "PreparedCertificate",
    "Propose",
    "RateLimit",
    "Receive",
    "Refused",
    "Reply",
    "Request",
    "ResetTimer",
    "Retransmit",
    "Send",
    "Service",
    "State",
    "StateRequest",
    "StateResponse",
    "StopTimer",
    "SymbolicKeys",
    "Tick",
    "Timeout",
    "Transferred",
    "Value",
    "ViewChange",
    "Votes",
    "Why",
    "digest",
    "encode",
    "first_start",
    "is_signed_by",
    "is_waiting",
    "recover",
    "signed",
    "step",
]
