"""Size limits: too large a value is refused before it enters a log, and requests are bounded.

The papers have no such limits. They must not break Raft's guarantees: every follower catches up, whatever the
sizes are, and whatever an earlier setting let in.
"""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from impl.raft import (
    NOOP,
    AppendEntries,
    AppendEntriesRequest,
    ChangeMembership,
    ClientRequest,
    Config,
    Entry,
    InvalidConfig,
    Leader,
    Node,
    NoOp,
    Persist,
    Receive,
    Refused,
    SizeLimits,
    step,
)
from tests.impl.nodes import configuration, disk, leader, sent


def _size_of(value: Any) -> int:
    return len(value)


def _limits(entry: int, request: int) -> SizeLimits:
    return SizeLimits(size_of=_size_of, entry_bytes_max=entry, request_bytes_max=request)


def _log(*values: Any) -> tuple[Entry, ...]:
    return tuple(Entry(1, value) for value in values)


# --- one value ----------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [0, 1, 9, 10])
def test_a_value_of_the_allowed_size_is_taken(size: int) -> None:
    after, effects = step(leader(size_limits=_limits(10, 10)), ClientRequest(b"x" * size))
    assert after.durable.log == _log(b"x" * size)
    assert effects == (Persist(after.durable),)


@pytest.mark.parametrize("size", [11, 10_000])
def test_a_larger_value_is_refused_with_its_size(size: int) -> None:
    node, request = leader(size_limits=_limits(10, 10)), ClientRequest(b"x" * size)
    after, (refused,) = step(node, request)
    assert after == node
    assert isinstance(refused, Refused)
    assert refused.input == request
    assert f"the value has {size} bytes, and an entry at most 10" in refused.reason
    assert step(after, ClientRequest(b"small"))[0].durable.log == _log(b"small")


def test_a_server_that_does_not_lead_measures_nothing() -> None:
    """A follower cannot know what its leader would take."""
    node = Node(Config("n1", ("n1", "n2", "n3"), size_limits=_limits(10, 10)), disk())
    _, (refused,) = step(node, ClientRequest(b"x" * 11))
    assert refused == Refused(ClientRequest(b"x" * 11), "this server does not lead")


def test_without_limits_any_value_is_taken() -> None:
    """Of any type, since nothing measures it."""
    node = leader()
    assert node.config.size_limits is None
    for value in (b"x" * 10_000, 7, ("a", 1), None):
        assert step(node, ClientRequest(value))[0].durable.log == _log(value)


def test_a_follower_takes_whatever_its_leader_sends() -> None:
    """Refusing would keep the logs different for ever; the limit applies to new submissions."""
    follower = Node(Config("n2", ("n1", "n2", "n3"), size_limits=_limits(1, 1)), disk())
    (request,) = sent(step(leader(log=_log(b"xxx"), progress=((1, 0), (1, 0))), AppendEntries("n2"))[1])
    assert step(follower, Receive(request))[0].durable.log == _log(b"xxx")


# --- one request --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ((b"aaaa", b"bbbb", b"cc", b"d"), 3),  # exactly full
        ((b"aaaa", b"bbbb", b"ccc"), 2),
        ((b"aaaa",), 1),
        ((), 0),
        ((b"x" * 30, b"a"), 1),  # alone, for else it would never be sent
        ((b"a", b"x" * 30), 1),
        ((b"", b"", b"", b""), 4),
        ((NOOP, b"aaaa", configuration("123"), b"bbbb", NOOP, b"cc", NOOP, b"d"), 7),  # its own are free
    ],
)
def test_a_request_carries_the_next_entries_that_fit(values: tuple[Any, ...], expected: int) -> None:
    node = leader(log=_log(*values), progress=((1, 0), (1, 0)), size_limits=_limits(10, 10))
    (request,) = sent(step(node, AppendEntries("n2"))[1])
    assert isinstance(request, AppendEntriesRequest)
    assert request.entries == _log(*values)[:expected]


def test_the_number_of_entries_and_their_size_are_limited_both() -> None:
    node = leader(
        log=_log(*[b"a"] * 9), progress=((1, 0), (1, 0)), entries_max=2, size_limits=_limits(10, 10)
    )
    (request,) = sent(step(node, AppendEntries("n2"))[1])
    assert isinstance(request, AppendEntriesRequest)
    assert len(request.entries) == 2


def test_pipelined_requests_continue_after_the_carried_entries() -> None:
    """Thesis, 10.2.2: the leader assumes delivery of the entries it sent, not of those that did not fit."""
    node = leader(
        log=_log(*[b"aaaa"] * 5), progress=((1, 0), (1, 0)), pipelining=True, size_limits=_limits(10, 10)
    )
    requests: list[tuple[int, int]] = []
    for _ in range(4):
        node, effects = step(node, AppendEntries("n2"))
        (request,) = sent(effects)
        assert isinstance(request, AppendEntriesRequest)
        requests.append((request.prev_log_index, len(request.entries)))
    assert requests == [(0, 2), (2, 2), (4, 1), (5, 0)]


# --- Raft's guarantees --------------------------------------------------------------------------


def _bring_up(values: tuple[bytes, ...], limits: SizeLimits, *, pipelining: bool) -> list[str]:
    """Submit the values to a leader whose log already holds them too, and bring a follower up to date.

    Returns:
        A description of each violation; none if all is well.
    """
    wrong = []
    node = leader(
        log=_log(*values), progress=((1, 0), (1, 0)), pipelining=pipelining, size_limits=limits
    )  # an earlier setting let them in
    for value in values:
        after, _ = step(node, ClientRequest(value))
        if (after.durable.last_index > node.durable.last_index) != (len(value) <= limits.entry_bytes_max):
            wrong.append(f"{len(value)} bytes: {'taken' if after is not node else 'refused'}")
        node = after
    follower = Node(Config("n2", node.config.founders, pipelining=pipelining, size_limits=limits), disk())
    for _ in range(node.durable.last_index + 1):
        node, effects = step(node, AppendEntries("n2"))
        for request in sent(effects):
            assert isinstance(request, AppendEntriesRequest)
            size = sum(_size_of(entry.value) for entry in request.entries if entry.value != NOOP)
            if len(request.entries) > 1 and size > limits.request_bytes_max:
                wrong.append(f"{len(request.entries)} entries of {size} bytes in a request")
            follower, answers = step(follower, Receive(request))
            for answer in sent(answers):
                node, _ = step(node, Receive(answer))
    if follower.durable.log != node.durable.log:
        wrong.append(f"the follower has {follower.durable.last_index} of {node.durable.last_index} entries")
    return wrong


@given(
    values=st.lists(st.integers(0, 40).map(bytes), max_size=8),
    entry=st.integers(1, 20),
    more=st.integers(0, 20),
    pipelining=st.booleans(),
)
def test_a_follower_catches_up_with_entries_of_any_size(
    *, values: list[bytes], entry: int, more: int, pipelining: bool
) -> None:
    assert _bring_up(tuple(values), _limits(entry, entry + more), pipelining=pipelining) == []


def _none_if_the_first_is_too_large(limits: SizeLimits, entries: tuple[Entry, ...]) -> tuple[Entry, ...]:
    sizes = [_size_of(entry.value) for entry in entries]
    return tuple(
        entry for place, entry in enumerate(entries, 1) if sum(sizes[:place]) <= limits.request_bytes_max
    )


def _one_too_many(limits: SizeLimits, entries: tuple[Entry, ...]) -> tuple[Entry, ...]:
    return entries[: len(_none_if_the_first_is_too_large(limits, entries)) + 1]


@pytest.mark.parametrize(
    ("name", "broken", "said"),
    [
        ("rejection", lambda *_: "", "12 bytes: taken"),
        ("rejection", lambda *_: "no", "4 bytes: refused"),
        ("fitting", lambda _, entries: entries, "bytes in a request"),
        ("fitting", _one_too_many, "bytes in a request"),
        ("fitting", _none_if_the_first_is_too_large, "the follower has 2 of"),
    ],
    ids=["any value is taken", "none is", "no limit", "one too many", "what is too large is never sent"],
)
def test_wrong_limits_are_noticed(
    monkeypatch: pytest.MonkeyPatch, name: str, broken: Callable[..., Any], said: str
) -> None:
    values = (b"aaaa", b"bbbb", b"x" * 12, b"cccc", b"dddd")
    assert _bring_up(values, _limits(10, 10), pipelining=False) == []
    monkeypatch.setattr(SizeLimits, name, broken)
    assert any(said in words for words in _bring_up(values, _limits(10, 10), pipelining=False))


# --- the limits themselves ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("entry", "request_", "words"),
    [
        (0, 10, "entry_bytes_max is 0: a value has at least 1 byte"),
        (-1, 10, "entry_bytes_max is -1"),
        (10, 9, "request_bytes_max is 9 and entry_bytes_max 10: .* must fit into a request"),
    ],
)
def test_contradictory_limits_are_refused(entry: int, request_: int, words: str) -> None:
    with pytest.raises(InvalidConfig, match=words):
        _limits(entry, request_)


def test_the_protocols_own_entries_are_not_measured() -> None:
    """Membership changes and a new leader's no-op are no values of clients."""

    def never(value: object) -> int:
        raise AssertionError(f"{value} is measured")

    limits = SizeLimits(size_of=never, entry_bytes_max=1, request_bytes_max=1)
    node = leader(term=1, log=_log(NOOP), commit_index=1, size_limits=limits)
    node, _ = step(node, ChangeMembership(configuration("123", outgoing="")))
    node, _ = step(node, ChangeMembership(configuration("12")))
    assert isinstance(node.role, Leader)
    assert isinstance(node.durable.log[0].value, NoOp)
    assert node.durable.log[-1].value == configuration("12")
    node = leader(log=node.durable.log, progress=((1, 0),), members=("n1", "n2"), size_limits=limits)
    (request,) = sent(step(node, AppendEntries("n2"))[1])
    assert isinstance(request, AppendEntriesRequest)
    assert len(request.entries) == len(node.durable.log)
