"""Large PBFT clusters work, send as many messages as in the paper, and have figures fixed by the seed."""

from typing import Any

import attrs
import pytest

from impl import pbft
from impl.pbft import rules, view_changes
from property_tests.pbft.scale import (
    Figures,
    Register,
    ScaledCluster,
    binary_bytes,
    measure,
    messages_of_a_batch,
    messages_of_a_view_change,
    prepared_then_changed,
    size_in_memory,
    wire_bytes,
)
from tlacheck.errors import ConfigError
from tlacheck.sim import Uniform

DELAY = Uniform(1, 5)
SAME = Uniform(5, 5)


def _of_protocol(sent: Any) -> dict[str, int]:
    """The messages without clients' requests."""
    return {kind: count for kind, count in sent.items() if kind != "Request"}


# --- messages -----------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [1, 4, 5, 7, 10])
@pytest.mark.parametrize("ahead", [1, 8])
def test_a_batch_takes_as_many_messages_as_the_paper_says(n: int, ahead: int) -> None:
    """All to all twice: quadratic in n, however many batches are under way."""
    found = measure(n, requests=6, seed=1, delay=DELAY, batch=1, ahead=ahead, clients=6, symbolic=True)
    expected = {kind: 6 * count for kind, count in messages_of_a_batch(n).items() if count}
    assert _of_protocol(found.sent) == expected
    assert found.sent["Request"] == 6


def test_a_batch_of_many_takes_no_more_of_them_but_replies() -> None:
    one, many = (
        measure(4, requests=32, seed=1, delay=DELAY, batch=batch, ahead=1, clients=32, symbolic=True)
        for batch in (1, 32)
    )
    assert one.normal_messages == 32 * 24
    assert many.normal_messages == 2 * 24  # the first request is alone, and all others gather meanwhile
    assert one.sent["Reply"] == many.sent["Reply"] == 32 * 4


@pytest.mark.parametrize("n", [4, 5, 7])
@pytest.mark.parametrize("proposals", [1, 3])
def test_a_view_change_takes_as_many_messages_as_the_paper_says(n: int, proposals: int) -> None:
    scaled = prepared_then_changed(n, requests=proposals, seed=1, delay=SAME)
    assert _of_protocol(scaled.sent) == messages_of_a_view_change(n, proposals)
    assert {node.durable.view for node in scaled.nodes.values()} == {1}


def test_a_message_too_many_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A new primary that tells its proposals once more, each by itself."""
    real = view_changes._new_view  # noqa: SLF001 - what is broken here on purpose

    def talkative(node: pbft.Node) -> Any:
        outcome = real(node)
        return outcome._replace(effects=(*outcome.effects, *outcome.effects[:1]))

    monkeypatch.setattr(view_changes, "_new_view", talkative)
    scaled = prepared_then_changed(4, requests=1, seed=1, delay=DELAY)
    assert scaled.sent["NewView"] == 2 * messages_of_a_view_change(4, 1)["NewView"]


def test_a_request_that_nobody_prepared_is_not_answered_without_a_primary() -> None:
    scaled = ScaledCluster(4, seed=1, delay=DELAY, symbolic=True, timeout_ms=100)
    answered: list[str] = []
    scaled.on_answer = lambda client, _: answered.append(client)
    scaled.down.add("r0")
    scaled.ask("c0", "x")
    assert not scaled.run(lambda: bool(answered), within_ms=1_000)
    scaled.ask("c0", "y", of_all=True)
    assert scaled.run(lambda: bool(answered), within_ms=1_000)
    assert scaled.nodes["r1"].durable.view == 1
    assert scaled.now_ms >= 100


# --- time ---------------------------------------------------------------------------------------


def test_a_request_takes_five_delays() -> None:
    """The request to the primary, three phases, and the answer."""
    found = measure(4, requests=3, seed=1, delay=SAME, batch=1, symbolic=True)
    assert found.latency_ms == pytest.approx((25.0,) * 3)


def test_computing_takes_virtual_time_if_that_is_asked_for() -> None:
    found = measure(4, requests=3, seed=1, delay=SAME, batch=1, symbolic=True, computing=True)
    assert min(found.latency_ms) > 25.0
    assert found.busiest_cpu_s <= found.cpu_s
    assert found.virtual_s * 1_000 >= sum(found.latency_ms) - 1


def _without_seconds(figures: Figures) -> Figures:
    return attrs.evolve(figures, wall_s=0.0, cpu_s=0.0, busiest_cpu_s=0.0)


def test_the_same_seed_gives_the_same_figures_and_another_one_others() -> None:
    found = [
        _without_seconds(measure(4, requests=20, seed=seed, delay=DELAY, clients=4, symbolic=True))
        for seed in (1, 1, 2)
    ]
    assert found[0] == found[1] != found[2]


# --- signatures, bytes, memory ------------------------------------------------------------------


@pytest.mark.parametrize("symbolic", [True, False])
def test_every_message_is_signed_and_verified_once_by_each_receiver(*, symbolic: bool) -> None:
    found = measure(4, requests=5, seed=1, delay=DELAY, batch=1, symbolic=symbolic)
    phases = messages_of_a_batch(4)
    # Each replica verifies the client's signature as well.
    assert found.verifies == 5 * (phases["PrePrepare"] + phases["Prepare"] + phases["Commit"] + 4)
    # The proposal, the prepares of three, the commits and the replies of four.
    assert found.signs == 5 * (1 + 3 + 4 + 4)


def test_bytes_are_those_of_the_canonical_encoding_with_what_it_shortens() -> None:
    keys = pbft.SymbolicKeys("c0")
    request = pbft.signed(pbft.Request(client="c0", timestamp=1, operation=("é", b"\1", None)), keys)
    assert wire_bytes(request) == len(pbft.encode(request))
    vote = pbft.signed(pbft.Prepare(view=0, seq=1, digest="0" * 64, source="r1"), keys)
    assert wire_bytes(vote) == len(pbft.encode(vote))
    for batch in ((), (request,), (request, request)):
        proposal = pbft.signed(pbft.PrePrepare(view=0, seq=1, batch=batch, source="r0"), keys)
        shortened = len(f'"{pbft.digest(batch)}"')
        assert wire_bytes(proposal) == len(pbft.encode(proposal)) - shortened + len(pbft.encode(batch))


def test_binary_bytes_are_those_that_bincode_would_write() -> None:
    keys = pbft.SymbolicKeys("c0")
    request = pbft.signed(pbft.Request(client="c0", timestamp=1, operation=("é", b"\1", None)), keys)
    operation = 8 + (8 + 2) + (8 + 1) + 1
    assert binary_bytes(request) == 4 + (8 + 2) + 8 + operation + 8 + len(request.signature)
    vote = pbft.signed(pbft.Prepare(view=0, seq=1, digest="0" * 64, source="r1"), keys)
    assert binary_bytes(vote) == 4 + 8 + 8 + 32 + (8 + 2) + 8 + len(vote.signature)


def test_the_bytes_of_a_load_are_those_of_its_messages() -> None:
    found = measure(4, requests=4, seed=1, delay=DELAY, batch=1, payload_bytes=1_000, symbolic=True)
    assert found.payload_bytes == 4_000
    assert found.bytes["PrePrepare"] > 3 * found.payload_bytes
    assert found.between_replicas_bytes == sum(
        found.bytes[kind] for kind in ("PrePrepare", "Prepare", "Commit")
    )


def test_what_is_held_twice_takes_up_room_once() -> None:
    text = "x" * 10_000
    assert size_in_memory((text, text)) < 11_000
    assert size_in_memory((text, text + "y")) > 20_000


def test_a_replica_takes_up_no_more_as_time_goes_on() -> None:
    """With checkpoints every 10 numbers; without them its log would grow with each."""
    settings = {"window": 20, "interval": 10}
    sizes = [
        measure(
            4,
            requests=requests,
            seed=1,
            delay=DELAY,
            batch=1,
            clients=4,
            symbolic=True,
            weigh_every=5,
            settings=settings,
        ).replica_bytes
        for requests in (60, 240)
    ]
    assert 0 < sizes[1] < 1.3 * sizes[0]


def test_it_would_if_nothing_were_discarded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "is_stable", lambda *_: False)
    sizes = [
        measure(
            4, requests=requests, seed=1, delay=DELAY, batch=1, clients=4, symbolic=True, weigh_every=5
        ).replica_bytes
        for requests in (60, 180)
    ]
    assert sizes[1] > 2 * sizes[0]


def test_the_register_counts_and_keeps_the_last() -> None:
    register = Register()
    request = pbft.Request(client="c", timestamp=1, operation="x")
    value, result = register.apply(register.initial, request)
    assert (value, result) == ((1, "x"), 1)
    assert register.apply(value, request) == ((2, "x"), 2)


# --- errors -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("n", "clients", "batch"), [(0, 1, 1), (4, 0, 1), (4, 1, 0)])
def test_a_cluster_of_nothing_is_an_error(n: int, clients: int, batch: int) -> None:
    with pytest.raises(ConfigError, match="give at least 1 of each"):
        ScaledCluster(n, seed=1, delay=DELAY, clients=clients, batch=batch)


@pytest.mark.parametrize("requests", [0, -1])
def test_a_load_of_nothing_is_an_error_and_not_a_figure(requests: int) -> None:
    with pytest.raises(ConfigError, match=f"{requests} requests are no load"):
        measure(4, requests=requests, seed=1, delay=DELAY)


def test_a_load_that_is_not_answered_is_an_error_and_not_a_figure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "is_committed", lambda *_: False)
    with pytest.raises(ConfigError, match="0 of 1 requests were answered"):
        measure(4, requests=1, seed=1, delay=DELAY, symbolic=True, within_ms=1_000)
