"""Results of queries about a system: a verdict, the obligations it rests on, and a trace."""

import attrs

from tlacheck.smt.system import Clause, TransitionSystem
from tlacheck.trace import Trace
from tlacheck.verdict import Verdict

__all__ = ["Obligation", "Result"]


@attrs.frozen(kw_only=True)
class Obligation:
    """One proof obligation.

    Attributes:
        clause: the clause that was to hold.
        action: after which action; empty for the initial states, and where any action may be the last.
        verdict: proved, bounded, violated, or unknown: then the reason says whether Z3 gave no answer
            or found a counterexample to induction.
        trace: a behaviour that violates the clause, or a counterexample to induction; its `violation`
            says which. None if there is none.
    """

    clause: Clause
    verdict: Verdict
    action: str = ""
    trace: Trace | None = attrs.field(default=None, repr=False)

    @property
    def name(self) -> str:
        """The pair: "ElectionSafety after Timeout", or "ElectionSafety initially"."""
        return f"{self.clause.name} after {self.action}" if self.action else f"{self.clause.name} initially"


@attrs.frozen(kw_only=True)
class Result:
    """A query and its result.

    Attributes:
        system: the system that was asked about.
        clauses: what was to hold.
        verdict: proved for all behaviours; bounded up to a depth; violated, with the behaviour; or
            unknown. A clause that is merely not inductive is unknown too: it may hold all the same.
        obligations: what was looked at for it.
        trace: the behaviour that violates a clause, or the first counterexample to induction.
    """

    system: TransitionSystem
    clauses: tuple[Clause, ...]
    verdict: Verdict
    obligations: tuple[Obligation, ...] = ()
    trace: Trace | None = attrs.field(default=None, repr=False)

    @property
    def failing(self) -> tuple[Obligation, ...]:
        """The obligations that were not met."""
        return tuple(obligation for obligation in self.obligations if not obligation.verdict.is_established)
