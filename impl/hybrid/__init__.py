"""The hybrid of Raft and BFT as a pure core: `step(node, input) -> (node, effects)`. THREAT-1 to THREAT-6.

Raft runs in normal operation, BFT under attack.

Theory of operation. docs/hybrid.md states the guarantees and the rules behind them. A replica consists of
parts that know nothing of each other: a BFT protocol, PBFT or HotStuff (`impl.hybrid.engines`), which
replicates the control state machine, and runs in every epoch; in a Raft epoch a Raft server (`impl.raft`);
the threat machine (`impl.threat`), which keeps the level; and the guard (`impl.guard`), which keeps proof.

| module       | is about                                                                              |
|--------------|---------------------------------------------------------------------------------------|
| `control`    | the control state machine: operations, the end of a Raft epoch, the end of a BFT epoch |
| `rules`      | A1, A2, H1, QCs and what an epoch-end command takes over: the basis of safety          |
| `epochs`     | Raft epochs: votes, QCs, locks, tentative execution                                    |
| `log_prefix` | log prefixes and their digests                                                         |
| `switches`   | aborts, switch-back votes, epoch-end and epoch-start commands, entering an epoch       |
| `suspicion`  | observations, and their effect on the level                                            |
| `engines`    | what the hybrid needs of its BFT protocol; PBFT and HotStuff behind it                 |
| `ordering`   | steps of the BFT protocol, and the commands that a replica submits                      |
| `clients`    | requests; `client` is the client's side                                                |

| event                                       | input                       |
|---------------------------------------------|-----------------------------|
| a replica starts for the first time         | `first_start(config)`       |
| it recovers from a crash                    | `recover(config, durable)`  |
| a message, a client's request, a proof      | `Receive(message, sender)`  |
| the election timer fired                    | `ElectionTimeout()`         |
| a heartbeat is due                          | `Heartbeat()`               |
| the view timer fired                        | `ViewTimeout()`             |
| the retransmission timer fired              | `Retransmit()`              |
| the clock ticked                            | `Tick()`                    |

The API of the source document (THREAT-6): `propose_with_threat_detection` submits a client's request,
`current_protocol` and `threat_level` return what their names say; `client.Client` determines the result of a
request.

Sources: Guerraoui, Knezevic, Quema and Vukolic, "The Next 700 BFT Protocols", EuroSys 2010 (an instance
aborts with an abort history, which initialises the next one); Castro and Liskov, OSDI 1999, 5.1 (tentative
execution); Ongaro and Ousterhout 2014.
"""

from impl.common.errors import InvalidConfig
from impl.common.requests import Request
from impl.hybrid.client import Accepted, Client, ask, ask_again, hear
from impl.hybrid.configuration import Config
from impl.hybrid.control import ControlState, Session
from impl.hybrid.core import first_start, recover, step
from impl.hybrid.effects import (
    Audit,
    Effect,
    EpochAborted,
    EpochBegan,
    Executed,
    LevelChanged,
    Persist,
    Refused,
    ResetElectionTimer,
    ResetViewTimer,
    Send,
    StopElectionTimer,
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
    Abort,
    AbortHistory,
    Answer,
    Envelope,
    Equivocation,
    LogEntry,
    Message,
    QuorumCertificate,
    Reason,
    Score,
    SwitchbackVote,
    Vote,
)
from impl.hybrid.metrics import Health, current_protocol, exposition, health, threat_level
from impl.hybrid.signing import is_signed, signed
from impl.hybrid.state import Durable, Node, RaftEpoch, Waiting

__all__ = [
    "Abort",
    "AbortHistory",
    "Accepted",
    "Answer",
    "Audit",
    "Client",
    "Config",
    "ControlState",
    "Durable",
    "Effect",
    "ElectionTimeout",
    "Envelope",
    "EpochAborted",
    "EpochBegan",
    "Equivocation",
    "Executed",
    "Health",
    "Heartbeat",
    "Input",
    "InvalidConfig",
    "LevelChanged",
    "LogEntry",
    "Message",
    "Node",
    "Persist",
    "QuorumCertificate",
    "RaftEpoch",
    "Reason",
    "Receive",
    "Refused",
    "ResetElectionTimer",
    "ResetViewTimer",
    "Retransmit",
    "Score",
    "Send",
    "Session",
    "StopElectionTimer",
    "StopViewTimer",
    "SwitchbackVote",
    "Tick",
    "ViewTimeout",
    "Vote",
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
    """Submit a client's request to a replica, whatever protocol serves at the moment (THREAT-6)."""
    return step(node, Receive(request))
