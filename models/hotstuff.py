"""Chained HotStuff, proved for any n > 3f replicas, f of them Byzantine, any views and any tree of blocks.

No two correct replicas commit blocks of which neither is an ancestor of the other; by an inductive invariant
whose clauses carry the names of specs/hotstuff/HotStuff.tla where it has them. HOTSTUFF-1.

* Replicas, quorums, views and blocks are sorts. Views are a total order; `succ` says which two are
  consecutive, and nothing is computed from it. Two quorums share a correct replica: arithmetic, the claim
  `byzantine-quorums-intersect-in-a-correct-node` of `models.quorum`.
* **Blocks** are a rigid tree: `prev` is the parent, `anc` its reflexive and transitive closure by axioms that
  hold of it. Views grow along the tree, and otherwise are free: leaders skip views, and equivocate.
* **Byzantine replicas** vote for whatever they like, and none of it is stored: a certificate asks for the
  votes of the correct members of a quorum. Any proposal with a certified parent may be made, by anybody, in
  any view.
* **A replica** votes once in a view and in none that it has left; it locks the grandparent of what it votes
  for, and votes for what extends its lock or has a parent of a higher view (Yin et al. 2019, `safeNode`).
* **A commit** takes three blocks, each the parent of the next, in consecutive views, the last one certified.
* **What carries the proof** (`Main`) is what Paxos calls choosable: while some quorum has no correct member
  that left the view of the third block without having voted for it, every certificate of a later view is for
  a descendant of the first block.

What is abstracted leaves more behaviour: who leads, what time-outs and time-out certificates ask for, what a
replica has fetched. Nothing that was signed is lost. Not here: that signatures hold, and that anything is
ever committed.

    python -m models.hotstuff

prints the proof, what it needs each clause for, and how wrong rules fail it.

Sources: Yin, Malkhi, Reiter, Golan Gueta, Abraham, "HotStuff: BFT Consensus in the Lens of Blockchain" (PODC
2019); Padon, Losa, Sagiv, Shoham, "Paxos Made EPR" (2017) for the shape of `Main`.
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
    "agreement",
    "agreement_by_cvc5",
    "chained",
    "clauses_needed",
    "mutants_fail",
]

#: The clauses that are never dropped.
GOALS: Final = ("Agreement", "CertificatesAgree")


class Fault(enum.Enum):
    """The fault of a wrong rule."""

    ANY_VIEWS = "three blocks in a row commit whatever their views are"
    TWO_CHAIN = "two blocks in a row commit, with the lock of three"
    NO_LOCK = "a replica votes for any block with a certified parent"
    LATE_LOCK = "a replica locks nothing when it votes"
    LOSES_LOCK = "a crash takes the lock"
    VOTES_AGAIN = "a replica votes again in a view"
    VOTES_AFTER_LEAVING = "a replica votes in a view that it has left"
    FORGED_PARENT = "a block need not have a certified parent"
    ONE_VOTE_LESS = "one vote less than a quorum makes a certificate"
    QUORUMS_SHARE_A_LIAR = "two quorums need not share a correct replica"


@attrs.frozen(kw_only=True)
class Sorts:
    """The sorts of the model: uninterpreted for a proof, enumerations for a finite instance."""

    replica: Sort = attrs.field(factory=lambda: uninterpreted("Replica"))
    quorum: Sort = attrs.field(factory=lambda: uninterpreted("Quorum"))
    view: Sort = attrs.field(factory=lambda: uninterpreted("View"))
    block: Sort = attrs.field(factory=lambda: uninterpreted("Block"))


def chained(
    sorts: Sorts | None = None, *, fault: Fault | None = None, axioms: Sequence[Clause] = ()
) -> TransitionSystem:
    """Build the model, whose properties are the clauses of its inductive invariant.

    Args:
        sorts: what it is about; by default a cluster of any size.
        fault: what is wrong with it; None for the rules of `impl.hotstuff`.
        axioms: more about what is rigid, for a finite instance.
    """
    sorts = sorts or Sorts()
    return TransitionSystem(
        name="HotStuff",
        variables=_variables(sorts),
        axioms=(*_axioms(sorts, fault), *axioms),
        initial=_initial(sorts),
        actions=(*_leading(sorts, fault), *_following(sorts, fault)),
        properties=_invariant(sorts, fault),
    )


def _variables(sorts: Sorts) -> tuple[Variable, ...]:
    replica, quorum, view, block = sorts.replica, sorts.quorum, sorts.view, sorts.block
    return (
        relation("byzantine", replica, is_rigid=True),
        relation("member", replica, quorum, is_rigid=True),
        relation("le", view, view, is_rigid=True),
        relation("succ", view, view, is_rigid=True),
        Variable("zero", (), view, is_rigid=True),
        # The tree of all blocks that could ever be.
        Variable("genesis", (), block, is_rigid=True),
        Variable("view", (block,), view, is_rigid=True),
        relation("prev", block, block, is_rigid=True),
        relation("anc", block, block, is_rigid=True),
        # `left(i, v)`: i votes no more in v. `locked(i, b)`: b is its lock.
        relation("proposed", block),
        relation("voted", replica, block),
        relation("left", replica, view),
        relation("locked", replica, block),
        # `certq(b, q)`: by the votes of q; `decided(a, b, c)`: a is committed, by its child and grandchild.
        relation("cert", block),
        relation("certq", block, quorum),
        relation("decided", block, block, block),
    )


def _correct(s: View, i: Expression) -> Expression:
    return z3.Not(s.byzantine(i))


def _before(s: View, v: Expression, w: Expression) -> Expression:
    return z3.Not(s.le(w, v))


def _clause(name: str, over: Sequence[Sort], body: Callable[[View], Callable[..., Expression]]) -> Clause:
    return Clause(name, lambda s: forall(over, body(s)))


def _axioms(sorts: Sorts, fault: Fault | None) -> tuple[Clause, ...]:
    replica, quorum, view, block = sorts.replica, sorts.quorum, sorts.view, sorts.block
    meet = _clause(
        "QuorumsShareACorrectReplica",
        [quorum, quorum],
        lambda s: (
            lambda q, r: exists([replica], lambda i: z3.And(_correct(s, i), s.member(i, q), s.member(i, r)))
        ),
    )
    implies = z3.Implies
    return (
        *total_order("le", view, "zero"),
        quorums_meet(replica, quorum) if fault is Fault.QUORUMS_SHARE_A_LIAR else meet,
        _clause(
            "Consecutive",
            [view, view, view],
            lambda s: (
                lambda v, w, u: implies(s.succ(v, w), z3.And(_before(s, v, w), z3.Or(s.le(u, v), s.le(w, u))))
            ),
        ),
        _clause("GenesisView", [block], lambda s: lambda b: (s.view(b) == s.zero) == (b == s.genesis)),
        _clause(
            "OneParent",
            [block, block, block],
            lambda s: lambda b, p, q: implies(z3.And(s.prev(b, p), s.prev(b, q)), p == q),
        ),
        _clause(
            "ViewsGrow",
            [block, block],
            lambda s: lambda b, p: implies(s.prev(b, p), _before(s, s.view(p), s.view(b))),
        ),
        _clause("AncestorOfItself", [block], lambda s: lambda b: s.anc(b, b)),
        _clause(
            "AncestorsTransitive",
            [block, block, block],
            lambda s: lambda a, b, c: implies(z3.And(s.anc(a, b), s.anc(b, c)), s.anc(a, c)),
        ),
        _clause(
            "ParentIsAncestor", [block, block], lambda s: lambda b, p: implies(s.prev(b, p), s.anc(p, b))
        ),
        _clause(
            "AncestorsByParents",
            [block, block, block],
            lambda s: lambda a, b, p: implies(z3.And(s.anc(a, b), a != b, s.prev(b, p)), s.anc(a, p)),
        ),
        _clause(
            "AncestorsAreEarlier",
            [block, block],
            lambda s: lambda a, b: implies(z3.And(s.anc(a, b), a != b), _before(s, s.view(a), s.view(b))),
        ),
    )


def _initial(sorts: Sorts) -> Callable[[View], Expression]:
    replica, quorum, view, block = sorts.replica, sorts.quorum, sorts.view, sorts.block

    def initial(s: View) -> Expression:
        """Genesis is certified, and the lock of all."""
        return z3.And(
            forall([block], lambda b: s.proposed(b) == (b == s.genesis)),
            forall([block], lambda b: s.cert(b) == (b == s.genesis)),
            forall([replica, block], lambda i, b: z3.Not(s.voted(i, b))),
            forall([replica, block], lambda i, b: s.locked(i, b) == (b == s.genesis)),
            forall([replica, view], lambda i, v: s.left(i, v) == (v == s.zero)),
            forall([block, quorum], lambda b, q: z3.Not(s.certq(b, q))),
            forall([block, block, block], lambda a, b, c: z3.Not(s.decided(a, b, c))),
        )

    return initial


def _three_chain(s: View, a: Expression, b: Expression, c: Expression, *, in_a_row: bool) -> Expression:
    """Return whether a, b, c are a chain, in consecutive views if `in_a_row`."""
    chain = z3.And(s.prev(b, a), s.prev(c, b))
    if not in_a_row:
        return chain
    return z3.And(chain, s.succ(s.view(a), s.view(b)), s.succ(s.view(b), s.view(c)))


# --- steps ---------------------------------------------------------------------------------------


def _adds(n: View, s: View, name: str, *what: Expression) -> Expression:
    """One more element is in a relation."""

    def held(*each: Expression) -> Expression:
        same = [one == other for one, other in zip(each, what, strict=True)]
        return z3.Or(getattr(s, name)(*each), z3.And(*same))

    return becomes(n, name, held)


def _leading(sorts: Sorts, fault: Fault | None) -> tuple[Action, ...]:
    """Build the actions of leaders, and of whoever reads votes off."""
    replica, quorum, block = sorts.replica, sorts.quorum, sorts.block

    def propose(s: View, n: View, *, b: Expression, p: Expression) -> Expression:
        """Somebody proposes b, whose parent p has a certificate."""
        proved = z3.BoolVal(True) if fault is Fault.FORGED_PARENT else s.cert(p)
        return z3.And(s.prev(b, p), proved, _adds(n, s, "proposed", b))

    def certify(s: View, n: View, *, b: Expression, q: Expression, p: Expression) -> Expression:
        """The votes of q make a certificate for b, for whoever collects them."""

        def votes(but: Expression | None = None) -> Expression:
            return forall(
                [replica],
                lambda i: z3.Implies(
                    z3.And(_correct(s, i), s.member(i, q), *([] if but is None else [i != but])),
                    s.voted(i, b),
                ),
            )

        enough = exists([replica], votes) if fault is Fault.ONE_VOTE_LESS else votes()
        return z3.And(s.prev(b, p), enough, _adds(n, s, "certq", b, q), _adds(n, s, "cert", b))

    def commit(s: View, n: View, *, a: Expression, b: Expression, c: Expression) -> Expression:
        """Somebody commits a."""
        if fault is Fault.TWO_CHAIN:
            enough = z3.And(s.prev(b, a), c == b, s.succ(s.view(a), s.view(b)), s.cert(b))
        else:
            in_a_row = fault is not Fault.ANY_VIEWS
            enough = z3.And(_three_chain(s, a, b, c, in_a_row=in_a_row), s.cert(c))
        return z3.And(enough, _adds(n, s, "decided", a, b, c))

    return (
        Action("Propose", {"b": block, "p": block}, ("proposed",), propose),
        Action("Certify", {"b": block, "q": quorum, "p": block}, ("certq", "cert"), certify),
        Action("Commit", {"a": block, "b": block, "c": block}, ("decided",), commit),
    )


def _following(sorts: Sorts, fault: Fault | None) -> tuple[Action, ...]:
    """Build the actions of replicas."""
    replica, view, block = sorts.replica, sorts.view, sorts.block

    def parent_of(s: View, p: Expression, g: Expression) -> Expression:
        """Return whether g is the parent of p; genesis stands for its own."""
        return z3.Or(s.prev(p, g), z3.And(p == s.genesis, g == p))

    def raises(s: View, n: View, i: Expression, g: Expression, k: Expression) -> Expression:
        """Replica i, whose lock is k, locks g if it is of a higher view."""
        higher = z3.If(s.le(s.view(g), s.view(k)), k, g)
        return becomes(n, "locked", lambda j, x: z3.If(j == i, x == higher, s.locked(j, x)))

    def leaves(s: View, n: View, i: Expression, w: Expression) -> Expression:
        """Replica i votes no more in w, nor before."""
        return becomes(n, "left", lambda j, v: z3.Or(s.left(j, v), z3.And(j == i, s.le(v, w))))

    def vote(
        s: View, n: View, *, i: Expression, b: Expression, p: Expression, g: Expression, k: Expression
    ) -> Expression:
        """Replica i, whose lock is k, votes for b, whose parent is p and whose grandparent is g."""
        safe = z3.Or(s.anc(k, b), _before(s, s.view(k), s.view(p)))
        in_time = z3.Not(s.left(i, s.view(b)))
        if fault is Fault.VOTES_AFTER_LEAVING:
            in_time = forall([block], lambda x: z3.Implies(s.voted(i, x), _before(s, s.view(x), s.view(b))))
        locks = becomes(n, "locked", s.locked) if fault is Fault.LATE_LOCK else raises(s, n, i, g, k)
        return z3.And(
            _correct(s, i),
            s.proposed(b),
            s.prev(b, p),
            parent_of(s, p, g),
            s.locked(i, k),
            z3.BoolVal(True) if fault is Fault.VOTES_AGAIN else in_time,
            z3.BoolVal(True) if fault is Fault.NO_LOCK else safe,
            _adds(n, s, "voted", i, b),
            leaves(s, n, i, s.view(b)),
            locks,
        )

    def learn(s: View, n: View, *, i: Expression, p: Expression, g: Expression, k: Expression) -> Expression:
        """Replica i learns that p is certified: from a proposal, a time-out, or a block that it fetched."""
        return z3.And(
            _correct(s, i),
            s.cert(p),
            parent_of(s, p, g),
            s.locked(i, k),
            raises(s, n, i, g, k),
            leaves(s, n, i, s.view(p)),
        )

    def leave(s: View, n: View, *, i: Expression, w: Expression) -> Expression:
        """Replica i times out in view w, or goes to a later one."""
        return leaves(s, n, i, w)

    def forget(s: View, n: View, *, i: Expression, k: Expression) -> Expression:
        """A crash takes the lock k of replica i."""
        lost = becomes(n, "locked", lambda j, x: z3.If(j == i, x == s.genesis, s.locked(j, x)))
        return z3.And(s.locked(i, k), lost, leaves(s, n, i, s.zero))

    crash = Action("Forget", {"i": replica, "k": block}, ("locked", "left"), forget)
    return (
        Action(
            "Vote",
            {"i": replica, "b": block, "p": block, "g": block, "k": block},
            ("voted", "left", "locked"),
            vote,
        ),
        Action("Learn", {"i": replica, "p": block, "g": block, "k": block}, ("locked", "left"), learn),
        Action("Leave", {"i": replica, "w": view}, ("left",), leave),
        *((crash,) if fault is Fault.LOSES_LOCK else ()),
    )


# --- the invariant -------------------------------------------------------------------------------


def _invariant(sorts: Sorts, fault: Fault | None) -> tuple[Clause, ...]:
    return (*_of_blocks(sorts, fault), *_of_replicas(sorts))


def _of_blocks(sorts: Sorts, fault: Fault | None) -> tuple[Clause, ...]:
    replica, quorum, block = sorts.replica, sorts.quorum, sorts.block
    implies = z3.Implies
    in_a_row = fault is not Fault.ANY_VIEWS

    def choosable(s: View, q: Expression, c: Expression) -> Expression:
        """Return whether the votes of q may still come to certify c, or have done so."""
        return forall(
            [replica],
            lambda i: implies(
                z3.And(_correct(s, i), s.member(i, q)), z3.Or(s.voted(i, c), z3.Not(s.left(i, s.view(c))))
            ),
        )

    return (
        _clause(
            "Agreement",
            [block] * 6,
            lambda s: (
                lambda a, b, c, d, e, f: implies(
                    z3.And(s.decided(a, b, c), s.decided(d, e, f)), z3.Or(s.anc(a, d), s.anc(d, a))
                )
            ),
        ),
        _clause(
            "DecidedIsChain",
            [block] * 3,
            lambda s: (
                lambda a, b, c: implies(
                    s.decided(a, b, c), z3.And(_three_chain(s, a, b, c, in_a_row=in_a_row), s.cert(c))
                )
            ),
        ),
        _clause(
            "CertificatesAgree",
            [block, block],
            lambda s: lambda b, c: implies(z3.And(s.cert(b), s.cert(c), s.view(b) == s.view(c)), b == c),
        ),
        _clause(
            "CertHasQuorum",
            [block],
            lambda s: (
                lambda b: implies(
                    z3.And(s.cert(b), b != s.genesis), exists([quorum], lambda q: s.certq(b, q))
                )
            ),
        ),
        _clause(
            "QuorumVoted",
            [block, quorum, replica],
            lambda s: (
                lambda b, q, i: implies(z3.And(s.certq(b, q), _correct(s, i), s.member(i, q)), s.voted(i, b))
            ),
        ),
        _clause(
            "ParentCertified",
            [block, block],
            lambda s: (
                lambda b, p: implies(z3.And(s.proposed(b), s.prev(b, p)), z3.And(s.cert(p), s.proposed(p)))
            ),
        ),
        _clause("CertProposed", [block], lambda s: lambda b: implies(s.cert(b), s.proposed(b))),
        # What carries the proof: nothing else is certified after a block that three in a row may commit.
        _clause(
            "Main",
            [block, block, block, block, quorum],
            lambda s: (
                lambda a, b, c, d, q: implies(
                    z3.And(
                        _three_chain(s, a, b, c, in_a_row=in_a_row),
                        s.cert(d),
                        _before(s, s.view(c), s.view(d)),
                        choosable(s, q, c),
                    ),
                    s.anc(a, d),
                )
            ),
        ),
    )


def _of_replicas(sorts: Sorts) -> tuple[Clause, ...]:
    replica, view, block = sorts.replica, sorts.view, sorts.block
    implies = z3.Implies

    def clause(name: str, over: Sequence[Sort], body: Callable[[View], Callable[..., Expression]]) -> Clause:
        """A clause about each correct replica."""
        return _clause(
            name, [replica, *over], lambda s: lambda i, *rest: implies(_correct(s, i), body(s)(i, *rest))
        )

    return (
        clause("VotedProposed", [block], lambda s: lambda i, b: implies(s.voted(i, b), s.proposed(b))),
        clause(
            "VotesOnce",
            [block, block],
            lambda s: (
                lambda i, b, c: implies(z3.And(s.voted(i, b), s.voted(i, c), s.view(b) == s.view(c)), b == c)
            ),
        ),
        clause(
            "VotedLeft",
            [block, view],
            lambda s: lambda i, b, v: implies(z3.And(s.voted(i, b), s.le(v, s.view(b))), s.left(i, v)),
        ),
        clause("LockLeft", [block], lambda s: lambda i, k: implies(s.locked(i, k), s.left(i, s.view(k)))),
        # A lock is no lower than the grandparent of any block voted for.
        clause(
            "LockHigh",
            [block] * 4,
            lambda s: (
                lambda i, a, b, c, k: implies(
                    z3.And(s.voted(i, c), s.prev(c, b), s.prev(b, a), s.locked(i, k)),
                    s.le(s.view(a), s.view(k)),
                )
            ),
        ),
        # So neither is the parent of any block voted for later.
        clause(
            "VotesRise",
            [block] * 5,
            lambda s: (
                lambda i, a, b, c, d, p: implies(
                    z3.And(
                        *(s.voted(i, c), s.prev(c, b), s.prev(b, a)),
                        *(s.voted(i, d), s.prev(d, p), _before(s, s.view(c), s.view(d))),
                    ),
                    s.le(s.view(a), s.view(p)),
                )
            ),
        ),
    )


#: The proof, its requirements, and the wrong rules that fail it.
PROOF: Final = Proof(
    claim="chained HotStuff, any number of replicas, f < n/3 of them Byzantine, any views and blocks",
    model=lambda fault: chained(fault=fault),
    faults=Fault,
    goals=GOALS,
    timeout_seconds=120,
    command=".venv/bin/python -m models.hotstuff",
)


#: The checks of `verify.toml`. No two correct replicas commit conflicting blocks, in any cluster.
agreement, agreement_by_cvc5 = PROOF.holds, PROOF.holds_by_cvc5
clauses_needed, mutants_fail = PROOF.clauses_needed, PROOF.mutants_fail


def main() -> int:
    """Print all of it.

    Returns:
        0 if all is as it should be, 1 otherwise.
    """
    return 0 if PROOF.tell(click.echo) else 1


if __name__ == "__main__":
    sys.exit(main())
