"""The replicated state machine by number of cases: apply, snapshot, restore; beside a copied dictionary.

The document (knhk-distributed-consensus) expects less than 1 ms for an operation and less than 10 ms
for a snapshot, without stating the number of cases. Microseconds and milliseconds are of this process's
CPU. The baseline does what a machine of plain dictionaries must do to keep the state before an
operation: copy the dictionary of cases, and put one.
"""

import statistics
import time
from collections.abc import Callable
from functools import partial

import attrs

from benchmarks._machine import begin, leave, sized
from impl.machine import (
    Case,
    CaseState,
    CreateCase,
    Register,
    Request,
    State,
    UpdateCaseState,
    apply,
    initial,
    restore,
    snapshot,
)

CASES = sized((100, 1_000, 10_000, 100_000), (10, 100))
ROUNDS, UPDATES = sized((3, 100), (1, 10))
APPLY_US, SNAPSHOT_MS = 1_000, 10


def with_cases(count: int) -> State:
    """Build a machine with this many cases, and its state after its log."""
    state, _ = apply(initial(), Register())
    for number in range(1, count + 1):
        state, _ = apply(
            state, Request(1, number, CreateCase(f"case-{number}", "spec-1", '{"key": "value"}'))
        )
    return state


def update(state: State, count: int) -> None:
    """Update cases all over the map."""
    for number in range(1, UPDATES + 1):
        case_id = f"case-{number * 7_919 % count + 1}"
        state, _ = apply(state, Request(1, count + number, UpdateCaseState(case_id, CaseState.RUNNING)))


def copy(cases: dict[str, Case]) -> None:
    """Put as many cases, each into a copy."""
    for number in range(1, UPDATES + 1):
        case_id = f"case-{number * 7_919 % len(cases) + 1}"
        cases = {**cases, case_id: attrs.evolve(cases[case_id], state=CaseState.RUNNING)}


def median_s(work: Callable[[], object], times: int = 1) -> float:
    """Return the median CPU seconds per operation over the rounds."""
    seconds = []
    for _ in range(ROUNDS):
        started = time.process_time()
        work()
        seconds.append((time.process_time() - started) / times)
    return statistics.median(seconds)


def main() -> None:
    """Measure and print."""
    begin(f"The replicated state machine, median of {ROUNDS} rounds")
    header = ("cases", "apply us", "copied dict us", "snapshot ms", "restore ms", "bytes")
    print("".join(f"{name:>16}" for name in header))
    summary = []
    for count in CASES:
        state = with_cases(count)
        cases = dict(state.content.cases.items())
        data = snapshot(state)
        if restore(data) != state:
            raise SystemExit("what was restored is another state: run tests/impl/test_machine_snapshot.py")
        apply_us = median_s(partial(update, state, count), UPDATES) * 1e6
        copied_us = median_s(partial(copy, cases), UPDATES) * 1e6
        snapshot_ms = median_s(partial(snapshot, state)) * 1e3
        restore_ms = median_s(partial(restore, data)) * 1e3
        cells = (
            f"{count:,}",
            f"{apply_us:,.1f}",
            f"{copied_us:,.1f}",
            f"{snapshot_ms:,.1f}",
            f"{restore_ms:,.1f}",
            f"{len(data):,}",
        )
        print("".join(f"{text:>16}" for text in cells), flush=True)
        summary.append(f"apply_us_{count}={apply_us:.1f} snapshot_ms_{count}={snapshot_ms:.1f}")
    print(f"targets (KN): apply < {APPLY_US:,} us, snapshot < {SNAPSHOT_MS} ms")
    print(f"machine_rate: {' '.join(summary)}")
    leave()


if __name__ == "__main__":
    main()
