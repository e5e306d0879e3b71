"""A Python check in its own process, which can be ended with all its children."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import tlacheck
from tlacheck.errors import TlacheckError
from tlacheck.verdict import Verdict
from tlacheck.verify.outcome import Outcome

__all__ = ["CheckProcess", "CheckRaised"]


class CheckRaised(TlacheckError):
    """A check written in Python ended without an outcome."""


class CheckProcess:
    """The process of one check, started at once.

    Its randomness does not depend on the process: hashing is fixed. It leads its own session: a Ctrl-C
    at the terminal reaches the requester, which then ends it.
    """

    def __init__(
        self, request: Mapping[str, Any], *, root: Path, log: Path, environment: Mapping[str, str]
    ) -> None:
        """Start a check.

        Args:
            request: call, arguments, folder, budget, seed and command.
            root: the repository root, its current folder.
            log: the file that gets what it prints.
            environment: what differs from this process's environment.
        """
        self._scratch = tempfile.TemporaryDirectory(prefix="tlacheck-", ignore_cleanup_errors=True)
        self._lock = threading.Lock()
        self._reaped = False
        package = str(Path(tlacheck.__path__[0]).parent)
        path = os.pathsep.join([package, *filter(None, [os.environ.get("PYTHONPATH")])])
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tlacheck.verify._job"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=output,
                cwd=root,
                env={
                    **environment,
                    "PYTHONPATH": path,
                    "PYTHONHASHSEED": "0",  # Hypothesis' examples depend on hashing
                    "TMPDIR": self._scratch.name,
                    "HYPOTHESIS_STORAGE_DIRECTORY": str(Path(self._scratch.name, "hypothesis")),
                },
                start_new_session=True,
                text=True,
                encoding="utf-8",
            )
        self._request = json.dumps(request)

    def outcome(self, *, timeout: float, on_progress: Callable[[str], None]) -> Outcome:
        """Wait for the outcome; the process has ended afterwards.

        Returns:
            What the check returned; unknown if there was no time left.

        Raises:
            CheckRaised: the check raised an exception, or its process died.
        """
        expired = threading.Event()

        def expire() -> None:
            expired.set()
            self.kill()

        timer = threading.Timer(timeout, expire)
        timer.daemon = True
        timer.start()
        try:
            answer = self._answer(on_progress)
        finally:
            timer.cancel()
            code = self._reap()
        if answer is None:
            if expired.is_set():
                return Outcome(verdict=Verdict.unknown(f"no time left after {timeout:g} s"))
            how = f"was ended by signal {-code}" if code < 0 else f"ended with status {code}"
            raise CheckRaised(f"the process of the check {how} before there was an outcome")
        if answer["kind"] == "failed":
            raise CheckRaised(answer["message"])
        return Outcome.from_json(answer["outcome"])

    def kill(self) -> None:
        """End the process and all its children. May be called from any thread, at any time."""
        with self._lock:
            if not self._reaped:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.killpg(self._process.pid, signal.SIGKILL)

    def _answer(self, on_progress: Callable[[str], None]) -> dict[str, Any] | None:
        stdin, stdout = self._process.stdin, self._process.stdout
        if stdin is None or stdout is None:
            return None
        with contextlib.suppress(BrokenPipeError):  # it is dead; that shows below
            stdin.write(self._request + "\n")
            stdin.flush()
        for line in stdout:
            answer: dict[str, Any] = json.loads(line)
            if answer["kind"] != "progress":
                return answer
            on_progress(answer["text"])
        return None

    def _reap(self) -> int:
        """End the rest of the process and its children; return its exit status."""
        self.kill()  # an exited process keeps its status
        with self._lock:
            code = self._process.wait()
            self._reaped = True  # from here on the number may belong to another process
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                with contextlib.suppress(OSError):  # nobody would read what was not sent
                    stream.close()
        self._scratch.cleanup()
        return code
