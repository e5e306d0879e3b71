"""Shrinking of a failing run of a cluster: fewer events, the same property broken.

A run is what happened to it: time that passed, faults, requests, the end of all faults, demands of progress.
A candidate leaves some of that out and is played on a fresh cluster of the same seed. It is accepted if the
same property breaks. Chunks get smaller from half to one event, until none can be left out or the budget is
spent.

Delta debugging: Zeller and Hildebrandt, "Simplifying and Isolating Failure-Inducing Input", 2002.
"""

from collections.abc import Callable, Sequence
from typing import Final

import attrs

from tlacheck.conform.lockstep import Diverged
from tlacheck.harness.run import Event, Run
from tlacheck.harness.workload import demand
from tlacheck.trace import Trace

__all__ = ["ShortRun", "shrink_run"]

#: Candidates take so many times the steps of the failing run, together.
_BUDGET: Final = 30


@attrs.frozen(kw_only=True)
class ShortRun:
    """The shortest run found.

    Attributes:
        events: what happens in it.
        trace: up to what is broken; None if the run did not fail again when it was played first.
        tries: how many candidates were played.
    """

    events: tuple[Event, ...]
    trace: Trace | None
    tries: int


def shrink_run(begun: Callable[[], Run], failed: Run, name: str) -> ShortRun:
    """Leave out events of a failing run as long as the property breaks.

    Args:
        begun: makes a fresh cluster of the run's seed.
        failed: the run.
        name: the property that it broke.
    """
    budget = _BUDGET * max(failed.steps, 1)
    tries = 0

    def play(events: Sequence[Event]) -> Trace | None:
        nonlocal budget, tries
        tries += 1
        run = begun()
        trace = _broken(run, events)
        budget -= max(run.steps, 1)
        violation = None if trace is None else trace.violation
        return trace if violation is not None and violation.property == name else None

    best, shortest = tuple(failed.events), play(failed.events)
    if shortest is None:
        return ShortRun(events=best, trace=None, tries=tries)
    size = len(best) // 2
    while size and budget > 0:
        begin, helped = 0, False
        while begin < len(best) and budget > 0:
            candidate = best[:begin] + best[begin + size :]
            if (trace := play(candidate)) is None:
                begin += size
            else:
                best, shortest, helped = candidate, trace, True
        size = size if helped and size == 1 else size // 2
    return ShortRun(events=best, trace=shortest, tries=tries)


def _broken(run: Run, events: Sequence[Event]) -> Trace | None:
    """Play events; the trace up to what broke, if something did."""
    try:
        for event in events:
            match event.kind:
                case "advance":
                    run.advance(event.what)
                case "inflict":
                    run.inflict(event.what)
                case "request":
                    run.request(*event.what)
                case "demand":
                    demand(run, *event.what)
                case _:
                    run.stabilise()
        run.finish()
    except Diverged as failure:
        return failure.trace
    return None
