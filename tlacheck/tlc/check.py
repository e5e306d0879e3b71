"""Check a spec with TLC, in a worker process that stays warm between checks."""

import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

import attrs

from tlacheck.engine import Engine, find_engine
from tlacheck.errors import ConfigError
from tlacheck.tlc._outcome import interpret
from tlacheck.tlc._process import MEMORY_MB, NoAnswer, Worker
from tlacheck.tlc._protocol import Progress, Request, decode_report, encode_request
from tlacheck.tlc.spec import Spec
from tlacheck.trace import Trace
from tlacheck.verdict import Verdict

__all__ = ["CheckResult", "Checker", "check"]


@attrs.frozen(kw_only=True)
class CheckResult:
    """What a check established.

    Attributes:
        spec: what was checked.
        verdict: exhausted, violated or unknown.
        generated: states that TLC computed, with repetitions.
        distinct: different states among them.
        queue: states whose successors were not computed; 0 when the search was exhaustive.
        depth: the number of states on the longest shortest path from an initial state.
        seconds: how long the check took.
        engine: version and checksum of the TLC that did it.
        trace: for a violation, the counterexample; None for a false assumption, which has none.
        warnings: what TLC warned about.
    """

    spec: Spec
    verdict: Verdict
    generated: int
    distinct: int
    queue: int
    depth: int
    seconds: float
    engine: str
    trace: Trace | None
    warnings: tuple[str, ...]


class Checker:
    """Owns a worker process that checks one spec after another; a context manager.

    The worker starts with the first check. A check that runs out of time or memory costs the
    worker; the next check starts another one. One check at a time.
    """

    def __init__(self, *, engine: Engine | None = None, memory_mb: int = MEMORY_MB) -> None:
        """Prepare to check with `engine`, giving the worker's JVM `memory_mb` of heap.

        Raises:
            SetupError: there is no TLC, and none was given.
        """
        self._worker = Worker(memory_mb)
        self._engine = engine or find_engine()

    @property
    def engine(self) -> Engine:
        """The TLC that checks."""
        return self._engine

    @property
    def worker_pid(self) -> int | None:
        """The process number of the worker, while there is one."""
        return self._worker.pid

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the worker. The next check starts another one."""
        self._worker.close()

    def check(
        self,
        spec: Spec,
        *,
        workers: int = 1,
        deadlock: bool = True,
        timeout: float | None = None,
        on_progress: Callable[[Progress], None] | None = None,
    ) -> CheckResult:
        """Explore the states of `spec` and check the configuration's properties in them.

        Args:
            spec: the spec with its configuration.
            workers: how many threads explore. With one, the counts and the counterexample are the same in every run.
            deadlock: whether a state without successors violates the spec.
            timeout: seconds after which to give up; None waits.
            on_progress: called about twice a second, from this thread.

        Returns:
            The verdict: exhausted, violated with a trace, or unknown with the reason (no time, no
            memory, the worker died).

        Raises:
            SpecError: TLC refuses the spec or cannot evaluate it.
            SetupError: there is no JVM.
        """
        if workers < 1:
            raise ConfigError(f"workers is {workers}; TLC needs 1 at least")
        started = time.monotonic()
        request = Request(spec=spec, engine=self._engine, workers=workers, deadlock=deadlock)
        last = Progress(generated=0, distinct=0, queue=0, seconds=0.0)

        def note(progress: Progress) -> None:
            nonlocal last
            last = progress
            if on_progress is not None:
                on_progress(progress)

        try:
            answer = self._worker.run("check", encode_request(request), timeout=timeout, on_progress=note)
        except NoAnswer as reason:
            return self._unknown(spec, str(reason), last, time.monotonic() - started)
        report = decode_report(answer)
        outcome = interpret(report, spec, self._engine, deadlock=deadlock)
        if outcome.verdict.is_unknown:
            self._worker.close()  # out of memory or disk: nothing good comes of a worker in that state
        fields = {field.name: getattr(outcome, field.name) for field in attrs.fields(type(outcome))}
        return CheckResult(spec=spec, seconds=report.seconds, engine=self._engine.label, **fields)

    def _unknown(self, spec: Spec, reason: str, progress: Progress, seconds: float) -> CheckResult:
        return CheckResult(
            spec=spec,
            verdict=Verdict.unknown(reason),
            generated=progress.generated,
            distinct=progress.distinct,
            queue=progress.queue,
            depth=0,
            seconds=seconds,
            engine=self._engine.label,
            trace=None,
            warnings=(),
        )


def check(
    spec: Spec | Path | str,
    config: Path | str | None = None,
    *,
    engine: Engine | None = None,
    memory_mb: int = MEMORY_MB,
    workers: int = 1,
    deadlock: bool = True,
    timeout: float | None = None,
    on_progress: Callable[[Progress], None] | None = None,
) -> CheckResult:
    """Check one spec: starts a worker and ends it. See `Checker.check` and `Spec.load`.

    Raises:
        SpecError: there is no such file, TLC refuses the spec or cannot evaluate it.
        SetupError: there is no JVM or no TLC.
    """
    loaded = spec if isinstance(spec, Spec) and config is None else None
    if loaded is None:
        loaded = Spec.load(spec.path if isinstance(spec, Spec) else spec, config)
    with Checker(engine=engine, memory_mb=memory_mb) as checker:
        return checker.check(
            loaded, workers=workers, deadlock=deadlock, timeout=timeout, on_progress=on_progress
        )
