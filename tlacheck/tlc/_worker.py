"""The worker process: `python -m tlacheck.tlc._worker FOLDER MEMORY_MB [light]`.

Reads one request per line on standard input and answers in lines of JSON: progress and items, then the
report. It stays, with its JVM warm, until standard input closes; then it removes its folder and ends.
Only this module uses the real standard input and output: other output (the JVM, a spec's `Print`) goes
to standard error, and other readers find nothing.
"""

import importlib
import json
import os
import queue
import shutil
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, TextIO

import attrs

from tlacheck.errors import TlacheckError
from tlacheck.tlc._jvm import TlcClasses, is_heap_filling, start_jvm
from tlacheck.tlc._protocol import Channel, Progress

__all__ = ["main"]

#: Job -> the function that does it: from a request (JSON data) and a channel to a report (JSON data).
_JOBS = {
    "assist": "tlacheck.tlc._distributed:assist",
    "check": "tlacheck.tlc._run:check",
    "evaluate": "tlacheck.tlc._evaluate:evaluate",
    "graph": "tlacheck.tlc._graph:graph",
    "parse": "tlacheck.tlc._sany:parse",
    "serve": "tlacheck.tlc._distributed:serve",
    "simulate": "tlacheck.tlc._simulate:simulate",
}

#: Every copy of TLC's classes stays behind, some 8 MB: after this many a new process is cheaper.
_COPIES_MAX = 50
#: A run may leave a thread that waits for ever, with its stack.
_RUNS_MAX = 500


class _Answers(Channel):
    """Writes answers, from any thread, a line each."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._lock = threading.Lock()  # progress comes from another thread

    def progress(self, progress: Progress) -> None:
        self.answer(kind="progress", **attrs.asdict(progress))

    def item(self, item: Any) -> None:
        self.answer(kind="item", item=item)

    def answer(self, **data: Any) -> None:
        line = json.dumps(data) + "\n"
        with self._lock:
            self._stream.write(line)
            self._stream.flush()


def main(folder: Path, memory_mb: int, *, light: bool) -> None:
    """Answer requests until standard input closes. Does not return."""
    answers = _Answers(os.fdopen(os.dup(1), "w", encoding="utf-8"))
    os.dup2(2, 1)
    source = os.fdopen(os.dup(0), encoding="utf-8")
    with Path(os.devnull).open("rb") as nothing:
        os.dup2(nothing.fileno(), 0)  # a spec can make TLC wait for a key, or read requests
    requests: queue.SimpleQueue[str] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(source, requests, folder), daemon=True).start()
    try:
        start_jvm(memory_mb=memory_mb, folder=folder, ends_when_full=True, light=light)
    except TlacheckError as error:
        answers.answer(kind="failed", reason=str(error))
        os._exit(1)
    runs = 0
    while True:
        asked = json.loads(requests.get())
        try:
            report = _job(asked["job"])(asked["request"], answers)
        except (TlacheckError, OSError) as error:
            answers.answer(kind="failed", reason=str(error))
        else:
            runs += 1
            is_tired = runs >= _RUNS_MAX or TlcClasses.made >= _COPIES_MAX or is_heap_filling()
            answers.answer(kind="report", report=report, tired=is_tired)


def _job(name: str) -> Callable[[dict[str, Any], Channel], dict[str, Any]]:
    module, _, function = _JOBS[name].partition(":")
    job: Callable[[dict[str, Any], Channel], dict[str, Any]] = getattr(
        importlib.import_module(module), function
    )
    return job


def _listen(source: TextIO, requests: "queue.SimpleQueue[str]", folder: Path) -> None:
    for line in source:
        requests.put(line)
    # The owner is gone, maybe in the middle of a run, and cannot clean up any more. TLC's threads
    # would hold up a normal exit.
    shutil.rmtree(folder, ignore_errors=True)
    os._exit(0)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), light=sys.argv[3:] == ["light"])
