"""A `System`: an implementation behind an adapter, in the vocabulary of its spec.

This is the low-level contract. `Adapter` (tlacheck/conform/adapter.py) fulfils it for Python from
declarations, `Process` (tlacheck/conform/process.py) for any language.

A system may offer two more things. `fork()` returns an independent copy, so that all edges of a state
graph are taken once each, without going back to the start. `close()` releases its resources: a process,
a socket, a thread.
"""

import contextlib
import traceback
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Protocol, Self, TypeVar, runtime_checkable

from tlacheck.errors import TlacheckError
from tlacheck.trace import State
from tlacheck.values import Value

__all__ = [
    "Closable",
    "Crashed",
    "Forkable",
    "Hung",
    "NotPossible",
    "System",
    "attempt",
    "begin",
    "close",
    "closing",
    "where_raised",
]

_S = TypeVar("_S", bound="System")


class NotPossible(Exception):
    """Raised by `System.perform` when the system has no such input.

    The spec took the step, so this is a finding about the system, not a failure of the tool. Usual
    cause: the action receives a message that the system never sent.
    """


class Crashed(NotPossible):
    """The system crashed in a step: it raised an exception of its own, or its process ended.

    This is a finding as well.
    """


class Hung(Crashed):
    """The system did not return from a step within its time limit."""


class System(Protocol):
    """The interface of an adapter, the only code that knows both vocabularies.

    Attributes:
        variables: the spec variables that `observe` returns. Those of the spec that it lacks
            (`event`, counters of a bounded model) are not compared.
    """

    variables: frozenset[str]

    def reset(self, initial: State) -> None:
        """Start afresh, in the system state that `initial` stands for.

        Raises:
            AdapterError: if there is none.
        """

    def perform(self, action: str, arguments: Mapping[str, Value]) -> None:
        """Give the system the input that the spec action stands for.

        Raises:
            NotPossible: if the system has no such input.
            AdapterError: if the adapter does not know the action.
        """

    def observe(self) -> State:
        """Return the spec state that the system's state stands for, with exactly `variables`."""


@runtime_checkable
class Forkable(Protocol):
    """A system that can be copied."""

    def fork(self) -> Self:
        """Return a copy in the same state; the two are independent of each other."""


@runtime_checkable
class Closable(Protocol):
    """A system that holds resources."""

    def close(self) -> None:
        """Release its resources. Nothing else is called afterwards, but this may be called twice."""


def close(system: System) -> None:
    """Close the system, if it can be closed."""
    if isinstance(system, Closable):
        system.close()


@contextlib.contextmanager
def closing(make_system: Callable[[], _S]) -> Iterator[_S]:
    """Provide a fresh system for the block and close it at the end."""
    system = make_system()
    try:
        yield system
    finally:
        close(system)


def attempt(system: System, action: str, arguments: Mapping[str, Value]) -> None:
    """Let the system take a step; report an exception that escapes from it as a finding about it.

    Raises:
        NotPossible: the system has no such input.
        Crashed: the system raised something; the message says what and where.
        AdapterError: the adapter breaks its contract.
    """
    try:
        system.perform(action, arguments)
    except (NotPossible, TlacheckError):
        raise
    except Exception as error:
        raise Crashed(f"it raised {where_raised(error)}") from error


def begin(system: System, initial: State) -> None:
    """Let the system start afresh; report an exception that escapes from it as `attempt` does.

    Raises:
        NotPossible: the system cannot start there.
        Crashed: the system raised something.
        AdapterError: the adapter breaks its contract, or knows no such state.
    """
    try:
        system.reset(initial)
    except (NotPossible, TlacheckError):
        raise
    except Exception as error:
        raise Crashed(f"it raised {where_raised(error)}") from error


def where_raised(error: Exception) -> str:
    """Format an exception on one line: its type, its message, and the place that raised it."""
    frames = traceback.extract_tb(error.__traceback__)
    said = f"{type(error).__name__}: {error}"
    if not frames:
        return said
    place = frames[-1]
    return f"{said} ({Path(place.filename).name}:{place.lineno}, in {place.name})"
