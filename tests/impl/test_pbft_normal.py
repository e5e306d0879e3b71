"""The normal case of PBFT and its quorum sizes (Castro and Liskov 1999, sections 3, 4.1 and 4.2)."""

import attrs
import pytest

from impl.pbft import (
    NULL_BATCH,
    Commit,
    Config,
    Executed,
    InvalidConfig,
    Message,
    Persist,
    Prepare,
    PrePrepare,
    Propose,
    Refused,
    Reply,
    Request,
    ResetTimer,
    Retransmit,
    Send,
    StopTimer,
    SymbolicKeys,
    Timeout,
    Why,
    digest,
    recover,
    rules,
)
from tests.impl.pbft_nodes import (
    Cluster,
    Disagreement,
    X,
    Y,
    batch,
    changed,
    commit,
    config,
    names,
    only,
    pre_prepare,
    prepare,
    replica,
    request,
    sent,
    taken,
    why_refused,
)

# --- quorum sizes (paper, 3 and 4.2) ------------------------------------------------------------


@pytest.mark.parametrize(
    ("n", "f", "quorum"), [(1, 0, 1), (4, 1, 3), (5, 1, 4), (6, 1, 4), (7, 2, 5), (10, 3, 7), (31, 10, 21)]
)
def test_quorums_share_a_correct_replica(n: int, f: int, quorum: int) -> None:
    cluster = config(n=n)
    assert (cluster.f, cluster.quorum) == (f, quorum)
    assert 2 * quorum - n > f
    assert rules.prepare_quorum_size(cluster) == quorum - 1


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"n": 3, "f": 1}, "it takes 4. Add 1, or allow for f = 0 at most"),
        ({"n": 5, "f": 2}, "it takes 7. Add 2, or allow for f = 1 at most"),
        ({"f": -1}, "a count of faulty replicas starts at 0"),
        ({"n": 0}, "0 replicas"),
        ({"node": "r9"}, "none of the replicas"),
        ({"window": 0}, "nothing could be proposed"),
        ({"window": 4, "interval": 5}, "Use 1 to 4"),
        ({"interval": 0}, "Use 1 to 4"),
        ({"batch_max": 0}, "batch_max is 0"),
        ({"multiplier_max": 0}, "multiplier_max is 0"),
    ],
)
def test_an_invalid_config_is_refused_with_advice(settings: dict[str, int], said: str) -> None:
    with pytest.raises(InvalidConfig, match=said):
        config(**settings)  # type: ignore[arg-type]  # settings of several types


def test_a_replica_named_twice_is_refused() -> None:
    with pytest.raises(InvalidConfig, match="one vote"):
        Config("a", ("a", "a"), SymbolicKeys("a"))


def test_f_may_be_below_the_maximum() -> None:
    assert config(n=7, f=1).quorum == 5
    assert config(n=7, f=0).quorum == 4


# --- three phases (paper, 4.2) ------------------------------------------------------------------


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 6, 7])
def test_without_faults_every_replica_executes_the_proposals(n: int) -> None:
    cluster = Cluster.of(n, window=8, interval=8)
    cluster.take("r0", Propose(X))
    cluster.take("r0", Propose(Y))
    cluster.run()
    assert cluster.decided == {1: X, 2: Y}
    assert len(cluster.states()) == 1
    assert all(cluster.operations(name) == ["x", "y"] for name in cluster.nodes)
    assert cluster.refused == []


def test_the_primary_numbers_its_proposals_and_sends_them_to_all() -> None:
    node, effects = taken(replica("r0"), Propose(X), Propose(Y))
    assert [(each.seq, each.batch) for each in sent(effects, PrePrepare)] == [(1, X), (2, Y)]
    assert sent(effects, Prepare) == []
    assert sorted(node.durable.accepted) == [1, 2]


def test_a_backup_prepares_a_proposal_after_persisting_it() -> None:
    node, effects = taken(replica(), pre_prepare(X))
    assert effects == (Persist(node.durable), Send(prepare(X, "r1")), ResetTimer(1))
    assert node.durable.accepted == {1: pre_prepare(X)}


def test_a_backup_commits_after_a_quorum_of_prepares() -> None:
    node, effects = taken(replica(), pre_prepare(X), prepare(X, "r2"))
    assert sent(effects, Commit) == [commit(X, "r1")]
    certificate = node.durable.prepared[1]
    assert certificate.pre_prepare == pre_prepare(X)
    assert certificate.prepares == (prepare(X, "r1"), prepare(X, "r2"))


def test_the_primary_commits_after_prepares_of_others_only() -> None:
    node, effects = taken(replica("r0"), Propose(X), prepare(X, "r1"))
    assert sent(effects, Commit) == []
    node, effects = taken(node, prepare(X, "r2"))
    assert sent(effects, Commit) == [commit(X, "r0")]


def test_a_prepare_of_the_primary_is_no_vote() -> None:
    node, _ = taken(replica(), pre_prepare(X))
    assert why_refused(node, prepare(X, "r0")) is Why.STRANGER


def test_a_replica_executes_with_the_commits_of_a_quorum() -> None:
    node, effects = taken(replica(), pre_prepare(X), prepare(X, "r2"), commit(X, "r0"))
    assert only(effects, Executed) == []
    node, effects = taken(node, commit(X, "r3"))
    assert only(effects, Executed) == [Executed(1, X)]
    assert (node.durable.executed, node.durable.committed) == (1, {1: X})


def test_commits_do_not_count_before_the_batch_is_prepared() -> None:
    node, effects = taken(replica(), pre_prepare(X), *(commit(X, source) for source in ("r0", "r2", "r3")))
    assert only(effects, Executed) == []
    assert node.durable.committed == {}


def test_votes_for_another_batch_do_not_count() -> None:
    node, effects = taken(replica(), pre_prepare(X), prepare(Y, "r2"), prepare(Y, "r3"))
    assert sent(effects, Commit) == []
    assert node.durable.prepared == {}


def test_votes_of_another_number_do_not_count() -> None:
    _, effects = taken(replica(), pre_prepare(X), prepare(X, "r2", seq=2), prepare(X, "r3", seq=2))
    assert sent(effects, Commit) == []


def test_votes_of_a_later_view_do_not_count_in_this_one() -> None:
    later = [prepare(X, source, view=2) for source in ("r0", "r3")]
    node, effects = taken(replica(), pre_prepare(X), *later)
    assert sent(effects, Commit) == []
    votes = [commit(X, source, view=2) for source in ("r0", "r3")]
    _, effects = taken(node, prepare(X, "r2"), *votes)
    assert sent(effects, Commit) == [commit(X, "r1")]
    assert only(effects, Executed) == []


def test_a_vote_that_comes_twice_counts_once() -> None:
    node, _ = taken(replica(n=7), pre_prepare(X), prepare(X, "r2"), prepare(X, "r3"))
    assert why_refused(node, prepare(X, "r3")) is Why.REPEATED
    assert node.durable.prepared == {}


def test_votes_before_the_proposal_are_kept_and_take_effect_at_once() -> None:
    early = (prepare(X, "r2"), prepare(X, "r3"), commit(X, "r0"), commit(X, "r2"))
    node, effects = taken(replica(), *early)
    assert effects == ()
    node, effects = taken(node, pre_prepare(X))
    reply = sent(effects, Reply)[0]
    assert effects == (
        Persist(node.durable),
        Send(prepare(X, "r1")),
        Send(commit(X, "r1")),
        Executed(1, X),
        Send(reply, reply.client),
    )


def test_a_committed_batch_waits_for_its_predecessors() -> None:
    votes = (prepare(Y, "r2", seq=2), commit(Y, "r0", seq=2), commit(Y, "r2", seq=2))
    node, effects = taken(replica(), pre_prepare(Y, seq=2), *votes)
    assert node.durable.committed == {2: Y}
    assert only(effects, Executed) == []
    node, effects = taken(node, pre_prepare(X), prepare(X, "r2"), commit(X, "r0"), commit(X, "r2"))
    assert only(effects, Executed) == [Executed(1, X), Executed(2, Y)]


def test_a_second_proposal_for_a_number_is_an_equivocation() -> None:
    node, _ = taken(replica(), pre_prepare(X))
    after, effects = taken(node, pre_prepare(Y))
    assert after is node
    (refused,) = only(effects, Refused)
    assert refused.why is Why.EQUIVOCATION
    assert refused.conflicting == pre_prepare(X)
    assert why_refused(node, pre_prepare(X)) is Why.REPEATED


@pytest.mark.parametrize("say", [prepare, commit])
def test_a_vote_for_a_second_batch_is_an_equivocation(say: object) -> None:
    vote = prepare if say is prepare else commit
    node, _ = taken(replica(), vote(X, "r2"))
    assert why_refused(node, vote(Y, "r2")) is Why.EQUIVOCATION


@pytest.mark.parametrize("message", [pre_prepare(X), prepare(X, "r2"), commit(X, "r2")], ids=["p", "q", "c"])
def test_another_valid_signature_is_no_equivocation(
    message: Message, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A signer may have several signatures for one content; that proves no fault."""
    node, _ = taken(replica(), message)
    monkeypatch.setattr(SymbolicKeys, "verify", lambda *_: True)
    assert why_refused(node, changed(message, signature=b"another")) is Why.REPEATED


def test_an_earlier_views_vote_does_not_replace_a_later_one() -> None:
    node, _ = taken(replica(), prepare(X, "r2", view=3))
    assert why_refused(node, prepare(X, "r2", view=1)) is Why.OLD_VIEW
    node, effects = taken(node, prepare(Y, "r2", view=4))
    assert only(effects, Refused) == []


def test_only_the_primary_may_propose() -> None:
    assert why_refused(replica("r1"), Propose(X)) is Why.STRANGER
    assert why_refused(replica("r1"), pre_prepare(X, source="r2")) is Why.STRANGER


def test_only_a_new_view_may_propose_nothing() -> None:
    assert why_refused(replica("r0"), Propose(NULL_BATCH)) is Why.MALFORMED
    assert why_refused(replica("r1"), pre_prepare(NULL_BATCH)) is Why.STRANGER


@pytest.mark.parametrize("seq", [1, 4])
def test_the_window_takes_its_first_and_its_last_number(seq: int) -> None:
    for message in (pre_prepare(X, seq=seq), prepare(X, "r2", seq=seq), commit(X, "r2", seq=seq)):
        _, effects = taken(replica(), message)
        assert only(effects, Refused) == []


def test_messages_beyond_the_window_are_refused_in_each_phase() -> None:
    for message in (pre_prepare(X, seq=5), prepare(X, "r2", seq=5), commit(X, "r2", seq=5)):
        assert why_refused(replica(), message) is Why.OUTSIDE_WINDOW


def test_the_primary_proposes_nothing_beyond_the_window() -> None:
    node, _ = taken(replica("r0"), *(Propose(batch(name)) for name in "abcd"))
    assert why_refused(node, Propose(X)) is Why.OUTSIDE_WINDOW


# --- an equivocating primary --------------------------------------------------------------------


def _two_faced(n: int, heard: dict[str, str]) -> Cluster:
    """Run the others after r0 proposes, prepares and commits x to some and y to the rest."""
    cluster = Cluster.of(n, without=["r0"])
    for name, value in heard.items():
        chosen = X if value == "x" else Y
        for message in (pre_prepare(chosen), prepare(chosen, "r0"), commit(chosen, "r0")):
            cluster.take(name, message)
    cluster.run()
    return cluster


def _prepared(cluster: Cluster) -> set[object]:
    return {node.durable.prepared[1].batch for node in cluster.nodes.values() if 1 in node.durable.prepared}


def test_an_equivocating_primary_prepares_one_batch_at_most() -> None:
    cluster = _two_faced(4, {"r1": "x", "r2": "y", "r3": "x"})
    assert _prepared(cluster) == {X}


def test_an_equivocating_primary_whose_prepare_counts_prepares_two(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "preparers", lambda config, _view: frozenset(config.replicas))
    cluster = _two_faced(4, {"r1": "x", "r2": "y", "r3": "x"})
    assert _prepared(cluster) == {X, Y}


@pytest.mark.parametrize("n", [5, 6])
def test_an_equivocating_primary_cannot_divide_five_or_six(n: int) -> None:
    half = (n + 1) // 2
    heard = {name: "x" if place < half else "y" for place, name in enumerate(names(n)) if place}
    assert _two_faced(n, heard).decided in ({}, {1: X}, {1: Y})


@pytest.mark.parametrize("n", [5, 6])
def test_an_equivocating_primary_divides_quorums_of_two_f_plus_one(
    n: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A common mistake: 2f + 1 is a quorum only of 3f + 1 replicas."""
    monkeypatch.setattr(rules, "quorum_size", lambda config: 2 * config.f + 1)
    half = (n + 1) // 2
    heard = {name: "x" if place < half else "y" for place, name in enumerate(names(n)) if place}
    with pytest.raises(Disagreement):
        _two_faced(n, heard)


def test_a_replica_would_vote_twice_without_the_rule(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "may_accept", lambda _accepted, _seq: True)
    _, effects = taken(replica(), pre_prepare(X), pre_prepare(Y))
    assert sent(effects, Prepare) == [prepare(X, "r1"), prepare(Y, "r1")]


# --- clients (paper, 4.1) -----------------------------------------------------------------------


def test_every_replica_replies_and_the_replies_are_the_same() -> None:
    cluster = Cluster.of()
    cluster.take("r0", Propose(X))
    cluster.run()
    assert sorted(reply.source for reply in cluster.replies) == list(names(4))
    assert {(reply.client, reply.timestamp, reply.result) for reply in cluster.replies} == {
        ("client of x", 1, 1)
    }


def test_a_request_decided_twice_is_executed_once() -> None:
    cluster = Cluster.of()
    cluster.take("r0", Propose(X))
    cluster.take("r0", Propose((*Y, *X)))
    cluster.run()
    assert cluster.decided[2] == (*Y, *X)
    assert all(cluster.operations(name) == ["x", "y"] for name in cluster.nodes)


def test_a_request_would_execute_twice_without_the_rule(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "may_execute", lambda _state, _request: True)
    cluster = Cluster.of()
    cluster.take("r0", Propose(X))
    cluster.take("r0", Propose(X))
    cluster.run()
    assert cluster.operations("r1") == ["x", "x"]


def test_an_older_request_of_a_client_is_not_executed() -> None:
    first, second = (request("a", client="c", timestamp=number) for number in (1, 2))
    cluster = Cluster.of()
    cluster.take("r0", Propose((second,)))
    cluster.take("r0", Propose((first,)))
    cluster.run()
    assert cluster.operations("r1") == ["a"]


def test_a_request_older_than_the_last_executed_is_refused() -> None:
    first, second = (request("a", client="c", timestamp=number) for number in (1, 2))
    cluster = Cluster.of()
    cluster.take("r0", Propose((second,)))
    cluster.run()
    assert why_refused(cluster.nodes["r1"], first) is Why.REPEATED


def test_a_repeated_request_is_answered_again() -> None:
    cluster = Cluster.of()
    cluster.take("r0", Propose(X))
    cluster.run()
    first = [reply for reply in cluster.replies if reply.source == "r2"]
    effects = cluster.take("r2", X[0])
    assert sent(effects, Reply) == first


def test_a_backup_hands_a_waiting_request_to_the_primary() -> None:
    node, effects = taken(replica("r1"), X[0])
    assert effects == (Send(X[0], "r0"), ResetTimer(1))
    assert node.waiting == {"client of x": X[0]}
    node, effects = taken(node, pre_prepare(X), prepare(X, "r2"), commit(X, "r0"), commit(X, "r2"))
    assert node.waiting == {}
    assert only(effects, StopTimer) == [StopTimer()]


def test_requests_with_nothing_new_are_refused() -> None:
    later = request("b", client="c", timestamp=5)
    node, _ = taken(replica("r0", waiting_max=1), later)
    assert why_refused(node, later) is Why.REPEATED
    assert why_refused(node, request("a", client="c", timestamp=4)) is Why.USELESS
    assert why_refused(node, X[0]) is Why.USELESS
    node, _ = taken(node, request("c", client="c", timestamp=6))
    assert [each.timestamp for each in node.waiting.values()] == [6]


def test_a_request_its_client_did_not_sign_is_refused() -> None:
    forged = changed(X[0], operation="mine")
    assert why_refused(replica("r0"), forged) is Why.FORGED
    assert why_refused(replica("r0"), Propose((forged,))) is Why.FORGED
    assert why_refused(replica("r1"), pre_prepare((forged,))) is Why.UNPROVEN


def test_batches_and_requests_have_limits() -> None:
    for length in (401, 399):
        long = request("x" * length, client="c")
        assert why_refused(replica("r0", request_bytes_max=400), long) is Why.MALFORMED
    _, effects = taken(replica("r0", request_bytes_max=1000), request("x" * 401, client="c"))
    assert only(effects, Refused) == []
    assert why_refused(replica("r0", batch_max=1), Propose((*X, *Y))) is Why.MALFORMED
    assert why_refused(replica("r1", batch_max=1), pre_prepare((*X, *Y))) is Why.MALFORMED


def test_a_custom_service_is_replicated() -> None:
    @attrs.frozen
    class Counter:
        initial: int = 0

        def apply(self, value: object, request: Request) -> tuple[int, int]:
            count = value if isinstance(value, int) else 0
            count += len(str(request.operation))
            return count, count

    cluster = Cluster.of(service=Counter())
    cluster.take("r0", Propose(batch("one", "three")))
    cluster.run()
    assert {node.durable.state.value for node in cluster.nodes.values()} == {8}
    assert {(reply.client, reply.result) for reply in cluster.replies} == {
        ("client of one", 3),
        ("client of three", 8),
    }


# --- the timer (paper, 4.4 and 4.5.2) -----------------------------------------------------------


def test_the_timer_runs_while_requests_wait_and_restarts_on_execution() -> None:
    node, effects = taken(replica(), pre_prepare(X), pre_prepare(Y, seq=2))
    assert only(effects, ResetTimer) == [ResetTimer(1)]
    node, effects = taken(node, prepare(X, "r2"), commit(X, "r0"))
    assert only(effects, ResetTimer) == []
    node, effects = taken(node, commit(X, "r2"))
    assert only(effects, ResetTimer) == [ResetTimer(1)]
    node, effects = taken(node, prepare(Y, "r2", seq=2), commit(Y, "r0", seq=2), commit(Y, "r2", seq=2))
    assert only(effects, StopTimer) == [StopTimer()]


# --- after a crash ------------------------------------------------------------------------------


def test_a_recovered_replica_repeats_its_messages_and_counts_its_votes() -> None:
    node, effects = taken(replica(), pre_prepare(X), prepare(X, "r2"))
    said = [effect.message for effect in only(effects, Send)]
    back = recover(node.config, node.durable)
    _, again = taken(back, Retransmit())
    assert [effect.message for effect in only(again, Send)] == said
    _, effects = taken(back, commit(X, "r0"), commit(X, "r3"))
    assert only(effects, Executed) == [Executed(1, X)]


def test_a_recovered_replica_accepts_no_second_proposal() -> None:
    node, _ = taken(replica(), pre_prepare(X))
    assert why_refused(recover(node.config, node.durable), pre_prepare(Y)) is Why.EQUIVOCATION


def test_a_recovered_primary_repeats_its_proposal() -> None:
    node, effects = taken(replica("r0"), Propose(X))
    back, again = taken(recover(node.config, node.durable), Retransmit())
    assert sent(again, PrePrepare) == sent(effects, PrePrepare)
    _, effects = taken(back, Propose(Y))
    assert [each.seq for each in sent(effects, PrePrepare)] == [2]


def test_retransmission_recovers_lost_messages() -> None:
    cluster = Cluster.of()
    cluster.take("r0", Propose(X))
    cluster.run(lost=lambda to, _message: to in {"r1", "r2"})
    assert cluster.decided == {}
    cluster.everybody(Retransmit())
    cluster.run()
    cluster.everybody(Retransmit())
    cluster.run()
    assert all(cluster.operations(name) == ["x"] for name in cluster.nodes)


def test_a_replica_that_left_its_view_takes_no_part_in_it() -> None:
    node, _ = taken(replica("r2"), pre_prepare(X), Timeout())
    assert why_refused(node, prepare(X, "r1")) is Why.OLD_VIEW
    assert why_refused(node, commit(X, "r1")) is Why.OLD_VIEW
    assert why_refused(node, pre_prepare(Y, seq=2)) is Why.OLD_VIEW
    assert digest(X) != digest(Y)
