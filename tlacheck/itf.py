"""Traces as files: the Informal Trace Format (ITF), JSON that Apalache and Quint read and write too.

Each state holds its variables; its `#meta` holds the index, and the action and arguments that led
there. The file's own `#meta` says where the trace comes from and what it shows.

| Value                        | JSON                                                             |
|------------------------------|------------------------------------------------------------------|
| boolean, string              | itself                                                           |
| integer                      | `{"#bigint": "1"}`                                               |
| tuple                        | `{"#tup": [...]}`                                                |
| set                          | `{"#set": [...]}`, in an order that does not depend on hashing   |
| record                       | an object, when all its fields are identifiers                   |
| any other function           | `{"#map": [[argument, value], ...]}`                             |
| model value `n1`             | `{"#model": "n1"}`, an extension of ours                         |

Traces of other tools can be read too: plain numbers become integers, lists become sequences, and
`#meta` is optional.

Every value of `tlacheck.values` is read back equal to the value written. Values that Python would read
back as different ones are rejected: a set with both `TRUE` and `1`, a function with two values for one
argument.
"""

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import attrs
from immutabledict import immutabledict

from tlacheck.errors import TraceError
from tlacheck.files import read_text, write_whole
from tlacheck.trace import Origin, State, Step, Trace, Violation
from tlacheck.values import Function, ModelValue, Value, function, ordered, same, to_tla

__all__ = [
    "from_json",
    "origin_from_json",
    "origin_to_json",
    "parse_json",
    "read",
    "to_json",
    "value_from_json",
    "value_to_json",
    "write",
]

_DESCRIPTION = "https://apalache-mc.org/docs/adr/015adr-trace.html"
_IDENTIFIER = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_NUMBER = re.compile(r"-?\d+", re.ASCII)
#: Surrogates: JSON can name them, UTF-8 cannot encode them.
_SURROGATE = re.compile("[\ud800-\udfff]")
#: The most digits of a number; Python converts longer ones only on request.
_DIGITS_MAX = 4000
_CUT_SHORT = "Was the file cut short?"


def to_json(trace: Trace) -> str:
    """Return the trace as ITF JSON, one line per state; equal traces give equal text.

    Raises:
        TraceError: a state holds what is no TLA+ value, or one nested too deeply.
    """
    try:
        text = _to_json(trace)
    except RecursionError:
        raise TraceError("a state holds a value that is nested too deeply to be written") from None
    return _SURROGATE.sub(lambda half: f"\\u{ord(half[0]):04x}", text)


def _to_json(trace: Trace) -> str:
    head = {
        "#meta": _meta_to_json(trace),
        "vars": list(trace.variables),
        **({} if trace.loop is None else {"loop": trace.loop}),
    }
    actions = [None, *trace.steps]
    lines = []
    for index, (state, step) in enumerate(zip(trace.states, actions, strict=True)):
        meta: dict[str, Any] = {"index": index}
        if step is not None:
            meta["action"] = step.action
            meta["arguments"] = {
                name: _written(step.arguments[name], index, name) for name in sorted(step.arguments)
            }
        lines.append(
            json.dumps({"#meta": meta, **_state_to_json(state, index, trace.variables)}, ensure_ascii=False)
        )
    opening = json.dumps(head, ensure_ascii=False, indent=1).removesuffix("\n}")
    states = ",\n  ".join(lines)
    return f'{opening},\n "states": [\n  {states}\n ]\n}}\n'


def from_json(text: str, path: Path | None = None) -> Trace:
    """Parse a trace in ITF JSON.

    Args:
        text: the JSON.
        path: the file it comes from, for messages.

    Raises:
        TraceError: the text is no JSON, or no trace; the message names the part at fault.
    """
    data = parse_json(text, path)
    try:
        return _trace_from_json(data)
    except TraceError as error:
        raise TraceError(str(error), path) from None
    except RecursionError:
        raise TraceError("holds a value that is nested too deeply to be read", path) from None


def parse_json(text: str, path: Path | None = None) -> Any:
    """Parse JSON data.

    Args:
        text: the JSON.
        path: the file it comes from, for messages.

    Raises:
        TraceError: the text is no JSON; the message says where it ceases to be.
    """
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        if not text.strip():
            raise TraceError(f"is empty. {_CUT_SHORT}", path) from error
        message = f"not JSON, at line {error.lineno}, column {error.colno}: {error.msg}. {_CUT_SHORT}"
        raise TraceError(message, path) from error
    except RecursionError:
        raise TraceError("is nested too deeply to be read", path) from None
    except ValueError as error:  # Python's limit on the digits of a number
        raise TraceError(f"holds a number that is too long: {error}", path) from error


def write(trace: Trace, path: Path | str) -> None:
    """Write the trace to a file; a reader sees the old file or the whole new one.

    Raises:
        TraceError: a state holds what is no TLA+ value, or the file cannot be written.
    """
    write_whole(to_json(trace), Path(path))


def read(path: Path | str) -> Trace:
    """The trace in a file.

    Raises:
        TraceError: there is no such file, or it holds no trace.
    """
    path = Path(path)
    return from_json(read_text(path, "ITF trace"), path)


def value_to_json(value: Value) -> Any:
    """One TLA+ value as JSON data.

    Raises:
        TraceError: it is no TLA+ value.
    """
    match value:
        case bool() | str():
            return value
        case int():
            if abs(value) >= 10**_DIGITS_MAX:
                raise TraceError(f"a number of more than {_DIGITS_MAX} digits cannot be written")
            return {"#bigint": str(value)}
        case ModelValue():
            return {"#model": value.name}
        case tuple():
            return {"#tup": [value_to_json(item) for item in value]}
        case frozenset():
            return {"#set": [value_to_json(member) for member in ordered(value)]}
        case immutabledict():
            if value and all(isinstance(key, str) and _IDENTIFIER.fullmatch(key) for key in value):
                return {key: value_to_json(value[key]) for key in sorted(value)}
            return {"#map": [[value_to_json(key), value_to_json(value[key])] for key in ordered(value)]}
        case _:
            raise TraceError(f"{value!r}, a {type(value).__name__}, is no TLA+ value")


def value_from_json(data: Any) -> Value:
    """The TLA+ value in JSON data.

    Raises:
        TraceError: the data stand for no TLA+ value.
    """
    return _Reader().value(data)


class _Reader:
    """Reads values; caches equal parts by their JSON text.

    Successive states differ little, so most parts of a long trace repeat. Equal parts become the same
    object, which makes comparing states cheap.
    """

    def __init__(self, size_max: int = 100_000) -> None:
        self._size_max = size_max
        self._known: dict[str, Value] = {}

    def value(self, data: Any) -> Value:
        match data:
            case bool() | str() | int():
                return data
            case {"#bigint": str() | int() as number} if _NUMBER.fullmatch(str(number)):
                if len(str(number).lstrip("-")) > _DIGITS_MAX:
                    raise TraceError(f"a number of more than {_DIGITS_MAX} digits cannot be read")
                return int(number)
            case {"#model": str() as name}:
                return ModelValue(name)
            case list() | dict():
                text = repr(data)
                value = self._known.get(text)
                if value is None:
                    value = self._composite(data)
                    if len(self._known) >= self._size_max:
                        self._known.clear()
                    self._known[text] = value
                return value
        raise _no_value(data)

    def _composite(self, data: Any) -> Value:
        match data:
            case list() | {"#tup": list()}:
                items = data if isinstance(data, list) else data["#tup"]
                return tuple(self.value(item) for item in items)
            case {"#set": list() as members}:
                return _set(self.value(member) for member in members)
            case {"#map": list() as pairs} if all(
                isinstance(pair, list) and len(pair) == 2 for pair in pairs
            ):
                return _function((self.value(key), self.value(item)) for key, item in pairs)
            case dict() if not any(key.startswith("#") for key in data):
                return function([(key, self.value(item)) for key, item in data.items()])
        raise _no_value(data)


def _no_value(data: Any) -> TraceError:
    shown = json.dumps(data, ensure_ascii=False)
    return TraceError(f"{shown[:80]} stands for no TLA+ value")


def _set(members: Iterable[Value]) -> frozenset[Value]:
    """Build the set of these members; reject duplicates that differ in TLA+ only."""
    found: dict[Value, Value] = {}
    for member in members:
        _refuse_mixed(found.setdefault(member, member), member, "a set holds both")
    return frozenset(found)


def _function(pairs: Iterable[tuple[Value, Value]]) -> Value:
    """Build the function from these argument-value pairs; reject an argument given twice."""
    found: dict[Value, tuple[Value, Value]] = {}
    for argument, value in pairs:
        known, before = found.setdefault(argument, (argument, value))
        _refuse_mixed(known, argument, "the arguments of a function are both")
        if not same(before, value):
            raise TraceError(
                f"a function has two values for the argument {to_tla(argument)}: {to_tla(before)} and "
                f"{to_tla(value)}"
            )
    return function((argument, value) for argument, (_, value) in found.items())


def _refuse_mixed(one: Value, other: Value, where: str) -> None:
    """Reject values that are equal in Python but not in TLA+."""
    if not same(one, other):
        raise TraceError(f"{where} {to_tla(one)} and {to_tla(other)}, which TLC cannot compare")


def _meta_to_json(trace: Trace) -> dict[str, Any]:
    meta = {"format": "ITF", "format-description": _DESCRIPTION, **origin_to_json(trace.origin)}
    if trace.violation is not None:
        violation = trace.violation
        meta["violation"] = {
            "property": violation.property,
            "step": violation.step,
            "explanation": list(violation.explanation),
            **(
                {}
                if violation.expected is None
                else {"expected": _state_to_json(violation.expected, violation.step, trace.variables)}
            ),
        }
    return meta


def _state_to_json(state: State, index: int | None, names: tuple[str, ...]) -> dict[str, Any]:
    order = [*(name for name in names if name in state), *sorted(name for name in state if name not in names)]
    return {name: _written(state[name], index, name) for name in order}


def _written(value: Value, index: int | None, name: str) -> Any:
    try:
        return value_to_json(value)
    except TraceError as error:
        raise TraceError(f"state {index}, {name}: {error}") from None


def _trace_from_json(data: Any) -> Trace:
    states = data.get("states") if isinstance(data, dict) else None
    if not isinstance(states, list) or not states:
        raise TraceError('no ITF trace: it needs an object with "states", a list of one state at least')
    names = data.get("vars", [])
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise TraceError(f'"vars" is {names!r}; it should be a list of names')
    reader = _Reader()
    read_states = [
        _state_from_json(state, f"state {index}", names, reader) for index, state in enumerate(states)
    ]
    loop = data.get("loop")
    if loop is not None and (type(loop) is not int or not 0 <= loop < len(states)):
        raise TraceError(f'"loop" is {loop!r}; it should be the number of a state, 0 to {len(states) - 1}')
    meta = data.get("#meta", {})
    if not isinstance(meta, dict):
        raise TraceError('"#meta" should be an object')
    return Trace(
        initial=read_states[0],
        steps=tuple(
            _step_from_json(raw, state, index, reader)
            for index, (raw, state) in enumerate(zip(states[1:], read_states[1:], strict=True), start=1)
        ),
        origin=origin_from_json(meta),
        loop=loop,
        violation=_violation_from_json(meta.get("violation"), names, reader),
    )


def _state_from_json(data: Any, where: str, names: list[str], reader: _Reader) -> State:
    if not isinstance(data, dict):
        raise TraceError(f"{where} is no object")
    missing = [name for name in names if name not in data]
    if missing:
        raise TraceError(f'{where} lacks {", ".join(missing)}, which "vars" lists')
    others = [name for name in data if name not in names and name != "#meta"]
    return State((name, _read(data[name], where, name, reader)) for name in (*names, *others))


def _read(data: Any, where: str, name: str, reader: _Reader) -> Value:
    try:
        return reader.value(data)
    except TraceError as error:
        raise TraceError(f"{where}, {name}: {error}") from None


def _step_from_json(data: Mapping[str, Any], state: State, index: int, reader: _Reader) -> Step:
    meta = data.get("#meta", {})
    action = meta.get("action", "") if isinstance(meta, dict) else None
    arguments = meta.get("arguments", {}) if isinstance(meta, dict) else None
    if not isinstance(action, str) or not isinstance(arguments, dict):
        raise TraceError(
            f'state {index}: "#meta" should be an object, its "action" a string and "arguments" an object'
        )
    where = f"state {index}, arguments"
    return Step(
        action, Function((name, _read(item, where, name, reader)) for name, item in arguments.items()), state
    )


def origin_to_json(origin: Origin) -> dict[str, Any]:
    """An origin as JSON data, without the fields that say nothing."""
    fields = attrs.asdict(origin, recurse=False)
    fields["versions"] = dict(sorted(origin.versions.items()))
    # A seed of 0 is a seed too.
    return {key: value for key, value in fields.items() if value or (key == "seed" and value is not None)}


def origin_from_json(meta: Mapping[str, Any]) -> Origin:
    """The origin in JSON data; a field of another type counts as absent."""
    texts = {
        name: meta[name]
        for name in ("spec", "config", "engine", "command")
        if isinstance(meta.get(name), str)
    }
    versions = meta.get("versions")
    seed = meta.get("seed")
    return Origin(
        source=meta["source"] if isinstance(meta.get("source"), str) else "",
        **texts,
        seed=seed if type(seed) is int else None,
        versions=immutabledict((str(key), str(item)) for key, item in versions.items())
        if isinstance(versions, dict)
        else immutabledict(),
    )


def _violation_from_json(data: Any, names: list[str], reader: _Reader) -> Violation | None:
    if data is None:
        return None
    match data:
        case {"property": str() as name, "step": int() | None as step}:
            explanation = data.get("explanation", [])
            expected = data.get("expected")
            return Violation(
                property=name,
                step=step,
                explanation=tuple(map(str, explanation))
                if isinstance(explanation, list)
                else (str(explanation),),
                expected=None
                if expected is None
                else _state_from_json(expected, "the expected state", names, reader),
            )
        case _:
            raise TraceError(
                '"violation" in "#meta" should have a "property", a name, and a "step", a number or null'
            )
