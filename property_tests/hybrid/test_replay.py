"""The implementation follows what the spec does, leaves what only a weakened spec does, and does nothing that is not allowed.

That something is noticed is seen here as well: a core with one rule broken goes wrong.
"""

from pathlib import Path
from typing import Any

import pytest

from impl.hybrid import epochs, rules, switches
from property_tests.hybrid.adapter import HybridSystem
from property_tests.hybrid.checks import (
    edges_spec,
    leaves_all,
    oracle_for,
    replay_weakened,
    replay_witnesses,
    system_for,
    system_of,
    tempted,
    walks,
)
from property_tests.hybrid.near_misses import near_misses
from tlacheck import itf
from tlacheck.conform.edges import replay_edges
from tlacheck.conform.replay import replay
from tlacheck.conform.vet import vet
from tlacheck.errors import TraceError
from tlacheck.tlc.graph import Graph, stream_graph
from tlacheck.verify import Context

_GOLDEN = Path(__file__).resolve().parents[2] / "traces" / "golden" / "hybrid"
FOLLOWED = sorted((*_GOLDEN.glob("witness/*.itf.json"), *_GOLDEN.glob("misconfigured/*.itf.json")))
WEAKENED = sorted(_GOLDEN.glob("weakened/*.itf.json"))


@pytest.fixture
def context(tmp_path: Path) -> Context:
    return Context(folder=tmp_path, budget="tests", seed=0, command="", progress=lambda _: None)


def _name(path: Path) -> str:
    return path.name.removesuffix(".itf.json")


def _trace(name: str) -> Any:
    return itf.read(_GOLDEN / "weakened" / f"{name}.itf.json")


def test_there_are_traces_to_replay() -> None:
    assert len(FOLLOWED) >= 10
    assert len(WEAKENED) >= 30


@pytest.mark.parametrize("path", FOLLOWED, ids=_name)
def test_the_implementation_follows_the_spec_to_the_end(path: Path) -> None:
    """To each situation that the hybrid must be able to reach, and to where one traitor too many leads."""
    trace = itf.read(path)
    run = replay(trace, system_of(trace))
    assert run.violation is None
    assert len(run) == len(trace) > 0


@pytest.mark.parametrize("path", WEAKENED, ids=_name)
def test_the_implementation_leaves_what_only_a_weakened_spec_allows(path: Path) -> None:
    """Code that follows one of these, or what it leads to, has the fault that was put into the spec."""
    assert leaves_all(itf.read(path)) is None


def test_a_belief_of_too_few_is_what_a_counterexample_leads_to() -> None:
    trace = _trace("mutant_believes_f_and_one")
    assert replay(trace, system_of(trace)).violation is None
    led_to = list(tempted(trace, system_of(trace)))
    assert {each.steps[-1].action for each in led_to} >= {"Believe"}
    assert all(len(each) > len(trace) for each in led_to)


def test_a_counterexample_that_leads_to_nothing_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("property_tests.hybrid.checks.tempted", lambda *_: iter(()))
    with pytest.raises(TraceError, match="shows in no step that could follow"):
        leaves_all(_trace("mutant_believes_f_and_one"))


@pytest.mark.parametrize(
    ("module", "rule", "wrong"),
    [
        (rules, "may_ack", lambda *_: False),
        (rules, "seals", lambda *_: False),
        (rules, "last_seal", lambda _: None),
        (switches, "calm_value", lambda _: ("nobody", b"")),
    ],
    ids=["acks nothing", "holds nothing", "hands over nothing", "opens nothing"],
)
def test_an_implementation_that_does_less_is_noticed(
    context: Context, monkeypatch: pytest.MonkeyPatch, module: Any, rule: str, wrong: Any
) -> None:
    monkeypatch.setattr(module, rule, wrong)
    assert replay_witnesses(context).verdict.violates == "conforms to MCHybrid"


@pytest.mark.parametrize(
    ("rule", "wrong"),
    [("may_ack", lambda *_: True), ("seals", lambda *_: True), ("stops_epoch", lambda *_: True)],
)
def test_an_implementation_that_does_more_is_noticed(
    context: Context, monkeypatch: pytest.MonkeyPatch, rule: str, wrong: Any
) -> None:
    monkeypatch.setattr(rules, rule, wrong)
    verdicts = [replay_weakened(context).verdict, near_misses(context, walks=6).verdict]
    assert any(verdict.violates for verdict in verdicts)


def test_a_step_that_must_not_be_is_shown_with_what_it_changes(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rules, "stops_epoch", lambda *_: True)
    outcome = near_misses(context, walks=6)
    assert outcome.verdict.violates == "conforms to HybridRuns"
    assert "a step that the spec does not allow here changes the state" in outcome.message


def test_every_edge_of_the_first_levels_is_taken_once() -> None:
    """`verify` takes the whole graph."""
    with stream_graph(edges_spec(), depth=5) as stream:
        graph = Graph(stream)
    found = replay_edges(graph, lambda: system_for(edges_spec().config))
    assert found.violation is None
    assert found.edges == found.edges_total > 100
    assert {"Ack", "Hold", "Stop", "Close"} <= found.actions.keys()


def test_random_walks_are_followed(context: Context) -> None:
    outcome = walks(context, walks=8)
    assert str(outcome.verdict).startswith("sampled(")
    assert int(outcome.figures["switches"]) > 15


def test_a_wrong_walk_is_shrunk(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        epochs, "_executed", lambda node, _, __, chain: (node.book.extended(node.config.service, ()), chain)
    )
    outcome = walks(context, walks=12)
    assert outcome.verdict.violates == "conforms to HybridRuns"
    assert outcome.trace is not None
    assert len(itf.read(outcome.trace)) <= 8


def test_nothing_that_the_spec_does_not_allow_is_done(context: Context) -> None:
    outcome = near_misses(context, walks=5, each=1)
    assert str(outcome.verdict).startswith("sampled(")
    assert int(outcome.figures["tried"]) > 1_000


def test_walks_that_are_too_short_say_nothing(context: Context) -> None:
    assert walks(context, walks=1, steps=2).verdict.is_unknown
    assert near_misses(context, walks=0, steps=1).verdict.is_unknown


def test_the_adapter_is_sound() -> None:
    """Forks, resets and several clusters at once do not influence each other."""
    oracle = oracle_for(4)
    assert vet(lambda: system_for(oracle.spec.config), oracle, walks=2, steps=15) == ()


def test_a_cluster_has_the_replicas_of_the_trace() -> None:
    with pytest.raises(Exception, match="the trace has others"):
        HybridSystem(("r0", "r1", "r2", "r3")).reset(_trace("mutant_forks").initial)
    with pytest.raises(TraceError, match="does not say which replicas"):
        system_for(_GOLDEN.parent / "hybrid" / "weakened" / "mutant_forks.itf.json")
