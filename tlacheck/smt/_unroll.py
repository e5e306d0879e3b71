"""A system unrolled: the formulas of its first moments, of a step, and of any number of steps."""

from collections.abc import Iterable

from tlacheck.smt._traces import Taken
from tlacheck.smt._z3 import z3
from tlacheck.smt.sorts import Expression
from tlacheck.smt.system import Action, Clause, TransitionSystem, View

__all__ = ["all_of", "axioms", "one_action", "some_action"]


def axioms(system: TransitionSystem, view: View) -> list[Expression]:
    """What is taken for granted at a moment."""
    return [clause.formula(view) for clause in system.axioms]


def all_of(clauses: Iterable[Clause], view: View) -> list[Expression]:
    """That each of these clauses holds at a moment."""
    return [clause.formula(view) for clause in clauses]


def one_action(action: Action, before: View, after: View, moment: str) -> tuple[Expression, Taken]:
    """The formula of a step by this action, without what it leaves as it is, and what a model says of it."""
    constants = action.constants(moment)
    taken = Taken({action.name: True}, {action.name: constants})
    return action.relation(before, after, *constants.values()), taken


def some_action(
    system: TransitionSystem, before: View, after: View, moment: str
) -> tuple[list[Expression], Taken]:
    """The formulas of a step by any action, and what a model says of it."""
    chosen = {action.name: z3.Bool(f"{action.name}@{moment}") for action in system.actions}
    arguments = {action.name: action.constants(moment) for action in system.actions}
    formulas = [z3.Or(*chosen.values())]
    for action in system.actions:
        whole = [
            action.relation(before, after, *arguments[action.name].values()),
            *system.unchanged(action, before, after),
        ]
        formulas.append(z3.Implies(chosen[action.name], z3.And(*whole)))
    return formulas, Taken(chosen, arguments)
