"""Comparison of two traces: the first step in which they differ, and the differences there.

Two traces are the same if they have the same initial state, the same actions with the same arguments,
the same states, the same loop and the same violation. Their origin, the explanation of a violation and
the order of variables do not matter. An action that one of them does not name is not compared.
"""

from collections.abc import Collection, Iterator
from typing import Any

import attrs

from tlacheck.report.compact import Wording
from tlacheck.report.lanes import Difference
from tlacheck.trace import State, Trace
from tlacheck.values import Value, differences, same, to_tla

__all__ = ["Parting", "parting", "parting_lines", "parting_to_json"]


@attrs.frozen
class Parting:
    """The first difference of two traces.

    Attributes:
        step: the number of the step; 0 is the initial state. None if all common steps are the same, and
            only what comes after them or what is said of the whole differs.
        what: `state`, `action`, `arguments`, `length`, `loop` or `violation`.
        variables: the variables whose values differ after that step.
        parts: what differs, in its smallest parts; `expected` is the first trace's, `found` the second's.
        actions: the action of that step in the first and in the second trace.
    """

    step: int | None
    what: str
    variables: tuple[str, ...] = ()
    parts: tuple[Difference, ...] = ()
    actions: tuple[str, str] = ("", "")


def parting(one: Trace, other: Trace, *, ignore: Collection[str] = ()) -> Parting | None:
    """Find the first difference of two traces; None if they are the same.

    Args:
        one: a trace.
        other: the trace to compare it with.
        ignore: variables that are not compared.
    """
    pairs = zip(one.states, other.states, strict=False)
    for number, (left, right) in enumerate(pairs):
        found = _step(one, other, number, ignore) or _state(number, left, right, ignore)
        if found:
            names = (_action(one, number), _action(other, number))
            return attrs.evolve(found, actions=names)
    for what, left_value, right_value in (
        ("length", len(one), len(other)),
        ("loop", one.loop, other.loop),
        ("violation", _violated(one), _violated(other)),
    ):
        if left_value != right_value:
            return Parting(None, what, parts=(Difference(what, left_value, right_value),))
    return None


def _step(one: Trace, other: Trace, number: int, ignore: Collection[str]) -> Parting | None:
    left, right = _action(one, number), _action(other, number)
    if not (left and right):
        return None
    if left != right:
        return Parting(number, "action", parts=(Difference("action", left, right),))
    left_given, right_given = one.steps[number - 1].arguments, other.steps[number - 1].arguments
    found = _state(number, left_given, right_given, ignore)
    return attrs.evolve(found, what="arguments", variables=()) if found else None


def _state(number: int, left: State, right: State, ignore: Collection[str]) -> Parting | None:
    names = [
        name
        for name in (*left, *(name for name in right if name not in left))
        if name not in ignore and not (name in left and name in right and same(left[name], right[name]))
    ]
    if not names:
        return None
    parts = tuple(part for name in names for part in _parts(name, left, right))
    return Parting(number, "state", tuple(names), parts)


def _parts(name: str, left: State, right: State) -> Iterator[Difference]:
    if name in left and name in right:
        for path, one, other in differences(left[name], right[name], name):
            yield Difference(path, one, other)
    else:
        yield Difference(name, left.get(name), right.get(name))


def _action(trace: Trace, number: int) -> str:
    return trace.steps[number - 1].action if number else ""


def _violated(trace: Trace) -> tuple[str, int | None] | None:
    return None if trace.violation is None else (trace.violation.property, trace.violation.step)


# --- in words, and for machines -----------------------------------------------------------------


def parting_lines(found: Parting | None, one: Trace, names: tuple[str, str]) -> Iterator[str]:
    """Describe the difference for a reader.

    Args:
        found: the difference.
        one: the first of the traces.
        names: how the two are called: their files.
    """
    if found is None:
        yield f"the same: {len(one)} step{'' if len(one) == 1 else 's'}"
        return
    wording = Wording()
    if found.step is None:
        yield f"the same up to step {_common(found, one)}; they differ in their {found.what}"
    elif found.step == 0:
        yield f"they differ in the initial state: {', '.join(found.variables)}"
    else:
        action = " and ".join(dict.fromkeys(name or "(unnamed step)" for name in found.actions))
        yield f"the same up to step {found.step - 1}; they differ at step {found.step}, {action}"
        if found.what != "state":
            yield f"  in its {found.what}"
        else:
            yield f"  in {', '.join(found.variables)}"
    for part in found.parts:
        yield f"  {part.part}"
        for name, value in zip(names, (part.expected, part.found), strict=True):
            yield f"    {name}: {_said(value, wording)}"


def _common(found: Parting, one: Trace) -> int:
    lengths = [part.expected for part in found.parts] + [part.found for part in found.parts]
    return min(lengths) if found.what == "length" else len(one)


def _said(value: Value, wording: Wording) -> str:
    match value:
        case None:
            return "(none)"
        case (str() as name, step):  # a violation, as `_violated` gives it
            return name if step is None else f"{name} at step {step}"
        case _:
            return wording.value(value, exact=True)


def parting_to_json(found: Parting | None) -> dict[str, Any]:
    """The difference as JSON data; values are texts in TLA+."""
    if found is None:
        return {"same": True}
    whole = found.step is None
    return {
        "same": False,
        "step": found.step,
        "what": found.what,
        "actions": list(found.actions),
        "variables": list(found.variables),
        "parts": [
            {
                "part": each.part,
                "first": _json(each.expected, whole=whole),
                "second": _json(each.found, whole=whole),
            }
            for each in found.parts
        ],
    }


def _json(value: Value, *, whole: bool) -> Any:
    if value is None or whole:
        return value
    return to_tla(value)
