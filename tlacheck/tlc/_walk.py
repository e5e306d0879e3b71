"""A walk through an action's body towards a given step, recording the conjuncts that fail.

TLC goes through the conjuncts in the order in which they are written, and takes all ways wherever
there are several: disjuncts, members of a set. An equation `x' = e` gives `x` its value in the next
state. Here the next state is known, in whole or in part: an equation of a known variable is a test,
that of an unknown one gives it its value, as with TLC.

A way goes on after its first failure, to count how many conjuncts fail, but it does not branch any
more.
"""

import enum
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import attrs
import jpype

from tlacheck.errors import SpecError
from tlacheck.tlc._formula import Formula, Reader

__all__ = ["Cause", "Fault", "Walk", "Way", "nearness"]

#: The most conjuncts, over all ways, that a walk examines.
_STEPS_MAX = 20_000


class Cause(enum.Enum):
    """The kind of failure of a conjunct."""

    FALSE = "it is false"
    VALUE = "it gives a variable another value"
    KEPT = "it keeps a variable that has changed"
    MEMBER = "it gives a variable a member of a set, and its value is none"
    ERROR = "it cannot be evaluated"


@attrs.frozen(kw_only=True)
class Fault:
    """A conjunct that fails.

    Attributes:
        formula: the conjunct.
        cause: how it fails.
        after: the next state, with the values that the conjuncts before gave to unknown variables.
        variable: the variable that the conjunct gives another value, or keeps.
        value: the value, or the set of values, that it has for the variable.
        error: why it cannot be evaluated.
    """

    formula: Formula
    cause: Cause
    after: Any
    variable: str | None = None
    value: Any = None
    error: Exception | None = None


@attrs.frozen(kw_only=True)
class Way:
    """One way through an action.

    Attributes:
        witness: the members that it takes for the variables of quantifiers, as Java values.
        passed: how many conjuncts hold.
        held: how many of them come before the first that fails.
        failed: how many conjuncts fail.
        fault: the first one that fails; None if all hold.
    """

    witness: Mapping[str, Any]
    passed: int
    held: int
    failed: int
    fault: Fault | None


def nearness(way: Way | None) -> tuple[int, int, int]:
    """Return a key, the smaller the nearer the way is to an allowed step. No way counts as one failure."""
    return (1, 0, 0) if way is None else (way.failed, -way.held, -way.passed)


class _Demand(enum.Enum):
    HOLDS = enum.auto()
    SAME = enum.auto()
    DIFFERS = enum.auto()


@attrs.frozen
class _Part:
    """The demand on a formula, and the conjunct that demands it if that is another formula."""

    formula: Formula
    demand: _Demand = _Demand.HOLDS
    conjunct: Formula | None = None


@attrs.frozen(kw_only=True)
class _Branch(Way):
    """An unfinished way: `todo` is the rest of it, as a list of nested pairs."""

    todo: tuple[_Part, Any] | None
    after: Any


class Walk:
    """Walks over the actions of a spec, all from one state."""

    def __init__(self, reader: Reader, before: Any) -> None:
        self._reader = reader
        self._before = before
        self._steps = 0

    def nearest(self, action: Formula, after: Any) -> Way | None:
        """Return the way through `action` nearest to the step to `after`; None if the search is too long."""
        self._steps = 0
        start = _Branch(
            witness={},
            passed=0,
            held=0,
            failed=0,
            fault=None,
            after=after,
            todo=(_Part(action), None),
        )
        best: Way | None = None
        stack = [iter((start,))]
        while stack and self._steps < _STEPS_MAX:
            branch = next(stack[-1], None)
            if branch is None:
                stack.pop()
            elif best is not None and branch.failed > best.failed:
                pass  # no way on from here is nearer
            elif branch.todo is not None:
                stack.append(self._advance(branch, *branch.todo))
            elif best is None or nearness(branch) < nearness(best):
                best = branch
                if not branch.failed:
                    break
        return best

    def _advance(self, branch: _Branch, part: _Part, rest: Any) -> Iterator[_Branch]:
        """Split a branch at its next part, with that part done or taken apart."""
        branch = attrs.evolve(branch, todo=rest)
        try:
            for found in self._apart(branch, part):
                self._steps += 1
                yield found
        except (jpype.JException, SpecError) as error:
            self._steps += 1
            yield _failed(branch, part, Cause.ERROR, error=error)

    def _apart(self, branch: _Branch, part: _Part) -> Iterator[_Branch]:
        reader, formula = self._reader, part.formula
        if part.demand is not _Demand.HOLDS:
            yield from self._compared(branch, part)
            return
        if not reader.has_primes(formula):
            yield self._judged(branch, part)
            return
        match reader.operator(formula):
            case "$ConjList" | "\\land":
                yield _with(branch, map(_Part, reader.arguments(formula)))
            case "=" | "\\in":
                yield from self._assigned(branch, part)
            case "UNCHANGED":
                yield _with(branch, [_Part(reader.arguments(formula)[0], _Demand.SAME, formula)])
            case "$Nop":
                yield _with(branch, [_Part(reader.arguments(formula)[0])])
            case "":
                inner = reader.unfolded(formula)
                yield self._judged(branch, part) if inner is None else _with(branch, [_Part(inner)])
            case operator if branch.fault is None:
                yield from self._parted(branch, part, operator)
            case _:
                yield self._judged(branch, part)

    def _parted(self, branch: _Branch, part: _Part, operator: str) -> Iterator[_Branch]:
        """Yield the ways that a formula leaves open, or the one that its guards choose."""
        reader, before, after = self._reader, self._before, branch.after
        formula, arguments = part.formula, reader.arguments(part.formula)
        match operator:
            case "$DisjList" | "\\lor":
                for argument in arguments:
                    yield _with(branch, [_Part(argument)])
            case "$BoundedExists":
                none = True
                for body, members in reader.choices(formula, before, after):
                    none = False
                    yield attrs.evolve(_with(branch, [_Part(body)]), witness={**branch.witness, **members})
                if none:
                    yield _failed(branch, part, Cause.FALSE)
            case "$BoundedForall":
                yield _with(branch, [_Part(body) for body, _ in reader.choices(formula, before, after)])
            case "$IfThenElse":
                condition, then, otherwise = arguments
                yield _with(branch, [_Part(then if reader.holds(condition, before, after) else otherwise)])
            case "$Case":
                yield self._case(branch, part)
            case "=>":
                if reader.holds(arguments[0], before, after):
                    yield _with(branch, [_Part(arguments[1])])
                else:
                    yield _passed(branch)
            case "$SquareAct":
                yield _with(branch, [_Part(arguments[0])])
                yield _with(branch, [_Part(arguments[1], _Demand.SAME, formula)])
            case "$AngleAct":
                yield _with(branch, [_Part(arguments[0]), _Part(arguments[1], _Demand.DIFFERS, formula)])
            case _:
                yield self._judged(branch, part)

    def _case(self, branch: _Branch, part: _Part) -> _Branch:
        for arm in self._reader.arguments(part.formula):
            guard, body = self._reader.arguments(arm)
            if guard.node is None or self._reader.holds(guard, self._before, branch.after):
                return _with(branch, [_Part(body)])
        raise SpecError("no guard of the CASE is true, and it has no OTHER")

    def _judged(self, branch: _Branch, part: _Part) -> _Branch:
        holds = self._reader.holds(part.formula, self._before, branch.after)
        return _passed(branch) if holds else _failed(branch, part, Cause.FALSE)

    def _assigned(self, branch: _Branch, part: _Part) -> Iterator[_Branch]:
        r"""Handle `x' = e` or `x' \in S`, or a formula that only looks like one of them."""
        reader = self._reader
        left, right = reader.arguments(part.formula)
        variable = reader.primed(left)
        if variable is None:
            yield self._judged(branch, part)
            return
        value = reader.value(right, self._before, branch.after)
        observed = branch.after.lookup(reader.variables[variable])
        if reader.operator(part.formula) == "=":
            if observed is None:
                yield self._bound(branch, variable, value)
            elif reader.equal(value, observed):
                yield _passed(branch)
            else:
                yield _failed(branch, part, Cause.VALUE, variable=variable, value=value)
        elif observed is None:
            members = value.elements()
            while (member := members.nextElement()) is not None:
                yield self._bound(branch, variable, member)
                if branch.fault is not None:
                    break
        elif bool(value.member(observed)):
            yield _passed(branch)
        else:
            yield _failed(branch, part, Cause.MEMBER, variable=variable, value=value)

    def _compared(self, branch: _Branch, part: _Part) -> Iterator[_Branch]:
        """Handle a formula that should have the same value in both states, or another one."""
        reader, formula = self._reader, part.formula
        variable = reader.variable(formula) if part.demand is _Demand.SAME else None
        if variable is not None:
            name = reader.variables[variable]
            old, new = self._before.lookup(name), branch.after.lookup(name)
            if new is None:
                yield self._bound(branch, variable, old)
            elif reader.equal(old, new):
                yield _passed(branch)
            else:
                yield _failed(branch, part, Cause.KEPT, variable=variable, value=old)
            return
        if part.demand is _Demand.SAME:
            if reader.operator(formula) == "$Tuple":
                yield _with(branch, [attrs.evolve(part, formula=item) for item in reader.arguments(formula)])
                return
            if (inner := reader.unfolded(formula)) is not None:
                yield _with(branch, [attrs.evolve(part, formula=inner)])
                return
        old, new = reader.value(formula, self._before), reader.value(formula, branch.after)
        if reader.equal(old, new) == (part.demand is _Demand.SAME):
            yield _passed(branch)
        else:
            yield _failed(branch, part, Cause.FALSE)

    def _bound(self, branch: _Branch, variable: str, value: Any) -> _Branch:
        after = branch.after.copy()
        after.bind(self._reader.variables[variable], self._reader.whole(value))
        return attrs.evolve(_passed(branch), after=after)


def _with(branch: _Branch, parts: Iterable[_Part]) -> _Branch:
    todo = branch.todo
    for part in reversed(list(parts)):
        todo = (part, todo)
    return attrs.evolve(branch, todo=todo)


def _passed(branch: _Branch) -> _Branch:
    held = branch.held + (branch.fault is None)
    return attrs.evolve(branch, passed=branch.passed + 1, held=held)


def _failed(branch: _Branch, part: _Part, cause: Cause, **more: Any) -> _Branch:
    fault = branch.fault
    if fault is None:
        fault = Fault(formula=part.conjunct or part.formula, cause=cause, after=branch.after, **more)
    return attrs.evolve(branch, failed=branch.failed + 1, fault=fault)
