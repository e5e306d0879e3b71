"""Simulated PBFT clusters: safe with f Byzantine replicas, broken with one more; each judge can fail."""

import re
from pathlib import Path
from typing import Any

import attrs
import pytest

from impl import pbft
from impl.common import StepResult
from impl.pbft import checkpoints, proofs, rules
from property_tests.pbft.adversary import BEHAVIOURS, Adversary
from property_tests.pbft.clients import Clients, bound_ms, timers_fire
from property_tests.pbft.host import configs_of
from property_tests.pbft.invariants import Safety
from property_tests.pbft.protocol import OVERFAULTED, PBFT, overfaulted_system
from tlacheck import itf
from tlacheck.conform.replay import replay
from tlacheck.errors import ConfigError
from tlacheck.harness import Byzantine, Op, Pace, Run, Schedule, SoakPlan, soak
from tlacheck.harness.checks import breaks, soaked, stateful
from tlacheck.harness.run import oracle_of
from tlacheck.harness.soak import play, play_run
from tlacheck.harness.workload import conclude
from tlacheck.report.lanes import lanes_of
from tlacheck.report.page import render_page
from tlacheck.sim import Fault
from tlacheck.values import to_tla
from tlacheck.verdict import Kind
from tlacheck.verify import Context

pytestmark = pytest.mark.sweep

TARGET = "property_tests.pbft.protocol:PBFT"


@pytest.fixture
def context(tmp_path: Path) -> Context:
    return Context(folder=tmp_path, budget="smoke", seed=0, command="repeat me", progress=lambda _: None)


def _plan(folder: Path, **options: Any) -> SoakPlan:
    return SoakPlan(**{"target": TARGET, "steps": 2_000, "judged": False, "out": folder, **options})


# --- as many Byzantine replicas as are allowed for


@pytest.mark.parametrize("size", PBFT.sizes, ids=lambda size: f"{len(size.nodes)}-{len(size.byzantine)}")
def test_as_many_byzantine_replicas_as_allowed_break_nothing(tmp_path: Path, size: Any) -> None:
    plan = _plan(tmp_path, nodes=len(size.nodes), byzantine=len(size.byzantine))
    for run in soak(plan, range(3)).runs:
        assert run.explanation == ()
        assert run.goals["a batch is executed"] > 20
        assert run.goals["progress: Progress"]


def test_others_follow_a_replica_ahead_of_them_view_by_view() -> None:
    """The others do not join it: it may be Byzantine (paper, 4.5.2), and they are no quorum without it."""
    size = attrs.evolve(PBFT.sizes[0], is_shuffled=False)
    run = Run(PBFT, size, seed=0, oracle=None)
    run.inflict(Fault.of("make_byzantine", node="r0", behaviour="silence"))
    for _ in range(12):
        run.request("r2", pbft.Timeout())
    began = run.cluster.world.now_ms
    conclude(run, PBFT, Schedule(run, PBFT, seed=0))
    assert min(hosted.node.durable.view for hosted in run.view.values()) >= 12
    assert run.cluster.world.now_ms - began > bound_ms(1, 0, multiplier_max=4, timeout_ms=300)


@pytest.mark.parametrize("name", BEHAVIOURS)
def test_each_behaviour_matters_and_breaks_nothing(name: str) -> None:
    """The Byzantine replica is the first primary, and has one behaviour all along."""
    early = Op("timers fire early", 5, timers_fire)
    calm = attrs.evolve(
        PBFT,
        workload=lambda size: (*Clients(size).ops[:1], early),
        faults={"pause": 2, "resume": 3},
        pace=Pace(time=50, workload=45, faults=5),
        byzantine=Byzantine(
            lambda size: {name: Adversary(configs_of(size.nodes), size.byzantine).behaviours()[name]}
        ),
    )
    size = attrs.evolve(PBFT.sizes[0], is_shuffled=False)
    for seed in range(12):
        run = Run(calm, size, seed=seed, oracle=None)
        schedule = Schedule(run, calm, seed=seed)
        schedule.begin()
        schedule.round(2_000)
        schedule.conclude()
        if run.goals[f"behaviour: {name}"]:
            return
    raise AssertionError(f"{name} never made a difference")


def test_every_behaviour_and_action_is_a_goal() -> None:
    goals = set(PBFT.goals_of(PBFT.sizes[0]))
    assert {f"behaviour: {name}" for name in BEHAVIOURS} < goals
    assert {"step: NewView", "step: TransferState", "fault: a step undone"} < goals


def test_a_soak_that_met_too_little_is_inconclusive(context: Context) -> None:
    assert soaked(context, TARGET, seeds=1, steps=50).verdict.kind is Kind.UNKNOWN


def test_hypothesis_finds_nothing_wrong(context: Context) -> None:
    found = stateful(context, TARGET, examples=8, every_size=True, goals=["a batch is executed"])
    assert found.message == ""
    assert found.verdict.kind is Kind.SAMPLED


def test_a_mutant_is_told_with_its_seed_and_left_as_a_trace(tmp_path: Path) -> None:
    plan = _plan(tmp_path, judged=True, steps=3_000, mutant="joins-one-faulty-replica")
    found = soak(plan, range(6), until_failed=True)
    (run,) = found.failed
    assert run.property in {"conforms to PbftRuns", "Joins"}
    assert run.trace is not None
    shown = itf.read(run.trace)
    assert shown.violation is not None
    assert shown.violation.step == len(shown)
    assert run.log is not None
    assert "PrePrepare" in run.log.read_text(encoding="utf-8")
    assert plan.command(run.seed).endswith("--mutant joins-one-faulty-replica")


# --- the judges can fail


@pytest.mark.parametrize(
    ("module", "wrong", "broken"),
    [
        (rules, {"may_accept": lambda *_: True}, "VotesOnce"),
        (
            rules,
            {"commit_quorum_size": lambda _: 1},
            "ExecutedInOrder|Agreement|CertificateSafety|CheckpointSafety|Certified",
        ),
        (rules, {"told": lambda _: ()}, "Agreement|CertificateSafety|LogIsBounded"),
        (rules, {"in_window": lambda *_: True}, "LogIsBounded"),
        (rules, {"may_execute": lambda *_: True}, "ExecutedInOrder|RepliesAgree"),
        (proofs, {"certificate_flaw": lambda *_: ""}, "Agreement|CertificateSafety"),
        (proofs, {"checkpoint_flaw": lambda *_: ""}, "Progress|CheckpointSafety"),
        (checkpoints, {"receive_state_request": lambda node, _: StepResult(node)}, "Progress"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else None,
)
def test_a_wrong_replica_is_found(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, module: Any, wrong: dict[str, Any], broken: str
) -> None:
    for rule, value in wrong.items():
        monkeypatch.setattr(module, rule, value)
    found = soak(_plan(tmp_path, steps=3_300), range(25), until_failed=True)
    assert found.failed, "no run noticed it"
    assert re.fullmatch(broken, found.failed[0].property), found.failed[0].explanation
    assert found.failed[0].trace is None
    assert found.failed[0].log is not None


def test_hypothesis_leaves_the_trace_and_the_log_of_a_wrong_replica(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rules, "told", lambda _: ())
    found = stateful(context, TARGET, examples=60, shrinking_seconds=5)
    assert found.trace is not None
    assert itf.read(found.trace).violation is not None
    log = context.folder / "counterexample.log"
    assert f"log:     {log}\nrepeat:  repeat me" in found.message
    assert "PrePrepare" in log.read_text(encoding="utf-8")


# --- one Byzantine replica too many


def test_one_byzantine_replica_too_many_makes_honest_ones_disagree(context: Context) -> None:
    target = "property_tests.pbft.protocol:OVERFAULTED"
    found = breaks(context, target, expect="Agreement", seeds=12, steps=1_500)
    assert found.verdict.violates == "Agreement"
    assert found.trace is not None
    shrunk = itf.read(found.trace)
    assert len(shrunk) <= 10
    proposals = [step.arguments["message"] for step in shrunk.steps if step.action == "AcceptPrePrepare"]
    places: dict[Any, set[Any]] = {}
    for made in proposals:
        places.setdefault((made["source"], made["view"], made["seq"]), set()).add(made["batch"])
    assert max(map(len, places.values())) == 2
    assert replay(attrs.evolve(shrunk, violation=None), overfaulted_system()).violation is None
    page = render_page(lanes_of(shrunk), file="disagreement.itf.json")
    for made in proposals:
        assert to_tla(made["batch"]).strip("<>").strip('"') in page


def test_replicas_that_follow_the_protocol_do_not_disagree() -> None:
    """The messages of Byzantine replicas cause disagreement, not their number."""
    run = Run(OVERFAULTED, OVERFAULTED.sizes[0], seed=0, oracle=None)
    clients = Clients(run.size, count=12)
    schedule = Schedule(run, OVERFAULTED, seed=0)
    while len(run.judge(Safety).decided) < 12:
        for node, inp in clients.several_ask(schedule.random, run.view):
            run.request(node, inp)
        run.advance(50)
    assert run.found == {}


@pytest.mark.parametrize("protocol", [PBFT, OVERFAULTED], ids=lambda protocol: protocol.name)
def test_configurations_have_the_byzantine_replicas_of_runs(protocol: Any) -> None:
    for size in protocol.sizes:
        if size.config:
            (state,) = oracle_of(protocol, size).initial_states()
            assert {name.name for name in state.values["view"]} == set(size.honest)


def test_a_size_without_a_configuration_needs_no_spec(tmp_path: Path) -> None:
    plan = _plan(tmp_path, nodes=6, steps=100)
    assert play(plan, 0).property == ""
    with pytest.raises(ConfigError, match="no configuration of PbftRuns.tla speaks of 6 nodes"):
        play_run(attrs.evolve(plan, judged=True), 0)
