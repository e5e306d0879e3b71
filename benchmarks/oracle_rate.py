"""Questions that the oracle answers a second, along walks of Raft with three servers.

A step is what a lockstep run needs: all steps that the spec allows from a state. The baseline is TLC
itself, simulating the same spec in a process of its own, its start included. TLC counts the successor
states that it generates, so that it is the oracle's successor states that compare with it.
"""

import random
import re
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from benchmarks._machine import ROOT, begin, java, leave, show
from property_tests.raft.adapter import spec_for
from tlacheck.engine import Engine
from tlacheck.tlc import OracleState, SpecOracle

SPECS = ROOT / "specs" / "raft"
WALKS, STEPS, ROUNDS = 8, 80, 3
TRACES = 300
WEIGHTS = {
    "HandleRequestVoteRequest": 6.0,
    "HandleRequestVoteResponse": 6.0,
    "HandleAppendEntriesRequest": 5.0,
    "HandleAppendEntriesResponse": 5.0,
    "AppendEntries": 2.5,
    "Timeout": 0.6,
    "Restart": 0.3,
    "DropMessage": 0.3,
    "DuplicateMessage": 0.5,
}


def walk(oracle: SpecOracle, seed: int) -> list[OracleState]:
    """The states of one weighted walk."""
    rng = random.Random(seed)  # noqa: S311 (reproducible on purpose)
    states = [oracle.initial_states()[0]]
    for _ in range(STEPS):
        allowed = oracle.successors(states[-1])
        actions = sorted({each.action for each in allowed})
        (action,) = rng.choices(actions, [WEIGHTS.get(each, 1.0) for each in actions])
        states.append(rng.choice([each.state for each in allowed if each.action == action]))
    return states


def ask(oracle: SpecOracle, states: list[OracleState], *, convert: bool) -> tuple[float, int]:
    """Seconds for all successors of all states, and how many there were."""
    started, found = time.perf_counter(), 0
    for state in states:
        for successor in oracle.successors(state):
            found += 1
            if convert:
                _ = successor.state.values
    return time.perf_counter() - started, found


def simulate(engine: Engine) -> float:
    """States a second of `tlc2.TLC -simulate` on the same spec, without its invariants."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for path in SPECS.glob("Raft*.tla"):
            shutil.copy(path, folder)
        config = (SPECS / "Oracle3.cfg").read_text(encoding="utf-8").partition("INVARIANTS")[0]
        (folder / "Simulate.cfg").write_text(config, encoding="utf-8")
        command = [str(java()), "-XX:+UseParallelGC", "-cp", str(engine.jar), "tlc2.TLC", "-workers", "1"]
        command += ["-simulate", f"num={TRACES}", "-depth", str(STEPS), "-seed", "0"]
        command += ["-deadlock", "-config", "Simulate.cfg", "RaftEvents.tla"]
        started = time.perf_counter()
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        spent = time.perf_counter() - started
    found = re.search(r"states generated: ([\d,]+)", done.stdout) or re.search(
        r"Progress: ([\d,]+) states checked", done.stdout
    )
    if found is None:
        raise SystemExit(f"TLC said nothing of states:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return int(found[1].replace(",", "")) / spent


def main() -> None:
    """Measure and print."""
    engine = begin(f"Oracle answers a second, Oracle3, {WALKS} weighted walks of {STEPS} steps")
    oracle = SpecOracle(spec_for(3), engine=engine)
    for seed in range(1_000, 1_004):
        walk(oracle, seed)  # warm
    plain, converted, successors, baseline = [], [], [], []
    for number in range(ROUNDS):
        states = [
            state for seed in range(number * WALKS, (number + 1) * WALKS) for state in walk(oracle, seed)
        ]
        spent, found = ask(oracle, states, convert=False)
        plain.append(len(states) / spent)
        successors.append(found / spent)
        spent, found = ask(oracle, states, convert=True)
        converted.append(len(states) / spent)
        baseline.append(simulate(engine))
    figure = show("oracle, all steps from a state", plain, "states/s")
    generated = show("  that is, successor states", successors, "states/s")
    values = show("oracle, all steps with all values in Python", converted, "states/s")
    tlc = show("TLC -simulate, a process of its own", baseline, "states/s")
    print(
        f"oracle_rate: steps_per_second={figure:.0f} with_values={values:.0f} "
        f"successors_per_second={generated:.0f} tlc_simulate_states_per_second={tlc:.0f} "
        f"ratio_of_successors={generated / tlc:.2f}"
    )
    leave()


if __name__ == "__main__":
    main()
