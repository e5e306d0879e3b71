"""A disk that loses unsynced writes in a crash.

A write is visible to readers at once, but durable only after the next `sync`. A crash keeps the writes
up to some point in their order, may leave the next one *torn* (partly there), and loses the rest.
`torn` defines torn values by their shape.
"""

from collections.abc import Callable, Hashable, Mapping
from typing import Any

import attrs
from immutabledict import immutabledict

__all__ = ["Disk", "Write", "torn"]


@attrs.frozen
class Write:
    """A value to be stored under a name."""

    key: Hashable
    value: Any


def torn(old: Any, new: Any) -> Any:
    """Return the value left by a write that was interrupted halfway.

    The first half of bytes, a string or a tuple; of a mapping, half of the keys (in the order of
    their text) from `new` and the others from `old`; of an attrs object, the first half of the
    fields from `new`, if `old` is of the same class. Anything else is small enough to be written at
    once or not at all: `old`.

    Args:
        old: what was there before; None if nothing was.
        new: what was being written.
    """
    if isinstance(new, bytes | str | tuple):
        return new[: len(new) // 2]
    if isinstance(new, Mapping):
        keys = sorted(new, key=repr)
        kept = dict(old) if isinstance(old, Mapping) else {}
        return immutabledict({**kept, **{key: new[key] for key in keys[: len(keys) // 2]}})
    if attrs.has(type(new)) and type(old) is type(new):
        names = [field.alias or field.name for field in attrs.fields(type(new)) if field.init]
        return attrs.evolve(old, **{name: getattr(new, name) for name in names[: len(names) // 2]})
    return old


class Disk:
    """The disk of one node: values by name.

    Args:
        tear: makes a torn value of the old and the new one; `torn` unless told otherwise.

    Attributes:
        pending: the writes since the last `sync`, in order.
        lost: how many writes crashes have lost so far, torn ones included.
    """

    def __init__(self, tear: Callable[[Any, Any], Any] = torn) -> None:
        self.pending: list[Write] = []
        self.lost = 0
        self._synced: dict[Hashable, Any] = {}
        self._seen: dict[Hashable, Any] = {}
        self._tear = tear

    def read(self, key: Hashable, default: Any = None) -> Any:
        """Return the last value written under this name; `default` if there is none, or it was lost."""
        return self._seen.get(key, default)

    def write(self, key: Hashable, value: Any) -> None:
        """Store a value. It is safe after the next `sync` only."""
        self.pending.append(Write(key, value))
        self._seen[key] = value

    def sync(self) -> None:
        """Make all writes so far safe."""
        for write in self.pending:
            self._synced[write.key] = write.value
        self.pending.clear()

    def crash(self, *, kept: int = 0, torn: bool = False) -> int:
        """Lose the unsynced writes.

        Args:
            kept: how many of the pending writes, from the oldest, reached the disk all the same.
            torn: whether the write after those is partly there.

        Returns:
            How many writes were lost, a torn one included.
        """
        for write in self.pending[:kept]:
            self._synced[write.key] = write.value
        missing = self.pending[kept:]
        if torn and missing:
            first = missing[0]
            self._synced[first.key] = self._tear(self._synced.get(first.key), first.value)
        self.pending.clear()
        self._seen = dict(self._synced)
        self.lost += len(missing)
        return len(missing)
