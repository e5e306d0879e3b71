"""Conversion of a Z3 model into a trace of the system: states, actions and arguments.

A relation is the set of the elements in it; a function is a function; an element of an uninterpreted
sort is a model value named after the sort, numbered from 1.
"""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import attrs
from immutabledict import immutabledict

from tlacheck.convert import Members, trace_from_z3
from tlacheck.smt.sorts import BOOL, Expression, Sort
from tlacheck.smt.system import TransitionSystem, Variable, View
from tlacheck.trace import Origin, State, Step, Trace, Violation
from tlacheck.values import ModelValue, Value, function

__all__ = ["StepTerms", "trace_of"]


@attrs.frozen
class StepTerms:
    """The part of a model that describes one step.

    Attributes:
        actions: action -> whether it is the one.
        arguments: action -> its parameters -> their terms.
    """

    actions: Mapping[str, Expression]
    arguments: Mapping[str, Mapping[str, Expression]]


def trace_of(
    system: TransitionSystem,
    model: Any,
    views: Sequence[View],
    taken: Sequence[StepTerms],
    violation: Violation | None,
) -> Trace:
    """Build the trace that a model stands for.

    Args:
        system: the system that was unrolled.
        model: how the formulas can be met.
        views: the moments, in order.
        taken: the steps between them.
        violation: what the trace shows.
    """
    universe = _Universe(model)
    raw = trace_from_z3(
        model,
        [
            {
                variable.name: universe.shown(variable, getattr(view, variable.name))
                for variable in system.variables
            }
            for view in views
        ],
        actions=[step.actions for step in taken],
        arguments=[{} for _ in taken],
    )
    steps = []
    for number, (step, before) in enumerate(zip(raw.steps, taken, strict=True)):
        # The arguments of the action taken; those of the others mean nothing.
        arguments = trace_from_z3(model, [before.arguments[step.action]]).initial
        steps.append(Step(step.action, universe.named(arguments), universe.named(raw.states[number + 1])))
    return Trace(
        initial=universe.named(raw.initial),
        steps=tuple(steps),
        origin=Origin(source="smt", spec=system.name, versions=raw.origin.versions),
        violation=violation,
    )


class _Universe:
    """The elements of each sort in a model."""

    def __init__(self, model: Any) -> None:
        self._model = model
        self._names: dict[str, str] = {}
        self._elements: dict[str, tuple[Expression, ...]] = {}

    def of(self, sort: Sort) -> tuple[Expression, ...]:
        """Return the elements of a sort: its own, or those that this model gives it."""
        if sort.elements is not None:
            return sort.elements
        if sort.name not in self._elements:
            found = self._model.get_universe(sort.z3) or [
                self._model.eval(sort.constant("some"), model_completion=True)
            ]
            ordered = sorted(found, key=lambda element: (len(str(element)), str(element)))
            self._elements[sort.name] = tuple(ordered)
            for number, element in enumerate(ordered, start=1):
                self._names[str(element)] = f"{sort.name}{number}"
        return self._elements[sort.name]

    def shown(self, variable: Variable, symbol: Expression) -> Any:
        """Return a variable's copy as `trace_from_z3` takes it."""
        if variable.result.is_uninterpreted:
            self.of(variable.result)
        if not variable.arguments:
            return symbol
        cells = dict(self._cells(variable, symbol))
        return Members(cells) if variable.result == BOOL else cells

    def _cells(self, variable: Variable, symbol: Expression) -> Iterator[tuple[Value, Expression]]:
        for terms in itertools.product(*(self.of(sort) for sort in variable.arguments)):
            key = tuple(ModelValue(str(term)) for term in terms)
            yield (key[0] if len(key) == 1 else key), symbol(*terms)

    def named(self, values: Mapping[str, Value]) -> State:
        """Evaluate variables or parameters, if there are any, with each element under its own name."""
        return State({name: self.renamed(value) for name, value in values.items()})

    def renamed(self, value: Value) -> Value:
        """Rename the elements in a value: Z3's `S!val!0` becomes S1."""
        match value:
            case ModelValue():
                return ModelValue(self._names.get(value.name, value.name))
            case tuple():
                return tuple(self.renamed(item) for item in value)
            case frozenset():
                return frozenset(self.renamed(item) for item in value)
            case immutabledict():
                return function((self.renamed(key), self.renamed(item)) for key, item in value.items())
            case _:
                return value
