"""Fast equality by tokens agrees with the plain one and distinguishes TRUE from 1."""

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
def test_tokens_agree_with_plain_equality(one: Any, other: Any) -> None:
    """The naive twin is `values.same`, which compares both values recursively."""
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
def test_values_equal_in_python_only_have_different_tokens(one: Any, other: Any) -> None:
    """Also inside sets and as arguments, where Python's `==` confuses them."""
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
def test_an_object_outside_tla_equals_nothing(value: Any) -> None:
    tokens = Tokens()
    assert not tokens.are_same(2, value)
    assert not tokens.are_same((value, 1), (_again(value), 1))


def _again(value: Any) -> Any:
    """An equal but distinct Python object."""
    return {"two": 2} if isinstance(value, dict) else type(value)(value) if value is not None else ()


def test_clearing_the_tokens_changes_no_answer() -> None:
    """Identities of forgotten values may be reused."""
    tokens = Tokens(kept_max=3)
    for number in range(200):
        assert tokens.are_same((number, "a"), (number, "a"))
        assert not tokens.are_same((number, "a"), (number + 1, "a"))
