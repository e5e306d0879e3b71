"""Named operators of a spec, evaluated in a state of its oracle."""

from pathlib import Path

import pytest

from tlacheck.engine import Engine
from tlacheck.errors import SpecError, TraceError
from tlacheck.tlc import Spec, SpecOracle
from tlacheck.values import ModelValue, Value

ANN, BOB = ModelValue("ann"), ModelValue("bob")


@pytest.fixture(scope="module")
def oracle(engine: Engine, specs: Path) -> SpecOracle:
    return SpecOracle(Spec.load(specs / "Turnstile.tla"), engine=engine)


@pytest.mark.parametrize(
    ("name", "arguments", "value"),
    [
        ("Price", (3,), 6),
        ("Most", (), 2),
        ("Visitors", (), frozenset({ANN, BOB})),
        ("coins", (), 0),
        ("pure", (), (0, frozenset())),
        ("MayPass", (ANN,), False),
        ("Sane", (), True),
    ],
)
def test_names_of_a_spec_have_a_value_in_a_state(
    oracle: SpecOracle, name: str, arguments: tuple[Value, ...], value: Value
) -> None:
    (state,) = oracle.initial_states()
    assert oracle.evaluate(name, state, *arguments) == value


def test_a_constant_expression_needs_no_state(oracle: SpecOracle) -> None:
    assert oracle.evaluate("Price", None, 4) == 8
    with pytest.raises(SpecError, match="Sane depends on coins: give a state"):
        oracle.evaluate("Sane")
    with pytest.raises(SpecError, match="coins has a value in a state only, and there is none"):
        oracle.evaluate("coins")


def test_an_action_holds_in_the_steps_that_it_allows(oracle: SpecOracle) -> None:
    (state,) = oracle.initial_states()
    coin = oracle.successors(state, "Coin")[0].state
    assert oracle.holds("CoinEvent", state, after=coin)
    assert not oracle.holds("CoinEvent", coin, after=state)
    assert not oracle.holds("PassEvent", state, ANN, after=coin)
    with pytest.raises(SpecError, match="CoinEvent has primed variables: give the state after the step"):
        oracle.holds("CoinEvent", state)


def test_unevaluable_operators_are_refused(oracle: SpecOracle) -> None:
    (state,) = oracle.initial_states()
    with pytest.raises(SpecError, match="Turnstile neither defines nor declares Prise; do you mean Price?"):
        oracle.evaluate("Prise", state, 1)
    with pytest.raises(SpecError, match="Price takes 1 argument, not 2"):
        oracle.evaluate("Price", state, 1, 2)
    with pytest.raises(SpecError, match="Price is 2: neither TRUE nor FALSE"):
        oracle.holds("Price", state, 1)
    with pytest.raises(SpecError, match=r"Nat is .*: endless, or too large to be listed"):
        oracle.evaluate("Nat", state)
    with pytest.raises(TraceError, match="no model value eve; it has ann, bob"):
        oracle.evaluate("MayPass", state, ModelValue("eve"))
    with pytest.raises(SpecError) as caught:
        oracle.evaluate("Price", state, "much")
    assert caught.value.location is not None
    assert caught.value.location.line == 26
