"""Exploration steps a second of Raft with three servers, by strategy, with and without branch coverage.

A step consists of the enumeration of the allowed steps, a choice, the step of the system, and the
comparison of the whole state. The baseline is the plain random walk (`walk_and_replay`), which makes
the walk first and replays it afterwards, without remembering it.
"""

import functools

from benchmarks._machine import begin, leave, seconds, show, sized
from property_tests.raft.adapter import RaftSystem
from property_tests.raft.replays import REPLAYS
from property_tests.raft.settings import oracle_for
from tlacheck.conform.explore import Plan, explore
from tlacheck.conform.strategy import STRATEGIES
from tlacheck.conform.walk import walk_and_replay

STEPS, LENGTH, ROUNDS = sized((1_600, 80, 3), (20, 10, 1))
WEIGHTS = REPLAYS.walks.weights


def walks(seed: int) -> int:
    """Take as many steps of plain random walks."""
    oracle, steps = oracle_for(3), 0
    while steps < STEPS:
        run = walk_and_replay(
            oracle, RaftSystem(), seed=seed + steps, steps=LENGTH, weights=REPLAYS.walks.weights
        )
        if run.violation is not None:
            raise SystemExit("the implementation leaves the spec: run `make verify` first")
        steps += len(run)
    return steps


def explored(strategy: str, seed: int, watch: tuple[str, ...]) -> int:
    """Take as many steps of an exploration."""
    plan = Plan(
        strategy=strategy, steps=STEPS, length=LENGTH, seed=seed, weights=REPLAYS.walks.weights, watch=watch
    )
    found = explore(oracle_for(3), RaftSystem, plan)
    if found.run is not None:
        raise SystemExit("the implementation leaves the spec: run `make verify` first")
    return found.steps


def main() -> None:
    """Measure and print."""
    begin(f"Exploration steps a second, Oracle3, {STEPS} steps in walks of {LENGTH}, one process")
    walks(10_000)  # warm
    plain = (STEPS / seconds(functools.partial(walks, 1_000 * number)) for number in range(ROUNDS))
    baseline = show("plain random walk, replayed", plain, "steps/s")
    figures = {}
    for watch in ((), ("impl.raft",)):
        for strategy in STRATEGIES:
            name = f"{strategy}{', branches of impl.raft' if watch else ''}"
            rates = (
                STEPS / seconds(functools.partial(explored, strategy, number, watch))
                for number in range(ROUNDS)
            )
            figures[f"{strategy}{'_branches' if watch else ''}"] = show(name, rates, "steps/s")
    told = " ".join(f"{name}={rate:.0f}" for name, rate in figures.items())
    print(f"explore_rate: plain={baseline:.0f} {told} guided_to_plain={figures['guided'] / baseline:.2f}")
    leave()


if __name__ == "__main__":
    main()
