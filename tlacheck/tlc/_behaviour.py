"""Single behaviours, drawn by TLC's simulator and printed.

`Drawer` asks TLC for one behaviour at a time, by the method that draws one in TLC's own threads.

TLC does not say which action a step took. `Drawer.actions` repeats the random choices of a behaviour:
they tell in what order TLC tried the actions, and the first enabled one was taken. Actions are thus
evaluated twice, which a spec can notice by `TLCSet` and `Print` only.
"""

import contextlib
import functools
import math
from collections.abc import Iterator, Sequence
from typing import Any

import attrs
import jpype

from tlacheck.errors import SetupError
from tlacheck.tlc._event import EVENT
from tlacheck.tlc._java import bound_constants, call_stack, complaint, field_of
from tlacheck.tlc._jvm import TlcClasses
from tlacheck.tlc._keys import Keys
from tlacheck.tlc._protocol import Kind, Message
from tlacheck.tlc._staging import Stage
from tlacheck.tlc._whole import whole_tool

__all__ = [
    "DEADLOCK",
    "Drawer",
    "Ending",
    "Printer",
    "elements",
    "refused",
    "simulated_keys",
    "simulation_mode",
]

#: The separator of the printed values of one state. TLA+ strings cannot hold it.
_SEPARATOR = "\x1f"

#: TLC's number of a deadlock.
DEADLOCK = 2114
_GENERAL, _NESTED_EXPRESSIONS, _INCOMPLETE, _STATE = 1000, 2103, 2109, 2217
#: Numbers of the messages saying that a check could not be evaluated.
_UNEVALUATED = {
    2111: "Evaluating invariant {} failed.\n{}",
    2113: "Evaluating action property {} failed.\n{}",
}


@attrs.frozen(kw_only=True)
class Ending:
    """A defect of a behaviour or of the spec; no behaviour is drawn after it.

    Attributes:
        code: TLC's number of the violation; None if something could not be evaluated.
        name: what is violated, where the number does not say it.
        messages: what TLC would say of an evaluation that failed.
    """

    code: int | None = None
    name: str = ""
    messages: tuple[Message, ...] = ()


def simulation_mode(classes: TlcClasses) -> Any:
    """Return the mode in which states of newer TLCs know their predecessors; None for older TLCs."""
    try:
        return classes["tlc2.tool.impl.Tool$Mode"].Simulation
    except SetupError:
        return None


def simulated_keys(classes: TlcClasses, tool: Any) -> Keys:
    """Return the fingerprints of the states that are simulated."""
    return Keys(classes, len(tool.getSpecProcessor().getVariablesNodes()), _state_class(classes))


def _state_class(classes: TlcClasses) -> str:
    return f"tlc2.tool.TLCStateMut{'' if simulation_mode(classes) is None else 'Ext'}"


class Drawer:
    """Draws behaviours from a seed, one after another. For use in one thread, of TLC's class `IdThread`."""

    def __init__(
        self,
        classes: TlcClasses,
        tool: Any,
        initial: Any,
        *,
        seed: int,
        depth: int,
        deadlock: bool,
        computed: Any,
    ) -> None:
        """Prepare to draw.

        Args:
            classes: TLC.
            tool: the spec, as TLC's `ITool`.
            initial: its initial states, as TLC's `StateVec`.
            seed: where the choices begin; TLC gives each of its threads one.
            depth: how many states a behaviour has at most.
            deadlock: whether a state without successors ends the simulation, not only the behaviour.
            computed: Java's `LongAdder` of the states that are computed.

        Raises:
            SetupError: this TLC's simulator is not one of those that are known.
        """
        self._tool = tool
        self._actions = list(tool.getActions())
        self._seed = jpype.JLong(seed)
        self._threads = classes["tlc2.util.IdThread"]
        self._call_stack = functools.partial(call_stack, classes, tool)
        options = (self._seed, jpype.JLong(depth), jpype.JLong(2**63 - 1), deadlock, None)
        self._keys = simulated_keys(classes, tool)
        whole, adopt = whole_tool(classes, tool, self._keys)
        self._worker = _simulation_worker(classes, whole, initial, options, computed)
        adopt(self._worker)
        kind = classes["tlc2.tool.SimulationWorker"]
        self._is_newer = hasattr(self._worker, "setInitialStates")
        self._draw = kind.class_.getDeclaredMethod("simulateRandomTrace")
        self._draw.setAccessible(True)
        self._current = field_of(kind, "curState")
        self._trace = None if self._is_newer else field_of(kind, "stateTrace")
        # Counts the numbers drawn, so that a second generator can be advanced to the same place.
        self._random = field_of(kind, "localRng").get(self._worker)
        self._again = classes["tlc2.util.RandomGenerator"](self._seed)
        self._begun = 0
        self._elements = field_of(classes["tlc2.value.RandomEnumerableValues"], "RANDOMS").get(None)
        self._spare: Any = None

    @property
    def trace(self) -> Any:
        """TLC's object for the states of the last behaviour."""
        if self._trace is None:
            return self._worker.getTrace(self._current.get(self._worker))
        return self._trace.get(self._worker)

    @property
    def length(self) -> int:
        """The number of states of the last behaviour."""
        return int(self.trace.size())

    def draw(self, *, listed: bool = True) -> tuple[list[Any], Ending | None]:
        """Draw the next behaviour; return its states and its defect, if any.

        Args:
            listed: False to have no states of a behaviour without a defect, which costs less.
        """
        self._begun = self._random.getAril()
        self._keys.forget()
        try:
            outcome = self._draw.invoke(self._worker)
        except jpype.JClass("java.lang.reflect.InvocationTargetException") as wrapper:
            states = list(elements(self.trace))
            return states, refused(wrapper.getTargetException(), self._place_of_failure(states))
        if not outcome.isPresent():
            return list(elements(self.trace)) if listed else [], None
        error = outcome.get()
        code, parameters = int(error.errorCode), [str(text) for text in error.parameters or ()]
        states = list(elements(error.stateTrace))
        last = states.pop() if self._is_newer and code != DEADLOCK else getattr(error, "state", None)
        if code in _UNEVALUATED:
            text = _UNEVALUATED[code].format(*parameters)
            place = Message(_NESTED_EXPRESSIONS, Kind.ERROR, self._place_of_failure(states))
            return states, Ending(messages=(Message(code, Kind.ERROR, text), place))
        if code == _INCOMPLETE:
            return states, self._incomplete(states, last)
        if code != DEADLOCK:
            states.append(last)
        return states, Ending(code=code, name=parameters[0] if parameters else "")

    def actions(self, states: Sequence[Any]) -> list[int]:
        """Return, for each step between the last behaviour's `states`, the index of the action that TLC took.

        It is -1 if no action is enabled any more, which needs an action that depends on more than the
        state.
        """
        if self._is_newer:  # which notes them
            known = jpype.JClass("java.util.ArrayList")(self._actions)
            return [int(known.indexOf(state.getAction())) for state in states[1:]]
        if self._again.getAril() > self._begun:
            self._again.setSeed(self._seed, self._begun)
        while self._again.getAril() < self._begun:
            self._again.nextDouble()
        self._again.nextDouble()  # which initial state
        taken: list[int] = []
        with self._own_random_elements():
            for before in states[:-1]:
                self._threads.setCurrentState(before)  # `TLCGet("level")` is this one's
                taken.append(next((index for index in self._order() if self._is_enabled(index, before)), -1))
                self._again.nextDouble()  # which of its successors
        return taken

    def _order(self) -> Iterator[int]:
        """Yield the indices of the actions in the order in which TLC tries them in a state."""
        count = len(self._actions)
        index = math.floor(self._again.nextDouble() * count)
        step = int(self._again.nextPrime())
        return ((index + number * step) % count for number in range(count))

    def _is_enabled(self, index: int, state: Any) -> bool:
        if len(self._actions) == 1:
            return True
        return not self._tool.getNextStates(self._actions[index], state).isEmpty()

    @contextlib.contextmanager
    def _own_random_elements(self) -> Iterator[None]:
        """Keep `RandomElement` from drawing from the behaviours' random stream within the block."""
        ours = self._elements.get()
        if self._spare is None:
            self._elements.remove()
            self._spare = self._elements.get()
        self._elements.set(self._spare)
        try:
            yield
        finally:
            self._elements.set(ours)

    def _incomplete(self, states: Sequence[Any], successor: Any) -> Ending:
        """Return the ending of a successor that lacks values of variables."""
        action = self._actions[self.actions([*states, successor])[-1]]
        names = ", ".join(sorted(str(node.getName()) for node in successor.getUnassigned()))
        text = f"Successor state is not completely specified; not assigned: {names}."
        return Ending(
            messages=(Message(_INCOMPLETE, Kind.ERROR, text), Message(_STATE, Kind.STATE, str(action)))
        )

    def _place_of_failure(self, states: Sequence[Any]) -> str:
        """Return TLC's stack of expressions where the evaluation after `states` fails."""
        current = self._current.get(self._worker)
        self.actions(states)
        order = list(range(len(self._actions)) if self._is_newer else self._order())
        self._threads.setCurrentState(current)

        def evaluate(tool: Any) -> None:
            tool.isInModel(current)
            for index in order:
                successors = list(elements(tool.getNextStates(self._actions[index], current)))
                for after in successors:
                    for predicate in tool.getInvariants():
                        tool.isValid(predicate, after)
                    for predicate in tool.getImpliedActions():
                        tool.isValid(predicate, current, after)
                    tool.isInModel(after)
                    tool.isInActions(current, after)
                if successors and not self._is_newer:
                    return

        return self._call_stack(evaluate)


def _simulation_worker(
    classes: TlcClasses, tool: Any, initial: Any, options: tuple[Any, ...], computed: Any
) -> Any:
    """Create TLC's `SimulationWorker` as TLC's `Simulator` does."""
    kind = classes["tlc2.tool.SimulationWorker"]
    results = jpype.JClass("java.util.concurrent.LinkedBlockingQueue")()
    traces = jpype.JClass("java.util.concurrent.atomic.LongAdder")()
    live = classes["tlc2.tool.liveness.NoOpLiveCheck"](tool, "")
    rest = (results, *options, live, computed, traces)
    seed, depth, number, deadlock, file = options
    match [constructor.getParameterCount() for constructor in kind.class_.getConstructors()]:
        case [12]:  # 2.15
            return kind(0, tool, initial, *rest)
        case [11]:  # 2.18
            worker = kind(0, tool, *rest)
            field_of(kind, "initStates").set(worker, initial)
            return worker
        case [9, 13] | [13, 9]:  # newer
            atomic = jpype.JClass("java.util.concurrent.atomic.AtomicLong")
            depth = jpype.JInt(min(int(depth), 2**31 - 1))
            worker = kind(
                0,
                tool,
                results,
                seed,
                depth,
                number,
                None,
                deadlock,
                file,
                live,
                computed,
                atomic(),
                atomic(),
            )
            worker.setInitialStates(initial)
            return worker
        case _:
            raise SetupError(
                "the simulator of this TLC is not one that tlacheck knows: take version 2.15 or 2.18"
            )


class Printer:
    """Prints behaviours of a spec as JSON data.

    Attributes:
        has_event: whether the spec records actions and arguments in a variable `event`.
    """

    def __init__(self, stage: Stage, tool: Any) -> None:
        self._names = [str(node.getName()) for node in tool.getSpecProcessor().getVariablesNodes()]
        self.has_event = EVENT in self._names
        self._head = {
            "printed": self._names,
            "variables": stage.variables(tool),
            "actions": [
                [str(action.getName()), bound_constants(stage.classes, action.con)]
                for action in tool.getActions()
            ],
        }
        self._values = field_of(stage.classes[_state_class(stage.classes)], "values").get
        form = jpype.JString(_SEPARATOR.join(["%s"] * len(self._names)))
        self._print = functools.partial(jpype.JClass("java.lang.String").format, form)

    def head(self) -> dict[str, Any]:
        """Return the head shared by all behaviours: names of variables and actions."""
        return self._head

    def behaviour(self, states: Sequence[Any], actions: Sequence[int]) -> dict[str, Any]:
        """Encode one behaviour; each state lists only the variables that changed."""
        before: list[str] = [""] * len(self._names)
        printed: list[list[tuple[int, str]]] = []
        for state in states:
            after = str(self._print(self._values(state))).split(_SEPARATOR)
            printed.append([(i, text) for i, text in enumerate(after) if text != before[i]])
            before = after
        return {"states": printed, "actions": actions}


def elements(states: Any) -> Iterator[Any]:
    """The states in TLC's `StateVec`."""
    return (states.elementAt(index) for index in range(states.size()))


def refused(error: Any, place: str) -> Ending:
    """Return the ending for an `error` that TLC threw in an evaluation at `place`."""
    return Ending(messages=complaint(error, place))
