"""The host of a PBFT replica and its guard: `impl/pbft` and `impl/guard` as one core of a simulated cluster.

| the host                                                           | in                 |
|--------------------------------------------------------------------|--------------------|
| keeps messages of quarantined replicas from its replica            | `_Turn.receive`    |
| tells the guard of every refusal, and of executed batches          | `_Turn.take`       |
| compares a view change with the commits of its sender              | `_Turn.receive`    |
| gossips evidence, and hands evidence of others to the guard        | `_Turn.tell`       |
| has the replica's state, the audit trail and the evidence on disk before anything is sent | `Hosts.step` |
"""

from collections.abc import Iterable
from typing import Any, Final, TypeAlias

import attrs

from impl import guard as byzantine_guard
from impl import pbft
from impl.common import SymbolicKeys
from impl.guard import (
    Append,
    Entry,
    Evidence,
    Gossip,
    Guard,
    Late,
    Observed,
    Progressed,
    Quarantined,
    Reported,
)
from impl.guard.forensics import held_by, search
from tlacheck.sim import Command, Disk, Notify, Send, SetTimer, StopTimer, Sync, Write

__all__ = ["PATIENCE", "Arrived", "Dropped", "Fired", "Hosts", "Proved", "Replica", "request", "settings_of"]

#: The name of the view-change timer.
PATIENCE: Final = "patience"
_AGAIN, _PROPOSE = "again", "propose"
_PATIENCE_MS: Final = 250
_AGAIN_MS: Final = 120
_PROPOSE_MS: Final = 20
_KEPT: Final = "kept"


def settings_of(node: str, replicas: Iterable[str]) -> pbft.Config:
    """The settings of a replica, with small windows so that checkpoints, transfers and views come soon."""
    return pbft.Config(node, tuple(replicas), SymbolicKeys(node), window=4, interval=2)


def request(number: int) -> pbft.Request:
    """A request of a client of its own."""
    client = f"c{number}"
    return pbft.signed(pbft.Request(client=client, timestamp=1, operation=number), SymbolicKeys(client))


@attrs.frozen
class Arrived:
    """A message, or evidence, reached a host."""

    source: str
    message: Any


@attrs.frozen
class Fired:
    """A timer of a host."""

    timer: str


@attrs.frozen
class Dropped:
    """A message of a quarantined replica was kept from the replica."""


@attrs.frozen
class Proved:
    """The guard has proof of this offence."""

    offence: str


@attrs.frozen(eq=False)
class Replica:
    """A replica and its guard on their host.

    Attributes:
        node: the replica.
        guard: its guard.
        trail: the audit trail, as it lies on disk.
        kept: the evidence that lies on disk.
    """

    node: pbft.Node
    guard: Guard
    trail: tuple[Entry, ...] = ()
    kept: tuple[Evidence, ...] = ()

    @property
    def durable(self) -> tuple[Any, ...]:
        """The part on disk."""
        return self.node.durable, self.trail, self.kept


Input: TypeAlias = Arrived | Fired | pbft.Request | Late


class Hosts:
    """The core of a cluster of guarded replicas.

    Args:
        replicas: the names of all.
    """

    def __init__(self, replicas: Iterable[str]) -> None:
        self.replicas = tuple(replicas)

    def start(self, node: str, disk: Disk) -> tuple[Replica, list[Command]]:
        """A replica and its guard with what their disk holds."""
        config, held = settings_of(node, self.replicas), disk.read(_KEPT, None)
        timers: list[Command] = [SetTimer(_AGAIN, _AGAIN_MS), SetTimer(_PROPOSE, _PROPOSE_MS)]
        if held is None:
            first = Replica(pbft.first_start(config), byzantine_guard.first_start(config))
            return first, [Write(_KEPT, first.durable), Sync(), *timers]
        durable, trail, kept = held
        back = byzantine_guard.recover(config, trail, kept)
        state = Replica(pbft.recover(config, durable), back, trail, kept)
        return state, [*timers, SetTimer(PATIENCE, _PATIENCE_MS)]

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

    def step(self, state: Replica, inp: Input) -> tuple[Replica, list[Command]]:
        """One step of a host."""
        turn = _Turn(self.replicas, state)
        match inp:
            case Arrived(source=source, message=Evidence() as found):
                turn.tell(Reported(found, source))
            case Arrived(source=source, message=message):
                turn.receive(message, source)
            case pbft.Request():
                turn.receive(inp, "")
            case Fired(timer=timer):
                turn.fire(timer)
            case _:
                turn.tell(inp)
        after = turn.state
        if after.durable == state.durable:
            return after, turn.commands
        return after, [Write(_KEPT, after.durable), Sync(), *turn.commands]


class _Turn:
    """One step in the making."""

    def __init__(self, replicas: tuple[str, ...], state: Replica) -> None:
        self.state = state
        self.commands: list[Command] = []
        self._replicas = replicas

    def receive(self, message: Any, sender: str) -> None:
        """Hand a message to the replica, if its guard lets it through."""
        if not byzantine_guard.is_heard(self.state.guard, message):
            self.commands.append(Notify(Dropped()))
            return
        if isinstance(message, pbft.ViewChange):
            node = self.state.node
            held = [
                each
                for each in held_by(node)
                if isinstance(each, pbft.Commit) and each.source == message.source
            ]
            for found in search(node.config, [*held, message]):
                self.tell(Reported(found, node.config.node))
        self.take(pbft.Receive(message), sender)

    def fire(self, timer: str) -> None:
        """A timer fires."""
        match timer:
            case "patience":
                self.take(pbft.Timeout(), "")
            case "again":
                self.take(pbft.Retransmit(), "")
                self.commands.append(SetTimer(_AGAIN, _AGAIN_MS))
            case _:
                node = self.state.node
                if node.is_primary and not node.durable.changing and node.waiting:
                    self.take(pbft.Propose(tuple(node.waiting.values())[: node.config.batch_max]), "")
                self.commands.append(SetTimer(_PROPOSE, _PROPOSE_MS))

    def take(self, inp: Any, sender: str) -> None:
        """Let the replica take a step."""
        node, effects = pbft.step(self.state.node, inp)
        self.state = attrs.evolve(self.state, node=node)
        for effect in effects:
            match effect:
                case pbft.Send(message=message, to=to):
                    others = (name for name in self._replicas if name != node.config.node)
                    dests = others if to is None else (to,) if to in self._replicas else ()
                    self.commands += [Send(dest, message) for dest in dests]
                case pbft.ResetTimer(multiplier=multiplier):
                    self.commands.append(SetTimer(PATIENCE, _PATIENCE_MS * min(multiplier, 8)))
                case pbft.StopTimer():
                    self.commands.append(StopTimer(PATIENCE))
                case pbft.Executed(seq=seq):
                    self.commands.append(Notify(effect))
                    self.tell(Progressed(seq, self._replicas))
                case pbft.Refused():
                    self.commands.append(Notify(effect))
                    self.tell(Observed(effect, sender))
                case pbft.EnteredView() | pbft.Transferred():
                    self.commands.append(Notify(effect))
                case _:
                    pass

    def tell(self, inp: Any) -> None:
        """Let the guard take a step."""
        guard, effects = byzantine_guard.step(self.state.guard, inp)
        self.state = attrs.evolve(self.state, guard=guard)
        for effect in effects:
            match effect:
                case Append(entry=entry):
                    self.state = attrs.evolve(self.state, trail=(*self.state.trail, entry))
                case Gossip(evidence=evidence):
                    self.state = attrs.evolve(self.state, kept=(*self.state.kept, evidence))
                    others = (name for name in self._replicas if name != guard.config.node)
                    self.commands += [Send(name, evidence) for name in others]
                    if found := byzantine_guard.offence(evidence.messages, guard.config):
                        self.commands.append(Notify(Proved(found.name)))
                case Quarantined():
                    self.commands.append(Notify(effect))
                case _:
                    pass
