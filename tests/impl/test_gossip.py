"""The core of gossip by itself: exchanges, hashes, cuts, signatures, membership, and any input at all."""

from collections.abc import Iterable
from typing import Any

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from impl import gossip
from impl.common import InvalidConfig, SymbolicKeys
from impl.gossip import exchange, rules
from impl.gossip.ownership import signed
from impl.gossip.records import bucket_of
from impl.gossip.validation import COUNT_END, flaw

S = 1_000_000_000


def node(name: str, *written: str, **config: Any) -> gossip.Node:
    made = gossip.first_start(gossip.Config(node=name, **config))
    for key in written:
        made, _ = gossip.step(made, gossip.Write(key, f"{name}:{key}"))
    return made


def play(
    nodes: dict[str, gossip.Node], inputs: Iterable[tuple[str, gossip.Input]]
) -> list[tuple[str, gossip.Message]]:
    """Deliver all that follows from some inputs at once, in order; who was sent what."""
    waiting, sent = list(inputs), []
    while waiting:
        name, inp = waiting.pop(0)
        nodes[name], effects = gossip.step(nodes[name], inp)
        for effect in effects:
            if isinstance(effect, gossip.Send):
                sent.append((effect.dest, effect.message))
                if effect.dest in nodes:
                    waiting.append((effect.dest, gossip.Receive(name, effect.message, 0)))
    return sent


def greeted(one: gossip.Node, other: gossip.Node) -> tuple[gossip.Node, gossip.Node, list[str]]:
    """Both nodes after the first has greeted the second, and the kinds of the messages."""
    nodes = {one.name: one, other.name: other}
    hello = gossip.Hello(one.holdings.root)
    sent = play(nodes, [(other.name, gossip.Receive(one.name, hello, 0))])
    return nodes[one.name], nodes[other.name], [type(message).__name__ for _, message in sent]


# --- exchanges


def test_an_exchange_pulls_and_pushes() -> None:
    one, other, kinds = greeted(node("a", "x"), node("b", "y"))
    assert kinds == ["Buckets", "Syn", "Reply", "Ack"]
    assert one.holdings.get("b") == gossip.own_copy(other)
    assert other.holdings.get("a") == gossip.own_copy(one)
    assert one.holdings.root == other.holdings.root


def test_equal_nodes_answer_no_greeting() -> None:
    one, other, _ = greeted(node("a", "x"), node("b", "y"))
    assert greeted(one, other)[2] == []


def test_only_what_changed_is_sent() -> None:
    one, other, _ = greeted(node("a", *"uvwx"), node("b"))
    one, _ = gossip.step(one, gossip.Write("u", "new"))
    nodes = {"a": one, "b": other}
    sent = play(nodes, [("b", gossip.Receive("a", gossip.Hello(one.holdings.root), 0))])
    (ack,) = [message for _, message in sent if isinstance(message, gossip.Ack)]
    assert [(key, record.value) for _, delta in ack.deltas for key, record in delta.records] == [("u", "new")]


def test_a_small_cluster_greets_by_digests() -> None:
    one = node("a", "x", seeds=("b",), hash_first=False)
    _, effects = gossip.step(one, gossip.Round(0, ()))
    assert [type(effect.message).__name__ for effect in effects if isinstance(effect, gossip.Send)] == ["Syn"]


def test_a_deleted_key_stays_deleted_when_old_news_come() -> None:
    one, other, _ = greeted(node("a", "x", "y"), node("b"))
    old = exchange.answer(one, tuple(range(128)), {})[0]
    one, _ = gossip.step(one, gossip.Delete("x"))
    one, other, _ = greeted(one, other)
    after, _ = gossip.step(other, gossip.Receive("a", gossip.Ack(old), 0))
    assert after.holdings.get("a").records["x"].is_tombstone


def test_a_cut_delta_is_a_prefix_and_the_rest_follows() -> None:
    one, other = node("a", *"uvwxyz", room=100), node("b", room=100)
    seen = []
    for _ in range(6):
        one, other, _ = greeted(one, other)
        seen.append(sorted(other.holdings.get("a").records))
    assert seen[0] == ["u", "v", "w"]
    assert seen[1] == list("uvwxyz")


def test_a_digest_too_large_is_of_some_buckets_each_in_turn() -> None:
    made = node("a", room=2_000)
    for number in range(200):
        made = exchange.with_copies(made, {f"n{number}": gossip.Copy(1)})
    seen: set[int] = set()
    for turn in range(128):
        syn = exchange.syn_for(attrs.evolve(made, turn=turn), tuple(range(128)))
        assert len(syn.digest) < 201
        seen.update(syn.buckets)
    assert seen == set(range(128))


@given(st.lists(st.tuples(st.sampled_from("abcd"), st.integers(0, 3), st.booleans()), max_size=30))
def test_hashes_are_those_of_what_there_is(changes: list[tuple[str, int, bool]]) -> None:
    held = node("z").holdings
    for name, version, is_forgotten in changes:
        held = (
            held.forget(name, version)
            if is_forgotten
            else held.put({name: gossip.Copy(1 + version, 0, version)})
        )
    again = type(held).empty(128, held.forgotten)
    for owner in held.known():
        again = again.put({owner: held.get(owner)})
    assert (again.hashes, again.digests) == (held.hashes, held.digests)


# --- merging


versions = st.integers(0, 6)


@st.composite
def histories(draw: st.DrawFn) -> list[gossip.Copy]:
    """The states of an owner, one after the other."""
    own, states = gossip.Copy(1), []
    for _ in range(draw(st.integers(1, 8))):
        match draw(st.sampled_from(("write", "write", "delete", "collect"))):
            case "write":
                own = own.written(draw(st.sampled_from("xyz")), draw(st.integers(0, 9)))
            case "delete" if live := [key for key, record in own.records.items() if not record.is_tombstone]:
                own = own.written(draw(st.sampled_from(live)), gossip.DELETED)
            case "collect" if gone := [r.version for r in own.records.values() if r.is_tombstone]:
                own = own.collected_to(draw(st.sampled_from(gone)))
            case _:
                continue
        states.append(own)
    return states or [own]


@settings(max_examples=300)
@given(histories(), st.data())
def test_copies_grow_and_never_resurrect(states: list[gossip.Copy], data: st.DataObject) -> None:
    """Three copies take cut deltas from each other and from older states of the owner, in any order."""
    copies = dict.fromkeys("abc", gossip.UNKNOWN)
    for _ in range(12):
        name = data.draw(st.sampled_from("abc"))
        source = data.draw(st.sampled_from([*states, *copies.values()]))
        before = copies[name]
        entry = gossip.Entry(before.generation, before.collected, before.version)
        if not source.generation or not rules.has_more(source, entry):
            continue
        room = data.draw(st.sampled_from((75, 110, 10_000)))
        delta = exchange.delta_for(source, entry, room, is_whole=False)
        if delta is None:
            continue
        made = attrs.evolve(
            node("m"),
            holdings=node("m").holdings.put({"o": before}) if before.generation else node("m").holdings,
        )
        after, _ = exchange.merged(made, "o", delta)
        copies[name] = after
        assert (after.generation, after.collected, after.version) >= (
            before.generation,
            before.collected,
            before.version,
        )
        for key, record in after.records.items():
            deletions = [
                s.records[key].version for s in states if key in s.records and s.records[key].is_tombstone
            ]
            reached = max(after.version, after.collected)
            again = [s.records[key].version for s in states if key in s.records]
            assert record.is_tombstone or not any(
                record.version < gone <= reached and not any(gone < each > after.version for each in again)
                for gone in deletions
            )
    last = states[-1]
    for name, copy in copies.items():
        made = node("m")
        made = attrs.evolve(
            made, holdings=made.holdings.put({"o": copy}) if copy.generation else made.holdings
        )
        entry = gossip.Entry(copy.generation, copy.collected, copy.version)
        delta = exchange.delta_for(last, entry, 10_000, is_whole=False)
        if delta is not None and rules.has_more(last, entry):
            assert exchange.merged(made, "o", delta)[0].records == last.records, name


# --- signatures


def test_what_its_owner_has_not_signed_is_refused() -> None:
    one, other = (node(name, "x", keys=SymbolicKeys(name)) for name in ("a", "b"))
    forged = signed("a", attrs.evolve(gossip.own_copy(one), version=9), SymbolicKeys("b"))
    delta = gossip.Delta(1, 0, 9, 0, tuple(forged.above(0)), forged.signature)
    after, effects = gossip.step(other, gossip.Receive("b", gossip.Ack((("a", delta),)), 0))
    assert after.holdings.get("a") == gossip.UNKNOWN
    assert [effect.reason for effect in effects if isinstance(effect, gossip.Refused)] == [
        "'a' has not signed this"
    ]


def test_a_record_left_out_by_a_relay_is_noticed() -> None:
    one, other = (node(name, "x", "y", keys=SymbolicKeys(name)) for name in ("a", "b"))
    own = gossip.own_copy(one)
    delta = gossip.Delta(1, 0, 2, 0, tuple(own.above(1)), own.signature)
    after, _ = gossip.step(other, gossip.Receive("b", gossip.Ack((("a", delta),)), 0))
    assert after.holdings.get("a") == gossip.UNKNOWN


def test_signed_states_are_taken_from_whoever_brings_them() -> None:
    one, other, third = (node(name, "x", keys=SymbolicKeys(name)) for name in ("a", "b", "c"))
    one, other, _ = greeted(one, other)
    _, third, _ = greeted(other, third)
    assert third.holdings.get("a") == gossip.own_copy(one)


def test_a_state_too_large_for_a_message_is_not_written_where_owners_sign() -> None:
    one = node("a", keys=SymbolicKeys("a"), room=300)
    one, first = gossip.step(one, gossip.Write("k", "x" * 200))
    _, second = gossip.step(one, gossip.Write("l", "x" * 200))
    assert not any(isinstance(effect, gossip.Refused) for effect in first)
    assert any(isinstance(effect, gossip.Refused) for effect in second)


# --- membership


def test_who_was_forgotten_and_lives_comes_back_in_its_next_generation() -> None:
    one, other, _ = greeted(node("a", "x"), node("b"))
    other = attrs.evolve(other, holdings=other.holdings.forget("a", 1))
    one, other, _ = greeted(one, other)
    one, other, _ = greeted(one, other)
    assert gossip.own_copy(one).generation == 2
    assert other.holdings.get("a") == gossip.own_copy(one)


def test_a_pair_that_disbelieve_each_other_meet_in_a_round() -> None:
    """Of one dead the round after, of d dead within d rounds."""
    one, _, _ = greeted(node("a"), node("b"))
    for name in ("b", "c", "d"):
        one = attrs.evolve(one, holdings=one.holdings.forget(name, 1))
    met = []
    for second in range(3):
        one, effects = gossip.step(one, gossip.Round(second * S, ()))
        met += [effect.dest for effect in effects if isinstance(effect, gossip.Send)]
    assert sorted(met) == ["b", "c", "d"]


def test_a_restart_without_keys_takes_the_next_generation() -> None:
    one = node("a", "x")
    again = gossip.restart(one.config, one.durable)
    assert gossip.own_copy(again) == gossip.Copy(2)
    assert gossip.recover(one.config, one.durable).holdings.get("a") == gossip.own_copy(one)


# --- any input


@pytest.mark.parametrize(
    "change",
    [
        {"node": ""},
        {"node": "x" * 65},
        {"fanout": 0},
        {"accusers": 0},
        {"room": 0},
        {"room": 99, "accepts": 98},
    ],
)
def test_a_configuration_that_cannot_be_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(InvalidConfig):
        gossip.Config(**{"node": "a", **change})


@pytest.mark.parametrize("key", ["", "@b", 1, None, "\ud800", "x" * 200])
def test_a_key_that_is_none_is_refused(key: Any) -> None:
    one = node("a")
    after, effects = gossip.step(one, gossip.Write(key, 1))
    assert after is one
    assert isinstance(effects[0], gossip.Refused)


def _short(whole: Any) -> Any:
    """A named tuple without its last field, which only a forger makes."""
    return tuple.__new__(type(whole), whole[:-1])


@pytest.mark.parametrize(
    "message",
    [
        gossip.Syn((0,), (("a", _short(gossip.Entry(1, 0, 1))),)),
        gossip.Ack((("a", _short(gossip.Delta(1, 0, 1, 0, ()))),)),
        gossip.Ack((("a", gossip.Delta(1, 0, 1, 0, (("k", _short(gossip.Record(1, 1))),))),)),
        gossip.Ack(
            (("a", gossip.Delta(1, 0, 1, 0, (("@b", gossip.Record(1, _short(gossip.Level(1, 1)))),))),)
        ),
    ],
)
def test_a_named_tuple_with_a_field_less_is_refused(message: gossip.Message) -> None:
    one = node("a")
    after, effects = gossip.step(one, gossip.Receive("b", message, 0))
    assert after is one
    assert isinstance(effects[0], gossip.Refused)


counts = st.integers(-2, 6) | st.sampled_from((COUNT_END - 1, COUNT_END, 1 << 200))
names = st.sampled_from(("a", "b", "c", "", "\ud800", "x" * 99)) | st.integers()
texts = st.sampled_from(("k", "@a", "@b", "", "@")) | st.none()
levels = st.builds(gossip.Level, counts, counts)
values = st.sampled_from((1, "v", gossip.DELETED, object, [1], 1.5, (1, (2,)))) | levels
records = st.builds(gossip.Record, counts, values)
deltas = (
    st.builds(
        gossip.Delta,
        counts,
        counts,
        counts,
        counts,
        st.lists(st.tuples(texts, records), max_size=3).map(tuple),
        st.binary(max_size=3),
    )
    | st.none()
)
entries = st.builds(gossip.Entry, counts, counts, counts, st.booleans() | st.none()) | st.none()
buckets = st.lists(st.integers(-1, 9), max_size=4).map(tuple) | st.just(tuple(range(8)))
pairs = st.lists(st.tuples(names, deltas), max_size=3).map(tuple)
digests = st.lists(st.tuples(names, entries), max_size=3).map(tuple) | st.none()
messages: st.SearchStrategy[Any] = st.one_of(
    st.builds(gossip.Hello, counts),
    st.builds(gossip.Buckets, st.lists(counts, min_size=7, max_size=9).map(tuple)),
    st.builds(gossip.Syn, buckets, digests),
    st.builds(gossip.Reply, buckets, digests, pairs),
    st.builds(gossip.Ack, pairs),
    st.builds(gossip.Heartbeat, counts),
    st.sampled_from((None, object, 3, gossip.Hello)),
)
inputs: st.SearchStrategy[Any] = st.one_of(
    st.builds(gossip.Receive, names, messages, counts),
    st.builds(gossip.Round, counts, st.lists(counts, max_size=3).map(tuple)),
    st.builds(gossip.Write, texts, values),
    st.builds(gossip.Delete, texts),
    st.sampled_from((None, object, gossip.Round)),
)


@settings(max_examples=300)
@given(st.lists(inputs, max_size=12), st.booleans())
def test_a_node_answers_any_input_and_raises_nothing(given_: list[Any], fears: bool) -> None:  # noqa: FBT001 - drawn
    one = node("a", "k", buckets=8, keys=SymbolicKeys("a") if fears else None)
    for inp in given_:
        before = gossip.own_copy(one)
        one, effects = gossip.step(one, inp)
        own = gossip.own_copy(one)
        assert (own.generation, own.collected, own.version) >= (
            before.generation,
            before.collected,
            before.version,
        )
        for effect in effects:
            if isinstance(effect, gossip.Send):
                assert flaw(effect.message, one.config) == ""


def test_names_have_buckets() -> None:
    assert {bucket_of(f"n{number}", 8) for number in range(99)} == set(range(8))
