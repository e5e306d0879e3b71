"""What identifies a state: the fingerprints of its variables' values, those of many states in one call.

Equal values have equal fingerprints, however TLC represents them (`1..3` and `{1, 2, 3}`). Different ones
have different fingerprints but for a chance of 2^-64 a pair, on which TLC itself relies.
"""

from array import array
from collections.abc import Sequence
from typing import Any

import jpype

from tlacheck.tlc._handles import Handles
from tlacheck.tlc._jvm import TlcClasses

__all__ = ["NO_VALUE", "Keys"]

#: The fingerprint of a variable without a value.
NO_VALUE = 0


class Keys:
    """Reads the fingerprints of some variables' values in states of one spec.

    Those of a state in which any variable lacks a value are all `NO_VALUE` when `whole` is asked for.
    """

    def __init__(self, classes: TlcClasses, indices: Sequence[int], *, whole: bool = False) -> None:
        """Prepare to read the variables with these indices in TLC's order."""
        self._width = len(indices)
        # A successor shares most of its values with the state before. Values are looked up by identity first: that
        # costs a small part of a fingerprint. Emptied with every call, or it would keep all values alive.
        self._known = jpype.JClass("java.util.IdentityHashMap")()
        handles = Handles()
        to_longs = _of_state(handles, classes, indices, _of_value(handles, classes, self._known), whole=whole)
        self._of_state = handles.function(to_longs).apply
        self._of_vector = _of_vector(handles, classes, to_longs)

    def of(self, vector: Any) -> list[tuple[int, ...]]:
        """For each state in a TLC `StateVec`, the fingerprints of its values, in the order of the indices."""
        self._known.clear()
        numbers = array("q", memoryview(self._of_vector(vector)).tobytes())
        width = self._width
        if width == 1:
            return [(number,) for number in numbers]
        return [tuple(numbers[start : start + width]) for start in range(0, len(numbers), width)]

    def of_state(self, state: Any) -> tuple[int, ...]:
        """The same for one state."""
        self._known.clear()
        return tuple(array("q", memoryview(self._of_state(state)).tobytes()))


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


def _of_state(
    handles: Handles, classes: TlcClasses, indices: Sequence[int], of_value: Any, *, whole: bool
) -> Any:
    """From a state to the array of its values' fingerprints; a handle a variable, as loops are slow in handles."""
    values = handles.field(classes["tlc2.tool.TLCStateMut"].class_, "values")
    kind = values.type().returnType()
    one = handles.cast(of_value, handles.long, kind.getComponentType())
    parts = [handles.chain(handles.element(kind, index), one) for index in indices]
    collect = handles.chain(values, handles.fan_out(parts, handles.longs_of(len(parts)), kind))
    if whole:
        state = classes["tlc2.tool.TLCStateMut"].class_
        assigned = handles.method(state, "allAssigned")
        collect = handles.where(assigned, collect, jpype.JLong[:]([NO_VALUE] * len(parts)))
    return collect


def _of_vector(handles: Handles, classes: TlcClasses, of_state: Any) -> Any:
    """From a vector of states to the array of all their fingerprints."""
    vector = classes["tlc2.tool.StateVec"].class_
    states = handles.field(vector, "v")
    size = handles.method(vector, "size")
    stream = jpype.JClass("java.util.stream.Stream").class_
    longs = jpype.JClass("java.util.stream.LongStream").class_
    arrays = jpype.JClass("java.util.Arrays").class_
    part = handles.method(arrays, "stream", handles.objects, handles.int, handles.int)
    part = handles.cast(
        handles.fix(part, 1, handles.integer(0)), stream, states.type().returnType(), handles.int
    )
    each = handles.function(handles.chain(of_state, handles.method(arrays, "stream", handles.longs)))
    flat = handles.fix(handles.method(stream, "flatMapToLong", handles.function_class), 1, each)
    return handles.function(
        handles.chain(
            handles.fan_out([states, size], part, vector),
            flat,
            handles.method(longs, "toArray"),
        )
    ).apply
