"""Fresh processes that share work and never outlast it: not their parent, and not a time limit at the end.

`Processes` is a process pool whose `shutdown` ends. That of Python's own pool joins its processes for as long
as they run; and once a process has died, its pool may join one that it started a moment before, which waits
for work that nobody sends.
"""

import functools
import multiprocessing
import os
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing.connection import wait
from multiprocessing.context import SpawnContext, SpawnProcess
from typing import Any, Final

from tlacheck.garbage import collect_rarely

__all__ = ["Processes"]

#: Seconds that processes have to end by themselves, or to end once they are told to.
_GRACE_SECONDS: Final = 5.0


class Processes(ProcessPoolExecutor):
    """A process pool of fresh interpreters, which import from where this one does and end with it."""

    def __init__(self, count: int, begin: Callable[..., None], *arguments: object) -> None:
        """Prepare up to `count` processes.

        Args:
            count: how many.
            begin: called first in each process; a function of a module, as for any pool.
            arguments: for `begin`; they can be pickled.
        """
        self._context = _Recording()
        super().__init__(
            count,
            mp_context=self._context,
            initializer=functools.partial(_begin, list(sys.path), begin, *arguments),
        )

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: FBT001, FBT002 - Python's
        """Take no more work. With `wait`, processes that are still there after 5 s are ended."""
        super().shutdown(wait=False, cancel_futures=cancel_futures)
        if wait:
            self._context.end()


class _Recording(SpawnContext):
    """A context that knows which processes were started in it."""

    def __init__(self) -> None:
        self._started: list[SpawnProcess] = []

    def Process(self, *arguments: Any, **named: Any) -> SpawnProcess:  # type: ignore[override] # noqa: N802 - its name
        process = SpawnProcess(*arguments, **named)
        self._started.append(process)
        return process

    def end(self) -> None:
        """Wait until all have ended, for as long as they may take; then end them."""
        if self._are_gone():
            return
        for process in self._running():
            process.terminate()
        if not self._are_gone():
            for process in self._running():
                process.kill()
            self._are_gone()

    def _are_gone(self) -> bool:
        deadline = time.monotonic() + _GRACE_SECONDS
        while running := self._running():
            if (left := deadline - time.monotonic()) <= 0:
                return False
            wait([process.sentinel for process in running], left)
        return True

    def _running(self) -> list[SpawnProcess]:
        return [process for process in self._started if process.is_alive()]


def _begin(path: list[str], begin: Callable[..., None], *arguments: object) -> None:
    _end_with_parent()
    sys.path[:] = path
    begin(*arguments)
    collect_rarely()


def _end_with_parent() -> None:
    """End this process as soon as its parent is gone; also if that was killed.

    Workers of a pool wait for work on a pipe whose other end they hold themselves; they would wait for ever.
    """
    parent = multiprocessing.parent_process()
    if parent is None:
        return

    def watch() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=watch, name="end with parent", daemon=True).start()
