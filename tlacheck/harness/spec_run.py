"""A run of the spec: its state, the steps that led there, and its use by a recorder with a memory.

A `SpecRecorder` is told what nodes do. It finds out which steps of the spec that was, and takes them, one
after the other, on its `SpecRun`: `follow` a step that must be allowed, `follow_all` steps of which the spec
decides the order, `take` one that may be. What the nodes show is compared as the recorder likes, with an
operator of the spec (`holds`) or with `compare`; at the end of a run, and before a failure is told, the
harness compares all that `SpecRecorder.observe` gives.

States stay in TLC, which shares between them what does not change. Only those that a trace shows are read.
"""

from collections import Counter, deque
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NoReturn, Protocol

import attrs
from immutabledict import immutabledict

from tlacheck.conform.comparison import deviations
from tlacheck.conform.lockstep import Diverged
from tlacheck.conform.replay import conformance
from tlacheck.harness.steps import SpecStep
from tlacheck.sim.cluster import StepRecord
from tlacheck.tlc.oracle import OracleState, SpecOracle
from tlacheck.trace import Origin, State, Step, Trace, Violation
from tlacheck.values import Value, to_tla

__all__ = ["SpecRecorder", "SpecRun", "called"]

#: So much of a step that the spec refuses is said in words; the trace has all of it.
_SAID_MAX: Final = 500


class SpecRecorder(Protocol):
    """Follows the nodes of one run in the spec; made anew for each run, with the `SpecRun` that it moves.

    Of a spec that has the network as a variable it may also have `on_lost(message)` and `on_double(message)`,
    for one copy of a message less or more, and `on_undone(record)`, for a step that a crash undid: what it
    had sent by then is on its way, and the message that it was about is lost.
    """

    def on_step(self, record: StepRecord) -> None:
        """A node took a step, Byzantine ones too. Steps that a crash undid are not told.

        Raises:
            Diverged: the spec does not allow it; `SpecRun` raises it.
            NotPossible: nothing in the spec stands for what the node did.
        """

    def on_restart(self, node: str, state: Any) -> None:
        """A node came back; raises as `on_step`."""

    def observe(self) -> Mapping[str, Value]:
        """All variables that nodes and messages show now; empty if the recorder compares all by itself."""

    def shown(self, states: Sequence[OracleState], *, is_whole: bool) -> list[State]:
        """The values of the states of a trace.

        Args:
            states: from the first that is shown to the last.
            is_whole: True if the first is the one in which the run began; else only the last steps are shown.
        """


@attrs.frozen
class _Taken:
    """A step, and the states before and after it."""

    step: SpecStep
    before: OracleState
    after: OracleState


class SpecRun:
    """One run of the spec.

    Args:
        oracle: of the spec.
        origin: where the trace comes from.
        trace_max: a trace shows at most so many steps, the last ones.

    Attributes:
        oracle: of the spec.
        at: the state that the run is in; the first initial state, until `start_at` says otherwise.
        actions: action -> how often it was taken.
        recorder: who says how the states of a trace are shown.
    """

    def __init__(self, oracle: SpecOracle, origin: Origin, *, trace_max: int) -> None:
        self.oracle = oracle
        self.at = oracle.initial_states()[0]
        self.actions: Counter[str] = Counter()
        self.recorder: SpecRecorder | None = None
        self._origin = origin
        self._name = oracle.spec.path.stem
        self._taken: deque[_Taken] = deque(maxlen=trace_max)

    @property
    def steps(self) -> int:
        """The number of steps taken."""
        return self.actions.total()

    @property
    def last(self) -> tuple[tuple[SpecStep, OracleState, OracleState], ...]:
        """The last steps, each with the states before and after it; no more than a trace shows."""
        return tuple((each.step, each.before, each.after) for each in self._taken)

    def steps_since(self, count: int) -> tuple[SpecStep, ...]:
        """The steps after the first `count` of them; no more than a trace shows."""
        fresh = self.steps - count
        return tuple(each.step for each in self._taken)[-fresh:] if fresh > 0 else ()

    def start_at(self, state: OracleState) -> None:
        """Begin in this state."""
        self.at = state

    # --- steps

    def take(
        self,
        step: SpecStep,
        *,
        after: Mapping[str, Value] | None = None,
        fits: Mapping[str, Value] | None = None,
    ) -> bool:
        """Take a step. False if the spec does not allow it.

        Args:
            step: with all arguments, in the order of its operator, which is the action unless it names
                another. If it may lead to several states, the run goes on in the first.
            after: the values of all variables after it, if they are known: then they are checked and not
                computed.
            fits: the values of some variables after it, which tell the states apart to which it may lead.
        """
        operator, arguments = step.operator or step.action, step.arguments.values()
        if after is None:
            found = self.oracle.apply(operator, self.at, *arguments)
        else:
            reached = self.oracle.state(after)
            is_allowed = self.oracle.holds(operator, self.at, *arguments, after=reached)
            found = (reached,) if is_allowed else ()
        if fits is not None:
            found = tuple(
                state for state in found if all(state.value(name) == value for name, value in fits.items())
            )
        if not found:
            return False
        self._moved(step, found[0])
        return True

    def follow(
        self,
        step: SpecStep,
        *,
        after: Mapping[str, Value] | None = None,
        fits: Mapping[str, Value] | None = None,
    ) -> None:
        """Take a step that a node took; the arguments are those of `take`.

        Raises:
            Diverged: the spec does not allow it, and it is not optional.
        """
        if not self.take(step, after=after, fits=fits) and not step.is_optional:
            self._refuse(step)

    def follow_all(self, steps: Iterable[SpecStep]) -> None:
        """Take these steps in the first order in which the spec allows them.

        Raises:
            Diverged: the spec allows none of those that are left, and one of them is not optional.
        """
        left = list(steps)
        while left:
            found = next((step for step in left if self.take(step)), None)
            if found is None:
                if needed := [step for step in left if not step.is_optional]:
                    self._refuse(needed[0])
                return
            left.remove(found)

    def _moved(self, step: SpecStep, after: OracleState) -> None:
        self._taken.append(_Taken(step, self.at, after))
        self.at = after
        self.actions[step.action] += 1

    def _refuse(self, step: SpecStep) -> NoReturn:
        self._moved(step, self.at)
        self.fail(f"the spec allows no {called(step)} here.")

    # --- comparison

    def holds(self, operator: str, *arguments: Value) -> bool:
        """Return whether an operator of the spec is true in the state that the run is in."""
        return self.oracle.holds(operator, self.at, *arguments)

    def compare(self, observed: Mapping[str, Value], when: str) -> None:
        """These variables have these values.

        Of sets, only the members in exactly one of the two are named.

        Raises:
            Diverged: they have others.
        """
        has: dict[str, Value] = {name: self.at.value(name) for name in observed}
        shows = dict(observed)
        for name, value in has.items():
            other = shows[name]
            if isinstance(value, frozenset) and isinstance(other, frozenset):
                has[name], shows[name] = value - other, other - value
        if lines := deviations(immutabledict(has), immutabledict(shows)):
            self.fail(f"{when}, the states differ:", *lines)

    # --- the end

    def fail(self, *explanation: str) -> NoReturn:
        """End the run: it left the spec.

        Raises:
            Diverged: always, with the trace.
        """
        raise Diverged(self.trace(conformance(self._name), explanation))

    def finish(self, observed: Mapping[str, Value]) -> None:
        """At the end of the run the variables are as observed, and the invariants of the configuration hold.

        Raises:
            Diverged: they are not, or one does not.
        """
        self.compare(observed, "at the end of the run")
        for name in self.oracle.violated_invariants(self.at):
            raise Diverged(self.trace(name, ("it does not hold at the end of the run",)))

    def trace(self, prop: str = "", explanation: tuple[str, ...] = ()) -> Trace:
        """The run so far; of a long one the end.

        Args:
            prop: the property that does not hold after the last step; empty if nothing is broken.
            explanation: why, in words.
        """
        taken = list(self._taken)
        states = [taken[0].before if taken else self.at, *(each.after for each in taken)]
        is_whole = self.steps == len(taken)
        shown = (
            [state.values for state in states]
            if self.recorder is None
            else self.recorder.shown(states, is_whole=is_whole)
        )
        steps = tuple(
            Step(each.step.action, immutabledict(each.step.arguments), state)
            for each, state in zip(taken, shown[1:], strict=True)
        )
        if not is_whole:
            explanation = (*explanation, f"(these are the last {len(steps)} of {self.steps:,} steps)")
        violation = Violation(property=prop, step=len(steps), explanation=explanation) if prop else None
        return Trace(initial=shown[0], steps=steps, origin=self._origin, violation=violation)


def called(step: SpecStep) -> str:
    """A step in words, shortened if it is long."""
    said = ", ".join(f"{name} = {to_tla(value)}" for name, value in step.arguments.items())
    said = said if len(said) <= _SAID_MAX else f"{said[:_SAID_MAX]}..."
    return f"{step.action}({said})"
