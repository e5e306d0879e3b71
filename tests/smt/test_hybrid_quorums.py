"""The arithmetic of the hybrid in `models.hybrid_quorums`, checked against enumerated sets."""

import itertools
from pathlib import Path

import pytest

from impl.quorum import byzantine_faults_tolerated, byzantine_quorum, majority
from models import hybrid_quorums as model
from models.claims import Claim, prove
from models.hybrid_quorums import CLAIMS
from tlacheck.verdict import Kind, Verdict
from tlacheck.verify import Context

CLAIM_OF = {claim.id: claim for claim in CLAIMS}
SMALL = [(n, f) for n in range(1, 9) for f in range(byzantine_faults_tolerated(n) + 1)]


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.id)
def test_each_claim_has_its_known_verdict(claim: Claim) -> None:
    result = prove(claim)
    assert result.is_as_expected, result.verdict
    assert (result.counterexample is not None) is (claim.expected is Kind.VIOLATED)


def test_the_check_agrees(tmp_path: Path) -> None:
    context = Context(folder=tmp_path, budget="ci", seed=0, command="", progress=lambda _: None)
    outcome = model.claims_hold(context)
    assert outcome.verdict == Verdict.proved()
    assert dict(outcome.figures) == {"claims": 21, "proved": 14, "refuted_as_expected": 7}


@pytest.mark.parametrize(
    ("claim", "sentence"),
    [
        (
            "majority-of-seven-survives",
            (
                "n = 7, f = 2: quorums {n1, n2, n3, n4} and {n3, n4, n5, n6, n7} share only n3 and n4, "
                "all of which may be faulty"
            ),
        ),
        (
            "majority-that-aborts-know-elects",
            "n = 5, f = 1: quorums {n1, n2, n3} and {n3, n4, n5} share only n3, which may be the faulty one",
        ),
        (
            "votes-of-three-of-four-are-told",
            (
                "n = 4, f = 1, q = 3: of the aborts, {n1} name x and {n2, n3} name y. Either {n1, n2, n4} "
                "voted for x, and {n2} lie; or {n1, n2, n3, n4} voted for y, and {n1} lie"
            ),
        ),
    ],
)
def test_a_wrong_claim_has_a_counterexample_in_sets_of_replicas(claim: str, sentence: str) -> None:
    counterexample = prove(CLAIM_OF[claim]).counterexample
    assert counterexample is not None
    assert counterexample.sentence == sentence


def fewest_common(n: int, first: int, second: int) -> int:
    """The least overlap of sets of these sizes; the first set is fixed by symmetry."""
    one = set(range(first))
    return min(len(one & set(other)) for other in itertools.combinations(range(n), second))


@pytest.mark.parametrize(("n", "f"), SMALL)
def test_from_four_f_nodes_on_the_stops_know_every_majority(n: int, f: int) -> None:
    assert (fewest_common(n, majority(n), n - f) > f) is (n >= 4 * f)
    assert (fewest_common(n, majority(n), majority(n)) > f) is (f == 0 or (f == 1 and n % 2 == 0))
    assert fewest_common(n, byzantine_quorum(n, f), n - f) > f


def committed_fits(n: int, f: int, q: int, naming: int) -> bool:
    """Return whether q replicas may have voted for a log that so many of n - f aborts name.

    The naive twin: the replicas are 0 .. n - 1, the first of them those that abort, and all choices of
    Byzantine replicas are tried. A correct replica voted for the log that it names, one that is not heard for
    the log in question, a Byzantine replica for both.
    """
    for liars in itertools.combinations(range(n), f):
        voted = [node for node in range(n) if node < naming or node >= n - f or node in liars]
        if len(voted) >= q:
            return True
    return False


@pytest.mark.parametrize(("n", "f"), SMALL)
def test_votes_without_qcs_suffice_exactly_if_2q_exceeds_n_plus_3f(n: int, f: int) -> None:
    for q in range(n + 1):
        alike = any(
            committed_fits(n, f, q, naming) and committed_fits(n, f, q, n - f - naming)
            for naming in range(n - f + 1)
        )
        assert alike is not (2 * q > n + 3 * f), q
