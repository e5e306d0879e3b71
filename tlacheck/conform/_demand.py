"""The constraint that one event of a log puts on a spec step and on the state after it.

An event constrains its action, arguments or fields of them (`message.term`), whole variables (`state`),
and the values of variables at its node (`local`). Everything else is unconstrained.

An event that names no action is an observation: it fits where the values fit, immediately or after one
step of any action.
"""

from collections.abc import Iterator
from typing import Final

import attrs
from immutabledict import immutabledict

from tlacheck.errors import TraceError
from tlacheck.runlog import Event
from tlacheck.tlc.oracle import EVENT, OracleState, SpecOracle, Successor
from tlacheck.trace import State
from tlacheck.values import ModelValue, Value, differences, same, to_tla

__all__ = ["Demand", "Difference", "call"]

#: A value that no spec has, for a missing part.
_ABSENT: Final = None


@attrs.frozen
class Difference:
    """A smallest part of a state in which spec and log differ.

    Attributes:
        part: the part, in TLA+: `log[n1][2].term`.
        expected: what the spec has there; None if there is no such part.
        found: what the log has there; None if there is no such part.
    """

    part: str
    expected: Value | None
    found: Value | None

    def __str__(self) -> str:
        return f"{self.part}: the spec has {to_tla(self.expected)}, the log has {to_tla(self.found)}"


class Demand:
    """The constraint of an event, compiled to be tested against many states.

    Args:
        oracle: the spec.
        event: the event.
        number: its place in the log, for messages.

    Raises:
        TraceError: the event names a variable or a value that the spec has not got.
    """

    def __init__(self, oracle: SpecOracle, event: Event, number: int) -> None:
        self.event = event
        self.number = number
        self._oracle = oracle
        if strangers := [name for name in event.local if name not in oracle.variables]:
            raise TraceError(
                f"event {number}: {oracle.spec.module} has no variable {', '.join(strangers)}; "
                f"it has {', '.join(oracle.variables)}"
            )
        try:
            self._view = oracle.view(event.state) if event.state else ()
        except TraceError as error:
            raise TraceError(f"event {number}: {error}") from None
        self._arguments = immutabledict(
            (name, value) for name, value in event.arguments.items() if "." not in name
        )
        self._has_fields = len(self._arguments) < len(event.arguments)

    @property
    def is_observation(self) -> bool:
        """True if no action is known, so that no step needs to have been taken."""
        return not self.event.action

    def steps(self, before: OracleState) -> Iterator[Successor]:
        """Yield the steps from `before` that fit.

        Raises:
            SpecError: TLC cannot evaluate an action in this state.
            TraceError: `local` gives the value of a variable that is no function.
        """
        return (
            step
            for step in self._oracle.successors(before, self.event.action or None, self._arguments)
            if not (self._has_fields and self.other_arguments(step)) and self.fits(step.state)
        )

    def other_arguments(self, step: Successor) -> tuple[Difference, ...]:
        """Return the arguments, or fields of arguments, in which `step` differs from the event."""
        pairs = [(name, _part(step.arguments, name), value) for name, value in self.event.arguments.items()]
        return tuple(Difference(*pair) for pair in pairs if not same(pair[1], pair[2]))

    def fits(self, state: OracleState) -> bool:
        """Return whether the values in `state` are those of the event.

        Raises:
            TraceError: `local` gives the value of a variable that is no function.
        """
        if self._view:
            key = state.key
            if any(key[index] != wanted for index, wanted in self._view):
                return False
        return all(
            same(self._at_node(name, state.value(name)), value) for name, value in self.event.local.items()
        )

    def differences(self, state: OracleState) -> tuple[Difference, ...]:
        """Return the smallest parts in which `state` differs from the event; none if it fits."""
        event = self.event
        pairs = [(name, state.value(name), value) for name, value in event.state.items()]
        pairs += [
            (f"{name}[{to_tla(event.node)}]", self._at_node(name, state.value(name)), value)
            for name, value in event.local.items()
        ]
        return tuple(
            Difference(part, left, right)
            for path, expected, found in pairs
            for part, left, right in differences(expected, found, path)
        )

    def imposed_on(self, state: OracleState) -> State:
        """Return `state` with the event's known values in place."""
        event = self.event
        values = dict(state.values) | dict(event.state)
        for name, value in event.local.items():
            values[name] = _replaced(values[name], event.node, value)
        if self._oracle.has_event and event.action and EVENT not in event.state:
            values[EVENT] = immutabledict({**self._arguments, "action": event.action})
        return State(values)

    def arguments_over(self, step: Successor | None) -> immutabledict[str, Value]:
        """Return the arguments of the event, completed from `step` where unknown."""
        known = {} if step is None else dict(step.arguments)
        return immutabledict({**known, **self._arguments})

    def __str__(self) -> str:
        event = self.event
        what = call(event.action, event.arguments) if event.action else "an observation"
        where = "" if event.node is None else f" at {to_tla(event.node)}"
        known = [f"{name} = {to_tla(value)}" for name, value in event.state.items()]
        known += [f"{name}[{to_tla(event.node)}] = {to_tla(value)}" for name, value in event.local.items()]
        return f"{what}{where}, after it {', '.join(known)}" if known else f"{what}{where}"

    def _at_node(self, name: str, value: Value) -> Value | None:
        node = self.event.node
        match value:
            case tuple():
                return value[node - 1] if type(node) is int and 1 <= node <= len(value) else _ABSENT
            case immutabledict():
                if isinstance(node, str) and node not in value and ModelValue(node) in value:
                    raise TraceError(
                        f'event {self.number}: its node is the string "{node}", and {name} has values '
                        "at the model "
                        f'value {node}: write {{"#model": "{node}"}}'
                    )
                return value.get(node, _ABSENT)
            case _:
                raise TraceError(
                    f'event {self.number}: "local" gives a value of {name} at {to_tla(node)}, and {name} is '
                    f'{to_tla(value)}, no function on nodes: give it in "state"'
                )


def call(action: str, arguments: immutabledict[str, Value]) -> str:
    """Format a step: `Receive(from = n1)`."""
    return f"{action}({', '.join(f'{name} = {to_tla(value)}' for name, value in arguments.items())})"


def _part(arguments: immutabledict[str, Value], path: str) -> Value | None:
    """Return an argument, a field of one, or a field of that: `message.term`."""
    if path in arguments:
        return arguments[path]
    value: Value | None = arguments
    for name in path.split("."):
        value = value.get(name, _ABSENT) if isinstance(value, immutabledict) else _ABSENT
    return value


def _replaced(function: Value, argument: Value, value: Value) -> Value:
    """Return the function with another value at `argument`, if `argument` is in its domain."""
    if isinstance(function, tuple):
        if type(argument) is not int or not 1 <= argument <= len(function):
            return function
        return (*function[: argument - 1], value, *function[argument:])
    return function.set(argument, value) if argument in function else function
