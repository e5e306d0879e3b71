"""The threat level in `models.threat`: proofs by two algorithms, wrong models, and agreement with TLC."""

import enum
from pathlib import Path
from typing import Any

import pytest
import z3

from models import threat as model
from models import threat_small as small
from models.claims import Claim, prove
from models.raft_small import compared
from models.threat import CLAIMS, PROOFS
from tlacheck.smt import NOT_REACHED, Proof, TransitionSystem, spacer
from tlacheck.verdict import Kind, Verdict
from tlacheck.verify import Context

pytestmark = pytest.mark.sweep

WRONG = [(proof, fault) for proof in PROOFS for fault in proof.faults]


def context(folder: Path) -> Context:
    return Context(folder=folder, budget="ci", seed=0, command="", progress=lambda _: None)


def test_all_goals_are_proved_for_any_cluster_and_settings(tmp_path: Path) -> None:
    outcome = model.all_proved(context(tmp_path))
    assert outcome.verdict == Verdict.proved()
    assert outcome.figures["claims"] == len(CLAIMS)
    assert outcome.figures["clauses"] == sum(len(proof.model(None).properties) for proof in PROOFS)


def test_each_clause_is_needed(tmp_path: Path) -> None:
    outcome = model.clauses_needed(context(tmp_path))
    assert outcome.verdict == Verdict.proved()
    assert (outcome.figures["redundant"], outcome.figures["unknown"]) == (0, 0)


@pytest.mark.parametrize(("proof", "fault"), WRONG, ids=lambda each: getattr(each, "name", ""))
def test_a_wrong_model_is_not_proved(proof: Proof[Any], fault: enum.Enum) -> None:
    trace = proof.attempt(fault).trace
    assert trace is not None
    assert trace.violation is not None
    assert trace.violation.explanation in ((NOT_REACHED,), ())


def test_spacer_proves_the_goals_without_an_invariant() -> None:
    """Monotonicity, and no protocol decided by timing, from the goals alone."""
    for system, goal in ((model.compared(), "MoreIsNeverLower"), (model.apart(), "SameProtocol")):
        assert spacer(system, goal).verdict == Verdict.proved()


@pytest.mark.parametrize(
    ("system", "goal"),
    [
        (model.counting(model.CountingFault.LARGEST), "NobodyAlone"),
        (model.counting(model.CountingFault.WITHHELD), "Demanded"),
        (model.machine(model.MachineFault.NO_HYSTERESIS), "Hysteresis"),
        (model.machine(model.MachineFault.LIKE_OTHERS), "NoEscape"),
        (model.machine(model.MachineFault.STAY_GOES_ON), "DwellRespected"),
        (model.compared(model.ComparedFault.PROOF_KNOWN), "MoreIsNeverLower"),
        (model.apart(model.ApartFault.UNLIMITED), "SameProtocol"),
    ],
    ids=lambda each: each if isinstance(each, str) else "",
)
def test_spacer_refutes_the_goal_of_a_wrong_model(system: TransitionSystem, goal: str) -> None:
    assert spacer(system, goal).verdict.violates == goal


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.id)
def test_each_claim_has_its_known_verdict(claim: Claim) -> None:
    assert prove(claim).is_as_expected


def test_a_claim_with_another_verdict_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model, "PROOFS", ())
    monkeypatch.setattr(model, "CLAIMS", tuple(one for one in CLAIMS if one.expected is Kind.PROVED))
    assert model.all_proved(context(tmp_path)).verdict == Verdict.proved()
    monkeypatch.setattr(model, "_one_case", lambda _: model._timing(z3.Int("timing_max")))
    assert model.all_proved(context(tmp_path)).verdict.kind is Kind.UNKNOWN


def test_a_failing_proof_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    counting = PROOFS[0]
    wrong = Proof(
        claim="wrong",
        model=lambda _: model.counting(model.CountingFault.LARGEST),
        faults=model.CountingFault,
        goals=counting.goals,
    )
    monkeypatch.setattr(model, "PROOFS", (wrong,))
    for check in (model.all_proved, model.mutants_fail, model.spacer_agrees):
        outcome = check(context(tmp_path))
        assert (check, outcome.verdict.kind) != (model.all_proved, Kind.PROVED)
    assert model.spacer_agrees(context(tmp_path)).verdict.kind is Kind.UNKNOWN


@pytest.mark.usefixtures("one_checker")
def test_another_machine_has_other_states_than_tlcs() -> None:
    """`models.threat_small:engines_agree` checks that the right one has the same states."""
    by_tlc, told = small.states_by_tlc()
    assert (len(by_tlc), told.kind) == (486, Kind.EXHAUSTED)
    by_z3, found = small.states_by_z3(small.Fault.LARGEST)
    assert compared(by_tlc, told, by_z3, found).verdict.violates == "SameStates"
    assert compared(by_tlc, told, by_tlc, found).verdict == Verdict.exhausted()
