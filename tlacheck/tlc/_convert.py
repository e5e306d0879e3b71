"""From TLC's values to Python's, by way of the text in which TLC prints them.

One call into the JVM gives the text of a whole state; a walk over its Java objects costs hundreds of
calls. The text is enough, since no two different values print alike:

* strings are quoted, with every quote and backslash inside escaped; model values are bare names;
* a record or function prints all its pairs, a set all its members (lazy ones too: TLC expands them
  on printing, except `SUBSET` of a set of ten or more, which is expanded here);
* the only other spelling is a set of consecutive numbers as `1..3`, which is read as that set.

One value may print in two ways (members in another order): that costs a second look, not a wrong
answer. What TLC cannot expand, such as `Nat`, is refused by name.

Successive states differ in few variables and few values exist, so `Converter` keeps what it has read.
"""

import itertools
import re
from collections.abc import Callable

from tlacheck.errors import SpecError
from tlacheck.values import Function, ModelValue, Value, function

__all__ = ["Converter", "parse"]

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|-?\d+|\w[\w!]*|<<|>>|\|->|->|:>|@@|\.\.|\S')
_ESCAPE = re.compile(r"\\(.)")
_ESCAPED = {"n": "\n", "t": "\t", "f": "\f", "r": "\r"}
_LITERALS: dict[str, Value] = {"TRUE": True, "FALSE": False}
#: Names that TLC prints for sets that it cannot list.
_INFINITE = frozenset({"Nat", "Int", "Real", "STRING", "Seq"})
#: The largest S of which `SUBSET S` is listed: 65,536 subsets.
_POWER_SET_MAX = 16


class Converter:
    """Reads printed values and remembers them, up to a bound; then it starts over."""

    def __init__(self, size_max: int = 200_000) -> None:
        self._size_max = size_max
        self._known: dict[str, Value] = {}

    def __call__(self, text: str) -> Value:
        """The value that prints as `text`.

        Raises:
            SpecError: the text is no finite value.
        """
        try:
            return self._known[text]
        except KeyError:
            value = parse(text)
        if len(self._known) >= self._size_max:
            self._known.clear()
        self._known[text] = value
        return value


def parse(text: str) -> Value:
    """The value that TLC prints as `text`.

    Raises:
        SpecError: the text is no finite value: a set without end, an operator, or no value at all.
    """
    reader = _Reader(text)
    value = reader.value()
    reader.expect("")
    return value


class _Reader:
    """Recursive descent over the tokens of one printed value; each method reads what it is named for."""

    def __init__(self, text: str) -> None:
        self._text = text
        tokens: list[str] = _TOKEN.findall(text)
        self._tokens = iter([*tokens, "", ""])
        self._next = next(self._tokens)

    def _take(self) -> str:
        symbol, self._next = self._next, next(self._tokens, "")
        return symbol

    def expect(self, symbol: str) -> None:
        if self._take() != symbol:
            raise self._refusal()

    def _refusal(self) -> SpecError:
        shown = self._text if len(self._text) <= 80 else f"{self._text[:77]}..."
        return SpecError(
            f"a state holds {shown}, which TLC cannot list as a value. "
            "A variable must hold a finite value: take a finite set where the spec says Nat, Int or STRING"
        )

    def value(self) -> Value:
        symbol = self._take()
        reader = _READERS.get(symbol)
        if reader is not None:
            return reader(self)
        first = symbol[:1]
        if first == '"':
            return _string(symbol)
        if symbol.lstrip("-").isdecimal():
            low = int(symbol)
            if self._next != "..":
                return low
            self._take()
            return frozenset(range(low, int(self._take()) + 1))
        if (first.isalpha() or first == "_") and symbol not in _INFINITE:
            return _LITERALS[symbol] if symbol in _LITERALS else ModelValue(symbol)
        raise self._refusal()

    def _items(self, end: str) -> list[Value]:
        items: list[Value] = []
        if self._next == end:
            self._take()
            return items
        while True:
            items.append(self.value())
            symbol = self._take()
            if symbol == end:
                return items
            if symbol != ",":
                raise self._refusal()

    def set(self) -> Value:
        return frozenset(self._items("}"))

    def tuple(self) -> Value:
        return tuple(self._items(">>"))

    def record(self) -> Value:
        pairs: list[tuple[str, Value]] = []
        if self._next == "]":
            self._take()
            return ()
        while True:
            name = self._take()
            self.expect("|->")
            pairs.append((name, self.value()))
            symbol = self._take()
            if symbol == "]":
                return Function(sorted(pairs))
            if symbol != ",":
                raise self._refusal()

    def function(self) -> Value:
        pairs: list[tuple[Value, Value]] = []
        if self._next == ")":
            self._take()
            return ()
        while True:
            argument = self.value()
            self.expect(":>")
            pairs.append((argument, self.value()))
            symbol = self._take()
            if symbol == ")":
                return function(pairs)
            if symbol != "@@":
                raise self._refusal()

    def power_set(self) -> Value:
        members = self.value()
        if not isinstance(members, frozenset) or len(members) > _POWER_SET_MAX:
            raise self._refusal()
        sizes = range(len(members) + 1)
        subsets = (itertools.combinations(members, size) for size in sizes)
        return frozenset(frozenset(subset) for subset in itertools.chain.from_iterable(subsets))


_READERS: dict[str, Callable[[_Reader], Value]] = {
    "{": _Reader.set,
    "<<": _Reader.tuple,
    "[": _Reader.record,
    "(": _Reader.function,
    "SUBSET": _Reader.power_set,
}


def _string(symbol: str) -> str:
    body = symbol[1:-1]
    return _ESCAPE.sub(lambda match: _ESCAPED.get(match[1], match[1]), body) if "\\" in body else body
