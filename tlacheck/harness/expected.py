"""Properties that are expected to break, because more nodes are Byzantine than the protocol allows for.

How often they do tells how strong the adversary is. The runs are played without the spec, which is fast; one
that breaks the property is played again with the spec, whose configuration names the same Byzantine nodes,
and which must allow it.
"""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

import attrs

from tlacheck import itf
from tlacheck.errors import ConfigError
from tlacheck.harness.soak import RunResult, SoakPlan, load_protocol, play_run
from tlacheck.trace import Trace

__all__ = ["SHARE_MIN", "ExpectedResult", "JudgedAgain", "expect_broken", "judged_again"]

#: So many of the runs that break the property are played again.
_SHOWN_OF: Final = 2
#: More than so many of the runs must break the property.
SHARE_MIN: Final = 0.5


@attrs.frozen(kw_only=True)
class ExpectedResult:
    """Result of runs that are expected to break a property.

    Attributes:
        expected: the property.
        runs: all of them.
    """

    expected: str
    runs: tuple[RunResult, ...]

    @property
    def broken(self) -> tuple[RunResult, ...]:
        """Those that broke it."""
        return tuple(run for run in self.runs if run.property == self.expected)

    @property
    def share(self) -> float:
        """The part of the runs that broke it, 0 to 1."""
        return len(self.broken) / len(self.runs)


def expect_broken(
    plan: SoakPlan,
    expect: str,
    seeds: Iterable[int],
    *,
    on_run: Callable[[int, int], None] = lambda _done, _broken: None,
) -> ExpectedResult:
    """Play runs without the spec, each of which ends when it breaks the property.

    Args:
        plan: what each run is.
        expect: the property.
        seeds: one for each run.
        on_run: told how many runs have ended, and how many of these broke it.

    Raises:
        ConfigError: there is no seed, or the plan does not fit the declaration.
    """
    fast = attrs.evolve(plan, judged=False, only=(expect,))
    runs: list[RunResult] = []
    for seed in seeds:
        runs.append(play_run(fast, seed).result)
        on_run(len(runs), sum(run.property == expect for run in runs))
    if not runs:
        raise ConfigError("0 seeds: give at least 1")
    return ExpectedResult(expected=expect, runs=tuple(runs))


@attrs.frozen(kw_only=True)
class JudgedAgain:
    """A run that broke a property, played again with the spec.

    Attributes:
        seed: of the run.
        steps: how many steps of the spec its trace had.
        trace: the trace, made shorter if the declaration can.
        path: its file.
    """

    seed: int
    steps: int
    trace: Trace
    path: Path

    @property
    def broke(self) -> str:
        """The property that broke; conformance, if the spec does not allow the run."""
        return self.trace.violation.property if self.trace.violation is not None else ""

    @property
    def explanation(self) -> tuple[str, ...]:
        """The reason, in words."""
        return self.trace.violation.explanation if self.trace.violation is not None else ()


def judged_again(plan: SoakPlan, found: ExpectedResult) -> JudgedAgain:
    """Repeat the first violating runs, now with the spec, and write the shortest trace.

    Each is made shorter if the declaration can. A run that the spec does not allow comes before all others.

    Args:
        plan: of the runs.
        found: the runs, one of which at least broke the property.

    Raises:
        ConfigError: with the spec a run breaks nothing, so the two differ.
        SpecError: the spec cannot be used.
    """
    protocol, expect = load_protocol(plan.target), found.expected
    again: list[tuple[int, int, Trace]] = []
    for run in found.broken[:_SHOWN_OF]:
        trace = play_run(attrs.evolve(plan, judged=True, only=(expect,)), run.seed).trace
        if trace is None or trace.violation is None:
            raise ConfigError(f"seed {run.seed} breaks {expect} without the spec, and nothing with it")
        steps = len(trace)
        if trace.violation.property != expect:
            again = [(run.seed, steps, trace)]
            break
        again.append((run.seed, steps, trace if protocol.shorten is None else protocol.shorten(trace)))
    seed, steps, trace = min(again, key=lambda each: len(each[2]))
    plan.out.mkdir(parents=True, exist_ok=True)
    path = plan.out / f"expected-{protocol.name}-{seed}.itf.json"
    itf.write(trace, path)
    return JudgedAgain(seed=seed, steps=steps, trace=trace, path=path)
