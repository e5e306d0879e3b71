"""Simulated clusters of the hybrid under attack: nothing breaks, they serve, change to BFT, and come back."""

import re
from collections import Counter
from pathlib import Path

import attrs
import pytest
from click.testing import CliRunner

from impl import hybrid, pbft, raft
from impl.hybrid import clients, core, shapes, switches
from impl.hybrid.outcome import Outcome
from property_tests.attacked import Attacked
from property_tests.faulty import run_machine
from property_tests.hybrid.cluster import Cluster, Setting
from property_tests.hybrid.machine import HybridMachine
from property_tests.hybrid.script import EACH_RUN, INTERESTING, THERE_AND_BACK, Script, endure
from property_tests.hybrid.soak import main, unmet
from property_tests.hybrid.strategies import LOUD, QUIET, STRATEGIES
from property_tests.judged import Violated
from property_tests.soaking import Soaked
from tlacheck import itf
from tlacheck.errors import ConfigError
from tlacheck.sim import Deed, Mask, Moment

pytestmark = pytest.mark.sweep

# --- as many traitors as are allowed for


@pytest.mark.parametrize(("replicas", "traitors"), [(4, 0), (4, 1), (5, 1), (7, 2)])
def test_nothing_breaks_with_as_many_traitors_as_are_allowed_for(replicas: int, traitors: int) -> None:
    """Under all faults, with other traitors in each run; each run serves, goes to BFT, and returns to Raft."""
    for seed in range(3 - traitors):
        run = endure(seed, steps=1_500, setting=Setting.drawn(seed, replicas=replicas, traitors=traitors))
        assert run.broken == ""
        assert run.sometimes[THERE_AND_BACK]
        assert run.sometimes["the attack ends and a Raft epoch serves"]
        assert run.sometimes["operations of a linearizable history"] > 10


def test_a_run_is_the_same_for_the_same_seed() -> None:
    one, again = (endure(7, steps=1_000) for _ in range(2))
    assert (one.steps, one.sometimes) == (again.steps, again.sometimes)


#: What comes to bear only after changes of views in a row, or in a transfer of the state: soaks must meet it.
_RARE = ("pbft: stale certificates", "pbft: wrong new views", "pbft: wrong states")


@pytest.mark.parametrize("strategy", [name for name in STRATEGIES if name not in _RARE])
def test_each_strategy_makes_a_difference_and_breaks_nothing(strategy: str) -> None:
    """The traitor is the first primary, and follows one strategy all along but in attacks and quiet times."""
    for seed in range(10):
        run = endure(seed, steps=400, setting=Setting(), strategy=strategy)
        assert run.broken == ""
        if run.sometimes[f"strategy: {strategy}"]:
            return
    raise AssertionError(f"{strategy} never made a difference")


def test_in_peace_nothing_but_raft_serves() -> None:
    """No traitor, no fault: nobody suspects anybody, and epochs end because their chains are long, and for no other reason."""
    cluster = Cluster(Setting(traitors=frozenset()), seed=0)
    script = Script(cluster, 0, moves={"time_passes": 60, "clients_ask": 60})
    while cluster.steps < 3_000:
        script.move()
    cluster.judge_history()
    met = cluster.sometimes
    assert met["switch: raft to raft"] >= 3
    assert not any(met[name] for name in (*EACH_RUN, "level: LOW", "stopped: threat", "stopped: standstill"))
    assert met["a view is entered"] == 0


# --- what came to nothing before it was mended


def _lone(traitor: str, lone: str, seed: int) -> Cluster:
    """A BFT epoch ends while a correct replica is cut off, and changes PBFT's views alone; then the traitor falls silent."""
    cluster = Cluster(Setting(traitors=frozenset({traitor})), seed=seed)
    cluster.advance(400)
    everybody = cluster.setting.names
    while not all(cluster.node(name).is_bft for name in everybody):
        for name in cluster.correct[:2]:
            cluster.disturb(name, "nonsense")
        cluster.advance(20)
    cluster.inflict("partition", island=[lone])
    request = pbft.Request(client="x0", timestamp=1, operation=("operate", 1, ("get", "a")))
    cluster.give(pbft.signed(request, pbft.SymbolicKeys("x0")), [lone])
    while any(cluster.node(name).is_bft for name in everybody if name != lone):
        cluster.advance(50)
    assert cluster.node(lone).pbft.durable.changing
    cluster.betray(traitor, "silence")
    cluster.heal()
    return cluster


@pytest.mark.parametrize(("traitor", "lone"), [("r0", "r1"), ("r3", "r2")])
def test_who_changes_views_alone_takes_part_again(traitor: str, lone: str) -> None:
    """In a Raft epoch PBFT has nothing to do, and so nobody would join its view change."""
    for seed in range(3):
        cluster = _lone(traitor, lone, seed)
        cluster.expect_progress()
        cluster.expect_return()


def test_who_changes_views_alone_would_be_left_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(switches, "_wait_with_others", lambda node, _: Outcome(node))
    with pytest.raises(Violated, match="Progress"):
        _lone("r0", "r1", 0).expect_progress()


@attrs.frozen
class _NoAnswers:
    """Does all that it should among replicas, and tells clients nothing."""

    def begin(self) -> Mask:
        """The behaviour of one traitor, from now on."""

        def mask(moment: Moment) -> Deed:
            sent = tuple(
                send
                for send in moment.honest.sent
                if not isinstance(send.message, hybrid.Answer | pbft.Reply)
            )
            return Deed(moment.honest.state, sent)

        return mask


def _answers_withheld(seed: int) -> Cluster:
    """One correct replica stops alone; the traitor acks, so that the others execute, and tells clients nothing."""
    cluster = Cluster(Setting(traitors=frozenset({"r3"})), seed=seed, further={"no answers": _NoAnswers()})
    cluster.betray("r3", "no answers")
    cluster.advance(600)
    cluster.disturb("r2", cluster.den.signed(hybrid.Score(number=1_000, score=100, source="r3")))
    for _ in range(9):
        cluster.disturb("r2", "nonsense")
    cluster.advance(100)
    assert cluster.node("r2").serving is None
    assert all(cluster.node(name).serving for name in ("r0", "r1"))
    return cluster


@pytest.mark.parametrize("limit", [None, 1 << 63])
def test_a_liar_cannot_count_correct_replicas_out_of_the_range_of_terms(
    monkeypatch: pytest.MonkeyPatch, limit: int | None
) -> None:
    """The term after the last that has the shape of one has not: who says it is no liar."""
    if limit is not None:
        monkeypatch.setattr(core, "_TERM_END", limit)
    runs = [endure(seed, steps=600, setting=Setting(), strategy="huge terms").property for seed in range(8)]
    assert ("HonestIsTaken" in runs) == (limit is not None)


def test_a_leader_does_not_follow_another_of_its_own_term() -> None:
    """Liars give themselves any term, and vote twice: `impl.raft` knows of one leader in a term, and would lose its log."""
    cluster = Cluster(Setting(traitors=frozenset({"r3"})), seed=0)
    cluster.advance(1_000)
    (leader,) = (name for name in cluster.correct if cluster.node(name).is_leader)
    cluster.ask("c0", ("put", "a", 1))
    cluster.advance(100)
    server = cluster.node(leader).raft
    assert server is not None
    term = server.durable.current_term
    false = raft.AppendEntriesRequest(
        term=term,
        source="r3",
        dest=leader,
        prev_log_index=0,
        prev_log_term=0,
        entries=(raft.Entry(term, raft.NOOP), raft.Entry(term + 1, raft.NOOP)),
        leader_commit=0,
    )
    cluster.disturb(leader, cluster.den.signed(hybrid.Carried(epoch=0, message=false, source="r3")))
    after = cluster.node(leader).raft
    assert after is not None
    assert after.durable.log == server.durable.log
    cluster.ask("c0", ("get", "a"))
    cluster.advance(200)
    assert cluster.believed["c0"].sequence == 2


def test_no_chain_is_held_that_no_stop_could_show(monkeypatch: pytest.MonkeyPatch) -> None:
    """A leader may repeat requests without end; what is in a stop has bounds, and a correct replica's stop must be taken."""
    bound = Setting.drawn(0).config("r0").log_max
    shape = {
        **vars(shapes)["_SHAPES"][hybrid.Stopped],
        "chain": lambda _, chain: "long" * (len(chain) > bound),
    }
    monkeypatch.setitem(vars(shapes)["_SHAPES"], hybrid.Stopped, shape)
    assert not any(
        endure(seed, steps=300, setting=Setting.drawn(seed), strategy="long chains").broken for seed in (2, 7)
    )
    monkeypatch.setattr(hybrid.Config, "log_max", 1 << 40)
    runs = (
        endure(seed, steps=700, setting=Setting.drawn(seed), strategy="long chains") for seed in range(20)
    )
    assert any(run.property == "HonestIsTaken" for run in runs)


def test_an_operation_that_too_few_answer_ends_its_epoch(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where it is executed and cannot be believed, its client must not wait for ever."""
    cluster = _answers_withheld(0)
    cluster.expect_progress()
    assert cluster.sometimes["stopped: standstill"] > 0
    monkeypatch.setattr(clients, "_doubted", lambda node, _: node)
    with pytest.raises(Violated, match="Progress"):
        _answers_withheld(0).expect_progress()


# --- soaks


def test_a_soak_that_met_too_little_is_inconclusive() -> None:
    result = CliRunner().invoke(main, ["--seeds", "1", "--steps", "50", "--no-spec"])
    assert result.exit_code == 3
    assert re.search(r"\d+ situations that matter were not met; soak longer:\n  ", result.output)


def test_a_run_that_did_not_switch_there_and_back_is_inconclusive() -> None:
    met = Counter(dict.fromkeys(INTERESTING, 9))
    found = Soaked(seeds=9, steps=1, seconds=1.0, sometimes=met, broken=(), missing=())
    assert unmet(found, traitors=1) == ()
    met[THERE_AND_BACK] = 7
    assert unmet(found, traitors=1) == ("2 of 9 runs did not switch there and back",)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--seeds", "0"], "x>=1"),
        (["--steps", "many"], "not a valid integer"),
        (["--replicas", "3"], "x>=4"),
        (["--traitors", "2"], "2 traitors of 4 replicas are more than the 1 that these allow for"),
    ],
)
def test_a_command_that_makes_no_sense_is_told_so(options: list[str], said: str) -> None:
    result = CliRunner().invoke(main, options)
    assert result.exit_code == 2
    assert said in result.output


def test_who_asks_for_a_soak_of_nothing_is_told() -> None:
    with pytest.raises(ConfigError, match="0 seeds of 1 steps by 1 processes"):
        Attacked(protocol="hybrid", steps=1).soak(range(0))


def test_every_strategy_must_be_met() -> None:
    assert {f"strategy: {name}" for name in STRATEGIES} < set(INTERESTING)
    assert {*LOUD, *QUIET} < set(STRATEGIES)


# --- Hypothesis


def test_hypothesis_finds_nothing_wrong(tmp_path: Path) -> None:
    run = run_machine(HybridMachine, seed=0, examples=4, folder=tmp_path)
    assert run.message == ""
    assert run.goals["switch: raft to bft"]


def test_hypothesis_finds_a_wrong_replica_and_leaves_the_trace_and_the_log_of_its_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(switches, "_is_calm", lambda node: node.is_bft)
    runs = (
        run_machine(
            HybridMachine, seed=seed, examples=15, folder=tmp_path, command="repeat me", shrinking_seconds=1
        )
        for seed in range(10)  # what a seed draws depends on which modules are loaded
    )
    run = next((run for run in runs if run.failure), None)
    assert run is not None, "no run noticed it"
    log = tmp_path / "counterexample.log"
    assert f"log:     {log}\nrepeat:  repeat me" in run.message
    assert "Stopped" in log.read_text(encoding="utf-8")
    assert run.trace is not None
    assert itf.read(run.trace).violation is not None


def test_a_message_of_no_shape_is_refused_by_all() -> None:
    """Whatever it is, a replica says why, and is suspicious."""
    node = Cluster(Setting(), seed=0).node("r1")
    for nonsense in (None, 1, [], {}, object(), hybrid.Ack, type("Ack", (), {})()):
        after, effects = hybrid.step(node, hybrid.Receive(nonsense))
        assert any(isinstance(effect, hybrid.Refused) for effect in effects)
        assert after.threat.evidence > node.threat.evidence


def test_a_wrong_replica_is_found_told_with_its_seed_and_left_as_a_trace(tmp_path: Path) -> None:
    command = ["--seeds", "4", "--steps", "2000", "--mutant", "one-stop-joins", "--out", str(tmp_path)]
    result = CliRunner().invoke(main, command)
    assert result.exit_code == 1, result.output
    seed = re.search(r"^seed (\d): NobodyAlone: r\d stops", result.output, re.MULTILINE)
    assert seed is not None, result.output
    trace, log = tmp_path / f"soak-hybrid-{seed[1]}.itf.json", tmp_path / f"soak-hybrid-{seed[1]}.log"
    for line in (
        f"trace:    {trace}",
        f"inspect:  make inspect T={trace}",
        f"log:      {log}",
        f"repeat:   python -m property_tests.hybrid.soak --seeds 1 --seed {seed[1]} --steps 2000 --mutant one-stop-joins",
    ):
        assert line in result.output
    shown = itf.read(trace)
    assert shown.violation is not None
    assert shown.violation.step == len(shown)
    assert log.read_text(encoding="utf-8")


def test_a_cluster_that_the_spec_is_not_asked_about_is_told_how_to_be_soaked() -> None:
    command = ["--seeds", "1", "--steps", "50", "--replicas", "10"]
    result = CliRunner().invoke(main, command)
    assert result.exit_code == 2
    assert "has no configuration for 10 replicas" in result.output
    assert "With --no-spec it is judged without the spec" in result.output
    assert CliRunner().invoke(main, [*command, "--no-spec"]).exit_code == 3
