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

Traces of other tools are read too: plain numbers are integers, lists are sequences, no `#meta` is needed.
"""

import json
import os
import re
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs
from immutabledict import immutabledict

from tlacheck.errors import TraceError
from tlacheck.trace import Origin, State, Step, Trace, Violation
from tlacheck.values import Function, ModelValue, Value, function, ordered

__all__ = [
    "from_json",
    "origin_from_json",
    "origin_to_json",
    "read",
    "to_json",
    "value_from_json",
    "value_to_json",
    "write",
]

_DESCRIPTION = "https://apalache-mc.org/docs/adr/015adr-trace.html"
_IDENTIFIER = re.compile(r"[A-Za-z_]\w*", re.ASCII)


def to_json(trace: Trace) -> str:
    """The trace as ITF JSON: the same text for the same trace, a line a state.

    Raises:
        TraceError: a state holds what is no TLA+ value.
    """
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
    """The trace in ITF JSON.

    Args:
        text: the JSON.
        path: the file it comes from, for messages.

    Raises:
        TraceError: the text is no JSON, or no trace; the message names the part at fault.
    """
    try:
        data = json.loads(text)
    except json.JSONDecodeError as error:
        message = (
            f"not JSON, at line {error.lineno}, column {error.colno}: {error.msg}. Was the file cut short?"
        )
        raise TraceError(message, path) from error
    try:
        return _trace_from_json(data)
    except TraceError as error:
        raise TraceError(str(error), path) from None


def write(trace: Trace, path: Path | str) -> None:
    """Write the trace to a file; a reader sees the old file or the whole new one.

    Raises:
        TraceError: a state holds what is no TLA+ value, or the file cannot be written.
    """
    path = Path(path)
    text = to_json(trace)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(
            "w", encoding="utf-8", dir=path.parent, prefix=f".{path.name}.", delete=False
        ) as file:
            file.write(text)
        scratch = Path(file.name)
        try:
            scratch.chmod(0o644)  # a temporary file is its maker's only; a trace is for all to read
            os.replace(scratch, path)  # noqa: PTH105 (the atomic rename is the point)
        finally:
            scratch.unlink(missing_ok=True)
    except OSError as error:
        raise TraceError(f"cannot be written: {error.strerror or error}", path) from error


def read(path: Path | str) -> Trace:
    """The trace in a file.

    Raises:
        TraceError: there is no such file, or it holds no trace.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise TraceError(f"cannot be read: {error.strerror or error}", path) from error
    except UnicodeDecodeError as error:
        raise TraceError("is no text file in UTF-8, so no ITF trace", path) from error
    return from_json(text, path)


def value_to_json(value: Value) -> Any:
    """One TLA+ value as JSON data.

    Raises:
        TraceError: it is no TLA+ value.
    """
    match value:
        case bool() | str():
            return value
        case int():
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
    match data:
        case bool() | str() | int():
            return data
        case list():
            return tuple(value_from_json(item) for item in data)
        case {"#bigint": str() | int() as number} if re.fullmatch(r"-?\d+", str(number)):
            return int(number)
        case {"#model": str() as name}:
            return ModelValue(name)
        case {"#tup": list() as items}:
            return tuple(value_from_json(item) for item in items)
        case {"#set": list() as members}:
            return frozenset(value_from_json(member) for member in members)
        case {"#map": list() as pairs} if all(isinstance(pair, list) and len(pair) == 2 for pair in pairs):
            return function([(value_from_json(key), value_from_json(item)) for key, item in pairs])
        case dict() if not any(key.startswith("#") for key in data):
            return function([(key, value_from_json(item)) for key, item in data.items()])
        case _:
            shown = json.dumps(data, ensure_ascii=False)
            raise TraceError(f"{shown[:80]} stands for no TLA+ value")


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
    read_states = [_state_from_json(state, f"state {index}", names) for index, state in enumerate(states)]
    loop = data.get("loop")
    if loop is not None and (type(loop) is not int or not 0 <= loop < len(states)):
        raise TraceError(f'"loop" is {loop!r}; it should be the number of a state, 0 to {len(states) - 1}')
    meta = data.get("#meta", {})
    if not isinstance(meta, dict):
        raise TraceError('"#meta" should be an object')
    return Trace(
        initial=read_states[0],
        steps=tuple(
            _step_from_json(raw, state, index)
            for index, (raw, state) in enumerate(zip(states[1:], read_states[1:], strict=True), start=1)
        ),
        origin=origin_from_json(meta),
        loop=loop,
        violation=_violation_from_json(meta.get("violation"), names),
    )


def _state_from_json(data: Any, where: str, names: list[str]) -> State:
    if not isinstance(data, dict):
        raise TraceError(f"{where} is no object")
    missing = [name for name in names if name not in data]
    if missing:
        raise TraceError(f'{where} lacks {", ".join(missing)}, which "vars" lists')
    others = [name for name in data if name not in names and name != "#meta"]
    return State((name, _read(data[name], where, name)) for name in (*names, *others))


def _read(data: Any, where: str, name: str) -> Value:
    try:
        return value_from_json(data)
    except TraceError as error:
        raise TraceError(f"{where}, {name}: {error}") from None


def _step_from_json(data: Mapping[str, Any], state: State, index: int) -> Step:
    meta = data.get("#meta", {})
    action = meta.get("action", "") if isinstance(meta, dict) else None
    arguments = meta.get("arguments", {}) if isinstance(meta, dict) else None
    if not isinstance(action, str) or not isinstance(arguments, dict):
        raise TraceError(
            f'state {index}: "#meta" should be an object, its "action" a string and "arguments" an object'
        )
    where = f"state {index}, arguments"
    return Step(action, Function((name, _read(item, where, name)) for name, item in arguments.items()), state)


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


def _violation_from_json(data: Any, names: list[str]) -> Violation | None:
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
                else _state_from_json(expected, "the expected state", names),
            )
        case _:
            raise TraceError(
                '"violation" in "#meta" should have a "property", a name, and a "step", a number or null'
            )
