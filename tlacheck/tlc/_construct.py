"""Conversion of Python values to TLC's values: the inverse of `_convert`."""

from collections.abc import Iterable, Sequence
from typing import Any

import jpype
from immutabledict import immutabledict

from tlacheck.errors import TraceError
from tlacheck.tlc._jvm import TlcClasses
from tlacheck.values import ModelValue, Value, to_tla

__all__ = ["Constructor"]

#: TLC's integers have 32 bits.
_INT_MAX = 2**31 - 1

#: The most sets, tuples and functions that are cached.
_REMEMBERED_MAX = 20_000


class Constructor:
    """Creates values for one copy of TLC, after it has read a spec: only then do its model values exist.

    Most of a state equals the state before: the very same object becomes the very same TLC value again,
    as TLC's own states share theirs. The cache goes by identity, because in Python `(1,) == (True,)`.
    """

    def __init__(self, classes: TlcClasses) -> None:
        kinds = "tlc2.value.impl"
        self._int = classes[f"{kinds}.IntValue"].gen
        self._bool = classes[f"{kinds}.BoolValue"]
        self._string = classes[f"{kinds}.StringValue"]
        self._tuple = classes[f"{kinds}.TupleValue"]
        self._set = classes[f"{kinds}.SetEnumValue"]
        self._record = classes[f"{kinds}.RecordValue"]
        self._function = classes[f"{kinds}.FcnRcdValue"]
        self._value = classes[f"{kinds}.Value"].class_
        unique = classes["util.UniqueString"]
        self._unique = unique.class_
        self._name = unique.uniqueStringOf
        self._model_values = {str(each): each for each in classes[f"{kinds}.ModelValue"].mvs or ()}
        self._arrays = jpype.JClass("java.lang.reflect.Array")
        self._remembered: dict[int, tuple[Value, Any]] = {}

    def __call__(self, value: Value) -> Any:
        """Convert `value` to TLC's value.

        Raises:
            TraceError: the spec's configuration has no such model value, TLC's integers cannot hold a
                number, or something is no value of TLA+.
        """
        match value:
            case bool():
                return self._bool(value)
            case int():
                if not -_INT_MAX - 1 <= value <= _INT_MAX:
                    raise TraceError(f"{value} does not fit into TLC's integers, which have 32 bits")
                return self._int(value)
            case ModelValue():
                try:
                    return self._model_values[value.name]
                except KeyError:
                    known = ", ".join(sorted(self._model_values)) or "none"
                    raise TraceError(
                        f"the configuration has no model value {value.name}; it has {known}"
                    ) from None
            case str():
                return self._string(self._name(value))
            case tuple() | frozenset() | immutabledict():
                before, made = self._remembered.get(id(value), (None, None))
                if before is not value:
                    made = self._made(value)
                    if len(self._remembered) >= _REMEMBERED_MAX:
                        self._remembered.clear()
                    self._remembered[id(value)] = (value, made)
                return made
        raise TraceError(f"{to_tla(value)} is no value of TLA+: it is a {type(value).__name__}")

    def _made(self, value: tuple[Value, ...] | frozenset[Value] | immutabledict[Value, Value]) -> Any:
        match value:
            case tuple():
                return self._tuple(self._values(value))
            case frozenset():
                return self._set(self._values(value), False)
        items = self._values(value.values())
        if all(isinstance(key, str) for key in value):
            names = self._array(self._unique, [self._name(key) for key in value])
            return self._record(names, items, False)
        return self._function(self._values(value), items, False)

    def _values(self, values: Iterable[Value]) -> Any:
        return self._array(self._value, [self(value) for value in values])

    def _array(self, kind: Any, items: Sequence[Any]) -> Any:
        """Copy the items into a Java array. JPype creates arrays only of classes of its own class loader."""
        arrays = self._arrays
        made = arrays.newInstance(kind, len(items))
        for index, item in enumerate(items):
            arrays.set(made, index, item)
        return made
