"""The replicated state machine (SMR-1) as a service: hosts of Raft with `impl.machine` that answer.

`ServiceHost` does what `RaftHost` does, and answers:

| request  | is answered                                                                             |
|----------|-----------------------------------------------------------------------------------------|
| `Ask`    | when the server applies the entry that it appended for it, with the machine's answer    |
| `Look`   | from its machine, once the core says that it may: by the lease, else by ReadIndex       |

It turns clients away when it does not lead, or leads no longer. A lost request is the client's to repeat.
Two wrong ways to answer show that clients would notice (`Service`).
"""

import enum
from collections.abc import Hashable, Iterable, Iterator
from typing import Any, Final, Self, TypeAlias

import attrs

from impl import machine, raft
from property_tests.raft.host import (
    ELECTION_TIMEOUT_MS,
    Applied,
    Asked,
    Input,
    RaftHost,
    Restored,
    Server,
    Timing,
)
from property_tests.raft.settings import FULL, Setting
from tlacheck.sim import Command, Disk, Notify

__all__ = [
    "SETTING",
    "Answered",
    "Ask",
    "Look",
    "Service",
    "ServiceHost",
    "Serving",
    "TurnedAway",
    "size_of",
    "value_of",
]

#: All parts of Raft, with room for the requests of many clients.
SETTING: Final = attrs.evolve(FULL, entries_max=16, unacknowledged_max=64, compact_at=40)
#: Leaders that no quorum answers stay for as long as the longest election takes, so that reads may be stale.
_TIMING: Final = Timing(paces_peers=True, duties_ms=ELECTION_TIMEOUT_MS[1])


class Service(enum.Enum):
    """Ways in which servers answer clients; the first two are right."""

    READ_INDEX = "reads by ReadIndex"
    LEASE = "reads by lease"
    LOCAL_READS = "reads at once, from the server's own machine"
    BEFORE_COMMIT = "requests are answered as soon as they are in the leader's log"


# --- requests and answers -----------------------------------------------------------------------


@attrs.frozen
class Ask:
    """A client's command. `token` names it in the answer."""

    token: Hashable
    command: machine.Command


@attrs.frozen
class Look:
    """A client's read of the value of a key. Each has a token of its own, also if it is sent again."""

    token: Hashable
    key: str


@attrs.frozen
class Called:
    """A client asks a server; `clock_ms` is what the server's clock reads."""

    request: Ask | Look
    clock_ms: int


@attrs.frozen
class Answered:
    """The answer to a command or a read, and the way by which it was found."""

    token: Hashable
    answer: object
    by: str


@attrs.frozen
class TurnedAway:
    """This server does not do it, or not any more: ask another one."""

    token: Hashable
    reason: str


_ServiceInput: TypeAlias = Input | Called


def value_of(state: machine.State, key: str) -> str | int | None:
    """The value of a key: a case's state, a record's version, a specification's latest overlay.

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
    """The size of a command in bytes: its texts in UTF-8, and eight for each number.

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
    """A client that is answered when the entry of this term at this log index is applied."""

    index: int
    term: int
    token: Hashable


@attrs.frozen
class Serving(Server):
    """A server that owes answers.

    Attributes:
        waiting: whom it owes answers to commands.
        looking: token -> key of the reads that it owes.
    """

    waiting: tuple[_Waiting, ...] = ()
    looking: tuple[tuple[Hashable, str], ...] = ()

    @classmethod
    def of(cls, server: Server) -> Self:
        """The same server, which owes nothing."""
        return cls(**{field.name: getattr(server, field.name) for field in attrs.fields(Server)})


class ServiceHost(RaftHost):
    """The hosts of a cluster of servers of the service.

    Args:
        setting: which parts of Raft are on, with their limits.
        service: how servers answer.
    """

    def __init__(self, setting: Setting, service: Service = Service.READ_INDEX) -> None:
        super().__init__(setting, machine, _TIMING)
        self._service = service

    def start(self, node: str, disk: Disk) -> tuple[Serving, list[Command]]:
        """Start a server from its disk; it owes nothing."""
        server, commands = super().start(node, disk)
        return Serving.of(server), commands

    def on_request(self, inp: raft.Input | Ask | Look, clock_ms: int) -> Any:
        """A client's request, or an operator's input for the core."""
        return Called(inp, clock_ms) if isinstance(inp, Ask | Look) else super().on_request(inp, clock_ms)

    def step(self, state: Server, inp: _ServiceInput) -> tuple[Serving, list[Command]]:
        """One thing that happens to a server, and the answers that it leads to."""
        debts = _Debts(self._service, state)
        if not isinstance(inp, Called):
            server, commands = super().step(state, inp)
        else:
            server, commands = self._serve(state, inp, debts)
        return debts.settle(server, commands)

    def _serve(self, state: Server, called: Called, debts: "_Debts") -> tuple[Server, list[Command]]:
        request, clock_ms = called.request, called.clock_ms
        if isinstance(request, Ask):
            debts.ask(request)
            return super().step(state, Asked(raft.ClientRequest(request.command), clock_ms))
        debts.look(request)
        if self._service is Service.LOCAL_READS:
            return attrs.evolve(state, inputs=()), []
        if self._service is not Service.LEASE:
            return super().step(state, Asked(raft.ReadIndex(request.token), clock_ms))
        server, commands = super().step(state, Asked(raft.LeaseRead(request.token), clock_ms))
        if not any(isinstance(told, raft.Refused) for told in _told(commands)):
            return server, commands
        inputs = server.inputs
        server, more = super().step(server, Asked(raft.ReadIndex(request.token), clock_ms))
        # The refusal of the lease stays among the notifications, for whoever judges; no client hears of it.
        return attrs.evolve(server, inputs=(*inputs, *server.inputs)), [*commands, *more]


def _told(commands: Iterable[Command]) -> Iterator[Any]:
    return (command.what for command in commands if isinstance(command, Notify))


class _Debts:
    """The answers that a server owes, in one step."""

    def __init__(self, service: Service, state: Server) -> None:
        self._service = service
        self._before = state.node
        self._waiting: tuple[_Waiting, ...] = getattr(state, "waiting", ())
        self._looking: dict[Hashable, str] = dict(getattr(state, "looking", ()))
        self._new: Ask | Look | None = None
        self._said: list[Answered | TurnedAway] = []

    def ask(self, ask: Ask) -> None:
        """A client submits a command; its entry is the next one, unless the server refuses."""
        self._new = ask
        durable = self._before.durable
        waiting = _Waiting(durable.last_index + 1, durable.current_term, ask.token)
        self._waiting = (*self._waiting, waiting)

    def look(self, look: Look) -> None:
        """A client reads."""
        self._new = look
        self._looking[look.token] = look.key

    def settle(self, server: Server, commands: list[Command]) -> tuple[Serving, list[Command]]:
        """Answer all that this step allows to answer; the notifications come behind what they rest on."""
        for what in _told(commands):
            self._hear(what, server)
        if self._service is Service.LOCAL_READS and isinstance(self._new, Look):
            self._read_locally(self._new, server)
        if self._service is Service.BEFORE_COMMIT and isinstance(self._new, Ask):
            self._answer_early(self._new, server)
        after = attrs.evolve(Serving.of(server), waiting=self._waiting, looking=tuple(self._looking.items()))
        return after, [*commands, *(Notify(what) for what in self._said)]

    def _hear(self, what: object, server: Server) -> None:
        match what:
            case Applied(index=index, answer=answer):
                self._applied(index, answer, server.node.durable)
            case Restored(index=index):
                self._waiting = tuple(each for each in self._waiting if each.index > index)
            case raft.ReadReady(read=token):
                self._found(
                    token, server, "lease" if server.inputs[-1:] == (raft.LeaseRead(token),) else "ReadIndex"
                )
            case raft.ReadFailed(read=token):
                self._looking.pop(token, None)
                self._said.append(TurnedAway(token, "this server does not lead any more"))
            case raft.Refused(input=raft.ClientRequest() | raft.ReadIndex(), reason=reason):
                self._refuse(reason)

    def _applied(self, index: int, answer: object, durable: raft.Durable) -> None:
        """An entry is applied: whoever waits for it is answered, if it is theirs and no other leader's."""
        mine = [each for each in self._waiting if each.index <= index]
        self._waiting = tuple(each for each in self._waiting if each.index > index)
        for each in mine:
            if each.index == index and each.term == durable.term_at(index):
                self._said.append(Answered(each.token, answer, "the log"))

    def _found(self, token: Hashable, server: Server, by: str) -> None:
        key = self._looking.pop(token, None)
        if key is not None:
            self._said.append(Answered(token, value_of(server.machine, key), by))

    def _refuse(self, reason: str) -> None:
        if self._new is None:
            return
        token = self._new.token
        self._waiting = tuple(each for each in self._waiting if each.token != token)
        self._looking.pop(token, None)
        self._said.append(TurnedAway(token, reason))

    # --- wrong on purpose

    def _read_locally(self, look: Look, server: Server) -> None:
        if server.role == "Leader":
            self._found(look.token, server, "its own machine")
        else:
            self._refuse("this server does not lead")

    def _answer_early(self, ask: Ask, server: Server) -> None:
        """The answer of the machine as if the whole log were committed."""
        if not any(each.token == ask.token for each in self._waiting):
            return
        durable, answer, state = server.node.durable, None, server.machine
        for entry in durable.log[server.committed - durable.snapshot.index :]:
            state, answer = machine.apply(state, entry.value)
        self._said.append(Answered(ask.token, answer, "before it was committed"))
