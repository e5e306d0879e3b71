"""Bounded model checking: a search for a behaviour of limited length that violates a clause.

Depths are tried one after another, so the first behaviour found is a shortest one. Finding none up to a
depth says nothing of greater depths: the verdict is `bounded`, never `proved`.
"""

from tlacheck.errors import ConfigError
from tlacheck.smt._solver import TIMEOUT_SECONDS, Sat, ask
from tlacheck.smt._traces import StepTerms, trace_of
from tlacheck.smt._unroll import axioms, some_action
from tlacheck.smt._z3 import z3
from tlacheck.smt.result import Obligation, Result
from tlacheck.smt.sorts import Expression
from tlacheck.smt.system import Clause, TransitionSystem, View
from tlacheck.trace import Trace, Violation
from tlacheck.verdict import Verdict

__all__ = ["bounded"]


def bounded(
    system: TransitionSystem, clause: Clause | str, depth: int, *, timeout_seconds: float = TIMEOUT_SECONDS
) -> Result:
    """Look for a behaviour of at most `depth` steps that ends where a clause does not hold.

    Args:
        system: the system.
        clause: what is to hold: a property of it by name, or any clause.
        depth: the most steps; 0 looks at the initial states only.
        timeout_seconds: how long Z3 may take for each depth.

    Returns:
        Bounded; violated, with a shortest such behaviour; or unknown: no answer in time, or there is no
        initial state, of which anything would hold.

    Raises:
        ConfigError: there is no such property, or the depth or the time makes no sense.
    """
    clause = system.find(clause)
    if depth < 0:
        raise ConfigError(f"depth is {depth}: it counts steps, from 0 on")
    views = [system.view("0")]
    behaviour: list[Expression] = [system.initial(views[0])]
    taken: list[StepTerms] = []
    begins = ask([*axioms(system, *views), *behaviour], timeout_seconds, hoping=Sat.YES)
    if begins.sat is not Sat.YES:
        reason = (
            begins.reason or "no state satisfies the axioms and the initial formula, so any clause would hold"
        )
        return _result(system, clause, Verdict.unknown(reason), None)
    for number in range(depth + 1):
        wrong = z3.Not(clause.formula(views[-1]))
        answer = ask([*axioms(system, *views), *behaviour, wrong], timeout_seconds)
        if answer.sat is Sat.UNKNOWN:
            return _result(system, clause, Verdict.unknown(f"at depth {number}: {answer.reason}"), None)
        if answer.sat is Sat.YES:
            violation = Violation(property=clause.name, step=number)
            trace = trace_of(system, answer.model, views, taken, violation)
            return _result(system, clause, Verdict.violated(clause.name), trace)
        if number < depth:
            _extend(system, views, behaviour, taken)
    return _result(system, clause, Verdict.bounded(depth), None)


def _extend(
    system: TransitionSystem, views: list[View], behaviour: list[Expression], taken: list[StepTerms]
) -> None:
    """One more step, by any action."""
    moment = str(len(views))
    after = system.view(moment)
    step, said = some_action(system, views[-1], after, str(len(views) - 1))
    behaviour += step
    views.append(after)
    taken.append(said)


def _result(system: TransitionSystem, clause: Clause, verdict: Verdict, trace: Trace | None) -> Result:
    obligation = Obligation(clause=clause, verdict=verdict, trace=trace)
    return Result(system=system, clauses=(clause,), verdict=verdict, obligations=(obligation,), trace=trace)
