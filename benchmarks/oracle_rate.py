"""Queries a second of the oracle, along walks of Raft with three servers.

A step is what a lockstep run needs: all steps that the spec allows from a state, and the values of the
chosen state. The first baseline, in the same process, is TLC's own evaluation of all successors in one
call from Python, which no oracle over TLC can beat. The second is TLC itself, simulating the same spec
in its own process, its start included. TLC counts the successor states that it generates, which is
comparable. Times are CPU times: of the one thread that asks, and of TLC's process.
"""

import os
import random
import re
import shutil
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

from benchmarks._machine import ROOT, begin, java, leave, show, sized
from property_tests.raft.settings import spec_for
from tlacheck.engine import Engine
from tlacheck.tlc import OracleState, SpecOracle

SPECS = ROOT / "specs" / "raft"
WALKS, STEPS, ROUNDS = sized((8, 80, 3), (1, 10, 1))
TRACES = sized(300, 2)
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
    """Return the states of one weighted walk."""
    rng = random.Random(seed)  # noqa: S311 (reproducible on purpose)
    states = [oracle.initial_states()[0]]
    for _ in range(STEPS):
        allowed = oracle.successors(states[-1])
        actions = sorted({each.action for each in allowed})
        (action,) = rng.choices(actions, [WEIGHTS.get(each, 1.0) for each in actions])
        states.append(rng.choice([each.state for each in allowed if each.action == action]))
    return states


def ask(oracle: SpecOracle, states: list[OracleState], *, convert: bool) -> tuple[float, int]:
    """Return the seconds for all successors of all states, and the number of successors."""
    started, found = time.thread_time(), 0
    for state in states:
        for successor in oracle.successors(state):
            found += 1
            if convert:
                _ = successor.state.values
    return time.thread_time() - started, found


def step(oracle: SpecOracle, seed: int) -> float:
    """Return steps a second of a fresh walk: all successors of each state, the values of the chosen one."""
    started = time.thread_time()
    states = walk(oracle, seed)
    for state in states:
        _ = state.values
    return len(states) / (time.thread_time() - started)


def evaluate(oracle: SpecOracle, states: list[OracleState]) -> float:
    """Return the seconds that TLC takes to evaluate all successors of all states, in one call per state."""
    java = [state.java for state in states]
    tool, vector = oracle._tool, oracle._stage.classes["tlc2.tool.StateVec"]  # noqa: SLF001 - what lies below the oracle
    started = time.thread_time()
    for each in java:
        tool.getNextStates(vector(16), each)
    return time.thread_time() - started


def simulate(engine: Engine) -> float:
    """Return states a second of `tlc2.TLC -simulate` on the same spec, without its invariants."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for path in SPECS.glob("Raft*.tla"):
            shutil.copy(path, folder)
        config = (SPECS / "Oracle3.cfg").read_text(encoding="utf-8").partition("INVARIANTS")[0]
        (folder / "Simulate.cfg").write_text(config, encoding="utf-8")
        command = [str(java()), "-XX:+UseParallelGC", "-cp", str(engine.jar), "tlc2.TLC", "-workers", "1"]
        command += ["-simulate", f"num={TRACES}", "-depth", str(STEPS), "-seed", "0"]
        command += ["-deadlock", "-config", "Simulate.cfg", "RaftEvents.tla"]
        started = _children_seconds()
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        spent = _children_seconds() - started
    found = re.search(r"states generated: ([\d,]+)", done.stdout) or re.search(
        r"Progress: ([\d,]+) states checked", done.stdout
    )
    if found is None:
        raise SystemExit(f"TLC said nothing of states:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return int(found[1].replace(",", "")) / spent


def _children_seconds() -> float:
    """Return the CPU time of the processes that have ended."""
    times = os.times()
    return times.children_user + times.children_system


def main() -> None:
    """Measure and print."""
    engine = begin(f"Oracle answers a second, Oracle3, {WALKS} weighted walks of {STEPS} steps")
    oracle = SpecOracle(spec_for(3), engine=engine)
    for seed in range(1_000, sized(1_004, 1_001)):
        walk(oracle, seed)  # warm
    below, plain, fresh, converted, successors, baseline = [], [], [], [], [], []
    for number in range(ROUNDS):
        seeds = range(number * WALKS, (number + 1) * WALKS)
        fresh.append(statistics.median(step(oracle, seed + 10_000) for seed in seeds))
        states = [state for seed in seeds for state in walk(oracle, seed)]
        below.append(len(states) / evaluate(oracle, states))
        spent, found = ask(oracle, states, convert=False)
        plain.append(len(states) / spent)
        successors.append(found / spent)
        spent, found = ask(oracle, states, convert=True)
        converted.append(len(states) / spent)
        baseline.append(simulate(engine))
    bound = show("TLC's evaluation alone, called from Python", below, "states/s")
    figure = show("oracle, all steps from a state, named", plain, "states/s")
    generated = show("  that is, successor states", successors, "states/s")
    steps = show("oracle, a fresh walk, values of its states", fresh, "steps/s")
    values = show("oracle, values of all successors", converted, "states/s")
    tlc = show("TLC -simulate, a process of its own", baseline, "states/s")
    print(
        f"oracle_rate: tlc_alone={bound:.0f} all_steps={figure:.0f} fresh_walk_steps_per_second={steps:.0f} "
        f"all_values={values:.0f} successors_per_second={generated:.0f} "
        f"tlc_simulate_states_per_second={tlc:.0f} "
        f"ratio_to_tlc_alone={figure / bound:.2f} ratio_of_successors={generated / tlc:.2f}"
    )
    leave()


if __name__ == "__main__":
    main()
