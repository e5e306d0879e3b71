"""One run of TLC inside a worker process: from a request to what TLC said.

Nothing is interpreted here: the messages go back as they are, and `_outcome` makes sense of them in
the process that asked.
"""

import contextlib
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jpype

from tlacheck.tlc._jvm import TlcClasses
from tlacheck.tlc._protocol import (
    STAGED_CONFIG,
    Channel,
    Progress,
    Report,
    Request,
    decode_request,
    encode_report,
)
from tlacheck.tlc._staging import Stage

__all__ = ["check"]

_PROGRESS_SECONDS = 0.5


def check(data: dict[str, Any], channel: Channel) -> dict[str, Any]:
    """The job `check`: from a `Request` to a `Report`, both as JSON data."""
    return encode_report(_run(decode_request(data), channel.progress))


def _run(request: Request, on_progress: Callable[[Progress], None]) -> Report:
    """Run TLC once, in a fresh class loader; calls `on_progress` about twice a second from another thread."""
    with tempfile.TemporaryDirectory(prefix="run-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        stage = Stage(request.spec, request.engine, folder)
        started = time.monotonic()
        failure: str | None = None
        tlc = stage.classes["tlc2.TLC"]()
        if tlc.handleParameters(jpype.JString[:](_arguments(request, stage, folder))):
            tlc.setResolver(stage.resolver)
            with _watched(stage.classes, started, on_progress):
                try:
                    tlc.process()
                except jpype.JException as error:
                    failure = str(error.getMessage() or error.getClass().getSimpleName())
                finally:
                    _unregister()
        seconds = time.monotonic() - started
        messages = tuple(stage.messages())
        checker = stage.classes["tlc2.TLCGlobals"].mainChecker
        # JPype never lets go of a class, nor do classes of their static fields: free the fingerprints by hand.
        stage.classes["tlc2.TLCGlobals"].mainChecker = None
        if checker is None:
            return Report(messages=messages, seconds=seconds, failure=failure)
        return Report(
            messages=messages,
            variables=stage.variables(checker.tool),
            temporal=tuple(map(str, checker.tool.getImpliedTemporalNames())),
            strangers=stage.strangers(checker.tool),
            seconds=seconds,
            failure=failure,
        )


def _unregister() -> None:
    """Take TLC's management beans away: they would keep the run's classes in memory, and the next run's out."""
    server = jpype.JClass("java.lang.management.ManagementFactory").getPlatformMBeanServer()
    for name in server.queryNames(jpype.JClass("javax.management.ObjectName")("tlc2.*:*"), None):
        with contextlib.suppress(jpype.JException):  # gone already
            server.unregisterMBean(name)


def _arguments(request: Request, stage: Stage, folder: Path) -> list[str]:
    arguments = [
        "-tool",
        "-metadir",
        str(folder / "states"),
        "-checkpoint",
        "0",
        "-workers",
        str(request.workers),
    ]
    # TLC checks liveness by the clock, now and then; at the end alone, counts and counterexample of one
    # worker are the same in every run.
    arguments += ["-lncheck", "final"]
    if not request.deadlock:
        arguments.append("-deadlock")  # TLC's option switches the check off
    return [*arguments, "-config", f"{STAGED_CONFIG}.cfg", stage.root]


@contextlib.contextmanager
def _watched(classes: TlcClasses, started: float, on_progress: Callable[[Progress], None]) -> Iterator[None]:
    """Report progress while the block runs."""
    done = threading.Event()
    options = classes["tlc2.TLCGlobals"]

    def watch() -> None:
        while not done.wait(_PROGRESS_SECONDS):
            progress = _progress(options.mainChecker, time.monotonic() - started)
            if progress is not None:
                on_progress(progress)

    watcher = threading.Thread(target=watch, name="progress", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        done.set()
        watcher.join()


def _progress(checker: Any, seconds: float) -> Progress | None:
    if checker is None:
        return None
    try:
        return Progress(
            generated=int(checker.getStatesGenerated()),
            distinct=int(checker.getDistinctStatesGenerated()),
            queue=int(checker.getStateQueueSize()),
            seconds=seconds,
        )
    except (jpype.JException, AttributeError):
        return None  # the checker is not set up yet; there is nothing to tell
