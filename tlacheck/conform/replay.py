"""Replay: drives a system through the steps of a model trace, comparing the whole state after each.

A finding (another state, a step that the system cannot take, a crash, a hang, a process that ended)
ends the run and is its `violation`. A fault of the adapter says nothing about the system: it is raised
as `Interrupted`, which carries the run so far.
"""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Final

import attrs
from immutabledict import immutabledict

from tlacheck import __version__
from tlacheck.conform.comparison import Comparison, observed
from tlacheck.conform.limits import LIMIT_SECONDS, Limit
from tlacheck.conform.system import NotPossible, System, attempt, begin, close
from tlacheck.errors import AdapterError, TraceError
from tlacheck.trace import Origin, State, Step, Trace, Violation

__all__ = ["Interrupted", "Replayed", "conformance", "replay", "replay_all", "shown_of"]

_VERSIONS: Final = immutabledict({"tlacheck": __version__})


class Interrupted(AdapterError):
    """The adapter broke its contract in the middle of a run; the system itself was not judged.

    Attributes:
        trace: the run up to the last step that went well.
        step: the number of the step at which the adapter failed; 0 is the reset.
    """

    def __init__(self, message: str, trace: Trace) -> None:
        self.trace = trace
        self.step = len(trace) + 1
        super().__init__(message)


def conformance(spec: str) -> str:
    """Return the property name for conformance to a spec (a file or a module), for traces and tables."""
    return f"conforms to {Path(spec).stem}" if spec else "conforms to its spec"


def replay(trace: Trace, system: System, *, limit_seconds: float | None = LIMIT_SECONDS) -> Trace:
    """Drive `system` through `trace`, comparing all observed variables after each step.

    Args:
        trace: a behaviour of the spec.
        system: the system; it is reset.
        limit_seconds: how long it may take to perform a step and show its state; None for as long as it
            likes. A system that limits its own steps keeps its own limit.

    Returns:
        The run of the system: its own states, up to and with the first one that differs. The run
        has a `violation` exactly if the system left the trace; `violation.expected` is then the
        state that the spec demands there.

    Raises:
        TraceError: if the trace does not say which actions were taken, or lacks a variable.
        Interrupted: if the adapter breaks its contract. It is an AdapterError.
        ConfigError: the limit is not positive.
    """
    _check_usable(trace, system)
    with Limit.of(system, limit_seconds) as limit:
        return _run(trace, system, limit)


def _run(trace: Trace, system: System, limit: Limit) -> Trace:
    origin = attrs.evolve(trace.origin, source="replay", versions=_VERSIONS)
    steps: list[Step] = []
    compare = Comparison()
    state = initial = shown_of(trace.initial, system)
    try:
        limit(begin, system, trace.initial)
        state = initial = limit(observed, system)
        violation = _violation(origin, 0, "Init", trace.initial, compare.deviations(trace.initial, initial))
    except NotPossible as refusal:
        violation = _refused(origin, 0, "begins", refusal, trace.initial)
    except AdapterError as error:
        raise Interrupted(
            f"at the start: {error}", Trace(initial=initial, steps=(), origin=origin)
        ) from error
    for number, step in enumerate(trace.steps, start=1):
        if violation:
            break
        try:
            state = limit(_taken, system, step)
            violation = _violation(
                origin, number, step.action, step.state, compare.deviations(step.state, state)
            )
        except NotPossible as refusal:
            violation = _refused(origin, number, f"takes {step.action}", refusal, step.state)
        except AdapterError as error:
            so_far = Trace(initial=initial, steps=tuple(steps), origin=origin)
            raise Interrupted(f"step {number}, {step.action}: {error}", so_far) from error
        steps.append(Step(step.action, step.arguments, state))
    return Trace(initial=initial, steps=tuple(steps), origin=origin, violation=violation)


def _taken(system: System, step: Step) -> State:
    """Perform the step and return the state that the system shows."""
    attempt(system, step.action, step.arguments)
    return observed(system)


@attrs.frozen(kw_only=True)
class Replayed:
    """The result of replaying several traces.

    Attributes:
        traces: how many were begun.
        steps: how many steps were taken.
        actions: action -> how often it was taken.
        violation: the first run that left its trace; None if there is none.
        followed: the trace that it left.
    """

    traces: int
    steps: int
    actions: immutabledict[str, int]
    violation: Trace | None = None
    followed: Trace | None = None


def replay_all(
    traces: Iterable[Trace],
    make_system: Callable[[], System],
    *,
    limit_seconds: float | None = LIMIT_SECONDS,
    on_trace: Callable[[int, int], None] | None = None,
) -> Replayed:
    """Replay traces one after another, up to the first that the system leaves.

    One system is reset for each trace, since starting one may cost more than following a trace. A run
    that leaves its trace is repeated on a fresh system, so leftovers of an earlier trace are not taken
    for a finding.

    Args:
        traces: behaviours of the spec.
        make_system: makes a fresh system.
        limit_seconds: as for `replay`.
        on_trace: told the number of traces and of steps after each trace.

    Raises:
        TraceError: as `replay`.
        Interrupted: as `replay`; or only the system that was used before leaves the trace.
        ConfigError: as `replay`.
    """
    actions: dict[str, int] = {}
    count = steps = 0
    system: System | None = None
    try:
        for trace in traces:
            if system is None:
                system = make_system()
            run = replay(trace, system, limit_seconds=limit_seconds)
            count += 1
            steps += len(run)
            for step in run.steps:
                actions[step.action] = actions.get(step.action, 0) + 1
            if run.violation is not None:
                if count > 1:
                    close(system)
                    system = make_system()
                    run = _confirmed(run, trace, system, limit_seconds)
                return Replayed(
                    traces=count, steps=steps, actions=immutabledict(actions), violation=run, followed=trace
                )
            if on_trace is not None:
                on_trace(count, steps)
    finally:
        if system is not None:
            close(system)
    return Replayed(traces=count, steps=steps, actions=immutabledict(actions))


def shown_of(state: State, system: System) -> State:
    """Return the part of a spec state that the system shows."""
    return immutabledict((name, value) for name, value in state.items() if name in system.variables)


def _confirmed(run: Trace, trace: Trace, fresh: System, limit_seconds: float | None) -> Trace:
    """Repeat the run on a fresh system, which must leave the trace as well."""
    again = replay(trace, fresh, limit_seconds=limit_seconds)
    if again.violation is None and run.violation is not None:
        lines = "\n".join(run.violation.explanation)
        raise Interrupted(
            "a fresh system follows the trace, one that was reset after another trace does not: "
            "reset() leaves "
            f"something behind, or the system is not deterministic. At step {run.violation.step}:\n{lines}",
            attrs.evolve(run, steps=run.steps[:-1], violation=None),
        )
    return again


def _check_usable(trace: Trace, system: System) -> None:
    names = system.variables
    if not names <= trace.initial.keys():
        raise TraceError(
            f"the trace lacks the variables {_lacking(names, trace.initial)} that the system shows: "
            "is it of another spec?"
        )
    for number, step in enumerate(trace.steps, start=1):
        if not names <= step.state.keys():
            raise TraceError(
                f"the state after step {number} lacks the variables {_lacking(names, step.state)}"
            )
        if not step.action:
            raise TraceError(
                f"step {number} does not name its action: check a module with an `event` variable, "
                "which records the action and its arguments"
            )


def _lacking(names: frozenset[str], state: State) -> str:
    return ", ".join(sorted(names - set(state)))


def _violation(
    origin: Origin, number: int, action: str, expected: State, lines: Sequence[str]
) -> Violation | None:
    if not lines:
        return None
    return Violation(
        property=conformance(origin.spec),
        step=number,
        explanation=(f"after {action}, {len(lines)} part(s) of the state differ:", *lines),
        expected=expected,
    )


def _refused(origin: Origin, number: int, what: str, refusal: NotPossible, expected: State) -> Violation:
    return Violation(
        property=conformance(origin.spec),
        step=number,
        explanation=(f"the spec {what}, the system cannot: {refusal}",),
        expected=expected,
    )
