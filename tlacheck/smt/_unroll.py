"""Unrolling of a system: formulas of its first moments, of a step, and of any number of steps."""

from collections.abc import Iterable

from tlacheck.errors import ConfigError
from tlacheck.smt._traces import StepTerms
from tlacheck.smt._z3 import z3
from tlacheck.smt.sorts import Expression
from tlacheck.smt.system import Action, Clause, TransitionSystem, View

__all__ = ["all_of", "axioms", "one_action", "some_action"]


def axioms(system: TransitionSystem, *views: View) -> list[Expression]:
    """Return the axioms at these moments.

    An axiom on rigid variables is stated once: it is the same at each moment, but Z3 takes copies that
    differ in the names of bound variables for as many axioms, and works more.
    """
    first, *later = views
    changing = [clause for clause in system.axioms if not _is_rigid(system, clause)] if later else []
    return [
        *all_of(system.axioms, first),
        *(formula for view in later for formula in all_of(changing, view)),
    ]


def _is_rigid(system: TransitionSystem, clause: Clause) -> bool:
    """Return whether a clause depends on rigid variables alone."""
    rigid = View({variable: variable.at("") for variable in system.variables if variable.is_rigid})
    try:
        clause.formula(rigid)
    except ConfigError:  # it asks for another variable
        return False
    return True


def all_of(clauses: Iterable[Clause], view: View) -> list[Expression]:
    """Return the formulas that each of these clauses holds at a moment."""
    return [clause.formula(view) for clause in clauses]


def one_action(action: Action, before: View, after: View, moment: str) -> tuple[Expression, StepTerms]:
    """Return the formula of a step by this action, without its unchanged part, and the step's description."""
    constants = action.constants(moment)
    taken = StepTerms({action.name: True}, {action.name: constants})
    return action.relation(before, after, **constants), taken


def some_action(
    system: TransitionSystem, before: View, after: View, moment: str
) -> tuple[list[Expression], StepTerms]:
    """Return the formulas of a step by any action, and the step's description."""
    chosen = {action.name: z3.Bool(f"{action.name}@{moment}") for action in system.actions}
    arguments = {action.name: action.constants(moment) for action in system.actions}
    formulas = [z3.Or(*chosen.values())]
    for action in system.actions:
        whole = [
            action.relation(before, after, **arguments[action.name]),
            *system.unchanged(action, before, after),
        ]
        formulas.append(z3.Implies(chosen[action.name], z3.And(*whole)))
    return formulas, StepTerms(chosen, arguments)
