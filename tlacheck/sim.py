"""A simulated world for a cluster: one virtual clock, timers, and a network with named faults.

`World` knows no protocol. It holds what is due when: timers by name, messages by flight. Whoever
drives it takes the next `Due` item and gives it to a server. The same calls with the same seed give
the same world, to the byte; nothing here reads a real clock.

Faults carry the names of the specs: drop, duplicate, reorder, delay, partition, heal, crash,
restart.
"""

import itertools
import random
from collections.abc import Hashable, Iterable
from typing import Generic, TypeAlias, TypeVar

import attrs

__all__ = ["Due", "Flight", "Timer", "World"]

Message = TypeVar("Message")


@attrs.frozen
class Timer:
    """A timer that fired: the server it belongs to and its name there."""

    node: str
    name: Hashable


@attrs.frozen
class Flight(Generic[Message]):
    """One copy of a message on its way.

    Attributes:
        number: unique in its world, in order of sending.
        due_ms: when it arrives, in virtual milliseconds.
    """

    number: int
    due_ms: int
    source: str
    dest: str
    message: Message


Due: TypeAlias = Timer | Flight[Message]


class World(Generic[Message]):
    """Virtual time, timers and messages in flight.

    Args:
        seed: decides the delays of messages.
        delay_ms: the least and the greatest delay of a message, in virtual milliseconds.

    Attributes:
        now_ms: the virtual time.
        flights: the messages on their way, in order of sending.
        down: the servers that are crashed. Their timers do not fire.
        islands: the parts of a partitioned network, each a set of servers; empty when it is whole.
    """

    def __init__(self, *, seed: int, delay_ms: tuple[int, int] = (1, 20)) -> None:
        self.now_ms = 0
        self.flights: list[Flight[Message]] = []
        self.down: set[str] = set()
        self.islands: tuple[frozenset[str], ...] = ()
        self.random = random.Random(seed)  # noqa: S311 - reproducible on purpose
        self._delay_ms = delay_ms
        self._timers: dict[Timer, int] = {}
        self._numbers = itertools.count(1)

    # --- what servers ask for

    def send(self, source: str, dest: str, message: Message) -> None:
        """Put one copy of a message on its way."""
        due_ms = self.now_ms + self.random.randint(*self._delay_ms)
        self.flights.append(Flight(next(self._numbers), due_ms, source, dest, message))

    def set_timer(self, node: str, name: Hashable, after_ms: int) -> None:
        """Start a server's timer, anew if it runs."""
        self._timers[Timer(node, name)] = self.now_ms + after_ms

    def stop_timer(self, node: str, name: Hashable) -> None:
        """Stop a server's timer, if it runs."""
        self._timers.pop(Timer(node, name), None)

    # --- time

    def next_due(self, until_ms: int) -> Due[Message] | None:
        """Take the next thing that happens no later than `until_ms`, and move the clock there.

        None if nothing does; the clock then stands at `until_ms`.
        """
        rows: list[tuple[int, int, str, Due[Message] | None]] = [
            (due, 0, str(timer), timer) for timer, due in self._timers.items() if timer.node not in self.down
        ]
        rows += [(flight.due_ms, 1, f"{flight.number:012}", flight) for flight in self.flights]
        due_ms, _, _, item = min(rows, key=lambda row: row[:3], default=(until_ms + 1, 0, "", None))
        if item is None or due_ms > until_ms:
            self.now_ms = max(self.now_ms, until_ms)
            return None
        self.now_ms = max(self.now_ms, due_ms)
        if isinstance(item, Timer):
            del self._timers[item]
        else:
            self.flights.remove(item)
        return item

    def reaches(self, flight: Flight[Message]) -> bool:
        """Whether a message that is due gets there: its receiver is up and on the sender's island."""
        if flight.dest in self.down:
            return False
        return all((flight.source in island) == (flight.dest in island) for island in self.islands)

    # --- faults

    def drop(self, flight: Flight[Message]) -> None:
        """Lose one copy."""
        self.flights.remove(flight)

    def duplicate(self, flight: Flight[Message]) -> None:
        """Put one more copy of a message on its way."""
        self.send(flight.source, flight.dest, flight.message)

    def reorder(self, flight: Flight[Message]) -> None:
        """Let a message overtake those that are due later: it is due now."""
        self._reschedule(flight, self.now_ms)

    def delay(self, flight: Flight[Message], by_ms: int) -> None:
        """Keep a message on its way for so much longer."""
        self._reschedule(flight, max(flight.due_ms, self.now_ms) + by_ms)

    def partition(self, island: Iterable[str]) -> None:
        """Cut these servers off from all others; messages between the two sides are lost when due."""
        self.islands = (frozenset(island),)

    def heal(self) -> None:
        """Make the network whole."""
        self.islands = ()

    def crash(self, node: str) -> None:
        """Stop a server: its timers are gone, and what arrives meanwhile is lost."""
        self.down.add(node)
        self._timers = {timer: due for timer, due in self._timers.items() if timer.node != node}

    def restart(self, node: str) -> None:
        """Let a crashed server run again. Its timers are for it to set."""
        self.down.discard(node)

    def _reschedule(self, flight: Flight[Message], due_ms: int) -> None:
        self.flights[self.flights.index(flight)] = attrs.evolve(flight, due_ms=due_ms)
