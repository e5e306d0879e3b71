"""The threat level of one replica as a pure core: `step(threat, input) -> (threat, effects)`.

It meets THREAT-1, THREAT-2, THREAT-3 and THREAT-5.

Theory of operation. Each replica keeps a **score** of its observations that may be an attack, sends it to all
others in signed and numbered statements, and computes a **cluster score** from its own and the last one of
each other replica. The cluster score determines a **level**, and the level determines which protocol
suffices.

| level    | protocol | entered from a cluster score of | left below, for so many ticks in a row |
|----------|----------|---------------------------------|----------------------------------------|
| None     | Raft     |                                 |                                        |
| Low      | Raft     | `up[0]`                         | `down[0]`, `dwell_ticks`               |
| Medium   | Raft     | `up[1]`                         | `down[1]`, `dwell_ticks`               |
| High     | BFT      | `up[2]`, or proved tampering    | `down[2]`, `dwell_ticks`               |
| Critical | BFT      | `up[3]`, or equivocation        | `down[3]`, `calm_ticks`, no new proof  |

**Nobody decides alone.** The cluster score is the (f + 1)-th largest of the n scores. At least one correct
replica has a score as high, and f + 1 correct replicas have none higher: f liars can push it neither above
the former nor below the latter. A maximum would hand the level to one liar; an average would let one hold it
down.

**Proof needs no consent.** Proof is verified before it gets here (`impl.guard`), and raises the level at
once, whoever brings it. Against each replica each kind counts once: a liar that convicts itself over and over
holds the level up once, and no longer than `calm_ticks`.

**Slow is not hostile.** Timing observations count apart, up to a limit below what keeps the level at High,
and are not added to the rest. So they move the level only between None and Medium, and do not affect the
protocol.

**Up at once, down with patience.** The level rises in the very step in which the score reaches its threshold.
It falls by one after the score has been below a lower threshold for a whole dwell; each rise, each new proof,
and each tick or input at which the score is high enough restarts the dwell.

**Decay.** Every score loses `decay` in a tick, those of others too: a replica that still sees an attack
restates its score, and a silent one is forgotten, whether it lies or not. A statement with an old number is
ignored, and so is a repeated one: a replay keeps no score alive.

| a crash keeps                         | a crash loses                                                    |
|---------------------------------------|------------------------------------------------------------------|
| the level: a crash does not lower it  | all scores: they are restated, or decay anyway                   |
| the number of the last statement      | the calm: it begins anew, so the level falls later, never sooner |
| the last number of each other replica |                                                                  |
| the replicas proved faulty            |                                                                  |

A flood costs at most `score_max` statements at first, and `decay` in each tick after that; each of them is a
write to the disk, and so is each statement of others that counts. In peace nothing is stated or written.

Sources: `docs/hybrid.md` for what the level decides; Dolev, Lynch, Pinter, Stark and Weihl, "Reaching
Approximate Agreement in the Presence of Faults", JACM 1986, for order statistics among liars.
"""

from impl.common.errors import InvalidConfig
from impl.common.results import Refused
from impl.threat.configuration import Config, Weights
from impl.threat.core import first_start, recover, step
from impl.threat.effects import Because, Effect, LevelChanged, Persist, State
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
    "Input",
    "InvalidConfig",
    "Level",
    "LevelChanged",
    "Observed",
    "Persist",
    "Proof",
    "ProofKind",
    "Refused",
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
