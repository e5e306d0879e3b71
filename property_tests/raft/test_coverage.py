"""The check that every action of the spec is taken looks at every action, and would notice one that is not."""

from collections.abc import Iterator

import pytest

from property_tests.raft.adapter import spec_for
from property_tests.raft.coverage import never_taken
from tlacheck.tlc import Checker


@pytest.fixture(scope="module")
def checker() -> Iterator[Checker]:
    """One JVM for the tests here."""
    with Checker() as checker:
        yield checker


def test_a_model_without_snapshots_takes_no_action_of_theirs(checker: Checker) -> None:
    """Else the check would pass whatever the models are."""
    every, never = never_taken(checker, ["witness_read_answered.cfg"])
    assert {"Compact", "InstallSnapshot", "HandleInstallSnapshotRequest", "TransferLeadership"} <= never
    assert {"Timeout", "ReadIndex", "AppendEntries"} <= every - never


def test_the_actions_looked_at_are_events_of_the_spec(checker: Checker) -> None:
    """The names are read from the text of the model, at the places that TLC gives."""
    text = (spec_for(3).path.parent / "RaftEvents.tla").read_text(encoding="utf-8")
    events = {line.split("Event")[0] for line in text.splitlines() if line.endswith("==")}
    every, _ = never_taken(checker, ["witness_tail_lost.cfg", "witness_snapshot_installed.cfg"])
    assert len(every) > 20
    assert every <= events
