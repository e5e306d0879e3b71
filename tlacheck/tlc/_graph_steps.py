"""The steps from many states at once, for the job `graph`: kept in Java, looked at in columns.

TLC hands every step to a functor, as state, action and state after. Here the functor is a list of
these triples, made without Java code; what is asked of all of them (constraints, fingerprints,
printed values) is one Java stream each, so that a step costs no call from Python at all.
"""

from array import array
from collections.abc import Sequence
from typing import Any

import jpype

from tlacheck.tlc._handles import Handles
from tlacheck.tlc._jvm import TlcClasses
from tlacheck.tlc._keys import Keys
from tlacheck.tlc._steps import Steps, listener

__all__ = ["BETWEEN_STATES", "BETWEEN_VALUES", "StepTable"]

#: Between the printed values of one state, and between states. TLA+ strings cannot hold them.
BETWEEN_VALUES, BETWEEN_STATES = "\x1f", "\x1e"

_BEFORE, _ACTION, _AFTER = range(3)


class StepTable:
    """The steps that were taken last: TLC's triples of state, action and state after, in TLC's order.

    A state that has a node carries its number in `uid`, a field in which TLC's own checker keeps the like.
    """

    def __init__(self, classes: TlcClasses, tool: Any, queue: Any, event: int | None) -> None:
        """Prepare to take steps.

        Args:
            classes: TLC's classes.
            tool: the spec, as TLC evaluates it.
            queue: TLC's queue of states, where those that are new go.
            event: the place of the variable `event` among TLC's, if there is one.
        """
        self._handles = Handles()
        self._state = classes["tlc2.tool.TLCState"].class_
        self._stream = jpype.JClass("java.util.Arrays").stream
        self._found = jpype.JClass("java.util.ArrayList")()
        self._keys = Keys(classes, len(tool.getSpecProcessor().getVariablesNodes()))
        self._initial = Steps(classes, (), self._keys)
        self._tool = tool
        self._prepare_steps(classes, tool)
        self._prepare_numbers(tool)
        self._prepare_texts(classes, event)
        put = self._handles.method(queue.getClass(), "sEnqueue", self._state).bindTo(queue)
        self._put = self._as("Consumer", self._of(put, _AFTER))

    def _prepare_steps(self, classes: TlcClasses, tool: Any) -> None:
        functor = classes["tlc2.tool.INextStateFunctor"].class_
        objects = self._handles.object
        note = self._handles.method(self._found.getClass(), "add", objects).bindTo(self._found)
        note = self._handles.cast(note, objects, self._handles.objects)
        # States become whole before anything is asked of them, a constraint included (`_keys` says why).
        note = self._handles.both(self._of(self._keys.handle, _AFTER), note)
        take = self._handles.method(tool.getClass(), "getNextStates", functor, self._state).bindTo(tool)
        self._take = self._as("Consumer", take.bindTo(listener(self._handles, classes, _AFTER, note)))
        whole, modelled, acted = (
            self._handles.method(tool.getClass(), name, *parameters).bindTo(tool)
            for name, parameters in {
                "isGoodState": [self._state],
                "isInModel": [self._state],
                "isInActions": [self._state, self._state],
            }.items()
        )
        self._is_whole = self._as("Predicate", self._of(whole, _AFTER))
        self._is_outside = [self._as("Predicate", self._not(self._of(modelled, _AFTER)))]
        self._is_outside_as_step = [
            *self._is_outside,
            self._as("Predicate", self._not(self._of(acted, _BEFORE, _AFTER))),
        ]

    def _prepare_numbers(self, tool: Any) -> None:
        uid, long = self._state.getField("uid"), jpype.JClass("java.lang.Long")
        handles = jpype.JClass("java.lang.invoke.MethodHandles")
        self._fingerprint = self._long(self._handles.method(self._state, "fingerPrint"), _AFTER)
        self._source = self._long(self._handles.field(self._state, "uid"), _BEFORE)
        places = jpype.JClass("java.util.IdentityHashMap")()
        for place, action in enumerate(tool.getActions()):
            places.put(action, long(place))
        self._place = self._long(
            self._handles.method(places.getClass(), "get", self._handles.object).bindTo(places), _ACTION
        )
        self._counter = jpype.JClass("java.util.concurrent.atomic.AtomicLong")()
        count = self._handles.method(self._counter.getClass(), "getAndIncrement").bindTo(self._counter)
        number = handles.collectArguments(handles.publicLookup().unreflectSetter(uid), 1, count)
        follow = self._handles.method(self._state, "setPredecessor", self._state)
        self._number = self._as("Consumer", self._of(number, _AFTER))
        self._follow = self._as("Consumer", self._of(follow, _AFTER, _BEFORE))

    def _prepare_texts(self, classes: TlcClasses, event: int | None) -> None:
        handles = self._handles
        normalize = self._handles.method(self._state, "deepNormalize")
        self._normalize = self._as("Consumer", self._of(normalize, _AFTER))
        values = handles.cast(
            handles.field(classes["tlc2.tool.TLCStateMut"].class_, "values"), handles.objects, self._state
        )
        text = self._handles.method(jpype.JClass("java.util.Objects").class_, "toString", handles.object)
        stream = jpype.JClass("java.util.stream.Stream").class_
        joining = jpype.JClass("java.util.stream.Collectors").joining
        each = self._handles.method(stream, "map", jpype.JClass("java.util.function.Function").class_)
        joined = self._handles.method(stream, "collect", jpype.JClass("java.util.stream.Collector").class_)
        all_values = handles.chain(
            values,
            self._handles.method(jpype.JClass("java.util.Arrays").class_, "stream", handles.objects),
            handles.fix(each, 1, self._as("Function", text)),
            handles.fix(joined, 1, joining(BETWEEN_VALUES)),
        )
        self._joining = joining(BETWEEN_STATES)
        self._state_text = self._as("Function", self._of(all_values, _AFTER))
        self._event_text = None
        if event is not None:
            one = handles.chain(values, handles.element(handles.objects, event), text)
            self._event_text = self._as("Function", self._of(one, _AFTER))

    # --- what is done with steps -----------------------------------------------------------------

    def begin(self) -> None:
        """Hold, in place of steps, the initial states."""
        self._found.clear()
        states = self._initial.initial(self._tool).states
        for index in range(states.size()):
            state = states.elementAt(index)
            self._found.add(jpype.JObject[:]([state, None, state]))

    def take(self, sources: Any) -> None:
        """Hold all steps from the states in the array `sources`."""
        self._found.clear()
        self._keys.forget()
        self._stream(sources).forEach(self._take)

    def __len__(self) -> int:
        return int(self._found.size())

    def sources(self) -> list[int]:
        """The number of each step's state."""
        return self._longs(self._source)

    def actions(self) -> list[int]:
        """The place of each step's action among TLC's actions."""
        return self._longs(self._place)

    def fingerprints(self) -> list[int]:
        """The fingerprint of each state after: of its view, if any; symmetric states share it."""
        return self._longs(self._fingerprint)

    def events(self) -> str:
        """The printed event of each state after; empty without such a variable."""
        if self._event_text is None:
            return ""
        self._found.forEach(self._normalize)  # members in one order, so that equal events print alike
        return str(self._found.stream().map(self._event_text).collect(self._joining))

    def unfinished(self) -> Any | None:
        """The first step that leaves a variable without a value."""
        if self._found.stream().allMatch(self._is_whole):
            return None
        return next(step for step in self._found if not step[_AFTER].allAssigned())

    def drop_outside(self, *, initial: bool) -> None:
        """Forget what the constraints exclude."""
        for is_outside in self._is_outside if initial else self._is_outside_as_step:
            self._found.removeIf(is_outside)

    def settle(self, places: Sequence[int], *, first: int, initial: bool) -> str:
        """Number the states after the steps at these places from `first` on, and queue them.

        Returns:
            Their printed values.
        """
        steps = jpype.JObject[:]([self._found.get(place) for place in places])
        self._counter.set(first)
        self._stream(steps).forEach(self._number)
        if not initial:
            self._stream(steps).forEach(self._follow)  # their level is one more than that before
        self._stream(steps).forEach(self._normalize)
        text = str(self._stream(steps).map(self._state_text).collect(self._joining))
        # In the queue a state belongs to another thread, which writes it to the disk: everything else comes
        # before.
        self._stream(steps).forEach(self._put)
        return text

    def _longs(self, number: Any) -> list[int]:
        longs = self._found.stream().mapToLong(number).toArray()
        return array("q", bytes(memoryview(longs))).tolist()  # an element at a time would be a call each

    # --- how it is put together ------------------------------------------------------------------

    def _of(self, handle: Any, *items: int) -> Any:
        """From a triple to what the handle makes of these items of it."""
        handles = self._handles
        kinds = (handle.type().parameterType(position) for position in range(len(items)))
        parts = [
            handles.cast(handles.element(handles.objects, item), kind, handles.objects)
            for item, kind in zip(items, kinds, strict=True)
        ]
        return handles.fan_out(parts, handle, handles.objects)

    def _not(self, handle: Any) -> Any:
        boolean = jpype.JClass("java.lang.Boolean")
        differ = self._handles.method(boolean.class_, "logicalXor", boolean.TYPE, boolean.TYPE)
        return self._handles.chain(handle, self._handles.fix(differ, 0, boolean.TRUE))

    def _long(self, handle: Any, item: int) -> Any:
        return self._as("ToLongFunction", self._of(handle, item))

    def _as(self, interface: str, handle: Any) -> Any:
        return self._handles.single(jpype.JClass(f"java.util.function.{interface}"), handle)
