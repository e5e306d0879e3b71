"""Comparison of an observed state with the state that the spec demands.

All values are compared after every step by TLA+'s equality. The states of a run share most of their
values, so each value is analysed once and recognised afterwards (tlacheck/conform/tokens.py).
"""

from typing import Final

from tlacheck.conform.system import NotPossible, System, where_raised
from tlacheck.conform.tokens import Tokens
from tlacheck.errors import AdapterError, TlacheckError
from tlacheck.trace import State
from tlacheck.values import differences, to_tla, validate

__all__ = ["deviations", "observed"]

_tokens: Final = Tokens()


def observed(system: System) -> State:
    """Return the state that the system shows now.

    Raises:
        NotPossible: the system did not come through: it hung, or its process ended.
        AdapterError: if `observe` raises something else, or returns no state over exactly `system.variables`.
    """
    try:
        state = system.observe()
    except (NotPossible, TlacheckError):
        raise
    except Exception as error:
        raise AdapterError(f"{_name(system)}.observe() raised {where_raised(error)}") from error
    if state.keys() == system.variables:
        return state
    if missing := sorted(system.variables - set(state)):
        raise AdapterError(
            f"{_name(system)}.observe() lacks the variables {', '.join(missing)} that it promises"
        )
    extra = sorted(set(state) - system.variables)
    raise AdapterError(
        f"{_name(system)}.observe() returns {', '.join(extra)}, which its `variables` do not name"
    )


def deviations(expected: State, found: State) -> tuple[str, ...]:
    """Return a line for each smallest part in which `found` differs from `expected`.

    Raises:
        AdapterError: if `found` holds something that no TLA+ value is like (a float, a list, None).
            Such a value is equal to none, so that it is always noticed.
    """
    differing = [name for name in found if not _tokens.are_same(expected[name], found[name])]
    for name in differing:
        validate(found[name], name)
    return tuple(
        f"{path}: the spec has {to_tla(left)}, the system has {to_tla(right)}"
        for name in differing
        for path, left, right in differences(expected[name], found[name], name)
    )


def _name(system: System) -> str:
    """Return the class of the system without its wrappers."""
    return type(getattr(system, "system", system)).__name__
