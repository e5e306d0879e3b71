r"""TLA+ values as plain Python values: equal here exactly when they are equal in TLA+.

| TLA+                                  | Python                                         |
|---------------------------------------|------------------------------------------------|
| `1`, `TRUE`, `"abc"`                  | `int`, `bool`, `str`                           |
| model value `n1`                      | `ModelValue("n1")`                             |
| `{1, 2}`                              | `frozenset({1, 2})`                            |
| `<<1, 2>>`, also `[i \in 1..2 \|-> i]`  | `(1, 2)`                                       |
| `[a \|-> 1]`, `(n1 :> 1 @@ n2 :> 2)`   | `Function({"a": 1})`, `Function({n1: 1, ...})` |

A record is a function from strings and a sequence is a function from `1..n`, so a function whose
domain is `1..n` *is* the tuple; `function` makes that normal form. All values are hashable.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeAlias

import attrs
from immutabledict import immutabledict

from tlacheck.errors import AdapterError

__all__ = [
    "Function",
    "ModelValue",
    "Value",
    "differences",
    "function",
    "ordered",
    "same",
    "to_tla",
    "validate",
]

#: A function or record: an immutable, hashable mapping.
Function: TypeAlias = immutabledict[Any, Any]

#: Any TLA+ value. The recursion cannot be written for mypy without losing precision elsewhere.
Value: TypeAlias = Any


#: The form of a record's field name; a function on other strings is written as a function.
_FIELD = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_ESCAPES = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t", "\f": "\\f", "\r": "\\r"})


@attrs.frozen(order=True, repr=False, cache_hash=True)
class ModelValue:
    """A TLC model value: equal to itself only, never to the string of the same name."""

    name: str

    def __repr__(self) -> str:
        return self.name


def function(pairs: Mapping[Any, Any] | Iterable[tuple[Any, Any]]) -> Value:
    """Build the function with these argument-value pairs; a tuple if its domain is `1..n`."""
    mapping = immutabledict(pairs)
    size = len(mapping)
    if all(type(key) is int and 1 <= key <= size for key in mapping):
        return tuple(mapping[index] for index in range(1, size + 1))
    return mapping


def same(left: Value, right: Value) -> bool:
    """Return whether two values are equal in TLA+. Unlike `==`, this distinguishes `TRUE` from `1`."""
    if left is right:
        return True
    kind = type(left)
    if kind is not type(right):
        return False
    if kind is immutabledict:
        return (
            len(left) == len(right)
            and all(key in right and same(value, right[key]) for key, value in left.items())
            and _reads_alike(left.keys(), right.keys())
        )
    if kind is tuple:
        return len(left) == len(right) and all(map(same, left, right))
    if kind is frozenset:
        return bool(left == right) and _reads_alike(left, right)
    return bool(left == right)


def _reads_alike(left: Iterable[Value], right: Iterable[Value]) -> bool:
    """Return whether members equal in Python are equal in TLA+ too: `{TRUE}` is not `{1}`."""
    return sorted(map(to_tla, left)) == sorted(map(to_tla, right))


def differences(left: Value, right: Value, path: str = "") -> Iterator[tuple[str, Value, Value]]:
    """Yield (path, left, right) for the smallest parts in which two values differ.

    `path` is written in TLA+: `log[n1][2].term`. A part that one side lacks is `None` there.
    """
    if same(left, right):
        return
    if type(left) is not type(right):
        yield path, left, right
    elif isinstance(left, immutabledict):
        for key in ordered({*left, *right}):
            part = f"{path}.{key}" if isinstance(key, str) else f"{path}[{to_tla(key)}]"
            if key in left and key in right:
                yield from differences(left[key], right[key], part)
            else:
                yield part, left.get(key), right.get(key)
    elif isinstance(left, tuple) and len(left) == len(right):
        for index, (one, other) in enumerate(zip(left, right, strict=True), start=1):
            yield from differences(one, other, f"{path}[{index}]")
    else:
        yield path, left, right


def to_tla(value: Value) -> str:
    """The value in TLA+ syntax, on one line, in an order that does not depend on hashing."""
    match value:
        case bool():
            return "TRUE" if value else "FALSE"
        case int():
            return str(value)
        case str():
            return f'"{value.translate(_ESCAPES)}"'
        case ModelValue():
            return value.name
        case frozenset():
            return "{" + ", ".join(to_tla(member) for member in ordered(value)) + "}"
        case tuple():
            return "<<" + ", ".join(to_tla(item) for item in value) + ">>"
        case immutabledict() if value and all(
            isinstance(key, str) and _FIELD.fullmatch(key) for key in value
        ):
            return "[" + ", ".join(f"{key} |-> {to_tla(value[key])}" for key in sorted(value)) + "]"
        case immutabledict():
            return "(" + " @@ ".join(f"{to_tla(key)} :> {to_tla(value[key])}" for key in ordered(value)) + ")"
        case None:
            return "(absent)"
        case _:
            return repr(value)


def validate(value: Value, path: str = "value") -> None:
    """Check that a Python value stands for a TLA+ value.

    Raises:
        AdapterError: for anything else (a float, None, a list, a dict, a tuple spelt as a
            function), naming the part at fault.
    """
    match value:
        case bool() | int() | str() | ModelValue():
            return
        case frozenset():
            for member in value:
                validate(member, f"{path}, member {to_tla(member)}")
        case tuple():
            for index, item in enumerate(value, start=1):
                validate(item, f"{path}[{index}]")
        case immutabledict():
            if isinstance(function(value), tuple):
                raise AdapterError(
                    f"{path} is a function on 1..{len(value)}: write it as the tuple that it equals"
                )
            for key, item in value.items():
                validate(key, f"{path}, argument {key!r}")
                validate(item, f"{path}[{to_tla(key)}]")
        case _:
            raise AdapterError(
                f"{path} is {value!r}, a {type(value).__name__}: no TLA+ value is like it. "
                "Use int, bool, str, ModelValue, frozenset, tuple or immutabledict."
            )


def ordered(values: Iterable[Value]) -> list[Value]:
    """Sort values in a natural order that hashing cannot change: numbers by size, the rest by text."""
    return sorted(values, key=lambda value: (0, value, "") if type(value) is int else (1, 0, to_tla(value)))
