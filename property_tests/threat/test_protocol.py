"""Clusters of threat machines under faults and a liar, judged by the spec; and `scenarios/*.txt`."""

from pathlib import Path
from typing import Any

import pytest

from impl.threat import rules
from tlacheck.harness import SoakPlan, scenarios_of, soak
from tlacheck.harness.checks import soaked, stateful
from tlacheck.verdict import Kind
from tlacheck.verify import Context

THREAT = "property_tests.threat.protocol:THREAT"

TestScenarios = scenarios_of(THREAT, Path(__file__).parent / "scenarios")


def _context(folder: Path) -> Context:
    return Context(folder=folder, budget="ci", seed=0, command="", progress=lambda _: None)


def test_a_liar_and_faults_break_nothing(tmp_path: Path) -> None:
    outcome = soaked(_context(tmp_path), THREAT, seeds=6, steps=400)
    assert outcome.message == ""
    assert outcome.verdict.kind is Kind.SAMPLED, outcome.verdict


def test_hypothesis_finds_nothing_either(tmp_path: Path) -> None:
    outcome = stateful(_context(tmp_path), THREAT, examples=15)
    assert outcome.message == ""
    assert outcome.verdict.kind is not Kind.VIOLATED, outcome.verdict


@pytest.mark.parametrize(
    ("rule", "broken", "judged", "name"),
    [
        ("cluster_score", lambda f, scores: max(scores) if f else 0, True, "conforms to MCThreat"),
        ("is_news", lambda *_: True, False, "OnlyNewsCounts"),
        ("timed", lambda _, timing, weight: timing + weight, False, "TimingIsBounded"),
        ("faded", lambda _, score: score, True, "conforms to MCThreat"),
        ("own_score", lambda *_: 0, False, "all hear each other again"),
    ],
)
def test_a_broken_rule_is_noticed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, rule: str, broken: Any, *, judged: bool, name: str
) -> None:
    monkeypatch.setattr(rules, rule, broken)
    found = soak(
        SoakPlan(target=THREAT, steps=300, judged=judged, out=tmp_path), range(20), until_failed=True
    )
    assert [run.property for run in found.failed] == [name]
    assert found.failed[0].trace is not None
