"""The end of a Raft epoch, proved to keep what clients accept, for any replicas, terms and operations.

The rules are those of `docs/hybrid.md`: votes (A1, A2), quorum certificates (QCs), locks (H1), aborts, and
the epoch-end command, which takes over the longest log of the QCs of the highest term among n - f aborts. By
an inductive invariant, in the style of decidable first-order proofs (Padon et al., "Paxos made EPR", OOPSLA
2017):

* what a client accepts is contained in whatever an epoch-end command takes over, whichever n - f aborts it
  consists of, and whether the client accepts before or afterwards (`AcceptedIsHandedOver`);
* within the epoch no QC of a later term omits it (`AcceptedIsCertified`);
* the logs behind two accepted answers agree (`AcceptedAgree`), and so an operation has one place
  (`AcceptedInOnePlace`, which follows);
* QCs of one term agree (`QCsOfATermAgree`).

Replicas, terms, logs, operations and three kinds of groups are sorts. Terms are a total order. Logs are a
tree: `prefix` is a partial order with a least log, `root`, in which the prefixes of one log are totally
ordered. Nothing else is known of logs, so they may have any length. `ends(c, o)`: the operation o is the last
of c, and was not in it before; an operation is applied once, so there is at most one such prefix of a log.

**Groups.** The groups whose votes make a QC (`voting`), whose answers a client accepts (`answering`), and
whose aborts make an epoch-end command (`aborting`) are three sorts, with three axioms: two voting groups
share a correct replica, so do a voting and an answering group, and an answering and an aborting group. Groups
of `byzantine_quorum(n, f)`, of `byzantine_quorum(n, f)` and of n - f satisfy them for every n > 3f; that is
arithmetic, and proved in `models.hybrid_quorums`. Nothing else depends on n and f.

**Byzantine replicas** sign any vote, any answer and any abort. So nothing that they say is stored: a quorum
asks for the votes and answers of the correct members of a group only. Their aborts name any QC that exists;
they cannot invent one, since a QC has the signatures of a group. Leaders do not occur: a replica may vote for
any log that its own rules allow, whoever proposes it. That a replica votes only for its Raft log restricts
the steps further.

**What carries the proof** is `dead(t, p)`: some QC of a later term, or an epoch-end command, omits p. Then in
each answering group some correct member has not locked a log with p in t, and never will: it has voted in a
later term (H1) or it has aborted (`DeadIsNotKept`). And a replica that votes for a log without p, having
locked p in an earlier term, votes for what is dead already (`LaterVotesExtendTheKept`): its lock at that time
is a QC, and A2 made the vote extend it. The order is that of events, not that of terms: a replica may lock a
QC of a later term than the one that it votes in.

**Abstractions**, always to more behaviour and never to less:

* Messages are histories: never lost, and received at any time and any number of times. A replica answers at
  any time after it locked. Two answers count together if they are of one operation and one term:
  results are not compared.
* A QC is longer than the lock if it is of the same term and not a prefix of it: QCs of a term agree.
* A1 asks that the terms of votes grow. A replica that follows it need only remember its last vote; here it
  remembers all, and may vote in an earlier term. And it may vote after its abort: it must not lock.
* Any number of epoch-end commands may be made, of whichever aborts. That PBFT decides one of them is
  `models.pbft`.

What does *not* hold, and is not claimed: that a replica's executed log only grows. Execution is tentative: a
replica that locked a QC which no group locked may have to replace it, by a QC of a later term or by the end
of the epoch.

Not modelled: the contents of states, digests, levels and the reasons to abort, the BFT epoch, and liveness.

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
    "AcceptedIsHandedOver",
    "AcceptedIsCertified",
    "AcceptedAgree",
    "AcceptedIsOfTheOperation",
    "CoveredOfATermAgree",
)


class Fault(enum.Enum):
    """The fault of a wrong model."""

    VOTES_FOR_TWO_BRANCHES = "A1 dropped: in one term a replica votes logs that do not extend each other"
    VOTES_AGAINST_ITS_LOCK = "A2 dropped: a replica votes logs that leave out what it holds"
    LOCKS_AFTER_LATER_VOTES = "H1 dropped: a replica holds a QC though it voted for in a later term"
    LOCKS_EARLIER_QCS = "H1 dropped: a replica gives up the QC it holds for one of an earlier term"
    LOCKS_AFTER_ITS_ABORT = "a replica that has aborted holds a further QC"
    COUNTS_PREFIXES = "a vote counts for the prefixes of its log too"
    MIXES_TERMS = "answers of two terms are counted together"
    TAKES_ANY_TERM = "the epoch-end command takes the QC of any abort, not of the highest term"
    TAKES_SHORTER = "the epoch-end command takes any QC of the highest term, not the longest"
    TRUSTS_ABORTS = "the votes of a QC in an abort are not checked"
    FORGETS_ITS_LOCK = "a restart forgets what was locked"
    FORGETS_ITS_TERM = "a restart forgets in which terms the replica voted for"
    QCS_OF_A_MAJORITY = "a majority of votes makes a QC"
    FEW_ANSWERS = "less than a quorum of answers is accepted: a majority, or f + 1"
    FEW_ABORTS = "less than n - f aborts make an epoch-end command"


#: The groups that need not share a correct replica in a wrong model, by the names of the axioms.
_APART: Final = {
    Fault.QCS_OF_A_MAJORITY: ("QCsShareACorrectReplica", "QCsAndAnswersShareOne"),
    Fault.FEW_ANSWERS: ("QCsAndAnswersShareOne", "AnswersAndAbortsShareOne"),
    Fault.FEW_ABORTS: ("AnswersAndAbortsShareOne",),
}


@attrs.frozen(kw_only=True)
class Sorts:
    """The sorts of the model: uninterpreted for a proof, enumerations for a finite instance.

    Attributes:
        replica: the replicas.
        term: the terms of one Raft epoch.
        log: the logs of requests.
        operation: the operations that clients ask for.
        vote_group: the groups whose votes make a QC, by names only.
        answer_group: those whose answers a client accepts.
        abort_group: those whose aborts make an epoch-end command.
    """

    replica: Sort = attrs.field(factory=lambda: uninterpreted("Replica"))
    term: Sort = attrs.field(factory=lambda: uninterpreted("Term"))
    log: Sort = attrs.field(factory=lambda: uninterpreted("Log"))
    operation: Sort = attrs.field(factory=lambda: uninterpreted("Operation"))
    vote_group: Sort = attrs.field(factory=lambda: uninterpreted("VoteGroup"))
    answer_group: Sort = attrs.field(factory=lambda: uninterpreted("AnswerGroup"))
    abort_group: Sort = attrs.field(factory=lambda: uninterpreted("AbortGroup"))


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
        actions=(*_logs(sorts, fault), *_clients(sorts, fault), *_switch(sorts, fault)),
        properties=_invariant(sorts),
    )


def _variables(sorts: Sorts) -> tuple[Variable, ...]:
    replica, term, log, operation = sorts.replica, sorts.term, sorts.log, sorts.operation
    return (
        relation("byzantine", replica, is_rigid=True),
        relation("voting", replica, sorts.vote_group, is_rigid=True),
        relation("answering", replica, sorts.answer_group, is_rigid=True),
        relation("aborting", replica, sorts.abort_group, is_rigid=True),
        relation("le", term, term, is_rigid=True),
        Variable("zero", (), term, is_rigid=True),
        relation("prefix", log, log, is_rigid=True),
        Variable("root", (), log, is_rigid=True),
        relation("ends", log, operation, is_rigid=True),
        # Durable, of correct replicas. `past(i, t)`: i has voted in a term above t. Of the lock of i,
        # `level(i, t)` says that t is at most its term, `rests(i, p)` that p is a prefix of its log.
        relation("past", replica, term),
        relation("level", replica, term),
        relation("rests", replica, log),
        relation("aborted", replica),
        # What they sent. `voted(t, i, c)`: a vote. `said(t, i, o)`: an answer to o in t.
        relation("voted", term, replica, log),
        relation("said", term, replica, operation),
        # Evidence. `certified(t, c)`: a QC. `accepted(t, o, c)`: a client accepts o, by
        # answers in t; c is the log up to o. `ended(c)`: an epoch-end command, which takes over c.
        relation("certified", term, log),
        relation("accepted", term, operation, log),
        relation("ended", log),
        # History. `backed(t, i, p)`, `covered(t, p)`, `kept(i, t, p)`: p is a prefix of a log that i has
        # voted for in t, of one that is certified in t, of one that i has locked in t. `dead(t, p)`: a later
        # QC or the end of the epoch omits p, so that it is not accepted in t, nor ever will be.
        relation("backed", term, replica, log),
        relation("covered", term, log),
        relation("kept", replica, term, log),
        relation("dead", term, log),
    )


def _correct(s: View, i: Expression) -> Expression:
    return z3.Not(s.byzantine(i))


def _less(s: View, t: Expression, u: Expression) -> Expression:
    return z3.Not(s.le(u, t))


def _agree(s: View, c: Expression, d: Expression) -> Expression:
    """One of two logs extends the other."""
    return z3.Or(s.prefix(c, d), s.prefix(d, c))


def _clause(name: str, over: Sequence[Sort], body: Callable[[View], Callable[..., Expression]]) -> Clause:
    """Build the clause that a body holds for all elements of these sorts, in the state given first."""
    return Clause(name, lambda s: forall(over, body(s)))


def _tree(sorts: Sorts) -> tuple[Clause, ...]:
    log, operation = sorts.log, sorts.operation
    return (
        _clause("PrefixReflexive", [log], lambda s: lambda c: s.prefix(c, c)),
        _clause(
            "PrefixTransitive",
            [log] * 3,
            lambda s: lambda c, d, e: z3.Implies(z3.And(s.prefix(c, d), s.prefix(d, e)), s.prefix(c, e)),
        ),
        _clause(
            "PrefixAntisymmetric",
            [log] * 2,
            lambda s: lambda c, d: z3.Implies(z3.And(s.prefix(c, d), s.prefix(d, c)), c == d),
        ),
        _clause("PrefixLeast", [log], lambda s: lambda c: s.prefix(s.root, c)),
        _clause(
            "PrefixesOfOneLogAgree",
            [log] * 3,
            lambda s: lambda c, d, e: z3.Implies(z3.And(s.prefix(c, e), s.prefix(d, e)), _agree(s, c, d)),
        ),
        _clause(
            "AppliedOnce",
            [log, log, operation],
            lambda s: lambda c, d, o: z3.Implies(z3.And(s.ends(c, o), s.ends(d, o), s.prefix(c, d)), c == d),
        ),
    )


def _groups(sorts: Sorts, fault: Fault | None) -> tuple[Clause, ...]:
    """State which groups share a correct replica. In a wrong model the shared one may be faulty."""
    apart = _APART.get(fault, ()) if fault else ()

    def share(name: str, one: str, other: str) -> Clause:
        kinds = {"voting": sorts.vote_group, "answering": sorts.answer_group, "aborting": sorts.abort_group}

        def common(s: View, m: Expression, q: Expression, r: Expression) -> Expression:
            is_good = z3.BoolVal(True) if name in apart else _correct(s, m)
            return z3.And(is_good, getattr(s, one)(m, q), getattr(s, other)(m, r))

        return _clause(
            name,
            [kinds[one], kinds[other]],
            lambda s: lambda q, r: exists([sorts.replica], lambda m: common(s, m, q, r)),
        )

    return (
        share("QCsShareACorrectReplica", "voting", "voting"),
        share("QCsAndAnswersShareOne", "voting", "answering"),
        share("AnswersAndAbortsShareOne", "answering", "aborting"),
    )


def _initial(sorts: Sorts) -> Callable[[View], Expression]:
    """All have voted for the empty log in the term zero, and locked its QC."""
    replica, term, log, operation = sorts.replica, sorts.term, sorts.log, sorts.operation

    def initial(s: View) -> Expression:
        def first(t: Expression, c: Expression) -> Expression:
            return z3.And(t == s.zero, c == s.root)

        return z3.And(
            forall(
                [term, replica, log],
                lambda t, i, c: z3.And(
                    s.voted(t, i, c) == z3.And(first(t, c), _correct(s, i)),
                    s.backed(t, i, c) == z3.And(first(t, c), _correct(s, i)),
                    s.kept(i, t, c) == z3.And(first(t, c), _correct(s, i)),
                ),
            ),
            forall(
                [term, log],
                lambda t, c: z3.And(
                    s.certified(t, c) == first(t, c), s.covered(t, c) == first(t, c), z3.Not(s.dead(t, c))
                ),
            ),
            forall([replica, log], lambda i, c: s.rests(i, c) == z3.And(_correct(s, i), c == s.root)),
            forall(
                [replica, term],
                lambda i, t: z3.And(
                    s.level(i, t) == z3.And(_correct(s, i), t == s.zero), z3.Not(s.past(i, t))
                ),
            ),
            forall([replica], lambda i: z3.Not(s.aborted(i))),
            forall([log], lambda c: z3.Not(s.ended(c))),
            forall([term, replica, operation], lambda t, i, o: z3.Not(s.said(t, i, o))),
            forall(
                [term, operation, log],
                lambda t, o, c: z3.Not(s.accepted(t, o, c)),
            ),
        )

    return initial


def _invariant(sorts: Sorts) -> tuple[Clause, ...]:
    """Build all clauses. Statements about replicas are about correct ones: no others act."""
    replica, term, log, operation = sorts.replica, sorts.term, sorts.log, sorts.operation
    acceptance = [term, operation, log]

    def all_correct(
        s: View,
        member: Callable[..., Expression],
        group: Expression,
        did: Callable[[Expression], Expression],
    ) -> Expression:
        return forall([replica], lambda m: z3.Implies(z3.And(member(m, group), _correct(s, m)), did(m)))

    return (
        _clause(
            "AcceptedIsHandedOver",
            [log, *acceptance],
            lambda s: lambda c, t, o, p: z3.Implies(z3.And(s.ended(c), s.accepted(t, o, p)), s.prefix(p, c)),
        ),
        _clause(
            "AcceptedIsCertified",
            [term, log, *acceptance],
            lambda s: (
                lambda u, d, t, o, p: z3.Implies(
                    z3.And(s.certified(u, d), s.accepted(t, o, p), _less(s, t, u)), s.prefix(p, d)
                )
            ),
        ),
        _clause(
            "AcceptedAgree",
            [*acceptance, *acceptance],
            lambda s: (
                lambda t, o, p, u, w, q: z3.Implies(
                    z3.And(s.accepted(t, o, p), s.accepted(u, w, q)), _agree(s, p, q)
                )
            ),
        ),
        _clause(
            "CoveredOfATermAgree",
            [term, log, log],
            lambda s: lambda t, c, d: z3.Implies(z3.And(s.covered(t, c), s.covered(t, d)), _agree(s, c, d)),
        ),
        # votes and QCs
        _clause(
            "BackedOfATermAgree",
            [term, replica, log, log],
            lambda s: (
                lambda t, i, c, p: z3.Implies(z3.And(s.backed(t, i, c), s.backed(t, i, p)), _agree(s, c, p))
            ),
        ),
        _clause(
            "VotesBack",
            [term, replica, log, log],
            lambda s: (
                lambda t, i, c, p: z3.Implies(z3.And(s.voted(t, i, c), s.prefix(p, c)), s.backed(t, i, p))
            ),
        ),
        _clause(
            "CoveredByVotes",
            [term, log],
            lambda s: (
                lambda t, p: z3.Implies(
                    s.covered(t, p),
                    exists(
                        [sorts.vote_group],
                        lambda q: all_correct(s, s.voting, q, lambda m: s.backed(t, m, p)),
                    ),
                )
            ),
        ),
        _clause(
            "QCsCover",
            [term, log, log],
            lambda s: lambda t, c, p: z3.Implies(z3.And(s.certified(t, c), s.prefix(p, c)), s.covered(t, p)),
        ),
        _clause(
            "VotesAreRemembered",
            [term, term, replica, log],
            lambda s: lambda t, u, i, c: z3.Implies(z3.And(s.voted(u, i, c), _less(s, t, u)), s.past(i, t)),
        ),
        # locks
        _clause(
            "KeptIsCovered",
            [replica, term, log],
            lambda s: lambda i, t, p: z3.Implies(s.kept(i, t, p), s.covered(t, p)),
        ),
        _clause(
            "LevelsDoNotFall",
            [replica, term, log],
            lambda s: lambda i, t, p: z3.Implies(s.kept(i, t, p), s.level(i, t)),
        ),
        _clause(
            "KeptIsLockedOrDead",
            [replica, term, log],
            lambda s: lambda i, t, p: z3.Implies(s.kept(i, t, p), z3.Or(s.rests(i, p), s.dead(t, p))),
        ),
        _clause(
            "RestsOnPrefixes",
            [replica, log, log],
            lambda s: lambda i, c, p: z3.Implies(z3.And(s.rests(i, c), s.prefix(p, c)), s.rests(i, p)),
        ),
        _clause(
            "LaterVotesExtendTheKept",
            [replica, term, log, term, log],
            lambda s: (
                lambda i, t, p, u, d: z3.Implies(
                    z3.And(s.kept(i, t, p), s.voted(u, i, d), _less(s, t, u)),
                    z3.Or(s.prefix(p, d), s.dead(t, p)),
                )
            ),
        ),
        # omitted logs
        _clause(
            "LaterQCsKill",
            [term, log, term, log],
            lambda s: (
                lambda u, d, t, p: z3.Implies(
                    z3.And(s.certified(u, d), _less(s, t, u)), z3.Or(s.prefix(p, d), s.dead(t, p))
                )
            ),
        ),
        _clause(
            "LaterCoveredAgree",
            [term, log, term, log],
            lambda s: (
                lambda u, d, t, p: z3.Implies(
                    z3.And(s.covered(u, d), _less(s, t, u)), z3.Or(_agree(s, p, d), s.dead(t, p))
                )
            ),
        ),
        _clause(
            "EpochEndsKill",
            [log, term, log],
            lambda s: lambda c, t, p: z3.Implies(s.ended(c), z3.Or(s.prefix(p, c), s.dead(t, p))),
        ),
        _clause(
            "DeadIsNotKept",
            [term, log, sorts.answer_group],
            lambda s: (
                lambda t, p, b: z3.Implies(
                    s.dead(t, p),
                    exists(
                        [replica],
                        lambda m: z3.And(
                            _correct(s, m),
                            s.answering(m, b),
                            z3.Not(s.kept(m, t, p)),
                            z3.Or(s.past(m, t), s.aborted(m)),
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
                        [log],
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
            "AcceptedIsKept",
            acceptance,
            lambda s: (
                lambda t, o, p: z3.Implies(
                    s.accepted(t, o, p),
                    exists(
                        [sorts.answer_group],
                        lambda b: all_correct(s, s.answering, b, lambda m: s.kept(m, t, p)),
                    ),
                )
            ),
        ),
        _clause(
            "AcceptedIsOfTheOperation",
            acceptance,
            lambda s: lambda t, o, p: z3.Implies(s.accepted(t, o, p), s.ends(p, o)),
        ),
    )


def consequences(sorts: Sorts) -> tuple[Clause, ...]:
    """Build the consequences: an operation has one place, in all terms, and QCs of a term agree."""
    acceptance = [sorts.term, sorts.log]
    return (
        _clause(
            "AcceptedInOnePlace",
            [sorts.operation, *acceptance, *acceptance],
            lambda s: (
                lambda o, t, p, u, q: z3.Implies(z3.And(s.accepted(t, o, p), s.accepted(u, o, q)), p == q)
            ),
        ),
        _clause(
            "QCsOfATermAgree",
            [sorts.term, sorts.log, sorts.log],
            lambda s: (
                lambda t, c, d: z3.Implies(z3.And(s.certified(t, c), s.certified(t, d)), _agree(s, c, d))
            ),
        ),
    )


def _adds(n: View, s: View, name: str, *what: Expression) -> Expression:
    """The relation gains one element."""

    def locked(*each: Expression) -> Expression:
        same = z3.And(*(one == other for one, other in zip(each, what, strict=True)))
        return z3.Or(getattr(s, name)(*each), same)

    return becomes(n, name, locked)


def _logs(sorts: Sorts, fault: Fault | None) -> tuple[Action, ...]:
    """Build the actions of votes, QCs and locks."""
    replica, term, log = sorts.replica, sorts.term, sorts.log

    def vote(s: View, n: View, *, i: Expression, t: Expression, c: Expression) -> Expression:
        """Replica i, whose Raft log holds c, votes for it in the term t."""
        one_branch = forall([log], lambda p: z3.Implies(s.backed(t, i, p), s.prefix(p, c)))
        beside = forall([log], lambda p: z3.Implies(s.rests(i, p), s.prefix(p, c)))
        return z3.And(
            _correct(s, i),
            z3.BoolVal(True) if fault is Fault.VOTES_FOR_TWO_BRANCHES else one_branch,
            z3.BoolVal(True) if fault is Fault.VOTES_AGAINST_ITS_LOCK else beside,
            _adds(n, s, "voted", t, i, c),
            becomes(
                n, "backed", lambda u, j, p: z3.Or(s.backed(u, j, p), z3.And(u == t, j == i, s.prefix(p, c)))
            ),
            becomes(n, "past", lambda j, u: z3.Or(s.past(j, u), z3.And(j == i, _less(s, u, t)))),
        )

    def certify(s: View, n: View, *, q: Expression, t: Expression, c: Expression) -> Expression:
        """The votes of the group q for the log c in the term t are a QC."""
        counts = s.backed if fault is Fault.COUNTS_PREFIXES else s.voted
        return z3.And(
            forall(
                [replica],
                lambda m: z3.Implies(z3.And(s.voting(m, q), _correct(s, m)), counts(t, m, c)),
            ),
            _adds(n, s, "certified", t, c),
            becomes(n, "covered", lambda u, p: z3.Or(s.covered(u, p), z3.And(u == t, s.prefix(p, c)))),
            becomes(
                n, "dead", lambda u, p: z3.Or(s.dead(u, p), z3.And(_less(s, u, t), z3.Not(s.prefix(p, c))))
            ),
        )

    def lock(s: View, n: View, *, i: Expression, t: Expression, c: Expression) -> Expression:
        """Replica i locks the QC of c in t instead of its previous one, and executes its log."""
        not_earlier = forall([term], lambda u: z3.Implies(s.level(i, u), s.le(u, t)))
        not_shorter = z3.Not(z3.And(s.level(i, t), s.rests(i, c)))
        return z3.And(
            _correct(s, i),
            s.certified(t, c),
            z3.Or(z3.BoolVal(fault is Fault.LOCKS_AFTER_ITS_ABORT), z3.Not(s.aborted(i))),
            z3.Or(z3.BoolVal(fault is Fault.LOCKS_AFTER_LATER_VOTES), z3.Not(s.past(i, t))),
            z3.Or(z3.BoolVal(fault is Fault.LOCKS_EARLIER_QCS), not_earlier),
            not_shorter,
            becomes(n, "level", lambda j, u: z3.If(j == i, s.le(u, t), s.level(j, u))),
            becomes(n, "rests", lambda j, p: z3.If(j == i, s.prefix(p, c), s.rests(j, p))),
            becomes(
                n, "kept", lambda j, u, p: z3.Or(s.kept(j, u, p), z3.And(j == i, u == t, s.prefix(p, c)))
            ),
        )

    def restart(s: View, n: View, *, i: Expression) -> Expression:
        """Replica i crashes and recovers with its durable state, which is all of it."""
        forgets_lock = z3.BoolVal(fault is Fault.FORGETS_ITS_LOCK)
        forgets_term = z3.BoolVal(fault is Fault.FORGETS_ITS_TERM)
        return z3.And(
            _correct(s, i),
            becomes(n, "level", lambda j, u: z3.If(z3.And(j == i, forgets_lock), u == s.zero, s.level(j, u))),
            becomes(n, "rests", lambda j, p: z3.If(z3.And(j == i, forgets_lock), p == s.root, s.rests(j, p))),
            becomes(n, "past", lambda j, u: z3.And(s.past(j, u), z3.Not(z3.And(j == i, forgets_term)))),
        )

    each = {"i": replica, "t": term, "c": log}
    return (
        Action("Vote", each, ("voted", "backed", "past"), vote),
        Action(
            "Certify", {"q": sorts.vote_group, "t": term, "c": log}, ("certified", "covered", "dead"), certify
        ),
        Action("Lock", each, ("level", "rests", "kept"), lock),
        Action("Restart", {"i": replica}, ("level", "rests", "past"), restart),
    )


def _clients(sorts: Sorts, fault: Fault | None) -> tuple[Action, ...]:
    """Build the actions of answers, and of clients that accept them."""
    replica, term, log, operation = sorts.replica, sorts.term, sorts.log, sorts.operation

    def answer(s: View, n: View, *, i: Expression, t: Expression, c: Expression, o: Expression) -> Expression:
        """Replica i, which locked in t a log whose prefix c ends with o, answers o."""
        return z3.And(_correct(s, i), s.kept(i, t, c), s.ends(c, o), _adds(n, s, "said", t, i, o))

    def accept(
        s: View,
        n: View,
        *,
        b: Expression,
        t: Expression,
        u: Expression,
        c: Expression,
        o: Expression,
    ) -> Expression:
        """A client accepts o: all of the group b answered it in t, one of them for the log c."""
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
            _adds(n, s, "accepted", t, o, c),
        )

    return (
        Action("Answer", {"i": replica, "t": term, "c": log, "o": operation}, ("said",), answer),
        Action(
            "Accept",
            {"b": sorts.answer_group, "t": term, "u": term, "c": log, "o": operation},
            ("accepted",),
            accept,
        ),
    )


def _switch(sorts: Sorts, fault: Fault | None) -> tuple[Action, ...]:
    """Build the actions that end the epoch."""
    replica, term, log = sorts.replica, sorts.term, sorts.log

    def abort(s: View, n: View, *, i: Expression) -> Expression:
        """Replica i aborts, for whatever reason, and names its lock, which stays."""
        return z3.And(_correct(s, i), _adds(n, s, "aborted", i))

    def end_epoch(
        s: View, n: View, *, g: Expression, m: Expression, t: Expression, c: Expression
    ) -> Expression:
        """The aborts of g end the epoch and take over the log c, whose QC of the term t m has locked."""

        # Each names a QC: a Byzantine replica names any one that exists.
        def said(j: Expression) -> Expression:
            return z3.And(s.aborting(j, g), _correct(s, j))

        locked = z3.And(
            forall([term], lambda u: z3.Or(s.byzantine(m), s.level(m, u) == s.le(u, t))),
            forall([log], lambda p: z3.Or(s.byzantine(m), s.rests(m, p) == s.prefix(p, c))),
        )
        none_later = forall(
            [replica, term], lambda j, u: z3.Implies(z3.And(said(j), s.level(j, u)), s.le(u, t))
        )
        none_longer = forall(
            [replica, log],
            lambda j, p: z3.Implies(
                z3.And(said(j), s.level(j, t), s.rests(j, c), s.rests(j, p)), s.prefix(p, c)
            ),
        )
        return z3.And(
            forall([replica], lambda j: z3.Implies(said(j), s.aborted(j))),
            s.aborting(m, g),
            locked,
            z3.BoolVal(True) if fault is Fault.TRUSTS_ABORTS else s.certified(t, c),
            z3.BoolVal(True) if fault is Fault.TAKES_ANY_TERM else none_later,
            z3.BoolVal(True) if fault is Fault.TAKES_SHORTER else none_longer,
            _adds(n, s, "ended", c),
            becomes(n, "dead", lambda u, p: z3.Or(s.dead(u, p), z3.Not(s.prefix(p, c)))),
        )

    return (
        Action("Abort", {"i": replica}, ("aborted",), abort),
        Action(
            "EndEpoch",
            {"g": sorts.abort_group, "m": replica, "t": term, "c": log},
            ("ended", "dead"),
            end_epoch,
        ),
    )


#: The proof, its requirements, its consequences, and the wrong models that fail it.
PROOF: Final = Proof(
    claim=(
        "A Raft epoch and its close, any number of replicas, f < n/3 of them Byzantine, any terms and logs"
    ),
    model=lambda fault: hybrid(fault=fault),
    faults=Fault,
    goals=GOALS,
    consequences=consequences(Sorts()),
    command=".venv/bin/python -m models.hybrid",
)


#: The checks of `verify.toml`. Prove that QCs of later terms and switches contain what clients accepted,
#: for a cluster of any size.
handed_over, clauses_needed, mutants_fail = PROOF.holds, PROOF.clauses_needed, PROOF.mutants_fail


if __name__ == "__main__":
    sys.exit(0 if PROOF.tell(click.echo) else 1)
