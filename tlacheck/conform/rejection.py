"""Explanation of a rejected log: the first event that fits nowhere, and the spec's alternatives.

Of all states that fit the log before that event, the nearest is reported: first those from which the
spec takes the very step, only to another state (the fewer parts differ the nearer); then those where
the action is enabled with other arguments; then the others. For that state TLC's own formulas tell
which conjunct of the action is false (`tlacheck.tlc.explain`).
"""

import itertools
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import attrs
from immutabledict import immutabledict

from tlacheck.conform._candidates import Candidate
from tlacheck.conform._demand import Demand, Difference, call
from tlacheck.runlog import Event
from tlacheck.tlc.explain import Explanation
from tlacheck.tlc.oracle import EVENT, OracleState, SpecOracle, Successor
from tlacheck.trace import State, Step
from tlacheck.values import Value, same

__all__ = ["Rejection", "reject"]

#: The most candidates examined for the nearest: each costs a query to the oracle.
_LOOKED_AT_MAX: Final = 200
#: The most lines of each kind that are shown.
_TOLD_MAX: Final = 12


@attrs.frozen(kw_only=True)
class Rejection:
    """The first event that fits nowhere.

    Attributes:
        number: its place in the log, from 1.
        event: the event.
        candidates: how many states of the spec fit the log before it.
        enabled: the steps that the spec allows in the nearest of them, in words; those of the event's
            action if there are any, else the names of all actions.
        is_enabled: whether the event's action is among them.
        nearest: the nearest step of the spec, in words; empty if none is near.
        differences: the parts in which the state after that step is not as the log has it, or the
            arguments of the step.
        explanation: of the nearest action, the conjunct that is false; None if nothing is.
        lines: all that for a person.
        state: the nearest state that fits the log before the event.
        step: the event as a step: what the log has, and for the rest what the spec has after the nearest
            step, or where none is near before it.
        expected: the state that the spec has after the nearest step; None if none is near.
    """

    number: int
    event: Event
    candidates: int
    enabled: tuple[str, ...]
    is_enabled: bool
    nearest: str
    differences: tuple[Difference, ...]
    explanation: Explanation | None
    lines: tuple[str, ...]
    state: State
    step: Step
    expected: State | None

    def __str__(self) -> str:
        return "\n".join(self.lines)


@attrs.frozen
class _Near:
    """A candidate, with the step of the spec from it that comes nearest to the event."""

    candidate: Candidate
    kind: int
    differences: tuple[Difference, ...]
    step: Successor | None

    @property
    def distance(self) -> tuple[int, int]:
        return self.kind, len(self.differences)


#: Degrees of nearness: the event's step, leading elsewhere; a step of its action; nothing near.
_ELSEWHERE, _OTHERWISE, _NOTHING_NEAR = range(3)


def reject(
    oracle: SpecOracle, demand: Demand, candidates: Sequence[Candidate]
) -> tuple[Rejection, Candidate]:
    """Explain why an event fits nowhere.

    Args:
        oracle: the spec.
        demand: what the event demands.
        candidates: the states that fit the log before it; at least one.

    Returns:
        The explanation, and the candidate that it is about.

    Raises:
        SpecError: TLC cannot evaluate an action in one of the states.
    """
    looked_at = itertools.islice(candidates, _LOOKED_AT_MAX)
    near = min((_near(oracle, demand, each) for each in looked_at), key=lambda each: each.distance)
    return _told(oracle, demand, near, len(candidates)), near.candidate


def _near(oracle: SpecOracle, demand: Demand, candidate: Candidate) -> _Near:
    event, before = demand.event, candidate.state
    if demand.is_observation:
        here = Successor("", immutabledict(), before)
        return _nearest(
            _Near(candidate, _ELSEWHERE, demand.differences(step.state), step)
            for step in (here, *oracle.successors(before))
        )
    steps = oracle.successors(before, event.action)
    exact = [step for step in steps if not demand.other_arguments(step)]
    if exact:
        return _nearest(_Near(candidate, _ELSEWHERE, demand.differences(step.state), step) for step in exact)
    if steps:
        return _nearest(_Near(candidate, _OTHERWISE, demand.other_arguments(step), step) for step in steps)
    return _Near(candidate, _NOTHING_NEAR, (), None)


def _nearest(several: Iterable[_Near]) -> _Near:
    return min(several, key=lambda each: each.distance)


def _told(oracle: SpecOracle, demand: Demand, near: _Near, count: int) -> Rejection:
    event, before, step = demand.event, near.candidate.state, near.step
    steps = oracle.successors(before)
    alike = [call(each.action, each.arguments) for each in steps if each.action == event.action]
    enabled = alike or sorted({each.action for each in steps})
    view = _view(oracle, demand, near)
    explanation = _explanation(oracle, demand, before, view)
    nearest = "" if step is None else call(step.action, step.arguments) if step.action else "no step"
    lines = [f"event {demand.number} fits nowhere: {demand}", _counted(count, demand.number)]
    lines += _enabled_lines(event, enabled, is_enabled=bool(alike))
    if near.differences:
        lines.append(
            f"nearest is {nearest}; {len(near.differences)} part(s) differ:"
            if near.kind == _ELSEWHERE
            else f"nearest is {nearest}; of its arguments differ:"
        )
        lines += [f"  {each}" for each in near.differences[:_TOLD_MAX]]
        if len(near.differences) > _TOLD_MAX:
            lines.append(f"  and {len(near.differences) - _TOLD_MAX} more")
    if explanation is not None:
        lines.append(f"by the spec: {explanation}")
        lines += [f"  {line.strip()}" for line in explanation.conjunct.splitlines()[:_TOLD_MAX]]
    after = before if near.kind != _ELSEWHERE or step is None else step.state
    return Rejection(
        number=demand.number,
        event=event,
        candidates=count,
        enabled=tuple(enabled),
        is_enabled=bool(alike),
        nearest=nearest,
        differences=near.differences,
        explanation=explanation,
        lines=tuple(lines),
        state=before.values,
        step=Step(event.action, demand.arguments_over(None), demand.imposed_on(after)),
        expected=step.state.values if near.kind == _ELSEWHERE and step is not None else None,
    )


def _counted(count: int, number: int) -> str:
    states = "1 state of the spec fits" if count == 1 else f"{count:,} states of the spec fit"
    before = "the begin of the log" if number == 1 else f"the {number - 1:,} event(s) before"
    return f"{states} {before}{'; this is about the nearest' if count > 1 else ''}"


def _enabled_lines(event: Event, enabled: Sequence[str], *, is_enabled: bool) -> Iterator[str]:
    shown = ", ".join(enabled[:_TOLD_MAX]) or "nothing"
    more = f", and {len(enabled) - _TOLD_MAX} more" if len(enabled) > _TOLD_MAX else ""
    if is_enabled or not event.action:
        yield f"enabled there: {shown}{more}"
    else:
        yield f"{event.action} is not enabled there; enabled are: {shown}{more}"


def _view(oracle: SpecOracle, demand: Demand, near: _Near) -> dict[str, Value]:
    """Return the known part of the state after the event, for `explain`; the rest as in the nearest step."""
    event = demand.event
    base = near.candidate.state if near.step is None else near.step.state
    imposed = demand.imposed_on(base)
    view = {name: imposed[name] for name in (*event.state, *event.local)}
    if oracle.has_event and event.action and EVENT not in view:
        view[EVENT] = immutabledict({**demand.arguments_over(near.step), "action": event.action})
    return view


def _explanation(
    oracle: SpecOracle, demand: Demand, before: OracleState, view: dict[str, Value]
) -> Explanation | None:
    action, arguments = demand.event.action, demand.event.arguments
    said = oracle.explain(before, view, count=_LOOKED_AT_MAX)
    of_action = [each for each in said if action in {each.action, each.action.removesuffix("Event")}]
    agreeing = [
        each
        for each in of_action
        if all(
            name not in arguments or same(arguments[name], value) for name, value in each.arguments.items()
        )
    ]
    chosen = next(iter((*agreeing, *of_action, *said)), None)
    return None if chosen is None or chosen.allowed else chosen
