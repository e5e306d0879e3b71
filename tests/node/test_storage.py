"""The durable state of a server, through the records of its log."""

import importlib.util
import itertools
from pathlib import Path
from types import ModuleType

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from impl import raft
from node import raft_core
from node.disk import SimulatedDisk
from node.errors import DamagedLog
from node.proposals import Proposal
from node.storage import Storage
from node.wal import Identity

CORE = raft_core.RaftCore("n1", ("n1", "n2", "n3"))
FIRST = CORE.first().durable
ME = Identity("cluster", "n1")


@st.composite
def states(draw: st.DrawFn) -> list[raft.Durable]:
    """Durable states of one server, each with a later term: index and term say which entry it is."""
    found = [FIRST]
    for term in range(1, draw(st.integers(0, 6)) + 1):
        log = found[-1].log
        kept = log[: draw(st.integers(0, len(log)))]
        new = [raft.Entry(term, Proposal(f"{term} {number}")) for number in range(draw(st.integers(0, 3)))]
        voted = draw(st.sampled_from([None, "n1", "n2"]))
        found.append(raft.Durable(term, voted, (*kept, *new), snapshot=FIRST.snapshot))
    return found


@given(states())
def test_a_state_is_restored_from_its_changes(path: list[raft.Durable]) -> None:
    disk = SimulatedDisk()
    own = Storage(CORE, disk, ME)
    for before, after in itertools.pairwise((None, *path)):
        own.stage(before, after)
        own.commit()
    own.commit()
    found = Storage(CORE, disk, ME).durable
    assert found is not None
    assert CORE.durable_digest(found) == CORE.durable_digest(path[-1])


def buggy() -> ModuleType:
    spec = importlib.util.spec_from_file_location("buggy_node", Path(__file__).parent / "buggy_node.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("bug", ["truncation-forgotten", "vote-not-persisted"])
def test_a_change_that_is_not_recorded_is_noticed(bug: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(raft_core, "records_between", raft_core.records_between)
    buggy().BUGS[bug]()
    with pytest.raises((AssertionError, DamagedLog)):
        test_a_state_is_restored_from_its_changes()


def test_a_log_that_begins_in_the_middle_is_refused() -> None:
    with pytest.raises(DamagedLog, match="record 1"):
        raft_core.restored([raft_core.Voted(1, "n1")])


def test_an_unchanged_state_has_no_records() -> None:
    assert raft_core.records_between(FIRST, attrs.evolve(FIRST)) == []
