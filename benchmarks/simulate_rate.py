"""Random behaviours a second: `simulate`, beside the plain `java -simulate` with the same seed.

One TLC thread each; both draw the same behaviours. The command is measured as it is used to find
violations, which writes nothing, and with `file=`, which writes a file a behaviour without actions.
`simulate` gives all behaviours as traces of Python values with actions; with `traces=False` it checks them
and gives none. A warm worker has no JVM to start. All take turns, so that a busy machine disturbs them
alike.
"""

import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from benchmarks._machine import ROOT, begin, java, leave, show, sized
from tlacheck.engine import Engine
from tlacheck.tlc import Spec
from tlacheck.tlc._process import Worker
from tlacheck.tlc.simulate import simulate

#: Folder, module, configuration, behaviours, depth.
MODELS = (
    (ROOT / "tests" / "specs", "DieHard", "DieHard", sized(1000, 5), 100),
    (ROOT / "specs" / "raft", "MCRaft", "replication", sized(500, 5), 100),
)
SEED = 1
ROUNDS = sized(3, 1)


def plain(engine: Engine, model: tuple[Path, str, str, int, int], folder: Path, *, files: bool) -> float:
    """Return the seconds of one `java tlc2.TLC -simulate` process, from start to end."""
    _, module, config, behaviours, depth = model
    target = folder / f"out-{time.monotonic_ns()}"
    target.mkdir()
    options = f"num={behaviours}" + (f",file={target / 'behaviour'}" if files else "")
    command = [java(), "-XX:+UseParallelGC", "-cp", engine.jar, "tlc2.TLC", "-deadlock"]
    command += ["-metadir", target / "meta", "-simulate", options, "-depth", depth, "-seed", SEED]
    started = time.perf_counter()
    done = subprocess.run(
        [*map(str, command), "-config", f"{config}.cfg", f"{module}.tla"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    spent = time.perf_counter() - started
    written = len(list(target.glob("behaviour_*")))
    if done.returncode or written != (behaviours if files else 0):
        raise SystemExit(f"TLC wrote {written} behaviours:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return spent


def main() -> None:
    """Measure and print."""
    engine = begin("Behaviours a second, 1 worker: simulate and plain java -simulate")
    for model in MODELS:
        source, module, config, behaviours, depth = model
        spec = Spec.load(source / f"{module}.tla", source / f"{config}.cfg")
        rates: dict[str, list[float]] = {
            "plain": [],
            "plain with file=": [],
            "simulate": [],
            "warm": [],
            "no traces": [],
            "no traces, warm": [],
        }
        with tempfile.TemporaryDirectory() as name, Worker() as worker:
            folder = Path(name)
            for path in source.glob("*.tla"):
                shutil.copy(path, folder)
            (folder / f"{config}.cfg").write_text(spec.configuration, encoding="utf-8")
            for _ in range(ROUNDS):
                rates["plain"].append(behaviours / plain(engine, model, folder, files=False))
                rates["plain with file="].append(behaviours / plain(engine, model, folder, files=True))
                for kind, warm in (
                    ("simulate", None),
                    ("warm", worker),
                    ("no traces", None),
                    ("no traces, warm", worker),
                ):
                    started = time.perf_counter()
                    with simulate(
                        spec,
                        behaviours=behaviours,
                        depth=depth,
                        seed=SEED,
                        deadlock=False,
                        engine=engine,
                        worker=warm,
                        traces=not kind.startswith("no traces"),
                    ) as simulation:
                        result = simulation.result
                    rates[kind].append(behaviours / (time.perf_counter() - started))
        print(f"{module}-{config}: {result.verdict}, {result.states / behaviours:.0f} states a behaviour")
        medians = {
            kind: show(f"  {kind}, {module}-{config}", measured, "behaviours/s")
            for kind, measured in rates.items()
        }
        print(
            f"simulate_rate: model={module}-{config} behaviours_per_second={medians['simulate']:.1f} "
            f"warm={medians['warm']:.1f} plain={medians['plain']:.1f} "
            f"plain_files={medians['plain with file=']:.1f} "
            f"states_per_second={medians['warm'] * result.states / behaviours:.0f} "
            f"no_traces={medians['no traces']:.1f} no_traces_warm={medians['no traces, warm']:.1f} "
            f"ratio={medians['simulate'] / medians['plain']:.2f} "
            f"ratio_no_traces={medians['no traces'] / medians['plain']:.2f} "
            f"ratio_no_traces_warm={medians['no traces, warm'] / medians['plain']:.2f} "
            f"ratio_files={medians['simulate'] / medians['plain with file=']:.2f}"
        )
    leave()


if __name__ == "__main__":
    main()
