"""Hypothesis in charge of a simulated cluster: the tally of its examples, the trace of the failing one.

A machine of `hypothesis.stateful` has a `Tally` as its attribute `tally`. It tells the tally when an example
begins, hands it each run that fails, and at the end of the example says how long that was and which coverage
goals it met. `run_examples` lets Hypothesis choose. The shortest of the runs that fail, those of shrinking
among them, is on disk before Hypothesis goes on, and shrinking has a limit in time.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

import attrs
import hypothesis
import hypothesis.errors
from hypothesis import HealthCheck, Phase
from hypothesis.stateful import RuleBasedStateMachine

from tlacheck import itf
from tlacheck.conform.lockstep import Diverged
from tlacheck.harness.seeded import run_seeded
from tlacheck.trace import Trace

__all__ = ["SHRINKING_SECONDS_MAX", "ExamplesResult", "ShrunkEnoughError", "Tally", "run_examples"]

#: The time in which a failing run is made shorter; the shortest found by then is shown.
SHRINKING_SECONDS_MAX: Final = 30.0


class ShrunkEnoughError(BaseException):
    """Ends a run of Hypothesis that has found a failure and spent its time on shrinking it.

    Not an `Exception`: Hypothesis would take that for one more failure to shrink.
    """


@attrs.define(kw_only=True)
class Tally:
    """The examples of one run of Hypothesis, counted, and the files of a failure.

    Attributes:
        folder: of the trace and the log of the shortest failing run.
        command: the command that repeats it all, for messages.
        shrinking_seconds: the time in which a failing run is made shorter.
        watch: called after each example with the number of examples and of steps so far.
        examples: how many examples began, those of shrinking included.
        steps: how many steps they had.
        goals: how often each coverage goal was met.
        failure: the shortest failing run; None if none failed.
    """

    folder: Path
    command: str = ""
    shrinking_seconds: float = SHRINKING_SECONDS_MAX
    watch: Callable[[int, int], None] | None = None
    examples: int = 0
    steps: int = 0
    goals: Counter[str] = attrs.field(factory=Counter)
    failure: Trace | None = None
    _shrinking_since: float | None = None

    @property
    def trace(self) -> Path:
        """The file for the trace of a failure."""
        return self.folder / "counterexample.itf.json"

    @property
    def log(self) -> Path:
        """The file for the log of a failure, if its machine keeps one."""
        return self.folder / "counterexample.log"

    @property
    def has_shrunk_enough(self) -> bool:
        """True when the time for shrinking is over."""
        since = self._shrinking_since
        return since is not None and time.monotonic() - since > self.shrinking_seconds

    def begin(self) -> None:
        """Count an example.

        Raises:
            ShrunkEnoughError: the time for shrinking is over.
        """
        if self.has_shrunk_enough:
            raise ShrunkEnoughError
        self.examples += 1

    def keep(self, failing: Trace, *, log: str = "") -> None:
        """Write a failing run to disk, unless a shorter one is there already.

        Args:
            failing: the run; its `violation` says what is wrong.
            log: what happened in it, one event a line, if the machine keeps that.
        """
        if self._shrinking_since is None:
            self._shrinking_since = time.monotonic()
        if self.failure is not None and len(failing) > len(self.failure):
            return
        self.failure = failing
        self.folder.mkdir(parents=True, exist_ok=True)
        itf.write(failing, self.trace)
        if log:
            self.log.write_text(log, encoding="utf-8")

    def end(self, steps: int, goals: Counter[str]) -> None:
        """Add the steps and the goals of an example that has ended."""
        self.steps += steps
        self.goals.update(goals)
        if self.watch is not None:
            self.watch(self.examples, self.steps)

    @property
    def advice(self) -> str:
        """The files of a failure, and the commands that show it and repeat it."""
        log = f"log:     {self.log}\n" if self.log.is_file() else ""
        return f"trace:   {self.trace}\ninspect: make inspect T={self.trace}\n{log}repeat:  {self.command}"


@attrs.frozen(kw_only=True)
class ExamplesResult:
    """The outcome of a run of Hypothesis.

    Attributes:
        examples: the number of examples, those of shrinking included.
        steps: the number of steps in all of them.
        goals: how often each coverage goal was met.
        missing: the goals that no example met.
        failure: the shortest failing run; None if nothing failed.
        trace: its file; None if nothing failed.
        message: what is wrong with it, and how to see it again; empty if nothing failed.
    """

    examples: int
    steps: int
    goals: Counter[str]
    missing: tuple[str, ...]
    failure: Trace | None = None
    trace: Path | None = None
    message: str = ""

    @property
    def property(self) -> str:
        """The property that does not hold; empty if nothing failed."""
        violation = self.failure.violation if self.failure is not None else None
        return violation.property if violation is not None else ""


def run_examples(
    machine: type[RuleBasedStateMachine],
    tally: Tally,
    *,
    seed: int,
    examples: int,
    steps: int,
    goals: Iterable[str] = (),
) -> ExamplesResult:
    """Let Hypothesis look for a failing run, and shrink it.

    Args:
        machine: the rules; its `tally` becomes this one.
        tally: is told of its examples.
        seed: Hypothesis' seed; the same seed gives the same examples.
        examples: how many to try.
        steps: how many rules an example may take.
        goals: the situations that all examples together must meet.

    Raises:
        Exception: as the machine does, if it has not handed over a failing run.
    """
    told = type(machine.__name__, (machine,), {"tally": tally})
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
    cut_short = ""
    try:
        run_seeded(told, seed=seed, limits=settings)
    except AssertionError:
        if tally.failure is None:
            raise
    except (ShrunkEnoughError, hypothesis.errors.Flaky):  # a run that is cut short looks flaky from outside
        if tally.failure is None or not tally.has_shrunk_enough:
            raise
        cut_short = f"shrinking ended after {tally.shrinking_seconds:g} s\n"
    failure = tally.failure
    return ExamplesResult(
        examples=tally.examples,
        steps=tally.steps,
        goals=tally.goals,
        missing=tuple(name for name in goals if not tally.goals[name]),
        failure=failure,
        trace=tally.trace if failure is not None else None,
        # Hypothesis' simplest example need not be the shortest run, which is the one on disk.
        message=f"{Diverged(failure)}\n{cut_short}{tally.advice}" if failure is not None else "",
    )
