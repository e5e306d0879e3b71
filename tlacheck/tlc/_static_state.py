"""The static state of TLC's classes, taken before their first run and put back after each.

TLC keeps its state in static fields. A `StaticState` holds every static field of some initialised classes
and, by following references, every object that one of them reaches. `restore` writes all of that back:
whatever a run has changed, replaced or added is gone. No field is listed by hand, so none can be missing.

Objects of Java's own library are immutable, or containers, which are written back like TLC's objects, or
the process's own, such as its output, which all copies of TLC share. An object of any other kind is
refused: nobody knows what a run may leave in it.
"""

from collections.abc import Iterable, Iterator
from typing import Any, Final

import attrs
import jpype

from tlacheck.errors import EngineError

__all__ = ["OPENED", "StaticState", "UnknownKindError"]

#: Packages of Java's library whose objects are looked into.
OPENED: Final = (
    "java.lang",
    "java.math",
    "java.text",
    "java.util",
    "java.util.concurrent",
    "java.util.concurrent.atomic",
    "jdk.internal.misc",
    "sun.util.calendar",
)
#: Kinds that nobody can change; enumerations of Java's library are others.
_IMMUTABLE: Final = frozenset(
    {
        "java.lang.Boolean",
        "java.lang.Byte",
        "java.lang.Character",
        "java.lang.Class",
        "java.lang.Double",
        "java.lang.Float",
        "java.lang.Integer",
        "java.lang.Long",
        "java.lang.Module",
        "java.lang.Short",
        "java.lang.String",
        "java.math.BigInteger",
        "java.util.Locale",
        "java.util.regex.Pattern",
    }
)
#: Kinds of which a process has one for everybody, in which TLC keeps no state; and `java.time`, immutable.
_NOT_FOLLOWED: Final = (
    "java.time.",
    "java.io.PrintStream",
    "java.net.URLClassLoader",
    "java.util.PropertyResourceBundle",
    "java.util.logging.Logger",
    "jdk.jfr.",
)
#: Kinds whose fields are all their state; `java.util` itself, without what is below it, is another.
_PLAIN: Final = (
    "java.lang.Object",
    "java.math.",
    "java.text.",
    "java.util.concurrent.ConcurrentHashMap",
    "java.util.concurrent.atomic.Atomic",
    "sun.util.calendar.",
)


class UnknownKindError(EngineError):
    """A static field leads to an object of a kind that cannot be restored."""


@attrs.frozen
class _Field:
    java: Any
    is_primitive: bool
    is_final: bool
    is_static: bool

    def holds(self, owner: Any, value: Any) -> bool:
        """Return whether the field has this value: the same object, or the same number."""
        now = self.java.get(owner)
        return _is_same(now, value) if not self.is_primitive else bool(now.equals(value))


class StaticState:
    """The static state of some classes, as it was when this object was made."""

    def __init__(self, classes: Iterable[Any]) -> None:
        """Take the state of Java's classes `classes`, which must be initialised.

        Raises:
            UnknownKindError: it cannot be restored; the message names the way to the object.
        """
        self._modifier = jpype.JClass("java.lang.reflect.Modifier")
        self._arrays = jpype.JClass("java.lang.reflect.Array")
        self._copy = jpype.JClass("java.lang.System").arraycopy
        self._seen = jpype.JClass("java.util.IdentityHashMap")()
        self._loaders = jpype.JClass("java.util.HashSet")()
        self._instance_fields: dict[str, list[_Field]] = {}
        self._cells: list[tuple[_Field, Any, Any]] = []
        self._contents: list[tuple[Any, Any, int]] = []
        self._by_thread: list[Any] = []
        self._todo: list[tuple[Any, str]] = []
        for kind in classes:
            self._loaders.add(kind.getClassLoader())
            self._note_fields(
                None, [field for field in self._fields(kind) if field.is_static], kind.getName()
            )
        while self._todo:
            self._note(*self._todo.pop())

    def restore(self) -> None:
        """Write the state back. Nobody else may be using the classes."""
        for field, owner, value in self._cells:
            field.java.set(owner, value)
        for array, contents, length in self._contents:
            self._copy(contents, 0, array, 0, length)
        for each in self._by_thread:
            each.remove()  # this thread's value

    def differences(self) -> Iterator[str]:
        """Yield what differs now: `Class.field`, or `Class[index]` of an array."""
        for field, owner, value in self._cells:
            if not field.holds(owner, value):
                yield f"{field.java.getDeclaringClass().getName()}.{field.java.getName()}"
        for array, contents, length in self._contents:
            is_primitive = array.getClass().getComponentType().isPrimitive()
            for index in range(length):
                now, before = self._arrays.get(array, index), self._arrays.get(contents, index)
                if not (bool(now.equals(before)) if is_primitive else _is_same(now, before)):
                    yield f"{array.getClass().getName()}[{index}]"

    def _note(self, found: Any, path: str) -> None:
        kind = found.getClass()
        name, loader = str(kind.getName()), kind.getClassLoader()
        if name in _IMMUTABLE or name.startswith(_NOT_FOLLOWED) or (loader is None and kind.isEnum()):
            return
        if self._seen.put(found, True) is not None:
            return
        if name.startswith("["):
            self._note_array(found, kind.getComponentType(), path)
        elif name == "java.lang.ThreadLocal":
            self._by_thread.append(found)
        elif (
            self._loaders.contains(loader)
            or name.startswith(_PLAIN)
            or name.rpartition(".")[0] == "java.util"
        ):
            if name not in self._instance_fields:
                self._instance_fields[name] = list(self._all_instance_fields(kind))
            self._note_fields(found, self._instance_fields[name], path)
        else:
            raise UnknownKindError(f"{path} leads to an object that cannot be restored: {name}")

    def _note_fields(self, owner: Any, fields: Iterable[_Field], path: str) -> None:
        for field in fields:
            value = field.java.get(owner)
            if not field.is_final:
                self._cells.append((field, owner, value))
            if not field.is_primitive and value is not None:
                self._todo.append((value, f"{path}.{field.java.getName()}"))

    def _note_array(self, array: Any, of: Any, path: str) -> None:
        length = self._arrays.getLength(array)
        contents = self._arrays.newInstance(of, length)
        self._copy(array, 0, contents, 0, length)
        self._contents.append((array, contents, length))
        if not of.isPrimitive():
            values = (self._arrays.get(array, index) for index in range(length))
            self._todo += [(value, f"{path}[]") for value in values if value is not None]

    def _all_instance_fields(self, kind: Any) -> Iterator[_Field]:
        while kind is not None:
            yield from (field for field in self._fields(kind) if not field.is_static)
            kind = kind.getSuperclass()

    def _fields(self, kind: Any) -> Iterator[_Field]:
        for field in kind.getDeclaredFields():
            modifiers = field.getModifiers()
            field.setAccessible(True)
            yield _Field(
                java=field,
                is_primitive=bool(field.getType().isPrimitive()),
                is_final=bool(self._modifier.isFinal(modifiers)),
                is_static=bool(self._modifier.isStatic(modifiers)),
            )


def _is_same(one: Any, other: Any) -> bool:
    """Return whether two references are to the same object."""
    if one is None or other is None:
        return one is other
    pair = jpype.JClass("java.util.IdentityHashMap")()
    pair.put(one, True)
    return bool(pair.containsKey(other))


def _is_plain(name: str) -> bool:
    """Return whether the fields of an object of this kind, of Java's library, are all its state."""
    return name.startswith(_PLAIN) or name.rpartition(".")[0] == "java.util"
