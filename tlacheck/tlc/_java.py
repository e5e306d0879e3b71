"""Small readers of TLC's Java objects, shared by several modules."""

from collections.abc import Callable
from typing import Any

import jpype

from tlacheck.tlc._jvm import TlcClasses
from tlacheck.tlc._protocol import Kind, Message

__all__ = ["bound_constants", "call_stack", "complaint", "field_of", "words_of"]

#: TLC's numbers of an error that has no number of its own, and of the expressions that were being evaluated.
_GENERAL, _NESTED_EXPRESSIONS = 1000, 2103


def words_of(error: Any) -> str:
    """Return a Java exception's text, in the words in which TLC reports it."""
    kind = str(error.getClass().getName())
    message = error.getMessage()
    text = "" if message is None else str(message)
    if kind.startswith(("tlc2.", "util.")):
        return text
    return f"TLC threw an unexpected exception. The exception was a {kind}\n: {text}"


def call_stack(classes: TlcClasses, tool: Any, evaluate: Callable[[Any], object]) -> str:
    """Return the stack of expressions in which `evaluate` fails, by repeating it with a tracing tool."""
    slow = classes["tlc2.tool.impl.CallStackTool"](tool)
    try:
        evaluate(slow)
    except jpype.JException:
        return str(slow.toString())
    return ""


def complaint(error: Any, place: str) -> tuple[Message, Message]:
    """Return TLC's report of an exception in an evaluation, with its stack of expressions."""
    return Message(_GENERAL, Kind.ERROR, words_of(error)), Message(_NESTED_EXPRESSIONS, Kind.ERROR, place)


def field_of(kind: Any, name: str) -> Any:
    """Return Java's handle of a field of a TLC class, private ones included."""
    field = kind.class_.getDeclaredField(name)
    field.setAccessible(True)
    return field


def bound_constants(classes: TlcClasses, context: Any) -> list[tuple[str, str]]:
    """Return the constants that a TLC context binds, with printed values, outermost quantifier first."""
    fields = [field_of(classes["tlc2.util.Context"], name) for name in ("name", "value", "next")]
    pairs: list[tuple[str, str]] = []
    while context is not None:
        symbol, value, context = (field.get(context) for field in fields)
        if symbol is not None and value is not None:
            pairs.append((str(symbol.getName()), str(value.toString())))
    return pairs[::-1]
