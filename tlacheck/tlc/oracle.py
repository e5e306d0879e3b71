"""Ask a spec, inside this process, what may happen next.

TLC evaluates the spec's actions on one state at a time. Successor states stay Java objects until
somebody asks for their values, and values that were read before are not read again. Every state is made whole
when TLC hands it over (`tlacheck.tlc._steps`), so it does not matter when, or in which thread, it is read.

State constraints bound the search of the model checker, not what the spec allows: the oracle does
not apply them.
"""

import functools
import itertools
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs
import jpype
from immutabledict import immutabledict

from tlacheck.engine import Engine, find_engine
from tlacheck.errors import SpecError, TraceError
from tlacheck.tlc._construct import Constructor
from tlacheck.tlc._convert import Converter
from tlacheck.tlc._diagnose import diagnose, unknown_constants
from tlacheck.tlc._event import EVENT, event_of
from tlacheck.tlc._java import bound_constants, call_stack, complaint, field_of, words_of
from tlacheck.tlc._jvm import start_jvm
from tlacheck.tlc._keys import NO_VALUE, Keys
from tlacheck.tlc._operator import Definition, action_of, evaluate_operator, holds
from tlacheck.tlc._protocol import STAGED_CONFIG
from tlacheck.tlc._staging import Stage
from tlacheck.tlc._steps import Found, Steps
from tlacheck.tlc.explain import Explanation, explain
from tlacheck.tlc.spec import Spec
from tlacheck.trace import State
from tlacheck.values import Value, same, to_tla

__all__ = ["EVENT", "OracleState", "SpecOracle", "Successor"]

#: How many values are kept once read; then reading starts over.
_KEPT_MAX = 20_000


class OracleState:
    """A state of the spec. Equal to another one of the same oracle when all variables are equal."""

    __slots__ = ("_found", "_index", "_java", "_key", "_oracle", "_values")

    def __init__(self, oracle: "SpecOracle", java: Any, found: Found | None = None, index: int = 0) -> None:
        """Wrap TLC's state `java`, or else the one at `index` of those that were `found`."""
        self._oracle = oracle
        self._java = java
        self._found = found
        self._index = index
        self._key: tuple[int, ...] | None = None
        self._values: State | None = None

    @property
    def java(self) -> Any:
        """TLC's object."""
        if self._found is not None:
            found, self._found = self._found, None  # the others are not kept for the sake of this one
            self._java = found.states.elementAt(self._index)
            if self._key is None:
                self._key = found.key(self._index)
        return self._java

    @property
    def key(self) -> tuple[int, ...]:
        """The fingerprints of the values, in TLC's order of the variables."""
        if self._key is None:
            self._key = (
                self._oracle.key_of(self._java) if self._found is None else self._found.key(self._index)
            )
        return self._key

    @property
    def place(self) -> tuple[int, ...]:
        """The `key` without the variable `event`: equal for states that differ only in `event`."""
        return self._oracle.place_of(self.key)

    @property
    def values(self) -> State:
        """All variables with their values, in the spec's order.

        Raises:
            SpecError: a variable holds what has no finite value.
        """
        if self._values is None:
            self._values = self._oracle.read(self)
        return self._values

    def value(self, name: str) -> Value:
        """The value of one variable; the others are not read.

        Raises:
            TraceError: the spec has no such variable, or it has no value in this state.
            SpecError: it holds what has no finite value.
        """
        return self._oracle.value_in(self, name)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, OracleState) and self._oracle is other._oracle and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)

    def __repr__(self) -> str:
        return "\n".join(f"/\\ {name} = {to_tla(value)}" for name, value in self.values.items())


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
                raise diagnose(spec, tuple(stage.messages()), words_of(error)) from None
        if strangers := stage.strangers(self._tool):
            raise unknown_constants(spec, strangers)
        self.variables: tuple[str, ...] = stage.variables(self._tool)
        names = [str(node.getName()) for node in self._tool.getSpecProcessor().getVariablesNodes()]
        self._order = tuple((name, names.index(name)) for name in self.variables)
        self._names = tuple(names)
        self._indices = {name: index for index, name in enumerate(names)}
        self._keys = Keys(stage.classes, len(names))
        self._event = names.index(EVENT) if EVENT in names else None
        self._events: dict[int, tuple[str, immutabledict[str, Value]] | None] = {}
        self._values_of = field_of(stage.classes["tlc2.tool.TLCStateMut"], "values").get
        self._empty = stage.classes["tlc2.tool.TLCState"].Empty
        self._unique = stage.classes["util.UniqueString"].uniqueStringOf
        self._construct = Constructor(stage.classes)
        self._definitions: dict[tuple[str, int], Definition] = {}
        self._convert = Converter(_KEPT_MAX)
        self._known: dict[int, Value] = {}
        self._actions = tuple(self._action(java) for java in self._java_actions)
        self._steps = Steps(stage.classes, self._java_actions, self._keys)
        self.actions: tuple[str, ...] = tuple(dict.fromkeys(action.name for action in self._actions))
        self._invariants = tuple(
            zip(map(str, self._tool.getInvNames()), self._tool.getInvariants(), strict=True)
        )

    @property
    def has_event(self) -> bool:
        """True if the spec records actions and arguments in a variable `event`."""
        return self._event is not None

    @property
    def step_names(self) -> tuple[str, ...] | None:
        """The action names that steps may bear (`Successor.action`), in the spec's order; None if unknown.

        Where the spec has a variable `event`, a TLC action `<Name>Event` makes steps called `<Name>`; of an
        action with any other name nobody knows what it records before it is taken.
        """
        names = [action.yields for action in self._actions]
        known = [name for name in names if name is not None]
        return tuple(dict.fromkeys(known)) if len(known) == len(names) else None

    def initial_states(self) -> tuple[OracleState, ...]:
        """The states in which the spec may begin.

        Raises:
            SpecError: TLC cannot evaluate the initial predicate.
        """
        found = self._evaluate(self._steps.initial)
        return tuple(dict.fromkeys(self._state(found, index) for index in range(len(found))))

    def state(self, values: Mapping[str, Value]) -> OracleState:
        """The spec's state in which the variables have these values; it need not be reachable.

        A variable that is not given has no value in it: such a state is a view of one.

        Raises:
            TraceError: the spec has no such variable, or TLC has no such value.
        """
        if strangers := [name for name in values if name not in self._names]:
            raise self._no_such_variable(*strangers)
        java = self._empty.createEmpty()
        for name, value in values.items():
            java.bind(self._unique(name), self._construct(value))
        return OracleState(self, java)

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
        if action is None:
            found = self._evaluate(functools.partial(self._steps.of, state=state.java))
            steps = list(self._named(found, [self._actions[number] for number in found.origins]))
        else:
            steps = []
            for candidate in self._actions:
                if candidate.yields in (None, action):
                    found = self._taken(candidate.java, state)
                    steps += self._named(found, itertools.repeat(candidate))
            steps = [step for step in steps if step.action == action]
        if arguments:
            steps = [step for step in steps if _carries(step.arguments, arguments)]
        return _each_once(steps)

    def allows(
        self,
        before: OracleState,
        after: Mapping[str, Value],
        action: str | None = None,
        arguments: Mapping[str, Value] | None = None,
    ) -> tuple[Successor, ...]:
        """The steps from `before` to a state that looks like `after`; none if the spec allows none.

        Args:
            before: a state of this oracle.
            after: values of some variables, or of all. The others may have any value.
            action: only steps of this action.
            arguments: only steps with these arguments.

        Raises:
            TraceError: the spec has no such variable, or TLC has no such value.
            SpecError: TLC cannot evaluate an action in this state.
        """
        seen = self.view(after)
        return tuple(
            step
            for step in self.successors(before, action, arguments)
            if all(step.state.key[index] == key for index, key in seen)
        )

    def view(self, values: Mapping[str, Value]) -> tuple[tuple[int, int], ...]:
        """The parts of the `OracleState.key` of a state with these values: (position, fingerprint) pairs.

        Raises:
            TraceError: the spec has no such variable, or TLC has no such value.
        """
        return tuple((index, key) for index, key in enumerate(self.state(values).key) if key != NO_VALUE)

    def explain(
        self, before: OracleState, after: OracleState | Mapping[str, Value], *, count: int = 5
    ) -> tuple[Explanation, ...]:
        """The verdict of each action on the step from `before` to `after`; see `tlacheck.tlc.explain`.

        Args:
            before: a state of this oracle.
            after: the state after the step, or values of some of its variables; the others may have any.
            count: how many explanations to give at most, the nearest first.

        Raises:
            TraceError: the spec has no such variable, or TLC has no such value.
        """
        return explain(
            self, before, after if isinstance(after, OracleState) else self.state(after), count=count
        )

    def evaluate(
        self,
        operator: str,
        state: OracleState | None = None,
        *arguments: Value,
        after: OracleState | None = None,
    ) -> Value:
        """The value of an operator that the spec defines, of a constant or of a variable.

        Args:
            operator: its name; a definition of an instance is called `Instance!Name`.
            state: the state in which to evaluate it; needed if it depends on variables.
            arguments: a value for each of its parameters.
            after: the state after a step that begins in `state`; needed if it has primed variables.

        Raises:
            SpecError: there is no such operator, it takes other arguments, TLC cannot evaluate it, or its
                value is not finite.
            TraceError: TLC has no such value.
        """
        return evaluate_operator(self, operator, state, *arguments, after=after)

    def holds(
        self,
        operator: str,
        state: OracleState | None = None,
        *arguments: Value,
        after: OracleState | None = None,
    ) -> bool:
        """Return whether an operator that the spec defines is true; as `evaluate`.

        Raises:
            SpecError: as there, or it is no boolean.
            TraceError: as there.
        """
        return holds(self, operator, state, *arguments, after=after)

    def apply(self, operator: str, state: OracleState, *arguments: Value) -> tuple[OracleState, ...]:
        """The states that an action of the spec with these arguments leads to from `state`, each once.

        None if it allows no such step. Other than `successors` this asks nothing of the next-state relation:
        the operator need not be part of it, and the sets over which its quantifiers choose arguments are
        neither enumerated nor checked. So it answers where these sets are endless, or too large; what the
        bounds demand, the operator itself must say.

        Args:
            operator: its name, as in `evaluate`.
            state: a state of this oracle.
            arguments: a value for each of its parameters.

        Raises:
            SpecError: there is no such operator, it takes other arguments, it is no action, TLC cannot
                evaluate it, or it leaves a variable without a value.
            TraceError: TLC has no such value.
        """
        action = action_of(self, operator, *arguments)
        found = self._taken(action, state)
        states = [self._state(found, index) for index in range(len(found))]
        return tuple(dict.fromkeys(states)) if len(states) > 1 else tuple(states)

    def violated_invariants(self, state: OracleState) -> tuple[str, ...]:
        """The names of the configuration's invariants that do not hold in `state`.

        Raises:
            SpecError: TLC cannot evaluate an invariant in this state.
        """
        return tuple(
            name
            for name, java in self._invariants
            if not self._evaluate(functools.partial(_is_valid, predicate=java, state=state.java))
        )

    def key_of(self, java: Any) -> tuple[int, ...]:
        """The fingerprints of the values in TLC's state, for `OracleState.key`."""
        return self._keys.of_state(java)

    def place_of(self, key: tuple[int, ...]) -> tuple[int, ...]:
        """That key without the variable `event`, for `OracleState.place`."""
        event = self._event
        return key if event is None else key[:event] + key[event + 1 :]

    def read(self, state: OracleState) -> State:
        """The values of `state`, for `OracleState.values`."""
        key, java = state.key, None
        known, found = self._known, []
        for name, index in self._order:
            fingerprint = key[index]
            value = known.get(fingerprint)
            if value is None:
                if fingerprint == NO_VALUE:
                    continue
                if java is None:
                    java = self._values_of(state.java)
                value = self._learn(fingerprint, java[index])
            found.append((name, value))
        return State(found)

    def value_in(self, state: OracleState, name: str) -> Value:
        """The value of one variable in `state`, for `OracleState.value`."""
        index = self._indices.get(name)
        if index is None:
            raise self._no_such_variable(name)
        fingerprint = state.key[index]
        if fingerprint == NO_VALUE:
            raise TraceError(f"{name} has no value in this state")
        value = self._known.get(fingerprint)
        return self._learn(fingerprint, self._values_of(state.java)[index]) if value is None else value

    def _learn(self, fingerprint: int, java: Any) -> Value:
        """The value of TLC's object, kept for the next time."""
        value = self._read(java)
        if len(self._known) >= _KEPT_MAX:
            self._known.clear()
        self._known[fingerprint] = value
        return value

    def _no_such_variable(self, *names: str) -> TraceError:
        return TraceError(
            f"{self.spec.module} has no variable {', '.join(names)}; it has {', '.join(self.variables)}"
        )

    def _read(self, java: Any) -> Value:
        java.deepNormalize()  # members in one order
        return self._convert(str(java.toString()))

    def _evaluate(self, evaluation: Callable[[Any], Any]) -> Any:
        """The result of the evaluation, done with TLC's fast tool.

        Raises:
            SpecError: TLC cannot evaluate it.
        """
        try:
            return evaluation(self._tool)
        except jpype.JException as error:
            raise self._refusal(error, evaluation) from None

    def _taken(self, action: Any, state: OracleState) -> Found:
        """The states after the steps of one of TLC's actions."""
        steps = functools.partial(self._steps.of_action, action=action, state=state.java)
        found: Found = self._evaluate(steps)
        return found

    def _state(self, found: Found, index: int) -> OracleState:
        """One of the states that were found.

        Raises:
            SpecError: a variable has no value in it.
        """
        state = OracleState(self, None, found, index)
        if NO_VALUE in state.key:
            raise self._half_made(state.java)
        return state

    def _named(self, found: Found, origins: Iterable[_Action]) -> Iterator[Successor]:
        """The steps to the states that were found, named by the event that each records or by its action."""
        if NO_VALUE in found.keys:
            raise self._half_made(found.states.elementAt(found.keys.index(NO_VALUE) // found.width))
        event = self._event
        events: Iterable[int] = itertools.repeat(0) if event is None else found.keys[event :: found.width]
        for index, fingerprint, origin in zip(range(len(found)), events, origins, strict=False):
            state = OracleState(self, None, found, index)
            named = None if event is None else self._event_in(state, fingerprint)
            if named is None:
                yield Successor(origin.name, origin.arguments, state)
                continue
            if origin.yields not in (None, named[0]):
                raise SpecError(
                    f"the action {origin.name} records the event {named[0]}; rename one of them, so that the "
                    "event of an action <Name>Event is <Name>"
                )
            yield Successor(*named, state)

    def _event_in(self, state: OracleState, fingerprint: int) -> tuple[str, immutabledict[str, Value]] | None:
        """The event that `state` records, which has that fingerprint; None if it records something else."""
        events = self._events
        if fingerprint not in events:
            if len(events) >= _KEPT_MAX:
                events.clear()
            events[fingerprint] = event_of(self._read(self._values_of(state.java)[self._event]))
        return events[fingerprint]

    def _half_made(self, java: Any) -> SpecError:
        names = ", ".join(sorted(str(node.getName()) for node in java.getUnassigned()))
        return SpecError(
            f"a step of {self.spec.module} leaves {names} without a value: the action says nothing about it"
        )

    def _action(self, java: Any) -> _Action:
        name = str(java.getName())
        if self._event is None:
            yields: str | None = name
        else:
            yields = name.removesuffix("Event") if name.endswith("Event") and name != "Event" else None
        bound = bound_constants(self._stage.classes, java.con)
        arguments = immutabledict((name, self._convert(text)) for name, text in bound)
        return _Action(java, name, arguments, yields)

    def _refusal(self, error: Any, again: Callable[[Any], Any]) -> SpecError:
        """The meaning of `error`.

        The evaluation is done `again`, slowly, with a tool that notes where it fails.
        """
        place = call_stack(self._stage.classes, self._tool, again)
        return diagnose(self.spec, complaint(error, place))


def _is_valid(tool: Any, predicate: Any, state: Any) -> Any:
    return tool.isValid(predicate, state)


def _carries(found: Mapping[str, Value], wanted: Mapping[str, Value]) -> bool:
    return all(name in found and same(found[name], value) for name, value in wanted.items())


def _each_once(steps: Sequence[Successor]) -> tuple[Successor, ...]:
    """The steps without repetitions. Only steps with one name and the same arguments need to be compared."""
    alike: dict[tuple[str, immutabledict[str, Value]], list[Successor]] = {}
    for step in steps:
        known = alike.setdefault((step.action, step.arguments), [])
        if not known or all(step.state != each.state for each in known):
            known.append(step)
    return (
        tuple(steps)
        if len(alike) == len(steps)
        else tuple(step for known in alike.values() for step in known)
    )
