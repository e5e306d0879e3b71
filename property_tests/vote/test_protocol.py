"""Voting under faults and liars, every step of which the spec judges: `protocol.py`."""

from pathlib import Path
from typing import Any

import pytest

from impl.vote import rules
from tlacheck.harness import SoakPlan, soak
from tlacheck.harness.checks import soaked, stateful
from tlacheck.verdict import Kind
from tlacheck.verify import Context

VOTE = "property_tests.vote.protocol:VOTE"


def _context(folder: Path) -> Context:
    return Context(folder=folder, budget="ci", seed=0, command="", progress=lambda _: None)


@pytest.mark.sweep
def test_liars_bring_about_nothing_wrong_and_there_is_a_verdict(tmp_path: Path) -> None:
    outcome = soaked(_context(tmp_path), VOTE, seeds=40, steps=150)
    assert outcome.message == ""
    assert outcome.verdict.kind is Kind.SAMPLED, outcome.verdict


@pytest.mark.sweep
def test_hypothesis_finds_nothing_either(tmp_path: Path) -> None:
    outcome = stateful(_context(tmp_path), VOTE, examples=25)
    assert outcome.message == ""
    assert outcome.verdict.kind is Kind.SAMPLED, outcome.verdict


@pytest.mark.parametrize(
    ("rule", "broken", "name"),
    [
        ("quorum_size", lambda ballot: ballot.f + 1, "conforms to MCVote"),
        ("heard_enough", lambda ballot, voters: voters >= ballot.n, "WaitsForNoLiar"),
        ("may_vote", lambda _: True, "conforms to MCVote"),
        ("askers_needed", lambda ballot: ballot.f + 1, "conforms to MCVote"),
        pytest.param(
            "may_confirm", lambda *_: False, "all counters have a verdict", marks=pytest.mark.sweep
        ),  # it takes as long as progress may
    ],
)
def test_a_broken_rule_is_noticed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, rule: str, broken: Any, name: str
) -> None:
    monkeypatch.setattr(rules, rule, broken)
    plan = SoakPlan(target=VOTE, steps=150, out=tmp_path)
    found = soak(plan, range(60), until_failed=True)
    assert [run.property for run in found.failed] == [name]
    assert found.failed[0].trace is not None
    assert found.failed[0].trace.is_file()


@pytest.mark.parametrize(
    ("rule", "broken", "name"),
    [
        ("quorum_size", lambda _: 1, "Supported"),
        ("may_vote", lambda held: not held.waiting, "VotesOnce"),
        ("may_choose", lambda *_: True, "GoesByItsBond"),
        (
            "contradict",
            lambda one, two: type(one) is type(two) and one.source == two.source and one.round != two.round,
            "OnlyLiarsConvicted",
        ),
    ],
)
def test_without_the_spec_an_invariant_notices(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, rule: str, broken: Any, name: str
) -> None:
    monkeypatch.setattr(rules, rule, broken)
    found = soak(SoakPlan(target=VOTE, steps=150, judged=False, out=tmp_path), range(60), until_failed=True)
    assert [run.property for run in found.failed] == [name]


def test_seven_voters_bear_two_liars(tmp_path: Path) -> None:
    found = soak(SoakPlan(target=VOTE, steps=150, nodes=9, byzantine=2, out=tmp_path), range(4))
    assert [run.explanation for run in found.failed] == []
    assert sum(run.actions for run in found.runs) > 50


def test_too_many_liars_are_no_size(tmp_path: Path) -> None:
    with pytest.raises(Exception, match=r"no size of nodes of which 3 are Byzantine; it declares 6"):
        soak(SoakPlan(target=VOTE, byzantine=3, out=tmp_path), [0])
