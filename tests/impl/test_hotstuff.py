"""HotStuff: the normal case, views that fail, blocks that are missing, crashes, and hostile input."""

import itertools
import random
from collections.abc import Callable
from typing import Any

import attrs
import pytest

from impl import hotstuff
from impl.common import InvalidConfig, SymbolicKeys, signed
from impl.common.ed25519 import Ed25519Keys, public_key
from impl.common.requests import Reply
from impl.hotstuff import Certificate, Receive, Refused, Timeout, Vote, Why, proofs, rules, sync
from tests.impl.hotstuff_nodes import Net, config, request

#: From sender, receiver and message to whether it is lost.
Lost = Callable[[str, str, Any], bool]


def refusals(effects: tuple[Any, ...]) -> list[Why]:
    return [effect.why for effect in effects if isinstance(effect, Refused)]


def is_prefix(one: list[str], other: list[str]) -> bool:
    return one == other[: len(one)] or other == one[: len(other)]


# --- messages that are lost -----------------------------------------------------------------------


def nothing(*_: Any) -> bool:
    return False


def from_one(name: str) -> Lost:
    return lambda source, *_: source == name


def towards_or_from(*names: str) -> Lost:
    return lambda source, dest, _: source in names or dest in names


def proposals(*sent: Any) -> bool:
    return isinstance(sent[2], hotstuff.Proposal)


def some(rng: random.Random, chance: float, silent: str) -> Lost:
    return lambda source, dest, _: silent in (source, dest) or rng.random() < chance


# --- the normal case ------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [4, 5, 7, 10])
def test_a_request_is_committed_and_answered_by_all(count: int) -> None:
    net = Net(count)
    net.ask(request("c"))
    net.run()
    assert len(net.replies) == count
    assert {reply.result for reply in net.replies} == {1}
    logs = net.logs()
    assert all(log and is_prefix(log, logs["r0"]) for log in logs.values())


def test_three_blocks_in_a_row_commit_the_first() -> None:
    net = Net()
    net.ask(request("c"))
    net.run()
    assert next(effect.view for effect in net.told(hotstuff.Committed, "r0")) == 1
    assert net.nodes["r1"].durable.high.view == 4


def test_a_cluster_without_requests_is_silent() -> None:
    net = Net()
    net.run()
    assert net.effects == []
    net.ask(request("c"))
    net.run()
    assert all(not hotstuff.is_waiting(node) for node in net.nodes.values())
    assert hotstuff.ready(net.nodes["r0"]) is None


def test_a_client_that_asks_again_gets_its_answer_again() -> None:
    net = Net()
    net.ask(request("c"))
    net.run()
    effects = net.step("r0", Receive(request("c")))
    (sent,) = [effect.message for effect in effects if isinstance(effect, hotstuff.Send)]
    assert isinstance(sent, Reply)
    assert sent.result == 1
    net.ask(request("c", 2))
    net.run()
    assert {reply.result for reply in net.replies if reply.timestamp == 2} == {2}


def test_a_request_is_executed_once_though_two_leaders_propose_it() -> None:
    net = Net()
    net.ask(request("c"))
    net.run(6)
    net.time_out()
    net.run()
    assert net.nodes["r0"].durable.state.value == (("c", 1, "op"),)


def test_signatures_of_ed25519_do_as_well() -> None:
    seeds = {name: bytes([place] * 32) for place, name in enumerate(("r0", "r1", "r2", "r3", "c"), start=1)}
    public = {name: public_key(seed) for name, seed in seeds.items()}
    net = Net()
    for name in net.nodes:
        own = attrs.evolve(config(name), keys=Ed25519Keys(seeds[name], public))
        net.nodes[name] = hotstuff.first_start(own)
    keys = Ed25519Keys(seeds["c"], public)
    made = request("c")
    net.ask(signed(made, keys))
    net.run()
    assert len(net.replies) == 4


# --- views that fail ------------------------------------------------------------------------------


def test_a_silent_leader_is_passed_by_time_outs() -> None:
    net = Net()
    net.lost = from_one("r1")
    net.ask(request("c"))
    net.run()
    for _ in range(6):
        net.time_out("r1")
        net.run()
    assert {reply.source for reply in net.replies} >= {"r0", "r2", "r3"}


def test_four_replicas_commit_though_one_of_them_never_speaks() -> None:
    """Three correct leaders in a row are all that there are: the votes for the third go to the silent one.

    A time-out brings the last vote along, or nothing would ever be committed.
    """
    net = Net()
    net.lost = from_one("r3")

    def without_votes(source: str, dest: str, message: Any) -> bool:
        del dest
        return source == "r3" or (isinstance(message, Timeout) and message.vote is not None)

    stuck = Net()
    stuck.lost = without_votes
    for each in (net, stuck):
        each.ask(request("c"))
        each.run()
        for _ in range(8):
            each.time_out("r3")
            each.run()
    assert len(net.logs()["r0"]) > 0
    assert stuck.logs()["r0"] == []


@pytest.mark.parametrize(("count", "silent"), [(4, 1), (7, 2)])
def test_something_is_committed_within_n_plus_two_views_whoever_is_silent(count: int, silent: int) -> None:
    """The bound of `HotStuffLiveness.tla`, for every choice of f silent replicas."""
    certified = []
    for absent in itertools.combinations([f"r{place}" for place in range(count)], silent):
        net = Net(count)
        net.lost = towards_or_from(*absent)
        net.ask(request("c"))
        net.run()
        while not any(isinstance(effect, hotstuff.Committed) for _, effect in net.effects):
            net.time_out(*absent)
            net.run()
            assert max(node.view for node in net.nodes.values()) <= 2 * count
        told = (
            effect for _, effect in net.effects if isinstance(effect, hotstuff.Persist | hotstuff.Committed)
        )
        since = itertools.dropwhile(lambda each: isinstance(each, hotstuff.Persist), told)
        at_once = itertools.takewhile(lambda each: isinstance(each, hotstuff.Committed), since)
        certified.append(max(block.view for block in at_once if isinstance(block, hotstuff.Committed)) + 2)
    assert 3 < max(certified) <= count + 2


def test_f_plus_one_time_outs_take_a_laggard_along_and_f_do_not() -> None:
    net = Net()
    lone, two = (proofs.sign_timeout(config(name), 9, _genesis(), None) for name in ("r1", "r2"))
    net.step("r0", Receive(lone))
    assert net.nodes["r0"].view == 1
    net.step("r0", Receive(two))
    assert net.nodes["r0"].view == 9
    assert [effect.view for effect in net.told(hotstuff.Joined, "r0")] == [9]


def test_whoever_gave_up_a_view_learns_that_a_quorum_did() -> None:
    """One of three has the time-outs of all, gives up the next view as well, and speaks of that only."""
    net = Net()
    net.lost = lambda source, dest, _: source == "r3" or dest in {"r1", "r2", "r3"}
    net.ask(request("c"))
    net.time_out("r3")
    net.run()
    net.step("r0", hotstuff.TimerFired())
    assert [net.nodes[name].view for name in ("r0", "r1", "r2")] == [2, 1, 1]
    net.lost = lambda source, dest, _: "r3" in {source, dest}
    net.step("r1", hotstuff.TimerFired())
    net.step("r2", hotstuff.TimerFired())
    net.run()
    assert [net.nodes[name].view for name in ("r0", "r1", "r2")] == [2, 2, 2]


def test_nobody_is_drawn_to_a_far_view_by_a_proposal() -> None:
    far = hotstuff.Block(view=1001, parent=config("r0").genesis, batch=(), justify=_genesis(), proposer="r1")
    proposal = hotstuff.Proposal(block=proofs.sign_block(config("r1"), far))
    node = hotstuff.first_start(config("r0"))
    after, effects = hotstuff.step(node, Receive(proposal))
    assert after is node
    assert refusals(effects) == [Why.UNPROVEN]


def test_who_has_timed_out_votes_no_more_in_that_view() -> None:
    net = Net()
    net.ask(request("c"))
    net.step("r0", hotstuff.TimerFired())
    net.run()
    assert 1 not in [effect.view for effect in net.told(hotstuff.Voted, "r0")]


def test_multiplier_doubles_with_each_futile_view_up_to_its_bound() -> None:
    net = Net(multiplier_max=8)
    net.ask(request("c"))
    net.lost = proposals
    for _ in range(6):
        net.time_out()
        net.run()
    assert [effect.multiplier for effect in net.told(hotstuff.ResetTimer, "r0")][:5] == [1, 2, 4, 8, 8]


# --- blocks that are missing ----------------------------------------------------------------------


def _cut_off(net: Net, name: str) -> None:
    net.lost = towards_or_from(name)


def test_a_laggard_fetches_what_it_missed() -> None:
    net = Net()
    _cut_off(net, "r0")
    for number in range(1, 4):
        net.ask(*(request(f"c{number}{place}") for place in range(3)))
        net.run()
        for _ in range(4):
            net.time_out("r0")
            net.run()
    net.lost = nothing
    net.ask(request("late"))
    for _ in range(6):
        net.run()
        net.time_out()
    net.run()
    logs = net.logs()
    assert is_prefix(logs["r0"], logs["r1"])
    assert net.nodes["r0"].durable.state == net.nodes["r1"].durable.state


def test_a_laggard_catches_up_though_nobody_asks_for_anything_more() -> None:
    net = Net()
    net.lost = towards_or_from("r0")
    net.ask(request("c"))
    for _ in range(4):
        net.run()
        net.time_out("r0")
    net.run()
    net.lost = nothing
    for _ in range(3):
        net.step("r0", hotstuff.TimerFired())
        net.run()
    assert net.nodes["r0"].durable.state == net.nodes["r1"].durable.state


def test_a_laggard_fetches_as_many_blocks_as_others_keep() -> None:
    """A few at a time, the last ones first: it holds them until it has the first."""
    net = Net(retained=60, fetch_max=2)
    _cut_off(net, "r0")
    for number in range(1, 8):
        net.ask(request(f"c{number}"))
        net.run()
        for _ in range(4):
            net.time_out("r0")
            net.run()
    missed = len(net.logs()["r1"])
    assert 10 < missed < 60
    net.lost = nothing
    for _ in range(12):
        net.step("r0", hotstuff.TimerFired())
        net.run()
    assert net.nodes["r0"].durable.state == net.nodes["r1"].durable.state
    assert net.logs()["r0"][:missed] == net.logs()["r1"][:missed]


def test_a_replica_catches_up_in_an_idle_cluster() -> None:
    """Of seven, r0 hears nothing of four blocks; the leader of the last of them is silent from then on."""
    net = Net(7)
    net.lost = towards_or_from("r0")
    net.ask(request("c"))
    net.nodes["r0"] = hotstuff.first_start(config("r0", 7))
    net.run()
    behind, others = net.nodes["r0"], [net.nodes[f"r{place}"] for place in (1, 2, 3, 5, 6)]
    assert not hotstuff.is_waiting(behind)
    assert {node.durable.state.value for node in others} == {(("c", 1, "op"),)}
    assert net.nodes["r4"].durable.proposed == 4
    net.lost = from_one("r4")
    for _ in range(7):
        for name in net.nodes:
            net.step(name, hotstuff.Retransmit())
        net.run()
    assert net.nodes["r0"].durable.state == net.nodes["r1"].durable.state


def test_views_that_certificates_ended_double_no_timer() -> None:
    net = Net(10)
    net.ask(*(request(f"c{place}") for place in range(3)))
    net.run()
    assert {effect.multiplier for _, effect in net.effects if isinstance(effect, hotstuff.ResetTimer)} == {1}


def test_a_replica_far_behind_takes_a_state_that_f_plus_one_vouch_for() -> None:
    net = Net(retained=1, fetch_max=2)
    _cut_off(net, "r0")
    for number in range(1, 9):
        net.ask(request(f"c{number}"))
        net.run()
        for _ in range(4):
            net.time_out("r0")
            net.run()
    net.lost = nothing
    net.ask(request("late"))
    for _ in range(12):
        net.run()
        net.time_out()
    net.run()
    assert net.nodes["r0"].durable.state == net.nodes["r1"].durable.state
    assert len(net.logs()["r0"]) < len(net.logs()["r1"])


def test_blocks_that_are_of_no_use_are_dropped() -> None:
    net = Net(retained=2)
    for number in range(1, 30):
        net.ask(request("c", number))
        net.run()
    assert len(net.logs()["r0"]) > 25
    assert len(net.nodes["r0"].durable.blocks) <= 8


# --- crashes --------------------------------------------------------------------------------------


def test_a_replica_that_comes_back_votes_no_second_time() -> None:
    net = Net()
    net.ask(request("c"))
    net.run(3)
    node = net.nodes["r0"]
    again = hotstuff.recover(node.config, node.durable)
    assert again.view == max(node.durable.high.view + 1, node.durable.voted, node.durable.timed)
    other = hotstuff.Block(view=1, parent=node.config.genesis, batch=(), justify=_genesis(), proposer="r1")
    proposal = hotstuff.Proposal(block=proofs.sign_block(config("r1"), other))
    _, effects = hotstuff.step(again, Receive(proposal))
    assert (node.durable.voted == 1) == (not any(isinstance(each, hotstuff.Voted) for each in effects))


def test_what_was_lost_is_said_again() -> None:
    net = Net()
    net.ask(request("c"))
    net.run(1)
    net.flights.clear()
    for name in net.nodes:
        net.step(name, hotstuff.Retransmit())
    net.run()
    assert len(net.replies) == 4


# --- evidence and hostile input -------------------------------------------------------------------


def _genesis() -> Certificate:
    return Certificate(view=0, block=config("r0").genesis)


def test_two_votes_of_one_view_are_evidence() -> None:
    one, other = (proofs.sign_vote(config("r1"), 1, digit * 64) for digit in "ab")
    net = Net()
    net.step("r2", Receive(one))
    effects = net.step("r2", Receive(other))
    (evidence,) = [effect for effect in effects if isinstance(effect, hotstuff.Equivocated)]
    assert (evidence.source, evidence.first, evidence.second) == ("r1", one, other)


def test_two_blocks_of_one_view_are_evidence_and_more_are_not_kept() -> None:
    net = Net()
    kept = []
    for client in ("a", "b", "c"):
        block = hotstuff.Block(
            view=1,
            parent=config("r0").genesis,
            batch=(request(client),),
            justify=_genesis(),
            proposer="r1",
        )
        proposal = hotstuff.Proposal(block=proofs.sign_block(config("r1"), block))
        kept.append(net.step("r0", Receive(proposal)))
    assert len(net.told(hotstuff.Equivocated, "r0")) == 1
    assert len(net.told(hotstuff.Voted, "r0")) == 1
    assert refusals(kept[2]) == [Why.FULL]


def _certificate(view: int, block: str, *names: str) -> Certificate:
    votes = {name: proofs.sign_vote(config(name), view, block) for name in names}
    places = [place for place in range(4) if f"r{place}" in votes]
    return Certificate(
        view=view,
        block=block,
        signers=proofs.bitmap(config("r0"), places),
        signatures=tuple(votes[f"r{place}"].signature for place in places),
    )


def test_a_certificate_with_one_part_changed_proves_nothing() -> None:
    own, block = config("r0"), "a" * 64
    good = _certificate(2, block, "r0", "r1", "r3")
    assert proofs.certificate_flaw(own, good) == ""
    for changed in (
        _certificate(2, block, "r0", "r1"),
        attrs.evolve(good, view=3),
        attrs.evolve(good, view=0),
        attrs.evolve(good, block="b" * 64),
        attrs.evolve(good, block=own.genesis),
        attrs.evolve(good, signers=bytes([0b0111])),
        attrs.evolve(good, signers=bytes([0b11011])),
        attrs.evolve(good, signatures=good.signatures[::-1]),
        attrs.evolve(good, signatures=good.signatures[:2]),
        attrs.evolve(good, signatures=good.signatures[:1] * 3),
    ):
        assert proofs.certificate_flaw(own, changed) != "", changed


def test_votes_of_another_cluster_count_for_nothing() -> None:
    vote = proofs.sign_vote(config("r1", cluster="other"), 1, "a" * 64)
    _, effects = hotstuff.step(hotstuff.first_start(config("r2")), Receive(vote))
    assert refusals(effects) == [Why.UNPROVEN]


HOSTILE: tuple[Any, ...] = (
    None,
    1,
    "vote",
    object(),
    Vote(view=0, block="a" * 64, source="r1"),
    Vote(view=1 << 70, block="a" * 64, source="r1"),
    Vote(view=1, block="short", source="r1"),
    Vote(view=1, block="a" * 64, source="stranger"),
    Vote(view="1", block="a" * 64, source="r1"),  # type: ignore[arg-type]  # that is the point
    Vote(view=1, block="a" * 64, source="r1", signature=b"x" * 999),
    Timeout(view=1, high=None, vote=None, source="r1"),  # type: ignore[arg-type]  # as above
    hotstuff.Blocks(()),
    hotstuff.Blocks((None,)),  # type: ignore[arg-type]  # as above
    hotstuff.Proposal(block=None),  # type: ignore[arg-type]  # as above
    hotstuff.TimeoutCertificate(view=1, signers=bytes([7]), high_views=(), signatures=()),
    hotstuff.TimeoutCertificate(view=1, signers=bytes([7]), high_views=(1, 0, 0), signatures=(b"",) * 3),
    hotstuff.Fetch(block="a" * 64, above=0, source="stranger"),
)


@pytest.mark.parametrize("message", HOSTILE, ids=range(len(HOSTILE)))
def test_what_proves_nothing_is_refused_and_changes_nothing(message: Any) -> None:
    node = hotstuff.first_start(config("r0"))
    after, effects = hotstuff.step(node, Receive(message))
    assert after is node
    assert len(refusals(effects)) == 1


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"f": 2}, "it takes 7. Add 3"),
        ({"f": -1}, "starts at 0"),
        ({"batch_max": 0}, "batch_max is 0"),
        ({"fetch_max": 0}, "fetch_max is 0"),
    ],
)
def test_a_configuration_that_cannot_be_is_refused(settings: dict[str, int], message: str) -> None:
    with pytest.raises(InvalidConfig, match=message):
        config("r0", **settings)


def test_a_replica_must_be_one_of_them() -> None:
    with pytest.raises(InvalidConfig, match="none of the replicas"):
        hotstuff.Config("x", ("r0", "r1", "r2", "r3"), SymbolicKeys("x"))
    with pytest.raises(InvalidConfig, match="named twice"):
        hotstuff.Config("r0", ("r0", "r0"), SymbolicKeys("r0"))
    with pytest.raises(InvalidConfig, match="at least one"):
        hotstuff.Config("r0", (), SymbolicKeys("r0"))


@pytest.mark.parametrize("seed", range(20))
def test_whatever_is_lost_the_logs_agree(seed: int) -> None:
    """Random losses and time-outs, a replica silent for a while, messages in another order."""
    rng = random.Random(seed)
    net = Net()
    for round_ in range(30):
        chance = rng.choice((0.0, 0.1, 0.4))
        silent = rng.choice(["", "r0", "r1", "r2", "r3"])
        net.lost = some(rng, chance, silent)
        net.ask(request(rng.choice("abc"), round_ + 1))
        net.run(rng.randint(1, 60))
        if rng.random() < 0.5:
            rng.shuffle(net.flights)
        if rng.random() < 0.6:
            net.time_out(*(name for name in net.nodes if rng.random() < 0.3))
    net.lost = nothing
    net.ask(request("z"))
    for _ in range(10):
        net.run()
        net.time_out()
    net.run()
    logs = list(net.logs().values())
    assert all(is_prefix(one, other) for one in logs for other in logs)
    assert any(reply.client == "z" for reply in net.replies)


def test_a_certificate_has_a_byzantine_quorum_of_votes() -> None:
    assert [rules.certificate_size(config("r0", n)) for n in (4, 5, 6, 7, 10, 100)] == [3, 4, 4, 5, 7, 67]


def test_a_hundred_replicas_send_snapshots_too() -> None:
    """A bitmap of more than 64 replicas is no integer that replicas could agree on."""
    net = Net(100)
    net.ask(request("c"))
    net.run()
    made = sync.snapshot_of(net.nodes["r1"])
    assert made is not None
    assert proofs.snapshot_flaw(config("r0", 100), made) == ""
