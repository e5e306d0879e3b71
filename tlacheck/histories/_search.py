"""The search for an order of the operations of one part: Wing and Gong's, just in time and with a cache.

Wing and Gong (1993) try the operations that may come first, one after another, and backtrack when the
model refuses. Five things make that fast enough for thousands of operations.

* **Just in time** (Lowe 2017): events are gone through in order, and only the answer of an operation
  that has not happened yet makes something happen: that operation, or others that are open first.
  Nothing is lost: in any order that explains the history, each operation can be put off until the
  first answer that needs it.
* **Memory** (Lowe 2017): a configuration is how far the events were gone through, which open
  operations have happened already, and the state of the model. Two ways that lead to the same one
  have the same future: the second is not followed. Since operations that were answered need not be
  told apart any more, a set of operations is a few bits however long the history is.
* **Open ends**: an operation without an answer may happen at any time or never. It need not happen
  if it changes nothing; of several with the same call the first comes first; and a configuration
  that has used fewer of them can do all that one with more can.
* **Foresight**: a model may tell from the answers that are still to come that a state leads nowhere.
* **Reads at once**: an open operation of which the model says that it never changes the state
  happens as soon as the state gives its answer. No other operation notices.

The search is a loop with a stack of its own: it is as deep as the history is long.
"""

import time
from collections.abc import Callable, Container, Hashable, Sequence
from typing import Any, Final

import attrs

from tlacheck.histories.history import Call, Fate, Operation
from tlacheck.histories.model import Model, ModelError

__all__ = ["Deadlock", "Found", "Meter", "Path", "search"]

#: The construction of an order: the operation that came last, the answer that made it happen, the
#: state after it, and the part before.
Path = tuple[Operation, float, Any, "Path | None"]

#: The most dead ends with the longest prefix that are kept for display.
_KEPT_MAX: Final = 64
#: The number of configurations explored between two checks of the clock.
_CLOCK_EVERY: Final = 512


@attrs.define
class Meter:
    """The consumption and the limits of a search.

    Attributes:
        configurations: how many were explored.
        configurations_max: how many may be; None for any number.
        deadline: when to stop, on `time.monotonic`; None for never.
        on_progress: told from time to time how many configurations were explored.
    """

    configurations: int = 0
    configurations_max: int | None = None
    deadline: float | None = None
    on_progress: Callable[[int], None] | None = None

    def spent(self) -> str:
        """Name the limit that is reached; empty if none is."""
        if self.configurations_max is not None and self.configurations >= self.configurations_max:
            return f"{self.configurations:,} configurations were explored, and no more are allowed"
        if self.configurations % _CLOCK_EVERY == 0:
            if self.on_progress is not None:
                self.on_progress(self.configurations)
            if self.deadline is not None and time.monotonic() >= self.deadline:
                return f"the time was over after {self.configurations:,} configurations"
        return ""


@attrs.frozen(kw_only=True)
class Deadlock:
    """A configuration from which the next answer cannot be explained.

    Attributes:
        state: of the model.
        path: how it came about.
        waiting: the open operations that have not happened yet, the returning one first.
        answers: with what the returning one has happened already, if that is what is wrong; None if it has
            not.
    """

    state: Any
    path: Path | None
    waiting: tuple[Operation, ...]
    answers: tuple[Any, ...] | None = None


@attrs.frozen(kw_only=True)
class Found:
    """The result of a search.

    Attributes:
        path: the order, the last operation first; None if there is none or it is empty.
        returning: the operation up to whose answer the search came; None if all have an order.
        deadlocks: configurations at that answer.
        spent: the limit that ended the search; empty if none did.
    """

    path: Path | None = None
    returning: Operation | None = None
    deadlocks: tuple[Deadlock, ...] = ()
    spent: str = ""


#: The number of answers explained, the open operations that have happened (those answered, those
#: never answered), the state, and the order so far.
_Configuration = tuple[int, int, int, Any, "Path | None"]
_Steps = Callable[[Any, Call], tuple[tuple[Any, Any], ...]]


@attrs.frozen
class _Answer:
    """One answer: the events of a part reduce to these.

    Attributes:
        operation: the operation that is answered.
        at: when.
        bit: stands for it in sets of operations while it is open.
        others: the other answered operations that are open just before, the last answered first.
        reads: of all that are open just before, those that never change the state.
        unanswered: how many operations without an answer were called before.
    """

    operation: Operation
    at: float
    bit: int
    others: tuple[tuple[Operation, int], ...]
    reads: tuple[tuple[Operation, int], ...]
    unanswered: int


@attrs.frozen
class _Part:
    """The operations of one part, prepared for the search.

    Attributes:
        answers: in order.
        unanswered: the operations without an answer, in the order of their calls.
        kinds: for each of those a number that those with the same call share.
    """

    answers: tuple[_Answer, ...]
    unanswered: tuple[Operation, ...]
    kinds: tuple[int, ...]


def _part(operations: Sequence[Operation], reads: Container[str]) -> _Part:
    rows = [(operation.invoked_at, False, operation) for operation in operations]
    rows += [
        (operation.answered_at, True, operation)
        for operation in operations
        if operation.fate is Fate.ANSWERED and operation.answered_at is not None
    ]
    # At equal times calls come first: their order is unknown, so the operations are concurrent.
    rows.sort(key=lambda row: (row[0], row[1], row[2].number))
    answers: list[_Answer] = []
    unanswered: list[Operation] = []
    bits: dict[int, int] = {}
    free: list[int] = []
    open_: list[Operation] = []
    for at, is_answer, operation in rows:
        if is_answer:
            by_answer = sorted(open_, key=lambda each: (each.answered_at or 0, each.number), reverse=True)
            pairs = [(each, bits[each.number]) for each in by_answer]
            answers.append(
                _Answer(
                    operation,
                    at,
                    bits[operation.number],
                    tuple(pair for pair in pairs if pair[0] is not operation),
                    tuple(pair for pair in reversed(pairs) if pair[0].call.name in reads),
                    len(unanswered),
                )
            )
            open_.remove(operation)
            free.append(bits[operation.number])
        elif operation.is_open:
            unanswered.append(operation)
        else:
            bits[operation.number] = free.pop() if free else 1 << len(open_)
            open_.append(operation)
    numbers: dict[Call, int] = {}
    kinds = tuple(numbers.setdefault(operation.call, len(numbers)) for operation in unanswered)
    return _Part(tuple(answers), tuple(unanswered), kinds)


def search(operations: Sequence[Operation], model: Model[Any], meter: Meter) -> Found:
    """Search for an order of these operations that the model allows and real time permits.

    Args:
        operations: of one part, none of them failed.
        model: what they should follow.
        meter: what the search may use; it is counted on.

    Raises:
        ModelError: the model's step raised an exception, or gave a state that cannot be hashed.
    """
    part = _part(operations, model.reads)
    answers, steps = part.answers, model.steps
    is_possible: Callable[[Any], bool] = _anything
    if model.foresee is not None:
        is_possible = model.foresee([*(answer.operation for answer in answers), *part.unanswered])
    furthest, spent = -1, ""
    dead_ends: list[_Configuration] = []
    seen: dict[Hashable, list[int]] = {}
    stack: list[_Configuration] = [(0, 0, 0, model.initial, None)]
    while stack:
        index, taken, used, state, path = _go_on(answers, steps, stack.pop())
        if index == len(answers):
            return Found(path=path)
        try:
            known = seen.setdefault((index, taken, state), [])
        except TypeError as error:
            raise ModelError(f"a state of the model {model.name} cannot be hashed: {state!r:.200}") from error
        if any(fewer & used == fewer for fewer in known):
            continue
        known.append(used)
        if spent := meter.spent():
            break
        meter.configurations += 1
        if index > furthest:
            furthest = index
            dead_ends.clear()
        if index == furthest and len(dead_ends) < _KEPT_MAX:
            dead_ends.append((index, taken, used, state, path))
        answer = answers[index]
        returning, at = answer.operation, answer.at
        # The last one pushed is tried first: the operation being answered, those answered soon, the rest.
        if answer.unanswered:
            for operation, bit in _worth_trying(part, answer.unanswered, used):
                for _, after in steps(state, operation.call):
                    if after != state and is_possible(after):
                        stack.append((index, taken, used | bit, after, (operation, at, after, path)))
        for operation, bit in answer.others:
            if not taken & bit:
                for said, after in steps(state, operation.call):
                    if said == operation.answer and is_possible(after):
                        stack.append((index, taken | bit, used, after, (operation, at, after, path)))
        for said, after in steps(state, returning.call):
            if said == returning.answer and is_possible(after):
                stack.append((index, taken | answer.bit, used, after, (returning, at, after, path)))
    if furthest < 0:
        return Found(spent=spent)
    return Found(
        returning=answers[furthest].operation,
        deadlocks=tuple(
            Deadlock(state=state, path=path, waiting=_waiting(part, index, taken, used))
            for index, taken, used, state, path in dead_ends
        ),
        spent=spent,
    )


def _anything(_: Any) -> bool:
    return True


def _go_on(answers: Sequence[_Answer], steps: _Steps, configuration: _Configuration) -> _Configuration:
    """Advance to the next answer of an operation that has not happened; take reads on the way."""
    index, taken, used, state, path = configuration
    while index < len(answers):
        answer = answers[index]
        if not taken & answer.bit:
            for operation, bit in answer.reads:
                if not taken & bit and any(
                    said == operation.answer for said, _ in steps(state, operation.call)
                ):
                    taken |= bit
                    path = (operation, answer.at, state, path)
            if not taken & answer.bit:
                break
        taken ^= answer.bit
        index += 1
    return index, taken, used, state, path


def _worth_trying(part: _Part, count: int, used: int) -> list[tuple[Operation, int]]:
    """Return those worth trying among the first `count` unanswered operations: one per call, later first."""
    first: dict[int, int] = {}
    for number in range(count):
        if not used >> number & 1:
            first.setdefault(part.kinds[number], number)
    return [(part.unanswered[number], 1 << number) for number in reversed(first.values())]


def _waiting(part: _Part, index: int, taken: int, used: int) -> tuple[Operation, ...]:
    """Return the open operations that have not happened, the one being answered first."""
    answer = part.answers[index]
    others = [operation for operation, bit in reversed(answer.others) if not taken & bit]
    unanswered = enumerate(part.unanswered[: answer.unanswered])
    return (
        answer.operation,
        *others,
        *(operation for number, operation in unanswered if not used >> number & 1),
    )
