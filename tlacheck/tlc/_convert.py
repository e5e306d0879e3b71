"""Conversion of TLC's values to Python's, from the text in which TLC prints them.

One call into the JVM gives the text of a whole state; a walk over its Java objects costs hundreds of
calls. The text is enough, since no two different values print alike:

* strings are quoted, with every quote and backslash inside escaped; model values are bare names;
* a record or function prints all its pairs, a set all its members (lazy ones too: TLC expands them
  on printing, except `SUBSET` of a set of ten or more, which is expanded here);
* the only other spelling is a set of consecutive numbers as `1..3`, which is read as that set.

One value may print in two ways (members in another order); that costs a second parse, never a wrong
result. Values that TLC cannot expand, such as `Nat`, are rejected by name.

Successive states differ little, so `Converter` caches whole values and their parts: a text is parsed
from the inside out, and a known part is one look-up.
"""

import itertools
import re

from tlacheck.errors import SpecError
from tlacheck.values import Function, ModelValue, Value, function

__all__ = ["Converter", "parse"]

_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
_ESCAPE = re.compile(r"\\(.)")
_ESCAPED = {"n": "\n", "t": "\t", "f": "\f", "r": "\r"}
#: A bracket pair with no other one inside.
_INNERMOST = re.compile(r"<<[^][{}()<>]*>>|[\[{(][^][{}()<>]*[\]})]")
_INTERVAL = re.compile(r"(-?\d+)\.\.(-?\d+)")
_NUMBER = re.compile(r"-?\d+")
_NAME = re.compile(r"[^\W\d][\w!]*")
#: Stand-ins for the arrows of a record and of a function during parsing, whose brackets would
#: confuse it.
_FIELD, _MAPS = "\x01", "\x02"
#: The mark before the number of a parsed part.
_PART = "\x03"
_LITERALS: dict[str, Value] = {"TRUE": True, "FALSE": False}
#: Names that TLC prints for sets that it cannot list.
_INFINITE = frozenset({"Nat", "Int", "Real", "STRING", "Seq"})
#: The largest S for which `SUBSET S` is listed: 65,536 subsets.
_POWER_SET_MAX = 16
#: The largest interval listed: `1..2000000000` is a short text and an enormous list.
_INTERVAL_MAX = 10_000_000


class Converter:
    """Reads printed values and remembers them, up to a bound; then it starts over."""

    def __init__(self, size_max: int = 200_000) -> None:
        self._size_max = size_max
        self._known: dict[str, Value] = {}
        self._parts: dict[str, str] = {}
        self._values: list[Value] = []
        self._text = ""

    def __call__(self, text: str) -> Value:
        """Return the value that prints as `text`.

        Raises:
            SpecError: the text is no finite value: a set without end, an operator, or no value at all.
        """
        try:
            return self._known[text]
        except KeyError:
            pass
        if len(self._known) + len(self._values) >= self._size_max:
            self._known.clear()
            self._parts.clear()
            self._values.clear()
        value = self._known[text] = self._read(text)
        return value

    def _read(self, text: str) -> Value:
        self._text = text
        rest = _STRING.sub(self._string, text).replace("|->", _FIELD).replace(":>", _MAPS)
        found = 1
        while found:
            rest, found = _INNERMOST.subn(self._composite, rest)
        return self._atom(rest)

    def _string(self, match: re.Match[str]) -> str:
        text = match[0]
        part = self._parts.get(text)
        if part is None:
            body = text[1:-1]
            if "\\" in body:
                body = _ESCAPE.sub(lambda escape: _ESCAPED.get(escape[1], escape[1]), body)
            part = self._keep(text, body)
        return part

    def _composite(self, match: re.Match[str]) -> str:
        text = match[0]
        part = self._parts.get(text)
        if part is not None:
            return part
        value: Value
        match text[0], text[-1]:
            case "{", "}":
                value = frozenset(self._items(text[1:-1]))
            case "<", ">":
                value = tuple(self._items(text[2:-2]))
            case "[", "]":
                pairs = self._pairs(text[1:-1], ",", _FIELD)
                value = Function(sorted((name.strip(), self._atom(item)) for name, item in pairs)) or ()
            case "(", ")" if _MAPS not in text and text[1:-1].strip():  # newer TLCs: SUBSET (1..2)
                value = self._atom(text[1:-1])
            case "(", ")":
                pairs = self._pairs(text[1:-1], "@@", _MAPS)
                value = function([(self._atom(argument), self._atom(item)) for argument, item in pairs])
            case _:
                raise self._refusal()
        return self._keep(text, value)

    def _keep(self, text: str, value: Value) -> str:
        part = self._parts[text] = f"{_PART}{len(self._values)}"
        self._values.append(value)
        return part

    def _items(self, body: str) -> list[Value]:
        return [self._atom(item) for item in body.split(",")] if body.strip() else []

    def _pairs(self, body: str, separator: str, arrow: str) -> list[tuple[str, str]]:
        if not body.strip():
            return []
        pairs = []
        for pair in body.split(separator):
            left, found, right = pair.partition(arrow)
            if not found:
                raise self._refusal()
            pairs.append((left, right))
        return pairs

    def _atom(self, text: str) -> Value:
        text = text.strip()
        if text.startswith(_PART) and text[1:].isdecimal():
            return self._values[int(text[1:])]
        if _NUMBER.fullmatch(text):
            return int(text)
        if text in _LITERALS:
            return _LITERALS[text]
        if interval := _INTERVAL.fullmatch(text):
            low, high = map(int, interval.groups())
            if high - low < _INTERVAL_MAX:
                return frozenset(range(low, high + 1))
        elif text.startswith("SUBSET "):
            return self._power_set(self._atom(text.removeprefix("SUBSET ")))
        elif _NAME.fullmatch(text) and text not in _INFINITE:
            return ModelValue(text)
        raise self._refusal()

    def _power_set(self, members: Value) -> Value:
        if not isinstance(members, frozenset) or len(members) > _POWER_SET_MAX:
            raise self._refusal()
        sizes = range(len(members) + 1)
        subsets = (itertools.combinations(members, size) for size in sizes)
        return frozenset(frozenset(subset) for subset in itertools.chain.from_iterable(subsets))

    def _refusal(self) -> SpecError:
        shown = self._text if len(self._text) <= 80 else f"{self._text[:77]}..."
        return SpecError(
            f"a state holds {shown}, which TLC cannot list as a value. "
            "A variable must hold a finite value: take a finite set where the spec says Nat, Int or STRING"
        )


def parse(text: str) -> Value:
    """Return the value that TLC prints as `text`, without caching.

    Raises:
        SpecError: as a `Converter` does.
    """
    return Converter()(text)
