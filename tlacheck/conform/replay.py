"""Replay: drive a system through the steps of a model trace, and compare the whole state after each."""

from pathlib import Path

import attrs
from immutabledict import immutabledict

from tlacheck import __version__
from tlacheck.conform.comparison import deviations, observed
from tlacheck.conform.system import NotPossible, System, attempt
from tlacheck.errors import TraceError
from tlacheck.trace import State, Step, Trace, Violation

__all__ = ["conformance", "replay"]


def conformance(spec: str) -> str:
    """The name of the property that a system follows its spec (a file or a module), as traces and tables write it."""
    return f"conforms to {Path(spec).stem}" if spec else "conforms to its spec"


def replay(trace: Trace, system: System) -> Trace:
    """Drive `system` through `trace`, comparing all observed variables after each step.

    Returns:
        The run of the system: its own states, up to and with the first one that differs. The run
        has a `violation` exactly if the system left the trace; `violation.expected` is then the
        state that the spec demands there.

    Raises:
        TraceError: if the trace does not say which actions were taken, or lacks a variable.
        AdapterError: if the adapter breaks its contract.
    """
    _check_usable(trace, system)
    system.reset(trace.initial)
    initial = observed(system)
    steps: list[Step] = []
    violation = _violation(trace, 0, "Init", trace.initial, initial)
    for number, step in enumerate(trace.steps, start=1):
        if violation:
            break
        try:
            attempt(system, step.action, step.arguments)
        except NotPossible as refusal:
            violation = Violation(
                property=conformance(trace.origin.spec),
                step=number,
                explanation=(f"the spec takes {step.action}, the system cannot: {refusal}",),
                expected=step.state,
            )
            before = steps[-1].state if steps else initial
            steps.append(Step(step.action, step.arguments, before))
            break
        state = observed(system)
        steps.append(Step(step.action, step.arguments, state))
        violation = _violation(trace, number, step.action, step.state, state)
    return Trace(
        initial=initial,
        steps=tuple(steps),
        origin=attrs.evolve(trace.origin, source="replay", versions=immutabledict({"tlacheck": __version__})),
        violation=violation,
    )


def _check_usable(trace: Trace, system: System) -> None:
    if missing := sorted(system.variables - set(trace.initial)):
        raise TraceError(
            f"the trace lacks the variables {', '.join(missing)} that the system shows: is it of another spec?"
        )
    for number, step in enumerate(trace.steps, start=1):
        if missing := sorted(system.variables - set(step.state)):
            raise TraceError(f"the state after step {number} lacks the variables {', '.join(missing)}")
        if not step.action:
            raise TraceError(
                f"step {number} does not name its action: check a module with an `event` variable, "
                "which records the action and its arguments"
            )


def _violation(trace: Trace, number: int, action: str, expected: State, found: State) -> Violation | None:
    lines = deviations(expected, found)
    if not lines:
        return None
    return Violation(
        property=conformance(trace.origin.spec),
        step=number,
        explanation=(f"after {action}, {len(lines)} part(s) of the state differ:", *lines),
        expected=expected,
    )
