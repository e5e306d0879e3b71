"""The kinds of failure of a step, and the test whether two failures are the same.

A system that takes a step of its spec can fail in five ways:

| kind       | the spec                | the system                                                          |
|------------|-------------------------|---------------------------------------------------------------------|
| differs    | allows the step         | takes it, and shows a state that the spec has not                   |
| refuses    | allows the step         | has no such input                                                   |
| crashes    | allows the step         | raises an exception of its own                                      |
| disallowed | does not allow the step | takes it                                                            |
| breaks     | allows the step         | takes it, and breaks a `StateProperty` of the user |

Two failures are the same when kind and action agree and, for states that differ, at least one variable
differs in both; for crashes, the exception has the same type; for disallowed steps, both change what
the system shows or neither does; for properties, the property is the same, whatever action broke it.
Values, nodes and the number of variables may change: a shorter run has fewer of them. This rule decides
whether a run may be made smaller; a looser one would turn one bug into another on the way.
"""

import enum
from collections.abc import Callable, Iterable
from typing import Final

import attrs

from tlacheck.conform.comparison import deviations, observed
from tlacheck.conform.replay import conformance
from tlacheck.conform.system import Crashed, NotPossible, System, attempt
from tlacheck.tlc.oracle import Successor
from tlacheck.trace import State, Violation
from tlacheck.values import same

__all__ = ["Failure", "Kind", "StateProperty", "StepCheck", "take"]


class Kind(enum.Enum):
    """The kinds of failure of a step."""

    DIFFERS = "differs"
    REFUSES = "refuses"
    CRASHES = "crashes"
    DISALLOWED = "disallowed"
    BREAKS = "breaks"


@attrs.frozen
class StateProperty:
    """A property of every state that a system shows, beyond the spec.

    Attributes:
        name: for reports.
        wrong: what is wrong with a state, in lines for a person; empty if it holds.
    """

    name: str
    wrong: Callable[[State], tuple[str, ...]]


@attrs.frozen(kw_only=True)
class Failure:
    """The failure of one step.

    Attributes:
        kind: the way in which it failed.
        action: the spec action that was taken.
        variables: of states that differ, the spec variables that do.
        error: of a crash, the type of the exception; of a system that hung or whose process ended, of the
            finding; of a property that is broken, its name.
        moved: of a disallowed step, whether what the system shows has changed.
        explanation: lines for a person.
        expected: the whole state that the spec demands; None if it allows no such step.
    """

    kind: Kind
    action: str
    variables: frozenset[str] = frozenset()
    error: str = ""
    moved: bool = False
    explanation: tuple[str, ...]
    expected: State | None

    def is_like(self, other: "Failure") -> bool:
        """Return whether both are the same failure, by the rule of this module."""
        if Kind.BREAKS in {self.kind, other.kind}:
            return (self.kind, self.error) == (other.kind, other.error)
        return (
            (self.kind, self.action, self.error, self.moved)
            == (other.kind, other.action, other.error, other.moved)
        ) and (self.kind is not Kind.DIFFERS or not self.variables.isdisjoint(other.variables))

    def violation(self, spec: str, step: int) -> Violation:
        """Return the failure as a trace's violation, at step number `step` of a run of `spec`."""
        return Violation(
            property=conformance(spec), step=step, explanation=self.explanation, expected=self.expected
        )


@attrs.frozen
class StepCheck:
    """The outcome of one step.

    Attributes:
        found: what the system shows after it; before it, if the system did not take it.
        taken: the step of the spec that it fits; None if it failed.
        failure: what is wrong; None if nothing is.
    """

    found: State
    taken: Successor | None
    failure: Failure | None


_NOTHING: Final[tuple[Successor, ...]] = ()


def take(
    system: System,
    before: State,
    chosen: Successor,
    others: Callable[[], Iterable[Successor]] = lambda: _NOTHING,
) -> StepCheck:
    """Let the system take a step that the spec allows, and compare the state it shows with the spec.

    Args:
        system: the system, in the state before the step.
        before: what it shows there.
        chosen: the step.
        others: asked only if the system did not do as `chosen`: the spec's other steps of that action with
            the same arguments, of which any is as right.

    Raises:
        AdapterError: the adapter breaks its contract.
    """
    action = chosen.action
    try:
        attempt(system, action, chosen.arguments)
    except NotPossible as refusal:
        crashed = isinstance(refusal, Crashed)
        failure = Failure(
            kind=Kind.CRASHES if crashed else Kind.REFUSES,
            action=action,
            error=type(refusal.__cause__ or refusal).__name__ if crashed else "",
            explanation=(f"the spec takes {action}, the system cannot: {refusal}",),
            expected=chosen.state.values,
        )
        return StepCheck(before, None, failure)
    found = observed(system)
    expected = chosen.state.values
    lines = deviations(expected, found)
    if not lines:
        return StepCheck(found, chosen, None)
    for other in others():
        lines_of_other = deviations(other.state.values, found)
        if not lines_of_other:
            return StepCheck(found, other, None)
        if len(lines_of_other) < len(lines):
            expected, lines = other.state.values, lines_of_other
    failure = Failure(
        kind=Kind.DIFFERS,
        action=action,
        variables=frozenset(name for name in found if not same(expected[name], found[name])),
        explanation=(f"after {action}, {len(lines)} part(s) of the state differ:", *lines),
        expected=expected,
    )
    return StepCheck(found, None, failure)
