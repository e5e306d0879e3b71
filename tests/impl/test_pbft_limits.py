"""Rate limits of clients (PBFT-4): local to each replica, so that agreement does not depend on them."""

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


def accepted_count(node: Node, first: int, last: int) -> int:
    """The number of a client's requests with these timestamps that are accepted."""
    count = 0
    for timestamp in range(first, last + 1):
        node, effects = taken(node, asked(timestamp))
        count += not only(effects, Refused)
    return count


# --- budgets of clients -------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["r0", "r1"])
def test_a_client_over_its_limit_is_refused_until_the_next_tick(name: str) -> None:
    """Both by the primary, which would propose it, and by a backup, which would forward it."""
    node, _ = taken(replica(name, rate_limit=ONE_A_TICK), asked(1))
    after, (refused,) = step(node, Receive(asked(2)))
    assert after is node
    assert isinstance(refused, Refused)
    assert refused.why is Why.RATE
    assert refused.reason == "client 'c' had 1 taken, and each tick allows for 1 more: ask again later"
    node, effects = taken(node, Tick(), asked(2))
    assert only(effects, Refused) == []
    assert node.waiting == {"c": asked(2)}


def test_without_a_limit_no_request_is_refused() -> None:
    assert accepted_count(replica(), 1, 100) == 100


def test_without_counting_no_request_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "spend", lambda spent, _client: spent)
    assert accepted_count(replica(rate_limit=ONE_A_TICK), 1, 100) == 100


def test_an_idle_client_saves_up_a_burst() -> None:
    node = replica(rate_limit=RateLimit(per_tick=2, burst=5))
    assert accepted_count(node, 1, 100) == 5
    node, _ = taken(node, *map(asked, range(1, 6)))
    assert accepted_count(taken(node, Tick())[0], 6, 100) == 2
    assert accepted_count(taken(node, *[Tick()] * 100)[0], 6, 100) == 5


@settings(max_examples=60, deadline=None)
@given(
    per_tick=st.integers(1, 3),
    extra=st.integers(0, 4),
    inputs=st.lists(st.sampled_from(["ask", "tick"]), max_size=25),
)
def test_no_interval_exceeds_a_burst_plus_its_ticks(per_tick: int, extra: int, inputs: list[str]) -> None:
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


def test_a_client_does_not_spend_the_budget_of_another() -> None:
    node, _ = taken(replica(rate_limit=ONE_A_TICK), asked(1))
    assert accepted_count(node, 2, 9) == 0
    assert only(taken(node, asked(1, client="d"))[1], Refused) == []


def test_forged_and_repeated_requests_spend_no_budget() -> None:
    """A forged request is not counted, nor is one that waits already, since backups forward it."""
    node = replica("r0", rate_limit=RateLimit(per_tick=2))
    assert why_refused(node, changed(asked(1), signature=b"forged")) is Why.FORGED
    node, _ = taken(node, asked(1), asked(1), asked(1))
    assert only(taken(node, asked(2))[1], Refused) == []


def test_repeated_replies_have_a_limit_of_their_own() -> None:
    """Replays of an executed request get a few replies a tick and spend no budget for new ones."""
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


def test_budgets_are_kept_for_a_bounded_number_of_clients() -> None:
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


# --- agreement is unaffected --------------------------------------------------------------------


def test_a_proposal_is_accepted_whatever_its_clients_have_spent() -> None:
    """Otherwise one replica's clock would restrict another's proposals."""
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


def test_a_request_the_primary_refused_is_not_lost() -> None:
    """The backups keep and forward it; after a tick the primary accepts it, without a view change."""
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


def test_a_tick_with_nothing_spent_does_nothing() -> None:
    for node in (taken(replica(), asked(1))[0], replica(rate_limit=ONE_A_TICK)):
        after, effects = step(node, Tick())
        assert after is node
        assert effects == ()


def test_a_tick_writes_nothing_and_starts_no_timer() -> None:
    node, _ = taken(replica(rate_limit=ONE_A_TICK), asked(1))
    after, effects = step(node, Tick())
    assert effects == ()
    assert after.durable is node.durable


def test_a_crash_resets_the_budgets() -> None:
    node, _ = taken(replica(rate_limit=ONE_A_TICK), asked(1))
    assert only(taken(recover(node.config, node.durable), asked(2))[1], Refused) == []


# --- settings -----------------------------------------------------------------------------------


def test_an_invalid_rate_limit_is_refused_with_advice() -> None:
    for wrong in ({"per_tick": 0}, {"per_tick": 1, "burst": 0}, {"per_tick": 1, "clients_max": 0}):
        with pytest.raises(InvalidConfig, match="use at least 1"):
            RateLimit(**wrong)
    with pytest.raises(InvalidConfig, match="burst is 2 and per_tick 3.* Use a burst of 3 or more"):
        RateLimit(per_tick=3, burst=2)


def test_the_rate_limit_is_off_by_default() -> None:
    assert Config("r0", names(4), SymbolicKeys("r0")).rate_limit is None


def test_a_backup_hands_on_no_more_than_the_limit() -> None:
    node, handed = replica("r1", rate_limit=RateLimit(per_tick=1, burst=3)), 0
    for timestamp in range(1, 50):
        node, effects = taken(node, asked(timestamp))
        handed += len(only(effects, Send))
    assert handed == 3
