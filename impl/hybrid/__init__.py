"""The hybrid as a pure core: `step(node, input) -> (node, effects)`. Raft while all is calm, BFT under attack. THREAT-1 to THREAT-6.

Theory of operation. docs/hybrid.md says what it promises, and by which rules. A replica is made of parts that know nothing of
each other: PBFT (`impl.pbft`), which decides on the book, and runs in every epoch; in a Raft epoch a server of Raft
(`impl.raft`); the threat machine (`impl.threat`), which keeps the level; and the guard (`impl.guard`), which keeps proof.

| module      | is about                                                                             |
|-------------|--------------------------------------------------------------------------------------|
| `book`      | what PBFT decides on: operations, the end of a Raft epoch, the end of a BFT epoch    |
| `rules`     | A1, A2, H1, seals and what a close takes over: what safety rests on                  |
| `epochs`    | Raft epochs: acks, seals, tentative execution                                        |
| `switches`  | stops and calms, closing, opening, entering                                          |
| `suspicion` | what is noticed, and what it does to the level                                       |
| `ordering`  | PBFT's steps, and what its primary proposes                                          |
| `clients`   | requests; `client` is the other side                                                 |

| host sees                                   | input                       |
|---------------------------------------------|-----------------------------|
| a replica starts for the first time         | `first_start(config)`       |
| it came back from a crash                   | `recover(config, durable)`  |
| a message, a client's request, a proof      | `Receive(message, sender)`  |
| the election timer fired                    | `ElectionTimeout()`         |
| a heartbeat is due                          | `Heartbeat()`               |
| the view-change timer fired                 | `ViewTimeout()`             |
| time to say it all again                    | `Retransmit()`              |
| the clock ticked                            | `Tick()`                    |

The API of the source document (THREAT-6): `propose_with_threat_detection` hands a client's request in, `current_protocol` and
`threat_level` say what they are named after; `client.Client` finds out what came of a request.

Sources: Guerraoui, Knezevic, Quema and Vukolic, "The Next 700 BFT Protocols", EuroSys 2010 (one protocol aborts, with what it
did, and another begins with that); Castro and Liskov, OSDI 1999, 5.1 (tentative execution); Ongaro and Ousterhout 2014.
"""

from impl.common.errors import InvalidConfig
from impl.hybrid.book import Book, Session
from impl.hybrid.client import Believed, Client, ask, ask_again, hear
from impl.hybrid.configuration import Config
from impl.hybrid.core import first_start, recover, step
from impl.hybrid.effects import (
    Audit,
    Effect,
    EpochBegan,
    Executed,
    LevelChanged,
    Persist,
    Refused,
    ResetElectionTimer,
    ResetViewTimer,
    Send,
    StopElectionTimer,
    StoppedEpoch,
    StopViewTimer,
)
from impl.hybrid.inputs import (
    ElectionTimeout,
    Heartbeat,
    Input,
    Receive,
    Retransmit,
    Tick,
    ViewTimeout,
)
from impl.hybrid.messages import (
    Ack,
    Answer,
    Calm,
    Carried,
    Exposure,
    Link,
    Message,
    Reason,
    Score,
    Seal,
    Stop,
    Stopped,
)
from impl.hybrid.metrics import Health, current_protocol, exposition, health, threat_level
from impl.hybrid.signing import is_signed, signed
from impl.hybrid.state import Durable, Node, RaftEpoch, Waiting
from impl.pbft.messages import Request

__all__ = [
    "Ack",
    "Answer",
    "Audit",
    "Believed",
    "Book",
    "Calm",
    "Carried",
    "Client",
    "Config",
    "Durable",
    "Effect",
    "ElectionTimeout",
    "EpochBegan",
    "Executed",
    "Exposure",
    "Health",
    "Heartbeat",
    "Input",
    "InvalidConfig",
    "LevelChanged",
    "Link",
    "Message",
    "Node",
    "Persist",
    "RaftEpoch",
    "Reason",
    "Receive",
    "Refused",
    "ResetElectionTimer",
    "ResetViewTimer",
    "Retransmit",
    "Score",
    "Seal",
    "Send",
    "Session",
    "Stop",
    "StopElectionTimer",
    "StopViewTimer",
    "Stopped",
    "StoppedEpoch",
    "Tick",
    "ViewTimeout",
    "Waiting",
    "ask",
    "ask_again",
    "current_protocol",
    "exposition",
    "first_start",
    "health",
    "hear",
    "is_signed",
    "propose_with_threat_detection",
    "recover",
    "signed",
    "step",
    "threat_level",
]


def propose_with_threat_detection(node: Node, request: Request) -> tuple[Node, tuple[Effect, ...]]:
    """A client's request comes to a replica, whatever protocol serves at the moment (THREAT-6)."""
    return step(node, Receive(request))
