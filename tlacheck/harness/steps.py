"""Steps of the spec, as a declaration names them."""

from collections.abc import Mapping
from typing import TypeAlias

import attrs
from immutabledict import immutabledict

from tlacheck.values import Value

__all__ = ["AnyOrder", "SpecStep", "SpecSteps", "any_order", "spec_step"]


@attrs.frozen
class SpecStep:
    """One step of the spec.

    Attributes:
        action: the name of the action.
        arguments: some of its arguments, or all.
        operator: the operator of the spec that takes the step when it is given all arguments, in their order.
            Then nothing is enumerated: sets of arguments may be endless. Empty to look among the steps that
            the spec allows.
        is_optional: True if the node may have taken it or not; it is taken if the spec allows it.
    """

    action: str
    arguments: Mapping[str, Value] = immutabledict()
    operator: str = ""
    is_optional: bool = False

    def by(self, operator: str) -> "SpecStep":
        """The same step, taken by this operator of the spec."""
        return attrs.evolve(self, operator=operator)

    @property
    def optional(self) -> "SpecStep":
        """The same step, if the spec allows it."""
        return attrs.evolve(self, is_optional=True)


@attrs.frozen
class AnyOrder:
    """Steps in an order chosen by the spec: the first that it allows, then the first of the rest."""

    steps: tuple[SpecStep, ...]


#: What a step of a node is in the spec, one after the other.
SpecSteps: TypeAlias = SpecStep | AnyOrder


def spec_step(action: str, /, **arguments: Value) -> SpecStep:
    """One step of the spec: an action with some of its arguments, or all."""
    return SpecStep(action, immutabledict(arguments))


def any_order(*steps: SpecStep) -> AnyOrder:
    """Steps of which the spec decides the order."""
    return AnyOrder(steps)
