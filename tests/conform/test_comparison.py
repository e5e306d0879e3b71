"""What a system shows is compared by TLA+'s equality, and an adapter that shows nonsense is told so."""

from typing import Any

import pytest
from immutabledict import immutabledict

from tests.conform.toys import BAD_VALUES, Shows, Tally, state
from tlacheck.conform.comparison import deviations, observed
from tlacheck.errors import AdapterError


def test_equal_states_do_not_deviate() -> None:
    assert deviations(state(2), state(2)) == ()


def test_variables_that_the_system_does_not_show_are_not_compared() -> None:
    expected = immutabledict(total=2, odd=False, event=immutabledict(action="Raise"))
    assert deviations(expected, immutabledict(total=2)) == ()


def test_each_part_that_differs_is_a_line_in_the_words_of_tla() -> None:
    assert deviations(state(2), state(3)) == (
        "total: the spec has 2, the system has 3",
        "odd: the spec has FALSE, the system has TRUE",
    )


def test_only_the_smallest_differing_parts_are_named() -> None:
    expected = immutabledict(log=(immutabledict(term=1, value="a"), immutabledict(term=1, value="b")))
    found = immutabledict(log=(immutabledict(term=1, value="a"), immutabledict(term=2, value="b")))
    assert deviations(expected, found) == ("log[2].term: the spec has 1, the system has 2",)


@pytest.mark.parametrize(
    ("expected", "found"), [(True, 1), (False, 0), (1, True), ("1", 1), ((), frozenset())]
)
def test_values_that_python_may_hold_equal_and_tla_does_not_deviate(expected: Any, found: Any) -> None:
    """`True == 1` in Python; in TLA+ they are as different as `TRUE` and `"TRUE"`."""
    (line,) = deviations(immutabledict(x=expected), immutabledict(x=found))
    assert line.startswith("x: the spec has ")


@pytest.mark.parametrize("nested", [False, True], ids=["itself", "inside"])
@pytest.mark.parametrize("value", BAD_VALUES.values(), ids=BAD_VALUES)
def test_what_is_no_tla_value_is_the_adapters_fault_and_not_a_deviation(value: Any, *, nested: bool) -> None:
    found = immutabledict(x=(1, value) if nested else value)
    with pytest.raises(AdapterError, match=f"a {type(value).__name__}: no TLA\\+ value is like it") as caught:
        deviations(immutabledict(x=(1, 2) if nested else 2), found)
    assert str(caught.value).startswith("x[2] is " if nested else "x is ")


def test_a_sequence_that_is_spelt_as_a_function_is_the_adapters_fault() -> None:
    with pytest.raises(AdapterError, match=r"x is a function on 1\.\.1: write it as the tuple"):
        deviations(immutabledict(x=("a",)), immutabledict(x=immutabledict({1: "a"})))


def test_a_system_must_show_the_variables_that_it_promises() -> None:
    lacking = Shows("odd")
    lacking.total = 2
    with pytest.raises(AdapterError, match=r"Shows\.observe\(\) lacks the variables odd that it promises"):
        observed(lacking)


def test_a_system_must_show_no_others() -> None:
    talking = Shows("odd", odd=False, even=True)
    talking.total = 2
    with pytest.raises(AdapterError, match=r"Shows\.observe\(\) returns even, which its `variables`"):
        observed(talking)


def test_a_system_that_keeps_its_promise_is_taken_at_its_word() -> None:
    assert observed(Tally()) == state(0)
