"""The copy of TLC's classes that a check uses: a fresh one, or the one that this process reuses.

A fresh copy costs a small check most of its time: the classes are read, and run slowly until Java has
compiled them again. A worker process therefore keeps one copy, the *reused* one, and promises of it what a
fresh one has by itself: **a run finds nothing of an earlier one.** What makes that so:

* All classes of the copy that hold state are initialised before the first run, in one order, and their
  whole static state is restored after each run (`_static_state`).
* A copy is given up, not reused, if the run may have left something elsewhere: it ended with an exception,
  a thread of TLC's is still active, or it has initialised a class that is not among those.
* Nothing of a run acts later: the one class of TLC with a finalizer is disarmed.

The first run of a process gets a fresh copy, for a process of one run is quicker so. A jar of which the
reused copy cannot keep the promise (an object of an unknown kind, another class with a finalizer) gets
fresh copies always.
"""

import contextlib
import functools
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import attrs
import jpype

from tlacheck.engine import Engine
from tlacheck.tlc._jvm import TlcClasses
from tlacheck.tlc._static_state import StaticState, UnknownKindError

__all__ = ["Copies", "Lent", "ReusedCopy", "disarm", "unregister_beans"]

#: TLC's own packages: what else is in a jar is libraries, which checks do not use.
_OWN: Final = ("pcal.", "tla2sany.", "tlc2.", "util.")
#: Classes with state that cannot be restored. Checks on one machine do not use them; a use is noticed.
_NOT_INITIALISED: Final = ("tlc2.debug.", "tlc2.tool.distributed.", "tlc2.tool.fp.OffHeap")
#: The class with a finalizer, and its fields with the files that it would close a second time: their buffers
#: would then be lent twice.
_FINALIZED: Final = "tlc2.tool.fp.DiskFPSet"
_FILES_CLOSED_LATE: Final = ("braf", "brafPool")
#: Frames of a thread that waits to run what it was given earlier.
_TIMED: Final = ("java.util.TimerThread", "java.util.concurrent.ScheduledThreadPoolExecutor")
#: How long TLC's threads may take to end after a run. They need some milliseconds, more on a busy machine.
_REST_SECONDS = 1.0


@functools.lru_cache
def _names(jar: Path, _sha256: str) -> tuple[str, ...]:
    """Return the names of the classes in a jar, in its order."""
    with zipfile.ZipFile(jar) as archive:
        return tuple(
            name.removesuffix(".class").replace("/", ".")
            for name in archive.namelist()
            if name.endswith(".class") and not name.startswith("META-INF/")
        )


@attrs.define
class Lent:
    """A copy that a run uses.

    Attributes:
        classes: the copy.
        is_spoilt: set by the run if it ended in a way after which the copy must not be reused.
    """

    classes: TlcClasses
    is_spoilt: bool = False


class ReusedCopy:
    """A copy of TLC's classes for any number of runs, one after another."""

    def __init__(self, engine: Engine) -> None:
        """Load the classes of `engine` and take their state.

        Raises:
            UnknownKindError: the state of this jar's classes cannot be restored.
        """
        self.engine = engine
        self.classes = TlcClasses(engine)
        names = _names(engine.jar, engine.sha256)
        stateful = [name for name in names if name.startswith(_OWN) and not name.startswith(_NOT_INITIALISED)]
        kinds = [kind for name in stateful if (kind := self.classes.initialised(name)) is not None]
        _refuse_finalizers(kinds)
        known = {str(kind.getName()) for kind in kinds}
        unregister_beans()
        self._others = [name for name in names if name not in known]
        self._state = StaticState(kinds)

    def restore(self) -> bool:
        """Restore the state after a run; return whether the copy may be used again."""
        if self.classes.any_initialised(self._others) or not _comes_to_rest():
            return False
        self._state.restore()
        return True

    def differences(self) -> Iterator[str]:
        """Yield what differs from the state before the first run, see `StaticState.differences`."""
        return self._state.differences()


class Copies:
    """Lends copies to the runs of a process, one at a time."""

    def __init__(self) -> None:
        self._runs = 0
        self._reused: ReusedCopy | None = None
        self._refused: set[str] = set()

    @contextlib.contextmanager
    def lent(self, engine: Engine) -> Iterator[Lent]:
        """Lend a copy in which nothing is to be found of an earlier run, for the duration of the block."""
        reused = self._reusable(engine)
        self._reused = None
        self._runs += 1
        lent = Lent(TlcClasses(engine) if reused is None else reused.classes)
        yield lent
        if reused is not None and not lent.is_spoilt and reused.restore():
            self._reused = reused

    def _reusable(self, engine: Engine) -> ReusedCopy | None:
        if self._reused is not None and self._reused.engine == engine:
            return self._reused
        if not self._runs or engine.sha256 in self._refused:
            return None
        try:
            return ReusedCopy(engine)
        except UnknownKindError:
            self._refused.add(engine.sha256)
            return None


def unregister_beans() -> None:
    """Unregister TLC's management beans, which would keep a run's objects and block those of the next."""
    server = jpype.JClass("java.lang.management.ManagementFactory").getPlatformMBeanServer()
    for name in server.queryNames(jpype.JClass("javax.management.ObjectName")("tlc2.*:*"), None):
        with contextlib.suppress(jpype.JException):  # gone already
            server.unregisterMBean(name)


def disarm(classes: TlcClasses, checker: Any) -> None:
    """Take the files from the fingerprint sets of a checker that is done: no finalizer closes them then."""
    arrays = jpype.JClass("java.lang.reflect.Array")
    disk = classes[_FINALIZED].class_
    fields = [disk.getDeclaredField(name) for name in _FILES_CLOSED_LATE]
    for fingerprints in _fingerprint_sets(checker):
        if disk.isInstance(fingerprints):
            for field in fields:
                field.setAccessible(True)
                field.set(fingerprints, arrays.newInstance(field.getType().getComponentType(), 0))


def _fingerprint_sets(checker: Any) -> Iterator[Any]:
    """Yield the set of a checker, and those of which it consists."""
    whole = getattr(checker, "theFPSet", None)
    if whole is None:
        return
    yield whole
    kind = whole.getClass()
    while kind is not None:
        for field in kind.getDeclaredFields():
            if str(field.getName()) == "sets":
                field.setAccessible(True)
                yield from field.get(whole)
        kind = kind.getSuperclass()


def _refuse_finalizers(kinds: list[Any]) -> None:
    for kind in kinds:
        names = (
            str(method.getName()) for method in kind.getDeclaredMethods() if not method.getParameterCount()
        )
        if str(kind.getName()) != _FINALIZED and "finalize" in names:
            raise UnknownKindError(f"{kind.getName()} has a finalizer, which may act in a later run")


def _comes_to_rest() -> bool:
    """Wait until no thread but this one can run TLC's code any more; return whether that is so.

    TLC's threads end a moment after their run, or wait for ever to be woken by others of that run.
    """
    deadline = time.monotonic() + _REST_SECONDS
    while _is_any_thread_active():
        if time.monotonic() > deadline:
            return False
        time.sleep(_REST_SECONDS / 500)
    return True


def _is_any_thread_active() -> bool:
    thread = jpype.JClass("java.lang.Thread")
    this = thread.currentThread().getId()
    waiting = jpype.JClass("java.lang.Thread$State").WAITING
    return any(
        str(frame.getClassName()).startswith((*_OWN, *_TIMED))
        for entry in thread.getAllStackTraces().entrySet()
        if entry.getKey().getId() != this and entry.getKey().getState() != waiting
        for frame in entry.getValue()
    )
