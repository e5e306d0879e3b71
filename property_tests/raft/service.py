"""The replicated state machine (SMR-1) as a service: `impl.raft` with all its parts on, and `impl.machine` behind it.

`ServiceCore` is to a `tlacheck.sim.Cluster` what a server's process is: one input of the world (a message, a timer,
what a client asks) becomes the inputs of the core that it amounts to, and what the core asks for becomes commands.

| the process does                         | when                                                               |
|------------------------------------------|--------------------------------------------------------------------|
| applies what is committed to its machine | in the same step                                                   |
| answers a request                        | when it applied the entry that it appended for it, with what the machine answered |
| answers a read                           | from its machine, once the core says from which log index on        |
| compacts the log into `machine.snapshot` | when it has more than `compact_after` entries                      |
| takes over a snapshot                    | `machine.restore`, after a crash and when a leader sends one         |
| sends to all members                     | `SEND_MS` after something came, so that several requests share messages; every heartbeat |
| counts ticks                             | by what its clock reads when an input comes, so that a pause costs none |
| renews its lease                         | at a heartbeat, when at most a tick of it is left: it counts again when a quorum answered |

A read by the lease that finds none is asked for by ReadIndex instead. Two wrong ways to answer show
that clients would notice (`Service`). A write that was torn by a crash is found as it was before.
"""

import enum
from collections.abc import Hashable, Iterable
from typing import Any, Final, TypeAlias, assert_never

import attrs

from impl import machine, raft
from property_tests.raft.cluster import ELECTION_TIMEOUT_MS, HEARTBEAT_MS
from tlacheck.sim import Command, Delay, Disk, Send, SetTimer, StopTimer, Sync, Tell, Uniform, Write

__all__ = [
    "ELECTION_TICKS",
    "LEASE_TICKS",
    "TICK_MS",
    "Answered",
    "Ask",
    "Look",
    "Operate",
    "Server",
    "Service",
    "ServiceCore",
    "TurnedAway",
    "config_for",
    "in_words",
    "size_of",
    "value_of",
]

#: One tick of a server's clock: ten of them are the shortest election timeout.
ELECTION_TICKS: Final = 10
TICK_MS: Final = ELECTION_TIMEOUT_MS[0] // ELECTION_TICKS
#: So that `LeaseTicks + 2 * MaxSkew <= ElectionTicks` of the spec holds with a skew of two ticks, 30 ms.
LEASE_TICKS: Final = 6
#: How long requests wait for others to travel with.
SEND_MS: Final = 1

_DISK: Final = "durable"
_ELECTION, _HEARTBEAT, _SEND = "election", "heartbeat", "send"
_SYNC, _CHECK_QUORUM, _ABORT = "sync", "check quorum", "abort transfer"


class Service(enum.Enum):
    """How servers answer clients; the first two are right."""

    READ_INDEX = "reads by ReadIndex"
    LEASE = "reads by lease"
    LOCAL_READS = "reads at once, from the server's own machine"
    BEFORE_COMMIT = "requests are answered as soon as they are in the leader's log"


# --- what the outside gives, and is told --------------------------------------------------------


@attrs.frozen
class Ask:
    """A client's command. `token` names it in the answer, `clock_ms` is what the server's clock reads."""

    token: Hashable
    command: machine.Command
    clock_ms: int


@attrs.frozen
class Look:
    """A client's read of what is held under a key."""

    token: Hashable
    key: str
    clock_ms: int


@attrs.frozen
class Operate:
    """An operator's input to the core: a change of membership, a transfer of leadership."""

    input: raft.Input
    clock_ms: int


@attrs.frozen
class Answered:
    """What a command or a read is answered, and by which way."""

    token: Hashable
    answer: object
    by: str


@attrs.frozen
class TurnedAway:
    """This server does not do it, or not any more: ask another one."""

    token: Hashable
    reason: str


@attrs.frozen
class _Message:
    message: raft.Message
    clock_ms: int


@attrs.frozen
class _Fired:
    timer: str
    clock_ms: int


_Input: TypeAlias = Ask | Look | Operate | _Message | _Fired


def in_words(inp: object) -> tuple[str, str]:
    """An input of a server: what it is, and more about it."""
    match inp:
        case _Message(message=message):
            return type(message).__name__, f"from {message.source}, term {message.term}"
        case _Fired(timer=timer):
            return "Timer", timer
        case Operate(input=what):
            return "Operate", type(what).__name__
        case Ask(command=command):
            return "Ask", str(command)
        case Look(key=key):
            return "Look", key
        case _:
            return type(inp).__name__, ""


def value_of(state: machine.State, key: str) -> str | int | None:
    """What a machine holds under a key: a case's state, a record's version, a specification's latest overlay.

    The kind of a key is what stands before its dash: `case-7`, `record-1`, `spec-2`.
    """
    content = state.content
    match key.partition("-")[0]:
        case "case":
            case = content.cases.get(key)
            return None if case is None else case.state.name
        case "record":
            record = content.records.get(key)
            return None if record is None else record.version
        case _:
            return content.latest.get(key)


def size_of(command: Hashable) -> int:
    """How many bytes a command takes: its texts in UTF-8, and eight for whatever is a number.

    For `raft.SizeLimits`, which a service of one's own gives the size of its own encoding.
    """
    if isinstance(command, str):
        return len(command.encode())
    kind: type[Any] = type(command)
    if attrs.has(kind):
        return sum(size_of(getattr(command, field.name)) for field in attrs.fields(kind))
    return 8


# --- one server ---------------------------------------------------------------------------------


@attrs.frozen
class _Waiting:
    """Who is answered when the entry of this term at this log index is applied."""

    index: int
    term: int
    token: Hashable


@attrs.frozen
class Server:
    """One server: the core, the machine, and what its process remembers.

    Attributes:
        node: the core.
        machine: what the committed entries amount to so far.
        ticks: how many ticks its clock has counted; None before its first input.
        waiting: whom it owes answers to requests.
        looking: token -> key of the reads that it owes.
        is_sending: whether it is about to send to all members.
        is_writing: whether its disk is busy with what the log was given.
    """

    node: raft.Node
    machine: machine.State
    ticks: int | None = None
    waiting: tuple[_Waiting, ...] = ()
    looking: tuple[tuple[Hashable, str], ...] = ()
    is_sending: bool = False
    is_writing: bool = False


def config_for(
    server: str, founders: tuple[str, ...], *, size_limits: raft.SizeLimits | None = None
) -> raft.Config:
    """A server's settings with all parts of the protocol on."""
    return raft.Config(
        server,
        founders,
        entries_max=16,
        unacknowledged_max=64,
        pre_vote=True,
        check_quorum=True,
        leases=True,
        pipelining=True,
        conflict_term=True,
        async_disk=True,
        election_ticks=ELECTION_TICKS,
        lease_ticks=LEASE_TICKS,
        size_limits=size_limits,
    )


class ServiceCore:
    """A server of the service, as a simulated cluster hosts it.

    Args:
        founders: the voters of the first configuration.
        service: how it answers.
        compact_after: with more entries than this behind its snapshot a log is compacted.
        disk: how long it takes until what was written is on disk.
        size_limits: how large commands may be; any, unless given.
    """

    def __init__(
        self,
        founders: tuple[str, ...],
        *,
        service: Service = Service.READ_INDEX,
        compact_after: int = 40,
        disk: Delay | None = None,
        size_limits: raft.SizeLimits | None = None,
    ) -> None:
        self.service = service
        self.compact_after = compact_after
        self.disk = disk or Uniform(1, 10)
        self.reset = SetTimer(_ELECTION, Uniform(*ELECTION_TIMEOUT_MS))
        self._founders = founders
        self._size_limits = size_limits

    def start(self, node: str, disk: Disk) -> tuple[Server, Iterable[Command]]:
        """A server with what its disk holds; its election timer runs."""
        config = config_for(node, self._founders, size_limits=self._size_limits)
        durable = disk.read(_DISK)
        if durable is None:
            core = raft.first_start(config)
            return Server(core, machine.initial()), (Write(_DISK, core.durable), Sync(), self.reset)
        core = raft.recover(config, durable)
        restored = _restored(durable.snapshot)
        return Server(core, restored), (self.reset,)

    def on_message(self, source: str, message: Any, clock_ms: int) -> _Input:
        """A message is the core's own."""
        del source
        return _Message(message, clock_ms)

    def on_timer(self, name: Any, clock_ms: int) -> _Input:
        """One of the process's timers."""
        return _Fired(name, clock_ms)

    def step(self, state: Server, inp: _Input) -> tuple[Server, list[Command]]:
        """One input of the world, which may be several of the core."""
        turn = _Turn(self, state)
        turn.take(inp)
        return turn.after(), turn.commands

    def commands(self, effect: Command) -> Iterable[Command]:
        """`step` gives commands already."""
        return (effect,)


def _restored(snapshot: raft.Snapshot) -> machine.State:
    state = snapshot.state
    return machine.restore(state) if isinstance(state, bytes) else machine.initial()


class _Turn:
    """What one input of the world does to a server.

    Attributes:
        commands: what the process wants done, in order.
    """

    def __init__(self, core: ServiceCore, server: Server) -> None:
        self.commands: list[Command] = []
        self._core = core
        self._node = server.node
        self._machine = server.machine
        self._ticks = server.ticks
        self._waiting = server.waiting
        self._looking = dict(server.looking)
        self._is_sending = server.is_sending
        self._is_writing = server.is_writing
        self._way = "ReadIndex"

    def after(self) -> Server:
        """The server after it."""
        return Server(
            self._node,
            self._machine,
            self._ticks,
            self._waiting,
            tuple(self._looking.items()),
            self._is_sending,
            self._is_writing,
        )

    def take(self, inp: _Input) -> None:
        """Let it happen."""
        self._tick(inp.clock_ms)
        match inp:
            case _Message(message=message):
                self._receive(message)
            case _Fired(timer=timer):
                self._fire(timer)
            case Ask():
                self._ask(inp)
            case Look():
                self._look(inp)
            case Operate(input=what):
                self._operate(what)
            case _:
                assert_never(inp)
        durable = self._node.durable
        if len(durable.log) > self._core.compact_after and self._node.commit_index > durable.snapshot.index:
            self._step(raft.Compact(machine.snapshot(self._machine)))

    @property
    def _leads(self) -> bool:
        return isinstance(self._node.role, raft.Leader)

    def _tick(self, clock_ms: int) -> None:
        """The ticks since the last input. More than the longest count changes no more than that."""
        now = clock_ms // TICK_MS
        passed = 0 if self._ticks is None else now - self._ticks
        self._ticks = now if self._ticks is None else max(now, self._ticks)
        for _ in range(min(passed, ELECTION_TICKS)):
            self._step(raft.Tick())

    # --- inputs

    def _receive(self, message: raft.Message) -> None:
        self._step(raft.Receive(message))
        role = self._node.role
        if isinstance(message, raft.AppendEntriesResponse) and isinstance(role, raft.Leader):
            progress = role.of(message.source)
            if progress is not None and progress.next_index <= self._node.durable.last_index:
                self._soon()

    def _fire(self, timer: str) -> None:
        if timer == _ELECTION:
            if self._leads:
                self.commands.append(self._core.reset)
            else:
                self._step(raft.Timeout())
        elif timer == _SYNC:
            self._is_writing = False
            self.commands.append(Sync())
            self._step(raft.DiskSynced(self._node.durable.last_index))
        elif timer == _SEND:
            self._is_sending = False
            self._send_to_all()
        elif self._leads:
            if timer == _HEARTBEAT:
                self._heartbeat()
            elif timer == _CHECK_QUORUM:
                self.commands.append(SetTimer(_CHECK_QUORUM, ELECTION_TIMEOUT_MS[1]))
                self._step(raft.CheckQuorum())
            elif timer == _ABORT:
                self._step(raft.AbortTransfer())

    def _ask(self, ask: Ask) -> None:
        before = self._node.durable.last_index
        waiting = _Waiting(before + 1, self._node.durable.current_term, ask.token)
        self._waiting = (*self._waiting, waiting)
        if self._step(raft.ClientRequest(ask.command), ask.token):
            self._waiting = tuple(each for each in self._waiting if each is not waiting)
            return
        if self._core.service is Service.BEFORE_COMMIT and waiting in self._waiting:
            self._answer_early(ask)
        self._soon()

    def _answer_early(self, ask: Ask) -> None:
        """Wrong on purpose: what the machine would answer if all that is in the log were committed."""
        durable, answer, state = self._node.durable, None, self._machine
        for entry in durable.log[self._node.commit_index - durable.snapshot.index :]:
            state, answer = machine.apply(state, entry.value)
        self._tell(Answered(ask.token, answer, "before it was committed"))

    def _look(self, look: Look) -> None:
        if self._core.service is Service.LOCAL_READS:
            if self._leads:
                self._tell(Answered(look.token, value_of(self._machine, look.key), "its own machine"))
            else:
                self._tell(TurnedAway(look.token, "this server does not lead"))
            return
        self._looking[look.token] = look.key
        if self._core.service is Service.LEASE:
            self._way = "lease"
            if not self._step(raft.LeaseRead(look.token)):
                return
            self._way = "ReadIndex"
        if self._step(raft.ReadIndex(look.token), look.token):
            del self._looking[look.token]
        else:
            self._soon()

    def _operate(self, inp: raft.Input) -> None:
        if isinstance(inp, raft.TransferLeadership):
            self.commands.append(SetTimer(_ABORT, ELECTION_TIMEOUT_MS[1]))
        self._step(inp)
        self._soon()

    # --- sending

    def _soon(self) -> None:
        if self._leads and not self._is_sending:
            self._is_sending = True
            self.commands.append(SetTimer(_SEND, SEND_MS))

    def _heartbeat(self) -> None:
        role = self._node.role
        if isinstance(role, raft.Leader) and role.lease.left <= 1:
            self._step(raft.RenewLease())
        self._send_to_all()
        self.commands.append(SetTimer(_HEARTBEAT, HEARTBEAT_MS))

    def _send_to_all(self) -> None:
        role = self._node.role
        if isinstance(role, raft.Leader):
            for progress in role.progress:
                self._step(raft.AppendEntries(progress.peer))

    # --- the core

    def _step(self, inp: raft.Input, token: Hashable | None = None) -> bool:
        """A step of the core; whether it refused. If a `token` is given, who waits for it is told so."""
        self._node, effects = raft.step(self._node, inp)
        refusal: str | None = None
        for effect in effects:
            if isinstance(effect, raft.Refused):
                refusal = effect.reason
            else:
                self._carry_out(effect)
        if refusal is not None and token is not None:
            self._tell(TurnedAway(token, refusal))
        return refusal is not None

    def _carry_out(self, effect: raft.Effect) -> None:
        commands = self.commands
        match effect:
            case raft.Send(message=message):
                commands.append(Send(message.dest, message))
            case raft.Persist(durable=durable):
                commands += (Write(_DISK, durable), Sync())
            case raft.Write(durable=durable):
                commands.append(Write(_DISK, durable))
                if not self._is_writing:
                    self._is_writing = True
                    commands.append(SetTimer(_SYNC, self._core.disk))
            case raft.ResetElectionTimer():
                commands.append(self._core.reset)
            case raft.BecameLeader():
                commands += (
                    Tell(effect),
                    SetTimer(_HEARTBEAT, 0),
                    SetTimer(_CHECK_QUORUM, ELECTION_TIMEOUT_MS[1]),
                )
            case raft.SteppedDown():
                commands += (Tell(effect), StopTimer(_HEARTBEAT), StopTimer(_CHECK_QUORUM), self._core.reset)
            case raft.Apply(index=index, value=value):
                self._apply(index, value)
            case raft.Restore(index=index, state=state):
                self._machine = machine.restore(state) if isinstance(state, bytes) else machine.initial()
                self._waiting = tuple(each for each in self._waiting if each.index > index)
                commands.append(Tell(raft.Restore(index, ())))
            case raft.ReadReady(read=token):
                key = self._looking.pop(token, None)
                if key is not None:
                    self._tell(Answered(token, value_of(self._machine, key), self._way))
            case raft.ReadFailed(read=token):
                self._looking.pop(token, None)
                self._tell(TurnedAway(token, "this server does not lead any more"))
            case raft.Refused():
                pass
            case _:
                assert_never(effect)

    def _apply(self, index: int, value: Hashable) -> None:
        """Apply the next entry, and answer whoever waits for it, if it is theirs and no other leader's."""
        self._machine, answer = machine.apply(self._machine, value)
        self.commands.append(Tell(raft.Apply(index, value)))
        if not self._waiting:
            return
        term = self._node.durable.term_at(index)
        rest = []
        for each in self._waiting:
            if each.index > index:
                rest.append(each)
            elif each.index == index and each.term == term:
                self._tell(Answered(each.token, answer, "the log"))
        self._waiting = tuple(rest)

    def _tell(self, what: Answered | TurnedAway) -> None:
        self.commands.append(Tell(what))
