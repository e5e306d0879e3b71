"""The Byzantine guard as a pure core: `step(guard, input) -> (guard, effects)`. PBFT-7.

Theory of operation. A guard stands beside one replica of `impl.pbft`. It hears what that replica refuses, what
others report, who is late, who helped; it decides whom the replica no longer listens to, and keeps an audit trail.
It tells two things apart (the accuracy and the two kinds of verdict of PeerReview):

* **Proof** is made of messages that the accused itself signed and that no correct replica signs. It stands by
  itself: whoever has the public keys can `verify` it, and need not trust who brings it. Only proof leads to
  quarantine. What counts as proof, and why a correct replica never signs it: `impl.guard.evidence`.
* **Suspicion** is anything else: a forged signature, which anybody may have made; an answer that is late, which
  the network may have delayed. It lowers a score, and nothing but the score (`impl.guard.reputation`).

| host sees                                    | input                            |
|----------------------------------------------|----------------------------------|
| its replica refused something                | `Observed(refused, sender)`      |
| another guard, or anybody, sent evidence     | `Reported(evidence, reporter)`   |
| a batch was executed, with the help of these | `Progressed(seq, participants)`  |
| a replica answers later than it should       | `Late(replica, by_ms)`           |
| an operator has looked into it               | `Release(replica, reason)`       |

One message at a time does not show everything: `search` in `impl.guard.forensics` lays many side by side, and
`impl.guard.exchange` makes JSON of what is found. `impl.guard.trail` says what its chain of hashes shows.

**Quarantine is loss of messages.** The host asks `is_heard` before it hands a message to its replica; that is all.
n and the size of a quorum stay as they are. PBFT is safe whatever messages are lost, so no mistake of a guard can
make it unsafe; and whoever is quarantined is Byzantine, so the n - f correct ones still hear each other, and are a
quorum (`models.guard`). A smaller quorum would be safe only as long as no guard is ever wrong. What others say
*inside* of messages still counts: a new view with the view change of a quarantined replica is as good as before.

**At most f are quarantined.** With proof against one more the assumption on which all else rests is broken: the
guard says so by an `Alarm`, and quarantines no more, which would cost the quorum as well.

**Nobody speaks for others.** Scores are of one guard and are not gossiped; only proof is, by `Gossip`. Guards that
hear the same proof quarantine the same replicas.

Sources: Haeberlen, Kouznetsov and Druschel, "PeerReview: Practical Accountability for Distributed Systems", SOSP
2007; Sheng et al., "BFT Protocol Forensics", CCS 2021; Haber and Stornetta, "How to Time-Stamp a Digital Document",
1991 (the chain of hashes); Castro and Liskov, OSDI 1999, for what a correct replica signs.
"""

from impl.guard.core import first_start, resume, step
from impl.guard.effects import Alarm, Append, Effect, Gossip, Ignored, Quarantined, Released
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
    "Ignored",
    "Input",
    "Late",
    "NotEvidence",
    "Observed",
    "Offence",
    "Progressed",
    "Quarantined",
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
    "resume",
    "search",
    "step",
    "to_json",
    "verify",
    "verify_chain",
]
