"""The consensus manager (`impl.manager`): routing and stand-ins. MANAGER-1, MANAGER-2."""

import contextlib
from collections.abc import Hashable, Mapping
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from impl import gossip, hotstuff, pbft, raft
from impl.manager import (
    GUARANTEES,
    MESSAGES,
    OPERATIONS,
    BadEngine,
    BadOperation,
    Consistency,
    Engine,
    EngineMissing,
    EngineName,
    EngineUnavailable,
    GossipEngine,
    Health,
    HotStuffEngine,
    Manager,
    ManagerError,
    NotHere,
    Operation,
    PbftEngine,
    Policy,
    RaftEngine,
    State,
    Submission,
    UnsafePolicy,
    route,
)
from tests.impl import hotstuff_nodes, nodes, pbft_nodes

PBFT, HOTSTUFF, RAFT, GOSSIP = EngineName.PBFT, EngineName.HOTSTUFF, EngineName.RAFT, EngineName.GOSSIP
BFT = (PBFT, HOTSTUFF)
WELL, ELSEWHERE, UNWELL = State.WELL, State.ELSEWHERE, State.UNWELL


def widest(bft: EngineName) -> Policy:
    """The widest legal policy of a cluster with one BFT protocol."""
    return Policy({RAFT: (bft,), GOSSIP: (RAFT, bft)}, bft)


WIDEST = widest(PBFT)


@attrs.frozen
class Toy:
    """An engine in a given state whose input is the operation itself."""

    name: EngineName
    state: State = WELL

    @property
    def consistency(self) -> Consistency:
        return GUARANTEES[self.name].consistency

    def submit(self, operation: Operation) -> Hashable:
        return operation

    def health(self) -> Health:
        return Health(self.state, f"{self.name.value} is {self.state.value}")


def manager(states: Mapping[EngineName, State] | None = None, policy: Policy | None = None) -> Manager:
    """A manager with engines in these states; by default all, all well."""
    made = Manager(policy or Policy())
    for name, state in (dict.fromkeys(EngineName, WELL) if states is None else states).items():
        made = made.register(Toy(name, state))
    return made


# --- routes -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("model update", PBFT), ("security decision", PBFT), ("leader election", RAFT),
        ("task coordination", RAFT), ("status update", GOSSIP), ("metrics", GOSSIP),
        ("feature activation", RAFT), ("dependency check", RAFT), ("safe zone update", RAFT),
        ("Q-table sync", GOSSIP), ("health heartbeat", GOSSIP), ("pattern broadcast", GOSSIP),
        ("lunch order", GOSSIP),
    ],
)  # fmt: skip
def test_an_operation_is_routed_as_the_documents_tables_say(kind: str, name: EngineName) -> None:
    """A2, Protocol Selection Matrix; A102, Message Types; and the rest is gossip."""
    operation = Operation(kind, "data")
    assert route(kind) is name
    assert manager().submit(operation) == Submission(name, operation)


def test_no_type_is_in_both_tables() -> None:
    assert not set(OPERATIONS) & set(MESSAGES)


@pytest.mark.parametrize(
    "kind", ["Model Update", "model updates", "model_update", "modelUpdate", "MODEL-UPDATE", " model update"]
)
def test_a_misspelt_critical_type_is_refused_and_not_gossiped(kind: str) -> None:
    with pytest.raises(BadOperation, match="write 'model update', which is for PBFT"):
        route(kind)


@pytest.mark.parametrize("kind", ["", "  ", None, 7, ["model update"], b"model update"])
def test_a_type_that_is_no_text_is_refused(kind: Any) -> None:
    with pytest.raises(BadOperation, match="use a text such as"):
        Operation(kind)
    with pytest.raises(BadOperation, match="is no type of an operation"):
        route(kind)


@pytest.mark.parametrize("data", [[1], {"a": 1}, {1}, (1, [2])])
def test_unhashable_data_is_refused(data: Any) -> None:
    with pytest.raises(BadOperation, match="cannot be hashed: use a tuple for a list"):
        Operation("model update", data)


def test_only_an_operation_can_be_submitted() -> None:
    nothing: Any = "model update"
    with pytest.raises(BadOperation, match="make an Operation of a type and data"):
        manager().submit(nothing)


# --- engines ------------------------------------------------------------------------------------


def test_an_engine_is_registered_once_and_then_updated() -> None:
    made = manager({RAFT: UNWELL})
    with pytest.raises(BadEngine, match="registered already: use update"):
        made.register(Toy(RAFT))
    assert made.update(Toy(RAFT)).submit(Operation("task coordination")).engine is RAFT
    with pytest.raises(BadEngine, match="no engine for PBFT is registered: use register"):
        made.update(Toy(PBFT))


def test_a_manager_is_a_value() -> None:
    before = Manager()
    assert before.register(Toy(RAFT)) != before
    assert not before.engines


def test_an_object_that_is_no_engine_cannot_be_registered() -> None:
    for nothing in (None, "Raft", object(), Operation("metrics")):
        other: Any = nothing
        with pytest.raises(BadEngine, match="is no engine: it needs name"):
            Manager().register(other)

    @attrs.frozen
    class Misnamed(Toy):
        name: Any = "Raft"
        consistency = Consistency.STRONG

    with pytest.raises(BadEngine, match="is no engine"):
        Manager().register(Misnamed())
    with pytest.raises(BadEngine, match="use register"):
        Manager(engines={PBFT: Toy(RAFT)})


def test_an_engine_must_promise_its_protocols_consistency() -> None:
    @attrs.frozen
    class Loose(Toy):
        @property
        def consistency(self) -> Consistency:
            return Consistency.EVENTUAL

    with pytest.raises(BadEngine, match="for PBFT promises strong consistency, and this one does not"):
        Manager().register(Loose(PBFT))


@pytest.mark.parametrize("kind", ["model update", "task coordination", "metrics"])
def test_an_operation_without_its_engine_is_refused_with_advice(kind: str) -> None:
    """Not even the widest policy replaces a missing engine."""
    states = {name: WELL for name in EngineName if name is not route(kind)}
    with pytest.raises(
        EngineMissing, match="no engine for it is registered .* Register one by Manager.register"
    ):
        manager(states, WIDEST).submit(Operation(kind))


def test_a_missing_engine_may_be_registered_later() -> None:
    made = manager({PBFT: WELL, RAFT: WELL})
    with pytest.raises(EngineMissing, match=r"for gossip, .* \(registered: PBFT, Raft\)"):
        made.submit(Operation("metrics"))
    assert made.register(Toy(GOSSIP)).submit(Operation("metrics")).engine is GOSSIP


# --- degradation --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("unwell", "policy", "chosen"),
    [
        ((RAFT,), WIDEST, PBFT),
        ((RAFT,), Policy({RAFT: (PBFT,)}), PBFT),
        ((GOSSIP,), WIDEST, RAFT),
        ((GOSSIP, RAFT), WIDEST, PBFT),
        ((GOSSIP,), Policy({GOSSIP: (PBFT, RAFT)}), PBFT),
    ],
)
def test_a_stronger_engine_stands_in_if_the_policy_agrees(
    unwell: tuple[EngineName, ...], policy: Policy, chosen: EngineName
) -> None:
    """The rows of the table in `impl.manager`."""
    kind = {RAFT: "task coordination", GOSSIP: "metrics"}[unwell[0]]
    states = {name: UNWELL if name in unwell else WELL for name in EngineName}
    submission = manager(states, policy).submit(Operation(kind))
    assert (submission.engine, submission.stands_in_for) == (chosen, unwell[0])


@pytest.mark.parametrize(
    ("kind", "policy", "says"),
    [
        (
            "model update",
            WIDEST,
            "for PBFT, which is unwell .* nothing weaker may stand in for it. Try again later",
        ),
        ("task coordination", Policy(), "the policy has nothing stand in for it"),
        ("metrics", Policy({RAFT: (PBFT,)}), "the policy has nothing stand in for it"),
        ("metrics", WIDEST, "Raft and PBFT, which may stand in for it, cannot either"),
    ],
)
def test_an_operation_without_a_stand_in_is_refused(kind: str, policy: Policy, says: str) -> None:
    states = dict.fromkeys(EngineName, UNWELL)
    with pytest.raises(EngineUnavailable, match=says):
        manager(states, policy).submit(Operation(kind))


@pytest.mark.parametrize(
    ("name", "other"),
    [
        (PBFT, RAFT), (PBFT, GOSSIP), (RAFT, GOSSIP), (PBFT, PBFT), (RAFT, RAFT),
        (HOTSTUFF, RAFT), (HOTSTUFF, PBFT), (PBFT, HOTSTUFF),
    ],
)  # fmt: skip
def test_a_policy_with_a_weaker_stand_in_is_refused(name: EngineName, other: EngineName) -> None:
    with pytest.raises(UnsafePolicy, match=f"{other.value} cannot stand in for {name.value}"):
        Policy({name: (other,)})


def test_a_tampered_policy_is_refused_on_use() -> None:
    policy = Policy()
    object.__setattr__(policy, "stands_in", {PBFT: (GOSSIP,)})
    states = {PBFT: UNWELL, RAFT: WELL, GOSSIP: WELL}
    with pytest.raises(UnsafePolicy, match="'model update' is for PBFT and would go to gossip"):
        manager(states, policy).submit(Operation("model update"))


def test_a_policy_with_an_unknown_protocol_is_refused() -> None:
    unknown: Any = "PBFT"
    with pytest.raises(UnsafePolicy, match="name protocols by EngineName"):
        Policy({RAFT: (unknown,)})


def test_only_a_bft_protocol_takes_the_place_of_pbft() -> None:
    unknown: Any = "HotStuff"
    for other in (RAFT, GOSSIP, unknown):
        with pytest.raises(UnsafePolicy, match="is weaker than PBFT, or no protocol"):
            Policy(bft=other)


def test_the_policy_chooses_the_bft_protocol() -> None:
    """Without an engine for it the other one takes nothing: its log is another one."""
    operation, on_hotstuff = Operation("model update"), Policy(bft=HOTSTUFF)
    assert manager(policy=on_hotstuff).submit(operation) == Submission(HOTSTUFF, operation)
    assert manager(policy=on_hotstuff).submit(Operation("task coordination")).engine is RAFT
    for bft, other in (BFT, BFT[::-1]):
        with pytest.raises(EngineMissing, match=f"for {bft.value}, and no engine for it is registered"):
            manager({other: WELL}, widest(bft)).submit(operation)
        with pytest.raises(EngineUnavailable, match="nothing weaker may stand in"):
            manager({bft: UNWELL, other: WELL}, widest(bft)).submit(operation)


def test_an_operation_served_elsewhere_gets_no_stand_in() -> None:
    """The operation would be ordered by one protocol here, and by another one there."""
    states = {PBFT: WELL, RAFT: ELSEWHERE, GOSSIP: WELL}
    with pytest.raises(NotHere, match="which another node serves: .*Submit it there"):
        manager(states, WIDEST).submit(Operation("task coordination"))


def policies() -> st.SearchStrategy[Policy]:
    """All legal policies."""
    raft_by = st.lists(st.sampled_from(BFT), unique=True)
    gossip_by = st.lists(st.sampled_from([RAFT, *BFT]), unique=True)
    return st.builds(
        lambda one, other, bft: Policy({RAFT: one, GOSSIP: other}, bft),
        raft_by,
        gossip_by,
        st.sampled_from(BFT),
    )


@given(
    st.dictionaries(st.sampled_from(EngineName), st.sampled_from(State)),
    policies(),
    st.sampled_from([*OPERATIONS, *MESSAGES, "lunch order"]),
)
def test_no_operation_is_routed_to_a_weaker_engine(
    states: dict[EngineName, State], policy: Policy, kind: str
) -> None:
    """For all engines, states and policies; so a critical operation is for the one BFT protocol alone."""
    meant, submission = policy.route(kind), None
    with contextlib.suppress(ManagerError):
        submission = manager(states, policy).submit(Operation(kind))
    if submission is None:
        assert states.get(meant) is not WELL
        return
    assert states[submission.engine] is WELL
    assert GUARANTEES[submission.engine].strength >= GUARANTEES[meant].strength
    assert submission.stands_in_for is (None if submission.engine is meant else meant)
    if kind in ("model update", "security decision"):
        assert submission.engine is policy.bft


# --- the protocol cores -------------------------------------------------------------------------


def request_for(operation: Operation) -> pbft.Request:
    return pbft_nodes.request(operation.type)


def test_a_critical_operation_becomes_a_request_to_a_pbft_replica() -> None:
    node = pbft_nodes.replica("r0")
    made = Manager().register(PbftEngine(node, request_for))
    submission = made.submit(Operation("model update", "weights"))
    assert submission.input == pbft.Receive(pbft_nodes.request("model update"))
    after, effects = pbft.step(node, submission.input)
    assert [one.operation for one in after.waiting.values()] == ["model update"]
    assert not any(isinstance(effect, pbft.Refused) for effect in effects)


def test_between_views_a_critical_operation_waits_though_raft_works() -> None:
    node, _ = pbft.step(pbft_nodes.replica(), pbft.Timeout())
    made = Manager(WIDEST).register(PbftEngine(node, request_for)).register(RaftEngine(nodes.leader()))
    with pytest.raises(EngineUnavailable, match="replica r1 waits for view 1"):
        made.submit(Operation("model update"))


def hotstuff_engine(node: hotstuff.Node) -> HotStuffEngine:
    return HotStuffEngine(node, lambda one: hotstuff_nodes.request("client", operation=one.type))


def test_a_critical_operation_is_committed_by_all_hotstuff_replicas() -> None:
    """Given to one replica only, which proposes it once time-outs have made it the leader."""
    net = hotstuff_nodes.Net()
    made = Manager(Policy(bft=HOTSTUFF)).register(hotstuff_engine(net.nodes["r3"]))
    submission = made.submit(Operation("model update", "weights"))
    effects = net.step("r3", submission.input)
    assert not any(isinstance(effect, hotstuff.Refused) for effect in effects)
    for _ in range(4):
        net.run()
        net.time_out()
    net.run()
    for name in net.nodes:
        committed = [one.operation for each in net.told(hotstuff.Committed, name) for one in each.batch]
        assert committed == ["model update"]


def test_between_views_hotstuff_takes_no_critical_operation() -> None:
    node, _ = hotstuff.step(hotstuff_nodes.Net().nodes["r1"], hotstuff.TimerFired())
    made = Manager(widest(HOTSTUFF)).register(hotstuff_engine(node)).register(RaftEngine(nodes.leader()))
    with pytest.raises(EngineUnavailable, match="replica r1 waits for view 2"):
        made.submit(Operation("model update"))


def test_a_coordination_becomes_an_entry_of_a_raft_leader() -> None:
    node = nodes.leader()
    operation = Operation("feature activation", ("f1", True))
    submission = Manager().register(RaftEngine(node)).submit(operation)
    after, _ = raft.step(node, submission.input)
    assert after.durable.log[-1].value == operation
    chosen = Manager().register(RaftEngine(node, lambda one: one.data)).submit(operation)
    assert chosen.input == raft.ClientRequest(("f1", True))


def _gossiping(*known: str) -> gossip.Node:
    node = gossip.first_start(gossip.Config(node="a"))
    for name in known:
        other = gossip.Delta(1, 0, 0, 0, ())
        node, _ = gossip.step(node, gossip.Receive(name, gossip.Ack(((name, other),)), 0))
    return node


@pytest.mark.parametrize("kind", ["status update", "Q-table sync", "pattern broadcast", "something else"])
def test_a_status_becomes_a_write_that_another_node_reads(kind: str) -> None:
    node, other = _gossiping("b"), gossip.first_start(gossip.Config(node="b"))
    submission = Manager().register(GossipEngine(node)).submit(Operation(kind, ("q", 7)))
    node, effects = gossip.step(node, submission.input)
    assert not any(isinstance(effect, gossip.Refused) for effect in effects)
    syn = gossip.Syn(tuple(range(128)), ())
    _, (reply,) = gossip.step(node, gossip.Receive("b", syn, 0))
    assert isinstance(reply, gossip.Send)
    other, _ = gossip.step(other, gossip.Receive("a", reply.message, 0))
    assert other.holdings.get("a").records[kind].value == ("q", 7)


def test_a_node_that_knows_nobody_is_unwell_and_raft_may_stand_in() -> None:
    operation = Operation("metrics")
    alone = Manager(WIDEST).register(GossipEngine(_gossiping()))
    with pytest.raises(EngineUnavailable, match="a knows nobody who is alive"):
        alone.submit(operation)
    submission = alone.register(RaftEngine(nodes.leader())).submit(operation)
    assert (submission.engine, submission.stands_in_for) == (RAFT, GOSSIP)
    assert Manager().register(GossipEngine(_gossiping("b"))).submit(operation).engine is GOSSIP


def test_a_critical_operation_is_not_gossiped_though_gossip_works() -> None:
    made = Manager().register(GossipEngine(_gossiping("b")))
    with pytest.raises(EngineMissing, match="for PBFT"):
        made.submit(Operation("model update"))


@pytest.mark.parametrize(
    "engine",
    [PbftEngine(pbft_nodes.replica(), request_for), hotstuff_engine(hotstuff_nodes.Net().nodes["r1"])],
)
def test_a_follower_redirects_and_a_candidate_lets_bft_stand_in(engine: Engine) -> None:
    made = Manager(widest(engine.name)).register(engine)
    with pytest.raises(NotHere, match="does not lead"):
        made.register(RaftEngine(nodes.server())).submit(Operation("task coordination"))
    submission = made.register(RaftEngine(nodes.candidate())).submit(Operation("task coordination"))
    assert (submission.engine, submission.stands_in_for) == (engine.name, RAFT)


def test_a_leader_transferring_leadership_takes_no_operation() -> None:
    node = nodes.leader()
    assert isinstance(node.role, raft.Leader)
    leaving = attrs.evolve(node, role=attrs.evolve(node.role, transferee="n2"))
    with pytest.raises(NotHere, match="hands over to n2"):
        Manager().register(RaftEngine(leaving)).submit(Operation("task coordination"))


def test_the_adapters_are_engines() -> None:
    bft = (PbftEngine(pbft_nodes.replica(), request_for), hotstuff_engine(hotstuff_nodes.Net().nodes["r1"]))
    for engine in (*bft, RaftEngine(nodes.leader()), Toy(GOSSIP)):
        assert isinstance(engine, Engine)
        assert engine.consistency is GUARANTEES[engine.name].consistency
