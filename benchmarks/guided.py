"""Guided against random exploration: the bugs found, and in how many steps.

Each mutant of `OF_PLAIN_RAFT` is explored with each strategy from several seeds, with the same budget
in steps and the same weights; the oracle has only the core of Raft, so that no other mutant could show
itself. A step is one that the system takes, including those of prefixes that `guided` takes again.
Reported are the runs that found the mutant, and the median of the steps, where a run that did not find
it counts as more than the budget. Mutants of even clusters are explored with four servers, liveness
mutants like the others: the spec shows them as wrong states.

`--branches` lets `guided` also look at the branches of the implementation. Each mutant has a process of
its own, as its edit is made while the module is imported.
"""

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping
from typing import Any

from benchmarks._machine import ROOT, begin, leave, sized
from property_tests.raft.mutants import MUTANTS
from tlacheck.conform.strategy import STRATEGIES
from tlacheck.mutants.mutation import install

STEPS, LENGTH, SEEDS = sized((1_000, 80, 10), (20, 10, 1))

#: The mutants that differ from Raft without snapshots, changes of membership, and all the other parts.
OF_PLAIN_RAFT = frozenset(
    {
        "vote-without-log-check",
        "vote-for-the-longer-log",
        "vote-not-persisted",
        "term-not-persisted",
        "send-before-persist",
        "vote-counted-twice",
        "two-votes-a-term",
        "candidate-forgets-its-vote",
        "refusal-counted-as-vote",
        "half-is-a-majority",
        "commit-of-an-earlier-term",
        "commit-index-goes-back",
        "next-index-left-behind",
        "backs-off-behind-what-matches",
        "match-index-beyond-the-request",
        "match-index-unlearnt",
        "no-truncation-on-conflict",
        "truncation-without-conflict",
        "no-consistency-check",
        "commit-beyond-what-was-verified",
        "stale-leader-obeyed",
        "retry-without-entries",
        "next-index-never-backs-off",
        "follower-commits-what-it-receives",
        "log-not-persisted",
        "answers-before-its-disk",
        "commit-learnt-from-another-branch",
        "answer-of-a-later-term-ignored",
        "snapshot-for-ever",
    }
)


def explored(name: str, *, steps: int, seeds: int, branches: bool) -> dict[str, list[int | None]]:
    """Explore in the mutant's own process: strategy -> for each seed, the steps to the failure, or None."""
    (mutant,) = (mutant for mutant in MUTANTS if mutant.name == name)
    install(mutant)
    from property_tests.raft.adapter import RaftSystem  # noqa: PLC0415 - after the edit
    from property_tests.raft.replays import REPLAYS  # noqa: PLC0415 - after the edit
    from property_tests.raft.settings import oracle_for  # noqa: PLC0415 - after the edit
    from tlacheck.conform.explore import Plan, explore  # noqa: PLC0415 - with them

    oracle = oracle_for(4 if "even clusters" in mutant.bug else 3)
    found: dict[str, list[int | None]] = {}
    for strategy in STRATEGIES:
        watch = ("impl.raft",) if branches and strategy == "guided" else ()
        found[strategy] = []
        for seed in range(seeds):
            plan = Plan(
                strategy=strategy,
                steps=steps,
                length=LENGTH,
                seed=seed,
                weights=REPLAYS.walks.weights,
                watch=watch,
            )
            result = explore(oracle, RaftSystem, plan)
            found[strategy].append(None if result.run is None else result.steps)
    return found


def median(runs: list[int | None], steps: int) -> float:
    """The median of the steps, a run without a failure counting as infinitely many."""
    return statistics.median(float("inf") if run is None or run > steps else float(run) for run in runs)


def told(runs: list[int | None], steps: int) -> str:
    """Format the runs that found it, and the median."""
    middle = median(runs, steps)
    text = f">{steps:,}" if middle == float("inf") else f"{middle:,.0f}"
    return f"{sum(run is not None for run in runs):>2} {text:>7}"


def summary(results: Mapping[str, Mapping[str, list[int | None]]], steps: int) -> str:
    """One line for all mutants."""
    words = []
    for strategy in STRATEGIES:
        all_runs = [run for runs in results.values() for run in runs[strategy]]
        mutants = sum(any(run is not None for run in runs[strategy]) for runs in results.values())
        runs = sum(run is not None for run in all_runs)
        middle = median(all_runs, steps)
        words += [
            f"{strategy}_mutants={mutants}",
            f"{strategy}_runs={runs}",
            f"{strategy}_median={middle:.0f}",
        ]
    return " ".join(words)


def arguments() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=STEPS, help="budget of a run")
    parser.add_argument("--seeds", type=int, default=SEEDS, help="runs of each strategy")
    parser.add_argument(
        "--only", default=sized("", "vote-without-log"), help="mutants whose names contain this"
    )
    parser.add_argument("--branches", action="store_true", help="let guided look at branches too")
    parser.add_argument("--one", default="", help=argparse.SUPPRESS)
    return parser.parse_args()


def main() -> None:
    """Measure and print."""
    options = arguments()
    if options.one:
        found = explored(options.one, steps=options.steps, seeds=options.seeds, branches=options.branches)
        print(json.dumps(found))
        leave()
    begin(
        f"Steps until a mutant is found: {options.seeds} seeds, at most {options.steps:,} steps each, "
        f"walks of {LENGTH}"
    )
    started = time.monotonic()
    print(f"{'mutant':<34}" + "".join(f"{name + ': runs, median':>22}" for name in STRATEGIES))
    results: dict[str, Any] = {}
    if unknown := OF_PLAIN_RAFT - {mutant.name for mutant in MUTANTS if not mutant.equivalent}:
        raise SystemExit(f"there is no wrong implementation {', '.join(sorted(unknown))}: was it renamed?")
    for mutant in MUTANTS:
        if mutant.name not in OF_PLAIN_RAFT or options.only not in mutant.name:
            continue
        command = [sys.executable, "-m", "benchmarks.guided", "--one", mutant.name]
        command += ["--steps", str(options.steps), "--seeds", str(options.seeds)]
        command += ["--branches"] if options.branches else []
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise SystemExit(
                f"{mutant.name}: its process ended with status {done.returncode}\n{done.stderr[-2000:]}"
            )
        runs = results[mutant.name] = json.loads(done.stdout.splitlines()[-1])
        print(
            f"{mutant.name:<34}" + "".join(f"{told(runs[name], options.steps):>22}" for name in STRATEGIES),
            flush=True,
        )
    print(
        f"guided: mutants={len(results)} seeds={options.seeds} steps={options.steps} "
        f"{summary(results, options.steps)} "
        f"seconds={time.monotonic() - started:.0f}"
    )
    leave()


if __name__ == "__main__":
    main()
