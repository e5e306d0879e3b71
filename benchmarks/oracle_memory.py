"""Memory of the oracle along a walk of a million steps: it must be flat.

Every step enumerates all successors and reads all values of the chosen state. The baseline is the first
tenth of the walk, by whose end all caches are full. The heap of the JVM is held at 512 MB, so a leak
would end the walk.
"""

import argparse
import random
import time
from pathlib import Path

import jpype

from benchmarks._machine import begin, leave, sized
from property_tests.raft.settings import spec_for
from tlacheck.tlc import SpecOracle
from tlacheck.tlc._jvm import start_jvm

HEAP_MB = 512
RESTART = 200


def resident_mb() -> float:
    """Return the resident memory of this process, the JVM included."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * 4096 / 2**20


def heap_mb() -> float:
    """Return the live memory in the JVM."""
    runtime = jpype.JClass("java.lang.Runtime").getRuntime()
    jpype.JClass("java.lang.System").gc()
    return float(runtime.totalMemory() - runtime.freeMemory()) / 2**20


def main() -> None:
    """Walk and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--steps", type=int, default=sized(1_000_000, 20))
    steps = parser.parse_args().steps
    engine = begin(f"Oracle memory along {steps:,} steps of Oracle3, back to the start every {RESTART}")
    start_jvm(memory_mb=HEAP_MB)
    oracle = SpecOracle(spec_for(3), engine=engine)
    rng = random.Random(0)  # noqa: S311 (reproducible on purpose)
    (start,) = oracle.initial_states()
    at, part, first = start, max(1, steps // 10), 0.0
    began = time.perf_counter()
    for step in range(1, steps + 1):
        allowed = oracle.successors(at)
        at = rng.choice(allowed).state if allowed and step % RESTART else start
        _ = at.values
        if step % part == 0:
            alive, held = heap_mb(), resident_mb()
            first = first or held
            rate = step / (time.perf_counter() - began)
            print(
                f"{step:>9,} steps  {held:6.0f} MB resident  {alive:4.0f} MB alive in the heap  "
                f"{rate:,.0f} steps/s"
            )
    print(
        f"oracle_memory: steps={steps} first_tenth_mb={first:.0f} end_mb={held:.0f} ratio={held / first:.2f}"
    )
    leave()


if __name__ == "__main__":
    main()
