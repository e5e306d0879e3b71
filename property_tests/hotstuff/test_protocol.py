"""HotStuff under faults and Byzantine replicas, every step of which the spec judges: `protocol.py`."""

import shutil
from pathlib import Path
from typing import Any

import attrs
import pytest
from immutabledict import immutabledict

from impl import hotstuff
from impl.common.requests import Reply, Request
from impl.hotstuff import rules
from property_tests.hotstuff import protocol
from property_tests.hotstuff.by_view.adapter import every_behaviour_is_one, played
from property_tests.hotstuff.forgetting import forgetting
from property_tests.hotstuff.host import Ask
from property_tests.hotstuff.invariants import INVARIANTS, History, Linearizable, executed, hosts_in
from property_tests.hotstuff.replays import REPLAYS, system_for
from tlacheck import itf
from tlacheck.conform.replays import oracle_of
from tlacheck.conform.vet import vet
from tlacheck.harness import Broken, Run, SoakPlan, View, soak
from tlacheck.harness.checks import soaked, stateful
from tlacheck.harness.workload import Schedule
from tlacheck.sim import Command, Notify, Send, StepRecord
from tlacheck.verdict import Kind
from tlacheck.verify import Context

#: The first view in which a rule is broken: runs have forgotten by then.
FIRST_BROKEN = 30
SPECS = Path(__file__).resolve().parents[2] / "specs" / "hotstuff"
HOTSTUFF = "property_tests.hotstuff.protocol:HOTSTUFF"


def _context(folder: Path) -> Context:
    return Context(folder=folder, budget="ci", seed=0, command="", progress=lambda _: None)


@pytest.mark.sweep
def test_byzantine_replicas_break_nothing_and_there_is_progress(tmp_path: Path) -> None:
    outcome = soaked(_context(tmp_path), HOTSTUFF, seeds=20, steps=200)
    assert outcome.message == ""
    assert outcome.verdict.kind is Kind.SAMPLED, outcome.verdict


def test_hypothesis_breaks_nothing_either(tmp_path: Path) -> None:
    outcome = stateful(_context(tmp_path), HOTSTUFF, examples=20)
    assert outcome.message == ""


@pytest.mark.parametrize(
    ("rule", "broken"),
    [
        ("votes_later", lambda *_: True),
        ("certificate_size", lambda config: config.f + 1),
        ("in_a_row", lambda *_: True),
        ("timeouts_needed", lambda config: config.f + 1),
    ],
)
def test_the_spec_notices_a_broken_rule(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, rule: str, broken: Any
) -> None:
    """The invariants may notice first, so none of them ends a run here."""
    monkeypatch.setattr(rules, rule, broken)
    plan = SoakPlan(target=HOTSTUFF, steps=150, only=(), out=tmp_path)
    found = soak(plan, range(40), until_failed=True)
    assert [run.property for run in found.failed] == ["conforms to HotStuffRuns"]
    assert found.failed[0].trace is not None
    assert found.failed[0].trace.is_file()


@pytest.mark.parametrize(
    ("rule", "broken", "name"),
    [
        ("votes_later", lambda *_: True, "VotesOnce"),
        ("proposes_once", lambda *_: True, "ProposesOnce"),
        ("lock_for", lambda _, durable, __: durable.lock, "LockFollowsHigh"),
        ("view_to_join", lambda _, timeouts, __: max(each.view for each in timeouts.values()), "Together"),
        ("certificate_size", lambda config: config.quorum - 1, "CertificatesProved"),
        pytest.param(
            "safe_node",
            lambda *_: False,
            "all correct replicas execute something new",
            marks=pytest.mark.sweep,  # it takes as long as progress may
        ),
    ],
)
def test_without_the_spec_an_invariant_notices(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, rule: str, broken: Any, name: str
) -> None:
    monkeypatch.setattr(rules, rule, broken)
    plan = SoakPlan(target=HOTSTUFF, steps=150, judged=False, out=tmp_path)
    found = soak(plan, range(60), until_failed=True)
    assert [run.property for run in found.failed] == [name]


def test_seven_replicas_bear_two_byzantine_ones(tmp_path: Path) -> None:
    found = soak(SoakPlan(target=HOTSTUFF, steps=120, nodes=7, byzantine=2, out=tmp_path), range(2))
    assert [run.explanation for run in found.failed] == []
    assert sum(run.actions for run in found.runs) > 30


def test_there_are_traces_to_replay() -> None:
    assert len(REPLAYS.followed) >= 15
    assert len(REPLAYS.weakened) >= 20


def test_the_adapter_is_sound() -> None:
    oracle = oracle_of("property_tests.hotstuff.replays:REPLAYS")
    assert vet(lambda: system_for(oracle.spec.config), oracle, walks=2, steps=15) == ()


def test_two_views_of_the_message_grain_are_two_views_in_order(tmp_path: Path) -> None:
    outcome = every_behaviour_is_one(_context(tmp_path), grain="equivocation.cfg", views=1)
    assert outcome.verdict.kind is Kind.EXHAUSTED
    assert outcome.figures["outcomes"] == outcome.figures["view_ordered"] == 2


def test_a_single_vote_is_no_certificate_view_by_view() -> None:
    votes: dict[str, frozenset[Any]] = {
        "r0": frozenset({(immutabledict(view=2),)}),
        "r1": frozenset(),
        "r3": frozenset(),
    }
    one, two = (played(votes, needed=needed, views=2) for needed in (1, 2))
    assert isinstance(one, immutabledict)
    assert isinstance(two, immutabledict)
    assert (one["parents"], two["parents"]) == ((-1, 0), (-1, -1))


# --- invariants that no broken rule breaks soon enough: each is seen to fail on a view that was altered


@pytest.fixture(scope="module")
def reached() -> View:
    """A view in which blocks have been executed."""
    run = Run(protocol.HOTSTUFF, protocol.HOTSTUFF.sizes[0], seed=1, oracle=None)
    schedule = Schedule(run, protocol.HOTSTUFF, seed=1, faults=())
    for _ in range(400):
        schedule.happen()
        if min(len(executed(host)) for host in hosts_in(run.view).values()) >= 2:
            return run.view
    raise AssertionError("no two requests were executed")


def _with(view: View, name: str, **changes: Any) -> View:
    return immutabledict({**view, name: attrs.evolve(view[name], **changes)})


def _reason(name: str, view: View) -> str | None:
    (invariant,) = [each for each in INVARIANTS if each.name == name]
    return invariant.broken(view)


@pytest.mark.parametrize("name", [each.name for each in INVARIANTS])
def test_a_view_that_was_reached_breaks_no_invariant(reached: View, name: str) -> None:
    assert _reason(name, reached) is None


def test_another_order_of_execution_breaks_agreement(reached: View) -> None:
    node = reached["r0"].node
    value = tuple(reversed(node.durable.state.value))
    state = attrs.evolve(node.durable.state, value=value)
    node = attrs.evolve(node, durable=attrs.evolve(node.durable, state=state))
    assert "has executed" in str(_reason("Agreement", _with(reached, "r0", node=node)))


# --- histories, and what long runs forget


def _record(view: View, *commands: Command) -> StepRecord:
    return StepRecord(
        at_ms=0,
        node="r0",
        input=None,
        sender=None,
        message=None,
        before=view["r0"],
        after=view["r0"],
        commands=commands,
    )


def test_a_vote_for_a_child_of_an_uncertified_block_is_out_of_order(reached: View) -> None:
    """Nobody was seen to vote for its parent."""
    history = History(protocol.HOTSTUFF.sizes[0])
    durable = reached["r0"].node.durable
    blocks = [Notify(hotstuff.Stored(block)) for block in durable.blocks.values()]
    found = list(history.on_step(_record(reached, *blocks, Send("r1", durable.vote))))
    assert [each.property for each in found if isinstance(each, Broken)] == ["ViewOrdered"]


def test_two_results_of_one_request_are_no_linearizable_history(reached: View) -> None:
    judge = Linearizable(protocol.HOTSTUFF.sizes[0])
    judge.on_request("r0", Ask(Request(client="x", timestamp=1, operation="x1")))
    replies = [
        Notify(Reply(view=1, client="x", timestamp=1, result=result, source="r0")) for result in (1, 2)
    ]
    found = list(judge.on_step(_record(reached, *replies)))
    assert [each.property for each in found if isinstance(each, Broken)] == ["Linearizable"]


def test_two_requests_at_one_position_are_no_linearizable_history(reached: View) -> None:
    judge = Linearizable(protocol.HOTSTUFF.sizes[0])
    for client in ("x", "y"):
        judge.on_request("r0", Ask(Request(client=client, timestamp=1, operation=f"{client}1")))
        reply = Reply(view=1, client=client, timestamp=1, result=1, source="r0")
        assert list(judge.on_step(_record(reached, Notify(reply)))) == []
    assert [each.property for each in judge.on_end() if isinstance(each, Broken)] == ["Linearizable"]


def test_forgetting_changes_no_step_of_the_spec(tmp_path: Path) -> None:
    outcome = forgetting(_context(tmp_path), walks=3, steps=60)
    assert outcome.message == ""
    assert outcome.verdict.kind is Kind.SAMPLED


@pytest.mark.parametrize(
    ("rule", "wrong", "seed"),
    [
        ('"Vote"     -> Lives(b, m.block)', '"Vote"     -> m.block # b /\\ Lives(b, m.block)', 0),
        ("d \\in blocks[i] : Lives(b, d)", "d \\in blocks[i] : Lives(committed[i], d)", 0),
        pytest.param("m.view >= FirstOpenView", "m.view > FirstOpenView", 15, marks=pytest.mark.sweep),
    ],
)
def test_forgetting_too_much_is_noticed(tmp_path: Path, rule: str, wrong: str, seed: int) -> None:
    folder = tmp_path / "specs"
    shutil.copytree(SPECS, folder)
    module = folder / "HotStuffRuns.tla"
    text = module.read_text(encoding="utf-8")
    assert text.count(rule) == 1
    module.write_text(text.replace(rule, wrong), encoding="utf-8")
    outcome = forgetting(attrs.evolve(_context(tmp_path), seed=seed), walks=5, steps=80, folder=folder)
    assert outcome.verdict.violates == "Forget"


@pytest.mark.parametrize(
    ("rule", "broken"),
    [
        ("votes_later", lambda durable, view: view > durable.voted or view > FIRST_BROKEN),
        pytest.param(
            "in_a_row",
            lambda view, following: following == view + 1 or view > FIRST_BROKEN,
            marks=pytest.mark.sweep,
        ),
        pytest.param(
            "higher",
            lambda one, other: other if other.view > one.view and one.view < FIRST_BROKEN else one,
            marks=pytest.mark.sweep,
        ),
    ],
)
def test_the_spec_notices_a_rule_that_breaks_after_it_forgot(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, rule: str, broken: Any
) -> None:
    """It forgets for the first time about ten blocks after genesis."""
    monkeypatch.setattr(rules, rule, broken)
    plan = SoakPlan(target=HOTSTUFF, steps=2_000, only=(), out=tmp_path)
    found = soak(plan, range(10), until_failed=True)
    assert [run.property for run in found.failed] == ["conforms to HotStuffRuns"]
    (trace,) = [itf.read(run.trace) for run in found.failed if run.trace is not None]
    assert max(trace.states[-1]["view"].values()) > FIRST_BROKEN
    assert "Forget" in {step.action for step in trace.steps}


def test_a_replica_that_keeps_what_strangers_send_is_not_bounded(reached: View) -> None:
    node = reached["r0"].node
    some = next(iter(node.votes.values()), None)
    votes = immutabledict((f"x{number}", some) for number in range(9))
    view = _with(reached, "r0", node=attrs.evolve(node, votes=votes))
    assert "keeps" in str(_reason("Bounded", view))
