"""The rules by which Hypothesis lets time pass and faults happen in a simulated cluster, some of whose replicas are traitors.

Each fault is a rule of its own, so that Hypothesis can leave whole kinds of faults out of a run (swarm testing). Crashes befall
correct replicas only: what a traitor does is not for faults to say. What clients and traitors do, and what must hold at the end, is
the protocol's to add.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar, Generic, TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from property_tests.judged import RunJournal, Violated, failed
from property_tests.moves import FaultyCluster
from property_tests.replicas import Replicas
from tlacheck.conform.lockstep import Diverged
from tlacheck.harness.examples import SHRINKING_SECONDS_MAX, ExamplesResult, Tally, run_examples

__all__ = ["NUMBERS", "FaultyMachine", "run_machine"]

#: Which replica, counted round.
NUMBERS = st.integers(0, 6)
#: Which message in flight, counted round.
_POSITIONS = st.integers(0, 50)
#: How many replicas, and how many of them are traitors.
_SIZES = st.sampled_from([(4, 1), (4, 1), (5, 1), (7, 2)])
#: What a traitor does.
_STRATEGIES = st.runner().flatmap(lambda machine: st.sampled_from(machine.strategies))

_C = TypeVar("_C", bound=FaultyCluster)


class FaultyMachine(RuleBasedStateMachine, Generic[_C]):
    """One simulated cluster: of four or five replicas with one traitor, or of seven with two.

    Attributes:
        strategies: what traitors may do.
        interesting: the situations that a run of many examples must meet, or it says nothing.
        setting: which clusters there are.
        recorded: makes the cluster of a setting, and the journal that holds its steps against the spec.
        tally: what is told of the examples.
        cluster: the cluster of this example; None before it is started.
        journal: its run, as the spec has it.
        failed: whether something was found wrong in it.
    """

    strategies: ClassVar[tuple[str, ...]]
    interesting: ClassVar[tuple[str, ...]]
    setting: ClassVar[type[Replicas]]
    recorded: ClassVar[Callable[..., tuple[Any, RunJournal]]]
    tally: Tally

    cluster: _C | None = None
    journal: RunJournal
    failed = False

    @initialize(size=_SIZES, first=NUMBERS, strategy=_STRATEGIES, seed=st.integers(0, 2**16 - 1))
    def start(self, size: tuple[int, int], first: int, strategy: str, seed: int) -> None:
        self.tally.begin()
        replicas, traitors = size
        setting = self.setting.led_by(first, replicas=replicas, traitors=traitors)
        self.cluster, self.journal = self.recorded(setting, seed=seed, command=self.tally.command)
        for traitor in sorted(setting.traitors):
            self.running.betray(traitor, strategy)

    # --- what happens

    @rule(number=NUMBERS, strategy=_STRATEGIES)
    def betray(self, number: int, strategy: str) -> None:
        traitors = sorted(self.running.den.traitors)
        self.watched("betray", traitors[number % len(traitors)], strategy)

    @rule(strategy=_STRATEGIES)
    def conspire(self, strategy: str) -> None:
        for traitor in sorted(self.running.den.traitors):
            self.watched("betray", traitor, strategy)

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
        """The end of the run: all faults but the traitors' end, and what must hold then does."""
        if self.cluster is None:
            return
        try:
            if not self.failed:
                self.watched("conclude")
                self.judged(self.journal.finish)
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


def run_machine(
    machine: type[FaultyMachine[Any]],
    *,
    seed: int,
    examples: int,
    folder: Path,
    steps: int = 40,
    command: str = "",
    shrinking_seconds: float = SHRINKING_SECONDS_MAX,
) -> ExamplesResult:
    """Let Hypothesis look for a failing run of a protocol, and shrink it.

    Args:
        machine: the machine of the protocol.
        seed: as `run_examples` has it, and so `examples` and `steps`.
        examples: how many to try.
        folder: as `Tally` has it, and so `command` and `shrinking_seconds`.
        steps: how many rules an example may take.
        command: the command that repeats this.
        shrinking_seconds: how long a failing run is made shorter.
    """
    tally = Tally(folder=folder, command=command, shrinking_seconds=shrinking_seconds)
    return run_examples(machine, tally, seed=seed, examples=examples, steps=steps, goals=machine.interesting)
