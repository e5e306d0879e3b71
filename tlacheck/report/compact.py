"""TLA+ values and their changes, abbreviated for readers.

The text leaves out what a reader can supply: quotes around names, `|->` in records. It is not TLA+ any
more (the string `"n1"` and the model value `n1` look alike); where that matters, `exact` keeps the
quotes, and `tlacheck.values.to_tla` writes the whole.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

import attrs
from immutabledict import immutabledict

from tlacheck.values import ModelValue, Value, differences, ordered, same, to_tla

__all__ = ["Change", "Wording", "ends", "is_record", "kind_field"]

_NAME: Final = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_BOOLEANS: Final = frozenset({"TRUE", "FALSE"})

#: Fields whose string names the kind of message that a record is.
_KINDS: Final = ("type", "kind", "mtype")

#: Pairs of fields that hold the sender and the receiver of a message.
_ENDS: Final = (
    ("source", "dest"),
    ("from", "to"),
    ("msource", "mdest"),
    ("src", "dst"),
    ("src", "dest"),
    ("sender", "receiver"),
)

_ABSENT: Final = "(absent)"


def is_record(value: Value) -> bool:
    """Return whether a value is a record: a function whose arguments are all names of fields."""
    return (
        isinstance(value, immutabledict)
        and bool(value)
        and all(isinstance(key, str) and _NAME.fullmatch(key) for key in value)
    )


def kind_field(record: Value) -> str | None:
    """The field that names the kind of a message; None if there is none."""
    return next((name for name in _KINDS if isinstance(record.get(name), str)), None)


def ends(record: Value) -> tuple[str, str] | None:
    """The fields that hold sender and receiver of a message; None if it lacks one of them."""
    return next(
        (
            pair
            for pair in _ENDS
            if all(isinstance(record.get(name), ModelValue | str | int) for name in pair)
        ),
        None,
    )


@attrs.frozen
class Change:
    """One smallest part of a value that changed.

    Attributes:
        part: the path to it, in TLA+: `nextIndex[n2]`.
        sign: `→` for another value, `+=` for what a set or sequence gained, `-=` for what it lost.
        old: what it was, or what was lost; empty for `+=`.
        new: what it is, or what was gained; empty for `-=`.
    """

    part: str
    sign: str
    old: str
    new: str

    def __str__(self) -> str:
        if self.sign == "→":
            return f"{self.part} {self.old} → {self.new}"
        return f"{self.part} {self.sign} {self.old or self.new}"


@attrs.frozen
class Wording:
    """The formatting of the values of one trace.

    Attributes:
        commonness: field of a message -> in how many kinds of messages it occurs. What all kinds
            have in common comes first, so that messages of different kinds line up.
    """

    commonness: Mapping[str, int] = immutabledict()

    @classmethod
    def of(cls, messages: Iterable[Value]) -> "Wording":
        """The wording for a trace in which these messages occur."""
        kinds: dict[str, set[str]] = {}
        for message in messages:
            field = kind_field(message)
            kinds.setdefault(message[field] if field else "", set()).update(message)
        return cls(immutabledict(Counter(name for fields in kinds.values() for name in fields)))

    def value(self, value: Value, *, exact: bool = False) -> str:
        """The value on one line. With `exact`, strings keep their quotes."""
        match value:
            case str() if not exact and _NAME.fullmatch(value) and value not in _BOOLEANS:
                return value
            case frozenset():
                return "{" + self._items(ordered(value), exact=exact) + "}"
            case tuple():
                return "<<" + self._items(value, exact=exact) + ">>"
            case immutabledict() if is_record(value):
                inner = (
                    self.message(value, exact=exact)
                    if kind_field(value)
                    else self._fields(value, exact=exact)
                )
                return f"[{inner}]"
            case immutabledict():
                pairs = (
                    f"{self.value(key, exact=exact)}: {self.value(value[key], exact=exact)}"
                    for key in ordered(value)
                )
                return "(" + ", ".join(pairs) + ")"
            case _:
                return to_tla(value)

    def message(self, record: Value, *, exact: bool = False) -> str:
        """Format a message on one line: its kind, sender and receiver, then its other fields."""
        kind, way = kind_field(record), ends(record)
        words = [record[kind]] if kind else []
        if way:
            words.append("→".join(self.value(record[name]) for name in way))
        told = {kind, *(way or ())}
        others = sorted(
            (name for name in record if name not in told), key=lambda name: self._rank(name, record[name])
        )
        words += [f"{name}={self.value(record[name], exact=exact)}" for name in others]
        return " ".join(words)

    def item(self, value: Value) -> str:
        """Format the value where it stands alone: as a message if it is one."""
        return self.message(value) if is_record(value) and kind_field(value) else self.value(value)

    def changes(self, name: str, old: Value, new: Value) -> tuple[Change, ...]:
        """Return the changes of a variable, part by part where shorter; none if the values are equal."""
        if same(old, new):
            return ()
        return self._shortest(
            [
                change
                for path, left, right in differences(old, new, name)
                for change in self._shortest(
                    self._gains_and_losses(path, left, right), self._whole(path, left, right)
                )
            ],
            self._whole(name, old, new),
        )

    def _items(self, values: Iterable[Value], *, exact: bool) -> str:
        return ", ".join(self.value(value, exact=exact) for value in values)

    def _fields(self, record: Value, *, exact: bool) -> str:
        return ", ".join(f"{name}={self.value(record[name], exact=exact)}" for name in sorted(record))

    def _rank(self, name: str, value: Value) -> tuple[bool, int, str]:
        compound = isinstance(value, tuple | frozenset | immutabledict)
        return compound, -self.commonness.get(name, 0), name

    def _whole(self, path: str, left: Value, right: Value) -> Change:
        old = _ABSENT if left is None else self.value(left)
        new = _ABSENT if right is None else self.value(right)
        if old == new:  # the string "n1" and the model value n1, TRUE and "TRUE"
            old, new = to_tla(left), to_tla(right)
        return Change(path, "→", old, new)

    @staticmethod
    def _shortest(parts: list[Change], whole: Change) -> tuple[Change, ...]:
        shorter = parts and sum(len(str(part)) for part in parts) <= len(str(whole))
        return tuple(parts) if shorter else (whole,)

    def _gains_and_losses(self, path: str, left: Value, right: Value) -> list[Change]:
        """Return the gains and losses of a set or a sequence; none for another value, or one now empty."""
        if isinstance(left, frozenset) and isinstance(right, frozenset) and right:
            lost, gained = ordered(left - right), ordered(right - left)
            return [*self._some(path, "-=", lost), *self._some(path, "+=", gained)]
        if isinstance(left, tuple) and isinstance(right, tuple) and right:
            return list(self._sequence(path, left, right))
        return []

    def _sequence(self, path: str, left: tuple[Value, ...], right: tuple[Value, ...]) -> Iterator[Change]:
        common = next(
            (
                index
                for index, (one, other) in enumerate(zip(left, right, strict=False))
                if not same(one, other)
            ),
            min(len(left), len(right)),
        )
        if common == len(left):
            yield from self._some(path, "+=", right[common:])
        elif common == len(right):
            yield from self._some(path, "-=", left[common:], "last ")
        elif same(left[len(left) - len(right) :], right):
            yield from self._some(path, "-=", left[: len(left) - len(right)], "first ")
        elif common:
            yield self._whole(f"{path}[{common + 1}..]", left[common:], right[common:])

    def _some(self, path: str, sign: str, values: Iterable[Value], which: str = "") -> Iterator[Change]:
        text = ", ".join(self.item(value) for value in values)
        if text:
            yield Change(path, sign, "", text) if sign == "+=" else Change(path, sign, which + text, "")
