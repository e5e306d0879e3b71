"""Comparison of an observed state with the state that the spec demands.

All values are compared after every step by TLA+'s equality (`tlacheck.conform.tokens`). A step changes few
variables: `Comparison` follows one run, and looks again at a variable only if one of the two sides has
another value for it than before the step.
"""

from collections.abc import Iterable
from typing import Final

from tlacheck.conform.system import NotPossible, System, where_raised
from tlacheck.conform.tokens import Tokens
from tlacheck.errors import AdapterError, TlacheckError
from tlacheck.trace import State
from tlacheck.values import Value, differences, to_tla, validate

__all__ = ["Comparison", "deviations", "observed"]

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


class Comparison:
    """Compares the states of one run with those that the spec demands, in the order of the run.

    The values are compared by identity with those before, so the system may not change a value that it has
    shown. TLA+ values cannot be changed.
    """

    def __init__(self) -> None:
        self._expected: dict[str, Value] = {}
        self._found: dict[str, Value] = {}

    def deviations(self, expected: State, found: State) -> tuple[str, ...]:
        """As `deviations`; raises the same."""
        wanted, seen = dict(expected.items()), dict(found.items())
        expected_before, before = self._expected, self._found
        differing = []
        for name, value in seen.items():
            demanded = wanted[name]
            is_known = name in before and value is before[name] and demanded is expected_before[name]
            if not is_known and not _tokens.are_same(demanded, value):
                differing.append(name)
        if differing:
            self._expected, self._found = {}, {}
            return _explained(differing, expected, found)
        self._expected, self._found = wanted, seen
        return ()


def deviations(expected: State, found: State) -> tuple[str, ...]:
    """Return a line for each smallest part in which `found` differs from `expected`.

    Raises:
        AdapterError: if `found` holds something that no TLA+ value is like (a float, a list, None).
            Such a value is equal to none, so that it is always noticed.
    """
    differing = [name for name in found if not _tokens.are_same(expected[name], found[name])]
    return _explained(differing, expected, found)


def _explained(differing: Iterable[str], expected: State, found: State) -> tuple[str, ...]:
    """Return a line for each smallest part in which these variables differ."""
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
