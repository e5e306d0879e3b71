"""A `System`: an implementation behind an adapter, speaking the vocabulary of its spec."""

import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from tlacheck.errors import TlacheckError
from tlacheck.trace import State
from tlacheck.values import Value

__all__ = ["Crashed", "NotPossible", "System", "attempt"]


class NotPossible(Exception):
    """Raised by `System.perform` when the system cannot take the step: an input that it has not got.

    The spec took the step, so that this is a finding about the system, not a failure of the tool.
    Usual cause: the action receives a message that the system never sent.
    """


class Crashed(NotPossible):
    """The system raised an exception of its own while it took a step. That is a finding as well."""


class System(Protocol):
    """What an adapter provides. The adapter is the only code that knows both vocabularies.

    Attributes:
        variables: the spec variables that `observe` returns. Those of the spec that it lacks
            (`event`, counters of a bounded model) are not compared.
    """

    variables: frozenset[str]

    def reset(self, initial: State) -> None:
        """Start afresh, in the system's own state that `initial` stands for.

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
        """The spec state that the system's state stands for, with exactly `variables`."""


def attempt(system: System, action: str, arguments: Mapping[str, Value]) -> None:
    """Let the system take a step; an exception that escapes from it is told as a finding about it.

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
        place = traceback.extract_tb(error.__traceback__)[-1]
        raise Crashed(
            f"it raised {type(error).__name__}: {error} ({Path(place.filename).name}:{place.lineno}, in {place.name})"
        ) from error
