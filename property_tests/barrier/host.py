"""The hosts of nodes: `impl.manager.barrier` as a core of a simulated cluster.

| host   | does                                                                               |
|--------|------------------------------------------------------------------------------------|
| `RAFT` | stands for Raft: it keeps its log on its disk and decides what arrives, tells      |
|        | coordinators what it decided, and answers who asks how long the log is             |
| others | keep their generation only, spread their own record now and then, and fetch from   |
|        | one another                                                                        |

Gossip is what it need be no better than: each node sends its record to all others, at writes and at ticks.
"""

from collections.abc import Iterable
from typing import Any, Final

import attrs

from impl.manager import barrier
from tlacheck.sim import Command, Disk, Notify, Send, SetTimer, Sync, Uniform, Write

__all__ = ["AGENTS", "COORDINATORS", "NAMES", "RAFT", "Hosts", "Order", "Raft"]

RAFT: Final = "raft"
COORDINATORS: Final = ("c1", "c2")
AGENTS: Final = ("a1", "a2")
NAMES: Final = (*COORDINATORS, *AGENTS)

_KEPT: Final = "kept"
_TICK: Final = "tick"
_TICK_MS: Final = Uniform(60, 90)
#: A barrier ends after this.
_WAIT_MS: Final = 300


@attrs.frozen
class Raft:
    """A stand-in for Raft: the decisions, and a replica that has applied them all."""

    log: tuple[barrier.Entry, ...] = ()
    replica: barrier.Node = attrs.field(
        factory=lambda: barrier.first_start(barrier.Config(node=RAFT)), repr=False
    )

    def deciding(self, entry: barrier.Entry) -> "Raft":
        """The log with one more decision."""
        log = (*self.log, entry)
        replica, _ = barrier.step(self.replica, barrier.Committed(len(log), entry))
        return Raft(log, replica)


@attrs.frozen
class Order:
    """Somebody has Raft decide this."""

    entry: barrier.Entry


class Hosts:
    """The core of a cluster of nodes and what stands for Raft."""

    def start(self, node: str, disk: Disk) -> tuple[Any, list[Command]]:
        """A node with what its disk holds."""
        kept = disk.read(_KEPT, None)
        if node == RAFT:
            state = Raft()
            for entry in kept or ():
                state = state.deciding(entry)
            return state, []
        config = barrier.Config(node=node, is_coordinator=node in COORDINATORS)
        made = barrier.first_start(config) if kept is None else barrier.restart(config, kept)
        spread = self._command(made, barrier.Spread(made.own))
        return made, [Write(_KEPT, made.generation), Sync(), *spread, SetTimer(_TICK, _TICK_MS)]

    def on_message(self, source: str, message: Any, clock_ms: int) -> Any:
        """A message; a record is what gossip brings, a decision what Raft tells."""
        del clock_ms
        if isinstance(message, barrier.Record):
            return barrier.Heard(source, message)
        if isinstance(message, barrier.Committed | Order):
            return message
        return barrier.Receive(source, message)

    def on_timer(self, name: str, clock_ms: int) -> barrier.Input:
        """A tick, or the end of a barrier."""
        del clock_ms
        return barrier.Tick() if name == _TICK else barrier.Expire(int(name.removeprefix("barrier ")))

    def step(self, state: Any, inp: Any) -> tuple[Any, list[Command]]:
        """One step of a node, or of Raft."""
        if isinstance(state, Raft):
            return self._raft(state, inp)
        after, effects = barrier.step(state, inp)
        commands = [command for effect in effects for command in self._command(after, effect)]
        if isinstance(inp, barrier.Tick):
            commands += [*self._command(after, barrier.Spread(after.own)), SetTimer(_TICK, _TICK_MS)]
        return after, commands

    def _raft(self, state: Raft, inp: Any) -> tuple[Raft, list[Command]]:
        match inp:
            case Order(entry=entry):
                after = state.deciding(entry)
                told = barrier.Committed(len(after.log), entry)
                return after, [Write(_KEPT, after.log), Sync(), *(Send(name, told) for name in COORDINATORS)]
            case barrier.Receive(source=source, message=barrier.Ask(generation=generation)):
                return state, [Send(source, barrier.Welcome(generation, len(state.log)))]
            case barrier.Receive(message=barrier.Fetch()):
                _, effects = barrier.step(state.replica, inp)
                return state, [
                    Send(each.dest, each.message) for each in effects if isinstance(each, barrier.Send)
                ]
        return state, []

    def _command(self, node: barrier.Node, effect: barrier.Effect) -> Iterable[Command]:
        match effect:
            case barrier.Spread(record=record):
                return [Send(name, record) for name in NAMES if name != node.name]
            case barrier.Send(dest=dest, message=message):
                return [Send(dest, message)]
            case barrier.ToCoordinator(message=barrier.Ask() as message):
                return [Send(RAFT, message)]
            case barrier.ToCoordinator(message=message):
                others = [name for name in (*COORDINATORS, RAFT) if name != node.name]
                return [Send(name, message) for name in others[:2]]
            case barrier.Propose(decision=decision):
                return [Send(RAFT, Order(decision))]
            case barrier.Opened(number=number):
                return [SetTimer(f"barrier {number}", _WAIT_MS)]
            case barrier.Acted() | barrier.Ended():
                return [Notify(effect)]
        return []

    def commands(self, effect: Command) -> tuple[Command, ...]:
        """`step` gives commands already."""
        return (effect,)
