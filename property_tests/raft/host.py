"""The host of a Raft server in a simulated cluster: `impl/raft` with clock, timers, disk and machine.

One step of a host is one thing that happens to it: a message, a timer, a request. It counts first what its
clock has ticked since, and gives the core one input more, or, when it is time to send, one for each peer. So
a step writes the disk once at most, and a crash within it leaves all that the core did in it or nothing.

| the host                                                           | in                        |
|--------------------------------------------------------------------|---------------------------|
| counts ticks by what its clock reads, so that a pause costs none   | `_Turn.count`             |
| writes two slots in turn, each record with a checksum              | `Record`, `_Turn.write`   |
| syncs what a leader began to write, a while later (thesis, 10.2.1) | `Due.DISK`                |
| sends to all members of its cluster every heartbeat, and at once when there is news | `Due.SEND` |
| compacts a log that has grown long                                 | `Due.COMPACTION`          |
| leads out of a joint configuration, and looks for a quorum         | `Due.DUTIES`              |
| renews its lease, and ends a transfer that does not come about     | `Due.RENEWAL`, `Due.ABORT` |

Timeouts are those of the source documents: 150 to 300 ms for elections, 50 ms for heartbeats (RAFT-1).
"""

import enum
from collections.abc import Hashable, Iterable
from typing import Any, Final, Protocol, Self, TypeAlias, assert_never

import attrs

from impl import raft
from impl.raft import rules
from property_tests.raft.settings import Setting
from tlacheck.sim import Command, Delay, Disk, Notify, Send, SetTimer, StopTimer, Sync, Uniform, Write

__all__ = [
    "ELECTION_TIMEOUT_MS",
    "HEARTBEAT_MS",
    "RENEWAL_MS",
    "TICK_MS",
    "Applied",
    "Arrived",
    "Asked",
    "Due",
    "Fired",
    "Input",
    "Machine",
    "RaftHost",
    "Record",
    "Restored",
    "Server",
    "Timing",
    "Values",
]

#: The least and the greatest election timeout, virtual milliseconds (A102).
ELECTION_TIMEOUT_MS: Final = (150, 300)
#: The time between two requests of a leader to a peer, virtual milliseconds (A102).
HEARTBEAT_MS: Final = 50
#: The time between two ticks of a server's clock: ten ticks are the shortest election timeout.
TICK_MS: Final = ELECTION_TIMEOUT_MS[0] // 10
#: How long a disk takes for what a leader began to write, virtual milliseconds.
_DISK: Final = Uniform(1, 30)
#: How long a host waits with the compaction of a log that is too long, virtual milliseconds.
_COMPACTION: Final = Uniform(0, 40)
#: The time between two leases of a leader, virtual milliseconds: one tick before the first ends.
RENEWAL_MS: Final = 5 * TICK_MS
_SLOTS: Final = 2


class Due(enum.Enum):
    """The purpose of a timer."""

    ELECTION = "election"
    SEND = "send"
    DUTIES = "duties"
    COMPACTION = "compaction"
    DISK = "disk"
    RENEWAL = "renewal"
    ABORT = "abort"

    def __str__(self) -> str:
        return self.value


@attrs.frozen
class Arrived:
    """A message reached a host. `clock_ms` is what its clock reads, here and below."""

    message: raft.Message
    clock_ms: int


@attrs.frozen
class Fired:
    """A timer of a host fired."""

    timer: Due
    clock_ms: int


@attrs.frozen
class Asked:
    """A client or an operator gives the core an input."""

    input: raft.Input
    clock_ms: int


Input: TypeAlias = Arrived | Fired | Asked


@attrs.frozen
class Applied:
    """The notification that a server applied a value at a log index, and its state machine's answer."""

    index: int
    value: Hashable
    answer: Any


@attrs.frozen
class Restored:
    """The notification that a server's state machine took over a snapshot of a log index."""

    index: int


# --- the state machine


class Machine(Protocol):
    """A replicated state machine."""

    def initial(self) -> Any:
        """Return its first state."""

    def apply(self, state: Any, value: Any) -> tuple[Any, Any]:
        """Return its state after a value, and the answer to whoever submitted it."""

    def snapshot(self, state: Any) -> Hashable:
        """Return the representation of a state in a snapshot."""

    def restore(self, snapshot: Any) -> Any:
        """Return the state that a snapshot stands for."""


class Values:
    """The state machine of `specs/raft`: the clients' values in the order of the log, each once."""

    def initial(self) -> tuple[Any, ...]:
        """Return no values."""
        return ()

    def apply(self, state: tuple[Any, ...], value: Any) -> tuple[tuple[Any, ...], None]:
        """Add a client's value, unless it is there: a client may submit it again (thesis, 6.3)."""
        is_new = value != raft.NOOP and not isinstance(value, raft.Configuration) and value not in state
        return ((*state, value) if is_new else state), None

    def snapshot(self, state: tuple[Any, ...]) -> Hashable:
        """Return the values."""
        return state

    def restore(self, snapshot: Any) -> tuple[Any, ...]:
        """Return the values."""
        return tuple(snapshot)


# --- the disk


@attrs.frozen
class Record:
    """The content of a slot of the disk.

    A durable state is one value, and a write of it can be torn. A record that is torn is not whole, and the
    one before it, in the other slot, still is: a write happens or does not, as the core and the spec have it.

    Attributes:
        number: counts the records of a disk, from 1.
        current_term: of the durable state, as the three fields below.
        checksum: of all other fields.
    """

    number: int
    current_term: int
    voted_for: str | None
    log: tuple[raft.Entry, ...]
    snapshot: raft.Snapshot
    checksum: int = attrs.field(repr=False)  # of this process: Python hashes `None` by its address

    @classmethod
    def of(cls, number: int, durable: raft.Durable) -> Self:
        """The record of a durable state."""
        fields = (number, durable.current_term, durable.voted_for, durable.log, durable.snapshot)
        return cls(*fields, hash(fields))

    @property
    def is_whole(self) -> bool:
        """True if it was written to its end."""
        fields = (self.number, self.current_term, self.voted_for, self.log, self.snapshot)
        return self.checksum == hash(fields)

    @property
    def durable(self) -> raft.Durable:
        """The durable state in it."""
        return raft.Durable(self.current_term, self.voted_for, self.log, snapshot=self.snapshot)

    @classmethod
    def newest(cls, disk: Disk) -> Self | None:
        """The newest record of a disk that is whole; None if there is none."""
        records = [record for slot in range(_SLOTS) if (record := disk.read(slot)) and record.is_whole]
        return max(records, key=lambda record: record.number, default=None)

    @staticmethod
    def is_one_torn(disk: Disk) -> bool:
        """Return whether a slot holds a record that is not whole."""
        return any((record := disk.read(slot)) and not record.is_whole for slot in range(_SLOTS))


# --- the host


@attrs.frozen
class Server:
    """A Raft server on its host.

    Attributes:
        node: the core.
        machine: the state machine.
        written: the number of records that it began to write.
        is_writing: True while its disk is busy with what a leader began to write.
        ticks: how far it has counted its clock; None before its first step.
        inputs: what the core was given in the last step, in order, for whoever judges.
        found_torn: True if it came back, took no step yet, and found a record that was torn.
    """

    node: raft.Node
    machine: Any
    written: int
    is_writing: bool = False
    ticks: int | None = None
    inputs: tuple[raft.Input, ...] = ()
    found_torn: bool = False

    @property
    def role(self) -> str:
        """The name of its role."""
        return type(self.node.role).__name__

    @property
    def term(self) -> int:
        """Its current term."""
        return self.node.durable.current_term

    @property
    def last(self) -> int:
        """The log index of its last entry."""
        return self.node.durable.last_index

    @property
    def committed(self) -> int:
        """The log index up to which it knows entries to be committed."""
        return self.node.commit_index

    @property
    def compacted(self) -> int:
        """The log index up to which its snapshot stands for entries."""
        return self.node.durable.snapshot.index

    @property
    def voters(self) -> tuple[str, ...]:
        """The voters that it goes by, in order."""
        return tuple(sorted(self.node.configuration.voters))


@attrs.frozen(kw_only=True)
class Timing:
    """The durations of a host's timers, in virtual milliseconds, and when it sends.

    Attributes:
        election_ms: the least and the greatest election timeout.
        heartbeat_ms: the time between two requests to a peer.
        duties_ms: the time between two checks of a leader that a quorum answers.
        disk: how long it takes until what a leader began to write is on disk.
        paces_peers: True if a leader sends new entries at once only to peers that lack nothing else, unless
            requests are pipelined, and to the others as soon as they have answered. Else it sends to all
            peers at once.
    """

    election_ms: tuple[int, int] = ELECTION_TIMEOUT_MS
    heartbeat_ms: int = HEARTBEAT_MS
    duties_ms: int = ELECTION_TIMEOUT_MS[0]
    disk: Delay = _DISK
    paces_peers: bool = False


class RaftHost:
    """The hosts of a cluster of Raft servers.

    Args:
        setting: which parts of Raft are on, with their limits.
        machine: the state machine.
        timing: the durations of its timers.
    """

    def __init__(
        self, setting: Setting, machine: Machine | None = None, timing: Timing | None = None
    ) -> None:
        self.setting = setting
        self.machine = machine or Values()
        self.timing = timing or Timing()
        self.reset = SetTimer(Due.ELECTION, Uniform(*self.timing.election_ms))
        self.has_duties = setting.has("CheckQuorum") or setting.has("Membership")

    # --- `tlacheck.sim.Core`

    def start(self, node: str, disk: Disk) -> tuple[Server, list[Command]]:
        """Start a server from its disk, with its election timer running."""
        config, record = self.setting.config_for(node), Record.newest(disk)
        if record is None:
            core = raft.first_start(config)
            first = Record.of(1, core.durable)
            return Server(core, self.machine.initial(), 1), [Write(1 % _SLOTS, first), Sync(), self.reset]
        core = raft.recover(config, record.durable)
        index, state = core.durable.snapshot.index, core.durable.snapshot.state
        machine = self.machine.restore(state) if index else self.machine.initial()
        return Server(core, machine, record.number, found_torn=Record.is_one_torn(disk)), [self.reset]

    def on_message(self, source: str, message: raft.Message, clock_ms: int) -> Input:
        """A message is the core's own."""
        del source
        return Arrived(message, clock_ms)

    def on_timer(self, name: Due, clock_ms: int) -> Input:
        """A timer."""
        return Fired(name, clock_ms)

    def on_request(self, inp: raft.Input, clock_ms: int) -> Input:
        """An input for the core, of a client or an operator."""
        return Asked(inp, clock_ms)

    def step(self, state: Server, inp: Input) -> tuple[Server, list[Command]]:
        """One thing that happens to a server."""
        turn = _Turn(self, state)
        turn.count(inp.clock_ms)
        match inp:
            case Arrived(message=message):
                turn.receive(message)
            case Fired(timer=timer):
                turn.fire(timer)
            case Asked(input=request):
                turn.ask(request)
            case _:
                assert_never(inp)
        return turn.after(), turn.commands

    def commands(self, effect: Command) -> Iterable[Command]:
        """`step` gives commands already."""
        return (effect,)


class _Turn:
    """One step of a host.

    Attributes:
        commands: what it wants done, in order.
    """

    def __init__(self, host: RaftHost, server: Server) -> None:
        self.commands: list[Command] = []
        self._host = host
        self._node, self._machine = server.node, server.machine
        self._written, self._is_writing, self._ticks = server.written, server.is_writing, server.ticks
        self._inputs: list[raft.Input] = []

    def after(self) -> Server:
        """The server after it."""
        return Server(
            self._node,
            self._machine,
            self._written,
            self._is_writing,
            self._ticks,
            tuple(self._inputs),
        )

    def count(self, clock_ms: int) -> None:
        """The ticks of its clock since the last step; those alone by which something counted ends."""
        setting = self._host.setting
        if not setting.counts_time:
            return
        now = clock_ms // TICK_MS
        passed = 0 if self._ticks is None else now - self._ticks
        self._ticks = now if self._ticks is None else max(now, self._ticks)
        for _ in range(min(passed, setting.election_ticks)):
            role = self._node.role
            if self._node.heard or (isinstance(role, raft.Leader) and role.lease.left):
                self.give(raft.Tick())

    # --- what happens

    def receive(self, message: raft.Message) -> None:
        """A message arrives; a peer that is behind may get its next entries as soon as it has answered."""
        if not (self._host.timing.paces_peers and isinstance(message, raft.AppendEntriesResponse)):
            self.give(raft.Receive(message))
            return
        known = self._progress_of(message.source)
        self.give(raft.Receive(message))
        learnt = self._progress_of(message.source)
        # An answer that says nothing new is one of two to the same entries: the other one goes on.
        if learnt is not None and learnt != known and learnt.next_index <= self._node.durable.last_index:
            self.give(raft.AppendEntries(message.source))

    def ask(self, request: raft.Input) -> None:
        """A client or an operator asks for something; a leader that takes it tells its peers at once."""
        is_taken = self.give(request)
        if is_taken and not isinstance(request, raft.LeaseRead):
            self._send_at_once()
            if isinstance(request, raft.TransferLeadership):
                self.commands.append(SetTimer(Due.ABORT, ELECTION_TIMEOUT_MS[1]))

    def fire(self, timer: Due) -> None:
        """A timer fires."""
        node = self._node
        match timer:
            case Due.ELECTION:
                self.give(raft.Timeout())
                if self._node is node:  # it leads, hears a leader or may not campaign: no step of the spec
                    self._inputs.pop()
            case Due.COMPACTION:
                if node.commit_index > node.durable.snapshot.index:
                    self.give(raft.Compact(self._host.machine.snapshot(self._machine)))
            case Due.DISK:
                self._is_writing = False
                if node.synced < node.durable.last_index:
                    self.commands.append(Sync())
                    self.give(raft.DiskSynced(node.durable.last_index))
            case _ if isinstance(node.role, raft.Leader):
                self._lead(node.role, timer)

    def _lead(self, role: raft.Leader, timer: Due) -> None:
        match timer:
            case Due.SEND:
                self.commands.append(SetTimer(timer, self._host.timing.heartbeat_ms))
                for progress in role.progress:
                    self.give(raft.AppendEntries(progress.peer))
            case Due.DUTIES:
                self.commands.append(SetTimer(timer, self._host.timing.duties_ms))
                if self._host.setting.has("CheckQuorum"):
                    self.give(raft.CheckQuorum())
                self._leave_joint()
            case Due.RENEWAL:
                self.commands.append(SetTimer(timer, RENEWAL_MS))
                if role.transferee is None and rules.may_hold_lease(role):
                    self.give(raft.RenewLease())
                    self._send_at_once()
            case Due.ABORT:
                if role.transferee is not None:
                    self.give(raft.AbortTransfer())

    def _leave_joint(self) -> None:
        """A leader whose joint configuration is committed goes on to the new voters (paper, 6)."""
        old = self._node.configuration
        if isinstance(self._node.role, raft.Leader) and old.is_joint:
            self.ask(raft.ChangeMembership(raft.Configuration(old.voters, learners=old.learners)))

    def _send_at_once(self) -> None:
        role = self._node.role
        if not isinstance(role, raft.Leader):
            return
        free = [each.peer for each in role.progress if self._may_get_more(each)]
        if len(free) == len(role.progress):
            self.commands.append(SetTimer(Due.SEND, 0))
            return
        for peer in free:
            self.give(raft.AppendEntries(peer))

    def _may_get_more(self, progress: raft.Progress) -> bool:
        """Return whether a new entry goes to this peer at once: it lacks that one alone."""
        paces = self._host.timing.paces_peers and not self._node.config.pipelining
        return not paces or progress.next_index == self._node.durable.last_index

    def _progress_of(self, peer: str) -> raft.Progress | None:
        role = self._node.role
        return role.of(peer) if isinstance(role, raft.Leader) else None

    # --- the core

    def give(self, inp: raft.Input) -> bool:
        """Step the core, and return whether it accepted the input."""
        self._inputs.append(inp)
        self._node, effects = raft.step(self._node, inp)
        for effect in effects:
            self._carry_out(effect)
        return not any(isinstance(effect, raft.Refused) for effect in effects)

    def _carry_out(self, effect: raft.Effect) -> None:
        commands = self.commands
        match effect:
            case raft.Send(message=message):
                commands.append(Send(message.dest, message))
            case raft.Persist(durable=durable):
                self._write(durable)
                commands.append(Sync())
                if self._is_writing:
                    self._is_writing = False
                    commands.append(StopTimer(Due.DISK))
            case raft.Write(durable=durable):
                self._write(durable)
                if not self._is_writing:
                    self._is_writing = True
                    commands.append(SetTimer(Due.DISK, self._host.timing.disk))
            case raft.ResetElectionTimer():
                commands.append(self._host.reset)
            case raft.BecameLeader():
                commands += [Notify(effect), SetTimer(Due.SEND, 0)]
                if self._host.has_duties:
                    commands.append(SetTimer(Due.DUTIES, self._host.timing.duties_ms))
                if self._host.setting.has("Leases"):
                    commands.append(SetTimer(Due.RENEWAL, 0))
            case raft.SteppedDown():
                commands += [Notify(effect), self._host.reset]
                commands += [StopTimer(due) for due in (Due.SEND, Due.DUTIES, Due.RENEWAL, Due.ABORT)]
            case raft.Apply(index=index, value=value):
                self._machine, answer = self._host.machine.apply(self._machine, value)
                commands.append(Notify(Applied(index, value, answer)))
                self._compact_soon(index)
            case raft.Restore(index=index, state=state):
                self._machine = self._host.machine.restore(state)
                commands.append(Notify(Restored(index)))
            case raft.ReadReady() | raft.ReadFailed() | raft.Refused():
                commands.append(Notify(effect))
            case _:
                assert_never(effect)

    def _write(self, durable: raft.Durable) -> None:
        self._written += 1
        self.commands.append(Write(self._written % _SLOTS, Record.of(self._written, durable)))

    def _compact_soon(self, index: int) -> None:
        setting = self._host.setting
        if setting.has("Snapshots") and index - self._node.durable.snapshot.index == setting.compact_at:
            self.commands.append(SetTimer(Due.COMPACTION, _COMPACTION))
