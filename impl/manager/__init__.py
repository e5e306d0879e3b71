"""The consensus manager: routes operations to protocols, and degrades when one does not work. MANAGER-1, -2.

Theory of operation. A `Manager` is a value: a policy, and an engine for each protocol that runs here. An
`Engine` represents the core of a protocol at one moment. Submitting an operation returns which input to hand
to which engine's core; the host does so, and reports the engine's new state by `update`.

**Routes.** A2 (adr-002, Protocol Selection Matrix and Decision) routes by operation, A102 (adr-102, Message
Types) by message. Both are data, `OPERATIONS` and `MESSAGES`; anything in neither goes to gossip, as A2 has
it. A near miss of an entry is refused: `Model Update` must not be gossiped because of a capital letter.

| operation (A2)                  | message (A102)                     | engine | guarantee                 |
|---------------------------------|------------------------------------|--------|---------------------------|
| model update, security decision |                                    | PBFT   | strong, f < n/3 Byzantine |
| leader election,                | feature activation,                | Raft   | strong, f < n/2 crashed   |
| task coordination               | dependency check, safe zone update |        |                           |
| status update, metrics,         | Q-table sync, health heartbeat,    | gossip | eventual                  |
| anything else                   | pattern broadcast                  |        |                           |

Where the policy says so (`Policy.bft`), HotStuff takes the place of PBFT, and what is said of PBFT here holds
for it. Neither stands in for the other.

**Degradation.** An engine with a stronger guarantee may stand in for an unwell one, if the policy says so; a
weaker engine never may, and no policy can allow it.

| for    | may stand in, if agreed | never        | without                                                  |
|--------|-------------------------|--------------|----------------------------------------------------------|
| PBFT   | nothing                 | Raft, gossip | refused: critical operations wait until PBFT works again |
| Raft   | PBFT                    | gossip       | refused                                                  |
| gossip | Raft, PBFT              |              | refused                                                  |

The cluster must agree on a stand-in for Raft: the policy is the same everywhere, because what PBFT orders
meanwhile has no place in Raft's log. An operation stays with the engine that it was handed to; submitting it
again elsewhere may execute it twice. A Raft server that follows is not unwell: the operation is for another
server. A missing engine is a configuration mistake, and has no stand-in.

**In operation** a `Service` starts, drains and stops engines, counts what becomes of operations, and says of
each engine how it is and who serves in its place (`impl.manager.service`). What keeps decisions of Raft and
state that gossip spreads in step is in `impl.manager.barrier`.
"""

from impl.manager.core import Manager, Policy, Submission
from impl.manager.engines import Engine, GossipEngine, Health, HotStuffEngine, PbftEngine, RaftEngine, State
from impl.manager.errors import (
    BadEngine,
    BadOperation,
    EngineMissing,
    EngineUnavailable,
    ManagerError,
    NotHere,
    UnknownTicket,
    UnsafePolicy,
)
from impl.manager.operations import (
    DEFAULT,
    GUARANTEES,
    MESSAGES,
    OPERATIONS,
    Consistency,
    EngineName,
    Guarantee,
    Operation,
    route,
)
from impl.manager.service import EngineStatus, Metrics, Phase, Result, Service, Ticket

__all__ = [
    "DEFAULT",
    "GUARANTEES",
    "MESSAGES",
    "OPERATIONS",
    "BadEngine",
    "BadOperation",
    "Consistency",
    "Engine",
    "EngineMissing",
    "EngineName",
    "EngineStatus",
    "EngineUnavailable",
    "GossipEngine",
    "Guarantee",
    "Health",
    "HotStuffEngine",
    "Manager",
    "ManagerError",
    "Metrics",
    "NotHere",
    "Operation",
    "PbftEngine",
    "Phase",
    "Policy",
    "RaftEngine",
    "Result",
    "Service",
    "State",
    "Submission",
    "Ticket",
    "UnknownTicket",
    "UnsafePolicy",
    "route",
]
