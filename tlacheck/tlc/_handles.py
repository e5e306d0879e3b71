"""Java functions put together at run time from Java's own method handles.

A call from Python into Java costs more than most of what it does, so whatever is done for many values should
be one call. That takes a function on the Java side, and no Java code is compiled or shipped here: a few
combinators make it from methods that exist.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import jpype

__all__ = ["Handles"]


class Handles:
    """Combinators over `java.lang.invoke.MethodHandle`. Make one when the JVM runs; all of them are alike."""

    def __init__(self) -> None:
        self._make = jpype.JClass("java.lang.invoke.MethodHandles")
        self._lookup = self._make.lookup()
        self._type = jpype.JClass("java.lang.invoke.MethodType").methodType
        self._proxies = jpype.JClass("java.lang.invoke.MethodHandleProxies")
        self._several = jpype.JClass("java.lang.invoke.MethodHandle")[:]
        self._classes = jpype.JClass("java.lang.Class")[:]
        self._integer = jpype.JClass("java.lang.Integer")
        self._function = jpype.JClass("java.util.function.Function")
        self.object = jpype.JClass("java.lang.Object").class_
        self.objects = jpype.JArray(jpype.JObject).class_
        self.int = self._integer.TYPE
        self.long = jpype.JClass("java.lang.Long").TYPE
        self.longs = jpype.JArray(jpype.JLong).class_
        self.boolean = jpype.JClass("java.lang.Boolean").TYPE
        self.function_class = self._function.class_

    def method(self, owner: Any, name: str, *parameters: Any) -> Any:
        """The public method `name` of the Java class `owner`.

        If it is not static, its first argument is the object.
        """
        # By reflection: a look-up by name would have to see the classes of other class loaders.
        return self._lookup.unreflect(owner.getMethod(name, self._classes(parameters)))

    def hidden(self, method: Any) -> Any:
        """The method, given as Java's reflection has it, though it is not public."""
        method.setAccessible(True)
        return self._lookup.unreflect(method)

    def field(self, owner: Any, name: str) -> Any:
        """From an object of the Java class `owner` to its field, private ones included."""
        field = owner.getDeclaredField(name)
        field.setAccessible(True)
        return self._lookup.unreflectGetter(field)

    def element(self, array: Any, index: int) -> Any:
        """From an array of the Java class `array` to one of its elements."""
        return self.fix(self._make.arrayElementGetter(array), 1, self.integer(index))

    def integer(self, number: int) -> Any:
        """The number as a Java object."""
        return self._integer.valueOf(number)

    def fix(self, handle: Any, position: int, value: Any) -> Any:
        """The handle with the argument at `position` given."""
        return self._make.insertArguments(handle, position, jpype.JObject[:]([value]))

    def cast(self, handle: Any, result: Any, *parameters: Any) -> Any:
        """The handle with other types, which Java converts as in an assignment or a cast."""
        return handle.asType(self._type(result, self._classes(parameters)))

    def chain(self, handle: Any, *after: Any) -> Any:
        """First `handle`, then the others, each on what the one before gave."""
        for each in after:
            handle = self._make.filterReturnValue(handle, each)
        return handle

    def fan_out(self, parts: Sequence[Any], combine: Any, source: Any) -> Any:
        """A handle that applies `parts` to one object of class `source`, and `combine` to their results."""
        several = self._make.filterArguments(combine, 0, self._several(parts))
        once = self._type(combine.type().returnType(), source)
        return self._make.permuteArguments(several, once, jpype.JInt[:]([0] * len(parts)))

    def longs_of(self, width: int) -> Any:
        """From `width` longs to the array of them."""
        return self._make.identity(self.longs).asCollector(self.longs, width)

    def where(self, test: Any, handle: Any, otherwise: Any) -> Any:
        """The handle, of one object, where `test` is true of that object; elsewhere the value `otherwise`."""
        kind = handle.type()
        constant = self._make.constant(kind.returnType(), otherwise)
        return self._make.guardWithTest(
            test, handle, self._make.dropArguments(constant, 0, self._classes([kind.parameterType(0)]))
        )

    def both(self, first: Any, second: Any) -> Any:
        """Both handles on the same object, one after the other; gives what the second one gives."""
        ignoring = self._make.dropArguments(second, 0, self._classes([first.type().returnType()]))
        return self._make.foldArguments(ignoring, first)

    def function(self, handle: Any) -> Any:
        """The handle as a `java.util.function.Function`."""
        return self.single(self._function, self.cast(handle, self.object, self.object))

    def single(self, interface: Any, handle: Any) -> Any:
        """The handle as an object of a Java interface with a single method."""
        return self._proxies.asInterfaceInstance(interface, handle)

    def identity(self, kind: Any) -> Any:
        """From an object of the Java class `kind` to itself."""
        return self._make.identity(kind)

    def either(self, test: Any, handle: Any, otherwise: Any) -> Any:
        """The handle where `test` is true of its argument; elsewhere the other one."""
        return self._make.guardWithTest(test, handle, otherwise)

    def unwrapped(self, handle: Any) -> Any:
        """The handle; it throws the original exception instead of an `InvocationTargetException`."""
        wrapper = jpype.JClass("java.lang.reflect.InvocationTargetException").class_
        throwable = jpype.JClass("java.lang.Throwable").class_
        throw = self._make.throwException(handle.type().returnType(), throwable)
        cause = self.method(wrapper, "getTargetException")
        return self._make.catchException(
            handle, wrapper, self._make.filterArguments(throw, 0, self._several([cause]))
        )

    def implement(self, interface: Any, answers: Iterable[tuple[Any, Any]]) -> Any:
        """An object of the Java class `interface`.

        Args:
            interface: the class.
            answers: methods as Java's reflection has them, None for one that there is not, each with a handle
                that takes the arguments in an array. All other methods give false or nothing.
        """
        method = jpype.JClass("java.lang.reflect.Method").class_
        no = self._make.constant(self.object, jpype.JClass("java.lang.Boolean").FALSE)
        answer = self._make.dropArguments(no, 0, self._classes([method, self.objects]))
        for each, handle in answers:
            if each is not None:
                taken = self.cast(handle, self.object, self.objects)
                taken = self._make.dropArguments(taken, 0, self._classes([method]))
                answer = self.either(self.is_method(each), taken, answer)
        return self.proxy(interface, answer)

    def reflected(self, owner: Any, name: str, *parameters: Any) -> Any:
        """The public method as Java's reflection has it; None if `owner` has no such method."""
        try:
            return owner.getMethod(name, self._classes(parameters))
        except jpype.JClass("java.lang.NoSuchMethodException"):
            return None

    def is_method(self, method: Any) -> Any:
        """From a `Method` and the arguments of its call to whether it is this one."""
        test = self.method(self.object, "equals", self.object).bindTo(method)
        kind = jpype.JClass("java.lang.reflect.Method").class_
        return self._make.dropArguments(self.cast(test, self.boolean, kind), 1, self._classes([self.objects]))

    def with_first(self, handle: Any, holder: Any) -> Any:
        """The handle of a method and its arguments, the first of which is read from `holder` at the call."""
        zero = self.integer(0)
        put = self.fix(self._make.arrayElementSetter(self.objects), 1, zero)
        held = self._make.insertArguments(
            self._make.arrayElementGetter(self.objects), 0, jpype.JObject[:]([holder, zero])
        )
        placed = self._make.foldArguments(
            self._make.permuteArguments(
                put,
                self._type(put.type().returnType(), self._classes([self.object, self.objects])),
                jpype.JInt[:]([1, 0]),
            ),
            held,
        )
        kind = jpype.JClass("java.lang.reflect.Method").class_
        return self._make.foldArguments(handle, self._make.dropArguments(placed, 0, self._classes([kind])))

    def after_argument(self, handle: Any, position: int, first: Any) -> Any:
        """The handle of a method and its arguments, after `first` on the argument at `position`."""
        taken = self.chain(self.element(self.objects, position), self.cast(first, self.object, self.object))
        kind = jpype.JClass("java.lang.reflect.Method").class_
        taken = self.cast(taken, jpype.JClass("java.lang.Void").TYPE, self.objects)
        return self._make.foldArguments(handle, self._make.dropArguments(taken, 0, self._classes([kind])))

    def proxy(self, interface: Any, handle: Any) -> Any:
        """An object of the Java class `interface`.

        Each of its methods calls the handle on itself and its arguments.
        """
        handler = self._make.dropArguments(handle, 0, self._classes([self.object]))
        invocation = self.single(jpype.JClass("java.lang.reflect.InvocationHandler"), handler)
        proxies = jpype.JClass("java.lang.reflect.Proxy")
        return proxies.newProxyInstance(interface.getClassLoader(), self._classes([interface]), invocation)
