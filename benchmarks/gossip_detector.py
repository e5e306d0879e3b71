"""Failure detectors on the same heartbeats: the one of `impl.gossip` beside the published formulas.

One node sends another a heartbeat a second and dies. Each heartbeat is lost with a probability, the others
arrive after a delay: **direct**, 1 to 20 ms; or **relayed**, as when a heartbeat is a record that spreads by
gossip among 593 nodes with fanout 3, of which only the newest counts. Each detector hears the same ones.

* Detection: from the death until the first suspicion, mean and worst.
* False suspicions: how often in an hour a living node is suspected; a suspicion ends with the next heartbeat.

| detector | suspects after a silence of |
|---|---|
| this project | mean + 3 s + 5.612 deviations, of which the least is 0.1 s |
| normal (Hayashibara et al.) | mean + 5.612 deviations, of which the least is 0.1 s, at threshold 8 |
| logistic (Akka) | the logistic approximation of the normal tail at threshold 8, and 3 s |
| exponential (Cassandra) | 18.42 times the mean: phi = silence / mean * log10 e |
| quotient (chitchat) | 8 times the mean, to which five intervals of 5 s are added beforehand |
| time-out | 5 s |

The formulas of others are written down here from their descriptions; the window is 1,000 intervals in each.
"""

import heapq
import math
import random
import statistics
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Final, Protocol, TypeAlias

import attrs

from benchmarks._machine import begin, leave, sized
from impl.gossip.detector import SECOND_NS, Detector, Intervals, suspects

LIVES, LIFE_S = sized((200, 300), (5, 60))
HOURS = sized(20, 0.1)
LOSSES = (0.0, 0.05, 0.2, 0.5)
NODES, FANOUT = 593, 3

_THRESHOLD, _PAUSE_S, _DEVIATION_MIN_S, _WINDOW = 8.0, 3.0, 0.1, 1_000
#: How many deviations above the mean phi is 8, by the normal distribution's exact tail.
_NORMAL: Final = 5.612
#: A silence is looked at so often, s: a suspicion is dated that exactly.
_TICK_S: Final = 0.1
#: No heartbeat is longer under way, s.
_IN_FLIGHT_S: Final = 60.0


class Suspecting(Protocol):
    """A detector that watches one node."""

    def heard(self, now: float) -> None:
        """A heartbeat comes, at a time in seconds."""

    def silence(self) -> float:
        """Return after how many seconds of silence it suspects."""


class Ours:
    """The detector of `impl.gossip`: `silence` is not asked of it but found by its own decision."""

    def __init__(self) -> None:
        self._detector = Detector()
        self._intervals = Intervals.begin(0, self._detector)

    def heard(self, now: float) -> None:
        """As `Suspecting` has it."""
        self._intervals = self._intervals.heard(round(now * SECOND_NS), self._detector)

    def silence(self) -> float:
        """As `Suspecting` has it."""
        low, high = 0, 1_000 * SECOND_NS
        while high - low > SECOND_NS // 1_000:
            middle = (low + high) // 2
            if suspects(self._intervals, self._intervals.last_ns + middle, self._detector):
                high = middle
            else:
                low = middle
        return high / SECOND_NS


class _Windowed:
    """The last intervals, and the formula that makes a silence of their mean and deviation."""

    def __init__(self, first: Sequence[float], formula: Callable[[float, float], float]) -> None:
        self._kept = deque(first, maxlen=_WINDOW)
        self._sum, self._squares = sum(first), sum(each * each for each in first)
        self._formula = formula
        self._last = 0.0

    def heard(self, now: float) -> None:
        if len(self._kept) == _WINDOW:
            old = self._kept[0]
            self._sum, self._squares = self._sum - old, self._squares - old * old
        new, self._last = now - self._last, now
        self._kept.append(new)
        self._sum, self._squares = self._sum + new, self._squares + new * new

    def silence(self) -> float:
        mean = self._sum / len(self._kept)
        return self._formula(mean, math.sqrt(max(0.0, self._squares / len(self._kept) - mean * mean)))


def _logistic_deviations() -> float:
    """The deviation at which phi is the threshold in Akka: e^(-y(1.5976 + 0.070566 y^2)) is 10^-8, nearly."""
    low, high = 0.0, 20.0
    while high - low > 1e-6:
        y = (low + high) / 2
        e = math.exp(-y * (1.5976 + 0.070566 * y * y))
        low, high = (y, high) if -math.log10(e / (1 + e)) < _THRESHOLD else (low, y)
    return high


_LOGISTIC: Final = _logistic_deviations()
DETECTORS: Final[dict[str, Callable[[], Suspecting]]] = {
    "this project": Ours,
    "normal": lambda: _Windowed(
        (0.75, 1.25), lambda mean, deviation: mean + _NORMAL * max(deviation, _DEVIATION_MIN_S)
    ),
    "logistic": lambda: _Windowed(
        (0.75, 1.25), lambda mean, deviation: mean + _PAUSE_S + _LOGISTIC * max(deviation, _DEVIATION_MIN_S)
    ),
    "exponential": lambda: _Windowed((1.0,), lambda mean, _: _THRESHOLD * math.log(10) * mean),
    "quotient": lambda: _Windowed((5.0,) * 5, lambda mean, _: _THRESHOLD * mean),
    "time-out": lambda: _Windowed((1.0,), lambda _mean, _deviation: 5.0),
}


#: When a heartbeat was sent and when it came, s.
Heartbeat: TypeAlias = tuple[float, float]


def direct(rng: random.Random, loss: float) -> Iterator[Heartbeat]:
    """The heartbeats that come from a neighbour; without end."""
    second = rng.random()
    while True:
        if rng.random() >= loss:
            yield second, second + rng.uniform(0.001, 0.02)
        second += 1


def relayed(rng: random.Random, loss: float) -> Iterator[Heartbeat]:
    """The heartbeats, each newer than those before, that are heard of through gossip; without end.

    A heartbeat reaches a given node after as many rounds as push-pull needs for it: in each round a node
    that lacks it meets, by its own greetings and by those of others, twice the fanout of nodes at random.
    """
    second, newest = rng.random(), 0.0
    waiting: list[Heartbeat] = []  # by the time at which they come
    while True:
        share, rounds = 1 / NODES, rng.random()
        while rng.random() < (1 - share * (1 - loss)) ** (2 * FANOUT):
            share = 1 - (1 - share) * (1 - share * (1 - loss)) ** (2 * FANOUT)
            rounds += 1
        heapq.heappush(waiting, (second + rounds, second))
        second += 1
        while waiting and waiting[0][0] < second:
            came, sent = heapq.heappop(waiting)
            if sent > newest:
                newest = sent
                yield sent, came


@attrs.frozen
class Found:
    """One detector on one feed.

    Attributes:
        detection: seconds from each death to its suspicion.
        false_per_hour: suspicions of a living node, an hour.
    """

    detection: list[float]
    false_per_hour: float


def _false_suspicions(detector: Suspecting, heartbeats: Iterator[Heartbeat], until: float) -> int:
    found, last = 0, 0.0
    for _, now in heartbeats:
        if now > until:
            return found
        found += last > 0 and now - last > detector.silence()
        detector.heard(now)
        last = now
    raise AssertionError("heartbeats have no end")


def _detection(detector: Suspecting, heartbeats: Iterator[Heartbeat], death: float) -> float:
    """Return how long after its death a node is suspected: at once, if it is suspected as it dies."""
    last = 0.0
    for sent, now in heartbeats:
        if now > death + _IN_FLIGHT_S:
            break
        if sent <= death:
            detector.heard(now)
            last = now
    suspected = last + detector.silence()
    return max(0.0, math.ceil((suspected - death) / _TICK_S) * _TICK_S)


def measured(feed: Callable[[random.Random, float], Iterator[Heartbeat]], loss: float, name: str) -> Found:
    """Measure a detector: the same seeds, so the same heartbeats, for each."""
    make = DETECTORS[name]
    draws = [random.Random(seed) for seed in range(LIVES + 1)]  # noqa: S311 - a seed repeats the run
    detection = [_detection(make(), feed(rng, loss), LIFE_S + rng.random()) for rng in draws[1:]]
    false = _false_suspicions(make(), feed(draws[0], loss), HOURS * 3_600)
    return Found(detection, false / HOURS)


def _cell(found: Found) -> str:
    mean, worst = statistics.mean(found.detection), max(found.detection)
    return f"{mean:>8.1f} {worst:>6.1f} {found.false_per_hour:>7.1f}"


def main() -> None:
    """Print a table a feed."""
    begin(f"failure detectors: {LIVES} deaths after {LIFE_S} s each, {HOURS} hours of life")
    for feed in (direct, relayed):
        print(f"\n{feed.__name__} heartbeats")
        print(f"  {'':<14}" + "".join(f"{f'{loss:.0%} lost':>23}" for loss in LOSSES))
        print(f"  {'':<14}" + f"{'mean s':>8} {'worst':>6} {'false/h':>7}" * len(LOSSES))
        for name in DETECTORS:
            cells = "".join(_cell(measured(feed, loss, name)) for loss in LOSSES)
            print(f"  {name:<14}{cells}", flush=True)
    leave()


if __name__ == "__main__":
    main()
