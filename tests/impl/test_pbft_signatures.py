"""Canonical bytes, digests and signatures of PBFT: unambiguous, and bound to their signer."""

from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from impl.common.encoding import rejection_of
from impl.pbft import (
    Config,
    Executed,
    InvalidConfig,
    Keys,
    NotCanonical,
    Propose,
    Receive,
    Request,
    Send,
    SymbolicKeys,
    digest,
    encode,
    first_start,
    is_signed_by,
    signed,
    step,
)
from tests.impl.pbft_nodes import (
    X,
    Y,
    certificate,
    changed,
    commit,
    names,
    only,
    pre_prepare,
    prepare,
    view_change,
)

values = st.recursive(
    st.none() | st.booleans() | st.integers(-(1 << 63), (1 << 63) - 1) | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=3).map(tuple),
    max_leaves=6,
)


def _exactly(value: Any) -> object:
    """A value with its types: True is not 1."""
    return tuple(map(_exactly, value)) if isinstance(value, tuple) else (type(value), value)


# --- canonical bytes ----------------------------------------------------------------------------


def test_a_message_is_encoded_as_the_module_says() -> None:
    request = Request(client="c", timestamp=2, operation=("put", b"\x01", None, True), signature=b"s")
    assert encode(request, without="signature") == (
        b'{"Request":{"client":"c","operation":["put",{"bytes":"01"},null,true],"timestamp":2}}'
    )


@given(values, values)
def test_different_values_have_different_bytes(one: Any, other: Any) -> None:
    if rejection_of(one) or rejection_of(other):
        return
    assert (encode(one) == encode(other)) == (_exactly(one) == _exactly(other))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (True, 1), ("1", 1), (b"a", "a"), ((), None), ((("a",), "b"), ("a", ("b",))), ("\x00", "\\u0000"),
        (b"\x01", ("bytes", "01")), (prepare(X, "r1"), commit(X, "r1")), (pre_prepare(X), pre_prepare(Y)),
    ],
)  # fmt: skip
def test_similar_values_have_different_bytes(one: Any, other: Any) -> None:
    without = "signature" if attrs.has(type(one)) else ""
    assert encode(one, without=without) != encode(other, without=without)


@pytest.mark.parametrize("value", [0.5, [1], {"a": 1}, "\ud800", 1 << 63, {1}, ((1, 0.5),)])
def test_a_value_without_canonical_bytes_is_refused(value: Any) -> None:
    with pytest.raises(NotCanonical, match="agree on its bytes"):
        encode(value)


def test_a_signature_covers_a_batch_by_its_digest() -> None:
    assert digest(X).encode() in encode(pre_prepare(X))
    assert len(encode(pre_prepare(X * 50))) == len(encode(pre_prepare(X)))


def test_a_digest_binds_the_signatures_of_clients() -> None:
    """Otherwise some replicas would hold a request that others refuse, under one digest."""
    assert digest(X) != digest((changed(X[0], signature=b"other"),))


# --- signatures ---------------------------------------------------------------------------------


def _symbolic(name: str) -> Keys:
    return SymbolicKeys(name)


def _ed25519(name: str) -> Keys:
    from impl.common.ed25519 import Ed25519Keys, public_key

    seeds = {each: (each * 32)[:32].encode() for each in (*names(4), "client of x", "client of y")}
    return Ed25519Keys(seeds[name], {each: public_key(seed) for each, seed in seeds.items()})


each_scheme = pytest.mark.parametrize("keys_of", [_symbolic, _ed25519], ids=["symbolic", "ed25519"])


@each_scheme
def test_a_signature_binds_one_signer_and_one_content(keys_of: Any) -> None:
    signature = keys_of("r1").sign(b"content")
    assert keys_of("r2").verify("r1", b"content", signature)
    assert not keys_of("r2").verify("r2", b"content", signature)
    assert not keys_of("r2").verify("r1", b"other", signature)
    assert not keys_of("r2").verify("r1", b"content", signature + b"0")
    assert not keys_of("r2").verify("r1", b"content", b"")
    assert keys_of("r1").sign(b"content") == signature


@each_scheme
def test_each_field_of_a_message_is_signed(keys_of: Any) -> None:
    message = signed(changed(view_change("r2", certificate(X)), signature=b""), keys_of("r2"))
    keys = keys_of("r1")
    assert is_signed_by("r2", message, keys)
    for field, other in (("view", 2), ("certificates", ()), ("source", "r3")):
        assert not is_signed_by("r2", changed(message, **{field: other}), keys)
    assert not is_signed_by("r2", changed(message, checkpoint=certificate(X)), keys)


def test_ed25519_knows_only_the_named_signers() -> None:
    assert not _ed25519("r1").verify("r9", b"content", b"0" * 64)


@pytest.mark.parametrize("length", [0, 31, 33])
def test_keys_of_the_wrong_length_are_refused_with_advice(length: int) -> None:
    from impl.common.ed25519 import Ed25519Keys, public_key

    with pytest.raises(InvalidConfig, match="draw 32"):
        public_key(b"0" * length)
    with pytest.raises(InvalidConfig, match="must have 32"):
        Ed25519Keys(b"0" * 32, {"r1": b"0" * length})


@each_scheme
def test_a_cluster_decides_with_these_signatures(keys_of: Any) -> None:
    nodes = {name: first_start(Config(name, names(4), keys_of(name))) for name in names(4)}
    request = Request(client="client of x", timestamp=1, operation="x")
    batch = (signed(request, keys_of("client of x")),)
    waiting: list[tuple[str, Any]] = [("r0", Propose(batch))]
    executed = set()
    while waiting:
        name, inp = waiting.pop(0)
        nodes[name], effects = step(nodes[name], inp)
        executed |= {(name, effect.batch) for effect in only(effects, Executed)}
        to_all = [effect.message for effect in only(effects, Send) if effect.to is None]
        waiting += [(other, Receive(message)) for message in to_all for other in nodes if other != name]
    assert executed == {(name, batch) for name in nodes}
