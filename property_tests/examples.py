"""Hypothesis in charge of simulated clusters: what its examples came to, and where one that fails goes.

A machine of `hypothesis.stateful` has a `Tally` as its attribute. It tells the tally when an example begins, hands it each run
that fails, and at the end of the example says how long that was and what it met. `run_examples` lets Hypothesis choose. Of the runs
that fail, those of shrinking among them, the shortest is on disk before Hypothesis goes on; shrinking is ended in time.
"""

import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Final

import attrs
import hypothesis
import hypothesis.errors
from hypothesis import HealthCheck, Phase
from hypothesis.stateful import RuleBasedStateMachine

from property_tests.seeded import run_seeded
from tlacheck import itf
from tlacheck.conform.lockstep import Diverged
from tlacheck.trace import Trace

__all__ = ["SHRINKING_SECONDS_MAX", "Run", "ShrunkEnoughError", "Tally", "run_examples"]

#: How long a failing run is made shorter. What was found by then is shown.
SHRINKING_SECONDS_MAX: Final = 30.0


class ShrunkEnoughError(BaseException):
    """Ends a run of Hypothesis that has found a failure and spent its time on shrinking it.

    Not an `Exception`: Hypothesis would take that for one more failure to shrink.
    """


@attrs.define(kw_only=True)
class Tally:
    """What the examples of one run of Hypothesis came to, and where a failure goes.

    Attributes:
        folder: where the trace and the log of the shortest failing run are written.
        command: the command that repeats it all, for messages.
        shrinking_seconds: how long a failing run is made shorter.
        watch: told after each example how many examples and steps there were so far.
        examples: how many examples began, those of shrinking included.
        steps: how many steps they had.
        sometimes: how often each interesting situation was met.
        failure: the shortest failing run; None if none failed.
    """

    folder: Path
    command: str = ""
    shrinking_seconds: float = SHRINKING_SECONDS_MAX
    watch: Callable[[int, int], None] | None = None
    examples: int = 0
    steps: int = 0
    sometimes: Counter[str] = attrs.field(factory=Counter)
    failure: Trace | None = None
    _shrinking_since: float | None = None

    @property
    def trace(self) -> Path:
        """Where the trace of a failure goes."""
        return self.folder / "counterexample.itf.json"

    @property
    def log(self) -> Path:
        """Where the log of a failure goes, if its machine keeps one."""
        return self.folder / "counterexample.log"

    @property
    def has_shrunk_enough(self) -> bool:
        """Whether the time for shrinking is over."""
        since = self._shrinking_since
        return since is not None and time.monotonic() - since > self.shrinking_seconds

    def begin(self) -> None:
        """An example begins.

        Raises:
            ShrunkEnoughError: the time for shrinking is over.
        """
        if self.has_shrunk_enough:
            raise ShrunkEnoughError
        self.examples += 1

    def keep(self, failing: Trace, *, log: str = "") -> None:
        """Put a failing run on disk, unless a shorter one is there already.

        Args:
            failing: the run; its `violation` says what is wrong.
            log: what happened in it, one a line, if the machine keeps that.
        """
        if self._shrinking_since is None:
            self._shrinking_since = time.monotonic()
        if self.failure is not None and len(failing) > len(self.failure):
            return
        self.failure = failing
        itf.write(failing, self.trace)
        if log:
            self.log.write_text(log, encoding="utf-8")

    def end(self, steps: int, sometimes: Counter[str]) -> None:
        """An example ended, after so many steps, and met these situations so often."""
        self.steps += steps
        self.sometimes.update(sometimes)
        if self.watch is not None:
            self.watch(self.examples, self.steps)

    @property
    def advice(self) -> str:
        """Where a failure lies, and the commands to look at it and to see it again."""
        log = f"log:     {self.log}\n" if self.log.is_file() else ""
        return f"trace:   {self.trace}\ninspect: make inspect T={self.trace}\n{log}repeat:  {self.command}"


@attrs.frozen(kw_only=True)
class Run:
    """What a run of Hypothesis came to.

    Attributes:
        examples: the number of examples, those of shrinking included.
        steps: the number of steps in all of them.
        sometimes: how often each situation was met.
        missing: the interesting situations that no example met.
        failure: the shortest failing run; None if nothing failed.
        trace: where it lies; None if nothing failed.
        message: what is wrong with it, and how to see it again; empty if nothing failed.
    """

    examples: int
    steps: int
    sometimes: Counter[str]
    missing: tuple[str, ...]
    failure: Trace | None = None
    trace: Path | None = None
    message: str = ""

    @property
    def broken(self) -> str:
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
    interesting: tuple[str, ...],
) -> Run:
    """Let Hypothesis look for a failing run, and shrink it.

    Args:
        machine: the rules; its `tally` becomes this one.
        tally: what is told of its examples.
        seed: Hypothesis' seed; the same seed gives the same examples.
        examples: how many to try.
        steps: how many rules an example may take.
        interesting: the situations that examples must meet, all together.

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
    return Run(
        examples=tally.examples,
        steps=tally.steps,
        sometimes=tally.sometimes,
        missing=tuple(name for name in interesting if not tally.sometimes[name]),
        failure=failure,
        trace=tally.trace if failure is not None else None,
        # Hypothesis' simplest example need not be the shortest run, which is the one on disk.
        message=f"{Diverged(failure)}\n{cut_short}{tally.advice}" if failure is not None else "",
    )
