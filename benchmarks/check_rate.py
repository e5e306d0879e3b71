"""States a second of the warm worker, beside the plain `java` command; and many small models.

One TLC thread each. The two take turns, so that a busy machine disturbs both alike.
"""

import re
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from benchmarks._machine import ROOT, begin, java, leave, show, sized
from tlacheck.engine import Engine
from tlacheck.tlc import Checker, Spec
from tlacheck.tlc.configuration import configuration_text

SPECS = ROOT / "specs" / "raft"
LARGE = ("MCRaft", sized("replication", "witness_leader"))
SMALL = (
    ("MCRaftMutants", "mutant_forgotten_vote"),
    ("MCRaftMutants", "mutant_forgotten_vote_elects"),
    ("MCRaftMutants", "mutant_forgotten_term"),
    ("MCRaftMutants", "mutant_forgotten_log"),
    ("MCRaftMutants", "mutant_no_term"),
    ("MCRaftMutants", "mutant_always_votes"),
    ("MCRaftMutants", "mutant_any_log"),
    ("MCRaft", "witness_leader"),
    ("MCRaft", "witness_commit"),
    ("MCRaft", "witness_vote_refused"),
)
ROUNDS = sized(2, 1)


def plain(engine: Engine, module: str, config: str, folder: Path) -> tuple[int, float]:
    """Run one `java tlc2.TLC` process; return the states generated, and its seconds from start to end."""
    command = [java(), "-XX:+UseParallelGC", "-cp", engine.jar, "tlc2.TLC"]
    command += ["-workers", "1", "-deadlock", "-metadir", folder / f"meta-{time.monotonic_ns()}"]
    started = time.perf_counter()
    done = subprocess.run(
        [*map(str, command), "-config", f"{config}.cfg", f"{module}.tla"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    spent = time.perf_counter() - started
    found = re.findall(r"([\d,]+) states generated", done.stdout)
    if not found:
        raise SystemExit(f"TLC said nothing of states:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return int(found[-1].replace(",", "")), spent


def main() -> None:
    """Measure and print."""
    engine = begin("States generated a second, 1 worker: warm worker and plain java command")
    spec = Spec.load(SPECS / f"{LARGE[0]}.tla", SPECS / f"{LARGE[1]}.cfg")
    with tempfile.TemporaryDirectory() as name, Checker(engine=engine) as checker:
        folder = Path(name)
        for path in SPECS.glob("*.tla"):
            shutil.copy(path, folder)
        for _, config in (LARGE, *SMALL):
            text = configuration_text(SPECS / f"{config}.cfg")
            (folder / f"{config}.cfg").write_text(text, encoding="utf-8")
        checker.check(Spec.load(SPECS / f"{SMALL[0][0]}.tla", SPECS / f"{SMALL[0][1]}.cfg"))  # warm
        commands, workers = [], []
        for _ in range(ROUNDS):
            states, spent = plain(engine, *LARGE, folder)
            commands.append(states / spent)
            result = checker.check(spec, deadlock=False)
            if result.generated != states:
                raise SystemExit(f"the worker generated {result.generated} states, the command {states}")
            workers.append(result.generated / result.seconds)
        baseline = show(f"plain java, {LARGE[1]}, {states:,} states", commands, "states/s")
        figure = show(f"warm worker, {LARGE[1]}", workers, "states/s")
        print(
            f"check_rate: states_per_second={figure:.0f} plain={baseline:.0f} ratio={figure / baseline:.2f}"
        )

        each = warm = 0.0
        for small, config in SMALL[: sized(len(SMALL), 1)]:
            spec = Spec.load(SPECS / f"{small}.tla", SPECS / f"{config}.cfg")
            each += plain(engine, small, config, folder)[1]
            warm += checker.check(spec, deadlock=False).seconds
        print(
            f"check_rate: small_models={len(SMALL)} warm_worker_seconds={warm:.1f} "
            f"java_process_each_seconds={each:.1f} ratio={each / warm:.1f}"
        )
    leave()


if __name__ == "__main__":
    main()
