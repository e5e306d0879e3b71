"""The replicated state machine (SMR-1): what the committed entries of a log amount to.

Theory of operation. A consensus protocol agrees on a log of commands; this machine is what they are
applied to, one after another, on every server: `apply(state, command) -> (state, answer)`. It is
pure, so that the same log gives the same state everywhere, and `snapshot(state)` the same bytes.

| command                                  | does                                                        |
|------------------------------------------|-------------------------------------------------------------|
| `Register()`                             | opens a session; the answer, `Registered`, names the client |
| `Request(client, sequence, operation)`   | carries out the operation, once, however often it comes     |
| anything else, a leader's no-op as well  | counts as applied and changes nothing                       |

| operation         | is refused if                                                                       |
|-------------------|-------------------------------------------------------------------------------------|
| `CreateCase`      | the case is there                                                                   |
| `UpdateCaseState` | there is no such case, or `TRANSITIONS` has no step from its state to the new one   |
| `ApplyPolicy`     | the version is not above the one in force                                           |
| `DeployOverlay`   | there is such an overlay, or it is not built on the latest one of its specification |
| `Custom`          | the version is not the one after that of the record                                 |

**Refusals.** `apply` answers every command in every state. One that cannot be carried out is answered
with `Refused(reason, explanation)` and changes no case, policy, overlay or record. Nothing that a
client puts into the log is fatal: a machine that stops on an entry stops on every server at once, and
stops again after every restart.

**Exactly once.** A client that hears nothing asks again, and so the log may hold a request twice. A
session remembers the number and the answer of the client's latest request (thesis, 6.3): the same
number again is answered from there, refusals included, for whoever was told no must not find it done
later. A lower number is a late copy (`ALREADY_ANSWERED`), a number that is not the next is
refused (`OUT_OF_ORDER`) and may be sent again: a client has one request in flight, or loses some of them
to refusals. The machine gives out client ids (the log index of the `Register`), none of them twice.

**What the bound on sessions costs.** There are at most `Limits.sessions_max`. A `Register` beyond them
closes the session that was used longest ago, which is the same one on every server, for use is counted in log
entries. Its client is refused from then on (`NO_SESSION`), even if it only asks again for an answer:
it cannot learn from the machine whether its last request was carried out, and has to look (is the
case there?). Nothing is ever carried out twice. A `Register` that is sent again opens a session that
nobody uses, until it is the oldest.

**Where the source document is silent.** It names the five operations and one case state, `Running`.
The other states and the steps between them are those of `TRANSITIONS`; that policies have versions
which only grow, that an overlay names the one that it is built on, and that `Custom` writes a named
record with a version, so that two writers cannot overwrite each other unseen, is decided here. Data
is text that the machine never looks into.

Limits: the number of cases, policies, overlays and records is not bounded; texts are
(`Limits.text_bytes_max`). A snapshot's checksum finds damage, not forgery.

Sources: knhk-distributed-consensus, "State Machine Replication"; "thesis" is Ongaro, "Consensus:
Bridging Theory and Practice", 2014.
"""

from impl.machine.answers import Answer, Applied, Reason, Refused, Registered
from impl.machine.core import apply
from impl.machine.operations import (
    ApplyPolicy,
    CaseState,
    Command,
    CreateCase,
    Custom,
    DeployOverlay,
    Operation,
    Register,
    Request,
    UpdateCaseState,
)
from impl.machine.ordered import OrderedMap
from impl.machine.rules import TRANSITIONS
from impl.machine.snapshot import DamagedSnapshot, restore, snapshot
from impl.machine.state import (
    Case,
    Content,
    InvalidLimits,
    Limits,
    Overlay,
    Policy,
    Record,
    Session,
    State,
    initial,
)

__all__ = [
    "TRANSITIONS",
    "Answer",
    "Applied",
    "ApplyPolicy",
    "Case",
    "CaseState",
    "Command",
    "Content",
    "CreateCase",
    "Custom",
    "DamagedSnapshot",
    "DeployOverlay",
    "InvalidLimits",
    "Limits",
    "Operation",
    "OrderedMap",
    "Overlay",
    "Policy",
    "Reason",
    "Record",
    "Refused",
    "Register",
    "Registered",
    "Request",
    "Session",
    "State",
    "UpdateCaseState",
    "apply",
    "initial",
    "restore",
    "snapshot",
]
