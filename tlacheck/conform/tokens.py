"""Equality of TLA+ values by look-up: each value has a token, and equal values have the same one.

Two values are equal exactly if their parts are, so the token of a compound value is found by the tokens
of its parts (hash consing). A value that was met before is recognised by its identity; it is kept, so
its identity is not reused. The states of a run share nearly all of their values with earlier ones, and
most look-ups end there.

Python's own equality is never used: `True` and `1` have different tokens, also inside a set or as
arguments of a function.
"""

from collections.abc import Hashable
from typing import Any, Final

from immutabledict import immutabledict

from tlacheck.values import ModelValue, Value

__all__ = ["Tokens"]

#: The default number of compound values kept.
_KEPT_MAX: Final = 1 << 17


class _Token:
    """Equal to itself only."""

    __slots__ = ()


_TRUE, _FALSE = _Token(), _Token()


class Tokens:
    """Assigns tokens, and remembers them up to a bound; then it starts over.

    Args:
        kept_max: how many compound values are kept.
    """

    def __init__(self, kept_max: int = _KEPT_MAX) -> None:
        self._kept_max = kept_max
        self._known: dict[int, tuple[Value, Hashable]] = {}
        self._by_parts: dict[Hashable, Hashable] = {}
        self._models: dict[str, Hashable] = {}

    def are_same(self, one: Value, other: Value) -> bool:
        """Return whether two values are equal in TLA+. A value outside TLA+ is equal only to itself."""
        if one is other:
            return True
        known, other_known = self._known.get(id(one)), self._known.get(id(other))
        if known is not None and other_known is not None:
            return known[1] is other_known[1]
        if len(self._known) >= self._kept_max:
            self._known.clear()
            self._by_parts.clear()
        return self.token(one) == self.token(other)

    def token(self, value: Any) -> Hashable:
        """Return the token of a value; a new one for a value outside TLA+."""
        kind = type(value)
        if kind is int or kind is str:
            plain: Hashable = value
            return plain
        if kind is ModelValue:
            token = self._models.get(value.name)
            if token is None:
                token = self._models[value.name] = _Token()
            return token
        if kind is bool:
            return _TRUE if value else _FALSE
        known = self._known.get(id(value))
        if known is not None:
            return known[1]
        parts: Hashable
        token_of = self.token
        if kind is immutabledict:
            parts = frozenset([(token_of(key), token_of(item)) for key, item in value.items()])
        elif kind is tuple:
            parts = tuple([token_of(item) for item in value])
        elif kind is frozenset:
            parts = (frozenset, frozenset([token_of(member) for member in value]))
        else:
            return _Token()
        token = self._by_parts.get(parts)
        if token is None:
            token = self._by_parts[parts] = _Token()
        self._known[id(value)] = value, token
        return token
