"""Hostile input to a PBFT replica: it accepts or refuses, never raises, and a flood takes bounded room.

A Byzantine replica may send anything but cannot sign for others (paper, section 2).
"""

import contextlib
import math
import random
from collections.abc import Iterable
from typing import Any

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from impl.common import keys
from impl.pbft import (
    Checkpoint,
    Input,
    Message,
    Node,
    NotCanonical,
    Prepare,
    Propose,
    Receive,
    Refused,
    Reply,
    Request,
    StateRequest,
    StateResponse,
    SymbolicKeys,
    Timeout,
    Why,
    signed,
    step,
)
from tests.impl.pbft_nodes import (
    X,
    Y,
    Z,
    certificate,
    changed,
    checkpoint,
    checkpoint_certificate,
    commit,
    new_view,
    only,
    pre_prepare,
    prepare,
    replica,
    request,
    state_after,
    taken,
    view_change,
    why_refused,
)


def _messages() -> tuple[Message, ...]:
    """One of each kind, each good enough to be taken by r1 of four as it starts."""
    changes = [view_change(source, certificate(X), view=4) for source in ("r0", "r2", "r3")]
    response = StateResponse(checkpoint=checkpoint_certificate(X, Y), state=state_after(X, Y), source="r2")
    return (
        X[0],
        pre_prepare(X),
        prepare(X, "r2"),
        commit(X, "r2"),
        checkpoint("r2", X, Y),
        view_change("r2", certificate(X), stable=checkpoint_certificate()),
        new_view(changes, (1, X), view=4, source="r0"),
        signed(response, SymbolicKeys("r2")),
    )


def _signer(message: Any) -> str:
    return message.client if isinstance(message, Request) else message.source


def _kind(message: object) -> str:
    return type(message).__name__


each_kind = pytest.mark.parametrize("message", _messages(), ids=_kind)


# --- forged, replayed, misdirected --------------------------------------------------------------


@each_kind
def test_a_well_formed_message_is_accepted(message: Message) -> None:
    node = replica()
    after, effects = taken(node, message)
    assert after is not node
    assert only(effects, Refused) == []


@each_kind
def test_a_message_without_its_senders_signature_is_refused(message: Message) -> None:
    assert why_refused(replica(), changed(message, signature=b"")) is Why.FORGED
    assert why_refused(replica(), signed(message, SymbolicKeys("r9"))) is Why.FORGED


@each_kind
def test_an_unsigned_message_is_accepted_without_verification(
    message: Message, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keys.SymbolicKeys, "verify", lambda *_: True)
    _, effects = taken(replica(), changed(message, signature=b""))
    assert only(effects, Refused) == []


@each_kind
def test_a_replayed_message_changes_nothing(message: Message) -> None:
    node, _ = taken(replica(), message)
    assert why_refused(node, message) in {Why.REPEATED, Why.USELESS, Why.OUTSIDE_WINDOW, Why.OLD_VIEW}


@each_kind
def test_a_tampered_field_is_refused(message: Message) -> None:
    """Each field is covered by the signature, or a change makes the message invalid."""
    for field in attrs.fields(type(message)):
        value = getattr(message, field.name)
        for other in _others(field.name, value):
            tampered = changed(message, **{field.name: other})
            node = replica()
            assert why_refused(node, tampered) is not None


def _others(name: str, value: Any) -> Iterable[Any]:
    match value:
        case int():
            yield from (value + 1, value + 2)
        case str():
            yield from (f"{value}0", "r3" if value != "r3" else "r2")
        case bytes():
            yield value + b"0"
        case tuple():
            yield from ((*value, *Y) if name == "batch" else (*value, *value[:1]), value[1:])
        case _:
            yield None
    if name == "state":
        yield state_after(X, Z)
    if name == "checkpoint":
        yield changed(value, digest="0" * 64)


@pytest.mark.parametrize("source", ["r9", "client of x", ""])
def test_messages_of_strangers_are_refused(source: str) -> None:
    for message in _messages()[1:]:
        stranger = signed(changed(message, source=source), SymbolicKeys(source))
        assert why_refused(replica(), stranger) is Why.STRANGER


def test_a_replica_refuses_its_own_message() -> None:
    node, _ = taken(replica(), pre_prepare(X))
    assert why_refused(node, prepare(X, "r1")) is Why.REPEATED


def test_a_reply_sent_to_a_replica_is_refused() -> None:
    reply = Reply(view=0, client="c", timestamp=1, result=1, source="r2")
    assert why_refused(replica(), signed(reply, SymbolicKeys("r2"))) is Why.STRANGER


def test_a_request_for_an_unknown_state_is_refused() -> None:
    asked = StateRequest(seq=2, source="r2")
    assert why_refused(replica(), signed(asked, SymbolicKeys("r2"))) is Why.USELESS


# --- malformed messages -------------------------------------------------------------------------


class _Text(str):
    """A string subclass that raises when compared or hashed."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        raise RuntimeError("compared")

    def __hash__(self) -> int:
        raise RuntimeError("hashed")


_JUNK: tuple[Any, ...] = (
    None, True, -1, 0, 1 << 62, 1 << 9000, math.nan, 0.5, 1j, "", "\ud83d", "x" * 1000, b"", b"x" * 1000,
    (), (1,), ((((((((((((((((((),),),),),),),),),),),),),),),),),), [], [1], {}, {1}, frozenset(),
    object(), int, _Text("r2"), X, X * 100, pre_prepare(X), prepare(X, "r2"), certificate(X),
    checkpoint_certificate(X, Y), view_change("r2"), lambda: None,
)  # fmt: skip


@each_kind
def test_a_field_of_the_wrong_type_or_size_is_refused(message: Message) -> None:
    """The signature is irrelevant: the replica must notice the shape before it uses the field."""
    node = replica()
    for field in attrs.fields(type(message)):
        for junk in _JUNK:
            if type(junk) is type(getattr(message, field.name)) or field.name == "operation":
                continue
            broken = changed(message, **{field.name: junk})
            assert why_refused(node, broken) is Why.MALFORMED, (field.name, junk)


def _deeper(message: Message) -> Iterable[Message]:
    """The message with junk in one field of one of its parts."""
    for field in attrs.fields(type(message)):
        value = getattr(message, field.name)
        parts = value if isinstance(value, tuple) else (value,)
        for place, part in enumerate(parts):
            if not attrs.has(type(part)):
                continue
            for broken in (*_broken(part), *_deeper(part)):
                whole = (*parts[:place], broken, *parts[place + 1 :]) if isinstance(value, tuple) else broken
                yield changed(message, **{field.name: whole})


def _broken(part: Any) -> Iterable[Any]:
    for field in attrs.fields(type(part)):
        for junk in (None, -1, 0.5, [], _Text("r2"), object()):
            if field.name not in {"operation", "result", "value"} or not (junk is None or type(junk) is int):
                yield changed(part, **{field.name: junk})


@each_kind
def test_a_part_of_the_wrong_shape_is_refused_however_deep_it_is(message: Message) -> None:
    node = replica()
    for broken in _deeper(message):
        assert why_refused(node, broken) is Why.MALFORMED


@pytest.mark.parametrize("kind", [type(message) for message in _messages()])
def test_an_object_without_its_fields_is_refused(kind: type[Any]) -> None:
    assert why_refused(replica(), Receive(object.__new__(kind))) is Why.MALFORMED


@pytest.mark.parametrize("junk", _JUNK, ids=_kind)
def test_an_object_that_is_no_message_is_refused(junk: Any) -> None:
    if not isinstance(junk, Prepare) and _kind(junk) not in {"PrePrepare", "ViewChange"}:
        assert why_refused(replica(), Receive(junk)) is Why.MALFORMED
    if junk is not X:
        assert why_refused(replica("r0"), Propose(junk)) is Why.MALFORMED


class _LyingType(type):
    """A type that raises when hashed or asked for its name."""

    def __hash__(cls) -> int:
        raise RuntimeError("hashed")

    @property
    def __name__(cls) -> str:  # type: ignore[override]  # on purpose
        raise RuntimeError("asked for its name")


class _OfLyingType(metaclass=_LyingType):
    pass


class _OfNoClass:
    @property  # type: ignore[misc]  # on purpose
    def __class__(self) -> Any:
        raise RuntimeError("asked for its class")


def test_an_object_that_raises_on_inspection_is_refused() -> None:
    node = replica()
    junk: Any
    for junk in (_OfLyingType(), _OfNoClass()):
        assert why_refused(node, Receive(junk)) is Why.MALFORMED
        assert why_refused(replica("r0"), Propose(junk)) is Why.MALFORMED
        for message in _messages_once:
            for field in attrs.fields(type(message)):
                assert why_refused(node, changed(message, **{field.name: junk})) is Why.MALFORMED


def test_operations_without_canonical_bytes_are_refused() -> None:
    nested: Any = ()
    for _ in range(2000):
        nested = (nested,)
    for operation in (0.5, math.nan, [1], {"a": 1}, "\ud83d\ude00", 1 << 64, nested, object(), X):
        bad = changed(X[0], operation=operation)
        assert why_refused(replica("r0"), bad) is Why.MALFORMED
        assert why_refused(replica("r0"), Propose((bad,))) is Why.MALFORMED


# --- floods -------------------------------------------------------------------------------------


def _size(node: Node) -> int:
    """The number of messages that a replica keeps."""
    slots = sum(
        len(votes.pre_prepares) + len(votes.prepares) + len(votes.commits) for votes in node.votes.values()
    )
    return slots + sum(map(len, node.checkpoints.values())) + len(node.view_changes) + len(node.waiting)


def test_a_flood_keeps_one_message_per_sender_and_purpose() -> None:
    node = replica("r1", waiting_max=8)
    sizes = []
    for number in range(300):
        seq, view = 1 + number % 6, number // 3
        said: list[Message] = [
            prepare(X, f"r{2 + number % 2}", view=view, seq=seq),
            commit(Y, "r3", view=view, seq=seq),
            pre_prepare(X, source=f"r{view % 4}", view=view, seq=seq),
            signed(Checkpoint(seq=2 + 2 * number, digest="0" * 64, source="r3"), SymbolicKeys("r3")),
            view_change("r3", view=1 + number),
            request("x", client=f"c{number}"),
        ]
        node, _ = taken(node, *said)
        sizes.append(_size(node))
    window, replicas = node.config.window, node.config.n
    assert max(sizes) <= window * (3 * replicas) + replicas * node.config.checkpoints_max + replicas + 8
    assert sizes[150] == sizes[-1]
    assert node.durable.view == 0


def _mutated(draw: random.Random, part: Any) -> Any:
    """A message with one field changed, at any depth."""
    name = draw.choice([field.name for field in attrs.fields(type(part))])
    value = getattr(part, name)
    if attrs.has(type(value)) and draw.random() < 0.7:
        return changed(part, **{name: _mutated(draw, value)})
    if isinstance(value, tuple) and value and draw.random() < 0.7:
        place = draw.randrange(len(value))
        if attrs.has(type(value[place])):
            inner = _mutated(draw, value[place])
            return changed(part, **{name: (*value[:place], inner, *value[place + 1 :])})
    return changed(part, **{name: draw.choice([*_JUNK, *_like(value)])})


def _like(value: Any) -> list[Any]:
    """Values of the same type."""
    if type(value) is int:
        return [value + 1, value - 1, 2 * value] * 8
    if type(value) is str:
        return [f"{value}0", "r0", "r2", "r3"] * 8
    return [value[1:], value[::-1], value + value] * 8 if type(value) in {bytes, tuple} else []


@pytest.mark.parametrize("seed", range(4))
def test_mutated_messages_are_refused_without_effect_or_accepted(seed: int) -> None:
    draw, node, reasons = random.Random(seed), replica(), set()
    for number in range(1500):
        if number % 50 == 0:
            node = replica()
        message = _mutated(draw, draw.choice(_messages_once))
        signer = getattr(message, "client" if type(message) is Request else "source")
        if type(signer) is str and signer.isascii() and number % 3:
            with contextlib.suppress(NotCanonical, AttributeError, RuntimeError):
                message = signed(message, SymbolicKeys(signer))
        before = node
        node, effects = step(node, Receive(message))
        if refused := only(effects, Refused):
            assert node is before
            reasons.add(refused[0].why)
    assert reasons >= {Why.MALFORMED, Why.FORGED, Why.STRANGER, Why.REPEATED, Why.UNPROVEN}


_messages_once = _messages()


@given(data=st.data())
@settings(max_examples=150, deadline=None)
def test_any_signed_messages_in_any_order_keep_a_replica_legal(data: st.DataObject) -> None:
    """All but r1 may sign anything as themselves; nothing is raised, and counters never decrease."""
    operations = st.sampled_from([(), X, Y, (*X, *Y)])
    sources = st.sampled_from(["r0", "r2", "r3"])
    numbers = st.integers(1, 6)
    views = st.integers(0, 3)
    told = st.builds(
        lambda value, view, seq: certificate(value, view=view, seq=seq), operations, views, numbers
    )
    stable = st.sampled_from([checkpoint_certificate(), checkpoint_certificate(X, Y)])
    change = st.builds(
        lambda source, several, view, base: view_change(
            source, *sorted(several, key=lambda each: each.seq), view=view, stable=base
        ),
        sources,
        st.lists(told, max_size=2),
        st.integers(1, 3),
        stable,
    )
    proposals = st.lists(st.tuples(numbers, operations), max_size=3)
    anything: st.SearchStrategy[Input | Message] = st.one_of(
        st.builds(
            lambda *a: pre_prepare(a[0], source=a[1], view=a[2], seq=a[3]),
            operations,
            sources,
            views,
            numbers,
        ),
        st.builds(lambda *a: prepare(a[0], a[1], view=a[2], seq=a[3]), operations, sources, views, numbers),
        st.builds(lambda *a: commit(a[0], a[1], view=a[2], seq=a[3]), operations, sources, views, numbers),
        st.builds(lambda source, value: checkpoint(source, X, value), sources, st.sampled_from([Y, Z])),
        change,
        st.builds(
            lambda several, said, view: new_view(several, *said, view=view, source=f"r{view}"),
            st.lists(change, min_size=3, max_size=3),
            proposals,
            st.sampled_from([2, 3]),
        ),
        st.sampled_from([*_messages(), Timeout(), Propose(X), Propose(())]),
    )
    node = replica()
    for inp in data.draw(st.lists(anything, max_size=25)):
        before = node.durable
        node, effects = taken(node, inp)
        durable = node.durable
        assert (durable.view, durable.executed, durable.stable.seq) >= (before.view, 0, 0)
        assert durable.executed >= before.executed
        assert durable.stable.seq >= before.stable.seq
        for held in (durable.accepted, durable.prepared, durable.committed, node.votes):
            assert all(durable.stable.seq < seq <= durable.stable.seq + node.config.window for seq in held)
        assert step(node, Timeout()) == step(node, Timeout())
        if only(effects, Refused):
            assert node.durable is before
