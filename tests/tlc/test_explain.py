"""Explanations of refused steps: never wrong about legality, and precise about the false conjunct."""

import itertools
import random
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tlacheck.engine import Engine
from tlacheck.tlc import OracleState, Spec, SpecOracle
from tlacheck.tlc._formula import Formula, Reader
from tlacheck.tlc._reason import because
from tlacheck.tlc._walk import Cause, Walk
from tlacheck.tlc.explain import Explanation, explain
from tlacheck.trace import State
from tlacheck.values import ModelValue, Value

ANN, BOB = ModelValue("ann"), ModelValue("bob")


@pytest.fixture(scope="module")
def turnstile(engine: Engine, specs: Path) -> SpecOracle:
    return SpecOracle(Spec.load(specs / "Turnstile.tla"), engine=engine)


@pytest.fixture(scope="module")
def maze(engine: Engine, specs: Path) -> SpecOracle:
    return SpecOracle(Spec.load(specs / "Maze.tla"), engine=engine)


def _reader(oracle: SpecOracle) -> Reader:
    return Reader(oracle.spec, oracle._tool, oracle._stage.classes)


def _event(action: str, **arguments: Value) -> State:
    return State({"action": action, **arguments})


def _explained(oracle: SpecOracle, before: Mapping[str, Value], after: Mapping[str, Value]) -> Explanation:
    full = {"event": _event("Init"), **before}
    return explain(oracle, oracle.state(full), oracle.state(after))[0]


# --- the explanations ------------------------------------------------------------------------------


def test_a_false_guard_is_named_with_the_values_it_reads(turnstile: SpecOracle) -> None:
    before = {"coins": 0, "passed": frozenset()}
    after = {"coins": 0, "passed": frozenset({ANN}), "event": _event("Pass", visitor=ANN)}
    found = _explained(turnstile, before, after)
    assert (found.action, dict(found.arguments)) == ("PassEvent", {"v": ANN})
    assert not found.allowed
    assert found.conjunct == "coins > 0"
    assert (Path(found.location.file).name, found.location.line, found.location.column) == (
        "Turnstile.tla",
        13,
        15,
    )
    assert found.values == {"coins": (0, 0)}
    assert str(found).startswith("PassEvent(v |-> ann) is not enabled: coins > 0 is FALSE (coins = 0), at ")
    assert str(found).endswith("Turnstile.tla:13:15")
    assert repr(found) == f"Explanation({found})"


def test_a_wrong_value_is_named_with_the_expected_one(turnstile: SpecOracle) -> None:
    before = {"coins": 0, "passed": frozenset({BOB})}
    found = _explained(turnstile, before, {"coins": 2, "passed": frozenset({BOB}), "event": _event("Coin")})
    assert found.reason == "would set coins to 1, observed 2"
    assert found.conjunct == "coins' = coins + 1"
    assert (found.passed, found.failed) == (3, 1)


def test_a_variable_that_should_be_unchanged_is_named(turnstile: SpecOracle) -> None:
    before = {"coins": 0, "passed": frozenset({BOB})}
    found = _explained(turnstile, before, {"coins": 1, "passed": frozenset(), "event": _event("Coin")})
    assert found.reason == "leaves passed as it is ({bob}), observed {}"
    assert found.conjunct == "UNCHANGED passed"
    assert found.values == {"passed": (frozenset({BOB}), frozenset())}


def test_the_events_action_comes_first_with_its_witness(turnstile: SpecOracle) -> None:
    before = {"coins": 1, "passed": frozenset({ANN, BOB})}
    found = _explained(
        turnstile, before, {"coins": 2, "passed": frozenset({ANN}), "event": _event("Leave", visitor=BOB)}
    )
    assert (found.action, dict(found.witness)) == ("LeaveEvent", {"v": BOB})
    assert found.reason == "leaves coins as it is (1), observed 2"


def test_without_an_event_the_nearest_action_comes_first(turnstile: SpecOracle) -> None:
    before = {"coins": 1, "passed": frozenset({ANN})}
    found = _explained(turnstile, before, {"coins": 5, "passed": frozenset()})
    assert (found.action, found.reason) == ("LeaveEvent", "leaves coins as it is (1), observed 5")
    found = _explained(turnstile, before, {"coins": 0, "passed": frozenset({BOB})})
    assert (found.action, found.arguments["v"]) == ("PassEvent", BOB)
    assert found.reason == "would set passed to {ann, bob}, observed {bob}"


def test_an_empty_quantifier_domain_is_named(turnstile: SpecOracle) -> None:
    before = {"coins": 1, "passed": frozenset()}
    found = _explained(turnstile, before, {"coins": 1, "event": _event("Leave", visitor=BOB)})
    assert found.action == "LeaveEvent"
    assert "is FALSE (passed = {})" in found.reason


def test_an_allowed_step_is_explained_by_its_actions(turnstile: SpecOracle) -> None:
    (state,) = turnstile.initial_states()
    coin = turnstile.successors(state, "Coin")[0].state
    (found,) = explain(turnstile, state, coin)
    assert (found.action, found.allowed, found.failed) == ("CoinEvent", True, 0)
    passed = turnstile.successors(coin, "Pass", {"visitor": BOB})[0].state
    (found,) = explain(turnstile, coin, passed)
    assert (found.action, dict(found.arguments), found.reason) == ("PassEvent", {"v": BOB}, "allows the step")
    (found,) = explain(turnstile, passed, turnstile.successors(passed, "Leave")[0].state)
    assert found.witness == {"v": BOB}


def test_explanations_are_limited_to_the_requested_count(maze: SpecOracle) -> None:
    (state,) = maze.initial_states()
    impossible = maze.state({"x": 9, "y": 9, "b": True})
    assert [len(explain(maze, state, impossible, count=count)) for count in (1, 3, 99)] == [
        1,
        3,
        len(maze._actions),
    ]


@pytest.mark.parametrize(
    ("action", "before", "after", "reason"),
    [
        ("Choose", (0, 2, False), (1, 2, False), "would set y to 0, observed 2"),
        ("Pick", (1, 2, False), (1, 3, True), "would set y to a member of {0, 1}, observed 3"),
        ("Branch", (3, 1, True), (1, 1, False), "leaves b as it is (TRUE), observed FALSE"),
        ("Every", (3, 1, True), (1, 2, True), "would set y to 3, observed 2"),
        ("Passed", (0, 1, True), (1, 1, True), "is not enabled: i > 0 is FALSE (i = 0), for i = 0"),
        ("Instanced", (1, 2, True), (3, 2, True), "would set x to 2, observed 3"),
        ("Recursive", (1, 2, True), (1, 2, True), "would set x to 0, observed 1"),
        ("Recursive", (1, 2, False), (0, 2, False), "is not enabled: b is FALSE"),
        ("Other", (1, 2, True), (1, 2, True), "demands ~(x' = x), which is FALSE (x' = 1, x = 1)"),
        ("Guarded", (2, 2, True), (2, 2, False),
         (r"is not enabled: \E s \in {<<1, 2>>, <<3>>} : Len(s) = x /\ Head(s) > y is FALSE "
          r"(x = 2, y = 2)")),
        ("Implied", (1, 2, True), (1, 2, True), "would set x to 3, observed 1"),
    ],
)  # fmt: skip
def test_each_construct_has_its_own_explanation(
    maze: SpecOracle, action: str, before: tuple[Value, ...], after: tuple[Value, ...], reason: str
) -> None:
    first, second = (maze.state(dict(zip("xyb", values, strict=True))).java for values in (before, after))
    reader = _reader(maze)
    one = next(each.java for each in maze._actions if each.name == action)
    way = Walk(reader, first).nearest(Formula(one.pred, one.con), second)
    assert way is not None
    assert way.fault is not None
    assert because(reader, way.fault, first).text == reason


def test_an_unevaluable_conjunct_is_reported(turnstile: SpecOracle) -> None:
    before = turnstile.state({"coins": "many", "passed": frozenset(), "event": _event("Init")})
    found = explain(turnstile, before, turnstile.state({"coins": 1, "event": _event("Coin")}))[0]
    assert found.action == "CoinEvent"
    assert found.reason.startswith("cannot be evaluated: ")
    assert found.reason.endswith(", in coins < Most")


# --- their correctness -----------------------------------------------------------------------------


def _reachable(oracle: SpecOracle) -> list[OracleState]:
    found = dict.fromkeys(oracle.initial_states())
    for state in (todo := list(found)):
        for step in oracle.successors(state):
            if step.state not in found:
                found[step.state] = None
                todo.append(step.state)
    return list(found)


def _views(
    oracle: SpecOracle, domains: Mapping[str, list[Value]], count: int
) -> Iterator[tuple[OracleState, State]]:
    """Pairs of a state and a partial view of the next one: a successor, mostly changed."""
    choice = random.Random(0)
    states = _reachable(oracle)
    for _ in range(count):
        before = choice.choice(states)
        after = choice.choice(oracle.successors(before) or [None])
        values: dict[str, Value] = dict(before.values if after is None else after.state.values)
        for name in choice.sample(sorted(domains), choice.choice([0, 1, 1, 2])):
            values[name] = choice.choice(domains[name])
        for name in choice.sample(sorted(domains), choice.choice([0, 0, 1, 2])):
            del values[name]
        yield before, State(values)


_DOMAINS: dict[str, dict[str, list[Value]]] = {
    "Maze": {"x": [0, 1, 2, 3, 4, "x"], "y": [0, 1, 2, 3, True], "b": [True, False, 1]},
    "Turnstile": {
        "coins": [0, 1, 2, "many"],
        "passed": [frozenset(members) for n in range(3) for members in itertools.combinations([ANN, BOB], n)],
        "event": [_event("Coin"), _event("Pass", visitor=ANN), _event("Leave", visitor=BOB), 7],
    },
}  # fmt: skip


@pytest.mark.parametrize("module", ["Maze", "Turnstile"])
def test_explanations_agree_with_the_oracle(maze: SpecOracle, turnstile: SpecOracle, module: str) -> None:
    oracle = {"Maze": maze, "Turnstile": turnstile}[module]
    reader = _reader(oracle)
    seen = {True: 0, False: 0}
    for before, view in _views(oracle, _DOMAINS[module], 40):
        after = oracle.state(view)
        allowed = bool(oracle.allows(before, view))
        seen[allowed] += 1
        assert any(each.allowed for each in explain(oracle, before, after, count=1)) == allowed, (
            before,
            view,
        )
        walk = Walk(reader, before.java)
        ways = [walk.nearest(Formula(each.java.pred, each.java.con), after.java) for each in oracle._actions]
        assert any(way is not None and way.fault is None for way in ways) == allowed, (before, view)
        for way in ways:
            if way is not None and way.fault is not None:
                _check_false(reader, way.fault, before.java)
    assert min(seen.values()) > 7


def _check_false(reader: Reader, fault: Any, before: Any) -> None:
    why = because(reader, fault, before)
    if (
        fault.cause is not Cause.ERROR
        and "observed" in why.text
        and reader.text(why.formula).startswith("UNCHANGED")
    ):
        key = reader.variables[fault.variable]
        assert not reader.equal(before.lookup(key), fault.after.lookup(key))
    elif fault.cause is Cause.FALSE:
        assert not reader.holds(why.formula, before, fault.after), reader.text(why.formula)
    elif fault.cause is Cause.VALUE:
        assert not reader.equal(fault.value, fault.after.lookup(reader.variables[fault.variable]))
