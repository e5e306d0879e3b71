"""The stateful test of the hybrid: Hypothesis chooses clients, time, faults and attacks; `Safety` and the spec judge.

Each fault is a rule of its own, so that Hypothesis can leave whole kinds of faults out of a run (swarm testing). One rule raises
the level as far as Hypothesis likes, up to the top, and one waits until it is lower. After the last rule of a run all faults but
the traitors' end, and the cluster must make progress; what clients saw must be linearizable. Each step must be one that the spec
allows, and at the end its invariants hold.
"""

import time
from collections import Counter
from pathlib import Path
from typing import Any

import attrs
import hypothesis
import hypothesis.errors
from hypothesis import HealthCheck, Phase
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from impl import hybrid
from property_tests.hybrid.cluster import Cluster, Setting, Violated
from property_tests.hybrid.recording import failed, recorded
from property_tests.hybrid.strategies import STRATEGIES
from tlacheck import itf
from tlacheck.conform.lockstep import Diverged

__all__ = ["INTERESTING", "HybridMachine", "Run", "run_machine"]

#: The situations that a run of many examples must meet, or it says nothing.
INTERESTING = (
    "an operation is believed by a seal",
    "an operation is believed in the book",
    "switch: raft to bft",
    "switch: bft to raft",
    "level: LOW",
    "level: MEDIUM",
    "level: HIGH",
    "level: CRITICAL",
    "level: NONE",
    "stopped: threat",
    "a close takes over a chain",
    "a replica comes back from a crash",
    "all faults end and the cluster makes progress",
)

#: How long a failing run is made shorter. What was found by then is shown.
SHRINKING_SECONDS_MAX = 30.0

_NUMBERS = st.integers(0, 6)
_POSITIONS = st.integers(0, 50)


@attrs.define
class Tally:
    """What the examples of one run of Hypothesis came to, and the folder where the log and the trace of a failure go."""

    folder: Path
    command: str
    examples: int = 0
    steps: int = 0
    sometimes: Counter[str] = attrs.field(factory=Counter)
    broken: str = ""
    rule: str = ""
    shrinking_seconds: float = SHRINKING_SECONDS_MAX
    shrinking_since: float | None = None

    @property
    def log(self) -> Path:
        """Where the log of a failure goes."""
        return self.folder / "counterexample.log"

    @property
    def trace(self) -> Path:
        """Where the trace of a failure goes."""
        return self.folder / "counterexample.itf.json"

    @property
    def advice(self) -> str:
        """Where the trace and the log of a failure lie, and the commands to look at it and to see it again."""
        return (
            f"trace:   {self.trace}\ninspect: make inspect T={self.trace}\n"
            f"log:     {self.log}\nrepeat:  {self.command}"
        )

    @property
    def has_shrunk_enough(self) -> bool:
        """Whether the time for shrinking is over. The log of the last failing run is on disk already."""
        since = self.shrinking_since
        return since is not None and time.monotonic() - since > self.shrinking_seconds


class ShrunkEnoughError(BaseException):
    """Ends a run of Hypothesis that has found a failure and spent its time on shrinking it.

    Not an `Exception`: Hypothesis would take that for one more failure to shrink.
    """


class HybridMachine(RuleBasedStateMachine):
    """One simulated cluster: of four replicas with one traitor, or of seven with two."""

    tally: Tally

    cluster: Cluster | None = None
    failed = False

    @initialize(
        size=st.sampled_from([(4, 1), (4, 1), (5, 1), (7, 2)]),
        first=_NUMBERS,
        strategy=st.sampled_from(STRATEGIES),
        seed=st.integers(0, 2**16 - 1),
    )
    def start(self, size: tuple[int, int], first: int, strategy: str, seed: int) -> None:
        if self.tally.has_shrunk_enough:
            raise ShrunkEnoughError
        replicas, traitors = size
        order = tuple((first + number) % replicas for number in range(replicas))
        chosen = frozenset(f"r{number}" for number in range(traitors))
        self.tally.examples += 1
        setting = Setting(replicas=replicas, order=order, traitors=chosen)
        self.cluster, self._journal = recorded(setting, seed=seed, command=self.tally.command)
        for traitor in sorted(chosen):
            self.cluster.betray(traitor, strategy)

    # --- what happens

    @rule(for_ms=st.integers(1, 200))
    def advance(self, for_ms: int) -> None:
        self._watched("advance", for_ms)

    @rule(client=st.sampled_from(["c0", "c1", "c2"]), item=_NUMBERS, for_ms=st.integers(0, 200))
    def write(self, client: str, item: int, for_ms: int) -> None:
        self._watched("ask", client, ("put", "a", item))
        self._watched("advance", for_ms)

    @rule(client=st.sampled_from(["c0", "c1", "c2"]), for_ms=st.integers(0, 200))
    def read(self, client: str, for_ms: int) -> None:
        self._watched("ask", client, ("get", "a"))
        self._watched("advance", for_ms)

    @rule(times=st.integers(1, 12))
    def raise_the_level(self, times: int) -> None:
        """Nonsense comes to f + 1 correct replicas: each time the level may go up by one."""
        for _ in range(times):
            for name in self._running.correct[: self._running.configs["r0"].f + 1]:
                self._watched("disturb", name, "nonsense")
            self._watched("advance", 20)

    @rule()
    def wait_for_calm(self) -> None:
        """All fades, if traitors let it."""
        setting = self._running.setting
        self._watched("advance", 20 * setting.times.tick_ms)

    @rule(number=_NUMBERS, strategy=st.sampled_from(STRATEGIES))
    def betray(self, number: int, strategy: str) -> None:
        traitors = sorted(self._running.den.traitors)
        self._watched("betray", traitors[number % len(traitors)], strategy)

    @rule(strategy=st.sampled_from(STRATEGIES))
    def conspire(self, strategy: str) -> None:
        for traitor in sorted(self._running.den.traitors):
            self._watched("betray", traitor, strategy)

    @rule(
        numbers=st.sets(_NUMBERS, min_size=1),
        timer=st.sampled_from([hybrid.ViewTimeout(), hybrid.ElectionTimeout()]),
        for_ms=st.integers(1, 200),
    )
    def lose_patience(self, numbers: set[int], timer: hybrid.Input, for_ms: int) -> None:
        """Timers fire too early."""
        for name in sorted({self._correct(number) for number in numbers}):
            self._watched("lose_patience", name, timer)
        self._watched("advance", for_ms)

    @rule(position=_POSITIONS, fault=st.sampled_from(["drop", "duplicate", "reorder"]))
    @precondition(lambda self: self.cluster is not None and bool(self.cluster.world.flights))
    def disturb(self, position: int, fault: str) -> None:
        self._watched("inflict", fault, position=position)

    @rule(position=_POSITIONS, by_ms=st.integers(10, 3_000))
    @precondition(lambda self: self.cluster is not None and bool(self.cluster.world.flights))
    def delay(self, position: int, by_ms: int) -> None:
        self._watched("inflict", "delay", position=position, by_ms=by_ms)

    @rule(island=st.sets(_NUMBERS, min_size=1, max_size=3), for_ms=st.integers(1, 400))
    def partition(self, island: set[int], for_ms: int) -> None:
        self._watched("inflict", "partition", island=sorted({self._one(number) for number in island}))
        self._watched("advance", for_ms)

    @rule(number=_NUMBERS, is_outward=st.booleans(), for_ms=st.integers(1, 400))
    def cut(self, number: int, for_ms: int, *, is_outward: bool) -> None:
        inside = [self._one(number)]
        outside = [name for name in self._running.setting.names if name not in inside]
        sources, dests = (inside, outside) if is_outward else (outside, inside)
        self._watched("inflict", "cut", sources=sources, dests=dests)
        self._watched("advance", for_ms)

    @rule()
    @precondition(lambda self: self.cluster is not None and self._is_torn_apart())
    def heal(self) -> None:
        self._watched("inflict", "heal")

    @rule(number=_NUMBERS)
    def crash(self, number: int) -> None:
        self._watched("inflict", "crash", node=self._correct(number), kept=0, torn=False)

    @rule(number=_NUMBERS, done=st.sampled_from([0, 0, 1, 3]), torn=st.booleans(), for_ms=st.integers(1, 200))
    def crash_during(self, number: int, done: int, for_ms: int, *, torn: bool) -> None:
        """A replica crashes in its next step: before, within or after its write to the disk."""
        self._watched("inflict", "crash_during", node=self._correct(number), done=done, torn=torn)
        self._watched("advance", for_ms)

    @rule(number=_NUMBERS)
    @precondition(lambda self: self.cluster is not None and self.cluster.world.down)
    def restart(self, number: int) -> None:
        down = sorted(self._running.world.down)
        self._watched("inflict", "restart", node=down[number % len(down)])

    def teardown(self) -> None:
        """The end of the run: faults end, the cluster must make progress, and clients have seen one service."""
        if self.cluster is None:
            return
        try:
            if not self.failed:
                self._watched("heal")
                self._watched("expect_progress")
                self._watched("judge_history")
                self._finish()
        finally:
            self.tally.steps += self.cluster.steps
            self.tally.sometimes.update(self.cluster.sometimes + self.cluster.den.used)

    def _finish(self) -> None:
        """The spec's invariants hold."""
        try:
            self._journal.finish()
        except Diverged as failure:
            self._keep(failure)
            raise

    # --- how

    @property
    def _running(self) -> Cluster:
        if self.cluster is None:
            raise RuntimeError("a rule ran before the cluster was started")
        return self.cluster

    def _one(self, number: int) -> str:
        names = self._running.setting.names
        return names[number % len(names)]

    def _correct(self, number: int) -> str:
        return self._running.correct[number % len(self._running.correct)]

    def _is_torn_apart(self) -> bool:
        world = self._running.world
        return bool(world.islands or world.cuts)

    def _watched(self, call: str, *arguments: Any, **named: Any) -> Any:
        """Call the cluster; if the run fails, keep it."""
        try:
            return getattr(self._running, call)(*arguments, **named)
        except (Violated, Diverged) as failure:
            self._keep(failure)
            raise

    def _keep(self, failure: Violated | Diverged) -> None:
        """Put what failed on disk before anything else."""
        self.failed = True
        tally = self.tally
        (tally.rule, said), trace = failed(failure, self._journal)
        tally.broken = f"{tally.rule}: {said}"
        tally.shrinking_since = tally.shrinking_since or time.monotonic()
        tally.log.write_text(self._running.log_text, encoding="utf-8")
        itf.write(trace, tally.trace)
        failure.add_note(tally.advice)


@attrs.frozen(kw_only=True)
class Run:
    """What a run of the machine came to.

    Attributes:
        examples: the number of examples, those of shrinking included.
        steps: the number of steps of correct replicas in all of them.
        sometimes: how often each situation was met.
        rule: the property that was broken; empty if none was.
        message: what Hypothesis and the judges said of it.
        trace: where the trace of the failing run lies, the shortest one that was found; None if no run failed.
    """

    examples: int
    steps: int
    sometimes: Counter[str]
    rule: str = ""
    message: str = ""
    trace: Path | None = None

    @property
    def missing(self) -> tuple[str, ...]:
        """The interesting situations that no example met."""
        return tuple(name for name in INTERESTING if not self.sometimes[name])


def run_machine(
    *,
    seed: int,
    examples: int,
    folder: Path,
    steps: int = 40,
    command: str = "",
    shrinking_seconds: float = SHRINKING_SECONDS_MAX,
) -> Run:
    """Let Hypothesis look for a failing run, and shrink it.

    Args:
        seed: Hypothesis' seed; the same seed gives the same examples.
        examples: how many to try.
        folder: where the trace and the log of a failing run are written; those of the shrunk one in the end.
        steps: how many rules an example may take.
        command: the command that repeats this.
        shrinking_seconds: how long a failing run is made shorter.
    """
    tally = Tally(folder=folder, command=command, shrinking_seconds=shrinking_seconds)
    machine = type("HybridMachine", (HybridMachine,), {"tally": tally})
    settings = hypothesis.settings(
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        database=None,
        derandomize=False,  # the profile for CI would ignore the seed
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
        print_blob=False,
        report_multiple_bugs=False,
    )
    message = ""
    try:
        run_state_machine_as_test(hypothesis.seed(seed)(machine), settings=settings)
    except (Violated, Diverged):
        message = f"{tally.broken}\n{tally.advice}"
    except (ShrunkEnoughError, hypothesis.errors.Flaky):  # a run that is cut short looks flaky from outside
        if not tally.has_shrunk_enough:
            raise
        message = "\n".join((tally.broken, f"shrinking ended after {shrinking_seconds:g} s", tally.advice))
    return Run(
        examples=tally.examples,
        steps=tally.steps,
        sometimes=tally.sometimes,
        rule=tally.rule if message else "",
        message=message,
        trace=tally.trace if message else None,
    )
