"""Values as text that is the same in every process: the order of sets and mappings ignores hashing."""

import dataclasses
import enum
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from typing import Any

import attrs

__all__ = ["text_of"]


def text_of(value: Any) -> str:
    """Format the value much like Python, on one line, whatever `PYTHONHASHSEED` is.

    As in Python, fields of `repr=False` are left out.
    """
    if isinstance(value, enum.Enum):
        return str(value)
    if isinstance(value, Mapping):
        rows = sorted((text_of(key), text_of(item)) for key, item in value.items())
        return "{" + ", ".join(f"{key}: {item}" for key, item in rows) + "}"
    if isinstance(value, AbstractSet):
        return "{" + ", ".join(sorted(map(text_of, value))) + "}"
    if isinstance(value, tuple | list):
        return "(" + ", ".join(map(text_of, value)) + ("," if len(value) == 1 else "") + ")"
    if attrs.has(type(value)):
        return _fields(value, [field.name for field in attrs.fields(type(value)) if field.repr])
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return _fields(value, [field.name for field in dataclasses.fields(value) if field.repr])
    return repr(value)


def _fields(value: Any, names: Iterable[str]) -> str:
    shown = (f"{name}={text_of(getattr(value, name))}" for name in names)
    return f"{type(value).__name__}({', '.join(shown)})"
