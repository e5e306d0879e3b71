"""A pool of processes that explore and shrink, each with a JVM and a system.

A `WorkerPool` owns the processes. A shard of an exploration is a job; a free process takes the next
one, and the results are merged in the order of the shards (`explore.merge`). With a budget in steps the
result is therefore the same however many processes there are. When a shard fails, those before it are
finished and those after it are abandoned.

Owner and process exchange one JSON object a line, traces as ITF. Output of a system goes to standard
error.
"""

import functools
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from types import TracebackType
from typing import Any, Final, Self

import attrs

from tlacheck import errors, itf
from tlacheck.conform.explore import Exploration, Plan, Shard, Sighting, explore_shard, merge, shards
from tlacheck.conform.limits import LIMIT_SECONDS, Limited
from tlacheck.conform.loading import load_system
from tlacheck.conform.shrink import Shrunk, shrink
from tlacheck.conform.system import close
from tlacheck.errors import EngineError, TlacheckError
from tlacheck.tlc.oracle import SpecOracle
from tlacheck.tlc.spec import Spec, decode_spec, encode_spec
from tlacheck.trace import Trace

__all__ = ["WorkerPool", "plan_to_json", "serve", "sighting_from_json", "sighting_to_json"]

_SERVE: Final = "from tlacheck.conform.worker_pool import serve; serve()"
#: Seconds of silence, beyond the limit of a step, after which a process counts as hung where no
#: limit reaches.
_SILENCE_SECONDS: Final = 60.0
#: Seconds between two reports of progress.
_BEAT_SECONDS: Final = 0.2


class WorkerPool:
    """Processes that explore one system against one spec; a context manager.

    Args:
        spec: the spec.
        system: the system as `load_system` takes it, `package.module:Name` or `exec:COMMAND`.
        workers: how many processes.
        limit_seconds: how long a step of the system may take.
    """

    def __init__(
        self, spec: Spec, system: str, *, workers: int = 1, limit_seconds: float = LIMIT_SECONDS
    ) -> None:
        self._hello = {
            "spec": encode_spec(spec),
            "system": system,
            "limit": limit_seconds,
        }
        self._silence = limit_seconds + _SILENCE_SECONDS
        self._workers = [_Worker(self._hello, self._silence) for _ in range(workers)]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the processes."""
        for worker in self._workers:
            worker.close()

    def explore(self, plan: Plan, *, on_progress: Callable[[int, int], None] | None = None) -> Exploration:
        """Explore, as `explore.explore` does, with all processes.

        Args:
            plan: what to do. A budget in seconds begins, for each process, when its spec is loaded.
            on_progress: told now and then, from any thread, how many steps there were so far and how many
                states; a state that two processes came by counts twice here.

        Raises:
            TlacheckError: as `explore.explore`.
            EngineError: a process ended, or has been silent for long.
        """
        return _Campaign(self._workers, plan, on_progress).run()

    def shrink(
        self, trace: Trace, *, tries_max: int, on_progress: Callable[[int, int], None] | None = None
    ) -> Shrunk:
        """Shrink a failing run, as `shrink.shrink` does, in the first process.

        Raises:
            TlacheckError: as there.
            EngineError: the process ended, or has been silent for long.
        """

        def note(message: Mapping[str, Any]) -> None:
            if on_progress is not None:
                on_progress(*message["progress"])

        job = {"job": "shrink", "trace": itf.to_json(trace), "tries_max": tries_max}
        answer = self._workers[0].ask(job, note)
        return Shrunk(**{**answer, "trace": itf.from_json(answer["trace"])})


class _Worker:
    """One process, and the messages for it."""

    def __init__(self, hello: Mapping[str, Any], silence: float) -> None:
        self._hello = hello
        self._silence = silence
        self._process: subprocess.Popen[str] | None = None

    def ask(self, job: Mapping[str, Any], note: Callable[[Mapping[str, Any]], None]) -> dict[str, Any]:
        """Send a job and return the answer; progress goes to `note`.

        Raises:
            TlacheckError: the job could not be done.
        """
        process = self._started()
        if process.stdin is None or process.stdout is None:
            raise EngineError("a process of the exploration has no pipes")
        try:
            process.stdin.write(json.dumps(job) + "\n")
            process.stdin.flush()
        except OSError:
            raise self._ended(process) from None
        while True:
            watchdog = threading.Timer(self._silence, process.kill)
            watchdog.start()
            line = process.stdout.readline()
            watchdog.cancel()
            if not line:
                raise self._ended(process)
            message = json.loads(line)
            if "error" in message:
                raise _error(message)
            if "answer" in message:
                answer: dict[str, Any] = message["answer"]
                return answer
            note(message)

    def kill(self) -> None:
        """End the process, from any thread; a caller waiting for an answer learns that it ended."""
        process = self._process
        if process is not None:
            process.kill()

    def close(self) -> None:
        """End the process. The next job starts another one."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            for pipe in (self._process.stdin, self._process.stdout):
                if pipe is not None:
                    pipe.close()
            self._process = None

    def _started(self) -> subprocess.Popen[str]:
        if self._process is None:
            self._process = subprocess.Popen(
                [sys.executable, "-c", _SERVE],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                env={**os.environ, "PYTHONHASHSEED": "0"},
            )
            if self._process.stdin is not None:
                self._process.stdin.write(json.dumps(self._hello) + "\n")
        return self._process

    def _ended(self, process: subprocess.Popen[str]) -> EngineError:
        status = process.wait()
        if status == -signal.SIGKILL:
            return EngineError(
                f"a process of the exploration was ended: it had said nothing for {self._silence:g} s, or "
                "somebody killed it. Does the system hang outside of its steps?"
            )
        return EngineError(
            f"a process of the exploration ended with status {status}; what it said stands above"
        )


class _Campaign:
    """One exploration with several processes."""

    def __init__(
        self, workers: list[_Worker], plan: Plan, on_progress: Callable[[int, int], None] | None
    ) -> None:
        self._workers = workers
        self._plan = plan
        self._on_progress = on_progress
        self._lock = threading.Lock()
        self._shards: Iterator[Shard] = shards(plan)
        self._done: dict[int, Sighting] = {}
        self._running: dict[int, _Worker] = {}
        self._figures: dict[int, tuple[int, int]] = {}
        self._failed: int | None = None
        self._error: BaseException | None = None

    def run(self) -> Exploration:
        started = time.monotonic()
        threads = [
            threading.Thread(target=self._work, args=(worker,), daemon=True) for worker in self._workers
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if self._error is not None:
            raise self._error
        found = [self._done[number] for number in sorted(self._done)]
        return merge(self._plan, found, seconds=time.monotonic() - started)

    def _work(self, worker: _Worker) -> None:
        begun: float | None = None
        while (shard := self._next(worker)) is not None:
            left = None
            if self._plan.seconds is not None and begun is not None:
                left = self._plan.seconds - (time.monotonic() - begun)
            job = {
                "job": "shard",
                "plan": plan_to_json(self._plan),
                "shard": attrs.astuple(shard),
                "left": left,
            }
            try:
                answer = worker.ask(job, functools.partial(self._note, shard))
            except BaseException as error:  # noqa: BLE001 - it is raised in the thread that asked
                worker.close()
                self._fail(shard, error)
                return
            if begun is None:
                begun = time.monotonic() - answer["seconds"]
            self._finish(shard, sighting_from_json(answer))

    def _next(self, worker: _Worker) -> Shard | None:
        with self._lock:
            if self._failed is not None or self._error is not None:
                return None
            shard = next(self._shards, None)
            if shard is not None:
                self._running[shard.number] = worker
            return shard

    def _finish(self, shard: Shard, sighting: Sighting) -> None:
        with self._lock:
            del self._running[shard.number]
            self._done[shard.number] = sighting
            self._figures[shard.number] = (sighting.steps, len(sighting.states))
            if sighting.run is not None and (self._failed is None or shard.number < self._failed):
                self._failed = shard.number
                self._give_up(shard.number)
            if self._plan.seconds is not None and sighting.steps < shard.steps:
                self._shards = iter(())  # the budget is spent

    def _fail(self, shard: Shard, error: BaseException) -> None:
        """Record that the shard failed; if it was abandoned, ignore it."""
        with self._lock:
            del self._running[shard.number]
            if self._failed is None or shard.number < self._failed:
                self._error = self._error or error
                self._give_up(-1)

    def _give_up(self, number: int) -> None:
        """End the running shards after this one; the threads that wait for them notice."""
        for later, worker in self._running.items():
            if later > number:
                worker.kill()

    def _note(self, shard: Shard, message: Mapping[str, Any]) -> None:
        with self._lock:
            self._figures[shard.number] = tuple(message["progress"])
            figures = list(self._figures.values())
        if self._on_progress is not None:
            self._on_progress(sum(steps for steps, _ in figures), sum(states for _, states in figures))


# --- messages between owner and process -----------------------------------------------------------


def plan_to_json(plan: Plan) -> dict[str, Any]:
    """The plan as JSON data."""
    data = attrs.asdict(plan, recurse=False)
    return {**data, "weights": dict(plan.weights), "required": sorted(plan.required)}


def _plan_from_json(data: Mapping[str, Any]) -> Plan:
    return Plan(**{**data, "watch": tuple(data["watch"]), "required": frozenset(data["required"])})


def sighting_to_json(sighting: Sighting) -> dict[str, Any]:
    """The result of a shard as JSON data."""
    return {
        **attrs.asdict(sighting, recurse=False),
        "states": sorted(sighting.states),
        "transitions": sorted(sighting.transitions),
        "branches": sorted(sighting.branches),
        "actions": dict(sighting.actions),
        "run": None if sighting.run is None else itf.to_json(sighting.run),
    }


def sighting_from_json(answer: Mapping[str, Any]) -> Sighting:
    """The result of a shard in JSON data."""
    return Sighting(
        steps=answer["steps"],
        walks=answer["walks"],
        states=frozenset(answer["states"]),
        transitions=frozenset(answer["transitions"]),
        branches=frozenset(map(tuple, answer["branches"])),
        actions=answer["actions"],
        run=None if answer["run"] is None else itf.from_json(answer["run"]),
    )


def _error(message: Mapping[str, Any]) -> TlacheckError:
    """Rebuild the error that a process met, with the same class where its text suffices."""
    kind = getattr(errors, message["kind"], EngineError)
    return TlacheckError(message["error"]) if kind is errors.SpecError else kind(message["error"])


# --- inside the process ----------------------------------------------------------------------------


def serve() -> None:
    """Answer one job after another, inside the process. Never returns, because the JVM lives on."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the owner ends this process when it is interrupted

    def say(message: Mapping[str, Any]) -> None:
        answers.write(json.dumps(message) + "\n")
        answers.flush()

    try:
        hello = json.loads(sys.stdin.readline())
        make = load_system(hello["system"], limit_seconds=hello["limit"])
        oracle = SpecOracle(decode_spec(hello["spec"]))
        for line in sys.stdin:
            say({"answer": _answer(json.loads(line), oracle, lambda: Limited(make(), hello["limit"]), say)})
    except TlacheckError as error:
        say({"error": str(error), "kind": type(error).__name__})
    sys.stdout.flush()
    os._exit(0)


def _answer(
    job: Mapping[str, Any],
    oracle: SpecOracle,
    make: Callable[[], Limited],
    say: Callable[[Mapping[str, Any]], None],
) -> dict[str, Any]:
    if job["job"] == "shrink":
        told = time.monotonic()

        def tell(tries: int, steps: int) -> None:
            nonlocal told
            if time.monotonic() - told > _BEAT_SECONDS:
                told = time.monotonic()
                say({"progress": [tries, steps]})

        found = shrink(
            itf.from_json(job["trace"]), oracle, make, tries_max=job["tries_max"], on_progress=tell
        )
        return {**attrs.asdict(found, recurse=False), "trace": itf.to_json(found.trace)}
    plan = _plan_from_json(job["plan"])
    begun = time.monotonic()
    left = plan.seconds if job["left"] is None else job["left"]
    system = make()
    try:
        sighting = explore_shard(
            oracle,
            system,
            plan,
            Shard(*job["shard"]),
            deadline=None if left is None else begun + left,
            on_progress=lambda steps, states: say({"progress": [steps, states]}),
        )
    finally:
        close(system)
    return {**sighting_to_json(sighting), "seconds": time.monotonic() - begun}
