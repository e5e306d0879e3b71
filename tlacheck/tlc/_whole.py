"""TLC's evaluator of a spec, wrapped so that every state that it gives away is whole.

TLC's simulator does not take the fingerprints of its states, so their values stay lazy for the length of a
behaviour, and a function of functions under EXCEPT may come out with another value than it has (`_keys` says
why). The simulator takes its states from an `ITool`; given this one, it draws its behaviours from states that
are whole.
"""

from typing import Any

import jpype

from tlacheck.tlc._handles import Handles
from tlacheck.tlc._jvm import TlcClasses
from tlacheck.tlc._keys import Keys

__all__ = ["make_whole", "whole_tool"]


def whole_tool(classes: TlcClasses, tool: Any, keys: Keys) -> Any:
    """Return an `ITool` that does what `tool` does and makes the states in every `StateVec` whole.

    Args:
        classes: TLC.
        tool: the evaluator of a spec.
        keys: make the states of that spec whole. Each thread needs its own.
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
    return handles.proxy(
        classes["tlc2.tool.ITool"].class_,
        handles.chain(call, handles.either(is_vector, whole, handles.identity(handles.object))),
    )


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
