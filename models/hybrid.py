"""The end of a Raft epoch, proved to keep what clients believe, for any replicas, terms and operations.

The rules are those of `docs/hybrid.md`: acks (A1, A2), seals, what is held (H1), stops, and the close, which
takes over the longest chain of the seals of the highest term among n - f stops. By an inductive invariant, in
the style of decidable first-order proofs (Padon et al., "Paxos made EPR", OOPSLA 2017):

* what a client believes is contained in whatever a close takes over, whichever n - f stops it is made of, and
  whether it is believed before or afterwards (`BelievedIsHandedOver`);
* within the epoch no seal of a later term leaves it out (`BelievedIsSealed`);
* the chains that two believed answers stand for agree (`BeliefsAgree`), and so an operation has one place
  (`BelievedInOnePlace`, which follows);
* seals of one term agree (`SealsOfATermAgree`).

Replicas, terms, chains, operations and three kinds of groups are sorts. Terms are a total order. Chains are a
tree: `prefix` is a partial order with a least chain, `root`, in which the prefixes of one chain are totally
ordered. Nothing else is known of chains, so that they are of any length. `ends(c, o)`: the operation o is the
last of c, and was not in it before; an operation is applied once, so there is one such prefix of a chain at
most.

**Groups.** Who makes a seal (`sealing`), who makes an answer believed (`answering`), and whose stops make a
close (`stopping`) are three sorts, with three axioms: two groups that seal share a correct replica, so do one
that seals and one that answers, and one that answers and one that stops. That they have it if they are of
`byzantine_quorum(n, f)`, of `byzantine_quorum(n, f)` and of n - f, for every n > 3f, is arithmetic, and
proved in `models.hybrid_quorums`. No other use is made of n and f.

**Byzantine replicas** sign any ack, any answer and any stop. So nothing that they say is stored: who counts
asks for the acks and answers of the correct members of a group only. Their stops name any seal that there is;
one that there is not they cannot name, since a seal has the signatures of a group. Leaders do not occur:
whoever proposes what, a replica may ack any chain that its own rules allow. That a replica acks what its Raft
log holds only forbids steps.

**What carries the proof** is `dead(t, p)`: some seal of a later term, or a close, leaves p out. Then in each
group that answers, some correct member has not held a chain with p in t, and never will: it has acked in a
later term (H1) or it has stopped (`DeadIsNotKept`). And who acks what leaves out p, having held p in an
earlier term, acks what is dead already (`LaterAcksExtendTheKept`): what it held at that time is a seal, and
A2 made it extend that. The order is the one in which things happen, and not that of terms: a replica may hold
a seal of a later term than the one that it acks in.

**What is abstracted**, always to more behaviour and never to less:

* Messages are histories: never lost, and received at any time and any number of times. An answer is given at
  any time after its chain was held. Two answers go together if they are of one operation and one term:
  results are not compared.
* A seal is longer than the one held if it is of the same term and not a prefix of it: seals of a term agree.
* A1 asks that the terms of acks grow. That lets a replica remember its last ack only; here it remembers all,
  and may ack in an earlier term. And it may ack after its stop: what it must not do is hold.
* Any number of closes may be made, of whichever stops. That the book takes one of them is `models.pbft`.

What does *not* hold, and is not said: that a replica's chain only grows. It is tentative: a replica that
holds a seal which no group held may have to take it back, for a seal of a later term, or for the close.

Not modelled: what is in a state, digests, levels and why a replica stops, the BFT epoch, and liveness.

    python -m models.hybrid

prints the proof, what it needs each clause for, and how wrong models fail it.
"""

import enum
import sys
from collections.abc import Callable, Sequence
from typing import Final

import attrs
import click
import z3

from models.axioms import total_order
from tlacheck.smt import (
    Action,
    Clause,
    Expression,
    Proof,
    Sort,
    TransitionSystem,
    Variable,
    View,
    becomes,
    exists,
    forall,
    relation,
    uninterpreted,
)
from tlacheck.verify import Context, Outcome

__all__ = [
    "GOALS",
    "PROOF",
    "Fault",
    "Sorts",
    "clauses_needed",
    "consequences",
    "handed_over",
    "hybrid",
    "mutants_fail",
]

#: The goals of the proof; the other clauses serve these.
GOALS: Final = (
    "BelievedIsHandedOver",
    "BelievedIsSealed",
    "BeliefsAgree",
    "BelievedIsOfTheOperation",
    "CoveredOfATermAgree",
)


class Fault(enum.Enum):
    """The fault of a wrong model."""

    ACKS_TWO_BRANCHES = "A1 dropped: in one term a replica acks chains that do not extend each other"
    ACKS_BESIDE_THE_HELD = "A2 dropped: a replica acks chains that leave out what it holds"
    HOLDS_AFTER_LATER_ACKS = "H1 dropped: a replica holds a seal though it acked in a later term"
    HOLDS_EARLIER_SEALS = "H1 dropped: a replica gives up the seal it holds for one of an earlier term"
    HOLDS_AFTER_STOPPING = "a replica that has stopped holds a further seal"
    COUNTS_PREFIXES = "an ack counts for the prefixes of its chain too"
    MIXES_TERMS = "answers of two terms are counted together"
    TAKES_ANY_TERM = "the close takes the seal of any stop, not of the highest term"
    TAKES_SHORTER = "the close takes any seal of the highest term, not the longest"
    BELIEVES_STOPS = "the acks of a seal in a stop are not checked"
    FORGETS_WHAT_IT_HELD = "a restart forgets what was held"
    FORGETS_ITS_TERM = "a restart forgets in which terms the replica acked"
    SEALS_OF_A_MAJORITY = "a majority of acks makes a seal"
    FEW_ANSWERS = "less than a quorum of answers is believed: a majority, or f + 1"
    FEW_STOPS = "less than n - f stops make a close"


#: The groups that need not share a correct replica in a wrong model, by the names of the axioms.
_APART: Final = {
    Fault.SEALS_OF_A_MAJORITY: ("SealsShareACorrectReplica", "SealsAndAnswersShareOne"),
    Fault.FEW_ANSWERS: ("SealsAndAnswersShareOne", "AnswersAndStopsShareOne"),
    Fault.FEW_STOPS: ("AnswersAndStopsShareOne",),
}


@attrs.frozen(kw_only=True)
class Sorts:
    """The sorts of the model: uninterpreted for a proof, enumerations for a finite instance.

    Attributes:
        replica: the replicas.
        term: the terms of one Raft epoch.
        chain: the chains of requests.
        operation: the operations that clients ask for.
        seal_group: the groups whose acks make a seal, by names only.
        answer_group: those whose answers a client believes.
        stop_group: those whose stops make a close.
    """

    replica: Sort = attrs.field(factory=lambda: uninterpreted("Replica"))
    term: Sort = attrs.field(factory=lambda: uninterpreted("Term"))
    chain: Sort = attrs.field(factory=lambda: uninterpreted("Chain"))
    operation: Sort = attrs.field(factory=lambda: uninterpreted("Operation"))
    seal_group: Sort = attrs.field(factory=lambda: uninterpreted("SealGroup"))
    answer_group: Sort = attrs.field(factory=lambda: uninterpreted("AnswerGroup"))
    stop_group: Sort = attrs.field(factory=lambda: uninterpreted("StopGroup"))


def hybrid(
    sorts: Sorts | None = None, *, fault: Fault | None = None, axioms: Sequence[Clause] = ()
) -> TransitionSystem:
    """Build the model, whose properties are the clauses of its inductive invariant.

    Args:
        sorts: what it is about; by default a cluster of any size.
        fault: what is wrong with it; None for the rules as they are.
        axioms: more about what is rigid, for a finite instance.
    """
    sorts = sorts or Sorts()
    return TransitionSystem(
        name="Raft epoch",
        variables=_variables(sorts),
        axioms=(*total_order("le", sorts.term, "zero"), *_tree(sorts), *_groups(sorts, fault), *axioms),
        initial=_initial(sorts),
        actions=(*_chains(sorts, fault), *_clients(sorts, fault), *_switch(sorts, fault)),
        properties=_invariant(sorts),
    )


def _variables(sorts: Sorts) -> tuple[Variable, ...]:
    replica, term, chain, operation = sorts.replica, sorts.term, sorts.chain, sorts.operation
    return (
        relation("byzantine", replica, is_rigid=True),
        relation("sealing", replica, sorts.seal_group, is_rigid=True),
        relation("answering", replica, sorts.answer_group, is_rigid=True),
        relation("stopping", replica, sorts.stop_group, is_rigid=True),
        relation("le", term, term, is_rigid=True),
        Variable("zero", (), term, is_rigid=True),
        relation("prefix", chain, chain, is_rigid=True),
        Variable("root", (), chain, is_rigid=True),
        relation("ends", chain, operation, is_rigid=True),
        # Durable, of correct replicas. `past(i, t)`: i has acked in a term above t. What i holds is a seal:
        # `level(i, t)` says that t is at most its term, `rests(i, p)` that p is a prefix of its chain.
        relation("past", replica, term),
        relation("level", replica, term),
        relation("rests", replica, chain),
        relation("stopped", replica),
        # What they sent. `acked(t, i, c)`: an ack. `said(t, i, o)`: an answer to o in t.
        relation("acked", term, replica, chain),
        relation("said", term, replica, operation),
        # What there is. `sealed(t, c)`: a seal. `believed(t, o, c)`: a client believes that o is done, by
        # answers in t; c is the chain up to o. `closed(c)`: a close, which takes over c.
        relation("sealed", term, chain),
        relation("believed", term, operation, chain),
        relation("closed", chain),
        # History. `backed(t, i, p)`, `covered(t, p)`, `kept(i, t, p)`: p is a prefix of a chain that i has
        # acked in t, of one that is sealed in t, of one that i has held in t. `dead(t, p)`: a later seal or a
        # close leaves p out, so that it is not believed in t, nor ever will be.
        relation("backed", term, replica, chain),
        relation("covered", term, chain),
        relation("kept", replica, term, chain),
        relation("dead", term, chain),
    )


def _correct(s: View, i: Expression) -> Expression:
    return z3.Not(s.byzantine(i))


def _less(s: View, t: Expression, u: Expression) -> Expression:
    return z3.Not(s.le(u, t))


def _agree(s: View, c: Expression, d: Expression) -> Expression:
    """One of two chains extends the other."""
    return z3.Or(s.prefix(c, d), s.prefix(d, c))


def _clause(name: str, over: Sequence[Sort], body: Callable[[View], Callable[..., Expression]]) -> Clause:
    """Build the clause that a body holds for all elements of these sorts, in the state given first."""
    return Clause(name, lambda s: forall(over, body(s)))


def _tree(sorts: Sorts) -> tuple[Clause, ...]:
    chain, operation = sorts.chain, sorts.operation
    return (
        _clause("PrefixReflexive", [chain], lambda s: lambda c: s.prefix(c, c)),
        _clause(
            "PrefixTransitive",
            [chain] * 3,
            lambda s: lambda c, d, e: z3.Implies(z3.And(s.prefix(c, d), s.prefix(d, e)), s.prefix(c, e)),
        ),
        _clause(
            "PrefixAntisymmetric",
            [chain] * 2,
            lambda s: lambda c, d: z3.Implies(z3.And(s.prefix(c, d), s.prefix(d, c)), c == d),
        ),
        _clause("PrefixLeast", [chain], lambda s: lambda c: s.prefix(s.root, c)),
        _clause(
            "PrefixesOfOneChainAgree",
            [chain] * 3,
            lambda s: lambda c, d, e: z3.Implies(z3.And(s.prefix(c, e), s.prefix(d, e)), _agree(s, c, d)),
        ),
        _clause(
            "AppliedOnce",
            [chain, chain, operation],
            lambda s: lambda c, d, o: z3.Implies(z3.And(s.ends(c, o), s.ends(d, o), s.prefix(c, d)), c == d),
        ),
    )


def _groups(sorts: Sorts, fault: Fault | None) -> tuple[Clause, ...]:
    """State which groups share a correct replica. In a wrong model the shared one may be faulty."""
    apart = _APART.get(fault, ()) if fault else ()

    def share(name: str, one: str, other: str) -> Clause:
        kinds = {"sealing": sorts.seal_group, "answering": sorts.answer_group, "stopping": sorts.stop_group}

        def common(s: View, m: Expression, q: Expression, r: Expression) -> Expression:
            is_good = z3.BoolVal(True) if name in apart else _correct(s, m)
            return z3.And(is_good, getattr(s, one)(m, q), getattr(s, other)(m, r))

        return _clause(
            name,
            [kinds[one], kinds[other]],
            lambda s: lambda q, r: exists([sorts.replica], lambda m: common(s, m, q, r)),
        )

    return (
        share("SealsShareACorrectReplica", "sealing", "sealing"),
        share("SealsAndAnswersShareOne", "sealing", "answering"),
        share("AnswersAndStopsShareOne", "answering", "stopping"),
    )


def _initial(sorts: Sorts) -> Callable[[View], Expression]:
    """All have acked the empty chain in the term zero, and hold the seal of it."""
    replica, term, chain, operation = sorts.replica, sorts.term, sorts.chain, sorts.operation

    def initial(s: View) -> Expression:
        def first(t: Expression, c: Expression) -> Expression:
            return z3.And(t == s.zero, c == s.root)

        return z3.And(
            forall(
                [term, replica, chain],
                lambda t, i, c: z3.And(
                    s.acked(t, i, c) == z3.And(first(t, c), _correct(s, i)),
                    s.backed(t, i, c) == z3.And(first(t, c), _correct(s, i)),
                    s.kept(i, t, c) == z3.And(first(t, c), _correct(s, i)),
                ),
            ),
            forall(
                [term, chain],
                lambda t, c: z3.And(
                    s.sealed(t, c) == first(t, c), s.covered(t, c) == first(t, c), z3.Not(s.dead(t, c))
                ),
            ),
            forall([replica, chain], lambda i, c: s.rests(i, c) == z3.And(_correct(s, i), c == s.root)),
            forall(
                [replica, term],
                lambda i, t: z3.And(
                    s.level(i, t) == z3.And(_correct(s, i), t == s.zero), z3.Not(s.past(i, t))
                ),
            ),
            forall([replica], lambda i: z3.Not(s.stopped(i))),
            forall([chain], lambda c: z3.Not(s.closed(c))),
            forall([term, replica, operation], lambda t, i, o: z3.Not(s.said(t, i, o))),
            forall(
                [term, operation, chain],
                lambda t, o, c: z3.Not(s.believed(t, o, c)),
            ),
        )

    return initial


def _invariant(sorts: Sorts) -> tuple[Clause, ...]:
    """Build all clauses. Statements about replicas are about correct ones: nobody else acts."""
    replica, term, chain, operation = sorts.replica, sorts.term, sorts.chain, sorts.operation
    belief = [term, operation, chain]

    def all_correct(
        s: View,
        member: Callable[..., Expression],
        group: Expression,
        did: Callable[[Expression], Expression],
    ) -> Expression:
        return forall([replica], lambda m: z3.Implies(z3.And(member(m, group), _correct(s, m)), did(m)))

    return (
        _clause(
            "BelievedIsHandedOver",
            [chain, *belief],
            lambda s: lambda c, t, o, p: z3.Implies(z3.And(s.closed(c), s.believed(t, o, p)), s.prefix(p, c)),
        ),
        _clause(
            "BelievedIsSealed",
            [term, chain, *belief],
            lambda s: (
                lambda u, d, t, o, p: z3.Implies(
                    z3.And(s.sealed(u, d), s.believed(t, o, p), _less(s, t, u)), s.prefix(p, d)
                )
            ),
        ),
        _clause(
            "BeliefsAgree",
            [*belief, *belief],
            lambda s: (
                lambda t, o, p, u, w, q: z3.Implies(
                    z3.And(s.believed(t, o, p), s.believed(u, w, q)), _agree(s, p, q)
                )
            ),
        ),
        _clause(
            "CoveredOfATermAgree",
            [term, chain, chain],
            lambda s: lambda t, c, d: z3.Implies(z3.And(s.covered(t, c), s.covered(t, d)), _agree(s, c, d)),
        ),
        # acks and seals
        _clause(
            "BackedOfATermAgree",
            [term, replica, chain, chain],
            lambda s: (
                lambda t, i, c, p: z3.Implies(z3.And(s.backed(t, i, c), s.backed(t, i, p)), _agree(s, c, p))
            ),
        ),
        _clause(
            "AcksBack",
            [term, replica, chain, chain],
            lambda s: (
                lambda t, i, c, p: z3.Implies(z3.And(s.acked(t, i, c), s.prefix(p, c)), s.backed(t, i, p))
            ),
        ),
        _clause(
            "CoveredByAcks",
            [term, chain],
            lambda s: (
                lambda t, p: z3.Implies(
                    s.covered(t, p),
                    exists(
                        [sorts.seal_group],
                        lambda q: all_correct(s, s.sealing, q, lambda m: s.backed(t, m, p)),
                    ),
                )
            ),
        ),
        _clause(
            "SealsCover",
            [term, chain, chain],
            lambda s: lambda t, c, p: z3.Implies(z3.And(s.sealed(t, c), s.prefix(p, c)), s.covered(t, p)),
        ),
        _clause(
            "AcksAreRemembered",
            [term, term, replica, chain],
            lambda s: lambda t, u, i, c: z3.Implies(z3.And(s.acked(u, i, c), _less(s, t, u)), s.past(i, t)),
        ),
        # what is held
        _clause(
            "KeptIsCovered",
            [replica, term, chain],
            lambda s: lambda i, t, p: z3.Implies(s.kept(i, t, p), s.covered(t, p)),
        ),
        _clause(
            "LevelsDoNotFall",
            [replica, term, chain],
            lambda s: lambda i, t, p: z3.Implies(s.kept(i, t, p), s.level(i, t)),
        ),
        _clause(
            "KeptIsHeldOrDead",
            [replica, term, chain],
            lambda s: lambda i, t, p: z3.Implies(s.kept(i, t, p), z3.Or(s.rests(i, p), s.dead(t, p))),
        ),
        _clause(
            "RestsOnPrefixes",
            [replica, chain, chain],
            lambda s: lambda i, c, p: z3.Implies(z3.And(s.rests(i, c), s.prefix(p, c)), s.rests(i, p)),
        ),
        _clause(
            "LaterAcksExtendTheKept",
            [replica, term, chain, term, chain],
            lambda s: (
                lambda i, t, p, u, d: z3.Implies(
                    z3.And(s.kept(i, t, p), s.acked(u, i, d), _less(s, t, u)),
                    z3.Or(s.prefix(p, d), s.dead(t, p)),
                )
            ),
        ),
        # what is left out
        _clause(
            "LaterSealsKill",
            [term, chain, term, chain],
            lambda s: (
                lambda u, d, t, p: z3.Implies(
                    z3.And(s.sealed(u, d), _less(s, t, u)), z3.Or(s.prefix(p, d), s.dead(t, p))
                )
            ),
        ),
        _clause(
            "LaterCoveredAgree",
            [term, chain, term, chain],
            lambda s: (
                lambda u, d, t, p: z3.Implies(
                    z3.And(s.covered(u, d), _less(s, t, u)), z3.Or(_agree(s, p, d), s.dead(t, p))
                )
            ),
        ),
        _clause(
            "ClosesKill",
            [chain, term, chain],
            lambda s: lambda c, t, p: z3.Implies(s.closed(c), z3.Or(s.prefix(p, c), s.dead(t, p))),
        ),
        _clause(
            "DeadIsNotKept",
            [term, chain, sorts.answer_group],
            lambda s: (
                lambda t, p, b: z3.Implies(
                    s.dead(t, p),
                    exists(
                        [replica],
                        lambda m: z3.And(
                            _correct(s, m),
                            s.answering(m, b),
                            z3.Not(s.kept(m, t, p)),
                            z3.Or(s.past(m, t), s.stopped(m)),
                        ),
                    ),
                )
            ),
        ),
        # clients
        _clause(
            "AnswersOfATermAgree",
            [term, operation],
            # The existence claims of an answer hold if there is an answer, so they do not depend on whose it
            # is.
            lambda s: (
                lambda t, o: z3.Implies(
                    exists([replica], lambda i: s.said(t, i, o)),
                    exists(
                        [chain],
                        lambda p: z3.And(
                            s.ends(p, o),
                            s.covered(t, p),
                            forall([replica], lambda i: z3.Implies(s.said(t, i, o), s.kept(i, t, p))),
                        ),
                    ),
                )
            ),
        ),
        _clause(
            "BelievedIsKept",
            belief,
            lambda s: (
                lambda t, o, p: z3.Implies(
                    s.believed(t, o, p),
                    exists(
                        [sorts.answer_group],
                        lambda b: all_correct(s, s.answering, b, lambda m: s.kept(m, t, p)),
                    ),
                )
            ),
        ),
        _clause(
            "BelievedIsOfTheOperation",
            belief,
            lambda s: lambda t, o, p: z3.Implies(s.believed(t, o, p), s.ends(p, o)),
        ),
    )


def consequences(sorts: Sorts) -> tuple[Clause, ...]:
    """Build the consequences: an operation has one place, in all terms, and seals of a term agree."""
    belief = [sorts.term, sorts.chain]
    return (
        _clause(
            "BelievedInOnePlace",
            [sorts.operation, *belief, *belief],
            lambda s: (
                lambda o, t, p, u, q: z3.Implies(z3.And(s.believed(t, o, p), s.believed(u, o, q)), p == q)
            ),
        ),
        _clause(
            "SealsOfATermAgree",
            [sorts.term, sorts.chain, sorts.chain],
            lambda s: lambda t, c, d: z3.Implies(z3.And(s.sealed(t, c), s.sealed(t, d)), _agree(s, c, d)),
        ),
    )


def _adds(n: View, s: View, name: str, *what: Expression) -> Expression:
    """The relation gains one element."""

    def held(*each: Expression) -> Expression:
        same = z3.And(*(one == other for one, other in zip(each, what, strict=True)))
        return z3.Or(getattr(s, name)(*each), same)

    return becomes(n, name, held)


def _chains(sorts: Sorts, fault: Fault | None) -> tuple[Action, ...]:
    """Build the actions that make chains count: acks, seals, and holding them."""
    replica, term, chain = sorts.replica, sorts.term, sorts.chain

    def ack(s: View, n: View, *, i: Expression, t: Expression, c: Expression) -> Expression:
        """Replica i, whose log holds the chain c, acks it in the term t."""
        one_branch = forall([chain], lambda p: z3.Implies(s.backed(t, i, p), s.prefix(p, c)))
        beside = forall([chain], lambda p: z3.Implies(s.rests(i, p), s.prefix(p, c)))
        return z3.And(
            _correct(s, i),
            z3.BoolVal(True) if fault is Fault.ACKS_TWO_BRANCHES else one_branch,
            z3.BoolVal(True) if fault is Fault.ACKS_BESIDE_THE_HELD else beside,
            _adds(n, s, "acked", t, i, c),
            becomes(
                n, "backed", lambda u, j, p: z3.Or(s.backed(u, j, p), z3.And(u == t, j == i, s.prefix(p, c)))
            ),
            becomes(n, "past", lambda j, u: z3.Or(s.past(j, u), z3.And(j == i, _less(s, u, t)))),
        )

    def seal(s: View, n: View, *, q: Expression, t: Expression, c: Expression) -> Expression:
        """The acks of the group q for the chain c in the term t are a seal."""
        counts = s.backed if fault is Fault.COUNTS_PREFIXES else s.acked
        return z3.And(
            forall(
                [replica],
                lambda m: z3.Implies(z3.And(s.sealing(m, q), _correct(s, m)), counts(t, m, c)),
            ),
            _adds(n, s, "sealed", t, c),
            becomes(n, "covered", lambda u, p: z3.Or(s.covered(u, p), z3.And(u == t, s.prefix(p, c)))),
            becomes(
                n, "dead", lambda u, p: z3.Or(s.dead(u, p), z3.And(_less(s, u, t), z3.Not(s.prefix(p, c))))
            ),
        )

    def hold(s: View, n: View, *, i: Expression, t: Expression, c: Expression) -> Expression:
        """Replica i holds the seal of c in t, executes its chain, and no longer holds the one before."""
        not_earlier = forall([term], lambda u: z3.Implies(s.level(i, u), s.le(u, t)))
        not_shorter = z3.Not(z3.And(s.level(i, t), s.rests(i, c)))
        return z3.And(
            _correct(s, i),
            s.sealed(t, c),
            z3.Or(z3.BoolVal(fault is Fault.HOLDS_AFTER_STOPPING), z3.Not(s.stopped(i))),
            z3.Or(z3.BoolVal(fault is Fault.HOLDS_AFTER_LATER_ACKS), z3.Not(s.past(i, t))),
            z3.Or(z3.BoolVal(fault is Fault.HOLDS_EARLIER_SEALS), not_earlier),
            not_shorter,
            becomes(n, "level", lambda j, u: z3.If(j == i, s.le(u, t), s.level(j, u))),
            becomes(n, "rests", lambda j, p: z3.If(j == i, s.prefix(p, c), s.rests(j, p))),
            becomes(
                n, "kept", lambda j, u, p: z3.Or(s.kept(j, u, p), z3.And(j == i, u == t, s.prefix(p, c)))
            ),
        )

    def restart(s: View, n: View, *, i: Expression) -> Expression:
        """Replica i crashes and comes back with what it had made durable, which is all of it."""
        forgets_held = z3.BoolVal(fault is Fault.FORGETS_WHAT_IT_HELD)
        forgets_term = z3.BoolVal(fault is Fault.FORGETS_ITS_TERM)
        return z3.And(
            _correct(s, i),
            becomes(n, "level", lambda j, u: z3.If(z3.And(j == i, forgets_held), u == s.zero, s.level(j, u))),
            becomes(n, "rests", lambda j, p: z3.If(z3.And(j == i, forgets_held), p == s.root, s.rests(j, p))),
            becomes(n, "past", lambda j, u: z3.And(s.past(j, u), z3.Not(z3.And(j == i, forgets_term)))),
        )

    each = {"i": replica, "t": term, "c": chain}
    return (
        Action("Ack", each, ("acked", "backed", "past"), ack),
        Action("Seal", {"q": sorts.seal_group, "t": term, "c": chain}, ("sealed", "covered", "dead"), seal),
        Action("Hold", each, ("level", "rests", "kept"), hold),
        Action("Restart", {"i": replica}, ("level", "rests", "past"), restart),
    )


def _clients(sorts: Sorts, fault: Fault | None) -> tuple[Action, ...]:
    """Build the actions of answers, and of clients that believe them."""
    replica, term, chain, operation = sorts.replica, sorts.term, sorts.chain, sorts.operation

    def answer(s: View, n: View, *, i: Expression, t: Expression, c: Expression, o: Expression) -> Expression:
        """Replica i, which has held in t a chain whose prefix c ends with o, answers o."""
        return z3.And(_correct(s, i), s.kept(i, t, c), s.ends(c, o), _adds(n, s, "said", t, i, o))

    def believe(
        s: View,
        n: View,
        *,
        b: Expression,
        t: Expression,
        u: Expression,
        c: Expression,
        o: Expression,
    ) -> Expression:
        """A client believes o: all of the group b answered it in t, one of them for the chain c."""
        return z3.And(
            z3.Or(u == t, z3.BoolVal(fault is Fault.MIXES_TERMS)),
            forall(
                [replica],
                lambda m: z3.Implies(
                    z3.And(s.answering(m, b), _correct(s, m)), z3.Or(s.said(t, m, o), s.said(u, m, o))
                ),
            ),
            s.ends(c, o),
            exists([replica], lambda m: z3.And(s.answering(m, b), _correct(s, m), s.kept(m, t, c))),
            _adds(n, s, "believed", t, o, c),
        )

    return (
        Action("Answer", {"i": replica, "t": term, "c": chain, "o": operation}, ("said",), answer),
        Action(
            "Believe",
            {"b": sorts.answer_group, "t": term, "u": term, "c": chain, "o": operation},
            ("believed",),
            believe,
        ),
    )


def _switch(sorts: Sorts, fault: Fault | None) -> tuple[Action, ...]:
    """Build the actions that end the epoch."""
    replica, term, chain = sorts.replica, sorts.term, sorts.chain

    def stop(s: View, n: View, *, i: Expression) -> Expression:
        """Replica i stops, for whatever reason, and says what it holds: that stays so."""
        return z3.And(_correct(s, i), _adds(n, s, "stopped", i))

    def close(s: View, n: View, *, g: Expression, m: Expression, t: Expression, c: Expression) -> Expression:
        """The stops of g make a close that takes over the chain c: m holds the seal of it, of the term t."""

        # Each names a seal: a Byzantine replica names any one that exists.
        def said(j: Expression) -> Expression:
            return z3.And(s.stopping(j, g), _correct(s, j))

        held = z3.And(
            forall([term], lambda u: z3.Or(s.byzantine(m), s.level(m, u) == s.le(u, t))),
            forall([chain], lambda p: z3.Or(s.byzantine(m), s.rests(m, p) == s.prefix(p, c))),
        )
        none_later = forall(
            [replica, term], lambda j, u: z3.Implies(z3.And(said(j), s.level(j, u)), s.le(u, t))
        )
        none_longer = forall(
            [replica, chain],
            lambda j, p: z3.Implies(
                z3.And(said(j), s.level(j, t), s.rests(j, c), s.rests(j, p)), s.prefix(p, c)
            ),
        )
        return z3.And(
            forall([replica], lambda j: z3.Implies(said(j), s.stopped(j))),
            s.stopping(m, g),
            held,
            z3.BoolVal(True) if fault is Fault.BELIEVES_STOPS else s.sealed(t, c),
            z3.BoolVal(True) if fault is Fault.TAKES_ANY_TERM else none_later,
            z3.BoolVal(True) if fault is Fault.TAKES_SHORTER else none_longer,
            _adds(n, s, "closed", c),
            becomes(n, "dead", lambda u, p: z3.Or(s.dead(u, p), z3.Not(s.prefix(p, c)))),
        )

    return (
        Action("Stop", {"i": replica}, ("stopped",), stop),
        Action(
            "Close",
            {"g": sorts.stop_group, "m": replica, "t": term, "c": chain},
            ("closed", "dead"),
            close,
        ),
    )


#: The proof, its requirements, its consequences, and the wrong models that fail it.
PROOF: Final = Proof(
    claim=(
        "A Raft epoch and its close, any number of replicas, f < n/3 of them Byzantine, any terms and chains"
    ),
    model=lambda fault: hybrid(fault=fault),
    faults=Fault,
    goals=GOALS,
    consequences=consequences(Sorts()),
    command=".venv/bin/python -m models.hybrid",
)


def handed_over(context: Context) -> Outcome:
    """Beliefs of clients are in the seals of later terms and in any close, in a cluster of any size."""
    return PROOF.holds(context)


def clauses_needed(context: Context) -> Outcome:
    """Without any one of its clauses the invariant is no proof."""
    return PROOF.clauses_needed(context)


def mutants_fail(context: Context) -> Outcome:
    """Each wrong model has a step that breaks the invariant."""
    return PROOF.mutants_fail(context)


if __name__ == "__main__":
    sys.exit(0 if PROOF.tell(click.echo) else 1)
