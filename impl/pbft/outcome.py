"""The result of handling one input."""

from collections.abc import Callable
from typing import NamedTuple

from impl.pbft.effects import Effect, Refused, Why
from impl.pbft.inputs import Input
from impl.pbft.messages import Message
from impl.pbft.state import Node

__all__ = ["Outcome", "Refusal", "refused"]


class Outcome(NamedTuple):
    """The replica after an input, and what it asks for beside `Persist` and the timer.

    One input may complete several steps of the spec; their effects are in their order.
    """

    node: Node
    effects: tuple[Effect, ...] = ()

    def then(self, following: "Callable[[Node], Outcome]") -> "Outcome":
        """The result of the next step, behind this one."""
        node, effects = following(self.node)
        return Outcome(node, (*self.effects, *effects))


class Refusal(NamedTuple):
    """Why a message is not taken; the attributes are those of `effects.Refused`."""

    why: Why
    reason: str
    conflicting: Message | None = None


def refused(node: Node, inp: Input, refusal: Refusal) -> Outcome:
    """The replica as it was, and the reason for its host."""
    return Outcome(node, (Refused(inp, refusal.why, refusal.reason, refusal.conflicting),))
