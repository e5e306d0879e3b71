"""Model checking of a spec with TLC, in a worker process that stays warm between checks."""

import time
from collections.abc import Callable, Mapping
from pathlib import Path

import attrs
from immutabledict import immutabledict

from tlacheck import itf
from tlacheck.engine import Engine, find_engine
from tlacheck.errors import ConfigError
from tlacheck.tlc._closing import Closing
from tlacheck.tlc._newer import require_option
from tlacheck.tlc._outcome import Counterexample, TlcResult, interpret
from tlacheck.tlc._process import MEMORY_MB, LatestProgress, NoAnswer, Worker
from tlacheck.tlc._protocol import Progress, Request, decode_report, encode_request
from tlacheck.tlc.coverage import Coverage
from tlacheck.tlc.spec import Spec
from tlacheck.trace import Trace
from tlacheck.verdict import Verdict

__all__ = ["DUMPED", "CheckResult", "Checker", "Counterexample", "check"]

DUMPED = ("tla", "json", "itf")
"""The formats in which a check writes a counterexample: two of TLC's `-dumpTrace`, and ITF."""

_NO_FILES: Mapping[str, Path | str] = immutabledict()
#: TLC searches behaviours of two states first.
_DEPTH_MIN = 2


@attrs.frozen(kw_only=True)
class CheckResult:
    """The result of a check.

    Attributes:
        spec: what was checked.
        verdict: exhausted, bounded (a search in depth that did not reach the end), violated or unknown.
        generated: states that TLC computed, with repetitions. A search in depth computes them again and
            again, for each length of behaviours.
        distinct: different states among them.
        queue: states whose successors were not computed; 0 when the search was exhaustive.
        depth: the number of states on the longest shortest path from an initial state.
        seconds: how long the check took.
        engine: version and checksum of the TLC that did it.
        trace: for a violation, the first counterexample; None for a false assumption, which has none.
        warnings: what TLC warned about.
        violations: all violations in the order in which they were found, the one of the verdict first: one
            unless the check was to continue, or one behaviour violates several temporal properties.
        violations_dropped: how many more there were; those that are kept are bounded in number.
        coverage: how much of the spec was exercised, if that was asked for and TLC got to the end. After a
            violation it is of the part explored so far, and TLC counts what it evaluates to show the trace
            too.
        levels: how many distinct states were first found at each depth, initial states first; empty unless
            asked for. With several workers a state may be found first on a path that is not the shortest.
        printed: what the spec itself printed (`PrintT`), in the order of evaluation. TLC evaluates
            actions again to show a counterexample; they print again then.
        printed_dropped: how many more prints there were; those that are kept are bounded in number and
            length.
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
    violations: tuple[Counterexample, ...] = ()
    violations_dropped: int = 0
    coverage: Coverage | None = None
    levels: tuple[int, ...] = ()
    printed: tuple[str, ...] = ()
    printed_dropped: int = 0

    @classmethod
    def of(cls, spec: Spec, engine: Engine, outcome: TlcResult, seconds: float) -> "CheckResult":
        """Return the result of a check that TLC finished."""
        fields = {field.name: getattr(outcome, field.name) for field in attrs.fields(type(outcome))}
        return cls(spec=spec, seconds=seconds, engine=engine.label, **fields)

    @classmethod
    def without_answer(
        cls, spec: Spec, engine: Engine, reason: str, progress: Progress, seconds: float
    ) -> "CheckResult":
        """Return the unknown result of a check that TLC did not finish, with the figures so far."""
        return cls(
            spec=spec,
            verdict=Verdict.unknown(reason),
            generated=progress.generated,
            distinct=progress.distinct,
            queue=progress.queue,
            depth=progress.depth,
            seconds=seconds,
            engine=engine.label,
            trace=None,
            warnings=(),
        )


class Checker(Closing):
    """Owns a worker process that checks one spec after another; a context manager.

    The worker starts with the first check. A check that runs out of time or memory costs the
    worker; the next check starts another one. One check at a time.
    """

    def __init__(
        self, *, engine: Engine | None = None, memory_mb: int = MEMORY_MB, light: bool = False
    ) -> None:
        """Prepare to check with `engine`, giving the worker's JVM `memory_mb` of heap.

        A `light` worker takes less time for small models, and more for large ones.

        Raises:
            SetupError: there is no TLC, and none was given.
        """
        self._worker = Worker(memory_mb, light=light)
        self._engine = engine or find_engine()

    @property
    def engine(self) -> Engine:
        """The TLC that checks."""
        return self._engine

    @property
    def worker_pid(self) -> int | None:
        """The process number of the worker, while there is one."""
        return self._worker.pid

    def close(self) -> None:
        """End the worker. The next check starts another one."""
        self._worker.close()

    def cancel(self) -> None:
        """End the running check, if any: it is `unknown(cancelled)`. May be called from any thread."""
        self._worker.cancel()

    def check(
        self,
        spec: Spec,
        *,
        workers: int = 1,
        deadlock: bool = True,
        continue_: bool = False,
        depth_first: int | None = None,
        coverage: bool = False,
        levels: bool = False,
        dump_trace: Mapping[str, Path | str] = _NO_FILES,
        timeout: float | None = None,
        on_progress: Callable[[Progress], None] | None = None,
    ) -> CheckResult:
        """Explore the states of `spec` and check the configuration's properties in them.

        Args:
            spec: the spec with its configuration.
            workers: how many threads explore. With one, the counts and the counterexample are the same in
                every run.
            deadlock: whether a state without successors violates the spec.
            continue_: go on past violations of invariants and action properties and find all of them (of
                several invariants that one state violates, the first). A deadlock and a property that an
                initial state violates end the search all the same.
            depth_first: search behaviours of 2 states depth first, then of 3, and so on up to this many. If
                more states are reachable then, the verdict is bounded. Takes less memory and more time. The
                choice among counterexamples, which are shortest, is random, and their steps have no names.
            coverage: count how often each action is taken and each expression evaluated. Costs time.
            levels: count the states at each depth. Costs some memory and, at the end, time.
            dump_trace: format -> the file to which a counterexample is written in it. `tla` and `json` are
                those of TLC's `-dumpTrace`, which only TLCs newer than 2.18 have; `tla` needs the jar of
                CommunityModules among the spec's trusted jars. `itf` is written with any TLC.
            timeout: seconds after which to give up; None waits.
            on_progress: called about twice a second, from this thread.

        Returns:
            The verdict: exhausted, bounded, violated with a trace, or unknown with the reason (no time, no
            memory, the worker died, cancelled) and the figures so far.

        Raises:
            SpecError: TLC refuses the spec or cannot evaluate it.
            ConfigError: the options do not go together, or not with the spec.
            SetupError: there is no JVM.
        """
        if workers < 1:
            raise ConfigError(f"workers is {workers}; TLC needs 1 at least")
        if depth_first is not None:
            _check_depth_first(depth_first, workers=workers, coverage=coverage, levels=levels)
        request = Request(
            spec=spec,
            engine=self._engine,
            workers=workers,
            deadlock=deadlock,
            continue_=continue_,
            depth_first=depth_first,
            coverage=coverage,
            levels=levels,
            dumps=self._dumps(dump_trace),
        )
        result = self._result(request, timeout, on_progress)
        if result.trace is not None and "itf" in dump_trace:
            itf.write(result.trace, Path(dump_trace["itf"]))
        return result

    def _result(
        self, request: Request, timeout: float | None, on_progress: Callable[[Progress], None] | None
    ) -> CheckResult:
        """Have the worker do it, and interpret its answer."""
        started = time.monotonic()
        latest = LatestProgress(on_progress)
        try:
            answer = self._worker.run("check", encode_request(request), timeout=timeout, on_progress=latest)
        except NoAnswer as reason:
            seconds = time.monotonic() - started
            return CheckResult.without_answer(request.spec, self._engine, str(reason), latest.value, seconds)
        report = decode_report(answer)
        outcome = interpret(
            report,
            request.spec,
            self._engine,
            deadlock=request.deadlock,
            continue_=request.continue_,
            depth_first=request.depth_first,
        )
        if outcome.verdict.is_unknown:
            self._worker.close()  # out of memory or disk: nothing good comes of a worker in that state
        return CheckResult.of(request.spec, self._engine, outcome, report.seconds)

    def _dumps(self, files: Mapping[str, Path | str]) -> tuple[tuple[str, Path], ...]:
        """Return the formats that TLC writes itself, with their files.

        Raises:
            ConfigError: there is no such format, or this TLC does not write it.
        """
        if unknown := sorted(set(files) - set(DUMPED)):
            raise ConfigError(
                f"there is no format {unknown[0]} of counterexamples; there are {', '.join(DUMPED)}"
            )
        own = tuple((format_, Path(file)) for format_, file in files.items() if format_ != "itf")
        if own and (why := require_option(self._engine, "-dumpTrace")):
            raise ConfigError(
                f"{own[0][0]} is written by TLC's -dumpTrace: {why}. itf is written with any TLC"
            )
        return own


def _check_depth_first(states: int, *, workers: int, coverage: bool, levels: bool) -> None:
    """Reject options that TLC rejects, or silently gets wrong, in a depth-first search."""
    if states < _DEPTH_MIN:
        raise ConfigError(
            f"depth_first is {states}; it is the number of states of the longest behaviours to search: "
            f"{_DEPTH_MIN} or more"
        )
    if workers > 1:
        raise ConfigError(f"workers is {workers}; TLC searches depth first with one worker only")
    if coverage or levels:
        what = "coverage" if coverage else "levels"
        raise ConfigError(f"{what} and depth_first do not go together: TLC does not count that depth first")


def check(
    spec: Spec | Path | str,
    config: Path | str | None = None,
    *,
    engine: Engine | None = None,
    memory_mb: int = MEMORY_MB,
    workers: int = 1,
    deadlock: bool = True,
    continue_: bool = False,
    depth_first: int | None = None,
    coverage: bool = False,
    levels: bool = False,
    dump_trace: Mapping[str, Path | str] = _NO_FILES,
    timeout: float | None = None,
    on_progress: Callable[[Progress], None] | None = None,
) -> CheckResult:
    """Check one spec: starts a worker and ends it. See `Checker.check` and `Spec.load`.

    Raises:
        SpecError: there is no such file, TLC refuses the spec or cannot evaluate it.
        ConfigError: the options do not go together, or not with the spec.
        SetupError: there is no JVM or no TLC.
    """
    loaded = Spec.of(spec, config)
    with Checker(engine=engine, memory_mb=memory_mb) as checker:
        return checker.check(
            loaded,
            workers=workers,
            deadlock=deadlock,
            continue_=continue_,
            depth_first=depth_first,
            coverage=coverage,
            levels=levels,
            dump_trace=dump_trace,
            timeout=timeout,
            on_progress=on_progress,
        )
