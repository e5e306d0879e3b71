"""Claims as one check of `tlacheck verify`."""

from collections.abc import Sequence

from models.claims import Claim, prove
from models.quorum import CLAIMS, report
from tlacheck.verdict import Kind, Verdict
from tlacheck.verify import Context, Outcome

__all__ = ["decided", "quorum_claims"]


def quorum_claims(context: Context) -> Outcome:
    """Decide every claim of `models.quorum`, for all n and f."""
    return decided(context, CLAIMS, command=".venv/bin/python -m models.quorum")


def decided(context: Context, claims: Sequence[Claim], *, command: str) -> Outcome:
    """Decide claims. Proved means that each came out as known: true, or refuted by a counterexample.

    Args:
        context: of the check.
        claims: what is claimed; the message shows what came of each.
        command: what says so by hand.
    """
    results = []
    for number, claim in enumerate(claims, start=1):
        context.progress(f"claim {number} of {len(claims)}: {claim.id}")
        results.append(prove(claim))
    unexpected = [result for result in results if not result.is_as_expected]
    verdict = Verdict.proved()
    if refuted := [result for result in unexpected if result.verdict.is_violated]:
        verdict = Verdict.violated(refuted[0].claim.id, refuted[0].verdict.reason)
    elif unexpected:
        first = unexpected[0]
        verdict = Verdict.unknown(
            f"{first.claim.id} is {first.verdict}, expected {first.claim.expected.value}"
        )
    kinds = [result.verdict.kind for result in results]
    figures = {
        "claims": len(results),
        "proved": kinds.count(Kind.PROVED),
        "refuted_as_expected": kinds.count(Kind.VIOLATED),
    }
    return Outcome(verdict=verdict, figures=figures, message=report(results), command=command)
