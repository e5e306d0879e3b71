"""The result of handling one input."""

from collections.abc import Callable
from typing import Concatenate, NamedTuple, ParamSpec

from impl.hybrid.effects import Effect
from impl.hybrid.state import Node

__all__ = ["Outcome"]

P = ParamSpec("P")


class Outcome(NamedTuple):
    """The replica after something, and what it asks for beside `Persist`."""

    node: Node
    effects: tuple[Effect, ...] = ()

    def then(
        self, following: "Callable[Concatenate[Node, P], Outcome]", *args: P.args, **kwargs: P.kwargs
    ) -> "Outcome":
        """The result of the next thing, done to the replica as it is now, behind this one."""
        node, effects = following(self.node, *args, **kwargs)
        return Outcome(node, (*self.effects, *effects))

    def saying(self, *effects: Effect) -> "Outcome":
        """The same with these effects behind."""
        return Outcome(self.node, (*self.effects, *effects))
