"""Comparing what a system shows with what its spec demands."""

from tlacheck.conform.system import System
from tlacheck.errors import AdapterError
from tlacheck.trace import State
from tlacheck.values import differences, same, to_tla, validate

__all__ = ["deviations", "observed"]


def observed(system: System) -> State:
    """What the system shows now.

    Raises:
        AdapterError: if it is not a state over exactly `system.variables`.
    """
    state = system.observe()
    if missing := sorted(system.variables - set(state)):
        raise AdapterError(
            f"{type(system).__name__}.observe() lacks the variables {', '.join(missing)} that it promises"
        )
    if extra := sorted(set(state) - system.variables):
        raise AdapterError(
            f"{type(system).__name__}.observe() returns {', '.join(extra)}, which its `variables` do not name"
        )
    return state


def deviations(expected: State, found: State) -> tuple[str, ...]:
    """A line for each smallest part in which `found` differs from `expected`, over the variables of `found`.

    Raises:
        AdapterError: if `found` holds something that no TLA+ value is like (a float, a list, None).
            Such a value is equal to none, so that it is always noticed.
    """
    differing = [name for name in found if not same(expected[name], found[name])]
    for name in differing:
        validate(found[name], name)
    return tuple(
        f"{path}: the spec has {to_tla(left)}, the system has {to_tla(right)}"
        for name in differing
        for path, left, right in differences(expected[name], found[name], name)
    )
