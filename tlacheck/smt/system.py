"""Transition systems: variables, initial states, actions and properties.

A system is written once, as Python functions that build formulas. A `View` is the argument of such a
function, the system at one moment: `view.term(n)` is the term of n in it, `view.clock` the value of a
variable without arguments. An action takes two views, the moment before it and the moment after, and
its parameters:

    Action("Take", {"i": Process}, changes=("held",), relation=lambda before, after, i: ...)

Variables that an action does not list in `changes` stay as they are; nothing else has to be said of
them. Parameters are passed by name.

* `Variable` is a term, a relation or a function, declared once and copied for each moment. A rigid one
  has no copies: it is chosen at the beginning and never changes (who is in which group; an order).
* `Clause` is a named formula on one moment: an axiom on what is rigid, a property, a lemma.
* `Action` is a named relation between two moments, with parameters.
* `TransitionSystem` is all of them together.

Mistakes in a declaration are rejected when the system is created, not when it is checked.
"""

import inspect
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import attrs
from immutabledict import immutabledict

from tlacheck.errors import ConfigError
from tlacheck.smt._z3 import z3
from tlacheck.smt.sorts import BOOL, INT, Expression, Sort, forall

__all__ = ["Action", "Clause", "TransitionSystem", "Variable", "View", "becomes", "relation"]

_NAME = re.compile(r"[A-Za-z]\w*", re.ASCII)


@attrs.frozen
class Variable:
    """A part of the state.

    Attributes:
        name: its name in formulas, traces and messages.
        arguments: the sorts of its arguments; none for a plain variable.
        result: the sort of its value; a relation is a variable whose value is a truth value.
        is_rigid: whether it keeps the value that it has at the beginning.
    """

    name: str
    arguments: tuple[Sort, ...] = ()
    result: Sort = BOOL
    is_rigid: bool = attrs.field(default=False, kw_only=True)

    def __attrs_post_init__(self) -> None:
        _check_name(self.name, "a variable")
        if INT in self.arguments:
            raise ConfigError(
                f"the variable {self.name} has an integer argument, so no trace could show its value: "
                "give it an "
                "uninterpreted sort or an enumeration"
            )

    def at(self, moment: str) -> Expression:
        """Return its copy for a moment: a constant, or a function if it has arguments."""
        name = self.name if self.is_rigid else f"{self.name}@{moment}"
        if not self.arguments:
            return self.result.constant(name)
        return z3.Function(name, *(sort.z3 for sort in self.arguments), self.result.z3)


def relation(name: str, *sorts: Sort, is_rigid: bool = False) -> Variable:
    """Create a relation among elements of these sorts; a set, if there is one sort."""
    return Variable(name, sorts, BOOL, is_rigid=is_rigid)


class View:
    """The variables at one moment: each is an attribute, a constant of Z3 or a function to apply.

    Args:
        symbols: variable -> its copy for this moment.
    """

    __slots__ = ("_symbols",)

    def __init__(self, symbols: Mapping[Variable, Expression]) -> None:
        self._symbols = {variable.name: (variable, symbol) for variable, symbol in symbols.items()}

    def __getattr__(self, name: str) -> Any:
        try:
            return self._symbols[name][1]
        except KeyError:
            raise ConfigError(
                f"there is no variable {name}; there are {', '.join(sorted(self._symbols))}"
            ) from None

    def variable(self, name: str) -> Variable:
        """Return the declaration of a variable.

        Raises:
            ConfigError: there is none of this name.
        """
        getattr(self, name)
        return self._symbols[name][0]


def becomes(after: View, name: str, value: Callable[..., Expression]) -> Expression:
    """Return the formula that a variable has this value after a step.

    Args:
        after: the moment after the step.
        name: the variable.
        value: from its arguments to its value there.

    Raises:
        ConfigError: there is no such variable.
    """
    variable = after.variable(name)
    symbol = getattr(after, name)
    if not variable.arguments:
        return symbol == value()
    return forall(variable.arguments, lambda *terms: symbol(*terms) == value(*terms))


@attrs.frozen
class Clause:
    """A named formula on one moment.

    Attributes:
        name: its name in verdicts and messages.
        formula: from a view to the formula.
    """

    name: str
    formula: Callable[[View], Expression] = attrs.field(eq=False, repr=False)


# Types for the converters of a declaration, which take any sequence.


def _parameters(given: Mapping[str, Sort]) -> immutabledict[str, Sort]:
    return immutabledict(given)


def _names(given: Iterable[str]) -> tuple[str, ...]:
    return tuple(given)


@attrs.frozen
class Action:
    """A named relation between two moments.

    Attributes:
        name: its name in traces.
        parameters: parameter -> its sort.
        changes: the names of the variables that it may change.
        relation: from the views before and after, and the parameters by name, to the formula.
    """

    name: str
    parameters: immutabledict[str, Sort] = attrs.field(converter=_parameters)
    changes: tuple[str, ...] = attrs.field(converter=_names)
    relation: Callable[..., Expression] = attrs.field(eq=False, repr=False)

    def constants(self, moment: str) -> dict[str, Expression]:
        """Create a constant for each parameter, for the step that begins at this moment."""
        return {name: sort.constant(f"{self.name}.{name}@{moment}") for name, sort in self.parameters.items()}


def _variables(given: Iterable[Variable]) -> tuple[Variable, ...]:
    return tuple(given)


def _actions(given: Iterable[Action]) -> tuple[Action, ...]:
    return tuple(given)


def _clauses(given: Iterable[Clause]) -> tuple[Clause, ...]:
    return tuple(given)


@attrs.frozen(kw_only=True)
class TransitionSystem:
    """A system: variables, axioms on the rigid ones, initial states, actions and properties.

    Attributes:
        name: its name in messages and traces.
        variables: the state, in the order in which traces show it.
        initial: the formula of the initial states.
        actions: what may happen.
        properties: what is to hold in every reachable state.
        axioms: what is taken for granted in every state; sensible ones speak of rigid variables only.

    Raises:
        ConfigError: two things have one name, an action changes what is not declared or is rigid, or its
            relation does not take the two views and its parameters by their names.
    """

    name: str
    variables: tuple[Variable, ...] = attrs.field(converter=_variables)
    initial: Callable[[View], Expression] = attrs.field(eq=False, repr=False)
    actions: tuple[Action, ...] = attrs.field(converter=_actions)
    properties: tuple[Clause, ...] = attrs.field(converter=_clauses)
    axioms: tuple[Clause, ...] = attrs.field(default=(), converter=_clauses)

    def __attrs_post_init__(self) -> None:
        for what, names in (
            ("variables", [variable.name for variable in self.variables]),
            ("actions", [action.name for action in self.actions]),
            ("properties", [clause.name for clause in self.properties]),
            ("axioms", [clause.name for clause in self.axioms]),
        ):
            twice = sorted({name for name in names if names.count(name) > 1})
            if twice:
                raise ConfigError(f"{self.name} has two {what} of the name {twice[0]}")
        if not self.variables or not self.actions:
            raise ConfigError(f"{self.name} needs one variable and one action at least")
        flexible = {variable.name for variable in self.variables if not variable.is_rigid}
        for action in self.actions:
            strangers = [name for name in action.changes if name not in flexible]
            if strangers:
                raise ConfigError(
                    f"{self.name}: the action {action.name} changes {strangers[0]}, which is no "
                    "variable that may "
                    f"change; these may: {', '.join(sorted(flexible))}"
                )
            _check_relation(self.name, action)

    def view(self, moment: str) -> View:
        """Return the variables at a moment; moments of different names have different copies."""
        return View({variable: variable.at(moment) for variable in self.variables})

    def view_after(self, action: Action, before: View, after: str) -> View:
        """Return the variables after an action alone: an unchanged one *is* the copy before it."""
        return View(
            {
                variable: variable.at(after)
                if variable.name in action.changes
                else getattr(before, variable.name)
                for variable in self.variables
            }
        )

    def unchanged(self, action: Action, before: View, after: View) -> list[Expression]:
        """Return the formulas that the variables not listed by the action stay as they are."""
        return [
            _same(variable, getattr(before, variable.name), getattr(after, variable.name))
            for variable in self.variables
            if not variable.is_rigid and variable.name not in action.changes
        ]

    def find(self, clause: Clause | str) -> Clause:
        """Return the property of this name; a clause is itself.

        Raises:
            ConfigError: there is no property of this name.
        """
        if isinstance(clause, Clause):
            return clause
        for known in self.properties:
            if known.name == clause:
                return known
        names = ", ".join(known.name for known in self.properties)
        raise ConfigError(f"{self.name} has no property {clause}; it has {names or 'none'}")


def _same(variable: Variable, before: Expression, after: Expression) -> Expression:
    if not variable.arguments:
        return before == after
    return forall(variable.arguments, lambda *terms: before(*terms) == after(*terms))


def _check_relation(system: str, action: Action) -> None:
    try:
        inspect.signature(action.relation).bind(None, None, **action.parameters)
    except TypeError as error:
        names = ", ".join(action.parameters) or "none"
        raise ConfigError(
            f"{system}: the relation of {action.name} is given the views before and after, and its "
            "parameters "
            f"by name, which are {names}: {error}"
        ) from None


def _check_name(name: str, what: str) -> None:
    if not _NAME.fullmatch(name) or name == "variable":
        raise ConfigError(f"{name!r} cannot be the name of {what}: use letters, digits and _, a letter first")
