"""The threat level of one replica as a pure core: `step(threat, input) -> (threat, effects)`. THREAT-1, 2, 3 and 5.

Theory of operation. Each replica keeps a **score** of what it saw that may be an attack, states it to all others in
signed and numbered statements, and makes a **cluster score** of its own and the last one of each other replica. The
cluster score leads to a **level**, and the level says which protocol is good enough.

| level    | protocol | entered from a cluster score of | left below, for so many ticks in a row |
|----------|----------|---------------------------------|----------------------------------------|
| None     | Raft     |                                 |                                        |
| Low      | Raft     | `up[0]`                         | `down[0]`, `dwell_ticks`               |
| Medium   | Raft     | `up[1]`                         | `down[1]`, `dwell_ticks`               |
| High     | BFT      | `up[2]`, or proved tampering    | `down[2]`, `dwell_ticks`               |
| Critical | BFT      | `up[3]`, or equivocation        | `down[3]`, `calm_ticks`, no new proof  |

**Nobody decides alone.** The cluster score is the (f + 1)-th largest of the n scores. Some correct replica has as much,
and it is at least what f + 1 correct replicas have: f liars can push it neither beyond the one nor below the other. A
maximum would hand the level to one liar, an average would let one hold it down.

**Proof needs nobody's consent.** It is verified before it gets here (`impl.guard`), and leads to its level at once,
whoever brings it. Against each replica each kind counts once: a liar that convicts itself over and over holds the
level up once, and no longer than the calm.

**Slow is not hostile.** What is seen of timing counts apart, up to a limit below what High takes to be kept, and is not
added to anything. So it moves the level between None and Medium, and has no influence on the protocol at all.

**Up at once, down with patience.** The level rises in the very step in which the score reaches its threshold. It is
left for the one below it, after the score was below a lower threshold for a whole dwell; each rise, each new proof and
each tick or input at which the score is high enough begins the dwell anew.

**What fades.** Every score loses `decay` in a tick, those of others too: a replica that is still concerned restates
its score, and one that is silent is forgotten, liar or not. A statement with an old number, or the same again, is ignored, so
that a replayed one does not keep a score alive.

| a crash keeps                             | a crash loses                                                           |
|-------------------------------------------|-------------------------------------------------------------------------|
| the level, so that it is no way down      | all scores: they are restated, or fade anyway                           |
| the number of the last statement          | the calm, which begins anew: the level is left later, and never sooner  |
| the last number of each other replica     |                                                                         |
| who is proved faulty                      |                                                                         |

What a flood costs: at most `score_max` statements at first, and `decay` in each tick after that; a write to the
disk for each, and for each statement of others that counts. In peace nothing is stated or written.

Sources: `docs/hybrid.md` for what the level decides; Dolev, Lynch, Pinter, Stark and Weihl, "Reaching Approximate
Agreement in the Presence of Faults", JACM 1986, for order statistics among liars.
"""

from impl.common.errors import InvalidConfig
from impl.threat.configuration import Config, Weights
from impl.threat.core import first_start, recover, step
from impl.threat.effects import Because, Effect, Ignored, LevelChanged, Persist, State
from impl.threat.inputs import Input, Observed, Proof, ProofKind, Statement, Suspicion, Tick
from impl.threat.levels import BFT, RAFT, Level, protocol
from impl.threat.sources import observed, proof
from impl.threat.state import Durable, Threat, cluster_score, level, own_score

__all__ = [
    "BFT",
    "RAFT",
    "Because",
    "Config",
    "Durable",
    "Effect",
    "Ignored",
    "Input",
    "InvalidConfig",
    "Level",
    "LevelChanged",
    "Observed",
    "Persist",
    "Proof",
    "ProofKind",
    "State",
    "Statement",
    "Suspicion",
    "Threat",
    "Tick",
    "Weights",
    "cluster_score",
    "first_start",
    "level",
    "observed",
    "own_score",
    "proof",
    "protocol",
    "recover",
    "step",
]
