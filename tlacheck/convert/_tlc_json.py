"""Counterexamples that TLC writes with `-dumpTrace`, as JSON and as a module.

JSON has fewer kinds of values than TLA+, and TLC maps several to one: a set is written as a list, a
model value as a string, a function as an object whose keys are texts. What was a set or a model value
is lost, so such a trace is for looking at; to replay one, take what TLC prints. Objects whose keys are
all numbers are read as functions on numbers.

The module, of `-dumpTrace tla`, defines the counterexample as one value and loses nothing.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from immutabledict import immutabledict

from tlacheck.errors import SpecError, TraceError
from tlacheck.itf import value_from_json
from tlacheck.trace import Origin, State, Step, Trace
from tlacheck.values import Value, function

__all__ = ["is_tlc_json", "is_tlc_module", "trace_from_tlc_json", "trace_from_tlc_module"]

_EVENT: Final = "event"
_MODULE: Final = re.compile(
    r"\s*-{4,} MODULE .*?-{4,}.*?^CounterExample ==\s(?P<value>.*?)^={4,}", re.DOTALL | re.MULTILINE
)
_NUMBER: Final = re.compile(r"-?\d+", re.ASCII)
#: An action's arguments, as newer and older versions name them.
_PARAMETERS: Final = ("parameters", "parameter", "context")


def is_tlc_json(data: Any) -> bool:
    """Return whether JSON data are a TLC counterexample: numbered states, with or without actions."""
    data = _inner(data)
    if isinstance(data, dict):
        return isinstance(data.get("state"), list) and "states" not in data
    return isinstance(data, list) and bool(data) and all(isinstance(each, dict) for each in data)


def trace_from_tlc_json(data: Any) -> Trace:
    """Convert the JSON data of a counterexample into a trace.

    Raises:
        TraceError: the data are no counterexample; the message says what is missing.
    """
    data = _inner(data)
    if isinstance(data, list):
        numbered: list[Any] = [[number, state] for number, state in enumerate(data, start=1)]
        edges: list[Any] = []
    elif isinstance(data, dict):
        numbered, edges = data.get("state", []), data.get("action", [])
    else:
        numbered, edges = [], []
    states = _states(numbered)
    if not isinstance(edges, list):
        raise TraceError('"action" should be a list')
    taken = []
    for edge in edges:
        match edge:
            case [[int() as before, _], dict() as label, [int() as after, _]]:
                taken.append((before, {**label, **_arguments(label)}, after))
            case _:
                raise TraceError(
                    '"action" should list triples: a numbered state, an action, a numbered state'
                )
    return _trace(states, taken)


def _inner(data: Any) -> Any:
    is_wrapped = (
        isinstance(data, dict) and "counterexample" in data and set(data) <= {"counterexample", "vars"}
    )
    return data["counterexample"] if is_wrapped else data


def is_tlc_module(text: str) -> bool:
    """Return whether a text is a module that defines a counterexample."""
    return _MODULE.match(text) is not None


def trace_from_tlc_module(text: str) -> Trace:
    """Convert the module that TLC writes with `-dumpTrace tla` into a trace.

    Raises:
        TraceError: the module defines no counterexample; the message says what is missing.
    """
    from tlacheck.tlc._convert import parse  # noqa: PLC0415 - the engine's package is large

    definition = _MODULE.match(text)
    try:
        value = parse(definition["value"].strip()) if definition else None
    except SpecError as error:
        raise TraceError(f"its value cannot be read: {error.message}") from None
    if not isinstance(value, Mapping) or not {"state", "action"} <= set(value):
        raise TraceError('a counterexample is a record with "state" and "action"')
    states: dict[int, State] = {}
    for each in value["state"]:
        match each:
            case (int() as number, immutabledict() as variables):
                states[number] = State(variables)
            case _:
                raise TraceError('"state" should hold pairs: a number, and a record of the variables')
    edges = []
    for each in value["action"]:
        match each:
            case ((int() as before, _), immutabledict() as label, (int() as after, _)):
                edges.append((before, label, after))
            case _:
                raise TraceError(
                    '"action" should hold triples: a numbered state, an action, a numbered state'
                )
    return _trace(_in_order(states), edges)


def _trace(states: Sequence[State], edges: Iterable[tuple[int, Mapping[str, Any], int]]) -> Trace:
    """Return the trace of states, the first numbered 1, and edges; an edge that goes back is the loop."""
    labels: dict[int, Mapping[str, Any]] = {}
    loop = None
    for before, label, after in edges:
        if after == before + 1:
            labels[after] = label
        elif 1 <= after <= before:
            loop = after - 1
    return Trace(
        initial=states[0],
        steps=tuple(_step(labels.get(number, {}), state) for number, state in enumerate(states[1:], start=2)),
        origin=Origin(source="tlc"),
        loop=loop,
    )


def _states(numbered: Any) -> list[State]:
    found: dict[int, State] = {}
    for each in numbered if isinstance(numbered, list) else ():
        match each:
            case [int() as number, dict() as variables]:
                try:
                    found[number] = State((name, _value(value)) for name, value in variables.items())
                except TraceError as error:
                    raise TraceError(f"state {number}: {error}") from None
            case _:
                raise TraceError('"state" should list pairs: a number, and an object with the variables')
    return _in_order(found)


def _in_order(found: Mapping[int, State]) -> list[State]:
    if not found or sorted(found) != list(range(1, len(found) + 1)):
        raise TraceError(f'"state" should hold the states 1, 2 and so on; it has {sorted(found) or "none"}')
    return [found[number] for number in sorted(found)]


def _value(data: Any) -> Value:
    match data:
        case list():
            return tuple(map(_value, data))
        case dict() if data and all(map(_NUMBER.fullmatch, data)):
            return function((int(key), _value(item)) for key, item in data.items())
        case dict():
            return function((key, _value(item)) for key, item in data.items())
        case _:
            return value_from_json(data)


def _step(label: Mapping[str, Any], state: State) -> Step:
    event = state.get(_EVENT)
    if isinstance(event, immutabledict) and isinstance(event.get("action"), str):
        return Step(event["action"], immutabledict({k: v for k, v in event.items() if k != "action"}), state)
    arguments: Mapping[str, Any] = next(
        (label[name] for name in _PARAMETERS if isinstance(label.get(name), Mapping)), {}
    )
    name = label.get("name", "")
    return Step(name if isinstance(name, str) else "", immutabledict(arguments), state)


def _arguments(label: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the arguments of an action in JSON, as values, under the names that the action has for them."""
    return {
        name: {key: _value(item) for key, item in label[name].items()}
        for name in _PARAMETERS
        if isinstance(label.get(name), dict)
    }
