"""Quorum arithmetic (`impl.quorum`) and its proofs (`models.quorum`).

The proofs speak of every n and f, through sizes. The tests here look at actual sets of nodes, which
are enumerated for small clusters, and at the proofs themselves: a wrong formula must not pass them.
"""

import functools
import itertools
from collections.abc import Callable, Sequence

import attrs
import pytest
import z3
from hypothesis import given, settings
from hypothesis import strategies as st

from impl import quorum as arithmetic
from impl.quorum import QuorumError
from models import quorum as proofs
from models.claims import Claim, ClaimResult, Question, prove
from models.quorum import CLAIMS, Formula, Term, apply
from tlacheck.values import ModelValue, validate
from tlacheck.verdict import Kind

#: Up to this size every pair of subsets is looked at.
NODES_ENUMERATED_MAX = 7

CLAIM_OF = {claim.id: claim for claim in CLAIMS}
REFUTED = [claim for claim in CLAIMS if claim.expected is Kind.VIOLATED]

nodes = st.integers(1, NODES_ENUMERATED_MAX)
few_faulty = st.integers(0, NODES_ENUMERATED_MAX - 1)


def ask(formulate: Callable[[], Question], timeout_seconds: float = 10.0) -> ClaimResult:
    """The result of a single question."""
    claim = Claim(
        id="asked", statement="", source="", requirement="", expected=Kind.PROVED, formulate=formulate
    )
    return prove(claim, timeout_seconds)


@functools.cache
def fewest_common(n: int, first: int, second: int) -> int:
    """The naive twin: the least overlap of a set of `first` and one of `second` nodes."""
    members = range(n)
    return min(
        len(set(one) & set(other))
        for one in itertools.combinations(members, first)
        for other in itertools.combinations(members, second)
    )


# The formulas, against enumeration


@given(nodes)
@settings(deadline=None)
def test_a_majority_is_the_least_size_of_intersecting_sets(n: int) -> None:
    sizes = [size for size in range(1, n + 1) if fewest_common(n, size, size) >= 1]
    assert arithmetic.majority(n) == min(sizes)


@given(nodes)
def test_the_tolerated_crashes_are_the_most_with_a_majority_left(n: int) -> None:
    survivable = [crashed for crashed in range(n + 1) if arithmetic.has_majority(n - crashed, n)]
    assert arithmetic.crash_faults_tolerated(n) == max(survivable)


@given(nodes, few_faulty)
@settings(deadline=None)
def test_byzantine_quorums_meet_in_a_correct_node_at_least_size(n: int, f: int) -> None:
    if f >= n:
        return
    sizes = [size for size in range(1, n + 1) if fewest_common(n, size, size) >= f + 1]
    assert arithmetic.byzantine_quorum(n, f) == min(sizes)


@given(nodes)
@settings(deadline=None)
def test_the_tolerated_faults_are_the_most_with_safe_live_quorums(n: int) -> None:
    def has_quorum(f: int) -> bool:
        return any(fewest_common(n, size, size) >= f + 1 for size in range(1, n - f + 1))

    assert arithmetic.byzantine_faults_tolerated(n) == max(f for f in range(n) if has_quorum(f))


@given(st.integers(0, 10**20))
def test_the_nodes_needed_are_the_fewest_that_tolerate_f(f: int) -> None:
    n = arithmetic.byzantine_nodes_needed(f)
    assert arithmetic.byzantine_faults_tolerated(n) == f
    assert n == 1 or arithmetic.byzantine_faults_tolerated(n - 1) == f - 1


@given(nodes.flatmap(lambda n: st.tuples(st.just(n), st.sets(st.integers(1, n)))))
def test_votes_are_a_majority_exactly_if_the_others_are_not(case: tuple[int, set[int]]) -> None:
    n, voters = case
    others = set(range(1, n + 1)) - voters
    assert arithmetic.has_majority(len(voters), n) is (len(voters) > len(others))


def held_by_a_majority(match_index: Sequence[int]) -> int:
    """The naive twin of `commit_index`: try every index from the top, and count."""
    for index in range(max(match_index), 0, -1):
        holders = [server for server, held in enumerate(match_index) if held >= index]
        if 2 * len(holders) > len(match_index):
            return index
    return 0


@given(st.lists(st.integers(0, 12), min_size=1, max_size=15))
def test_the_commit_index_is_the_greatest_held_by_a_majority(match_index: list[int]) -> None:
    assert arithmetic.commit_index(match_index) == held_by_a_majority(match_index)


@pytest.mark.parametrize(
    ("match_index", "expected"),
    [
        ([0], 0),
        ([7], 7),
        ([5, 3], 3),
        ([5, 5, 0], 5),
        ([9, 1, 1, 1], 1),
        ([4, 4, 3, 2, 1], 3),
        ([5] * 7 + [9] * 7, 5),
    ],
)
def test_the_commit_index_agrees_with_worked_cases(match_index: list[int], expected: int) -> None:
    """An even cluster needs one more than half: seven of fourteen at 9 do not commit 9 (RAFT-5)."""
    assert arithmetic.commit_index(match_index) == expected


def test_the_documents_quorum_sizes_hold() -> None:
    """RAFT-5: 14 coordinators. VOTE-2: 7 agents with 2 faulty, 10 with 3. PBFT-6: 5 nodes with 1."""
    assert (arithmetic.majority(14), arithmetic.crash_faults_tolerated(14)) == (8, 6)
    assert arithmetic.crash_faults_tolerated(13) == 6
    assert (arithmetic.byzantine_quorum(7, 2), arithmetic.byzantine_quorum(10, 3)) == (5, 7)
    assert arithmetic.byzantine_quorum(5, 1) == 4


@pytest.mark.parametrize(
    ("call", "name", "says"),
    [
        (lambda: arithmetic.majority(0), "n", r"n = 0: a cluster has at least one node"),
        (lambda: arithmetic.crash_faults_tolerated(-1), "n", r"n = -1"),
        (lambda: arithmetic.byzantine_faults_tolerated(0), "n", r"n = 0"),
        (lambda: arithmetic.byzantine_nodes_needed(-1), "f", r"f = -1: a count of faulty nodes starts at 0"),
        (lambda: arithmetic.byzantine_quorum(0, 0), "n", r"n = 0"),
        (lambda: arithmetic.byzantine_quorum(4, -1), "f", r"f = -1"),
        (lambda: arithmetic.byzantine_quorum(4, 4), "f", r"f = 4: with n = 4 .* at most 1, or use 13 nodes"),
        (lambda: arithmetic.has_majority(1, 0), "n", r"n = 0"),
        (lambda: arithmetic.has_majority(-1, 3), "votes", r"votes = -1"),
        (lambda: arithmetic.has_majority(4, 3), "votes", r"votes = 4: only n = 3 servers can vote"),
        (lambda: arithmetic.commit_index([]), "n", r"n = 0"),
        (lambda: arithmetic.commit_index([3, -1, 2]), "match_index", r"match_index = -1"),
    ],
)
def test_impossible_arguments_are_refused_with_the_numbers(
    call: Callable[[], object], name: str, says: str
) -> None:
    with pytest.raises(QuorumError, match=says) as refused:
        call()
    assert refused.value.name == name
    assert isinstance(refused.value, ValueError)


# The proofs


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.id)
def test_every_claim_has_its_expected_verdict(claim: Claim) -> None:
    result = prove(claim)
    assert result.verdict.kind is claim.expected, result.verdict
    assert result.is_as_expected
    assert (result.counterexample is not None) is result.verdict.is_violated


def test_claims_have_unique_ids_and_name_their_source() -> None:
    assert len(CLAIM_OF) == len(CLAIMS)
    for claim in CLAIMS:
        assert claim.id == claim.id.lower().replace(" ", "-")
        assert claim.statement.endswith(".")
        assert claim.source
        assert claim.requirement in {"RAFT-5", "PBFT-6", "THREAT-4", "VOTE-2"}


@pytest.mark.parametrize(
    ("claim_id", "sentence"),
    [
        ("at-least-half-is-enough", "n = 2: quorums {n1} and {n2} share no node"),
        (
            "fourteen-coordinators-tolerate-seven",
            (
                "n = 14, crashed = 7, quorum = 8: without {n8, n9, n10, n11, n12, n13, n14} "
                "there remain 7, {n1, n2, n3, n4, n5, n6, n7}, and 8 are needed"
            ),
        ),
        (
            "byzantine-quorum-is-available-for-any-n",
            "n = 2, f = 1, quorum = 2: without {n2} there remain 1, {n1}, and 2 are needed",
        ),
        (
            "two-f-plus-one-for-any-n",
            "n = 5, f = 1: quorums {n1, n2, n3} and {n3, n4, n5} share only n3, which may be the faulty one",
        ),
        (
            "two-f-plus-one-of-five-nodes",
            "n = 5, f = 1: quorums {n1, n2, n3} and {n3, n4, n5} share only n3, which may be the faulty one",
        ),
        (
            "raft-majority-meets-two-f-plus-one",
            (
                "n = 7, f = 2: quorums {n1, n2, n3, n4} and {n3, n4, n5, n6, n7} share only n3 and n4, "
                "all of which may be faulty"
            ),
        ),
        (
            "simple-majority-outweighs-lies",
            (
                "n = 7, f = 2: {n1, n2, n3, n4} approve and {n5, n6, n7} reject; if {n1, n2} lie, "
                "2 correct agents approve and 3 reject"
            ),
        ),
    ],
)
def test_a_refuted_claim_is_reported_with_its_smallest_case(claim_id: str, sentence: str) -> None:
    verdict = prove(CLAIM_OF[claim_id]).verdict
    assert (verdict.violates, verdict.reason) == (claim_id, sentence)


@pytest.mark.parametrize("claim", REFUTED, ids=lambda claim: claim.id)
def test_a_counterexample_is_a_case_of_concrete_nodes(claim: Claim) -> None:
    """Recounted on the sets themselves, without Z3 and the formulas for sizes."""
    counterexample = prove(claim).counterexample
    assert counterexample is not None
    validate(counterexample.values)
    values = dict(counterexample.values)
    n, f = values["n"], values.get("f", 0)
    everyone = {ModelValue(f"n{number}") for number in range(1, n + 1)}
    match values:
        case {"first": first, "second": second}:
            least = {
                "at-least-half-is-enough": ((n + 1) // 2, (n + 1) // 2),
                "two-f-plus-one-for-any-n": (2 * f + 1, 2 * f + 1),
                "two-f-plus-one-of-five-nodes": (2 * f + 1, 2 * f + 1),
                "raft-majority-meets-two-f-plus-one": (n // 2 + 1, 2 * f + 1),
            }[claim.id]
            assert first <= everyone
            assert second <= everyone
            assert (len(first), len(second)) == least
            assert any((first & second) <= set(faulty) for faulty in itertools.combinations(everyone, f))
        case {"live": live, "silent": silent}:
            assert live | silent == everyone
            assert not live & silent
            assert len(silent) == values.get("crashed", f)
            assert len(live) < values["quorum"]
            last = {ModelValue(f"n{number}") for number in range(n - len(live) + 1, n + 1)}
            assert len(live & last) <= f, "a quorum of so few would be unsafe: these two share too few nodes"
        case {"approve": approve, "reject": reject, "lying": lying}:
            assert approve | reject == everyone
            assert not approve & reject
            assert len(approve) > len(reject)
            assert len(lying) == f
            assert len(approve - lying) < len(reject - lying)
        case _:
            pytest.fail(f"a counterexample of another shape: {values}")


def test_no_smaller_case_refutes_two_f_plus_one() -> None:
    """The first n >= 3f + 1 with f >= 1 at which two sets of 2f + 1 may share f nodes only is 5."""
    cases = [(n, f) for n in range(1, 8) for f in range(1, n) if n >= 3 * f + 1]
    refuting = [(n, f) for n, f in cases if fewest_common(n, 2 * f + 1, 2 * f + 1) <= f]
    assert min(refuting) == (5, 1)


def test_no_smaller_case_refutes_that_majorities_meet_byzantine_quorums() -> None:
    """At n = 3f + 1 the first f at which a majority and 2f + 1 nodes may share only f is 2 (bug HY-03)."""
    assert fewest_common(4, 3, 3) == 2
    assert fewest_common(7, 4, 5) == 2


@pytest.mark.parametrize("n", range(1, 6))
def test_sets_exist_exactly_for_the_sizes_that_proofs_admit(n: int) -> None:
    """The step from sets to sizes that the module docstring of `models.quorum` justifies."""
    subsets = [
        frozenset(subset) for size in range(n + 1) for subset in itertools.combinations(range(n), size)
    ]
    real = {(len(one), len(other), len(one & other)) for one in subsets for other in subsets}
    unknowns = z3.Ints("first second common")
    solver = z3.Solver()
    solver.add(z3.Int("n") == n, proofs._exist(*unknowns))
    admitted = set()
    while solver.check() == z3.sat:
        sizes = tuple(solver.model()[unknown].as_long() for unknown in unknowns)
        admitted.add(sizes)
        solver.add(z3.Or(*(unknown != size for unknown, size in zip(unknowns, sizes, strict=True))))
    assert admitted == real


# Each proof is able to fail


def half(n: Term) -> Term:
    """The floor of n / 2."""
    return n // 2


def ceiling_without_the_one(n: Term, f: Term) -> Term:
    """The ceiling of (n + f) / 2, one too few when n + f is even."""
    return (n + f + 1) // 2


def majority_of(n: Term, _f: Term) -> Term:
    """A majority, ignoring Byzantine faults."""
    return arithmetic.majority_formula(n)


def one_too_many(n: Term, f: Term) -> Term:
    """A node more than the Byzantine quorum."""
    return arithmetic.byzantine_quorum_formula(n, f) + 1


@pytest.mark.parametrize(
    ("question", "argument", "wrong"),
    [
        (proofs.majorities_intersect, "size", half),
        (proofs.majorities_intersect, "size", proofs.at_least_half),
        (proofs.majority_is_least, "size", lambda n: n // 2 + 2),
        (proofs.majority_survives, "tolerated", half),
        (proofs.majority_survives, "tolerated", lambda n: (n - 1) // 2 - 1),
        (proofs.fourteen_coordinators, "size", half),
        (proofs.fourteen_tolerate_seven, "size", arithmetic.majority_formula),
        (proofs.even_is_no_better, "tolerated", half),
        (proofs.byzantine_quorums_intersect, "size", proofs.two_f_plus_one),
        (proofs.byzantine_quorums_intersect, "size", ceiling_without_the_one),
        (proofs.byzantine_quorums_intersect, "size", majority_of),
        (proofs.byzantine_quorum_is_least, "size", one_too_many),
        (
            functools.partial(proofs.byzantine_quorum_is_available, z3.Int("n") == 3 * z3.Int("f") + 1),
            "size",
            one_too_many,
        ),
        (proofs.fewer_nodes_do_not_do, "needed", lambda f: f + f + f + 2),
        (proofs.byzantine_tolerance_is_greatest, "tolerated", lambda n: n // 3),
        (proofs.byzantine_tolerance_is_greatest, "tolerated", lambda n: (n - 2) // 3),
        (proofs.byzantine_quorum_at_three_f_plus_one, "size", majority_of),
        (proofs.worked_voting_cases, "size", majority_of),
        (proofs.votes_outweigh_lies, "threshold", majority_of),
        (proofs.votes_outweigh_lies, "threshold", ceiling_without_the_one),
    ],
)
def test_a_wrong_formula_is_refuted_by_the_same_proof(
    question: Callable[..., Question], argument: str, wrong: Formula
) -> None:
    result = ask(lambda: question(**{argument: wrong}))
    assert result.verdict.is_violated
    assert result.counterexample is not None


def test_a_claim_with_contradictory_assumptions_is_unknown() -> None:
    n = z3.Int("n")
    result = ask(lambda: Question(unknowns=(n,), assumptions=(n >= 5, n <= 4), conclusion=n == 0))
    assert result.verdict.is_unknown
    assert result.verdict.reason == "the assumptions contradict each other"
    assert not result.is_as_expected


def test_a_claim_the_solver_cannot_decide_is_unknown() -> None:
    """A sum of three cubes for 33 was open for decades, and is beyond Z3's reach in 50 ms."""
    x, y, z = z3.Ints("x y z")
    result = ask(
        lambda: Question(
            unknowns=(x, y, z), assumptions=(), conclusion=x * x * x + y * y * y + z * z * z != 33
        ),
        timeout_seconds=0.05,
    )
    assert result.verdict.is_unknown
    assert "no answer within 0.05 s" in str(result.verdict)


def test_a_claim_about_numbers_is_reported_in_numbers() -> None:
    n = z3.Int("n")
    result = ask(lambda: Question(unknowns=(n,), assumptions=(n >= 3,), conclusion=n < 10))
    assert result.verdict.reason == "n = 10"


# Z3's integers under Python's operators


EDGES = [*range(-13, 14), 10**30, -(10**30), 10**30 + 1]


@pytest.mark.parametrize("divisor", [1, 2, 3, 7])
def test_a_term_evaluates_like_python_integers(divisor: int) -> None:
    for left in EDGES:
        term = Term(z3.IntVal(left))
        assert z3.simplify((term // divisor).expression).as_long() == left // divisor
        for right in EDGES:
            other = Term(z3.IntVal(right))
            assert z3.simplify((term + other).expression).as_long() == left + right
            assert z3.simplify((term - other).expression).as_long() == left - right
            assert z3.simplify((term + right).expression).as_long() == left + right
            assert z3.simplify((term - right).expression).as_long() == left - right


@pytest.mark.parametrize("divisor", [0, -1, -2])
def test_a_term_refuses_divisors_where_z3_and_python_differ(divisor: int) -> None:
    with pytest.raises(ValueError, match=f"divisor = {divisor}"):
        Term(z3.Int("n")) // divisor


@given(st.integers(1, 10**9), st.integers(0, 10**9))
def test_the_proved_formulas_are_those_that_run(n: int, f: int) -> None:
    def value(formula: Formula, *arguments: int) -> int:
        return int(z3.simplify(apply(formula, *map(z3.IntVal, arguments))).as_long())

    assert value(arithmetic.majority_formula, n) == arithmetic.majority(n)
    assert value(arithmetic.crash_faults_tolerated_formula, n) == arithmetic.crash_faults_tolerated(n)
    assert value(arithmetic.byzantine_faults_tolerated_formula, n) == arithmetic.byzantine_faults_tolerated(n)
    assert value(arithmetic.byzantine_nodes_needed_formula, f) == arithmetic.byzantine_nodes_needed(f)
    if f < n:
        assert value(arithmetic.byzantine_quorum_formula, n, f) == arithmetic.byzantine_quorum(n, f)


# The table


def test_the_table_succeeds_if_every_verdict_is_expected(capsys: pytest.CaptureFixture[str]) -> None:
    assert proofs.main() == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines if not line.startswith(" ")] == ["claim", *CLAIM_OF]


def test_the_table_shows_an_unexpected_verdict(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    surprising = attrs.evolve(CLAIM_OF["two-f-plus-one-of-five-nodes"], expected=Kind.PROVED)
    monkeypatch.setattr(proofs, "CLAIMS", (CLAIM_OF["majorities-intersect"], surprising))
    assert proofs.main() == 1
    _, agreeable, unexpected, case = capsys.readouterr().out.splitlines()
    assert agreeable.split() == ["majorities-intersect", "proved", "yes"]
    assert unexpected.split() == ["two-f-plus-one-of-five-nodes", "violated", "NO:", "proved"]
    assert case.startswith("    n = 5, f = 1: quorums {n1, n2, n3} and {n3, n4, n5}")
