"""Strategies choose among legal steps, deterministically by seed, each in its own way."""

import random
from collections import Counter
from collections.abc import Sequence

import pytest

from tests.conform.toys import oracle
from tlacheck.conform.novelty import Novelty, Seen
from tlacheck.conform.strategy import STRATEGIES, Guided, Pct, Random, Strategy, Swarm, strategy_named
from tlacheck.errors import ConfigError
from tlacheck.tlc import OracleState, Successor


def _walk(
    strategy: Strategy, seen: Seen, seed: int, *, length: int = 30, relay: bool = False
) -> list[Successor]:
    """A walk of the spec alone, as in an exploration."""
    judge = oracle("Relay", "Relay") if relay else oracle()
    prefix = strategy.begin(random.Random(seed))
    at: OracleState = prefix.initial or judge.initial_states()[0]
    seen.begin(at)
    taken: list[Successor] = []
    for number in range(length):
        allowed = judge.successors(at)
        step = prefix.steps[number] if number < len(prefix.steps) else strategy.choose(allowed)
        assert any(step.state == each.state and step.action == each.action for each in allowed)
        strategy.took(step, seen.note(at, step))
        taken.append(step)
        at = step.state
    return taken


def _calls(steps: Sequence[Successor]) -> list[tuple[str, object]]:
    return [(step.action, step.arguments) for step in steps]


@pytest.mark.parametrize("name", STRATEGIES)
def test_seeds_determine_the_walks(name: str) -> None:
    def walks(first: int) -> list[list[tuple[str, object]]]:
        seen = Seen(oracle())
        strategy = strategy_named(name)({}, seen, 30)
        return [_calls(_walk(strategy, seen, seed)) for seed in range(first, first + 5)]

    assert walks(0) == walks(0)
    assert walks(0) != walks(5)


def test_random_takes_heavier_actions_more_often() -> None:
    seen = Seen(oracle())
    strategy = Random({"Knock": 18.0}, seen, 300)
    taken = Counter(step.action for step in _walk(strategy, seen, 1, length=300))
    assert taken["Knock"] > 240


def test_swarm_makes_walks_of_different_kinds() -> None:
    """Of 30 walks, some never knock and some do little else; a plain walk always mixes."""
    seen = Seen(oracle())
    swarm, plain = Swarm({}, seen, 30), Random({}, seen, 30)
    shares = [
        [
            sum(step.action == "Knock" for step in _walk(strategy, seen, seed, length=30)) / 30
            for seed in range(30)
        ]
        for strategy in (swarm, plain)
    ]
    assert min(shares[0]) == 0.0
    assert max(shares[0]) > 0.75
    assert 0.2 < min(shares[1]) < max(shares[1]) < 0.8


def test_pct_holds_some_actors_back_for_long() -> None:
    """A node of lowest priority hardly acts while others can; random walks starve no node."""
    seen = Seen(oracle("Relay", "Relay"))

    def heard_late(strategy: Strategy) -> int:
        """The number of actors with a step in the second half of ten walks."""
        walks = [_walk(strategy, seen, seed, length=50, relay=True)[25:] for seed in range(10)]
        return sum(len({(step.action, step.arguments.get("node")) for step in walk}) for walk in walks)

    assert heard_late(Pct({}, seen, 50, changes=6)) < heard_late(Random({}, seen, 50))


def test_pct_continues_with_the_lowest_priorities_alone() -> None:
    seen = Seen(oracle("Countdown", "Countdown"))
    strategy = Pct({}, seen, 3, changes=3)
    strategy.begin(random.Random(0))
    (at,) = oracle("Countdown", "Countdown").initial_states()
    for _ in range(3):
        at = strategy.choose(oracle("Countdown", "Countdown").successors(at)).state
    assert oracle("Countdown", "Countdown").successors(at) == ()


def test_guided_returns_to_where_it_found_something_new() -> None:
    """The first walk finds many new states; later ones begin with a part of it."""
    seen = Seen(oracle())
    strategy = Guided({}, seen, 30)
    first = _calls(_walk(strategy, seen, 0))
    prefixes = [strategy.begin(random.Random(seed)).steps for seed in range(1, 40)]
    lengths = {len(steps) for steps in prefixes}
    assert 0 in lengths, "some walks begin afresh"
    assert len(lengths) > 2
    assert all(_calls(steps) == first[: len(steps)] for steps in prefixes)


def test_guided_prefers_unvisited_states() -> None:
    """Both raises are instances of one action; the state after one of them was seen."""
    judge = oracle()
    seen = Seen(judge)
    strategy = Guided({"Raise": 1.0, "Knock": 0.0}, seen, 30)
    strategy.begin(random.Random(0))
    (at,) = judge.initial_states()
    seen.begin(at)
    allowed = judge.successors(at, "Raise")
    seen.note(at, allowed[0])
    taken = Counter(strategy.choose(allowed).arguments["by"] for _ in range(200))
    assert taken[allowed[1].arguments["by"]] > 160


def test_an_unknown_strategy_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ConfigError, match="no strategy 'greedy'; there are random, swarm, pct, guided"):
        strategy_named("greedy")


def test_only_unseen_states_are_new() -> None:
    judge = oracle()
    seen = Seen(judge)
    (at,) = judge.initial_states()
    seen.begin(at)
    knock, raised = judge.successors(at, "Knock")[0], judge.successors(at, "Raise")[0]
    worths = [seen.note(at, step).worth for step in (raised, raised, raised)]
    assert worths[0] >= worths[1] >= worths[2] == 0.0
    assert seen.note(at, knock).worth > 0.0, "an action that was never taken"
    assert len(seen.states) == 2, "knocking leads back to where it was"
    assert len(seen.transitions) == 2


def test_a_branch_never_taken_before_is_new() -> None:
    judge = oracle()
    seen = Seen(judge)
    (at,) = judge.initial_states()
    seen.begin(at)
    step = judge.successors(at, "Raise")[0]
    for _ in range(3):
        seen.note(at, step, [("core", 1, 2)])
    news: Novelty = seen.note(at, step, [("core", 1, 2), ("core", 1, 3)])
    assert news.worth >= 1.0
    assert seen.branches == {("core", 1, 2), ("core", 1, 3)}
