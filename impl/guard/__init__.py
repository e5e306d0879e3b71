"""The Byzantine guard as a pure core: `step(guard, input) -> (guard, effects)`. PBFT-7.

Theory of operation. A guard stands beside one replica of `impl.pbft`. It observes what that replica refuses,
what others report, and who is late or helpful; it decides whom the replica no longer listens to, and keeps an
audit trail. It distinguishes two things (the accuracy and the two kinds of verdict of PeerReview):

* **Proof** consists of messages that the accused itself signed and that no correct replica signs. It stands
  by itself: anybody with the public keys can `verify` it, and need not trust its bearer. Only proof leads to
  quarantine. `impl.guard.evidence` defines what counts as proof, and why a correct replica never signs it.
* **Suspicion** is anything else: a forged signature, which anybody may have made; a late answer, which the
  network may have delayed. It lowers a score and has no other effect (`impl.guard.reputation`).

| host sees                                    | input                           |
|----------------------------------------------|---------------------------------|
| its replica refused something                | `Observed(refused, sender)`     |
| another guard, or anybody, sent evidence     | `Reported(evidence, reporter)`  |
| a batch was executed, with the help of these | `Progressed(seq, participants)` |
| a replica answers later than it should       | `Late(replica, by_ms)`          |
| an operator has looked into it               | `Release(replica, reason)`      |

Some faults show only across messages: `search` in `impl.guard.forensics` compares many of them, and
`impl.guard.exchange` converts what it finds to JSON. `impl.guard.trail` states what its hash chain proves.

**Quarantine is loss of messages.** The host asks `is_heard` before it hands a message to its replica; n and
the quorum size stay as they are. PBFT is safe whatever messages are lost, so no mistake of a guard can make
it unsafe. Every quarantined replica is Byzantine, so the n - f correct ones still hear each other and form a
quorum (`models.guard`). A smaller quorum would be safe only if no guard were ever wrong. Statements *inside*
the messages of others still count: a new view with the view change of a quarantined replica is as good as
before.

**At most f are quarantined.** Proof against one more breaks the assumption on which all else rests: the guard
raises an `Alarm`, and quarantines no more, which would cost the quorum as well.

**Nobody speaks for others.** Each guard's scores are its own and are not gossiped; only proof is, by
`Gossip`. Guards that receive the same proof quarantine the same replicas.

Sources: Haeberlen, Kouznetsov and Druschel, "PeerReview: Practical Accountability for Distributed Systems",
SOSP 2007; Sheng et al., "BFT Protocol Forensics", CCS 2021; Haber and Stornetta, "How to Time-Stamp a Digital
Document", 1991 (the hash chain); Castro and Liskov, OSDI 1999, for what a correct replica signs.
"""

from impl.common.results import Refused
from impl.guard.core import first_start, recover, step
from impl.guard.effects import Alarm, Append, Effect, Gossip, Quarantined, Released
from impl.guard.evidence import Evidence, Offence, evidence_of, offence, verify
from impl.guard.exchange import NotEvidence, from_json, to_json
from impl.guard.forensics import held_by, search
from impl.guard.inputs import Input, Late, Observed, Progressed, Release, Reported
from impl.guard.reputation import SCORE_MAX
from impl.guard.state import Guard, Health, asking_order, health, is_heard
from impl.guard.trail import Break, BrokenTrail, Entry, Event, genesis, verify_chain

__all__ = [
    "SCORE_MAX",
    "Alarm",
    "Append",
    "Break",
    "BrokenTrail",
    "Effect",
    "Entry",
    "Event",
    "Evidence",
    "Gossip",
    "Guard",
    "Health",
    "Input",
    "Late",
    "NotEvidence",
    "Observed",
    "Offence",
    "Progressed",
    "Quarantined",
    "Refused",
    "Release",
    "Released",
    "Reported",
    "asking_order",
    "evidence_of",
    "first_start",
    "from_json",
    "genesis",
    "health",
    "held_by",
    "is_heard",
    "offence",
    "recover",
    "search",
    "step",
    "to_json",
    "verify",
    "verify_chain",
]
