'''Python adapters: a class declares which method performs an action, and which observes a variable.

    class Turnstile(Adapter):
        """Our turnstile, in the words of Turnstile.tla."""

        unobserved = {"clock"}

        def reset(self, initial: State) -> None:
            self.machine = Machine()

        @action("Coin")
        def insert_coin(self) -> None:
            self.machine.insert()

        @action                                 # performs the action of its own name
        def Pass(self, visitor: Value) -> None:
            self.machine.enter(visitor.name)

        @variable("coins")
        def paid(self) -> Value:
            return self.machine.coins

An action's arguments are passed to the method's parameters by name. One method may show several
variables: `@variable("a", "b")` returns a mapping with both. The class attribute `declaration` holds
the declarations; `check` (tlacheck/conform/vocabulary.py) compares it with the spec before anything
runs, so no action, argument or variable is forgotten. Variables that are deliberately not shown are
named in `unobserved`; only `event` needs no mention.

A subclass inherits declarations. It may override the methods without repeating the declarations, and
withdraws a declaration with `name = None`.

With `async def` methods, use `AsyncAdapter`; `Blocking` makes a `System` of it.
'''

import inspect
from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Any, ClassVar, Final, TypeVar, overload

import attrs
from immutabledict import immutabledict

from tlacheck.conform.vocabulary import Declaration, Signature
from tlacheck.errors import AdapterError
from tlacheck.trace import State
from tlacheck.values import Value

__all__ = ["Adapter", "AsyncAdapter", "action", "variable"]

_F = TypeVar("_F", bound=Callable[..., Any])
#: The attribute in which a decorator leaves its note on a function.
_NOTE: Final = "_tlacheck_declares"


@attrs.frozen
class _Note:
    """The declarations on a method: the actions that it performs, the variables that it shows."""

    actions: tuple[str, ...] = ()
    unused: frozenset[str] = frozenset()
    variables: tuple[str, ...] = ()


@overload
def action(name: _F, /) -> _F: ...
@overload
def action(*names: str, unused: Collection[str] = ()) -> Callable[[_F], _F]: ...
def action(*names: Any, unused: Collection[str] = ()) -> Any:
    """Declare that a method performs a spec action: `@action`, `@action("Timeout")`.

    Args:
        names: the action; without any it has the method's name. Several actions may be performed by
            one method, if they take the same arguments.
        unused: arguments of the action that the method does not need.
    """
    if len(names) == 1 and callable(names[0]):
        return _noted(names[0], actions=(names[0].__name__,))
    return lambda method: _noted(method, actions=names or (method.__name__,), unused=frozenset(unused))


@overload
def variable(name: _F, /) -> _F: ...
@overload
def variable(*names: str) -> Callable[[_F], _F]: ...
def variable(*names: Any) -> Any:
    """Declare that a method shows a spec variable: `@variable`, `@variable("currentTerm")`.

    Args:
        names: the variable; without any it has the method's name. A method that shows several
            returns a mapping from their names to their values.
    """
    if len(names) == 1 and callable(names[0]):
        return _noted(names[0], variables=(names[0].__name__,))
    return lambda method: _noted(method, variables=names or (method.__name__,))


def _noted(method: _F, **said: Any) -> _F:
    before = getattr(method, _NOTE, _Note())
    setattr(method, _NOTE, attrs.evolve(before, **said))
    return method


@attrs.frozen
class _Performer:
    """The method that performs an action, and the argument names with which it is called.

    Attributes:
        method: its name in the class.
        signature: the arguments that the action may have.
        exact: the arguments that need no second look.
        passed: the names that the method takes; None if it takes any.
    """

    method: str
    signature: Signature
    exact: frozenset[str]
    passed: frozenset[str] | None


def _notes(cls: type) -> dict[str, _Note]:
    """Return attribute -> note, taken from the nearest class that has one; none if it is None there."""
    found: dict[str, _Note] = {}
    for base in reversed(cls.__mro__):
        for attribute, value in vars(base).items():
            note = getattr(value, _NOTE, None)
            if isinstance(note, _Note):
                found[attribute] = note
            elif value is None:
                found.pop(attribute, None)
    return found


def _performer(cls: type, attribute: str, unused: frozenset[str]) -> _Performer:
    parameters = list(inspect.signature(getattr(cls, attribute)).parameters.values())[1:]
    named = [one for one in parameters if one.kind in (one.POSITIONAL_OR_KEYWORD, one.KEYWORD_ONLY)]
    required = frozenset(one.name for one in named if one.default is one.empty)
    optional = frozenset(one.name for one in named) - required
    takes_any = any(one.kind is one.VAR_KEYWORD for one in parameters)
    return _Performer(
        method=attribute,
        signature=Signature(
            method=f"{cls.__name__}.{attribute}",
            required=required,
            optional=optional | unused,
            takes_any=takes_any,
        ),
        exact=required,
        passed=None if takes_any else required | optional,
    )


class _Declares:
    """Collects the declarations of a class."""

    #: Spec variables deliberately not shown; may be a mapping from each to the reason.
    unobserved: ClassVar[Collection[str]] = ()
    #: The declarations, for `check`.
    declaration: ClassVar[Declaration]
    variables: frozenset[str] = frozenset()

    _performers: ClassVar[Mapping[str, _Performer]] = immutabledict()
    _observers: ClassVar[tuple[tuple[str, tuple[str, ...]], ...]] = ()

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        performers: dict[str, _Performer] = {}
        observers: dict[str, tuple[str, ...]] = {}
        repeated: list[str] = []
        shown_by: dict[str, str] = {}
        for attribute, note in _notes(cls).items():
            for name in note.actions:
                if name in performers:
                    repeated.append(
                        f"the action {name} is performed by {performers[name].method} and by "
                        f"{attribute}; take one"
                    )
                performers[name] = _performer(cls, attribute, note.unused)
            for name in note.variables:
                if name in shown_by:
                    repeated.append(
                        f"the variable {name} is shown by {shown_by[name]} and by {attribute}; take one"
                    )
                shown_by[name] = attribute
            if note.variables:
                observers[attribute] = note.variables
        cls._performers = immutabledict(performers)
        cls._observers = tuple(observers.items())
        cls.variables = frozenset(shown_by)
        cls.declaration = Declaration(
            adapter=cls.__name__,
            actions=immutabledict((name, found.signature) for name, found in performers.items()),
            variables=cls.variables,
            unobserved=frozenset(cls.unobserved),
            repeated=tuple(repeated),
        )

    def _call(self, action: str, arguments: Mapping[str, Value]) -> Any:
        """Call the method that performs the action."""
        performer = self._performers.get(action)
        if performer is None:
            raise AdapterError(
                f"{type(self).__name__} has no method for the action {action!r}: "
                f'decorate the one that performs it with @action("{action}")'
            )
        method = getattr(self, performer.method)
        if arguments.keys() == performer.exact:
            return method(**arguments)
        if not performer.signature.fits(arguments):
            raise AdapterError(
                f"{type(self).__name__}.{performer.method} performs {action} with the arguments "
                f"{_listed(performer.signature.required)}, and the step has {_listed(arguments)}"
            )
        passed = performer.passed
        return method(
            **{name: value for name, value in arguments.items() if passed is None or name in passed}
        )

    def _merged(self, shown: list[tuple[str, tuple[str, ...], Any]]) -> State:
        """Merge the values that the observers returned into a state."""
        if len(shown) == 1 and type(shown[0][2]) is immutabledict and shown[0][2].keys() == self.variables:
            whole: State = shown[0][2]  # one method shows all; observing dominates the cost of a replay
            return whole
        state: dict[str, Value] = {}
        for attribute, names, value in shown:
            if len(names) == 1:
                state[names[0]] = value
                continue
            if not isinstance(value, Mapping) or value.keys() != frozenset(names):
                found = (
                    f"has {_listed(value)}"
                    if isinstance(value, Mapping)
                    else f"is {value!r}, a {type(value).__name__}"
                )
                raise AdapterError(
                    f"{type(self).__name__}.{attribute} shows {_listed(names)}, so it must return a "
                    "mapping with "
                    f"these names; what it returned {found}"
                )
            state.update(value)
        return immutabledict(state)


class Adapter(_Declares):
    """Base class of adapters whose methods are ordinary functions: a `System`.

    A subclass defines `reset`, a method for each action, and methods for the variables. It may add
    `fork` and `close`; see `tlacheck.conform.system`.
    """

    def reset(self, initial: State) -> None:
        """Start afresh, in the system state that `initial` stands for.

        Raises:
            AdapterError: if there is none.
        """
        raise AdapterError(
            f"{type(self).__name__} has no reset(initial): write what starts the system afresh, in a "
            f"state of {', '.join(initial)}"
        )

    def perform(self, action: str, arguments: Mapping[str, Value]) -> None:
        """Call the method declared for the action.

        Raises:
            NotPossible: the system has no such input.
            AdapterError: there is no such method, or it takes other arguments.
        """
        self._call(action, arguments)

    def observe(self) -> State:
        """Return the state that the declared methods show.

        Raises:
            AdapterError: a method that shows several variables returns something else.
        """
        return self._merged(
            [(attribute, names, getattr(self, attribute)()) for attribute, names in self._observers]
        )


class AsyncAdapter(_Declares):
    """Base class of adapters whose methods may be `async def`; `Blocking` makes a `System` of one.

    A subclass defines the same as for `Adapter`.
    """

    async def reset(self, initial: State) -> None:
        """Start afresh, in the system state that `initial` stands for.

        Raises:
            AdapterError: if there is none.
        """
        raise AdapterError(
            f"{type(self).__name__} has no reset(initial): write what starts the system afresh, in a "
            f"state of {', '.join(initial)}"
        )

    async def perform(self, action: str, arguments: Mapping[str, Value]) -> None:
        """Call the method declared for the action, and wait for it.

        Raises:
            NotPossible: the system has no such input.
            AdapterError: there is no such method, or it takes other arguments.
        """
        await _awaited(self._call(action, arguments))

    async def observe(self) -> State:
        """Return the state that the declared methods show.

        Raises:
            AdapterError: a method that shows several variables returns something else.
        """
        return self._merged(
            [
                (attribute, names, await _awaited(getattr(self, attribute)()))
                for attribute, names in self._observers
            ]
        )

    async def close(self) -> None:
        """Release the system's resources; does nothing unless overridden."""


async def _awaited(result: Any) -> Any:
    return await result if isinstance(result, Awaitable) else result


def _listed(names: Collection[str]) -> str:
    return ", ".join(sorted(names)) or "(none)"
