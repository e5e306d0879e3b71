"""Execution of one check, from the plan's entry to its `Result` and its files."""

import contextlib
import os
import shutil
import signal
import time
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

import attrs
from immutabledict import immutabledict

from tlacheck import __version__, itf, reads
from tlacheck.errors import TlacheckError
from tlacheck.tlc import CheckResult, Progress, Spec
from tlacheck.trace import EvaluationError, Trace
from tlacheck.verify._process import CheckProcess, CheckRaised
from tlacheck.verify.judge import Status, judge_call, judge_model
from tlacheck.verify.manifest import Model, Pins
from tlacheck.verify.outcome import Figures
from tlacheck.verify.plan import Call, Check
from tlacheck.verify.result import Result, Setting

__all__ = ["ModelChecker", "Worker", "flat"]

_LOG = "output.txt"
_READS = "reads"

#: Models with fewer generated states than this are faster when Java compiles quickly instead of well.
_LIGHT_BELOW = 80_000


class ModelChecker(Protocol):
    """A checker of models: `tlacheck.tlc.Checker`, or a substitute for it."""

    def check(
        self,
        spec: Spec,
        *,
        deadlock: bool = True,
        timeout: float | None = None,
        on_progress: Callable[[Progress], None] | None = None,
    ) -> CheckResult:
        """Explore the states of `spec`."""

    def close(self) -> None:
        """End the process that checks, if there is one."""

    @property
    def worker_pid(self) -> int | None:
        """The number of that process; None if there is none. A check ends when it is killed."""


class MakeChecker(Protocol):
    """A factory of model checkers."""

    def __call__(self, *, light: bool) -> ModelChecker:
        """Make one; `light` is for small models, see `tlacheck.tlc.Checker`."""


class Keep(Protocol):
    """A store of results."""

    def __call__(self, result: Result, reads: Path | None, since: float) -> None:
        """Keep the result of a check that began at `since`.

        Args:
            result: of the check.
            reads: the list of what its processes read; None for a model.
            since: seconds since the epoch.
        """


@attrs.frozen(kw_only=True)
class Worker:
    """Does one check after another, models on a checker that stays warm.

    A small model, according to its pin, gets a light checker. There is one checker at a time: large
    models come first, so it changes once.

    Attributes:
        setting: what the checks share.
        command: the command that repeats a check.
        make_checker: makes what checks models, when there is a model.
        environment: the environment of checks in Python.
        pinned: whether a drifted pin counts.
        keep: is given each result.
    """

    setting: Setting
    command: Callable[[Check], str]
    make_checker: MakeChecker
    environment: Mapping[str, str]
    pinned: bool = True
    keep: Keep = lambda result, reads, since: None  # noqa: ARG005 - the names are the protocol's
    _running: list[CheckProcess] = attrs.field(factory=list, init=False)
    _warm: dict[bool, ModelChecker] = attrs.field(factory=dict, init=False)

    def do(self, check: Check, on_progress: Callable[[str], None]) -> Result:
        """Do the check. Any failure is in the result; nothing is raised."""
        started, since = time.monotonic(), time.time()
        folder = self.setting.folder / flat(check)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            result = (
                self._call(check, folder, on_progress)
                if isinstance(check, Call)
                else self._model(check, folder, on_progress)
            )
        except TlacheckError as error:
            message = str(error)
            if (log := folder / _LOG).is_file() and isinstance(error, CheckRaised):
                message += f"\nwhat it printed: {log}"
            result = self._failed(check, message, self._trace_of(error, check, folder))
        except Exception as error:  # noqa: BLE001 - one check's trouble must not cost the others
            with contextlib.suppress(OSError):
                (folder / _LOG).write_text(traceback.format_exc(), encoding="utf-8")
            result = self._failed(check, f"{type(error).__name__}: {error}\nwhere: {folder / _LOG}", None)
        result = attrs.evolve(result, seconds=time.monotonic() - started)
        listed = folder / _READS
        self.keep(result, listed if listed.is_file() else None, since)
        listed.unlink(missing_ok=True)
        return self._with_kept_trace(result)

    def interrupt(self) -> None:
        """End the running check, from any thread; the result of `do` is then meaningless."""
        for process in tuple(self._running):
            process.kill()
        for checker in tuple(self._warm.values()):
            with contextlib.suppress(ProcessLookupError, AttributeError):  # it is ending at this very moment
                if (pid := checker.worker_pid) is not None:
                    os.kill(pid, signal.SIGKILL)

    def close(self) -> None:
        """End the warm checker."""
        for checker in self._warm.values():
            checker.close()
        self._warm.clear()

    def _call(self, check: Call, folder: Path, on_progress: Callable[[str], None]) -> Result:
        root = self.setting.root.absolute()
        request = {
            "call": check.call,
            "arguments": dict(check.arguments[self.setting.budget]),
            "folder": str(_seen_from(root, folder)),
            "budget": self.setting.budget,
            "seed": self.setting.seed,
            "command": self.command(check),
        }
        environment = {**self.environment, reads.ENVIRONMENT: str((folder / _READS).absolute())}
        process = CheckProcess(request, root=root, log=folder / _LOG, environment=environment)
        self._running.append(process)
        try:
            outcome = process.outcome(timeout=check.timeout, on_progress=on_progress)
        finally:
            self._running.clear()
        judgement = judge_call(check, outcome.verdict)
        return Result(
            check=check,
            status=judgement.status,
            verdict=outcome.verdict,
            figures=outcome.figures,
            seconds=0.0,
            trace=None if outcome.trace is None else _seen_from(Path.cwd(), root / outcome.trace),
            reasons=judgement.reasons,
            message=outcome.message,
            command=outcome.command or self.command(check),
        )

    def _model(self, check: Model, folder: Path, on_progress: Callable[[str], None]) -> Result:
        found = self._checker_for(check).check(
            Spec.load(check.spec, check.config),
            deadlock=check.deadlock,
            timeout=check.timeout,
            on_progress=lambda progress: on_progress(_words(progress)),
        )
        pins = _pins(found)
        judgement = judge_model(check, found.verdict, pins, pinned=self.pinned)
        figures: dict[str, int | float | str] = {"states": found.distinct}
        if "steps" in pins:
            figures = {"steps": pins["steps"], **figures}
        else:
            figures["depth"] = found.depth
        return Result(
            check=check,
            status=judgement.status,
            verdict=found.verdict,
            figures=Figures(figures),
            pins=pins,
            seconds=0.0,
            trace=self._write(found.trace, check, folder),
            reasons=judgement.reasons,
            message="" if judgement.status is Status.OK else "\n".join(found.warnings),
            command=self.command(check),
        )

    def _checker_for(self, check: Model) -> ModelChecker:
        light = check.pins.get("generated", _LIGHT_BELOW) < _LIGHT_BELOW
        if light not in self._warm:
            self.close()
            self._warm[light] = self.make_checker(light=light)
        return self._warm[light]

    def _failed(self, check: Check, message: str, trace: Path | None) -> Result:
        return Result(
            check=check,
            status=Status.FAILED,
            verdict=None,
            seconds=0.0,
            trace=trace,
            message=message,
            command=self.command(check),
        )

    def _trace_of(self, error: TlacheckError, check: Check, folder: Path) -> Path | None:
        """Return the file with the states up to what TLC could not evaluate, if it gave them."""
        return self._write(error.trace, check, folder) if isinstance(error, EvaluationError) else None

    def _write(self, trace: Trace | None, check: Check, folder: Path) -> Path | None:
        if trace is None:
            return None
        path = folder / f"{flat(check)}.itf.json"
        root = self.setting.root.absolute()
        origin = attrs.evolve(
            trace.origin,
            spec=_seen_from(root, Path(trace.origin.spec)).as_posix(),
            config=_seen_from(root, Path(trace.origin.config)).as_posix(),
            command=self.command(check),
            versions=immutabledict({**trace.origin.versions, "tlacheck": __version__}),
        )
        itf.write(attrs.evolve(trace, origin=origin), path)
        return path

    def _with_kept_trace(self, result: Result) -> Result:
        """Return the result with a counterexample that outlives the run's folder."""
        if result.status is not Status.VIOLATED or result.trace is None:
            return result
        kept = self.setting.root / "traces" / "counterexamples" / f"{flat(result.check)}.itf.json"
        if kept.absolute() != result.trace.absolute():
            kept.parent.mkdir(parents=True, exist_ok=True)
            scratch = kept.with_name(f".{kept.name}")
            shutil.copyfile(result.trace, scratch)
            scratch.replace(kept)
        return attrs.evolve(result, trace=kept)


def flat(check: Check) -> str:
    """Return the name of the check as a name of a file or folder."""
    return check.name.replace("/", "-")


def _pins(found: CheckResult) -> Pins:
    pins = {"generated": found.generated, "distinct": found.distinct, "depth": found.depth}
    trace = found.trace
    if trace is None or (trace.violation is not None and trace.violation.step is None):
        return Pins(pins)  # TLC finds one of several lassos: its length is not constant
    return Pins({**pins, "steps": len(trace)})


def _words(progress: Progress) -> str:
    rate = progress.distinct / progress.seconds if progress.seconds else 0
    return f"{progress.distinct:,} states · {rate:,.0f}/s · {progress.queue:,} to go"


def _seen_from(folder: Path, path: Path) -> Path:
    """Return the path relative to `folder`, if it is inside."""
    with contextlib.suppress(ValueError):
        return path.absolute().relative_to(folder.absolute())
    return path
