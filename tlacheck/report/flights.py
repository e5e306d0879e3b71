"""The flights of messages: from the step that sent a message to the step that received it.

Lanes show messages per step; this module joins the two ends. Copies of one message are alike, so it is
unknown which copy is received; the oldest is taken, as in a queue.
"""

from collections import deque
from collections.abc import Iterator

import attrs

from tlacheck.report.compact import ends
from tlacheck.report.lanes import Lanes, LaneStep, bag_of
from tlacheck.values import Value

__all__ = ["Flight", "flights_of"]


@attrs.frozen(kw_only=True)
class Flight:
    """One copy of a message on its way.

    Attributes:
        text: the message on one line.
        source: the node that sent it; None if no lane did.
        dest: the node that it is for; None if that is not known.
        sent: the number of the step that sent it; 0 if it was there from the start.
        taken: the number of the step that took it; None if it is still on its way at the end.
        how: what became of it: `received`, `lost`, `removed`, `handled` (read, and it stays), or
            `flying` at the end.
        copied: whether it is a copy that no node sent.
    """

    text: str
    source: Value | None
    dest: Value | None
    sent: int
    taken: int | None
    how: str
    copied: bool = False


def flights_of(lanes: Lanes) -> tuple[Flight, ...]:
    """Return the flights of all messages of a trace, by the step that sent them."""
    flights = [*_Airport(lanes).flights()]
    return tuple(sorted(flights, key=lambda flight: flight.sent))


@attrs.frozen
class _Departure:
    step: int
    actor: Value | None
    copied: bool


class _Airport:
    """Follows the messages on their way, step by step."""

    def __init__(self, lanes: Lanes) -> None:
        self._lanes = lanes
        self._flying: dict[tuple[str, Value], deque[_Departure]] = {}
        self._read: set[tuple[str, Value]] = set()

    def flights(self) -> Iterator[Flight]:
        for name in self._lanes.networks:
            for message, copies in bag_of(self._lanes.trace.initial.get(name)).items():
                self._depart((name, message), _Departure(0, None, copied=False), copies)
        for step in self._lanes.steps:
            yield from self._step(step)
        for key, departures in self._flying.items():
            if key not in self._read:
                for departure in departures:
                    yield self._flight(key[1], departure, None, None, "flying")

    def _step(self, step: LaneStep) -> Iterator[Flight]:
        for change in step.messages:
            key = (change.variable, change.message)
            if change.how in {"sent", "copied"}:
                self._depart(
                    key, _Departure(step.number, step.actor, copied=change.how == "copied"), change.copies
                )
            elif change.how == "handled":
                yield from self._handled(change.message, step)
            else:
                departures = self._flying.get(key, deque())
                for _ in range(min(change.copies, len(departures))):
                    yield self._flight(
                        change.message, departures.popleft(), step.number, step.actor, change.how
                    )

    def _handled(self, message: Value, step: LaneStep) -> Iterator[Flight]:
        for name in self._lanes.networks:
            key = (name, message)
            if departures := self._flying.get(key):
                self._read.add(key)
                yield self._flight(message, departures[0], step.number, step.actor, "handled")
                return

    def _depart(self, key: tuple[str, Value], departure: _Departure, copies: int) -> None:
        self._flying.setdefault(key, deque()).extend([departure] * copies)

    def _flight(
        self, message: Value, departure: _Departure, taken: int | None, taker: Value | None, how: str
    ) -> Flight:
        way = ends(message)
        source, dest = (message[way[0]], message[way[1]]) if way else (departure.actor, taker)
        return Flight(
            text=self._lanes.wording.message(message),
            source=self._lane(source),
            dest=self._lane(dest),
            sent=departure.step,
            taken=taken,
            how=how,
            copied=departure.copied,
        )

    def _lane(self, node: Value | None) -> Value | None:
        return node if node in self._lanes.nodes else None
