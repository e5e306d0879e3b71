"""The stateful test of Raft as pytest runs it; `make verify` runs more examples of the same."""

from pathlib import Path

import pytest

from impl.raft import rules
from property_tests.raft.machine import INTERESTING, run_machine
from tlacheck import itf
from tlacheck.harness.examples import ExamplesResult


def _run(folder: Path, *, examples: int, judged: bool) -> ExamplesResult:
    return run_machine(
        seed=0,
        examples=examples,
        folder=folder,
        judged=judged,
        command="pytest property_tests/raft/test_stateful.py",
        shrinking_seconds=5,
    )


def test_under_all_faults_each_step_is_one_that_the_spec_allows_and_nothing_interesting_is_missed(
    tmp_path: Path,
) -> None:
    """Raft keeps its safety under any faults (paper, section 5), and the runs that say so met them all.

    A run without a second leader, a conflict or a crash would pass whatever the code does.
    """
    run = _run(tmp_path, examples=25, judged=True)
    assert run.message == ""
    assert run.failure is None
    assert run.missing == ()
    assert run.examples >= 25
    assert not list(tmp_path.iterdir())


def test_the_properties_hold_by_themselves_without_the_spec(tmp_path: Path) -> None:
    """`Safety` and progress are a second opinion: they hold also where spec and code could err alike."""
    run = _run(tmp_path, examples=25, judged=False)
    assert run.message == ""
    assert run.failure is None
    assert run.goals["an entry is committed"] > 25
    assert run.steps > 500


@pytest.mark.parametrize("judged", [True, False], ids=["by the spec", "by the properties"])
def test_a_server_that_votes_for_everybody_is_caught_shrunk_and_left_as_a_trace(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, judged: bool
) -> None:
    """One vote a term is what elections rest on (paper, section 5.2): the test can fail, and says how."""
    monkeypatch.setattr(rules, "may_vote_for", lambda *_: True)
    run = _run(tmp_path, examples=40, judged=judged)
    assert run.failure is not None
    violation = run.failure.violation
    assert violation is not None
    assert violation.property == ("conforms to RaftEvents" if judged else "VoteStands")
    assert violation.step == len(run.failure)
    assert f"{violation.property}: violated at step {violation.step}" in run.message
    path = tmp_path / "counterexample.itf.json"
    assert itf.read(path) == run.failure
    for line in (f"inspect: make inspect T={path}", "repeat:  pytest property_tests/raft/test_stateful.py"):
        assert line in run.message


def test_the_same_seed_meets_the_same_situations(tmp_path: Path) -> None:
    """A failure that its seed does not bring back cannot be looked into."""
    first, again = (_run(tmp_path, examples=3, judged=False) for _ in range(2))
    assert (first.examples, first.steps, first.goals) == (again.examples, again.steps, again.goals)


def test_a_run_says_what_it_has_not_met(tmp_path: Path) -> None:
    run = _run(tmp_path, examples=1, judged=False)
    assert run.missing
    assert set(run.missing) == {name for name in INTERESTING if not run.goals[name]}
