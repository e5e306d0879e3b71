"""Execution of the checks of a plan, several at once.

Each slot is a thread that does one check after another. Events reach the thread that called `run`, so
an `Observer` needs no locks. A signal that ends the run ends all children first.
"""

import contextlib
import queue
import signal
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from types import FrameType
from typing import Protocol, TypeAlias

import attrs

from tlacheck.verify._work import ModelChecker, Worker
from tlacheck.verify.manifest import Model
from tlacheck.verify.plan import Check
from tlacheck.verify.result import Report, Result

__all__ = ["ModelChecker", "Observer", "Worker", "heaviest_first", "run"]

#: The most seconds until an observer is called again.
_TICK_SECONDS = 0.25


class Observer(Protocol):
    """A listener to the run, always called from the thread that called `run`."""

    def started(self, check: Check) -> None:
        """A check begins."""

    def progress(self, check: Check, text: str) -> None:
        """A running check reports its progress."""

    def finished(self, result: Result) -> None:
        """A check is done."""

    def tick(self) -> None:
        """Some time has passed: a quarter of a second at most."""


@attrs.frozen
class _Started:
    check: Check


@attrs.frozen
class _Progressed:
    check: Check
    text: str


@attrs.frozen
class _Signalled:
    number: int


_Event: TypeAlias = _Started | _Progressed | _Signalled | Result


def run(
    checks: Sequence[Check], workers: Sequence[Worker], observer: Observer, *, kept: Iterable[Result] = ()
) -> Report:
    """Do the checks, one at a time on each worker.

    Args:
        checks: what to do.
        workers: who does it; all of one setting. They are closed in the end.
        observer: is told what happens.
        kept: the results of those that need not be done.

    Returns:
        All results, or the finished ones if a signal (Ctrl-C, SIGTERM) ended the run. No child is
        left in either case.
    """
    started = time.monotonic()
    results = {result.check.name: result for result in kept}
    todo = deque(heaviest_first([check for check in checks if check.name not in results]))
    events: queue.SimpleQueue[_Event] = queue.SimpleQueue()
    slots = [_Slot(worker, todo, events) for worker in workers[: len(todo)]]
    interrupted: int | None = None
    with _signals_as_events(events):
        try:
            for slot in slots:
                slot.start()
            while len(results) < len(checks) and interrupted is None:
                match _next(events):
                    case _Started(check):
                        observer.started(check)
                    case _Progressed(check, text):
                        observer.progress(check, text)
                    case _Signalled(number):
                        interrupted = number
                    case Result() as result:
                        results[result.check.name] = result
                        observer.finished(result)
                observer.tick()
        finally:
            _stop(slots)
    return Report(
        setting=workers[0].setting,
        planned=len(checks),
        results=tuple(results[check.name] for check in checks if check.name in results),
        seconds=time.monotonic() - started,
        interrupted=interrupted,
    )


def _next(events: "queue.SimpleQueue[_Event]") -> _Event | None:
    try:
        return events.get(timeout=_TICK_SECONDS)
    except queue.Empty:
        return None


def heaviest_first(checks: Sequence[Check]) -> list[Check]:
    """Return the order in which checks begin: a long one that begins last would run alone.

    Those of unknown length come first, in the order given; then models by pinned states.
    """
    return sorted(checks, key=lambda check: -_weight(check))


def _weight(check: Check) -> float:
    return check.pins.get("distinct", float("inf")) if isinstance(check, Model) else float("inf")


class _Slot(threading.Thread):
    """Takes checks from `todo` until there are none, or until told to stop."""

    def __init__(self, worker: Worker, todo: "deque[Check]", events: "queue.SimpleQueue[_Event]") -> None:
        super().__init__(daemon=True, name="tlacheck-verify")
        self.worker = worker
        self.stopping = threading.Event()
        self._todo = todo
        self._events = events

    def run(self) -> None:
        try:
            while not self.stopping.is_set():
                try:
                    check = self._todo.popleft()
                except IndexError:
                    return
                self._do(check)
        finally:
            self.worker.close()

    def _do(self, check: Check) -> None:
        self._events.put(_Started(check))
        result = self.worker.do(check, lambda text: self._events.put(_Progressed(check, text)))
        if not self.stopping.is_set():
            self._events.put(result)


def _stop(slots: Sequence[_Slot]) -> None:
    """End the slots and all their children."""
    for slot in slots:
        slot.stopping.set()
    for slot in slots:
        while slot.is_alive():
            slot.worker.interrupt()  # repeatedly: it may just be starting a process
            slot.join(timeout=0.1)


@contextlib.contextmanager
def _signals_as_events(events: "queue.SimpleQueue[_Event]") -> Iterator[None]:
    """Turn Ctrl-C and SIGTERM into events, as far as this thread may."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def tell(number: int, _frame: FrameType | None) -> None:
        events.put(_Signalled(number))  # a SimpleQueue may be used from a signal handler

    before = {number: signal.signal(number, tell) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
