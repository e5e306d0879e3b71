"""The sequential objects that most systems are: a register, a map, a log, a queue.

| model      | operations, and what they answer                                                              |
|------------|-----------------------------------------------------------------------------------------------|
| `register` | `read()`: the value; `write(value)`: null                                                     |
| `cas`      | as a register, and `cas(old, new)`: whether the value was `old` and is now `new`              |
| `kv`       | `get(key)`: the value or null; `put(key, value)`, `append(key, value)`, `delete(key)`: null  |
|            | `cas(key, old, new)` as above                                                                 |
| `log`      | `append(value)`: its index, from 1; `read(index)`: that entry or null; `prefix()`: all        |
| `queue`    | `enqueue(value)`: null; `dequeue()`: the oldest value, or null if there is none               |

A value that was never written is null. `append` of the map joins strings, and adds one item to a
list.
"""

import math
from collections.abc import Callable, Hashable, Iterator, Sequence
from typing import Any, Final

from immutabledict import immutabledict

from tlacheck.histories.history import Call, Operation, in_words
from tlacheck.histories.model import Model, Steps

__all__ = ["MODELS", "cas_register", "key_value", "log", "queue", "register"]


def register(initial: Hashable = None) -> Model[Hashable]:
    """A value that is read and written."""
    return Model(
        name="register",
        operations={"read": (), "write": ("value",)},
        initial=initial,
        step=_step_register,
        reads=frozenset({"read"}),
    )


def cas_register(initial: Hashable = None) -> Model[Hashable]:
    """A register with compare-and-set."""
    return Model(
        name="cas",
        operations={"read": (), "write": ("value",), "cas": ("old", "new")},
        initial=initial,
        step=_step_register,
        reads=frozenset({"read"}),
    )


def key_value() -> Model[Hashable]:
    """A map; every key is a part of its own."""
    return Model(
        name="kv",
        operations={
            "get": ("key",),
            "put": ("key", "value"),
            "append": ("key", "value"),
            "delete": ("key",),
            "cas": ("key", "old", "new"),
        },
        initial=None,
        step=_step_key,
        reads=frozenset({"get"}),
        partition=lambda call: call.arguments["key"],
    )


def log() -> Model["Entries"]:
    """A log to which entries are appended, and from which none is removed."""
    return Model(
        name="log",
        operations={"append": ("value",), "read": ("index",), "prefix": ()},
        initial=_EMPTY,
        step=_step_log,
        reads=frozenset({"read", "prefix"}),
        foresee=_foresee_log,
        show=lambda state: in_words(state.values()),
    )


def queue() -> Model[tuple[Any, ...]]:
    """A queue, first in first out."""
    return Model(
        name="queue",
        operations={"enqueue": ("value",), "dequeue": ()},
        initial=(),
        step=_step_queue,
        foresee=_foresee_queue,
    )


def _step_register(value: Hashable, call: Call) -> Steps[Hashable]:
    match call.name:
        case "read":
            return ((value, value),)
        case "write":
            return ((None, call.arguments["value"]),)
        case _:
            return ((True, call.arguments["new"]),) if value == call.arguments["old"] else ((False, value),)


def _step_key(value: Any, call: Call) -> Steps[Hashable]:
    match call.name:
        case "get":
            return ((value, value),)
        case "put":
            return ((None, call.arguments["value"]),)
        case "append":
            added = call.arguments["value"]
            if isinstance(added, str) and (value is None or isinstance(value, str)):
                return ((None, (value or "") + added),)
            if value is None or isinstance(value, tuple):
                return ((None, (*(value or ()), added)),)
            return ()
        case "delete":
            return ((None, None),)
        case _:
            return ((True, call.arguments["new"]),) if value == call.arguments["old"] else ((False, value),)


class Entries:
    """The entries of a log, as the last one and those before it: logs with a common beginning share it.

    A search keeps thousands of states of one log. As tuples they would take the square of its length.
    """

    __slots__ = ("_hash", "before", "last", "length")

    def __init__(self, before: "Entries | None" = None, last: Hashable = None) -> None:
        self.before = before
        self.last = last
        self.length: int = 0 if before is None else before.length + 1
        self._hash: int = 0 if before is None else hash((hash(before), last))

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Entries):
            return NotImplemented
        if self.length != other.length or self._hash != other._hash:
            return False
        left, right = self, other
        while left is not right and left.before is not None and right.before is not None:
            if left.last != right.last:
                return False
            left, right = left.before, right.before
        return True

    def at(self, index: Any) -> Hashable:
        """The entry at an index, from 1; None if there is none."""
        if not isinstance(index, int) or not 1 <= index <= self.length:
            return None
        found = self
        while found.length > index and found.before is not None:
            found = found.before
        return found.last

    def values(self) -> tuple[Hashable, ...]:
        """All entries, the first one first."""
        return tuple(self._backwards())[::-1]

    def _backwards(self) -> Iterator[Hashable]:
        here = self
        while here.before is not None:
            yield here.last
            here = here.before


_EMPTY: Final = Entries()


def _step_log(entries: Entries, call: Call) -> Steps[Entries]:
    match call.name:
        case "append":
            longer = Entries(entries, call.arguments["value"])
            return ((longer.length, longer),)
        case "read":
            return ((entries.at(call.arguments["index"]), entries),)
        case _:
            return ((entries.values(), entries),)


def _foresee_log(operations: Sequence[Operation]) -> Callable[[Entries], bool]:
    """Return the rule that entries stay: an index keeps the entry that an answer names."""
    known: dict[int, Hashable] = {}
    for operation in operations:
        match operation.call.name, operation.answer:
            case "append", int() as index:
                known.setdefault(index, operation.call.arguments["value"])
            case "prefix", tuple() as values:
                for index, value in enumerate(values, start=1):
                    known.setdefault(index, value)
            case "read", value if value is not None and isinstance(operation.call.arguments["index"], int):
                known.setdefault(operation.call.arguments["index"], value)

    # In a state reached before, all entries but the last were checked already.
    return lambda entries: known.get(entries.length, entries.last) == entries.last


def _step_queue(items: tuple[Any, ...], call: Call) -> Steps[tuple[Any, ...]]:
    if call.name == "enqueue":
        return ((None, (*items, call.arguments["value"])),)
    return ((items[0], items[1:]),) if items else ((None, items),)


def _foresee_queue(operations: Sequence[Operation]) -> Callable[[tuple[Any, ...]], bool]:
    """Return the rule of FIFO order: no value stands behind one that is dequeued after it.

    The values must differ; of equal ones it is unknown which a dequeue took.
    """
    came = [operation.call.arguments["value"] for operation in operations if operation.call.name == "enqueue"]
    dequeues = [operation for operation in operations if operation.call.name == "dequeue"]
    taken = [each for each in dequeues if not each.is_open and each.answer is not None]
    if len(set(came)) < len(came) or len({each.answer for each in taken}) < len(taken):
        return lambda _: True
    called = {each.answer: each.invoked_at for each in taken}
    answered = {each.answer: each.answered_at or 0 for each in taken}
    # A value that nobody dequeues stays for ever, unless an unanswered dequeue took it.
    stays = -math.inf if any(each.is_open for each in dequeues) else math.inf

    def is_possible(items: tuple[Any, ...]) -> bool:
        if len(items) < 2:
            return True
        before = max(called.get(item, stays) for item in items[:-1])
        return answered.get(items[-1], math.inf) >= before

    return is_possible


#: The models by their names, for commands and files.
MODELS: Final[immutabledict[str, Model[Any]]] = immutabledict(
    {model.name: model for model in (register(), cas_register(), key_value(), log(), queue())}
)
