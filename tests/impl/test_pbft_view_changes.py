"""View changes of PBFT (paper, 4.4 and 4.5.2): committed batches survive, and the cluster makes progress."""

from collections.abc import Iterable

import pytest

from impl.pbft import (
    NULL_BATCH,
    Batch,
    Commit,
    EnteredView,
    Executed,
    Message,
    NewView,
    Persist,
    Prepare,
    PreparedCertificate,
    Propose,
    Refused,
    ResetTimer,
    Retransmit,
    Send,
    StateRequest,
    StopTimer,
    SymbolicKeys,
    Timeout,
    ViewChange,
    Why,
    recover,
    rules,
    signed,
)
from tests.impl.pbft_nodes import (
    Cluster,
    Disagreement,
    X,
    Y,
    Z,
    batch,
    certificate,
    changed,
    checkpoint_certificate,
    commit,
    new_view,
    only,
    pre_prepare,
    prepare,
    replica,
    sent,
    taken,
    view_change,
    why_refused,
)

# --- leaving ------------------------------------------------------------------------------------


def test_a_replica_that_times_out_reports_its_certificates_and_leaves() -> None:
    node, _ = taken(replica("r2"), pre_prepare(X), prepare(X, "r1"), pre_prepare(Y, seq=2))
    node, effects = taken(node, Timeout())
    told = PreparedCertificate(pre_prepare=pre_prepare(X), prepares=(prepare(X, "r1"), prepare(X, "r2")))
    assert effects == (Persist(node.durable), Send(view_change("r2", told)), StopTimer())
    assert (node.durable.view, node.durable.changing, node.durable.accepted) == (1, True, {})
    assert sorted(node.durable.prepared) == [1]


def test_a_view_change_carries_the_stable_checkpoint_with_its_proof() -> None:
    proof = checkpoint_certificate(X, Y, sources=("r0", "r1", "r3"))
    node, effects = taken(replica("r2"), *proof.proof, Timeout())
    assert sent(effects, ViewChange) == [view_change("r2", stable=proof)]
    assert node.durable.stable == proof


def test_a_replica_changing_views_neither_proposes_nor_prepares() -> None:
    node, _ = taken(replica("r1"), Timeout())
    assert why_refused(node, Propose(X)) is Why.USELESS
    node, effects = taken(replica("r2"), Timeout(), pre_prepare(X, source="r1", view=1))
    assert sent(effects, Prepare) == []
    assert node.durable.accepted == {}


def test_f_plus_one_view_changes_take_a_replica_along() -> None:
    node, effects = taken(replica("r2"), view_change("r3", view=5))
    assert effects == ()
    node, effects = taken(node, view_change("r0", view=3))
    assert sent(effects, ViewChange) == [view_change("r2", view=3)]
    assert node.durable.view == 3


def test_one_view_change_takes_no_replica_along(monkeypatch: pytest.MonkeyPatch) -> None:
    messages = [view_change("r3", view=view) for view in (1, 4, 7)]
    assert taken(replica("r2"), *messages)[0].durable.view == 0
    monkeypatch.setattr(rules, "weak_quorum_size", lambda config: config.f)
    assert taken(replica("r2"), *messages)[0].durable.view == 7


def test_larger_clusters_need_more_view_changes_to_take_one_along() -> None:
    node, _ = taken(replica("r2", n=7), view_change("r3"), view_change("r4"))
    assert node.durable.view == 0
    node, _ = taken(node, view_change("r5"))
    assert node.durable.view == 1


def test_each_fruitless_view_doubles_multiplier_until_an_execution() -> None:
    node = replica("r3")
    multiplier = []
    for view in range(1, 6):
        node, effects = taken(
            node, Timeout(), view_change("r0", view=view), view_change("r2", view=view), X[0]
        )
        multiplier += [each.multiplier for each in only(effects, ResetTimer)]
    assert multiplier == [2, 4, 8, 16, 32]
    changes = [view_change(source, view=5) for source in ("r0", "r1", "r2")]
    node, effects = taken(node, new_view(changes, view=5))
    assert only(effects, ResetTimer) == [ResetTimer(32)]
    more = batch("more")
    said = [pre_prepare(X, source="r1", view=5), pre_prepare(more, source="r1", view=5, seq=2)]
    votes = (prepare(X, "r2", view=5), commit(X, "r1", view=5), commit(X, "r2", view=5))
    node, effects = taken(node, *said, *votes)
    assert only(effects, ResetTimer) == [ResetTimer(1)]


def test_multiplier_has_a_maximum() -> None:
    node, _ = taken(replica("r3", multiplier_max=16), *[Timeout()] * 100)
    assert node.multiplier == 16


def test_messages_do_not_reset_multiplier() -> None:
    node, _ = taken(replica("r3"), pre_prepare(X))
    _, effects = taken(node, pre_prepare(Y, seq=2), prepare(X, "r1"), view_change("r2"))
    assert only(effects, ResetTimer | StopTimer) == []  # type: ignore[arg-type]  # isinstance takes a union


# --- the initial proposals of a new view --------------------------------------------------------


def _reproposed(*view_changes: ViewChange) -> dict[int, Batch]:
    return dict(rules.reproposals(view_changes))


def test_a_new_view_proposes_prepared_batches_again() -> None:
    assert _reproposed(view_change("r1"), view_change("r2", certificate(X)), view_change("r3")) == {1: X}


def test_the_certificate_of_the_highest_view_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    old, new = certificate(X, view=0), certificate(Y, view=1)
    for order in ((old, new), (new, old)):
        changes = [view_change(f"r{k}", each, view=2) for k, each in enumerate(order)]
        assert _reproposed(*changes, view_change("r3", view=2)) == {1: Y}
    monkeypatch.setattr(rules, "latest", lambda certificates: certificates[0])
    changes = [view_change(f"r{k}", each, view=2) for k, each in enumerate((old, new))]
    assert _reproposed(*changes) == {1: X}


def test_a_gap_is_filled_with_the_null_batch() -> None:
    assert _reproposed(view_change("r1", certificate(X, seq=3)), view_change("r2")) == {
        1: NULL_BATCH,
        2: NULL_BATCH,
        3: X,
    }


def test_a_new_view_begins_after_the_latest_checkpoint() -> None:
    stable = checkpoint_certificate(X, Y)
    changes = (
        view_change("r1", certificate(X), certificate(Y, seq=2), certificate(Z, seq=4)),
        view_change("r2", stable=stable),
    )
    assert rules.base(changes) == stable
    assert _reproposed(*changes) == {3: NULL_BATCH, 4: Z}


# --- beginning ----------------------------------------------------------------------------------


def test_the_new_primary_begins_with_the_view_changes_of_a_quorum() -> None:
    node, effects = taken(replica("r1"), Timeout(), view_change("r2", certificate(X)))
    assert sent(effects, NewView) == []
    node, effects = taken(node, view_change("r3"))
    begun = new_view([view_change("r1"), view_change("r2", certificate(X)), view_change("r3")], (1, X))
    assert effects[:3] == (Persist(node.durable), Send(begun), EnteredView(1, "r1"))
    assert (node.durable.changing, node.durable.entered) == (False, begun)
    _, effects = taken(node, Propose(Y))
    assert effects[1] == Send(pre_prepare(Y, source="r1", view=1, seq=2))


def test_another_replica_never_begins_the_view() -> None:
    _, effects = taken(replica("r2"), Timeout(), view_change("r0"), view_change("r1"), view_change("r3"))
    assert sent(effects, NewView) == []


def test_view_changes_to_another_view_do_not_justify_this_one() -> None:
    node, effects = taken(replica("r1"), Timeout(), view_change("r2"), view_change("r3", view=5))
    assert sent(effects, NewView) == []
    assert node.durable.view == 1


def test_a_backup_enters_a_new_view_and_agrees_to_its_proposals() -> None:
    changes = [view_change("r1"), view_change("r2", certificate(X, seq=2)), view_change("r3")]
    node, effects = taken(replica("r0"), new_view(changes, (1, NULL_BATCH), (2, X)))
    assert sent(effects, Prepare) == [prepare(NULL_BATCH, "r0", view=1), prepare(X, "r0", view=1, seq=2)]
    assert only(effects, EnteredView) == [EnteredView(1, "r1")]
    assert node.durable.view == 1
    assert why_refused(node, new_view(changes, (1, NULL_BATCH), (2, X))) is Why.REPEATED


def test_votes_received_before_the_new_view_count_in_it() -> None:
    early: list[Message] = [
        pre_prepare(Y, source="r1", view=1, seq=2),
        *(prepare(value, "r2", view=1, seq=seq) for seq, value in ((1, X), (2, Y))),
        *(commit(X, source, view=1) for source in ("r1", "r2")),
    ]
    changes = [view_change("r1"), view_change("r2", certificate(X)), view_change("r3")]
    _, effects = taken(replica("r0"), *early, new_view(changes, (1, X)))
    assert sent(effects, Prepare) == [prepare(X, "r0", view=1), prepare(Y, "r0", view=1, seq=2)]
    assert sent(effects, Commit) == [commit(X, "r0", view=1), commit(Y, "r0", view=1, seq=2)]
    assert only(effects, Executed) == [Executed(1, X)]


def test_a_backup_hands_waiting_requests_to_the_new_primary() -> None:
    node, _ = taken(replica("r2"), X[0])
    _, effects = taken(node, new_view([view_change(source) for source in ("r0", "r1", "r3")]))
    assert Send(X[0], "r1") in effects
    _, effects = taken(node, Retransmit())
    assert only(effects, Send) == [Send(X[0], "r0")]


def test_a_replica_without_the_new_views_checkpoint_asks_for_its_state() -> None:
    stable = checkpoint_certificate(X, Y)
    changes = [view_change("r1", stable=stable), view_change("r2"), view_change("r3")]
    node, effects = taken(replica("r0"), new_view(changes))
    assert node.durable.stable == stable
    assert [each.seq for each in sent(effects, StateRequest)] == [2]


def _flawed() -> Iterable[tuple[str, NewView]]:
    told = [view_change("r1"), view_change("r2", certificate(X)), view_change("r3")]
    yield "leaves a prepared batch out", new_view(told)
    yield "proposes another batch", new_view(told, (1, Y))
    yield "proposes nothing for it", new_view(told, (1, NULL_BATCH))
    yield "proposes more", new_view(told, (1, X), (2, Y))
    yield "proposes twice", new_view(told, (1, X), (1, X))
    yield "has too few view changes", new_view(told[:2], (1, X))
    yield "has more than a quorum", new_view([*told, view_change("r0")], (1, X))
    yield "counts one twice", new_view([told[0], told[1], told[1]], (1, X))
    yield "mixes views", new_view([told[0], told[1], view_change("r3", view=5)], (1, X))
    yield "counts a stranger", new_view([told[0], told[1], view_change("r9")], (1, X))
    yield ("has a forged view change", new_view([told[0], told[1], changed(told[2], signature=b"")], (1, X)))
    yield (
        "believes a certificate of too few",
        new_view([told[0], view_change("r2", certificate(Y, voters=["r2"])), told[2]], (1, Y)),
    )
    old = [view_change("r1", view=2), view_change("r2", certificate(X), view=2)]
    old.append(view_change("r3", certificate(Y, view=1), view=2))
    yield "takes the older certificate", new_view(old, (1, X), view=2, source="r2")
    other = signed(
        NewView(
            view=1, view_changes=tuple(told), proposals=(pre_prepare(X, source="r1", view=5),), source="r1"
        ),
        SymbolicKeys("r1"),
    )
    yield "proposes in another view", other
    forged = changed(other, proposals=(changed(other.proposals[0], view=1),))
    yield "does not sign its proposals", signed(forged, SymbolicKeys("r1"))


@pytest.mark.parametrize("message", [pytest.param(message, id=flaw) for flaw, message in _flawed()])
def test_a_backup_refuses_a_new_view_that_does_not_follow(message: NewView) -> None:
    assert why_refused(replica("r0"), message) is Why.UNPROVEN


def test_a_new_view_by_a_backup_or_for_an_old_view_is_refused() -> None:
    changes = [view_change(source) for source in ("r1", "r2", "r3")]
    assert why_refused(replica("r0"), new_view(changes, source="r3")) is Why.STRANGER
    later, _ = taken(replica("r0"), Timeout(), Timeout())
    assert why_refused(later, new_view(changes)) is Why.OLD_VIEW


# --- view changes that prove nothing ------------------------------------------------------------


def _unproven() -> Iterable[tuple[str, ViewChange]]:
    good = certificate(X)
    yield "too few prepares", view_change("r3", certificate(X, voters=["r1"]))
    yield "one prepare twice", view_change("r3", certificate(X, voters=["r1", "r1"]))
    yield "the primary's own prepare", view_change("r3", certificate(X, voters=["r0", "r1"]))
    yield "also the primary's prepare", view_change("r3", certificate(X, voters=["r0", "r1", "r2"]))
    yield "a stranger's prepare", view_change("r3", certificate(X, voters=["r1", "r9"]))
    yield (
        "a proposal of a backup",
        view_change("r3", changed(good, pre_prepare=pre_prepare(X, source="r2"))),
    )
    yield "a proposal for another batch", view_change("r3", changed(good, pre_prepare=pre_prepare(Y)))
    yield ("prepares of another number", view_change("r3", changed(good, pre_prepare=pre_prepare(X, seq=2))))
    yield (
        "prepares of another view",
        view_change("r3", changed(certificate(X, view=1), prepares=certificate(X).prepares), view=2),
    )
    yield (
        "prepares of several views",
        view_change("r3", changed(good, prepares=(*good.prepares, prepare(X, "r3", view=4))), view=2),
    )
    yield (
        "also a prepare for another batch",
        view_change("r3", changed(good, prepares=(*good.prepares, prepare(Y, "r3")))),
    )
    forged = changed(good.prepares[0], signature=b"forged")
    yield "a forged prepare", view_change("r3", changed(good, prepares=(forged, good.prepares[1])))
    yield (
        "a forged proposal",
        view_change("r3", changed(good, pre_prepare=changed(pre_prepare(X), signature=b"forged"))),
    )
    yield "one number twice", view_change("r3", good, good)
    yield "numbers out of order", view_change("r3", certificate(Y, seq=2), good)
    yield "a number beyond the window", view_change("r3", certificate(X, seq=5))
    yield "a number behind its checkpoint", view_change("r3", good, stable=checkpoint_certificate(X, Y))
    yield "a certificate of the very view", view_change("r3", certificate(X, view=1), view=1)
    yield "nothing, proposed in view 0", view_change("r3", certificate(NULL_BATCH))
    few = checkpoint_certificate(X, Y, sources=["r0", "r1"])
    yield "a checkpoint of too few", view_change("r3", stable=few)
    yield (
        "another beginning",
        view_change(
            "r3", stable=changed(checkpoint_certificate(), digest=checkpoint_certificate(X, Y).digest)
        ),
    )
    yield "a checkpoint between checkpoints", view_change("r3", stable=checkpoint_certificate(X, seq=1))


@pytest.mark.parametrize("message", [pytest.param(message, id=flaw) for flaw, message in _unproven()])
def test_a_view_change_without_valid_proof_is_refused(message: ViewChange) -> None:
    assert why_refused(replica("r1"), message) is Why.UNPROVEN


def test_a_certificate_with_surplus_prepares_is_accepted() -> None:
    told = view_change("r3", certificate(X, voters=["r1", "r2", "r3"]))
    _, effects = taken(replica("r1"), told)
    assert only(effects, Refused) == []


def test_late_or_contradictory_view_changes_are_refused() -> None:
    node, _ = taken(replica("r2"), view_change("r3", view=4))
    assert why_refused(node, view_change("r3", view=4)) is Why.REPEATED
    assert why_refused(node, view_change("r3", view=3)) is Why.OLD_VIEW
    assert why_refused(node, view_change("r3", certificate(X), view=4)) is Why.EQUIVOCATION
    node, _ = taken(node, Timeout(), Timeout())
    assert why_refused(node, view_change("r0", view=1)) is Why.OLD_VIEW
    entered, _ = taken(replica("r0"), new_view([view_change(f"r{k}") for k in (1, 2, 3)]))
    assert why_refused(entered, view_change("r2")) is Why.USELESS


# --- a cluster changes views --------------------------------------------------------------------


def _primary_gone(cluster: Cluster) -> None:
    del cluster.nodes["r0"]
    cluster.everybody(Timeout())
    cluster.run()


def test_a_batch_one_replica_executed_is_executed_by_all() -> None:
    """Only r3 receives the commits; the next primary does not know that x is decided."""
    cluster = Cluster.of(without=["r0"])
    cluster.everybody(pre_prepare(X))
    cluster.run(lost=lambda to, message: isinstance(message, Commit) and to != "r3")
    cluster.take("r3", commit(X, "r0"))
    assert cluster.decided == {1: X}
    assert cluster.nodes["r1"].durable.executed == 0
    cluster.everybody(Timeout())
    cluster.run()
    cluster.take("r1", Propose(Y))
    cluster.run()
    assert cluster.decided == {1: X, 2: Y}
    assert {node.durable.view for node in cluster.nodes.values()} == {1}
    assert all(cluster.operations(name) == ["x", "y"] for name in cluster.nodes)


def test_an_executed_batch_is_lost_without_certificates(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "told", lambda _durable: ())
    cluster = Cluster.of()
    cluster.take("r0", Propose(X))
    cluster.run(lost=lambda to, message: isinstance(message, Commit) and to != "r3")
    assert cluster.decided == {1: X}
    _primary_gone(cluster)
    cluster.take("r1", Propose(Y))
    with pytest.raises(Disagreement):
        cluster.run()


def _prepared_in_two_views() -> Cluster:
    """r3 prepares x in view 0; the others, without it, decide y in view 1; view 2 hears of both."""
    cluster = Cluster.of()
    cluster.take("r0", Propose(X))
    cluster.run(
        lost=lambda to, message: isinstance(message, Commit) or (isinstance(message, Prepare) and to != "r3")
    )
    cluster.everybody(Timeout(), but=["r3"])
    cluster.run(lost=lambda to, _message: to == "r3")
    cluster.take("r1", Propose(Y))
    cluster.run(lost=lambda to, _message: to == "r3")
    assert cluster.decided == {1: Y}
    del cluster.nodes["r1"]
    cluster.everybody(Timeout())
    cluster.run()
    return cluster


def test_an_older_certificate_does_not_undo_a_later_decision() -> None:
    cluster = _prepared_in_two_views()
    assert {node.durable.view for node in cluster.nodes.values()} == {2}
    assert all(cluster.operations(name) == ["y"] for name in cluster.nodes)


def test_taking_the_oldest_certificate_undoes_a_decision(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "latest", lambda several: min(several, key=lambda each: each.view))
    with pytest.raises(Disagreement):
        _prepared_in_two_views()


def test_a_gap_before_a_decided_batch_is_filled(monkeypatch: pytest.MonkeyPatch) -> None:
    def run() -> Cluster:
        cluster = Cluster.of()
        cluster.take("r0", Propose(X))
        cluster.take("r0", Propose(Y))
        cluster.run(lost=lambda _to, message: getattr(message, "seq", 0) == 1)
        assert cluster.decided == {}
        _primary_gone(cluster)
        cluster.take("r1", Propose(Z))
        cluster.run()
        return cluster

    assert run().decided == {1: NULL_BATCH, 2: Y, 3: Z}
    monkeypatch.setattr(
        rules,
        "reproposals",
        lambda changes: tuple(
            (each.seq, each.batch) for change in changes[:1] for each in change.certificates
        ),
    )
    assert run().decided == {}


def test_waiting_requests_are_handed_to_the_next_primary() -> None:
    cluster = Cluster.of()
    cluster.everybody(X[0], but=["r0"])
    del cluster.nodes["r0"]
    cluster.in_flight.clear()
    cluster.everybody(Timeout())
    cluster.run()
    assert cluster.nodes["r1"].waiting == {"client of x": X[0]}
    cluster.take("r1", Propose(tuple(cluster.nodes["r1"].waiting.values())))
    cluster.run()
    assert cluster.decided == {1: X}


def test_views_go_on_past_a_faulty_primary() -> None:
    cluster = Cluster.of(7)
    for gone in ("r0", "r1"):
        del cluster.nodes[gone]
    cluster.everybody(Timeout())
    cluster.run()
    assert all(node.durable.changing for node in cluster.nodes.values())
    cluster.everybody(Timeout())
    cluster.run()
    assert {(node.durable.view, node.durable.changing) for node in cluster.nodes.values()} == {(2, False)}


def test_retransmission_recovers_a_lost_view_change() -> None:
    cluster = Cluster.of()
    del cluster.nodes["r0"]
    cluster.everybody(Timeout())
    cluster.run(lost=lambda _to, _message: True)
    cluster.everybody(Retransmit())
    cluster.run()
    assert {(node.durable.view, node.durable.changing) for node in cluster.nodes.values()} == {(1, False)}


def test_a_replica_that_crashes_in_a_view_change_repeats_it() -> None:
    node, effects = taken(replica("r2"), pre_prepare(X), prepare(X, "r1"), Timeout())
    back, again = taken(recover(node.config, node.durable), Retransmit())
    assert sent(again, ViewChange) == sent(effects, ViewChange)
    assert back.view_changes == node.view_changes


def test_a_crashed_primary_begins_its_view_the_same_way_again() -> None:
    cluster = Cluster.of()
    cluster.take("r0", Propose(X))
    cluster.run()
    _primary_gone(cluster)
    begun = cluster.nodes["r1"].durable.entered
    cluster.take("r1", Propose(Y))
    cluster.in_flight.clear()
    cluster.restart("r1")
    said = [message for _, message in cluster.in_flight if not isinstance(message, Prepare | Commit)]
    assert begun in said
    cluster.run()
    assert cluster.decided == {1: X, 2: Y}


def test_a_certificate_is_reported_through_several_views() -> None:
    node, _ = taken(replica("r2"), pre_prepare(X), prepare(X, "r1"), Timeout(), Timeout())
    node, effects = taken(node, Timeout())
    (told,) = sent(effects, ViewChange)
    assert [(each.view, each.batch) for each in told.certificates] == [(0, X)]
    assert node.durable.view == 3
