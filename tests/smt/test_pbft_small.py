"""Small clusters of `models.pbft`: behaviours to a disagreement that only wrong models have."""

from pathlib import Path

import pytest
import z3

from models.pbft import Fault
from models.pbft_small import SCENARIOS, bounded_agreement, cluster
from tests.smt.instances import elements
from tlacheck import itf
from tlacheck.smt import Clause, bounded, scheduled
from tlacheck.values import ModelValue
from tlacheck.verdict import Kind, Verdict
from tlacheck.verify import Context

pytestmark = pytest.mark.sweep

FAULTS = {scenario.fault: scenario for scenario in SCENARIOS}


def test_each_fault_has_a_scenario() -> None:
    assert set(FAULTS) == set(Fault)


@pytest.mark.parametrize(
    "fault",
    [
        Fault.PRIMARY_COUNTS_TWICE,
        Fault.ANY_CERTIFICATE,
        Fault.COMMIT_QUORUM_SHORT,
        Fault.QUORUMS_SHARE_THE_FAULTY,
    ],
    ids=lambda fault: fault.name,
)
def test_only_a_wrong_model_commits_two_batches(fault: Fault, tmp_path: Path) -> None:
    scenario = FAULTS[fault]
    found = scenario.run(fault)
    assert found.verdict.violates == "Agreement"
    trace = found.trace
    assert trace is not None
    assert tuple(step.action for step in trace.steps) == scenario.schedule
    assert {batch for _, batch in trace.steps[-1].state["committed"]} == {ModelValue("b0"), ModelValue("b1")}
    byzantine = trace.initial["byzantine"]
    assert len(byzantine) == 1
    assert not byzantine & {replica for replica, _ in trace.steps[-1].state["committed"]}
    itf.write(trace, tmp_path / "disagreement.itf.json")
    assert itf.read(tmp_path / "disagreement.itf.json") == trace
    assert scenario.run(None).verdict.kind is Kind.BOUNDED


def test_without_the_latest_rule_an_old_certificate_wins() -> None:
    """The Byzantine replica withholds the certificate of v0 until v2."""
    trace = FAULTS[Fault.ANY_CERTIFICATE].run(Fault.ANY_CERTIFICATE).trace
    assert trace is not None
    end = trace.steps[-1].state
    v0, v1, v2, null, batch = map(ModelValue, ("v0", "v1", "v2", "b0", "b1"))
    assert {(view, value) for view, value, _ in end["decided"]} == {(v1, null), (v2, batch)}
    assert (v0, batch) in end["prepared"]
    carried = [step.arguments["v"] for step in trace.steps if step.action == "EnterCarrying"]
    assert carried == [v0, v0]


# the right model


def test_the_right_model_carries_committed_batches_into_a_new_view() -> None:
    decision = ("CertifyVotes", "CollectPrepares", "CollectPrepares", "CertifyCommits", "CollectCommits")
    schedule = (
        *("Propose", "AcceptPrePrepare", *decision),
        *("Leave", "Leave", "EnterCarrying", "EnterCarrying", *decision),
    )
    system = cluster(4, 2)
    at = elements(system)
    never = Clause(
        "Never", lambda s: z3.Not(z3.And(s.prepared(at["v0"], at["b1"]), s.prepared(at["v1"], at["b1"])))
    )
    assert scheduled(system, never, schedule).verdict.is_violated


def test_the_right_model_fills_or_leaves_open_unprepared_numbers() -> None:
    system = cluster(4, 2)
    at = elements(system)
    filled = Clause("Never", lambda s: z3.Not(s.prepared(at["v1"], at["b0"])))
    proposed = Clause("Never", lambda s: z3.Not(s.prepared(at["v1"], at["b1"])))
    views = ("Leave", "Leave")
    filling = (*views, "EnterFilling", "EnterFilling", "CertifyVotes")
    opening = (*views, "EnterOpen", "EnterOpen", "Propose", "AcceptPrePrepare", "CertifyVotes")
    assert scheduled(system, filled, filling).verdict.is_violated
    assert scheduled(system, proposed, opening).verdict.is_violated
    assert scheduled(system, proposed, filling).verdict.kind is Kind.BOUNDED


def test_a_replica_without_commits_gets_a_stable_state() -> None:
    """A new view begins after the number and does not mention it."""
    schedule = (
        *("Propose", "AcceptPrePrepare", "CertifyVotes", "CollectPrepares", "CollectPrepares"),
        *("CertifyCommits", "CollectCommits", "CollectCommits", "Execute", "Execute"),
        *("Checkpoint", "Checkpoint", "CollectCheckpoints", "Leave", "Leave", "EnterCovered"),
        "TransferState",
    )
    system = cluster(4, 2)
    at = elements(system)
    never = Clause(
        "Never",
        lambda s: z3.Not(z3.And(s.executed(at["n4"], at["b1"]), z3.Not(s.committed(at["n4"], at["b1"])))),
    )
    assert scheduled(system, never, schedule).verdict.is_violated


def test_more_than_f_byzantine_replicas_are_excluded() -> None:
    system = cluster(4, 1)
    at = elements(system)
    never = Clause("Never", lambda s: z3.Not(s.byzantine(at["n1"])))
    never_both = Clause("NeverBoth", lambda s: z3.Not(z3.And(s.byzantine(at["n1"]), s.byzantine(at["n2"]))))
    assert bounded(system, never, 0).verdict.is_violated
    assert bounded(system, never_both, 0).verdict.kind is Kind.BOUNDED


# all behaviours up to a depth


def test_an_unproven_checkpoint_is_found_within_three_steps(tmp_path: Path) -> None:
    context = Context(folder=tmp_path, budget="ci", seed=0, command="", progress=lambda _: None)
    outcome = bounded_agreement(context, fault=Fault.BELIEVES_CHECKPOINTS, depth=3)
    assert outcome.verdict.is_violated
    assert outcome.trace is not None
    assert [step.action for step in itf.read(outcome.trace).steps] == ["Leave", "Leave", "EnterCovered"]
    outcome = bounded_agreement(context, depth=3)
    assert outcome.verdict == Verdict.bounded(3)
    assert outcome.trace is None
