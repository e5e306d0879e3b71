"""A world for a cluster: one virtual clock, timers, and a network with named faults.

`World` knows no protocol. It holds everything due: timers by name, messages by flight. Its driver
(`Simulation`, or a loop of your own) takes the next event and gives it to a node. The same calls
with the same seed give the same world, to the byte; nothing here reads a real clock.

Events are in one heap. A timer that was stopped or set again, and a message that was delayed or
dropped, leaves its old item there, which is dropped when it comes to the top; when the old items
outnumber the others, the heap is rebuilt. So every call costs the logarithm of the number of due items,
however often timers are reset. Timers and flights are named tuples, the one frozen value that is
created quickly: there is one of them for every event.
"""

import heapq
import itertools
import random
from collections.abc import Hashable, Iterable, Mapping
from types import MappingProxyType
from typing import Any, Final, Generic, NamedTuple, TypeAlias, TypeVar

import attrs

from tlacheck.errors import ConfigError
from tlacheck.sim.clocks import Clock
from tlacheck.sim.delays import Delay, Uniform

__all__ = ["Event", "Flight", "Network", "Timer", "World"]

Message = TypeVar("Message")

#: Of items due at the same time, timers come first.
_TIMER, _FLIGHT = 0, 1
#: A smaller heap is never rebuilt: that would cost more than it saves.
_SMALL: Final = 256

#: (when, `_TIMER` or `_FLIGHT`, the keys that order items within a kind, and the item).
_Item: TypeAlias = tuple[Any, ...]


class Timer(NamedTuple):
    """A timer that fired: the node it belongs to and its name there."""

    node: str
    name: Hashable


class Flight(NamedTuple, Generic[Message]):
    """One copy of a message on its way.

    Attributes:
        number: unique in its world, in order of sending.
        due_ms: when it arrives, in virtual milliseconds.
        source: who sent it.
        dest: whom it is for.
        message: what it says.
        is_lost: the network loses it: it reaches nobody when it is due.
        is_doubled: the network makes a second copy of it when it is due.
    """

    number: int
    due_ms: int
    source: str
    dest: str
    message: Message
    is_lost: bool = False
    is_doubled: bool = False


Event: TypeAlias = Timer | Flight[Message]


@attrs.frozen(kw_only=True)
class Network:
    """The network's own behaviour towards messages.

    Attributes:
        delay: how long each copy is on its way. Different delays reorder messages.
        loss: the chance that a message is lost, 0 to 1.
        duplication: the chance that a message comes twice, 0 to 1.

    Raises:
        ConfigError: if a chance is not one.
    """

    delay: Delay = attrs.field(factory=lambda: Uniform(1, 20))
    loss: float = 0.0
    duplication: float = 0.0

    def __attrs_post_init__(self) -> None:
        for name, chance in (("loss", self.loss), ("duplication", self.duplication)):
            if not 0 <= chance <= 1:
                raise ConfigError(f"{name} is {chance:g}: a chance lies between 0 and 1")


class World(Generic[Message]):
    """Virtual time, timers and messages in flight.

    Args:
        seed: decides the delays of messages, and which are lost or doubled.
        network: what the network does by itself.
        clocks_within_ms: how far a clock may be from the virtual time, whatever `skew` and `drift` say:
            what a synchronisation of clocks promises. Any distance, if None.

    Attributes:
        now_ms: the virtual time.
        network: what the network does to messages that are sent from now on.
        down: the nodes that are crashed. Their timers do not fire.
        paused: the nodes that take no step; timers and messages wait for them.
        groups: the parts of a partitioned network, each a set of nodes; empty when it is whole.
        cuts: the links, (source, dest), that lose everything in that direction.
        random: the random numbers of this world, for whoever drives it as well.
    """

    def __init__(
        self, *, seed: int, network: Network | None = None, clocks_within_ms: int | None = None
    ) -> None:
        self.now_ms = 0
        self.network = network or Network()
        self.down: set[str] = set()
        self.paused: set[str] = set()
        self.groups: tuple[frozenset[str], ...] = ()
        self.cuts: frozenset[tuple[str, str]] = frozenset()
        self.random = random.Random(seed)  # noqa: S311 - reproducible on purpose
        self._agenda: list[_Item] = []
        self._flights: dict[int, Flight[Message]] = {}
        self._timers: dict[tuple[str, Hashable], _Item] = {}
        self._held: dict[str, list[_Item]] = {}
        self._clocks: dict[str, Clock] = {}
        self._true_clock = Clock(within_ms=clocks_within_ms)
        self._numbers = itertools.count(1)
        self._serials = itertools.count()  # no two items are compared beyond theirs

    @property
    def flights(self) -> tuple[Flight[Message], ...]:
        """The messages on their way, in order of sending."""
        return tuple(self._flights.values())

    @property
    def timers(self) -> Mapping[tuple[str, Hashable], int]:
        """(node, name) -> when the timer fires, in virtual milliseconds."""
        return MappingProxyType({key: item[0] for key, item in self._timers.items()})

    # --- requests of nodes

    def send(self, source: str, dest: str, message: Message) -> Flight[Message]:
        """Put one copy of a message on its way."""
        network = self.network
        is_lost = network.loss > 0 and self.random.random() < network.loss
        is_doubled = network.duplication > 0 and self.random.random() < network.duplication
        return self._launch(source, dest, message, is_lost=is_lost, is_doubled=is_doubled)

    def set_timer(self, node: str, name: Hashable, after_ms: int) -> None:
        """Start a node's timer, anew if it runs. It goes by the node's own clock."""
        due_ms = self.now_ms + after_ms
        if node in self._clocks:
            clock = self._clocks[node]
            due_ms = clock.when_ms(clock.reading_ms(self.now_ms) + after_ms)
        self._start_timer(node, name, due_ms)

    def stop_timer(self, node: str, name: Hashable) -> None:
        """Stop a node's timer, if it runs."""
        self._timers.pop((node, name), None)

    def clock_ms(self, node: str) -> int:
        """Return the reading of a node's own clock, in milliseconds."""
        return self._clocks.get(node, self._true_clock).reading_ms(self.now_ms)

    # --- time

    def next_event(self, until_ms: int) -> Event[Message] | None:
        """Take the next event due no later than `until_ms`, and move the clock there.

        None if nothing does; the clock then stands at `until_ms`.
        """
        agenda = self._agenda
        while agenda and agenda[0][0] <= until_ms:
            item = heapq.heappop(agenda)
            if item[1] is _TIMER:
                _, _, node, _, _, name = item
                if self._timers.get((node, name)) is not item:
                    continue
                if node in self.down or node in self.paused:
                    self._held.setdefault(node, []).append(item)
                    continue
                del self._timers[node, name]
                self.now_ms = max(self.now_ms, item[0])
                return Timer(node, name)
            flight: Flight[Message] = item[4]
            if self._flights.get(flight.number) is not flight:
                continue
            if flight.dest in self.paused and flight.dest not in self.down:
                self._held.setdefault(flight.dest, []).append(item)
                continue
            del self._flights[flight.number]
            self.now_ms = max(self.now_ms, item[0])
            return flight
        self.now_ms = max(self.now_ms, until_ms)
        return None

    def reaches(self, flight: Flight[Message]) -> bool:
        """Return whether a due message arrives: not lost, its receiver up, its link whole."""
        if flight.is_lost or flight.dest in self.down:
            return False
        if self.cuts and (flight.source, flight.dest) in self.cuts:
            return False
        return not self.groups or all(
            (flight.source in group) == (flight.dest in group) for group in self.groups
        )

    # --- faults of messages

    def drop(self, flight: Flight[Message]) -> None:
        """Lose one copy.

        Raises:
            ConfigError: if it is not on its way.
        """
        self._find(flight)
        del self._flights[flight.number]

    def duplicate(self, flight: Flight[Message]) -> Flight[Message]:
        """Put one more copy of a message on its way, with a delay of its own."""
        return self._launch(flight.source, flight.dest, flight.message)

    def reorder(self, flight: Flight[Message]) -> None:
        """Let a message overtake those that are due later: it is due now.

        Raises:
            ConfigError: if it is not on its way.
        """
        self._reschedule(flight, self.now_ms)

    def delay(self, flight: Flight[Message], by_ms: int) -> None:
        """Keep a message on its way for so much longer.

        Raises:
            ConfigError: if it is not on its way.
        """
        self._reschedule(flight, max(self._find(flight).due_ms, self.now_ms) + by_ms)

    # --- faults of the network

    def partition(self, group: Iterable[str]) -> None:
        """Cut these nodes off from all others; messages between the two sides are lost when due."""
        self.groups = (frozenset(group),)

    def cut(self, sources: Iterable[str], dests: Iterable[str]) -> None:
        """Lose what `sources` send to `dests`, in that direction only, besides what is cut already."""
        dests = frozenset(dests)
        self.cuts |= {(source, dest) for source in sources for dest in dests if source != dest}

    def heal(self) -> None:
        """Make the network whole: partitions and cuts end."""
        self.groups = ()
        self.cuts = frozenset()

    # --- faults of nodes

    def crash(self, node: str) -> None:
        """Stop a node: its timers are gone, and what arrives meanwhile is lost. A pause ends."""
        self.down.add(node)
        self._timers = {key: item for key, item in self._timers.items() if key[0] != node}
        self.resume(node)

    def restart(self, node: str) -> None:
        """Let a crashed node run again. It must set its timers itself."""
        self.down.discard(node)
        self._release(node)

    def pause(self, node: str) -> None:
        """Let a node take no step: its timers, and the messages for it, wait until it resumes."""
        self.paused.add(node)

    def resume(self, node: str) -> None:
        """End a pause: waiting events happen now, in the order in which they were due."""
        self.paused.discard(node)
        self._release(node)

    def skew(self, node: str, by_ms: int) -> None:
        """Set a node's clock forward, or back. Timers that run go by the clock, and so move as well."""
        self._set_clock(node, self._clocks.get(node, self._true_clock).skewed(self.now_ms, by_ms))

    def drift(self, node: str, ppm: int) -> None:
        """Let a node's clock gain `ppm` microseconds a second from now on; negative is slow.

        Raises:
            ConfigError: if the clock would stand still or run backwards.
        """
        self._set_clock(node, self._clocks.get(node, self._true_clock).drifting(self.now_ms, ppm))

    # --- inside

    def _launch(
        self,
        source: str,
        dest: str,
        message: Message,
        *,
        is_lost: bool = False,
        is_doubled: bool = False,
    ) -> Flight[Message]:
        number = next(self._numbers)
        due_ms = self.now_ms + self.network.delay.draw(self.random)
        flight = Flight(number, due_ms, source, dest, message, is_lost, is_doubled)
        self._flights[number] = flight
        heapq.heappush(self._agenda, (due_ms, _FLIGHT, number, next(self._serials), flight))
        return flight

    def _item(self, flight: Flight[Message]) -> _Item:
        return flight.due_ms, _FLIGHT, flight.number, next(self._serials), flight

    def _find(self, flight: Flight[Message]) -> Flight[Message]:
        found = self._flights.get(flight.number)
        if found is None:
            raise ConfigError(
                f"message {flight.number} from {flight.source} to {flight.dest} is not on its way at "
                f"{self.now_ms} ms: take one of World.flights"
            )
        return found

    def _reschedule(self, flight: Flight[Message], due_ms: int) -> None:
        moved = self._find(flight)._replace(due_ms=due_ms)
        self._flights[flight.number] = moved
        heapq.heappush(self._agenda, self._item(moved))
        self._tidy()

    def _start_timer(self, node: str, name: Hashable, due_ms: int) -> None:
        item = (due_ms, _TIMER, node, str(name), next(self._serials), name)
        self._timers[node, name] = item
        heapq.heappush(self._agenda, item)
        self._tidy()

    def _set_clock(self, node: str, clock: Clock) -> None:
        old = self._clocks.get(node, self._true_clock)
        self._clocks[node] = clock
        for (owner, name), item in list(self._timers.items()):
            if owner == node:
                self._start_timer(node, name, clock.when_ms(old.reading_ms(item[0])))

    def _release(self, node: str) -> None:
        for item in self._held.pop(node, ()):
            heapq.heappush(self._agenda, item)

    def _tidy(self) -> None:
        """Rebuild the heap when most of it is old."""
        if len(self._agenda) <= _SMALL or len(self._agenda) < 4 * (len(self._timers) + len(self._flights)):
            return
        self._agenda = list(self._timers.values())
        self._agenda += [self._item(flight) for flight in self._flights.values()]
        heapq.heapify(self._agenda)
