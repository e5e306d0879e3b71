"""Each edge of a small model is a step of the implementation, and a copy of a cluster is one."""

from collections.abc import Mapping

import attrs
import pytest

from impl import raft
from property_tests.raft.adapter import RaftSystem
from property_tests.raft.replays import EDGES, EDGES_FULL, system_for
from property_tests.raft.settings import PLAIN, SPECS, oracle_for
from tlacheck.conform.edges import replay_edges
from tlacheck.conform.vet import vet
from tlacheck.tlc.graph import Graph, stream_graph
from tlacheck.values import ModelValue, Value


@pytest.fixture(scope="module")
def graph() -> Graph:
    """The first levels of the model that `verify` takes whole."""
    with stream_graph(EDGES.spec(SPECS), depth=8) as stream:
        return Graph(stream)


def test_the_adapter_is_sound() -> None:
    """Forks, resets and several clusters at once do not influence each other."""
    assert vet(RaftSystem, oracle_for(3), walks=2, steps=20) == ()


def test_every_edge_is_taken_once(graph: Graph) -> None:
    found = replay_edges(graph, RaftSystem)
    assert found.violation is None
    assert found.forked
    assert found.edges == found.edges_total == found.steps > 150
    assert {"Timeout", "Restart", "DropMessage", "ClientRequest", "AppendEntries"} <= found.actions.keys()


@pytest.fixture(scope="module")
def full_graph() -> Graph:
    """The first levels of the model with snapshots and a server that joins."""
    with stream_graph(EDGES_FULL.spec(SPECS), depth=12) as stream:
        return Graph(stream)


def test_every_edge_with_snapshots_and_a_change_of_membership_is_taken_once(full_graph: Graph) -> None:
    found = replay_edges(full_graph, lambda: system_for(SPECS / EDGES_FULL.config))
    assert found.violation is None
    assert found.edges == found.edges_total > 150
    assert {"Compact", "ChangeMembership", "HandleAppendEntriesRequest"} <= found.actions.keys()


class Amnesiac(RaftSystem):
    """A system whose hosts give an empty state to a server that compacts its log."""

    def perform(self, action: str, arguments: Mapping[str, Value]) -> None:
        self.applied = dict.fromkeys(self.applied, ("v9",))
        super().perform(action, arguments)


def test_a_snapshot_that_is_not_of_the_state_machine_is_noticed(full_graph: Graph) -> None:
    setting = attrs.evolve(PLAIN, features=frozenset({"Snapshots", "Membership"}))
    found = replay_edges(full_graph, lambda: Amnesiac(setting))
    assert found.violation is not None
    assert found.violation.violation is not None
    assert found.violation.steps[-1].action == "Compact"
    assert "snapshot[" in "\n".join(found.violation.violation.explanation)


class Forgetful(RaftSystem):
    """A system whose disks lose the vote."""

    def perform(self, action: str, arguments: Mapping[str, Value]) -> None:
        super().perform(action, arguments)
        self._disks = {name: attrs.evolve(disk, voted_for=None) for name, disk in self._disks.items()}


def test_an_edge_that_goes_wrong_is_told_as_a_shortest_run(graph: Graph) -> None:
    """The shortest run has two steps: a server votes for itself, then forgets its vote in a restart."""
    found = replay_edges(graph, Forgetful)
    assert found.violation is not None
    assert found.violation.violation is not None
    assert [step.action for step in found.violation.steps] == ["Timeout", "Restart"]
    assert "votedFor[" in found.violation.violation.explanation[1]


def test_what_a_copy_does_is_not_seen_in_its_original() -> None:
    system = RaftSystem()
    system.reset(oracle_for(3).initial_states()[0].values)
    system.perform("Timeout", {"node": ModelValue("n1")})
    before = system.observe()
    copy = system.fork()
    for name in ("n2", "n3"):
        copy.perform("Timeout", {"node": ModelValue(name)})
    copy.network.clear()
    assert system.observe() == before
    assert len(system.network) == 2
    assert isinstance(copy.nodes["n2"].role, raft.Candidate)
    assert isinstance(system.nodes["n2"].role, raft.Follower)


def test_a_server_that_is_replaced_by_hand_is_observed_anew() -> None:
    """An earlier translation is used again only for the very same server."""
    system = RaftSystem()
    system.reset(oracle_for(3).initial_states()[0].values)
    system.observe()
    node = system.nodes["n1"]
    system.nodes["n1"] = attrs.evolve(node, durable=attrs.evolve(node.durable, current_term=7))
    assert system.observe()["currentTerm"][ModelValue("n1")] == 7
