"""Conversion between traces and logs of runs. Only a log with whole states converts into a trace."""

from collections.abc import Iterable

from immutabledict import immutabledict

from tlacheck.errors import TraceError
from tlacheck.runlog import Event, Header, Run
from tlacheck.trace import State, Step, Trace

__all__ = ["run_from_trace", "trace_from_run"]


def run_from_trace(trace: Trace) -> Run:
    """Convert a trace into a log: one event per step, with the whole state after it.

    A log has no place for a loop, for a violation, and for arguments of an unnamed action; they are
    left out.
    """
    return Run(
        header=Header(origin=trace.origin, initial=trace.initial),
        events=tuple(
            Event(
                number=number,
                action=step.action,
                arguments=step.arguments if step.action else immutabledict(),
                state=step.state,
            )
            for number, step in enumerate(trace.steps, start=1)
        ),
    )


def trace_from_run(run: Run) -> Trace:
    """Convert a log with whole states into a trace. Events that hold only a note are left out.

    Raises:
        TraceError: the log does not say the whole state, at the begin or after an event. What it does not
            say is not known, and not as before: `tlacheck validate` finds states that fit.
    """
    initial = run.header.initial
    if not initial:
        raise TraceError(
            'its header has no "initial" state, so it is no trace; `tlacheck validate` takes a log that '
            "says less"
        )
    steps = []
    for event in run.events:
        if event.constrains:
            _check_whole(event, initial)
            state = State((name, event.state[name]) for name in _order(initial, event.state))
            steps.append(Step(event.action, event.arguments, state))
    return Trace(initial=initial, steps=tuple(steps), origin=run.header.origin)


def _check_whole(event: Event, initial: State) -> None:
    missing = [name for name in initial if name not in event.state]
    if missing:
        raise TraceError(
            f"event {event.number} does not say the whole state: {', '.join(missing)} is not known, so "
            "the log "
            "is no trace; `tlacheck validate` takes a log that says less"
        )
    if unknown := [name for name in event.state if name not in initial]:
        raise TraceError(
            f'event {event.number} has {", ".join(unknown)}, which the "initial" state has not: '
            "a trace has the same variables in all states"
        )


def _order(initial: State, state: State) -> Iterable[str]:
    return (name for name in initial if name in state)
