"""The longest prefix of a part that has an order, if the whole has none.

A prefix ends at an answer. What is answered later is still open in it and may have happened with any
answer: so the search through the whole, which holds every operation to the answer that it got in the
end, may give up too early. A prefix of a prefix that has an order has one as well; the end is found
by looking ahead in growing strides, then by halving. Mostly the first look settles it. Since fewer
answers narrow the search less, it may take much longer than the search through the whole: it has a
limit of its own.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import attrs

from tlacheck.histories._search import Deadlock, Found, Meter, Path, search
from tlacheck.histories.history import Fate, Operation
from tlacheck.histories.model import Model

__all__ = ["longest_prefix"]


def longest_prefix(
    operations: Sequence[Operation], model: Model[Any], found: Found, meter: Meter
) -> Found | None:
    """Find the first answer of some operations that no order explains, and the obstacles to it.

    Args:
        operations: of one part; they have no order.
        model: what they should follow.
        found: what the search through all of them came to.
        meter: what may be used.

    Returns:
        None if a limit was met on the way: the prefix of `found` has an order, and perhaps a longer one too.
    """
    by_answer = sorted(
        (each for each in operations if each.fate is Fate.ANSWERED),
        key=lambda each: (each.answered_at or 0, each.number),
    )
    # This many answers have an order; this many have none.
    explained = next(place for place, each in enumerate(by_answer) if each is found.returning)
    refuted, refutation, stride = len(by_answer), found, 1
    while explained + 1 < refuted:
        is_bounded = refutation is not found
        count = (explained + refuted) // 2 if is_bounded else min(explained + stride, refuted - 1)
        tried = search(_prefix(operations, by_answer[:count]), model, meter)
        if tried.spent:
            return None
        if tried.returning is None:
            explained, stride = count, 2 * stride
        else:
            refuted, refutation = count, tried
    returning = by_answer[explained]
    if returning is found.returning:
        return found  # its orders fit the later answers too
    deadlocks = refutation.deadlocks
    if refutation.returning is None or refutation.returning.number != returning.number:
        before = search(_prefix(operations, by_answer[:explained]), model, meter)
        if before.spent:
            return None
        deadlocks = (_refused(returning, operations, before.path, model),)
    original = {operation.number: operation for operation in operations}
    return Found(returning=returning, deadlocks=tuple(_restored(each, original) for each in deadlocks))


def _prefix(operations: Sequence[Operation], answered: Sequence[Operation]) -> list[Operation]:
    """Return the operations as seen up to these first answers: those answered later are open."""
    if not answered:
        return []
    end = answered[-1].answered_at or 0
    numbers = {operation.number for operation in answered}
    return [
        operation
        if operation.number in numbers or operation.is_open
        else attrs.evolve(operation, fate=Fate.PENDING, answer=None, answered_at=None)
        for operation in operations
        if operation.invoked_at <= end
    ]


def _refused(
    returning: Operation, operations: Sequence[Operation], path: Path | None, model: Model[Any]
) -> Deadlock:
    """Return the end of an order in which `returning` happened, but with another answer."""
    end = returning.answered_at or 0
    state = model.initial if path is None else path[2]
    happened: set[int] = set()
    answers: tuple[Any, ...] | None = None
    here = path
    while here is not None:
        operation, _, after, here = here
        happened.add(operation.number)
        if operation.number == returning.number:
            before = model.initial if here is None else here[2]
            answers = tuple(answer for answer, then in model.steps(before, operation.call) if then == after)
    others = [
        operation
        for operation in operations
        if operation.invoked_at <= end
        and operation.number != returning.number
        and operation.number not in happened
    ]
    return Deadlock(state=state, path=path, waiting=(returning, *others), answers=answers)


def _restored(deadlock: Deadlock, original: Mapping[int, Operation]) -> Deadlock:
    """Return the same with the operations as they are in the whole history."""
    steps = []
    here = deadlock.path
    while here is not None:
        operation, at, state, here = here
        steps.append((original[operation.number], at, state))
    path: Path | None = None
    for operation, at, state in reversed(steps):
        path = (operation, at, state, path)
    waiting = tuple(original[operation.number] for operation in deadlock.waiting)
    return attrs.evolve(deadlock, path=path, waiting=waiting)
