"""How often a client may ask (PBFT-4): each replica's own limit, which agreement does not depend on."""

from collections import Counter

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from impl.pbft import (
    Config,
    InvalidConfig,
    Node,
    Prepare,
    Propose,
    RateLimit,
    Receive,
    Refused,
    Reply,
    Request,
    Retransmit,
    Send,
    SymbolicKeys,
    Tick,
    Why,
    limits,
    recover,
    step,
)
from tests.impl.pbft_nodes import (
    Cluster,
    changed,
    names,
    only,
    pre_prepare,
    replica,
    request,
    sent,
    taken,
    why_refused,
)

ONE_A_TICK = RateLimit(per_tick=1)


def asked(timestamp: int, *, client: str = "c") -> Request:
    return request("x", client=client, timestamp=timestamp)


def how_many_are_taken(node: Node, first: int, last: int) -> int:
    """How many of a client's requests with these timestamps are let wait, one after the other."""
    count = 0
    for timestamp in range(first, last + 1):
        node, effects = taken(node, asked(timestamp))
        count += not only(effects, Refused)
    return count


# --- what a client gets -------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["r0", "r1"])
def test_a_client_that_asks_too_often_is_refused_until_the_next_tick(name: str) -> None:
    """By the primary, which would propose it, as by a backup, which would hand it on."""
    node, _ = taken(replica(name, rate_limit=ONE_A_TICK), asked(1))
    after, (refused,) = step(node, Receive(asked(2)))
    assert after is node
    assert isinstance(refused, Refused)
    assert refused.why is Why.RATE
    assert refused.reason == "client 'c' had 1 taken, and each tick allows for 1 more: ask again later"
    node, effects = taken(node, Tick(), asked(2))
    assert only(effects, Refused) == []
    assert node.waiting == {"c": asked(2)}


def test_without_a_limit_it_is_not() -> None:
    assert how_many_are_taken(replica(), 1, 100) == 100


def test_it_would_not_be_either_if_nothing_were_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "spend", lambda spent, _client: spent)
    assert how_many_are_taken(replica(rate_limit=ONE_A_TICK), 1, 100) == 100


def test_a_burst_is_what_a_client_has_saved_up() -> None:
    node = replica(rate_limit=RateLimit(per_tick=2, burst=5))
    assert how_many_are_taken(node, 1, 100) == 5
    node, _ = taken(node, *map(asked, range(1, 6)))
    assert how_many_are_taken(taken(node, Tick())[0], 6, 100) == 2
    assert how_many_are_taken(taken(node, *[Tick()] * 100)[0], 6, 100) == 5


@settings(max_examples=60, deadline=None)
@given(
    per_tick=st.integers(1, 3),
    extra=st.integers(0, 4),
    inputs=st.lists(st.sampled_from(["ask", "tick"]), max_size=25),
)
def test_no_stretch_has_more_than_a_burst_and_what_its_ticks_bring(
    per_tick: int, extra: int, inputs: list[str]
) -> None:
    limit = RateLimit(per_tick=per_tick, burst=per_tick + extra)
    node, told = replica(rate_limit=limit), []
    for timestamp, what in enumerate(inputs, 1):
        node, effects = taken(node, Tick() if what == "tick" else asked(timestamp))
        told.append("tick" if what == "tick" else "refused" if only(effects, Refused) else "taken")
    for first in range(len(told)):
        for last in range(first, len(told)):
            stretch = Counter(told[first : last + 1])
            assert stretch["taken"] <= limit.burst + stretch["tick"] * limit.per_tick
    longest = Counter(told)
    assert longest["taken"] >= min(longest["taken"] + longest["refused"], limit.burst)


def test_one_client_does_not_use_up_what_another_has() -> None:
    node, _ = taken(replica(rate_limit=ONE_A_TICK), asked(1))
    assert how_many_are_taken(node, 2, 9) == 0
    assert only(taken(node, asked(1, client="d"))[1], Refused) == []


def test_nobody_else_can_use_up_what_a_client_has() -> None:
    """A forged request is not counted; nor is one that waits already, as backups hand it on."""
    node = replica("r0", rate_limit=RateLimit(per_tick=2))
    assert why_refused(node, changed(asked(1), signature=b"forged")) is Why.FORGED
    node, _ = taken(node, asked(1), asked(1), asked(1))
    assert only(taken(node, asked(2))[1], Refused) == []


def test_answers_that_are_given_again_have_a_limit_of_their_own() -> None:
    """Who replays an executed request gets a few answers a tick, and leaves the client what it may ask anew."""
    cluster = Cluster.of(rate_limit=RateLimit(per_tick=2))
    cluster.take("r0", asked(1))
    cluster.take("r0", Propose((asked(1),)))
    cluster.run()
    node = cluster.nodes["r2"]
    for _ in range(2):
        node, effects = taken(node, asked(1))
        assert len(sent(effects, Reply)) == 1
    assert why_refused(node, asked(1)) is Why.RATE
    assert only(taken(node, asked(2))[1], Refused) == []
    assert len(sent(taken(node, Tick(), asked(1))[1], Reply)) == 1


def test_of_no_more_clients_than_allowed_it_is_kept_what_they_spent() -> None:
    node = replica(rate_limit=RateLimit(per_tick=1, clients_max=3), waiting_max=100)
    for number in range(3):
        node, _ = taken(node, asked(1, client=f"c{number}"))
    after, (refused,) = step(node, Receive(asked(1, client="c3")))
    assert after is node
    assert isinstance(refused, Refused)
    assert (refused.why, "3 other clients" in refused.reason) == (Why.RATE, True)
    node, effects = taken(node, Tick(), asked(1, client="c3"))
    assert only(effects, Refused) == []
    assert set(node.spent.requests) == {"c3"}


# --- what nobody notices of it ------------------------------------------------------------------


def test_a_proposal_is_accepted_whatever_its_clients_have_spent_here() -> None:
    """Else one replica's clock would decide what another may propose."""
    node, _ = taken(replica("r1", rate_limit=ONE_A_TICK), asked(1), asked(2))
    assert why_refused(node, asked(3)) is Why.RATE
    node, effects = taken(node, pre_prepare((asked(3),)))
    assert only(effects, Refused) == []
    assert len(sent(effects, Prepare)) == 1


def test_replicas_with_different_limits_execute_the_same() -> None:
    cluster = Cluster.of()
    for number, name in enumerate(names(4)):
        node = cluster.nodes[name]
        limit = RateLimit(per_tick=1, burst=1 + number) if number else None
        cluster.nodes[name] = attrs.evolve(node, config=attrs.evolve(node.config, rate_limit=limit))
    for timestamp in range(1, 9):
        cluster.everybody(asked(timestamp))
        cluster.take("r0", Propose((asked(timestamp),)))
        cluster.run()
    assert {refused.why for refused in cluster.refused} >= {Why.RATE}
    assert len(cluster.states()) == 1
    assert len(cluster.operations("r3")) == 8


def test_what_the_primary_turned_away_is_not_lost() -> None:
    """The backups let it wait, and hand it on again; after a tick the primary takes it, and nobody loses patience."""
    cluster = Cluster.of(rate_limit=ONE_A_TICK)
    cluster.take("r0", asked(1))
    cluster.take("r0", Propose((asked(1),)))
    cluster.run()
    cluster.everybody(asked(2))
    cluster.run()
    assert {refused.why for refused in cluster.refused} == {Why.RATE}
    assert set(cluster.nodes["r1"].waiting) == {"c"} != set(cluster.nodes["r0"].waiting)
    cluster.take("r0", Tick())
    cluster.everybody(Retransmit())
    cluster.run()
    cluster.take("r0", Propose(tuple(cluster.nodes["r0"].waiting.values())))
    cluster.run()
    assert cluster.operations("r1") == ["x", "x"]
    assert not any(node.waiting or node.durable.view for node in cluster.nodes.values())


def test_a_tick_does_nothing_where_there_is_nothing_to_count() -> None:
    for node in (taken(replica(), asked(1))[0], replica(rate_limit=ONE_A_TICK)):
        after, effects = step(node, Tick())
        assert after is node
        assert effects == ()


def test_a_tick_writes_nothing_and_starts_no_timer() -> None:
    node, _ = taken(replica(rate_limit=ONE_A_TICK), asked(1))
    after, effects = step(node, Tick())
    assert effects == ()
    assert after.durable is node.durable


def test_after_a_crash_nothing_is_counted() -> None:
    node, _ = taken(replica(rate_limit=ONE_A_TICK), asked(1))
    assert only(taken(recover(node.config, node.durable), asked(2))[1], Refused) == []


# --- settings -----------------------------------------------------------------------------------


def test_a_limit_that_cannot_be_is_refused_with_what_to_do() -> None:
    for wrong in ({"per_tick": 0}, {"per_tick": 1, "burst": 0}, {"per_tick": 1, "clients_max": 0}):
        with pytest.raises(InvalidConfig, match="use at least 1"):
            RateLimit(**wrong)
    with pytest.raises(InvalidConfig, match="burst is 2 and per_tick 3.* Use a burst of 3 or more"):
        RateLimit(per_tick=3, burst=2)


def test_it_is_off_unless_asked_for() -> None:
    assert Config("r0", names(4), SymbolicKeys("r0")).rate_limit is None


def test_a_backup_hands_on_no_more_than_the_limit() -> None:
    node, handed = replica("r1", rate_limit=RateLimit(per_tick=1, burst=3)), 0
    for timestamp in range(1, 50):
        node, effects = taken(node, asked(timestamp))
        handed += len(only(effects, Send))
    assert handed == 3
