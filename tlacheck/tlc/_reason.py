"""Explanation of a failing conjunct: the part of it that is false, and the values that make it so."""

import itertools
from collections.abc import Iterator
from typing import Any

import attrs
import jpype
from immutabledict import immutabledict

from tlacheck.errors import SpecError
from tlacheck.tlc._formula import Formula, Reader
from tlacheck.tlc._walk import Cause, Fault
from tlacheck.values import Function, Value, differences, to_tla

__all__ = ["Reason", "because", "short"]

#: The most characters of a value or a formula in a text.
_SHOWN_MAX = 100
#: The most characters of the path to a part of a value: the key may be a whole record.
_PATH_MAX = 250
#: The most values in a text.
_VALUES_MAX = 4
_CONNECTIVES = frozenset(
    {"\\lnot", "\\land", "\\lor", "$ConjList", "$DisjList", "=>", "\\equiv", "$Nop", "$SquareAct"}
)


@attrs.frozen
class Reason:
    """The reason why a conjunct fails.

    Attributes:
        text: the end of a sentence that begins with the action.
        formula: the conjunct, or the part of it that is false by itself.
    """

    text: str
    formula: Formula


def because(reader: Reader, fault: Fault, before: Any) -> Reason:
    """Explain in words why `fault.formula` fails."""
    if fault.variable is not None:
        return Reason(_of_variable(reader, fault, fault.variable), fault.formula)
    if fault.error is not None:
        text = short(reader.text(fault.formula))
        return Reason(f"cannot be evaluated: {reader.complaint(fault.error)}, in {text}", fault.formula)
    formula, members = _pinpoint(reader, fault.formula, before, fault.after)
    values = ", ".join(_values(reader, formula, before, fault.after))
    text = short(reader.text(formula))
    choice = "".join(f", for {name} = {short(reader.shown(value))}" for name, value in members.items())
    known = f" ({values})" if values else ""
    if reader.has_primes(formula):
        return Reason(f"demands {text}, which is FALSE{known}{choice}", formula)
    return Reason(f"is not enabled: {text} is FALSE{known}{choice}", formula)


def short(text: str, length_max: int = _SHOWN_MAX) -> str:
    """The text, cut in the middle if it is long."""
    if len(text) <= length_max:
        return text
    half = (length_max - 3) // 2
    return f"{text[:half]}...{text[-half:]}"


# --- variables that have another value -----------------------------------------------------------


def _of_variable(reader: Reader, fault: Fault, variable: str) -> str:
    observed = fault.after.lookup(reader.variables[variable])
    if fault.cause is Cause.MEMBER:
        return (
            f"would set {variable} to a member of {short(reader.shown(fault.value))}, observed "
            f"{short(reader.shown(observed))}"
        )
    try:
        wanted, got = reader.python(fault.value), reader.python(observed)
    except SpecError:
        return (
            f"would set {variable} to {short(reader.shown(fault.value))}, observed "
            f"{short(reader.shown(observed))}"
        )
    if (
        wanted == () or got == ()
    ):  # the empty function is a tuple too: compare it as the function that it is here
        wanted, got = (
            Function() if value == () and isinstance(other, immutabledict) else value
            for value, other in ((wanted, got), (got, wanted))
        )
    found = differences(wanted, got, variable)
    first = [_difference(fault.cause, *part) for part in itertools.islice(found, 2)]
    more = sum(1 for _ in found)
    text = first[0] + "".join(f"; {other}" for other in first[1:])
    return text + (f"; and {more} more difference{'s' if more > 1 else ''}" if more else "")


def _difference(cause: Cause, path: str, wanted: Value, got: Value) -> str:
    path = short(path, _PATH_MAX)
    if cause is Cause.KEPT:
        shown = "it is not there" if wanted is None else short(to_tla(wanted))
        return f"leaves {path} as it is ({shown}), observed {_observed(got)}"
    if wanted is None:
        return f"would not have {path}, observed {_observed(got)}"
    if isinstance(wanted, frozenset) and isinstance(got, frozenset) and len(to_tla(wanted)) > _SHOWN_MAX // 2:
        parts = [("without", got - wanted), ("with", wanted - got)]
        texts = [f"{word} {short(to_tla(members))}" for word, members in parts if members]
        return f"would set {path} to a set {' and '.join(texts)}, observed it the other way round"
    return f"would set {path} to {short(to_tla(wanted))}, observed {_observed(got)}"


def _observed(value: Value) -> str:
    return "none" if value is None else short(to_tla(value))


# --- formulas that are false ----------------------------------------------------------------------


def _pinpoint(reader: Reader, formula: Formula, before: Any, after: Any) -> tuple[Formula, dict[str, Any]]:
    r"""Find the innermost false conjunct, and the members that make a `\A` around it false."""
    members: dict[str, Any] = {}
    while True:
        try:
            inner = _inner(reader, formula, before, after, members)
        except (jpype.JException, SpecError):
            inner = None  # some part cannot be evaluated by itself: the whole can, and is false
        if inner is None:
            return formula, members
        formula = inner


def _inner(
    reader: Reader, formula: Formula, before: Any, after: Any, members: dict[str, Any]
) -> Formula | None:
    """Return a part of a false formula that is false too, and makes the whole so; None if there is none."""
    arguments = reader.arguments(formula)
    match reader.operator(formula):
        case "$ConjList" | "\\land":
            return next(part for part in arguments if not reader.holds(part, before, after))
        case "$Nop":
            return arguments[0]
        case "=>":
            return arguments[1]
        case "$IfThenElse":
            return arguments[1] if reader.holds(arguments[0], before, after) else arguments[2]
        case "$BoundedForall":
            for body, chosen in reader.choices(formula, before, after):
                if not reader.holds(body, before, after):
                    members.update(chosen)
                    return body
            return None
        case "":
            inner = reader.unfolded(formula)
            return inner if inner is not None and reader.is_own(inner) else None
        case _:
            return None


def _values(reader: Reader, formula: Formula, before: Any, after: Any) -> list[str]:
    """List `part = value` for the parts whose values help the reader, `coins = 0`."""
    found: dict[str, str] = {}
    for part in _parts(reader, formula):
        text = reader.text(part)
        if text in found or text == reader.text(formula):
            continue
        try:
            value = reader.shown(reader.value(part, before, after))
        except (jpype.JException, SpecError):
            continue  # a part that is not evaluated, behind a false guard: no reason
        if value.strip('"') != text.strip('"'):  # a literal states its value itself
            found[text] = value
    if not found and reader.variable(formula) is None:
        for name in reader.variables_in(formula):
            value = before.lookup(reader.variables[name])
            if value is not None:
                found[name] = reader.shown(value)
    return [f"{short(text)} = {short(value)}" for text, value in itertools.islice(found.items(), _VALUES_MAX)]


def _parts(reader: Reader, formula: Formula) -> Iterator[Formula]:
    operator = reader.operator(formula)
    arguments = reader.arguments(formula)
    if operator in _CONNECTIVES:
        for argument in arguments:
            yield from _parts(reader, argument)
    elif operator in ("$BoundedExists", "$BoundedForall"):
        yield from reader.bounds(formula)
    elif operator == "UNCHANGED" or not arguments:
        yield formula
    else:
        yield from arguments
