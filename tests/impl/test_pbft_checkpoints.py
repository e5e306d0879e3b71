"""Checkpoints, garbage collection and state transfer of PBFT (paper, 4.3; TOCS, 5.3)."""

import pytest

from impl.common.service import Answered
from impl.pbft import (
    Batch,
    Checkpoint,
    CheckpointCertificate,
    Diverged,
    Executed,
    Message,
    PrePrepare,
    Propose,
    Refused,
    Retransmit,
    Send,
    State,
    StateRequest,
    StateResponse,
    SymbolicKeys,
    Timeout,
    Transferred,
    Why,
    digest,
    recover,
    rules,
    signed,
)
from tests.impl.pbft_nodes import (
    Cluster,
    X,
    Y,
    Z,
    batch,
    changed,
    checkpoint,
    checkpoint_certificate,
    commit,
    only,
    pre_prepare,
    prepare,
    replica,
    sent,
    state_after,
    taken,
    why_refused,
)


def _decided(value: Batch, seq: int) -> tuple[Message, ...]:
    """The messages that r1 needs to execute a batch in view 0."""
    return (
        pre_prepare(value, seq=seq),
        prepare(value, "r2", seq=seq),
        commit(value, "r0", seq=seq),
        commit(value, "r2", seq=seq),
    )


def test_a_checkpoint_is_made_each_interval_with_the_state_digest() -> None:
    node, effects = taken(replica(), *_decided(X, 1))
    assert sent(effects, Checkpoint) == []
    node, effects = taken(node, *_decided(Y, 2))
    assert sent(effects, Checkpoint) == [checkpoint("r1", X, Y)]
    assert node.durable.stable.seq == 0


def test_the_digest_binds_the_answers_to_clients_too() -> None:
    state = state_after(X)
    other = changed(state, answered=(Answered(client="client of x", timestamp=2, result=1),))
    assert digest(state) != digest(other)


def test_a_quorums_checkpoint_is_stable_and_discards_older_votes() -> None:
    node, _ = taken(replica(), *_decided(X, 1), *_decided(Y, 2), *_decided(Z, 3))
    node, _ = taken(node, checkpoint("r0", X, Y))
    assert node.durable.stable.seq == 0
    assert sorted(node.durable.accepted) == [1, 2, 3]
    node, _ = taken(node, checkpoint("r3", X, Y))
    durable = node.durable
    assert durable.stable == CheckpointCertificate(
        seq=2,
        digest=checkpoint("r0", X, Y).digest,
        proof=tuple(checkpoint(source, X, Y) for source in ("r0", "r1", "r3")),
    )
    assert [sorted(each) for each in (durable.accepted, durable.prepared, durable.committed)] == [[3]] * 3
    assert sorted(node.votes) == [3]
    assert sorted(durable.snapshots) == [2]
    assert node.checkpoints == {}


def test_a_checkpoint_without_a_quorum_is_not_stable(monkeypatch: pytest.MonkeyPatch) -> None:
    messages = (*_decided(X, 1), *_decided(Y, 2), checkpoint("r0", X), checkpoint("r3", X, Y))
    assert taken(replica(), *messages)[0].durable.stable.seq == 0
    monkeypatch.setattr(rules, "is_stable", lambda *_: True)
    assert taken(replica(), *messages)[0].durable.stable.seq == 2


def test_the_window_moves_with_the_stable_checkpoint() -> None:
    node, _ = taken(replica(), *_decided(X, 1), *_decided(Y, 2))
    assert why_refused(node, pre_prepare(Z, seq=5)) is Why.OUTSIDE_WINDOW
    node, _ = taken(node, checkpoint("r0", X, Y), checkpoint("r2", X, Y))
    for say in (prepare, commit):
        assert why_refused(node, say(X, "r2", seq=2)) is Why.OUTSIDE_WINDOW
        assert why_refused(node, say(X, "r2", seq=7)) is Why.OUTSIDE_WINDOW
    node, effects = taken(node, pre_prepare(Z, seq=6))
    assert only(effects, Refused) == []
    assert sorted(node.durable.accepted) == [6]


def test_a_primary_proposes_on_as_checkpoints_become_stable() -> None:
    cluster = Cluster.of()
    for number in range(20):
        cluster.take("r0", Propose(batch(f"{number}")))
        cluster.run()
    assert len(cluster.decided) == 20
    for node in cluster.nodes.values():
        assert node.durable.stable.seq == 20
        assert not node.durable.accepted
        assert not node.durable.prepared
        assert not node.votes


def test_a_primary_behind_its_stable_checkpoint_proposes_beyond_it() -> None:
    node, _ = taken(replica("r0"), *(checkpoint(source, X, Y) for source in ("r1", "r2", "r3")))
    assert node.durable.executed == 0
    _, effects = taken(node, Propose(Z))
    assert [each.seq for each in sent(effects, PrePrepare)] == [3]


def test_repeated_conflicting_and_useless_checkpoints_are_refused() -> None:
    node, _ = taken(replica(), checkpoint("r2", X, Y))
    assert why_refused(node, checkpoint("r2", X, Y)) is Why.REPEATED
    assert why_refused(node, checkpoint("r2", X)) is Why.EQUIVOCATION
    assert why_refused(node, checkpoint("r2", X, seq=3)) is Why.USELESS
    node, _ = taken(node, checkpoint("r0", X, Y), checkpoint("r3", X, Y))
    assert node.durable.stable.seq == 2
    assert why_refused(node, checkpoint("r2", X, Y)) is Why.OUTSIDE_WINDOW


def test_a_flood_of_checkpoints_uses_only_its_senders_room() -> None:
    node, _ = taken(
        replica(), checkpoint("r0", X, Y), *(checkpoint("r2", X, Y, seq=2 * k) for k in range(1, 60))
    )
    assert {source: len(several) for source, several in node.checkpoints.items()} == {"r0": 1, "r2": 3}
    assert [each.seq for each in node.checkpoints["r2"]] == [114, 116, 118]
    assert why_refused(node, checkpoint("r2", X, Y, seq=2)) is Why.USELESS


def test_a_replica_whose_state_differs_from_the_quorum_reports_it() -> None:
    node, _ = taken(replica(), *_decided(X, 1), *_decided(Y, 2))
    _, effects = taken(node, *(checkpoint(source, X, Z) for source in ("r0", "r2", "r3")))
    assert only(effects, Diverged) == [
        Diverged(2, checkpoint("r1", X, Y).digest, checkpoint("r1", X, Z).digest)
    ]


# --- state transfer -----------------------------------------------------------------------------


def _response(source: str = "r0", *, state: State | None = None) -> StateResponse:
    return signed(
        StateResponse(
            checkpoint=checkpoint_certificate(X, Y), state=state or state_after(X, Y), source=source
        ),
        SymbolicKeys(source),
    )


def test_a_replica_behind_a_stable_checkpoint_fetches_its_state() -> None:
    node, _ = taken(replica(), *_decided(Z, 3))
    node, effects = taken(node, *(checkpoint(source, X, Y) for source in ("r0", "r2", "r3")))
    request = signed(StateRequest(seq=2, source="r1"), SymbolicKeys("r1"))
    assert only(effects, Send) == [Send(request)]
    assert node.durable.executed == 0
    node, effects = taken(node, _response())
    assert [each for each in effects if isinstance(each, Transferred | Executed)] == [
        Transferred(2),
        Executed(3, Z),
    ]
    assert node.durable.state == state_after(X, Y, Z)


def test_a_replica_sends_a_requested_state_with_its_proof() -> None:
    node, _ = taken(replica("r2"), *(checkpoint(source, X, Y) for source in ("r0", "r1", "r3")))
    request = signed(StateRequest(seq=2, source="r1"), SymbolicKeys("r1"))
    assert why_refused(node, request) is Why.USELESS
    node, _ = taken(node, _response())
    _, effects = taken(node, request)
    response = sent(effects, StateResponse)[0]
    assert only(effects, Send) == [Send(response, "r1")]
    assert response.state == state_after(X, Y)
    assert response.checkpoint.seq == 2


def test_a_state_response_makes_its_checkpoint_stable() -> None:
    node, effects = taken(replica(), _response())
    assert (node.durable.stable.seq, node.durable.executed) == (2, 2)
    assert only(effects, Transferred) == [Transferred(2)]
    assert why_refused(node, _response("r2")) is Why.USELESS


def test_a_state_that_differs_from_its_certificate_is_refused() -> None:
    assert why_refused(replica(), _response(state=state_after(X, Z))) is Why.UNPROVEN


@pytest.mark.parametrize(
    "sources",
    [("r0", "r2"), ("r0", "r0", "r2"), ("r0", "r2", "r9"), ("r0", "r1", "r2", "r2")],
    ids=["few", "twice", "stranger", "enough, one twice"],
)
def test_a_checkpoint_without_its_quorum_proves_nothing(sources: tuple[str, ...]) -> None:
    response = changed(_response(), checkpoint=checkpoint_certificate(X, Y, sources=sources))
    assert why_refused(replica(), signed(response, SymbolicKeys("r0"))) is Why.UNPROVEN


def test_a_forged_vote_in_a_checkpoint_proves_nothing() -> None:
    proof = checkpoint_certificate(X, Y)
    forged = changed(proof, proof=(*proof.proof[:2], changed(proof.proof[2], signature=b"")))
    response = changed(_response(), checkpoint=forged)
    assert why_refused(replica(), signed(response, SymbolicKeys("r0"))) is Why.UNPROVEN


def test_a_disconnected_replica_catches_up_with_the_cluster() -> None:
    cluster = Cluster.of()
    for number in range(11):
        cluster.take("r0", Propose(batch(f"{number}")))
        cluster.run(lost=lambda to, _message: to == "r3")
    assert cluster.nodes["r3"].durable.executed == 0
    for _ in range(3):
        cluster.everybody(Retransmit())
        cluster.run()
    assert len(cluster.states()) == 1
    assert len(cluster.operations("r3")) == 11


def test_a_replica_alone_in_a_view_change_catches_up() -> None:
    """The others go on with the votes of r0, which is Byzantine and sends no checkpoint to r3."""

    def lost(to: str, message: Message) -> bool:
        return to == "r3" and getattr(message, "source", "") == "r0"

    cluster = Cluster.of()
    cluster.take("r3", Timeout())
    for number in range(4):
        cluster.take("r0", Propose(batch(f"{number}")))
        cluster.run(lost=lost)
    assert cluster.nodes["r1"].durable.stable.seq == 4
    assert cluster.nodes["r3"].durable.executed == 0
    cluster.take("r3", Retransmit())
    cluster.run(lost=lost)
    assert cluster.nodes["r3"].durable.changing
    assert len(cluster.operations("r3")) == 4


def test_a_replica_does_not_vouch_for_a_transferred_state() -> None:
    """It has not executed the batches; its checkpoint message would vouch without evidence."""
    response = changed(_response(), checkpoint=checkpoint_certificate(X, Y, sources=("r0", "r2", "r3")))
    node, _ = taken(replica(), signed(response, SymbolicKeys("r0")))
    assert node.durable.stable.seq == node.durable.executed == 2
    _, effects = taken(node, Retransmit())
    assert sent(effects, Checkpoint) == []


def test_a_recovered_replica_has_its_checkpoints() -> None:
    node, _ = taken(replica(), *_decided(X, 1), *_decided(Y, 2))
    back = recover(node.config, node.durable)
    assert back.checkpoints == node.checkpoints
    _, effects = taken(back, Retransmit())
    assert sent(effects, Checkpoint) == [checkpoint("r1", X, Y)]
    back, _ = taken(back, checkpoint("r0", X, Y), checkpoint("r2", X, Y))
    assert back.durable.stable.seq == 2
