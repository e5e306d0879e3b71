"""Shrinking: for each mutant, a long failing run shrunk, with TLC's confirmation that the result is legal.

The initial run is found by random exploration in walks of up to `LENGTH` steps; the longest of the
first `RUNS` that fail is taken, so that there is something to shrink. After shrinking, TLC checks in a
separate run whether the behaviour demanded along the short run is a behaviour of the spec. Each mutant
has its own process.
"""

import argparse
import json
import statistics
import subprocess
import sys
import time
from typing import Any

from benchmarks._machine import ROOT, begin, leave, sized
from property_tests.raft.mutants import MUTANTS
from tlacheck.mutants.mutation import install

STEPS, LENGTH, RUNS = sized((6_000, 400, 4), (60, 30, 1))


def shrunk(name: str) -> dict[str, Any]:
    """Shrink in the mutant's own process, and return the result."""
    (mutant,) = (mutant for mutant in MUTANTS if mutant.name == name)
    install(mutant)
    from property_tests.raft.adapter import RaftSystem  # noqa: PLC0415 - after the edit
    from property_tests.raft.replays import REPLAYS  # noqa: PLC0415 - after the edit
    from property_tests.raft.settings import oracle_for  # noqa: PLC0415 - after the edit
    from tlacheck.conform.explore import Plan, explore  # noqa: PLC0415 - with them
    from tlacheck.conform.shrink import shrink  # noqa: PLC0415 - with them
    from tlacheck.tlc.legal import check_behaviour  # noqa: PLC0415 - with them

    oracle = oracle_for(4 if "even clusters" in mutant.bug else 3)
    runs = [
        found.run
        for seed in range(RUNS)
        if (
            found := explore(
                oracle,
                RaftSystem,
                Plan(strategy="random", steps=STEPS, length=LENGTH, seed=seed, weights=REPLAYS.walks.weights),
            )
        ).run
    ]
    if not runs:
        return {"found": False}
    failing = max(runs, key=len)
    started = time.perf_counter()
    result = shrink(failing, oracle, RaftSystem)
    seconds = time.perf_counter() - started
    legal = check_behaviour(result.trace, oracle.spec, variables=oracle.variables)
    return {
        "found": True,
        "before": result.steps_before,
        "after": result.steps_after,
        "tries": result.tries,
        "seconds": seconds,
        "legal": legal.is_established,
        "verdict": str(legal),
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--only", default=sized("", "vote-without-log"), help="mutants whose names contain this"
    )
    parser.add_argument("--one", default="", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print(json.dumps(shrunk(options.one)))
        leave()
    begin(f"Shrinking the longest of {RUNS} failing runs, walks of at most {LENGTH} steps")
    print(
        f"{'mutant':<34}{'before':>8}{'after':>7}{'tries':>7}{'seconds':>9}  a behaviour of the spec, by TLC"
    )
    results = []
    for mutant in MUTANTS:
        if mutant.equivalent or options.only not in mutant.name:
            continue
        command = [sys.executable, "-m", "benchmarks.shrinking", "--one", mutant.name]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise SystemExit(
                f"{mutant.name}: its process ended with status {done.returncode}\n{done.stderr[-2000:]}"
            )
        found = json.loads(done.stdout.splitlines()[-1])
        if not found["found"]:
            print(f"{mutant.name:<34}{'not found':>8}", flush=True)
            continue
        results.append(found)
        print(
            f"{mutant.name:<34}{found['before']:>8}{found['after']:>7}{found['tries']:>7}"
            f"{found['seconds']:>9.1f}  "
            f"{'yes' if found['legal'] else found['verdict']}",
            flush=True,
        )
    if results:
        print(
            f"shrinking: mutants={len(results)} legal={sum(each['legal'] for each in results)} "
            f"before_median={statistics.median(each['before'] for each in results):.0f} "
            f"after_median={statistics.median(each['after'] for each in results):.0f} "
            f"seconds_median={statistics.median(each['seconds'] for each in results):.1f}"
        )
    leave()


if __name__ == "__main__":
    main()
