"""Observations are compared by TLA+'s equality; an adapter that shows a non-value gets an error."""

from typing import Any

import pytest
from immutabledict import immutabledict

from tests.conform.toys import BAD_VALUES, Shows, Tally, state
from tlacheck.conform.comparison import Comparison, deviations, observed
from tlacheck.errors import AdapterError


def test_equal_states_do_not_deviate() -> None:
    assert deviations(state(2), state(2)) == ()


def test_unobserved_variables_are_not_compared() -> None:
    expected = immutabledict(total=2, odd=False, event=immutabledict(action="Raise"))
    assert deviations(expected, immutabledict(total=2)) == ()


def test_each_difference_is_a_line_in_tla_notation() -> None:
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
def test_values_equal_in_python_only_deviate(expected: Any, found: Any) -> None:
    """`True == 1` in Python; in TLA+ they are as different as `TRUE` and `"TRUE"`."""
    (line,) = deviations(immutabledict(x=expected), immutabledict(x=found))
    assert line.startswith("x: the spec has ")


@pytest.mark.parametrize("nested", [False, True], ids=["itself", "inside"])
@pytest.mark.parametrize("value", BAD_VALUES.values(), ids=BAD_VALUES)
def test_a_value_outside_tla_is_an_adapter_error(value: Any, *, nested: bool) -> None:
    found = immutabledict(x=(1, value) if nested else value)
    with pytest.raises(AdapterError, match=f"a {type(value).__name__}: no TLA\\+ value is like it") as caught:
        deviations(immutabledict(x=(1, 2) if nested else 2), found)
    assert str(caught.value).startswith("x[2] is " if nested else "x is ")


def test_a_sequence_written_as_a_function_is_an_adapter_error() -> None:
    with pytest.raises(AdapterError, match=r"x is a function on 1\.\.1: write it as the tuple"):
        deviations(immutabledict(x=("a",)), immutabledict(x=immutabledict({1: "a"})))


def test_a_system_must_show_its_declared_variables() -> None:
    lacking = Shows("odd")
    lacking.total = 2
    with pytest.raises(AdapterError, match=r"Shows\.observe\(\) lacks the variables odd that it promises"):
        observed(lacking)


def test_a_system_must_show_no_undeclared_variables() -> None:
    talking = Shows("odd", odd=False, even=True)
    talking.total = 2
    with pytest.raises(AdapterError, match=r"Shows\.observe\(\) returns even, which its `variables`"):
        observed(talking)


def test_a_conforming_observation_is_returned_unchanged() -> None:
    assert observed(Tally()) == state(0)


def test_a_comparison_agrees_with_a_fresh_look_at_every_state() -> None:
    """Values that stay, change on one side, change on both, and are equal in Python only."""
    kept = immutabledict(a=1)
    runs = [
        (immutabledict(x=kept, y=1), immutabledict(x=kept, y=1)),
        (immutabledict(x=kept, y=1), immutabledict(x=immutabledict(a=1), y=1)),
        (immutabledict(x=kept, y=2), immutabledict(x=kept, y=1)),
        (immutabledict(x=kept, y=2), immutabledict(x=kept, y=2)),
        (immutabledict(x=kept, y=1), immutabledict(x=kept, y=True)),
        (immutabledict(x=kept, y=1), immutabledict(x=kept, y=True)),
        (immutabledict(x=kept, y=1), immutabledict(x=kept, y=1)),
    ]
    comparison = Comparison()
    found = [comparison.deviations(expected, shown) for expected, shown in runs]
    assert found == [deviations(expected, shown) for expected, shown in runs]
    assert [bool(lines) for lines in found] == [False, False, True, False, True, True, False]
