"""The coordination flow: its ways, its answers under faults, its bounds. MANAGER-4."""

from pathlib import Path
from typing import Any

import pytest

from impl import coordination
from impl.coordination import BadQuery, Outcome, Query, Topology, Way, client, coordinator, way_of
from impl.coordination import reading as readings
from impl.manager import BadOperation, barrier
from impl.manager.barrier import rules
from property_tests.coordination import judge
from property_tests.coordination.cluster import KEY, Done, Flow, topology
from property_tests.coordination.judge import BOUND_MS, Run, findings, flow_under_faults, under_faults
from property_tests.coordination.layers import LAYERS
from tlacheck.mutants import try_mutants
from tlacheck.verdict import Kind
from tlacheck.verify import Context

SHAPE = topology((4, 5, 6), spare=2)
#: What coordinators send one another for a query by Raft.
OF_QUERIES = ("Part", "PartRequest", "_Forwarded")


@pytest.fixture(name="flow")
def started() -> Flow:
    flow = Flow(SHAPE, seed=1)
    flow.advance(1_500)
    return flow


def ask(flow: Flow, kind: str, *categories: str) -> Done:
    """Ask, and wait for the answer; it comes within the bound."""
    number = flow.ask(kind, categories)
    flow.advance(BOUND_MS, until=lambda: any(done.answer.number == number for done in flow.done))
    (done,) = [done for done in flow.done if done.answer.number == number]
    return done


# --- ways


@pytest.mark.parametrize(
    ("kind", "categories", "way"),
    [
        ("Q-table sync", ("k0",), Way.GOSSIP), ("health heartbeat", ("k1",), Way.GOSSIP),
        ("pattern broadcast", ("k2",), Way.GOSSIP), ("feature activation", ("k0",), Way.RAFT),
        ("dependency check", ("k0",), Way.RAFT), ("safe zone update", ("k0",), Way.RAFT),
        ("Q-table sync", ("k0", "k1"), Way.RAFT), ("anything else", ("k0",), Way.GOSSIP),
    ],
)  # fmt: skip
def test_a_query_goes_the_way_of_the_documents_table(
    kind: str, categories: tuple[str, ...], way: Way
) -> None:
    assert way_of(Query("client", 0, kind, KEY, categories), SHAPE) is way


@pytest.mark.parametrize(
    ("kind", "categories", "says"),
    [
        ("Q-table sync", (), "name one at least"),
        ("Q-table sync", ("k0", "k0"), "each once"),
        ("Q-table sync", ("k9",), "no category 'k9': use one of k0, k1, k2"),
        ("model update", ("k0",), "is for PBFT"),
    ],
)
def test_a_query_that_nobody_can_answer_is_refused(kind: str, categories: tuple[str, ...], says: str) -> None:
    with pytest.raises(BadQuery, match=says):
        way_of(Query("client", 0, kind, KEY, categories), SHAPE)


def test_a_misspelt_type_is_not_gossiped() -> None:
    with pytest.raises(BadOperation, match="write 'dependency check'"):
        way_of(Query("client", 0, "Dependency Check", KEY, ("k0",)), SHAPE)


def test_a_query_within_a_category_takes_no_message_of_raft(flow: Flow) -> None:
    """The logs of Raft stay as long as they were, and coordinators exchange nothing for it (A102-17)."""
    lengths = {name: node.durable.last_index for name, node in flow.rafts.items()}
    between = flow.load(OF_QUERIES)
    done = ask(flow, "Q-table sync", "k0")
    assert (done.answer.outcome, done.answer.index) == (Outcome.COMPLETE, None)
    assert dict(done.answer.values) == {agent: agent for agent in SHAPE.categories["k0"]}
    assert lengths == {name: node.durable.last_index for name, node in flow.rafts.items()}
    assert flow.load(OF_QUERIES) == between
    assert done.took_ms <= 40


def test_a_query_across_categories_is_answered_once_with_all_agents(flow: Flow) -> None:
    done = ask(flow, "Q-table sync", "k0", "k1", "k2")
    assert done.answer.outcome is Outcome.COMPLETE
    assert set(done.answer.values) == set(flow.agents)
    assert done.answer.index is not None
    flow.advance(5_000)
    assert len(flow.done) == 1


# --- faults


def test_another_coordinator_answers_for_one_that_is_down(flow: Flow) -> None:
    own, leader = SHAPE.deputies("k1")[0], flow.leader()
    flow.crash(own if own != leader else SHAPE.deputies("k1")[1])
    flow.crash(own)
    for categories in (("k1",), ("k0", "k1", "k2")):
        assert ask(flow, "Q-table sync", *categories).answer.outcome is Outcome.COMPLETE


def test_without_a_majority_queries_by_raft_fail_and_others_do_not(flow: Flow) -> None:
    for name in SHAPE.coordinators[2:]:
        flow.crash(name)
    flow.advance(1_000)
    failed = ask(flow, "dependency check", "k0")
    assert (failed.answer.outcome, failed.answer.reason) == (
        Outcome.FAILED, "Raft has not decided the query in time",
    )  # fmt: skip
    assert ask(flow, "Q-table sync", "k0").answer.outcome is Outcome.COMPLETE


def test_with_all_coordinators_down_a_query_fails_in_bounded_time(flow: Flow) -> None:
    for name in SHAPE.coordinators:
        flow.crash(name)
    done = ask(flow, "Q-table sync", "k0")
    assert (done.answer.outcome, done.answer.reason) == (Outcome.FAILED, "none of 3 coordinators answered")


def test_an_answer_says_which_agents_are_missing_and_why(flow: Flow) -> None:
    gone = SHAPE.categories["k0"][0]
    flow.crash(gone)
    flow.advance(40_000)
    for kind in ("Q-table sync", "dependency check"):
        answer = ask(flow, kind, "k0").answer
        assert answer.outcome is Outcome.PARTIAL
        assert dict(answer.missing) == {gone: "the agent is dead"}


def test_behind_a_barrier_no_answer_is_older_than_its_fence(flow: Flow) -> None:
    """Of who has not renewed its record yet the answer says so; once the barrier has passed, all have."""
    leader = flow.leader()
    assert leader is not None
    flow.propose(barrier.Fence())
    flow.advance(100)
    before = ask(flow, "Q-table sync", "k0").answer
    assert before.outcome is Outcome.FAILED
    assert all("before the fence at" in why for why in before.missing.values())
    flow.open(leader, flow.agents)
    flow.advance(5_000)
    assert [ended.result for _, ended in flow.ended] == [barrier.Result.PASSED]
    assert ask(flow, "Q-table sync", "k0").answer.outcome is Outcome.COMPLETE


def test_a_barrier_that_waits_for_a_dead_agent_ends_as_unknown(flow: Flow) -> None:
    leader = flow.leader()
    assert leader is not None
    gone = flow.agents[0]
    flow.crash(gone)
    flow.propose(barrier.Fence())
    flow.advance(100)
    flow.open(leader, flow.agents)
    flow.advance(15_000)
    assert [(ended.result, ended.missing) for _, ended in flow.ended] == [(barrier.Result.UNKNOWN, (gone,))]


# --- cores


def view(node: str = "c0", *, applied: int = 0) -> coordination.View:
    flow = Flow(SHAPE)
    made = flow.barriers[node]
    for index in range(1, applied + 1):
        made, _ = barrier.step(made, barrier.Committed(index, None))
    return coordination.View(flow.gossips[node], made)


def test_a_coordinator_with_too_many_queries_says_so_at_once() -> None:
    config = coordinator.Config(node="c0", topology=SHAPE, pending_max=1)
    made = coordinator.start(config)
    one, two = (Query("client", number, "dependency check", KEY, ("k0",)) for number in (0, 1))
    made, effects = coordinator.step(made, coordinator.Asked(one, view()))
    assert effects == (
        coordinator.Opened(("client", 0)), coordinator.Replicate(coordinator.Ordered(one, "c0")),
    )  # fmt: skip
    _, (reply,) = coordinator.step(made, coordinator.Asked(two, view()))
    assert isinstance(reply, coordinator.Reply)
    assert (reply.answer.outcome, reply.answer.reason) == (Outcome.FAILED, "c0 has 1 queries open")


def test_parts_before_the_decision_wait_for_it() -> None:
    """The aggregator applies the query last: it knows then where all was read."""
    made = coordinator.start(coordinator.Config(node="c0", topology=SHAPE))
    query = Query("client", 0, "dependency check", KEY, ("k1",))
    made, _ = coordinator.step(made, coordinator.Asked(query, view()))
    told = tuple((agent, coordination.Reading("told")) for agent in SHAPE.categories["k1"])
    part = coordinator.Part(("client", 0), "k1", 1, told)
    made, effects = coordinator.step(made, coordinator.Receive("c1", part, view()))
    assert effects == ()
    decided = coordinator.Decided(1, coordinator.Ordered(query, "c0"), view(applied=1))
    _, (reply,) = coordinator.step(made, decided)
    assert isinstance(reply, coordinator.Reply)
    assert (reply.answer.outcome, reply.answer.index) == (Outcome.COMPLETE, 1)


def test_a_part_read_before_the_decision_does_not_count() -> None:
    """It is of an earlier time at which the query was open: the answer would be older than it says."""
    made = coordinator.start(coordinator.Config(node="c0", topology=SHAPE))
    query = Query("client", 0, "dependency check", KEY, ("k1",))
    made, _ = coordinator.step(made, coordinator.Asked(query, view()))
    parts = [coordinator.Part(("client", 0), "k1", index, ()) for index in (1, 2)]
    made, _ = coordinator.step(made, coordinator.Receive("c1", parts[0], view()))
    decided = coordinator.Decided(2, coordinator.Ordered(query, "c0"), view(applied=2))
    for inp in (decided, coordinator.Receive("c1", parts[0], view())):
        made, effects = coordinator.step(made, inp)
        assert effects == ()
    _, (reply,) = coordinator.step(made, coordinator.Receive("c1", parts[1], view()))
    assert isinstance(reply, coordinator.Reply)


def test_a_query_that_raft_has_not_decided_is_proposed_again() -> None:
    made = coordinator.start(coordinator.Config(node="c0", topology=SHAPE))
    query = Query("client", 0, "dependency check", KEY, ("k1",))
    made, _ = coordinator.step(made, coordinator.Asked(query, view()))
    _, effects = coordinator.step(made, coordinator.Chase(("client", 0)))
    assert effects == (coordinator.Replicate(coordinator.Ordered(query, "c0")),)


def test_a_deputy_behind_the_query_says_nothing() -> None:
    made = coordinator.start(coordinator.Config(node="c1", topology=SHAPE))
    query = Query("client", 0, "dependency check", KEY, ("k0",))
    asked = coordinator.PartRequest(query, "k0", 2)
    for applied, indices in ((1, []), (2, [2]), (5, [5])):
        inp = coordinator.Receive("c0", asked, view("c1", applied=applied))
        sent = [each.message for each in coordinator.step(made, inp)[1] if isinstance(each, coordinator.Send)]
        assert [part.index for part in sent] == indices


def test_an_aggregator_asks_deputies_in_turn_perhaps_itself() -> None:
    made = coordinator.start(coordinator.Config(node="c0", topology=SHAPE))
    query = Query("client", 0, "dependency check", KEY, ("k1",))
    made, _ = coordinator.step(made, coordinator.Asked(query, view()))
    made, _ = coordinator.step(
        made, coordinator.Decided(1, coordinator.Ordered(query, "c0"), view(applied=1))
    )
    asked = list[str]()
    for _ in range(5):
        made, effects = coordinator.step(made, coordinator.Chase(("client", 0)))
        asked += [each.dest for each in effects if isinstance(each, coordinator.Send)]
    assert asked == ["c2", "c3", "c4", "c0", "c1"]


def test_a_client_takes_the_first_answer_only() -> None:
    query = Query("client", 7, "Q-table sync", KEY, ("k0",))
    made, _ = client.step(client.start(SHAPE), client.Ask(query))
    answer = coordination.Answer(7, Outcome.FAILED, reason="busy")
    made, effects = client.step(made, client.Heard("c0", answer))
    assert effects == (client.Done(answer),)
    assert client.step(made, client.Heard("c0", answer))[1] == ()


def _after_silence(avoids: int = 2) -> client.Client:
    """A client whose first query waited for c0 in vain, and was answered by c1."""
    made = client.start(SHAPE, avoids=avoids)
    made, _ = client.step(made, client.Ask(Query("client", 0, "Q-table sync", KEY, ("k0",))))
    made, effects = client.step(made, client.TimedOut(0))
    assert [each.dest for each in effects if isinstance(each, client.Send)] == ["c1"]
    made, _ = client.step(made, client.Heard("c1", coordination.Answer(0, Outcome.COMPLETE)))
    return made


def _first_asked(made: client.Client, number: int) -> tuple[client.Client, str]:
    query = Query("client", number, "Q-table sync", KEY, ("k0",))
    made, (sent,) = client.step(made, client.Ask(query))
    assert isinstance(sent, client.Send)
    return made, sent.dest


def test_a_client_avoids_a_silent_coordinator_for_some_queries() -> None:
    made, asked = _after_silence(), list[str]()
    for number in (1, 2, 3):
        made, dest = _first_asked(made, number)
        asked.append(dest)
    assert asked == ["c1", "c1", "c0"]


def test_a_client_asks_a_coordinator_again_that_it_hears() -> None:
    made, _ = client.step(_after_silence(), client.Heard("c0", coordination.Answer(0, Outcome.COMPLETE)))
    assert _first_asked(made, 1)[1] == "c0"


def test_a_client_that_avoids_nobody_asks_the_silent_one_again() -> None:
    assert _first_asked(_after_silence(avoids=0), 1)[1] == "c0"


def test_a_client_asks_each_coordinator_once_at_most() -> None:
    made = _after_silence()
    made, _ = client.step(made, client.Ask(Query("client", 1, "Q-table sync", KEY, ("k0",))))
    sent = list[str]()
    for _ in range(3):
        made, effects = client.step(made, client.TimedOut(1))
        sent += [each.dest for each in effects if isinstance(each, client.Send)]
    assert sent == ["c2", "c3"]
    assert not made.open


@pytest.mark.parametrize(
    ("categories", "coordinators", "says"),
    [({}, ("c0",), "needs a category"), ({"k": ("a",)}, (), "and a coordinator"),
     ({"k": ("a",), "l": ("a",)}, ("c0",), "an agent is in two categories")],
)  # fmt: skip
def test_a_topology_that_makes_no_sense_is_refused(categories: Any, coordinators: Any, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        Topology(categories, coordinators)


# --- under faults


def test_under_faults_each_query_has_one_answer_in_time() -> None:
    for seed in range(3):
        _, broken = under_faults(seed)
        assert broken == []


@pytest.mark.sweep
def test_many_runs_under_faults_break_nothing(tmp_path: Path) -> None:
    context = Context(folder=tmp_path, budget="ci", seed=100, command="", progress=lambda _: None)
    outcome = flow_under_faults(context, seeds=40)
    assert outcome.message == ""
    assert outcome.verdict.kind is Kind.SAMPLED


def test_an_answer_too_many_or_too_few_is_noticed() -> None:
    run = Run.of(1)
    run.advance(1_500)
    run.ask("Q-table sync", ("k0",))
    assert [name for name, _ in findings(run)] == ["Answered"]
    run.advance(100)
    assert list(findings(run)) == []
    run.flow.done *= 2
    assert [name for name, _ in findings(run)] == ["Answered"]


@pytest.mark.parametrize(
    ("module", "rule", "other", "name"),
    [
        (readings, "read", lambda *_: coordination.Reading(missing="who knows"), "Progress"),
        (rules, "is_fresh", lambda *_: True, "Behind"),
        (readings, "read", lambda *_: coordination.Reading("made up"), "Written"),
    ],
)
@pytest.mark.sweep
def test_a_broken_flow_is_noticed(
    monkeypatch: pytest.MonkeyPatch, module: Any, rule: str, other: Any, name: str
) -> None:
    monkeypatch.setattr(module, rule, other)
    monkeypatch.setattr(coordinator, "read", readings.read)
    found = {what for seed in range(12) for what, _ in judge.under_faults(seed)[1]}
    assert name in found


@pytest.mark.sweep
@pytest.mark.parametrize(
    ("mutant", "property_name"),
    [
        ("all-by-gossip", "Accounted"),
        ("checks-by-gossip", "Way"),
        ("tells-no-part", "Prompt"),
        ("forgets-the-silent", "Remembers"),
    ],
)
def test_a_wrong_way_is_noticed(tmp_path: Path, mutant: str, property_name: str) -> None:
    """A judge that asked the code for the way of a query would find each way right."""
    judged = [layer for layer in LAYERS if layer.name == "faults"]
    (result,) = try_mutants(
        "property_tests.coordination.mutants:MUTANTS", judged, folder=tmp_path, only=mutant
    )
    assert result.first is not None
    assert result.first.violates == property_name
