"""Messages as bytes and back; bytes from outside that are none."""

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from impl import machine, raft
from node.api import peer_message
from node.errors import BadFrame
from node.proposals import Proposal, command_of, operation_from, proposal_of
from node.raft_core import CODEC, RaftCore
from node.stamps import Stamp, Stamped

ENTRIES = (
    raft.Entry(1, raft.NOOP),
    raft.Entry(1, Proposal("x")),
    raft.Entry(2, raft.Configuration(frozenset({"n1"}))),
)
MESSAGES: list[raft.Message] = [
    raft.PreVoteRequest(term=1, source="n2", dest="n1", last_log_index=3, last_log_term=1),
    raft.RequestVoteResponse(term=1, source="n2", dest="n1", vote_granted=True),
    raft.AppendEntriesRequest(
        term=2, source="n2", dest="n1", prev_log_index=0, prev_log_term=0, entries=ENTRIES, leader_commit=1
    ),
    raft.AppendEntriesResponse(term=2, source="n2", dest="n1", success=False, match_index=0),
]


CORE = RaftCore("n1", ("n1", "n2", "n3"))
STAMP = Stamp("n2", 1, 7, 0)


def body(message: raft.Message, stamp: Stamp = STAMP) -> bytes:
    return CODEC.encode(Stamped(stamp, message))


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: type(message).__name__)
def test_a_message_is_read_as_it_was_written(message: raft.Message) -> None:
    assert peer_message(CORE, body(message), "n2").message == message


@pytest.mark.parametrize(("sender", "receiver"), [("n3", "n1"), ("n2", "n3")])
def test_a_node_speaks_for_itself_only(sender: str, receiver: str) -> None:
    with pytest.raises(BadFrame, match="a node speaks for itself"):
        peer_message(RaftCore(receiver, ("n1", "n2", "n3")), body(MESSAGES[0]), sender)


def test_a_stamp_of_another_node_is_refused() -> None:
    with pytest.raises(BadFrame, match="a node speaks for itself"):
        peer_message(CORE, body(MESSAGES[0], Stamp("n3", 1, 7, 0)), "n2")


@given(st.binary(max_size=200))
def test_any_bytes_are_a_message_or_refused(data: bytes) -> None:
    with pytest.raises(BadFrame):
        peer_message(CORE, data, "n2")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["Stamped", "Stamp", "Entry", "set", "term", "NoOp"]), inner, max_size=3
        )
    ),
    max_leaves=10,
)


@given(JSON)
def test_any_json_is_a_value_or_refused(plain: object) -> None:
    with contextlib.suppress(BadFrame):
        CODEC.decode(json.dumps(plain).encode())


@given(st.sampled_from(MESSAGES), st.data())
def test_a_message_with_a_changed_field_is_refused(message: raft.Message, data: st.DataObject) -> None:
    plain = json.loads(body(message))
    ((_, fields),) = plain["Stamped"]["message"].items()
    name = data.draw(st.sampled_from(sorted(fields)))
    fields[name] = data.draw(st.sampled_from([-1, 1 << 62, 1.5, {}, [[]], {"NoOp": {}}]))
    with pytest.raises(BadFrame):
        peer_message(CORE, json.dumps(plain).encode(), "n2")


def test_a_deeply_nested_frame_is_refused() -> None:
    with pytest.raises(BadFrame):
        CODEC.decode(b"[" * 100_000)


OPERATIONS = [
    machine.CreateCase("c", "s", "d"),
    machine.UpdateCaseState("c", machine.CaseState.RUNNING),
    machine.ApplyPolicy("p", 3),
    machine.DeployOverlay("o", "s"),
    machine.Custom("r", 1, "é"),
]


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: type(operation).__name__)
def test_a_command_is_read_as_it_was_proposed(operation: machine.Operation) -> None:
    command = machine.Request(3, 4, operation)
    assert command_of(proposal_of(command)) == command


@pytest.mark.parametrize(
    ("name", "fields", "reason"),
    [
        ("Explode", {}, "there is no operation"),
        ("Custom", {"name": "x"}, "lacks the field 'version'"),
        ("Custom", {"name": "x", "version": 1, "colour": "red"}, "has no field 'colour'"),
        ("Custom", {"name": "x", "version": "1"}, "is a number"),
        ("UpdateCaseState", {"case_id": "c", "state": "GONE"}, "is one of CREATED"),
    ],
)
def test_a_wrong_operation_is_refused_with_the_reason(
    name: str, fields: dict[str, object], reason: str
) -> None:
    with pytest.raises(BadFrame, match=reason):
        operation_from(name, fields)
