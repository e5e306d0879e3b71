"""All reachable states of a finite instance, from the same formulas that the proofs are about.

State after state, Z3 lists each way in which the step relation can be satisfied. This is slow beside a
model checker, and not meant for finding errors: it shows that the formulas and a spec in another
language have the same states, so that a proof about one carries over to the other.
"""

import itertools
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

import attrs

from tlacheck.errors import ConfigError
from tlacheck.smt._solver import TIMEOUT_SECONDS, checked_timeout, no_answer
from tlacheck.smt._unroll import axioms, some_action
from tlacheck.smt._z3 import z3
from tlacheck.smt.sorts import BOOL, Expression
from tlacheck.smt.system import TransitionSystem, View
from tlacheck.trace import State
from tlacheck.values import ModelValue, Value, function
from tlacheck.verdict import Verdict

__all__ = ["Reached", "reachable"]


@attrs.frozen
class Reached:
    """The states found.

    Attributes:
        states: each reachable state once, as TLA+ values: relations are sets.
        verdict: exhausted if these are all; unknown if Z3 or the count gave out.
    """

    states: frozenset[State] = attrs.field(repr=False)
    verdict: Verdict


def reachable(
    system: TransitionSystem,
    *,
    states_max: int = 100_000,
    timeout_seconds: float = TIMEOUT_SECONDS,
    on_progress: Callable[[str], None] = lambda _: None,
) -> Reached:
    """List the reachable states.

    Args:
        system: a system with finitely many states, whose variables have enumerations as arguments.
        states_max: how many states are listed at most.
        timeout_seconds: how long Z3 may take for each question.
        on_progress: told how many states were found, now and then.

    Raises:
        ConfigError: a variable has an argument of an uninterpreted sort, or the time makes no sense.
    """
    before, after = system.view("0"), system.view("1")
    now, then = list(_cells(system, before)), list(_cells(system, after))
    step, _ = some_action(system, before, after, "0")
    begin, go_on = _solver(timeout_seconds), _solver(timeout_seconds)
    begin.add(*axioms(system, before), system.initial(before))
    go_on.add(*axioms(system, before, after), *step)
    seen: set[tuple[Any, ...]] = set()
    queue: deque[tuple[Any, ...]] = deque()

    def outcome(verdict: Verdict) -> Reached:
        return Reached(frozenset(_state(system, state) for state in seen), verdict)

    try:
        for state in _each(begin, now, timeout_seconds):
            seen.add(state)
            queue.append(state)
        while queue:
            source = queue.popleft()
            go_on.push()
            go_on.add(*(cell == value for cell, value in zip(now, source, strict=True)))
            for state in _each(go_on, then, timeout_seconds):
                if state not in seen:
                    seen.add(state)
                    queue.append(state)
            go_on.pop()
            if len(seen) > states_max:
                return outcome(Verdict.unknown(f"more than {states_max} states; raise states_max"))
            if len(seen) % 50 == 0:
                on_progress(f"{len(seen)} states, {len(queue)} to look at")
    except _NoAnswer as reason:
        return outcome(Verdict.unknown(str(reason)))
    return outcome(Verdict.exhausted())


class _NoAnswer(Exception):
    """Z3 gave no answer."""


def _solver(timeout_seconds: float) -> Any:
    solver = z3.Solver()
    solver.set("timeout", checked_timeout(timeout_seconds))
    return solver


def _each(solver: Any, cells: list[Expression], timeout_seconds: float) -> Iterator[tuple[Any, ...]]:
    """Yield each choice of values for these cells that the solver allows."""
    solver.push()
    while (found := solver.check()) == z3.sat:
        model = solver.model()
        values = tuple(model.eval(cell, model_completion=True) for cell in cells)
        yield values
        solver.add(z3.Or(*(cell != value for cell, value in zip(cells, values, strict=True))))
    if found == z3.unknown:
        raise _NoAnswer(no_answer(solver.reason_unknown(), timeout_seconds))
    solver.pop()


def _cells(system: TransitionSystem, view: View) -> Iterator[Expression]:
    """Yield each part of the state that has its own value."""
    for variable in system.variables:
        symbol = getattr(view, variable.name)
        if not variable.arguments:
            yield symbol
            continue
        if any(sort.elements is None for sort in variable.arguments):
            raise ConfigError(
                f"{variable.name} of {system.name} has an argument of an unknown number of elements: "
                "list states of "
                "an instance whose sorts are enumerations"
            )
        for terms in itertools.product(*(sort.elements or () for sort in variable.arguments)):
            yield symbol(*terms)


def _state(system: TransitionSystem, cells: tuple[Any, ...]) -> State:
    values = map(_value, cells)
    found: dict[str, Value] = {}
    for variable in system.variables:
        if not variable.arguments:
            found[variable.name] = next(values)
            continue
        pairs: list[tuple[Value, Value]] = []
        for terms in itertools.product(*(sort.elements or () for sort in variable.arguments)):
            key = tuple(map(_value, terms))
            pairs.append((key[0] if len(key) == 1 else key, next(values)))
        found[variable.name] = (
            frozenset(key for key, holds in pairs if holds is True)
            if variable.result == BOOL
            else function(pairs)
        )
    return State(found)


def _value(found: Any) -> Value:
    if z3.is_true(found) or z3.is_false(found):
        return z3.is_true(found)
    return found.as_long() if z3.is_int_value(found) else ModelValue(found.decl().name())
