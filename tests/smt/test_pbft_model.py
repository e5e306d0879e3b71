"""PBFT in `models.pbft`: the proof of agreement, its clauses, and wrong models that fail it."""

from pathlib import Path

import attrs
import pytest

from models.pbft import GOALS, Fault, pbft
from tlacheck import itf
from tlacheck.smt import NOT_REACHED, Need, Result, TransitionSystem, each_dropped, inductive

pytestmark = pytest.mark.sweep


def only(action: str, *, fault: Fault | None = None) -> TransitionSystem:
    """The model with only this action."""
    system = pbft(fault=fault)
    return attrs.evolve(system, actions=[one for one in system.actions if one.name == action])


def kept(action: str, *, fault: Fault | None = None) -> Result:
    system = only(action, fault=fault)
    return inductive(system, system.properties, stop_early=True)


def test_the_goals_alone_are_not_inductive() -> None:
    assert inductive(only("CertifyVotes"), GOALS, stop_early=True).verdict.is_unknown


@pytest.mark.parametrize(
    ("fault", "action"),
    [
        (Fault.PRIMARY_COUNTS_TWICE, "CertifyVotes"),
        (Fault.ANY_CERTIFICATE, "EnterCarrying"),
        (Fault.QUORUMS_SHARE_THE_FAULTY, "CertifyVotes"),
        (Fault.FORGETS_CERTIFICATES, "Leave"),
        (Fault.ACCEPTS_TWICE, "AcceptPrePrepare"),
        (Fault.TRUSTS_NEW_VIEW, "EnterCarrying"),
        (Fault.DISCARDS_EARLY, "Checkpoint"),
        (Fault.COMMITS_AFTER_LEAVING, "CollectPrepares"),
        (Fault.BELIEVES_CHECKPOINTS, "EnterCovered"),
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
    ("clause", "action"),
    [("CommitsAreTold", "EnterCarrying"), ("CommitsAreHeld", "Leave"), ("CoversAreStable", "EnterCovered")],
)
def test_without_a_clause_the_proof_fails_on_a_step(clause: str, action: str) -> None:
    """A sample; `models.pbft:clauses_needed` drops each clause."""
    system = only(action)
    others = [one.name for one in system.properties if one.name != clause]
    found = each_dropped(system, system.properties, goals=others)
    assert [one.need for one in found] == [Need.NEEDED]
