"""The implementation follows the spec, diverges from weakened specs, and takes no forbidden step.

That something is noticed is seen here as well: a core with one rule broken goes wrong.
"""

from pathlib import Path
from typing import Any

import pytest

from impl.hybrid import epochs, rules, switches
from property_tests.hybrid.adapter import HybridSystem
from property_tests.hybrid.near_misses import near_misses
from property_tests.hybrid.replays import REPLAYS, system_for
from property_tests.hybrid.weakened import tempted
from tlacheck import itf
from tlacheck.conform.checks import followed_to_the_end
from tlacheck.conform.edges import replay_edges
from tlacheck.conform.replay import replay
from tlacheck.conform.replays import oracle_of, replay_weakened, replay_witnesses, walks
from tlacheck.conform.vet import vet
from tlacheck.errors import ConfigError, TraceError
from tlacheck.tlc.graph import Graph, stream_graph
from tlacheck.verify import Context

_GOLDEN = Path(__file__).resolve().parents[2] / "traces" / "golden" / "hybrid"
OF = "property_tests.hybrid.replays:REPLAYS"
FOLLOWED, WEAKENED = REPLAYS.followed, REPLAYS.weakened
assert REPLAYS.edges is not None
_EDGES = REPLAYS.edges.spec(REPLAYS.specs)


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
    """Lead to each situation that the hybrid must reach, and to those with one Byzantine replica too many."""
    trace = itf.read(path)
    run = replay(trace, REPLAYS.system_of(trace))
    assert run.violation is None
    assert len(run) == len(trace) > 0


@pytest.mark.parametrize("path", WEAKENED, ids=_name)
def test_the_implementation_leaves_what_only_a_weakened_spec_allows(path: Path) -> None:
    """Code that follows one of these, or what it leads to, has the fault that was put into the spec."""
    assert followed_to_the_end(itf.read(path), REPLAYS.system_of, REPLAYS.led_to) is None


def test_a_belief_of_too_few_is_what_a_counterexample_leads_to() -> None:
    trace = _trace("mutant_accepts_f_and_one")
    assert replay(trace, REPLAYS.system_of(trace)).violation is None
    led_to = list(tempted(trace, system_for(REPLAYS.root / trace.origin.config)))
    assert {each.steps[-1].action for each in led_to} >= {"Accept"}
    assert all(len(each) > len(trace) for each in led_to)


def test_a_counterexample_that_leads_to_nothing_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("property_tests.hybrid.weakened.tempted", lambda *_: iter(()))
    with pytest.raises(TraceError, match="shows in no step that could follow"):
        REPLAYS.led_to(_trace("mutant_accepts_f_and_one"))


@pytest.mark.parametrize(
    ("module", "rule", "wrong"),
    [
        (rules, "may_vote", lambda *_: False),
        (rules, "is_quorum", lambda *_: False),
        (rules, "highest_qc", lambda _: None),
        (switches, "switchback_value", lambda _: ("nobody", b"")),
    ],
    ids=["never votes", "never locks", "hands over nothing", "starts nothing"],
)
def test_an_implementation_that_does_less_is_noticed(
    context: Context, monkeypatch: pytest.MonkeyPatch, module: Any, rule: str, wrong: Any
) -> None:
    monkeypatch.setattr(module, rule, wrong)
    assert replay_witnesses(context, of=OF).verdict.violates == "conforms to MCHybrid"


@pytest.mark.parametrize(
    ("rule", "wrong"),
    [("may_vote", lambda *_: True), ("is_quorum", lambda *_: True), ("must_join", lambda *_: True)],
)
def test_an_implementation_that_does_more_is_noticed(
    context: Context, monkeypatch: pytest.MonkeyPatch, rule: str, wrong: Any
) -> None:
    monkeypatch.setattr(rules, rule, wrong)
    verdicts = [replay_weakened(context, of=OF).verdict, near_misses(context, walks=6).verdict]
    assert any(verdict.violates for verdict in verdicts)


def test_a_step_that_must_not_be_is_shown_with_what_it_changes(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rules, "must_join", lambda *_: True)
    outcome = near_misses(context, walks=6)
    assert outcome.verdict.violates == "conforms to HybridRuns"
    assert "a step that the spec does not allow here changes the state" in outcome.message


def test_every_edge_of_the_first_levels_is_taken_once() -> None:
    """`verify` takes the whole graph."""
    with stream_graph(_EDGES, depth=5) as stream:
        graph = Graph(stream)
    found = replay_edges(graph, lambda: system_for(_EDGES.config))
    assert found.violation is None
    assert found.edges == found.edges_total > 100
    assert {"Vote", "Lock", "Abort", "EndEpoch"} <= found.actions.keys()


def test_random_walks_are_followed(context: Context) -> None:
    outcome = walks(context, of=OF, walks=8)
    assert str(outcome.verdict).startswith("sampled(")
    assert int(outcome.figures["switches"]) > 15


def test_a_wrong_walk_is_shrunk(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        epochs,
        "_executed",
        lambda node, _, __, prefix: (node.speculative.extended(node.config.service, ()), prefix),
    )
    outcome = walks(context, of=OF, walks=12)
    assert outcome.verdict.violates == "conforms to HybridRuns"
    assert outcome.trace is not None
    assert len(itf.read(outcome.trace)) <= 8


def test_nothing_that_the_spec_does_not_allow_is_done(context: Context) -> None:
    outcome = near_misses(context, walks=5, each=1)
    assert str(outcome.verdict).startswith("sampled(")
    assert int(outcome.figures["tried"]) > 1_000


def test_walks_that_are_too_short_say_nothing(context: Context) -> None:
    assert walks(context, of=OF, walks=1, steps=2).verdict.is_unknown
    assert near_misses(context, walks=0, steps=1).verdict.is_unknown


def test_the_adapter_is_sound() -> None:
    """Forks, resets and several clusters at once do not influence each other."""
    oracle = oracle_of(OF)
    assert vet(lambda: system_for(oracle.spec.config), oracle, walks=2, steps=15) == ()


def test_a_cluster_has_the_replicas_of_the_trace() -> None:
    with pytest.raises(Exception, match="the trace has others"):
        HybridSystem(("r0", "r1", "r2", "r3")).reset(_trace("mutant_forks").initial)
    with pytest.raises(ConfigError, match="gives Replica no value"):
        system_for(_GOLDEN.parent / "hybrid" / "weakened" / "mutant_forks.itf.json")
