"""TLC's evaluator of a spec, wrapped so that every state that it gives away is whole.

TLC's simulator does not take the fingerprints of its states, so their values stay lazy for the length of a
behaviour, and a function of functions under EXCEPT may come out with another value than it has (`_keys` says
why). The simulator takes its states from an `ITool`; given this one, it draws its behaviours from states that
are whole.

TLC 2.15 and 2.18 take all successors in a `StateVec`. Newer ones hand themselves to the evaluator, which
tells them of each successor; the wrapper stands between.
"""

from collections.abc import Callable
from typing import Any

import jpype

from tlacheck.tlc._handles import Handles
from tlacheck.tlc._jvm import TlcClasses
from tlacheck.tlc._keys import Keys

__all__ = ["make_whole", "whole_tool"]


def whole_tool(classes: TlcClasses, tool: Any, keys: Keys) -> tuple[Any, Callable[[Any], None]]:
    """Return an `ITool` that does what `tool` does and makes every state that it gives away whole.

    Args:
        classes: TLC.
        tool: the evaluator of a spec.
        keys: make the states of that spec whole. Each thread needs its own.

    Returns:
        The `ITool`, and what must be told of the `SimulationWorker` that it is given to.
    """
    handles = Handles()
    method = jpype.JClass("java.lang.reflect.Method").class_
    call = handles.method(method, "invoke", handles.object, handles.objects)
    call = handles.unwrapped(handles.fix(call, 1, tool))
    vector = classes["tlc2.tool.StateVec"].class_
    forced = handles.cast(_force(handles, classes, keys), handles.long, handles.object)
    whole = handles.both(forced, handles.identity(handles.object))
    is_vector = handles.method(jpype.JClass("java.lang.Class").class_, "isInstance", handles.object).bindTo(
        vector
    )
    kind = classes["tlc2.tool.ITool"].class_
    handle = handles.chain(call, handles.either(is_vector, whole, handles.identity(handles.object)))
    functor, state, action = (
        classes[name].class_
        for name in ("tlc2.tool.INextStateFunctor", "tlc2.tool.TLCState", "tlc2.tool.Action")
    )
    telling = handles.reflected(kind, "getNextStates", functor, state, action)
    if telling is None:
        return handles.proxy(kind, handle), lambda _worker: None
    listener = jpype.JObject[:]([None])

    def adopt(worker: Any) -> None:
        told = handles.method(method, "invoke", handles.object, handles.objects)
        told = handles.unwrapped(handles.fix(told, 1, worker))
        is_told = handles.is_method(handles.reflected(functor, "addElement", state, action, state))
        one = handles.cast(keys.handle, handles.object, handles.object)
        listener[0] = handles.proxy(
            functor, handles.either(is_told, handles.after_argument(told, 2, one), told)
        )

    listening = handles.with_first(call, listener)
    return handles.proxy(kind, handles.either(handles.is_method(telling), listening, handle)), adopt


def make_whole(classes: TlcClasses, keys: Keys, states: Any) -> Any:
    """Make each state in a `StateVec` whole."""
    handles = Handles()
    handles.function(_force(handles, classes, keys)).apply(states)
    return states


def _force(handles: Handles, classes: TlcClasses, keys: Keys) -> Any:
    """Take the fingerprints of all states in a `StateVec`; the long returned means nothing."""
    vector = classes["tlc2.tool.StateVec"].class_
    states, size = handles.field(vector, "v"), handles.method(vector, "size")
    stream = jpype.JClass("java.util.stream.Stream").class_
    longs = jpype.JClass("java.util.stream.LongStream").class_
    arrays = jpype.JClass("java.util.Arrays").class_
    part = handles.method(arrays, "stream", handles.objects, handles.int, handles.int)
    part = handles.fix(part, 1, handles.integer(0))
    part = handles.cast(part, stream, states.type().returnType(), handles.int)
    each = handles.function(handles.chain(keys.handle, handles.method(arrays, "stream", handles.longs)))
    flat = handles.fix(handles.method(stream, "flatMapToLong", handles.function_class), 1, each)
    return handles.chain(handles.fan_out([states, size], part, vector), flat, handles.method(longs, "sum"))
