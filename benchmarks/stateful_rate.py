"""Hypothesis steps a second on the simulated cluster, judged by the spec; the baseline is without the spec.

Both are the same examples of the same seed, with `Safety` and progress checked.
"""

import tempfile
import time
from pathlib import Path

from benchmarks._machine import begin, leave, show, sized
from property_tests.raft.protocol import RAFT
from property_tests.raft.settings import oracle_for
from tlacheck.harness.examples import ExamplesResult, Tally, run_examples
from tlacheck.harness.machine import machine_of

EXAMPLES = sized(40, 2)


def run(folder: Path, *, judged: bool) -> tuple[ExamplesResult, float]:
    """One run of all examples, and its seconds."""
    started = time.perf_counter()
    machine = machine_of(RAFT, every_size=True, judged=judged)
    found = run_examples(machine, Tally(folder=folder), seed=0, examples=EXAMPLES, steps=40)
    if found.failure is not None:
        raise SystemExit(f"a run failed: run `make verify` first\n{found.message}")
    return found, time.perf_counter() - started


def main() -> None:
    """Measure and print."""
    begin(f"Hypothesis steps a second, machine_of(RAFT), seed 0, {EXAMPLES} examples")
    for servers in sized((3, 4, 5), (3,)):
        oracle_for(servers)  # warm
    with tempfile.TemporaryDirectory() as name:
        found, spent = run(Path(name), judged=True)
        alone, without = run(Path(name), judged=False)
    if alone.steps != found.steps:
        raise SystemExit(f"judged and not judged are different runs: {found.steps} and {alone.steps} steps")
    figure = show(f"judged by the spec, {found.steps:,} steps", [found.steps / spent], "steps/s")
    baseline = show("without the spec", [alone.steps / without], "steps/s")
    print(
        f"stateful_rate: steps_per_second={figure:.0f} examples_per_second={found.examples / spent:.1f} "
        f"without_spec={baseline:.0f} ratio={figure / baseline:.2f}"
    )
    leave()


if __name__ == "__main__":
    main()
