"""Trials of mutants: which layer of checks catches which wrong implementation.

Each mutant lives in its own process (`serve`: one line of JSON in, one out per layer), so it leaves
nothing behind. A layer is a check function as `tlacheck verify` calls it; it catches a mutant when its
verdict is violated. A layer that raises has noticed too, but for a bad reason: that is reported as an
error and not as a catch.
"""

import contextlib
import fnmatch
import importlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Any

import attrs

from tlacheck import itf
from tlacheck.errors import ConfigError
from tlacheck.garbage import collect_rarely
from tlacheck.mutants.mutation import Mutant, install
from tlacheck.verify import Context, Outcome

__all__ = [
    "Attempt",
    "Layer",
    "Result",
    "chosen_mutants",
    "declared",
    "load",
    "load_mutants",
    "serve",
    "try_mutants",
    "try_one",
    "unwatched",
]

#: The time limit of all layers together for one mutant.
_SECONDS_MAX = 900.0


def _as_json(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The same mapping as a plain one: the process of a mutant gets it as JSON."""
    return dict(arguments)


@attrs.frozen
class Layer:
    """One layer of checks: its name, its check function `module:function`, and the function's arguments."""

    name: str
    call: str
    arguments: Mapping[str, Any] = attrs.field(factory=dict, converter=_as_json)


@attrs.frozen(kw_only=True)
class Attempt:
    """One layer's result on one mutant.

    Attributes:
        layer: the layer's name.
        caught: whether its verdict is violated.
        violates: the property that it names; empty if it did not catch.
        seconds: how long it took, shrinking included.
        steps: the length of the shrunk trace; None without one.
        error: why the layer could not judge; empty if it could.
    """

    layer: str
    caught: bool
    violates: str
    seconds: float
    steps: int | None
    error: str


@attrs.frozen
class Result:
    """The result of all layers on one mutant."""

    mutant: Mutant
    attempts: tuple[Attempt, ...]

    @property
    def first(self) -> Attempt | None:
        """The first layer that caught it."""
        return next((attempt for attempt in self.attempts if attempt.caught), None)

    @property
    def is_as_expected(self) -> bool:
        """True if it was caught; for an equivalent one, if every layer let it pass."""
        if any(attempt.error for attempt in self.attempts):
            return False
        return (self.first is None) == self.mutant.equivalent


def load(target: str) -> Any:
    """The object that `module:name` refers to.

    Raises:
        ConfigError: if there is none.
    """
    module, _, name = target.partition(":")
    try:
        return getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise ConfigError(f"{target!r} names nothing that can be imported: {error}") from error


def declared(of: str, *, which: str = "MUTANTS") -> tuple[str, Sequence[Layer]]:
    """The name of the mutants and the layers that a package or a declared protocol has.

    Args:
        of: a package, whose `mutants` has the mutants and whose `layers` has `LAYERS`; or `MODULE:PROTOCOL`,
            a `tlacheck.harness.Protocol` with mutants. Its layer is a soak test unless it declares others.
        which: the name of the mutants of a package.

    Raises:
        ConfigError: there is no such package or declaration, or it has no mutants.
    """
    if ":" not in of:
        return f"{of}.mutants:{which}", load(f"{of}.layers:LAYERS")
    protocol = load(of)
    if not getattr(protocol, "mutants", ()):
        raise ConfigError(f"{of} declares no mutants")
    layers: Sequence[Layer] = protocol.layers
    soak = Layer("soak", "tlacheck.harness.checks:soaked", {"protocol": of, "seeds": 20, "steps": 500})
    return of, layers or (soak,)


def load_mutants(target: str) -> Sequence[Mutant]:
    """The mutants that `module:name` refers to, or those of the protocol that it refers to.

    Raises:
        ConfigError: there are none.
    """
    found = load(target)
    mutants: Sequence[Mutant] = getattr(found, "mutants", found)
    return mutants


def try_mutants(
    mutants: str,
    layers: Sequence[Layer],
    *,
    folder: Path,
    seed: int = 0,
    jobs: int = 1,
    executor: Executor | None = None,
    only: str = "*",
    controls: bool = True,
    every_layer: bool = False,
    on_result: Callable[[Result], None] | None = None,
) -> tuple[Result, ...]:
    """Try each mutant against the layers, in order.

    Args:
        mutants: `module:name` of the tuple of mutants, or of a protocol that declares them.
        layers: the layers; without `every_layer` the first that catches is the last that is asked.
        folder: where traces go, a folder a mutant and layer.
        seed: given to every layer.
        jobs: how many mutants are tried at once.
        executor: who tries them, instead of `jobs` threads that each wait for a process. Traces stay where it
            tries them.
        only: a pattern for the mutants' names.
        controls: whether equivalent mutants are tried too. They pass through every layer, which takes long.
        every_layer: ask all layers, to see which of them would notice.
        on_result: told each result as it comes; by default nobody is.

    Raises:
        ConfigError: if no mutant has such a name.
    """
    chosen = chosen_mutants(mutants, only, controls=controls)
    with contextlib.ExitStack() as stack:
        pool = executor or stack.enter_context(ThreadPoolExecutor(jobs))
        tried = {
            pool.submit(
                try_one, mutant, layers, folder / mutant.name, seed, every_layer=every_layer
            ): mutant.name
            for mutant in chosen
        }
        stack.callback(lambda: [future.cancel() for future in tried])
        results = {}
        for future in as_completed(tried):
            results[tried[future]] = future.result()
            if on_result is not None:
                on_result(results[tried[future]])
    return tuple(results[mutant.name] for mutant in chosen)


def chosen_mutants(mutants: str, only: str = "*", *, controls: bool = True) -> tuple[Mutant, ...]:
    """The mutants whose names fit a pattern.

    Args:
        mutants: `module:name` of the tuple of mutants, or of a protocol that declares them.
        only: the pattern.
        controls: whether equivalent mutants are among them.

    Raises:
        ConfigError: if no mutant has such a name.
    """
    every = load_mutants(mutants)
    chosen = tuple(
        mutant
        for mutant in every
        if fnmatch.fnmatch(mutant.name, only) and (controls or not mutant.equivalent)
    )
    if not chosen:
        names = ", ".join(mutant.name for mutant in every)
        raise ConfigError(f"no mutant is called {only!r}; there are {names}")
    return chosen


def try_one(mutant: Mutant, layers: Sequence[Layer], folder: Path, seed: int, *, every_layer: bool) -> Result:
    """Try one mutant in a process of its own.

    Args:
        mutant: the mutant.
        layers: the layers, in the order in which they are asked.
        folder: where its traces go.
        seed: given to every layer.
        every_layer: ask all layers.
    """
    request = {
        "mutant": attrs.asdict(mutant),
        "layers": [attrs.asdict(layer) for layer in layers],
        "folder": str(folder),
        "seed": seed,
        "every_layer": every_layer,
    }
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "output.txt").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-c", "from tlacheck.mutants.trial import serve; serve()"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            env={**os.environ, "PYTHONHASHSEED": "0"},
        )
        try:
            answers, _ = process.communicate(json.dumps(request), timeout=_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            process.kill()
            answers, _ = process.communicate()
        finally:
            process.kill()
    attempts = [Attempt(**json.loads(line)) for line in answers.splitlines()]
    if process.returncode != 0:
        asked = layers[len(attempts)].name if len(attempts) < len(layers) else "?"
        error = f"its process ended with status {process.returncode}; see {folder / 'output.txt'}"
        attempts.append(Attempt(layer=asked, caught=False, violates="", seconds=0.0, steps=None, error=error))
    return Result(mutant, tuple(attempts))


def serve() -> None:
    """Serve one mutant. Does not return: a JVM may live in this process by the end."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    request = json.loads(sys.stdin.read())
    sys.path.insert(0, str(Path.cwd()))
    install(Mutant(**request["mutant"]))
    collect_rarely()
    for fields in request["layers"]:
        attempt = _judge(Layer(**fields), Path(request["folder"]) / fields["name"], request["seed"])
        answers.write(json.dumps(attrs.asdict(attempt)) + "\n")
        answers.flush()
        if attempt.caught and not request["every_layer"]:
            break
    sys.stdout.flush()
    os._exit(0)


def unwatched(text: str) -> None:
    """Ignore progress."""
    del text


def _judge(layer: Layer, folder: Path, seed: int) -> Attempt:
    folder.mkdir(parents=True, exist_ok=True)
    context = Context(folder=folder, budget="mutants", seed=seed, command="", progress=unwatched)
    started = time.monotonic()
    error = ""
    outcome: Outcome | None = None
    try:
        outcome = load(layer.call)(context, **layer.arguments)
    except Exception as raised:  # noqa: BLE001 - whatever a mutant provokes is reported
        error = f"{type(raised).__name__}: {raised}".partition("\n")[0]
    caught = outcome is not None and outcome.verdict.is_violated
    return Attempt(
        layer=layer.name,
        caught=caught,
        violates=(outcome.verdict.violates or "") if outcome and caught else "",
        seconds=time.monotonic() - started,
        steps=_steps(outcome) if outcome and caught else None,
        error=error,
    )


def _steps(outcome: Outcome) -> int | None:
    """Return the length of the run that shows the violation: its trace's, or else the check's count."""
    if outcome.trace is not None:
        return len(itf.read(outcome.trace))
    counted = outcome.figures.get("steps")
    return counted if isinstance(counted, int) else None
