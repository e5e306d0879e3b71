"""One run of TLC inside a worker process: from a request to TLC's messages.

Nothing is interpreted here: the messages go back unchanged, and `_outcome` interprets them in the
process that asked. Added is what only TLC's own objects can tell: the spec's variables, the properties
that a lasso refutes, the states at each depth.
"""

import contextlib
import re
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import jpype

from tlacheck.errors import EngineError, SetupError
from tlacheck.files import write_whole
from tlacheck.tlc._copies import Copies, disarm, unregister_beans
from tlacheck.tlc._jvm import TlcClasses
from tlacheck.tlc._lasso import refuted, temporal_names
from tlacheck.tlc._levels import levels_of
from tlacheck.tlc._protocol import (
    STAGED_CONFIG,
    Channel,
    Kind,
    Message,
    Progress,
    Report,
    Request,
    decode_request,
    encode_report,
)
from tlacheck.tlc._staging import Stage
from tlacheck.tlc._strangers import seem_undeclared, undeclared
from tlacheck.tlc._transcript import Transcript
from tlacheck.tlc.spec import Spec

__all__ = ["check", "run"]

_PROGRESS_SECONDS = 0.5
#: Seconds between two collections of TLC's messages: a spec can print some megabytes meanwhile.
_COLLECT_SECONDS = 0.05
#: The name by which a spec asks TLC how long the run has taken.
_DURATION: Final = b'"duration"'
#: TLC prints coverage every so many minutes, and at the end; only the end counts.
_COVERAGE_MINUTES = 30_000
#: The property that makes TLC keep its files when nothing was violated. Read when its class is loaded.
_KEEP_FILES = "tlc2.tool.ModelChecker.vetoCleanup"

#: The number of a message that is not TLC's but ours.
_OWN = 0
_TEMPORAL, _STATE, _STUTTERING, _BACK = 2116, 2217, 2218, 2122
_TEMPORAL_BEGINS, _LEVEL_BEGINS = 2212, 2205
_LEVEL = re.compile(r"Starting level (\d+): ([\d,]+) states generated, ([\d,]+) distinct")
_HEADER = re.compile(r"\A\d+: .*\n")

#: Those of this process.
_COPIES: Final = Copies()


def check(data: dict[str, Any], channel: Channel) -> dict[str, Any]:
    """Do the job `check`: from a `Request` to a `Report`, both as JSON data."""
    return encode_report(run(decode_request(data), channel.progress, _COPIES))


def run(request: Request, on_progress: Callable[[Progress], None], copies: Copies) -> Report:
    """Run TLC once, in one of `copies`; calls `on_progress` about twice a second from another thread."""
    with tempfile.TemporaryDirectory(prefix="run-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        started = time.monotonic()
        if seem_undeclared(request.spec):
            strangers = undeclared(Stage(request.spec, request.engine, folder))
            if strangers:
                return Report(messages=(), strangers=strangers, seconds=time.monotonic() - started)
        if _needs_fresh_classes(request):
            return _run_in(None, request, folder, on_progress)[0]
        with copies.lent(request.engine) as lent:
            report, checker = _run_in(lent.classes, request, folder, on_progress)
            lent.is_spoilt = report.failure is not None
            disarm(lent.classes, checker)
        return report


def _needs_fresh_classes(request: Request) -> bool:
    """Return whether the run needs classes that no other run has used or will use.

    A trusted jar brings classes of its own. Classes read when they are initialised whether levels are
    counted, whether there is coverage, and from when `TLCGet("duration")` counts. What writes files, and a
    search in depth, use parts of TLC that nobody has examined for that.
    """
    return bool(
        request.spec.trusted_jars
        or request.levels
        or request.coverage
        or request.dumps
        or request.depth_first is not None
        or _may_ask_for_duration(request.spec)
    )


def _may_ask_for_duration(spec: Spec) -> bool:
    """Return whether a module that the spec may use names the duration of the run."""
    folders = (spec.path.parent, *spec.libraries)
    return any(
        _DURATION in file.read_bytes()
        for folder in folders
        for file in folder.glob("*.tla")
        if file.is_file()
    )


def _run_in(
    classes: TlcClasses | None, request: Request, folder: Path, on_progress: Callable[[Progress], None]
) -> tuple[Report, Any]:
    """Run TLC in `classes`, or in fresh ones; return the report and TLC's checker, None if it made none."""
    started = time.monotonic()
    stage = Stage(request.spec, request.engine, folder, writing=bool(request.dumps), classes=classes)
    jpype.JClass("java.lang.System").setProperty(_KEEP_FILES, str(request.levels).lower())
    failure: str | None = None
    transcript = Transcript()
    for format_, file in request.dumps:
        _dump(folder, format_, file).parent.mkdir(exist_ok=True)
    tlc = stage.classes["tlc2.TLC"]()
    if tlc.handleParameters(jpype.JString[:](_arguments(request, stage, folder))):
        tlc.setResolver(stage.resolver)
        with _watched(stage, request, transcript, started, on_progress):
            try:
                tlc.process()
            except jpype.JException as error:
                failure = str(error.getMessage() or error.getClass().getSimpleName())
            finally:
                unregister_beans()
    stage.drain(transcript.take)
    _deliver(request, folder)
    seconds = time.monotonic() - started
    checker = stage.classes["tlc2.TLCGlobals"].mainChecker
    # JPype never releases a class, nor do classes their static fields: free the fingerprints by hand.
    stage.classes["tlc2.TLCGlobals"].mainChecker = None
    if checker is None:
        return Report(messages=tuple(transcript.messages), seconds=seconds, failure=failure), None
    levels = _levels(checker, request.workers, transcript) if request.levels else ()
    messages = tuple(each for each in transcript.messages if not _is_notice(each, folder))
    temporal = temporal_names(checker.tool)
    report = Report(
        messages=messages,
        variables=stage.variables(checker.tool),
        temporal=temporal,
        refuted=_refuted(stage.classes, checker.tool, messages) if len(temporal) > 1 else (),
        strangers=stage.strangers(checker.tool),
        seconds=seconds,
        failure=failure,
        levels=levels,
        printed_dropped=transcript.printed_dropped,
        violations_dropped=transcript.violations_dropped,
    )
    return report, checker


def _refuted(classes: TlcClasses, tool: Any, messages: tuple[Message, ...]) -> tuple[str, ...]:
    """Return the temporal properties that the lasso among the messages refutes."""
    codes = [message.code for message in messages]
    if _TEMPORAL not in codes:
        return ()
    behaviour = messages[codes.index(_TEMPORAL) :]
    states = [_HEADER.sub("", message.text) for message in behaviour if message.code == _STATE]
    for message in behaviour:
        if message.code == _STUTTERING:
            return refuted(classes, tool, states, len(states) - 1)
        if message.code == _BACK:
            return refuted(classes, tool, states, int(message.text.partition(":")[0]) - 1)
    return ()


def _levels(checker: Any, workers: int, transcript: Transcript) -> tuple[int, ...]:
    """Count the states at each depth; none, and a warning, if impossible: the verdict stands all the same."""
    checker.trace.beginChkpt()  # writes what is still in memory into the files
    name = str(checker.tool.getRootName())
    folder = Path(str(checker.metadir))
    files = [folder / f"{name}-{number}.st" for number in range(workers)]
    try:
        return levels_of(files)
    except (EngineError, OSError) as error:
        transcript.take(Message(_OWN, Kind.WARNING, str(error)))
        return ()


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
    if not (request.deadlock and stage.deadlock):
        arguments.append("-deadlock")  # TLC's option switches the check off
    if request.continue_:
        arguments.append("-continue")
    if request.depth_first is not None:
        arguments += ["-dfid", str(request.depth_first)]
    if request.coverage:
        arguments += ["-coverage", str(_COVERAGE_MINUTES)]
    if request.engine.knows("-noGenerateSpecTE"):
        arguments.append("-noGenerateSpecTE")  # newer TLCs leave a module beside the spec unless told not to
    for format_, file in request.dumps:
        arguments += ["-dumpTrace", format_, str(_dump(folder, format_, file))]
    return [*arguments, "-config", f"{STAGED_CONFIG}.cfg", stage.root]


def _dump(folder: Path, format_: str, file: Path) -> Path:
    """Return where TLC writes a counterexample that is meant for `file`."""
    return folder / f"dumped-{format_}" / file.name


def _deliver(request: Request, folder: Path) -> None:
    """Put the counterexamples that TLC has written where they were asked for."""
    for format_, file in request.dumps:
        written = _dump(folder, format_, file)
        if written.is_file():
            # TLC names the module by the whole path of its file.
            text = written.read_text(encoding="utf-8").replace(
                f"MODULE {written.with_suffix('')}", f"MODULE {file.stem}", 1
            )
            write_whole(text, file)


def _is_notice(message: Message, folder: Path) -> bool:
    """Return whether TLC says that it has written one of those counterexamples: it names a file of ours."""
    return message.code is None and message.text.startswith(f'"CounterExample written: {folder}')


@contextlib.contextmanager
def _watched(
    stage: Stage,
    request: Request,
    transcript: Transcript,
    started: float,
    on_progress: Callable[[Progress], None],
) -> Iterator[None]:
    """Collect TLC's messages and report progress while the block runs."""
    done = threading.Event()
    options = stage.classes["tlc2.TLCGlobals"]
    forget = _forgetter(stage.classes)

    def watch() -> None:
        last = 0.0
        while not done.wait(_COLLECT_SECONDS):
            stage.drain(transcript.take)
            forget()
            seconds = time.monotonic() - started
            if request.depth_first is not None and transcript.last(_TEMPORAL_BEGINS):
                # TLC 2.15 does not check those, and does not say so. The run is rejected: no need to finish
                # it.
                options.DFIDMax = 1
            if seconds - last < _PROGRESS_SECONDS:
                continue
            last = seconds
            progress = (
                _progress(options.mainChecker, seconds)
                if request.depth_first is None
                else _progress_in_depth(transcript, seconds)
            )
            if progress is not None:
                on_progress(progress)

    watcher = threading.Thread(target=watch, name="progress", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        done.set()
        watcher.join()


def _forgetter(classes: TlcClasses) -> Callable[[], None]:
    """Return a function that makes TLC 2.18 drop the messages and counterexample states that it keeps."""
    try:
        collector = classes["tlc2.output.OutputCollector"]
        field = collector.class_.getDeclaredField("allMessages")
    except (SetupError, jpype.JException):  # other versions keep none
        return lambda: None
    field.setAccessible(True)
    messages = field.get(None)
    new_list = jpype.JClass("java.util.LinkedList")

    def forget() -> None:
        with jpype.synchronized(collector.class_):  # a thread adding a message holds it
            messages.clear()
        collector.setTrace(new_list())

    return forget


def _progress(checker: Any, seconds: float) -> Progress | None:
    if checker is None:
        return None
    try:
        # Each distinct state was generated, but TLC adds a state's successors to that count when it is done
        # with them, and goes on between two readings.
        distinct = int(checker.getDistinctStatesGenerated())
        return Progress(
            generated=max(int(checker.getStatesGenerated()), distinct),
            distinct=distinct,
            queue=int(checker.getStateQueueSize()),
            seconds=seconds,
            depth=int(checker.getProgress()),
        )
    except (jpype.JException, AttributeError):
        return None  # the checker is not set up yet; there is nothing to report


def _progress_in_depth(transcript: Transcript, seconds: float) -> Progress | None:
    """Return the progress of a depth-first search: TLC reports it when it begins longer behaviours."""
    text = transcript.last(_LEVEL_BEGINS)
    match = _LEVEL.match(text) if text else None
    if match is None:
        return None
    depth, generated, distinct = (int(number.replace(",", "")) for number in match.groups())
    return Progress(generated=generated, distinct=distinct, queue=0, seconds=seconds, depth=depth)
