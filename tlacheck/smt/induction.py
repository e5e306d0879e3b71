"""Proofs for behaviours of any length, by induction.

* `induction`: a clause holds in the first k states, and after any k states in a row in which it holds.
* `inductive`: clauses together hold initially, and each action keeps each of them. Pair after pair, so
  that a failure has a name: this clause, after this action.
* `implied`: a clause holds in each state that satisfies an invariant, with no step taken.

A failing step of the induction comes with a counterexample to induction: states that satisfy the
assumptions, and a step out of them. Its first state need not be reachable, so it shows that the proof
is incomplete, not that the clause is wrong: the verdict is `unknown`, and the trace says so. Only a
behaviour from an initial state makes it `violated`.
"""

import functools
from collections.abc import Callable, Iterable, Sequence
from typing import Final, TypeAlias

from tlacheck.errors import ConfigError
from tlacheck.smt._solver import TIMEOUT_SECONDS, Answer, Ask, Sat, ask
from tlacheck.smt._traces import StepTerms, trace_of
from tlacheck.smt._unroll import all_of, axioms, one_action, some_action
from tlacheck.smt._z3 import z3
from tlacheck.smt.bounded import bounded
from tlacheck.smt.result import Obligation, Result
from tlacheck.smt.sorts import Expression
from tlacheck.smt.system import Action, Clause, TransitionSystem
from tlacheck.trace import Violation
from tlacheck.verdict import Kind, Verdict

__all__ = ["NOT_REACHED", "implied", "induction", "inductive"]

#: The explanation in the trace of a counterexample to induction.
NOT_REACHED: Final = "a counterexample to induction: its first state need not be reachable"


#: A solver with its time limit.
_Solve: TypeAlias = Callable[..., Answer]


def induction(
    system: TransitionSystem,
    clause: Clause | str,
    *,
    k: int = 1,
    lemmas: Sequence[Result] = (),
    timeout_seconds: float = TIMEOUT_SECONDS,
) -> Result:
    """Prove a clause by k-induction.

    Args:
        system: the system.
        clause: what is to hold: a property of it by name, or any clause.
        k: how many states in a row the step of the induction may assume the clause of.
        lemmas: results of this module on the same system that are proved; their clauses are assumed in
            every state.
        timeout_seconds: how long Z3 may take for each question.

    Returns:
        Proved; violated, with a behaviour of less than k steps; or unknown: no answer in time, or the
        clause is not k-inductive, with k + 1 states that show it.

    Raises:
        ConfigError: there is no such property, k or the time makes no sense, or a lemma is not proved or
            is about another system.
    """
    clause = system.find(clause)
    if k < 1:
        raise ConfigError(f"k is {k}: induction assumes the clause of one state at least")
    known = tuple(held for lemma in lemmas for held in _proved(system, lemma))
    base = bounded(system, clause, k - 1, timeout_seconds=timeout_seconds)
    if base.verdict.kind is not Kind.BOUNDED:
        return base
    views = [system.view(str(number)) for number in range(k + 1)]
    formulas: list[Expression] = axioms(system, *views)
    taken: list[StepTerms] = []
    for number, view in enumerate(views):
        formulas += all_of(known, view)
        if number < k:
            step, said = some_action(system, view, views[number + 1], str(number))
            formulas += [clause.formula(view), *step]
            taken.append(said)
    answer = ask([*formulas, z3.Not(clause.formula(views[-1]))], timeout_seconds)
    trace = None
    match answer.sat:
        case Sat.NO:
            verdict = Verdict.proved()
        case Sat.UNKNOWN:
            verdict = Verdict.unknown(f"in the step of the induction: {answer.reason}")
        case Sat.YES:
            verdict = Verdict.unknown(f"{clause.name} is not {k}-inductive: strengthen it, or raise k")
            trace = trace_of(system, answer.model, views, taken, _not_kept(clause, k))
    step_of = Obligation(clause=clause, verdict=verdict, trace=trace)
    return Result(
        system=system,
        clauses=(clause,),
        verdict=verdict,
        obligations=(*base.obligations, step_of),
        trace=trace,
    )


def inductive(
    system: TransitionSystem,
    clauses: Iterable[Clause | str],
    *,
    timeout_seconds: float = TIMEOUT_SECONDS,
    solver: Ask = ask,
    stop_early: bool = False,
    on_progress: Callable[[str], None] = lambda _: None,
) -> Result:
    """Prove clauses together: each holds initially, and each action keeps each of them.

    Args:
        system: the system.
        clauses: the parts of the invariant: properties of the system by name, or any clauses.
        timeout_seconds: how long the solver may take for each question.
        solver: Z3, unless given.
        stop_early: whether to stop at the first obligation that is not met.
        on_progress: told of each obligation before it is looked at.

    Returns:
        Proved: all clauses hold in all reachable states. Violated: an initial state breaks one. Unknown:
        there is no answer in time, an action does not keep a clause, or the invariant says nothing: it
        has no initial state, or leaves an action no state to happen in.

    Raises:
        ConfigError: there is no clause, no such property, or the time makes no sense.
    """
    found = tuple(system.find(clause) for clause in clauses)
    if not found:
        raise ConfigError(f"an invariant of {system.name} needs one clause at least")
    solve = functools.partial(solver, timeout_seconds=timeout_seconds)
    obligations: list[Obligation] = []

    def result(verdict: Verdict) -> Result:
        trace = next((one.trace for one in obligations if one.trace is not None), None)
        return Result(
            system=system, clauses=found, verdict=verdict, obligations=tuple(obligations), trace=trace
        )

    start = system.view("0")
    begins = solve([*axioms(system, start), system.initial(start)], hoping=Sat.YES)
    if begins.sat is not Sat.YES:
        reason = (
            begins.reason or "no state satisfies the axioms and the initial formula, so any clause would hold"
        )
        return result(Verdict.unknown(reason))
    for action in (None, *system.actions):
        for clause in found:
            on_progress(f"{clause.name} {f'after {action.name}' if action else 'initially'}")
            obligations.append(
                _initiation(system, clause, solve)
                if action is None
                else _consecution(system, found, clause, action, solve)
            )
            if stop_early and not obligations[-1].verdict.is_established:
                return result(_whole(obligations))
    verdict = _whole(obligations)
    if verdict.kind is Kind.PROVED:
        # Last, since it matters only for a proof.
        silent = next(filter(None, (_never(system, found, one, solve) for one in system.actions)), "")
        verdict = Verdict.unknown(silent) if silent else verdict
    return result(verdict)


def implied(
    system: TransitionSystem,
    invariant: Iterable[Clause | str],
    conclusion: Clause | str,
    *,
    timeout_seconds: float = TIMEOUT_SECONDS,
    solver: Ask = ask,
) -> Result:
    """Prove that a clause follows from others, in one and the same state.

    Args:
        system: the system; only its axioms matter.
        invariant: what is assumed: properties of the system by name, or any clauses.
        conclusion: what is to follow.
        timeout_seconds: how long the solver may take for each of two questions.
        solver: Z3, unless given.

    Returns:
        Proved: it holds wherever the invariant does. Unknown: there is no answer in time, a state satisfies
        the invariant and not the conclusion, or no state satisfies the invariant.

    Raises:
        ConfigError: there is no such property, or the time makes no sense.
    """
    conclusion = system.find(conclusion)
    solve = functools.partial(solver, timeout_seconds=timeout_seconds)
    view = system.view("0")
    assumed = [*axioms(system, view), *all_of(map(system.find, invariant), view)]
    trace = None
    answer = solve([*assumed, z3.Not(conclusion.formula(view))])
    match answer.sat:
        case Sat.YES:
            verdict = Verdict.unknown(f"{conclusion.name} does not follow: a state satisfies the rest")
            trace = trace_of(system, answer.model, [view], [], _not_kept(conclusion, 0))
        case Sat.UNKNOWN:
            verdict = Verdict.unknown(answer.reason)
        case Sat.NO:
            begins = solve(assumed, hoping=Sat.YES)
            verdict = (
                Verdict.proved()
                if begins.sat is Sat.YES
                else Verdict.unknown(begins.reason or "no state satisfies the invariant, so anything follows")
            )
    obligation = Obligation(clause=conclusion, verdict=verdict, trace=trace)
    return Result(
        system=system, clauses=(conclusion,), verdict=verdict, obligations=(obligation,), trace=trace
    )


def _whole(obligations: Sequence[Obligation]) -> Verdict:
    """Combine the obligations into one verdict: that of the worst of them."""
    failing = [one for one in obligations if not one.verdict.is_established]
    refuted = next((one for one in failing if one.verdict.is_violated), None)
    if refuted is not None:
        return refuted.verdict
    if failing:
        others = f", and {len(failing) - 1} more" if len(failing) > 1 else ""
        return Verdict.unknown(f"{failing[0].name}: {failing[0].verdict.reason}{others}")
    return Verdict.proved()


def _initiation(system: TransitionSystem, clause: Clause, solve: _Solve) -> Obligation:
    view = system.view("0")
    answer = solve([*axioms(system, view), system.initial(view), z3.Not(clause.formula(view))])
    if answer.sat is Sat.NO:
        return Obligation(clause=clause, verdict=Verdict.proved())
    if answer.sat is Sat.UNKNOWN:
        return Obligation(clause=clause, verdict=Verdict.unknown(answer.reason))
    violation = Violation(property=clause.name, step=0)
    trace = trace_of(system, answer.model, [view], [], violation)
    verdict = Verdict.violated(clause.name, "an initial state breaks it")
    return Obligation(clause=clause, verdict=verdict, trace=trace)


def _consecution(
    system: TransitionSystem,
    invariant: Sequence[Clause],
    clause: Clause,
    action: Action,
    solve: _Solve,
) -> Obligation:
    # All formulas are made anew for each query: Z3's search depends on the age of terms, and some
    # queries take a hundred times as long when the queries of a proof share their terms.
    before = system.view("0")
    after = system.view_after(action, before, "1")
    step, said = one_action(action, before, after, "0")
    formulas = [
        *axioms(system, before, after),
        *all_of(invariant, before),
        step,
        z3.Not(clause.formula(after)),
    ]
    answer = solve(formulas)
    if answer.sat is Sat.NO:
        return Obligation(clause=clause, action=action.name, verdict=Verdict.proved())
    if answer.sat is Sat.UNKNOWN:
        return Obligation(clause=clause, action=action.name, verdict=Verdict.unknown(answer.reason))
    trace = trace_of(system, answer.model, [before, after], [said], _not_kept(clause, 1))
    verdict = Verdict.unknown("the action may break it")
    return Obligation(clause=clause, action=action.name, verdict=verdict, trace=trace)


def _never(system: TransitionSystem, invariant: Sequence[Clause], action: Action, solve: _Solve) -> str:
    """Explain why it is unknown that the action can happen where the invariant holds; empty if it can."""
    before = system.view("0")
    after = system.view_after(action, before, "1")
    step, _ = one_action(action, before, after, "0")
    answer = solve([*axioms(system, before, after), *all_of(invariant, before), step], hoping=Sat.YES)
    if answer.sat is Sat.NO:
        return (
            f"{action.name} can never happen where the invariant holds, so it keeps any clause: its relation "
            "or the invariant contradicts itself"
        )
    return f"whether {action.name} can happen at all: {answer.reason}" if answer.reason else ""


def _not_kept(clause: Clause, step: int) -> Violation:
    return Violation(property=clause.name, step=step, explanation=(NOT_REACHED,))


def _proved(system: TransitionSystem, lemma: Result) -> tuple[Clause, ...]:
    names = ", ".join(clause.name for clause in lemma.clauses)
    if lemma.verdict.kind is not Kind.PROVED:
        raise ConfigError(f"the lemma {names} is {lemma.verdict}: only what is proved may be assumed")
    if lemma.system is not system:
        raise ConfigError(
            f"the lemma {names} is about {lemma.system.name}, another system than {system.name}"
        )
    return lemma.clauses
