"""The result of handling one input, beside `Persist` and the timer.

One input may complete several steps of the spec; their effects are in their order.
"""

from typing import TypeAlias

from impl.common import StepResult
from impl.hotstuff.effects import Effect, Refused, Why
from impl.hotstuff.inputs import Input
from impl.hotstuff.state import Node

__all__ = ["Result", "StepResult", "refused"]

Result: TypeAlias = StepResult[Node, Effect]


def refused(node: Node, inp: Input, why: Why, reason: str) -> Result:
    """The replica as it was, and the reason for its host."""
    return StepResult(node, (Refused(inp, reason, why),))
