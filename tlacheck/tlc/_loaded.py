"""The parts of a spec loaded into TLC that explanations and evaluations need.

The oracle offers both as methods and passes itself. They know it by these protocols only, so the
imports go one way.
"""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from tlacheck.tlc._construct import Constructor
from tlacheck.tlc._staging import Stage
from tlacheck.tlc._steps import Steps
from tlacheck.tlc.spec import Spec

__all__ = ["LoadedSpec", "LoadedState"]


class LoadedState(Protocol):
    """A state of a loaded spec."""

    @property
    def java(self) -> Any:
        """The state as TLC's own object."""


class LoadedSpec(Protocol):
    """A spec that TLC has loaded in this process."""

    spec: Spec
    _stage: Stage
    _tool: Any
    _steps: Steps
    _construct: Constructor
    _definitions: dict[tuple[str, int], Any]

    @property
    def _actions(self) -> Sequence[Any]:
        """The disjuncts into which TLC splits the next-state relation."""

    def _evaluate(self, evaluation: Callable[[Any], Any]) -> Any:
        """Return `evaluation(tool)`; raise a failure of TLC as a `SpecError`."""
