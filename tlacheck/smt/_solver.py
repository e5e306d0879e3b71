"""Queries to Z3 for the satisfiability of formulas, with a time limit."""

import enum
from collections.abc import Sequence
from typing import Any, Final, Protocol

import attrs

from tlacheck.errors import ConfigError
from tlacheck.smt._small import small
from tlacheck.smt._z3 import z3
from tlacheck.smt.sorts import Expression

__all__ = ["TIMEOUT_SECONDS", "Answer", "Ask", "Sat", "ask", "checked_timeout", "no_answer"]

#: The default time limit of a query.
TIMEOUT_SECONDS: Final = 20.0

#: Z3's effort, in its own unit, before a small model is looked for: about a second, and the same
#: amount on every machine.
_EFFORT: Final = 1_000_000

#: The largest number of elements of each sort tried by enumeration.
_SIZE_MAX: Final = 4

#: Z3's reason when its time ran out.
_OUT_OF_TIME = ("timeout", "canceled", "interrupted")


class Sat(enum.Enum):
    """The satisfiability of formulas."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


@attrs.frozen
class Answer:
    """A solver's answer.

    Attributes:
        sat: whether the formulas can be met together.
        model: how they can be met; None unless they can.
        reason: why it does not know; empty if it does.
    """

    sat: Sat
    model: Any = None
    reason: str = ""


class Ask(Protocol):
    """A solver: `ask`, or that of `tlacheck.smt.cvc5`."""

    def __call__(
        self, formulas: Sequence[Expression], timeout_seconds: float, *, hoping: Sat = Sat.NO
    ) -> Answer:
        """Answer whether formulas can be satisfied together."""
        ...


def checked_timeout(seconds: float) -> int:
    """A limit in milliseconds.

    Raises:
        ConfigError: it is no time.
    """
    if not seconds > 0:
        raise ConfigError(f"timeout_seconds is {seconds:g}: give Z3 some time, such as {TIMEOUT_SECONDS:g}")
    return max(1, round(seconds * 1000))


def ask(formulas: Sequence[Expression], timeout_seconds: float, *, hoping: Sat = Sat.NO) -> Answer:
    """Check whether formulas can be satisfied together, and how.

    Args:
        formulas: what is to be met.
        timeout_seconds: how long Z3 may take for it.
        hoping: the answer that is likely; it is looked for first.
    """
    milliseconds = checked_timeout(timeout_seconds)
    first = Answer(Sat.UNKNOWN) if hoping is Sat.YES else _once(formulas, milliseconds, _EFFORT)
    if first.sat is Sat.NO:
        return first
    for size in range(1, _SIZE_MAX + 1):
        ground = small(formulas, size)
        if ground is None:
            break
        found = _once(ground, milliseconds)
        if found.sat is Sat.YES:
            return found
    whole = first if first.sat is Sat.YES else _once(formulas, milliseconds)
    return attrs.evolve(whole, reason=no_answer(whole.reason, timeout_seconds) if whole.reason else "")


def _once(formulas: Sequence[Expression], milliseconds: int, effort: int = 0) -> Answer:
    solver = z3.Solver()
    solver.set("timeout", milliseconds)
    if effort:
        solver.set("rlimit", effort)
    solver.add(*formulas)
    found = solver.check()
    if found == z3.unsat:
        return Answer(Sat.NO)
    if found == z3.sat:
        return Answer(Sat.YES, solver.model())
    return Answer(Sat.UNKNOWN, reason=solver.reason_unknown())


def no_answer(reason: str, timeout_seconds: float) -> str:
    """Explain why there is no answer, and what to do."""
    if any(word in reason for word in _OUT_OF_TIME):
        return f"Z3 gave no answer within {timeout_seconds:g} s; allow it more time"
    return (
        f"Z3 cannot decide it ({reason or 'it gives no reason'}); use fewer quantifiers or simpler arithmetic"
    )
