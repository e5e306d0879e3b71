"""The action-coverage check looks at every action of Raft's spec, and reports one that is never taken."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from property_tests.raft.settings import SPECS
from tlacheck.conform.actions import every_action_is_taken, never_taken
from tlacheck.tlc import Checker
from tlacheck.verdict import Kind
from tlacheck.verify import Context

_MODULE = SPECS / "MCRaft.tla"


@pytest.fixture(scope="module")
def checker() -> Iterator[Checker]:
    """One JVM for the tests here."""
    with Checker() as checker:
        yield checker


def test_a_model_without_snapshots_takes_no_action_of_theirs(checker: Checker) -> None:
    """Else the check would pass whatever the models are."""
    every, never = never_taken(checker, _MODULE, ["witness_read_answered.cfg"])
    assert {"Compact", "InstallSnapshot", "HandleInstallSnapshotRequest", "TransferLeadership"} <= never
    assert {"Timeout", "ReadIndex", "AppendEntries"} <= every - never


def test_the_actions_looked_at_are_events_of_the_spec(checker: Checker) -> None:
    """The names are read from the text of the model, at the places that TLC gives."""
    text = (SPECS / "RaftEvents.tla").read_text(encoding="utf-8")
    events = {line.split("Event")[0] for line in text.splitlines() if line.endswith("==")}
    every, _ = never_taken(checker, _MODULE, ["witness_tail_lost.cfg", "witness_snapshot_installed.cfg"])
    assert len(every) > 20
    assert every <= events


def test_the_check_names_what_its_models_never_take(tmp_path: Path) -> None:
    context = Context(folder=tmp_path, budget="tests", seed=0, command="", progress=lambda _: None)
    outcome = every_action_is_taken(context, module=str(_MODULE), configs=["witness_read_answered.cfg"])
    assert outcome.verdict.kind is Kind.VIOLATED
    assert "no model takes" in outcome.message
    assert "InstallSnapshot" in outcome.message
