"""A cluster of pure protocol cores in a simulated world.

A core is `step(state, input) -> (state, effects)`: time, messages and requests are inputs; requested
actions are effects. A user writes a `Core`: how a message, a timer and a restart become inputs and
states, and which `Command`s carry out an effect. The cluster does the rest: timers, network, disks,
crashes in the middle of a step, Byzantine nodes.

| command               | does                                                                       |
|-----------------------|----------------------------------------------------------------------------|
| `Send(dest, message)` | puts a message on its way                                                  |
| `SetTimer(name, after)` | starts a timer of the node, anew if it runs; `after` is ms or a `Delay`    |
| `StopTimer(name)`     | stops it                                                                   |
| `Write(key, value)`   | writes to the node's disk; safe after the next `Sync` only                 |
| `Sync()`              | makes all writes of the node safe                                          |
| `Notify(what)`          | tells the outside: a client, an operator, a state machine                  |

Commands are carried out in order, and a crash may come between any two (`crash_during`, `crash_writing`).
"""

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import Any, Generic, Protocol, TypeAlias, TypeVar

import attrs

from tlacheck.errors import AdapterError, ConfigError
from tlacheck.sim.byzantine import ActiveBehaviour, Behaviour, ByzantineAction, ByzantineContext, Send
from tlacheck.sim.delays import Delay
from tlacheck.sim.disk import Disk, Write, torn
from tlacheck.sim.faults import Fault, FaultPlan
from tlacheck.sim.simulation import Entry, Request, Simulation
from tlacheck.sim.world import Flight, Network, World

__all__ = ["Cluster", "Command", "Core", "Notify", "Observer", "SetTimer", "StepRecord", "StopTimer", "Sync"]

_State = TypeVar("_State")
_Input = TypeVar("_Input")
_Effect = TypeVar("_Effect")


@attrs.frozen
class SetTimer:
    """Start a timer, anew if it runs: in so many milliseconds of the node's clock, or a drawn duration."""

    name: Hashable
    after: int | Delay


@attrs.frozen
class StopTimer:
    """Stop a timer, if it runs."""

    name: Hashable


@attrs.frozen
class Sync:
    """Make all writes so far safe."""


@attrs.frozen
class Notify:
    """Tell the outside something."""

    what: Any


Command: TypeAlias = Send | SetTimer | StopTimer | Write | Sync | Notify


@attrs.frozen(kw_only=True)
class StepRecord:
    """One step that a node took.

    Attributes:
        at_ms: the virtual time.
        node: its name.
        input: what the step was about.
        sender: who sent the message that came in; None for a timer or a client.
        message: that message; None for a timer or a client.
        before: the state before the step.
        after: the state after it.
        commands: what the step asked for, in order.
        effects: the same as the core has it; of a Byzantine step, what the core would have had.
        done: how many of the commands were carried out before a crash; None if all were.
        is_byzantine: True if the node did not follow its protocol.
    """

    at_ms: int
    node: str
    input: Any
    sender: str | None
    before: Any
    after: Any
    commands: tuple[Command, ...]
    effects: tuple[Any, ...] = ()
    done: int | None = None
    is_byzantine: bool = False
    message: Any = None

    @property
    def carried_out(self) -> tuple[Command, ...]:
        """The commands that were carried out; all of them, unless a crash cut the step short."""
        return self.commands if self.done is None else self.commands[: self.done]


class Observer(Protocol):
    """A listener to each step of a cluster, and to what its network loses and doubles."""

    def on_step(self, record: StepRecord) -> None:
        """A node took a step, whole or cut short by a crash."""

    def on_restart(self, node: str, state: Any) -> None:
        """A node came back and is in this state."""

    def on_lost(self, flight: Flight[Any]) -> None:
        """A copy of a message is lost."""

    def on_double(self, flight: Flight[Any]) -> None:
        """A message gets a second copy."""


class Core(Protocol[_State, _Input, _Effect]):
    """A protocol, as a cluster needs it. `clock_ms` is the reading of the node's own clock.

    What clients give is an input already, unless the core has `on_request(request, clock_ms)`, which makes
    it one.
    """

    def start(self, node: str, disk: Disk) -> tuple[_State, Iterable[Command]]:
        """Return the state of a node that starts with this disk, empty or not, and its first effects."""

    def on_message(self, source: str, message: Any, clock_ms: int) -> _Input:
        """Return the input for a message."""

    def on_timer(self, name: Any, clock_ms: int) -> _Input:
        """Return the input for a timer."""

    def step(self, state: _State, inp: _Input) -> tuple[_State, Iterable[_Effect]]:
        """Take one step of the protocol. Pure: a run is repeated from its seed alone."""

    def commands(self, effect: _Effect) -> Iterable[Command]:
        """Return the commands that carry out an effect."""


class Cluster(Generic[_State, _Input, _Effect]):
    """Nodes of one protocol, simulated.

    Args:
        core: the protocol.
        nodes: the names of its nodes; at least one, none twice.
        seed: decides delays, losses, and whatever a behaviour or a `Delay` draws.
        network: what the network does by itself.
        behaviours: the ways not to follow the protocol, by the names that `make_byzantine` calls them.
        tear: what a torn write leaves; `torn` unless told otherwise.
        watch: called after every event with the virtual time, for checks of states along the way.
        clocks_within_ms: how far a clock may be from the virtual time, whatever faults say of it; any
            distance, if None.
        observer: told of every step and restart; not of the first start.

    Attributes:
        states: node -> its state. That of a node that is down is its last one.
        disks: node -> its disk.
        notifications: what nodes told the outside, as (virtual time, node, what).
        world: its world.
        simulation: its loop, for `met` and the log.

    Raises:
        ConfigError: if there is no node, or a name is there twice.
    """

    def __init__(
        self,
        core: Core[_State, _Input, _Effect],
        nodes: Sequence[str],
        *,
        seed: int,
        network: Network | None = None,
        behaviours: Mapping[str, Behaviour] | None = None,
        tear: Callable[[Any, Any], Any] = torn,
        watch: Callable[[int], None] | None = None,
        clocks_within_ms: int | None = None,
        observer: Observer | None = None,
    ) -> None:
        if not nodes or len(set(nodes)) < len(nodes):
            raise ConfigError(f"a cluster has one node or more, each with a name of its own, not {nodes}")
        self.world: World[Any] = World(seed=seed, network=network, clocks_within_ms=clocks_within_ms)
        self.simulation: Simulation[Any] = Simulation(self.world, self, nodes)
        self.states: dict[str, _State] = {}
        self.disks = {node: Disk(tear) for node in nodes}
        self.notifications: list[tuple[int, str, Any]] = []
        self._core = core
        self._behaviours = dict(behaviours or {})
        self._behaving: dict[str, ActiveBehaviour] = {}
        self._watch = watch
        self._observer: Observer | None = None
        for node in nodes:
            self.on_restart(node)
        self._observer = observer

    # --- used by tests

    def advance(self, for_ms: int) -> None:
        """Let `for_ms` virtual milliseconds pass."""
        self.simulation.advance(for_ms)

    def play(self, plan: FaultPlan, *, until_ms: int, workload: Iterable[Request] = ()) -> None:
        """Let time pass with faults and requests at their times, counted from now."""
        self.simulation.play(plan, until_ms=until_ms, workload=workload)

    def inflict(self, fault: Fault) -> bool:
        """Let a fault happen. False if it found nothing to do."""
        return self.simulation.inflict(fault)

    def request(self, node: str, inp: _Input) -> bool:
        """Give a node a client's input. False if it is down or paused."""
        return self.simulation.submit(node, inp)

    def preview(self, source: str, dest: str, message: Any) -> tuple[_Input, _State, tuple[_Effect, ...]]:
        """The input that a message from `source` is for a node, the state after it, and the effects.

        The core is pure, so nothing happens: no state changes, and nothing is sent.
        """
        inp = self._core.on_message(source, message, self.world.clock_ms(dest))
        after, effects = self._core.step(self.states[dest], inp)
        return inp, after, tuple(effects)

    @property
    def log(self) -> tuple[Entry, ...]:
        """The log of the run so far."""
        return self.simulation.log

    # --- called by the simulation: this is a `Host`

    def on_timer(self, node: str, name: Any) -> None:
        """A node's timer fires."""
        self._step(node, self._core.on_timer(name, self.world.clock_ms(node)), None)

    def on_message(self, flight: Flight[Any]) -> None:
        """A message reaches the node that it is for."""
        inp = self._core.on_message(flight.source, flight.message, self.world.clock_ms(flight.dest))
        self._step(flight.dest, inp, flight.source, flight.message)

    def on_lost(self, flight: Flight[Any]) -> None:
        """A copy of a message is lost: no node notices."""
        if self._observer is not None:
            self._observer.on_lost(flight)

    def on_double(self, flight: Flight[Any]) -> None:
        """A message gets a second copy: no node notices before it arrives."""
        if self._observer is not None:
            self._observer.on_double(flight)

    def on_request(self, node: str, inp: _Input) -> bool:
        """A client gives a node an input."""
        convert = getattr(self._core, "on_request", None)
        self._step(node, inp if convert is None else convert(inp, self.world.clock_ms(node)), None)
        return True

    def on_crash(self, node: str, *, kept: int, torn: bool) -> None:
        """A node stops, and its disk loses what was not synced."""
        self.disks[node].crash(kept=kept, torn=torn)

    def on_restart(self, node: str) -> None:
        """A node starts from its disk."""
        self.states[node], commands = self._core.start(node, self.disks[node])
        for command in commands:
            self._carry_out(node, command)
        if self._observer is not None:
            self._observer.on_restart(node, self.states[node])

    def on_byzantine(self, node: str, behaviour: str | None) -> None:
        """A node changes its behaviour from now on; to honest, if `behaviour` is None.

        Raises:
            ConfigError: if there is no behaviour of this name.
        """
        if behaviour is None:
            self._behaving.pop(node, None)
        elif behaviour in self._behaviours:
            self._behaving[node] = self._behaviours[behaviour].begin()
        else:
            known = ", ".join(self._behaviours) or "none"
            raise ConfigError(f"there is no behaviour {behaviour!r} in this cluster: there is {known}")

    # --- one step

    def _step(self, node: str, inp: _Input, sender: str | None, message: Any = None) -> None:
        before, is_byzantine = self.states[node], node in self._behaving
        after, effects = self._core.step(before, inp)
        effects = tuple(effects)
        commands = self._commands(effects)
        if is_byzantine:
            after, commands = self._behaved(node, inp, sender, (after, commands))
        self.states[node] = after
        writes = any(isinstance(command, Write) for command in commands)
        cut = self.simulation.crashes_in_step(node, writes=writes)
        if cut is None:
            for command in commands:
                self._carry_out(node, command)
        else:
            self._cut_short(node, commands, cut)
        if self._observer is not None:
            self._observer.on_step(
                StepRecord(
                    at_ms=self.world.now_ms,
                    node=node,
                    input=inp,
                    sender=sender,
                    before=before,
                    after=after,
                    commands=tuple(commands),
                    effects=effects,
                    done=None if cut is None else min(cut["done"], len(commands)),
                    is_byzantine=is_byzantine,
                    message=message,
                )
            )
        if self._watch is not None:
            self._watch(self.world.now_ms)

    def _commands(self, effects: Iterable[_Effect]) -> list[Command]:
        return [command for effect in effects for command in self._core.commands(effect)]

    def _instead(self, state: _State, inp: _Input) -> ByzantineAction:
        after, effects = self._core.step(state, inp)
        return _action(after, self._commands(effects))

    def _behaved(
        self, node: str, inp: _Input, sender: str | None, honest: tuple[_State, list[Command]]
    ) -> tuple[_State, list[Command]]:
        context = ByzantineContext(
            node=node,
            now_ms=self.world.now_ms,
            sender=sender,
            input=inp,
            before=self.states[node],
            honest=_action(*honest),
            instead=lambda state: self._instead(state, inp),
            random=self.world.random,
        )
        action = self._behaving[node](context)
        others = (
            [command for command in honest[1] if not isinstance(command, Send)] if action.is_taken else []
        )
        return action.state, [*others, *action.sent]

    def _cut_short(self, node: str, commands: list[Command], cut: Fault) -> None:
        """Carry out the first commands of a step only. The write interrupted by the crash may be torn."""
        done: int = cut["done"]
        for command in commands[:done]:
            self._carry_out(node, command)
        rest = commands[done:]
        if cut["torn"] and rest and isinstance(rest[0], Write):
            disk = self.disks[node]
            disk.write(rest[0].key, rest[0].value)
            self.simulation.cut_short(node, kept=len(disk.pending) - 1, torn=True)
        else:
            self.simulation.cut_short(node)

    def _carry_out(self, node: str, command: Command) -> None:
        match command:
            case Send(dest=dest, message=message):
                self.world.send(node, dest, message)
            case SetTimer(name=name, after=after):
                self.world.set_timer(
                    node, name, after if isinstance(after, int) else after.draw(self.world.random)
                )
            case StopTimer(name=name):
                self.world.stop_timer(node, name)
            case Write(key=key, value=value):
                self.disks[node].write(key, value)
            case Sync():
                self.disks[node].sync()
            case Notify(what=what):
                self.notifications.append((self.world.now_ms, node, what))
                self.simulation.notify(node, what)
            case other:
                raise AdapterError(
                    f"{other!r} is no command: Core.commands gives Send, SetTimer, StopTimer, Write, "
                    "Sync or Notify"
                )


def _action(state: Any, commands: Iterable[Command]) -> ByzantineAction:
    return ByzantineAction(state, tuple(command for command in commands if isinstance(command, Send)))
