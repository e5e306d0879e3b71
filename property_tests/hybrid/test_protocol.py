"""Simulated clusters of the hybrid under attack: all is safe, they serve, switch to BFT, return to Raft."""

import re
from pathlib import Path
from typing import Any

import attrs
import pytest
from click.testing import CliRunner

from impl import hybrid, pbft, raft
from impl.common import StepResult
from impl.hybrid import clients, core, epochs, rules, shapes, switches
from property_tests.hybrid.adversary import LOUD, QUIET, STRATEGIES, Adversary
from property_tests.hybrid.host import HEALED, STRANGER, Ask, Disturb, configs_of
from property_tests.hybrid.invariants import THERE_AND_BACK, Safety
from property_tests.hybrid.protocol import GOALS, HYBRID, Progress, Return, size_of
from property_tests.hybrid.recorder import fitted
from property_tests.hybrid.runs import played, with_behaviour
from tlacheck import itf
from tlacheck.cli import main
from tlacheck.conform.lockstep import Diverged
from tlacheck.conform.system import NotPossible
from tlacheck.harness import Byzantine, Run, Size, demand
from tlacheck.harness.checks import soaked, stateful
from tlacheck.harness.run import oracle_of
from tlacheck.sim import ActiveBehaviour, ByzantineAction, ByzantineContext, Fault
from tlacheck.tlc.oracle import SpecOracle
from tlacheck.verify import Context

pytestmark = pytest.mark.sweep

TARGET = "property_tests.hybrid.protocol:HYBRID"
FOUR = HYBRID.sizes[0]
JUDGED = [size for size in HYBRID.sizes if size.config]


@pytest.fixture
def context(tmp_path: Path) -> Context:
    return Context(folder=tmp_path, budget="tests", seed=0, command="repeat me", progress=lambda _: None)


# --- f Byzantine replicas


@pytest.mark.parametrize("size", HYBRID.sizes, ids=lambda size: f"{len(size.nodes)}-{len(size.byzantine)}")
def test_nothing_breaks_with_up_to_f_byzantine_replicas(size: Size) -> None:
    """Under all faults, judged by the spec where it speaks of the cluster.

    Each run switches to BFT and back.
    """
    run = played(1, steps=2_500, size=size, judged=bool(size.config))
    assert run.broken == "", run.why
    assert run.goals[THERE_AND_BACK]
    assert run.goals["progress: Return"]
    assert run.goals["a history is linearizable"]


@pytest.mark.parametrize("size", JUDGED, ids=lambda size: str(len(size.nodes)))
def test_a_configuration_names_the_correct_replicas_of_its_size(size: Size) -> None:
    (state,) = oracle_of(HYBRID, size).initial_states()
    names = {name.name for name in state.values["known"]}
    assert names == {name for name in size.honest if name.startswith("r")}


def test_a_run_is_the_same_for_the_same_seed() -> None:
    one, again = (played(7, steps=1_500, judged=True) for _ in range(2))
    assert (one.run.steps, one.goals) == (again.run.steps, again.goals)
    assert one.run.recorder.trace() == again.run.recorder.trace()


#: Behaviours that matter only after views change in a row, or in a state transfer: soak tests must meet them.
_RARE = ("pbft: stale certificates", "pbft: wrong new views", "pbft: wrong states", "pbft: tampered batches")


@pytest.mark.parametrize("behaviour", [name for name in STRATEGIES if name not in _RARE])
def test_each_behaviour_makes_a_difference_and_breaks_nothing(behaviour: str) -> None:
    """The Byzantine replica has one behaviour all along, except in attacks and quiet times."""
    protocol = with_behaviour(behaviour)
    for seed in range(10):
        run = played(seed, steps=1_500, protocol=protocol)
        assert run.broken == "", run.why
        if run.goals[f"behaviour: {behaviour}"]:
            return
    raise AssertionError(f"{behaviour} never made a difference")


def test_each_behaviour_is_a_goal() -> None:
    assert {f"behaviour: {name}" for name in STRATEGIES} < {goal.name for goal in GOALS}
    assert {*LOUD, *QUIET} < set(STRATEGIES)


def test_without_faults_only_raft_serves() -> None:
    """Nobody suspects anybody: epochs end only because their prefixes are long."""
    run = Run(HYBRID, size_of(4, 0), seed=0, oracle=None)
    for number in range(400):
        run.request(f"c{number % 4}", Ask(("put", "a", number % 7)))
        run.advance(20)
    run.finish()
    met = run.goals
    assert met["switch: raft to raft"] >= 3
    others = ("switch: raft to bft", "level: LOW", "aborted: threat", "aborted: stalled", "a view is entered")
    assert not any(met[name] for name in others)


# --- regressions


@attrs.frozen
class _NoAnswers:
    """Follows the protocol among replicas, and answers no client."""

    def begin(self) -> ActiveBehaviour:
        """Begin the behaviour of one Byzantine replica."""

        def act(context: ByzantineContext) -> ByzantineAction:
            sent = tuple(
                send
                for send in context.honest.sent
                if not isinstance(send.message, hybrid.Answer | pbft.Reply)
            )
            return ByzantineAction(context.honest.state, sent)

        return act


def _with_adversary(byzantine: str, **further: Any) -> tuple[Run, Adversary]:
    """A run of four replicas, this one Byzantine, and its knowledge."""
    size = Size(FOUR.nodes, byzantine={byzantine})
    adversary = Adversary(configs_of(size), size.byzantine)
    declared = HYBRID.byzantine
    assert declared is not None
    behaviours = Byzantine(lambda size: {**declared.behaviours(size), **further})
    seed = further.pop("seed", 0)
    return Run(attrs.evolve(HYBRID, byzantine=behaviours), size, seed=seed, oracle=None), adversary


def _node(run: Run, name: str) -> hybrid.Node:
    node: hybrid.Node = run.cluster.states[name].node
    return node


def _left_behind(byzantine: str, lone: str, seed: int) -> Run:
    """A BFT epoch ends while a correct replica is cut off and changes PBFT's views alone.

    Then the Byzantine one is silent.
    """
    run, _ = _with_adversary(byzantine, seed=seed)
    replicas = [name for name in FOUR.nodes if name.startswith("r")]
    run.advance(400)
    while not all(_node(run, name).is_bft for name in replicas):
        run.request(STRANGER, Disturb(1))
        run.advance(20)
    run.inflict(Fault.of("partition", group=[lone]))
    request = pbft.Request(client="x0", timestamp=1, operation=("operate", 1, ("get", "a")))
    run.request(lone, hybrid.Receive(pbft.signed(request, pbft.SymbolicKeys("x0"))))
    while any(_node(run, name).is_bft for name in replicas if name != lone):
        run.advance(50)
    assert _node(run, lone).bft.durable.changing
    run.inflict(Fault.of("make_byzantine", node=byzantine, behaviour="silence"))
    run.stabilise()
    return run


@pytest.mark.parametrize(("byzantine", "lone"), [("r0", "r1"), ("r3", "r2")])
def test_a_replica_that_changes_views_alone_takes_part_again(byzantine: str, lone: str) -> None:
    """In a Raft epoch PBFT has nothing to do, and nobody would join its view change."""
    for seed in range(2):
        run = _left_behind(byzantine, lone, seed)
        demand(run, Progress(), 0)
        demand(run, Return(), 0)


def test_a_replica_that_changes_views_alone_needs_company(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(switches, "_wait_with_others", lambda node, _: StepResult(node))
    with pytest.raises(Diverged, match="Progress"):
        demand(_left_behind("r0", "r1", 0), Progress(), 0)


@pytest.mark.parametrize("limit", [None, 1 << 63])
def test_a_huge_term_of_a_byzantine_replica_is_rejected(
    monkeypatch: pytest.MonkeyPatch, limit: int | None
) -> None:
    """A correct replica that took the last well-formed term would send malformed messages in the next one."""
    if limit is not None:
        monkeypatch.setattr(core, "_TERM_END", limit)
    protocol = with_behaviour("huge terms")
    runs = [played(seed, steps=2_000, protocol=protocol).broken for seed in range(8)]
    assert ("HonestIsTaken" in runs) == (limit is not None)


def test_a_leader_ignores_another_leader_of_its_term() -> None:
    """Byzantine replicas vote twice, and claim any term; `impl.raft` knows of one leader in a term."""
    run, adversary = _with_adversary("r3")
    run.advance(1_000)
    (leader,) = (name for name in ("r0", "r1", "r2") if _node(run, name).is_leader)
    run.request("c0", Ask(("put", "a", 1)))
    run.advance(100)
    server = _node(run, leader).raft
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
    envelope = adversary.signed(hybrid.Envelope(epoch=0, message=false, source="r3"))
    run.request(leader, hybrid.Receive(envelope))
    after = _node(run, leader).raft
    assert after is not None
    assert after.durable.log == server.durable.log
    run.request("c0", Ask(("get", "a")))
    run.advance(200)
    assert run.judge(Safety).last_accepted["c0"].sequence == 2


def test_no_prefix_is_locked_that_no_abort_could_show(monkeypatch: pytest.MonkeyPatch) -> None:
    """A leader may repeat requests without end.

    An abort has bounds, and that of a correct replica must be accepted.
    """
    bound = configs_of(FOUR)["r0"].log_max
    shape = {
        **shapes.SHAPES.fields[hybrid.AbortHistory],
        "prefix": lambda _, prefix: "long" * (len(prefix) > bound),
    }
    monkeypatch.setitem(shapes.SHAPES.fields, hybrid.AbortHistory, shape)
    _led_without_end(0)
    monkeypatch.setattr(hybrid.Config, "log_max", 1 << 40)
    with pytest.raises(Diverged, match="HonestIsTaken"):
        _led_without_end(0)


def _led_without_end(seed: int) -> None:
    """A Byzantine replica leads again and again, and repeats requests without end."""
    run, _ = _with_adversary("r3", seed=seed)
    run.inflict(Fault.of("make_byzantine", node="r3", behaviour="long logs"))
    for number in range(60):
        if number % 8 == 0:
            run.request("r3", hybrid.ElectionTimeout())
        run.request(f"c{number % 4}", Ask(("put", "a", number)))
        run.advance(60)
    assert run.goals["behaviour: long logs"]


def _answers_withheld(seed: int) -> Run:
    """One correct replica aborts alone.

    The Byzantine one votes, so that the others execute, and answers no client.
    """
    run, adversary = _with_adversary("r3", seed=seed, **{"no answers": _NoAnswers()})
    run.inflict(Fault.of("make_byzantine", node="r3", behaviour="no answers"))
    run.advance(600)
    score = adversary.signed(hybrid.Score(number=1_000, score=100, source="r3"))
    run.request("r2", hybrid.Receive(score))
    for _ in range(9):
        run.request("r2", hybrid.Receive("nonsense"))
    run.advance(100)
    assert _node(run, "r2").serving is None
    assert all(_node(run, name).serving for name in ("r0", "r1"))
    return run


def test_an_operation_that_too_few_answer_ends_its_epoch(monkeypatch: pytest.MonkeyPatch) -> None:
    """An executed operation that no client can accept must not keep its client waiting for ever."""
    run = _answers_withheld(0)
    demand(run, Progress(), 0)
    assert run.goals["aborted: stalled"] > 0
    assert HEALED in run.judge(Safety).last_accepted
    monkeypatch.setattr(clients, "_noted_unconfirmed", lambda node, _: node)
    with pytest.raises(Diverged, match="Progress"):
        demand(_answers_withheld(0), Progress(), 0)


def test_a_malformed_message_is_rejected_and_suspicious() -> None:
    node = hybrid.first_start(configs_of(FOUR)["r1"])
    for nonsense in (None, 1, [], {}, object(), hybrid.Vote, type("Vote", (), {})()):
        after, effects = hybrid.step(node, hybrid.Receive(nonsense))
        assert any(isinstance(effect, hybrid.Refused) for effect in effects)
        assert after.threat.evidence > node.threat.evidence


# --- the spec as a judge


def test_a_run_may_begin_with_a_prefix_that_is_undone() -> None:
    runs = (played(seed, steps=400, judged=True) for seed in range(20))
    run = next(run for run in runs if run.goals["a tentative execution is undone"])
    assert run.broken == "", run.why
    trace = run.run.recorder.trace()
    assert trace is not None
    locks = [step.arguments for step in trace.steps if step.action == "Lock"]
    assert [lock["term"] for lock in locks[:2]] == [1, 2]
    assert locks[0]["prefix"] != locks[1]["prefix"]


def test_huge_terms_of_byzantine_replicas_keep_their_order() -> None:
    terms = [0, 1, 2, 1 << 40, (1 << 40) + 1, (1 << 62) - 2, 1 << 62]
    shown = [fitted(term) for term in terms]
    assert shown == sorted(set(shown))
    assert shown[:3] == [0, 1, 2]
    assert shown[-1] < 2**31
    with pytest.raises(NotPossible, match="term 1073741824 is far from all of 0, "):
        fitted(1 << 30)


@pytest.mark.parametrize(
    ("module", "rule", "wrong", "action"),
    [
        (rules, "must_join", lambda others, _: others >= 1, "Abort"),
        (rules, "may_vote", lambda *_: True, "Vote"),
        (rules, "is_quorum", lambda *_: True, "Lock"),
        (switches, "_wants_switchback", lambda node: node.is_bft, "VoteSwitchback"),
        (epochs, "_executed", lambda node, _, __, prefix: (node.committed, prefix), "Lock"),
    ],
    ids=[
        "one abort joins",
        "votes for anything",
        "one vote certifies",
        "switches back at High",
        "executes nothing",
    ],
)
def test_a_step_that_the_spec_forbids_leaves_it(
    monkeypatch: pytest.MonkeyPatch, module: Any, rule: str, wrong: Any, action: str
) -> None:
    monkeypatch.setattr(module, rule, wrong)
    runs = (played(seed, steps=1_500, judged=True, only=frozenset()) for seed in range(8))
    found = next((run for run in runs if run.broken), None)
    assert found is not None, "the spec allowed it all"
    assert found.broken == "conforms to HybridRuns"
    assert f"the spec allows no {action}(" in found.why


def test_a_broken_property_ends_the_run_with_its_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    def blind(self: Any, taken: Any) -> Any:
        del self, taken
        yield "Kept", "something is lost"

    monkeypatch.setattr(Safety, "_step", blind)
    run = played(1, steps=100, judged=True)
    assert (run.broken, run.why) == ("Kept", "something is lost")
    assert run.trace is not None


def test_the_invariants_of_the_spec_are_judged_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SpecOracle, "violated_invariants", lambda *_: ("Kept",))
    assert played(1, steps=100, judged=True).broken == "Kept"


# --- commands and checks


def test_a_short_soak_test_is_inconclusive(tmp_path: Path) -> None:
    command = ["soak", TARGET, "--seeds", "1", "--steps", "50", "--not-judged", "--out", str(tmp_path)]
    result = CliRunner().invoke(main, command)
    assert result.exit_code == 3, result.output
    assert "never met: behaviour: " in result.output


def test_a_run_without_a_switch_breaks_a_property(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Safety, "is_there_and_back", False)
    assert played(0, steps=500).broken == "SwitchesBothWays"


def test_a_wrong_replica_is_found_with_its_seed_and_its_trace(tmp_path: Path) -> None:
    command = ["soak", TARGET, "--seeds", "4", "--steps", "3000", "--mutant", "one-abort-joins"]
    result = CliRunner().invoke(main, [*command, "--out", str(tmp_path)])
    assert result.exit_code == 1, result.output
    seed = re.search(r"^seed (\d): (conforms|NobodyAlone)", result.output, re.MULTILINE)
    assert seed is not None, result.output
    shown = itf.read(tmp_path / f"soak-hybrid-one-abort-joins-{seed[1]}.itf.json")
    assert shown.violation is not None
    assert shown.violation.step == len(shown)


def test_a_size_without_a_configuration_runs_only_unjudged() -> None:
    result = CliRunner().invoke(main, ["soak", TARGET, "--nodes", "16", "--steps", "50"])
    assert result.exit_code == 2
    assert "with --not-judged they run without the spec" in result.output


def test_hypothesis_finds_nothing_wrong(context: Context) -> None:
    goals = ("progress: Progress", "progress: Return", "switch: raft to bft")
    outcome = stateful(context, TARGET, examples=4, every_size=True, goals=goals)
    assert outcome.message == ""


def test_hypothesis_finds_a_wrong_replica(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(switches, "_wants_switchback", lambda node: node.is_bft)
    outcome = stateful(context, TARGET, examples=15, shrinking_seconds=1)
    assert outcome.verdict.violates
    assert outcome.trace is not None
    assert itf.read(outcome.trace).violation is not None


def test_the_check_demands_each_action_of_the_spec(context: Context) -> None:
    outcome = soaked(context, "property_tests.hybrid.protocol:EACH_ACTION", seeds=1, steps=50)
    assert outcome.verdict.is_unknown
    assert "never met: " in str(outcome.verdict.reason)
