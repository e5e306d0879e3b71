"""PBFT's agreement, proved for any number of replicas, of which f < n/3 are Byzantine, views and batches.

No two correct replicas commit different batches at a sequence number, in whatever views (Castro and Liskov,
OSDI 1999, here "paper"), by an inductive invariant in the style of decidable first-order proofs (Padon et
al., "Paxos made EPR", OOPSLA 2017).

* Replicas, quorums, views and batches are sorts. Views are a total order with a least element; nothing is
  counted and no next view is computed.
* Two quorums share a correct replica. That quorums of ceil((n + f + 1) / 2) do, for every n and f, is
  arithmetic: the claim `byzantine-quorums-intersect-in-a-correct-node` of `models.quorum`. No other use is
  made of f.
* All that changes is a relation. The view of a replica is what it has left behind it: `left(i, v)` says that
  it is above v. What is asked to exist is, for a batch, a view or a replica; for views and batches, a quorum;
  for quorums, a replica. Nothing leads back from a replica. That is stratified, and Z3 decides it.

**Byzantine replicas** say anything at any time in their own names, to each receiver something else. So
nothing that they say is stored: who counts votes asks for those of the correct members of a quorum only. What
they cannot do is to forge: a certificate that one of them tells of has the votes of a quorum
(`CertifyVotes`), and its checkpoint those of another (`_Rules.is_provable`). No action is theirs.

**One sequence number**, any. What `specs/pbft/Pbft.tla` does at other numbers leaves all that is said here of
this one as it is; what numbers share is the view of a replica and its stable checkpoint, and both are here. A
window, the order in which a primary gives numbers and the order of execution only forbid steps. So each
behaviour of the spec, seen at one number, is one of this model, and what no behaviour of the model breaks
holds at every number.

**What carries the proof** is that whatever a correct replica votes for in a view, no other batch can have
been committed in an earlier one, nor will ever be: in each quorum a correct replica has left that view, and
has given no COMMIT for it (`VotesAreSafe`, `DeadIsNotCommitted`). A new view has view changes of a quorum,
which shares a correct replica with any other; that one has left, and told of all that it gave a COMMIT for.
The latest certificate of them is safe by induction on views: it has the vote of a correct replica in its own
view.

**What is abstracted**, always to more behaviour and never to less:

* PRE-PREPARE and PREPARE are both votes: the primary's is the first, and nobody gives both. NEW-VIEW is no
  message: its receivers compute it from view changes, and so it makes no difference who says it, nor to whom.
* Messages of correct replicas are histories: they are never lost, and may be received at any time. A quorum
  that counts more than is needed is a quorum. A replica may want a later view at any time.
* A view change tells of all certificates that its sender has had, in the spec only of the latest. The latest
  of all is the latest of the latest ones.
* Who enters a new view votes for what it carries, even if its own stable checkpoint is beyond the number: a
  primary's NEW-VIEW proposes that too, and what a backup's vote adds is harmless.
* A checkpoint is one at or beyond the number. Its state is not compared: to transfer it is to take over what
  some correct replica has executed. A replica that has one has no use for messages about the number, hence
  the guards `not stable(i)`; a new view that begins behind one is `EnterCovered`, for whoever enters it.

That these steps are those of the spec is this argument, checked by no machine; TLC checks the spec itself
within bounds. Not proved: liveness, the order of execution, and that digests, signatures and states are what
they stand for. Not modelled: clients, MACs in place of signatures, recovery.

    python -m models.pbft

prints the proof, what it needs each clause for, and how wrong models fail it.
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

__all__ = ["GOALS", "PROOF", "Fault", "Sorts", "agreement", "clauses_needed", "mutants_fail", "pbft"]

#: The clauses that are never dropped: what `specs/pbft/Pbft.tla` states under these names of what is
#: committed and prepared; that executions agree; that a stable checkpoint covers nothing but what was
#: executed; and one that follows from PreparedByVotes and VotesAreSafe. Without that one Z3 may take seconds
#: or minutes, as the order of formulas is.
GOALS: Final = (
    "Agreement",
    "ExecutionsAgree",
    "StableIsExecuted",
    "PreparedIsUnique",
    "CertificateSafety",
    "PreparedIsSafe",
)


class Fault(enum.Enum):
    """The fault of a wrong model, each a mistake that implementations or their specifications have made."""

    PRIMARY_COUNTS_TWICE = "the PREPARE of the primary counts beside its PRE-PREPARE"
    ANY_CERTIFICATE = "a new view takes any certificate, not the latest"
    COMMIT_QUORUM_SHORT = "a COMMIT less than a quorum decides"
    QUORUMS_SHARE_THE_FAULTY = "two quorums need not share a correct replica: 2f + 1 of more than 3f + 1"
    FORGETS_CERTIFICATES = "a view change tells of no certificate"
    ACCEPTS_TWICE = "a replica accepts a second proposal in a view"
    TRUSTS_NEW_VIEW = "a replica takes from a new view what its primary says, and does not compute it"
    DISCARDS_EARLY = "a replica discards its certificates at its own checkpoint, before that is stable"
    COMMITS_AFTER_LEAVING = "a replica that has left a view gives a COMMIT in it"
    BELIEVES_CERTIFICATES = "the votes of a certificate in a view change are not checked"
    BELIEVES_CHECKPOINTS = "the votes for a checkpoint in a view change are not checked"


@attrs.frozen(kw_only=True)
class Sorts:
    """The sorts of the model: uninterpreted for a proof, enumerations for a finite instance.

    Attributes:
        replica: the replicas.
        quorum: the quorums, by names only.
        view: the views.
        batch: the batches of requests, the null batch among them.
    """

    replica: Sort = attrs.field(factory=lambda: uninterpreted("Replica"))
    quorum: Sort = attrs.field(factory=lambda: uninterpreted("Quorum"))
    view: Sort = attrs.field(factory=lambda: uninterpreted("View"))
    batch: Sort = attrs.field(factory=lambda: uninterpreted("Batch"))


def pbft(
    sorts: Sorts | None = None, *, fault: Fault | None = None, axioms: Sequence[Clause] = ()
) -> TransitionSystem:
    """Build the model, whose properties are the clauses of its inductive invariant.

    Args:
        sorts: what it is about; by default a cluster of any size.
        fault: what is wrong with it; None for PBFT.
        axioms: more about what is rigid, for a finite instance.
    """
    sorts = sorts or Sorts()
    rules = _Rules(sorts, fault)
    return TransitionSystem(
        name="PBFT",
        variables=_variables(sorts),
        axioms=(*_axioms(sorts, fault), *axioms),
        initial=_initial(sorts),
        actions=(*_normal_case(sorts, rules), *_checkpoints(sorts, rules), *_view_changes(sorts, rules)),
        properties=_invariant(sorts),
    )


def _variables(sorts: Sorts) -> tuple[Variable, ...]:
    replica, quorum, view, batch = sorts.replica, sorts.quorum, sorts.view, sorts.batch
    return (
        relation("byzantine", replica, is_rigid=True),
        relation("member", replica, quorum, is_rigid=True),
        relation("primary", view, replica, is_rigid=True),
        relation("le", view, view, is_rigid=True),
        Variable("zero", (), view, is_rigid=True),
        Variable("null", (), batch, is_rigid=True),
        # Of correct replicas. `left(i, v)`: i is above view v. `entered(i, v)`: it has taken part in v.
        # `opened(i, v)`: and v began without a proposal for the number. `holds(i, v, b)`: i has a prepared
        # certificate for b in v. `stable(i)`: the stable checkpoint of i is at or beyond the number.
        # `committed(i, b)`: i knows b to be committed. `executed(i, b)`: i has executed it.
        relation("left", replica, view),
        relation("entered", replica, view),
        relation("opened", replica, view),
        relation("holds", replica, view, batch),
        relation("stable", replica),
        relation("committed", replica, batch),
        relation("executed", replica, batch),
        # What they sent. `voted(v, i, b)`: a PRE-PREPARE if i is the primary of v, a PREPARE otherwise, or
        # either by a new view. `commit(v, i, b)`: a COMMIT. `checkpointed(i)`: a CHECKPOINT at or beyond the
        # number. `wants(w, i)`: a VIEW-CHANGE for w; `tells(w, i, v, b)`: with a certificate for b in v;
        # `covers(w, i)`: with a checkpoint at or beyond the number.
        relation("voted", view, replica, batch),
        relation("commit", view, replica, batch),
        relation("checkpointed", replica),
        relation("wants", view, replica),
        relation("tells", view, replica, view, batch),
        relation("covers", view, replica),
        # History. `prepared(v, b)`: votes for b in v have made a prepared certificate. `decided(v, b, q)`: so
        # have the COMMITs of q a commit certificate. `dead(v, b)`: a new view after v has begun without b, so
        # that b is not committed in v, nor ever will be.
        relation("prepared", view, batch),
        relation("decided", view, batch, quorum),
        relation("dead", view, batch),
    )


def _axioms(sorts: Sorts, fault: Fault | None) -> tuple[Clause, ...]:
    replica, quorum, view = sorts.replica, sorts.quorum, sorts.view
    share_a_correct_replica = Clause(
        "QuorumsShareACorrectReplica",
        lambda s: forall(
            [quorum, quorum],
            lambda q, r: exists([replica], lambda m: z3.And(_correct(s, m), s.member(m, q), s.member(m, r))),
        ),
    )
    have_a_correct_member = Clause(
        "QuorumsHaveACorrectMember",
        lambda s: forall(
            [quorum], lambda q: exists([replica], lambda m: z3.And(_correct(s, m), s.member(m, q)))
        ),
    )
    return (
        *total_order("le", view, "zero"),
        *(
            (quorums_meet(replica, quorum), have_a_correct_member)
            if fault is Fault.QUORUMS_SHARE_THE_FAULTY
            else (share_a_correct_replica,)
        ),
    )


def _initial(sorts: Sorts) -> Callable[[View], Expression]:
    replica, quorum, view, batch = sorts.replica, sorts.quorum, sorts.view, sorts.batch

    def initial(s: View) -> Expression:
        return z3.And(
            forall(
                [replica, view],
                lambda i, v: z3.And(
                    z3.Not(s.left(i, v)),
                    s.entered(i, v) == z3.And(_correct(s, i), v == s.zero),
                    s.opened(i, v) == z3.And(_correct(s, i), v == s.zero),
                    z3.Not(s.wants(v, i)),
                    z3.Not(s.covers(v, i)),
                ),
            ),
            forall([replica], lambda i: z3.Not(z3.Or(s.stable(i), s.checkpointed(i)))),
            forall([replica, batch], lambda i, b: z3.Not(z3.Or(s.committed(i, b), s.executed(i, b)))),
            forall(
                [replica, view, batch],
                lambda i, v, b: z3.Not(z3.Or(s.holds(i, v, b), s.voted(v, i, b), s.commit(v, i, b))),
            ),
            forall([view, batch, quorum], lambda v, b, q: z3.Not(s.decided(v, b, q))),
            forall([view, replica, view, batch], lambda w, i, v, b: z3.Not(s.tells(w, i, v, b))),
            forall([view, batch], lambda v, b: z3.Not(z3.Or(s.prepared(v, b), s.dead(v, b)))),
        )

    return initial


def _correct(s: View, i: Expression) -> Expression:
    return z3.Not(s.byzantine(i))


def _before(s: View, v: Expression, w: Expression) -> Expression:
    return z3.Not(s.le(w, v))


def _clause(name: str, over: Sequence[Sort], body: Callable[[View], Callable[..., Expression]]) -> Clause:
    """Build the clause that a body holds for all elements of these sorts, in the state given first."""
    return Clause(name, lambda s: forall(over, body(s)))


def _invariant(sorts: Sorts) -> tuple[Clause, ...]:
    """Build all clauses. Relations of changing state hold of correct replicas only, since nobody else acts.

    Existence claims about a replica hold if there is such a replica, so they do not depend on which.
    """
    replica, quorum, view, batch = sorts.replica, sorts.quorum, sorts.view, sorts.batch

    def some_quorum(s: View, voted: Callable[[Expression], Expression]) -> Expression:
        """All correct members of some quorum have voted so."""
        return exists(
            [quorum],
            lambda q: forall(
                [replica], lambda m: z3.Implies(z3.And(s.member(m, q), _correct(s, m)), voted(m))
            ),
        )

    def somebody_executed(s: View) -> Expression:
        return exists([replica, batch], s.executed)

    return (
        _clause(
            "Agreement",
            [replica, replica, batch, batch],
            lambda s: lambda i, j, b, c: z3.Implies(z3.And(s.committed(i, b), s.committed(j, c)), b == c),
        ),
        _clause(
            "CertificateSafety",
            [view, batch, quorum, view, batch],
            lambda s: (
                lambda v, b, q, w, c: z3.Implies(
                    z3.And(s.decided(v, b, q), s.prepared(w, c), s.le(v, w)), b == c
                )
            ),
        ),
        _clause(
            "ExecutionsAgree",
            [replica, replica, batch, batch],
            lambda s: lambda i, j, b, c: z3.Implies(z3.And(s.executed(i, b), s.executed(j, c)), b == c),
        ),
        _clause(
            "PreparedIsUnique",
            [view, batch, batch],
            lambda s: lambda v, b, c: z3.Implies(z3.And(s.prepared(v, b), s.prepared(v, c)), b == c),
        ),
        _clause(
            "PreparedIsSafe",
            [view, batch, view, batch],
            lambda s: (
                lambda w, c, v, b: z3.Implies(
                    z3.And(s.prepared(w, c), _before(s, v, w), b != c), s.dead(v, b)
                )
            ),
        ),
        Clause(
            "StableIsExecuted",
            lambda s: z3.Implies(exists([replica], s.stable), somebody_executed(s)),
        ),
        # within a view
        _clause(
            "VotesOnce",
            [view, replica, batch, batch],
            lambda s: lambda v, i, b, c: z3.Implies(z3.And(s.voted(v, i, b), s.voted(v, i, c)), b == c),
        ),
        _clause(
            "VotersHaveEntered",
            [view, replica, batch],
            lambda s: lambda v, i, b: z3.Implies(s.voted(v, i, b), s.entered(i, v)),
        ),
        _clause(
            "PreparedByVotes",
            [view, batch],
            lambda s: lambda v, b: z3.Implies(s.prepared(v, b), some_quorum(s, lambda m: s.voted(v, m, b))),
        ),
        _clause(
            "CommitsArePrepared",
            [view, replica, batch],
            lambda s: lambda v, i, b: z3.Implies(s.commit(v, i, b), s.prepared(v, b)),
        ),
        _clause(
            "DecidedByCommits",
            [view, batch, quorum, replica],
            lambda s: (
                lambda v, b, q, m: z3.Implies(
                    z3.And(s.decided(v, b, q), s.member(m, q), _correct(s, m)), s.commit(v, m, b)
                )
            ),
        ),
        # across views
        _clause(
            "CommitsAreHeld",
            [view, replica, batch],
            lambda s: lambda v, i, b: z3.Implies(s.commit(v, i, b), z3.Or(s.stable(i), s.holds(i, v, b))),
        ),
        _clause(
            "WhoWantsHasLeft",
            [view, replica, view],
            lambda s: lambda w, i, v: z3.Implies(z3.And(s.wants(w, i), _before(s, v, w)), s.left(i, v)),
        ),
        _clause(
            "CommitsAreTold",
            [view, replica, view, batch],
            lambda s: (
                lambda w, i, v, b: z3.Implies(
                    z3.And(s.wants(w, i), s.commit(v, i, b), _before(s, v, w)),
                    z3.Or(s.covers(w, i), s.tells(w, i, v, b)),
                )
            ),
        ),
        _clause(
            "VotesAreSafe",
            [view, replica, batch, view, batch],
            lambda s: (
                lambda w, i, c, v, b: z3.Implies(
                    z3.And(s.voted(w, i, c), _before(s, v, w), b != c), s.dead(v, b)
                )
            ),
        ),
        _clause(
            "OpenViewsAreSafe",
            [replica, view, view, batch],
            lambda s: lambda i, w, v, b: z3.Implies(z3.And(s.opened(i, w), _before(s, v, w)), s.dead(v, b)),
        ),
        _clause(
            "DeadIsNotCommitted",
            [view, batch, quorum],
            lambda s: (
                lambda v, b, q: z3.Implies(
                    s.dead(v, b),
                    exists(
                        [replica],
                        lambda m: z3.And(
                            s.member(m, q), _correct(s, m), s.left(m, v), z3.Not(s.commit(v, m, b))
                        ),
                    ),
                )
            ),
        ),
        # execution and checkpoints
        _clause(
            "CommittedIsDecided",
            [batch],
            lambda s: (
                lambda b: z3.Implies(
                    exists([replica], lambda i: s.committed(i, b)),
                    exists([view, quorum], lambda v, q: s.decided(v, b, q)),
                )
            ),
        ),
        _clause(
            "ExecutedIsCommitted",
            [batch],
            lambda s: (
                lambda b: z3.Implies(
                    exists([replica], lambda i: s.executed(i, b)),
                    exists([replica], lambda i: s.committed(i, b)),
                )
            ),
        ),
        Clause(
            "CheckpointsAreExecuted",
            lambda s: z3.Implies(exists([replica], s.checkpointed), somebody_executed(s)),
        ),
        _clause(
            "CoversAreStable",
            [view, replica],
            lambda s: lambda w, i: z3.Implies(s.covers(w, i), s.stable(i)),
        ),
    )


@attrs.frozen
class _Rules:
    """The rules on which safety rests; a fault replaces one of them."""

    sorts: Sorts
    fault: Fault | None

    def all_said(self, s: View, q: Expression, sent: Callable[[Expression], Expression]) -> Expression:
        """All members of q may have said this, which the correct ones have sent."""
        return forall([self.sorts.replica], lambda m: z3.Implies(s.member(m, q), _said(s, m, sent(m))))

    def all_but_one_said(
        self, s: View, q: Expression, sent: Callable[[Expression], Expression], *, not_one: Expression = None
    ) -> Expression:
        """All members of q but one, which is another one than `not_one`, may have said this."""
        replica = self.sorts.replica

        def by_others(x: Expression) -> Expression:
            is_one = s.member(x, q) if not_one is None else z3.And(s.member(x, q), x != not_one)
            others = forall(
                [replica], lambda m: z3.Implies(z3.And(s.member(m, q), m != x), _said(s, m, sent(m)))
            )
            return z3.And(is_one, others)

        return exists([replica], by_others)

    def is_prepared(self, s: View, v: Expression, b: Expression) -> Expression:
        """There is a prepared certificate: the primary's proposal and votes for it, together of a quorum."""

        def voted(m: Expression) -> Expression:
            return s.voted(v, m, b)

        def by(q: Expression, p: Expression) -> Expression:
            enough = (
                self.all_but_one_said(s, q, voted, not_one=p)
                if self.fault is Fault.PRIMARY_COUNTS_TWICE
                else self.all_said(s, q, voted)
            )
            return z3.And(s.primary(v, p), s.member(p, q), enough)

        return exists([self.sorts.quorum, self.sorts.replica], by)

    def is_committed(self, s: View, v: Expression, b: Expression, q: Expression) -> Expression:
        """The COMMITs of q for b in v are a commit certificate."""

        def committed(m: Expression) -> Expression:
            return s.commit(v, m, b)

        if self.fault is Fault.COMMIT_QUORUM_SHORT:
            return self.all_but_one_said(s, q, committed)
        return self.all_said(s, q, committed)

    def is_provable(self, s: View) -> Expression:
        """There is a stable checkpoint at or beyond the number: CHECKPOINTs of a quorum."""
        return exists([self.sorts.quorum], lambda q: self.all_said(s, q, s.checkpointed))

    def may_accept(self, s: View, i: Expression, v: Expression) -> Expression:
        """Replica i may accept a proposal for the number in v."""
        fresh = forall([self.sorts.batch], lambda c: z3.Not(s.voted(v, i, c)))
        return z3.And(
            _takes_part(s, i, v),
            s.opened(i, v),
            z3.Not(s.stable(i)),
            z3.BoolVal(True) if self.fault is Fault.ACCEPTS_TWICE else fresh,
        )

    def may_commit(self, s: View, i: Expression, v: Expression) -> Expression:
        """Replica i may give a COMMIT in v."""
        late = z3.And(_correct(s, i), s.entered(i, v))
        return late if self.fault is Fault.COMMITS_AFTER_LEAVING else _takes_part(s, i, v)

    def told(self, s: View, i: Expression, v: Expression, b: Expression) -> Expression:
        """In a view change i tells of a certificate for b in v."""
        return z3.BoolVal(False) if self.fault is Fault.FORGETS_CERTIFICATES else s.holds(i, v, b)

    def justified(
        self, s: View, w: Expression, q: Expression, told: Callable[[Expression], Expression]
    ) -> Expression:
        """There are view changes for w of q: without checkpoints, with the certificates that `told` names."""
        return self.all_said(s, q, lambda m: z3.And(s.wants(w, m), z3.Not(s.covers(w, m)), told(m)))

    def tells_nothing(self, s: View, w: Expression, q: Expression) -> Expression:
        """There are view changes for w of q, and no certificate in them."""
        over = [self.sorts.view, self.sorts.batch]
        return self.justified(s, w, q, lambda m: forall(over, lambda v, b: z3.Not(s.tells(w, m, v, b))))


def _said(s: View, i: Expression, sent: Expression) -> Expression:
    """Replica i may have said what it has sent if it is correct."""
    return z3.Or(s.byzantine(i), sent)


def _takes_part(s: View, i: Expression, v: Expression) -> Expression:
    """Correct replica i is in view v, and not on its way to another."""
    return z3.And(_correct(s, i), s.entered(i, v), z3.Not(s.left(i, v)))


def _votes(n: View, s: View, i: Expression, v: Expression, b: Expression) -> Expression:
    """Replica i votes for b in v."""
    return becomes(n, "voted", lambda u, m, c: z3.Or(s.voted(u, m, c), z3.And(u == v, m == i, c == b)))


def _stabilizes(n: View, s: View, i: Expression) -> Expression:
    """The stable checkpoint of i is at or beyond the number."""
    return z3.And(becomes(n, "stable", lambda m: z3.Or(s.stable(m), m == i)), _discards(n, s, i))


def _discards(n: View, s: View, i: Expression) -> Expression:
    return becomes(n, "holds", lambda m, u, c: z3.And(m != i, s.holds(m, u, c)))


def _normal_case(sorts: Sorts, rules: _Rules) -> tuple[Action, ...]:
    """Build the actions within a view (paper, 4.2)."""
    replica, quorum, view, batch = sorts.replica, sorts.quorum, sorts.view, sorts.batch

    def propose(s: View, n: View, *, i: Expression, v: Expression, b: Expression) -> Expression:
        """The primary of v gives a batch the number."""
        return z3.And(s.primary(v, i), rules.may_accept(s, i, v), _votes(n, s, i, v, b))

    def accept(s: View, n: View, *, i: Expression, j: Expression, v: Expression, b: Expression) -> Expression:
        """A PRE-PREPARE of the primary j arrives at i, which agrees to it by a PREPARE."""
        return z3.And(
            i != j,
            s.primary(v, j),
            _said(s, j, s.voted(v, j, b)),
            rules.may_accept(s, i, v),
            _votes(n, s, i, v, b),
        )

    def certify_votes(s: View, n: View, *, v: Expression, b: Expression) -> Expression:
        """The votes for b in v make a prepared certificate, for whoever collects them."""
        return z3.And(
            rules.is_prepared(s, v, b),
            becomes(n, "prepared", lambda u, c: z3.Or(s.prepared(u, c), z3.And(u == v, c == b))),
        )

    def collect_prepares(s: View, n: View, *, i: Expression, v: Expression, b: Expression) -> Expression:
        """The last vote arrives at i that a prepared certificate needs: i gives a COMMIT."""
        return z3.And(
            rules.may_commit(s, i, v),
            z3.Not(s.stable(i)),
            s.voted(v, i, b),
            z3.Not(s.holds(i, v, b)),
            s.prepared(v, b),
            becomes(n, "holds", lambda m, u, c: z3.Or(s.holds(m, u, c), z3.And(m == i, u == v, c == b))),
            becomes(n, "commit", lambda u, m, c: z3.Or(s.commit(u, m, c), z3.And(m == i, u == v, c == b))),
        )

    def certify_commits(s: View, n: View, *, v: Expression, b: Expression, q: Expression) -> Expression:
        """The COMMITs for b in v of q make a commit certificate, for whoever collects them."""
        return z3.And(
            rules.is_committed(s, v, b, q),
            becomes(n, "decided", lambda u, c, r: z3.Or(s.decided(u, c, r), z3.And(u == v, c == b, r == q))),
        )

    def collect_commits(
        s: View, n: View, *, i: Expression, v: Expression, b: Expression, q: Expression
    ) -> Expression:
        """The last COMMIT arrives at i, which has given its own: b is committed."""
        return z3.And(
            _takes_part(s, i, v),
            z3.Not(s.stable(i)),
            s.commit(v, i, b),
            s.decided(v, b, q),
            becomes(n, "committed", lambda m, c: z3.Or(s.committed(m, c), z3.And(m == i, c == b))),
        )

    vote = {"i": replica, "v": view, "b": batch}
    return (
        Action("Propose", vote, ("voted",), propose),
        Action("AcceptPrePrepare", {**vote, "j": replica}, ("voted",), accept),
        Action("CertifyVotes", {"v": view, "b": batch}, ("prepared",), certify_votes),
        Action("CollectPrepares", vote, ("holds", "commit"), collect_prepares),
        Action("CertifyCommits", {"v": view, "b": batch, "q": quorum}, ("decided",), certify_commits),
        Action("CollectCommits", {**vote, "q": quorum}, ("committed",), collect_commits),
    )


def _checkpoints(sorts: Sorts, rules: _Rules) -> tuple[Action, ...]:
    """Build execution, checkpoints and state transfer (paper, 4.3)."""
    replica, batch = sorts.replica, sorts.batch
    early = rules.fault is Fault.DISCARDS_EARLY

    def executes(n: View, s: View, i: Expression, b: Expression) -> Expression:
        return becomes(n, "executed", lambda m, c: z3.Or(s.executed(m, c), z3.And(m == i, c == b)))

    def execute(s: View, n: View, *, i: Expression, b: Expression) -> Expression:
        """Replica i executes what it knows to be committed."""
        return z3.And(s.committed(i, b), executes(n, s, i, b))

    def checkpoint(s: View, n: View, *, i: Expression, b: Expression) -> Expression:
        """Replica i, which has executed b, tells of a checkpoint at or beyond the number."""
        return z3.And(
            s.executed(i, b),
            becomes(n, "checkpointed", lambda m: z3.Or(s.checkpointed(m), m == i)),
            _discards(n, s, i) if early else z3.BoolVal(True),
        )

    def collect_checkpoints(s: View, n: View, *, i: Expression) -> Expression:
        """The last CHECKPOINT arrives at i that makes one stable: i discards its certificates."""
        return z3.And(_correct(s, i), rules.is_provable(s), _stabilizes(n, s, i))

    def transfer_state(s: View, n: View, *, i: Expression, j: Expression, b: Expression) -> Expression:
        """Replica i gets the state of its stable checkpoint, in which some correct j has executed b."""
        return z3.And(s.stable(i), s.executed(j, b), executes(n, s, i, b))

    return (
        Action("Execute", {"i": replica, "b": batch}, ("executed",), execute),
        Action(
            "Checkpoint",
            {"i": replica, "b": batch},
            ("checkpointed", "holds") if early else ("checkpointed",),
            checkpoint,
        ),
        Action("CollectCheckpoints", {"i": replica}, ("stable", "holds"), collect_checkpoints),
        Action("TransferState", {"i": replica, "j": replica, "b": batch}, ("executed",), transfer_state),
    )


def _view_changes(sorts: Sorts, rules: _Rules) -> tuple[Action, ...]:
    """Build the actions between views (paper, 4.4)."""
    replica, quorum, view, batch = sorts.replica, sorts.quorum, sorts.view, sorts.batch
    fault = rules.fault

    def leaves(n: View, s: View, i: Expression, w: Expression) -> Expression:
        """Replica i is above all views before w."""
        return becomes(n, "left", lambda m, u: z3.Or(s.left(m, u), z3.And(m == i, _before(s, u, w))))

    def leave(s: View, n: View, *, i: Expression, v: Expression, w: Expression) -> Expression:
        """Replica i in view v wants a later one, w: its timer has fired, or f + 1 others want later views."""
        return z3.And(
            _correct(s, i),
            forall([view], lambda u: s.left(i, u) == _before(s, u, v)),
            _before(s, v, w),
            leaves(n, s, i, w),
            becomes(n, "wants", lambda u, m: z3.Or(s.wants(u, m), z3.And(u == w, m == i))),
            becomes(n, "covers", lambda u, m: z3.Or(s.covers(u, m), z3.And(u == w, m == i, s.stable(i)))),
            becomes(
                n,
                "tells",
                lambda u, m, x, c: z3.Or(s.tells(u, m, x, c), z3.And(u == w, m == i, rules.told(s, i, x, c))),
            ),
        )

    def enters(n: View, s: View, i: Expression, w: Expression) -> Expression:
        """Correct replica i, which is not beyond w nor has entered it, takes part in it."""
        return z3.And(
            _correct(s, i),
            z3.Not(s.left(i, w)),
            z3.Not(s.entered(i, w)),
            leaves(n, s, i, w),
            becomes(n, "entered", lambda m, u: z3.Or(s.entered(m, u), z3.And(m == i, u == w))),
        )

    def kills(
        n: View, s: View, v: Expression, w: Expression, others: Callable[[Expression], Expression]
    ) -> Expression:
        """These batches are dead from view v up to w; in the views before v all but one were already."""
        return becomes(
            n, "dead", lambda u, c: z3.Or(s.dead(u, c), z3.And(s.le(v, u), _before(s, u, w), others(c)))
        )

    def enter_carrying(
        s: View,
        n: View,
        *,
        i: Expression,
        w: Expression,
        q: Expression,
        m: Expression,
        v: Expression,
        b: Expression,
    ) -> Expression:
        """A new view w arrives at i that carries the latest certificate of q, told by m: for b in v."""

        def not_later(j: Expression) -> Expression:
            return forall([view, batch], lambda u, c: z3.Implies(s.tells(w, j, u, c), s.le(u, v)))

        def anything(_: Expression) -> Expression:
            return z3.BoolVal(True)

        carried = z3.And(
            s.member(m, q),
            _before(s, v, w),
            _said(s, m, s.tells(w, m, v, b)),
            z3.BoolVal(True) if fault is Fault.BELIEVES_CERTIFICATES else s.prepared(v, b),
            rules.justified(s, w, q, anything if fault is Fault.ANY_CERTIFICATE else not_later),
        )
        return z3.And(
            rules.justified(s, w, q, anything) if fault is Fault.TRUSTS_NEW_VIEW else carried,
            enters(n, s, i, w),
            _votes(n, s, i, w, b),
            kills(n, s, v, w, lambda c: c != b),
        )

    def enter_filling(s: View, n: View, *, i: Expression, w: Expression, q: Expression) -> Expression:
        """A new view w arrives at i that fills the number: nobody prepared it, but somebody one beyond."""
        return z3.And(
            rules.tells_nothing(s, w, q),
            enters(n, s, i, w),
            kills(n, s, s.zero, w, lambda c: c != s.null),
            _votes(n, s, i, w, s.null),
        )

    def enter_open(s: View, n: View, *, i: Expression, w: Expression, q: Expression) -> Expression:
        """A new view w arrives at i that leaves the number open: nobody prepared it, nor one beyond."""
        return z3.And(
            rules.tells_nothing(s, w, q),
            enters(n, s, i, w),
            kills(n, s, s.zero, w, lambda _: z3.BoolVal(True)),
            becomes(n, "opened", lambda m, u: z3.Or(s.opened(m, u), z3.And(m == i, u == w))),
        )

    def enter_covered(
        s: View, n: View, *, i: Expression, w: Expression, q: Expression, m: Expression
    ) -> Expression:
        """A new view w arrives at i that begins behind the number: m tells of a stable checkpoint there."""
        proven = z3.BoolVal(True) if fault is Fault.BELIEVES_CHECKPOINTS else rules.is_provable(s)
        return z3.And(
            s.member(m, q),
            z3.If(s.byzantine(m), proven, s.covers(w, m)),
            rules.all_said(s, q, lambda j: s.wants(w, j)),
            enters(n, s, i, w),
            _stabilizes(n, s, i),
        )

    entry = {"i": replica, "w": view, "q": quorum}
    enter = ("left", "entered")
    return (
        Action("Leave", {"i": replica, "v": view, "w": view}, ("left", "wants", "covers", "tells"), leave),
        Action(
            "EnterCarrying",
            {**entry, "m": replica, "v": view, "b": batch},
            (*enter, "voted", "dead"),
            enter_carrying,
        ),
        Action("EnterFilling", entry, (*enter, "voted", "dead"), enter_filling),
        Action("EnterOpen", entry, (*enter, "opened", "dead"), enter_open),
        Action("EnterCovered", {**entry, "m": replica}, (*enter, "stable", "holds"), enter_covered),
    )


#: The proof, its requirements, and the wrong models that fail it.
PROOF: Final = Proof(
    claim="PBFT, any number of replicas, f < n/3 of them Byzantine, any number of views",
    model=lambda fault: pbft(fault=fault),
    faults=Fault,
    goals=GOALS,
    command=".venv/bin/python -m models.pbft",
)


#: The checks of `verify.toml`. No two correct replicas commit or execute different batches at a number, in
#: a cluster of any size.
agreement, clauses_needed, mutants_fail = PROOF.holds, PROOF.clauses_needed, PROOF.mutants_fail


if __name__ == "__main__":
    sys.exit(0 if PROOF.tell(click.echo) else 1)
