"""States of the spec that fit a log so far, each with a behaviour that leads there.

A candidate knows the one before it, so that a behaviour can be told. Only the candidates of the last
events are kept: `cut` makes those at the edge forget what lies before, and memory stays flat however
long the log is.
"""

from collections.abc import Iterable, Iterator
from typing import TypeAlias

import attrs
from immutabledict import immutabledict

from tlacheck.conform._demand import call
from tlacheck.tlc.oracle import OracleState, Successor
from tlacheck.trace import Step
from tlacheck.values import Value

__all__ = ["Candidate", "HiddenStep", "Layer", "Place", "cut", "hidden_steps", "steps_of", "way_to"]

_NOTHING: immutabledict[str, Value] = immutabledict()


@attrs.define(eq=False)
class Candidate:
    """A state that fits, and how it was reached.

    Attributes:
        state: the state.
        event: the number of the event that the step to it was taken for; of a hidden step, of the event
            that it was taken before; 0 for an initial state.
        action: the action of that step.
        arguments: its arguments.
        is_hidden: whether the log does not show that step.
        hidden: how many hidden steps there were, from the begin of the log.
        before: the state before that step; None for an initial state, or where it is not kept.
    """

    state: OracleState
    event: int = 0
    action: str = ""
    arguments: immutabledict[str, Value] = _NOTHING
    is_hidden: bool = False
    hidden: int = 0
    before: "Candidate | None" = None

    def after(self, step: Successor, event: int, *, is_hidden: bool = False) -> "Candidate":
        """The candidate after a step from this one."""
        return Candidate(
            state=step.state,
            event=event,
            action=step.action,
            arguments=step.arguments,
            is_hidden=is_hidden,
            hidden=self.hidden + is_hidden,
            before=self,
        )


#: What tells candidates from each other: their states, but for the variable `event`, on which nothing depends.
Place: TypeAlias = tuple[int, ...]

#: The candidates after an event, each place once.
Layer: TypeAlias = dict[Place, Candidate]


@attrs.frozen
class HiddenStep:
    """A step that the log does not show, and that a behaviour which fits it takes.

    Attributes:
        before: the number of the event before which it is taken.
        action: its action.
        arguments: the action's arguments.
    """

    before: int
    action: str
    arguments: immutabledict[str, Value]

    def __str__(self) -> str:
        return f"{call(self.action, self.arguments)} before event {self.before}"


def way_to(candidate: Candidate) -> tuple[Candidate, ...]:
    """The candidates on the way to this one, as far back as they are kept, in order."""
    return tuple(_back(candidate))[::-1]


def hidden_steps(way: Iterable[Candidate]) -> tuple[HiddenStep, ...]:
    """The hidden steps on the way."""
    return tuple(HiddenStep(each.event, each.action, each.arguments) for each in way if each.is_hidden)


def steps_of(way: Iterable[Candidate]) -> tuple[Step, ...]:
    """The way as steps of a trace, without its first state."""
    return tuple(Step(each.action, each.arguments, each.state.values) for each in tuple(way)[1:])


def cut(layer: Layer) -> None:
    """Make the candidates of a layer forget what lies before them."""
    for candidate in layer.values():
        candidate.before = None


def _back(candidate: Candidate | None) -> Iterator[Candidate]:
    while candidate is not None:
        yield candidate
        candidate = candidate.before
