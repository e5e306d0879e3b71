"""Lockstep: a system and its spec side by side, step by step, with the oracle as the judge.

The caller (a Hypothesis state machine, a random walk, a simulator) decides what happens next and calls
`Lockstep.perform`. The run is recorded as it goes, so the trace of a failure exists by the time the
failure is noticed.
"""

from collections.abc import Mapping
from pathlib import Path

import attrs
from immutabledict import immutabledict

from tlacheck import __version__
from tlacheck.conform.comparison import deviations, observed
from tlacheck.conform.replay import conformance
from tlacheck.conform.system import Crashed, System, attempt
from tlacheck.tlc.oracle import OracleState, SpecOracle
from tlacheck.trace import Origin, State, Step, Trace, Violation
from tlacheck.values import Value, to_tla

__all__ = ["Diverged", "Lockstep"]


class Diverged(AssertionError):
    """A run left its spec or broke a property.

    Attributes:
        trace: the run up to and with the step at fault; `trace.violation` says what is wrong.
        path: the file that holds the trace; None as long as nobody has written it.
    """

    def __init__(self, trace: Trace) -> None:
        self.trace = trace
        self.path: Path | None = None
        violation = trace.violation
        lines = violation.explanation if violation else ()
        name = violation.property if violation else "?"
        step = f" at step {violation.step}" if violation and violation.step is not None else ""
        super().__init__("\n".join((f"{name}: violated{step}", *lines)))


class Lockstep:
    """One run of a system, each step judged by the spec.

    Args:
        system: the system; it is reset.
        oracle: the spec, which must have one initial state that the system can start in.
        judged: whether the oracle is asked at all. Without it the run is only recorded.
        seed: written into the trace's origin.
        command: the command that makes this run again, written into the trace's origin.
    """

    def __init__(
        self,
        system: System,
        oracle: SpecOracle,
        *,
        judged: bool = True,
        seed: int | None = None,
        command: str = "",
    ) -> None:
        self.system = system
        self._oracle = oracle
        self._spec_state: OracleState = oracle.initial_states()[0]
        self._judged = judged
        self._origin = Origin(
            source="lockstep",
            spec=str(oracle.spec.path),
            config=str(oracle.spec.config),
            engine=oracle.engine.label,
            seed=seed,
            command=command,
            versions=immutabledict({"tlacheck": __version__}),
        )
        system.reset(self._spec_state.values)
        self._initial = observed(system)
        self._steps: list[Step] = []
        if judged and (lines := deviations(self._spec_state.values, self._initial)):
            self.fail(conformance(oracle.spec.path.stem), ("initially, the states differ:", *lines))

    @property
    def state(self) -> State:
        """The state that the system shows now."""
        return self._steps[-1].state if self._steps else self._initial

    @property
    def spec_state(self) -> OracleState:
        """The spec's current state; its first one if the run is not judged."""
        return self._spec_state

    @property
    def trace(self) -> Trace:
        """The run so far."""
        return Trace(initial=self._initial, steps=tuple(self._steps), origin=self._origin)

    def perform(self, action: str, arguments: Mapping[str, Value]) -> State:
        """Take one step on both sides.

        Returns:
            What the system shows after it.

        Raises:
            Diverged: if the spec has no such step from here, or it leads elsewhere, or the system
                raises an exception of its own.
            NotPossible: if the system has no such input; nothing has happened then.
            AdapterError: if the adapter breaks its contract.
        """
        try:
            attempt(self.system, action, arguments)
        except Crashed as crash:
            self._steps.append(Step(action, immutabledict(arguments), self.state))
            self.fail(
                conformance(self._oracle.spec.path.stem), (f"the system cannot take {action}: {crash}",)
            )
        found = observed(self.system)
        self._steps.append(Step(action, immutabledict(arguments), found))
        if self._judged:
            self._judge(action, arguments, found)
        return found

    def _judge(self, action: str, arguments: Mapping[str, Value], found: State) -> None:
        name = conformance(self._oracle.spec.path.stem)
        allowed = self._oracle.successors(self._spec_state, action, arguments)
        nearest: tuple[str, ...] = ()
        for successor in allowed:
            lines = deviations(successor.state.values, found)
            if not lines:
                self._spec_state = successor.state
                return
            if not nearest or len(lines) < len(nearest):
                nearest, expected = lines, successor.state.values
        call = f"{action}({', '.join(f'{key} = {to_tla(value)}' for key, value in arguments.items())})"
        if not nearest:
            enabled = sorted({successor.action for successor in self._oracle.successors(self._spec_state)})
            self.fail(name, (f"the spec allows no {call} here.", f"enabled are: {', '.join(enabled)}"))
        self.fail(
            name,
            (f"after {action}, {len(nearest)} part(s) of the state differ:", *nearest),
            expected=expected,
        )

    def fail(
        self, prop: str, explanation: tuple[str, ...], *, expected: State | None = None, lasting: bool = False
    ) -> None:
        """End the run: `prop` does not hold.

        Args:
            prop: the property's name.
            explanation: lines for a person.
            expected: the state that the spec demands instead, if there is one.
            lasting: the whole run is at fault (liveness), not its last step.

        Raises:
            Diverged: always, with the trace.
        """
        violation = Violation(
            property=prop,
            step=None if lasting else len(self._steps),
            explanation=explanation,
            expected=expected,
        )
        raise Diverged(attrs.evolve(self.trace, violation=violation))
