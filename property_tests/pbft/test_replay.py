"""The implementation follows its spec, diverges from weakened specs, and takes every edge.

That something is noticed is seen here as well: a core with one rule broken goes wrong at some edge.
"""

from typing import Any

import pytest

from impl.pbft import rules
from property_tests.pbft.adapter import PbftSystem
from property_tests.pbft.replays import REPLAYS, system_for
from tlacheck.conform.edges import replay_edges
from tlacheck.conform.replays import oracle_of
from tlacheck.conform.vet import vet
from tlacheck.tlc.graph import Graph, stream_graph
from tlacheck.tlc.spec import Spec

_OF = "property_tests.pbft.replays:REPLAYS"


def test_there_are_traces_to_replay() -> None:
    assert len(REPLAYS.followed) >= 10
    assert len(REPLAYS.weakened) >= 15


def test_the_adapter_is_sound() -> None:
    """Forks, resets and several clusters at once do not influence each other."""
    oracle = oracle_of(_OF)
    assert vet(lambda: system_for(oracle.spec.config), oracle, walks=2, steps=15) == ()


def _edges_spec() -> Spec:
    assert REPLAYS.edges is not None
    return REPLAYS.edges.spec(REPLAYS.specs)


@pytest.fixture(scope="module")
def graph() -> Graph:
    """The first levels of the model that `verify` takes whole."""
    with stream_graph(_edges_spec(), depth=10) as stream:
        return Graph(stream)


def _edges_system() -> PbftSystem:
    return system_for(_edges_spec().config)


def test_every_edge_is_taken_once(graph: Graph) -> None:
    found = replay_edges(graph, _edges_system)
    assert found.violation is None
    assert found.edges == found.edges_total == found.steps > 1000
    assert {"Propose", "CollectPrepares", "Timeout", "JoinViewChange", "NewView"} <= found.actions.keys()


@pytest.mark.parametrize(
    ("rule", "broken"),
    [("prepare_quorum_size", lambda _: 1), ("may_accept", lambda *_: False), ("told", lambda _: ())],
)
def test_a_broken_rule_is_noticed_at_some_edge(
    graph: Graph, monkeypatch: pytest.MonkeyPatch, rule: str, broken: Any
) -> None:
    monkeypatch.setattr(rules, rule, broken)
    assert replay_edges(graph, _edges_system).violation is not None
