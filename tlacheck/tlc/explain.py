r"""Explanation of a step that a spec does not allow: for each action, the conjunct that is false.

TLC itself says whether an action allows the step. If none does, a walk over each action's body finds
the way through it that comes nearest: the disjuncts, and the members for `\E`, with which the fewest
conjuncts fail. The first conjunct that fails there is the explanation.
"""

from typing import Any

import attrs
import jpype
from immutabledict import immutabledict

from tlacheck.errors import Location, SpecError
from tlacheck.tlc._event import EVENT, event_of
from tlacheck.tlc._formula import Formula, Reader
from tlacheck.tlc._loaded import LoadedSpec, LoadedState
from tlacheck.tlc._reason import because, short
from tlacheck.tlc._steps import Steps
from tlacheck.tlc._walk import Walk, Way, nearness
from tlacheck.values import Value, to_tla

__all__ = ["Explanation", "explain"]


@attrs.frozen(kw_only=True, repr=False)
class Explanation:
    """The explanation of a step by one action.

    Attributes:
        action: the name of the operator, as in `SpecOracle.actions`.
        arguments: the constants that quantifiers around the action bind.
        witness: the values that quantifiers within the action bind, on the way that comes nearest to the
            step.
        allowed: whether the action allows the step.
        reason: how step and action disagree: the end of a sentence that begins with the action.
        conjunct: the conjunct that fails, as it reads in the spec; empty if the step is allowed.
        location: where the conjunct stands; where the action stands if no conjunct fails.
        values: the variables on which the conjunct depends, each with its values before and after the step;
            None stands for a value that is not known.
        passed: how many conjuncts hold on that way.
        failed: how many fail.
    """

    action: str
    arguments: immutabledict[str, Value]
    witness: immutabledict[str, Value] = attrs.field(factory=immutabledict)
    allowed: bool = False
    reason: str
    conjunct: str = ""
    location: Location
    values: immutabledict[str, tuple[Value | None, Value | None]] = attrs.field(factory=immutabledict)
    passed: int = 0
    failed: int = 0

    def __str__(self) -> str:
        pairs = {**self.arguments, **self.witness}.items()
        bound = ", ".join(f"{name} |-> {short(to_tla(value))}" for name, value in pairs)
        return f"{self.action}{f'({bound})' if bound else ''} {self.reason}, at {self.location}"

    def __repr__(self) -> str:
        return f"Explanation({self})"


def explain(
    oracle: LoadedSpec, before: LoadedState, after: LoadedState, *, count: int = 5
) -> tuple[Explanation, ...]:
    """Explain the step from `before` to `after`, action by action.

    Args:
        oracle: the spec.
        before: the state before the step.
        after: the state after it. A variable without a value may have any.
        count: how many explanations to give at most.

    Returns:
        If the spec allows the step, one for each action that does. If not, those of the actions that come
        nearest to it: the action that the variable `event` names in `after` first, then those of which
        fewer conjuncts fail.
    """
    tool, actions = oracle._tool, oracle._actions  # noqa: SLF001 - the oracle calls this for itself
    reader = Reader(oracle.spec, tool, oracle._stage.classes)  # noqa: SLF001 - as above
    step = _Step(reader, tool, oracle._steps, before.java, after.java)  # noqa: SLF001 - as above
    allowing = [action for action in actions if step.is_of(action)]
    if allowing:
        return tuple(step.agreement(action) for action in allowing[:count])
    event = step.event()
    ways = [(action, step.way(action)) for action in actions]
    ways.sort(
        key=lambda pair: (
            event not in (None, pair[0].yields) and pair[0].yields is not None,
            nearness(pair[1]),
        )
    )
    return tuple(step.disagreement(action, way) for action, way in ways[:count])


class _Step:
    """A step put to the actions of a spec. States are TLC's own."""

    def __init__(self, reader: Reader, tool: Any, steps: Steps, before: Any, after: Any) -> None:
        self._reader = reader
        self._tool = tool
        self._steps = steps
        self._before = before
        self._after = after
        self._walk = Walk(reader, before)
        self._known = [
            (key, value) for key in reader.variables.values() if (value := after.lookup(key)) is not None
        ]

    def is_of(self, action: Any) -> bool:
        """Return whether the action, as TLC takes it, leads from the one state to the other."""
        try:
            states = self._steps.of_action(self._tool, action.java, self._before).states
        except jpype.JException:
            return False
        return any(self._fits(states.elementAt(index)) for index in range(states.size()))

    def event(self) -> str | None:
        """Return the action that `event` names in the state after the step; None if it names none."""
        key = self._reader.variables.get(EVENT)
        value = None if key is None else self._after.lookup(key)
        event = None if value is None else event_of(self._reader.python(value))
        return None if event is None else event[0]

    def agreement(self, action: Any) -> Explanation:
        """Build the explanation by an action that allows the step."""
        way = self.way(action)
        agrees = way is not None and way.fault is None
        return Explanation(
            action=action.name,
            arguments=action.arguments,
            witness=self._witness(way) if way is not None and agrees else immutabledict(),
            allowed=True,
            reason="allows the step",
            location=self._reader.location(_body(action)),
            passed=way.passed if way is not None and agrees else 0,
        )

    def way(self, action: Any) -> Way | None:
        """Return the way through the action nearest to the step, as `Walk.nearest`."""
        return self._walk.nearest(_body(action), self._after)

    def disagreement(self, action: Any, way: Way | None) -> Explanation:
        """Explain why an action does not allow the step, given the nearest way through it."""
        reader, body = self._reader, _body(action)
        if way is None or way.fault is None:
            return Explanation(
                action=action.name,
                arguments=action.arguments,
                reason=self._obstacle(action, way),
                conjunct=reader.text(body),
                location=reader.location(body),
                failed=1,
            )
        why = because(reader, way.fault, self._before)
        if way.fault.variable is not None:
            variables: tuple[str, ...] = (way.fault.variable,)
        else:
            variables = reader.variables_in(why.formula)
        return Explanation(
            action=action.name,
            arguments=action.arguments,
            witness=self._witness(way),
            reason=why.text,
            conjunct=reader.text(why.formula),
            location=reader.location(why.formula),
            values=immutabledict((name, self._values(name)) for name in variables),
            passed=way.passed,
            failed=way.failed,
        )

    def _obstacle(self, action: Any, way: Way | None) -> str:
        """Explain why an action does not lead to the state if no conjunct of it was found to fail."""
        if way is None:
            return "does not lead there, in none of its ways; they are too many to say what each lacks"
        try:
            states = self._steps.of_action(self._tool, action.java, self._before).states
        except jpype.JException as error:
            return f"cannot be evaluated: {self._reader.complaint(error)}"
        for index in range(states.size()):
            unassigned = sorted(str(node.getName()) for node in states.elementAt(index).getUnassigned())
            if unassigned:
                return f"gives no value to {', '.join(unassigned)}"
        return "does not lead there"

    def _fits(self, state: Any) -> bool:
        if not state.allAssigned():
            return False
        return all(self._reader.equal(state.lookup(key), value) for key, value in self._known)

    def _witness(self, way: Way) -> immutabledict[str, Value]:
        return immutabledict((name, self._python(value)) for name, value in way.witness.items())

    def _values(self, name: str) -> tuple[Value | None, Value | None]:
        key = self._reader.variables[name]
        before, after = (self._python(state.lookup(key)) for state in (self._before, self._after))
        return before, after

    def _python(self, value: Any) -> Value | None:
        try:
            return None if value is None else self._reader.python(value)
        except SpecError:
            return None


def _body(action: Any) -> Formula:
    return Formula(action.java.pred, action.java.con)
