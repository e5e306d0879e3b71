"""All steps from a state in one call, each with the action of TLC that makes it.

TLC hands every step to an object with a method `addElement(before, action, after)`. Here that object is a
`java.lang.reflect.Proxy` over method handles, so Python is not called back for each step.
"""

from array import array
from collections.abc import Sequence
from typing import Any

import jpype

from tlacheck.tlc._handles import Handles
from tlacheck.tlc._jvm import TlcClasses

__all__ = ["Steps"]


class Steps:
    """Collects the steps that a tool of TLC finds."""

    def __init__(self, classes: TlcClasses, actions: Sequence[Any]) -> None:
        """Prepare for a tool whose next-state relation is split into these actions of TLC."""
        self._states = classes["tlc2.tool.StateVec"](16)
        self._origins = jpype.JClass("java.util.ArrayList")()
        numbers = jpype.JClass("java.util.IdentityHashMap")()
        handles = Handles()
        for number, action in enumerate(actions):
            numbers.put(action, handles.integer(number))
        self._functor = _functor(handles, classes, self._states, self._origins, numbers)
        self._numbers = _numbers(handles)

    def of(self, tool: Any, state: Any) -> tuple[Any, Sequence[int]]:
        """The states after all steps from `state`, a TLC `StateVec`, and for each the number of its action."""
        try:
            tool.getNextStates(self._functor, state)
            return self._states.copy(), array("q", memoryview(self._numbers(self._origins)).tobytes())
        finally:
            self._states.clear()
            self._origins.clear()


def _functor(handles: Handles, classes: TlcClasses, states: Any, origins: Any, numbers: Any) -> Any:
    """What TLC hands its steps to."""
    vector, state = classes["tlc2.tool.StateVec"].class_, classes["tlc2.tool.TLCState"].class_
    lists, maps = jpype.JClass("java.util.List").class_, jpype.JClass("java.util.Map").class_
    keep = handles.method(vector, "addElement", state).bindTo(states)
    number = handles.method(maps, "get", handles.object).bindTo(numbers)
    note = handles.method(lists, "add", handles.object).bindTo(origins)
    before_action_after = handles.objects
    return handles.implement(
        classes["tlc2.tool.INextStateFunctor"].class_,
        handles.both(
            handles.chain(handles.element(before_action_after, 1), number, note),
            handles.chain(
                handles.element(before_action_after, 2), handles.cast(keep, vector, handles.object)
            ),
        ),
    )


def _numbers(handles: Handles) -> Any:
    """From a list of boxed integers to the array of them, as a bound method."""
    streams, longs = (jpype.JClass(f"java.util.stream.{name}Stream").class_ for name in ("", "Long"))
    lists, to_long = jpype.JClass("java.util.List").class_, jpype.JClass("java.util.function.ToLongFunction")
    unbox = handles.method(jpype.JClass("java.lang.Number").class_, "longValue")
    map_to_long = handles.method(streams, "mapToLong", to_long.class_)
    return handles.function(
        handles.chain(
            handles.method(lists, "stream"),
            handles.fix(
                map_to_long, 1, handles.single(to_long, handles.cast(unbox, handles.long, handles.object))
            ),
            handles.method(longs, "toArray"),
        )
    ).apply
