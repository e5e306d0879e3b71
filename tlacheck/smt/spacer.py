"""A second algorithm: Z3's Spacer, which finds the invariant itself.

Spacer is another algorithm in the same program: it answers for systems whose variables are integers,
truth values and enumerations, without arguments, and needs neither k nor lemmas. Where both answer, it
must agree with `bounded` and `induction`. It gives no trace here; `bounded` finds one.
"""

from tlacheck.errors import ConfigError
from tlacheck.smt._solver import TIMEOUT_SECONDS, checked_timeout, no_answer
from tlacheck.smt._unroll import axioms
from tlacheck.smt._z3 import z3
from tlacheck.smt.result import Obligation, Result
from tlacheck.smt.system import Clause, TransitionSystem
from tlacheck.verdict import Verdict

__all__ = ["spacer"]


def spacer(
    system: TransitionSystem, clause: Clause | str, *, timeout_seconds: float = TIMEOUT_SECONDS
) -> Result:
    """Ask Spacer whether a clause holds in all reachable states.

    Args:
        system: a system whose variables have no arguments and no uninterpreted sort.
        clause: what is to hold: a property of it by name, or any clause.
        timeout_seconds: how long it may take.

    Returns:
        Proved, violated (without a trace), or unknown.

    Raises:
        ConfigError: there is no such property, the time makes no sense, or a variable is of a kind that
            Spacer does not take.
    """
    clause = system.find(clause)
    for variable in system.variables:
        if variable.arguments or variable.result.is_uninterpreted:
            raise ConfigError(
                f"Spacer takes variables without arguments, of integers, truth values and enumerations; "
                f"{variable.name} of {system.name} is another: use inductive()"
            )
    engine = z3.Fixedpoint()
    engine.set("engine", "spacer")
    engine.set("timeout", checked_timeout(timeout_seconds))
    sorts = [variable.result.z3 for variable in system.variables]
    reached = z3.Function(f"reached of {system.name}", *sorts, z3.BoolSort())
    wrong = z3.Function(f"wrong in {system.name}", z3.BoolSort())
    engine.register_relation(reached, wrong)
    before, after = system.view("0"), system.view("1")
    now = [getattr(before, variable.name) for variable in system.variables]
    then = [getattr(after, variable.name) for variable in system.variables]
    bound = [*now, *(term for term in then if all(not term.eq(one) for one in now))]
    for action in system.actions:
        bound += action.constants("0").values()
    engine.declare_var(*bound)
    engine.rule(reached(*now), [system.initial(before), *axioms(system, before)])
    for action in system.actions:
        step = action.relation(before, after, **action.constants("0"))
        whole = [step, *system.unchanged(action, before, after), *axioms(system, after)]
        engine.rule(reached(*then), [reached(*now), *whole])
    engine.rule(wrong(), [reached(*now), z3.Not(clause.formula(before))])
    try:
        answer, reason = engine.query(wrong), engine.reason_unknown()
    except z3.Z3Exception as stopped:  # its error when the time is over
        answer, reason = z3.unknown, str(stopped)
    if answer == z3.unsat:
        verdict = Verdict.proved()
    elif answer == z3.sat:
        verdict = Verdict.violated(clause.name, "Spacer finds it reachable; bounded() shows how")
    else:
        verdict = Verdict.unknown(no_answer(reason, timeout_seconds))
    obligation = Obligation(clause=clause, verdict=verdict)
    return Result(system=system, clauses=(clause,), verdict=verdict, obligations=(obligation,))
