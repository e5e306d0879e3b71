"""The implementation follows what the spec does, leaves what only a weakened spec does, and takes every edge."""

from pathlib import Path
from typing import Any

import pytest

from impl.threat import rules
from property_tests.threat.checks import edges_spec, oracle_for, system_for, system_of, walks
from property_tests.threat.mutants import MUTANTS, SAMPLE
from tlacheck import itf
from tlacheck.conform.edges import replay_edges
from tlacheck.conform.replay import replay
from tlacheck.conform.vet import vet
from tlacheck.errors import TraceError
from tlacheck.tlc.graph import Graph, stream_graph
from tlacheck.verify import Context

_GOLDEN = Path(__file__).resolve().parents[2] / "traces" / "golden" / "threat"
FOLLOWED = sorted(_GOLDEN.glob("witness/*.itf.json"))
WEAKENED = sorted(_GOLDEN.glob("weakened/*.itf.json"))


def _name(path: Path) -> str:
    return path.name.removesuffix(".itf.json")


def test_there_are_traces_to_replay() -> None:
    assert len(FOLLOWED) >= 10
    assert len(WEAKENED) >= 20


@pytest.mark.parametrize("path", FOLLOWED, ids=_name)
def test_the_implementation_follows_the_spec_to_the_end(path: Path) -> None:
    trace = itf.read(path)
    run = replay(trace, system_of(trace))
    assert run.violation is None
    assert len(run) == len(trace) > 0


@pytest.mark.parametrize("path", WEAKENED, ids=_name)
def test_the_implementation_leaves_what_only_a_weakened_spec_allows(path: Path) -> None:
    trace = itf.read(path)
    assert replay(trace, system_of(trace)).violation is not None


def test_the_adapter_is_sound() -> None:
    """Forks, resets and several machines at once do not influence each other."""
    oracle = oracle_for(4)
    assert vet(lambda: system_for(oracle.spec.config), oracle, walks=2, steps=15) == ()


def test_walks_of_the_spec_are_followed(tmp_path: Path) -> None:
    context = Context(folder=tmp_path, budget="tests", seed=0, command="", progress=lambda _: None)
    outcome = walks(context, walks=4, steps=50)
    assert str(outcome.verdict).startswith("sampled(")
    short = walks(context, walks=1, steps=1)
    assert str(short.verdict).startswith("unknown(no walk took")


def test_a_configuration_without_replicas_or_a_constant_is_refused(tmp_path: Path) -> None:
    text = edges_spec().configuration
    for part in ("Replica", "Decay"):
        wrong = tmp_path / f"{part}.cfg"
        wrong.write_text(text.replace(f"    {part} =", "    Other ="), encoding="utf-8")
        with pytest.raises(TraceError):
            system_for(wrong)


@pytest.fixture(scope="module")
def graph() -> Graph:
    """The first levels of the model that `verify` takes whole."""
    with stream_graph(edges_spec(), depth=6) as stream:
        return Graph(stream)


def test_every_edge_is_taken_once(graph: Graph) -> None:
    found = replay_edges(graph, lambda: system_for(edges_spec().config))
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
    assert replay_edges(graph, lambda: system_for(edges_spec().config)).violation is not None


def test_the_bugs_of_the_catalogue_that_concern_levels_have_a_mutant() -> None:
    assert len(SAMPLE) == 4
    for row in ("HY-06", "HY-07", "HY-16"):
        assert any(mutant.bug.startswith(row) for mutant in MUTANTS)
