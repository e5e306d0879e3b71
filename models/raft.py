"""Raft's elections, proved safe for a cluster of any size and any number of terms.

The proof is by an inductive invariant, in the style of decidable first-order proofs: servers, terms and
quorums are nearly uninterpreted sorts, and nothing is counted.

* `Quorum` is a sort, `member` says who is in one, and the only axiom is that any two of them share a
  server. That majorities have it is arithmetic, and proved in `models.quorum`.
* `Term` is a sort with a total order, `le`. A term after another one is asked for, never computed.
* Each variable is a relation, but for the term of a server. All clauses of the invariant are universal,
  and functions lead from quorums to servers (whom two of them share) to terms, never back: such
  questions are decidable, and Z3 answers each in well under a second.

What is modelled is the part of `specs/raft/Raft.tla` that elects: the timer, both messages about votes,
terms that are met, restarts. A log is what makes a voter refuse; so here a voter may always refuse, and
what is proved holds whatever logs make it do. Messages are relations. To receive a message does not
remove it: it may come again. `Drop...` removes one at any time. A history, `ballot` and `won`, is
read by the invariant only.

In the spec the step that receives the last vote needed also makes the leader. Here `BecomeLeader` is a
step of its own, later or never, so that there is more behaviour here and none less.

    python -m models.raft

prints the clauses, what the proof needs each of them for, and what happens to four wrong models.
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
    "election_safety",
    "elections",
    "mutants_fail",
]

#: The goals of the proof; the other clauses serve these.
GOALS: Final = ("ElectionSafety", "OneLeaderATerm")


class Fault(enum.Enum):
    """The fault of a wrong model, each a mistake that implementations have made."""

    VOTES_TWICE = "a server gives its vote again in the same term"
    VOTE_NOT_DURABLE = "a restart forgets the vote, and not the term"
    LEADS_ON_IN_A_NEW_TERM = "a leader that meets a newer term leads on in that term"
    QUORUMS_APART = "two quorums need not share a server"


@attrs.frozen(kw_only=True)
class Sorts:
    """The sorts of the model: uninterpreted for a proof, enumerations for a finite instance.

    Attributes:
        server: the servers.
        quorum: the quorums, by names only.
        term: the terms.
    """

    server: Sort = attrs.field(factory=lambda: uninterpreted("Server"))
    quorum: Sort = attrs.field(factory=lambda: uninterpreted("Quorum"))
    term: Sort = attrs.field(factory=lambda: uninterpreted("Term"))


def elections(
    sorts: Sorts | None = None, *, fault: Fault | None = None, axioms: Sequence[Clause] = ()
) -> TransitionSystem:
    """Build the model, whose properties are the clauses of its inductive invariant.

    Args:
        sorts: what it is about; by default a cluster of any size.
        fault: what is wrong with it; None for Raft.
        axioms: more about what is rigid: who is in which quorum, for a finite instance.
    """
    sorts = sorts or Sorts()
    return TransitionSystem(
        name="Raft elections",
        variables=_variables(sorts),
        axioms=(*_axioms(sorts, fault), *axioms),
        initial=_initial(sorts),
        actions=_actions(sorts, fault),
        properties=_invariant(sorts),
    )


def _variables(sorts: Sorts) -> tuple[Variable, ...]:
    server, quorum, term = sorts.server, sorts.quorum, sorts.term
    return (
        relation("member", server, quorum, is_rigid=True),
        relation("le", term, term, is_rigid=True),
        Variable("zero", (), term, is_rigid=True),
        # Durable: the term and the vote in it. A vote is a relation that holds of one server or of none.
        Variable("currentTerm", (server,), term),
        relation("votedFor", server, server),
        # Volatile. `granted(i, m)`: candidate i has received the vote of m.
        # `leads(i, q)`: i leads its term, by the votes of q.
        relation("candidate", server),
        relation("granted", server, server),
        relation("leads", server, quorum),
        # In flight. `request(t, i)`: i asks for votes in t. `response(t, m, i)`: m gives i its vote in t.
        relation("request", term, server),
        relation("response", term, server, server),
        # History. `ballot(t, m, i)`: m has voted for i in t. `won(t, i, q)`: i has won t by the votes of q.
        relation("ballot", term, server, server),
        relation("won", term, server, quorum),
    )


def _axioms(sorts: Sorts, fault: Fault | None) -> tuple[Clause, ...]:
    server, quorum = sorts.server, sorts.quorum
    inhabited = Clause(
        "QuorumsHaveMembers", lambda s: forall([quorum], lambda q: exists([server], lambda m: s.member(m, q)))
    )
    return (
        *total_order("le", sorts.term, "zero"),
        inhabited if fault is Fault.QUORUMS_APART else quorums_meet(server, quorum),
    )


def _initial(sorts: Sorts) -> Callable[[View], Expression]:
    server, quorum, term = sorts.server, sorts.quorum, sorts.term

    def initial(s: View) -> Expression:
        return z3.And(
            forall([server], lambda i: z3.And(s.currentTerm(i) == s.zero, z3.Not(s.candidate(i)))),
            forall([server, server], lambda i, m: z3.Not(z3.Or(s.votedFor(i, m), s.granted(i, m)))),
            forall([server, quorum], lambda i, q: z3.Not(s.leads(i, q))),
            forall([term, server], lambda t, i: z3.Not(s.request(t, i))),
            forall(
                [term, server, server], lambda t, m, i: z3.Not(z3.Or(s.response(t, m, i), s.ballot(t, m, i)))
            ),
            forall([term, server, quorum], lambda t, i, q: z3.Not(s.won(t, i, q))),
        )

    return initial


def _invariant(sorts: Sorts) -> tuple[Clause, ...]:
    server, quorum, term = sorts.server, sorts.quorum, sorts.term
    return (
        Clause(
            "ElectionSafety",
            lambda s: forall(
                [term, server, server, quorum, quorum],
                lambda t, i, j, q, r: z3.Implies(z3.And(s.won(t, i, q), s.won(t, j, r)), i == j),
            ),
        ),
        Clause(
            "OneLeaderATerm",
            lambda s: forall(
                [server, server, quorum, quorum],
                lambda i, j, q, r: z3.Implies(
                    z3.And(s.leads(i, q), s.leads(j, r), s.currentTerm(i) == s.currentTerm(j)), i == j
                ),
            ),
        ),
        Clause(
            "OneBallotATerm",
            lambda s: forall(
                [term, server, server, server],
                lambda t, m, i, j: z3.Implies(z3.And(s.ballot(t, m, i), s.ballot(t, m, j)), i == j),
            ),
        ),
        Clause(
            "NoBallotAhead",
            lambda s: forall(
                [term, server, server],
                lambda t, m, i: z3.Implies(s.ballot(t, m, i), s.le(t, s.currentTerm(m))),
            ),
        ),
        Clause(
            "BallotIsRemembered",
            lambda s: forall(
                [server, server],
                lambda m, i: z3.Implies(s.ballot(s.currentTerm(m), m, i), s.votedFor(m, i)),
            ),
        ),
        Clause(
            "ResponsesAreBallots",
            lambda s: forall(
                [term, server, server], lambda t, m, i: z3.Implies(s.response(t, m, i), s.ballot(t, m, i))
            ),
        ),
        Clause(
            "GrantedAreBallots",
            lambda s: forall(
                [server, server], lambda i, m: z3.Implies(s.granted(i, m), s.ballot(s.currentTerm(i), m, i))
            ),
        ),
        Clause(
            "WonByBallots",
            lambda s: forall(
                [term, server, quorum, server],
                lambda t, i, q, m: z3.Implies(z3.And(s.won(t, i, q), s.member(m, q)), s.ballot(t, m, i)),
            ),
        ),
        Clause(
            "LeadersHaveWon",
            lambda s: forall(
                [server, quorum], lambda i, q: z3.Implies(s.leads(i, q), s.won(s.currentTerm(i), i, q))
            ),
        ),
    )


def _less(s: View, t: Expression, u: Expression) -> Expression:
    return z3.Not(s.le(u, t))


def _follows(after: View, before: View, i: Expression, keeps: Expression) -> Expression:
    """Server i stays in its role where `keeps` holds, and follows otherwise."""
    return z3.And(
        becomes(after, "candidate", lambda n: z3.And(before.candidate(n), z3.Or(n != i, keeps))),
        becomes(after, "granted", lambda n, m: z3.And(before.granted(n, m), z3.Or(n != i, keeps))),
        becomes(after, "leads", lambda n, q: z3.And(before.leads(n, q), z3.Or(n != i, keeps))),
    )


def _moves(after: View, before: View, i: Expression, t: Expression) -> Expression:
    """Server i is in term t."""
    return becomes(after, "currentTerm", lambda n: z3.If(n == i, t, before.currentTerm(n)))


def _actions(sorts: Sorts, fault: Fault | None) -> tuple[Action, ...]:
    server, quorum, term = sorts.server, sorts.quorum, sorts.term
    role = ("candidate", "granted", "leads")

    def timeout(s: View, n: View, *, i: Expression, t: Expression) -> Expression:
        """The timer of i fires: it stands in the next term, t, votes for itself and asks all others."""
        return z3.And(
            forall([quorum], lambda q: z3.Not(s.leads(i, q))),
            _less(s, s.currentTerm(i), t),
            forall([term], lambda u: z3.Implies(_less(s, s.currentTerm(i), u), s.le(t, u))),
            _moves(n, s, i, t),
            becomes(n, "votedFor", lambda a, b: z3.If(a == i, b == i, s.votedFor(a, b))),
            becomes(n, "candidate", lambda a: z3.Or(a == i, s.candidate(a))),
            becomes(n, "granted", lambda a, m: z3.If(a == i, m == i, s.granted(a, m))),
            becomes(n, "request", lambda u, a: z3.Or(z3.And(u == t, a == i), s.request(u, a))),
            becomes(n, "ballot", lambda u, m, a: z3.Or(z3.And(u == t, m == i, a == i), s.ballot(u, m, a))),
        )

    def grant(s: View, n: View, *, i: Expression, j: Expression, t: Expression) -> Expression:
        """Server i receives the request of j for term t, and gives it its vote."""
        current = s.currentTerm(i)
        newer = _less(s, current, t)
        free = forall([server], lambda m: z3.Implies(s.votedFor(i, m), m == j))
        may = z3.Or(newer, z3.And(current == t, z3.BoolVal(True) if fault is Fault.VOTES_TWICE else free))
        return z3.And(
            i != j,
            s.request(t, j),
            may,
            _moves(n, s, i, t),
            becomes(n, "votedFor", lambda a, b: z3.If(a == i, b == j, s.votedFor(a, b))),
            _follows(n, s, i, z3.Not(newer)),
            becomes(
                n, "response", lambda u, m, a: z3.Or(z3.And(u == t, m == i, a == j), s.response(u, m, a))
            ),
            becomes(n, "ballot", lambda u, m, a: z3.Or(z3.And(u == t, m == i, a == j), s.ballot(u, m, a))),
        )

    def meet_term(s: View, n: View, *, i: Expression, j: Expression, t: Expression) -> Expression:
        """Server i meets a term above its own and gives no vote.

        It is in some message of j, of whatever kind: whoever sends t has been in t, and terms never go back.
        """
        leads = exists([quorum], lambda q: s.leads(i, q))
        keeps = leads if fault is Fault.LEADS_ON_IN_A_NEW_TERM else z3.BoolVal(False)
        return z3.And(
            i != j,
            s.le(t, s.currentTerm(j)),
            _less(s, s.currentTerm(i), t),
            _moves(n, s, i, t),
            becomes(n, "votedFor", lambda a, b: z3.And(a != i, s.votedFor(a, b))),
            _follows(n, s, i, keeps),
        )

    def receive_vote(s: View, n: View, *, i: Expression, m: Expression, t: Expression) -> Expression:
        """Candidate i receives the vote of m for term t, which is its own."""
        return z3.And(
            s.response(t, m, i),
            s.candidate(i),
            s.currentTerm(i) == t,
            becomes(n, "granted", lambda a, b: z3.Or(z3.And(a == i, b == m), s.granted(a, b))),
        )

    def become_leader(s: View, n: View, *, i: Expression, q: Expression) -> Expression:
        """Candidate i has the votes of the quorum q, and leads."""
        return z3.And(
            s.candidate(i),
            forall([server], lambda m: z3.Implies(s.member(m, q), s.granted(i, m))),
            becomes(n, "candidate", lambda a: z3.And(a != i, s.candidate(a))),
            becomes(n, "granted", lambda a, m: z3.And(a != i, s.granted(a, m))),
            becomes(n, "leads", lambda a, r: z3.Or(z3.And(a == i, r == q), s.leads(a, r))),
            becomes(
                n,
                "won",
                lambda t, a, r: z3.Or(z3.And(t == s.currentTerm(i), a == i, r == q), s.won(t, a, r)),
            ),
        )

    def restart(s: View, n: View, *, i: Expression) -> Expression:
        """Server i crashes and comes back with what it had made durable."""
        forgets = z3.BoolVal(fault is Fault.VOTE_NOT_DURABLE)
        return z3.And(
            _follows(n, s, i, z3.BoolVal(False)),
            becomes(n, "votedFor", lambda a, b: z3.And(s.votedFor(a, b), z3.Not(z3.And(a == i, forgets)))),
        )

    def drop_request(s: View, n: View, *, i: Expression, t: Expression) -> Expression:
        """The network loses the request of i."""
        return z3.And(
            s.request(t, i),
            becomes(n, "request", lambda u, a: z3.And(s.request(u, a), z3.Or(u != t, a != i))),
        )

    def drop_response(s: View, n: View, *, m: Expression, i: Expression, t: Expression) -> Expression:
        """The network loses the vote of m for i."""
        return z3.And(
            s.response(t, m, i),
            becomes(
                n,
                "response",
                lambda u, a, b: z3.And(s.response(u, a, b), z3.Or(u != t, a != m, b != i)),
            ),
        )

    return (
        Action(
            "Timeout",
            {"i": server, "t": term},
            ("currentTerm", "votedFor", "candidate", "granted", "request", "ballot"),
            timeout,
        ),
        Action(
            "GrantVote",
            {"i": server, "j": server, "t": term},
            ("currentTerm", "votedFor", *role, "response", "ballot"),
            grant,
        ),
        Action(
            "MeetTerm", {"i": server, "j": server, "t": term}, ("currentTerm", "votedFor", *role), meet_term
        ),
        Action("ReceiveVote", {"i": server, "m": server, "t": term}, ("granted",), receive_vote),
        Action("BecomeLeader", {"i": server, "q": quorum}, (*role, "won"), become_leader),
        Action("Restart", {"i": server}, ("votedFor", *role), restart),
        Action("DropRequest", {"i": server, "t": term}, ("request",), drop_request),
        Action("DropResponse", {"m": server, "i": server, "t": term}, ("response",), drop_response),
    )


#: The proof, its requirements, and the wrong models that fail it.
PROOF: Final = Proof(
    claim="Raft elections, any number of servers and terms",
    model=lambda fault: elections(fault=fault),
    faults=Fault,
    goals=GOALS,
    command=".venv/bin/python -m models.raft",
)


#: The checks of `verify.toml`. At most one leader a term, in a cluster of any size: each action keeps each
#: clause of the invariant.
election_safety, clauses_needed, mutants_fail = PROOF.holds, PROOF.clauses_needed, PROOF.mutants_fail


if __name__ == "__main__":
    sys.exit(0 if PROOF.tell(click.echo) else 1)
