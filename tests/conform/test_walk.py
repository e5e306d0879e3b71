"""Random walks are behaviours of the spec, determined by their seed, and follow the weights."""

from collections import Counter
from collections.abc import Mapping

from tests.conform.toys import Tally, Wraps, oracle
from tlacheck import itf
from tlacheck.conform.walk import random_walk, walk_and_replay


def _actions(weights: Mapping[str, float], walks: int = 20) -> Counter[str]:
    return Counter(
        step.action
        for seed in range(walks)
        for step in random_walk(oracle(), seed=seed, steps=30, weights=weights).steps
    )


def test_a_walk_takes_steps_that_the_spec_allows() -> None:
    judge = oracle()
    walk = random_walk(judge, seed=1, steps=40)
    assert len(walk) == 40
    (at,) = judge.initial_states()
    assert walk.initial == at.values
    for step in walk.steps:
        (at,) = [
            successor.state
            for successor in judge.successors(at, step.action, step.arguments)
            if successor.state.values == step.state
        ]


def test_a_seed_determines_the_walk() -> None:
    first, again = (itf.to_json(random_walk(oracle(), seed=5, steps=30)) for _ in range(2))
    assert first == again
    assert first != itf.to_json(random_walk(oracle(), seed=6, steps=30))


def test_a_walk_ends_in_a_terminal_state() -> None:
    walk = random_walk(oracle("Countdown", "Countdown"), seed=0, steps=10)
    assert [step.action for step in walk.steps] == ["Tick"] * 3


def test_a_walk_records_its_origin() -> None:
    origin = random_walk(oracle(), seed=11, steps=1).origin
    assert (origin.source, origin.seed, origin.engine) == ("oracle", 11, oracle().engine.label)
    assert origin.spec.endswith("Tally.tla")
    assert origin.config.endswith("Tally.cfg")


def test_an_action_of_weight_0_is_not_taken() -> None:
    taken = _actions({"Reset": 0.0})
    assert taken["Reset"] == 0
    assert taken["Raise"] > 0
    assert taken["Knock"] > 0


def test_heavier_actions_are_taken_more_often_in_proportion() -> None:
    """Knock is always enabled, and so is Reset or Raise: of 600 choices, 9 in 10 or 1 in 10 or so."""
    often, seldom = _actions({"Knock": 18.0}), _actions({"Knock": 0.2})
    assert often["Knock"] > 480
    assert seldom["Knock"] < 120


def test_an_action_with_many_instances_is_not_favoured() -> None:
    """At 8 the toy may knock in two ways or reset in one: it resets half of the time, not a third."""
    taken: Counter[str] = Counter()
    for seed in range(40):
        walk = random_walk(oracle(), seed=seed, steps=60, weights={"Raise": 9.0})
        taken.update(
            step.action for before, step in zip(walk.states, walk.steps, strict=False) if before["total"] == 8
        )
    assert set(taken) == {"Knock", "Reset"}
    assert 0.42 < taken["Reset"] / taken.total() < 0.58


def test_a_walk_finds_a_wrong_system() -> None:
    assert walk_and_replay(oracle(), Tally(), seed=0, steps=30).violation is None
    found = [walk_and_replay(oracle(), Wraps(), seed=seed, steps=30) for seed in range(10)]
    assert any(run.violation is not None for run in found)
