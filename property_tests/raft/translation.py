"""Translation between `impl/raft` and `specs/raft`: entries, messages, configurations, server states.

Names differ only as TLA+ and Python differ (`prevLogIndex`, `prev_log_index`); servers, client values and
reads are model values there and strings here. The adapter (replay) and the declaration (recorded runs) both
translate by this.
"""

import functools
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, TypeVar

from immutabledict import immutabledict

from impl import raft
from tlacheck.errors import AdapterError
from tlacheck.values import ModelValue, Value, function

__all__ = [
    "BY_ROLE",
    "BY_SERVER",
    "configuration_from_spec",
    "configuration_to_spec",
    "entry_to_spec",
    "message_from_spec",
    "message_to_spec",
    "parts",
    "parts_of_role",
    "server_to_spec",
    "servers_from_spec",
    "value_from_spec",
]

_A = TypeVar("_A")
_B = TypeVar("_B")

#: The spec variables that have a value for each server, in the order of `_parts`.
BY_SERVER: Final = (
    "currentTerm",
    "votedFor",
    "snapshot",
    "log",
    "synced",
    "commitIndex",
    "heard",
    "role",
    "votesGranted",
    "nextIndex",
    "matchIndex",
    "lead",
)
#: The last of them, which follow from a server's role alone.
BY_ROLE: Final = 5
#: How many translations of a kind are kept; then keeping them starts over.
_REMEMBERED_MAX: Final = 1 << 14
_NOBODY: Final[frozenset[Value]] = frozenset()


def _remembered(translate: Callable[[_A], _B]) -> Callable[[_A], _B]:
    """A cache of translations: by identity, which costs least; equal values share one translation."""
    by_value = functools.lru_cache(maxsize=_REMEMBERED_MAX)(translate)
    by_identity: dict[int, tuple[_A, _B]] = {}

    @functools.wraps(translate)
    def translated(value: _A) -> _B:
        found = by_identity.get(id(value))
        if found is None:
            if len(by_identity) >= _REMEMBERED_MAX:
                by_identity.clear()
            # The value is kept, so that no other one gets its identity.
            found = by_identity[id(value)] = value, by_value(value)
        return found[1]

    return translated


@functools.cache
def server_to_spec(name: str) -> ModelValue:
    """The model value of a server; one object for each, which is the quickest to compare."""
    return ModelValue(name)


def _servers_to_spec(names: Iterable[str]) -> Value:
    return frozenset([server_to_spec(name) for name in names])


def servers_from_spec(servers: Value) -> frozenset[str]:
    return frozenset(server.name for server in servers)


def configuration_to_spec(configuration: raft.Configuration) -> Value:
    return immutabledict(
        voters=_servers_to_spec(configuration.voters),
        outgoing=_servers_to_spec(configuration.outgoing),
        learners=_servers_to_spec(configuration.learners),
    )


def configuration_from_spec(record: Value) -> raft.Configuration:
    return raft.Configuration(
        servers_from_spec(record["voters"]),
        servers_from_spec(record["outgoing"]),
        servers_from_spec(record["learners"]),
    )


def _value_to_spec(value: Any) -> Value:
    if isinstance(value, raft.Configuration):
        return configuration_to_spec(value)
    return ModelValue("NoOp") if value == raft.NOOP else ModelValue(str(value))


def value_from_spec(value: Value) -> Any:
    if not isinstance(value, ModelValue):
        return configuration_from_spec(value)
    return raft.NOOP if value == ModelValue("NoOp") else value.name


def entry_to_spec(entry: raft.Entry) -> Value:
    return immutabledict(term=entry.term, value=_value_to_spec(entry.value))


def _entry_from_spec(entry: Value) -> raft.Entry:
    return raft.Entry(term=entry["term"], value=value_from_spec(entry["value"]))


@_remembered
def _log_to_spec(log: tuple[raft.Entry, ...]) -> Value:
    return tuple(entry_to_spec(entry) for entry in log)


@_remembered
def _snapshot_to_spec(snapshot: raft.Snapshot) -> Value:
    state: Any = snapshot.state
    return immutabledict(
        index=snapshot.index,
        term=snapshot.term,
        configuration=configuration_to_spec(snapshot.configuration),
        state=tuple(_value_to_spec(value) for value in state),
    )


def _snapshot_from_spec(record: Value) -> raft.Snapshot:
    return raft.Snapshot(
        index=record["index"],
        term=record["term"],
        configuration=configuration_from_spec(record["configuration"]),
        state=tuple(value_from_spec(value) for value in record["state"]),
    )


@_remembered
def message_to_spec(message: raft.Message) -> Value:
    """The record that stands for a message."""
    common = {
        "type": type(message).__name__,
        "term": message.term,
        "source": ModelValue(message.source),
        "dest": ModelValue(message.dest),
    }
    match message:
        case raft.PreVoteRequest():
            return immutabledict(
                common, lastLogIndex=message.last_log_index, lastLogTerm=message.last_log_term
            )
        case raft.RequestVoteRequest():
            return immutabledict(
                common,
                lastLogIndex=message.last_log_index,
                lastLogTerm=message.last_log_term,
                transfer=message.transfer,
            )
        case raft.PreVoteResponse() | raft.RequestVoteResponse():
            return immutabledict(common, voteGranted=message.vote_granted)
        case raft.AppendEntriesRequest():
            return immutabledict(
                common,
                prevLogIndex=message.prev_log_index,
                prevLogTerm=message.prev_log_term,
                entries=_log_to_spec(message.entries),
                leaderCommit=message.leader_commit,
                round=message.round,
            )
        case raft.AppendEntriesResponse():
            return immutabledict(
                common,
                success=message.success,
                matchIndex=message.match_index,
                conflict=immutabledict(term=message.conflict.term, index=message.conflict.index),
                round=message.round,
            )
        case raft.InstallSnapshotRequest():
            return immutabledict(common, snapshot=_snapshot_to_spec(message.snapshot), round=message.round)
        case raft.TimeoutNow():
            return immutabledict(common)


@_remembered
def message_from_spec(message: Value) -> raft.Message:
    """The message that a record stands for.

    Raises:
        AdapterError: if the spec has a type of message that the implementation has not.
    """
    common = {"term": message["term"], "source": message["source"].name, "dest": message["dest"].name}
    match message["type"]:
        case "PreVoteRequest":
            return raft.PreVoteRequest(
                **common, last_log_index=message["lastLogIndex"], last_log_term=message["lastLogTerm"]
            )
        case "PreVoteResponse":
            return raft.PreVoteResponse(**common, vote_granted=message["voteGranted"])
        case "RequestVoteRequest":
            return raft.RequestVoteRequest(
                **common,
                last_log_index=message["lastLogIndex"],
                last_log_term=message["lastLogTerm"],
                transfer=message["transfer"],
            )
        case "RequestVoteResponse":
            return raft.RequestVoteResponse(**common, vote_granted=message["voteGranted"])
        case "AppendEntriesRequest":
            return raft.AppendEntriesRequest(
                **common,
                prev_log_index=message["prevLogIndex"],
                prev_log_term=message["prevLogTerm"],
                entries=tuple(_entry_from_spec(entry) for entry in message["entries"]),
                leader_commit=message["leaderCommit"],
                round=message["round"],
            )
        case "AppendEntriesResponse":
            return raft.AppendEntriesResponse(
                **common,
                success=message["success"],
                match_index=message["matchIndex"],
                conflict=raft.ConflictHint(message["conflict"]["term"], message["conflict"]["index"]),
                round=message["round"],
            )
        case "InstallSnapshotRequest":
            return raft.InstallSnapshotRequest(
                **common, snapshot=_snapshot_from_spec(message["snapshot"]), round=message["round"]
            )
        case "TimeoutNow":
            return raft.TimeoutNow(**common)
        case unknown:
            raise AdapterError(f"impl/raft has no message of type {unknown!r}: add it to message_from_spec")


# --- servers


def parts(node: raft.Node) -> tuple[Value, ...]:
    """The values of a server in the variables of BY_SERVER, except those that follow from its role."""
    durable = node.durable
    return (
        durable.current_term,
        server_to_spec(durable.voted_for or "Nil"),
        _snapshot_to_spec(durable.snapshot),
        _log_to_spec(durable.log),
        node.synced,
        node.commit_index,
        node.heard,
    )


def parts_of_role(role: raft.Role, others: tuple[str, ...]) -> tuple[Value, ...]:
    """The values that follow from a role in a cluster with these other servers."""
    voters = _NOBODY
    if isinstance(role, raft.PreCandidate | raft.Candidate):
        voters = _servers_to_spec(role.votes_granted)
    if not isinstance(role, raft.Leader):
        return (type(role).__name__, voters, *_not_leading(others))
    progress = role.progress
    return (
        "Leader",
        voters,
        _every(others, 1, {one.peer: one.next_index for one in progress}),
        _every(others, 0, {one.peer: one.match_index for one in progress}),
        immutabledict(
            round=role.round,
            acked=_every(others, 0, {one.peer: one.acked for one in progress}),
            pending=frozenset(
                [
                    immutabledict(read=ModelValue(str(one.read)), index=one.index, round=one.round)
                    for one in role.pending
                ]
            ),
            lease=immutabledict(round=role.lease.round, left=role.lease.left),
            active=_servers_to_spec([one.peer for one in progress if one.is_active]),
            transferee=server_to_spec(role.transferee or "Nil"),
            handedOver=role.handed_over,
        ),
    )


def _every(others: tuple[str, ...], value: int, known: Mapping[str, int]) -> Value:
    """The known value for each other server, `value` for those without one."""
    return function({server_to_spec(other): known.get(other, value) for other in others})


@functools.lru_cache
def _not_leading(others: tuple[str, ...]) -> tuple[Value, ...]:
    """The values in the spec for servers that do not lead: nextIndex, matchIndex and lead."""
    return (
        _every(others, 1, {}),
        _every(others, 0, {}),
        immutabledict(
            round=0,
            acked=_every(others, 0, {}),
            pending=_NOBODY,
            lease=immutabledict(round=0, left=0),
            active=_NOBODY,
            transferee=server_to_spec("Nil"),
            handedOver=False,
        ),
    )
