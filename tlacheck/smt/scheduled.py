"""Behaviours along a schedule: the order of actions is given, their arguments are open.

A long counterexample that is known in outline, from a paper or from another tool, is out of reach where
every action may be the next one. Along a schedule a step is a single action, and its unchanged
variables are the same before and after it.

A behaviour found is one of the system. Finding none says nothing of other schedules.
"""

from collections.abc import Sequence

from tlacheck.errors import ConfigError
from tlacheck.smt._solver import TIMEOUT_SECONDS, Sat, ask
from tlacheck.smt._traces import StepTerms, trace_of
from tlacheck.smt._unroll import axioms, one_action
from tlacheck.smt._z3 import z3
from tlacheck.smt.result import Obligation, Result
from tlacheck.smt.sorts import Expression
from tlacheck.smt.system import Clause, TransitionSystem
from tlacheck.trace import Violation
from tlacheck.verdict import Verdict

__all__ = ["scheduled"]


def scheduled(
    system: TransitionSystem,
    clause: Clause | str,
    schedule: Sequence[str],
    *,
    timeout_seconds: float = TIMEOUT_SECONDS,
) -> Result:
    """Look for a behaviour of these actions, in this order, that ends where a clause does not hold.

    Args:
        system: the system.
        clause: what is to hold: a property of it by name, or any clause.
        schedule: the names of the actions; none looks at the initial states only.
        timeout_seconds: how long Z3 may take.

    Returns:
        Violated, with such a behaviour; bounded by the length of the schedule, if there is none of this
        schedule; or unknown: no answer in time.

    Raises:
        ConfigError: there is no such property or action, or the time makes no sense.
    """
    clause = system.find(clause)
    actions = {action.name: action for action in system.actions}
    strangers = [name for name in schedule if name not in actions]
    if strangers:
        raise ConfigError(f"{system.name} has no action {strangers[0]}; it has {', '.join(actions)}")
    views = [system.view("0")]
    behaviour: list[Expression] = [system.initial(views[0])]
    taken: list[StepTerms] = []
    for number, name in enumerate(schedule):
        views.append(system.view_after(actions[name], views[-1], str(number + 1)))
        step, said = one_action(actions[name], views[-2], views[-1], str(number))
        behaviour.append(step)
        taken.append(said)
    answer = ask([*axioms(system, *views), *behaviour, z3.Not(clause.formula(views[-1]))], timeout_seconds)
    trace = None
    match answer.sat:
        case Sat.NO:
            verdict = Verdict.bounded(len(schedule))
        case Sat.UNKNOWN:
            verdict = Verdict.unknown(answer.reason)
        case Sat.YES:
            verdict = Verdict.violated(clause.name)
            violation = Violation(property=clause.name, step=len(schedule))
            trace = trace_of(system, answer.model, views, taken, violation)
    obligation = Obligation(clause=clause, verdict=verdict, trace=trace)
    return Result(system=system, clauses=(clause,), verdict=verdict, obligations=(obligation,), trace=trace)
