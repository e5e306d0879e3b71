"""Linearizability by definition, trying every order: the naive counterpart of `check`.

It shares nothing with the search but the nouns, so that the same mistake is unlikely in both. The time
grows with the factorial of the number of operations: eight are many.
"""

from collections.abc import Sequence
from itertools import chain, combinations, permutations
from typing import Any

from tlacheck.histories.history import Fate, History, Operation
from tlacheck.histories.model import Model

__all__ = ["is_linearizable", "longest_prefix"]


def is_linearizable(history: History, model: Model[Any]) -> bool:
    """Return whether some order of the operations that happened keeps real time and is allowed by the model.

    Operations without an answer may be left out; those that failed are.
    """
    answered = [each for each in history.operations if each.fate is Fate.ANSWERED]
    maybe = [each for each in history.operations if each.is_open]
    whole = model.whole()
    subsets = chain.from_iterable(combinations(maybe, count) for count in range(len(maybe) + 1))
    return any(
        _keeps_real_time(order) and _is_allowed(order, whole)
        for subset in subsets
        for order in permutations((*answered, *subset))
    )


def longest_prefix(history: History, model: Model[Any]) -> int:
    """Return the number of answers in the longest linearizable prefix.

    A prefix ends at an answer: operations answered later are pending in it, operations called later are
    not part of it.
    """
    ends = sorted(
        (each.answered_at, each.number)
        for each in history.operations
        if each.fate is Fate.ANSWERED and each.answered_at is not None
    )
    for count in range(1, len(ends) + 1):
        kept = {number for _, number in ends[:count]}
        end = ends[count - 1][0]
        prefix = [
            each if each.number in kept else _still_open(each)
            for each in history.operations
            if each.invoked_at <= end and each.fate is not Fate.FAILED
        ]
        if not is_linearizable(History(operations=tuple(prefix)), model):
            return count - 1
    return len(ends)


def _still_open(operation: Operation) -> Operation:
    """Return the operation as before its answer, with its own client, since its process goes on."""
    return Operation(
        number=operation.number,
        process=f"{operation.process}, #{operation.number}",
        call=operation.call,
        fate=Fate.PENDING,
        invoked_at=operation.invoked_at,
    )


def _keeps_real_time(order: Sequence[Operation]) -> bool:
    """Return whether no operation comes after one that was called when it was already answered."""
    return not any(
        later.fate is Fate.ANSWERED
        and later.answered_at is not None
        and later.answered_at < earlier.invoked_at
        for place, earlier in enumerate(order)
        for later in order[place + 1 :]
    )


def _is_allowed(order: Sequence[Operation], model: Model[Any]) -> bool:
    """Return whether the model can take the operations in this order with these answers."""
    states = {model.initial}
    for operation in order:
        states = {
            after
            for state in states
            for answer, after in model.step(state, operation.call)
            if operation.is_open or answer == operation.answer
        }
    return bool(states)
