"""Processes that share work: however one of them ends, nobody waits for ever."""

import contextlib
import os
import signal
import time
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import pytest

from tlacheck.processes import Processes

LIMIT_SECONDS = 30


def nothing() -> None:
    """Begin."""


def die() -> None:
    """End at once, as a process does that the kernel kills."""
    os.kill(os.getpid(), signal.SIGKILL)


def sleep(seconds: float, file: Path) -> int:
    """Be busy, deaf to polite requests, and tell who it is."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    file.write_text(str(os.getpid()), encoding="utf-8")
    time.sleep(seconds)
    return os.getpid()


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_what_was_given_is_done() -> None:
    with Processes(2, nothing) as pool:
        assert list(pool.map(abs, (-1, -2, -3))) == [1, 2, 3]


def test_a_pool_of_which_processes_died_is_left_at_once() -> None:
    """Python's own pool may join a process that it started after the others had died, for ever."""
    for _ in range(8):
        begin = time.monotonic()
        with Processes(2, nothing) as pool:
            futures: list[Future[object]] = []
            with contextlib.suppress(BrokenProcessPool):  # also of what is given to a pool that broke
                for work in (die, nothing, nothing) * 4:
                    futures.append(pool.submit(work))  # noqa: PERF401 - those before one that is refused stay
            with pytest.raises(BrokenProcessPool):
                [future.result(LIMIT_SECONDS) for future in futures]
        assert time.monotonic() - begin < LIMIT_SECONDS


def test_a_process_that_goes_on_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tlacheck.processes._GRACE_SECONDS", 0.3)
    file = tmp_path / "pid"
    with Processes(1, nothing) as pool:
        pool.submit(sleep, 600, file)
        while not file.exists() or not file.read_text(encoding="utf-8"):
            time.sleep(0.05)
    assert not is_alive(int(file.read_text(encoding="utf-8")))
