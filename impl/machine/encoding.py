"""Numbers, texts, members of an enumeration and maps as bytes, each in one form only, and back."""

import enum
from collections.abc import Callable, Iterator
from typing import TypeVar

from impl.machine.ordered import OrderedMap

__all__ = ["DamagedSnapshot", "Reader", "Writer"]

_Key = TypeVar("_Key", int, str)
_Value = TypeVar("_Value")
_Member = TypeVar("_Member", bound=enum.Enum)


class DamagedSnapshot(ValueError):
    """These bytes are no snapshot that this machine has written.

    Usual causes: a file that was cut short, a disk that changed bits, a snapshot of a newer version
    of the program, another file. Restore an older snapshot with more of the log, or take one from
    another server; nothing of this one was used.
    """


class Writer:
    """Collects the parts of an encoding."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    @property
    def written(self) -> bytes:
        """All that was written."""
        return b"".join(self._parts)

    def byte(self, value: int) -> None:
        """A number of 0 to 255."""
        self._parts.append(value.to_bytes(1, "big"))

    def number(self, value: int) -> None:
        """A number of 0 to 2**64 - 1."""
        self._parts.append(value.to_bytes(8, "big"))

    def text(self, value: str) -> None:
        """A text of less than 2**32 bytes of UTF-8."""
        encoded = value.encode()
        self._parts.append(len(encoded).to_bytes(4, "big") + encoded)

    def each(self, values: OrderedMap[_Key, _Value]) -> Iterator[tuple[_Key, _Value]]:
        """The size of a map; then its items, for the caller to write one after another."""
        self.number(len(values))
        return values.items()


class Reader:
    """Reads an encoding, and refuses whatever a `Writer` does not write.

    Args:
        body: the encoding.
    """

    def __init__(self, body: bytes) -> None:
        self._body = body
        self._place = 0

    def byte(self) -> int:
        """A number of 0 to 255."""
        return self._taken(1)[0]

    def number(self) -> int:
        """A number of 0 to 2**64 - 1."""
        return int.from_bytes(self._taken(8), "big")

    def text(self) -> str:
        """A text."""
        place = self._place
        encoded = self._taken(int.from_bytes(self._taken(4), "big"))
        try:
            return encoded.decode()
        except UnicodeDecodeError as error:
            raise DamagedSnapshot(f"at byte {place} of its body there is a text that is no UTF-8") from error

    def member(self, kind: type[_Member]) -> _Member:
        """A member of an enumeration, written as its value in one byte."""
        place, value = self._place, self.byte()
        try:
            return kind(value)
        except ValueError as error:
            raise DamagedSnapshot(
                f"at byte {place} of its body there is {value}, which is no {kind.__name__}"
            ) from error

    def map(self, key: Callable[[], _Key], value: Callable[[], _Value]) -> OrderedMap[_Key, _Value]:
        """A map whose keys and values are read by these functions."""
        size = self.number()
        items: list[tuple[_Key, _Value]] = []
        for _ in range(size):
            place, found = self._place, key()
            if items and found <= items[-1][0]:
                raise DamagedSnapshot(
                    f"at byte {place} of its body there is the key {found!r} after {items[-1][0]!r}: "
                    "keys increase"
                )
            items.append((found, value()))
        return OrderedMap.of_sorted(items)

    def end(self) -> None:
        """Check that no bytes are left."""
        if self._place != len(self._body):
            raise DamagedSnapshot(f"{len(self._body) - self._place} bytes of its body are left over")

    def _taken(self, count: int) -> bytes:
        end = self._place + count
        if end > len(self._body):
            raise DamagedSnapshot(
                f"its body of {len(self._body)} bytes ends within a value of {count} bytes at byte "
                f"{self._place}"
            )
        taken = self._body[self._place : end]
        self._place = end
        return taken
