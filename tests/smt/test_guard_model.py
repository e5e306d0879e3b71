"""The Byzantine guard in `models.guard`: its accuracy proof, which wrong guards fail, and arithmetic."""

import itertools
from pathlib import Path

import attrs
import pytest

from impl.quorum import byzantine_quorum, byzantine_quorum_formula
from models import guard as model
from models.claims import Claim, prove
from models.guard import CLAIMS, PROOF, SCENARIOS, Fault, Sorts, guard
from tlacheck import itf
from tlacheck.smt import NOT_REACHED, Need, Scenario, each_dropped, implied
from tlacheck.verdict import Kind, Verdict
from tlacheck.verify import Context

CLAIM_OF = {claim.id: claim for claim in CLAIMS}


def context(folder: Path) -> Context:
    return Context(folder=folder, budget="ci", seed=0, command="", progress=lambda _: None)


def test_accuracy_and_a_heard_quorum_are_proved_for_any_cluster(tmp_path: Path) -> None:
    outcome = model.accuracy(context(tmp_path))
    assert outcome.verdict == Verdict.proved()
    assert dict(outcome.figures) == {"clauses": 4, "obligations": 28, "consequences": 1}


def test_each_clause_is_needed() -> None:
    system = guard()
    needs = each_dropped(system, system.properties, goals=PROOF.goals)
    assert [one.need for one in needs] == [Need.NEEDED] * 3


@pytest.mark.parametrize("fault", Fault, ids=lambda fault: fault.name)
def test_a_wrong_guard_is_not_proved(fault: Fault) -> None:
    trace = PROOF.attempt(fault).trace
    assert trace is not None
    assert trace.violation is not None
    assert trace.violation.explanation == (NOT_REACHED,)


def test_without_a_correct_quorum_no_quorum_need_be_heard() -> None:
    """The consequences of the proof need n > 3f, which the axiom expresses."""
    system = guard()
    less = attrs.evolve(system, axioms=[one for one in system.axioms if one.name != "CorrectAreAQuorum"])
    heard = model.a_quorum_is_heard(Sorts())
    assert implied(less, less.properties, heard).verdict.kind is not Kind.PROVED
    assert PROOF.followed()[0].verdict == Verdict.proved()


def test_each_fault_has_a_behaviour() -> None:
    assert [scenario.fault for scenario in SCENARIOS] == list(Fault)


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.fault.name)
def test_a_wrong_guard_of_four_quarantines_a_correct_replica(
    scenario: Scenario[Fault], tmp_path: Path
) -> None:
    """`behaviours_found` checks that the right one does not."""
    found = scenario.run(scenario.fault)
    assert found.verdict.violates == "OnlyByzantineAreQuarantined"
    trace = found.trace
    assert trace is not None
    quarantined = {replica for _, replica in trace.steps[-1].state["quarantined"]}
    assert quarantined - trace.initial["byzantine"]
    assert len(trace.initial["byzantine"]) <= 1
    itf.write(trace, tmp_path / "framed.itf.json")
    assert itf.read(tmp_path / "framed.itf.json") == trace


def test_the_checks_agree(tmp_path: Path) -> None:
    assert model.quorum_kept(context(tmp_path)).verdict == Verdict.proved()
    outcome = model.behaviours_found(context(tmp_path))
    assert outcome.verdict == Verdict.proved()


# --- the arithmetic -----------------------------------------------------------------------------


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.id)
def test_each_claim_has_its_known_verdict(claim: Claim) -> None:
    assert prove(claim).is_as_expected


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("quarantine-of-one-more-leaves-a-quorum", "n = 4, f = 1, quarantined = 2"),
        ("a-mistake-leaves-a-quorum", "n = 4, f = 1"),
        (
            "shrunk-quorums-meet-whoever-is-quarantined",
            (
                "n = 4, f = 1: where 0 are quarantined a quorum has 3, where 1 are, it has 2; "
                "two such may share 1, all of them faulty"
            ),
        ),
    ],
)
def test_a_wrong_claim_has_the_smallest_counterexample(name: str, sentence: str) -> None:
    assert prove(CLAIM_OF[name]).verdict.reason == sentence


def _sets(members: frozenset[int], size: int) -> list[frozenset[int]]:
    return [frozenset(each) for each in itertools.combinations(sorted(members), size)]


@pytest.mark.parametrize(("n", "f", "forgiving"), [(4, 1, False), (5, 1, True), (6, 1, False), (7, 2, False)])
def test_shrunk_quorums_agree_with_enumeration(n: int, f: int, *, forgiving: bool) -> None:
    """The naive twin of the last claims: all quarantines and quorums of small clusters, as sets.

    Five replicas have one to spare, so that a mistake is harmless there.
    """

    def meet(*, is_right: bool) -> bool:
        everybody, faulty = frozenset(range(n)), frozenset(range(f))
        candidates = faulty if is_right else everybody
        gone = [each for size in range(f + 1) for each in _sets(candidates, size)]
        quorums = {
            each: _sets(everybody - each, byzantine_quorum_formula(n - len(each), f - len(each)))
            for each in gone
        }
        return all(
            (one & other) - faulty
            for first, second in itertools.product(gone, repeat=2)
            if len(first | second) <= f
            for one in quorums[first]
            for other in quorums[second]
        )

    assert meet(is_right=True)
    assert meet(is_right=False) is forgiving


def test_every_quarantine_leaves_a_quorum_by_enumeration() -> None:
    for n in range(1, 60):
        assert all(n - f >= byzantine_quorum(n, f) for f in range((n - 1) // 3 + 1))
