"""Runs of simulated clusters of the hybrid are behaviours of its spec; and what is none is noticed."""

from pathlib import Path
from typing import Any

import attrs
import pytest

from impl.hybrid import epochs, rules, switches
from property_tests.hybrid.cluster import Setting
from property_tests.hybrid.journal import fitted
from property_tests.hybrid.recording import CONFIGS, oracle_of, recorded
from property_tests.hybrid.runs import conforming, watched
from property_tests.hybrid.script import endure
from tlacheck.conform.system import NotPossible
from tlacheck.errors import ConfigError
from tlacheck.tlc.oracle import SpecOracle
from tlacheck.verify import Context

pytestmark = pytest.mark.sweep


@pytest.fixture
def context(tmp_path: Path) -> Context:
    return Context(folder=tmp_path, budget="tests", seed=0, command="repeat me", progress=lambda _: None)


def test_runs_with_a_traitor_are_behaviours_of_the_spec() -> None:
    for seed in (2, 3):
        run = watched(seed, steps=400)
        assert run.trace.violation is None
        assert len(run.trace) > 40
        assert run.actions["Learn"]
        assert run.actions["Believe"]


def test_a_run_is_the_same_for_the_same_seed() -> None:
    one, again = (watched(4, steps=200) for _ in range(2))
    assert one.trace == again.trace
    assert (one.steps, one.sometimes) == (again.steps, again.sometimes)


def test_a_chain_that_is_undone_is_part_of_some_runs() -> None:
    run = watched(0, steps=300)
    assert run.sometimes["a tentative execution is undone"]
    held = [step.arguments for step in run.trace.steps if step.action == "Hold"]
    assert [step["term"] for step in held[:2]] == [1, 2]
    assert held[0]["chain"] != held[1]["chain"]


@pytest.mark.parametrize(("replicas", "traitors"), CONFIGS)
def test_a_configuration_has_the_traitors_of_its_runs(replicas: int, traitors: frozenset[str]) -> None:
    (state,) = oracle_of(CONFIGS[replicas, traitors]).initial_states()
    correct = set(Setting(replicas=replicas).names) - traitors
    assert {name.name for name in state.values["known"]} == correct


def test_runs_of_any_size_and_with_any_primary_are_behaviours_of_the_spec() -> None:
    for seed, (replicas, traitors) in enumerate(CONFIGS):
        where = Setting.drawn(seed, replicas=replicas, traitors=len(traitors))
        assert where.traitors == traitors
        run = endure(seed, steps=800, setting=where, against_spec=True)
        assert run.broken == ""
        assert run.trace is None


def test_a_cluster_that_no_configuration_speaks_of_is_refused() -> None:
    with pytest.raises(ConfigError, match="no configuration for 4 replicas of which r2 is Byzantine; it has"):
        recorded(Setting(traitors=frozenset({"r2"})), seed=0)


def test_the_terms_that_traitors_make_huge_keep_their_order() -> None:
    terms = [0, 1, 2, 1 << 40, (1 << 40) + 1, (1 << 62) - 2, 1 << 62]
    shown = [fitted(term) for term in terms]
    assert shown == sorted(set(shown))
    assert shown[:3] == [0, 1, 2]
    assert shown[-1] < 2**31
    with pytest.raises(NotPossible, match="term 1073741824 is far from all of 0, "):
        fitted(1 << 30)


@pytest.mark.parametrize(
    ("module", "rule", "wrong", "said"),
    [
        (rules, "stops_epoch", lambda others, _: others >= 1, "Stop"),
        (rules, "may_ack", lambda *_: True, "Ack"),
        (rules, "seals", lambda *_: True, "Hold"),
        (switches, "_is_calm", lambda node: node.is_bft, "Calm"),
        (epochs, "_executed", lambda node, _, __, chain: (node.agreed, chain), "Hold"),
    ],
    ids=["one stop joins", "acks anything", "one ack seals", "calm at High", "executes nothing"],
)
def test_a_replica_that_does_what_the_spec_does_not_leaves_it(
    monkeypatch: pytest.MonkeyPatch, module: Any, rule: str, wrong: Any, said: str
) -> None:
    monkeypatch.setattr(module, rule, wrong)
    runs = (watched(seed, steps=500, only=frozenset()) for seed in range(8))
    found = next((run for run in runs if run.trace.violation is not None), None)
    assert found is not None, "the spec allowed it all"
    violation = found.trace.violation
    assert violation is not None
    assert violation.property == "conforms to HybridRuns"
    assert any(f"the spec allows no {said}(" in line for line in violation.explanation)


def test_a_property_that_breaks_ends_the_run_with_its_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    def blind(self: Any, taken: Any) -> Any:
        del self, taken
        yield "Kept", "something is lost"

    monkeypatch.setattr("property_tests.hybrid.safety.Safety.step", blind)
    violation = watched(1, steps=100).trace.violation
    assert violation is not None
    assert (violation.property, violation.explanation) == ("Kept", ("something is lost",))


def test_the_invariants_are_judged_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SpecOracle, "violated_invariants", lambda *_: ("Kept",))
    violation = watched(1, steps=100).trace.violation
    assert violation is not None
    assert violation.property == "Kept"


def test_the_check_finds_what_is_wrong_and_says_nothing_of_too_little(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert conforming(context, runs=1, steps=50).verdict.is_unknown
    monkeypatch.setattr(rules, "stops_epoch", lambda others, _: others >= 1)
    outcome = conforming(attrs.evolve(context, seed=1), runs=8, steps=500)
    assert outcome.verdict.violates
    assert outcome.trace is not None
