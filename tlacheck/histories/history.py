"""The nouns of histories: calls of clients, their answers and fates, and their times.

| fate       | means                                                                            |
|------------|----------------------------------------------------------------------------------|
| `answered` | it happened, between its call and its answer                                       |
| `failed`   | it certainly did not happen: refused before anything was done                      |
| `unknown`  | the client gave up: it may have happened, may still happen, or never will          |
| `pending`  | as unknown, and the client waits still (or died with the run)                      |

A negative answer is an answer: a compare-and-set that finds another value is `answered` with false, and
the read in it counts. Classing a timeout as `failed` is the classic mistake: the request may still be
under way.

A process is a client that does one thing after another. It may begin a new operation after one that
it gave up on, not while it waits.

Values (arguments and answers) are JSON values, kept hashable: a list is a tuple, an object an
`immutabledict`. They are compared as Python compares them, so that `1` and `true` are the same.
"""

import enum
from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import Any, Final, Literal, TypeAlias

import attrs
from immutabledict import immutabledict

from tlacheck.errors import TlacheckError
from tlacheck.trace import Origin

__all__ = [
    "Assembly",
    "Call",
    "Event",
    "Fate",
    "History",
    "HistoryError",
    "Invoke",
    "Operation",
    "Order",
    "Recorder",
    "Return",
    "events_of",
    "frozen",
    "in_words",
    "shortened",
]

#: The most characters of a value shown among others.
_TEXT_MAX: Final = 60
_UNSAID: Final = Origin(source="history")

#: The order of two events: by their places in the file, or by their times.
Order: TypeAlias = Literal["lines", "times"]


class HistoryError(TlacheckError, ValueError):
    """A file or value is not a history, or belongs to another model.

    Usual causes: an answer without a call, a client with two calls at once, clocks that go back, an
    operation that the model does not know.
    """


def frozen(value: Any) -> Hashable:
    """A JSON value as a hashable one: lists as tuples, objects as `immutabledict`.

    Raises:
        HistoryError: it cannot be hashed.
    """
    match value:
        case str() | int() | float() | None:
            return value
        case list() | tuple():
            return tuple(map(frozen, value))
        case Mapping():
            return immutabledict((key, frozen(item)) for key, item in value.items())
        case set() | frozenset():
            return frozenset(map(frozen, value))
        case Hashable():
            return value
        case _:
            raise HistoryError(f"{value!r} cannot be hashed: use the values that JSON has")


def in_words(value: Any) -> str:
    """Format a value on one line, in few characters."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case tuple():
            return "[" + ", ".join(map(in_words, value)) + "]"
        case Mapping():
            return "{" + ", ".join(f"{in_words(key)}: {in_words(item)}" for key, item in value.items()) + "}"
        case str() if value and value.isprintable():
            return value
        case _:
            return repr(value)


def _arguments(given: Mapping[str, Any]) -> immutabledict[str, Any]:
    return immutabledict((name, frozen(value)) for name, value in given.items())


def shortened(value: Any) -> str:
    """Cut a value to at most this many characters, keeping its beginning and its end."""
    text = in_words(value)
    if len(text) <= _TEXT_MAX:
        return text
    return f"{text[: _TEXT_MAX // 2]}…{text[-_TEXT_MAX // 2 :]}"


@attrs.frozen
class Call:
    """A request of a client.

    Attributes:
        name: the operation: "put".
        arguments: argument -> value; made hashable.
    """

    name: str
    arguments: immutabledict[str, Any] = attrs.field(factory=immutabledict, converter=_arguments)

    def __getitem__(self, argument: str) -> Any:
        return self.arguments[argument]

    def __str__(self) -> str:
        return f"{self.name}({', '.join(shortened(value) for value in self.arguments.values())})"


class Fate(enum.Enum):
    """The fate of an operation; the module explains each."""

    ANSWERED = "answered"
    FAILED = "failed"
    UNKNOWN = "unknown"
    PENDING = "pending"


@attrs.frozen
class Invoke:
    """A client calls.

    Attributes:
        number: the operation's, from 1 in the order of the calls.
        process: the client.
        call: what it asks for.
        time: when, on a clock that all processes share; None if not known.
    """

    number: int
    process: str
    call: Call
    time: float | None = None


@attrs.frozen
class Return:
    """A client learns the fate of its call, or gives up.

    Attributes:
        number: the operation's.
        fate: answered, failed or unknown.
        answer: what it is told, if answered.
        time: when, on a clock that all processes share; None if not known.
    """

    number: int
    fate: Fate
    answer: Any = attrs.field(default=None, converter=frozen)
    time: float | None = None


Event: TypeAlias = Invoke | Return


@attrs.frozen(kw_only=True)
class Operation:
    """A call and its fate.

    Attributes:
        number: unique in its history.
        process: the client.
        call: what it asked for.
        fate: what became of it.
        answer: what the client was told, if it was answered.
        invoked_at: when it was called: the number of the event, or a time. Two operations with a
            moment in common are concurrent: it is not known which came first.
        answered_at: when the client learnt its fate; None if it is pending.
    """

    number: int
    process: str
    call: Call
    fate: Fate
    answer: Any = attrs.field(default=None, converter=frozen)
    invoked_at: float
    answered_at: float | None = None

    @property
    def is_open(self) -> bool:
        """True if the operation may happen at any time after its call, or never."""
        return self.fate in (Fate.UNKNOWN, Fate.PENDING)

    def __str__(self) -> str:
        ending = f"→ {shortened(self.answer)}" if self.fate is Fate.ANSWERED else f"({self.fate.value})"
        return f"#{self.number} {self.process} {self.call} {ending}"


def _in_order(operations: Iterable[Operation]) -> tuple[Operation, ...]:
    return tuple(sorted(operations, key=lambda operation: (operation.invoked_at, operation.number)))


@attrs.frozen(kw_only=True)
class History:
    """All operations of a run.

    Attributes:
        operations: in the order of their calls.
        model: the name of the model that the system should follow; empty if not said.
        origin: where it comes from.
        ended: whether the run says itself that it is over.

    Raises:
        HistoryError: two operations have one number, one is answered before its call, or a process
            has two at once.
    """

    operations: tuple[Operation, ...] = attrs.field(converter=_in_order)
    model: str = ""
    origin: Origin = _UNSAID
    ended: bool = True

    def __attrs_post_init__(self) -> None:
        numbers: set[int] = set()
        last: dict[str, Operation] = {}
        for operation in self.operations:
            if operation.number in numbers:
                raise HistoryError(f"two operations have the number {operation.number}: numbers are unique")
            numbers.add(operation.number)
            ended_at = operation.answered_at
            if (ended_at is None) is not (operation.fate is Fate.PENDING):
                raise HistoryError(
                    f"{operation} is {operation.fate.value}, and its answered_at is {ended_at}: "
                    "a pending operation has no such time, every other has one"
                )
            if ended_at is not None and ended_at < operation.invoked_at:
                raise HistoryError(
                    f"{operation} ended at {ended_at}, before its call at {operation.invoked_at}"
                )
            before = last.get(operation.process)
            if before is not None and (
                before.answered_at is None or before.answered_at >= operation.invoked_at
            ):
                until = "is pending" if before.answered_at is None else f"ended at {before.answered_at}"
                raise HistoryError(
                    f"{operation.process} called #{operation.number} at {operation.invoked_at} while its "
                    f"#{before.number} {until}: {_ONE_AT_A_TIME}"
                )
            last[operation.process] = operation

    @property
    def processes(self) -> tuple[str, ...]:
        """The clients, in the order of their first calls."""
        return tuple(dict.fromkeys(operation.process for operation in self.operations))


_ONE_AT_A_TIME: Final = (
    "a process does one thing after another. A client that does several at once is several processes; "
    "one that gave up has an operation whose fate is unknown; where clocks are too coarse to tell, number "
    "the events instead"
)


class Assembly:
    """Assembles operations from events, one after another.

    Args:
        order: whether the order of the events counts, or their times. Of two events at the same time
            it is not known which came first.
    """

    def __init__(self, order: Order = "lines") -> None:
        self._order = order
        self._operations: list[Operation] = []
        self._busy: dict[str, int] = {}
        self._events = 0
        self._time: float | None = None

    @property
    def count(self) -> int:
        """The number of operations so far."""
        return len(self._operations)

    def add(self, event: Event) -> None:
        """Take in the next event.

        Raises:
            HistoryError: it does not fit those before it.
        """
        at = self._moment(event)
        match event:
            case Invoke():
                self._invoke(event, at)
            case Return():
                self._return(event, at)

    def operations(self) -> tuple[Operation, ...]:
        """The operations so far; those without an answer are pending."""
        return tuple(self._operations)

    def _moment(self, event: Event) -> float:
        if event.time is not None and self._time is not None and event.time < self._time:
            raise HistoryError(
                f"time goes back from {self._time:g} to {event.time:g}: events stand in the order in which "
                "they happened. Were the logs of several clients put together without sorting?"
            )
        self._time = event.time if event.time is not None else self._time
        self._events += 1
        if self._order == "lines":
            return self._events
        if event.time is None:
            raise HistoryError('an event has no "time", and the header says that times give the order')
        return event.time

    def _invoke(self, event: Invoke, at: float) -> None:
        expected = len(self._operations) + 1
        if event.number != expected:
            raise HistoryError(
                f"call number {event.number} comes where {expected} should: calls are numbered from 1 "
                "without gaps. Was a line lost, or were lines swapped?"
            )
        if (open_ := self._busy.get(event.process)) is not None:
            raise HistoryError(
                f"{event.process} calls #{event.number} while its #{open_} is open: {_ONE_AT_A_TIME}"
            )
        self._busy[event.process] = event.number
        self._operations.append(
            Operation(
                number=event.number, process=event.process, call=event.call, fate=Fate.PENDING, invoked_at=at
            )
        )

    def _return(self, event: Return, at: float) -> None:
        if not 1 <= event.number <= len(self._operations):
            raise HistoryError(
                f"#{event.number} returns without having been called: {len(self._operations)} calls "
                "came so far"
            )
        operation = self._operations[event.number - 1]
        if operation.fate is not Fate.PENDING:
            raise HistoryError(
                f"#{event.number} returns twice: it was {operation.fate.value} at {operation.answered_at:g}"
            )
        if event.fate is Fate.PENDING:
            raise HistoryError(
                f"#{event.number} returns as pending: write nothing, or unknown if its client gave up"
            )
        del self._busy[operation.process]
        self._operations[event.number - 1] = attrs.evolve(
            operation, fate=event.fate, answer=event.answer, answered_at=at
        )


class Recorder:
    """Records a history while it happens, in the order of the calls of its methods.

    >>> recorder = Recorder()
    >>> put = recorder.invoke("c1", "put", key="x", value=1)
    >>> get = recorder.invoke("c2", "get", key="x")
    >>> recorder.answer(get, 1)
    >>> recorder.give_up(put)
    >>> [str(operation) for operation in recorder.history().operations]
    ['#1 c1 put(x, 1) (unknown)', '#2 c2 get(x) → 1']

    Args:
        on_event: given each event, to write it to a file.
    """

    def __init__(self, on_event: Callable[[Event], None] | None = None) -> None:
        self._assembly = Assembly()
        self._on_event = on_event

    @property
    def calls(self) -> int:
        """The number of calls; the next one gets the next number."""
        return self._assembly.count

    def invoke(self, process: str, name: str, /, **arguments: Any) -> int:
        """Record a call of a process; return the number of the operation.

        Raises:
            HistoryError: the process has an open operation.
        """
        number = self._assembly.count + 1
        self._note(Invoke(number, process, Call(name, immutabledict(arguments))))
        return number

    def answer(self, number: int, answer: Any = None) -> None:
        """Record the answer.

        Raises:
            HistoryError: there is no such open operation.
        """
        self._note(Return(number, Fate.ANSWERED, answer))

    def fail(self, number: int) -> None:
        """Record that the operation certainly did not happen, and that its client knows.

        Raises:
            HistoryError: there is no such open operation.
        """
        self._note(Return(number, Fate.FAILED))

    def give_up(self, number: int) -> None:
        """Record that its client waits no longer, without knowing the fate of the operation.

        Raises:
            HistoryError: there is no such open operation.
        """
        self._note(Return(number, Fate.UNKNOWN))

    def history(self, *, model: str = "", origin: Origin | None = None) -> History:
        """The history so far; operations without an answer are pending."""
        return History(operations=self._assembly.operations(), model=model, origin=origin or _UNSAID)

    def _note(self, event: Event) -> None:
        self._assembly.add(event)
        if self._on_event is not None:
            self._on_event(event)


def events_of(operations: Iterable[Operation]) -> list[Event]:
    """The events of some operations, calls before returns where the moment is the same."""
    rows: list[tuple[float, bool, int, Event]] = []
    for number, operation in enumerate(_in_order(operations), start=1):
        at = operation.invoked_at
        rows.append((at, False, number, Invoke(number, operation.process, operation.call, at)))
        if operation.answered_at is not None:
            end = operation.answered_at
            rows.append((end, True, number, Return(number, operation.fate, operation.answer, end)))
    return [event for *_, event in sorted(rows, key=lambda row: row[:3])]
