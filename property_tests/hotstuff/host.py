"""The hosts of HotStuff replicas: `impl/hotstuff` as a core of a simulated cluster.

| the host of a replica                                       | in             |
|-------------------------------------------------------------|----------------|
| persists before it sends                                    | `_carried_out` |
| hands back to the replica what it sends to itself           | `INBOX`        |
| has a leader propose as soon as it may                      | `PROPOSE`      |
| fires the timer of a view, later for each futile one        | `VIEW`         |
| has it say again now and then what may have been lost       | `AGAIN`        |
| hands a client's request to all                             | `_asked`       |
| shows judges its replies, which no client waits for         | `_commands`    |
"""

from collections.abc import Iterable, Iterator
from typing import Any, Final, TypeAlias

import attrs
from immutabledict import immutabledict

from impl import hotstuff
from impl.common import SymbolicKeys
from impl.common.requests import Reply, Request
from tlacheck.sim import Command, Disk, Notify, Send, SetTimer, StopTimer, Sync, Write

__all__ = ["Arrived", "Ask", "Fired", "Hosts", "ReplicaHost", "config_of"]

INBOX, PROPOSE, VIEW, AGAIN = "inbox", "propose", "view", "again"
#: The duration of a view at first, and how often a replica says things again, in virtual milliseconds.
_VIEW_MS, _AGAIN_MS = 250, 400
_KEPT: Final = "kept"
#: So little is kept, sent and put into a block at once that runs come to each limit.
_LIMITS: Final = immutabledict(retained=2, fetch_max=2, batch_max=2, multiplier_max=8)


@attrs.frozen
class Arrived:
    """A message reached a host."""

    source: str
    message: Any


@attrs.frozen
class Fired:
    """A timer of a host."""

    timer: str


@attrs.frozen
class Ask:
    """A client's request reaches a host first."""

    request: Request


Input: TypeAlias = Arrived | Fired | Ask


@attrs.frozen
class ReplicaHost:
    """A replica on its host.

    Attributes:
        node: the core.
        inbox: what it sent to itself, in order.
    """

    node: hotstuff.Node
    inbox: tuple[hotstuff.Message, ...] = ()


def config_of(name: str, replicas: tuple[str, ...]) -> hotstuff.Config:
    """The settings of a replica."""
    return hotstuff.Config(name, replicas, SymbolicKeys(name), **_LIMITS)


class Hosts:
    """The core of a cluster of replicas.

    Args:
        replicas: their names, in the order in which they lead.
    """

    def __init__(self, replicas: Iterable[str]) -> None:
        self.replicas = tuple(replicas)

    # --- `tlacheck.sim.Core`

    def start(self, node: str, disk: Disk) -> tuple[ReplicaHost, list[Command]]:
        """A host with what its disk holds."""
        config = config_of(node, self.replicas)
        again: list[Command] = [SetTimer(AGAIN, _AGAIN_MS), SetTimer(VIEW, _VIEW_MS)]
        held = disk.read(_KEPT, None)
        if held is None:
            return ReplicaHost(hotstuff.first_start(config)), again
        return ReplicaHost(hotstuff.recover(config, held)), again

    def on_message(self, source: str, message: Any, clock_ms: int) -> Input:
        """A message, and who brought it."""
        del clock_ms
        return Arrived(source, message)

    def on_timer(self, name: str, clock_ms: int) -> Input:
        """A timer."""
        del clock_ms
        return Fired(name)

    def commands(self, effect: Command) -> tuple[Command, ...]:
        """`step` gives commands already."""
        return (effect,)

    def step(self, state: ReplicaHost, inp: Input) -> tuple[ReplicaHost, list[Command]]:
        """One step of a host."""
        match inp:
            case Arrived(message=message):
                return self._carried_out(state, hotstuff.Receive(message))
            case Ask(request=request):
                return self._asked(state, request)
            case Fired(timer=timer) if timer == INBOX:
                if not state.inbox:
                    return state, []
                first, *rest = state.inbox
                state = attrs.evolve(state, inbox=tuple(rest))
                return self._carried_out(state, hotstuff.Receive(first))
            case Fired(timer=timer) if timer == PROPOSE:
                batch = hotstuff.ready(state.node)
                return (state, []) if batch is None else self._carried_out(state, hotstuff.Propose(batch))
            case Fired(timer=timer) if timer == AGAIN:
                after, commands = self._carried_out(state, hotstuff.Retransmit())
                return after, [*commands, SetTimer(AGAIN, _AGAIN_MS)]
            case Fired():
                return self._carried_out(state, hotstuff.TimerFired())

    # --- effects

    def _asked(self, state: ReplicaHost, request: Request) -> tuple[ReplicaHost, list[Command]]:
        after, commands = self._carried_out(state, hotstuff.Receive(request))
        others = (node for node in self.replicas if node != state.node.name)
        return after, [*commands, *(Send(node, request) for node in others)]

    def _carried_out(self, state: ReplicaHost, inp: hotstuff.Input) -> tuple[ReplicaHost, list[Command]]:
        node, effects = hotstuff.step(state.node, inp)
        own = tuple(
            effect.message
            for effect in effects
            if isinstance(effect, hotstuff.Send) and effect.to in (None, node.name)
        )
        after = ReplicaHost(node, (*state.inbox, *own))
        commands = list(self._commands(after, effects))
        if after.inbox:
            commands.append(SetTimer(INBOX, 1))
        if hotstuff.ready(node) is not None:
            commands.append(SetTimer(PROPOSE, 2))
        return after, commands

    def _commands(self, after: ReplicaHost, effects: Iterable[hotstuff.Effect]) -> Iterator[Command]:
        name = after.node.name
        for effect in effects:
            match effect:
                case hotstuff.Persist(durable=durable):
                    yield Write(_KEPT, durable)
                    yield Sync()
                case hotstuff.Send(message=Reply() as reply):
                    yield Notify(reply)
                case hotstuff.Send(message=message, to=to):
                    receivers = self.replicas if to is None else (to,)
                    yield from (Send(node, message) for node in receivers if node != name)
                case hotstuff.ResetTimer(multiplier=multiplier):
                    yield SetTimer(VIEW, multiplier * _VIEW_MS)
                case hotstuff.StopTimer():
                    yield StopTimer(VIEW)
                case news:
                    yield Notify(news)
