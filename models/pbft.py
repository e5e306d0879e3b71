"""PBFT, proved to agree: any number of replicas, of which f < n/3 are Byzantine, any number of views and batches.

No two correct replicas commit different batches at a sequence number, in whatever views (Castro and Liskov,
OSDI 1999, here "paper"), by an inductive invariant in the style of decidable first-order proofs (Padon et al.,
"Paxos made EPR", OOPSLA 2017).

* Replicas, quorums, views and batches are sorts. Views are a total order with a least element; nothing is
  counted and no next view is computed.
* Two quorums share a correct replica. That quorums of ceil((n + f + 1) / 2) do, for every n and f, is arithmetic:
  the claim `byzantine-quorums-intersect-in-a-correct-node` of `models.quorum`. No other use is made of f.
* All that changes is a relation. The view of a replica is what it has left behind it: `left(i, v)` says that it is
  above v. What is asked to exist is, for a batch, a view or a replica; for views and batches, a quorum; for
  quorums, a replica. Nothing leads back from a replica. That is stratified, and Z3 decides it.

**Byzantine replicas** say anything at any time in their own names, to each receiver something else. So nothing
that they say is stored: who counts votes, asks for those of the correct members of a quorum only. What they cannot
do is to forge: a certificate that one of them tells of has the votes of a quorum (`_is_prepared`), and its
checkpoint those of another (`_is_provable`). No action is theirs.

**One sequence number**, any. What `specs/pbft/Pbft.tla` does at other numbers leaves all that is said here of this
one as it is; what numbers share is the view of a replica and its stable checkpoint, and both are here. A window,
the order in which a primary gives numbers and the order of execution only forbid steps. So each behaviour of the
spec, seen at one number, is one of this model, and what no behaviour of the model breaks holds at every number.

**What carries the proof** is that whatever a correct replica votes for in a view, no other batch can have been
committed in an earlier one, nor will ever be: in each quorum a correct replica has left that view, and has given no
COMMIT for it (`VotesAreSafe`). A new view has view changes of a quorum, which shares a correct replica with any
other; that one has left, and told of all that it gave a COMMIT for. The latest certificate of them is safe by
induction on views: it has the vote of a correct replica in its own view.

**What is abstracted**, always to more behaviour and never to less:

* PRE-PREPARE and PREPARE are both votes: the primary's is the first, and nobody gives both. NEW-VIEW is no message:
  its receivers compute it from view changes, and so it makes no difference who says it, nor to whom.
* Messages of correct replicas are histories: they are never lost, and may be received at any time. A quorum
  that counts more than is needed is a quorum. A replica may want a later view at any time.
* A view change tells of all certificates that its sender has had, of the spec only the latest. The latest of all
  is the latest of the latest ones.
* A checkpoint is one at or beyond the number. Its state is not compared: to transfer it is to take over what some
  correct replica has executed. That a replica that has one has no use for messages about the number is the guard
  `not stable(i)`; that another one takes the new view from there is `EnterCovered`.

That these steps are those of the spec is this argument, checked by no machine; TLC checks the spec itself within
bounds. Not proved: liveness, the order of execution, and that digests, signatures and states are what they stand
for. Not modelled: clients, MACs in place of signatures, recovery.

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
from tlacheck.verify import Context, Outcome

__all__ = ["GOALS", "PROOF", "Fault", "Sorts", "agreement", "clauses_needed", "mutants_fail", "pbft"]

#: What is to be proved: of decisions, of executions, and that what a stable checkpoint covers was executed.
GOALS: Final = ("Agreement", "ExecutionsAgree", "StableIsExecuted")


class Fault(enum.Enum):
    """What a wrong model does, each a mistake that implementations or their specifications have made."""

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
    """What the model is about: uninterpreted for a proof, enumerations for a finite instance.

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
    """The model, whose properties are the clauses of its inductive invariant.

    Args:
        sorts: what it is about; by default a cluster of any size.
        fault: what is wrong with it; None for PBFT.
        axioms: more about what is rigid, for a finite instance.
    """
    sorts = sorts or Sorts()
    return TransitionSystem(
        name="PBFT",
        variables=_variables(sorts),
        axioms=(*_axioms(sorts, fault), *axioms),
        initial=_initial(sorts),
        actions=_actions(sorts, fault),
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
        # Of correct replicas. `left(i, v)`: i is above view v. `entered(i, v)`: it has taken part in v. `opened(i, v)`:
        # and v began without a proposal for the number. `holds(i, v, b)`: i has a prepared certificate for b in v.
        # `stable(i)`: the stable checkpoint of i is at or beyond the number. `executed(i, b)`: i has executed b.
        relation("left", replica, view),
        relation("entered", replica, view),
        relation("opened", replica, view),
        relation("holds", replica, view, batch),
        relation("stable", replica),
        relation("executed", replica, batch),
        # What they sent. `voted(v, i, b)`: a PRE-PREPARE if i is the primary of v, a PREPARE otherwise, or either by a
        # new view. `commit(v, i, b)`: a COMMIT. `checkpointed(i)`: a CHECKPOINT at or beyond the number. `wants(w, i)`:
        # a VIEW-CHANGE for w; `tells(w, i, v, b)`: with a certificate for b in v; `covers(w, i)`: with a checkpoint at
        # or beyond the number.
        relation("voted", view, replica, batch),
        relation("commit", view, replica, batch),
        relation("checkpointed", replica),
        relation("wants", view, replica),
        relation("tells", view, replica, view, batch),
        relation("covers", view, replica),
        # History. `decided(i, v, b)`: i has known in v that b is committed.
        relation("decided", replica, view, batch),
    )


def _axioms(sorts: Sorts, fault: Fault | None) -> tuple[Clause, ...]:
    replica, quorum, view = sorts.replica, sorts.quorum, sorts.view
    share_a_correct_replica = Clause(
        "QuorumsShareACorrectReplica",
        lambda s: forall(
            [quorum, quorum],
            lambda q, r: exists(
                [replica], lambda m: z3.And(_correct(s, m), s.member(m, q), s.member(m, r))
            ),
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
        Clause(
            "OnePrimaryAView",
            lambda s: forall(
                [view, replica, replica],
                lambda v, i, j: z3.Implies(z3.And(s.primary(v, i), s.primary(v, j)), i == j),
            ),
        ),
        *(
            (quorums_meet(replica, quorum), have_a_correct_member)
            if fault is Fault.QUORUMS_SHARE_THE_FAULTY
            else (share_a_correct_replica,)
        ),
    )


def _initial(sorts: Sorts) -> Callable[[View], Expression]:
    replica, view, batch = sorts.replica, sorts.view, sorts.batch

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
            forall([replica, batch], lambda i, b: z3.Not(s.executed(i, b))),
            forall(
                [replica, view, batch],
                lambda i, v, b: z3.Not(
                    z3.Or(s.holds(i, v, b), s.voted(v, i, b), s.commit(v, i, b), s.decided(i, v, b))
                ),
            ),
            forall([view, replica, view, batch], lambda w, i, v, b: z3.Not(s.tells(w, i, v, b))),
        )

    return initial


def _correct(s: View, i: Expression) -> Expression:
    return z3.Not(s.byzantine(i))


def _before(s: View, v: Expression, w: Expression) -> Expression:
    return z3.Not(s.le(w, v))


def _clause(name: str, over: Sequence[Sort], body: Callable[[View], Callable[..., Expression]]) -> Clause:
    """The clause that a body holds of all elements of these sorts, in the state that it is given first."""
    return Clause(name, lambda s: forall(over, body(s)))


def _invariant(sorts: Sorts) -> tuple[Clause, ...]:
    """All clauses. The relations of what changes hold of correct replicas only, since nobody else acts.

    What exists for a replica is said to exist if there is such a replica, so that it does not depend on which.
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

    def nobody_will(s: View, v: Expression, b: Expression, q: Expression) -> Expression:
        """The quorum q has not committed b in v, and never will."""
        return exists(
            [replica],
            lambda m: z3.And(
                s.member(m, q), _correct(s, m), s.left(m, v), z3.Not(s.commit(v, m, b))
            ),
        )

    def somebody_executed(s: View) -> Expression:
        return exists([replica, batch], s.executed)

    return (
        _clause(
            "Agreement",
            [replica, replica, view, view, batch, batch],
            lambda s: (
                lambda i, j, v, w, b, c: z3.Implies(z3.And(s.decided(i, v, b), s.decided(j, w, c)), b == c)
            ),
        ),
        _clause(
            "ExecutionsAgree",
            [replica, replica, batch, batch],
            lambda s: lambda i, j, b, c: z3.Implies(z3.And(s.executed(i, b), s.executed(j, c)), b == c),
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
            "CommitsArePrepared",
            [view, batch],
            lambda s: (
                lambda v, b: z3.Implies(
                    exists([replica], lambda i: s.commit(v, i, b)),
                    some_quorum(s, lambda m: s.voted(v, m, b)),
                )
            ),
        ),
        _clause(
            "DecisionsAreCommitted",
            [view, batch],
            lambda s: (
                lambda v, b: z3.Implies(
                    exists([replica], lambda i: s.decided(i, v, b)),
                    some_quorum(s, lambda m: s.commit(v, m, b)),
                )
            ),
        ),
        # across views
        _clause(
            "CommitsAreHeld",
            [view, replica, batch],
            lambda s: (
                lambda v, i, b: z3.Implies(s.commit(v, i, b), z3.Or(s.stable(i), s.holds(i, v, b)))
            ),
        ),
        _clause(
            "HeldIsCommitted",
            [replica, view, batch],
            lambda s: lambda i, v, b: z3.Implies(s.holds(i, v, b), s.commit(v, i, b)),
        ),
        _clause(
            "ToldIsCommitted",
            [view, replica, view, batch],
            lambda s: lambda w, i, v, b: z3.Implies(s.tells(w, i, v, b), s.commit(v, i, b)),
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
            [view, batch, view, batch, quorum],
            lambda s: (
                lambda w, c, v, b, q: z3.Implies(
                    z3.And(exists([replica], lambda i: s.voted(w, i, c)), _before(s, v, w), b != c),
                    nobody_will(s, v, b, q),
                )
            ),
        ),
        _clause(
            "OpenViewsAreSafe",
            [view, view, batch, quorum],
            lambda s: (
                lambda w, v, b, q: z3.Implies(
                    z3.And(exists([replica], lambda i: s.opened(i, w)), _before(s, v, w)),
                    nobody_will(s, v, b, q),
                )
            ),
        ),
        # execution and checkpoints
        _clause(
            "ExecutedIsDecided",
            [batch],
            lambda s: (
                lambda b: z3.Implies(
                    exists([replica], lambda i: s.executed(i, b)),
                    exists([replica, view], lambda i, v: s.decided(i, v, b)),
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


def _actions(sorts: Sorts, fault: Fault | None) -> tuple[Action, ...]:
    replica, quorum, view, batch = sorts.replica, sorts.quorum, sorts.view, sorts.batch

    def takes_part(s: View, i: Expression, v: Expression) -> Expression:
        """Correct replica i is in view v, and not on its way to another."""
        return z3.And(_correct(s, i), s.entered(i, v), z3.Not(s.left(i, v)))

    def may_accept(s: View, i: Expression, v: Expression) -> Expression:
        """Replica i may accept a proposal for the number in v."""
        fresh = forall([batch], lambda c: z3.Not(s.voted(v, i, c)))
        return z3.And(
            takes_part(s, i, v),
            s.opened(i, v),
            z3.Not(s.stable(i)),
            z3.BoolVal(True) if fault is Fault.ACCEPTS_TWICE else fresh,
        )

    def said(s: View, i: Expression, sent: Expression) -> Expression:
        """Replica i may have said what it has sent if it is correct."""
        return z3.Or(s.byzantine(i), sent)

    def all_said(s: View, q: Expression, sent: Callable[[Expression], Expression]) -> Expression:
        """All members of q may have said this."""
        return forall([replica], lambda m: z3.Implies(s.member(m, q), said(s, m, sent(m))))

    def all_but_one_said(s: View, q: Expression, x: Expression, sent: Callable[[Expression], Expression]) -> Expression:
        return z3.And(
            s.member(x, q),
            forall([replica], lambda m: z3.Implies(z3.And(s.member(m, q), m != x), said(s, m, sent(m)))),
        )

    def is_prepared(s: View, v: Expression, b: Expression) -> Expression:
        """There is a prepared certificate: the proposal of the primary, and votes for it, together of a quorum."""

        def voted(m: Expression) -> Expression:
            return s.voted(v, m, b)

        def by(q: Expression, p: Expression) -> Expression:
            if fault is Fault.PRIMARY_COUNTS_TWICE:
                enough = exists([replica], lambda x: z3.And(x != p, all_but_one_said(s, q, x, voted)))
            else:
                enough = all_said(s, q, voted)
            return z3.And(s.primary(v, p), s.member(p, q), enough)

        return exists([quorum, replica], by)

    def is_committed(s: View, v: Expression, b: Expression) -> Expression:
        """There is a commit certificate: COMMITs of a quorum."""

        def committed(m: Expression) -> Expression:
            return s.commit(v, m, b)

        if fault is Fault.COMMIT_QUORUM_SHORT:
            return exists([quorum, replica], lambda q, x: all_but_one_said(s, q, x, committed))
        return exists([quorum], lambda q: all_said(s, q, committed))

    def is_provable(s: View) -> Expression:
        """There is a stable checkpoint at or beyond the number: CHECKPOINTs of a quorum."""
        return exists([quorum], lambda q: all_said(s, q, s.checkpointed))

    def votes(n: View, s: View, i: Expression, v: Expression, b: Expression) -> Expression:
        return becomes(n, "voted", lambda u, m, c: z3.Or(s.voted(u, m, c), z3.And(u == v, m == i, c == b)))

    # the normal case (paper, 4.2)

    def propose(s: View, n: View, *, i: Expression, v: Expression, b: Expression) -> Expression:
        """The primary of v gives a batch the number."""
        return z3.And(s.primary(v, i), may_accept(s, i, v), votes(n, s, i, v, b))

    def accept(
        s: View, n: View, *, i: Expression, j: Expression, v: Expression, b: Expression
    ) -> Expression:
        """A PRE-PREPARE of the primary j arrives at i, which agrees to it by a PREPARE."""
        return z3.And(
            i != j,
            s.primary(v, j),
            said(s, j, s.voted(v, j, b)),
            may_accept(s, i, v),
            votes(n, s, i, v, b),
        )

    def collect_prepares(s: View, n: View, *, i: Expression, v: Expression, b: Expression) -> Expression:
        """The last vote arrives at i that a prepared certificate needs: i gives a COMMIT."""
        may = z3.And(_correct(s, i), s.entered(i, v)) if fault is Fault.COMMITS_AFTER_LEAVING else takes_part(s, i, v)
        return z3.And(
            may,
            z3.Not(s.stable(i)),
            s.voted(v, i, b),
            z3.Not(s.holds(i, v, b)),
            is_prepared(s, v, b),
            becomes(n, "holds", lambda m, u, c: z3.Or(s.holds(m, u, c), z3.And(m == i, u == v, c == b))),
            becomes(n, "commit", lambda u, m, c: z3.Or(s.commit(u, m, c), z3.And(m == i, u == v, c == b))),
        )

    def collect_commits(s: View, n: View, *, i: Expression, v: Expression, b: Expression) -> Expression:
        """The last COMMIT arrives at i: b is decided."""
        return z3.And(
            takes_part(s, i, v),
            s.holds(i, v, b),
            is_committed(s, v, b),
            becomes(n, "decided", lambda m, u, c: z3.Or(s.decided(m, u, c), z3.And(m == i, u == v, c == b))),
        )

    # execution and checkpoints (paper, 4.3)

    def executes(n: View, s: View, i: Expression, b: Expression) -> Expression:
        return becomes(n, "executed", lambda m, c: z3.Or(s.executed(m, c), z3.And(m == i, c == b)))

    def discards(n: View, s: View, i: Expression) -> Expression:
        return becomes(n, "holds", lambda m, u, c: z3.And(m != i, s.holds(m, u, c)))

    def execute(s: View, n: View, *, i: Expression, v: Expression, b: Expression) -> Expression:
        """Replica i executes what it knows to be committed."""
        return z3.And(s.decided(i, v, b), executes(n, s, i, b))

    def checkpoint(s: View, n: View, *, i: Expression, b: Expression) -> Expression:
        """Replica i, which has executed b, tells of a checkpoint at or beyond the number."""
        return z3.And(
            s.executed(i, b),
            becomes(n, "checkpointed", lambda m: z3.Or(s.checkpointed(m), m == i)),
            discards(n, s, i) if fault is Fault.DISCARDS_EARLY else z3.BoolVal(True),
        )

    def stabilizes(n: View, s: View, i: Expression) -> Expression:
        return z3.And(becomes(n, "stable", lambda m: z3.Or(s.stable(m), m == i)), discards(n, s, i))

    def collect_checkpoints(s: View, n: View, *, i: Expression) -> Expression:
        """The last CHECKPOINT arrives at i that makes one stable: i discards its certificates."""
        return z3.And(_correct(s, i), is_provable(s), stabilizes(n, s, i))

    def transfer_state(s: View, n: View, *, i: Expression, j: Expression, b: Expression) -> Expression:
        """Replica i gets the state of its stable checkpoint, in which some correct j has executed b."""
        return z3.And(s.stable(i), s.executed(j, b), executes(n, s, i, b))

    # view changes (paper, 4.4)

    def leaves(n: View, s: View, i: Expression, w: Expression) -> Expression:
        """Replica i is above all views before w."""
        return becomes(n, "left", lambda m, u: z3.Or(s.left(m, u), z3.And(m == i, _before(s, u, w))))

    def leave(s: View, n: View, *, i: Expression, v: Expression, w: Expression) -> Expression:
        """Replica i, whose view is v, wants a later one, w: its timer has fired, or f + 1 others want later views."""

        def told(m: Expression, u: Expression, c: Expression) -> Expression:
            return z3.BoolVal(False) if fault is Fault.FORGETS_CERTIFICATES else s.holds(m, u, c)

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
                lambda u, m, x, c: z3.Or(s.tells(u, m, x, c), z3.And(u == w, m == i, told(i, x, c))),
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

    def enters_and_votes(n: View, s: View, i: Expression, w: Expression, b: Expression) -> Expression:
        """It enters w with a vote for b, unless it has no use for the number any more."""
        return z3.And(
            enters(n, s, i, w),
            becomes(
                n,
                "voted",
                lambda u, m, c: z3.Or(
                    s.voted(u, m, c), z3.And(u == w, m == i, c == b, z3.Not(s.stable(i)))
                ),
            ),
        )

    def justified(s: View, w: Expression, q: Expression, told: Callable[[Expression], Expression]) -> Expression:
        """There are view changes for w of the quorum q, no checkpoint in them, and this of the correct ones' certificates."""
        return all_said(
            s, q, lambda m: z3.And(s.wants(w, m), z3.Not(s.covers(w, m)), told(m))
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
        """A new view arrives at i that carries the latest certificate of q, which m tells of: that for b in v."""

        def not_later(j: Expression) -> Expression:
            if fault is Fault.ANY_CERTIFICATE:
                return z3.BoolVal(True)
            return forall([view, batch], lambda u, c: z3.Implies(s.tells(w, j, u, c), s.le(u, v)))

        exists_already = z3.BoolVal(True) if fault is Fault.BELIEVES_CERTIFICATES else is_prepared(s, v, b)
        told = z3.And(
            s.member(m, q),
            _before(s, v, w),
            z3.If(s.byzantine(m), exists_already, s.tells(w, m, v, b)),
            justified(s, w, q, not_later),
        )
        if fault is Fault.TRUSTS_NEW_VIEW:
            told = justified(s, w, q, lambda _: z3.BoolVal(True))
        return z3.And(told, enters_and_votes(n, s, i, w, b))

    def tells_nothing(s: View, w: Expression, q: Expression) -> Expression:
        """There are view changes for w of the quorum q, and no certificate in them."""
        return justified(
            s, w, q, lambda m: forall([view, batch], lambda v, b: z3.Not(s.tells(w, m, v, b)))
        )

    def enter_filling(s: View, n: View, *, i: Expression, w: Expression, q: Expression) -> Expression:
        """A new view arrives at i that fills the number, which nobody prepared, since there is one beyond."""
        return z3.And(tells_nothing(s, w, q), enters_and_votes(n, s, i, w, s.null))

    def enter_open(s: View, n: View, *, i: Expression, w: Expression, q: Expression) -> Expression:
        """A new view arrives at i that leaves the number open: nobody prepared it, nor one beyond."""
        return z3.And(
            tells_nothing(s, w, q),
            enters(n, s, i, w),
            becomes(n, "opened", lambda m, u: z3.Or(s.opened(m, u), z3.And(m == i, u == w))),
        )

    def enter_covered(
        s: View, n: View, *, i: Expression, w: Expression, q: Expression, m: Expression
    ) -> Expression:
        """A new view arrives at i that begins behind the number: m tells of a stable checkpoint."""
        proven = z3.BoolVal(True) if fault is Fault.BELIEVES_CHECKPOINTS else is_provable(s)
        return z3.And(
            s.member(m, q),
            z3.If(s.byzantine(m), proven, s.covers(w, m)),
            all_said(s, q, lambda j: s.wants(w, j)),
            enters(n, s, i, w),
            stabilizes(n, s, i),
        )

    return (
        Action("Propose", {"i": replica, "v": view, "b": batch}, ("voted",), propose),
        Action(
            "AcceptPrePrepare", {"i": replica, "j": replica, "v": view, "b": batch}, ("voted",), accept
        ),
        Action(
            "CollectPrepares", {"i": replica, "v": view, "b": batch}, ("holds", "commit"), collect_prepares
        ),
        Action("CollectCommits", {"i": replica, "v": view, "b": batch}, ("decided",), collect_commits),
        Action("Execute", {"i": replica, "v": view, "b": batch}, ("executed",), execute),
        Action(
            "Checkpoint",
            {"i": replica, "b": batch},
            ("checkpointed", "holds") if fault is Fault.DISCARDS_EARLY else ("checkpointed",),
            checkpoint,
        ),
        Action("CollectCheckpoints", {"i": replica}, ("stable", "holds"), collect_checkpoints),
        Action("TransferState", {"i": replica, "j": replica, "b": batch}, ("executed",), transfer_state),
        Action(
            "Leave", {"i": replica, "v": view, "w": view}, ("left", "wants", "covers", "tells"), leave
        ),
        Action(
            "EnterCarrying",
            {"i": replica, "w": view, "q": quorum, "m": replica, "v": view, "b": batch},
            ("left", "entered", "voted"),
            enter_carrying,
        ),
        Action(
            "EnterFilling",
            {"i": replica, "w": view, "q": quorum},
            ("left", "entered", "voted"),
            enter_filling,
        ),
        Action(
            "EnterOpen", {"i": replica, "w": view, "q": quorum}, ("left", "entered", "opened"), enter_open
        ),
        Action(
            "EnterCovered",
            {"i": replica, "w": view, "q": quorum, "m": replica},
            ("left", "entered", "stable", "holds"),
            enter_covered,
        ),
    )


#: The proof, what it needs, and how wrong models fail it.
PROOF: Final = Proof(
    claim="PBFT, any number of replicas, f < n/3 of them Byzantine, any number of views",
    model=lambda fault: pbft(fault=fault),
    faults=Fault,
    goals=GOALS,
    command=".venv/bin/python -m models.pbft",
)


def agreement(context: Context) -> Outcome:
    """No two correct replicas decide or execute different batches at a number, in a cluster of any size."""
    return PROOF.holds(context)


def clauses_needed(context: Context) -> Outcome:
    """Without any one of its clauses the invariant is no proof."""
    return PROOF.clauses_needed(context)


def mutants_fail(context: Context) -> Outcome:
    """Each wrong model has a step that breaks the invariant."""
    return PROOF.mutants_fail(context)


if __name__ == "__main__":
    sys.exit(0 if PROOF.tell(click.echo) else 1)
