"""TLA+ values in Python: normal forms, differences and texts."""

from typing import Any

import pytest
from hypothesis import given
from immutabledict import immutabledict

from tests.strategies import values
from tlacheck.errors import SpecError, TlacheckError
from tlacheck.tlc._convert import Converter, parse
from tlacheck.values import ModelValue, differences, function, same, to_tla, validate

N1 = ModelValue("n1")


@given(values)
def test_every_value_is_read_back_from_its_tla_text(value: Any) -> None:
    assert same(parse(to_tla(value)), value)


@given(values)
def test_every_value_of_the_strategy_is_valid_and_equal_to_itself(value: Any) -> None:
    validate(value)
    assert same(value, value)
    assert not list(differences(value, value))


@given(values, values)
def test_different_values_have_different_texts(one: Any, other: Any) -> None:
    """The converter caches values by their text, so two values must not share one."""
    assert (to_tla(one) == to_tla(other)) == same(one, other)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("-1..2", frozenset({-1, 0, 1, 2})),
        ("3..2", frozenset()),
        ("<< >>", ()),
        ("( )", ()),
        ("SUBSET {n1}", frozenset({frozenset(), frozenset({N1})})),
        (
            "<<SUBSET (1..2)>>",
            (frozenset({frozenset(), frozenset({1}), frozenset({2}), frozenset({1, 2})}),),
        ),
        ("SUBSET 1..2", frozenset({frozenset(), frozenset({1}), frozenset({2}), frozenset({1, 2})})),
        ('( n1 :>\n      "a, b" @@\n  n2 :> "c" )', immutabledict({N1: "a, b", ModelValue("n2"): "c"})),
        ('{ [ type |-> "Vote",\n    term |-> 1 ] }', frozenset({immutabledict({"type": "Vote", "term": 1})})),
        ("(1 :> 5 @@ 2 :> 6)", (5, 6)),
        (r'"a \"b\" \\ \n\t"', 'a "b" \\ \n\t'),
        ('"TRUE"', "TRUE"),
        ("TRUE", True),
    ],
)
def test_values_printed_by_tlc_are_read(text: str, value: Any) -> None:
    assert same(parse(text), value)


@pytest.mark.parametrize(
    "text", ["Nat", "{Int}", "[S -> T]", "", "1 2", "{1", "{1}}", "<<1, >>", "[a |-> 1", "SUBSET 1..40"]
)
def test_an_infinite_value_is_refused(text: str) -> None:
    with pytest.raises(SpecError, match="cannot list"):
        parse(text)


def test_the_converter_stays_within_its_bound() -> None:
    convert = Converter(size_max=10)
    assert [convert(str(number)) for number in range(100)] == list(range(100))
    assert len(convert._known) <= 10


def test_a_function_on_one_to_n_is_the_tuple() -> None:
    assert function({2: "b", 1: "a"}) == ("a", "b")
    assert function({}) == ()
    assert function({0: "a"}) == immutabledict({0: "a"})
    assert function({True: "a"}) == immutabledict({True: "a"})


def test_true_is_not_one() -> None:
    assert not same(True, 1)
    assert not same((True,), (1,))
    assert not same(frozenset({True}), frozenset({1}))
    assert not same(function({True: 0}), function({1: 0, 2: 0}))
    assert not same(immutabledict({frozenset({True}): 0}), immutabledict({frozenset({1}): 0}))


def test_the_smallest_differing_parts_are_named() -> None:
    one = immutabledict({"log": (1, immutabledict({"term": 1})), "votes": frozenset({N1})})
    other = immutabledict({"log": (1, immutabledict({"term": 2})), "votes": frozenset()})
    assert list(differences(one, other)) == [(".log[2].term", 1, 2), (".votes", frozenset({N1}), frozenset())]


@pytest.mark.parametrize(
    "value", [1.5, None, [1], {"a": 1}, {1}, (1, [2]), immutabledict({1: "a"}), immutabledict()]
)
def test_a_value_outside_tla_is_invalid(value: Any) -> None:
    with pytest.raises(TlacheckError):
        validate(value)
