"""The worker process: `python -m tlacheck.tlc._worker FOLDER MEMORY_MB`.

Reads a request a line on standard input and answers in lines of JSON: progress, then the report. It
stays, with its JVM warm, until standard input closes. Only this module writes to the real standard
output; whatever else prints (the JVM, a spec's `Print`) goes to standard error.
"""

import json
import os
import queue
import sys
import threading
from pathlib import Path
from typing import Any, TextIO

import attrs

from tlacheck.errors import TlacheckError
from tlacheck.tlc._jvm import start_jvm
from tlacheck.tlc._protocol import decode_request, encode_report
from tlacheck.tlc._run import is_heap_filling, run

__all__ = ["main"]

#: Every run leaves its classes behind, some 8 MB: after so many a new process is cheaper.
_RUNS_MAX = 50


def main(folder: Path, memory_mb: int) -> None:
    """Answer requests until standard input closes. Does not return."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    lock = threading.Lock()  # progress comes from another thread

    def answer(**data: Any) -> None:
        with lock:
            answers.write(json.dumps(data) + "\n")
            answers.flush()

    requests: queue.SimpleQueue[str] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(sys.stdin, requests), daemon=True).start()
    try:
        start_jvm(memory_mb=memory_mb, folder=folder, ends_when_full=True)
    except TlacheckError as error:
        answer(kind="failed", reason=str(error))
        os._exit(1)
    runs = 0
    while True:
        request = decode_request(requests.get())
        try:
            report = run(request, lambda progress: answer(kind="progress", **attrs.asdict(progress)))
        except (TlacheckError, OSError) as error:
            answer(kind="failed", reason=str(error))
        else:
            runs += 1
            tired = runs >= _RUNS_MAX or is_heap_filling()
            answer(kind="report", report=encode_report(report), tired=tired)


def _listen(source: TextIO, requests: "queue.SimpleQueue[str]") -> None:
    for line in source:
        requests.put(line)
    # The other side is gone, maybe in the middle of a run. TLC's threads would hold a normal exit back.
    os._exit(0)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
