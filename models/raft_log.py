"""Raft's logs, proved safe for a cluster of any size, any number of terms and logs of any length.

Log Matching, Leader Completeness and State Machine Safety (Ongaro and Ousterhout, USENIX ATC 2014, Figure 3)
by an inductive invariant, in the style of `models.raft` and of decidable first-order proofs (Padon et al.,
"Paxos made EPR", OOPSLA 2017; Taube et al., "Modularity for decidability", PLDI 2018).

* Servers, quorums, terms, indices and values are sorts. Two quorums share a server; terms and indices are
  total orders with a least element. Nothing is counted, and no next element is computed.
* All that changes is a relation. A term is what a server has left behind it: `past(i, t)` says that the term
  of i is above t. So no function leads from a server to a term or an index. What is asked to exist is, for
  terms and indices, a quorum, a server or a value; for quorums, a server: never a term or an index. That is
  stratified, and Z3 decides it.
* Each log begins with an entry of term zero at the index `start`, which stands for the empty log.

**What is modelled** of `specs/raft/Raft.tla`: elections, the election restriction, replication with its
consistency check, the rule of commitment, commit indices, restarts. What carries the proof is `dead(t, k)`:
some leader of a later term lacks the entry that the leader of t made, or may yet make, at k. Then in each
quorum somebody has left t and not acknowledged that entry, so that it is never committed.

**What is abstracted**, always to more behaviour and never to less:

* A message is a history: it is never lost, and may be received at any time and any number of times; to be
  lost is not to be received. An AppendEntries request of term t is any slice of `ledger(t)`, the log of its
  leader as far as it has grown. `told` is what that leader has known to be committed, and since when makes no
  difference: it was decided. Acknowledgements and votes are known to whom they are for at once.
* Receiving AppendEntries is up to three steps: `RemoveConflict`, `StoreEntries`, `ConfirmEntries`. A server
  may crash or go on between them. A request that is refused, or any other message, is `MeetTerm`; it may
  bring any term, and need not be met. A vote may always be refused.
* The step that receives the last vote is `WinElection`, then `BecomeLeader`; the entry with which a leader
  opens its term is a `ClientRequest`. `nextIndex` is gone: any slice may be sent.
* A commit index is a set of indices, each with the decision (term, index) that it rests on.

That these steps are those of the spec is this argument, checked by no machine. Not proved: that logs have no
gaps (`CommitIndexInLog`; the proof does not need it), and whatever the spec states of steps, of `nextIndex`
and of `matchIndex`. Not modelled: snapshots, membership.

    python -m models.raft_log

prints the proof, what it needs each clause for, and how five wrong models fail it.
"""

import enum
import sys
from collections.abc import Callable, Sequence
from typing import Final

import attrs
import click
import z3

from models.axioms import quorums_meet, total_order
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
    "goals",
    "log_safety",
    "logs",
    "mutants_fail",
]

#: The clauses that are never dropped: those that Figure 3 states, or follows from, and one that follows from
#: DecidedByAcks and DeadIsNotAcked. The proof succeeds without that one and takes thirty times as long.
GOALS: Final = (
    "ElectionSafety",
    "OneEntryAnIndex",
    "LogsAreOfLedgers",
    "CommitsAreOfLedgers",
    "DecidedIsNotDead",
)


class Fault(enum.Enum):
    """The fault of a wrong model, each a mistake that implementations have made."""

    COMMITS_OLD_TERMS = "a leader counts replicas of entries of earlier terms too"
    VOTES_IGNORING_LOGS = "a server votes without looking at the candidate's log"
    SKIPS_THE_CHECK = "a server accepts entries whatever the term of its previous entry is"
    VOTE_NOT_DURABLE = "a restart forgets the vote, and not the term"
    TRUNCATES_ALWAYS = "a server removes entries that do not conflict"


@attrs.frozen(kw_only=True)
class Sorts:
    """The sorts of the model: uninterpreted for a proof, enumerations for a finite instance.

    Attributes:
        server: the servers.
        quorum: the quorums, by names only.
        term: the terms.
        index: the indices of a log.
        value: the values that clients may submit.
    """

    server: Sort = attrs.field(factory=lambda: uninterpreted("Server"))
    quorum: Sort = attrs.field(factory=lambda: uninterpreted("Quorum"))
    term: Sort = attrs.field(factory=lambda: uninterpreted("Term"))
    index: Sort = attrs.field(factory=lambda: uninterpreted("Index"))
    value: Sort = attrs.field(factory=lambda: uninterpreted("Value"))


def logs(
    sorts: Sorts | None = None, *, fault: Fault | None = None, axioms: Sequence[Clause] = ()
) -> TransitionSystem:
    """Build the model, whose properties are the clauses of its inductive invariant.

    Args:
        sorts: what it is about; by default a cluster of any size.
        fault: what is wrong with it; None for Raft.
        axioms: more about what is rigid, for a finite instance.
    """
    sorts = sorts or Sorts()
    return TransitionSystem(
        name="Raft logs",
        variables=_variables(sorts),
        axioms=(*_axioms(sorts), *axioms),
        initial=_initial(sorts),
        actions=_actions(sorts, fault),
        properties=_invariant(sorts),
    )


def _variables(sorts: Sorts) -> tuple[Variable, ...]:
    server, quorum, term, index, value = sorts.server, sorts.quorum, sorts.term, sorts.index, sorts.value
    return (
        relation("member", server, quorum, is_rigid=True),
        relation("le", term, term, is_rigid=True),
        Variable("zero", (), term, is_rigid=True),
        relation("upto", index, index, is_rigid=True),
        Variable("start", (), index, is_rigid=True),
        Variable("blank", (), value, is_rigid=True),
        # Durable. `past(i, t)`: the term of i is above t. `voted(t, m, i)`: m knows that it voted for i in t.
        # `entry(i, k, t, v)`: i has an entry of term t and value v at k.
        relation("past", server, term),
        relation("voted", term, server, server),
        relation("entry", server, index, term, value),
        # Volatile. A role is one in a term. `commit(i, k, t, j)`: i takes all up to k as committed, since the
        # leader of t has decided on the entry at j.
        relation("candidate", term, server),
        relation("leads", term, server),
        relation("commit", server, index, term, index),
        # In flight and history. `request(t, i, k, u)`: i asks for votes in t, its last entry at k of term u.
        # `ballot(t, m, i)`: m has voted for i in t. `won(t, i, q)`: i has won t by the votes of q. `ledger`:
        # the log of the leader of t. `acked(t, m, k)`: m holds the entry that the leader of t made at k.
        # `decided(t, k)`: that leader has counted a quorum of these. `told(t, k, u, j)`: it has known k to be
        # committed by the decision at j of the leader of u. `dead(t, k)`: a later leader lacks that entry.
        relation("request", term, server, index, term),
        relation("ballot", term, server, server),
        relation("won", term, server, quorum),
        relation("ledger", term, index, term, value),
        relation("acked", term, server, index),
        relation("decided", term, index),
        relation("told", term, index, term, index),
        relation("dead", term, index),
    )


def _axioms(sorts: Sorts) -> tuple[Clause, ...]:
    return (
        *total_order("le", sorts.term, "zero"),
        *total_order("upto", sorts.index, "start"),
        quorums_meet(sorts.server, sorts.quorum),
    )


def _initial(sorts: Sorts) -> Callable[[View], Expression]:
    server, quorum, term, index, value = sorts.server, sorts.quorum, sorts.term, sorts.index, sorts.value

    def initial(s: View) -> Expression:
        def opening(k: Expression, u: Expression, v: Expression) -> Expression:
            return z3.And(k == s.start, u == s.zero, v == s.blank)

        return z3.And(
            forall(
                [server, term], lambda i, t: z3.Not(z3.Or(s.past(i, t), s.candidate(t, i), s.leads(t, i)))
            ),
            forall(
                [term, server, server], lambda t, m, i: z3.Not(z3.Or(s.voted(t, m, i), s.ballot(t, m, i)))
            ),
            forall([server, index, term, value], lambda i, k, u, v: s.entry(i, k, u, v) == opening(k, u, v)),
            forall(
                [server, index, term, index],
                lambda i, k, t, j: s.commit(i, k, t, j) == z3.And(k == s.start, t == s.zero, j == s.start),
            ),
            forall([term, server, index, term], lambda t, i, k, u: z3.Not(s.request(t, i, k, u))),
            forall([term, server, quorum], lambda t, i, q: z3.Not(s.won(t, i, q))),
            forall(
                [term, index, term, value],
                lambda t, k, u, v: s.ledger(t, k, u, v) == z3.And(t == s.zero, opening(k, u, v)),
            ),
            forall(
                [term, server, index], lambda t, m, k: s.acked(t, m, k) == z3.And(t == s.zero, k == s.start)
            ),
            forall([term, index], lambda t, k: s.decided(t, k) == z3.And(t == s.zero, k == s.start)),
            forall([term, index, term, index], lambda t, c, u, j: z3.Not(s.told(t, c, u, j))),
            forall([term, index], lambda t, k: z3.Not(s.dead(t, k))),
        )

    return initial


def _less(s: View, t: Expression, u: Expression) -> Expression:
    return z3.Not(s.le(u, t))


def _before(s: View, j: Expression, k: Expression) -> Expression:
    return z3.Not(s.upto(k, j))


def _opened(s: View, t: Expression) -> Expression:
    """The term t has had a leader: its ledger has begun."""
    return s.ledger(t, s.start, s.zero, s.blank)


def _clause(name: str, over: Sequence[Sort], body: Callable[[View], Callable[..., Expression]]) -> Clause:
    """Build the clause that a body holds for all elements of these sorts, in the state given first."""
    return Clause(name, lambda s: forall(over, body(s)))


def _invariant(sorts: Sorts) -> tuple[Clause, ...]:
    server, quorum, term, index, value = sorts.server, sorts.quorum, sorts.term, sorts.index, sorts.value

    return (
        _clause(
            "ElectionSafety",
            [term, server, server, quorum, quorum],
            lambda s: lambda t, i, j, q, r: z3.Implies(z3.And(s.won(t, i, q), s.won(t, j, r)), i == j),
        ),
        # elections
        _clause(
            "OneBallotATerm",
            [term, server, server, server],
            lambda s: lambda t, m, i, j: z3.Implies(z3.And(s.ballot(t, m, i), s.ballot(t, m, j)), i == j),
        ),
        _clause(
            "BallotIsRemembered",
            [term, server, server],
            lambda s: lambda t, m, i: z3.Implies(s.ballot(t, m, i), s.voted(t, m, i)),
        ),
        _clause(
            "NoBallotAhead",
            [term, server, server, term],
            lambda s: lambda t, m, i, u: z3.Implies(z3.And(s.ballot(t, m, i), _less(s, u, t)), s.past(m, u)),
        ),
        _clause(
            "NoBallotForTermsAhead",
            [term, server, server, term],
            lambda s: lambda t, m, i, u: z3.Implies(z3.And(s.ballot(t, m, i), _less(s, u, t)), s.past(i, u)),
        ),
        _clause(
            "NoRequestAhead",
            [term, server, index, term, term],
            lambda s: (
                lambda t, i, e, w, u: z3.Implies(z3.And(s.request(t, i, e, w), _less(s, u, t)), s.past(i, u))
            ),
        ),
        _clause(
            "WonByBallots",
            [term, server, quorum, server],
            lambda s: (
                lambda t, i, q, m: z3.Implies(z3.And(s.won(t, i, q), s.member(m, q)), s.ballot(t, m, i))
            ),
        ),
        _clause(
            "CandidatesHaveNotOpened",
            [term, server, quorum],
            lambda s: lambda t, i, q: z3.Not(z3.And(s.candidate(t, i), s.won(t, i, q), _opened(s, t))),
        ),
        _clause(
            "RolesAreOfTheTerm",
            [term, server, term],
            lambda s: (
                lambda t, i, u: z3.Implies(
                    z3.Or(s.candidate(t, i), s.leads(t, i)), s.past(i, u) == _less(s, u, t)
                )
            ),
        ),
        _clause("NobodyRunsInZero", [server], lambda s: lambda i: z3.Not(s.candidate(s.zero, i))),
        _clause(
            "OneLeaderATerm",
            [term, server, server],
            lambda s: lambda t, i, j: z3.Implies(z3.And(s.leads(t, i), s.leads(t, j)), i == j),
        ),
        _clause(
            "OpenedByWinners",
            [term],
            lambda s: (
                lambda t: z3.Implies(
                    _opened(s, t), z3.Or(t == s.zero, exists([server, quorum], lambda i, q: s.won(t, i, q)))
                )
            ),
        ),
        # logs
        _clause("FirstEntry", [server], lambda s: lambda n: s.entry(n, s.start, s.zero, s.blank)),
        _clause(
            "OneEntryAnIndex",
            [term, index, term, value, term, value],
            lambda s: (
                lambda t, k, u, v, w, x: z3.Implies(
                    z3.And(s.ledger(t, k, u, v), s.ledger(t, k, w, x)), z3.And(u == w, v == x)
                )
            ),
        ),
        _clause(
            "LogsAreOfLedgers",
            [server, index, term, value, index, term, value],
            lambda s: (
                lambda n, k, u, v, j, w, x: z3.Implies(
                    z3.And(s.entry(n, k, u, v), s.upto(j, k)), s.entry(n, j, w, x) == s.ledger(u, j, w, x)
                )
            ),
        ),
        _clause(
            "LedgersAreOfLedgers",
            [term, index, term, value, index, term, value],
            lambda s: (
                lambda t, k, u, v, j, w, x: z3.Implies(
                    z3.And(s.ledger(t, k, u, v), s.upto(j, k)), s.ledger(t, j, w, x) == s.ledger(u, j, w, x)
                )
            ),
        ),
        _clause(
            "LeadersHoldLedgers",
            [term, server, index, term, value],
            lambda s: (
                lambda t, i, k, u, v: z3.Implies(s.leads(t, i), s.entry(i, k, u, v) == s.ledger(t, k, u, v))
            ),
        ),
        _clause(
            "NoEntryAhead",
            [server, index, term, value, term],
            lambda s: (
                lambda n, k, u, v, t: z3.Implies(z3.And(s.entry(n, k, u, v), _less(s, t, u)), s.past(n, t))
            ),
        ),
        _clause(
            "NoLedgerEntryAhead",
            [term, index, term, value],
            lambda s: lambda t, k, u, v: z3.Implies(s.ledger(t, k, u, v), s.le(u, t)),
        ),
        # what may have been committed
        _clause(
            "AckedIsHeldOrDead",
            [term, server, index],
            lambda s: (
                lambda t, m, k: z3.Implies(
                    s.acked(t, m, k), z3.Or(s.dead(t, k), exists([value], lambda v: s.entry(m, k, t, v)))
                )
            ),
        ),
        _clause(
            "DeadIsNotAcked",
            [term, index, quorum],
            lambda s: (
                lambda t, k, q: z3.Implies(
                    s.dead(t, k),
                    exists(
                        [server], lambda m: z3.And(s.member(m, q), s.past(m, t), z3.Not(s.acked(t, m, k)))
                    ),
                )
            ),
        ),
        _clause(
            "LedgersLackTheDead",
            [term, term, index],
            lambda s: (
                lambda d, t, k: z3.Implies(
                    z3.And(_opened(s, d), _less(s, t, d)),
                    z3.Or(s.dead(t, k), exists([value], lambda v: s.ledger(d, k, t, v))),
                )
            ),
        ),
        _clause(
            "CandidatesHoldTheirRequest",
            [term, server, index, term],
            lambda s: (
                lambda t, i, e, u: z3.Implies(
                    z3.And(s.candidate(t, i), s.request(t, i, e, u)),
                    exists([value], lambda v: s.entry(i, e, u, v)),
                )
            ),
        ),
        _clause(
            "VotersAreBehind",
            [term, server, server, term, index],
            lambda s: (
                lambda t, m, i, u, k: z3.Implies(
                    z3.And(s.ballot(t, m, i), s.candidate(t, i), s.acked(u, m, k), _less(s, u, t)),
                    z3.Or(s.dead(u, k), exists([value], lambda v: s.entry(i, k, u, v))),
                )
            ),
        ),
        # what was committed
        Clause("FirstDecision", lambda s: s.decided(s.zero, s.start)),
        _clause(
            "OpenedWithFirstEntry",
            [term, index, term, value],
            lambda s: lambda t, k, u, v: z3.Implies(s.ledger(t, k, u, v), _opened(s, t)),
        ),
        _clause(
            "DecidedIsNotDead",
            [term, index],
            lambda s: lambda t, k: z3.Not(z3.And(s.decided(t, k), s.dead(t, k))),
        ),
        _clause(
            "DecidedByAcks",
            [term, index],
            lambda s: (
                lambda t, k: z3.Implies(
                    s.decided(t, k),
                    exists(
                        [quorum],
                        lambda q: forall([server], lambda m: z3.Implies(s.member(m, q), s.acked(t, m, k))),
                    ),
                )
            ),
        ),
        _clause(
            "CommitsAreDecided",
            [server, index, term, index],
            lambda s: (
                lambda n, k, t, j: z3.Implies(s.commit(n, k, t, j), z3.And(s.decided(t, j), s.upto(k, j)))
            ),
        ),
        _clause(
            "NoCommitAhead",
            [server, index, term, index, term],
            lambda s: (
                lambda n, k, t, j, u: z3.Implies(z3.And(s.commit(n, k, t, j), _less(s, u, t)), s.past(n, u))
            ),
        ),
        _clause(
            "ToldIsDecided",
            [term, index, term, index],
            lambda s: (
                lambda d, k, t, j: z3.Implies(
                    s.told(d, k, t, j), z3.And(s.decided(t, j), s.upto(k, j), s.le(t, d), _opened(s, d))
                )
            ),
        ),
        _clause(
            "CommitsAreOfLedgers",
            [server, index, term, index, term, value],
            lambda s: (
                lambda n, k, t, j, u, v: z3.Implies(
                    s.commit(n, k, t, j), s.entry(n, k, u, v) == s.ledger(t, k, u, v)
                )
            ),
        ),
    )


def goals(sorts: Sorts) -> tuple[Clause, ...]:
    """State Figure 3 of the paper on logs, for any sorts."""
    server, term, index, value = sorts.server, sorts.term, sorts.index, sorts.value

    return (
        _clause(
            "LogMatching",
            [server, server, index, term, value, value, index, term, value],
            lambda s: (
                lambda n, m, k, u, v, w, j, x, y: z3.Implies(
                    z3.And(s.entry(n, k, u, v), s.entry(m, k, u, w), s.upto(j, k), s.entry(n, j, x, y)),
                    s.entry(m, j, x, y),
                )
            ),
        ),
        _clause(
            "LeaderCompleteness",
            [term, index, index, term, value, term, server],
            lambda s: (
                lambda t, j, k, u, v, d, i: z3.Implies(
                    z3.And(
                        s.decided(t, j), s.upto(k, j), s.ledger(t, k, u, v), _less(s, t, d), s.leads(d, i)
                    ),
                    s.entry(i, k, u, v),
                )
            ),
        ),
        _clause(
            "StateMachineSafety",
            [server, server, index, term, index, term, index, term, value],
            lambda s: (
                lambda n, m, k, t, j, d, h, u, v: z3.Implies(
                    z3.And(s.commit(n, k, t, j), s.commit(m, k, d, h), s.entry(n, k, u, v)),
                    s.entry(m, k, u, v),
                )
            ),
        ),
        # With the others: what is at an index is one entry.
        _clause(
            "LogsAreFunctions",
            [server, index, term, value, term, value],
            lambda s: (
                lambda n, k, u, v, w, x: z3.Implies(
                    z3.And(s.entry(n, k, u, v), s.entry(n, k, w, x)), z3.And(u == w, v == x)
                )
            ),
        ),
    )


def _moves(n: View, s: View, i: Expression, t: Expression) -> Expression:
    return becomes(n, "past", lambda a, u: z3.Or(s.past(a, u), z3.And(a == i, _less(s, u, t))))


def _keeps(n: View, s: View, names: Sequence[str], i: Expression, t: Expression | None = None) -> Expression:
    """Server i keeps its role in term t, if any, and no other role."""

    def role(name: str) -> Expression:
        return becomes(
            n,
            name,
            lambda u, a: z3.And(
                getattr(s, name)(u, a), z3.Or(a != i, z3.BoolVal(False) if t is None else u == t)
            ),
        )

    return z3.And(*map(role, names))


def _actions(sorts: Sorts, fault: Fault | None) -> tuple[Action, ...]:
    server, quorum, term, index, value = sorts.server, sorts.quorum, sorts.term, sorts.index, sorts.value

    counts_all = fault is Fault.COMMITS_OLD_TERMS

    def holds(s: View, i: Expression, k: Expression, u: Expression) -> Expression:
        """Server i has an entry of term u at k."""
        return exists([value], lambda v: s.entry(i, k, u, v))

    def holds_any(s: View, i: Expression, k: Expression) -> Expression:
        """Server i has an entry at k."""
        return exists([term, value], lambda u, v: s.entry(i, k, u, v))

    def sent(s: View, t: Expression, k: Expression, u: Expression) -> Expression:
        """The leader of t may have sent its entry at k, of term u."""
        return exists([value], lambda v: s.ledger(t, k, u, v))

    def counts(s: View, t: Expression, k: Expression) -> Expression:
        """The leader of t counts the holders of its entry at k: it is of its own term."""
        return exists([term], lambda u: sent(s, t, k, u)) if counts_all else sent(s, t, k, t)

    def timeout(
        s: View, n: View, *, i: Expression, c: Expression, t: Expression, e: Expression, u: Expression
    ) -> Expression:
        """The timer of i fires in its term c: it stands in the next one, t; its last entry is (e, u)."""
        return z3.And(
            z3.Not(s.leads(c, i)),
            forall([term], lambda d: s.past(i, d) == _less(s, d, c)),
            _less(s, c, t),
            forall([term], lambda d: z3.Implies(_less(s, c, d), s.le(t, d))),
            holds(s, i, e, u),
            forall([index, term, value], lambda k, w, v: z3.Implies(s.entry(i, k, w, v), s.upto(k, e))),
            _moves(n, s, i, t),
            becomes(n, "candidate", lambda d, a: z3.If(a == i, d == t, s.candidate(d, a))),
            becomes(n, "voted", lambda d, m, a: z3.Or(s.voted(d, m, a), z3.And(d == t, m == i, a == i))),
            becomes(n, "ballot", lambda d, m, a: z3.Or(s.ballot(d, m, a), z3.And(d == t, m == i, a == i))),
            becomes(
                n,
                "request",
                lambda d, a, k, w: z3.Or(s.request(d, a, k, w), z3.And(d == t, a == i, k == e, w == u)),
            ),
        )

    def grant(
        s: View, n: View, *, i: Expression, j: Expression, t: Expression, e: Expression, u: Expression
    ) -> Expression:
        """Server i receives the request of j for term t, whose log ends with (e, u), and votes for it."""
        fresh = forall(
            [index, term, value],
            lambda k, w, v: z3.Implies(
                s.entry(i, k, w, v), z3.Or(_less(s, w, u), z3.And(w == u, s.upto(k, e)))
            ),
        )
        return z3.And(
            i != j,
            s.request(t, j, e, u),
            z3.Not(s.past(i, t)),
            forall([server], lambda m: z3.Implies(s.voted(t, i, m), m == j)),
            z3.BoolVal(True) if fault is Fault.VOTES_IGNORING_LOGS else fresh,
            _moves(n, s, i, t),
            _keeps(n, s, ("candidate", "leads"), i, t),
            becomes(n, "voted", lambda d, m, a: z3.Or(s.voted(d, m, a), z3.And(d == t, m == i, a == j))),
            becomes(n, "ballot", lambda d, m, a: z3.Or(s.ballot(d, m, a), z3.And(d == t, m == i, a == j))),
        )

    def meet_term(s: View, n: View, *, i: Expression, t: Expression) -> Expression:
        """Server i meets a term not below its own, in any message, and follows."""
        return z3.And(z3.Not(s.past(i, t)), _moves(n, s, i, t), _keeps(n, s, ("candidate", "leads"), i))

    def win(s: View, n: View, *, i: Expression, t: Expression, q: Expression) -> Expression:
        """Candidate i has the votes of the quorum q in t."""
        return z3.And(
            s.candidate(t, i),
            forall([server], lambda m: z3.Implies(s.member(m, q), s.ballot(t, m, i))),
            becomes(n, "won", lambda d, a, r: z3.Or(s.won(d, a, r), z3.And(d == t, a == i, r == q))),
        )

    def become_leader(s: View, n: View, *, i: Expression, t: Expression, q: Expression) -> Expression:
        """Candidate i, who has won t, leads. Entries of earlier terms that its log lacks are dead."""
        return z3.And(
            s.candidate(t, i),
            s.won(t, i, q),
            _keeps(n, s, ("candidate",), i),
            becomes(n, "leads", lambda d, a: z3.Or(s.leads(d, a), z3.And(d == t, a == i))),
            becomes(
                n,
                "ledger",
                lambda d, k, u, v: z3.Or(s.ledger(d, k, u, v), z3.And(d == t, s.entry(i, k, u, v))),
            ),
            becomes(
                n, "told", lambda d, k, u, j: z3.Or(s.told(d, k, u, j), z3.And(d == t, s.commit(i, k, u, j)))
            ),
            becomes(
                n, "dead", lambda d, k: z3.Or(s.dead(d, k), z3.And(_less(s, d, t), z3.Not(holds(s, i, k, d))))
            ),
        )

    def client_request(
        s: View, n: View, *, i: Expression, t: Expression, e: Expression, k: Expression, v: Expression
    ) -> Expression:
        """Leader i appends a value behind its last entry, at e: the next index is k."""
        return z3.And(
            s.leads(t, i),
            holds_any(s, i, e),
            forall([index, term, value], lambda j, u, w: z3.Implies(s.entry(i, j, u, w), s.upto(j, e))),
            _before(s, e, k),
            forall([index], lambda j: z3.Implies(_before(s, e, j), s.upto(k, j))),
            becomes(
                n,
                "entry",
                lambda a, j, u, w: z3.Or(s.entry(a, j, u, w), z3.And(a == i, j == k, u == t, w == v)),
            ),
            becomes(
                n,
                "ledger",
                lambda d, j, u, w: z3.Or(s.ledger(d, j, u, w), z3.And(d == t, j == k, u == t, w == v)),
            ),
            becomes(n, "acked", lambda d, m, j: z3.Or(s.acked(d, m, j), z3.And(d == t, m == i, j == k))),
        )

    def follows(s: View, n: View, i: Expression, t: Expression) -> Expression:
        """Server i follows the leader of t."""
        return z3.And(
            z3.Not(s.past(i, t)),
            _moves(n, s, i, t),
            _keeps(n, s, ("candidate",), i),
            _keeps(n, s, ("leads",), i, t),
        )

    def matches(s: View, i: Expression, p: Expression, w: Expression) -> Expression:
        """The consistency check: i has the previous entry."""
        if fault is Fault.SKIPS_THE_CHECK:
            return holds_any(s, i, p)
        return holds(s, i, p, w)

    def remove(
        s: View, n: View, *, i: Expression, t: Expression, k: Expression, u: Expression, w: Expression
    ) -> Expression:
        """Server i removes its entry at k, of term w, and all behind it: the leader of t has term u there."""
        return z3.And(
            follows(s, n, i, t),
            sent(s, t, k, u),
            holds(s, i, k, w),
            z3.BoolVal(True) if fault is Fault.TRUNCATES_ALWAYS else u != w,
            becomes(
                n, "entry", lambda a, j, d, v: z3.And(s.entry(a, j, d, v), z3.Or(a != i, _before(s, j, k)))
            ),
        )

    def store(
        s: View,
        n: View,
        *,
        i: Expression,
        t: Expression,
        p: Expression,
        w: Expression,
        k: Expression,
        e: Expression,
    ) -> Expression:
        """Server i holds the slice of t's leader from behind p up to k, and appends the rest, up to e."""
        return z3.And(
            follows(s, n, i, t),
            sent(s, t, p, w),
            matches(s, i, p, w),
            _before(s, p, k),
            s.upto(k, e),
            forall([index, term, value], lambda j, d, v: z3.Implies(s.entry(i, j, d, v), _before(s, j, k))),
            forall(
                [index, term],
                lambda j, d: z3.Implies(
                    z3.And(_before(s, p, j), _before(s, j, k)), sent(s, t, j, d) == holds(s, i, j, d)
                ),
            ),
            becomes(
                n,
                "entry",
                lambda a, j, d, v: z3.Or(
                    s.entry(a, j, d, v), z3.And(a == i, s.upto(k, j), s.upto(j, e), s.ledger(t, j, d, v))
                ),
            ),
        )

    def confirm(
        s: View,
        n: View,
        *,
        i: Expression,
        t: Expression,
        e: Expression,
        x: Expression,
        d: Expression,
        h: Expression,
    ) -> Expression:
        """Server i holds the entries of t's leader up to e: it says so, and learns of the decision (d, h)."""
        return z3.And(
            follows(s, n, i, t),
            sent(s, t, e, x),
            holds(s, i, e, x),
            becomes(
                n,
                "acked",
                lambda u, m, k: z3.Or(
                    s.acked(u, m, k), z3.And(u == t, m == i, s.upto(k, e), counts(s, t, k))
                ),
            ),
            becomes(
                n,
                "commit",
                lambda a, k, u, j: z3.Or(
                    s.commit(a, k, u, j), z3.And(a == i, s.upto(k, e), s.told(t, k, u, j), u == d, j == h)
                ),
            ),
        )

    def commit(s: View, n: View, *, i: Expression, t: Expression, k: Expression, q: Expression) -> Expression:
        """Leader i sees its entry of its own term t at k acknowledged by the quorum q."""
        return z3.And(
            s.leads(t, i),
            holds_any(s, i, k) if counts_all else holds(s, i, k, t),
            forall(
                [server],
                lambda m: z3.Implies(s.member(m, q), z3.Or(s.acked(t, m, k), z3.And(m == i, counts_all))),
            ),
            becomes(n, "decided", lambda d, j: z3.Or(s.decided(d, j), z3.And(d == t, j == k))),
            becomes(
                n,
                "commit",
                lambda a, j, d, h: z3.Or(s.commit(a, j, d, h), z3.And(a == i, s.upto(j, k), d == t, h == k)),
            ),
            becomes(
                n,
                "told",
                lambda d, j, u, h: z3.Or(s.told(d, j, u, h), z3.And(d == t, s.upto(j, k), u == t, h == k)),
            ),
        )

    def restart(s: View, n: View, *, i: Expression) -> Expression:
        """Server i crashes and comes back with what it had made durable."""
        forgets = z3.BoolVal(fault is Fault.VOTE_NOT_DURABLE)
        return z3.And(
            _keeps(n, s, ("candidate", "leads"), i),
            becomes(
                n,
                "commit",
                lambda a, k, t, j: z3.If(
                    a == i, z3.And(k == s.start, t == s.zero, j == s.start), s.commit(a, k, t, j)
                ),
            ),
            becomes(n, "voted", lambda t, m, a: z3.And(s.voted(t, m, a), z3.Or(m != i, z3.Not(forgets)))),
        )

    return (
        Action(
            "Timeout",
            {"i": server, "c": term, "t": term, "e": index, "u": term},
            ("past", "candidate", "voted", "ballot", "request"),
            timeout,
        ),
        Action(
            "GrantVote",
            {"i": server, "j": server, "t": term, "e": index, "u": term},
            ("past", "candidate", "leads", "voted", "ballot"),
            grant,
        ),
        Action("MeetTerm", {"i": server, "t": term}, ("past", "candidate", "leads"), meet_term),
        Action("WinElection", {"i": server, "t": term, "q": quorum}, ("won",), win),
        Action(
            "BecomeLeader",
            {"i": server, "t": term, "q": quorum},
            ("candidate", "leads", "ledger", "told", "dead"),
            become_leader,
        ),
        Action(
            "ClientRequest",
            {"i": server, "t": term, "e": index, "k": index, "v": value},
            ("entry", "ledger", "acked"),
            client_request,
        ),
        Action(
            "RemoveConflict",
            {"i": server, "t": term, "k": index, "u": term, "w": term},
            ("past", "candidate", "leads", "entry"),
            remove,
        ),
        Action(
            "StoreEntries",
            {"i": server, "t": term, "p": index, "w": term, "k": index, "e": index},
            ("past", "candidate", "leads", "entry"),
            store,
        ),
        Action(
            "ConfirmEntries",
            {"i": server, "t": term, "e": index, "x": term, "d": term, "h": index},
            ("past", "candidate", "leads", "acked", "commit"),
            confirm,
        ),
        Action(
            "Commit", {"i": server, "t": term, "k": index, "q": quorum}, ("decided", "commit", "told"), commit
        ),
        Action("Restart", {"i": server}, ("candidate", "leads", "commit", "voted"), restart),
    )


#: The proof, its requirements, its consequences, and the wrong models that fail it.
PROOF: Final = Proof(
    claim="Raft logs, any number of servers, terms and entries",
    model=lambda fault: logs(fault=fault),
    faults=Fault,
    goals=GOALS,
    consequences=goals(Sorts()),
    command=".venv/bin/python -m models.raft_log",
)


#: The checks of `verify.toml`. Figure 3 of the paper in a cluster of any size: the invariant is inductive,
#: and the goals follow.
log_safety, clauses_needed, mutants_fail = PROOF.holds, PROOF.clauses_needed, PROOF.mutants_fail


if __name__ == "__main__":
    sys.exit(0 if PROOF.tell(click.echo) else 1)
