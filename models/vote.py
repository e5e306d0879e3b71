"""Byzantine voting, proved for any voters, of whom f < n/3 are liars, rounds, choices and counters.

No two counters come to different verdicts, in whatever rounds, and a verdict goes back to free votes of a
quorum; by an inductive invariant in the manner of `models.pbft`, from which it takes its sorts and its manner
of speaking. VOTE-1..3.

* Voters, quorums, rounds, choices and counters are sorts; rounds are a total order. Two quorums share a
  correct voter: arithmetic, the claim `byzantine-quorums-intersect-in-a-correct-node` of `models.quorum`.
* **Liars** sign anything in their own names, to each hearer something else, and nothing of it is stored: who
  counts asks for what the correct members of a quorum signed. What a liar cannot do is forge, so that a lock
  that it tells of has the votes of a quorum.
* **Counters** do nothing but read off a verdict: certificates and openings prove themselves, whoever carries
  them.
* **What carries the proof** is PBFT's view change: whatever a correct voter votes for in a round, nothing
  else can have been confirmed by a quorum in an earlier one, nor ever will be (`VotesAreSafe`,
  `DeadIsNotConfirmed`).

What is abstracted leaves more behaviour: what was signed never is lost; a voter may ask for any later round;
it tells of all that it has confirmed, and the latest of all is the latest of the latest ones. That these
steps are those of specs/vote/Vote.tla is this argument, checked by no machine. Not here: that signatures
hold, and that a ballot ends.

`CLAIMS` is the arithmetic of the project document's rule, for all n and f: which verdicts one counter and two
counters can come to, what thresholds would do, what a count says of the correct voters, and its worked cases.

    python -m models.vote

prints the proof, what it needs each clause for, how wrong rules fail it, and the claims with the least case
against each wrong one.
"""

import enum
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Final

import attrs
import click
import z3

from impl.quorum import (
    byzantine_nodes_needed_formula,
    byzantine_quorum,
    byzantine_quorum_formula,
    majority_formula,
)
from models.axioms import quorums_meet, total_order
from models.checks import decided
from models.claims import Claim, Counterexample, Question, prove
from models.instance import members, numbered, ordered, quorums, servers
from models.quorum import Formula, Term, apply, report
from tlacheck.smt import (
    Action,
    Clause,
    Expression,
    Proof,
    Scenario,
    Sort,
    TransitionSystem,
    Variable,
    View,
    becomes,
    exists,
    forall,
    relation,
    scenarios_found,
    uninterpreted,
)
from tlacheck.values import Function
from tlacheck.verdict import Kind
from tlacheck.verify import Context, Outcome

__all__ = [
    "CLAIMS",
    "PROOF",
    "SCENARIOS",
    "Fault",
    "Sorts",
    "agreement",
    "behaviours_found",
    "clauses_needed",
    "cluster",
    "document_approve",
    "document_reject",
    "mutants_fail",
    "rule_decided",
    "voting",
]

#: The clauses that are never dropped: by the names of specs/vote/Vote.tla, and that a verdict is founded on
#: free votes. And one that follows from CertifiedByVotes and VotesAreSafe, without which Z3 may take minutes.
GOALS: Final = (
    "Agreement",
    "DecisionsStand",
    "CertificatesAgree",
    "FoundedFreely",
    "KnownIsFounded",
    "CertifiedIsSafe",
)


class Fault(enum.Enum):
    """The fault of a wrong rule."""

    VOTES_DECIDE = "a certificate of votes is the verdict, and nobody confirms it"
    AS_IT_LIKES = "a voter votes in a new round as it likes"
    TELLS_NOTHING = "a voter that gives up a round tells of no certificate"
    ANY_LOCK = "an opening goes by any lock, not by the latest"
    BELIEVES_LOCKS = "the votes behind a lock are not checked"
    CONFIRMS_LATE = "a voter that has given up a round confirms in it"
    VOTES_AGAIN = "a voter votes again in a round"
    MIXED_ROUNDS = "votes of different rounds make a certificate"
    QUORUMS_SHARE_A_LIAR = "two quorums need not share a correct voter: one less, or a simple majority"
    ONE_CONFIRMATION_LESS = "one confirmation less than a quorum decides"


@attrs.frozen(kw_only=True)
class Sorts:
    """The sorts of the model: uninterpreted for a proof, enumerations for a finite instance."""

    voter: Sort = attrs.field(factory=lambda: uninterpreted("Voter"))
    quorum: Sort = attrs.field(factory=lambda: uninterpreted("Quorum"))
    round: Sort = attrs.field(factory=lambda: uninterpreted("Round"))
    choice: Sort = attrs.field(factory=lambda: uninterpreted("Choice"))
    counter: Sort = attrs.field(factory=lambda: uninterpreted("Counter"))


def voting(
    sorts: Sorts | None = None, *, fault: Fault | None = None, axioms: Sequence[Clause] = ()
) -> TransitionSystem:
    """Build the model, whose properties are the clauses of its inductive invariant.

    Args:
        sorts: what it is about; by default a ballot of any size.
        fault: what is wrong with it; None for the rule of `impl.vote`.
        axioms: more about what is rigid, for a finite instance.
    """
    sorts = sorts or Sorts()
    return TransitionSystem(
        name="Vote",
        variables=_variables(sorts),
        axioms=(*_axioms(sorts, fault), *axioms),
        initial=_initial(sorts),
        actions=(*_rounds(sorts, fault), *_retries(sorts, fault)),
        properties=_invariant(sorts),
    )


def _variables(sorts: Sorts) -> tuple[Variable, ...]:
    voter, quorum, number, choice = sorts.voter, sorts.quorum, sorts.round, sorts.choice
    return (
        relation("byzantine", voter, is_rigid=True),
        relation("member", voter, quorum, is_rigid=True),
        relation("le", number, number, is_rigid=True),
        Variable("first", (), number, is_rigid=True),
        # Of correct voters. `left(i, r)`: i is above round r. `entered(i, r)`: it has taken part in r;
        # `free(i, r)`: as it likes; `bound(i, r, c)`: having to vote for c.
        relation("left", voter, number),
        relation("entered", voter, number),
        relation("free", voter, number),
        relation("bound", voter, number, choice),
        # What they signed. `own(r, i, c)`: i voted for c in r, and was free. `asks(w, i)`: a Retry for w;
        # `tells(w, i, r, c)`: of a certificate for c in r.
        relation("voted", number, voter, choice),
        relation("own", number, voter, choice),
        relation("confirmed", number, voter, choice),
        relation("asks", number, voter),
        relation("tells", number, voter, number, choice),
        # Verdicts of counters.
        relation("judged", sorts.counter, choice),
        # History. `certified(r, c)`: votes for c in r have made a certificate; `known(c)`: in some round;
        # `founded(c, r, q)`: for the first time by q in r. `decided(r, c, q)`: q has confirmed it. `dead(r,
        # c)`: a round after r has begun without c, so that c is not decided in r, nor ever.
        relation("certified", number, choice),
        relation("known", choice),
        relation("founded", choice, number, quorum),
        relation("decided", number, choice, quorum),
        relation("dead", number, choice),
    )


def _axioms(sorts: Sorts, fault: Fault | None) -> tuple[Clause, ...]:
    voter, quorum = sorts.voter, sorts.quorum
    correct = Clause(
        "QuorumsShareACorrectVoter",
        lambda s: forall(
            [quorum, quorum],
            lambda q, r: exists([voter], lambda m: z3.And(_correct(s, m), s.member(m, q), s.member(m, r))),
        ),
    )
    wrong = quorums_meet(voter, quorum)
    return (
        *total_order("le", sorts.round, "first"),
        wrong if fault is Fault.QUORUMS_SHARE_A_LIAR else correct,
    )


def _initial(sorts: Sorts) -> Callable[[View], Expression]:
    voter, quorum, number, choice = sorts.voter, sorts.quorum, sorts.round, sorts.choice

    def initial(s: View) -> Expression:
        return z3.And(
            forall(
                [voter, number],
                lambda i, r: z3.And(
                    z3.Not(s.left(i, r)),
                    s.entered(i, r) == z3.And(_correct(s, i), r == s.first),
                    s.free(i, r) == z3.And(_correct(s, i), r == s.first),
                    z3.Not(s.asks(r, i)),
                ),
            ),
            forall(
                [voter, number, choice],
                lambda i, r, c: z3.Not(
                    z3.Or(s.bound(i, r, c), s.voted(r, i, c), s.own(r, i, c), s.confirmed(r, i, c))
                ),
            ),
            forall([number, voter, number, choice], lambda w, i, r, c: z3.Not(s.tells(w, i, r, c))),
            forall([sorts.counter, choice], lambda k, c: z3.Not(s.judged(k, c))),
            forall([number, choice], lambda r, c: z3.Not(z3.Or(s.certified(r, c), s.dead(r, c), s.known(c)))),
            forall(
                [number, choice, quorum],
                lambda r, c, q: z3.Not(z3.Or(s.decided(r, c, q), s.founded(c, r, q))),
            ),
        )

    return initial


def _correct(s: View, i: Expression) -> Expression:
    return z3.Not(s.byzantine(i))


def _before(s: View, r: Expression, w: Expression) -> Expression:
    return z3.Not(s.le(w, r))


def _takes_part(s: View, i: Expression, r: Expression) -> Expression:
    """Correct voter i is in round r, and has not given it up."""
    return z3.And(_correct(s, i), s.entered(i, r), z3.Not(s.left(i, r)))


def _all_said(s: View, voter: Sort, q: Expression, said: Callable[[Expression], Expression]) -> Expression:
    """All correct members of q have said so; the others say anything."""
    return forall([voter], lambda m: z3.Implies(z3.And(s.member(m, q), _correct(s, m)), said(m)))


def _clause(name: str, over: Sequence[Sort], body: Callable[[View], Callable[..., Expression]]) -> Clause:
    return Clause(name, lambda s: forall(over, body(s)))


def _invariant(sorts: Sorts) -> tuple[Clause, ...]:
    voter, quorum, number, choice = sorts.voter, sorts.quorum, sorts.round, sorts.choice

    def some_quorum(s: View, said: Callable[[Expression], Expression]) -> Expression:
        return exists([quorum], lambda q: _all_said(s, voter, q, said))

    return (
        _clause(
            "Agreement",
            [sorts.counter, sorts.counter, choice, choice],
            lambda s: lambda k, j, b, c: z3.Implies(z3.And(s.judged(k, b), s.judged(j, c)), b == c),
        ),
        _clause(
            "DecisionsStand",
            [number, choice, quorum, number, choice],
            lambda s: (
                lambda v, b, q, w, c: z3.Implies(
                    z3.And(s.decided(v, b, q), s.certified(w, c), s.le(v, w)), b == c
                )
            ),
        ),
        _clause(
            "CertificatesAgree",
            [number, choice, choice],
            lambda s: lambda r, b, c: z3.Implies(z3.And(s.certified(r, b), s.certified(r, c)), b == c),
        ),
        # What is certified was first certified by a quorum whose correct members were free.
        _clause(
            "FoundedFreely",
            [choice, number, quorum, voter],
            lambda s: (
                lambda c, r, q, m: z3.Implies(
                    z3.And(s.founded(c, r, q), s.member(m, q), _correct(s, m)), s.own(r, m, c)
                )
            ),
        ),
        _clause(
            "KnownIsFounded",
            [choice],
            lambda s: (
                lambda c: z3.Implies(s.known(c), exists([number, quorum], lambda r, q: s.founded(c, r, q)))
            ),
        ),
        # within a round
        _clause(
            "VotesOnce",
            [number, voter, choice, choice],
            lambda s: lambda r, i, b, c: z3.Implies(z3.And(s.voted(r, i, b), s.voted(r, i, c)), b == c),
        ),
        _clause(
            "CertifiedByVotes",
            [number, choice],
            lambda s: lambda r, c: z3.Implies(s.certified(r, c), some_quorum(s, lambda m: s.voted(r, m, c))),
        ),
        _clause(
            "ConfirmedIsCertified",
            [number, voter, choice],
            lambda s: lambda r, i, c: z3.Implies(s.confirmed(r, i, c), s.certified(r, c)),
        ),
        _clause(
            "DecidedByConfirmations",
            [number, choice, quorum, voter],
            lambda s: (
                lambda r, c, q, m: z3.Implies(
                    z3.And(s.decided(r, c, q), s.member(m, q), _correct(s, m)), s.confirmed(r, m, c)
                )
            ),
        ),
        _clause(
            "JudgedIsDecided",
            [sorts.counter, choice],
            lambda s: (
                lambda k, c: z3.Implies(
                    s.judged(k, c), exists([number, quorum], lambda r, q: s.decided(r, c, q))
                )
            ),
        ),
        # whose votes were free
        _clause(
            "CertifiedIsKnown",
            [number, choice],
            lambda s: lambda r, c: z3.Implies(s.certified(r, c), s.known(c)),
        ),
        _clause(
            "BoundToWhatIsKnown",
            [voter, number, choice],
            lambda s: lambda i, r, c: z3.Implies(s.bound(i, r, c), s.known(c)),
        ),
        _clause(
            "OthersAreOwn",
            [number, voter, choice],
            lambda s: (
                lambda r, i, c: z3.Implies(z3.And(s.voted(r, i, c), z3.Not(s.known(c))), s.own(r, i, c))
            ),
        ),
        # across rounds
        _clause(
            "AskersHaveLeft",
            [number, voter, number],
            lambda s: lambda w, i, r: z3.Implies(z3.And(s.asks(w, i), _before(s, r, w)), s.left(i, r)),
        ),
        _clause(
            "ConfirmationsAreTold",
            [number, voter, number, choice],
            lambda s: (
                lambda w, i, r, c: z3.Implies(
                    z3.And(s.asks(w, i), _before(s, r, w), s.confirmed(r, i, c)), s.tells(w, i, r, c)
                )
            ),
        ),
        _clause(
            "FreeIsSafe",
            [voter, number, number, choice],
            lambda s: lambda i, w, r, b: z3.Implies(z3.And(s.free(i, w), _before(s, r, w)), s.dead(r, b)),
        ),
        _clause(
            "BoundIsSafe",
            [voter, number, choice, number, choice],
            lambda s: (
                lambda i, w, c, r, b: z3.Implies(
                    z3.And(s.bound(i, w, c), _before(s, r, w), b != c), s.dead(r, b)
                )
            ),
        ),
        _clause(
            "VotesAreSafe",
            [number, voter, choice, number, choice],
            lambda s: (
                lambda w, i, c, r, b: z3.Implies(
                    z3.And(s.voted(w, i, c), _before(s, r, w), b != c), s.dead(r, b)
                )
            ),
        ),
        _clause(
            "CertifiedIsSafe",
            [number, choice, number, choice],
            lambda s: (
                lambda w, c, r, b: z3.Implies(
                    z3.And(s.certified(w, c), _before(s, r, w), b != c), s.dead(r, b)
                )
            ),
        ),
        _clause(
            "DeadIsNotConfirmed",
            [number, choice],
            lambda s: (
                lambda r, b: z3.Implies(
                    s.dead(r, b),
                    some_quorum(s, lambda m: z3.And(s.left(m, r), z3.Not(s.confirmed(r, m, b)))),
                )
            ),
        ),
    )


def _adds(n: View, s: View, name: str, *what: Expression, when: Expression | None = None) -> Expression:
    """One more element is in a relation, if `when` holds."""

    def held(*each: Expression) -> Expression:
        same = [one == other for one, other in zip(each, what, strict=True)]
        return z3.Or(getattr(s, name)(*each), z3.And(*same, *([] if when is None else [when])))

    return becomes(n, name, held)


def _rounds(sorts: Sorts, fault: Fault | None) -> tuple[Action, ...]:
    """Build the actions within a round."""
    voter, quorum, number, choice = sorts.voter, sorts.quorum, sorts.round, sorts.choice

    def vote(s: View, n: View, *, i: Expression, r: Expression, c: Expression) -> Expression:
        """Voter i votes for c."""
        fresh = forall([choice], lambda d: z3.Not(s.voted(r, i, d)))
        may_choose = z3.Or(s.free(i, r), s.bound(i, r, c))
        return z3.And(
            _takes_part(s, i, r),
            z3.BoolVal(True) if fault is Fault.VOTES_AGAIN else fresh,
            z3.BoolVal(True) if fault is Fault.AS_IT_LIKES else may_choose,
            _adds(n, s, "voted", r, i, c),
            _adds(n, s, "own", r, i, c, when=s.free(i, r)),
        )

    def certify(s: View, n: View, *, r: Expression, c: Expression, q: Expression) -> Expression:
        """The votes of q for c in r make a certificate, for whoever collects them."""

        def voted(m: Expression) -> Expression:
            if fault is Fault.MIXED_ROUNDS:
                return exists([number], lambda u: z3.And(s.le(u, r), s.voted(u, m, c)))
            return s.voted(r, m, c)

        return z3.And(
            _all_said(s, voter, q, voted),
            _adds(n, s, "certified", r, c),
            _adds(n, s, "known", c),
            _adds(n, s, "founded", c, r, q, when=z3.Not(s.known(c))),
        )

    def confirm(s: View, n: View, *, i: Expression, r: Expression, c: Expression) -> Expression:
        """A certificate of its round arrives at i."""
        late = z3.And(_correct(s, i), s.entered(i, r))
        return z3.And(
            late if fault is Fault.CONFIRMS_LATE else _takes_part(s, i, r),
            s.certified(r, c),
            _adds(n, s, "confirmed", r, i, c),
        )

    def settle(s: View, n: View, *, r: Expression, c: Expression, q: Expression) -> Expression:
        """The confirmations of q for c in r make a verdict, for whoever collects them."""

        def confirmed(m: Expression) -> Expression:
            return (s.voted if fault is Fault.VOTES_DECIDE else s.confirmed)(r, m, c)

        enough = _all_said(s, voter, q, confirmed)
        if fault is Fault.ONE_CONFIRMATION_LESS:
            enough = exists(
                [voter],
                lambda out: forall(
                    [voter],
                    lambda m: z3.Implies(z3.And(s.member(m, q), _correct(s, m), m != out), confirmed(m)),
                ),
            )
        return z3.And(enough, _adds(n, s, "decided", r, c, q))

    def decide(s: View, n: View, *, k: Expression, r: Expression, c: Expression, q: Expression) -> Expression:
        """Counter k, which has no verdict, reads it off."""
        return z3.And(
            forall([choice], lambda d: z3.Not(s.judged(k, d))),
            s.decided(r, c, q),
            _adds(n, s, "judged", k, c),
        )

    own, group = {"i": voter, "r": number, "c": choice}, {"r": number, "c": choice, "q": quorum}
    return (
        Action("Vote", own, ("voted", "own"), vote),
        Action("CertifyVotes", group, ("certified", "known", "founded"), certify),
        Action("Confirm", own, ("confirmed",), confirm),
        Action("CertifyConfirms", group, ("decided",), settle),
        Action("Decide", {"k": sorts.counter, **group}, ("judged",), decide),
    )


def _retries(sorts: Sorts, fault: Fault | None) -> tuple[Action, ...]:
    """Build the actions between rounds."""
    voter, quorum, number, choice = sorts.voter, sorts.quorum, sorts.round, sorts.choice

    def leaves(n: View, s: View, i: Expression, w: Expression) -> Expression:
        """Voter i is above all rounds before w."""
        return becomes(n, "left", lambda m, u: z3.Or(s.left(m, u), z3.And(m == i, _before(s, u, w))))

    def give_up(s: View, n: View, *, i: Expression, v: Expression, w: Expression) -> Expression:
        """Voter i, whose round is v, asks for a later one, w, and tells of what it has confirmed."""
        tells_nothing = fault is Fault.TELLS_NOTHING
        return z3.And(
            _correct(s, i),
            forall([number], lambda u: s.left(i, u) == _before(s, u, v)),
            _before(s, v, w),
            leaves(n, s, i, w),
            _adds(n, s, "asks", w, i),
            becomes(
                n,
                "tells",
                lambda u, m, x, c: z3.Or(
                    s.tells(u, m, x, c),
                    z3.And(u == w, m == i, z3.BoolVal(not tells_nothing), s.confirmed(x, i, c)),
                ),
            ),
        )

    def enters(n: View, s: View, i: Expression, w: Expression) -> Expression:
        return z3.And(
            _correct(s, i),
            z3.Not(s.left(i, w)),
            z3.Not(s.entered(i, w)),
            leaves(n, s, i, w),
            _adds(n, s, "entered", i, w),
        )

    def kills(
        n: View, s: View, v: Expression, w: Expression, others: Callable[[Expression], Expression]
    ) -> Expression:
        """These choices are dead in the rounds from v on up to w."""
        return becomes(
            n, "dead", lambda u, c: z3.Or(s.dead(u, c), z3.And(s.le(v, u), _before(s, u, w), others(c)))
        )

    def asked(s: View, w: Expression, q: Expression, told: Callable[[Expression], Expression]) -> Expression:
        """All of q ask for w, and of what they tell this is so."""
        return _all_said(s, voter, q, lambda m: z3.And(s.asks(w, m), told(m)))

    def enter_bound(
        s: View,
        n: View,
        *,
        i: Expression,
        w: Expression,
        q: Expression,
        m: Expression,
        v: Expression,
        c: Expression,
    ) -> Expression:
        """An opening of w by q arrives at i; m tells of its latest lock, c in v."""

        def not_later(j: Expression) -> Expression:
            if fault is Fault.ANY_LOCK:
                return z3.BoolVal(True)
            return forall([number, choice], lambda u, d: z3.Implies(s.tells(w, j, u, d), s.le(u, v)))

        return z3.And(
            s.member(m, q),
            _before(s, v, w),
            z3.Or(s.byzantine(m), s.tells(w, m, v, c)),
            z3.BoolVal(True) if fault is Fault.BELIEVES_LOCKS else s.certified(v, c),
            asked(s, w, q, not_later),
            enters(n, s, i, w),
            _adds(n, s, "bound", i, w, c),
            kills(n, s, v, w, lambda d: d != c),
        )

    def enter_free(s: View, n: View, *, i: Expression, w: Expression, q: Expression) -> Expression:
        """An opening of w by q arrives at i that tells of no lock."""

        def nothing(j: Expression) -> Expression:
            return forall([number, choice], lambda u, d: z3.Not(s.tells(w, j, u, d)))

        return z3.And(
            asked(s, w, q, nothing),
            enters(n, s, i, w),
            _adds(n, s, "free", i, w),
            kills(n, s, s.first, w, lambda _: z3.BoolVal(True)),
        )

    entry, changes = {"i": voter, "w": number, "q": quorum}, ("left", "entered", "dead")
    return (
        Action("GiveUp", {"i": voter, "v": number, "w": number}, ("left", "asks", "tells"), give_up),
        Action(
            "EnterBound", {**entry, "m": voter, "v": number, "c": choice}, (*changes, "bound"), enter_bound
        ),
        Action("EnterFree", entry, (*changes, "free"), enter_free),
    )


#: The proof, its requirements, and the wrong rules that fail it.
PROOF: Final = Proof(
    claim="Byzantine voting, any number of voters, f < n/3 of them liars, any number of rounds and counters",
    model=lambda fault: voting(fault=fault),
    faults=Fault,
    goals=GOALS,
    command=".venv/bin/python -m models.vote",
)


#: The checks of `verify.toml`. No two counters reach different verdicts, and each verdict goes back to free
#: votes, in any ballot.
agreement, clauses_needed, mutants_fail = PROOF.holds, PROOF.clauses_needed, PROOF.mutants_fail


# --- behaviours of four voters -------------------------------------------------------------------


def cluster(fault: Fault | None = None) -> TransitionSystem:
    """Build the model of four voters, at most one a liar, two choices, two rounds and two counters.

    Args:
        fault: what is wrong; None for the rule of `impl.vote`.
    """
    sorts = Sorts(
        voter=servers(4),
        quorum=quorums(4, byzantine_quorum(4, 1)),
        round=numbered("Round", "r", 1),
        choice=numbered("Choice", "c", 1),
        counter=numbered("Counter", "k", 1),
    )
    in_order = sorts.round.elements or ()
    concrete = Clause(
        "Concrete",
        lambda s: z3.And(
            s.first == in_order[0],
            ordered(s.le, sorts.round),
            members(s.member, sorts.voter, sorts.quorum),
            z3.AtMost(*map(s.byzantine, sorts.voter.elements or ()), 1),
        ),
    )
    return voting(sorts, fault=fault, axioms=[concrete])


def _times(count: int, action: str) -> tuple[str, ...]:
    return (action,) * count


_CERTIFICATE: Final = (*_times(2, "Vote"), "CertifyVotes")
_CONFIRMATIONS: Final = (*_times(2, "Confirm"), "CertifyConfirms")
_NEXT_ROUND: Final = _times(2, "GiveUp")
_VERDICT: Final = (*_CERTIFICATE, *_CONFIRMATIONS, "Decide")


def _scenario(fault: Fault, *schedule: str) -> Scenario[Fault]:
    return Scenario(
        fault=fault,
        breaks="Agreement",
        schedule=schedule,
        model=cluster,
    )


#: Behaviours in which wrong rules reach two verdicts among four voters with a liar, who helps with
#: votes and statements.
SCENARIOS: Final = (
    # Nobody confirms what one counter has read off already, and so nobody tells of it.
    _scenario(
        Fault.VOTES_DECIDE,
        *(*_CERTIFICATE, "CertifyConfirms", "Decide"),
        *(*_NEXT_ROUND, *_times(2, "EnterFree"), *_CERTIFICATE, "CertifyConfirms", "Decide"),
    ),
    _scenario(Fault.AS_IT_LIKES, *_VERDICT, *_NEXT_ROUND, *_times(2, "EnterBound"), *_VERDICT),
    _scenario(Fault.TELLS_NOTHING, *_VERDICT, *_NEXT_ROUND, *_times(2, "EnterFree"), *_VERDICT),
    _scenario(
        Fault.CONFIRMS_LATE,
        *(*_CERTIFICATE, *_NEXT_ROUND, *_times(2, "EnterFree"), *_CONFIRMATIONS, "Decide", *_VERDICT),
    ),
    _scenario(
        Fault.BELIEVES_LOCKS,
        *(*_VERDICT, *_NEXT_ROUND, *_times(2, "EnterBound"), *_VERDICT),
    ),
    _scenario(
        Fault.VOTES_AGAIN, *_CERTIFICATE, *_CERTIFICATE, *_CONFIRMATIONS, "Decide", *_CONFIRMATIONS, "Decide"
    ),
)


def behaviours_found(context: Context) -> Outcome:
    """Check that wrong rules reach two verdicts among four voters, and the right one in no such schedule."""
    return scenarios_found(context, SCENARIOS)


# --- the arithmetic of the document's rule -------------------------------------------------------


def document_approve(n: Term, f: Term) -> Term:
    """The document's threshold for APPROVE: 5 of 7, 7 of 10."""
    return n - f


def document_reject(_n: Term, f: Term) -> Term:
    """The document's threshold for REJECT: 3 of 7, 4 of 10."""
    return f + 1


_N, _F = z3.Ints("n f")
_APPROVE, _REJECT = z3.Ints("approve reject")
_ENOUGH: Final = z3.And(_F >= 0, apply(byzantine_nodes_needed_formula, _F) <= _N)
_SOME_LIARS: Final = z3.And(_F >= 1, _ENOUGH)
_QUORUM: Final = apply(byzantine_quorum_formula, _N, _F)
_DOCUMENT_APPROVE: Final = apply(document_approve, _N, _F)
_DOCUMENT_REJECT: Final = apply(document_reject, _N, _F)


def _least(first: z3.ArithRef, second: z3.ArithRef) -> z3.ArithRef:
    return z3.If(first < second, first, second)


def one_counter(approve: Formula = document_approve, reject: Formula = document_reject) -> Question:
    """A counter that counts each voter once never reaches both verdicts."""
    both = z3.And(apply(approve, _N, _F) <= _APPROVE, apply(reject, _N, _F) <= _REJECT)
    return Question(
        unknowns=(_N, _F, _APPROVE, _REJECT),
        assumptions=(_ENOUGH, _APPROVE >= 0, _REJECT >= 0, _APPROVE + _REJECT <= _N),
        conclusion=z3.Not(both),
    )


def two_counters(approve: Formula = document_approve, reject: Formula = document_reject) -> Question:
    """Two counters, to whom `lying` voters say different things, never reach different verdicts."""
    lying = z3.Int("lying")
    both = z3.And(apply(approve, _N, _F) <= _APPROVE, apply(reject, _N, _F) <= _REJECT)
    return Question(
        unknowns=(_N, _F, lying, _APPROVE, _REJECT),
        assumptions=(
            _SOME_LIARS,
            lying >= 0,
            lying <= _F,
            lying <= _APPROVE,
            lying <= _REJECT,
            _APPROVE + _REJECT - lying <= _N,
        ),
        conclusion=z3.Not(both),
        illustrate=_two_verdicts,
    )


def _two_verdicts(values: Mapping[str, int]) -> Counterexample:
    n, lying, approve, reject = (values[name] for name in ("n", "lying", "approve", "reject"))
    names = [f"n{number}" for number in range(1, n + 1)]
    first, second = names[:approve], names[approve - lying : approve - lying + reject]
    liars = [name for name in first if name in second]
    return Counterexample(
        Function(values),
        (
            f"n = {n}, f = {values['f']}: one counter hears {', '.join(first)} approve, the other "
            f"{', '.join(second)} reject; "
        )
        + (f"{', '.join(liars)} said both" if liars else "nobody lies"),
    )


def always_two_verdicts() -> Question:
    """With any liars, n - 2f correct votes to approve and f to reject are enough for both verdicts."""
    return Question(
        unknowns=(_N, _F),
        assumptions=(_SOME_LIARS,),
        conclusion=z3.And((_N - 2 * _F) + _F >= _DOCUMENT_APPROVE, _F + _F >= _DOCUMENT_REJECT),
    )


def thresholds(liars: z3.ArithRef, *, sum_needed: z3.ArithRef) -> Question:
    """Two thresholds exclude each other, with some votes counted for both, exactly if their sum is this."""
    possible = _APPROVE + _REJECT - _least(liars, _least(_APPROVE, _REJECT)) <= _N
    return Question(
        unknowns=(_N, _F, _APPROVE, _REJECT),
        assumptions=(_ENOUGH, _APPROVE >= 1, _APPROVE <= _N, _REJECT >= 1, _REJECT <= _N),
        conclusion=(sum_needed <= _APPROVE + _REJECT) == z3.Not(possible),
    )


def only_thresholds() -> Question:
    """3f + 1 voters have one pair of thresholds only that correct voters can reach and two counters share."""
    return Question(
        unknowns=(_N, _F, _APPROVE, _REJECT),
        assumptions=(
            _F >= 0,
            apply(byzantine_nodes_needed_formula, _F) == _N,
            _APPROVE <= _N - _F,
            _REJECT <= _N - _F,
            _APPROVE + _REJECT >= _N + _F + 1,
        ),
        conclusion=z3.And(_APPROVE == 2 * _F + 1, _REJECT == 2 * _F + 1),
    )


def all_votes(*cases: z3.BoolRef, conclusion: z3.BoolRef) -> Question:
    """This holds for a counter that has all n votes."""
    return Question(
        unknowns=(_N, _F, _APPROVE, _REJECT),
        assumptions=(_ENOUGH, *cases, _APPROVE >= 0, _REJECT >= 0, _APPROVE + _REJECT == _N),
        conclusion=conclusion,
    )


def supported(votes: z3.ArithRef) -> Question:
    """This many votes, f of them lies, come from more than half of the correct voters."""
    return Question(unknowns=(_N, _F), assumptions=(_ENOUGH,), conclusion=2 * (votes - _F) > _N - _F)


def least_supported() -> Question:
    """One vote less than a quorum may come from half of the correct voters or fewer."""
    return Question(unknowns=(_N, _F), assumptions=(_ENOUGH,), conclusion=2 * (_QUORUM - 1 - _F) <= _N - _F)


def the_correct(*cases: z3.BoolRef, conclusion: Callable[[z3.ArithRef, z3.ArithRef], z3.BoolRef]) -> Question:
    """The information in all votes about the correct voters: at most f votes either way are lies."""
    lying, also = z3.Ints("approvals_that_lie rejections_that_lie")
    return Question(
        unknowns=(_N, _F, _APPROVE, _REJECT, lying, also),
        assumptions=(
            _ENOUGH,
            *cases,
            lying <= _APPROVE,
            also <= _REJECT,
            lying >= 0,
            also >= 0,
            lying + also <= _F,
            _APPROVE + _REJECT == _N,
        ),
        conclusion=conclusion(_APPROVE - lying, _REJECT - also),
    )


def unanimous_when_heard() -> Question:
    """Of 3f + 1 voters, the n - f that are heard make a quorum exactly if all of them want the same."""
    return Question(
        unknowns=(_N, _F, _APPROVE, _REJECT),
        assumptions=(
            _F >= 0,
            apply(byzantine_nodes_needed_formula, _F) == _N,
            _APPROVE >= 0,
            _REJECT >= 0,
            _APPROVE + _REJECT == _N - _F,
        ),
        conclusion=z3.Or(_APPROVE >= _QUORUM, _REJECT >= _QUORUM) == z3.Or(_APPROVE == 0, _REJECT == 0),
    )


def carry_over(*cases: z3.BoolRef, size: z3.ArithRef) -> Question:
    """N - f votes of a round tell which one choice may have had this many votes in it, somewhere.

    A voter that was not heard may have voted for anything; one that was heard may lie elsewhere.
    """
    unheard = _N - _APPROVE - _REJECT
    may_approve = _APPROVE + unheard + _least(_REJECT, _F) >= size
    may_reject = _REJECT + unheard + _least(_APPROVE, _F) >= size
    return Question(
        unknowns=(_N, _F, _APPROVE, _REJECT),
        assumptions=(_F >= 1, *cases, _APPROVE >= 0, _REJECT >= 0, _APPROVE + _REJECT == _N - _F),
        conclusion=z3.Not(z3.And(may_approve, may_reject)),
    )


def waiting_for_all() -> Question:
    """All n votes arrive although f voters may be silent."""
    return Question(unknowns=(_N, _F), assumptions=(_SOME_LIARS,), conclusion=_N - _F >= _N)


def _claim(name: str, statement: str, source: str, expected: Kind, ask: Callable[[], Question]) -> Claim:
    requirement = "VOTE-2" if "worked" in name or "four-to-three" in name else "VOTE-3"
    return Claim(
        id=name,
        statement=statement,
        source=source,
        requirement=requirement,
        expected=expected,
        formulate=ask,
    )


_BV: Final = "byzantine-consensus-voting"
_OWN: Final = "impl.vote, docstring"
_FOUR_TO_THREE: Final = z3.And(_N == 7, _F == 2, _APPROVE == 4)
_WORKED: Final = z3.Or(z3.And(_N == 7, _F == 2, _APPROVE == 5), z3.And(_N == 10, _F == 3, _APPROVE == 7))

#: True and false claims about the document's rule and the repaired one, for all n and f.
CLAIMS: Final[tuple[Claim, ...]] = (
    _claim(
        "document-excludes-at-one-counter",
        "APPROVE at n - f and REJECT at f + 1 exclude each other at one counter.",
        f"{_BV}, BFT Vote Counter",
        Kind.PROVED,
        one_counter,
    ),
    _claim(
        "document-excludes-at-two-counters",
        "APPROVE at n - f at one counter and REJECT at f + 1 at another exclude each other.",
        f"{_BV}, BFT Vote Counter",
        Kind.VIOLATED,
        two_counters,
    ),
    _claim(
        "document-always-fails-with-a-liar",
        (
            "Whatever n is, as soon as f >= 1 there are votes for which two counters may come to different "
            "verdicts."
        ),
        f"against {_BV}, BFT Vote Counter",
        Kind.PROVED,
        always_two_verdicts,
    ),
    _claim(
        "quorums-exclude-at-two-counters",
        "APPROVE and REJECT by a quorum of ceil((n+f+1)/2) each exclude each other at any counters.",
        _OWN,
        Kind.PROVED,
        lambda: two_counters(byzantine_quorum_formula, byzantine_quorum_formula),
    ),
    _claim(
        "one-less-excludes-at-two-counters",
        "One less than that would do.",
        f"against {_OWN}",
        Kind.VIOLATED,
        lambda: two_counters(_one_less, _one_less),
    ),
    _claim(
        "majorities-exclude-at-two-counters",
        "APPROVE and REJECT by a simple majority exclude each other at any counters.",
        f"{_BV}, Simple Majority",
        Kind.VIOLATED,
        lambda: two_counters(_majority, _majority),
    ),
    _claim(
        "thresholds-at-one-counter",
        "Two thresholds exclude each other at one counter exactly if their sum is n + 1 or more.",
        _OWN,
        Kind.PROVED,
        lambda: thresholds(z3.IntVal(0), sum_needed=_N + 1),
    ),
    _claim(
        "thresholds-at-two-counters",
        "Two thresholds exclude each other at any counters exactly if their sum is n + f + 1 or more.",
        _OWN,
        Kind.PROVED,
        lambda: thresholds(_F, sum_needed=_N + _F + 1),
    ),
    _claim(
        "only-thresholds-of-three-f-plus-one",
        (
            "3f + 1 voters have no other thresholds that exclude each other and that n - f can reach than "
            "2f + 1 and 2f + 1."
        ),
        f"against {_BV}: REJECT at f + 1",
        Kind.PROVED,
        only_thresholds,
    ),
    _claim(
        "document-never-says-no-consensus",
        (
            "A counter with all n votes always comes to a verdict by the document's rule: its third case is "
            "never reached."
        ),
        f"against {_BV}, BFT Vote Counter: NO CONSENSUS",
        Kind.PROVED,
        lambda: all_votes(conclusion=z3.Or(_APPROVE >= _DOCUMENT_APPROVE, _REJECT >= _DOCUMENT_REJECT)),
    ),
    _claim(
        "document-four-to-three-is-no-consensus",
        "4 to 3 of seven votes is no consensus by the document's rule.",
        f"{_BV}, Comparison, against its own REJECT at 3",
        Kind.VIOLATED,
        lambda: all_votes(
            _FOUR_TO_THREE,
            conclusion=z3.And(_APPROVE < _DOCUMENT_APPROVE, _REJECT < _DOCUMENT_REJECT),
        ),
    ),
    _claim(
        "quorum-four-to-three-is-no-consensus",
        "4 to 3 of seven votes is no consensus by quorums.",
        f"{_BV}, Comparison",
        Kind.PROVED,
        lambda: all_votes(_FOUR_TO_THREE, conclusion=z3.And(_APPROVE < _QUORUM, _REJECT < _QUORUM)),
    ),
    _claim(
        "four-to-three-with-two-lying-approvals",
        "If two of the four approvals are lies, more correct voters reject than approve.",
        f"{_BV}, Comparison: 2 APPROVE vs 3 REJECT",
        Kind.PROVED,
        lambda: the_correct(
            _FOUR_TO_THREE, z3.Int("approvals_that_lie") == 2, conclusion=lambda yes, no: no > yes
        ),
    ),
    _claim(
        "four-to-three-means-reject",
        "At 4 to 3 with two liars more correct voters reject, so that REJECT is the correct decision.",
        f"{_BV}, Comparison: Correct decision: REJECT",
        Kind.VIOLATED,
        lambda: the_correct(_FOUR_TO_THREE, conclusion=lambda yes, no: no > yes),
    ),
    _claim(
        "four-to-three-means-approve",
        "At 4 to 3 with two liars more correct voters approve.",
        f"{_BV}, Comparison: Simple Majority",
        Kind.VIOLATED,
        lambda: the_correct(_FOUR_TO_THREE, conclusion=lambda yes, no: yes > no),
    ),
    _claim(
        "worked-cases-are-right-whoever-lies",
        "5 approvals of 7 and 7 of 10 mean that most correct voters approve, whichever two or three lie.",
        f"{_BV}, Byzantine Algorithm and Production Example",
        Kind.PROVED,
        lambda: the_correct(_WORKED, conclusion=lambda yes, no: yes > no),
    ),
    _claim(
        "approvals-have-most-of-the-correct",
        "n - f approvals come from more than half of the correct voters.",
        f"{_BV}: correct decision made",
        Kind.PROVED,
        lambda: supported(_DOCUMENT_APPROVE),
    ),
    _claim(
        "rejections-have-most-of-the-correct",
        "f + 1 rejections come from more than half of the correct voters.",
        f"{_BV}: correct decision made",
        Kind.VIOLATED,
        lambda: supported(_DOCUMENT_REJECT),
    ),
    _claim(
        "quorums-have-most-of-the-correct",
        "A quorum of votes comes from more than half of the correct voters.",
        _OWN,
        Kind.PROVED,
        lambda: supported(_QUORUM),
    ),
    _claim(
        "quorums-are-the-least-with-most-of-the-correct",
        "One vote less than a quorum may come from half of the correct voters or fewer.",
        _OWN,
        Kind.PROVED,
        least_supported,
    ),
    _claim(
        "all-votes-come",
        "A counter may wait for all n votes.",
        f"{_BV}, BFT Vote Counter: Wait for all 7 votes",
        Kind.VIOLATED,
        waiting_for_all,
    ),
    _claim(
        "what-is-heard-decides-if-unanimous",
        "Of 3f + 1 voters n - f that are heard make a quorum exactly if all of them want the same.",
        _OWN,
        Kind.PROVED,
        unanimous_when_heard,
    ),
    _claim(
        "votes-alone-carry-over",
        (
            "With n > 3f, n - f votes of a round tell which choice alone may have had a quorum: one phase "
            "is enough to retry."
        ),
        f"{_BV}: NO CONSENSUS (retry)",
        Kind.VIOLATED,
        lambda: carry_over(_ENOUGH, size=_QUORUM),
    ),
    _claim(
        "votes-alone-carry-over-with-five-f",
        "With n > 5f and verdicts by n - f votes they do.",
        "Martin and Alvisi 2006 (Fast Byzantine Consensus)",
        Kind.PROVED,
        lambda: carry_over(_N > 5 * _F, size=_N - _F),
    ),
    _claim(
        "votes-alone-carry-over-at-five-f",
        "With n = 5f and verdicts by n - f votes they do.",
        "Martin and Alvisi 2006 (Fast Byzantine Consensus)",
        Kind.VIOLATED,
        lambda: carry_over(_N == 5 * _F, size=_N - _F),
    ),
)


def _one_less(n: Term, f: Term) -> Term:
    return byzantine_quorum_formula(n, f) - 1


def _majority(n: Term, _f: Term) -> Term:
    return majority_formula(n)


def rule_decided(context: Context) -> Outcome:
    """Decide each claim of `CLAIMS`, for all n and f; proved means that each came out as known."""
    return decided(context, CLAIMS, command=".venv/bin/python -m models.vote")


def main() -> int:
    """Print all of it.

    Returns:
        0 if all is as it should be, 1 otherwise.
    """
    is_fine = PROOF.tell(click.echo)
    results = [prove(claim) for claim in CLAIMS]
    click.echo(report(results))
    return 0 if is_fine and all(result.is_as_expected for result in results) else 1


if __name__ == "__main__":
    sys.exit(main())
