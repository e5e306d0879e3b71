"""The loop of events over a `World`, the faults, and the log of a run.

`Simulation` takes due events from the world and gives them to a `Host`, the owner of the nodes.
`Cluster` is a host for pure protocol cores; a test that runs its nodes in lockstep with a spec is
another. Faults come through `Simulation` only, so a `Fault` means the same for every host, is counted,
and appears in the log.

A run has two phases. While faults come, only safety can be demanded. `stabilise` ends all faults;
from then on progress can be demanded within a bound (`tlacheck.conform.liveness`).
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, Generic, Protocol, TypeVar

import attrs

from tlacheck.sim._text import text_of
from tlacheck.sim.faults import Fault, FaultPlan
from tlacheck.sim.world import Flight, Network, Timer, World

__all__ = ["Entry", "Host", "Request", "Simulation"]

Message = TypeVar("Message")


@attrs.frozen
class Request:
    """An input that a client gives to a node at some virtual time."""

    at_ms: int
    node: str
    input: Any


class Host(Protocol[Message]):
    """The owner of the nodes: handles due events, and its own part of faults.

    The world has done its part already when a host is called: a delivered message is no longer on its
    way, a crashed node is down.
    """

    def on_timer(self, node: str, name: Any) -> None:
        """A node's timer fires."""

    def on_message(self, flight: Flight[Message]) -> None:
        """A message reaches the node that it is for."""

    def on_lost(self, flight: Flight[Message]) -> None:
        """A copy of a message is lost."""

    def on_double(self, flight: Flight[Message]) -> None:
        """A message gets a second copy."""

    def on_request(self, node: str, inp: Any) -> bool:
        """A client gives a node an input; return whether the node takes it."""

    def on_crash(self, node: str, *, kept: int, torn: bool) -> None:
        """A node stops; the first `kept` of its unsynced writes stay, the next is torn if `torn`."""

    def on_restart(self, node: str) -> None:
        """A node comes back with what is on its disk."""

    def on_byzantine(self, node: str, behaviour: str | None) -> None:
        """A node changes its behaviour from now on; to honest, if `behaviour` is None."""


@attrs.frozen
class Entry:
    """One line of the log of a run.

    Attributes:
        at_ms: when, in virtual milliseconds.
        kind: "timer", "message", "lost", "request", "refused" (a request to a node that does not
            take it), "fault", "no fault" (one that found nothing to do), "notified", "stable".
        node: whom it concerns; empty if it is the network.
        what: the timer's name, the message, the input, the fault, the notification.
    """

    at_ms: int
    kind: str
    node: str
    what: Any

    def __str__(self) -> str:
        return f"{self.at_ms:>8} {self.kind:<8} {self.node:<4} {_text(self.what)}".rstrip()


def _text(what: Any) -> str:
    if isinstance(what, Flight):
        return f"#{what.number} {what.source} -> {what.dest}: {text_of(what.message)}"
    return str(what) if isinstance(what, Fault | str) else text_of(what)


class Simulation(Generic[Message]):
    """The loop of events of one run, its faults, and its log.

    Args:
        world: what is due when.
        host: who owns the nodes.
        nodes: their names.

    Attributes:
        met: how often each fault found something to do.
        events: how many timers fired and messages came due.
    """

    def __init__(self, world: World[Message], host: Host[Message], nodes: Sequence[str]) -> None:
        self.world = world
        self.nodes = tuple(nodes)
        self.met: Counter[str] = Counter()
        self.events = 0
        self._host = host
        self._network = world.network
        self._armed: dict[str, Fault] = {}
        self._rows: list[tuple[int, str, str, Any]] = []

    # --- time

    def advance(self, for_ms: int) -> None:
        """Let `for_ms` virtual milliseconds pass, handling all events that become due."""
        self.run_until(self.world.now_ms + for_ms)

    def run_until(self, until_ms: int) -> None:
        """Handle the events due no later than `until_ms`. The clock then stands there."""
        world, host, rows = self.world, self._host, self._rows
        while (due := world.next_event(until_ms)) is not None:
            self.events += 1
            if isinstance(due, Timer):
                rows.append((world.now_ms, "timer", due.node, due.name))
                host.on_timer(due.node, due.name)
            else:
                self._arrive(due)

    def deliver(self, flight: Flight[Message]) -> bool:
        """Let a message come due now, before all others. False if its receiver is paused.

        Raises:
            ConfigError: it is not on its way.
        """
        world = self.world
        if flight.dest in world.paused and flight.dest not in world.down:
            return False
        world.drop(flight)
        self.events += 1
        self._arrive(flight)
        return True

    def fire(self, node: str, name: Any) -> bool:
        """Let a timer fire now. False if it does not run, or its node is down or paused."""
        world = self.world
        if (node, name) not in world.timers or node in world.down or node in world.paused:
            return False
        world.stop_timer(node, name)
        self.events += 1
        self._rows.append((world.now_ms, "timer", node, name))
        self._host.on_timer(node, name)
        return True

    def _arrive(self, flight: Flight[Message]) -> None:
        world = self.world
        if flight.is_doubled:
            self._double(flight)
        if world.reaches(flight):
            self._rows.append((world.now_ms, "message", flight.dest, flight))
            self._host.on_message(flight)
        else:
            self._rows.append((world.now_ms, "lost", flight.dest, flight))
            self._host.on_lost(flight)

    def play(self, plan: FaultPlan, *, until_ms: int, workload: Iterable[Request] = ()) -> None:
        """Let time pass to `until_ms` with faults and requests at their times, counted from now.

        Of a fault and a request at the same time the fault comes first.
        """
        begin_ms = self.world.now_ms
        rows: list[tuple[int, int, int, Fault | Request]] = [
            (timed.at_ms, 0, number, timed.fault) for number, timed in enumerate(plan.faults)
        ]
        rows += [(request.at_ms, 1, number, request) for number, request in enumerate(workload)]
        for at_ms, _, _, what in sorted(rows, key=lambda row: row[:3]):
            if at_ms > until_ms:
                break
            self.run_until(begin_ms + at_ms)
            if isinstance(what, Fault):
                self.inflict(what)
            else:
                self.submit(what.node, what.input)
        self.run_until(begin_ms + until_ms)

    def submit(self, node: str, inp: Any) -> bool:
        """Give a node a client's input. False if it is down or paused, or does not take it."""
        is_up = node not in self.world.down and node not in self.world.paused
        place = len(self._rows)
        is_taken = is_up and self._host.on_request(node, inp)
        self._rows.insert(place, (self.world.now_ms, "request" if is_taken else "refused", node, inp))
        return is_taken

    # --- faults

    def inflict(self, fault: Fault) -> bool:
        """Let a fault happen. False if it found nothing to do; the log says so either way."""
        place, node = len(self._rows), fault.parameters.get("node", "")
        is_done = self._inflict(fault)
        self._rows.insert(place, (self.world.now_ms, "fault" if is_done else "no fault", node, fault))
        self.met[fault.name] += is_done
        return is_done

    def _inflict(self, fault: Fault) -> bool:
        world = self.world
        match fault.name:
            case "drop" | "duplicate" | "reorder" | "delay":
                flights = world.flights
                if not flights:
                    return False
                self._disturb(fault, flights[fault["position"] % len(flights)])
            case "degrade":
                world.network = Network(
                    delay=world.network.delay,
                    loss=fault["loss"] / 100,
                    duplication=fault["duplication"] / 100,
                )
            case "partition":
                world.partition(fault["group"])
            case "cut":
                world.cut(fault["sources"], fault["dests"])
            case "heal":
                is_whole = not world.groups and not world.cuts
                world.heal()
                return not is_whole
            case "make_byzantine":
                self._host.on_byzantine(fault["node"], fault["behaviour"])
            case "reform":
                self._host.on_byzantine(fault["node"], None)
            case _:
                return self._inflict_on_node(fault, fault["node"])
        return True

    def _disturb(self, fault: Fault, flight: Flight[Message]) -> None:
        match fault.name:
            case "drop":
                self.world.drop(flight)
                self._host.on_lost(flight)
            case "duplicate":
                self._double(flight)
            case "reorder":
                self.world.reorder(flight)
            case _:
                self.world.delay(flight, fault["by_ms"])

    def _double(self, flight: Flight[Message]) -> None:
        self.world.duplicate(flight)
        self._host.on_double(flight)

    def _inflict_on_node(self, fault: Fault, node: str) -> bool:
        world = self.world
        match fault.name:
            case "crash" if node not in world.down:
                self._crash(node, kept=fault["kept"], torn=fault["torn"])
            case "crash_during" | "crash_writing" if node not in world.down:
                self._armed[node] = fault
            case "restart" if node in world.down:
                world.restart(node)
                self._host.on_restart(node)
            case "restart":  # of a node that was to crash in a step that it never took
                return self._armed.pop(node, None) is not None
            case "pause" if node not in world.down and node not in world.paused:
                world.pause(node)
            case "resume" if node in world.paused:
                world.resume(node)
            case "skew":
                world.skew(node, fault["by_ms"])
            case "drift":
                world.drift(node, fault["ppm"])
            case _:
                return False
        return True

    def _crash(self, node: str, *, kept: int, torn: bool) -> None:
        self._armed.pop(node, None)
        self.world.crash(node)
        self._host.on_crash(node, kept=kept, torn=torn)

    def crashes_in_step(self, node: str, *, writes: bool) -> Fault | None:
        """Return the pending crash of this node within a step, which a host asks for as the node takes one.

        The host carries out the first `done` commands of the step, and calls `cut_short`.

        Args:
            node: its name.
            writes: True if the step writes to the disk; `crash_writing` waits for one that does.
        """
        fault = self._armed.get(node)
        return None if fault is not None and fault.name == "crash_writing" and not writes else fault

    def cut_short(self, node: str, *, kept: int = 0, torn: bool = False) -> None:
        """Record the crash of a node within a step, as announced by `crashes_in_step`."""
        self._crash(node, kept=kept, torn=torn)
        fault = Fault.of("crash", node=node, kept=kept, torn=torn)
        self._rows.append((self.world.now_ms, "fault", node, fault))
        self.met["a step cut short"] += 1

    def stabilise(self) -> None:
        """End all faults: from now on the network, the clocks and all nodes are good.

        Partitions and cuts heal, pauses end, the network is as it was at first, clocks run true from
        their present reading, pending crashes are cancelled, and nodes that are down restart. Byzantine
        nodes stay Byzantine, and delayed messages stay on their way.
        """
        world = self.world
        world.network = self._network
        world.heal()
        self._armed.clear()
        for node in self.nodes:
            world.drift(node, 0)
            if node in world.paused:
                world.resume(node)
        for node in sorted(world.down):
            self.inflict(Fault.of("restart", node=node))
        self._rows.append((world.now_ms, "stable", "", "all faults have ended"))

    # --- the log

    def notify(self, node: str, what: Any) -> None:
        """Log what a node tells the outside."""
        self._rows.append((self.world.now_ms, "notified", node, what))

    @property
    def log(self) -> tuple[Entry, ...]:
        """The log of the run so far."""
        return tuple(Entry(*row) for row in self._rows)

    @property
    def log_text(self) -> str:
        """The log as text, an entry a line; the same seed gives the same text."""
        return "".join(f"{entry}\n" for entry in self.log)
