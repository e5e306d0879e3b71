"""Proofs of the quorum arithmetic, for every n and every f, over the formulas that `impl` runs.

Nothing here is bounded: n and f are unbounded integers. This is possible because only the sizes of node
sets matter. Sets A and B with |A| = a, |B| = b and |A & B| = k exist among n nodes exactly if 0 <= k <=
min(a, b) and a + b - k <= n:

* such sets have these sizes, because A & B lies in both, and |A | B| = a + b - k is at most n;
* such sizes have these sets: A = {n1 .. na}, and B the b nodes that start k before the end of A.

So a claim on any two quorums is a claim on three integers, and a counterexample in integers becomes
one in sets by the second half, which is how the counterexamples below are drawn.

The faulty nodes need no set of their own either: among any f nodes that an adversary may pick, the
nodes of A & B are all faulty for some pick exactly if k <= f. So "two quorums share a correct node"
is k >= f + 1.

The formulas come from `impl.quorum` itself; `Term` is what lets them run on Z3's integers.

    python -m models.quorum

prints each claim, its verdict and, for a claim that is wrong, the least case against it.
"""

import sys
from collections.abc import Callable, Iterable, Mapping
from typing import Self, TypeAlias, final

import attrs
import z3

from impl.quorum import (
    byzantine_faults_tolerated_formula,
    byzantine_nodes_needed_formula,
    byzantine_quorum_formula,
    crash_faults_tolerated_formula,
    majority_formula,
)
from models.claims import Claim, ClaimResult, Counterexample, Question, prove
from tlacheck.values import Function, ModelValue
from tlacheck.verdict import Kind

__all__ = ["CLAIMS", "Formula", "Term", "apply", "main", "report"]


@final
@attrs.frozen
class Term:
    """An integer of Z3 with Python's operators: its own `//` is missing and its `/` is not Python's.

    Z3 divides integers so that the remainder is never negative. For a positive divisor that is the
    floor, as in Python; for a negative one it is not, so that is refused.

    Attributes:
        expression: the Z3 term.
    """

    expression: z3.ArithRef

    def __add__(self, other: Self | int) -> Self:
        return type(self)(self.expression + _expression(other))

    def __sub__(self, other: Self | int) -> Self:
        return type(self)(self.expression - _expression(other))

    def __floordiv__(self, divisor: int) -> Self:
        if divisor < 1:
            raise ValueError(f"divisor = {divisor}: Z3 and Python agree on positive divisors only; use one")
        return type(self)(self.expression / divisor)


#: A formula of `impl.quorum`, or a wrong one that stands in for it in a test.
Formula: TypeAlias = Callable[..., Term]


def apply(formula: Formula, *arguments: z3.ArithRef) -> z3.ArithRef:
    """Apply a quorum formula to Z3 integers, giving a Z3 integer."""
    return formula(*map(Term, arguments)).expression


def _expression(number: Term | int) -> z3.ArithRef | int:
    return number.expression if isinstance(number, Term) else number


# The cases of claims. Z3 knows an integer by its name, so the n of a question is this one.
_N, _F = z3.Ints("n f")
_SOME_NODES = _N >= 1
_SOME_FAULTY = z3.And(_F >= 1, _F < _N)
_ANY_FAULTY = z3.And(_F >= 0, _F < _N)
_NODES_NEEDED = apply(byzantine_nodes_needed_formula, _F)
_ENOUGH_NODES = _NODES_NEEDED <= _N
_JUST_ENOUGH_NODES = _NODES_NEEDED == _N


def two_f_plus_one(_n: Term, f: Term) -> Term:
    """The quorum size of Castro and Liskov 1999, whatever n is."""
    return f + f + 1


def _majority_whatever_f(n: Term, _f: Term) -> Term:
    return majority_formula(n)


def at_least_half(n: Term) -> Term:
    """The ceiling of n / 2: the result of comparing a vote count by `>=` instead of `>` (bug RE-12)."""
    return (n + 1) // 2


# Questions. Each takes the formula it is about, so that a test can ask it about a wrong one.


def majorities_intersect(*cases: z3.BoolRef, size: Formula = majority_formula) -> Question:
    """Any two sets of at least `size(n)` nodes share a node, in the cases given."""
    n, first, second, common = z3.Ints("n first second common")
    quorum = apply(size, n)
    return Question(
        unknowns=(n, first, second, common),
        assumptions=(
            _SOME_NODES,
            *cases,
            first >= quorum,
            second >= quorum,
            _exist(first, second, common),
        ),
        conclusion=common >= 1,
        illustrate=_two_quorums,
    )


def majority_is_least(size: Formula = majority_formula) -> Question:
    """For every size below `size(n)` there are two sets of that size without a common node."""
    n, smaller = z3.Ints("n smaller")
    return Question(
        unknowns=(n, smaller),
        assumptions=(_SOME_NODES, smaller >= 0, smaller < apply(size, n)),
        conclusion=_exist(smaller, smaller, z3.IntVal(0)),
    )


def majority_survives(tolerated: Formula = crash_faults_tolerated_formula) -> Question:
    """The nodes left after some crashes are a majority exactly if at most `tolerated(n)` crashed."""
    n, crashed = z3.Ints("n crashed")
    return Question(
        unknowns=(n, crashed),
        assumptions=(_SOME_NODES, crashed >= 0, crashed <= n),
        conclusion=(n - crashed >= apply(majority_formula, n)) == (crashed <= apply(tolerated, n)),
    )


def fourteen_coordinators(size: Formula = majority_formula) -> Question:
    """A majority of 14 is 8, and it tolerates 6 crashes."""
    n, quorum = z3.Ints("n quorum")
    return Question(
        unknowns=(n, quorum),
        assumptions=(n == 14, apply(size, n) == quorum),
        conclusion=z3.And(quorum == 8, apply(crash_faults_tolerated_formula, n) == 6),
    )


def fourteen_tolerate_seven(size: Formula = majority_formula) -> Question:
    """A majority of 14 is left when 7 crash."""
    n, crashed, quorum = z3.Ints("n crashed quorum")
    return Question(
        unknowns=(n, crashed, quorum),
        assumptions=(n == 14, crashed == 7, apply(size, n) == quorum),
        conclusion=n - crashed >= quorum,
        illustrate=_too_few_left,
    )


def even_is_no_better(tolerated: Formula = crash_faults_tolerated_formula) -> Question:
    """An even number of nodes tolerates as many crashes as one node less."""
    n = z3.Int("n")
    return Question(
        unknowns=(n,),
        assumptions=(n >= 2, n % 2 == 0),
        conclusion=apply(tolerated, n) == apply(tolerated, n - 1),
    )


def byzantine_quorums_intersect(
    *cases: z3.BoolRef, size: Formula = byzantine_quorum_formula, other: Formula | None = None
) -> Question:
    """Any set of at least `size(n, f)` nodes and any of `other(n, f)` share f + 1, in the cases given.

    Without `other` both are of `size`.
    """
    n, f, first, second, common = z3.Ints("n f first second common")
    return Question(
        unknowns=(n, f, first, second, common),
        assumptions=(
            _SOME_NODES,
            *(cases or (_ANY_FAULTY,)),
            first >= apply(size, n, f),
            second >= apply(other or size, n, f),
            _exist(first, second, common),
        ),
        conclusion=common >= f + 1,
        illustrate=_two_quorums,
    )


def byzantine_quorum_is_least(size: Formula = byzantine_quorum_formula) -> Question:
    """For every size below `size(n, f)` there are two sets of it with at most f common nodes."""
    n, f, smaller = z3.Ints("n f smaller")
    fewest_common = z3.If(smaller + smaller > n, smaller + smaller - n, 0)
    return Question(
        unknowns=(n, f, smaller),
        assumptions=(_SOME_NODES, _ANY_FAULTY, smaller >= 0, smaller < apply(size, n, f)),
        conclusion=z3.And(_exist(smaller, smaller, fewest_common), fewest_common <= f),
    )


def byzantine_quorum_is_available(*cases: z3.BoolRef, size: Formula = byzantine_quorum_formula) -> Question:
    """N - f nodes are `size(n, f)` or more, in the cases given."""
    n, f, quorum = z3.Ints("n f quorum")
    return Question(
        unknowns=(n, f, quorum),
        assumptions=(_SOME_NODES, *(cases or (_ANY_FAULTY,)), apply(size, n, f) == quorum),
        conclusion=n - f >= quorum,
        illustrate=_too_few_left,
    )


def fewer_nodes_do_not_do(needed: Formula = byzantine_nodes_needed_formula) -> Question:
    """With fewer than `needed(f)` nodes no size meets in f + 1 nodes and is formed by n - f."""
    n, f, size = z3.Ints("n f size")
    meets = size + size - n >= f + 1
    available = size <= n - f
    return Question(
        unknowns=(n, f, size),
        assumptions=(_SOME_NODES, _ANY_FAULTY, size >= 0, n < apply(needed, f)),
        conclusion=z3.Not(z3.And(meets, available)),
    )


def byzantine_tolerance_is_greatest(tolerated: Formula = byzantine_faults_tolerated_formula) -> Question:
    """`tolerated(n)` is the greatest f whose 3f + 1 nodes are at most n."""
    n, f = z3.Ints("n f")
    return Question(
        unknowns=(n, f),
        assumptions=(_SOME_NODES, f >= 0),
        conclusion=(f <= apply(tolerated, n)) == _ENOUGH_NODES,
    )


def byzantine_quorum_at_three_f_plus_one(size: Formula = byzantine_quorum_formula) -> Question:
    """`size(3f + 1, f)` is 2f + 1."""
    n, f, quorum = z3.Ints("n f quorum")
    return Question(
        unknowns=(n, f, quorum),
        assumptions=(f >= 0, _JUST_ENOUGH_NODES, apply(size, n, f) == quorum),
        conclusion=quorum == 2 * f + 1,
    )


def worked_voting_cases(size: Formula = byzantine_quorum_formula) -> Question:
    """`size` is 5 for 7 agents with 2 faulty, and 7 for 10 agents with 3 faulty."""
    n, f, quorum = z3.Ints("n f quorum")
    return Question(
        unknowns=(n, f, quorum),
        assumptions=(
            z3.Or(z3.And(n == 7, f == 2), z3.And(n == 10, f == 3)),
            apply(size, n, f) == quorum,
        ),
        conclusion=quorum == z3.If(n == 7, 5, 7),
    )


def votes_outweigh_lies(*cases: z3.BoolRef, threshold: Formula = byzantine_quorum_formula) -> Question:
    """`threshold(n, f)` votes, f of them lies, leave more honest votes for than there can be against."""
    n, f, votes = z3.Ints("n f votes")
    return Question(
        unknowns=(n, f, votes),
        assumptions=(
            _SOME_NODES,
            *(cases or (_ANY_FAULTY,)),
            votes >= apply(threshold, n, f),
            votes >= f,
            votes <= n,
        ),
        conclusion=votes - f > n - votes,
        illustrate=_lying_votes,
    )


def _exist(first: z3.ArithRef, second: z3.ArithRef, common: z3.ArithRef) -> z3.BoolRef:
    """N nodes have two subsets of these sizes with this many common nodes (see the module docstring)."""
    return z3.And(common >= 0, common <= first, common <= second, first + second - common <= _N)


# From the numbers of a counterexample to its nodes, named n1, n2, ...


def _two_quorums(values: Mapping[str, int]) -> Counterexample:
    start = values["first"] - values["common"] + 1
    first, second = _nodes(1, values["first"]), _nodes(start, start + values["second"] - 1)
    given = {name: values[name] for name in ("n", "f") if name in values}
    shared = sorted(first & second, key=_number)
    match len(shared):
        case 0:
            overlap = "share no node"
        case 1:
            overlap = f"share only {shared[0]}, which may be the faulty one"
        case _:
            overlap = f"share only {_listed(shared)}, all of which may be faulty"
    return Counterexample(
        Function({**given, "first": first, "second": second}),
        f"{_equations(given)}: quorums {_set(first)} and {_set(second)} {overlap}",
    )


def _too_few_left(values: Mapping[str, int]) -> Counterexample:
    n, quorum = values["n"], values["quorum"]
    gone = values["crashed"] if "crashed" in values else values["f"]
    live, silent = _nodes(1, n - gone), _nodes(n - gone + 1, n)
    return Counterexample(
        Function({**values, "live": live, "silent": silent}),
        (
            f"{_equations(values)}: without {_set(silent)} there remain {len(live)}, {_set(live)}, and "
            f"{quorum} are needed"
        ),
    )


def _lying_votes(values: Mapping[str, int]) -> Counterexample:
    n, f, votes = values["n"], values["f"], values["votes"]
    lying, approve, reject = _nodes(1, f), _nodes(1, votes), _nodes(votes + 1, n)
    return Counterexample(
        Function({"n": n, "f": f, "approve": approve, "reject": reject, "lying": lying}),
        f"n = {n}, f = {f}: {_set(approve)} approve and {_set(reject)} reject; if {_set(lying)} lie, "
        f"{votes - f} correct agents approve and {n - votes} reject",
    )


def _nodes(first: int, last: int) -> frozenset[ModelValue]:
    return frozenset(ModelValue(f"n{number}") for number in range(first, last + 1))


def _number(node: ModelValue) -> int:
    return int(node.name.removeprefix("n"))


def _set(nodes: Iterable[ModelValue]) -> str:
    return "{" + ", ".join(node.name for node in sorted(nodes, key=_number)) + "}"


def _listed(nodes: list[ModelValue]) -> str:
    return ", ".join(node.name for node in nodes[:-1]) + f" and {nodes[-1].name}"


def _equations(values: Mapping[str, int]) -> str:
    return ", ".join(f"{name} = {value}" for name, value in values.items())


_RAFT = "Ongaro and Ousterhout 2014 (Raft)"
_PBFT = "Castro and Liskov 1999 (PBFT)"
_BYZANTINE_QUORUMS = "Malkhi and Reiter 1998 (Byzantine Quorum Systems), dissemination quorums"
_ADR_102 = "adr-102-raft-gossip-coordination"
_KNHK = "knhk-distributed-consensus"
_VOTING = "byzantine-consensus-voting"

#: Every claim on quorum sizes, right and wrong, each with the verdict that it must get.
CLAIMS: tuple[Claim, ...] = (
    Claim(
        id="majorities-intersect",
        statement="Any two majorities of n nodes share a node, for every n.",
        source=f"{_RAFT} §5.2 and Fig. 3, Election Safety",
        requirement="RAFT-5",
        expected=Kind.PROVED,
        formulate=majorities_intersect,
    ),
    Claim(
        id="majority-is-least",
        statement=(
            "No smaller size will do: for every n there are two sets of any smaller size without a "
            "common "
            "node."
        ),
        source=f"{_RAFT} §5.2",
        requirement="RAFT-5",
        expected=Kind.PROVED,
        formulate=majority_is_least,
    ),
    Claim(
        id="majority-survives-crashes",
        statement=(
            "The live nodes are a majority exactly if at most n minus a majority have crashed, for every n."
        ),
        source=f"{_RAFT} §5.1; {_ADR_102}, Consequences: Raft tolerates (n-1)/2 failures",
        requirement="RAFT-5",
        expected=Kind.PROVED,
        formulate=majority_survives,
    ),
    Claim(
        id="at-least-half-is-enough",
        statement="Any two sets of at least half of n nodes share a node, for every n.",
        source=f"a count compared by >= instead of > (bug RE-12), against {_RAFT} §5.2",
        requirement="RAFT-5",
        expected=Kind.VIOLATED,
        formulate=lambda: majorities_intersect(size=at_least_half),
    ),
    Claim(
        id="at-least-half-is-enough-for-odd-n",
        statement=(
            "Any two sets of at least half of n nodes share a node, for every odd n: tests on 3 or "
            "5 nodes "
            "miss the bug."
        ),
        source=f"a count compared by >= instead of > (bug RE-12), against {_RAFT} §5.2",
        requirement="RAFT-5",
        expected=Kind.PROVED,
        formulate=lambda: majorities_intersect(_N % 2 == 1, size=at_least_half),
    ),
    Claim(
        id="fourteen-coordinators",
        statement="A majority of fourteen coordinators is 8, and they tolerate 6 crashes.",
        source=f"{_ADR_102}, Decision 1: Quorum",
        requirement="RAFT-5",
        expected=Kind.PROVED,
        formulate=fourteen_coordinators,
    ),
    Claim(
        id="fourteen-coordinators-tolerate-seven",
        statement="Fourteen coordinators tolerate 7 crashes, half of them.",
        source=f"{_ADR_102}, Consequences: (n-1)/2 failures, 6.5 of 14, rounded up",
        requirement="RAFT-5",
        expected=Kind.VIOLATED,
        formulate=fourteen_tolerate_seven,
    ),
    Claim(
        id="fourteen-is-no-better-than-thirteen",
        statement=(
            "An even number of nodes tolerates exactly as many crashes as one node less: 14 as many as 13."
        ),
        source=f"{_ADR_102}, Decision 1: 14 nodes",
        requirement="RAFT-5",
        expected=Kind.PROVED,
        formulate=even_is_no_better,
    ),
    Claim(
        id="byzantine-quorums-intersect-in-a-correct-node",
        statement=(
            "Any two quorums of ceil((n+f+1)/2) nodes share f + 1 nodes, so a correct one, for "
            "every n and "
            "every f < n."
        ),
        source=_BYZANTINE_QUORUMS,
        requirement="PBFT-6",
        expected=Kind.PROVED,
        formulate=byzantine_quorums_intersect,
    ),
    Claim(
        id="byzantine-quorum-is-least",
        statement=(
            "No size below ceil((n+f+1)/2) will do: two sets of it may share f nodes or fewer, for "
            "every n "
            "and every f < n."
        ),
        source=_BYZANTINE_QUORUMS,
        requirement="PBFT-6",
        expected=Kind.PROVED,
        formulate=byzantine_quorum_is_least,
    ),
    Claim(
        id="byzantine-quorum-is-available",
        statement="With n >= 3f + 1 the n - f correct nodes can form a quorum of ceil((n+f+1)/2) alone.",
        source=f"{_PBFT} §3",
        requirement="PBFT-6",
        expected=Kind.PROVED,
        formulate=lambda: byzantine_quorum_is_available(_F >= 0, _ENOUGH_NODES),
    ),
    Claim(
        id="byzantine-quorum-is-available-for-any-n",
        statement="Whatever n is, the n - f correct nodes can form a quorum of ceil((n+f+1)/2) alone.",
        source=f"{_PBFT} §3, without its n > 3f",
        requirement="PBFT-6",
        expected=Kind.VIOLATED,
        formulate=byzantine_quorum_is_available,
    ),
    Claim(
        id="three-f-plus-one-nodes-are-needed",
        statement="With n <= 3f nodes no quorum size is both safe and available.",
        source=f"{_PBFT} §3: 3f + 1 is the minimum",
        requirement="PBFT-6",
        expected=Kind.PROVED,
        formulate=fewer_nodes_do_not_do,
    ),
    Claim(
        id="byzantine-tolerance-is-greatest",
        statement="(n - 1) // 3 is the greatest f that n nodes tolerate, for every n.",
        source="pbft-implementation-summary, Functional Requirements: any f < n/3",
        requirement="PBFT-6",
        expected=Kind.PROVED,
        formulate=byzantine_tolerance_is_greatest,
    ),
    Claim(
        id="byzantine-quorum-at-three-f-plus-one",
        statement="With n = 3f + 1 nodes the Byzantine quorum is 2f + 1, for every f.",
        source=f"{_PBFT} §4.2",
        requirement="PBFT-6",
        expected=Kind.PROVED,
        formulate=byzantine_quorum_at_three_f_plus_one,
    ),
    Claim(
        id="two-f-plus-one-at-three-f-plus-one",
        statement="With n = 3f + 1 nodes any two quorums of 2f + 1 share a correct node, for every f.",
        source=f"{_PBFT} §4.2; {_KNHK}, PBFT: commit after 2f+1 messages",
        requirement="PBFT-6",
        expected=Kind.PROVED,
        formulate=lambda: byzantine_quorums_intersect(_F >= 0, _JUST_ENOUGH_NODES, size=two_f_plus_one),
    ),
    Claim(
        id="two-f-plus-one-for-any-n",
        statement="With n >= 3f + 1 nodes, f >= 1, any two quorums of 2f + 1 share a correct node.",
        source=f"{_KNHK}, Security Considerations: require 2f+1 valid signatures",
        requirement="PBFT-6",
        expected=Kind.VIOLATED,
        formulate=lambda: byzantine_quorums_intersect(_SOME_FAULTY, _ENOUGH_NODES, size=two_f_plus_one),
    ),
    Claim(
        id="two-f-plus-one-of-five-nodes",
        statement=(
            "With five nodes, one of them Byzantine, any two quorums of 2f + 1 = 3 share a correct node."
        ),
        source=f"{_KNHK}, 5-Node Cluster and Security Considerations: require 2f+1 valid signatures",
        requirement="PBFT-6",
        expected=Kind.VIOLATED,
        formulate=lambda: byzantine_quorums_intersect(_N == 5, _F == 1, size=two_f_plus_one),
    ),
    Claim(
        id="raft-majority-meets-two-f-plus-one",
        statement=(
            "With n = 3f + 1 nodes, f >= 1, any majority and any quorum of 2f + 1 share a correct node."
        ),
        source=f"{_KNHK}, Hybrid Consensus: a switch after a commit by majority (bug HY-03)",
        requirement="THREAT-4",
        expected=Kind.VIOLATED,
        formulate=lambda: byzantine_quorums_intersect(
            _SOME_FAULTY, _JUST_ENOUGH_NODES, size=_majority_whatever_f, other=two_f_plus_one
        ),
    ),
    Claim(
        id="raft-majority-meets-two-f-plus-one-of-four",
        statement=(
            "With four nodes, one of them Byzantine, any majority and any quorum of 2f + 1 = 3 "
            "share a "
            "correct node."
        ),
        source=f"{_KNHK}, Hybrid Consensus: a switch after a commit by majority (bug HY-03)",
        requirement="THREAT-4",
        expected=Kind.PROVED,
        formulate=lambda: byzantine_quorums_intersect(
            _N == 4, _F == 1, size=_majority_whatever_f, other=two_f_plus_one
        ),
    ),
    Claim(
        id="worked-voting-cases",
        statement="Seven agents with 2 faulty decide by 5 votes, ten with 3 faulty by 7.",
        source=f"{_VOTING}, Byzantine Algorithm and Production Example",
        requirement="VOTE-2",
        expected=Kind.PROVED,
        formulate=worked_voting_cases,
    ),
    Claim(
        id="byzantine-threshold-outweighs-lies",
        statement=(
            "ceil((n+f+1)/2) votes mean more correct agents for than against, for every n and every f < n."
        ),
        source=f"{_VOTING}, Comparison: Byzantine Consensus",
        requirement="VOTE-2",
        expected=Kind.PROVED,
        formulate=votes_outweigh_lies,
    ),
    Claim(
        id="simple-majority-outweighs-lies",
        statement=(
            "A simple majority of seven votes, 2 of them lies, means more correct agents for than against."
        ),
        source=f"{_VOTING}, Comparison: Simple Majority",
        requirement="VOTE-2",
        expected=Kind.VIOLATED,
        formulate=lambda: votes_outweigh_lies(_N == 7, _F == 2, threshold=_majority_whatever_f),
    ),
)


def report(results: Iterable[ClaimResult]) -> str:
    """A table of results: claim, verdict, whether it is the expected one, and the case against it, if any."""
    lines = [_row("claim", "verdict", "expected?")]
    for result in results:
        claim, kind = result.claim, result.verdict.kind
        expectation = "yes" if result.is_as_expected else f"NO: {claim.expected.value}"
        lines.append(_row(claim.id, kind.value, expectation))
        if result.verdict.reason is not None:
            lines.append(f"    {result.verdict.reason}")
    return "\n".join(lines)


def main() -> int:
    """Decide every claim and print the table.

    Returns:
        0 if every verdict is the expected one, 1 otherwise.
    """
    results = [prove(claim) for claim in CLAIMS]
    sys.stdout.write(report(results) + "\n")
    return 0 if all(result.is_as_expected for result in results) else 1


def _row(claim: str, verdict: str, expected: str) -> str:
    width = max(len(claim.id) for claim in CLAIMS)
    return f"{claim:<{width}}  {verdict:<8}  {expected}"


if __name__ == "__main__":
    sys.exit(main())
