"""The adapter of `impl/raft` to `specs/raft`: the one file that knows both vocabularies.

Two things are told here: which input performs a spec action, by the methods of `RaftSystem` that are
marked `action`, and which spec state an implementation state stands for, by the one marked `variable`. Names differ only as TLA+ and
Python differ (`prevLogIndex`, `prev_log_index`); servers, client values and reads are model values there
and strings here.

`RaftSystem` is a cluster without a clock: servers, their disks, their state machines and a bag of
messages. A disk holds what the last `Persist` wrote, and apart from that what a `Write` began to write,
so that a restart shows whether the implementation persisted what it relied on. A state machine is fed
by `Apply` and `Restore` alone, and what it holds goes into snapshots.

All that a step replaces is frozen, so that a fork copies a few references, and `shown` translates
again only the servers that are not the same object as before.
"""

import copy
import functools
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Final, Self, TypeVar

import attrs
from immutabledict import immutabledict

from impl import raft
from tlacheck.conform.adapter import Adapter, action, variable
from tlacheck.conform.system import NotPossible
from tlacheck.errors import AdapterError
from tlacheck.tlc.spec import Spec
from tlacheck.trace import State
from tlacheck.values import ModelValue, Value, function

__all__ = [
    "RaftSystem",
    "configuration_to_spec",
    "full_system",
    "message_from_spec",
    "message_to_spec",
    "server_names",
    "spec_for",
]

_A = TypeVar("_A")
_B = TypeVar("_B")

_SPECS: Final = Path(__file__).resolve().parents[2] / "specs" / "raft"

#: The spec variables that have a value for each server, in the order of `_parts`.
_BY_SERVER: Final = (
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
_BY_ROLE: Final = 5
#: How many translations of a kind are kept; then keeping them starts over.
_REMEMBERED_MAX: Final = 1 << 14
_UNKNOWN: Final = (None,) * len(_BY_SERVER)
_NOBODY: Final[frozenset[Value]] = frozenset()
#: What the spec writes for a read that was not answered yet.
_UNANSWERED: Final = -1
#: The features of the spec that are settings of a server, by their names there.
_SETTINGS: Final = immutabledict(
    PreVote="pre_vote",
    CheckQuorum="check_quorum",
    Leases="leases",
    Pipelining="pipelining",
    ConflictTerm="conflict_term",
    AsyncDisk="async_disk",
)


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


def _servers_to_spec(names: Iterable[str]) -> Value:
    return frozenset([_server(name) for name in names])


def _servers_from_spec(servers: Value) -> frozenset[str]:
    return frozenset(server.name for server in servers)


def configuration_to_spec(configuration: raft.Configuration) -> Value:
    return immutabledict(
        voters=_servers_to_spec(configuration.voters),
        outgoing=_servers_to_spec(configuration.outgoing),
        learners=_servers_to_spec(configuration.learners),
    )


def _configuration_from_spec(record: Value) -> raft.Configuration:
    return raft.Configuration(
        _servers_from_spec(record["voters"]),
        _servers_from_spec(record["outgoing"]),
        _servers_from_spec(record["learners"]),
    )


def _value_to_spec(value: Any) -> Value:
    if isinstance(value, raft.Configuration):
        return configuration_to_spec(value)
    return ModelValue("NoOp") if value == raft.NOOP else ModelValue(str(value))


def _value_from_spec(value: Value) -> Any:
    if not isinstance(value, ModelValue):
        return _configuration_from_spec(value)
    return raft.NOOP if value == ModelValue("NoOp") else value.name


def _entry_to_spec(entry: raft.Entry) -> Value:
    return immutabledict(term=entry.term, value=_value_to_spec(entry.value))


def _entry_from_spec(entry: Value) -> raft.Entry:
    return raft.Entry(term=entry["term"], value=_value_from_spec(entry["value"]))


@_remembered
def _log_to_spec(log: tuple[raft.Entry, ...]) -> Value:
    return tuple(_entry_to_spec(entry) for entry in log)


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
        configuration=_configuration_from_spec(record["configuration"]),
        state=tuple(_value_from_spec(value) for value in record["state"]),
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


# --- the system ---------------------------------------------------------------------------------


class RaftSystem(Adapter):
    """A cluster of `impl/raft` servers with disks, state machines and a bag of messages; no clock.

    Args:
        features: `Features` of the spec. Snapshots, changes of membership, transfers and reads need no
            setting of a server: who never asks for them has none.
        entries_max: `MaxEntries` of the spec, as the next ones are.
        unacknowledged_max: `MaxUnacknowledged`.
        election_ticks: `ElectionTicks`.
        lease_ticks: `LeaseTicks`.
        on_effect: told every effect as it is carried out, with the server's name.

    Attributes:
        nodes: the servers by name.
        network: the messages in flight, with the number of copies of each.
        applied: what each server's state machine holds: the clients' values in the order of the log,
            each once.
    """

    #: What a bounded model counts of its own: faults and requests, which no implementation knows.
    unobserved = frozenset({"spent"})

    def __init__(
        self,
        *,
        features: frozenset[str] = frozenset(),
        entries_max: int = 2,
        unacknowledged_max: int = 1,
        election_ticks: int = 1,
        lease_ticks: int = 0,
        on_effect: Callable[[str, raft.Effect], None] | None = None,
    ) -> None:
        self._features = features
        self._settings: dict[str, Any] = {
            "entries_max": entries_max,
            "unacknowledged_max": unacknowledged_max,
            "election_ticks": election_ticks,
            "lease_ticks": lease_ticks,
            **{setting: feature in features for feature, setting in _SETTINGS.items()},
        }
        self._on_effect = on_effect
        self.nodes: dict[str, raft.Node] = {}
        self.network: Counter[raft.Message] = Counter()
        self.applied: dict[str, tuple[Any, ...]] = {}
        self._disks: dict[str, raft.Durable] = {}
        # What a leader began to write, where that is not on its disk yet.
        self._written: dict[str, raft.Durable] = {}
        self._ahead: immutabledict[Value, Value] = immutabledict()
        self._elected: frozenset[Value] = frozenset()
        self._committed: tuple[Value, ...] = ()
        self._reads: immutabledict[Value, Value] = immutabledict()
        # Of each server, the node that was translated last and its part of each variable; and those variables.
        self._translated: dict[str, tuple[raft.Node, tuple[Value, ...]]] = {}
        self._columns: dict[str, dict[Value, Value]] = {}
        self._by_server: dict[str, immutabledict[Value, Value]] = {}

    def reset(self, initial: State) -> None:
        """Start all servers of the spec's initial state for the first time."""
        names = sorted(server.name for server in initial["currentTerm"])
        self.nodes = {name: raft.first_start(self._config(name, initial)) for name in names}
        self._disks = {name: node.durable for name, node in self.nodes.items()}
        self._written = {}
        self.network = Counter()
        self.applied = dict.fromkeys(names, ())
        self._ahead = immutabledict({_server(name): 0 for name in names})
        self._elected = frozenset()
        self._committed = ()
        self._reads = immutabledict()
        self._translated, self._columns, self._by_server = {}, {}, {}
        if initial["messages"]:
            raise AdapterError("a run of impl/raft begins with an empty network, this trace does not")

    def _config(self, name: str, initial: State) -> raft.Config:
        founders = initial["snapshot"][_server(name)]["configuration"]["voters"]
        return raft.Config(name, tuple(sorted(_servers_from_spec(founders))), **self._settings)

    # --- what happens to a server

    @action("Timeout")
    def timeout(self, node: Value) -> None:
        """Its election timer fires."""
        self._step(node.name, raft.Timeout())

    @action("ClientRequest")
    def client_request(self, node: Value, value: Value) -> None:
        """A client hands it a value."""
        self._step(node.name, raft.ClientRequest(_value_from_spec(value)))

    @action("AppendEntries", "InstallSnapshot")
    def append_entries(self, node: Value, peer: Value) -> None:
        """It is time to send a peer what it lacks; which of the two it is, the server knows."""
        self._step(node.name, raft.AppendEntries(peer.name))

    @action("Compact")
    def compact(self, node: Value) -> None:
        """Its host hands it what the state machine holds."""
        self._step(node.name, raft.Compact(self.applied[node.name]))

    @action("ChangeMembership")
    def change_membership(self, node: Value, configuration: Value) -> None:
        """An operator asks for another configuration."""
        self._step(node.name, raft.ChangeMembership(_configuration_from_spec(configuration)))

    @action("CheckQuorum")
    def check_quorum(self, node: Value) -> None:
        """It is to look whether a quorum answered it."""
        self._step(node.name, raft.CheckQuorum())

    @action("TransferLeadership")
    def transfer_leadership(self, node: Value, peer: Value) -> None:
        """An operator asks it to hand over."""
        self._step(node.name, raft.TransferLeadership(peer.name))

    @action("AbortTransfer")
    def abort_transfer(self, node: Value) -> None:
        """The other did not take over in time."""
        self._step(node.name, raft.AbortTransfer())

    @action("ReadIndex")
    def read_index(self, node: Value, read: Value) -> None:
        """A client asks for a read, to be answered by a quorum's word."""
        self._ask(node.name, read, raft.ReadIndex(read.name))

    @action("LeaseRead")
    def lease_read(self, node: Value, read: Value) -> None:
        """A client asks for a read, to be answered by the lease."""
        self._ask(node.name, read, raft.LeaseRead(read.name))

    def _ask(self, name: str, read: Value, inp: raft.ReadIndex | raft.LeaseRead) -> None:
        if read in self._reads:
            raise NotPossible(f"read {read} was asked for already")
        before = self._reads
        self._reads = before.set(read, immutabledict(need=len(self._committed), answer=_UNANSWERED))
        if any(isinstance(effect, raft.Refused) for effect in self._step(name, inp)):
            self._reads = before

    @action("RenewLease")
    def renew_lease(self, node: Value) -> None:
        """It is time for a new lease."""
        self._step(node.name, raft.RenewLease())

    @action("Tick")
    def tick(self, node: Value) -> None:
        """Its clock ticks; how far that is ahead of the slowest one counts for leases alone."""
        self._step(node.name, raft.Tick())
        if "Leases" in self._features:
            moved = self._ahead.set(node, self._ahead[node] + 1)
            slowest = min(moved.values())
            self._ahead = immutabledict({server: ticks - slowest for server, ticks in moved.items()})

    @action("DiskSynced")
    def disk_synced(self, node: Value, lastIndex: Value) -> None:  # noqa: N803 - as the spec calls it
        """What it began to write is on its disk, the entries up to `lastIndex`."""
        name = node.name
        written = self._written.get(name)
        if written is None or lastIndex > written.last_index:
            raise NotPossible(f"{name} is writing nothing that ends at log index {lastIndex}")
        if lastIndex == written.last_index:
            self._disks[name] = self._written.pop(name)
        else:
            safe = written.log[: lastIndex - written.snapshot.index]
            self._disks[name] = attrs.evolve(written, log=safe)
        self._step(name, raft.DiskSynced(lastIndex))

    @action(
        "HandlePreVoteRequest",
        "HandlePreVoteResponse",
        "HandleRequestVoteRequest",
        "HandleRequestVoteResponse",
        "HandleAppendEntriesRequest",
        "HandleAppendEntriesResponse",
        "HandleInstallSnapshotRequest",
        "HandleTimeoutNow",
        unused={"node"},
    )
    def receive(self, message: Value) -> None:
        """A message arrives at its receiver, which `node` names as well."""
        taken = self._in_flight(message)
        self._take(taken)
        self._step(taken.dest, raft.Receive(taken))

    # --- faults

    @action("Restart")
    def restart(self, node: Value, lastIndex: Value) -> None:  # noqa: N803 - as the spec calls it
        """It comes back from a crash with what is on its disk.

        Of what was being written, the entries up to `lastIndex` got there.
        """
        name = node.name
        disk, written = self._disks[name], self._written.pop(name, None)
        if written is not None and disk.last_index < lastIndex <= written.last_index:
            survived = written.log[: lastIndex - written.snapshot.index]
            disk = self._disks[name] = attrs.evolve(written, log=survived)
        if disk.last_index != lastIndex:
            raise NotPossible(f"the disk of {name} cannot end at log index {lastIndex}")
        self.nodes[name] = raft.recover(self.nodes[name].config, disk)
        self.applied[name] = _state_of(disk.snapshot.state)

    @action("DuplicateMessage")
    def duplicate(self, message: Value) -> None:
        """The network makes a second copy."""
        self.network[self._in_flight(message)] += 1

    @action("DropMessage")
    def drop(self, message: Value) -> None:
        """The network loses a copy."""
        self._take(self._in_flight(message))

    # --- what there is to see

    @variable(*_BY_SERVER, "messages", "ahead", "elected", "committed", "reads")
    def shown(self) -> State:
        """The spec state that servers and network stand for, with the history of this run."""
        self._translate()
        return immutabledict(
            self._by_server,
            messages=function({message_to_spec(m): copies for m, copies in self.network.items()}),
            ahead=self._ahead,
            elected=self._elected,
            committed=self._committed,
            reads=function(self._reads),
        )

    def fork(self) -> Self:
        """A cluster in the same state, with servers, disks and network of its own."""
        twin = copy.copy(self)
        twin.nodes = self.nodes.copy()
        twin.network = self.network.copy()
        twin.applied = self.applied.copy()
        twin._disks = self._disks.copy()  # noqa: SLF001 - a copy of oneself
        twin._written = self._written.copy()  # noqa: SLF001 - as above
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
            if before is not None and before[0].role is node.role:
                parts = _parts(node) + before[1][-_BY_ROLE:]
            else:
                parts = _parts(node) + _parts_of_role(node.role, tuple(n for n in self.nodes if n != name))
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

    def _step(self, name: str, inp: raft.Input) -> tuple[raft.Effect, ...]:
        """One step of one server, and its effects on disk, state machine, network and history."""
        before = self.nodes[name]
        after, effects = raft.step(before, inp)
        self.nodes[name] = after
        # Whether it led in this step, also if it led for the first or the last time.
        leads = (
            isinstance(before.role, raft.Leader) and before.durable.current_term == after.durable.current_term
        )
        for effect in effects:
            match effect:
                case raft.Persist(durable=durable):
                    self._disks[name] = durable
                    self._written.pop(name, None)
                case raft.Write(durable=durable):
                    self._written[name] = durable
                case raft.Send(message=message):
                    self.network[message] += 1
                case raft.BecameLeader(term=term):
                    leads = True
                    self._elected |= {immutabledict(term=term, leader=_server(name))}
                case raft.Restore(index=_, state=state):
                    self.applied[name] = _state_of(state)
                case raft.Apply(index=index, value=value):
                    self._apply(name, value)
                    if leads and index > len(self._committed):
                        entry = _entry_to_spec(after.durable.entry_at(index))
                        self._committed += (
                            immutabledict(
                                entry=entry,
                                term=after.durable.current_term,
                                configuration=configuration_to_spec(after.configuration),
                            ),
                        )
                case raft.ReadReady(read=read, index=index):
                    asked = ModelValue(str(read))
                    self._reads = self._reads.set(asked, self._reads[asked].set("answer", index))
                case raft.ReadFailed() | raft.Refused() | raft.ResetElectionTimer() | raft.SteppedDown():
                    pass
            if self._on_effect:
                self._on_effect(name, effect)
        return effects

    def _apply(self, name: str, value: Any) -> None:
        """Apply a client's value unless it was applied before: a client may submit it again."""
        if (
            value != raft.NOOP
            and not isinstance(value, raft.Configuration)
            and value not in self.applied[name]
        ):
            self.applied[name] += (value,)


def full_system() -> RaftSystem:
    """A cluster for `edges_full.cfg`: logs are compacted, and the membership changes."""
    return RaftSystem(features=frozenset({"Snapshots", "Membership"}))


def _state_of(state: Any) -> tuple[Any, ...]:
    """The state machine's state in a snapshot, which is whatever the host put there."""
    return tuple(state)


def _parts(node: raft.Node) -> tuple[Value, ...]:
    """What a server stands for in each variable of _BY_SERVER, but for what follows from its role."""
    durable = node.durable
    return (
        durable.current_term,
        _server(durable.voted_for or "Nil"),
        _snapshot_to_spec(durable.snapshot),
        _log_to_spec(durable.log),
        node.synced,
        node.commit_index,
        node.heard,
    )


def _parts_of_role(role: raft.Role, others: tuple[str, ...]) -> tuple[Value, ...]:
    """What follows from a role in a cluster with these other servers."""
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
            transferee=_server(role.transferee or "Nil"),
            handedOver=role.handed_over,
        ),
    )


def _every(others: tuple[str, ...], value: int, known: Mapping[str, int]) -> Value:
    """What is known of each other server, `value` where nothing is."""
    return function({_server(other): known.get(other, value) for other in others})


@functools.lru_cache
def _not_leading(others: tuple[str, ...]) -> tuple[Value, ...]:
    """What the spec writes for servers that do not lead: nextIndex, matchIndex and lead."""
    return (
        _every(others, 1, {}),
        _every(others, 0, {}),
        immutabledict(
            round=0,
            acked=_every(others, 0, {}),
            pending=_NOBODY,
            lease=immutabledict(round=0, left=0),
            active=_NOBODY,
            transferee=_server("Nil"),
            handedOver=False,
        ),
    )
