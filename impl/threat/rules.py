"""The rules on which a threat machine rests, named as in `specs/threat/Threat.tla`.

Each is a function of its arguments.
"""

from collections.abc import Sequence
from typing import Final

from impl.threat.configuration import Config
from impl.threat.inputs import ProofKind
from impl.threat.levels import Level

__all__ = [
    "PROVED_LEVEL",
    "clamped",
    "cluster_score",
    "dwell",
    "faded",
    "is_news",
    "is_worse",
    "own_score",
    "reached",
    "stays",
    "timed",
    "weighed",
]

#: The level at which there is proof, at least.
PROVED_LEVEL: Final = {ProofKind.TAMPERING: Level.HIGH, ProofKind.EQUIVOCATION: Level.CRITICAL}


def own_score(evidence: int, timing: int) -> int:
    """The score that a replica states.

    Timing is not added to evidence: a slow network makes no attack more probable.
    """
    return max(evidence, timing)


def weighed(config: Config, evidence: int, weight: int) -> int:
    """Evidence after an observation of some weight."""
    return min(config.score_max, evidence + weight)


def clamped(config: Config, score: int) -> int:
    """The value that a stated score counts as: no more than the greatest score, and no less than 0."""
    return max(0, min(config.score_max, score))


def timed(config: Config, timing: int, weight: int) -> int:
    """The score of timing after a timing anomaly of some weight; never enough for High."""
    return min(config.timing_max, timing + weight)


def faded(config: Config, score: int) -> int:
    """A score after a tick, of this replica or another.

    The score of a silent replica decays too, so it cannot hold the level up.
    """
    return max(0, score - config.decay)


def cluster_score(f: int, scores: Sequence[int]) -> int:
    """The (f + 1)-th largest score of all replicas, more than f of them.

    At least one correct replica has a score as high, and f + 1 correct ones have none higher: f liars move it
    only between these two (`models.threat`, for any n).
    """
    return sorted(scores, reverse=True)[f]


def reached(config: Config, score: int) -> Level:
    """The level to which a cluster score leads at once."""
    return Level(sum(score >= up for up in config.up))


def stays(config: Config, level: Level, score: int) -> bool:
    """Return whether a cluster score is enough to keep a level. None needs none to be kept."""
    return level == Level.NONE or score >= config.down[level - 1]


def dwell(config: Config, level: Level) -> int:
    """The number of ticks in a row that the score must be too low before a level is left."""
    return config.calm_ticks if level == Level.CRITICAL else config.dwell_ticks


def is_news(number: int, heard: int) -> bool:
    """Return whether a statement is later than the last one that counted."""
    return number > heard


def is_worse(kind: ProofKind, known: ProofKind | None) -> bool:
    """Return whether a proof is new for the accused.

    Each counts once, so that liars cannot hold the level up.
    """
    return known is None or PROVED_LEVEL[kind] > PROVED_LEVEL[known]
