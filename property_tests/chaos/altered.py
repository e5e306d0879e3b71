"""Altered logs: a judge that accepts them sees nothing.

In each judged run one step of one node is dropped, two are swapped, one is changed, and the numbers are
made to fit. Steps are swapped that do not commute: of others no observer could tell the order.
"""

import random
from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeAlias

import attrs

from node.engine import Core
from property_tests.chaos.logs import Logged, Start
from property_tests.chaos.second_run import Taken, second_run

__all__ = ["ALTERATIONS", "altered"]

Logs: TypeAlias = Mapping[str, Sequence[Start]]

#: How a log is altered.
ALTERATIONS: Final = ("dropped", "swapped", "changed")
_ATTEMPTS: Final = 1000


def altered(logs: Logs, how: str, rng: random.Random, cores: Mapping[str, Core]) -> Logs | None:
    """Return the logs with one alteration; None if they are too short for it.

    Args:
        logs: node -> its starts.
        how: one of `ALTERATIONS`.
        rng: decides where.
        cores: node -> its core.
    """
    taken = {
        node: [
            event for event in second_run(starts, cores[node]) if isinstance(event, Taken) and event.is_out
        ]
        for node, starts in logs.items()
    }
    busy = sorted(node for node, events in taken.items() if len(events) > 2)
    for _ in range(_ATTEMPTS if busy else 0):
        node = rng.choice(busy)
        place = rng.randrange(len(taken[node]) - 1)
        first, second = taken[node][place : place + 2]
        if first.start == second.start and _is_telling(how, first, second, taken, cores[node]):
            starts = [
                _with(start, how, first.logged, cores[node]) if start.number == first.start else start
                for start in logs[node]
            ]
            return {**logs, node: starts}
    return None


def _is_telling(
    how: str, first: Taken, second: Taken, taken: Mapping[str, Sequence[Taken]], core: Core
) -> bool:
    if how == "changed":
        return core.message_in(first.logged.input) is not None
    if how == "swapped":
        between, effects = core.step(first.before, second.logged.input)
        after, others = core.step(between, first.logged.input)
        return after != second.after or (effects, others) != (second.effects, first.effects)
    heard = {event.logged.stamp for events in taken.values() for event in events}
    return any(stamp in heard for stamp, _, _ in second.sent)


def _with(start: Start, how: str, at: Logged, core: Core) -> Start:
    steps = list(start.steps)
    place = at.number - 1
    out = start.out
    match how:
        case "dropped":
            del steps[place]
            out = None if out is None else out - 1
        case "swapped":
            steps[place], steps[place + 1] = steps[place + 1], steps[place]
        case _:
            message = _changed(core.message_in(at.input))
            steps[place] = attrs.evolve(at, input=core.received(message))
    steps = [attrs.evolve(step, number=number) for number, step in enumerate(steps, start=1)]
    return attrs.evolve(start, steps=steps, out=out)


def _changed(value: Any) -> Any:
    """A message with the first number in it, a term or a view, one more; as it is if it has none."""
    if type(value) is int:
        return value + 1
    if type(value) is tuple:
        return (_changed(value[0]), *value[1:]) if value else value
    if attrs.has(type(value)):
        for each in attrs.fields(type(value)):
            old = getattr(value, each.name)
            if (new := _changed(old)) != old:
                return attrs.evolve(value, **{each.name: new})
    return value
