"""Check one spec with several machines: TLC's own distributed mode.

A server process keeps the states and their fingerprints; workers, here or elsewhere, compute. The
number of distinct states and the verdict are those of one process. The search is only nearly breadth
first, so the depth and which counterexample is found first may differ. In this mode TLC checks no
temporal properties, and action properties and action constraints of some steps only, and does not say
so; here they are refused.

The processes talk by Java RMI, which asks nobody who he is and encrypts nothing. By default they
listen on the loopback address only. With another `host`, whoever reaches that address may take part,
read the spec's modules, and report what he likes: use it only in a network that you trust.
"""

import shlex
import socket
import threading
import time
from collections.abc import Callable
from typing import Any

import attrs

from tlacheck.engine import Engine, find_engine, find_jvm
from tlacheck.errors import ConfigError, EngineError
from tlacheck.tlc._outcome import interpret
from tlacheck.tlc._process import MEMORY_MB, NoAnswer, Worker
from tlacheck.tlc._protocol import Progress, decode_report, encode_engine, encode_spec
from tlacheck.tlc.check import CheckResult
from tlacheck.tlc.spec import Spec
from tlacheck.verdict import Verdict

__all__ = ["LOOPBACK", "PATIENCE_SECONDS", "check_distributed"]

LOOPBACK = "127.0.0.1"
#: How long a server waits without any worker.
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
        The verdict: exhausted, violated with a trace, or unknown with the reason: no time, no memory, no worker.

    Raises:
        ConfigError: the configuration has what TLC does not check in this mode, or the server cannot listen there.
        SpecError: TLC refuses the spec or cannot evaluate it.
        SetupError: there is no JVM or no TLC.
    """
    if local_workers < 0:
        raise ConfigError(f"local_workers is {local_workers}; give 0 or more")
    chosen = engine or find_engine()
    port = _port(host, port)
    address = {"engine": encode_engine(chosen), "host": host, "port": port}
    request = {**address, "spec": encode_spec(spec), "deadlock": deadlock, "patience": patience}
    started = time.monotonic()
    last = Progress(generated=0, distinct=0, queue=0, seconds=0.0)

    def note(progress: Progress) -> None:
        nonlocal last
        last = progress
        if on_progress is not None:
            on_progress(progress)

    with Worker(memory_mb) as server:
        assistants = _Assistants(local_workers, memory_mb, address)
        stream = server.stream("serve", request, timeout=timeout, on_progress=note)
        try:
            while True:
                next(stream)  # the server is ready
                assistants.start()
                if on_ready is not None:
                    on_ready(_command(chosen, host, port))
        except StopIteration as end:
            answer = end.value
        except NoAnswer as none:
            return _unknown(spec, str(none), last, time.monotonic() - started, chosen)
        finally:
            stream.close()
            assistants.close()
    report = decode_report(answer["report"])
    if answer["unsupported"]:
        kinds = " and ".join(answer["unsupported"])
        message = f"{spec.config} has {kinds}, which TLC does not check in distributed mode, and says nothing"
        raise ConfigError(f"{message}. Check them in one process, or leave them out of the configuration")
    if answer["lonely"]:
        ends = "; ".join(sorted(set(assistants.ends)))
        reason = f"no worker for {patience:g} s" + (f"; those started here: {ends}" if ends else "")
        return _unknown(spec, reason, last, report.seconds, chosen)
    outcome = interpret(report, spec, chosen, deadlock=deadlock)
    fields = {field.name: getattr(outcome, field.name) for field in attrs.fields(type(outcome))}
    return CheckResult(spec=spec, seconds=report.seconds, engine=chosen.label, **fields)


class _Assistants:
    """The workers on this machine, each waited for by a thread.

    Attributes:
        ends: why those ended that did so too early.
    """

    def __init__(self, number: int, memory_mb: int, address: dict[str, Any]) -> None:
        self.ends: list[str] = []
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

    def _run(self, worker: Worker) -> None:
        try:
            worker.run("assist", self._address)
        except (NoAnswer, EngineError) as reason:
            if not self._closing:
                self.ends.append(str(reason))
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
    """The command of a worker: of one more on this machine, or of one on another with its blanks to fill in."""
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


def _unknown(spec: Spec, reason: str, progress: Progress, seconds: float, engine: Engine) -> CheckResult:
    return CheckResult(
        spec=spec,
        verdict=Verdict.unknown(reason),
        generated=progress.generated,
        distinct=progress.distinct,
        queue=progress.queue,
        depth=0,
        seconds=seconds,
        engine=engine.label,
        trace=None,
        warnings=(),
    )
