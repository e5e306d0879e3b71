"""Spec states that fit a log so far, each with a behaviour that leads there.

Each candidate points to the one before it, so that the behaviour can be recovered. Only the candidates
of the last events are kept: `cut` drops what lies before them, so memory stays constant however long
the log is.
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
    """A state that fits, and the step that reached it.

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


#: The identity of a candidate: its state without the variable `event`, on which nothing depends.
Place: TypeAlias = tuple[int, ...]

#: The candidates after an event, each place once.
Layer: TypeAlias = dict[Place, Candidate]


@attrs.frozen
class HiddenStep:
    """A step that the log does not show but a behaviour fitting it takes.

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
    """Return the candidates that lead to this one, in order, as far back as they are kept."""
    return tuple(_back(candidate))[::-1]


def hidden_steps(way: Iterable[Candidate]) -> tuple[HiddenStep, ...]:
    """Return the hidden steps among them."""
    return tuple(HiddenStep(each.event, each.action, each.arguments) for each in way if each.is_hidden)


def steps_of(way: Iterable[Candidate]) -> tuple[Step, ...]:
    """Return the steps of a trace through these candidates, without its first state."""
    return tuple(Step(each.action, each.arguments, each.state.values) for each in tuple(way)[1:])


def cut(layer: Layer) -> None:
    """Make the candidates of a layer forget their predecessors."""
    for candidate in layer.values():
        candidate.before = None


def _back(candidate: Candidate | None) -> Iterator[Candidate]:
    while candidate is not None:
        yield candidate
        candidate = candidate.before
