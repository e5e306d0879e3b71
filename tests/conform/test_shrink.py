"""A failing run is made short, stays legal for the spec up to its last step, and still fails there."""

from collections.abc import Callable

import attrs
import pytest

from tests.conform.toys import Crashes, Refuses, Shows, Tally, Wraps, oracle, run
from tlacheck import itf
from tlacheck.conform.comparison import deviations
from tlacheck.conform.replay import replay
from tlacheck.conform.shrink import shrink
from tlacheck.conform.walk import walk_and_replay
from tlacheck.tlc import OracleState
from tlacheck.trace import Trace

#: Raising is as likely as all else, so that walks get far.
_WEIGHTS = {"Raise": 2.0, "Reset": 0.3, "Knock": 3.0}


def _failing(make: Callable[[], Tally], *, longer_than: int = 15) -> Trace:
    """A long walk that the system leaves."""
    for seed in range(200):
        found = walk_and_replay(oracle(), make(), seed=seed, steps=60, weights=_WEIGHTS)
        if found.violation is not None and len(found) > longer_than:
            return found
    raise AssertionError("no walk fails so late")


def _check_legal_up_to_its_last_step(trace: Trace, make: Callable[[], Tally]) -> None:
    """The oracle and a fresh system, asked once more, step by step."""
    judge, system = oracle(), make()
    (at,) = judge.initial_states()
    system.reset(at.values)
    for number, step in enumerate(trace.steps, start=1):
        allowed = judge.successors(at, step.action, step.arguments)
        assert allowed, f"the spec does not take step {number}, {step.action}"
        matching: list[OracleState] = [
            each.state for each in allowed if not deviations(each.state.values, step.state)
        ]
        if number == len(trace):
            assert not matching, "the last step conforms"
            assert trace.violation is not None
            assert trace.violation.step == number
            assert trace.violation.expected == allowed[0].state.values
        else:
            (at,) = matching
            system.perform(step.action, step.arguments)
            assert system.observe() == step.state


@pytest.mark.parametrize(
    ("make", "steps"),
    [(Wraps, 3), (Refuses, 3), (Crashes, 4), (lambda: Shows("odd", odd=True), 1)],
    ids=["wrong value", "not possible", "falls over", "wrong at 2"],
)
def test_a_long_failing_run_becomes_a_shortest_one(make: Callable[[], Tally], steps: int) -> None:
    """Wraps and Refuses need a total above 4, three raises at least, Crashes one more; `Shows` needs one raise."""
    failing = _failing(make, longer_than=15 if steps > 1 else 3)
    shrunk = shrink(failing, oracle(), make)
    assert steps <= len(shrunk) <= steps + 2
    assert {step.action for step in shrunk.steps} == {"Raise"}
    _check_legal_up_to_its_last_step(shrunk, make)


def test_the_shrunk_run_keeps_the_property_and_the_origin_of_the_long_one() -> None:
    failing = _failing(Wraps)
    shrunk = shrink(failing, oracle(), Wraps)
    assert shrunk.origin == failing.origin
    assert shrunk.violation is not None
    assert failing.violation is not None
    assert shrunk.violation.property == failing.violation.property
    assert shrunk.violation.explanation[0] == "after Raise, 2 part(s) of the state differ:"


def test_the_same_failing_run_is_shrunk_to_the_same_one() -> None:
    failing = _failing(Wraps)
    first, again = (itf.to_json(shrink(failing, oracle(), Wraps)) for _ in range(2))
    assert first == again


def test_what_cannot_be_shorter_stays_as_it_is() -> None:
    trace = run(*[("Raise", {"by": 2})] * 3)
    failing = replay(trace, Wraps())
    shrunk = shrink(failing, oracle(), Wraps)
    assert [step.action for step in shrunk.steps] == ["Raise"] * 3
    _check_legal_up_to_its_last_step(shrunk, Wraps)


def test_with_no_tries_the_run_is_given_back() -> None:
    failing = _failing(Wraps)
    assert shrink(failing, oracle(), Wraps, tries_max=0) == failing


def test_more_tries_never_give_a_longer_run() -> None:
    failing = _failing(Wraps)
    lengths = [len(shrink(failing, oracle(), Wraps, tries_max=tries)) for tries in (0, 2, 5, 20, 400)]
    assert lengths == sorted(lengths, reverse=True)
    assert lengths[-1] < lengths[0]


def test_a_run_that_only_failed_once_is_given_back() -> None:
    """A system that fails now and then is not made to fail by leaving steps out."""
    failing = _failing(Wraps)
    assert shrink(failing, oracle(), Tally) == failing


def test_a_run_that_does_not_fail_is_given_back() -> None:
    good = attrs.evolve(_failing(Wraps), violation=None)
    assert shrink(good, oracle(), Wraps) == good
