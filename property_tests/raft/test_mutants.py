"""Code with the fault of a weakened spec follows its counterexample."""

from pathlib import Path

import pytest

from impl.raft import rules
from tlacheck.conform.replays import replay_weakened
from tlacheck.verify import Context


def _context(folder: Path) -> Context:
    return Context(folder=folder, budget="tests", seed=0, command="", progress=lambda _: None)


def test_code_with_the_fault_of_a_weakened_spec_follows_its_counterexample(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rules, "log_is_up_to_date", lambda *_: True)
    outcome = replay_weakened(_context(tmp_path), of="property_tests.raft.replays:REPLAYS")
    assert outcome.verdict.violates == "LeaderCompleteness"
    assert "the implementation follows mutant_any_log.itf.json" in (outcome.verdict.reason or "")
