"""The adapter of `impl/raft` to `specs/raft`: the one file that knows both vocabularies.

Two things are told here: which input performs a spec action (`RaftSystem.perform`), and which spec
state an implementation state stands for (`RaftSystem.observe`). Names differ only as TLA+ and
Python differ (`prevLogIndex`, `prev_log_index`); servers and client values are model values there
and strings here.

`RaftSystem` is a cluster without a clock: servers, their disks and a bag of messages. A disk holds
what the last `Persist` wrote and nothing else, so that a restart shows whether the implementation
persisted what it relied on.
"""

import functools
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from immutabledict import immutabledict

from impl import raft
from tlacheck.conform.system import NotPossible
from tlacheck.errors import AdapterError
from tlacheck.tlc.spec import Spec
from tlacheck.trace import State
from tlacheck.values import ModelValue, Value, function

__all__ = ["RaftSystem", "message_from_spec", "message_to_spec", "server_names", "spec_for"]

_SPECS: Final = Path(__file__).resolve().parents[2] / "specs" / "raft"

#: The spec variables that an implementation state determines: all but `event` and a model's own counters.
_VARIABLES: Final = frozenset(
    {
        "messages",
        "currentTerm",
        "votedFor",
        "log",
        "role",
        "commitIndex",
        "votesGranted",
        "nextIndex",
        "matchIndex",
        "elected",
        "committed",
    }
)


def spec_for(servers: int) -> Spec:
    """The unbounded spec of a cluster of so many servers, for the oracle."""
    return Spec.load(_SPECS / "RaftEvents.tla", _SPECS / f"Oracle{servers}.cfg")


def server_names(servers: int) -> tuple[str, ...]:
    """The names that those configurations give to the servers: n1, n2, ..."""
    return tuple(f"n{number}" for number in range(1, servers + 1))


# --- values and messages ------------------------------------------------------------------------


def _value_to_spec(value: Any) -> Value:
    return ModelValue("NoOp") if value == raft.NOOP else ModelValue(str(value))


def _value_from_spec(value: Value) -> Any:
    return raft.NOOP if value == ModelValue("NoOp") else value.name


def _entry_to_spec(entry: raft.Entry) -> Value:
    return immutabledict(term=entry.term, value=_value_to_spec(entry.value))


def _entry_from_spec(entry: Value) -> raft.Entry:
    return raft.Entry(term=entry["term"], value=_value_from_spec(entry["value"]))


@functools.lru_cache(maxsize=1024)
def _log_to_spec(log: tuple[raft.Entry, ...]) -> Value:
    return tuple(_entry_to_spec(entry) for entry in log)


@functools.lru_cache(maxsize=4096)
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


class RaftSystem:
    """A cluster of `impl/raft` servers with their disks and a bag of messages; no clock.

    Args:
        entries_max: `MaxEntries` of the spec.
        on_effect: told every effect as it is carried out, with the server's name.

    Attributes:
        nodes: the servers by name.
        network: the messages in flight, with the number of copies of each.
    """

    variables = _VARIABLES

    def __init__(
        self, *, entries_max: int = 2, on_effect: Callable[[str, raft.Effect], None] | None = None
    ) -> None:
        self._entries_max = entries_max
        self._on_effect = on_effect
        self.nodes: dict[str, raft.Node] = {}
        self.network: Counter[raft.Message] = Counter()
        self._disks: dict[str, raft.Durable] = {}
        self._elected: set[Value] = set()
        self._committed: list[Value] = []

    def reset(self, initial: State) -> None:
        """Start all servers of the spec's initial state for the first time."""
        members = tuple(sorted(server.name for server in initial["currentTerm"]))
        self._disks = {name: raft.Durable() for name in members}
        self.nodes = {
            name: raft.recover(raft.Config(name, members, self._entries_max), self._disks[name])
            for name in members
        }
        self.network = Counter()
        self._elected = set()
        self._committed = []
        if initial["messages"]:
            raise AdapterError("a run of impl/raft begins with an empty network, this trace does not")

    def perform(self, action: str, arguments: Mapping[str, Value]) -> None:
        """Give a server the input that the spec action stands for, or the network its fault."""
        match action:
            case "Timeout":
                self._step(arguments["node"].name, raft.Timeout())
            case "ClientRequest":
                self._step(arguments["node"].name, raft.ClientRequest(_value_from_spec(arguments["value"])))
            case "AppendEntries":
                self._step(arguments["node"].name, raft.AppendEntries(arguments["peer"].name))
            case (
                "HandleRequestVoteRequest"
                | "HandleRequestVoteResponse"
                | "HandleAppendEntriesRequest"
                | "HandleAppendEntriesResponse"
            ):
                message = self._in_flight(arguments["message"])
                self._take(message)
                self._step(message.dest, raft.Receive(message))
            case "Restart":
                name = arguments["node"].name
                self.nodes[name] = raft.recover(self.nodes[name].config, self._disks[name])
            case "DuplicateMessage":
                self.network[self._in_flight(arguments["message"])] += 1
            case "DropMessage":
                self._take(self._in_flight(arguments["message"]))
            case _:
                raise AdapterError(
                    f"impl/raft has no input for the action {action!r}: add it to RaftSystem.perform"
                )

    def observe(self) -> State:
        """The spec state that servers and network stand for, with the history of this run."""
        return immutabledict(
            messages=function((message_to_spec(m), copies) for m, copies in self.network.items()),
            currentTerm=self._by_server(lambda node: node.durable.current_term),
            votedFor=self._by_server(lambda node: ModelValue(node.durable.voted_for or "Nil")),
            log=self._by_server(lambda node: _log_to_spec(node.durable.log)),
            role=self._by_server(lambda node: type(node.role).__name__),
            commitIndex=self._by_server(lambda node: node.commit_index),
            votesGranted=self._by_server(_votes_granted),
            nextIndex=self._by_server(lambda node: _progress(node, "next_index", 1)),
            matchIndex=self._by_server(lambda node: _progress(node, "match_index", 0)),
            elected=frozenset(self._elected),
            committed=tuple(self._committed),
        )

    def _by_server(self, of: Callable[[raft.Node], Value]) -> Value:
        return function((ModelValue(name), of(node)) for name, node in self.nodes.items())

    def _in_flight(self, record: Value) -> raft.Message:
        message = message_from_spec(record)
        if not self.network[message]:
            raise NotPossible(f"{message} is not in flight")
        return message

    def _take(self, message: raft.Message) -> None:
        self.network[message] -= 1
        self.network += Counter()

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
                    self._elected.add(immutabledict(term=term, leader=ModelValue(name)))
                case raft.Apply(index=index, value=_) if isinstance(after.role, raft.Leader):
                    if index > len(self._committed):
                        entry = _entry_to_spec(after.durable.log[index - 1])
                        self._committed.append(immutabledict(entry=entry, term=after.durable.current_term))
                case raft.Apply() | raft.NotLeader() | raft.ResetElectionTimer():
                    pass
            if self._on_effect:
                self._on_effect(name, effect)


def _votes_granted(node: raft.Node) -> Value:
    voters = node.role.votes_granted if isinstance(node.role, raft.Candidate) else ()
    return frozenset(ModelValue(voter) for voter in voters)


def _progress(node: raft.Node, field: str, default: int) -> Value:
    """A leader's knowledge of its peers; what the spec writes for other servers."""
    if isinstance(node.role, raft.Leader):
        return function(
            (ModelValue(progress.peer), getattr(progress, field)) for progress in node.role.progress
        )
    return function((ModelValue(peer), default) for peer in node.config.peers)
