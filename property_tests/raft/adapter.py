"""The adapter of `impl/raft` to `specs/raft` for replays, walks and edges: which input does which action.

`RaftSystem` is a cluster without a clock: servers, their disks, their state machines and a bag of
messages. A disk holds what the last `Persist` wrote, and apart from that what a `Write` began to write,
so that a restart shows whether the implementation persisted what it relied on. A state machine is fed
by `Apply` and `Restore` alone, and what it holds goes into snapshots.

All that a step replaces is frozen, so that a fork copies a few references, and `shown` translates
again only the servers that are not the same object as before.
"""

import copy
from collections import Counter
from collections.abc import Callable
from typing import Any, Final, Self

import attrs
from immutabledict import immutabledict

from impl import raft
from property_tests.raft.settings import PLAIN, Setting
from property_tests.raft.translation import (
    BY_ROLE,
    BY_SERVER,
    configuration_from_spec,
    configuration_to_spec,
    entry_to_spec,
    message_from_spec,
    message_to_spec,
    parts,
    parts_of_role,
    server_to_spec,
    servers_from_spec,
    value_from_spec,
)
from tlacheck.conform.adapter import Adapter, action, variable
from tlacheck.conform.system import NotPossible
from tlacheck.errors import AdapterError
from tlacheck.trace import State
from tlacheck.values import ModelValue, Value, function

__all__ = ["RaftSystem"]

_UNKNOWN: Final = (None,) * len(BY_SERVER)
#: What the spec writes for a read that was not answered yet.
_UNANSWERED: Final = -1


# --- the system ---------------------------------------------------------------------------------


class RaftSystem(Adapter):
    """A cluster of `impl/raft` servers with disks, state machines and a bag of messages; no clock.

    Args:
        setting: which parts of Raft are on. Snapshots, changes of membership, transfers and reads need no
            setting of a server: who never asks for them has none.
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
        setting: Setting = PLAIN,
        *,
        on_effect: Callable[[str, raft.Effect], None] | None = None,
    ) -> None:
        self._setting = setting
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
        # Of each server, the node that was translated last and its part of each variable; and those
        # variables.
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
        self._ahead = immutabledict({server_to_spec(name): 0 for name in names})
        self._elected = frozenset()
        self._committed = ()
        self._reads = immutabledict()
        self._translated, self._columns, self._by_server = {}, {}, {}
        if initial["messages"]:
            raise AdapterError("a run of impl/raft begins with an empty network, this trace does not")

    def _config(self, name: str, initial: State) -> raft.Config:
        founders = initial["snapshot"][server_to_spec(name)]["configuration"]["voters"]
        return attrs.evolve(
            self._setting.config_for(name), founders=tuple(sorted(servers_from_spec(founders)))
        )

    # --- what happens to a server

    @action("Timeout")
    def timeout(self, node: Value) -> None:
        """Let the server's election timer fire."""
        self._step(node.name, raft.Timeout())

    @action("ClientRequest")
    def client_request(self, node: Value, value: Value) -> None:
        """A client hands it a value."""
        self._step(node.name, raft.ClientRequest(value_from_spec(value)))

    @action("AppendEntries", "InstallSnapshot")
    def append_entries(self, node: Value, peer: Value) -> None:
        """Have the server send a peer the entries or the snapshot that it lacks."""
        self._step(node.name, raft.AppendEntries(peer.name))

    @action("Compact")
    def compact(self, node: Value) -> None:
        """Give the server the content of the state machine as a snapshot."""
        self._step(node.name, raft.Compact(self.applied[node.name]))

    @action("ChangeMembership")
    def change_membership(self, node: Value, configuration: Value) -> None:
        """An operator asks for another configuration."""
        self._step(node.name, raft.ChangeMembership(configuration_from_spec(configuration)))

    @action("CheckQuorum")
    def check_quorum(self, node: Value) -> None:
        """Have the server check whether a quorum answered it."""
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
        """Have the server renew its lease."""
        self._step(node.name, raft.RenewLease())

    @action("Tick")
    def tick(self, node: Value) -> None:
        """Its clock ticks; how far that is ahead of the slowest one counts for leases alone."""
        self._step(node.name, raft.Tick())
        if self._setting.has("Leases"):
            moved = self._ahead.set(node, self._ahead[node] + 1)
            slowest = min(moved.values())
            self._ahead = immutabledict({server: ticks - slowest for server, ticks in moved.items()})

    @action("DiskSynced")
    def disk_synced(self, node: Value, lastIndex: Value) -> None:  # noqa: N803 - as the spec calls it
        """Complete the server's write to its disk, up to the entry at `lastIndex`."""
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
        """Restart the server from its disk.

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

    @variable(*BY_SERVER, "messages", "ahead", "elected", "committed", "reads")
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
                found = parts(node) + before[1][-BY_ROLE:]
            else:
                found = parts(node) + parts_of_role(node.role, tuple(n for n in self.nodes if n != name))
            known[name] = node, found
            server = server_to_spec(name)
            olds = before[1] if before else _UNKNOWN
            for name_of_part, part, old in zip(BY_SERVER, found, olds, strict=True):
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
                    self._elected |= {immutabledict(term=term, leader=server_to_spec(name))}
                case raft.Restore(index=_, state=state):
                    self.applied[name] = _state_of(state)
                case raft.Apply(index=index, value=value):
                    self._apply(name, value)
                    if leads and index > len(self._committed):
                        entry = entry_to_spec(after.durable.entry_at(index))
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


def _state_of(state: Any) -> tuple[Any, ...]:
    """The state machine's state in a snapshot, which is whatever the host put there."""
    return tuple(state)
