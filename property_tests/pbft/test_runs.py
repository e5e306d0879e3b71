"""Simulated PBFT clusters with traitors: nothing breaks with f of them, much does with one more, and each judge can fail."""

import re
from pathlib import Path
from typing import Any

import attrs
import pytest
from click.testing import CliRunner

from impl.pbft import checkpoints, proofs, rules
from impl.pbft.outcome import Outcome
from property_tests.attacked import Attacked
from property_tests.faulty import run_machine
from property_tests.pbft import run_checks
from property_tests.pbft.cluster import Cluster, Setting
from property_tests.pbft.machine import PbftMachine
from property_tests.pbft.overfaulted import CONFIGS, SETTING, disagrees, oracle, recorded, system
from property_tests.pbft.recording import oracle_of
from property_tests.pbft.script import INTERESTING, Script, endure
from property_tests.pbft.soak import main
from property_tests.pbft.strategies import STRATEGIES
from tlacheck import itf
from tlacheck.conform.replay import replay
from tlacheck.errors import ConfigError
from tlacheck.report.lanes import lanes_of
from tlacheck.report.page import render_page
from tlacheck.values import to_tla
from tlacheck.verify import Context

pytestmark = pytest.mark.sweep


@pytest.fixture
def context(tmp_path: Path) -> Context:
    return Context(folder=tmp_path, budget="smoke", seed=0, command="repeat me", progress=lambda _: None)


# --- as many traitors as are allowed for


@pytest.mark.parametrize(("replicas", "traitors"), [(4, 0), (4, 1), (5, 1), (6, 1), (7, 2)])
def test_nothing_breaks_with_as_many_traitors_as_are_allowed_for(replicas: int, traitors: int) -> None:
    """Under all faults, with other traitors in each run; and each run ends in progress."""
    for seed in range(3):
        run = endure(seed, steps=1_500, setting=Setting.drawn(seed, replicas=replicas, traitors=traitors))
        assert run.broken == ""
        assert run.sometimes["a batch is executed"] > 20
        assert run.sometimes["all faults end and the cluster makes progress"]


def test_others_follow_one_that_is_views_ahead_of_them_view_by_view() -> None:
    """They do not join it, for it might be a traitor (paper, 4.5.2); and without it they are no quorum."""
    cluster = Cluster(Setting(), seed=0)
    cluster.betray("r0", "silence")
    for _ in range(12):
        cluster.lose_patience("r2")
    began = cluster.world.now_ms
    cluster.heal_and_expect_progress()
    assert min(cluster.node(name).durable.view for name in cluster.correct) >= 12
    assert cluster.world.now_ms - began > cluster.setting.liveness_bound_ms(0)


def test_a_run_is_the_same_for_the_same_seed() -> None:
    one, again = (endure(7, steps=1_000) for _ in range(2))
    assert (one.steps, one.sometimes) == (again.steps, again.sometimes)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_each_strategy_makes_a_difference_and_breaks_nothing(strategy: str) -> None:
    """The traitor is the first primary, and follows one strategy all along."""
    for seed in range(4):
        cluster = Cluster(Setting(), seed=seed)
        moves = {
            "time_passes": 50,
            "clients_ask": 40,
            "some_lose_patience": 5,
            "a_replica_pauses": 2,
            "a_replica_resumes": 3,
        }
        script = Script(cluster, seed, moves=moves)
        cluster.betray("r0", strategy)
        while cluster.steps < 1_500:
            script.move()
        cluster.heal_and_expect_progress()
        if cluster.den.used[f"strategy: {strategy}"] > 0:
            return
    raise AssertionError(f"{strategy} never made a difference")


def test_a_soak_that_met_too_little_is_inconclusive(context: Context) -> None:
    assert run_checks.soaked(context, seeds=1, steps=50).verdict.is_unknown
    result = CliRunner().invoke(main, ["--seeds", "1", "--steps", "50", "--no-spec"])
    assert result.exit_code == 3
    assert re.search(r"\d+ situations that matter were not met; soak longer:\n  ", result.output)


def test_hypothesis_finds_nothing_wrong(tmp_path: Path) -> None:
    run = run_machine(PbftMachine, seed=0, examples=8, folder=tmp_path)
    assert run.message == ""
    assert run.goals["a batch is executed"] >= 8


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--seeds", "0"], "x>=1"),
        (["--steps", "many"], "not a valid integer"),
        (["--replicas", "3"], "x>=4"),
        (["--traitors", "2"], "2 traitors of 4 replicas are more than the 1 that these allow for"),
        (["--mutant", "x"], "there is no mutant 'x'"),
    ],
)
def test_a_command_that_makes_no_sense_is_told_so(options: list[str], said: str) -> None:
    result = CliRunner().invoke(main, options)
    assert result.exit_code == 2
    assert said in result.output


def test_who_asks_for_a_soak_of_nothing_is_told() -> None:
    with pytest.raises(ConfigError, match="0 seeds of 1 steps by 1 processes"):
        Attacked(protocol="pbft", steps=1).soak(range(0))


def test_a_wrong_replica_is_told_with_its_seed_and_left_as_a_trace(tmp_path: Path) -> None:
    name = "joins-one-faulty-replica"
    command = ["--seeds", "1", "--steps", "2000", "--mutant", name, "--out", str(tmp_path)]
    result = CliRunner().invoke(main, command)
    assert result.exit_code == 1, result.output
    assert "seed 0: conforms to PbftRuns: at step " in result.output
    trace, log = tmp_path / "soak-pbft-0.itf.json", tmp_path / "soak-pbft-0.log"
    for line in (
        f"trace:    {trace}",
        f"inspect:  make inspect T={trace}",
        f"log:      {log}",
        f"repeat:   python -m property_tests.pbft.soak --seeds 1 --seed 0 --steps 2000 --mutant {name}",
    ):
        assert line in result.output
    shown = itf.read(trace)
    assert shown.violation is not None
    assert shown.violation.step == len(shown)
    assert log.read_text(encoding="utf-8")


def test_every_strategy_must_be_met() -> None:
    assert {f"strategy: {name}" for name in STRATEGIES} < set(INTERESTING)


# --- the judges can fail


@pytest.mark.parametrize(
    ("module", "rule", "wrong", "broken"),
    [
        (rules, "may_accept", lambda *_: True, "VotesOnce"),
        (
            rules,
            "commit_quorum_size",
            lambda _: 1,
            "ExecutedInOrder|Agreement|CertificateSafety|CheckpointSafety",
        ),
        (rules, "told", lambda _: (), "Agreement|CertificateSafety|LogIsBounded"),
        (rules, "in_window", lambda *_: True, "LogIsBounded"),
        (rules, "may_execute", lambda *_: True, "ExecutedInOrder|RepliesAgree"),
        (proofs, "certificate_flaw", lambda *_: "", "Agreement|CertificateSafety"),
        (proofs, "checkpoint_flaw", lambda *_: "", "Progress|CheckpointSafety"),
        (checkpoints, "receive_state_request", lambda node, _: Outcome(node), "Progress"),
    ],
)
def test_a_wrong_replica_is_found(
    monkeypatch: pytest.MonkeyPatch, module: Any, rule: str, wrong: Any, broken: str
) -> None:
    monkeypatch.setattr(module, rule, wrong)
    found = next((run for seed in range(25) if (run := endure(seed, steps=2_500)).broken), None)
    assert found is not None, "no run noticed it"
    assert re.fullmatch(broken, found.property), found.broken
    assert found.log


def test_hypothesis_finds_a_wrong_replica_and_leaves_the_trace_and_the_log_of_its_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rules, "told", lambda _: ())
    run = run_machine(
        PbftMachine, seed=0, examples=60, folder=tmp_path, command="repeat me", shrinking_seconds=5
    )
    assert run.trace is not None
    assert itf.read(run.trace).violation is not None
    log = tmp_path / "counterexample.log"
    assert f"log:     {log}\nrepeat:  repeat me" in run.message
    assert "PrePrepare" in log.read_text(encoding="utf-8")


# --- one traitor too many


def test_with_one_traitor_too_many_most_runs_end_in_a_disagreement() -> None:
    broken = [run for seed in range(12) if (run := disagrees(seed)).broken]
    assert len(broken) > 6


def test_a_disagreement_is_allowed_by_the_spec_shrunk_and_shows_the_proposals_that_contradict_each_other() -> (
    None
):
    shrunk = recorded(0, command="repeat me").trace
    assert shrunk.violation is not None
    assert shrunk.violation.property == "Agreement"
    assert len(shrunk) <= 10
    proposals = [step.arguments["message"] for step in shrunk.steps if step.action == "AcceptPrePrepare"]
    assert len({proposal["batch"] for proposal in proposals}) == 2
    assert {(proposal["source"].name, proposal["view"], proposal["seq"]) for proposal in proposals} == {
        ("r0", 0, 1)
    }
    assert replay(attrs.evolve(shrunk, violation=None), system()).violation is None
    page = render_page(lanes_of(shrunk), file="disagreement.itf.json")
    for proposal in proposals:
        assert to_tla(proposal["batch"]).strip("<>").strip('"') in page


def test_traitors_who_follow_the_protocol_make_nobody_disagree() -> None:
    """It is what they say that does it, and not that there are two."""
    cluster = Cluster(SETTING, seed=0)
    for number in range(12):
        cluster.ask(f"c{number}", number)
        cluster.advance(50)
    assert cluster.broken == {}
    assert len(cluster.safety.decided) == 12


def test_both_oracles_have_the_traitors_of_the_runs() -> None:
    correct = set(SETTING.names) - SETTING.traitors
    for each in (oracle_of(CONFIGS[0]), oracle()):
        (state,) = each.initial_states()
        assert {name.name for name in state.values["view"]} == correct
