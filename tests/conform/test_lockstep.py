"""Lockstep judges each step of a system as it is taken and gives the trace of a wrong one."""

from collections.abc import Mapping

import pytest
from immutabledict import immutabledict

from tests.conform.toys import CALLS, Crashes, P, Refuses, Shows, Tally, Wraps, oracle, state
from tlacheck import itf
from tlacheck.conform.lockstep import Diverged, Lockstep
from tlacheck.conform.system import NotPossible
from tlacheck.errors import AdapterError
from tlacheck.trace import Violation
from tlacheck.values import Value


def _diverges(lockstep: Lockstep, action: str, arguments: Mapping[str, Value]) -> Violation:
    """The violation in which this step ends; its trace goes up to the wrong step."""
    with pytest.raises(Diverged) as caught:
        lockstep.perform(action, arguments)
    trace = caught.value.trace
    assert trace.violation is not None
    assert trace.violation.step == len(trace)
    assert trace.steps[-1].action == action
    assert itf.from_json(itf.to_json(trace)) == trace
    assert str(caught.value).startswith(f"conforms to Tally: violated at step {len(trace)}\n")
    return trace.violation


def test_a_right_system_is_allowed_every_step() -> None:
    lockstep = Lockstep(Tally(), oracle(), seed=7, command="repeat me")
    for action, arguments in CALLS:
        lockstep.perform(action, arguments)
    trace = lockstep.trace
    assert trace.violation is None
    assert trace.states == tuple(map(state, (0, 0, 1, 2, 0, 2)))
    assert trace.steps[0].arguments == {"who": P}
    assert (trace.origin.seed, trace.origin.command) == (7, "repeat me")
    assert lockstep.state == state(2)


def test_a_wrong_value_ends_the_run_at_its_step() -> None:
    lockstep = Lockstep(Wraps(), oracle())
    lockstep.perform("Raise", {"by": 2})
    lockstep.perform("Raise", {"by": 2})
    violation = _diverges(lockstep, "Raise", {"by": 2})
    assert violation.explanation == (
        "after Raise, 2 part(s) of the state differ:",
        "total: the spec has 6, the system has 1",
        "odd: the spec has FALSE, the system has TRUE",
    )
    assert violation.expected is not None
    assert violation.expected["total"] == 6


def test_one_in_place_of_true_ends_the_run() -> None:
    lockstep = Lockstep(Shows("odd", odd=0), oracle())
    violation = _diverges(lockstep, "Raise", {"by": 2})
    assert violation.explanation[1:] == ("odd: the spec has FALSE, the system has 0",)


def test_an_illegal_step_is_named_with_the_legal_ones() -> None:
    lockstep = Lockstep(Tally(), oracle())
    violation = _diverges(lockstep, "Raise", {"by": 7})
    assert violation.explanation == ("the spec allows no Raise(by = 7) here.", "enabled are: Knock, Raise")
    assert violation.expected is None


def test_a_disabled_action_is_a_divergence() -> None:
    lockstep = Lockstep(Tally(), oracle())
    violation = _diverges(lockstep, "Reset", {})
    assert violation.explanation[0] == "the spec allows no Reset() here."


def test_any_of_several_legal_outcomes_is_accepted() -> None:
    lockstep = Lockstep(Tally(), oracle("TallyGuess"))
    assert lockstep.perform("Guess", {}) == state(4)
    assert lockstep.perform("Raise", {"by": 1}) == state(5)


def test_the_nearest_of_several_outcomes_is_named() -> None:
    class Off(Tally):
        def perform(self, action: str, arguments: Mapping[str, Value]) -> None:
            del action, arguments
            self.total = 5

    violation = _diverges(Lockstep(Off(), oracle("TallyGuess")), "Guess", {})
    assert violation.explanation == (
        "after Guess, 1 part(s) of the state differ:",
        "total: the spec has 3, the system has 5",
    )
    assert violation.expected is not None
    assert violation.expected["total"] == 3


def test_without_a_judge_the_run_is_only_recorded() -> None:
    lockstep = Lockstep(Wraps(), oracle(), judged=False)
    for _ in range(3):
        lockstep.perform("Raise", {"by": 2})
    lockstep.perform("Raise", {"by": 7})
    assert [each["total"] for each in lockstep.trace.states] == [0, 2, 4, 1, 3]
    assert lockstep.trace.violation is None


def test_a_step_that_the_system_refuses_is_not_recorded() -> None:
    lockstep = Lockstep(Refuses(), oracle())
    lockstep.perform("Raise", {"by": 2})
    lockstep.perform("Raise", {"by": 2})
    with pytest.raises(NotPossible, match="4 and 2 are more than 4"):
        lockstep.perform("Raise", {"by": 2})
    assert len(lockstep.trace) == 2
    assert lockstep.perform("Reset", {}) == state(0)


@pytest.mark.parametrize("judged", [True, False])
def test_an_exception_of_the_system_ends_the_run(*, judged: bool) -> None:
    lockstep = Lockstep(Crashes(), oracle(), judged=judged)
    for by in (2, 2, 1):
        lockstep.perform("Raise", {"by": by})
    violation = _diverges(lockstep, "Raise", {"by": 1})
    assert violation.explanation[0].startswith(
        "the system cannot take Raise: it raised IndexError: tuple index out of range (toys.py:"
    )


def test_a_wrong_initial_state_is_found_at_once() -> None:
    class Late(Tally):
        def reset(self, initial: Mapping[str, Value]) -> None:
            self.total = initial["total"] + 1

    with pytest.raises(Diverged, match="initially, the states differ") as caught:
        Lockstep(Late(), oracle())
    assert caught.value.trace.violation is not None
    assert caught.value.trace.violation.step == 0


def test_adapter_errors_are_no_findings() -> None:
    with pytest.raises(AdapterError, match="no input for Dance"):
        Lockstep(Tally(), oracle()).perform("Dance", {})
    with pytest.raises(AdapterError, match="lacks the variables odd"):
        Lockstep(Shows("odd"), oracle()).perform("Raise", {"by": 2})
    with pytest.raises(AdapterError, match="odd is None"):
        Lockstep(Shows("odd", odd=None), oracle()).perform("Raise", {"by": 2})


def test_a_violation_by_another_judge_ends_the_run_too() -> None:
    lockstep = Lockstep(Tally(), oracle())
    lockstep.perform("Raise", {"by": 2})
    with pytest.raises(Diverged, match=r"NeverTwo: violated at step 1\nthe total is 2") as caught:
        lockstep.fail("NeverTwo", ("the total is 2",))
    assert caught.value.trace.violation == Violation(
        property="NeverTwo", step=1, explanation=("the total is 2",)
    )


def test_a_judge_may_reject_a_whole_run() -> None:
    lockstep = Lockstep(Tally(), oracle())
    with pytest.raises(Diverged, match=r"^Progress: violated\nnothing happened$") as caught:
        lockstep.fail("Progress", ("nothing happened",), lasting=True)
    assert caught.value.trace.violation == Violation(
        property="Progress", step=None, explanation=("nothing happened",)
    )


def test_a_divergence_is_an_assertion_error() -> None:
    """So that pytest and Hypothesis treat it as a failure."""
    assert issubclass(Diverged, AssertionError)
    assert immutabledict(state(0)) == Lockstep(Tally(), oracle()).state
