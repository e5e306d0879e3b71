"""The implementation follows what the spec does, leaves what only a weakened spec does, and takes every edge.

That something is noticed is seen here as well: a core with one rule broken goes wrong at some edge.
"""

from pathlib import Path
from typing import Any

import pytest

from impl.pbft import rules
from property_tests.pbft.adapter import PbftSystem
from property_tests.pbft.checks import edges_spec, oracle_for, system_for, system_of
from tlacheck import itf
from tlacheck.conform.edges import replay_edges
from tlacheck.conform.replay import replay
from tlacheck.conform.vet import vet
from tlacheck.tlc.graph import Graph, stream_graph

_GOLDEN = Path(__file__).resolve().parents[2] / "traces" / "golden" / "pbft"
FOLLOWED = sorted((*_GOLDEN.glob("witness/*.itf.json"), *_GOLDEN.glob("misconfigured/*.itf.json")))
WEAKENED = sorted(_GOLDEN.glob("weakened/*.itf.json"))


def _name(path: Path) -> str:
    return path.name.removesuffix(".itf.json")


def test_there_are_traces_to_replay() -> None:
    assert len(FOLLOWED) >= 10
    assert len(WEAKENED) >= 15


@pytest.mark.parametrize("path", FOLLOWED, ids=_name)
def test_the_implementation_follows_the_spec_to_the_end(path: Path) -> None:
    """To each situation that PBFT must be able to reach, and to where one traitor too many leads."""
    trace = itf.read(path)
    run = replay(trace, system_of(trace))
    assert run.violation is None
    assert len(run) == len(trace) > 0


@pytest.mark.parametrize("path", WEAKENED, ids=_name)
def test_the_implementation_leaves_what_only_a_weakened_spec_allows(path: Path) -> None:
    """Code that follows one of these has the fault that was put into the spec."""
    trace = itf.read(path)
    run = replay(trace, system_of(trace))
    assert run.violation is not None


def test_the_adapter_is_sound() -> None:
    """Forks, resets and several clusters at once do not influence each other."""
    oracle = oracle_for(4)
    assert vet(lambda: system_for(oracle.spec.config), oracle, walks=2, steps=15) == ()


@pytest.fixture(scope="module")
def graph() -> Graph:
    """The first levels of the model that `verify` takes whole."""
    with stream_graph(edges_spec(), depth=10) as stream:
        return Graph(stream)


def _edges_system() -> PbftSystem:
    return system_for(edges_spec().config)


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
