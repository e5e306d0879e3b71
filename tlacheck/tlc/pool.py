"""Check many specs with a pool of warm workers, several at a time.

A `Task` is a spec and its check options; its outcome is `Checked`: a result, or the error that
prevented one. Specs do not affect one another: an error, a timeout or a killed worker concerns one spec
only. If the wait ends early (Ctrl-C, an exception of a callback, a `break`), the running checks end
too, and a closed pool leaves no process behind.

Each worker process belongs to one thread here, which only waits for it.
"""

import contextlib
import os
import queue
import threading
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from typing import Any, TypeAlias

import attrs
from immutabledict import immutabledict

from tlacheck.engine import Engine, find_engine
from tlacheck.errors import ConfigError, EngineError, SpecError, TlacheckError
from tlacheck.tlc._closing import Closing
from tlacheck.tlc._process import MEMORY_MB
from tlacheck.tlc._protocol import Progress
from tlacheck.tlc.check import Checker, CheckResult
from tlacheck.tlc.spec import Spec

__all__ = ["Checked", "Pool", "Task", "check_all"]

#: The least memory of a worker when the machine's memory is shared out.
_SHARE_MB_MIN = 512
#: Seconds between two requests to a worker to end: the first one may come between two checks.
_END_SECONDS = 0.05


@attrs.frozen
class Task:
    """A spec to check, and the options of `Checker.check` that are its own.

    Attributes:
        spec: what to check.
        options: they come before those that are given for all tasks.
    """

    spec: Spec
    options: Mapping[str, Any] = attrs.field(factory=immutabledict, converter=immutabledict)


@attrs.frozen(kw_only=True)
class Checked:
    """The outcome of a task: exactly one of `result` and `error` is set.

    Attributes:
        index: the place of the task among those that were given, from 0.
        spec: what was to be checked.
        result: what the check established.
        error: why there is no result: TLC refuses the spec or cannot evaluate it, or the options do not fit
            it.
    """

    index: int
    spec: Spec
    result: CheckResult | None = None
    error: TlacheckError | None = None


@attrs.frozen
class _Failed:
    """The error that ended a thread; not of one spec, but of the whole pool."""

    error: BaseException


@attrs.frozen
class _Running:
    """The progress of a check."""

    spec: Spec
    progress: Progress


_News: TypeAlias = Checked | _Running | _Failed


class Pool(Closing):
    """Workers that stay warm from one batch of specs to the next; a context manager.

    They start when there is work for them. One batch at a time.
    """

    def __init__(
        self,
        processes: int | None = None,
        *,
        engine: Engine | None = None,
        memory_mb: int | None = None,
        light: bool = False,
    ) -> None:
        """Prepare to check with `engine` in so many processes at once.

        Args:
            processes: how many; None takes one for each core that this process may use.
            engine: the TLC to use; None takes the one that `find_engine` finds.
            memory_mb: the heap of each process. None shares out half of the machine's memory.
            light: whether Java compiles quickly instead of well. Saves time where all models are small, below
                some ten thousand states; a large one takes longer.

        Raises:
            ConfigError: there is no process, or less memory than TLC needs.
            SetupError: there is no TLC, and none was given.
        """
        if processes is None:
            processes = _cores()
        if processes < 1:
            raise ConfigError(f"processes is {processes}; a pool needs 1 at least")
        if memory_mb is None:
            memory_mb = _share_mb(processes)
        engine = engine or find_engine()
        self._checkers = tuple(
            Checker(engine=engine, memory_mb=memory_mb, light=light) for _ in range(processes)
        )
        self._engine = engine
        self._memory_mb = memory_mb
        self._busy = threading.Lock()

    @property
    def engine(self) -> Engine:
        """The TLC that checks."""
        return self._engine

    @property
    def processes(self) -> int:
        """The number of specs checked at once."""
        return len(self._checkers)

    @property
    def memory_mb(self) -> int:
        """The heap of each process."""
        return self._memory_mb

    @property
    def worker_pids(self) -> tuple[int, ...]:
        """The process numbers of the current workers."""
        pids = (checker.worker_pid for checker in self._checkers)
        return tuple(pid for pid in pids if pid is not None)

    def close(self) -> None:
        """End all workers. The next batch starts others."""
        for checker in self._checkers:
            checker.close()

    def check_all(
        self,
        tasks: Iterable[Spec | Task],
        *,
        on_result: Callable[[Checked], object] | None = None,
        on_progress: Callable[[Spec, Progress], object] | None = None,
        **options: Any,
    ) -> tuple[Checked, ...]:
        """Check them all, beginning with the first.

        Args:
            tasks: specs, or specs with options of their own.
            on_result: called with each result when it is there, from this thread. An exception ends all
                checks.
            on_progress: called with spec and progress about twice a second for each check that runs, from
                this thread.
            options: those of `Checker.check` for all tasks. `timeout` is for each of them.

        Returns:
            What became of each, in the order of `tasks`.

        Raises:
            ConfigError: the pool is in use.
            SetupError: there is no JVM.
        """
        found = []
        with contextlib.closing(self.as_completed(tasks, on_progress=on_progress, **options)) as checks:
            for checked in checks:
                found.append(checked)
                if on_result is not None:
                    on_result(checked)
        return tuple(sorted(found, key=lambda checked: checked.index))

    def as_completed(
        self,
        tasks: Iterable[Spec | Task],
        *,
        on_progress: Callable[[Spec, Progress], object] | None = None,
        **options: Any,
    ) -> Generator[Checked, None, None]:
        """Check them all; yields each outcome when it is done. Closing the generator ends the running checks.

        Arguments and errors are those of `check_all`.
        """
        todo = [task if isinstance(task, Task) else Task(task) for task in tasks]
        if not self._busy.acquire(blocking=False):
            raise ConfigError("the pool is in use: one batch at a time, or take another pool")
        try:
            batch = _Batch(self._checkers, todo, options)
            try:
                batch.start()
                for _ in todo:
                    yield batch.next(on_progress)
            finally:
                batch.end()
        finally:
            self._busy.release()


def check_all(
    tasks: Iterable[Spec | Task],
    *,
    processes: int | None = None,
    engine: Engine | None = None,
    memory_mb: int | None = None,
    light: bool = False,
    on_result: Callable[[Checked], object] | None = None,
    on_progress: Callable[[Spec, Progress], object] | None = None,
    **options: Any,
) -> tuple[Checked, ...]:
    """Check many specs: starts a pool and ends it. See `Pool` and `Pool.check_all`.

    Raises:
        ConfigError: there is no process, or less memory than TLC needs.
        SetupError: there is no JVM or no TLC.
    """
    with Pool(processes, engine=engine, memory_mb=memory_mb, light=light) as pool:
        return pool.check_all(tasks, on_result=on_result, on_progress=on_progress, **options)


class _Batch:
    """Tasks, the threads that do them, and the messages from those threads."""

    def __init__(
        self, checkers: Sequence[Checker], tasks: Sequence[Task], options: Mapping[str, Any]
    ) -> None:
        self._options = options
        self._news: queue.SimpleQueue[_News] = queue.SimpleQueue()
        self._todo: queue.SimpleQueue[tuple[int, Task]] = queue.SimpleQueue()
        for item in enumerate(tasks):
            self._todo.put(item)
        self._left = len(tasks)
        self._over = threading.Event()
        self._threads = {
            # daemon: the end of the process does not wait for checks
            threading.Thread(target=self._work, args=[checker], name="tlacheck-pool", daemon=True): checker
            for checker in checkers[: len(tasks)]
        }

    def start(self) -> None:
        """Begin."""
        for thread in self._threads:
            thread.start()

    def next(self, on_progress: Callable[[Spec, Progress], object] | None) -> Checked:
        """The next result."""
        while True:
            match self._news.get():
                case Checked() as checked:
                    self._left -= 1
                    return checked
                case _Running(spec, progress):
                    if on_progress is not None:
                        on_progress(spec, progress)
                case _Failed(error):
                    raise error

    def end(self) -> None:
        """End the running checks; do not start the others."""
        self._over.set()
        if self._left:
            running = [(thread, checker) for thread, checker in self._threads.items() if thread.is_alive()]
            for thread, checker in running:
                while thread.is_alive():
                    checker.cancel()
                    thread.join(_END_SECONDS)
                checker.close()  # it may have been cancelled between two checks: then it is dead
        else:
            for thread in self._threads:
                thread.join()

    def _work(self, checker: Checker) -> None:
        """Take tasks until there is none."""
        try:
            while not self._over.is_set():
                index, task = self._todo.get_nowait()
                self._news.put(self._check(checker, index, task))
        except queue.Empty:
            pass
        except BaseException as error:  # noqa: BLE001 - raised again where somebody waits for it
            self._news.put(_Failed(error))

    def _check(self, checker: Checker, index: int, task: Task) -> Checked:
        def note(progress: Progress) -> None:
            self._news.put(_Running(task.spec, progress))

        try:
            options = {**self._options, **task.options, "on_progress": note}
            return Checked(index=index, spec=task.spec, result=checker.check(task.spec, **options))
        except (ConfigError, EngineError, SpecError) as error:
            return Checked(index=index, spec=task.spec, error=error)


def _cores() -> int:
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity is not None else os.cpu_count() or 1


def _share_mb(processes: int) -> int:
    """Return the heap of each process: half of the machine in total, at most one process's default each."""
    try:
        total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20
    except (AttributeError, ValueError, OSError):
        return _SHARE_MB_MIN
    return max(_SHARE_MB_MIN, min(MEMORY_MB, total // (2 * processes)))
