"""Check a spec with TLC, in a worker process that stays warm between checks."""

import contextlib
import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import attrs

import tlacheck
from tlacheck.engine import Engine, find_engine, find_jvm
from tlacheck.errors import ConfigError, EngineError
from tlacheck.tlc._jvm import STATUS_WHEN_FULL
from tlacheck.tlc._outcome import interpret
from tlacheck.tlc._protocol import Progress, Request, decode_progress, decode_report, encode_request
from tlacheck.tlc.spec import Spec
from tlacheck.trace import Trace
from tlacheck.verdict import Verdict

__all__ = ["CheckResult", "Checker", "check"]

#: How much of what a dying worker printed goes into the reason.
_LAST_WORDS = 300


@attrs.frozen(kw_only=True)
class CheckResult:
    """What a check established.

    Attributes:
        spec: what was checked.
        verdict: exhausted, violated or unknown.
        generated: states that TLC computed, with repetitions.
        distinct: different states among them.
        queue: states whose successors were not computed; 0 when the search was exhaustive.
        depth: the number of states on the longest shortest path from an initial state.
        seconds: how long the check took.
        engine: version and checksum of the TLC that did it.
        trace: for a violation, the counterexample; None for a false assumption, which has none.
        warnings: what TLC warned about.
    """

    spec: Spec
    verdict: Verdict
    generated: int
    distinct: int
    queue: int
    depth: int
    seconds: float
    engine: str
    trace: Trace | None
    warnings: tuple[str, ...]


class Checker:
    """Owns a worker process that checks one spec after another; a context manager.

    The worker starts with the first check. A check that runs out of time or memory costs the
    worker; the next check starts another one. One check at a time.
    """

    def __init__(self, *, engine: Engine | None = None, memory_mb: int = 4096) -> None:
        """Prepare to check with `engine`, giving the worker's JVM `memory_mb` of heap.

        Raises:
            SetupError: there is no TLC, and none was given.
        """
        if memory_mb < 64:
            raise ConfigError(f"memory_mb is {memory_mb}; TLC needs 64 at least")
        self._engine = engine or find_engine()
        self._memory_mb = memory_mb
        self._worker: _Worker | None = None

    @property
    def engine(self) -> Engine:
        """The TLC that checks."""
        return self._engine

    @property
    def worker_pid(self) -> int | None:
        """The process number of the worker, while there is one."""
        return self._worker.pid if self._worker else None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the worker. The next check starts another one."""
        if self._worker is not None:
            self._worker.stop()
            self._worker = None

    def check(
        self,
        spec: Spec,
        *,
        workers: int = 1,
        deadlock: bool = True,
        timeout: float | None = None,
        on_progress: Callable[[Progress], None] | None = None,
    ) -> CheckResult:
        """Explore the states of `spec` and check the configuration's properties in them.

        Args:
            spec: the spec with its configuration.
            workers: how many threads explore. With one, the counts and the counterexample are the same in every run.
            deadlock: whether a state without successors violates the spec.
            timeout: seconds after which to give up; None waits.
            on_progress: called about twice a second, from this thread.

        Returns:
            The verdict: exhausted, violated with a trace, or unknown with the reason (no time, no
            memory, the worker died).

        Raises:
            SpecError: TLC refuses the spec or cannot evaluate it.
            SetupError: there is no JVM.
        """
        if workers < 1:
            raise ConfigError(f"workers is {workers}; TLC needs 1 at least")
        started = time.monotonic()
        if self._worker is None:
            self._worker = _Worker(self._memory_mb)
        absolute = Spec(spec.path.absolute(), spec.config.absolute())
        request = Request(spec=absolute, engine=self._engine, workers=workers, deadlock=deadlock)
        progress = Progress(generated=0, distinct=0, queue=0, seconds=0.0)
        deadline = None if timeout is None else started + timeout
        try:
            self._worker.send(encode_request(request))
            while True:
                answer = self._worker.answer(deadline)
                if answer["kind"] != "progress":
                    break
                progress = decode_progress(answer)
                if on_progress is not None:
                    on_progress(progress)
        except TimeoutError:
            self.close()
            return self._unknown(spec, f"no time left after {timeout:g} s", progress, started)
        except EngineError as error:
            self.close()
            return self._unknown(spec, str(error), progress, started)
        except BaseException:  # Ctrl-C above all: the worker would go on with a run that nobody waits for
            self.close()
            raise
        if answer["kind"] == "failed":
            self.close()
            raise EngineError(str(answer["reason"]))
        report = decode_report(answer["report"])
        if answer["tired"]:
            self.close()  # the next check gets a new worker
        outcome = interpret(report, spec, self._engine, deadlock=deadlock)
        if outcome.verdict.is_unknown:
            self.close()  # out of memory or disk: nothing good comes of a worker in that state
        fields = {field.name: getattr(outcome, field.name) for field in attrs.fields(type(outcome))}
        return CheckResult(spec=spec, seconds=report.seconds, engine=self._engine.label, **fields)

    def _unknown(self, spec: Spec, reason: str, progress: Progress, started: float) -> CheckResult:
        return CheckResult(
            spec=spec,
            verdict=Verdict.unknown(reason),
            generated=progress.generated,
            distinct=progress.distinct,
            queue=progress.queue,
            depth=0,
            seconds=time.monotonic() - started,
            engine=self._engine.label,
            trace=None,
            warnings=(),
        )


def check(
    spec: Spec | Path | str,
    config: Path | str | None = None,
    *,
    engine: Engine | None = None,
    memory_mb: int = 4096,
    workers: int = 1,
    deadlock: bool = True,
    timeout: float | None = None,
    on_progress: Callable[[Progress], None] | None = None,
) -> CheckResult:
    """Check one spec: starts a worker and ends it. See `Checker.check` and `Spec.load`.

    Raises:
        SpecError: there is no such file, TLC refuses the spec or cannot evaluate it.
        SetupError: there is no JVM or no TLC.
    """
    loaded = spec if isinstance(spec, Spec) and config is None else None
    if loaded is None:
        loaded = Spec.load(spec.path if isinstance(spec, Spec) else spec, config)
    with Checker(engine=engine, memory_mb=memory_mb) as checker:
        return checker.check(
            loaded, workers=workers, deadlock=deadlock, timeout=timeout, on_progress=on_progress
        )


class _Worker:
    """A running worker process and its private folder."""

    def __init__(self, memory_mb: int) -> None:
        self._memory_mb = memory_mb
        find_jvm()  # complain here, in plain words, rather than from another process
        self._folder = tempfile.TemporaryDirectory(prefix="tlacheck-", ignore_cleanup_errors=True)
        folder = Path(self._folder.name)
        self._log = folder / "log"
        package = Path(tlacheck.__path__[0]).parent
        path = os.pathsep.join([str(package), *filter(None, [os.environ.get("PYTHONPATH")])])
        with self._log.open("wb") as log:
            # Its own session: a Ctrl-C at the terminal is for this process, which then ends the worker.
            # In its folder: whatever a JVM leaves in the current one when it crashes is left there.
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tlacheck.tlc._worker", str(folder), str(memory_mb)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                cwd=folder,
                env={**os.environ, "PYTHONPATH": path, "TMPDIR": str(folder)},
                start_new_session=True,
                text=True,
                encoding="utf-8",
            )
        self._answers: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._listener = threading.Thread(target=self._listen, daemon=True, name="tlacheck-worker")
        self._listener.start()

    @property
    def pid(self) -> int:
        return self._process.pid

    def send(self, line: str) -> None:
        """Send a request.

        Raises:
            EngineError: the worker is dead.
        """
        stdin = self._process.stdin
        try:
            if stdin is not None:
                stdin.write(line + "\n")
                stdin.flush()
        except OSError:
            raise self._death() from None

    def answer(self, deadline: float | None) -> dict[str, Any]:
        """The next answer.

        Raises:
            TimeoutError: there is none until `deadline`, a time of the monotonic clock.
            EngineError: the worker is dead.
        """
        left = None if deadline is None else max(0.0, deadline - time.monotonic())
        try:
            line = self._answers.get(timeout=left)
        except queue.Empty:
            raise TimeoutError from None
        if line is None:
            raise self._death()
        answer: dict[str, Any] = json.loads(line)
        return answer

    def stop(self) -> None:
        """End the process, whatever it does, and remove its folder."""
        self._process.kill()
        self._process.wait()
        self._listener.join()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                with contextlib.suppress(OSError):  # what was not sent has nobody to read it
                    stream.close()
        self._folder.cleanup()

    def _listen(self) -> None:
        if self._process.stdout is not None:
            for line in self._process.stdout:
                self._answers.put(line)
        self._answers.put(None)

    def _death(self) -> EngineError:
        code = self._process.wait()
        if code == STATUS_WHEN_FULL:
            hint = "give the checker more (--memory), or make the model smaller"
            return EngineError(f"out of memory: the worker had {self._memory_mb} MB; {hint}")
        how = f"was ended by signal {-code}" if code < 0 else f"ended with status {code}"
        lines = self._log.read_text(encoding="utf-8", errors="replace").splitlines()
        # A JVM names the options that it takes from the environment: true, but no reason to die.
        words = "\n".join(line for line in lines if not line.startswith("Picked up ")).strip()[-_LAST_WORDS:]
        return EngineError(f"the TLC worker {how}" + (f": {words}" if words else ""))
