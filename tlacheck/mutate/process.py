"""A process for one mutant, or for the unchanged code with probes: layers, cheapest first, with limits.

A thread within ends a layer that takes more than its limit of CPU time, or too much memory, or that waits ten
times as long. A process in which even that fails is ended from outside. CPU time: a busy machine must not
make a survivor look like an endless loop. The process answers with a line of JSON for each layer.
"""

import contextlib
import importlib
import json
import os
import resource
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any, Final

import attrs

from tlacheck.garbage import collect_rarely
from tlacheck.mutants.mutation import install_source
from tlacheck.mutants.trial import Layer, load, unwatched
from tlacheck.mutate.probes import REACHED
from tlacheck.verify import Context

__all__ = ["Answer", "Ending", "ask", "serve"]

#: The most memory that a mutant may take, in MiB, the JVM's included.
MEMORY_MIB: Final = 4096
_TICK_SECONDS: Final = 0.2
#: A layer may last so many times its limit of CPU time.
_WAITS: Final = 10
#: Beyond the limits of the layers, for starting and ending.
_GRACE_SECONDS: Final = 60.0


class Ending:
    """The ways in which a layer ends."""

    PASSED: Final = "passed"
    VIOLATED: Final = "violated"
    INCONCLUSIVE: Final = "inconclusive"
    RAISED: Final = "raised"
    LIMIT: Final = "limit"
    UNIMPORTABLE: Final = "unimportable"


#: After these the next layer is asked.
_GOES_ON: Final = (Ending.PASSED, Ending.INCONCLUSIVE)


@attrs.frozen(kw_only=True)
class Answer:
    """The end of one layer.

    Attributes:
        layer: its name; empty if the module could not be imported.
        ending: how it ended, one of `Ending`.
        detail: the property that is violated; why nothing was established; the exception; the limit.
        seconds: of CPU that it took.
        reached: module -> the statements that ran, by their lines; only where probes were asked for.
    """

    layer: str
    ending: str
    detail: str
    seconds: float
    reached: Mapping[str, Sequence[int]] = attrs.field(factory=dict)


def ask(
    sources: Mapping[str, str],
    layers: Sequence[Layer],
    limits: Mapping[str, float],
    *,
    folder: Path,
    seed: int,
    probes: bool = False,
) -> tuple[Answer, ...]:
    """Ask layers about a project of which some modules have other sources, up to the first that objects.

    Args:
        sources: module -> its source.
        layers: in the order in which they are asked.
        limits: layer -> its seconds of CPU.
        folder: where traces go, and what is printed.
        seed: given to each layer.
        probes: whether the sources have probes (`probed`).

    Returns:
        The answers. One of `Ending.LIMIT` is the last if the process had to be ended.
    """
    request = {
        "sources": dict(sources),
        "layers": [attrs.asdict(layer) for layer in layers],
        "limits": dict(limits),
        "folder": str(folder),
        "seed": seed,
        "probes": probes,
    }
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "output.txt").open("w", encoding="utf-8") as log:
        process = subprocess.Popen(
            [sys.executable, "-c", "from tlacheck.mutate.process import serve; serve()"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            env={**os.environ, "PYTHONHASHSEED": "0"},
        )
        ending = Ending.RAISED
        try:
            text, _ = process.communicate(
                json.dumps(request), timeout=_WAITS * sum(limits.values()) + _GRACE_SECONDS
            )
        except subprocess.TimeoutExpired:
            ending = Ending.LIMIT
            process.kill()
            text, _ = process.communicate()
        finally:
            process.kill()
            process.wait()
    answers = [Answer(**json.loads(line)) for line in text.splitlines()]
    asked = len(answers)
    if asked < len(layers) and (not asked or answers[-1].ending in _GOES_ON):
        detail = f"its process ended with status {process.returncode}; see {folder / 'output.txt'}"
        answers.append(Answer(layer=layers[asked].name, ending=ending, detail=detail, seconds=0.0))
    return tuple(answers)


def serve() -> None:
    """Serve one request from standard input. Does not return: a JVM may live in this process by the end."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    request = json.loads(sys.stdin.read())
    sys.path.insert(0, str(Path.cwd()))
    watch = _Watch(answers)
    for module, source in request["sources"].items():
        install_source(module, source)
    watch.begin("", 60.0)
    try:
        for module in request["sources"]:
            importlib.import_module(module)
    except Exception as error:  # noqa: BLE001 - whatever a mutant raises at its import is reported
        watch.end(Ending.UNIMPORTABLE, _told(error))
        os._exit(0)
    collect_rarely()
    for fields in request["layers"]:
        layer = Layer(**fields)
        watch.begin(layer.name, request["limits"][layer.name])
        ending, detail = _judge(layer, Path(request["folder"]) / layer.name, request["seed"])
        watch.end(ending, detail, _reached() if request["probes"] else {})
        if ending not in _GOES_ON:
            break
    sys.stdout.flush()
    os._exit(0)


def _judge(layer: Layer, folder: Path, seed: int) -> tuple[str, str]:
    folder.mkdir(parents=True, exist_ok=True)
    context = Context(folder=folder, budget="mutate", seed=seed, command="", progress=unwatched)
    try:
        verdict = load(layer.call)(context, **layer.arguments).verdict
    except Exception as error:  # noqa: BLE001 - whatever a mutant provokes is reported
        return Ending.RAISED, _told(error)
    if verdict.is_violated:
        return Ending.VIOLATED, verdict.violates or ""
    if verdict.is_unknown:
        return Ending.INCONCLUSIVE, verdict.reason or ""
    return Ending.PASSED, ""


def _told(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".partition("\n")[0]


def _reached() -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for module, line in sorted(REACHED):
        found.setdefault(module, []).append(line)
    return found


class _Watch:
    """A thread that ends this process when a layer is over its limits, or when who asked is gone."""

    def __init__(self, answers: IO[str]) -> None:
        self._answers = answers
        self._lock = threading.Lock()
        self._layer = ""
        self._began = self._began_cpu = self._limit = 0.0
        self._parent = os.getppid()
        threading.Thread(target=self._run, name="limits of a mutant", daemon=True).start()

    def begin(self, layer: str, limit: float) -> None:
        """Begin with a layer."""
        with self._lock:
            self._layer, self._limit = layer, limit
            self._began, self._began_cpu = time.monotonic(), time.process_time()

    def end(self, ending: str, detail: str, reached: Mapping[str, Sequence[int]] | None = None) -> None:
        """Write the answer of a layer."""
        with self._lock:
            self._write(ending, detail, reached or {})
            self._limit = 0.0

    def _write(self, ending: str, detail: str, reached: Mapping[str, Sequence[int]]) -> None:
        seconds = time.process_time() - self._began_cpu
        answer = Answer(layer=self._layer, ending=ending, detail=detail, seconds=seconds, reached=reached)
        with contextlib.suppress(BrokenPipeError):
            self._answers.write(json.dumps(_plain(answer)) + "\n")
            self._answers.flush()

    def _run(self) -> None:
        while os.getppid() == self._parent:
            time.sleep(_TICK_SECONDS)
            with self._lock:
                if not self._limit:
                    continue
                if time.process_time() - self._began_cpu > self._limit:
                    self._write(Ending.LIMIT, f"more than {self._limit:.0f} s of CPU", {})
                    os._exit(0)
                if time.monotonic() - self._began > _WAITS * self._limit:
                    self._write(Ending.LIMIT, f"more than {_WAITS * self._limit:.0f} s", {})
                    os._exit(0)
                if (taken := resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024) > MEMORY_MIB:
                    self._write(Ending.LIMIT, f"{taken} MiB of memory", {})
                    os._exit(0)
        os._exit(1)


def _plain(answer: Answer) -> dict[str, Any]:
    return {**attrs.asdict(answer, recurse=False), "reached": dict(answer.reached)}
