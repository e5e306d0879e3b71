"""Gossip in `models.gossip`: no resurrection in any cluster, wrong rules, the laws of one step."""

import math

import pytest

from models.gossip import DETECTOR, LAWS, PROOF, Fault, Law

pytestmark = pytest.mark.sweep


def test_the_invariant_is_proved_and_its_consequences_follow() -> None:
    assert PROOF.attempt().verdict.is_established
    assert [one.verdict.is_established for one in PROOF.followed()] == [True, True]


@pytest.mark.parametrize("fault", Fault, ids=lambda fault: fault.name)
def test_a_wrong_rule_is_not_proved(fault: Fault) -> None:
    assert PROOF.attempt(fault).trace is not None


@pytest.mark.parametrize("law", [*LAWS, *DETECTOR], ids=lambda law: law.id)
def test_a_law_holds_and_fails_with_an_assumption_dropped(law: Law) -> None:
    assert law.verdict() == "proved"
    assert law.verdict(is_wrong=True) == "refuted"


def test_5612_thousandths_of_a_deviation_are_phi_8() -> None:
    assert -math.log10(math.erfc(5.612 / math.sqrt(2)) / 2) == pytest.approx(8, abs=1e-4)
