"""The rules by which Hypothesis lets time pass and faults happen in a simulated cluster, some of whose replicas are traitors.

Each fault is a rule of its own, so that Hypothesis can leave whole kinds of faults out of a run (swarm testing). Crashes befall
correct replicas only: what a traitor does is not for faults to say. What clients and traitors do, and what must hold at the end, is
the protocol's to add.
"""

from collections.abc import Callable
from typing import Any, Generic, TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from property_tests.examples import Tally
from property_tests.judged import RunJournal, Violated, failed
from property_tests.moves import FaultyCluster
from tlacheck.conform.lockstep import Diverged

__all__ = ["NUMBERS", "FaultyMachine"]

#: Which replica, counted round.
NUMBERS = st.integers(0, 6)
#: Which message in flight, counted round.
_POSITIONS = st.integers(0, 50)


_C = TypeVar("_C", bound=FaultyCluster)


class FaultyMachine(RuleBasedStateMachine, Generic[_C]):
    """A cluster that a rule of the protocol starts, and its faults.

    Attributes:
        tally: what is told of the examples.
        cluster: the cluster of this example; None before it is started.
        journal: its run, as the spec has it.
        failed: whether something was found wrong in it.
    """

    tally: Tally

    cluster: _C | None = None
    journal: RunJournal
    failed = False

    # --- to be said by the protocol

    def expect(self) -> None:
        """All rules have been taken: end the faults, and see that what must hold then does."""
        raise NotImplementedError

    # --- what happens

    @rule(for_ms=st.integers(1, 200))
    def advance(self, for_ms: int) -> None:
        self.watched("advance", for_ms)

    @rule(position=_POSITIONS, fault=st.sampled_from(["drop", "duplicate", "reorder"]))
    @precondition(lambda self: self.cluster is not None and bool(self.cluster.world.flights))
    def disturb(self, position: int, fault: str) -> None:
        self.watched("inflict", fault, position=position)

    @rule(position=_POSITIONS, by_ms=st.integers(10, 3_000))
    @precondition(lambda self: self.cluster is not None and bool(self.cluster.world.flights))
    def delay(self, position: int, by_ms: int) -> None:
        self.watched("inflict", "delay", position=position, by_ms=by_ms)

    @rule(island=st.sets(NUMBERS, min_size=1, max_size=3), for_ms=st.integers(1, 400))
    def partition(self, island: set[int], for_ms: int) -> None:
        self.watched("inflict", "partition", island=sorted({self.one(number) for number in island}))
        self.watched("advance", for_ms)

    @rule(number=NUMBERS, is_outward=st.booleans(), for_ms=st.integers(1, 400))
    def cut(self, number: int, for_ms: int, *, is_outward: bool) -> None:
        """One way only: a replica is heard and hears nothing, or hears and is not heard."""
        inside = [self.one(number)]
        outside = [name for name in self.running.setting.names if name not in inside]
        sources, dests = (inside, outside) if is_outward else (outside, inside)
        self.watched("inflict", "cut", sources=sources, dests=dests)
        self.watched("advance", for_ms)

    @rule()
    @precondition(lambda self: self.cluster is not None and self._is_torn_apart())
    def heal(self) -> None:
        self.watched("inflict", "heal")

    @rule(number=NUMBERS)
    def crash(self, number: int) -> None:
        self.watched("inflict", "crash", node=self.correct(number), kept=0, torn=False)

    @rule(number=NUMBERS, done=st.sampled_from([0, 0, 1, 3]), torn=st.booleans(), for_ms=st.integers(1, 200))
    def crash_during(self, number: int, done: int, for_ms: int, *, torn: bool) -> None:
        """A replica crashes in its next step: before, within or after its write to the disk."""
        self.watched("inflict", "crash_during", node=self.correct(number), done=done, torn=torn)
        self.watched("advance", for_ms)

    @rule(number=NUMBERS)
    @precondition(lambda self: self.cluster is not None and self.cluster.world.down)
    def restart(self, number: int) -> None:
        down = sorted(self.running.world.down)
        self.watched("inflict", "restart", node=down[number % len(down)])

    def teardown(self) -> None:
        """The end of the run."""
        if self.cluster is None:
            return
        try:
            if not self.failed:
                self.expect()
        finally:
            self.tally.end(self.cluster.steps, self.cluster.sometimes + self.cluster.den.used)

    # --- how

    @property
    def running(self) -> _C:
        """The cluster.

        Raises:
            RuntimeError: there is none yet.
        """
        if self.cluster is None:
            raise RuntimeError("a rule ran before the cluster was started")
        return self.cluster

    def one(self, number: int) -> str:
        """Any replica."""
        names = self.running.setting.names
        return names[number % len(names)]

    def correct(self, number: int) -> str:
        """A replica that is no traitor."""
        return self.running.correct[number % len(self.running.correct)]

    def _is_torn_apart(self) -> bool:
        world = self.running.world
        return bool(world.islands or world.cuts)

    def watched(self, call: str, *arguments: Any, **named: Any) -> Any:
        """Call the cluster; if the run fails, keep it first."""
        return self.judged(getattr(self.running, call), *arguments, **named)

    def judged(self, happen: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
        """Let something happen, and look whether the run fails."""
        try:
            return happen(*arguments, **named)
        except (Violated, Diverged) as failure:
            self.failed = True
            _, trace = failed(failure, self.journal)
            self.tally.keep(trace, log=self.running.log_text)
            raise
