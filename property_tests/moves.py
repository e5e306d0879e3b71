"""What may happen to any simulated cluster some of whose replicas are traitors: time, faults, traitors; drawn from a seed.

A protocol's script says what else may happen, what its clients ask for, and how often which of all that comes.
"""

import itertools
import random
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Generic, Protocol, TypeVar

__all__ = ["FaultyCluster", "Moves"]


class _Places(Protocol):
    @property
    def names(self) -> tuple[str, ...]:
        """All replicas."""


class _Traitors(Protocol):
    used: Counter[str]

    @property
    def traitors(self) -> frozenset[str]:
        """Their names."""


class FaultyCluster(Protocol):
    """What the rules need of a cluster.

    Attributes:
        steps: how many steps correct replicas took.
        sometimes: how often each interesting situation was met.
    """

    steps: int
    sometimes: Counter[str]

    @property
    def setting(self) -> _Places:
        """Which replicas there are."""

    @property
    def correct(self) -> Sequence[str]:
        """The replicas that are not traitors."""

    @property
    def den(self) -> _Traitors:
        """What the traitors share; which strategies they used."""

    @property
    def world(self) -> Any:
        """Time, timers and messages in flight."""

    @property
    def log_text(self) -> str:
        """What happened last, one a line."""

    def advance(self, for_ms: int) -> None:
        """Let so many virtual milliseconds pass."""

    def inflict(self, name: str, **parameters: object) -> bool:
        """Let the fault of this name happen. False if it found nothing to do."""

    def betray(self, traitor: str, strategy: str) -> None:
        """From now on a traitor follows this strategy."""

    def conclude(self) -> None:
        """The run is over: all faults but the traitors' end, and what must hold then does."""


_C = TypeVar("_C", bound=FaultyCluster)


class Moves(ABC, Generic[_C]):
    """Moves by name, each a method; each does nothing where it cannot.

    Args:
        cluster: the cluster.
        seed: decides what happens.
        moves: what may happen, and how often.
    """

    def __init__(self, cluster: _C, seed: int, moves: Mapping[str, int]) -> None:
        self._cluster = cluster
        self._rng = random.Random(seed)  # noqa: S311 - a reproducible run, no secret
        self._moves = moves

    def move(self, moves: Mapping[str, int] | None = None) -> None:
        """Something happens: one of these, or of what may happen at any time."""
        drawn = moves or self._moves
        weights = tuple(itertools.accumulate(drawn.values()))
        (name,) = self._rng.choices(tuple(drawn), cum_weights=weights)
        move: Callable[[], None] = getattr(self, name)
        move()

    def time_passes(self) -> None:
        self._cluster.advance(self._rng.randint(1, 60))

    # --- traitors

    @abstractmethod
    def strategy(self) -> str:
        """The next strategy of a traitor."""

    def a_traitor_thinks_again(self) -> None:
        if traitors := sorted(self._cluster.den.traitors):
            self._cluster.betray(self._rng.choice(traitors), self.strategy())

    def traitors_conspire(self) -> None:
        """All traitors follow the same strategy."""
        strategy = self.strategy()
        for traitor in sorted(self._cluster.den.traitors):
            self._cluster.betray(traitor, strategy)

    # --- messages and the network

    def _disturb(self, fault: str, **parameters: int) -> None:
        self._cluster.inflict(fault, position=self._rng.randrange(1_000), **parameters)

    def a_message_is_lost(self) -> None:
        self._disturb("drop")

    def a_message_is_doubled(self) -> None:
        self._disturb("duplicate")

    def a_message_is_early(self) -> None:
        self._disturb("reorder")

    def a_message_is_late(self) -> None:
        self._disturb("delay", by_ms=self._rng.randint(10, 3_000))

    def the_network_is_bad(self) -> None:
        loss, doubles = self._rng.choice(((0, 0), (0, 0), (10, 5), (25, 20)))
        self._cluster.inflict("degrade", loss=loss, duplication=doubles)

    def the_network_parts(self) -> None:
        island = {self._anybody(), self._anybody()}
        self._cluster.inflict("partition", island=sorted(island))

    def a_link_is_cut(self) -> None:
        island = [self._anybody()]
        others = [name for name in self._cluster.setting.names if name not in island]
        sources, dests = (island, others) if self._rng.random() < 0.5 else (others, island)
        self._cluster.inflict("cut", sources=sources, dests=dests)

    def the_network_heals(self) -> None:
        self._cluster.inflict("heal")

    # --- replicas

    def a_replica_crashes(self) -> None:
        if not self._standing():
            torn = self._rng.random() < 0.5
            self._cluster.inflict("crash", node=self._victim(), kept=self._rng.randint(0, 1), torn=torn)

    def a_replica_crashes_in_a_step(self) -> None:
        if not self._standing():
            torn, done = self._rng.random() < 0.5, self._rng.choice((0, 0, 1, 3))
            self._cluster.inflict("crash_during", node=self._victim(), done=done, torn=torn)

    def a_replica_comes_back(self) -> None:
        if down := sorted(self._cluster.world.down):
            self._cluster.inflict("restart", node=self._rng.choice(down))

    def a_replica_pauses(self) -> None:
        if not self._standing():
            self._cluster.inflict("pause", node=self._victim())

    def a_replica_resumes(self) -> None:
        if paused := sorted(self._cluster.world.paused):
            self._cluster.inflict("resume", node=self._rng.choice(paused))

    def _standing(self) -> set[str]:
        down: set[str] = self._cluster.world.down | self._cluster.world.paused
        return down

    def _anybody(self) -> str:
        return self._rng.choice(self._cluster.setting.names)

    def _victim(self) -> str:
        """A correct replica: what a traitor does is not for faults to say."""
        return self._rng.choice(self._cluster.correct)
