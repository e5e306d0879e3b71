"""The arithmetic of `docs/hybrid.md`, for every n and f with n > 3f, over the formulas that `impl` runs.

Three questions, in the manner of `models.quorum`:

* **What survives a switch?** An epoch-end command has n - f aborts. What q replicas stored is known to a
  correct one among these exactly if q >= 2f + 1; a majority is that many exactly if n >= 4f. And if a later
  leader may have been elected meanwhile, with the votes of Byzantine replicas, two majorities must share a
  correct replica too: f = 1 and n even, or f = 0.
* **What if leaders lie, and there are no quorum certificates (QCs)?** One round of votes: correct replicas
  may have stored different logs, and Byzantine replicas say whatever they like. What q stored can be
  distinguished from what q did not, among n - f aborts, exactly if 2q > n + 3f. For n = 3f + 1 that is all n;
  n - f are enough exactly if n > 5f; a Byzantine quorum never is. `votes_are_told` shows the threshold,
  `worlds_look_alike` the two worlds with the same aborts otherwise.
* **Why do QCs suffice?** Groups that vote, answer and abort of `byzantine_quorum(n, f)`,
  `byzantine_quorum(n, f)` and n - f share correct replicas as the axioms of `models.hybrid` say, none may be
  smaller, and the correct replicas can form each.

    python -m models.hybrid_quorums

prints each claim, its verdict and, for a claim that is wrong, the least case against it.
"""

import sys
from collections.abc import Mapping
from typing import Final

import z3

from impl.quorum import byzantine_nodes_needed_formula, byzantine_quorum_formula, majority_formula
from models.checks import decided
from models.claims import Claim, Counterexample, Question, prove
from models.quorum import Formula, Term, apply, byzantine_quorums_intersect, report
from tlacheck.values import Function, ModelValue
from tlacheck.verdict import Kind
from tlacheck.verify import Context, Outcome

__all__ = ["CLAIMS", "claims_hold", "main"]

_N, _F, _Q = z3.Ints("n f q")
_ENOUGH_NODES = z3.And(_F >= 0, apply(byzantine_nodes_needed_formula, _F) <= _N)
_SOME_FAULTY = z3.And(_F >= 1, _ENOUGH_NODES)
_JUST_ENOUGH_NODES = z3.And(_F >= 1, apply(byzantine_nodes_needed_formula, _F) == _N)
_MAJORITY = apply(majority_formula, _N)
_QUORUM = apply(byzantine_quorum_formula, _N, _F)
_STORED = z3.And(_Q >= 0, _Q <= _N)
#: Among n - f aborts, the value that q replicas stored can be told from conflicting ones.
_CAN_BE_TOLD = 2 * _Q > _N + 3 * _F


def majority_whatever_f(n: Term, _f: Term) -> Term:
    """A majority, as a formula of n and f."""
    return majority_formula(n)


def all_but_f(n: Term, f: Term) -> Term:
    """As many as there are correct replicas at least."""
    return n - f


def one_fewer(size: Formula) -> Formula:
    """A formula whose value is less by one."""
    return lambda n, f: size(n, f) - 1


def _fewest_common(first: z3.ArithRef, second: z3.ArithRef) -> z3.ArithRef:
    """The least overlap of sets of these sizes among n nodes."""
    return z3.If(first + second > _N, first + second - _N, z3.IntVal(0))


def _aborts_know(size: z3.ArithRef) -> z3.BoolRef:
    """Any n - f aborts include one of a correct member of any set of this size."""
    return _fewest_common(size, _N - _F) > _F


def always(case: z3.BoolRef, conclusion: z3.BoolRef, *unknowns: z3.ArithRef) -> Question:
    """Ask whether in each case of n, f and these unknowns a conclusion holds."""
    return Question(unknowns=(_N, _F, *unknowns), assumptions=(case,), conclusion=conclusion)


def votes_are_told(threshold: z3.ArithRef = _Q - 2 * _F) -> Question:
    """Q votes leave this many in any n - f aborts, and fewer for any other log, exactly if 2q > n + 3f.

    Of the correct replicas `storing` voted for the log and `others` did not. The rest of the aborts are of
    Byzantine replicas, who say what they like; some of them name the log.
    """
    storing, others, liars = z3.Ints("storing others liars")
    storing_aborts, other_aborts, lying_aborts, named = z3.Ints(
        "storing_aborts other_aborts lying_aborts named"
    )
    names_it = storing_aborts + named
    names_another = other_aborts + lying_aborts - named
    return Question(
        unknowns=(_N, _F, _Q, storing, others, liars, storing_aborts, other_aborts, lying_aborts, named),
        assumptions=(
            _ENOUGH_NODES,
            _STORED,
            _CAN_BE_TOLD,
            *(
                each >= 0
                for each in (storing, others, liars, storing_aborts, other_aborts, lying_aborts, named)
            ),
            storing + others + liars == _N,
            liars <= _F,
            storing + liars >= _Q,
            storing_aborts <= storing,
            other_aborts <= others,
            lying_aborts <= liars,
            named <= lying_aborts,
            storing_aborts + other_aborts + lying_aborts == _N - _F,
        ),
        conclusion=z3.And(names_it >= threshold, names_another < threshold),
    )


def _is_committed(naming: z3.ArithRef, other: z3.ArithRef) -> z3.BoolRef:
    """Q may have voted for the log named by this many aborts and not by that many.

    Correct replicas that name the log voted for it. So may have the f replicas whose aborts are missing,
    correct as well, and up to f of those that name another log, who lie.
    """
    lying = z3.If(other < _F, other, _F)
    return naming + _F + lying >= _Q


def worlds_look_alike(case: z3.BoolRef = _ENOUGH_NODES) -> Question:
    """Unless 2q > n + 3f, some n - f aborts fit both: q voted for one log, and q voted for another.

    Half of the aborts name each; correct replicas voted for either, since the leader told them so.
    """
    half = (_N - _F) / 2
    return Question(
        unknowns=(_N, _F, _Q),
        assumptions=(case, _STORED, z3.Not(_CAN_BE_TOLD)),
        conclusion=z3.And(_is_committed(half, _N - _F - half), _is_committed(_N - _F - half, half)),
    )


def quorum_is_told(case: z3.BoolRef) -> Question:
    """A Byzantine quorum of votes can always be told: no two worlds look alike."""
    one, other = z3.Ints("one other")
    return Question(
        unknowns=(_N, _F, _Q, one, other),
        assumptions=(case, _Q == _QUORUM, one >= 0, other >= 0, one + other == _N - _F),
        conclusion=z3.Not(z3.And(_is_committed(one, other), _is_committed(other, one))),
        illustrate=_two_worlds,
    )


def _two_worlds(values: Mapping[str, int]) -> Counterexample:
    """n1 .. of the aborts name x, the next ones y, and the last f replicas are not heard."""
    n, f, q, one = values["n"], values["f"], values["q"], values["one"]
    naming_x, naming_y, silent = _nodes(1, one), _nodes(one + 1, n - f), _nodes(n - f + 1, n)

    def world(true: list[str], false: list[str]) -> tuple[list[str], list[str]]:
        lying = false[:f]
        return [*true, *lying, *silent], lying

    (stored_x, lie_for_y), (stored_y, lie_for_x) = world(naming_x, naming_y), world(naming_y, naming_x)
    return Counterexample(
        Function(
            {
                **{name: values[name] for name in ("n", "f", "q")},
                "naming_x": _set(naming_x),
                "naming_y": _set(naming_y),
                "stored_x": _set(stored_x),
                "stored_y": _set(stored_y),
            }
        ),
        f"n = {n}, f = {f}, q = {q}: of the aborts, {_listed(naming_x)} name x and {_listed(naming_y)} "
        "name y. Either "
        f"{_listed(stored_x)} voted for x, and {_listed(lie_for_y)} lie; "
        f"or {_listed(stored_y)} voted for y, and {_listed(lie_for_x)} lie",
    )


def _nodes(first: int, last: int) -> list[str]:
    return [f"n{number}" for number in range(first, last + 1)]


def _set(nodes: list[str]) -> frozenset[ModelValue]:
    return frozenset(map(ModelValue, nodes))


def _listed(nodes: list[str]) -> str:
    return f"{{{', '.join(sorted(nodes, key=lambda node: int(node[1:])))}}}"


_TABLE: Final = "docs/hybrid.md, Guarantees and limits of a switch"
_RULES: Final = "docs/hybrid.md, A Raft epoch"
_SWITCH: Final = "docs/hybrid.md, The switch to BFT"

#: True and false claims, each with the verdict that it must get.
CLAIMS: Final[tuple[Claim, ...]] = (
    # what survives
    Claim(
        id="aborts-know-what-two-f-plus-one-stored",
        statement="A correct one of any q replicas is among any n - f exactly if q is at least 2f + 1.",
        source=_TABLE,
        requirement="THREAT-4",
        expected=Kind.PROVED,
        formulate=lambda: always(z3.And(_ENOUGH_NODES, _STORED), _aborts_know(_Q) == (_Q >= 2 * _F + 1), _Q),
    ),
    Claim(
        id="aborts-know-what-a-majority-stored",
        statement="A correct one of any majority is among any n - f exactly if n is at least 4f.",
        source=_TABLE,
        requirement="THREAT-4",
        expected=Kind.PROVED,
        formulate=lambda: always(_ENOUGH_NODES, _aborts_know(_MAJORITY) == (_N >= 4 * _F)),
    ),
    Claim(
        id="majority-survives-with-four-only",
        statement="With n = 3f + 1, f >= 1, that is so for n = 4, and for no greater n.",
        source=_TABLE,
        requirement="THREAT-4",
        expected=Kind.PROVED,
        formulate=lambda: always(_JUST_ENOUGH_NODES, _aborts_know(_MAJORITY) == (_N == 4)),
    ),
    Claim(
        id="majority-of-seven-survives",
        statement="Of seven replicas, two Byzantine, a correct one of any majority is among any five aborts.",
        source=f"Raft's commit taken for done (bug HY-03), against {_TABLE}",
        requirement="THREAT-4",
        expected=Kind.VIOLATED,
        formulate=lambda: byzantine_quorums_intersect(
            _N == 7, _F == 2, size=majority_whatever_f, other=all_but_f
        ),
    ),
    Claim(
        id="majorities-elect-with-a-correct-one",
        statement=(
            "With n > 3f two majorities share a correct replica exactly if f = 0, or f = 1 and n is even."
        ),
        source=f"{_TABLE}: followers lie in elections too",
        requirement="THREAT-4",
        expected=Kind.PROVED,
        formulate=lambda: always(
            _ENOUGH_NODES,
            (_fewest_common(_MAJORITY, _MAJORITY) > _F) == z3.Or(_F == 0, z3.And(_F == 1, _N % 2 == 0)),
        ),
    ),
    Claim(
        id="majority-that-aborts-know-elects",
        statement=(
            "Where the aborts know what a majority stored, n >= 4f, two majorities share a correct replica."
        ),
        source=f"{_TABLE}: n = 4f is enough while no other leader is elected only",
        requirement="THREAT-4",
        expected=Kind.VIOLATED,
        formulate=lambda: byzantine_quorums_intersect(_SOME_FAULTY, _N >= 4 * _F, size=majority_whatever_f),
    ),
    # votes without QCs
    Claim(
        id="votes-are-told",
        statement=(
            "If 2q > n + 3f, q - 2f of n - f aborts name what q voted for, and fewer name a conflicting log."
        ),
        source=_TABLE,
        requirement="THREAT-4",
        expected=Kind.PROVED,
        formulate=votes_are_told,
    ),
    Claim(
        id="votes-are-not-told-otherwise",
        statement="Unless 2q > n + 3f there are n - f aborts that fit with q votes for either of two logs.",
        source=_TABLE,
        requirement="THREAT-4",
        expected=Kind.PROVED,
        formulate=worlds_look_alike,
    ),
    Claim(
        id="votes-are-told-if-all-voted",
        statement="With n = 3f + 1, f >= 1, 2q > n + 3f means q = n.",
        source=_TABLE,
        requirement="THREAT-4",
        expected=Kind.PROVED,
        formulate=lambda: always(z3.And(_JUST_ENOUGH_NODES, _STORED), (_Q == _N) == _CAN_BE_TOLD, _Q),
    ),
    Claim(
        id="votes-of-all-but-f-are-told",
        statement="With n > 3f, f >= 1, n - f votes can be told exactly if n is at least 5f + 1.",
        source=_TABLE,
        requirement="THREAT-4",
        expected=Kind.PROVED,
        formulate=lambda: always(z3.And(_SOME_FAULTY, _Q == _N - _F), (_N >= 5 * _F + 1) == _CAN_BE_TOLD, _Q),
    ),
    Claim(
        id="votes-of-a-quorum-are-never-told",
        statement="With n > 3f, f >= 1, a Byzantine quorum of votes is less than can be told.",
        source=_TABLE,
        requirement="THREAT-4",
        expected=Kind.PROVED,
        formulate=lambda: always(z3.And(_SOME_FAULTY, _Q == _QUORUM), z3.Not(_CAN_BE_TOLD), _Q),
    ),
    Claim(
        id="votes-of-three-of-four-are-told",
        statement=(
            "Of four replicas, one Byzantine, three votes for a liar's log can be told by three aborts."
        ),
        source=f"a switch without QCs, against {_TABLE}",
        requirement="THREAT-4",
        expected=Kind.VIOLATED,
        formulate=lambda: quorum_is_told(z3.And(_N == 4, _F == 1)),
    ),
    # QCs
    Claim(
        id="qcs-of-a-term-share-a-correct-replica",
        statement=(
            "With n > 3f any two groups of ceil((n+f+1)/2) share a correct replica: QCs, and QCs and answers."
        ),
        source=_RULES,
        requirement="THREAT-4",
        expected=Kind.PROVED,
        formulate=lambda: byzantine_quorums_intersect(_ENOUGH_NODES),
    ),
    Claim(
        id="qcs-of-one-fewer",
        statement="So do two groups of one fewer.",
        source=f"a quorum too small, against {_RULES}",
        requirement="THREAT-4",
        expected=Kind.VIOLATED,
        formulate=lambda: byzantine_quorums_intersect(_SOME_FAULTY, size=one_fewer(byzantine_quorum_formula)),
    ),
    Claim(
        id="answers-of-one-fewer",
        statement="So do a group that votes, and one that answers with one fewer.",
        source=f"a client that accepts too soon, against {_RULES}",
        requirement="THREAT-4",
        expected=Kind.VIOLATED,
        formulate=lambda: byzantine_quorums_intersect(
            _SOME_FAULTY, size=byzantine_quorum_formula, other=one_fewer(byzantine_quorum_formula)
        ),
    ),
    Claim(
        id="answers-and-aborts-share-a-correct-replica",
        statement="With n > 3f any group of ceil((n+f+1)/2) and any n - f aborts share a correct replica.",
        source=_SWITCH,
        requirement="THREAT-4",
        expected=Kind.PROVED,
        formulate=lambda: byzantine_quorums_intersect(_ENOUGH_NODES, other=all_but_f),
    ),
    Claim(
        id="one-fewer-answers-and-aborts",
        statement="So do one answer fewer and n - f aborts.",
        source=f"a client that accepts too soon, against {_SWITCH}",
        requirement="THREAT-4",
        expected=Kind.VIOLATED,
        formulate=lambda: byzantine_quorums_intersect(
            _SOME_FAULTY, size=one_fewer(byzantine_quorum_formula), other=all_but_f
        ),
    ),
    Claim(
        id="answers-and-one-abort-fewer",
        statement="So do a group that answers and n - f - 1 aborts.",
        source=f"an epoch-end command made too soon, against {_SWITCH}",
        requirement="THREAT-4",
        expected=Kind.VIOLATED,
        formulate=lambda: byzantine_quorums_intersect(_SOME_FAULTY, other=one_fewer(all_but_f)),
    ),
    # the replicas that can cause a switch
    Claim(
        id="correct-replicas-do-it-all",
        statement=(
            "With n > 3f the n - f correct replicas suffice for QCs, answers, aborts and switch-back votes."
        ),
        source="docs/hybrid.md, The switch back",
        requirement="THREAT-4",
        expected=Kind.PROVED,
        formulate=lambda: always(_ENOUGH_NODES, z3.And(_N - _F >= _QUORUM, _N - _F >= _F + 1)),
    ),
    Claim(
        id="correct-aborts-give-the-reason",
        statement=(
            "With n > 3f, of any n - f aborts f + 1 are of correct replicas: "
            "Byzantine replicas cannot hide a threat that all these name."
        ),
        source=_SWITCH,
        requirement="THREAT-4",
        expected=Kind.PROVED,
        formulate=lambda: always(_ENOUGH_NODES, _N - _F - _F >= _F + 1),
    ),
    Claim(
        id="f-do-nothing-alone",
        statement=(
            "With n > 3f, f replicas are fewer than the f + 1 that raise, and than the quorum that lowers."
        ),
        source="docs/hybrid.md, Guarantees: f replicas decide nothing",
        requirement="THREAT-4",
        expected=Kind.PROVED,
        formulate=lambda: always(_ENOUGH_NODES, z3.And(_F < _F + 1, _F < _QUORUM, _F < _N - _F)),
    ),
)


def claims_hold(context: Context) -> Outcome:
    """Decide each claim of `CLAIMS`, for all n and f; proved means that each came out as known."""
    return decided(context, CLAIMS, command=".venv/bin/python -m models.hybrid_quorums")


def main() -> int:
    """Decide every claim and print the table.

    Returns:
        0 if every verdict is the expected one, 1 otherwise.
    """
    results = [prove(claim) for claim in CLAIMS]
    sys.stdout.write(report(results) + "\n")
    return 0 if all(result.is_as_expected for result in results) else 1


if __name__ == "__main__":
    sys.exit(main())
