"""Claims about numbers, decided by Z3 for all integers at once.

A `Claim` says something of every cluster. Its `Question` gives Z3 the same thing: integer unknowns,
assumptions on them, and a conclusion. `prove` asks two things, in this order:

1. Can the assumptions be met at all? If not, the conclusion would follow from nothing: `unknown`.
2. Can they be met while the conclusion fails? If not, the claim is `proved`, for every integer and
   without a bound. If so it is `violated`, and the least such numbers are the counterexample.

No answer within the time limit is `unknown`, never a pass.
"""

from collections.abc import Callable, Mapping

import attrs
import z3

from tlacheck.values import Function
from tlacheck.verdict import Kind, Verdict

__all__ = ["Claim", "ClaimResult", "Counterexample", "Question", "prove"]

#: The time limit of each of the two questions of a claim.
TIMEOUT_SECONDS = 10.0


@attrs.frozen
class Counterexample:
    """A case in which a claim fails, in the claim's own terms.

    Attributes:
        values: name -> value, as TLA+ values: numbers, and sets of nodes where the claim has sets.
        sentence: the same case for a reader.
    """

    values: Function
    sentence: str


def _numbers_only(values: Mapping[str, int]) -> Counterexample:
    """Return the case as its numbers, for claims without sets of nodes."""
    return Counterexample(Function(values), ", ".join(f"{name} = {value}" for name, value in values.items()))


@attrs.frozen(kw_only=True)
class Question:
    """A claim as a query to the solver.

    Attributes:
        unknowns: the integer unknowns. A counterexample is the least in the first of them, then in
            the second, and so on; each needs a lower bound among the assumptions.
        assumptions: the cases that the claim speaks of.
        conclusion: what it says of each of them.
        illustrate: from the numbers of a case in which the conclusion fails to the case itself.
    """

    unknowns: tuple[z3.ArithRef, ...]
    assumptions: tuple[z3.BoolRef, ...]
    conclusion: z3.BoolRef
    illustrate: Callable[[Mapping[str, int]], Counterexample] = _numbers_only


@attrs.frozen(kw_only=True)
class Claim:
    """A sentence about every cluster, and how to decide it.

    Attributes:
        id: its name in reports, in kebab case.
        statement: what it says, in one plain sentence.
        source: the paper or document, with its section.
        requirement: the requirement it belongs to, such as RAFT-5.
        expected: the kind of verdict it must get: proved, or violated for a claim that is wrong.
        formulate: makes its question.
    """

    id: str
    statement: str
    source: str
    requirement: str
    expected: Kind
    formulate: Callable[[], Question] = attrs.field(eq=False, repr=False)


@attrs.frozen
class ClaimResult:
    """The result of a claim.

    Attributes:
        claim: the claim that was asked about.
        verdict: proved, violated or unknown.
        counterexample: the least case against it; None unless it is violated.
    """

    claim: Claim
    verdict: Verdict
    counterexample: Counterexample | None = None

    @property
    def is_as_expected(self) -> bool:
        """True if the verdict is of the kind that the claim must get."""
        return self.verdict.kind is self.claim.expected


def prove(claim: Claim, timeout_seconds: float = TIMEOUT_SECONDS) -> ClaimResult:
    """Decide a claim for all integers.

    Args:
        claim: what is to be decided.
        timeout_seconds: how long the solver may take for each of its two questions.

    Returns:
        The verdict, with the least counterexample if the claim does not hold.
    """
    question = claim.formulate()
    solver = z3.Solver()
    solver.set("timeout", _milliseconds(timeout_seconds))
    solver.add(*question.assumptions)
    possible = solver.check()
    if possible == z3.unsat:
        return ClaimResult(claim, Verdict.unknown("the assumptions contradict each other"))
    if possible == z3.unknown:
        return ClaimResult(claim, _undecided(solver, timeout_seconds))

    solver.add(z3.Not(question.conclusion))
    refutable = solver.check()
    if refutable == z3.unsat:
        return ClaimResult(claim, Verdict.proved())
    if refutable == z3.unknown:
        return ClaimResult(claim, _undecided(solver, timeout_seconds))

    model = _least_model(question, timeout_seconds) or solver.model()
    values = {str(term): model.eval(term, model_completion=True).as_long() for term in question.unknowns}
    counterexample = question.illustrate(values)
    return ClaimResult(claim, Verdict.violated(claim.id, counterexample.sentence), counterexample)


def _least_model(question: Question, timeout_seconds: float) -> z3.ModelRef | None:
    """Return the counterexample that is least in the order of the unknowns; None if time ran out."""
    optimizer = z3.Optimize()
    optimizer.set("timeout", _milliseconds(timeout_seconds))
    optimizer.add(*question.assumptions, z3.Not(question.conclusion))
    for term in question.unknowns:
        optimizer.minimize(term)
    return optimizer.model() if optimizer.check() == z3.sat else None


def _undecided(solver: z3.Solver, timeout_seconds: float) -> Verdict:
    return Verdict.unknown(
        f"Z3 gave no answer within {timeout_seconds:g} s ({solver.reason_unknown()}); allow it more time"
    )


def _milliseconds(seconds: float) -> int:
    return max(1, round(seconds * 1000))
