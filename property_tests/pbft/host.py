"""The host of a PBFT replica in a simulated world: timers, a disk, batches, retransmission.

`PbftCore` makes of `impl.pbft` a `Core` for `tlacheck.sim.Cluster`:

| the host                                               | is                                           |
|--------------------------------------------------------|----------------------------------------------|
| carries out `Persist`                                  | one write and a sync, before what follows    |
| sends to all                                           | one copy to each other replica               |
| runs the view-change timer                             | `VIEW_CHANGE`, for `multiplier` durations    |
| makes a batch of the requests that wait at the primary | `BATCH`, a little after something waits      |
| retransmits now and then                               | `RETRANSMIT`; at once after a restart        |
| hands to clients and operators what concerns them      | `Notify`                                     |

A replica writes all that it must not forget in one write, which is on the disk or is not (`keep_old`).
"""

import enum
from collections.abc import Iterable, Mapping
from typing import Any, Final, TypeAlias

import attrs

from impl import pbft
from tlacheck.errors import AdapterError
from tlacheck.sim import Command, Disk, Notify, Send, SetTimer, StepRecord, StopTimer, Sync, Write

__all__ = [
    "Hosted",
    "Inputs",
    "PbftCore",
    "ProposeWaiting",
    "ReplicaStep",
    "Times",
    "configs_of",
    "keep_old",
    "replica_step",
    "unproposed",
]

#: The key of a replica's durable state on its disk.
_DURABLE: Final = "durable"


def configs_of(
    replicas: Iterable[str],
    *,
    window: int = 8,
    interval: int = 4,
    batch_max: int = 4,
    multiplier_max: int = 4,
    **further: Any,
) -> dict[str, pbft.Config]:
    """Replica -> its configuration, in a cluster of so many; bounds are small, so that runs meet them."""
    names = tuple(replicas)
    return {
        name: pbft.Config(
            name,
            names,
            pbft.SymbolicKeys(name),
            window=window,
            interval=interval,
            batch_max=batch_max,
            multiplier_max=multiplier_max,
            **further,
        )
        for name in names
    }


class Timer(enum.StrEnum):
    """The timers of a replica."""

    VIEW_CHANGE = "view change"
    BATCH = "batch"
    RETRANSMIT = "retransmit"


@attrs.frozen(kw_only=True)
class Times:
    """Durations in virtual milliseconds, and batch sizes.

    Attributes:
        timeout_ms: how long the first primary has to get something executed; the paper's T.
        batch_ms: how long a primary waits for more requests before it proposes.
        batch_max: how many requests it proposes at once; as many as the configuration allows if None.
        again_ms: how often a replica says again what may have been lost.
    """

    timeout_ms: int = 300
    batch_ms: int = 5
    batch_max: int | None = None
    again_ms: int = 150


@attrs.frozen
class ProposeWaiting:
    """Timer: make a batch of waiting requests."""


#: What can happen to a hosted replica.
Inputs: TypeAlias = pbft.Input | ProposeWaiting


@attrs.frozen
class Hosted:
    """A replica, and what its host remembers.

    Attributes:
        node: the replica.
        is_batching: whether the timer `BATCH` runs.
    """

    node: pbft.Node
    is_batching: bool = False


@attrs.frozen(kw_only=True)
class ReplicaStep:
    """A step of a replica, as the protocol has it, without its host.

    Attributes:
        name: of the replica.
        before: the replica before the step.
        input: what it was told.
        after: the replica after it.
        effects: what it asked for.
    """

    name: str
    before: pbft.Node
    input: pbft.Input
    after: pbft.Node
    effects: tuple[pbft.Effect, ...]

    @property
    def sent(self) -> Iterable[pbft.Message]:
        """The messages that it sent."""
        return (effect.message for effect in self.effects if isinstance(effect, pbft.Send))

    @property
    def is_refused(self) -> bool:
        """True if it refused its input."""
        return any(isinstance(effect, pbft.Refused) for effect in self.effects)


def replica_step(record: StepRecord) -> ReplicaStep:
    """The protocol's part of a step of a hosted replica."""
    effects = tuple(effect for effect in record.effects if not isinstance(effect, SetTimer))
    inp = record.input
    if isinstance(inp, ProposeWaiting):
        sent = (effect.message for effect in effects if isinstance(effect, pbft.Send))
        inp = pbft.Propose(next((made.batch for made in sent if isinstance(made, pbft.PrePrepare)), ()))
    return ReplicaStep(
        name=record.node, before=record.before.node, input=inp, after=record.after.node, effects=effects
    )


def keep_old(old: Any, new: Any) -> Any:
    """A write that a crash interrupts leaves the old value."""
    del new
    return old


class PbftCore:
    """PBFT as a cluster of `tlacheck.sim` needs it.

    Args:
        configs: by name, the configuration of each replica.
        times: how long things take.
    """

    def __init__(self, configs: Mapping[str, pbft.Config], *, times: Times | None = None) -> None:
        self.times = times or Times()
        self._configs = dict(configs)

    # --- the inputs

    def start(self, node: str, disk: Disk) -> tuple[Hosted, Iterable[Command]]:
        """Start a replica for the first time, or restart it from its disk."""
        config, durable = self._configs[node], disk.read(_DURABLE)
        if durable is None:
            first = pbft.first_start(config)
            later = SetTimer(Timer.RETRANSMIT, self.times.again_ms)
            return Hosted(first), (Write(_DURABLE, first.durable), Sync(), later)
        back = pbft.recover(config, durable)
        commands = [SetTimer(Timer.RETRANSMIT, 0)]
        if pbft.is_waiting(back):
            commands.append(SetTimer(Timer.VIEW_CHANGE, back.multiplier * self.times.timeout_ms))
        return Hosted(back), commands

    def on_message(self, source: str, message: Any, clock_ms: int) -> Inputs:
        """Take a message. The carrier does not matter, because it is signed."""
        del source, clock_ms
        return pbft.Receive(message)

    def on_timer(self, name: Any, clock_ms: int) -> Inputs:
        """A timer fired."""
        del clock_ms
        match name:
            case Timer.VIEW_CHANGE:
                return pbft.Timeout()
            case Timer.BATCH:
                return ProposeWaiting()
            case Timer.RETRANSMIT:
                return pbft.Retransmit()
            case _:
                raise AdapterError(f"a replica has no timer {name!r}")

    # --- one step

    def step(self, state: Hosted, inp: Inputs) -> tuple[Hosted, Iterable[pbft.Effect | SetTimer]]:
        """One step of the protocol, and the timers of the host."""
        node, timers = state.node, list[SetTimer]()
        is_batching = state.is_batching and not isinstance(inp, ProposeWaiting)
        effects: tuple[pbft.Effect, ...] = ()
        if isinstance(inp, ProposeWaiting):
            batch = unproposed(node)[: self.times.batch_max or node.config.batch_max]
            if batch:
                node, effects = pbft.step(node, pbft.Propose(batch))
        else:
            node, effects = pbft.step(node, inp)
            if isinstance(inp, pbft.Retransmit):
                timers.append(SetTimer(Timer.RETRANSMIT, self.times.again_ms))
        if not is_batching and unproposed(node):
            is_batching = True
            timers.append(SetTimer(Timer.BATCH, self.times.batch_ms))
        return Hosted(node, is_batching), (*effects, *timers)

    # --- the effects

    def commands(self, effect: pbft.Effect | SetTimer) -> Iterable[Command]:
        """Commands that carry out an effect."""
        match effect:
            case SetTimer():
                return (effect,)
            case pbft.Persist(durable=durable):
                return (Write(_DURABLE, durable), Sync())
            case pbft.Send(message=message, to=None):
                source = getattr(message, "source", "")
                return tuple(Send(name, message) for name in self._configs if name != source)
            case pbft.Send(message=message, to=dest) if dest in self._configs:
                return (Send(dest, message),)
            case pbft.ResetTimer(multiplier=multiplier):
                return (SetTimer(Timer.VIEW_CHANGE, multiplier * self.times.timeout_ms),)
            case pbft.StopTimer():
                return (StopTimer(Timer.VIEW_CHANGE),)
            case pbft.Refused():
                return ()
            case _:
                return (Notify(effect),)


def unproposed(node: pbft.Node) -> pbft.Batch:
    """Waiting requests of a primary that no proposal of its view contains, in order of arrival."""
    durable = node.durable
    if not node.waiting or durable.changing or not node.is_primary:
        return ()
    proposed = {
        request for seq, made in durable.accepted.items() if seq > durable.executed for request in made.batch
    }
    return tuple(request for request in node.waiting.values() if request not in proposed)
