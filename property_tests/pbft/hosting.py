"""What a host does for a PBFT replica, in a simulated world: timers, a disk, batches, sending it all again.

`PbftCore` makes of `impl.pbft` a `Core` for `tlacheck.sim.Cluster`:

| the host                                              | is                                          |
|-------------------------------------------------------|---------------------------------------------|
| carries out `Persist`                                  | one write and a sync, before what follows    |
| sends to all                                           | one copy to each other replica               |
| runs the view-change timer                             | `TIMEOUT`, for `patience` times its duration |
| makes a batch of what waits at the primary             | `BATCH`, a little after something waits      |
| says all of it again, now and then                     | `AGAIN`                                      |
| hands to clients and operators what concerns them      | `Tell`                                       |

A replica writes all that it must not forget in one write, which is on the disk or is not (`whole`).
"""

import enum
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, TypeAlias

import attrs

from impl import pbft
from tlacheck.errors import AdapterError
from tlacheck.sim import Command, Disk, Send, SetTimer, StopTimer, Sync, Tell, Write

__all__ = ["Hosted", "Inputs", "PbftCore", "ProposeWaiting", "Taken", "Times", "Watch", "whole"]

#: Under what name a replica's durable state lies on its disk.
_DURABLE: Final = "durable"


class Due(enum.Enum):
    """The timers of a replica."""

    TIMEOUT = "view change"
    BATCH = "batch"
    AGAIN = "again"


@attrs.frozen(kw_only=True)
class Times:
    """How long things take, in virtual milliseconds, and how much is done at once.

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
    """Time to make a batch of what waits."""


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
class Taken:
    """One step that a replica took, for those who watch.

    Attributes:
        name: of the replica.
        before: the replica before the step.
        input: what happened; None if it came back from a crash.
        after: the replica after it.
        effects: what it asked for.
    """

    name: str
    before: pbft.Node | None
    input: pbft.Input | None
    after: pbft.Node
    effects: tuple[pbft.Effect, ...]


Watch: TypeAlias = Callable[[Taken], None]


def whole(old: Any, new: Any) -> Any:
    """What a crash leaves of a write that it came into: what was there before."""
    del new
    return old


class PbftCore:
    """PBFT as a cluster of `tlacheck.sim` needs it.

    Args:
        configs: by name, the configuration of each replica.
        times: how long things take.
        watch: told each step of each replica, as the protocol has it, before its effects are carried out.
            Also the steps that a traitor only pretends to take.
    """

    def __init__(
        self, configs: Mapping[str, pbft.Config], *, times: Times | None = None, watch: Watch | None = None
    ) -> None:
        self.times = times or Times()
        self._configs = dict(configs)
        self._watch = watch

    # --- the inputs

    def start(self, node: str, disk: Disk) -> tuple[Hosted, Iterable[Command]]:
        """A replica that starts for the first time, or comes back with what is on its disk."""
        config, durable = self._configs[node], disk.read(_DURABLE)
        again = SetTimer(Due.AGAIN, self.times.again_ms)
        if durable is None:
            first = pbft.first_start(config)
            return Hosted(first), (Write(_DURABLE, first.durable), Sync(), again)
        back = pbft.recover(config, durable)
        if self._watch:
            self._watch(Taken(name=node, before=None, input=None, after=back, effects=()))
        hosted, effects = self.step(Hosted(back), pbft.Retransmit())
        commands = [command for effect in effects for command in self.commands(effect)]
        if pbft.is_waiting(back):
            commands.append(SetTimer(Due.TIMEOUT, back.patience * self.times.timeout_ms))
        return hosted, commands

    def on_message(self, source: str, message: Any, clock_ms: int) -> Inputs:
        """A message arrived; who carried it does not matter, for it is signed."""
        del source, clock_ms
        return pbft.Receive(message)

    def on_timer(self, name: Any, clock_ms: int) -> Inputs:
        """A timer fired."""
        del clock_ms
        match name:
            case Due.TIMEOUT:
                return pbft.Timeout()
            case Due.BATCH:
                return ProposeWaiting()
            case Due.AGAIN:
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
                node, effects = self._taken(node, pbft.Propose(batch))
        else:
            node, effects = self._taken(node, inp)
            if isinstance(inp, pbft.Retransmit):
                timers.append(SetTimer(Due.AGAIN, self.times.again_ms))
        if not is_batching and unproposed(node):
            is_batching = True
            timers.append(SetTimer(Due.BATCH, self.times.batch_ms))
        return Hosted(node, is_batching), (*effects, *timers)

    def _taken(self, node: pbft.Node, inp: pbft.Input) -> tuple[pbft.Node, tuple[pbft.Effect, ...]]:
        after, effects = pbft.step(node, inp)
        if self._watch:
            self._watch(Taken(name=node.config.node, before=node, input=inp, after=after, effects=effects))
        return after, effects

    # --- the effects

    def commands(self, effect: pbft.Effect | SetTimer) -> Iterable[Command]:
        """What carries out an effect."""
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
            case pbft.ResetTimer(patience=patience):
                return (SetTimer(Due.TIMEOUT, patience * self.times.timeout_ms),)
            case pbft.StopTimer():
                return (StopTimer(Due.TIMEOUT),)
            case pbft.Refused():
                return ()
            case _:
                return (Tell(effect),)


def unproposed(node: pbft.Node) -> pbft.Batch:
    """What waits at a primary and is in no proposal of its view, in the order in which it came."""
    durable = node.durable
    if not node.waiting or durable.changing or not node.is_primary:
        return ()
    proposed = {
        request for seq, made in durable.accepted.items() if seq > durable.executed for request in made.batch
    }
    return tuple(request for request in node.waiting.values() if request not in proposed)
