"""Distributed model checking on several machines, by TLC's own distributed mode.

A server process keeps the states and their fingerprints; workers, here or elsewhere, compute. The
number of distinct states and the verdict are those of one process. The search is only nearly breadth
first, so the depth and the first counterexample may differ. In this mode TLC silently checks no
temporal properties, and action properties and action constraints of some steps only; such specs are
rejected here.

The processes talk by Java RMI, which neither authenticates nor encrypts. By default they listen on the
loopback address only. With another `host`, anybody who reaches that address may take part, read the
spec's modules, and report false results: use it only in a network that you trust.
"""

import shlex
import socket
import threading
import time
from collections.abc import Callable, Generator, Sequence
from typing import Any

from tlacheck.engine import Engine, find_engine, find_jvm
from tlacheck.errors import ConfigError, EngineError
from tlacheck.tlc._outcome import interpret
from tlacheck.tlc._process import MEMORY_MB, LatestProgress, NoAnswer, Worker
from tlacheck.tlc._protocol import Progress, decode_report, encode_engine
from tlacheck.tlc.check import CheckResult
from tlacheck.tlc.spec import Spec, encode_spec

__all__ = ["LOOPBACK", "PATIENCE_SECONDS", "check_distributed"]

LOOPBACK = "127.0.0.1"
#: The default time that a server waits without any worker.
PATIENCE_SECONDS = 60.0


def check_distributed(
    spec: Spec,
    *,
    engine: Engine | None = None,
    host: str = LOOPBACK,
    port: int | None = None,
    local_workers: int = 2,
    memory_mb: int = MEMORY_MB,
    deadlock: bool = True,
    timeout: float | None = None,
    patience: float = PATIENCE_SECONDS,
    on_ready: Callable[[str], None] | None = None,
    on_progress: Callable[[Progress], None] | None = None,
) -> CheckResult:
    """Check `spec` with a server and any number of workers, each a process of its own.

    A worker that dies costs nothing but its part of the work; others go on with it. All processes
    started here have ended when this returns or raises.

    Args:
        spec: the spec with its configuration; no temporal or action properties, no action constraints.
        engine: the TLC to use. Workers elsewhere need the same.
        host: the address of this machine on which the server listens. See above before giving another.
        port: where the server listens; None takes a free one.
        local_workers: how many workers to start on this machine, of one thread each; 0 if all are elsewhere.
        memory_mb: the heap of the server and of each worker started here.
        deadlock: whether a state without successors violates the spec.
        timeout: seconds after which to give up; None waits.
        patience: seconds without a single worker after which to give up.
        on_ready: called with the command that starts one more worker, once workers may come.
        on_progress: called about twice a second, from this thread.

    Returns:
        The verdict: exhausted, violated with a trace, or unknown (no time, no memory, no worker).

    Raises:
        ConfigError: TLC cannot check the configuration in this mode, or the server cannot listen there.
        SpecError: TLC refuses the spec or cannot evaluate it.
        SetupError: there is no JVM or no TLC.
    """
    chosen = engine or find_engine()
    address: dict[str, Any] = {"engine": encode_engine(chosen), "host": host, "port": _port(host, port)}
    request = {**address, "spec": encode_spec(spec), "deadlock": deadlock, "patience": patience}
    started = time.monotonic()
    latest = LatestProgress(on_progress)
    assistants = _Assistants(local_workers, memory_mb, address)

    def ready() -> None:
        assistants.start()
        if on_ready is not None:
            on_ready(_command(chosen, host, address["port"]))

    with Worker(memory_mb) as server:
        stream = server.stream("serve", request, timeout=timeout, on_progress=latest)
        try:
            answer = _answer_of(stream, ready)
        except NoAnswer as none:
            seconds = time.monotonic() - started
            return CheckResult.without_answer(spec, chosen, str(none), latest.value, seconds)
        finally:
            stream.close()
            assistants.close()
    report = decode_report(answer["report"])
    _refuse_unable(chosen, unable=answer["unable"])
    _refuse_unsupported(spec, answer["unsupported"])
    if answer["lonely"]:
        reason = f"no worker for {patience:g} s{assistants.explanation()}"
        return CheckResult.without_answer(spec, chosen, reason, latest.value, report.seconds)
    return CheckResult.of(spec, chosen, interpret(report, spec, chosen, deadlock=deadlock), report.seconds)


def _answer_of(stream: Generator[Any, None, Any], ready: Callable[[], None]) -> Any:
    """Call `ready` whenever the server says that workers may come, and return its answer."""
    while True:
        try:
            next(stream)
        except StopIteration as end:
            return end.value
        ready()


def _refuse_unable(engine: Engine, *, unable: bool) -> None:
    """Raise a `ConfigError` if this TLC cannot check in distributed mode at all."""
    if unable:
        raise ConfigError(
            f"{engine.label} cannot check in distributed mode: its server cannot send its set of "
            "fingerprints. TLC 2.18 can; else check in one process, with more --workers"
        )


def _refuse_unsupported(spec: Spec, kinds: Sequence[str]) -> None:
    """Raise a `ConfigError` if the configuration has properties that TLC would silently not check."""
    if kinds:
        raise ConfigError(
            f"{spec.config} has {' and '.join(kinds)}, which TLC does not check in distributed mode, "
            "and does not say so. Check them in one process, or leave them out of the configuration"
        )


class _Assistants:
    """The workers on this machine, each waited for by a thread."""

    def __init__(self, number: int, memory_mb: int, address: dict[str, Any]) -> None:
        if number < 0:
            raise ConfigError(f"local_workers is {number}; give 0 or more")
        self._ends: set[str] = set()
        self._address = address
        self._closing = False
        self._workers = [Worker(memory_mb) for _ in range(number)]
        self._threads = [
            threading.Thread(target=self._run, args=(worker,), daemon=True, name="tlacheck-assistant")
            for worker in self._workers
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """End all of them."""
        self._closing = True
        for worker, thread in zip(self._workers, self._threads, strict=True):
            while thread.is_alive():
                worker.cancel()  # again and again: it may be about to start
                thread.join(0.05)

    def explanation(self) -> str:
        """Return the reasons of workers that ended too early, as the end of a sentence; empty if none did."""
        return f"; those started here: {'; '.join(sorted(self._ends))}" if self._ends else ""

    def _run(self, worker: Worker) -> None:
        try:
            worker.run("assist", self._address)
        except (NoAnswer, EngineError) as reason:
            if not self._closing:
                self._ends.add(str(reason))
        finally:
            worker.close()


def _port(host: str, port: int | None) -> int:
    try:
        with socket.create_server((host, port or 0)) as taken:
            free: int = taken.getsockname()[1]
            return free
    except OSError as error:
        where = host if port is None else f"{host}, port {port}"
        raise ConfigError(f"the server cannot listen on {where}: {error.strerror or error}") from None


def _command(engine: Engine, host: str, port: int) -> str:
    """Return the command of one more worker, on this machine or, with blanks to fill in, on another."""
    here = host == LOOPBACK
    return shlex.join(
        [
            str(find_jvm().executable) if here else "java",
            "-XX:+UseParallelGC",
            f"-Djava.rmi.server.hostname={host if here else 'ADDRESS_OF_THAT_MACHINE'}",
            f"-Dtlc2.tool.distributed.TLCServer.port={port}",
            "-cp",
            str(engine.jar) if here else engine.jar.name,
            "tlc2.tool.distributed.TLCWorker",
            host,
        ]
    )
