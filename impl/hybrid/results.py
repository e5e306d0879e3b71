"""The result of handling one input, beside `Persist`."""

from typing import TypeAlias

from impl.common import StepResult
from impl.hybrid.effects import Effect
from impl.hybrid.state import Node

__all__ = ["Result", "StepResult"]

Result: TypeAlias = StepResult[Node, Effect]
