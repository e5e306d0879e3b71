"""The need for each clause of an inductive invariant: each is dropped in turn, and the proof tried again.

A clause without which the proof still succeeds is redundant: it follows from the others, or nothing
depends on it. A clause without which it fails is needed, and a counterexample to induction shows what
for.
"""

import enum
from collections.abc import Callable, Iterable, Sequence

import attrs

from tlacheck.errors import ConfigError
from tlacheck.smt._solver import TIMEOUT_SECONDS
from tlacheck.smt.induction import inductive
from tlacheck.smt.result import Obligation, Result
from tlacheck.smt.system import Clause, TransitionSystem
from tlacheck.verdict import Kind

__all__ = ["Necessity", "Need", "each_dropped"]


class Need(enum.Enum):
    """The need of a proof for a clause."""

    NEEDED = "needed"
    REDUNDANT = "redundant"
    UNKNOWN = "unknown"


@attrs.frozen
class Necessity:
    """The result of dropping one clause.

    Attributes:
        clause: the clause that was dropped.
        result: what the others are worth without it.
    """

    clause: Clause
    result: Result

    @property
    def need(self) -> Need:
        """Needed if there is a counterexample without it; no answer in time shows nothing."""
        if self.result.verdict.kind is Kind.PROVED:
            return Need.REDUNDANT
        return Need.NEEDED if self.witness is not None else Need.UNKNOWN

    @property
    def witness(self) -> Obligation | None:
        """The first obligation that fails without the clause, with its trace."""
        return next((one for one in self.result.failing if one.trace is not None), None)


def each_dropped(
    system: TransitionSystem,
    clauses: Sequence[Clause | str],
    *,
    goals: Iterable[str],
    timeout_seconds: float = TIMEOUT_SECONDS,
    on_progress: Callable[[str], None] = lambda _: None,
) -> tuple[Necessity, ...]:
    """Try the proof without each clause in turn, the goals excepted.

    Args:
        system: the system.
        clauses: the inductive invariant.
        goals: the names of the clauses that are to be proved; they are never dropped.
        timeout_seconds: how long Z3 may take for each question.
        on_progress: told which clause is dropped.

    Raises:
        ConfigError: a goal is no clause of the invariant, or there is none.
    """
    found = [system.find(clause) for clause in clauses]
    kept = frozenset(goals)
    strangers = sorted(kept - {clause.name for clause in found})
    if strangers or not kept:
        raise ConfigError(
            f"the goals {', '.join(sorted(kept)) or '(none)'} are to be clauses of the invariant: "
            f"{', '.join(clause.name for clause in found)}"
        )
    outcomes = []
    for dropped in found:
        if dropped.name in kept:
            continue
        on_progress(f"without {dropped.name}")
        others = [clause for clause in found if clause is not dropped]
        outcomes.append(
            Necessity(dropped, inductive(system, others, timeout_seconds=timeout_seconds, stop_early=True))
        )
    return tuple(outcomes)
