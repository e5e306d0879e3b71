"""The manager in operation (`impl.manager.service`): life, health, metrics. MANAGER-1, -2."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from impl import gossip, raft
from impl.manager import (
    BadEngine,
    BadOperation,
    EngineName,
    EngineUnavailable,
    GossipEngine,
    HotStuffEngine,
    Manager,
    Metrics,
    NotHere,
    Operation,
    PbftEngine,
    Phase,
    Policy,
    RaftEngine,
    Result,
    Service,
    Submission,
    Ticket,
    UnknownTicket,
)
from tests.impl import hotstuff_nodes, nodes, pbft_nodes

PBFT, HOTSTUFF, RAFT, GOSSIP = EngineName.PBFT, EngineName.HOTSTUFF, EngineName.RAFT, EngineName.GOSSIP
WIDEST = {bft: Policy({RAFT: (bft,), GOSSIP: (RAFT, bft)}, bft) for bft in (PBFT, HOTSTUFF)}
KINDS = {PBFT: "model update", HOTSTUFF: "model update", RAFT: "task coordination", GOSSIP: "metrics"}
on_either = pytest.mark.parametrize("bft", WIDEST)


def gossiping() -> gossip.Node:
    node = gossip.first_start(gossip.Config(node="a"))
    other = gossip.Delta(1, 0, 0, 0, ())
    node, _ = gossip.step(node, gossip.Receive("b", gossip.Ack((("b", other),)), 0))
    return node


def service(*running: EngineName, policy: Policy = WIDEST[PBFT]) -> Service:
    """A service over the real cores, some of them running."""
    replica = hotstuff_nodes.Net().nodes["r1"]
    manager = (
        Manager(policy)
        .register(PbftEngine(pbft_nodes.replica("r0"), lambda one: pbft_nodes.request(one.type)))
        .register(HotStuffEngine(replica, lambda one: hotstuff_nodes.request("client", operation=one.type)))
        .register(RaftEngine(nodes.leader()))
        .register(GossipEngine(gossiping()))
    )
    made = Service(manager)
    for name in running:
        made = made.start(name)
    return made


def submitted(made: Service, kind: str) -> tuple[Service, Ticket]:
    made, ticket = made.submit(Operation(kind))
    assert isinstance(ticket, Ticket)
    return made, ticket


def test_an_engine_takes_operations_once_it_is_started() -> None:
    made = service(policy=Policy())
    _, error = made.submit(Operation("task coordination"))
    assert isinstance(error, EngineUnavailable)
    assert "its engine is stopped" in str(error)
    made, ticket = submitted(made.start(RAFT), "task coordination")
    assert ticket.submission == Submission(RAFT, raft.ClientRequest(Operation("task coordination")))
    assert made.status()[RAFT].open == 1


@pytest.mark.parametrize("name", list(EngineName))
def test_a_draining_engine_finishes_and_stops(name: EngineName) -> None:
    policy = Policy(bft=name if name is HOTSTUFF else PBFT)
    made, ticket = submitted(service(*EngineName, policy=policy), KINDS[name])
    made = made.drain(name)
    assert made.phase(name) is Phase.DRAINING
    _, error = made.submit(Operation(KINDS[name]))
    assert isinstance(error, EngineUnavailable)
    made = made.finished(ticket.number, Result.DONE)
    assert made.phase(name) is Phase.STOPPED
    assert made.status()[name].metrics == Metrics(submitted=1, done=1)
    assert made.start(name).phase(name) is Phase.RUNNING


def test_an_engine_with_nothing_open_drains_at_once() -> None:
    assert service(RAFT).drain(RAFT).phase(RAFT) is Phase.STOPPED


@on_either
def test_what_is_open_when_an_engine_stops_is_unknown(bft: EngineName) -> None:
    made, ticket = submitted(service(*EngineName, policy=WIDEST[bft]), "model update")
    made, left = made.stop(bft)
    assert left == (ticket,)
    assert made.status()[bft].metrics == Metrics(submitted=1, unknown=1)
    with pytest.raises(UnknownTicket, match="operation 1 is not open"):
        made.finished(ticket.number, Result.DONE)


def test_a_stronger_engine_stands_in_for_one_that_drains() -> None:
    made, _ = submitted(service(*EngineName), "metrics")
    made, ticket = submitted(made.drain(GOSSIP), "metrics")
    assert (ticket.submission.engine, ticket.submission.stands_in_for) == (RAFT, GOSSIP)
    status = made.status()
    assert (status[GOSSIP].served_by, status[RAFT].metrics.stood_in) == (RAFT, 1)
    assert status[GOSSIP].degradation == (
        "Raft stands in, which is stronger and dearer: its engine is draining"
    )
    assert (status[PBFT].served_by, status[PBFT].degradation) == (PBFT, "")


@on_either
def test_nothing_stands_in_for_pbft_and_status_says_so(bft: EngineName) -> None:
    """Nor does one BFT protocol for the other."""
    made, _ = service(*EngineName, policy=WIDEST[bft]).stop(bft)
    made, error = made.submit(Operation("model update"))
    assert isinstance(error, EngineUnavailable)
    status = made.status()[bft]
    assert (status.served_by, status.metrics.refused) == (None, 1)
    assert status.degradation == "operations are refused: its engine is stopped"


def test_a_follower_serves_elsewhere_and_is_not_degraded() -> None:
    made = service(*EngineName).update(RaftEngine(nodes.server()))
    _, error = made.submit(Operation("task coordination"))
    assert isinstance(error, NotHere)
    assert made.status()[RAFT].served_by is RAFT


def test_bad_uses_are_refused_with_advice() -> None:
    made = service(RAFT)
    with pytest.raises(BadEngine, match="only a running one drains"):
        made.drain(PBFT)
    made, _ = submitted(made, "task coordination")
    with pytest.raises(BadEngine, match="drains 1: stop it first"):
        made.drain(RAFT).start(RAFT)
    for use in (Service(Manager()).start, Service(Manager()).drain, Service(Manager()).stop):
        with pytest.raises(BadEngine, match="no engine for Raft is registered"):
            use(RAFT)
    nothing: Any = "model update"
    for bad in (Operation("Model Update"), nothing):
        after, error = made.submit(bad)
        assert isinstance(error, BadOperation)
        assert after == made


@on_either
@given(st.lists(st.tuples(st.sampled_from(["start", "drain", "stop", "submit", "finish"]),
                          st.sampled_from(EngineName), st.sampled_from(Result)), max_size=30))  # fmt: skip
def test_no_operation_is_lost_and_none_goes_to_who_does_not_run(
    bft: EngineName, story: list[tuple[str, EngineName, Result]]
) -> None:
    """Each submitted operation is open or counted once as done, failed or unknown, whatever happens."""
    policy = WIDEST[bft]
    made = service(policy=policy)
    for what, name, result in story:
        match what:
            case "start" if made.phase(name) is not Phase.DRAINING:
                made = made.start(name)
            case "drain" if made.phase(name) is Phase.RUNNING:
                made = made.drain(name)
            case "stop":
                made, _ = made.stop(name)
            case "submit":
                made, ticket = made.submit(Operation(KINDS[name]))
                if isinstance(ticket, Ticket):
                    assert made.phase(ticket.submission.engine) is Phase.RUNNING
                    assert ticket.submission.engine in (policy.route(KINDS[name]), RAFT, bft)
            case "finish" if made.open:
                made = made.finished(min(made.open), result)
    for name, status in made.status().items():
        counts = status.metrics
        assert counts.submitted == counts.done + counts.failed + counts.unknown + status.open
        assert status.open == 0 or made.phase(name) is not Phase.STOPPED
