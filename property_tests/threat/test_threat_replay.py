"""The implementation follows its spec, diverges from weakened specs, and takes every edge."""

from pathlib import Path
from typing import Any

import pytest

from impl.threat import rules
from property_tests.threat.mutants import MUTANTS, SAMPLE
from property_tests.threat.replays import REPLAYS, system_for
from tlacheck.conform.edges import replay_edges
from tlacheck.conform.replays import oracle_of, walks
from tlacheck.conform.vet import vet
from tlacheck.errors import ConfigError
from tlacheck.tlc.graph import Graph, stream_graph
from tlacheck.tlc.spec import Spec
from tlacheck.verify import Context

_OF = "property_tests.threat.replays:REPLAYS"


def test_there_are_traces_to_replay() -> None:
    assert len(REPLAYS.followed) >= 10
    assert len(REPLAYS.weakened) >= 20


def test_the_adapter_is_sound() -> None:
    """Forks, resets and several machines at once do not influence each other."""
    oracle = oracle_of(_OF)
    assert vet(lambda: system_for(oracle.spec.config), oracle, walks=2, steps=15) == ()


def test_walks_of_the_spec_are_followed(tmp_path: Path) -> None:
    context = Context(folder=tmp_path, budget="tests", seed=0, command="", progress=lambda _: None)
    outcome = walks(context, of=_OF, walks=4, steps=50)
    assert str(outcome.verdict).startswith("sampled(")
    short = walks(context, of=_OF, walks=1, steps=1)
    assert str(short.verdict).startswith("unknown(no walk took")


def test_a_configuration_without_replicas_or_a_constant_is_refused(tmp_path: Path) -> None:
    text = _edges_spec().configuration
    for part in ("Replica", "Decay"):
        wrong = tmp_path / f"{part}.cfg"
        wrong.write_text(text.replace(f"    {part} =", "    Other ="), encoding="utf-8")
        with pytest.raises(ConfigError):
            system_for(wrong)


def _edges_spec() -> Spec:
    assert REPLAYS.edges is not None
    return REPLAYS.edges.spec(REPLAYS.specs)


@pytest.fixture(scope="module")
def graph() -> Graph:
    """The first levels of the model that `verify` takes whole."""
    with stream_graph(_edges_spec(), depth=6) as stream:
        return Graph(stream)


def test_every_edge_is_taken_once(graph: Graph) -> None:
    found = replay_edges(graph, lambda: system_for(_edges_spec().config))
    assert found.violation is None
    assert found.edges == found.edges_total == found.steps > 1000
    assert {"Observe", "Hear", "Prove", "Tick", "Restart"} == set(found.actions)


@pytest.mark.parametrize(
    ("rule", "broken"),
    [("cluster_score", lambda _, s: max(s)), ("dwell", lambda *_: 2), ("is_worse", lambda *_: True)],
)
def test_a_broken_rule_is_noticed_at_some_edge(
    graph: Graph, monkeypatch: pytest.MonkeyPatch, rule: str, broken: Any
) -> None:
    monkeypatch.setattr(rules, rule, broken)
    assert replay_edges(graph, lambda: system_for(_edges_spec().config)).violation is not None


def test_the_bugs_of_the_catalogue_that_concern_levels_have_a_mutant() -> None:
    assert len(SAMPLE) == 4
    for row in ("HY-06", "HY-07", "HY-16"):
        assert any(mutant.bug.startswith(row) for mutant in MUTANTS)
