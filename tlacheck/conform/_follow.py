"""Candidates after an event, from those before it, with hidden steps in between.

`tlacheck.conform.validate` defines hidden steps and the places where they are taken.
"""

import enum
from collections.abc import Iterator

import attrs

from tlacheck.conform._candidates import Candidate, Layer, Place
from tlacheck.conform._demand import Demand
from tlacheck.tlc.oracle import SpecOracle

__all__ = ["Follow", "Hidden", "TooManyError"]


class Hidden(enum.Enum):
    """The places where hidden steps are taken; see `tlacheck.conform.validate`."""

    WHERE_NEEDED = "where needed"
    ANYWHERE = "anywhere"


class TooManyError(Exception):
    """More candidate states than allowed; the message says where, and what to do."""


@attrs.frozen(kw_only=True)
class Follow:
    """Follows events with all states that fit.

    Attributes:
        oracle: the spec.
        hidden: actions whose steps the log does not show.
        hidden_max: how many of them there may be in a row.
        where: where they are taken.
        candidates_max: how many states may fit at once.
    """

    oracle: SpecOracle
    hidden: tuple[str, ...]
    hidden_max: int
    where: Hidden
    candidates_max: int

    def layer(self, before: Layer, demand: Demand) -> Layer:
        """Return the candidates after an event; none if it fits nowhere.

        Raises:
            TooManyError: they are more than allowed.
            SpecError: TLC cannot evaluate an action.
            TraceError: the event gives the value at a node of what is no function.
        """
        found: Layer = {}
        for candidate in before.values():
            for after in _after(demand, candidate):
                self._add(after, found, demand)
        if self.where is Hidden.ANYWHERE:
            postponed = _Postponed(self.oracle, demand)
            for layer in self._hidden_layers(before, demand):
                for candidate in layer:
                    for after in _after(demand, candidate):
                        if after.state.place not in postponed.beside(candidate):
                            self._add(after, found, demand)
        elif not found:
            for layer in self._hidden_layers(before, demand):
                for candidate in layer:
                    for after in _after(demand, candidate):
                        self._add(after, found, demand)
                if found:
                    break
        return found

    def _add(self, candidate: Candidate, found: Layer, demand: Demand) -> None:
        place = candidate.state.place
        known = found.get(place)
        if known is None or candidate.hidden < known.hidden:
            found[place] = candidate
        if len(found) > self.candidates_max:
            raise TooManyError(
                f"more than {self.candidates_max:,} states fit the first {demand.number:,} event(s). "
                "Log more of "
                "what happens (arguments of actions say most), or allow more states"
            )

    def _hidden_layers(self, before: Layer, demand: Demand) -> Iterator[tuple[Candidate, ...]]:
        """Yield the states that one hidden step reaches, then two, ...: each once, by the fewest steps."""
        seen = set(before)
        layer = tuple(before.values())
        for _ in range(self.hidden_max if self.hidden else 0):
            reached: Layer = {}
            for candidate in layer:
                for action in self.hidden:
                    for step in self.oracle.successors(candidate.state, action):
                        if step.state.place not in seen:
                            hidden = candidate.after(step, demand.number, is_hidden=True)
                            reached.setdefault(step.state.place, hidden)
                if len(reached) > self.candidates_max:
                    raise TooManyError(
                        f"hidden steps before event {demand.number:,} lead to more than "
                        f"{self.candidates_max:,} "
                        "states. Hide fewer actions, or fewer in a row, or allow more states"
                    )
            seen.update(reached)
            layer = tuple(reached.values())
            yield layer


def _after(demand: Demand, candidate: Candidate) -> Iterator[Candidate]:
    """Yield the candidates after an event: the same one, where no step is needed."""
    if demand.is_observation and demand.fits(candidate.state):
        yield candidate
    for step in demand.steps(candidate.state):
        yield candidate.after(step, demand.number)


class _Postponed:
    """The states reached if the last hidden step before an event is taken after it instead."""

    def __init__(self, oracle: SpecOracle, demand: Demand) -> None:
        self._oracle = oracle
        self._demand = demand
        self._known: dict[tuple[Place, str], set[Place]] = {}

    def beside(self, candidate: Candidate) -> set[Place]:
        """Return the places after the event and then the hidden step that led to `candidate`."""
        begin = candidate.before
        if begin is None:  # no step led to it
            return set()
        place = begin.state.place, candidate.action
        if place not in self._known:
            self._known[place] = {
                step.state.place
                for after in _after(self._demand, begin)
                for step in self._oracle.successors(after.state, candidate.action)
            }
        return self._known[place]
