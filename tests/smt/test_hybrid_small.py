"""Small clusters of `models.hybrid`: wrong rules lose accepted results, the right ones keep them."""

from pathlib import Path

import pytest
import z3

from impl.quorum import majority
from models.hybrid import Fault
from models.hybrid_small import SCENARIOS, cluster
from tests.smt.instances import elements
from tlacheck import itf
from tlacheck.smt import Clause, scheduled
from tlacheck.values import ModelValue
from tlacheck.verdict import Kind

pytestmark = pytest.mark.sweep

SCENARIO_OF = {scenario.fault: scenario for scenario in SCENARIOS}


def test_each_fault_has_a_behaviour() -> None:
    assert [scenario.fault for scenario in SCENARIOS] == list(Fault)


@pytest.mark.parametrize(
    "fault", [Fault.VOTES_AGAINST_ITS_LOCK, Fault.MIXES_TERMS], ids=lambda fault: fault.name
)
def test_an_accepted_result_is_lost_only_by_a_wrong_rule(fault: Fault, tmp_path: Path) -> None:
    """A sample; `models.hybrid_small:behaviours_found` checks each rule."""
    scenario = SCENARIO_OF[fault]
    found = scenario.run(fault)
    assert found.verdict.violates == "AcceptedIsHandedOver"
    trace = found.trace
    assert trace is not None
    assert tuple(step.action for step in trace.steps) == scenario.schedule
    assert trace.initial["byzantine"] == frozenset({ModelValue("n4")})
    end = trace.steps[-1].state
    ((_, _, accepted),) = end["accepted"]
    (ended,) = end["ended"]
    assert (accepted, ended) not in trace.initial["prefix"]
    itf.write(trace, tmp_path / "lost.itf.json")
    assert itf.read(tmp_path / "lost.itf.json") == trace
    assert scenario.run(None).verdict.kind is Kind.BOUNDED


def test_the_aborts_may_miss_a_whole_majority_of_seven() -> None:
    """Its correct members are those whose aborts are not counted (bug HY-03)."""
    trace = SCENARIO_OF[Fault.FEW_ANSWERS].run(Fault.FEW_ANSWERS).trace
    assert trace is not None
    lying = trace.initial["byzantine"]
    (accept,) = (step for step in trace.steps if step.action == "Accept")
    accepted = {ModelValue(name) for name in accept.arguments["b"].name.split("+")}
    assert (len(lying), len(accepted)) == (2, majority(7))
    assert accepted - lying
    assert not (accepted - lying) & trace.steps[-1].state["aborted"]


# the right rules

CERTIFIED = ("Vote", "Vote", "Certify")


def test_an_accepted_result_is_certified_again_and_handed_over() -> None:
    """The model is not vacuous: some behaviours keep a result in a later term and at an epoch-end command."""
    system = cluster(4, 3, logs=("none", "x", "xy"))
    at = elements(system)
    never = Clause(
        "Never",
        lambda s: z3.Not(
            z3.And(
                s.accepted(at["t1"], at["op-x"], at["x"]), s.certified(at["t2"], at["xy"]), s.ended(at["xy"])
            )
        ),
    )
    accepted = (*CERTIFIED, "Lock", "Lock", "Answer", "Answer", "Accept")
    ended = ("Abort", "Abort", "EndEpoch")
    assert scheduled(system, never, (*accepted, *CERTIFIED, *ended)).verdict.is_violated


def test_a_result_locked_by_one_replica_may_be_rolled_back() -> None:
    """It executed x and then locks y, which does not extend it: execution in an epoch is tentative."""
    system = cluster(4, 3)
    at = elements(system)
    never = Clause(
        "Never",
        lambda s: z3.Not(z3.And(s.kept(at["n1"], at["t1"], at["x"]), s.kept(at["n1"], at["t2"], at["y"]))),
    )
    assert scheduled(system, never, (*CERTIFIED, "Lock", *CERTIFIED, "Lock")).verdict.is_violated


def test_a_result_locked_before_the_end_may_be_accepted_after_it() -> None:
    system = cluster(4, 2)
    at = elements(system)
    never = Clause("Never", lambda s: z3.Not(s.accepted(at["t1"], at["op-x"], at["x"])))
    schedule = (*CERTIFIED, "Lock", "Lock", "Abort", "Abort", "EndEpoch", "Answer", "Answer", "Accept")
    assert scheduled(system, never, schedule).verdict.is_violated
