"""No correct replica is quarantined, whatever f liars say: soak tests and a state machine."""

from pathlib import Path

import pytest

from property_tests.guard.mutants import MUTANTS
from tlacheck.harness import SoakPlan, soak
from tlacheck.harness.checks import soaked, stateful
from tlacheck.verdict import Kind
from tlacheck.verify import Context

pytestmark = pytest.mark.sweep

GUARD = "property_tests.guard.protocol:GUARD"
OVERRUN = "property_tests.guard.protocol:OVERRUN"


def _context(folder: Path) -> Context:
    return Context(folder=folder, budget="ci", seed=0, command="", progress=lambda _: None)


def test_f_liars_frame_nobody_and_all_offences_are_proved(tmp_path: Path) -> None:
    outcome = soaked(_context(tmp_path), GUARD, seeds=60, steps=600, judged=False)
    assert outcome.message == ""
    assert outcome.verdict.kind is Kind.SAMPLED, outcome.verdict


@pytest.mark.parametrize(("nodes", "byzantine"), [(5, 1), (7, 2)])
def test_larger_clusters_frame_nobody(tmp_path: Path, nodes: int, byzantine: int) -> None:
    plan = SoakPlan(target=GUARD, steps=400, nodes=nodes, byzantine=byzantine, judged=False, out=tmp_path)
    found = soak(plan, range(8))
    assert [run.explanation for run in found.failed] == []
    assert found.goals["a liar is quarantined"]


def test_hypothesis_finds_nothing(tmp_path: Path) -> None:
    outcome = stateful(_context(tmp_path), GUARD, examples=20)
    assert outcome.message == ""
    assert outcome.verdict.kind is not Kind.VIOLATED, outcome.verdict


@pytest.mark.parametrize(("nodes", "byzantine"), [(4, 3), (4, 2), (7, 5)])
def test_more_than_f_liars_frame_nobody_but_by_states(tmp_path: Path, nodes: int, byzantine: int) -> None:
    """Docstring of `impl.guard.evidence`: one rule needs at most f liars, the others need signatures only."""
    plan = SoakPlan(target=OVERRUN, steps=400, nodes=nodes, byzantine=byzantine, judged=False, out=tmp_path)
    found = soak(plan, range(15))
    assert [run.explanation for run in found.failed] == []
    assert found.goals["an accusation of a correct replica"]


@pytest.mark.parametrize(
    "name", ["reports-are-believed", "low-score-quarantines", "later-commits-are-concealed"]
)
def test_a_wrong_guard_is_found_with_its_trace(tmp_path: Path, name: str) -> None:
    plan = SoakPlan(target=GUARD, steps=600, judged=False, mutant=name, out=tmp_path)
    found = soak(plan, range(30), until_failed=True)
    assert [run.property for run in found.failed] in (["Accuracy"], ["Binding"])
    assert found.failed[0].log is not None


def test_every_rule_of_the_guard_has_a_mutant() -> None:
    assert len(MUTANTS) == 9
