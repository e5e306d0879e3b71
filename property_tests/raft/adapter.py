"""The adapter of `impl/raft` to `specs/raft`: the one file that knows both vocabularies.

Two things are told here: which input performs a spec action, by the methods of `RaftSystem` that are
marked `action`, and which spec state an implementation state stands for, by the one marked `variable`. Names differ only as TLA+ and
Python differ (`prevLogIndex`, `prev_log_index`); servers and client values are model values there
and strings here.

`RaftSystem` is a cluster without a clock: servers, their disks and a bag of messages. A disk holds
what the last `Persist` wrote and nothing else, so that a restart shows whether the implementation
persisted what it relied on.

All that a step replaces is frozen, so that a fork copies a few references, and `shown` translates
again only the servers that are not the same object as before.
"""

import copy
import functools
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, Self, TypeVar

from immutabledict import immutabledict

from impl import raft
from tlacheck.conform.adapter import Adapter, action, variable
from tlacheck.conform.system import NotPossible
from tlacheck.errors import AdapterError
from tlacheck.tlc.spec import Spec
from tlacheck.trace import State
from tlacheck.values import ModelValue, Value, function

__all__ = ["RaftSystem", "message_from_spec", "message_to_spec", "server_names", "spec_for"]

_A = TypeVar("_A")
_B = TypeVar("_B")

_SPECS: Final = Path(__file__).resolve().parents[2] / "specs" / "raft"

#: The spec variables that have a value for each server, in the order of `_parts`.
_BY_SERVER: Final = (
    "currentTerm",
    "votedFor",
    "log",
    "role",
    "commitIndex",
    "votesGranted",
    "nextIndex",
    "matchIndex",
)
#: How many translations of a kind are kept; then keeping them starts over.
_REMEMBERED_MAX: Final = 1 << 14
_UNKNOWN: Final = (None,) * len(_BY_SERVER)
_NOBODY: Final[frozenset[Value]] = frozenset()


def spec_for(servers: int) -> Spec:
    """The unbounded spec of a cluster of so many servers, for the oracle."""
    return Spec.load(_SPECS / "RaftEvents.tla", _SPECS / f"Oracle{servers}.cfg")


def server_names(servers: int) -> tuple[str, ...]:
    """The names that those configurations give to the servers: n1, n2, ..."""
    return tuple(f"n{number}" for number in range(1, servers + 1))


# --- values and messages ------------------------------------------------------------------------


def _remembered(translate: Callable[[_A], _B]) -> Callable[[_A], _B]:
    """Keep what was translated: by identity, which costs least, and for equal values the same translation."""
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
def _server(name: str) -> ModelValue:
    """The model value of a server; one object for each, which is the quickest to compare."""
    return ModelValue(name)


def _value_to_spec(value: Any) -> Value:
    return ModelValue("NoOp") if value == raft.NOOP else ModelValue(str(value))


def _value_from_spec(value: Value) -> Any:
    return raft.NOOP if value == ModelValue("NoOp") else value.name


def _entry_to_spec(entry: raft.Entry) -> Value:
    return immutabledict(term=entry.term, value=_value_to_spec(entry.value))


def _entry_from_spec(entry: Value) -> raft.Entry:
    return raft.Entry(term=entry["term"], value=_value_from_spec(entry["value"]))


@_remembered
def _log_to_spec(log: tuple[raft.Entry, ...]) -> Value:
    return tuple(_entry_to_spec(entry) for entry in log)


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
        case raft.RequestVoteRequest():
            return immutabledict(
                common, lastLogIndex=message.last_log_index, lastLogTerm=message.last_log_term
            )
        case raft.RequestVoteResponse():
            return immutabledict(common, voteGranted=message.vote_granted)
        case raft.AppendEntriesRequest():
            return immutabledict(
                common,
                prevLogIndex=message.prev_log_index,
                prevLogTerm=message.prev_log_term,
                entries=_log_to_spec(message.entries),
                leaderCommit=message.leader_commit,
            )
        case raft.AppendEntriesResponse():
            return immutabledict(common, success=message.success, matchIndex=message.match_index)


@_remembered
def message_from_spec(message: Value) -> raft.Message:
    """The message that a record stands for.

    Raises:
        AdapterError: if the spec has a type of message that the implementation has not.
    """
    common = {"term": message["term"], "source": message["source"].name, "dest": message["dest"].name}
    match message["type"]:
        case "RequestVoteRequest":
            return raft.RequestVoteRequest(
                **common, last_log_index=message["lastLogIndex"], last_log_term=message["lastLogTerm"]
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
            )
        case "AppendEntriesResponse":
            return raft.AppendEntriesResponse(
                **common, success=message["success"], match_index=message["matchIndex"]
            )
        case unknown:
            raise AdapterError(f"impl/raft has no message of type {unknown!r}: add it to message_from_spec")


# --- the system ---------------------------------------------------------------------------------


class RaftSystem(Adapter):
    """A cluster of `impl/raft` servers with their disks and a bag of messages; no clock.

    Args:
        entries_max: `MaxEntries` of the spec.
        on_effect: told every effect as it is carried out, with the server's name.

    Attributes:
        nodes: the servers by name.
        network: the messages in flight, with the number of copies of each.
    """

    #: What a bounded model counts of its own: faults and requests, which no implementation knows.
    unobserved = frozenset({"spent"})

    def __init__(
        self, *, entries_max: int = 2, on_effect: Callable[[str, raft.Effect], None] | None = None
    ) -> None:
        self._entries_max = entries_max
        self._on_effect = on_effect
        self.nodes: dict[str, raft.Node] = {}
        self.network: Counter[raft.Message] = Counter()
        self._disks: dict[str, raft.Durable] = {}
        self._elected: frozenset[Value] = frozenset()
        self._committed: tuple[Value, ...] = ()
        # Of each server, the node that was translated last and its part of each variable; and those variables.
        self._translated: dict[str, tuple[raft.Node, tuple[Value, ...]]] = {}
        self._columns: dict[str, dict[Value, Value]] = {}
        self._by_server: dict[str, immutabledict[Value, Value]] = {}

    def reset(self, initial: State) -> None:
        """Start all servers of the spec's initial state for the first time."""
        members = tuple(sorted(server.name for server in initial["currentTerm"]))
        self._disks = {name: raft.Durable() for name in members}
        self.nodes = {
            name: raft.recover(raft.Config(name, members, self._entries_max), self._disks[name])
            for name in members
        }
        self.network = Counter()
        self._elected = frozenset()
        self._committed = ()
        self._translated, self._columns, self._by_server = {}, {}, {}
        if initial["messages"]:
            raise AdapterError("a run of impl/raft begins with an empty network, this trace does not")

    # --- what happens to a server

    @action("Timeout")
    def timeout(self, node: Value) -> None:
        """Its election timer fires."""
        self._step(node.name, raft.Timeout())

    @action("ClientRequest")
    def client_request(self, node: Value, value: Value) -> None:
        """A client hands it a value."""
        self._step(node.name, raft.ClientRequest(_value_from_spec(value)))

    @action("AppendEntries")
    def append_entries(self, node: Value, peer: Value) -> None:
        """It is time to send a peer what it lacks."""
        self._step(node.name, raft.AppendEntries(peer.name))

    @action(
        "HandleRequestVoteRequest",
        "HandleRequestVoteResponse",
        "HandleAppendEntriesRequest",
        "HandleAppendEntriesResponse",
        unused={"node"},
    )
    def receive(self, message: Value) -> None:
        """A message arrives at its receiver, which `node` names as well."""
        taken = self._in_flight(message)
        self._take(taken)
        self._step(taken.dest, raft.Receive(taken))

    # --- faults

    @action("Restart")
    def restart(self, node: Value) -> None:
        """It comes back from a crash with what is on its disk."""
        self.nodes[node.name] = raft.recover(self.nodes[node.name].config, self._disks[node.name])

    @action("DuplicateMessage")
    def duplicate(self, message: Value) -> None:
        """The network makes a second copy."""
        self.network[self._in_flight(message)] += 1

    @action("DropMessage")
    def drop(self, message: Value) -> None:
        """The network loses a copy."""
        self._take(self._in_flight(message))

    # --- what there is to see

    @variable(*_BY_SERVER, "messages", "elected", "committed")
    def shown(self) -> State:
        """The spec state that servers and network stand for, with the history of this run."""
        self._translate()
        return immutabledict(
            self._by_server,
            messages=function({message_to_spec(m): copies for m, copies in self.network.items()}),
            elected=self._elected,
            committed=self._committed,
        )

    def fork(self) -> Self:
        """A cluster in the same state, with servers, disks and network of its own."""
        twin = copy.copy(self)
        twin.nodes = self.nodes.copy()
        twin.network = self.network.copy()
        twin._disks = self._disks.copy()  # noqa: SLF001 - a copy of oneself
        twin._translated = self._translated.copy()  # noqa: SLF001 - as above
        twin._columns = self._columns.copy()  # noqa: SLF001 - as above
        twin._by_server = self._by_server.copy()  # noqa: SLF001 - as above
        return twin

    def _translate(self) -> None:
        """Bring the variables that have a value for each server up to date."""
        known, columns = self._translated, self._columns
        changed: set[str] = set()
        for name, node in self.nodes.items():
            before = known.get(name)
            if before is not None and before[0] is node:
                continue
            parts = _parts(node)
            known[name] = node, parts
            server = _server(name)
            olds = before[1] if before else _UNKNOWN
            for name_of_part, part, old in zip(_BY_SERVER, parts, olds, strict=True):
                if part is not old:
                    columns[name_of_part] = {**columns.get(name_of_part, {}), server: part}
                    changed.add(name_of_part)
        for name_of_part in changed:
            self._by_server[name_of_part] = immutabledict(columns[name_of_part])

    def _in_flight(self, record: Value) -> raft.Message:
        message = message_from_spec(record)
        if message not in self.network:
            raise NotPossible(f"{message} is not in flight")
        return message

    def _take(self, message: raft.Message) -> None:
        copies = self.network.pop(message)
        if copies > 1:
            self.network[message] = copies - 1

    def _step(self, name: str, inp: raft.Input) -> None:
        """One step of one server, and its effects on disk, network and history."""
        before = self.nodes[name]
        after, effects = raft.step(before, inp)
        self.nodes[name] = after
        for effect in effects:
            match effect:
                case raft.Persist(durable=durable):
                    self._disks[name] = durable
                case raft.Send(message=message):
                    self.network[message] += 1
                case raft.BecameLeader(term=term):
                    self._elected |= {immutabledict(term=term, leader=ModelValue(name))}
                case raft.Apply(index=index, value=_) if isinstance(after.role, raft.Leader):
                    if index > len(self._committed):
                        entry = _entry_to_spec(after.durable.log[index - 1])
                        self._committed += (immutabledict(entry=entry, term=after.durable.current_term),)
                case raft.Apply() | raft.NotLeader() | raft.ResetElectionTimer():
                    pass
            if self._on_effect:
                self._on_effect(name, effect)


def _parts(node: raft.Node) -> tuple[Value, ...]:
    """What a server stands for in each variable of _BY_SERVER."""
    durable, role = node.durable, node.role
    voters, peers = _NOBODY, node.config.peers
    if isinstance(role, raft.Candidate):
        voters = frozenset([_server(voter) for voter in role.votes_granted])
    if isinstance(role, raft.Leader):
        next_index = immutabledict({_server(one.peer): one.next_index for one in role.progress})
        match_index = immutabledict({_server(one.peer): one.match_index for one in role.progress})
    else:  # what the spec writes for servers that do not lead
        next_index, match_index = _every_peer(peers, 1), _every_peer(peers, 0)
    return (
        durable.current_term,
        _server(durable.voted_for or "Nil"),
        _log_to_spec(durable.log),
        type(role).__name__,
        node.commit_index,
        voters,
        next_index,
        match_index,
    )


@functools.lru_cache
def _every_peer(peers: tuple[str, ...], value: int) -> Value:
    return function({_server(peer): value for peer in peers})
