"""Traces: the steps of a spec, a solver, a fuzzer or a running system, in one format.

A `Trace` is an initial `State` and the `Step`s after it. Whatever produced it (TLC, the oracle, a
replay, a stateful test) fills the same fields, so every tool that reads one reads all.
"""

import attrs
from immutabledict import immutabledict

from tlacheck.errors import Location, SpecError
from tlacheck.values import Function, Value

__all__ = ["EvaluationError", "Origin", "State", "Step", "Trace", "Violation"]

#: A state: spec variable -> value.
State = Function


@attrs.frozen
class Step:
    """One action and the state after it.

    Attributes:
        action: the action's name in the spec; empty when it is not known.
        arguments: argument name -> value, as the spec's `event` variable gives them.
        state: the state after the action.
    """

    action: str
    arguments: immutabledict[str, Value]
    state: State


@attrs.frozen(kw_only=True)
class Violation:
    """The violation that a trace shows.

    Attributes:
        property: the name of the property, or what else was expected ("conforms to Raft").
        step: the number of the step that broke it; 0 is the initial state. None if the whole
            behaviour is at fault (a liveness property).
        explanation: lines for a person: what was expected there and what was found.
        expected: at a step where a system left its spec, the state that the spec demands.
    """

    property: str
    step: int | None
    explanation: tuple[str, ...] = ()
    expected: State | None = None


@attrs.frozen(kw_only=True)
class Origin:
    """The source of a trace, with everything needed to produce it again.

    Attributes:
        source: the producer: "tlc", "oracle", "replay", "stateful".
        spec: the root module's file, relative to the folder where it was made.
        config: the TLC configuration's file.
        engine: the version and checksum of the TLC that was used.
        seed: the seed, where there is one.
        command: the exact command that makes this trace again; empty if there is none.
        versions: name -> version of what else took part.
    """

    source: str
    spec: str = ""
    config: str = ""
    engine: str = ""
    seed: int | None = None
    command: str = ""
    versions: immutabledict[str, str] = attrs.field(factory=immutabledict)


@attrs.frozen(kw_only=True)
class Trace:
    """An initial state and the steps after it.

    Attributes:
        initial: the state before the first step.
        steps: the steps, in order.
        origin: where it comes from.
        loop: for a lasso, the number of the state that follows the last one; None if finite.
        violation: what the trace shows to be wrong; None for a witness or a plain run.
    """

    initial: State
    steps: tuple[Step, ...]
    origin: Origin
    loop: int | None = None
    violation: Violation | None = None

    @property
    def states(self) -> tuple[State, ...]:
        """All states: `states[0]` is the initial one, `states[k]` the one after step k."""
        return (self.initial, *(step.state for step in self.steps))

    @property
    def variables(self) -> tuple[str, ...]:
        """The names of the spec variables, in the spec's order."""
        return tuple(self.initial)

    def __len__(self) -> int:
        """Return the number of steps."""
        return len(self.steps)

    def __bool__(self) -> bool:
        """Return True: a trace without steps is a trace too."""
        return True


class EvaluationError(SpecError):
    """TLC could not evaluate an expression of the spec in a state that it had reached.

    Attributes:
        trace: the states up to the one in which the evaluation failed.
    """

    def __init__(self, message: str, location: Location | None, trace: Trace) -> None:
        super().__init__(message, location)
        self.trace = trace
