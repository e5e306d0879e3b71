"""Transition systems over Z3: bounded model checking, induction, and inductive invariants.

For what TLC cannot do: a proof for every number of servers and every length of a behaviour. A system is
declared as values and Python functions (`tlacheck.smt.system`); what comes out is a `Result`, with a
`Verdict` and, where there is one, a `Trace`.

* `bounded`: no behaviour of so many steps violates a clause, or here is a shortest one.
* `induction`: k-induction, with proved lemmas.
* `inductive`: clauses that each action keeps, pair after pair; `each_dropped` asks which are needed.
* `spacer`: a second opinion on systems over integers and finite sorts.
* `reachable`: all states of a finite instance, to compare with those of a spec.

Time is limited for each question, and no answer is `unknown`, never a pass.
"""

from tlacheck.smt.bounded import bounded
from tlacheck.smt.induction import NOT_REACHED, induction, inductive
from tlacheck.smt.necessity import Necessity, Need, each_dropped
from tlacheck.smt.reachable import Reached, reachable
from tlacheck.smt.result import Obligation, Result
from tlacheck.smt.sorts import BOOL, INT, Expression, Sort, enumeration, exists, forall, uninterpreted
from tlacheck.smt.spacer import spacer
from tlacheck.smt.system import Action, Clause, TransitionSystem, Variable, View, becomes, relation

__all__ = [
    "BOOL",
    "INT",
    "NOT_REACHED",
    "Action",
    "Clause",
    "Expression",
    "Necessity",
    "Need",
    "Obligation",
    "Reached",
    "Result",
    "Sort",
    "TransitionSystem",
    "Variable",
    "View",
    "becomes",
    "bounded",
    "each_dropped",
    "enumeration",
    "exists",
    "forall",
    "induction",
    "inductive",
    "reachable",
    "relation",
    "spacer",
    "uninterpreted",
]
