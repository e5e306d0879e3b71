"""The Byzantine guard, proved accurate: it quarantines only Byzantine replicas, and hears a quorum.

`impl.guard` quarantines on proof: on messages that the accused signed, and that no correct replica
signs. This model proves that this suffices, for any number of replicas and of messages, whatever
anybody says, and shows failures otherwise.

* Replicas, statements and quorums are sorts. A statement is what a message says, with its place: who signs it
  is said of it by `signed`. `contradict(x, y)` and `absurd(x)` are any relations: what a correct replica
  signs one of, or never. That the rules of `impl.guard.evidence` are such relations for what `impl.pbft`
  signs is not shown here: stateful tests try it on all that correct replicas said (`property_tests/guard`),
  and `models.pbft` has the essence of it (its clauses VotesOnce and CommitsAreTold).
* A correct replica writes before it speaks, and checks against what is written: a crash between takes nothing
  back.
* **Byzantine replicas** sign anything, and so nothing is stored of it: `_shown` says what anybody can show.
  What nobody can do is to sign for a correct one. They complain of anybody; so do correct replicas, for a
  network that is slow looks like a replica that is.
* A guard acts alone. Who tells it of what makes no difference; that is why no action is called gossip.

Quorums are not counted here. That the n - f correct replicas are one is arithmetic, for every n > 3f: the
claim `byzantine-quorum-is-available` of `models.quorum`, here an axiom. `CLAIMS` has the arithmetic of
quarantine itself, over the formulas of `impl.quorum`: how many may be quarantined, and why the size of a
quorum stays as it is.

    python -m models.guard

prints the proof, what it needs each clause for, how wrong guards fail it, and the claims.
"""

import enum
import itertools
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Final

import attrs
import click
import z3

from impl.quorum import byzantine_nodes_needed_formula, byzantine_quorum, byzantine_quorum_formula
from models.checks import decided
from models.claims import Claim, Counterexample, Question, prove
from models.instance import members, numbered, quorums, servers
from models.quorum import apply, report
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
    enumeration,
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
    "accuracy",
    "behaviours_found",
    "clauses_needed",
    "cluster",
    "guard",
    "mutants_fail",
    "quorum_kept",
]


class Fault(enum.Enum):
    """A fault of a wrong guard, or of a wrong replica."""

    BELIEVES_SIGNATURES = "the signatures of evidence are not checked"
    CONVICTS_FORGERIES = "a message whose signature does not hold convicts whom it names"
    COUNTS_COMPLAINTS = "whoever f + 1 replicas complain of is quarantined"
    GOES_BY_REPUTATION = "whoever a guard has reason to complain of is quarantined"
    TRUSTS_GUARDS = "whoever another guard quarantines is quarantined"
    IGNORES_THE_PLACE = "two statements that differ convict, of whatever view and number"
    CONVICTS_THE_REFUSED = "whatever a replica refuses to take convicts who signed it"
    SPEAKS_BEFORE_WRITING = "a replica signs before that is on disk, and forgets it in a crash"


@attrs.frozen(kw_only=True)
class Sorts:
    """The sorts of the model: uninterpreted for a proof, enumerations for a finite instance.

    Attributes:
        replica: the replicas, each with a guard.
        statement: what may be signed.
        quorum: the quorums, by names only.
        group: the sets of f + 1 replicas, by names only.
    """

    replica: Sort = attrs.field(factory=lambda: uninterpreted("Replica"))
    statement: Sort = attrs.field(factory=lambda: uninterpreted("Statement"))
    quorum: Sort = attrs.field(factory=lambda: uninterpreted("Quorum"))
    group: Sort = attrs.field(factory=lambda: uninterpreted("Group"))


def guard(
    sorts: Sorts | None = None, *, fault: Fault | None = None, axioms: Sequence[Clause] = ()
) -> TransitionSystem:
    """Build the model, whose properties are the clauses of its inductive invariant.

    Args:
        sorts: what it is about; by default a cluster of any size.
        fault: what is wrong with it; None for the guard of `impl.guard`.
        axioms: more about what is rigid, for a finite instance.
    """
    sorts = sorts or Sorts()
    return TransitionSystem(
        name="Guard",
        variables=_variables(sorts),
        axioms=(*_axioms(sorts), *axioms),
        initial=_initial(sorts),
        actions=(*_replicas(sorts, fault), *_guards(sorts, fault)),
        properties=_invariant(sorts),
    )


def _variables(sorts: Sorts) -> tuple[Variable, ...]:
    replica, statement = sorts.replica, sorts.statement
    return (
        relation("byzantine", replica, is_rigid=True),
        relation("member", replica, sorts.quorum, is_rigid=True),
        relation("belongs", replica, sorts.group, is_rigid=True),
        # Of statements. `contradict(x, y)`: a correct replica signs one of both at most. `absurd(x)`: it
        # never signs x. `refused(x)`: some replica does not take x as it is now.
        relation("contradict", statement, statement, is_rigid=True),
        relation("absurd", statement, is_rigid=True),
        relation("refused", statement, is_rigid=True),
        # Of correct replicas: what is on disk; what they signed; of whom they complain; whom their guards
        # quarantine.
        relation("written", replica, statement),
        relation("signed", replica, statement),
        relation("complains", replica, replica),
        relation("quarantined", replica, replica),
    )


def _axioms(sorts: Sorts) -> tuple[Clause, ...]:
    replica = sorts.replica
    return (
        Clause(
            "ContradictSymmetric",
            lambda s: forall([sorts.statement] * 2, lambda x, y: s.contradict(x, y) == s.contradict(y, x)),
        ),
        Clause(
            "AbsurdIsRefused",
            lambda s: forall([sorts.statement], lambda x: z3.Implies(s.absurd(x), s.refused(x))),
        ),
        Clause(
            "CorrectAreAQuorum",
            lambda s: exists(
                [sorts.quorum],
                lambda q: forall([replica], lambda m: z3.Implies(s.member(m, q), _correct(s, m))),
            ),
        ),
        Clause(
            "GroupsHaveACorrectMember",
            lambda s: forall(
                [sorts.group],
                lambda g: exists([replica], lambda m: z3.And(s.belongs(m, g), _correct(s, m))),
            ),
        ),
    )


def _initial(sorts: Sorts) -> Callable[[View], Expression]:
    replica, statement = sorts.replica, sorts.statement

    def initial(s: View) -> Expression:
        return z3.And(
            forall([replica, statement], lambda i, x: z3.Not(z3.Or(s.written(i, x), s.signed(i, x)))),
            forall([replica, replica], lambda g, i: z3.Not(z3.Or(s.complains(g, i), s.quarantined(g, i)))),
        )

    return initial


def _correct(s: View, i: Expression) -> Expression:
    return z3.Not(s.byzantine(i))


def _shown(s: View, i: Expression, x: Expression) -> Expression:
    """Anybody can show x with the signature of i: a Byzantine i signs anything, a correct one signed it."""
    return z3.Or(s.byzantine(i), s.signed(i, x))


def _invariant(sorts: Sorts) -> tuple[Clause, ...]:
    replica, statement = sorts.replica, sorts.statement

    def of_replicas(
        name: str, over: Sequence[Sort], body: Callable[[View], Callable[..., Expression]]
    ) -> Clause:
        return Clause(name, lambda s: forall([replica, *over], body(s)))

    return (
        of_replicas(
            "OnlyByzantineAreQuarantined",
            [replica],
            lambda s: lambda g, i: z3.Implies(s.quarantined(g, i), s.byzantine(i)),
        ),
        of_replicas(
            "SignedIsWritten",
            [statement],
            lambda s: lambda i, x: z3.Implies(s.signed(i, x), s.written(i, x)),
        ),
        of_replicas(
            "WrittenAgrees",
            [statement, statement],
            lambda s: (
                lambda i, x, y: z3.Implies(
                    z3.And(s.written(i, x), s.written(i, y)), z3.Not(s.contradict(x, y))
                )
            ),
        ),
        of_replicas(
            "WrittenIsNotAbsurd",
            [statement],
            lambda s: lambda i, x: z3.Implies(s.written(i, x), z3.Not(s.absurd(x))),
        ),
    )


def a_quorum_is_heard(sorts: Sorts) -> Clause:
    """There is a quorum of correct replicas whom no guard of a correct one quarantines."""
    replica = sorts.replica
    return Clause(
        "AQuorumIsHeardByAll",
        lambda s: exists(
            [sorts.quorum],
            lambda q: forall(
                [replica, replica],
                lambda g, m: z3.Implies(s.member(m, q), z3.And(_correct(s, m), z3.Not(s.quarantined(g, m)))),
            ),
        ),
    )


def _replicas(sorts: Sorts, fault: Fault | None) -> tuple[Action, ...]:
    """Build the actions in which correct replicas speak: written first, and without contradiction."""
    replica, statement = sorts.replica, sorts.statement

    def may_sign(s: View, i: Expression, x: Expression) -> Expression:
        agrees = forall([statement], lambda y: z3.Implies(s.written(i, y), z3.Not(s.contradict(x, y))))
        return z3.And(_correct(s, i), z3.Not(s.absurd(x)), z3.Not(s.contradict(x, x)), agrees)

    def write(s: View, n: View, *, i: Expression, x: Expression) -> Expression:
        """Replica i writes what it is about to say."""
        return z3.And(may_sign(s, i, x), _adds(n, s, "written", i, x))

    def sign(s: View, n: View, *, i: Expression, x: Expression) -> Expression:
        """Replica i says it, and says it again after a crash."""
        is_written = z3.And(_correct(s, i), s.written(i, x))
        ready = may_sign(s, i, x) if fault is Fault.SPEAKS_BEFORE_WRITING else is_written
        return z3.And(ready, _adds(n, s, "signed", i, x))

    def complain(s: View, n: View, *, g: Expression, i: Expression) -> Expression:
        """Replica i is late, or an unsigned message names it: nobody can know why."""
        return z3.And(_correct(s, g), _adds(n, s, "complains", g, i))

    return (
        Action("Write", {"i": replica, "x": statement}, ("written",), write),
        Action("Sign", {"i": replica, "x": statement}, ("signed",), sign),
        Action("Complain", {"g": replica, "i": replica}, ("complains",), complain),
    )


def _guards(sorts: Sorts, fault: Fault | None) -> tuple[Action, ...]:
    """Build the actions of guards of correct replicas, whoever tells them."""
    replica, statement = sorts.replica, sorts.statement

    def shown(s: View, i: Expression, x: Expression) -> Expression:
        return z3.BoolVal(True) if fault is Fault.BELIEVES_SIGNATURES else _shown(s, i, x)

    def quarantines(s: View, n: View, g: Expression, i: Expression) -> Expression:
        return z3.And(_correct(s, g), _adds(n, s, "quarantined", g, i))

    def convinces(s: View, g: Expression, i: Expression, x: Expression) -> Expression:
        """Guard g takes i for faulty, being shown x."""
        match fault:
            case Fault.CONVICTS_FORGERIES:
                return z3.Not(_shown(s, i, x))
            case Fault.COUNTS_COMPLAINTS:
                return exists([sorts.group], lambda c: all_complain(s, c, i))
            case Fault.GOES_BY_REPUTATION:
                return s.complains(g, i)
            case Fault.TRUSTS_GUARDS:
                return exists([replica], lambda h: z3.Or(s.byzantine(h), s.quarantined(h, i)))
            case Fault.CONVICTS_THE_REFUSED:
                return z3.And(s.refused(x), shown(s, i, x))
            case _:
                return z3.And(s.absurd(x), shown(s, i, x))

    def all_complain(s: View, c: Expression, i: Expression) -> Expression:
        """All members of c complain of i: f + 1, so that a correct one is among them."""
        return forall(
            [replica], lambda m: z3.Implies(s.belongs(m, c), z3.Or(s.byzantine(m), s.complains(m, i)))
        )

    def convict_by_one(s: View, n: View, *, g: Expression, i: Expression, x: Expression) -> Expression:
        """Guard g is shown one message that no correct replica signs."""
        return z3.And(convinces(s, g, i, x), quarantines(s, n, g, i))

    def convict_by_two(
        s: View, n: View, *, g: Expression, i: Expression, x: Expression, y: Expression
    ) -> Expression:
        """Guard g is shown two messages that do not go together."""
        telling = x != y if fault is Fault.IGNORES_THE_PLACE else s.contradict(x, y)
        return z3.And(telling, shown(s, i, x), shown(s, i, y), quarantines(s, n, g, i))

    def release(s: View, n: View, *, g: Expression, i: Expression) -> Expression:
        """An operator releases i."""
        return becomes(
            n, "quarantined", lambda h, j: z3.And(s.quarantined(h, j), z3.Not(z3.And(h == g, j == i)))
        )

    both, changes = {"g": replica, "i": replica}, ("quarantined",)
    return (
        Action("ConvictByOne", {**both, "x": statement}, changes, convict_by_one),
        Action("ConvictByTwo", {**both, "x": statement, "y": statement}, changes, convict_by_two),
        Action("Release", both, changes, release),
    )


def _adds(n: View, s: View, name: str, *what: Expression) -> Expression:
    """One more element is in a relation."""

    def held(*each: Expression) -> Expression:
        same = z3.And(*(one == other for one, other in zip(each, what, strict=True)))
        return z3.Or(getattr(s, name)(*each), same)

    return becomes(n, name, held)


#: The proof, what it needs, and how wrong guards fail it.
PROOF: Final = Proof(
    claim="The Byzantine guard, any number of replicas, f < n/3 of them Byzantine, any number of statements",
    model=lambda fault: guard(fault=fault),
    faults=Fault,
    goals=("OnlyByzantineAreQuarantined",),
    consequences=(a_quorum_is_heard(Sorts()),),
    command=".venv/bin/python -m models.guard",
)


#: The checks of `verify.toml`. Only Byzantine replicas are quarantined, and all hear a quorum of correct
#: ones, in any cluster.
accuracy, clauses_needed, mutants_fail = PROOF.holds, PROOF.clauses_needed, PROOF.mutants_fail


# --- behaviours of four replicas ----------------------------------------------------------------


def cluster(count: int, *, fault: Fault | None = None) -> TransitionSystem:
    """Build the model with this many replicas, at most one of them Byzantine, and three statements.

    x0 and x2 contradict each other, as two commits for one number would; x1 does not go by what a replica
    wants just now, and is refused; x3 is what nobody correct ever signs.

    Args:
        count: the replicas n1, n2, and so on.
        fault: what is wrong; None for the guard.
    """
    sorts = Sorts(
        replica=servers(count),
        statement=numbered("Statement", "x", 3),
        quorum=quorums(count, byzantine_quorum(count, 1)),
        group=enumeration("Group", ["+".join(two) for two in itertools.combinations(_names(count), 2)]),
    )
    one, odd, other, never = sorts.statement.elements or ()
    concrete = Clause(
        "Concrete",
        lambda s: z3.And(
            members(s.member, sorts.replica, sorts.quorum),
            members(s.belongs, sorts.replica, sorts.group),
            *(
                s.contradict(x, y) == z3.BoolVal({str(x), str(y)} == {str(one), str(other)})
                for x, y in itertools.product(sorts.statement.elements or (), repeat=2)
            ),
            *(s.absurd(x) == (x == never) for x in sorts.statement.elements or ()),
            *(s.refused(x) == z3.Or(x == never, x == odd) for x in sorts.statement.elements or ()),
            z3.AtMost(*map(s.byzantine, sorts.replica.elements or ()), 1),
        ),
    )
    return guard(sorts, fault=fault, axioms=[concrete])


def _names(count: int) -> list[str]:
    return [str(each) for each in servers(count).elements or ()]


def _scenario(fault: Fault, *schedule: str) -> Scenario[Fault]:
    return Scenario(
        fault=fault,
        breaks="OnlyByzantineAreQuarantined",
        schedule=schedule,
        model=lambda each: cluster(4, fault=each),
    )


_SAID: Final = ("Write", "Sign")

#: Behaviours in which a wrong guard quarantines a correct one of four replicas; the right one does
#: not.
SCENARIOS: Final = (
    # A Byzantine replica makes up both messages.
    _scenario(Fault.BELIEVES_SIGNATURES, "ConvictByTwo"),
    # A Byzantine replica sends something in the name of a correct one.
    _scenario(Fault.CONVICTS_FORGERIES, "ConvictByOne"),
    # One is the Byzantine replica, and to the other the network is slow.
    _scenario(Fault.COUNTS_COMPLAINTS, "Complain", "ConvictByOne"),
    _scenario(Fault.GOES_BY_REPUTATION, "Complain", "ConvictByOne"),
    # The other guard is the Byzantine replica's.
    _scenario(Fault.TRUSTS_GUARDS, "ConvictByOne"),
    # A correct replica votes in two views.
    _scenario(Fault.IGNORES_THE_PLACE, *_SAID, *_SAID, "ConvictByTwo"),
    # A correct replica is behind, and so is what it says.
    _scenario(Fault.CONVICTS_THE_REFUSED, *_SAID, "ConvictByOne"),
    # It votes, crashes, and votes otherwise.
    _scenario(Fault.SPEAKS_BEFORE_WRITING, "Sign", "Sign", "ConvictByTwo"),
)


def behaviours_found(context: Context) -> Outcome:
    """Each wrong guard quarantines a correct one of four replicas, and the right one does not."""
    return scenarios_found(context, SCENARIOS)


# --- the arithmetic of quarantine ---------------------------------------------------------------

_N, _F = z3.Ints("n f")
_ENOUGH_NODES = z3.And(_F >= 0, apply(byzantine_nodes_needed_formula, _F) <= _N)
_SOME_FAULTY = z3.And(_F >= 1, _ENOUGH_NODES)
_QUORUM = apply(byzantine_quorum_formula, _N, _F)


def correct_are_heard() -> Question:
    """The correct replicas, and all who are heard, form a quorum if only faulty ones are quarantined."""
    faulty, quarantined = z3.Ints("faulty quarantined")
    return Question(
        unknowns=(_N, _F, faulty, quarantined),
        assumptions=(_ENOUGH_NODES, quarantined >= 0, quarantined <= faulty, faulty <= _F),
        conclusion=z3.And(_N - faulty >= _QUORUM, _N - quarantined >= _QUORUM),
    )


def heard_form_a_quorum(limit: z3.ArithRef) -> Question:
    """Those who are heard form a quorum if at most this many are quarantined."""
    quarantined = z3.Int("quarantined")
    return Question(
        unknowns=(_N, _F, quarantined),
        assumptions=(_SOME_FAULTY, quarantined >= 0, quarantined <= limit),
        conclusion=_N - quarantined >= _QUORUM,
    )


def mistakes_are_afforded() -> Question:
    """The correct replicas that a guard hears form a quorum if it quarantines one of them by mistake."""
    return Question(unknowns=(_N, _F), assumptions=(_SOME_FAULTY,), conclusion=_N - _F - 1 >= _QUORUM)


def shrunk_quorums_meet(*, is_right: bool) -> Question:
    """Quorums of n - q, sized for f - q, share a correct replica, where each side quarantined others.

    One side has quarantined `first_gone`, the other `second_gone`, and both `gone_for_both` of these.

    Args:
        is_right: whether only faulty replicas are quarantined.
    """
    gone, also, both = z3.Ints("first_gone second_gone gone_for_both")
    first, second = (apply(byzantine_quorum_formula, _N - q, _F - q) for q in (gone, also))
    common = first + second - (_N - both)
    faulty = _F - (gone + also - both) if is_right else _F
    return Question(
        unknowns=(_N, _F, gone, also, both),
        assumptions=(
            _SOME_FAULTY,
            both >= 0,
            both <= gone,
            both <= also,
            gone + also - both <= _F,
        ),
        conclusion=common > faulty,
        illustrate=_shrunk_quorums,
    )


def _shrunk_quorums(values: Mapping[str, int]) -> Counterexample:
    n, f = values["n"], values["f"]
    sizes = [byzantine_quorum_formula(n - q, f - q) for q in (values["first_gone"], values["second_gone"])]
    common = sum(sizes) - (n - values["gone_for_both"])
    return Counterexample(
        Function(values),
        f"n = {n}, f = {f}: where {values['first_gone']} are quarantined a quorum has {sizes[0]}, where "
        f"{values['second_gone']} are, it has {sizes[1]}; two such may share {common}, all of them faulty",
    )


def whole_quorums_meet() -> Question:
    """Quorums share a correct replica if each omits those quarantined by its side, rightly or wrongly."""
    first, second, common = z3.Ints("first second common")
    return Question(
        unknowns=(_N, _F, first, second, common),
        assumptions=(
            _ENOUGH_NODES,
            first >= _QUORUM,
            second >= _QUORUM,
            first <= _N,
            second <= _N,
            common >= first + second - _N,
        ),
        conclusion=common > _F,
    )


_OWN: Final = "impl.guard, docstring"

#: True and false claims about quorums and quarantine, for every n and f.
CLAIMS: Final[tuple[Claim, ...]] = (
    Claim(
        id="quarantine-leaves-a-quorum",
        statement=(
            "With n >= 3f + 1, if at most f are faulty and only these are quarantined, the others "
            "form a "
            "quorum."
        ),
        source=_OWN,
        requirement="PBFT-7",
        expected=Kind.PROVED,
        formulate=correct_are_heard,
    ),
    Claim(
        id="quarantine-of-one-more-leaves-a-quorum",
        statement="With n >= 3f + 1, f >= 1, f + 1 may be quarantined, and the others still form a quorum.",
        source=f"a guard without a limit, against {_OWN}",
        requirement="PBFT-7",
        expected=Kind.VIOLATED,
        formulate=lambda: heard_form_a_quorum(_F + 1),
    ),
    Claim(
        id="a-mistake-leaves-a-quorum",
        statement=(
            "With n >= 3f + 1, f >= 1, a guard may quarantine a correct replica beside f silent faulty ones."
        ),
        source=f"a guard that goes by suspicion, against {_OWN}",
        requirement="PBFT-7",
        expected=Kind.VIOLATED,
        formulate=mistakes_are_afforded,
    ),
    Claim(
        id="whole-quorums-meet-whoever-is-quarantined",
        statement=(
            "Quorums of ceil((n+f+1)/2) share a correct replica, whomever each side has "
            "quarantined, even "
            "wrongly."
        ),
        source=_OWN,
        requirement="PBFT-7",
        expected=Kind.PROVED,
        formulate=whole_quorums_meet,
    ),
    Claim(
        id="shrunk-quorums-meet-if-no-guard-errs",
        statement=(
            "Quorums sized for n - q and f - q share a correct replica if only faulty ones are quarantined."
        ),
        source=f"what {_OWN}, does without",
        requirement="PBFT-7",
        expected=Kind.PROVED,
        formulate=lambda: shrunk_quorums_meet(is_right=True),
    ),
    Claim(
        id="shrunk-quorums-meet-whoever-is-quarantined",
        statement="Quorums sized for n - q and f - q share a correct replica, whoever is quarantined.",
        source=f"a guard that shrinks quorums and goes by suspicion, against {_OWN}",
        requirement="PBFT-7",
        expected=Kind.VIOLATED,
        formulate=lambda: shrunk_quorums_meet(is_right=False),
    ),
)


def quorum_kept(context: Context) -> Outcome:
    """Decide each claim of `CLAIMS`, for all n and f; proved means that each came out as known."""
    return decided(context, CLAIMS, command=".venv/bin/python -m models.guard")


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
