"""Logs for the tests of validation: partial views of walks of `tests/specs/Wire.tla`."""

import functools
from collections.abc import Iterable, Mapping, Sequence

import attrs
from immutabledict import immutabledict

from tests.conform.toys import oracle
from tlacheck.conform.walk import random_walk
from tlacheck.runlog import Event, Header, Run
from tlacheck.tlc import SpecOracle
from tlacheck.tlc.oracle import OracleState
from tlacheck.trace import Origin, Step, Trace
from tlacheck.values import ModelValue, Value, same

A, B = ModelValue("a"), ModelValue("b")
#: The actions that a log of the wire does not show.
HIDDEN = ("Lose", "Double")
_WEIGHTS = {"Send": 2.0, "Take": 4.0, "Lose": 0.6, "Double": 0.6, "Clear": 1.0}


@functools.cache
def wire() -> SpecOracle:
    """The oracle of the wire."""
    return oracle("Wire", "Wire")


def event(
    action: str = "",
    *,
    node: Value | None = None,
    arguments: Mapping[str, Value] | None = None,
    state: Mapping[str, Value] | None = None,
    local: Mapping[str, Value] | None = None,
) -> Event:
    """An event, its number to be given."""
    return Event(
        number=0,
        action=action,
        node=node,
        arguments=immutabledict(arguments or {}),
        state=immutabledict(state or {}),
        local=immutabledict(local or {}),
    )


def log(*events: Event, ended: bool = True, **initial: Value) -> Run:
    """A log of these events, numbered."""
    return Run(
        header=Header(origin=Origin(source="test"), initial=immutabledict(initial)),
        events=tuple(attrs.evolve(each, number=number) for number, each in enumerate(events, start=1)),
        ended=ended,
    )


@functools.cache
def walk(seed: int, steps: int) -> Trace:
    """A walk of the wire."""
    return random_walk(wire(), seed=seed, steps=steps, weights=_WEIGHTS)


def shown(seed: int, steps: int, *, hidden: Iterable[str] = HIDDEN) -> Run:
    """The visible part of a walk: actions and nodes with their counters, without letters and wire."""
    return log(*(_shown(step) for step in walk(seed, steps).steps if step.action not in hidden))


def _shown(step: Step) -> Event:
    node = step.arguments.get("node")
    if node is None:
        return event(step.action, arguments=step.arguments)
    return event(
        step.action,
        node=node,
        arguments={"node": node},
        local={name: step.state[name][node] for name in ("sent", "got")},
    )


def changed(run: Run, events: Sequence[Event]) -> Run:
    """The log with other events, numbered anew."""
    return log(*events, ended=run.ended)


def fits_naively(run: Run, hidden: Iterable[str], judge: SpecOracle | None = None) -> bool:
    """Return whether a behaviour of the spec fits the log, by naive search over all sets of states."""
    judge = judge or wire()
    states = set(judge.initial_states())
    for each in run.events:
        states = {
            step.state
            for state in _closed(judge, states, hidden)
            for step in judge.successors(state)
            if _fits(each, step.action, step.arguments, step.state)
        }
    return bool(states)


def _closed(judge: SpecOracle, states: set[OracleState], hidden: Iterable[str]) -> set[OracleState]:
    found, rest = set(states), list(states)
    while rest:
        for step in judge.successors(rest.pop()):
            if step.action in hidden and step.state not in found:
                found.add(step.state)
                rest.append(step.state)
    return found


def _fits(each: Event, action: str, arguments: Mapping[str, Value], state: OracleState) -> bool:
    return (
        action == each.action
        and all(name in arguments and same(arguments[name], value) for name, value in each.arguments.items())
        and all(same(state.values[name], value) for name, value in each.state.items())
        and all(same(state.values[name][each.node], value) for name, value in each.local.items())
    )


def witnesses(trace: Trace, run: Run, hidden: Iterable[str], judge: SpecOracle | None = None) -> bool:
    """Return whether a trace is a behaviour of the spec whose visible steps are the log's events."""
    judge = judge or wire()
    (at,) = (state for state in judge.initial_states() if state.values == trace.initial)
    events = list(run.events)
    for step in trace.steps:
        (at,) = (
            each.state
            for each in judge.successors(at, step.action, step.arguments)
            if each.state.values == step.state
        )
        if events and _fits(events[0], step.action, step.arguments, at):
            del events[0]
        elif step.action not in hidden:
            return False
    return not events
