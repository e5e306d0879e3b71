"""PBFT as a pure core: `step(node, input) -> (node, effects)`.

Theory of operation. A `Node` is the whole of one replica: its `Config`, its `Durable` state, which holds the
variables of the spec, and the messages received but not yet counted, which a crash may lose. The host fires
the timer, carries messages, writes the disk, and batches waiting requests. It hands the core one input at a
time and carries out the effects *in their order*; a `Persist` comes before any `Send` that relies on it, and
must be on disk first: a replica that forgets what it sent may contradict it.

| host sees                       | input                    | actions in specs/pbft/Pbft.tla                |
|---------------------------------|--------------------------|-----------------------------------------------|
| a new replica starts            | `first_start(config)`    | `Init`                                        |
| a replica recovers from a crash | `recover(config, disk)`  | none: it was slow                             |
| requests wait at the primary    | `Propose(batch)`         | `Propose(i, b)`                               |
| a proposal arrived              | `Receive(PrePrepare)`    | `AcceptPrePrepare(i, j, n, b)`                |
| a prepare arrived               | `Receive(Prepare)`       | `CollectPrepares(i, n, b)` at the last needed |
| a commit arrived                | `Receive(Commit)`        | `CollectCommits(i, n, b)` at the last needed  |
| a checkpoint arrived            | `Receive(Checkpoint)`    | `CollectCheckpoints(i, n, s)`,                |
|                                 |                          | at the last needed                            |
| a requested state arrived       | `Receive(StateResponse)` | `TransferState(i)`,                           |
|                                 |                          | perhaps after `CollectCheckpoints`            |
| the timer fired                 | `Timeout()`              | `Timeout(i)`                                  |
| a view change arrived           | `Receive(ViewChange)`    | `JoinViewChange(i, v)`; or, perhaps its own,  |
|                                 |                          | `NewView(i, V)`, at the last needed           |
| a new view arrived              | `Receive(NewView)`       | `EnterNewView(i, m)`                          |
| a client's request arrived      | `Receive(Request)`       | none                                          |
| a replica asks for a state      | `Receive(StateRequest)`  | none                                          |
| the retransmission timer fired  | `Retransmit()`           | none: the spec's network forgets nothing      |
| a tick of the rate limit passed | `Tick()`                 | none: the spec allows any request             |

A message that comes before it is needed is kept. So one input may complete several actions in a row, such as
a proposal whose votes are all there: `AcceptPrePrepare`, `CollectPrepares`, `CollectCommits` and, if that was
the last checkpoint needed, `CollectCheckpoints`. Their effects come in this order.

`validation` checks every message (its shape by `shapes`, its proofs by `proofs`) before a handler sees it; a
rejected one is `Refused`, with the kind of reason, and changes nothing. `rules` holds the rules on which
safety rests, named as in the spec; `normal`, `execution`, `checkpoints`, `view_changes` and `clients` handle
inputs, `voting` is the log of messages not yet counted, `limits` bounds how often a client may ask, `timers`
decides when to change views, `retransmission` repeats messages, and `core` combines them. `impl.common`
encodes and signs messages; `impl.pbft.metrics`, which the core does not need, reports a replica's condition
to an operator.

Sources: "paper" is Castro and Liskov, "Practical Byzantine Fault Tolerance", OSDI 1999; "TOCS" is the same
authors' "Practical Byzantine Fault Tolerance and Proactive Recovery", TOCS 2002.
"""

from impl.common.encoding import Digest, NotCanonical, Value, digest, encode
from impl.common.errors import InvalidConfig
from impl.common.identities import ClientId, NodeId
from impl.common.keys import Keys, SymbolicKeys, is_signed_by, signed
from impl.common.requests import Batch, Reply, Request
from impl.common.service import LEDGER, Answered, Ledger, Service, State
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
    Checkpoint,
    CheckpointCertificate,
    Commit,
    Message,
    NewView,
    Prepare,
    PreparedCertificate,
    PrePrepare,
    StateRequest,
    StateResponse,
    ViewChange,
)
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
