"""The identity of a state: the fingerprints of its variables' values.

Equal values have equal fingerprints, however TLC represents them (`1..3` and `{1, 2, 3}`). Different ones
have different fingerprints but for a chance of 2^-64 a pair, on which TLC itself relies.

A fingerprint also makes a value whole. TLC's values are lazy: a function given by a formula, or one under
EXCEPT, is computed when somebody looks at it, and until then it shares mutable parts with the values that
are derived from it. TLC's workers take the fingerprint of a state before anything else happens, after which
nothing in the state is lazy and its sets are sorted. Whoever keeps one of TLC's states must do the same.
"""

from array import array
from typing import Any

import jpype

from tlacheck.tlc._handles import Handles
from tlacheck.tlc._jvm import TlcClasses

__all__ = ["NO_VALUE", "Keys"]

#: The fingerprint of a variable without a value.
NO_VALUE = 0

#: How many values are known by identity before all are forgotten.
_KNOWN_MAX = 50_000


class Keys:
    """Computes the fingerprints of the values in states of one spec, and makes these values whole.

    Attributes:
        width: how many variables the spec has.
        handle: a method handle from a state to the array of its values' fingerprints, in TLC's order of
            the variables. A state in which a variable lacks a value has `NO_VALUE` for that variable.
    """

    def __init__(self, classes: TlcClasses, width: int, kind: str = "tlc2.tool.TLCStateMut") -> None:
        """Prepare to read the states of a spec with `width` variables; `kind` is the class of the states."""
        self.width = width
        # A successor shares most of its values with the state before. Values are looked up by identity first:
        # that costs a small part of a fingerprint.
        self._known = jpype.JClass("java.util.IdentityHashMap")()
        handles = Handles()
        of_value = _of_value(handles, classes, self._known)
        values = handles.field(classes[kind].class_, "values")
        held = values.type().returnType()
        one = handles.cast(of_value, handles.long, held.getComponentType())
        parts = [handles.chain(handles.element(held, index), one) for index in range(width)]
        of_values = handles.fan_out(parts, handles.longs_of(width), held)  # loops are slow in handles
        state = classes["tlc2.tool.TLCState"].class_
        self.handle = handles.cast(handles.chain(values, of_values), handles.longs, state)
        self._of_state = handles.function(self.handle).apply

    def of_state(self, state: Any) -> tuple[int, ...]:
        """The fingerprints of the values in one state; the state is whole afterwards."""
        self.forget()
        return tuple(array("q", memoryview(self._of_state(state)).tobytes()))

    def forget(self) -> None:
        """Forget the values that are known, once they are many: all of them are kept alive."""
        if self._known.size() > _KNOWN_MAX:
            self._known.clear()


def _of_value(handles: Handles, classes: TlcClasses, known: Any) -> Any:
    """From a value, or null, to its fingerprint, which is asked of `known` first."""
    fingerprints = classes["tlc2.util.FP64"]
    fingerprints.Init()
    long = jpype.JClass("java.lang.Long")
    plain = handles.method(classes["tlc2.value.IValue"].class_, "fingerPrint", handles.long)
    compute = handles.function(handles.fix(plain, 1, long.valueOf(fingerprints.New())))
    maps = jpype.JClass("java.util.Map").class_
    remember = handles.method(maps, "computeIfAbsent", handles.object, handles.function_class)
    objects = jpype.JClass("java.util.Objects").class_
    given = handles.method(objects, "nonNull", handles.object)
    return handles.where(given, handles.fix(remember.bindTo(known), 1, compute), long.valueOf(NO_VALUE))
