"""The consistency barrier as a pure core: `step(node, input) -> (node, effects)`. MANAGER-3.

Theory of operation. Raft decides some things, gossip spreads others, and whoever acts on both may see them
out of order: a record that rests on a decision arrives before the decision, or one that is older after it.
A node keeps the records that gossip brings (`Heard`), and what Raft has decided as far as it has applied it;
it acts and decides by five rules, specified in specs/barrier/Barrier.tla:

* **A record carries the index** of the last decision that its owner had applied. A node that is behind it
  fetches before it acts (`rules.has_applied`).
* **Fences make records old.** A `Fence` is a decision; who has applied it acts on no record that rests on
  less (`rules.is_fresh`), and owners renew theirs as they apply it.
* **Decisions name the versions that they read.** A replica refuses a `Decision` if the log knows its owner
  in a later version by then (`rules.may_take`); all replicas do so alike: they look at the log only.
* **A node that comes back** has forgotten what it had applied. It asks how long the log is, by a
  linearizable read of Raft, and acts only after it has applied so much (`rules.is_ready`).
* **A barrier** is passed when all those concerned acknowledged that they have applied its fence, none of
  them in an earlier life than the one that the coordinator knows of. At its time-out its result is
  `Result.UNKNOWN`, never passed.

Reconciliation goes by comparison, not by events: at each `Compare` a coordinator proposes to decide on every
owner whose record is later than what the log knows. So a lost proposal is made again, and when nothing
differs nothing is proposed.

The host hands in records from gossip and decisions from Raft, and carries messages. `Spread` is a write of
the node's own gossip record; `ToCoordinator` goes to a coordinator, where Raft answers `Ask` by ReadIndex.

| module                          | contents                                              |
|---------------------------------|-------------------------------------------------------|
| `records`                       | records, decisions, what the log knows                |
| `messages`, `inputs`, `effects` | the types                                             |
| `rules`                         | the rules on which safety rests, named as in the spec |
| `node`                          | the state of a node                                   |
| `core`                          | one step                                              |
"""

from impl.manager.barrier.core import first_start, restart, step
from impl.manager.barrier.effects import (
    Acted,
    Effect,
    Ended,
    Opened,
    Propose,
    Refused,
    Result,
    Send,
    Spread,
    ToCoordinator,
)
from impl.manager.barrier.inputs import (
    ActOn,
    Committed,
    Compare,
    Expire,
    Heard,
    Input,
    Open,
    Receive,
    Tick,
    Write,
)
from impl.manager.barrier.messages import Ack, Ask, Fetch, Message, Probe, Update, Welcome
from impl.manager.barrier.node import Barrier, Config, Node
from impl.manager.barrier.records import UNKNOWN, Decision, Entry, Fence, Known, Record

__all__ = [
    "UNKNOWN",
    "Ack",
    "ActOn",
    "Acted",
    "Ask",
    "Barrier",
    "Committed",
    "Compare",
    "Config",
    "Decision",
    "Effect",
    "Ended",
    "Entry",
    "Expire",
    "Fence",
    "Fetch",
    "Heard",
    "Input",
    "Known",
    "Message",
    "Node",
    "Open",
    "Opened",
    "Probe",
    "Propose",
    "Receive",
    "Record",
    "Refused",
    "Result",
    "Send",
    "Spread",
    "Tick",
    "ToCoordinator",
    "Update",
    "Welcome",
    "Write",
    "first_start",
    "restart",
    "step",
]
