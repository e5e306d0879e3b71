"""Reputation: an integer from 0 to `SCORE_MAX` for each replica, for operators to look at.

**It never quarantines.** Others may have caused any suspicion: an attacker in the network can forge invalid
signatures and delay messages, and so could have any correct replica excluded. A score tells an operator where
to look first, and a replica whom to ask first for a state; a wrong score only delays the answer.

Suspicion falls on the neighbour on the link, never on the name in the message. Weights saturate at 0, so that
a flood counts once; each batch that a replica helped to execute restores one point.
"""

from typing import Final

from impl.pbft import Why

__all__ = [
    "FALSE_REPORT",
    "LATE_MAX",
    "LATE_STEP_MS",
    "SCORE_MAX",
    "WEIGHTS",
    "lateness",
    "lowered",
    "raised",
]

#: The score of a replica of which nothing is known but good.
SCORE_MAX: Final = 100

#: What a refusal that proves nothing costs the neighbour who sent it. What costs nothing happens to correct
#: replicas: they repeat, are behind or ahead, and pass on what clients ask.
WEIGHTS: Final = {
    Why.MALFORMED: 20,
    Why.FORGED: 20,
    Why.UNPROVEN: 10,
    Why.STRANGER: 5,
    Why.EQUIVOCATION: 0,
    Why.OLD_VIEW: 0,
    Why.OUTSIDE_WINDOW: 0,
    Why.REPEATED: 0,
    Why.USELESS: 0,
    Why.RATE: 0,
}

#: What it costs to report evidence that is none: a guard verifies what it passes on.
FALSE_REPORT: Final = 20

#: A late answer costs one point, and one more for each so many milliseconds, up to a few: clocks and networks
#: err.
LATE_STEP_MS: Final = 1000
LATE_MAX: Final = 5


def lateness(by_ms: int) -> int:
    """The cost of being late by so many milliseconds, at least 1."""
    return min(LATE_MAX, 1 + by_ms // LATE_STEP_MS)


def lowered(score: int, by: int) -> int:
    """The score after a suspicion of some weight."""
    return max(0, score - by)


def raised(score: int) -> int:
    """The score after a batch that the replica helped to execute."""
    return min(SCORE_MAX, score + 1)
