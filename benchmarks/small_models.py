"""CPU time of a small model in the copy of TLC's classes that a worker reuses, beside a fresh copy each.

The two take turns, in one JVM; both are given the same models and must count the same states.
"""

import tempfile
import time
from pathlib import Path
from unittest import mock

from benchmarks._machine import ROOT, begin, leave, show, sized
from tlacheck.engine import Engine
from tlacheck.tlc import Spec
from tlacheck.tlc._copies import Copies
from tlacheck.tlc._jvm import start_jvm
from tlacheck.tlc._outcome import interpret
from tlacheck.tlc._protocol import Request
from tlacheck.tlc._run import run
from tlacheck.verify.manifest import Model, read_manifest

#: What a small model generates at most.
GENERATED_MAX = 3000
MODELS = sized(12, 2)
ROUNDS = sized(3, 1)


def models() -> list[Model]:
    """Return small models of several protocols."""
    found = [
        model
        for folder in ("vote", "pbft", "raft", "threat")
        for model in read_manifest(ROOT / "specs" / folder / "manifest.toml")
        if 0 < model.pins.get("generated", 0) < GENERATED_MAX
    ]
    return found[:: max(1, len(found) // MODELS)][:MODELS]


def cost(model: Model, engine: Engine, copies: Copies) -> tuple[int, float]:
    """Check the model; return the states generated, and the milliseconds of CPU of this process."""
    spec = Spec.load(model.spec, model.config)
    request = Request(
        spec=spec,
        engine=engine,
        workers=1,
        deadlock=model.deadlock,
        continue_=False,
        depth_first=None,
        coverage=False,
        levels=False,
        dumps=(),
    )
    started = time.process_time()
    report = run(request, mock.Mock(), copies)
    spent = time.process_time() - started
    outcome = interpret(report, spec, engine, deadlock=model.deadlock, continue_=False, depth_first=None)
    return outcome.generated, 1000 * spent


def main() -> None:
    """Measure and print."""
    engine = begin(
        "CPU milliseconds of a small model: in a fresh copy of TLC's classes, and in the reused one"
    )
    with tempfile.TemporaryDirectory() as folder:
        start_jvm(memory_mb=1024, folder=Path(folder), ends_when_full=True, light=True)
        reused = Copies()
        chosen = models()
        cost(chosen[0], engine, reused)  # the first run of a process has a copy to itself
        cost(chosen[0], engine, reused)
        spent: dict[str, list[float]] = {"fresh": [], "reused": []}
        for _ in range(ROUNDS):
            for model in chosen:
                states, milliseconds = cost(model, engine, Copies())
                spent["fresh"].append(milliseconds)
                again, milliseconds = cost(model, engine, reused)
                spent["reused"].append(milliseconds)
                if states != again:
                    raise SystemExit(
                        f"{model.name}: {states} states in a fresh copy, {again} in the reused one"
                    )
        baseline = show("a fresh copy each", spent["fresh"], "ms")
        figure = show("the reused copy", spent["reused"], "ms")
        print(f"small_models: reused_ms={figure:.0f} fresh_ms={baseline:.0f} ratio={baseline / figure:.1f}")
        leave()


if __name__ == "__main__":
    main()
