"""Equality of TLA+ values by look-up: each value has a token, and equal values have the same one.

Two values are equal exactly if their parts are, so the token of a compound value is found by the tokens
of its parts (hash consing). A value that was met before is recognised by its identity; it is kept, so
its identity is not reused. The states of a run share nearly all of their values with earlier ones, and
most look-ups end there.

Two values that are compared are new ones as a rule, made of parts that are not. So the parts get tokens and
are kept; the two values are compared part by part, and forgotten.

Python's own equality is used between plain values of one type only: `True` and `1` have different tokens,
also inside a set or as arguments of a function.
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
#: Types whose values are equal to others of the same type as Python has it.
_PLAIN: Final = frozenset({int, str, bool, ModelValue})
#: Those that equal no value of another type: under such a key, two functions have the same argument.
_NAMES: Final = frozenset({str, ModelValue})
_COMPOUND: Final = frozenset({immutabledict, tuple, frozenset})
_MISSING: Final = _Token()


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
        kind = type(one)
        if kind is not type(other):
            return False
        if kind in _PLAIN:
            return bool(one == other)
        if len(self._known) >= self._kept_max:
            self._known.clear()
            self._by_parts.clear()
        if kind is immutabledict:
            return len(one) == len(other) and self._are_same_functions(one, other)
        if kind is tuple:
            return len(one) == len(other) and all(map(self._are_same_parts, one, other))
        if kind is frozenset:
            return len(one) == len(other) and set(map(self.token, one)) == set(map(self.token, other))
        return False

    def _are_same_functions(self, one: Value, other: Value) -> bool:
        theirs = dict(other.items())
        for key, item in one.items():
            if type(key) not in _NAMES:
                return self._pairs(one) == self._pairs(other)
            found = theirs.get(key, _MISSING)
            if not self._are_same_parts(item, found):
                return False
        return True

    def _are_same_parts(self, one: Value, other: Value) -> bool:
        """Compare two parts, which are kept: most of them are parts of the next values as well."""
        kind = type(one)
        if kind in _PLAIN:
            return one is other or (kind is type(other) and bool(one == other))
        if one is other and kind in _COMPOUND:
            return True
        return self.token(one) == self.token(other)

    def _pairs(self, function: Value) -> frozenset[tuple[Hashable, Hashable]]:
        """Return the arguments and values of a function, as tokens."""
        known_of, token_of = self._known.get, self.token
        return frozenset(
            [
                (
                    known[1] if (known := known_of(id(key))) is not None else token_of(key),
                    item if type(item) is int or type(item) is str else token_of(item),
                )
                for key, item in function.items()
            ]
        )

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
            parts = self._pairs(value)
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
