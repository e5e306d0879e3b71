"""Values as text that is the same in every process: the order of sets and mappings ignores hashing."""

import enum
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import Any

import attrs

__all__ = ["text_of"]


def text_of(value: Any) -> str:
    """Format the value much like Python, on one line, whatever `PYTHONHASHSEED` is."""
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
        fields = ((field.name, getattr(value, field.name)) for field in attrs.fields(type(value)))
        return f"{type(value).__name__}({', '.join(f'{name}={text_of(item)}' for name, item in fields)})"
    return repr(value)
