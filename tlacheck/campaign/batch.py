"""Batches: cases that one worker does in a row. An executor is given these, and a worker runs nothing else.

A worker of another version does nothing. A repetition that meets the very process that did the case
before is handed to a fresh process, and so is work that changes its process; that one ends with its
worker, in whatever way that ends.
"""

import os
import pickle
import platform
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any, BinaryIO, Final

import attrs

from tlacheck.campaign.version import Version
from tlacheck.campaign.work import Done, Work
from tlacheck.errors import EngineError, TlacheckError
from tlacheck.garbage import collect_rarely

__all__ = ["Batch", "Report", "do_batch", "worker_name"]

#: The time limit of a batch in a fresh process.
_SECONDS_MAX: Final = 900.0


@attrs.frozen(kw_only=True)
class Batch:
    """Some cases of a work.

    Attributes:
        work: what to do.
        cases: for each of these.
        version: of the campaign.
        not_by: the worker that must not do it, since it did before.
    """

    work: Work
    cases: tuple[str, ...]
    version: Version
    not_by: str = ""


@attrs.frozen(kw_only=True)
class Report:
    """Report of a worker on a batch.

    Attributes:
        worker: its host and process number.
        done: case -> result, in the order of the batch.
        differences: why it refused to do anything: how it differs from the campaign.
        seconds: how long it took by the clock.
    """

    worker: str
    done: dict[str, Done]
    differences: tuple[str, ...] = ()
    seconds: float = 0.0


def worker_name() -> str:
    """The name of this process as a worker: its host and process number."""
    return f"{platform.node()}:{os.getpid()}"


def do_batch(batch: Batch) -> Report:
    """Do the cases, one after the other.

    Raises:
        TlacheckError: the work does not make sense, or it raised.
    """
    begin = time.monotonic()
    if (here := str(Path.cwd())) not in sys.path:
        sys.path.insert(0, here)  # a worker that another program started has its own folder there
    if differences := batch.version.differences(Version.here()):
        return Report(worker=worker_name(), done={}, differences=differences)
    if batch.work.needs_fresh_process or batch.not_by == worker_name():
        return _in_fresh_process(batch)
    return _done(batch, begin)


def _done(batch: Batch, begin: float) -> Report:
    done: dict[str, Done] = {}
    for case in batch.cases:
        try:
            done[case] = batch.work.do(case)
        except TlacheckError:
            raise
        except Exception as error:
            raise EngineError(
                f"{batch.work.name}, case {case}, on {worker_name()}: {type(error).__name__}: {error}"
            ) from error
    return Report(worker=worker_name(), done=done, seconds=time.monotonic() - begin)


def _in_fresh_process(batch: Batch) -> Report:
    """Do a batch in a process of its own. Multiprocessing would not do: Dask's workers may not use it."""
    process = subprocess.Popen(
        [sys.executable, "-c", "from tlacheck.campaign.batch import serve; serve()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONHASHSEED": "0"},
    )
    watchdog = threading.Timer(_SECONDS_MAX, process.kill)
    watchdog.start()
    try:
        if process.stdin is None or process.stdout is None:
            raise EngineError("a fresh process has no pipes")
        try:
            pickle.dump(list(sys.path), process.stdin)
            pickle.dump(batch, process.stdin)
            process.stdin.flush()  # and stay open: the process ends when this one does
            answer: Report | TlacheckError = pickle.load(process.stdout)  # noqa: S301 - from our own child
        except (OSError, EOFError, pickle.UnpicklingError) as error:
            status = process.wait()
            raise EngineError(
                f"{batch.work.name}: a fresh process ended with status {status} in {', '.join(batch.cases)}"
            ) from error
    finally:
        watchdog.cancel()
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()
    if isinstance(answer, TlacheckError):
        raise answer
    return answer


def serve() -> None:
    """Do one batch from standard input. Never returns: a JVM may live in this process by the end."""
    answers, asker = os.fdopen(os.dup(1), "wb"), sys.stdin.buffer
    os.dup2(2, 1)
    sys.path[:] = pickle.load(asker)  # noqa: S301 - from our own parent
    batch: Batch = pickle.load(asker)  # noqa: S301 - as above
    threading.Thread(target=_end_with_asker, args=(asker,), daemon=True).start()
    answer: Any
    try:
        batch.work.prepare()
        collect_rarely()
        answer = _done(batch, time.monotonic())
    except TlacheckError as error:
        answer = EngineError(str(error)) if isinstance(error, EngineError) else TlacheckError(str(error))
    pickle.dump(answer, answers)
    answers.flush()
    os._exit(0)


def _end_with_asker(asker: BinaryIO) -> None:
    asker.read()
    os._exit(1)
