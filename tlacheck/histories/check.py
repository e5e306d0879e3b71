"""The linearizability check: decides for a history, and explains how far an order goes.

Linearizability is local (Herlihy and Wing 1990): a history is linearizable if its restriction to every
part of the object is. The parts that the model names are therefore searched one after another
(P-compositionality, Horn and Kroening 2015); the first part without an order decides.

| legality  | means                                                                                          |
|-----------|------------------------------------------------------------------------------------------------|
| `OK`      | there is an order; `Result.witness` is one                                                     |
| `ILLEGAL` | there is none; `Result.frontier` is the longest prefix that has one, and its obstacles |
| `UNKNOWN` | a limit came first; `Result.frontier` is how far the search got                                |

The limit on configurations gives the same result in every run, the one on seconds does not.
"""

import enum
import time
from collections.abc import Callable, Hashable
from typing import Any, Final

import attrs

from tlacheck.errors import ConfigError
from tlacheck.histories._prefix import longest_prefix
from tlacheck.histories._search import Deadlock, Found, Meter, Path, search
from tlacheck.histories.files import plain
from tlacheck.histories.history import Fate, History, HistoryError, Operation, in_words, shortened
from tlacheck.histories.model import Model
from tlacheck.verdict import Verdict

__all__ = ["Attempt", "Frontier", "Legality", "Limits", "Option", "Placed", "Result", "check"]

#: The default limit of configurations explored: about a gigabyte of them.
_CONFIGURATIONS_MAX: Final = 2_000_000


#: The least number of configurations granted to find the longest prefix of an illegal history.
_PREFIX_MIN: Final = 10_000
#: The most of the model's answers that are named in a line.
_EXPECTED_SHOWN: Final = 3


class Legality(enum.Enum):
    """The verdict on a history."""

    OK = "ok"
    ILLEGAL = "illegal"
    UNKNOWN = "unknown"


@attrs.frozen(kw_only=True)
class Limits:
    """The limits of a check; None means no limit.

    Attributes:
        configurations: how many configurations are explored, for all parts together.
        seconds: how long it takes.

    Raises:
        ConfigError: a limit is not above 0.
    """

    configurations: int | None = _CONFIGURATIONS_MAX
    seconds: float | None = None

    def __attrs_post_init__(self) -> None:
        for name, limit in (("configurations", self.configurations), ("seconds", self.seconds)):
            if limit is not None and limit <= 0:
                raise ConfigError(
                    f"the limit on {name} is {limit}: it should be above 0, or None for no limit"
                )


@attrs.frozen(kw_only=True)
class Placed:
    """An operation at its place in an order.

    Attributes:
        operation: which.
        state: of its part of the model, after it.
    """

    operation: Operation
    state: Any


@attrs.frozen(kw_only=True)
class Option:
    """An open operation that has not happened yet, and the model's answers to it.

    Attributes:
        operation: which.
        answers: what the model would answer; empty if it cannot happen there.
    """

    operation: Operation
    answers: tuple[Any, ...]


@attrs.frozen(kw_only=True)
class Attempt:
    """One way to order the longest prefix.

    Attributes:
        order: the operations that happened.
        state: of that part of the model after them.
        options: the open operations that have not happened; first the one whose answer fits nowhere
            (in rare cases it is in the order already, with another answer).
    """

    order: tuple[Placed, ...]
    state: Any
    options: tuple[Option, ...]


@attrs.frozen(kw_only=True)
class Frontier:
    """The end of the longest order found.

    The part, up to the moment before `returning` is answered, has an order: it is a linearizable
    prefix. If `is_longest`, no longer one is: with that answer there is no order, whatever is
    answered later. Otherwise there is none that also fits what is answered later.

    Attributes:
        part: the part of the model.
        operations: the operations of that part, those that failed left out.
        returning: the operation whose answer fits no order.
        attempts: ways to order what is before, at least one; there may be more than are kept.
        is_longest: whether no longer prefix is linearizable; False if the search for it met a limit.
    """

    part: Hashable
    operations: tuple[Operation, ...]
    returning: Operation
    attempts: tuple[Attempt, ...]
    is_longest: bool

    @property
    def prefix(self) -> tuple[Operation, ...]:
        """The operations of the part that were called before `returning` was answered."""
        end = self.returning.answered_at or 0
        return tuple(operation for operation in self.operations if operation.invoked_at <= end)

    @property
    def expected(self) -> tuple[Any, ...]:
        """The model's possible answers to `returning`, over all attempts, each once."""
        return tuple(
            dict.fromkeys(answer for attempt in self.attempts for answer in attempt.options[0].answers)
        )


@attrs.frozen(kw_only=True)
class Result:
    """The result of a check.

    Attributes:
        legality: ok, illegal or unknown.
        model: what the history was compared with.
        operations: how many operations the history has.
        answered: how many of them were answered.
        parts: how many parts of the model they concern.
        configurations: how many were explored.
        witness: if ok, the operations in an order that explains the history, those without an answer
            only if they happened in it.
        frontier: if illegal or unknown, how far an order goes; None if a limit ended the search before it
            began.
        reason: if illegal or unknown, why, in a line.
    """

    legality: Legality
    model: Model[Any]
    operations: int
    answered: int
    parts: int
    configurations: int
    witness: tuple[Placed, ...] = ()
    frontier: Frontier | None = None
    reason: str = ""

    @property
    def property_name(self) -> str:
        """The name of the property in verdicts."""
        return f"linearizable to {self.model.name}"

    def verdict(self, *, cases: int = 1, seed: int = 0) -> Verdict:
        """Return the verdict on the system, of which this history is one of `cases` drawn with `seed`.

        A history without any answer is explained by everything: the verdict is unknown.
        """
        if self.legality is Legality.ILLEGAL:
            return Verdict.violated(self.property_name, self.reason)
        if self.legality is Legality.UNKNOWN:
            return Verdict.unknown(self.reason)
        if not self.answered:
            return Verdict.unknown(
                f"none of {self.operations} operations was answered: nothing was to explain"
            )
        return Verdict.sampled(cases, seed)

    def to_json(self) -> dict[str, Any]:
        """The result as JSON data; operations by their numbers."""
        frontier = self.frontier
        return {
            "legality": self.legality.value,
            "verdict": self.verdict().to_json(),
            "model": self.model.name,
            "operations": self.operations,
            "answered": self.answered,
            "parts": self.parts,
            "configurations": self.configurations,
            "reason": self.reason,
            "witness": [placed.operation.number for placed in self.witness],
            "frontier": None if frontier is None else _frontier_to_json(frontier, self.model),
        }


def check(
    history: History,
    model: Model[Any],
    *,
    limits: Limits | None = None,
    on_progress: Callable[[int], None] | None = None,
) -> Result:
    """Decide whether a history is linearizable to a model.

    Args:
        history: what clients saw.
        model: what the object does when one operation happens at a time.
        limits: when to give up; by default after two million configurations.
        on_progress: told from time to time how many configurations were explored.

    Raises:
        HistoryError: the model does not know an operation of the history.
        ModelError: the model's step raised an exception.
    """
    model.refuse_strangers(history)
    limits = limits or Limits()
    meter = Meter(
        configurations_max=limits.configurations,
        deadline=None if limits.seconds is None else time.monotonic() + limits.seconds,
        on_progress=on_progress,
    )
    parts = _parts(history, model)
    paths: list[Path] = []
    stopped: tuple[Hashable, Found] | None = None
    for part, operations in parts.items():
        found = search(operations, model, meter)
        if found.returning is None and not found.spent:
            if found.path is not None:
                paths.append(found.path)
            continue
        stopped = (part, found)
        break
    legality, reason, frontier = Legality.OK, "", None
    if stopped is not None:
        part, found = stopped
        legality = Legality.UNKNOWN if found.spent else Legality.ILLEGAL
        longest = None
        if legality is Legality.ILLEGAL:
            more = Meter(
                configurations_max=max(_PREFIX_MIN, 10 * meter.configurations), deadline=meter.deadline
            )
            longest = longest_prefix(parts[part], model, found, more)
        frontier = _frontier(
            part, tuple(parts[part]), longest or found, model, is_longest=longest is not None
        )
        reason = found.spent or _why(frontier)
    return Result(
        legality=legality,
        model=model,
        operations=len(history.operations),
        answered=sum(operation.fate is Fate.ANSWERED for operation in history.operations),
        parts=len(parts),
        configurations=meter.configurations,
        witness=_merged(paths) if stopped is None else (),
        frontier=frontier,
        reason=reason,
    )


def _parts(history: History, model: Model[Any]) -> dict[Hashable, list[Operation]]:
    """Group the operations by part, without those that failed."""
    parts: dict[Hashable, list[Operation]] = {}
    for operation in history.operations:
        if operation.fate is not Fate.FAILED:
            part = None if model.partition is None else model.partition(operation.call)
            parts.setdefault(part, []).append(operation)
    return parts


def _merged(paths: list[Path]) -> tuple[Placed, ...]:
    """Merge the orders of the parts: each operation happens just before the answer that made it happen."""
    rows = []
    for path in paths:
        steps = _steps(path)
        rows += [(at, place, operation, state) for place, (operation, at, state) in enumerate(steps)]
    rows.sort(key=lambda row: row[0])  # stable: the order within a part stays, for its moments never go back
    return tuple(Placed(operation=operation, state=state) for _, _, operation, state in rows)


def _steps(path: Path | None) -> list[tuple[Operation, float, Any]]:
    steps = []
    while path is not None:
        operation, at, state, path = path
        steps.append((operation, at, state))
    return steps[::-1]


def _frontier(
    part: Hashable,
    operations: tuple[Operation, ...],
    found: Found,
    model: Model[Any],
    *,
    is_longest: bool,
) -> Frontier | None:
    if found.returning is None:
        return None
    return Frontier(
        part=part,
        operations=operations,
        returning=found.returning,
        attempts=tuple(_attempt(deadlock, model) for deadlock in found.deadlocks),
        is_longest=is_longest,
    )


def _attempt(deadlock: Deadlock, model: Model[Any]) -> Attempt:
    return Attempt(
        order=tuple(
            Placed(operation=operation, state=state) for operation, _, state in _steps(deadlock.path)
        ),
        state=deadlock.state,
        options=tuple(
            Option(
                operation=operation,
                answers=deadlock.answers
                if number == 0 and deadlock.answers is not None
                else tuple(answer for answer, _ in model.steps(deadlock.state, operation.call)),
            )
            for number, operation in enumerate(deadlock.waiting)
        ),
    )


def _why(frontier: Frontier | None) -> str:
    if frontier is None:
        return ""
    return f"no order explains {frontier.returning}; the model answers {_expected(frontier)}"


def _expected(frontier: Frontier) -> str:
    answers = [shortened(answer) for answer in frontier.expected]
    if not answers:
        return "nothing: it cannot happen there"
    more = len(answers) - _EXPECTED_SHOWN
    return " or ".join(answers[:_EXPECTED_SHOWN]) + (f" or {more} others" if more > 0 else "")


def _frontier_to_json(frontier: Frontier, model: Model[Any]) -> dict[str, Any]:
    return {
        "part": _plain(frontier.part),
        "returning": _operation_to_json(frontier.returning),
        "expected": [_plain(answer) for answer in frontier.expected],
        "prefix": [operation.number for operation in frontier.prefix],
        "is_longest": frontier.is_longest,
        "attempts": [
            {
                "order": [placed.operation.number for placed in attempt.order],
                "state": model.show(attempt.state),
                "options": [
                    {
                        **_operation_to_json(option.operation),
                        "model_answers": [_plain(answer) for answer in option.answers],
                    }
                    for option in attempt.options
                ],
            }
            for attempt in frontier.attempts
        ],
    }


def _operation_to_json(operation: Operation) -> dict[str, Any]:
    return {
        "number": operation.number,
        "process": operation.process,
        "op": operation.call.name,
        "arguments": {name: _plain(value) for name, value in operation.call.arguments.items()},
        "fate": operation.fate.value,
        "answer": _plain(operation.answer),
    }


def _plain(value: Any) -> Any:
    """A value as JSON, as a text if JSON has no such value."""
    try:
        return plain(value)
    except HistoryError:
        return in_words(value)
