"""Small clusters of `models.hybrid`: wrong rules lose accepted results, the right ones keep them."""

from pathlib import Path

import pytest
import z3

from impl.quorum import majority
from models.hybrid import Fault
from models.hybrid_small import SCENARIOS, cluster
from tlacheck import itf
from tlacheck.smt import Clause, Expression, TransitionSystem, scheduled
from tlacheck.values import ModelValue
from tlacheck.verdict import Kind

pytestmark = pytest.mark.sweep

SCENARIO_OF = {scenario.fault: scenario for scenario in SCENARIOS}


def elements(system: TransitionSystem) -> dict[str, Expression]:
    """The named elements (replicas, terms, ...) of an instance."""
    sorts = {sort for variable in system.variables for sort in variable.arguments}
    return {str(element): element for sort in sorts for element in sort.elements or ()}


def test_each_fault_has_a_behaviour() -> None:
    assert [scenario.fault for scenario in SCENARIOS] == list(Fault)


@pytest.mark.parametrize(
    "fault", [Fault.ACKS_BESIDE_THE_HELD, Fault.MIXES_TERMS], ids=lambda fault: fault.name
)
def test_an_accepted_result_is_lost_only_by_a_wrong_rule(fault: Fault, tmp_path: Path) -> None:
    """A sample; `models.hybrid_small:behaviours_found` checks each rule."""
    scenario = SCENARIO_OF[fault]
    found = scenario.run(fault)
    assert found.verdict.violates == "BelievedIsHandedOver"
    trace = found.trace
    assert trace is not None
    assert tuple(step.action for step in trace.steps) == scenario.schedule
    assert trace.initial["byzantine"] == frozenset({ModelValue("n4")})
    end = trace.steps[-1].state
    ((_, _, believed),) = end["believed"]
    (closed,) = end["closed"]
    assert (believed, closed) not in trace.initial["prefix"]
    itf.write(trace, tmp_path / "lost.itf.json")
    assert itf.read(tmp_path / "lost.itf.json") == trace
    assert scenario.run(None).verdict.kind is Kind.BOUNDED


def test_the_stops_may_miss_a_whole_majority_of_seven() -> None:
    """Its correct members are those whose stops are not counted (bug HY-03)."""
    trace = SCENARIO_OF[Fault.FEW_ANSWERS].run(Fault.FEW_ANSWERS).trace
    assert trace is not None
    lying = trace.initial["byzantine"]
    (believe,) = (step for step in trace.steps if step.action == "Believe")
    believed = {ModelValue(name) for name in believe.arguments["b"].name.split("+")}
    assert (len(lying), len(believed)) == (2, majority(7))
    assert believed - lying
    assert not (believed - lying) & trace.steps[-1].state["stopped"]


# the right rules

SEALED = ("Ack", "Ack", "Seal")


def test_an_accepted_result_is_sealed_again_and_handed_over() -> None:
    """The model is not vacuous: some behaviours keep a result in a later term and at a close."""
    system = cluster(4, 3, chains=("none", "x", "xy"))
    at = elements(system)
    never = Clause(
        "Never",
        lambda s: z3.Not(
            z3.And(
                s.believed(at["t1"], at["op-x"], at["x"]), s.sealed(at["t2"], at["xy"]), s.closed(at["xy"])
            )
        ),
    )
    believed = (*SEALED, "Hold", "Hold", "Answer", "Answer", "Believe")
    closed = ("Stop", "Stop", "Close")
    assert scheduled(system, never, (*believed, *SEALED, *closed)).verdict.is_violated


def test_a_result_held_by_one_replica_may_be_rolled_back() -> None:
    """It executed x and then holds y, which does not extend it: execution in an epoch is tentative."""
    system = cluster(4, 3)
    at = elements(system)
    never = Clause(
        "Never",
        lambda s: z3.Not(z3.And(s.kept(at["n1"], at["t1"], at["x"]), s.kept(at["n1"], at["t2"], at["y"]))),
    )
    assert scheduled(system, never, (*SEALED, "Hold", *SEALED, "Hold")).verdict.is_violated


def test_a_result_held_before_the_close_may_be_accepted_after_it() -> None:
    system = cluster(4, 2)
    at = elements(system)
    never = Clause("Never", lambda s: z3.Not(s.believed(at["t1"], at["op-x"], at["x"])))
    schedule = (*SEALED, "Hold", "Hold", "Stop", "Stop", "Close", "Answer", "Answer", "Believe")
    assert scheduled(system, never, schedule).verdict.is_violated
