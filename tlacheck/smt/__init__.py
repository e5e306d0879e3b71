"""Transition systems over Z3: bounded model checking, induction, and inductive invariants.

These cover what TLC cannot: a proof for every number of servers and every length of a behaviour. A
system is declared as values and Python functions (`tlacheck.smt.system`); the result is a `Result`,
with a `Verdict` and, where there is one, a `Trace`.

* `bounded`: no behaviour of so many steps violates a clause, or here is a shortest one.
* `scheduled`: the same where the actions are given in order, and only who takes them is open.
* `induction`: k-induction, with proved lemmas.
* `inductive`: clauses that each action keeps, pair after pair; `each_dropped` asks which are needed, and
  `implied` whether another clause follows from them.
* `Proof`: such a proof and wrong models of it, as checks of `tlacheck verify`; `Scenario`: what a wrong
  model does, and a right one does not.
* `spacer`: a second opinion on systems over integers and finite sorts.
* `reachable`: all states of a finite instance, to compare with those of a spec.

Time is limited for each question, and no answer is `unknown`, never a pass.
"""

from tlacheck.smt.bounded import bounded
from tlacheck.smt.induction import NOT_REACHED, implied, induction, inductive
from tlacheck.smt.necessity import Necessity, Need, each_dropped
from tlacheck.smt.proof import Proof
from tlacheck.smt.reachable import Reached, reachable
from tlacheck.smt.result import Obligation, Result
from tlacheck.smt.scenario import Scenario, scenarios_found
from tlacheck.smt.scheduled import scheduled
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
    "Proof",
    "Reached",
    "Result",
    "Scenario",
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
    "implied",
    "induction",
    "inductive",
    "reachable",
    "relation",
    "scenarios_found",
    "scheduled",
    "spacer",
    "uninterpreted",
]
