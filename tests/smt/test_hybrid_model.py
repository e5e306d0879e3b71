"""A Raft epoch and its close in `models.hybrid`: the proof, its axioms, and wrong models that fail it."""

from pathlib import Path

import attrs
import pytest

from models.hybrid import PROOF, Fault, hybrid
from tlacheck import itf
from tlacheck.smt import NOT_REACHED, Need, Result, TransitionSystem, each_dropped, inductive

pytestmark = pytest.mark.sweep


def only(action: str, *, fault: Fault | None = None) -> TransitionSystem:
    """The model with only this action."""
    system = hybrid(fault=fault)
    return attrs.evolve(system, actions=[one for one in system.actions if one.name == action])


def kept(action: str, *, fault: Fault | None = None) -> Result:
    system = only(action, fault=fault)
    return inductive(system, system.properties, stop_early=True)


def test_the_goals_alone_are_not_inductive() -> None:
    assert inductive(only("Seal"), PROOF.goals, stop_early=True).verdict.is_unknown


@pytest.mark.parametrize(
    ("fault", "action"),
    [
        (Fault.ACKS_TWO_BRANCHES, "Ack"),
        (Fault.ACKS_BESIDE_THE_HELD, "Ack"),
        (Fault.HOLDS_AFTER_LATER_ACKS, "Hold"),
        (Fault.HOLDS_EARLIER_SEALS, "Hold"),
        (Fault.HOLDS_AFTER_STOPPING, "Hold"),
        (Fault.COUNTS_PREFIXES, "Seal"),
        (Fault.MIXES_TERMS, "Believe"),
        (Fault.TAKES_ANY_TERM, "Close"),
        (Fault.TAKES_SHORTER, "Close"),
        (Fault.BELIEVES_STOPS, "Close"),
        (Fault.FORGETS_WHAT_IT_HELD, "Restart"),
        (Fault.FORGETS_ITS_TERM, "Restart"),
        (Fault.SEALS_OF_A_MAJORITY, "Seal"),
        (Fault.FEW_ANSWERS, "Seal"),
        (Fault.FEW_STOPS, "Close"),
    ],
    ids=lambda one: one.name if isinstance(one, Fault) else one,
)
def test_a_wrong_action_breaks_the_invariant(fault: Fault, action: str, tmp_path: Path) -> None:
    trace = kept(action, fault=fault).trace
    assert trace is not None
    assert trace.violation is not None
    assert trace.violation.explanation == (NOT_REACHED,)
    assert [step.action for step in trace.steps] == [action]
    itf.write(trace, tmp_path / "step.itf.json")
    assert itf.read(tmp_path / "step.itf.json") == trace


@pytest.mark.parametrize(
    ("axiom", "action"),
    [
        ("SealsShareACorrectReplica", "Seal"),
        ("SealsAndAnswersShareOne", "Seal"),
        ("AnswersAndStopsShareOne", "Close"),
        ("AppliedOnce", "Answer"),
    ],
)
def test_the_proof_needs_each_axiom(axiom: str, action: str) -> None:
    system = only(action)
    less = attrs.evolve(system, axioms=[one for one in system.axioms if one.name != axiom])
    assert inductive(less, less.properties, stop_early=True).verdict.is_unknown


@pytest.mark.parametrize(
    ("clause", "action"),
    [("LaterAcksExtendTheKept", "Seal"), ("KeptIsHeldOrDead", "Close"), ("AnswersOfATermAgree", "Believe")],
)
def test_without_a_clause_the_proof_fails_on_a_step(clause: str, action: str) -> None:
    """A sample; `models.hybrid:clauses_needed` drops each clause."""
    system = only(action)
    others = [one.name for one in system.properties if one.name != clause]
    found = each_dropped(system, system.properties, goals=others)
    assert [one.need for one in found] == [Need.NEEDED]
