"""The claims as one check of `tlacheck verify`."""

from immutabledict import immutabledict

from models.claims import prove
from models.quorum import CLAIMS, report
from tlacheck.verdict import Kind, Verdict
from tlacheck.verify import Context, Outcome

__all__ = ["quorum_claims"]


def quorum_claims(context: Context) -> Outcome:
    """Decide every claim of `models.quorum`, for all n and f.

    Proved means here: each claim came out as it is known to, the true ones proved and the wrong
    ones of the source documents refuted by a counterexample, which the message shows.
    """
    results = []
    for number, claim in enumerate(CLAIMS, start=1):
        context.progress(f"claim {number} of {len(CLAIMS)}")
        results.append(prove(claim))
    unexpected = [result for result in results if not result.is_as_expected]
    verdict = Verdict.proved()
    if unexpected:
        first = unexpected[0]
        refuted = [result for result in unexpected if result.verdict.is_violated]
        verdict = (
            Verdict.violated(refuted[0].claim.id, refuted[0].verdict.reason)
            if refuted
            else Verdict.unknown(
                f"{first.claim.id} is {first.verdict}, expected {first.claim.expected.value}"
            )
        )
    kinds = [result.verdict.kind for result in results]
    figures = immutabledict(
        claims=len(results), proved=kinds.count(Kind.PROVED), refuted_as_expected=kinds.count(Kind.VIOLATED)
    )
    return Outcome(
        verdict=verdict, figures=figures, message=report(results), command=".venv/bin/python -m models.quorum"
    )
