"""Small clusters of `models.hybrid`: how wrong rules lose what was believed, and what the right ones do."""

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

SCENARIO_OF = {scenario.fault: scenario for scenario in SCENARIOS}


def elements(system: TransitionSystem) -> dict[str, Expression]:
    """The replicas, terms and so on of an instance, by their names."""
    sorts = {sort for variable in system.variables for sort in variable.arguments}
    return {str(element): element for sort in sorts for element in sort.elements or ()}


def test_there_is_a_behaviour_for_each_fault() -> None:
    assert [scenario.fault for scenario in SCENARIOS] == list(Fault)


@pytest.mark.parametrize(
    "fault", [Fault.ACKS_BESIDE_THE_HELD, Fault.MIXES_TERMS], ids=lambda fault: fault.name
)
def test_what_was_believed_is_lost_by_a_wrong_rule_and_not_by_the_right_ones(
    fault: Fault, tmp_path: Path
) -> None:
    """Some of them here; `models.hybrid_small:behaviours_found` looks at each."""
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


def test_a_majority_of_seven_may_be_all_that_the_stops_do_not_show() -> None:
    """Its correct members are those whose stops do not count (bug HY-03)."""
    trace = SCENARIO_OF[Fault.FEW_ANSWERS].run(Fault.FEW_ANSWERS).trace
    assert trace is not None
    lying = trace.initial["byzantine"]
    (believe,) = (step for step in trace.steps if step.action == "Believe")
    believed = {ModelValue(name) for name in believe.arguments["b"].name.split("+")}
    assert (len(lying), len(believed)) == (2, majority(7))
    assert believed - lying
    assert not (believed - lying) & trace.steps[-1].state["stopped"]


# what the right rules do

SEALED = ("Ack", "Ack", "Seal")


def test_what_was_believed_is_sealed_again_and_handed_over() -> None:
    """Not only is nothing lost: there are behaviours in which something is kept, in a later term and by a close."""
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


def test_what_a_replica_alone_holds_may_have_to_be_taken_back() -> None:
    """It has executed x, and then holds y, which does not extend it: an epoch is executed tentatively."""
    system = cluster(4, 3)
    at = elements(system)
    never = Clause(
        "Never",
        lambda s: z3.Not(z3.And(s.kept(at["n1"], at["t1"], at["x"]), s.kept(at["n1"], at["t2"], at["y"]))),
    )
    assert scheduled(system, never, (*SEALED, "Hold", *SEALED, "Hold")).verdict.is_violated


def test_an_answer_may_be_believed_after_the_close_if_it_was_held_before() -> None:
    system = cluster(4, 2)
    at = elements(system)
    never = Clause("Never", lambda s: z3.Not(s.believed(at["t1"], at["op-x"], at["x"])))
    schedule = (*SEALED, "Hold", "Hold", "Stop", "Stop", "Close", "Answer", "Answer", "Believe")
    assert scheduled(system, never, schedule).verdict.is_violated
