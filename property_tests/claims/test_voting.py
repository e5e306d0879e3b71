"""The rule of the document on Byzantine voting, for all votes of seven and of ten agents at one counter."""

import itertools
from collections.abc import Sequence

import pytest


def decision(approvals: Sequence[bool], approve_from: int, reject_from: int) -> str:
    """The document's "BFT Vote Counter", which has heard all votes."""
    if sum(approvals) >= approve_from:
        return "APPROVE"
    if len(approvals) - sum(approvals) >= reject_from:
        return "REJECT"
    return "NO CONSENSUS"


@pytest.mark.parametrize(("agents", "approve_from", "reject_from"), [(7, 5, 3), (10, 7, 4)])
def test_once_all_votes_are_heard_one_of_the_two_rules_always_decides(
    agents: int, approve_from: int, reject_from: int
) -> None:
    """So there is never "no consensus" to be retried.

    The document's own 4 to 3 is a rejection by its rule.
    """
    every = list(itertools.product((False, True), repeat=agents))
    assert {decision(votes, approve_from, reject_from) for votes in every} == {"APPROVE", "REJECT"}
    assert decision([True] * 4 + [False] * 3, 5, 3) == "REJECT"


def test_symmetric_thresholds_give_no_consensus_at_four_to_three() -> None:
    assert decision([True] * 4 + [False] * 3, 5, 5) == "NO CONSENSUS"


def test_two_liars_and_one_correct_agent_reject_against_four() -> None:
    correct = [True, True, True, True, False]
    assert decision([*correct, False, False], 5, 3) == "REJECT"
    assert decision([*correct, False, False], 5, 5) == "NO CONSENSUS"
