"""Health and counters of a HotStuff replica, and their Prometheus exposition."""

from typing import Any

import attrs

from impl import hotstuff
from impl.common.requests import Reply
from impl.hotstuff import Why, metrics
from impl.hotstuff.metrics import NOTHING_COUNTED, Counters, counted, exposition, health
from tests.impl.expositions import samples
from tests.impl.hotstuff_nodes import Net, config, request


def told(net: Net) -> Counters:
    """The counters of all replicas of a net together."""
    return counted(NOTHING_COUNTED, [effect for _, effect in net.effects], replicas=len(net.nodes))


def test_a_replica_that_starts_is_well() -> None:
    found = health(hotstuff.first_start(config("r1")))
    assert found == metrics.Health(
        node="r1",
        view=1,
        leader="r1",
        changing=False,
        executed=0,
        locked=0,
        certified=0,
        backlog=0,
        kept=0,
        waiting=0,
        multiplier=1,
        futile=0,
        is_waiting=False,
        behind=0,
    )
    assert found.is_well
    assert found.complaints == ()


def test_certified_blocks_that_are_not_committed_are_the_backlog() -> None:
    net = Net()
    net.ask(request("c"))
    assert health(net.nodes["r0"]).waiting == 1
    assert health(net.nodes["r0"]).is_waiting
    net.run()
    for node in net.nodes.values():
        found = health(node)
        assert found.certified >= 3
        assert (found.executed, found.locked) == (found.certified - 2, found.certified - 1)
        assert found.backlog == 2
        assert (found.kept, found.waiting, found.is_well) == (4, 0, True)


def test_a_replica_that_gave_up_its_view_names_its_leader() -> None:
    node, _ = hotstuff.step(hotstuff.first_start(config("r2")), hotstuff.TimerFired())
    found = health(node)
    assert (found.view, found.leader, found.changing, found.is_well) == (1, "r1", True, False)
    assert found.complaints == ("view 1 of r1 was given up, and a quorum has not ended it",)


def test_views_that_end_by_time_outs_in_a_row_are_futile() -> None:
    net = Net()
    net.lost = lambda *sent: isinstance(sent[2], hotstuff.Proposal)
    net.ask(request("c"))
    for _ in range(2):
        net.time_out()
        net.run()
    found = health(net.nodes["r0"])
    assert (found.view, found.futile, found.multiplier) == (3, 2, 4)
    assert "2 views were left and nothing was executed" in found.complaints[0]
    counters = told(net)
    assert (counters.timeouts, counters.views, counters.batches) == (8, 8, 0)


def test_a_replica_that_lacks_a_certified_block_is_behind() -> None:
    net = Net()
    net.lost = lambda source, dest, _: "r3" in (source, dest)
    net.ask(request("c"))
    net.run()
    high = net.nodes["r0"].durable.high
    assert high.view > 0
    net.step("r3", hotstuff.Receive(high))
    found = health(net.nodes["r3"])
    assert found.behind == high.view
    assert f"others are {high.view} views further" in found.complaints[0]


def test_a_single_liar_cannot_make_a_replica_look_behind() -> None:
    node = hotstuff.first_start(config("r1"))
    far = attrs.evolve(node.durable.high, view=1 << 40, block="a" * 64)
    after, effects = hotstuff.step(node, hotstuff.Receive(far))
    assert health(after).is_well
    assert told_of(effects).refused == {Why.UNPROVEN: 1}


def told_of(effects: tuple[Any, ...]) -> Counters:
    return counted(NOTHING_COUNTED, effects, replicas=4)


def test_each_effect_of_a_run_is_counted_once() -> None:
    """In a cluster that commits and gives up a view, against a plain count of the same effects."""
    net = Net()
    net.ask(request("c"), request("d"))
    net.run()
    net.time_out()
    net.run()
    net.step("r0", hotstuff.Receive(request("c", 0)))
    found, effects = told(net), [effect for _, effect in net.effects]
    committed = [each for each in effects if isinstance(each, hotstuff.Committed)]
    sends = [each for each in effects if isinstance(each, hotstuff.Send)]
    assert (found.batches, found.requests) == (len(committed), sum(len(each.batch) for each in committed))
    assert found.requests == 2 * 4
    assert found.timeouts == 4
    assert sum(found.sent.values()) == sum(3 if each.to is None else 1 for each in sends)
    assert found.sent["Reply"] == sum(isinstance(each.message, Reply) for each in sends) == 8
    assert sum(found.refused.values()) == sum(isinstance(each, hotstuff.Refused) for each in effects) > 0
    assert found.writes == sum(isinstance(each, hotstuff.Persist) for each in effects)
    assert found.timers == sum(isinstance(each, hotstuff.ResetTimer) for each in effects) > 0
    assert found.equivocations == 0


def test_two_blocks_of_a_view_are_counted() -> None:
    two = [request(client) for client in "cd"]
    leader = hotstuff.first_start(config("r1"))
    node, counters = hotstuff.first_start(config("r2")), NOTHING_COUNTED
    for each in two:
        _, (*_, sent) = hotstuff.step(leader, hotstuff.Propose((each,)))
        assert isinstance(sent, hotstuff.Send)
        node, effects = hotstuff.step(node, hotstuff.Receive(sent.message))
        counters = counted(counters, effects, replicas=4)
    assert counters.equivocations == 1


def test_the_exposition_has_every_number_once() -> None:
    node, _ = hotstuff.step(hotstuff.first_start(config("r1")), hotstuff.TimerFired())
    counters = Counters(batches=3, requests=9, sent={"Vote": 6}, refused={Why.FORGED: 2})
    found = samples(exposition(health(node), counters))
    assert found["hotstuff_view", 'node="r1"'] == 1
    assert found["hotstuff_view_changing", 'node="r1"'] == 1
    assert found["hotstuff_well", 'node="r1"'] == 0
    assert found["hotstuff_requests_executed_total", 'node="r1"'] == 9
    assert found["hotstuff_messages_sent_total", 'node="r1",type="Vote"'] == 6
    assert found["hotstuff_refused_total", 'node="r1",why="forged"'] == 2
    assert found["hotstuff_refused_total", 'node="r1",why="full"'] == 0
    numbers = len(attrs.fields(metrics.Health)) - 2 + 1  # all but two names, and whether it is well
    assert len({name for name, _ in found}) == numbers + len(attrs.fields(Counters))
