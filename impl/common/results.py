"""The result of one step of a protocol core, and every core's answer to an input that it rejects."""

from collections.abc import Callable
from typing import Concatenate, Generic, NamedTuple, ParamSpec, TypeVar

import attrs

__all__ = ["Refused", "StepResult"]

_State = TypeVar("_State")
_Effect_co = TypeVar("_Effect_co", covariant=True)
_Further = TypeVar("_Further")
_More = TypeVar("_More")
_P = ParamSpec("_P")


class StepResult(NamedTuple, Generic[_State, _Effect_co]):
    """The state of a core after an input, and the effects for its host.

    Attributes:
        state: after the step.
        effects: to be carried out in order.
    """

    state: _State
    effects: tuple[_Effect_co, ...] = ()

    def then(
        self,
        following: "Callable[Concatenate[_State, _P], StepResult[_State, _More]]",
        *args: _P.args,
        **kwargs: _P.kwargs,
    ) -> "StepResult[_State, _Effect_co | _More]":
        """The result of another step of the same input, its effects behind those of this one.

        Args:
            following: the step, of the state so far and of what follows here.
            args: its other arguments.
            kwargs: the same, by name.
        """
        state, effects = following(self.state, *args, **kwargs)
        return StepResult(state, (*self.effects, *effects))

    def with_effects(self, *effects: _Further) -> "StepResult[_State, _Effect_co | _Further]":
        """The same state, and further effects behind those of this result."""
        return StepResult(self.state, (*self.effects, *effects))


@attrs.frozen
class Refused:
    """An input was rejected, and the core is unchanged. Malformed inputs are rejected too; nothing is raised.

    Those of PBFT and HotStuff add the kind of reason, which tells the guard whether it may be evidence.

    Attributes:
        input: the rejected input.
        reason: the rejection reason, for a human.
    """

    input: object
    reason: str
