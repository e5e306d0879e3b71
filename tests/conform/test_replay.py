"""Replay drives a system along a trace and stops at the first difference."""

from typing import Any

import attrs
import pytest
from immutabledict import immutabledict

from tests.conform.toys import BAD_VALUES, CALLS, Crashes, Refuses, Shows, Tally, Wraps, oracle, run, state
from tlacheck import itf
from tlacheck.conform.replay import conformance, replay
from tlacheck.conform.walk import walk_and_replay
from tlacheck.errors import AdapterError, TraceError
from tlacheck.trace import Step, Trace


def test_a_right_system_follows_to_the_end() -> None:
    trace = run(*CALLS)
    found = replay(trace, Tally())
    assert found.violation is None
    assert [step.action for step in found.steps] == [step.action for step in trace.steps]
    assert found.states == tuple(map(state, (0, 0, 1, 2, 0, 2)))


def test_the_run_records_its_origin() -> None:
    trace = run(*CALLS)
    origin = replay(trace, Tally()).origin
    assert (origin.source, origin.spec) == ("replay", trace.origin.spec)
    assert "tlacheck" in origin.versions


def test_a_right_system_follows_walks_of_the_spec() -> None:
    for seed in range(10):
        found = walk_and_replay(oracle(), Tally(), seed=seed, steps=25)
        assert (found.violation, len(found)) == (None, 25)


def _violation(system: Tally, trace: Trace | None = None) -> tuple[Trace, int | None, tuple[str, ...]]:
    found = replay(trace or run(*CALLS), system)
    assert found.violation is not None
    assert found.violation.property == "conforms to Tally"
    return found, found.violation.step, found.violation.explanation


def test_a_wrong_value_ends_the_run_with_the_expected_one() -> None:
    trace = run(*CALLS)
    found, step, explanation = _violation(Shows("total", total=3))
    assert step == len(found) == 3
    assert explanation == (
        "after Raise, 1 part(s) of the state differ:",
        "total: the spec has 2, the system has 3",
    )
    assert found.violation is not None
    assert found.violation.expected == trace.states[3]
    assert found.states[3] == state(3, odd=False)


def test_a_diverging_run_survives_writing_and_reading() -> None:
    found, _, _ = _violation(Shows("total", total=3))
    assert itf.from_json(itf.to_json(found)) == found


def test_one_in_place_of_true_is_a_wrong_value() -> None:
    _, step, explanation = _violation(Shows("odd", odd=0))
    assert step == 3
    assert explanation[1:] == ("odd: the spec has FALSE, the system has 0",)


@pytest.mark.parametrize("value", BAD_VALUES.values(), ids=BAD_VALUES)
def test_a_value_outside_tla_ends_the_replay_as_an_adapter_error(value: Any) -> None:
    with pytest.raises(AdapterError, match=f"total is .*, a {type(value).__name__}: no TLA"):
        replay(run(*CALLS), Shows("total", total=value))


def test_a_missing_variable_is_an_adapter_error() -> None:
    with pytest.raises(AdapterError, match="lacks the variables total that it promises"):
        replay(run(*CALLS), Shows("total"))


def test_an_undeclared_variable_is_an_adapter_error() -> None:
    with pytest.raises(AdapterError, match="returns colour, which"):
        replay(run(*CALLS), Shows("total", total=2, colour="red"))


def test_a_wrong_initial_state_is_step_0_and_performs_nothing() -> None:
    class Late(Tally):
        def reset(self, initial: Any) -> None:
            self.total = initial["total"] + 1

    found, step, explanation = _violation(Late())
    assert (step, len(found)) == (0, 0)
    assert explanation[0] == "after Init, 2 part(s) of the state differ:"


def test_a_refused_step_is_a_finding() -> None:
    trace = run(("Raise", {"by": 2}), ("Raise", {"by": 2}), ("Raise", {"by": 1}), ("Reset", {}))
    found, step, explanation = _violation(Refuses(), trace)
    assert step == len(found) == 3
    assert explanation == ("the spec takes Raise, the system cannot: 4 and 1 are more than 4",)
    assert found.states[3] == state(4)
    assert found.violation is not None
    assert found.violation.expected == trace.states[3]


def test_an_exception_is_a_finding_with_its_location() -> None:
    trace = run(*[("Raise", {"by": 2})] * 2, ("Raise", {"by": 1}), ("Raise", {"by": 1}), ("Reset", {}))
    found, step, explanation = _violation(Crashes(), trace)
    assert step == len(found) == 4
    assert explanation[0].startswith(
        "the spec takes Raise, the system cannot: it raised IndexError: tuple index out of range (toys.py:"
    )
    assert explanation[0].endswith(", in raise_by)")
    assert found.states[4] == found.states[3] == state(5)


def test_a_wrong_system_diverges_at_the_step_that_shows_it() -> None:
    trace = run(("Raise", {"by": 2}), ("Raise", {"by": 2}), ("Raise", {"by": 1}), ("Reset", {}))
    _, step, explanation = _violation(Wraps(), trace)
    assert step == 3
    assert explanation[1:] == (
        "total: the spec has 5, the system has 0",
        "odd: the spec has TRUE, the system has FALSE",
    )


def test_an_action_unknown_to_the_adapter_is_an_adapter_error() -> None:
    trace = run(*CALLS)
    strange = attrs.evolve(trace, steps=(*trace.steps[:2], attrs.evolve(trace.steps[2], action="Dance")))
    with pytest.raises(AdapterError, match="no input for Dance"):
        replay(strange, Tally())


def test_a_trace_without_actions_is_refused_before_any_step() -> None:
    class Untouched(Tally):
        def reset(self, initial: Any) -> None:
            raise AssertionError(initial)

    trace = run(*CALLS)
    silent = attrs.evolve(trace, steps=(trace.steps[0], attrs.evolve(trace.steps[1], action="")))
    with pytest.raises(TraceError, match="step 2 does not name its action: check a module with an `event`"):
        replay(silent, Untouched())


def test_a_trace_of_another_spec_is_refused() -> None:
    trace = run(*CALLS)
    initial = immutabledict(left=3)
    other = attrs.evolve(trace, initial=initial, steps=(Step("Tick", immutabledict(), initial),))
    with pytest.raises(
        TraceError, match=r"the trace lacks the variables odd, total .*: is it of another spec"
    ):
        replay(other, Tally())


def test_a_trace_that_loses_a_variable_is_refused() -> None:
    trace = run(*CALLS)
    short = attrs.evolve(trace.steps[1], state=immutabledict(total=1))
    with pytest.raises(TraceError, match="the state after step 2 lacks the variables odd"):
        replay(attrs.evolve(trace, steps=(trace.steps[0], short)), Tally())


def test_the_violated_property_names_the_spec() -> None:
    assert conformance("specs/raft/RaftEvents.tla") == "conforms to RaftEvents"
    assert conformance("") == "conforms to its spec"
