"""Shrinking: the shortest run we can find that the spec allows and the system still gets wrong.

Steps are taken out, in halves, quarters and so on down to single ones (Zeller and Hildebrandt,
"Simplifying and Isolating Failure-Inducing Input", 2002), as long as what remains is a behaviour of
the spec, step by step, and the system deviates from it. So the result can be shown to anybody who
trusts the spec.
"""

from collections.abc import Callable, Sequence

import attrs

from tlacheck.conform.comparison import deviations
from tlacheck.conform.lockstep import Diverged, Lockstep
from tlacheck.conform.system import NotPossible, System
from tlacheck.tlc.oracle import SpecOracle
from tlacheck.trace import State, Step, Trace

__all__ = ["shrink"]


def shrink(
    failing: Trace, oracle: SpecOracle, make_system: Callable[[], System], *, tries_max: int = 400
) -> Trace:
    """A shortest-found run that fails as `failing` does.

    Args:
        failing: a run of the system that left its spec at its last step.
        oracle: the spec.
        make_system: makes a fresh system.
        tries_max: how many candidates to try; the best so far is returned when they are used up.

    Returns:
        A run with a violation: `failing` itself if nothing shorter was found.
    """
    best = failing
    tries = 0
    size = max(1, len(best) // 2)
    while size:
        start, shortened = 0, False
        while start < len(best) - 1 and tries < tries_max:
            kept = best.steps[:start] + best.steps[start + size :]
            tries += 1
            found = _run(kept, failing, oracle, make_system())
            if found is not None and len(found) < len(best):
                best, shortened = found, True
            else:
                start += size
        if not shortened or tries >= tries_max:
            size = 0 if tries >= tries_max else size // 2
    return best


def _run(steps: Sequence[Step], failing: Trace, oracle: SpecOracle, system: System) -> Trace | None:
    """The run of these steps up to the first deviation; None if the spec does not allow them or none deviates."""
    run = Lockstep(system, oracle, judged=False)
    spec_state = oracle.initial_states()[0]
    for step in steps:
        allowed = oracle.successors(spec_state, step.action, step.arguments)
        if not allowed:
            return None
        expected = allowed[0].state.values
        try:
            found = run.perform(step.action, step.arguments)
        except NotPossible as refusal:
            taken = (*run.trace.steps, attrs.evolve(step, state=run.state))
            return _failed(
                failing, run, taken, expected, f"the spec takes {step.action}, the system cannot: {refusal}"
            )
        except Diverged as crash:
            explanation = crash.trace.violation.explanation if crash.trace.violation else ()
            return _failed(failing, run, crash.trace.steps, expected, *explanation)
        matching = [successor.state for successor in allowed if not deviations(successor.state.values, found)]
        if not matching:
            lines = deviations(expected, found)
            heading = f"after {step.action}, {len(lines)} part(s) of the state differ:"
            return _failed(failing, run, run.trace.steps, expected, heading, *lines)
        spec_state = matching[0]
    return None


def _failed(
    failing: Trace, run: Lockstep, steps: tuple[Step, ...], expected: State, *explanation: str
) -> Trace | None:
    if failing.violation is None:
        return None
    violation = attrs.evolve(failing.violation, step=len(steps), explanation=explanation, expected=expected)
    return attrs.evolve(run.trace, steps=steps, origin=failing.origin, violation=violation)
