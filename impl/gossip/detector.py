"""The failure detector: phi-accrual (Hayashibara et al., SRDS 2004), decided in integers.

The formula is the original one, with the exact tail of the normal distribution, and with a minimum deviation
and an acceptable pause as in Akka: phi = -log10 P(an interval is longer than the silence). Threshold 8 is a
silence of more than

    mean + pause + 5.612 * max(deviation, least deviation)

since a normal variable is above mean + 5.612 deviations once in 10^8. For two other formulas called phi, 8
means something else: 18.42 times the mean for Cassandra's exponential tail, 8 times the mean for chitchat's
quotient. `suspects` compares squares of integers, so nothing overflows and no variance is negative; `phi` is
for people.

| input                          | effect                                                             |
|--------------------------------|--------------------------------------------------------------------|
| the first two intervals        | assumed: mean 1 s, deviation 0.25 s, as if two heartbeats had come |
| a heartbeat after a suspicion  | no sample: the suspected silence says nothing about the intervals  |
| an interval above `LONGEST_NS` | a sample of that length                                            |
| a clock that goes back         | no time has passed                                                 |
| one's own pause                | `shifted`: the silence does not count                              |
"""

import math
from typing import Final

import attrs

__all__ = ["LONGEST_NS", "SECOND_NS", "Detector", "Intervals", "phi", "suspects"]

SECOND_NS: Final = 1_000_000_000
#: Longer intervals count as this long, ns.
LONGEST_NS: Final = 60 * SECOND_NS
#: How many deviations above the mean a silence may be, thousandths: where phi is 8.
_DEVIATIONS_THOUSANDTHS: Final = 5_612


@attrs.frozen(kw_only=True)
class Detector:
    """The parameters of a detector; all times in ns.

    Attributes:
        deviations_thousandths: how many deviations above the mean a silence may be; 5,612 is phi = 8.
        pause_ns: how much longer it may be beside.
        deviation_min_ns: no deviation counts as less.
        window: how many intervals are kept.
        first_mean_ns: the mean that is assumed before there is any.
        first_deviation_ns: the deviation that is assumed.
    """

    deviations_thousandths: int = _DEVIATIONS_THOUSANDTHS
    pause_ns: int = 3 * SECOND_NS
    deviation_min_ns: int = SECOND_NS // 10
    window: int = 1_000
    first_mean_ns: int = SECOND_NS
    first_deviation_ns: int = SECOND_NS // 4


@attrs.frozen
class Intervals:
    """The intervals between one node's heartbeats, as another node observed them.

    Attributes:
        last_ns: when the last one came, or watching began.
        samples: the intervals that are kept, the oldest first.
        total: their sum.
        squares: the sum of their squares.
    """

    last_ns: int
    samples: tuple[int, ...]
    total: int
    squares: int

    @classmethod
    def begin(cls, now_ns: int, detector: Detector) -> "Intervals":
        """Begin to watch a node."""
        mean, deviation = detector.first_mean_ns, detector.first_deviation_ns
        samples = (max(0, mean - deviation), mean + deviation)
        return cls(now_ns, samples, sum(samples), sum(each * each for each in samples))

    def heard(self, now_ns: int, detector: Detector) -> "Intervals":
        """Record a heartbeat."""
        now_ns = max(now_ns, self.last_ns)
        if suspects(self, now_ns, detector):
            return attrs.evolve(self, last_ns=now_ns)
        new = min(now_ns - self.last_ns, LONGEST_NS)
        if len(self.samples) < detector.window:
            return Intervals(now_ns, (*self.samples, new), self.total + new, self.squares + new * new)
        old, *rest = self.samples
        return Intervals(now_ns, (*rest, new), self.total + new - old, self.squares + new * new - old * old)

    def shifted(self, by_ns: int) -> "Intervals":
        """The last heartbeat came so much later, as far as this node could have noticed."""
        return attrs.evolve(self, last_ns=self.last_ns + by_ns)


def suspects(intervals: Intervals, now_ns: int, detector: Detector) -> bool:
    """Return whether the silence is too long: phi above the threshold.

    With n samples, sum S and sum of squares Q: elapsed - pause - S/n > y * sqrt(Q/n - (S/n)^2), times n,
    squared.
    """
    n = len(intervals.samples)
    beyond = n * (now_ns - intervals.last_ns - detector.pause_ns) - intervals.total
    if beyond <= 0:
        return False
    spread = max(n * intervals.squares - intervals.total**2, (n * detector.deviation_min_ns) ** 2)
    return (1_000 * beyond) ** 2 > detector.deviations_thousandths**2 * spread


def phi(intervals: Intervals, now_ns: int, detector: Detector) -> float:
    """The suspicion level, for people: 0 to 300."""
    n = len(intervals.samples)
    mean = intervals.total / n + detector.pause_ns
    variance = max(0, n * intervals.squares - intervals.total**2) / n**2
    deviation = max(math.sqrt(variance), float(detector.deviation_min_ns), 1.0)
    later = math.erfc((now_ns - intervals.last_ns - mean) / deviation / math.sqrt(2)) / 2
    return -math.log10(max(later, 1e-300))
