"""Ask a spec, inside this process, what may happen next.

TLC evaluates the spec's actions on one state at a time. Successor states stay Java objects until
somebody asks for their values, and values that were read before are not read again.

State constraints bound the search of the model checker, not what the spec allows: the oracle does
not apply them.
"""

import functools
import tempfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import attrs
import jpype
from immutabledict import immutabledict

from tlacheck.engine import Engine, find_engine
from tlacheck.errors import SpecError
from tlacheck.tlc._convert import Converter
from tlacheck.tlc._diagnose import diagnose, unknown_constants
from tlacheck.tlc._event import EVENT, event_of
from tlacheck.tlc._jvm import start_jvm
from tlacheck.tlc._protocol import STAGED_CONFIG, Kind, Message
from tlacheck.tlc._staging import Stage
from tlacheck.tlc.spec import Spec
from tlacheck.trace import State
from tlacheck.values import Value, same

__all__ = ["OracleState", "SpecOracle", "Successor"]

#: Between the printed values of one state. TLA+ strings cannot hold it.
_SEPARATOR = "\x1f"


class OracleState:
    """A state of the spec. Equal to another one of the same oracle when all variables are equal.

    Attributes:
        text: the printed values, which identify the state within its oracle.
    """

    __slots__ = ("_oracle", "_values", "java", "text")

    def __init__(self, oracle: "SpecOracle", java: Any, text: str) -> None:
        self._oracle = oracle
        self._values: State | None = None
        self.java = java
        self.text = text

    @property
    def values(self) -> State:
        """All variables with their values, in the spec's order.

        Raises:
            SpecError: a variable holds what has no finite value.
        """
        if self._values is None:
            self._values = self._oracle.read(self.text)
        return self._values

    def __eq__(self, other: object) -> bool:
        return isinstance(other, OracleState) and self._oracle is other._oracle and self.text == other.text

    def __hash__(self) -> int:
        return hash(self.text)

    def __repr__(self) -> str:
        return f"OracleState({self.java})"


@attrs.frozen
class Successor:
    """One step that the spec allows.

    Attributes:
        action: the action's name, from the spec's `event` variable or else as TLC names it.
        arguments: the event's other fields, or else the constants that the action's quantifiers bind.
        state: the state after the step.
    """

    action: str
    arguments: immutabledict[str, Value]
    state: OracleState


@attrs.define
class _Action:
    """One of the disjuncts into which TLC splits the next-state relation.

    Attributes:
        java: TLC's object.
        name: the operator it comes from.
        arguments: the constants that quantifiers around it bind.
        yields: the only event action that it makes, by the naming convention; None if any.
    """

    java: Any
    name: str
    arguments: immutabledict[str, Value]
    yields: str | None


class SpecOracle:
    """Answers which states and steps a spec allows.

    One class loader a spec and configuration; loading takes some tenths of a second. Not for use
    from two threads at once.

    Attributes:
        spec: the spec and its configuration.
        engine: the TLC that answers.
        variables: the spec's variables, in the order of their declarations.
        actions: the names of the operators into which TLC splits the next-state relation.
    """

    def __init__(self, spec: Spec, *, engine: Engine | None = None) -> None:
        """Load `spec`.

        Raises:
            SpecError: TLC refuses the spec or its configuration.
            SetupError: there is no JVM or no TLC.
        """
        self.spec = spec
        self.engine = engine or find_engine()
        start_jvm()
        with tempfile.TemporaryDirectory(prefix="tlacheck-") as folder:
            self._stage = stage = Stage(spec, self.engine, Path(folder))
            try:
                make = stage.classes["tlc2.tool.impl.FastTool"]
                self._tool = make(stage.spec_folder, spec.module, STAGED_CONFIG, stage.resolver)
                self._java_actions = self._tool.getActions()
            except jpype.JException as error:
                raise diagnose(spec, tuple(stage.messages()), _text_of(error)) from None
        if strangers := stage.strangers(self._tool):
            raise unknown_constants(spec, strangers)
        self.variables: tuple[str, ...] = stage.variables(self._tool)
        printed = [str(node.getName()) for node in self._tool.getSpecProcessor().getVariablesNodes()]
        self._order = tuple(printed.index(name) for name in self.variables)
        self._event = printed.index(EVENT) if EVENT in printed else None
        self._format = functools.partial(
            jpype.JClass("java.lang.String").format, jpype.JString(_SEPARATOR.join(["%s"] * len(printed)))
        )
        field = stage.classes["tlc2.tool.TLCStateMut"].class_.getDeclaredField("values")
        field.setAccessible(True)
        self._values_of = field.get
        self._convert = Converter()
        self._actions = tuple(self._action(java) for java in self._java_actions)
        self.actions: tuple[str, ...] = tuple(dict.fromkeys(action.name for action in self._actions))
        self._invariants = tuple(
            zip(map(str, self._tool.getInvNames()), self._tool.getInvariants(), strict=True)
        )

    @property
    def has_event(self) -> bool:
        """Whether the spec records actions and arguments in a variable `event`."""
        return self._event is not None

    def initial_states(self) -> tuple[OracleState, ...]:
        """The states in which the spec may begin.

        Raises:
            SpecError: TLC cannot evaluate the initial predicate.
        """
        try:
            states = self._tool.getInitStates()
        except jpype.JException as error:
            raise self._refusal(error, lambda tool: tool.getInitStates()) from None
        return tuple(dict.fromkeys(self._states(states)))

    def successors(
        self, state: OracleState, action: str | None = None, arguments: Mapping[str, Value] | None = None
    ) -> tuple[Successor, ...]:
        """The steps that the spec allows from `state`, each once.

        Args:
            state: a state of this oracle.
            action: only steps of this action. Of a spec with an `event` variable, TLC actions called
                `<other action>Event` are not even evaluated.
            arguments: only steps with these arguments; others may be there too.

        Raises:
            SpecError: TLC cannot evaluate an action in this state.
        """
        found: dict[Successor | OracleState, Successor] = {}
        for candidate in self._actions:
            if action is not None and candidate.yields not in (None, action):
                continue
            try:
                states = self._tool.getNextStates(candidate.java, state.java)
            except jpype.JException as error:
                again = functools.partial(_next_states, action=candidate.java, state=state.java)
                raise self._refusal(error, again) from None
            for after in self._states(states):
                step = self._step(candidate, after)
                if action is not None and step.action != action:
                    continue
                if arguments and not _carries(step.arguments, arguments):
                    continue
                # With an event the state says all; without one two actions may lead to the same state.
                found.setdefault(after if self.has_event else step, step)
        return tuple(found.values())

    def violated_invariants(self, state: OracleState) -> tuple[str, ...]:
        """The names of the configuration's invariants that do not hold in `state`.

        Raises:
            SpecError: TLC cannot evaluate an invariant in this state.
        """
        violated: list[str] = []
        for name, java in self._invariants:
            try:
                holds = self._tool.isValid(java, state.java)
            except jpype.JException as error:
                again = functools.partial(_is_valid, predicate=java, state=state.java)
                raise self._refusal(error, again) from None
            if not holds:
                violated.append(name)
        return tuple(violated)

    def read(self, text: str) -> State:
        """The state that is printed as `text`, for `OracleState.values`."""
        texts = text.split(_SEPARATOR)
        convert = self._convert
        return State(
            (name, convert(texts[index])) for name, index in zip(self.variables, self._order, strict=True)
        )

    def _states(self, states: Any) -> Iterable[OracleState]:
        for index in range(states.size()):
            java = states.elementAt(index)
            java.deepNormalize()  # members in one order, so that equal states print alike
            values = self._values_of(java)
            text = str(self._format(values))
            if "null" in text and not java.allAssigned():
                names = ", ".join(sorted(str(node.getName()) for node in java.getUnassigned()))
                raise SpecError(
                    f"a step of {self.spec.module} leaves {names} without a value: the action says nothing about it"
                )
            yield OracleState(self, java, text)

    def _step(self, origin: _Action, after: OracleState) -> Successor:
        if self._event is not None:
            event = event_of(self._convert(after.text.split(_SEPARATOR)[self._event]))
            if event is not None:
                name, arguments = event
                if origin.yields not in (None, name):
                    message = f"the action {origin.name} records the event {name}; rename one of them, so that the event of"
                    raise SpecError(f"{message} an action <Name>Event is <Name>")
                return Successor(name, arguments, after)
        return Successor(origin.name, origin.arguments, after)

    def _action(self, java: Any) -> _Action:
        name = str(java.getName())
        if self._event is None:
            yields: str | None = name
        else:
            yields = name.removesuffix("Event") if name.endswith("Event") and name != "Event" else None
        return _Action(java, name, self._bound(java.con), yields)

    def _bound(self, context: Any) -> immutabledict[str, Value]:
        """The constants that a TLC context binds, outermost quantifier first."""
        kind = self._stage.classes["tlc2.util.Context"].class_
        name_field, value_field, next_field = (
            kind.getDeclaredField(name) for name in ("name", "value", "next")
        )
        for field in (name_field, value_field, next_field):
            field.setAccessible(True)
        pairs: list[tuple[str, Value]] = []
        while context is not None:
            name, value = name_field.get(context), value_field.get(context)
            if name is not None and value is not None:
                pairs.append((str(name.getName()), self._convert(str(value.toString()))))
            context = next_field.get(context)
        return immutabledict(reversed(pairs))

    def _refusal(self, error: Any, again: Callable[[Any], Any]) -> SpecError:
        """What `error` means; the evaluation is done `again`, slowly, with a tool that notes where it fails."""
        stack = ""
        slow = self._stage.classes["tlc2.tool.impl.CallStackTool"](self._tool)
        try:
            again(slow)
        except jpype.JException:
            stack = str(slow.toString())
        messages = (Message(1000, Kind.ERROR, _text_of(error)), Message(2103, Kind.ERROR, stack))
        return diagnose(self.spec, messages)


def _next_states(tool: Any, action: Any, state: Any) -> Any:
    return tool.getNextStates(action, state)


def _is_valid(tool: Any, predicate: Any, state: Any) -> Any:
    return tool.isValid(predicate, state)


def _text_of(error: Any) -> str:
    """What a Java exception says, in the words in which TLC reports it."""
    kind = str(error.getClass().getName())
    message = error.getMessage()
    text = "" if message is None else str(message)
    if kind.startswith(("tlc2.", "util.")):
        return text
    return f"TLC threw an unexpected exception. The exception was a {kind}\n: {text}"


def _carries(found: Mapping[str, Value], wanted: Mapping[str, Value]) -> bool:
    return all(name in found and same(found[name], value) for name, value in wanted.items())
