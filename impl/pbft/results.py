"""The result of handling one input, beside `Persist` and the timer.

One input may complete several steps of the spec; their effects are in their order.
"""

from typing import NamedTuple, TypeAlias

from impl.common import StepResult
from impl.pbft.effects import Effect, Refused, Why
from impl.pbft.inputs import Input
from impl.pbft.messages import Message
from impl.pbft.state import Node

__all__ = ["Refusal", "Result", "StepResult", "refused"]

Result: TypeAlias = StepResult[Node, Effect]


class Refusal(NamedTuple):
    """The reason why a message is rejected, with the attributes of `effects.Refused`."""

    why: Why
    reason: str
    conflicting: Message | None = None


def refused(node: Node, inp: Input, refusal: Refusal) -> Result:
    """The replica as it was, and the reason for its host."""
    return StepResult(node, (Refused(inp, refusal.reason, refusal.why, refusal.conflicting),))
