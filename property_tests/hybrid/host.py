"""The nodes of a simulated hybrid cluster: replicas with their hosts, clients, and a stranger.

`HybridCore` makes of `impl.hybrid` a `Core` for `tlacheck.sim.Cluster`:

| the host of a replica                  | is                                                       |
|----------------------------------------|----------------------------------------------------------|
| carries out `Persist`                  | one write and a sync, before what follows                |
| sends to all                           | one copy to each other replica                           |
| runs PBFT's view-change timer          | `VIEW`, for `multiplier` times its duration                |
| runs Raft's election timer             | `ELECTION`, of a random duration                         |
| lets a leader send                     | `HEARTBEAT`, as long as it leads                         |
| retransmits now and then               | `RETRANSMIT`; at once after a restart                    |
| counts the time                        | `TICK`                                                   |
| reports to operators                   | `Notify`                                                 |

A client writes its state to its disk before it sends, and repeats its request at each `RETRY`. The stranger
sends messages that no replica signs: `Disturb` begins an attack of so many of them.

A replica's durable state is one write, which a crash leaves whole or not at all (`keep_old`).
"""

import enum
from collections.abc import Iterable, Mapping
from typing import Any, Final, TypeAlias

import attrs

from impl import hybrid, pbft, threat
from tlacheck.errors import AdapterError
from tlacheck.harness import Size
from tlacheck.sim import Command, Disk, Notify, Send, SetTimer, StepRecord, StopTimer, Sync, Uniform, Write

__all__ = [
    "CLIENTS",
    "HEALED",
    "STRANGER",
    "Ask",
    "Disturb",
    "Hosted",
    "HybridCore",
    "Registers",
    "ReplicaStep",
    "Retry",
    "Stranger",
    "Timer",
    "Times",
    "configs_of",
    "keep_old",
    "replica_step",
    "replicas_of",
]

CLIENTS: Final = ("c0", "c1", "c2", "c3")
#: The client whose operations show that a healed cluster serves.
HEALED: Final = "healed"
STRANGER: Final = "stranger"

#: The key of a node's durable state on its disk.
_DURABLE: Final = "durable"
#: The time between two messages of an attack, virtual milliseconds.
_DISTURB_MS: Final = 20

#: Small bounds, so that runs meet them.
_LIMITS: Final[Mapping[str, Any]] = {
    "prefix_max": 10,
    "stall_ticks": 14,
    "cooldown_ticks": 6,
    "backoff_max": 4,
    "window": 16,
    "interval": 8,
    "batch_max": 4,
    "multiplier_max": 4,
}
_THREAT: Final[Mapping[str, Any]] = {"decay": 5, "dwell_ticks": 3, "calm_ticks": 6, "restate_ticks": 2}


@attrs.frozen
class Registers:
    """The ledger of all that was ever done, in its order, and a map from keys to values.

    | operation                | does                             | answers (with the number of the          |
    |                          |                                  | operation)                               |
    |--------------------------|----------------------------------|------------------------------------------|
    | `("get", key)`           | nothing                          | the value, None if there is none         |
    | `("put", key, value)`    | writes                           | None                                     |
    | `("cas", key, old, new)` | writes if the old value is there | whether it did                           |
    | anything else            | nothing                          | `"what?"`                                |
    """

    @property
    def initial(self) -> pbft.Value:
        """Nothing was done."""
        return (pbft.LEDGER.initial, ())

    def apply(self, value: pbft.Value, request: pbft.Request) -> tuple[pbft.Value, pbft.Value]:
        """The state after one more operation, and the answer."""
        stored: Any
        done, stored = value if isinstance(value, tuple) and len(value) == 2 else ((), ())
        done, number = pbft.LEDGER.apply(done, request)
        cells: dict[Any, Any] = dict(stored) if isinstance(stored, tuple) else {}
        answer: pbft.Value = "what?"
        match request.operation:
            case ("get", str() as key):
                answer = cells.get(key)
            case ("put", str() as key, item):
                cells[key], answer = item, None
            case ("cas", str() as key, old, new):
                answer = cells.get(key) == old
                if answer:
                    cells[key] = new
        return (done, tuple(sorted(cells.items()))), (number, answer)

    @staticmethod
    def done(value: Any) -> Any:
        """The ledger in a state."""
        return value[0]


def replicas_of(size: Size) -> tuple[str, ...]:
    """The replicas of a cluster, in the order in which they become primary."""
    return tuple(name for name in size.nodes if name.startswith("r"))


def configs_of(size: Size, **limits: Any) -> dict[str, hybrid.Config]:
    """Replica -> its configuration, with these limits beside the usual ones."""
    names = replicas_of(size)
    settings: dict[str, Any] = {"service": Registers(), **_LIMITS, **limits}
    return {
        name: hybrid.Config(name, names, pbft.SymbolicKeys(name), **settings, threat=_threat_of(name, names))
        for name in names
    }


def _threat_of(name: str, names: tuple[str, ...]) -> threat.Config:
    return threat.Config(name, names, **_THREAT)


class Timer(enum.StrEnum):
    """The timers of the nodes."""

    VIEW = "view change"
    ELECTION = "election"
    HEARTBEAT = "heartbeat"
    RETRANSMIT = "retransmit"
    TICK = "tick"
    RETRY = "retry"
    DISTURB = "disturb"


@attrs.frozen(kw_only=True)
class Times:
    """The durations of timers, in virtual milliseconds.

    Attributes:
        view_ms: the time of PBFT's first primary to get something executed; the paper's T.
        election_ms: of Raft's election timer, the shortest and the longest duration.
        heartbeat_ms: the period of a leader's messages to all.
        again_ms: the period of retransmission.
        tick_ms: of a tick.
        retry_ms: the time after which a client repeats its request.
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


@attrs.frozen
class Stranger:
    """A node outside of the cluster, and how many messages its attack still has."""

    left: int = 0


State: TypeAlias = Hosted | hybrid.Client | Stranger


@attrs.frozen
class Ask:
    """A client's operation, unless it still waits for another one."""

    what: pbft.Value


@attrs.frozen
class Retry:
    """Time for a client to repeat its request."""


@attrs.frozen
class Disturb:
    """An attack of a stranger, of so many messages to f + 1 replicas each."""

    times: int


@attrs.frozen
class _NextMessage:
    """Time for the next message of an attack."""


Inputs: TypeAlias = hybrid.Input | Ask | Retry | Disturb | _NextMessage


@attrs.frozen(kw_only=True)
class ReplicaStep:
    """A step of a replica without its host.

    Attributes:
        name: of the replica.
        before: the replica before the step.
        input: its input.
        after: the replica after it.
        effects: its effects.
    """

    name: str
    before: hybrid.Node
    input: hybrid.Input
    after: hybrid.Node
    effects: tuple[hybrid.Effect, ...]


@attrs.frozen
class ToOthers:
    """A message of a replica to all other replicas."""

    source: str
    message: Any


def replica_step(record: StepRecord) -> ReplicaStep | None:
    """The protocol's part of a step of a replica; None for a client or a stranger."""
    if not isinstance(record.after, Hosted):
        return None
    effects = tuple(
        hybrid.Send(effect.message) if isinstance(effect, ToOthers) else effect
        for effect in record.effects
        if not isinstance(effect, SetTimer)
    )
    return ReplicaStep(
        name=record.node,
        before=record.before.node,
        input=record.input,
        after=record.after.node,
        effects=effects,
    )


def keep_old(old: Any, new: Any) -> Any:
    """A write that a crash interrupts leaves the old value."""
    del new
    return old


class HybridCore:
    """The hybrid as a cluster of `tlacheck.sim` needs it.

    Args:
        configs: the configuration of each replica, by name.
        clients: the names of the clients.
        times: the durations of timers.
    """

    def __init__(
        self,
        configs: Mapping[str, hybrid.Config],
        *,
        clients: Iterable[str] = (*CLIENTS, HEALED),
        times: Times | None = None,
    ) -> None:
        self.times = times or Times()
        self._known = frozenset((*configs, *clients))
        self._configs = dict(configs)
        self._replicas = tuple(configs)
        self._f = next(iter(configs.values())).f

    # --- the inputs

    def start(self, node: str, disk: Disk) -> tuple[State, Iterable[Command]]:
        """A node that starts for the first time, or recovers with its disk."""
        durable = disk.read(_DURABLE)
        if node == STRANGER:
            return Stranger(), ()
        if node not in self._configs:
            return self._started_client(node, durable)
        config, times = self._configs[node], self.times
        tick = SetTimer(Timer.TICK, Uniform(1, times.tick_ms))
        if durable is None:
            first = hybrid.first_start(config)
            later = SetTimer(Timer.RETRANSMIT, times.again_ms)
            return Hosted(first), (Write(_DURABLE, first.durable), Sync(), later, tick, self._election)
        back = hybrid.recover(config, durable)
        commands = [SetTimer(Timer.RETRANSMIT, 0), tick]
        if back.serving is not None:
            commands.append(self._election)
        if back.config.bft.is_waiting(back.bft):
            commands.append(SetTimer(Timer.VIEW, back.bft.multiplier * times.view_ms))
        return Hosted(back), commands

    def _started_client(
        self, name: str, durable: hybrid.Client | None
    ) -> tuple[hybrid.Client, Iterable[Command]]:
        if durable is None:
            first = hybrid.Client(name=name, replicas=self._replicas, f=self._f, keys=pbft.SymbolicKeys(name))
            return first, ()
        return durable, () if durable.is_done else (SetTimer(Timer.RETRY, 0),)

    @property
    def _election(self) -> SetTimer:
        return SetTimer(Timer.ELECTION, Uniform(*self.times.election_ms))

    def on_message(self, source: str, message: Any, clock_ms: int) -> Inputs:
        """A message arrived on the link from `source`; only links between replicas are authenticated."""
        del clock_ms
        return hybrid.Receive(message, source if source in self._configs else None)

    def on_timer(self, name: Any, clock_ms: int) -> Inputs:
        """A timer fired."""
        del clock_ms
        match name:
            case Timer.VIEW:
                return hybrid.ViewTimeout()
            case Timer.ELECTION:
                return hybrid.ElectionTimeout()
            case Timer.HEARTBEAT:
                return hybrid.Heartbeat()
            case Timer.RETRANSMIT:
                return hybrid.Retransmit()
            case Timer.TICK:
                return hybrid.Tick()
            case Timer.RETRY:
                return Retry()
            case Timer.DISTURB:
                return _NextMessage()
            case _:
                raise AdapterError(f"no node has a timer {name!r}")

    # --- one step

    def step(self, state: State, inp: Inputs) -> tuple[State, Iterable[Any]]:
        """One step of a node, and the timers of its host."""
        if isinstance(state, hybrid.Client):
            return self._client_step(state, inp)
        if isinstance(state, Stranger):
            return self._stranger_step(state, inp)
        if isinstance(inp, Ask | Retry | Disturb | _NextMessage):
            raise AdapterError(f"{inp} is no input of a replica")
        timers: list[SetTimer] = []
        is_beating = state.is_beating and not isinstance(inp, hybrid.Heartbeat)
        if isinstance(inp, hybrid.Heartbeat) and not state.node.is_leader:
            return Hosted(state.node), ()
        node, effects = hybrid.step(state.node, inp)
        match inp:
            case hybrid.Retransmit():
                timers.append(SetTimer(Timer.RETRANSMIT, self.times.again_ms))
            case hybrid.Tick():
                timers.append(SetTimer(Timer.TICK, self.times.tick_ms))
        if node.is_leader and not is_beating:
            is_beating = True
            timers.append(SetTimer(Timer.HEARTBEAT, self.times.heartbeat_ms))
        told = (
            ToOthers(node.name, effect.message)
            if isinstance(effect, hybrid.Send) and effect.to is None
            else effect
            for effect in effects
        )
        return Hosted(node, is_beating), (*told, *timers)

    def _client_step(self, client: hybrid.Client, inp: Inputs) -> tuple[hybrid.Client, Iterable[Command]]:
        match inp:
            case Ask(what=what) if client.is_done:
                return self._asking(*hybrid.ask(client, what))
            case Retry() if not client.is_done:
                return self._asking(*hybrid.ask_again(client))
            case hybrid.Receive(message=message):
                client, accepted = hybrid.hear(client, message)
                if accepted is None:
                    return client, ()
                safe = Write(_DURABLE, client), Sync()
                return client, (*safe, StopTimer(Timer.RETRY), Notify(accepted))
            case _:
                return client, ()

    def _asking(
        self, client: hybrid.Client, request: pbft.Request
    ) -> tuple[hybrid.Client, Iterable[Command]]:
        copies = (Send(name, request) for name in self._replicas)
        return client, (
            Write(_DURABLE, client),
            Sync(),
            *copies,
            SetTimer(Timer.RETRY, self.times.retry_ms),
        )

    def _stranger_step(self, state: Stranger, inp: Inputs) -> tuple[Stranger, Iterable[Command]]:
        left = inp.times if isinstance(inp, Disturb) else state.left
        if not left or not isinstance(inp, Disturb | _NextMessage):
            return state, ()
        first = left % len(self._replicas)
        around = (*self._replicas[first:], *self._replicas[:first])
        noise = (Send(name, "nonsense") for name in around[: 2 * self._f + 1])
        return Stranger(left - 1), (*noise, SetTimer(Timer.DISTURB, _DISTURB_MS))

    # --- the effects

    def commands(self, effect: Any) -> Iterable[Command]:
        """The commands that carry out an effect."""
        match effect:
            case hybrid.Persist(durable=durable):
                return (Write(_DURABLE, durable), Sync())
            case ToOthers(source=source, message=message):
                return tuple(Send(name, message) for name in self._replicas if name != source)
            case hybrid.Send(message=message, to=str() as dest):
                return (Send(dest, message),) if dest in self._known else ()
            case hybrid.ResetViewTimer(multiplier=multiplier):
                return (SetTimer(Timer.VIEW, multiplier * self.times.view_ms),)
            case hybrid.StopViewTimer():
                return (StopTimer(Timer.VIEW),)
            case hybrid.ResetElectionTimer():
                return (self._election,)
            case hybrid.StopElectionTimer():
                return (StopTimer(Timer.ELECTION),)
            case hybrid.Refused() | hybrid.Audit():
                return ()
            case hybrid.EpochBegan() | hybrid.EpochAborted() | hybrid.Executed() | hybrid.LevelChanged():
                return (Notify(effect),)
            case _:
                return (effect,)
