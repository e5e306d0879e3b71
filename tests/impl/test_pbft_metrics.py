"""Health and counters of a PBFT replica, and their Prometheus exposition (PBFT-9)."""

import attrs
import pytest

from impl.pbft import (
    Checkpoint,
    Effect,
    Executed,
    Input,
    Message,
    Node,
    Propose,
    Refused,
    Reply,
    Retransmit,
    Send,
    SymbolicKeys,
    Timeout,
    Why,
    is_waiting,
    metrics,
    rules,
    signed,
)
from impl.pbft.metrics import NOTHING_COUNTED, Counters, counted, exposition, health
from tests.impl.expositions import samples
from tests.impl.pbft_nodes import (
    Cluster,
    X,
    Y,
    batch,
    checkpoint,
    commit,
    config,
    pre_prepare,
    prepare,
    replica,
    request,
    taken,
    view_change,
)


def made(source: str, seq: int) -> Checkpoint:
    """A checkpoint of an arbitrary state."""
    return signed(Checkpoint(seq=seq, digest="0" * 64, source=source), SymbolicKeys(source))


# --- health -------------------------------------------------------------------------------------


def test_a_replica_that_starts_is_well() -> None:
    found = health(replica("r1"))
    assert found == metrics.Health(
        node="r1",
        view=0,
        primary="r0",
        changing=False,
        executed=0,
        stable=0,
        high=4,
        backlog=0,
        waiting=0,
        multiplier=1,
        futile=0,
        is_waiting=False,
        behind=0,
    )
    assert found.is_well
    assert found.complaints == ()


def test_accepted_batches_not_yet_executed_are_the_backlog() -> None:
    node, _ = taken(replica("r1"), pre_prepare(X), pre_prepare(Y, seq=2), request("z"))
    found = health(node)
    assert (found.backlog, found.waiting, found.is_waiting, found.is_well) == (2, 1, True, True)
    votes = [prepare(X, source) for source in ("r2", "r3")] + [commit(X, source) for source in ("r0", "r2")]
    found = health(taken(node, *votes)[0])
    assert (found.executed, found.backlog, found.waiting) == (1, 1, 1)


def test_a_replica_waiting_for_a_view_names_its_primary() -> None:
    node, _ = taken(replica("r1"), Timeout(), Timeout())
    found = health(node)
    assert (found.view, found.primary, found.changing, found.futile) == (2, "r2", True, 2)
    assert found.multiplier == 4
    assert not found.is_well
    assert "view 2 has not begun: its primary r2" in found.complaints[0]
    assert "2 views were left" in found.complaints[1]


def test_a_replica_is_behind_f_plus_one_later_checkpoints() -> None:
    node, _ = taken(replica("r1"), made("r2", 4))
    assert health(node).behind == 0
    node, _ = taken(node, made("r3", 2))
    found = health(node)
    assert found.behind == 2
    assert "others are 2 further" in found.complaints[0]


def test_a_single_liar_cannot_make_a_replica_look_behind() -> None:
    node, _ = taken(replica("r1"), made("r3", 1 << 40))
    assert health(node).is_well


def test_a_single_liar_could_if_one_vote_sufficed(monkeypatch: pytest.MonkeyPatch) -> None:
    node, _ = taken(replica("r1"), made("r3", 1 << 40))
    monkeypatch.setattr(rules, "weak_quorum_size", lambda _: 1)
    assert health(node).behind == 1 << 40


def test_a_replica_below_its_stable_checkpoint_is_behind() -> None:
    node, _ = taken(replica("r1"), *(checkpoint(source, X, Y) for source in ("r0", "r2", "r3")))
    found = health(node)
    assert (found.stable, found.high, found.executed, found.behind) == (2, 6, 0, 2)


def test_a_replica_at_the_end_of_its_window_reports_missing_checkpoints() -> None:
    cluster = Cluster.of()
    for number in range(4):
        cluster.take("r0", Propose(batch(f"{number}")))
    cluster.run(lost=lambda _to, message: isinstance(message, Checkpoint))
    found = health(cluster.nodes["r1"])
    assert (found.executed, found.stable) == (4, 0)
    assert "end of its window, 4" in found.complaints[0]


def test_health_changes_nothing_and_agrees_with_the_timer() -> None:
    node: Node = taken(replica("r1"), pre_prepare(X), view_change("r2"))[0]
    before = attrs.evolve(node)
    assert health(node).is_waiting == is_waiting(node)
    assert node == before


# --- counters -----------------------------------------------------------------------------------


def test_the_counters_of_a_replica_add_up() -> None:
    node, counters = replica("r0"), NOTHING_COUNTED
    inputs: list[Input | Message] = [request("x"), Propose(X), *X]
    inputs += [prepare(X, source) for source in ("r1", "r9", "r1", "r2")]
    inputs += [commit(X, "r1"), commit(X, "r2"), Retransmit()]
    for each in inputs:
        node, effects = taken(node, each)
        counters = counted(counters, effects, replicas=4)
    assert counters == Counters(
        batches=1,
        requests=1,
        writes=3,
        timers=1,
        sent={"PrePrepare": 6, "Commit": 6, "Reply": 1},
        refused={Why.STRANGER: 1, Why.REPEATED: 2},
    )


def test_each_effect_of_a_run_is_counted_once() -> None:
    """In a cluster that changes views and makes checkpoints, against a plain count of the same effects."""
    cluster, effects = Cluster.of(), list[Effect]()
    for number in range(5):
        cluster.take("r0", Propose(batch(f"{number}")))
        cluster.run()
    for name in ("r1", "r2", "r3"):
        effects += cluster.take(name, Timeout())
    while cluster.in_flight:
        to, message = cluster.in_flight.pop(0)
        effects += cluster.take(to, message)
    effects += cluster.take("r1", Propose(batch("a", "b")))
    while cluster.in_flight:
        to, message = cluster.in_flight.pop(0)
        effects += cluster.take(to, message)
    found = counted(NOTHING_COUNTED, effects, replicas=4)
    executed = [effect for effect in effects if isinstance(effect, Executed)]
    sends = [effect for effect in effects if isinstance(effect, Send)]
    assert (found.batches, found.requests) == (len(executed), sum(len(each.batch) for each in executed))
    assert found.requests == 2 * 4
    assert found.views == 4
    assert sum(found.sent.values()) == sum(3 if each.to is None else 1 for each in sends)
    assert found.sent["Reply"] == sum(isinstance(each.message, Reply) for each in sends) == 8
    assert sum(found.refused.values()) == sum(isinstance(each, Refused) for each in effects)
    assert found.timers > 0


# --- for Prometheus -----------------------------------------------------------------------------


def test_the_exposition_has_every_number_once() -> None:
    node, _ = taken(replica("r1"), Timeout())
    counters = Counters(batches=3, requests=9, sent={"Prepare": 6}, refused={Why.FORGED: 2})
    text = exposition(health(node), counters)
    assert text.endswith("\n")
    found = samples(text)
    assert found["pbft_view", 'node="r1"'] == 1
    assert found["pbft_view_changing", 'node="r1"'] == 1
    assert found["pbft_well", 'node="r1"'] == 0
    assert found["pbft_requests_executed_total", 'node="r1"'] == 9
    assert found["pbft_messages_sent_total", 'node="r1",type="Prepare"'] == 6
    assert found["pbft_refused_total", 'node="r1",why="forged"'] == 2
    assert found["pbft_refused_total", 'node="r1",why="rate"'] == 0
    named = {name for name, _ in found}
    numbers = len(attrs.fields(metrics.Health)) - 2 + 1  # all but two names, and whether it is well
    assert len(named) == numbers + len(attrs.fields(Counters))


def test_quotes_and_newlines_in_a_name_are_escaped() -> None:
    name = 'a"b\\c\nd'
    odd = attrs.evolve(config("r0"), node=name, replicas=(name, "r1", "r2", "r3"))
    found = samples(exposition(attrs.evolve(health(replica("r0")), node=odd.node), NOTHING_COUNTED))
    assert ("pbft_view", 'node="a\\"b\\\\c\\nd"') in found
