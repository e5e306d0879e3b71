"""The quick equality says what the plain one says, and tells TRUE from 1 where Python does not."""

from typing import Any

import pytest
from hypothesis import given
from immutabledict import immutabledict

from tests.conform.toys import BAD_VALUES
from tests.strategies import values
from tlacheck.conform.tokens import Tokens
from tlacheck.values import same

SHARED = Tokens()


@given(one=values, other=values)
def test_it_agrees_with_the_plain_equality(one: Any, other: Any) -> None:
    """Its naive twin is `values.same`, which takes both values apart each time."""
    assert SHARED.are_same(one, other) == same(one, other)


@given(value=values)
def test_a_value_is_the_same_as_its_copy(value: Any) -> None:
    copy = _copied(value)
    assert SHARED.are_same(value, copy)
    assert SHARED.are_same((value,), (copy,))


def _copied(value: Any) -> Any:
    match value:
        case tuple():
            return tuple([_copied(item) for item in value])
        case frozenset():
            return frozenset([_copied(member) for member in value])
        case immutabledict():
            return immutabledict([(_copied(key), _copied(item)) for key, item in value.items()])
        case _:
            return value


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (True, 1),
        (False, 0),
        ((1,), (True,)),
        (frozenset({1}), frozenset({True})),
        (immutabledict({1: "a", 3: "b"}), immutabledict({True: "a", 3: "b"})),
        (frozenset({immutabledict(a=1)}), frozenset({immutabledict(a=True)})),
        (frozenset({frozenset({0})}), frozenset({frozenset({False})})),
    ],
)
def test_what_python_takes_for_equal_and_tla_does_not_is_told_apart(one: Any, other: Any) -> None:
    """Also inside of sets and as arguments, where Python's `==` is fooled."""
    assert one == other
    assert not Tokens().are_same(one, other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ((), frozenset()),
        ((), immutabledict()),
        ("1", 1),
        (frozenset({(1, 2)}), ((1, 2),)),
        ((("a", 1),), immutabledict(a=1)),
    ],
)
def test_values_of_different_kinds_differ(one: Any, other: Any) -> None:
    assert not Tokens().are_same(one, other)


@pytest.mark.parametrize("value", BAD_VALUES.values(), ids=BAD_VALUES)
def test_what_is_no_value_is_equal_to_nothing(value: Any) -> None:
    tokens = Tokens()
    assert not tokens.are_same(2, value)
    assert not tokens.are_same((value, 1), (_again(value), 1))


def _again(value: Any) -> Any:
    """Another object that Python holds equal."""
    return {"two": 2} if isinstance(value, dict) else type(value)(value) if value is not None else ()


def test_starting_over_changes_no_answer() -> None:
    """Values that are forgotten may give their identities to others."""
    tokens = Tokens(kept_max=3)
    for number in range(200):
        assert tokens.are_same((number, "a"), (number, "a"))
        assert not tokens.are_same((number, "a"), (number + 1, "a"))
