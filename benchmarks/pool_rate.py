"""The zoo through the warm pool beside a shell loop of `java`; one large model beside the plain command.

The zoo is tests/zoo: small models of every outcome. The pool's time includes the start and the end of
its workers; `light` workers compile quickly instead of well, as fits small models. The large model has
a million states; its two runs take turns, plain, worker, worker, plain, so that a machine that slows
down disturbs both alike. One TLC thread everywhere. `tests/tlc/test_zoo.py` checks that all results
agree; here only the counts of the large model are compared.
"""

import functools
import os
import shlex
import shutil
import statistics
import subprocess
import tempfile
import tomllib
from pathlib import Path
from typing import Any

from benchmarks._machine import ROOT, begin, java, leave, seconds, sized
from benchmarks.check_rate import plain
from tlacheck.engine import Engine
from tlacheck.tlc import Checker, Spec
from tlacheck.tlc.pool import Pool, Task

ZOO = ROOT / "tests" / "zoo"
LARGE = ("Odometer", sized("OdometerLarge", "Odometer"))
PROCESSES = sized((1, 2), (1,))
ROUNDS = 1


def tasks(models: list[dict[str, Any]]) -> list[Task]:
    """The models for the pool."""
    return [
        Task(
            Spec.load(ZOO / f"{model['module']}.tla", ZOO / f"{model.get('config', model['module'])}.cfg"),
            {"deadlock": model.get("deadlock", True)},
        )
        for model in models
    ]


def through_pool(
    engine: Engine, models: list[dict[str, Any]], processes: int, *, light: bool = False
) -> None:
    """Check all models, starting and ending the workers."""
    with Pool(processes, engine=engine, light=light) as pool:
        found = pool.check_all(tasks(models))
    lost = [checked.spec.name for checked in found if checked.result and checked.result.verdict.is_unknown]
    if lost:
        raise SystemExit(f"nothing is known of {', '.join(lost)}")


def shell_loop(engine: Engine, models: list[dict[str, Any]], folder: Path) -> Path:
    """Write a script that runs `java` for one model after another in `folder`."""
    command = shlex.join([str(java()), "-XX:+UseParallelGC", "-cp", str(engine.jar), "tlc2.TLC"])
    lines = ["#!/bin/sh", f"cd {shlex.quote(str(folder))}"]
    for number, model in enumerate(models):
        options = f"-workers 1 -metadir meta-{number}" + ("" if model.get("deadlock", True) else " -deadlock")
        config = model.get("config", model["module"])
        lines.append(f"{command} {options} -config {config}.cfg {model['module']}.tla >out-{number} 2>&1")
    script = folder / "all.sh"
    script.write_text("\n".join([*lines, "exit 0", ""]), encoding="utf-8")
    return script


def zoo(engine: Engine, folder: Path) -> None:
    """Measure the small models, in every way."""
    models = tomllib.loads((ZOO / "models.toml").read_text(encoding="utf-8"))["model"]
    models = models[: sized(len(models), 2)]
    script = shell_loop(engine, models, folder)
    spent: dict[str, list[float]] = {}
    for _ in range(ROUNDS):
        for processes in PROCESSES:
            took = seconds(functools.partial(through_pool, engine, models, processes))
            spent.setdefault(f"pool_of_{processes}", []).append(took)
            took = seconds(functools.partial(through_pool, engine, models, processes, light=True))
            spent.setdefault(f"pool_of_{processes}_light", []).append(took)
        took = seconds(lambda: subprocess.run(["sh", str(script)], check=True))
        spent.setdefault("shell_loop", []).append(took)
    medians = {name: statistics.median(times) for name, times in spent.items()}
    for name, times in spent.items():
        runs = ", ".join(f"{took:.1f}" for took in times)
        print(f"{name:<18} {len(models)} models {medians[name]:8.1f} s   ({runs})", flush=True)
    loop = medians["shell_loop"]
    ratios = " ".join(
        f"ratio_{name.removeprefix('pool_of_')}={loop / median:.1f}"
        for name, median in medians.items()
        if name != "shell_loop"
    )
    print(
        f"pool_rate: models={len(models)} shell_loop_seconds={loop:.1f} {ratios} "
        f"load={os.getloadavg()[0]:.1f}"
    )


def large(engine: Engine, folder: Path) -> None:
    """Measure the large model, plain command and warm worker in turns."""
    spec = Spec.load(ZOO / f"{LARGE[0]}.tla", ZOO / f"{LARGE[1]}.cfg")
    commands: list[float] = []
    workers: list[float] = []
    with Checker(engine=engine) as checker:
        checker.check(Spec.load(ZOO / "Jugs.tla"))  # the worker is there

        def by_command() -> int:
            states, spent = plain(engine, *LARGE, folder)
            commands.append(spent)
            return states

        def by_worker() -> int:
            generated = 0

            def run() -> None:
                nonlocal generated
                generated = checker.check(spec, deadlock=False).generated

            workers.append(seconds(run))
            return generated

        states = {run() for _ in range(ROUNDS) for run in (by_command, by_worker, by_worker, by_command)}
    if len(states) != 1:
        raise SystemExit(f"the runs generated different numbers of states: {sorted(states)}")
    for name, times in (("plain java", commands), ("warm worker", workers)):
        runs = ", ".join(f"{took:.1f}" for took in times)
        print(f"{name:<18} {max(states):,} states {statistics.median(times):8.1f} s   ({runs})", flush=True)
    ratio = statistics.median(workers) / statistics.median(commands)
    print(
        f"pool_rate: large_model_states={max(states)} worker_to_plain={ratio:.3f} "
        f"load={os.getloadavg()[0]:.1f}"
    )


def main() -> None:
    """Measure and print."""
    engine = begin(
        "The zoo through a warm pool and through a shell loop; a large model in a worker and plain"
    )
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "zoo"
        shutil.copytree(ZOO, folder)
        zoo(engine, folder)
        large(engine, folder)
    leave()


if __name__ == "__main__":
    main()
