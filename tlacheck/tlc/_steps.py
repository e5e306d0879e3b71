"""The states that TLC computes from a state or at the beginning, made whole one by one.

TLC hands every state to an object with a method `addElement` at the moment at which it is complete, and goes
on from there with values that it shares. Here that object takes the state's fingerprints at once, as TLC's
own workers do (`_keys` says why), and keeps the state. It is a `java.lang.reflect.Proxy` over method handles,
so Python is not called back for each state.
"""

from array import array
from collections.abc import Sequence
from typing import Any

import attrs
import jpype

from tlacheck.tlc._handles import Handles
from tlacheck.tlc._jvm import TlcClasses
from tlacheck.tlc._keys import Keys

__all__ = ["Found", "Steps", "listener"]


@attrs.frozen
class Found:
    """Whole states, in TLC's order.

    Attributes:
        states: a `StateVec`.
        keys: their fingerprints, as `Keys.handle` has them, one state after the other.
        width: how many fingerprints a state has.
        origins: for each state the number of the action that leads to it; empty for initial states.
    """

    states: Any
    keys: "array[int]"
    width: int
    origins: Sequence[int] = ()

    def __len__(self) -> int:
        return len(self.keys) // self.width

    def key(self, index: int) -> tuple[int, ...]:
        """The fingerprints of the state at `index`."""
        return tuple(self.keys[index * self.width : (index + 1) * self.width])


class Steps:
    """Collects the states that a tool of TLC computes for one spec. Not for use from two threads at once."""

    def __init__(self, classes: TlcClasses, actions: Sequence[Any], keys: Keys) -> None:
        """Prepare for a tool whose next-state relation is split into these actions of TLC."""
        self._keys = keys
        self._states = classes["tlc2.tool.StateVec"](16)
        self._fingerprints = jpype.JClass("java.util.ArrayList")()
        self._origins = jpype.JClass("java.util.ArrayList")()
        self._empty = classes["tlc2.tool.TLCState"].Empty
        self._no_items = classes["tlc2.tool.impl.ActionItemList"].Empty
        numbers = jpype.JClass("java.util.IdentityHashMap")()
        handles = Handles()
        for number, action in enumerate(actions):
            numbers.put(action, handles.integer(number))
        keep = _keep(handles, classes, keys, self._states, self._fingerprints)
        self._take_initial = listener(handles, classes, 0, _on_argument(handles, keep, 0))
        maps, lists = jpype.JClass("java.util.Map").class_, jpype.JClass("java.util.List").class_
        number = handles.method(maps, "get", handles.object).bindTo(numbers)
        note = handles.method(lists, "add", handles.object).bindTo(self._origins)
        after = _on_argument(handles, keep, 2)
        named = handles.both(after, _on_argument(handles, handles.chain(number, note), 1))
        self._take_named, self._take = (listener(handles, classes, 2, each) for each in (named, after))
        self._by_action = _by_action(handles, classes)
        self._flat, self._numbers = _flat(handles), _numbers(handles)

    def initial(self, tool: Any) -> Found:
        """The initial states."""
        return self._found(tool.getInitStates, self._take_initial)

    def of(self, tool: Any, state: Any) -> Found:
        """The states after all steps from `state`, which must be whole."""
        return self._found(tool.getNextStates, self._take_named, state)

    def of_action(self, tool: Any, action: Any, state: Any) -> Found:
        """The states after the steps of one action from `state`, which must be whole."""
        return self._found(self._of_action, tool, action, state)

    def _of_action(self, tool: Any, action: Any, state: Any) -> None:
        after = self._empty.createEmpty()
        if hasattr(after, "setAction"):  # in newer versions a state knows how it was reached
            after = after.setPredecessor(state).setAction(action)
        given = (tool, action, action.pred, self._no_items, action.con, state, after, self._take, action.cm)
        self._by_action.invokeWithArguments(jpype.JObject[:](given))

    def _found(self, compute: Any, *arguments: Any) -> Found:
        self._keys.forget()
        try:
            compute(*arguments)
            keys = array("q", memoryview(self._flat(self._fingerprints)).tobytes())
            origins = array("q", memoryview(self._numbers(self._origins)).tobytes())
            return Found(self._states.copy(), keys, self._keys.width, origins)
        finally:
            self._states.clear()
            self._fingerprints.clear()
            self._origins.clear()


def _keep(handles: Handles, classes: TlcClasses, keys: Keys, states: Any, fingerprints: Any) -> Any:
    """From a state to nothing of interest: its fingerprints are taken, then it is kept."""
    state, vector = classes["tlc2.tool.TLCState"].class_, classes["tlc2.tool.StateVec"].class_
    lists = jpype.JClass("java.util.List").class_
    note = handles.method(lists, "add", handles.object).bindTo(fingerprints)
    compute = handles.chain(handles.cast(keys.handle, handles.object, state), note)
    return handles.both(compute, handles.method(vector, "addElement", state).bindTo(states))


def listener(handles: Handles, classes: TlcClasses, index: int, take: Any) -> Any:
    """An object that TLC tells of the states it finds: `take` gets its arguments, the state at `index`.

    Newer TLCs also tell of a state that they give up, and go on with what they get back: that same state.
    """
    kind = "IStateFunctor" if index == 0 else "INextStateFunctor"
    functor, state = classes[f"tlc2.tool.{kind}"].class_, classes["tlc2.tool.TLCState"].class_
    place = [classes[name].class_ for name in ("tla2sany.semantic.SemanticNode", "tlc2.util.Context")]
    told = [state] if index == 0 else [state, classes["tlc2.tool.Action"].class_, state]
    found = handles.reflected(functor, "addElement", *told)
    given_up = handles.reflected(functor, "addUnsatisfiedState", *told, *place)
    return handles.implement(functor, [(found, take), (given_up, handles.element(handles.objects, index))])


def _on_argument(handles: Handles, handle: Any, index: int) -> Any:
    """The handle, of one object, applied to one element of an array of arguments."""
    kind = handle.type()
    return handles.chain(
        handles.element(handles.objects, index),
        handles.cast(handle, kind.returnType(), handles.object),
    )


def _by_action(handles: Handles, classes: TlcClasses) -> Any:
    """TLC's method that computes the steps of one action and hands each to a functor. It is not public."""
    for method in classes["tlc2.tool.impl.Tool"].class_.getDeclaredMethods():
        if str(method.getName()) == "getNextStates" and len(method.getParameterTypes()) == 8:
            return handles.hidden(method)
    raise AttributeError("tlc2.tool.impl.Tool.getNextStates")


def _flat(handles: Handles) -> Any:
    """From a list of arrays of longs to one array of all these longs, as a bound method."""
    arrays, longs = jpype.JClass("java.util.Arrays").class_, handles.longs
    each = handles.function(handles.method(arrays, "stream", longs))
    return _array_of_longs(handles, "flatMapToLong", each, handles.function_class)


def _numbers(handles: Handles) -> Any:
    """From a list of boxed integers to the array of them, as a bound method."""
    to_long = jpype.JClass("java.util.function.ToLongFunction")
    unbox = handles.method(jpype.JClass("java.lang.Number").class_, "longValue")
    each = handles.single(to_long, handles.cast(unbox, handles.long, handles.object))
    return _array_of_longs(handles, "mapToLong", each, to_long.class_)


def _array_of_longs(handles: Handles, name: str, each: Any, kind: Any) -> Any:
    """From a list, through the method `name` of Java's streams with `each`, to an array of longs."""
    streams, longs = (jpype.JClass(f"java.util.stream.{name}Stream").class_ for name in ("", "Long"))
    return handles.function(
        handles.chain(
            handles.method(jpype.JClass("java.util.List").class_, "stream"),
            handles.fix(handles.method(streams, name, kind), 1, each),
            handles.method(longs, "toArray"),
        )
    ).apply
