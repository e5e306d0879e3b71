"""Histories of simulated clusters: a right service passes, two wrong ones are told by what their clients saw."""

from pathlib import Path

import pytest

from impl.raft import rules
from property_tests.raft.histories import INTERESTING, Service, Simulated, histories, simulate
from tlacheck import itf
from tlacheck.histories import Fate, Legality, check, log, read
from tlacheck.verify import Context


def _context(folder: Path) -> Context:
    return Context(folder=folder, budget="smoke", seed=0, command="the command", progress=lambda _: None)


def _seen(run: Simulated) -> list[tuple[str, float, float | None, object]]:
    return [
        (str(each.call), each.invoked_at, each.answered_at, each.answer) for each in run.history.operations
    ]


def test_what_clients_see_under_faults_is_linearizable_and_nothing_interesting_is_missed(
    tmp_path: Path,
) -> None:
    """The point of the protocol (paper, 8). Runs without concurrency, elections and lost commands would all pass."""
    outcome = histories(_context(tmp_path), runs=3, rounds=30)
    assert str(outcome.verdict) == "sampled(3 cases, seed 0)", outcome.message
    assert int(outcome.figures["answered"]) > 40
    assert int(outcome.figures["unknown"]) > 5
    assert not list(tmp_path.iterdir())


def test_runs_that_meet_nothing_are_inconclusive(tmp_path: Path) -> None:
    outcome = histories(_context(tmp_path), runs=1, rounds=1)
    assert outcome.verdict.is_unknown
    assert "a second leader is elected" in str(outcome.verdict)
    assert set(INTERESTING) >= {"operations overlap", "a command of unknown fate was lost"}


def test_a_service_that_answers_before_it_has_committed_is_found_by_its_clients(tmp_path: Path) -> None:
    """Nothing inside of the cluster is wrong: every step is Raft's. Only the answers tell."""
    outcome = histories(_context(tmp_path), runs=12, rounds=20, service=Service.BEFORE_COMMIT)
    assert outcome.verdict.violates == "linearizable to log"
    path = tmp_path / "history.ndjson"
    assert f"look at it with: tlacheck histories {path}" in outcome.message
    result = check(read(path), log())
    assert result.legality is Legality.ILLEGAL
    assert result.reason in outcome.message
    assert outcome.trace is not None
    trace = itf.read(outcome.trace)
    assert trace.violation is not None
    assert trace.violation.step == len(trace)
    assert trace.origin.command == "the command"


def test_a_deposed_leader_that_reads_from_its_own_copy_answers_with_the_past(tmp_path: Path) -> None:
    """What it misses was answered before the read was called: the stale read that ReadIndex is for (thesis, 6.4)."""
    outcome = histories(_context(tmp_path), runs=12, rounds=20, service=Service.LOCAL_READS)
    assert outcome.verdict.violates == "linearizable to log"
    frontier = check(read(tmp_path / "history.ndjson"), log()).frontier
    assert frontier is not None
    assert frontier.returning.call.name == "prefix"
    assert frontier.returning.fate is Fate.ANSWERED
    assert all(len(expected) > len(frontier.returning.answer) for expected in frontier.expected)


def test_a_fault_inside_of_the_cluster_is_told_with_its_trace(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`Safety` sees two votes a term before a client can; the run ends there, and its steps are on disk."""
    monkeypatch.setattr(rules, "may_vote_for", lambda *_: True)
    outcome = histories(_context(tmp_path), runs=10, rounds=20)
    assert outcome.verdict.violates == "VoteStands"
    assert outcome.trace is not None
    violation = itf.read(outcome.trace).violation
    assert violation is not None
    assert violation.property == "VoteStands"


def test_the_same_seed_gives_the_same_history() -> None:
    first, again, other = (simulate(seed, rounds=15) for seed in (5, 5, 6))
    assert _seen(first) == _seen(again)
    assert _seen(first) != _seen(other)
