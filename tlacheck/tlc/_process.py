"""The owner of a worker process: starts one when there is work, and replaces one that died.

Specs are untrusted input. A spec may never end, fill the memory or crash the JVM; all of that costs
the worker, never the process that asked.
"""

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Generator, Mapping
from pathlib import Path
from typing import Any

import tlacheck
from tlacheck.engine import find_jvm
from tlacheck.errors import ConfigError, EngineError
from tlacheck.tlc._closing import Closing
from tlacheck.tlc._jvm import STATUS_WHEN_FULL, WORDS_WHEN_FULL
from tlacheck.tlc._protocol import Progress, decode_progress

__all__ = ["MEMORY_MB", "NoAnswer", "Worker"]

#: The default heap of a worker's JVM.
MEMORY_MB = 4096
_MEMORY_MB_MIN = 64
#: The most of a dying worker's output that goes into the reason.
_LAST_WORDS = 300
#: The signals of a JVM whose stack is full: about one in two hundred endless recursions, under TLC
#: 2.15.
_OVERFLOWN = -signal.SIGSEGV
#: The most of it that is searched, in bytes.
_LOG_READ = 1 << 16
#: What an answer may be.
_KINDS = ("progress", "item", "report", "failed")
#: The most lines that a worker may be ahead of its reader; then it waits.
_AHEAD_MAX = 256


class NoAnswer(Exception):
    """The worker gave no answer: no time, no memory, or it died. The text is the reason."""


class LatestProgress:
    """Passes progress on to `listener`, and keeps the latest for a job that ends without an answer.

    Attributes:
        value: the latest progress.
    """

    def __init__(self, listener: Callable[[Progress], None] | None) -> None:
        self.value = Progress(generated=0, distinct=0, queue=0, seconds=0.0)
        self._listener = listener

    def __call__(self, progress: Progress) -> None:
        self.value = progress
        if self._listener is not None:
            self._listener(progress)


class Worker(Closing):
    """Runs one job after another in its own process; a context manager.

    The process starts with the first job. A job that gives no answer costs the process; the next job
    starts another one. One job at a time; only `cancel` may be called from another thread.
    """

    def __init__(self, memory_mb: int = MEMORY_MB, *, light: bool = False) -> None:
        """Prepare to start processes whose JVM has `memory_mb` of heap.

        `light` ones compile quickly instead of well: for many small jobs.

        Raises:
            ConfigError: that is less than TLC needs.
        """
        if memory_mb < _MEMORY_MB_MIN:
            raise ConfigError(f"memory_mb is {memory_mb}; TLC needs {_MEMORY_MB_MIN} at least")
        self._memory_mb = memory_mb
        self._light = light
        self._process: _Process | None = None
        self._cancelled = False

    @property
    def pid(self) -> int | None:
        """The number of the process; None if there is none."""
        return self._process.pid if self._process else None

    @property
    def folder(self) -> Path | None:
        """The private folder of the process, which holds all files of a run; None if there is none."""
        return self._process.folder if self._process else None

    def close(self) -> None:
        """End the process. The next job starts another one."""
        process, self._process = self._process, None
        if process is not None:
            process.stop()

    def cancel(self) -> None:
        """End the running job, if any: it gives no answer, with the reason `cancelled`."""
        self._cancelled = True
        process = self._process
        if process is not None:
            process.kill()

    def run(
        self,
        job: str,
        request: Mapping[str, Any],
        *,
        timeout: float | None = None,
        on_progress: Callable[[Progress], None] | None = None,
    ) -> dict[str, Any]:
        """Do a job and wait for its report.

        Args:
            job: one of the names in `_worker`.
            request: what the job asks for, as JSON data.
            timeout: seconds after which to give up; None waits.
            on_progress: called about twice a second, from this thread.

        Raises:
            NoAnswer: no time, no memory, the process died, or the job was cancelled.
            EngineError: TLC or the JVM could not be used at all.
        """
        stream = self.stream(job, request, timeout=timeout, on_progress=on_progress)
        while True:
            try:
                next(stream)
            except StopIteration as end:
                report: dict[str, Any] = end.value
                return report

    def stream(
        self,
        job: str,
        request: Mapping[str, Any],
        *,
        timeout: float | None = None,
        on_progress: Callable[[Progress], None] | None = None,
    ) -> Generator[Any, None, dict[str, Any]]:
        """Do a job; yields its items as they come. The generator's return value is the job's report.

        Whoever stops before the end costs the process. Arguments and errors are as with `run`.
        """
        if timeout is not None and timeout <= 0:
            raise ConfigError(f"timeout is {timeout:g} s; give a positive number of seconds, or none")
        deadline = None if timeout is None else time.monotonic() + timeout
        self._cancelled = False
        if self._process is not None and not self._process.is_alive():
            self.close()  # it died between two jobs, which is not this job's fault
        if self._process is None:
            self._process = _Process(self._memory_mb, light=self._light)
        process = self._process
        try:
            process.send({"job": job, "request": request})
            while True:
                answer = process.answer(deadline)
                kind = answer["kind"]
                if kind == "progress":
                    if on_progress is not None:
                        on_progress(decode_progress(answer))
                elif kind == "item":
                    yield answer["item"]
                else:
                    break
        except TimeoutError:
            self.close()
            raise NoAnswer(f"no time left after {timeout:g} s") from None
        except EngineError as error:
            self.close()
            raise NoAnswer("cancelled" if self._cancelled else str(error)) from None
        except BaseException:  # Ctrl-C above all: the worker would go on with an abandoned job
            self.close()
            raise
        if kind == "failed":
            self.close()
            raise EngineError(str(answer["reason"]))
        if answer["tired"]:
            self.close()  # the next job gets a new process
        report: dict[str, Any] = answer["report"]
        return report


class _Process:
    """A running worker process and its private folder."""

    def __init__(self, memory_mb: int, *, light: bool) -> None:
        self._memory_mb = memory_mb
        find_jvm()  # report errors here, in plain words, rather than from another process
        self._folder = tempfile.TemporaryDirectory(prefix="tlacheck-", ignore_cleanup_errors=True)
        folder = self.folder
        self._log = folder / "log"
        package = Path(tlacheck.__path__[0]).parent
        path = os.pathsep.join([str(package), *filter(None, [os.environ.get("PYTHONPATH")])])
        with self._log.open("wb") as log:
            # Its own session: a Ctrl-C at the terminal is for this process, which then ends the
            # worker. Its own folder: a crashing JVM leaves files in the current one.
            self._process = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "tlacheck.tlc._worker",
                    str(folder),
                    str(memory_mb),
                    *(["light"] if light else []),
                ],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                cwd=folder,
                env={**os.environ, "PYTHONPATH": path, "TMPDIR": str(folder)},
                start_new_session=True,
                text=True,
                encoding="utf-8",
            )
        self._answers: queue.Queue[str | None] = queue.Queue(_AHEAD_MAX)
        self._listener = threading.Thread(target=self._listen, daemon=True, name="tlacheck-worker")
        self._listener.start()

    @property
    def pid(self) -> int:
        return self._process.pid

    def is_alive(self) -> bool:
        return self._process.poll() is None

    @property
    def folder(self) -> Path:
        return Path(self._folder.name)

    def send(self, data: Mapping[str, Any]) -> None:
        """Send a request.

        Raises:
            EngineError: the worker is dead.
        """
        stdin = self._process.stdin
        try:
            if stdin is not None:
                stdin.write(json.dumps(data) + "\n")
                stdin.flush()
        except OSError:
            raise self._death() from None

    def answer(self, deadline: float | None) -> dict[str, Any]:
        """Return the next answer.

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
        try:
            answer: dict[str, Any] = json.loads(line)
            known = answer["kind"] in _KINDS
        except (ValueError, TypeError, KeyError):
            known = False
        if not known:
            raise EngineError(f"the TLC worker gave an answer that is none: {line[:_LAST_WORDS]!r}")
        return answer

    def kill(self) -> None:
        """End the process, whatever it does. May be called from any thread."""
        self._process.kill()

    def stop(self) -> None:
        """End the process and remove its folder."""
        self._process.kill()
        self._process.wait()
        while self._listener.is_alive():  # it may wait for room
            with contextlib.suppress(queue.Empty):
                self._answers.get(timeout=0.05)
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                with contextlib.suppress(OSError):  # nobody would read what was not sent
                    stream.close()
        self._folder.cleanup()

    def _listen(self) -> None:
        if self._process.stdout is not None:
            for line in self._process.stdout:
                self._answers.put(line)
        self._answers.put(None)

    def _death(self) -> EngineError:
        code = self._process.wait()
        with self._log.open("rb") as log:
            log.seek(max(0, log.seek(0, os.SEEK_END) - _LOG_READ))
            lines = log.read().decode("utf-8", "replace").splitlines()
        # A JVM that ends because its heap is full says so first: it may crash while it does.
        if code == STATUS_WHEN_FULL or any(line.startswith(WORDS_WHEN_FULL) for line in lines):
            hint = "give it more (--memory), or make the model smaller"
            return EngineError(f"out of memory: the worker had {self._memory_mb} MB; {hint}")
        how = f"was ended by signal {-code}" if code < 0 else f"ended with status {code}"
        if code == _OVERFLOWN:
            how += ", as by a recursion without end, which may bring down a JVM"
        # A JVM lists the options that it takes from the environment, which is no cause of death.
        words = "\n".join(line for line in lines if not line.startswith("Picked up ")).strip()[-_LAST_WORDS:]
        return EngineError(f"the TLC worker {how}" + (f": {words}" if words else ""))
