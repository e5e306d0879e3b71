"""Voting in `models.vote`: the proof of agreement, wrong rules, and the document's arithmetic."""

import itertools

import pytest

from impl.quorum import byzantine_quorum
from models.claims import Claim, prove
from models.vote import CLAIMS, PROOF, SCENARIOS, Fault
from tlacheck.smt import Scenario

pytestmark = pytest.mark.sweep

CLAIM_OF = {claim.id: claim for claim in CLAIMS}


@pytest.mark.parametrize("fault", Fault, ids=lambda fault: fault.name)
def test_a_wrong_rule_is_not_proved(fault: Fault) -> None:
    assert PROOF.attempt(fault).trace is not None


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.fault.name)
def test_a_wrong_rule_gives_two_verdicts_among_four_voters(scenario: Scenario[Fault]) -> None:
    assert scenario.run(scenario.fault).verdict.violates == "Agreement"
    assert not scenario.run(None).verdict.is_violated


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.id)
def test_each_claim_has_its_known_verdict(claim: Claim) -> None:
    assert prove(claim).is_as_expected


def test_the_documents_rule_fails_for_four_voters_and_one_liar() -> None:
    assert prove(CLAIM_OF["document-excludes-at-two-counters"]).verdict.reason == (
        "n = 4, f = 1: one counter hears n1, n2, n3 approve, the other n3, n4 reject; n3 said both"
    )


@pytest.mark.parametrize(("n", "f"), [(4, 1), (5, 1), (7, 2)])
def test_the_documents_rule_and_the_quorum_agree_with_enumeration(n: int, f: int) -> None:
    """The naive twin: each liar may vote differently to each of two counters."""

    def differ(approve: int, reject: int) -> bool:
        return any(
            yes + first >= approve and (n - f - yes) + second >= reject
            for yes, first, second in itertools.product(range(n - f + 1), range(f + 1), range(f + 1))
        )

    assert differ(n - f, f + 1)
    assert not differ(byzantine_quorum(n, f), byzantine_quorum(n, f))
    assert not differ(n - f, 2 * f + 1 + (n - 3 * f - 1))
