"""What a host does for a replica of the hybrid, and for a client, in a simulated world: timers, a disk, saying it all again.

`HybridCore` makes of `impl.hybrid` a `Core` for `tlacheck.sim.Cluster`; clients are nodes of the same world.

| the host                                              | is                                            |
|-------------------------------------------------------|-----------------------------------------------|
| carries out `Persist`                                 | one write and a sync, before what follows      |
| sends to all                                          | one copy to each other replica                 |
| runs PBFT's view-change timer                         | `VIEW`, for `patience` times its duration      |
| runs Raft's election timer                            | `ELECTION`, of a random duration               |
| lets a leader send                                    | `HEARTBEAT`, as long as it leads               |
| says all of it again, now and then                    | `AGAIN`                                        |
| counts the time                                       | `TICK`                                         |
| hands to operators what concerns them                 | `Tell`                                         |
| lets a client ask again for what it does not know yet | `RETRY`                                        |

A replica writes all that it must not forget in one write, which is on the disk or is not (`whole`). Clients forget nothing.
"""

import enum
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, TypeAlias

import attrs

from impl import hybrid, pbft
from tlacheck.errors import AdapterError
from tlacheck.sim import Command, Disk, Send, SetTimer, StopTimer, Sync, Tell, Uniform, Write

__all__ = [
    "Ask",
    "Due",
    "Hosted",
    "HybridCore",
    "Raised",
    "Retry",
    "State",
    "Taken",
    "Times",
    "Watch",
    "WatchClients",
    "whole",
]

#: Under what name a replica's durable state lies on its disk.
_DURABLE: Final = "durable"


class Due(enum.Enum):
    """The timers of replicas and clients."""

    VIEW = "view change"
    ELECTION = "election"
    HEARTBEAT = "heartbeat"
    AGAIN = "again"
    TICK = "tick"
    RETRY = "retry"


@attrs.frozen(kw_only=True)
class Times:
    """How long things take, in virtual milliseconds.

    Attributes:
        view_ms: how long PBFT's first primary has to get something executed; the paper's T.
        election_ms: of Raft's election timer, the shortest and the longest duration.
        heartbeat_ms: how often a leader sends to all.
        again_ms: how often a replica says again what may have been lost.
        tick_ms: how long a tick is.
        retry_ms: how long a client waits before it asks again.
    """

    view_ms: int = 300
    election_ms: tuple[int, int] = (150, 300)
    heartbeat_ms: int = 60
    again_ms: int = 150
    tick_ms: int = 50
    retry_ms: int = 250


@attrs.frozen
class Hosted:
    """A replica, and whether the timer `HEARTBEAT` runs."""

    node: hybrid.Node
    is_beating: bool = False


#: The state of a node of the world: a replica with its host, or a client.
State: TypeAlias = Hosted | hybrid.Client


@attrs.frozen
class Ask:
    """A client is to ask for this, unless it still waits for something else."""

    what: pbft.Value


@attrs.frozen
class Retry:
    """Time for a client to ask again for what it does not know yet."""


#: What can happen to a node of the world.
Inputs: TypeAlias = hybrid.Input | Ask | Retry


@attrs.frozen(kw_only=True)
class Taken:
    """One step that a replica took, for those who watch.

    Attributes:
        name: of the replica.
        before: the replica before the step; None if it came back from a crash.
        input: what happened; None if it came back from a crash.
        after: the replica after it.
        effects: what it asked for.
    """

    name: str
    before: hybrid.Node | None
    input: hybrid.Input | None
    after: hybrid.Node
    effects: tuple[hybrid.Effect, ...]


Watch: TypeAlias = Callable[[Taken], None]
#: Told what a client asked for, as (client, request), or what it believes, as (client, `Believed`).
WatchClients: TypeAlias = Callable[[hybrid.Client, pbft.Request | hybrid.Believed], None]


class Raised(AssertionError):
    """A step raised, which no input may make it do.

    Attributes:
        name: of the replica or client.
        input: what happened to it.
    """

    def __init__(self, name: str, inp: object, error: Exception) -> None:
        self.name, self.input = name, inp
        super().__init__(f"{name} raised {type(error).__name__}: {error} at {inp}")


def whole(old: Any, new: Any) -> Any:
    """What a crash leaves of a write that it came into: what was there before."""
    del new
    return old


class HybridCore:
    """The hybrid as a cluster of `tlacheck.sim` needs it.

    Args:
        configs: by name, the configuration of each replica.
        clients: by name, each client as it begins.
        times: how long things take.
        watch: told each step of each replica, before its effects are carried out. Also the steps that a traitor only
            pretends to take.
        watch_clients: told what clients ask for, and what they believe.
    """

    def __init__(
        self,
        configs: Mapping[str, hybrid.Config],
        clients: Mapping[str, hybrid.Client],
        *,
        times: Times | None = None,
        watch: Watch | None = None,
        watch_clients: WatchClients | None = None,
    ) -> None:
        self.times = times or Times()
        self._configs = dict(configs)
        self._clients = dict(clients)
        self._watch = watch
        self._watch_clients = watch_clients

    # --- the inputs

    def start(self, node: str, disk: Disk) -> tuple[State, Iterable[Command]]:
        """A replica that starts for the first time, or comes back with what is on its disk; or a client."""
        if node in self._clients:
            return self._clients[node], ()
        config, durable, times = self._configs[node], disk.read(_DURABLE), self.times
        always = (SetTimer(Due.AGAIN, times.again_ms), SetTimer(Due.TICK, Uniform(1, times.tick_ms)))
        if durable is None:
            first = hybrid.first_start(config)
            return Hosted(first), (Write(_DURABLE, first.durable), Sync(), *always, self._election)
        back = hybrid.recover(config, durable)
        if self._watch:
            self._watch(Taken(name=node, before=None, input=None, after=back, effects=()))
        hosted, done = self.step(Hosted(back), hybrid.Retransmit())
        commands = [*done, always[1]]
        if back.serving is not None:
            commands.append(self._election)
        if pbft.is_waiting(back.pbft):
            commands.append(SetTimer(Due.VIEW, back.pbft.patience * times.view_ms))
        return hosted, commands

    @property
    def _election(self) -> SetTimer:
        return SetTimer(Due.ELECTION, Uniform(*self.times.election_ms))

    def on_message(self, source: str, message: Any, clock_ms: int) -> Inputs:
        """A message arrived on the link from `source`; clients do not have such links."""
        del clock_ms
        return hybrid.Receive(message, source if source in self._configs else None)

    def on_timer(self, name: Any, clock_ms: int) -> Inputs:
        """A timer fired."""
        del clock_ms
        match name:
            case Due.VIEW:
                return hybrid.ViewTimeout()
            case Due.ELECTION:
                return hybrid.ElectionTimeout()
            case Due.HEARTBEAT:
                return hybrid.Heartbeat()
            case Due.AGAIN:
                return hybrid.Retransmit()
            case Due.TICK:
                return hybrid.Tick()
            case Due.RETRY:
                return Retry()
            case _:
                raise AdapterError(f"nobody has a timer {name!r}")

    # --- one step

    def step(self, state: State, inp: Inputs) -> tuple[State, Iterable[Command]]:
        """One step of a replica or a client, and the timers of its host.

        Raises:
            Raised: it raised.
        """
        if isinstance(state, hybrid.Client):
            return self._client_step(state, inp)
        if isinstance(inp, Ask | Retry):
            raise AdapterError(f"{inp} is for clients")
        timers: list[SetTimer] = []
        is_beating = state.is_beating and not isinstance(inp, hybrid.Heartbeat)
        if isinstance(inp, hybrid.Heartbeat) and not state.node.is_leader:
            return Hosted(state.node), ()
        node, effects = self._taken(state.node, inp)
        match inp:
            case hybrid.Retransmit():
                timers.append(SetTimer(Due.AGAIN, self.times.again_ms))
            case hybrid.Tick():
                timers.append(SetTimer(Due.TICK, self.times.tick_ms))
        if node.is_leader and not is_beating:
            is_beating = True
            timers.append(SetTimer(Due.HEARTBEAT, self.times.heartbeat_ms))
        commands = (command for effect in effects for command in self._commands(node.name, effect))
        return Hosted(node, is_beating), (*commands, *timers)

    def _taken(self, node: hybrid.Node, inp: hybrid.Input) -> tuple[hybrid.Node, tuple[hybrid.Effect, ...]]:
        try:
            after, effects = hybrid.step(node, inp)
        except Exception as error:
            raise Raised(node.name, inp, error) from error
        if self._watch:
            self._watch(Taken(name=node.name, before=node, input=inp, after=after, effects=effects))
        return after, effects

    def _client_step(self, client: hybrid.Client, inp: Inputs) -> tuple[hybrid.Client, Iterable[Command]]:
        """A client asks, asks again, or hears something."""
        match inp:
            case Ask(what=what) if client.is_done:
                return self._asking(*hybrid.ask(client, what))
            case Retry() if not client.is_done:
                return self._asking(*hybrid.ask_again(client))
            case hybrid.Receive(message=message):
                try:
                    client, believed = hybrid.hear(client, message)
                except Exception as error:
                    raise Raised(client.name, inp, error) from error
                if believed is None:
                    return client, ()
                if self._watch_clients:
                    self._watch_clients(client, believed)
                return client, (StopTimer(Due.RETRY), Tell(believed))
            case _:
                return client, ()

    def _asking(
        self, client: hybrid.Client, request: pbft.Request
    ) -> tuple[hybrid.Client, Iterable[Command]]:
        if self._watch_clients:
            self._watch_clients(client, request)
        copies = (Send(name, request) for name in client.replicas)
        return client, (*copies, SetTimer(Due.RETRY, self.times.retry_ms))

    # --- the effects

    def commands(self, effect: Command) -> Iterable[Command]:
        """What carries out an effect: `step` said it already, for only there it is known whose it is."""
        return (effect,)

    def _commands(self, node: str, effect: hybrid.Effect) -> Iterable[Command]:
        """What carries out an effect of a replica."""
        match effect:
            case hybrid.Persist(durable=durable):
                return (Write(_DURABLE, durable), Sync())
            case hybrid.Send(message=message, to=None):
                return tuple(Send(name, message) for name in self._configs if name != node)
            case hybrid.Send(message=message, to=dest):
                return (Send(dest, message),) if dest in self._configs or dest in self._clients else ()
            case hybrid.ResetViewTimer(patience=patience):
                return (SetTimer(Due.VIEW, patience * self.times.view_ms),)
            case hybrid.StopViewTimer():
                return (StopTimer(Due.VIEW),)
            case hybrid.ResetElectionTimer():
                return (self._election,)
            case hybrid.StopElectionTimer():
                return (StopTimer(Due.ELECTION),)
            case hybrid.Refused() | hybrid.Audit():
                return ()
            case _:
                return (Tell(effect),)
