"""The command `tlacheck validate`: checks run logs of an implementation against its spec."""

import contextlib
import json
import shlex
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import attrs
import click

from tlacheck import itf
from tlacheck.conform.cli._options import TRACES, failed, out_option
from tlacheck.conform.validate import (
    CANDIDATES_MAX,
    HIDDEN_MAX,
    KEPT_MAX,
    Hidden,
    Log,
    Validation,
    Validator,
    validate,
)
from tlacheck.errors import TlacheckError, TraceError
from tlacheck.runlog import Reader, Run
from tlacheck.tlc._protocol import Progress
from tlacheck.tlc.cli._live import live
from tlacheck.tlc.cli._options import (
    ESTABLISHED,
    INCONCLUSIVE,
    VIOLATED,
    Modules,
    config_option,
    json_option,
    module_options,
)
from tlacheck.tlc.oracle import SpecOracle
from tlacheck.tlc.spec import Spec
from tlacheck.verdict import Verdict

__all__ = ["validate_command"]

_STDIN: Final = Path("-")
_SUFFIXES: Final = (".run.ndjson", ".ndjson", ".jsonl", ".json")
_TRACE_SUFFIX: Final = ".itf.json"
#: Seconds between two polls of a growing file, and between two lines of progress.
_LOOK_SECONDS: Final = 0.05
_TELL_SECONDS: Final = 0.2


@attrs.frozen(kw_only=True)
class _Options:
    """The settings with which each log is validated."""

    hidden: tuple[str, ...]
    hidden_max: int
    candidates_max: int
    keep: int
    follow: bool
    prefix: bool
    out: Path | None


@attrs.frozen(kw_only=True)
class _Result:
    """The result of one log."""

    log: Path
    validation: Validation
    seconds: float
    trace: Path | None


@click.command("validate")
@click.argument("logs", nargs=-1, required=True, type=click.Path(path_type=Path, allow_dash=True))
@click.option(
    "--spec", required=True, type=click.Path(path_type=Path), metavar="FILE", help="The TLA+ module."
)
@config_option
@module_options
@click.option(
    "--hidden",
    multiple=True,
    metavar="A,B",
    help="Actions whose steps the logs do not show; may be given several times.",
)
@click.option(
    "--hidden-max",
    type=click.IntRange(min=1),
    default=HIDDEN_MAX,
    show_default=True,
    metavar="N",
    help="How many hidden steps there may be in a row.",
)
@click.option(
    "--candidates-max",
    type=click.IntRange(min=1),
    default=CANDIDATES_MAX,
    show_default=True,
    metavar="N",
    help="How many states of the spec may fit at once. With more the verdict is unknown.",
)
@click.option(
    "--keep",
    type=click.IntRange(min=1),
    default=KEPT_MAX,
    show_default=True,
    metavar="N",
    help="Of how many of the last events states are kept for the trace.",
)
@click.option(
    "--follow", is_flag=True, help="Wait for more lines until the end line comes: the system still runs."
)
@click.option("--prefix", is_flag=True, help="Accept a log without its end line, as a prefix.")
@out_option(
    "Write the trace of a behaviour that fits, also of an accepted log; of further logs to FILE-2, FILE-3."
)
@json_option
@click.pass_context
def validate_command(
    context: click.Context,
    *,
    modules: Modules,
    logs: tuple[Path, ...],
    spec: Path,
    config: Path | None,
    hidden: tuple[str, ...],
    hidden_max: int,
    candidates_max: int,
    keep: int,
    follow: bool,
    prefix: bool,
    out: Path | None,
    as_json: bool,
) -> None:
    """Decide for each of LOGS, run logs of an implementation, whether the spec has a behaviour that fits it.

    A log may show part of the state, and not every step; `-` is standard input. A log that fits is
    accepted only if it has its end line. For one that does not fit, the first event that fits nowhere
    is explained, and the longest prefix that fits is written as a trace.

    Exits with 0 if all logs are accepted, 1 if one is rejected, 2 if one cannot be read or the spec
    cannot be evaluated, 3 if one is neither accepted nor rejected (not ended, or too many states fit).
    """
    options = _Options(
        hidden=tuple(name.strip() for names in hidden for name in names.split(",") if name.strip()),
        hidden_max=hidden_max,
        candidates_max=candidates_max,
        keep=keep,
        follow=follow,
        prefix=prefix,
        out=out,
    )
    results: list[_Result] = []
    try:
        oracle = SpecOracle(Spec.load(spec, config, **modules))
        for number, log in enumerate(logs, start=1):
            result = _validated(oracle, log, number, options)
            results.append(result)
            if not as_json:
                for line in _lines(result):
                    click.echo(line)
    except TlacheckError as error:
        failed(context, error, as_json=as_json)
    if as_json:
        click.echo(json.dumps(_to_json(oracle, results), ensure_ascii=False))
    context.exit(_status([result.validation.verdict for result in results]))


def _validated(oracle: SpecOracle, log: Path, number: int, options: _Options) -> _Result:
    started = time.monotonic()
    name = "standard input" if log == _STDIN else log.name

    where = Hidden.WHERE_NEEDED

    def tell(progress: Progress) -> str:
        rate = progress.generated / progress.seconds if progress.seconds else 0.0
        again = ", again, with hidden steps anywhere" if where is Hidden.ANYWHERE else ""
        return f"{progress.generated:,} events, {rate:,.0f}/s, {progress.distinct:,} states fit{again}"

    with live(name, describe=tell) as beat:
        told = 0.0

        def watch(validator: Validator) -> None:
            nonlocal told, where
            now = time.monotonic()
            if where is not validator.hidden_where:
                where, told = validator.hidden_where, 0.0
            if now - told >= _TELL_SECONDS:
                told = now
                beat(
                    Progress(
                        generated=validator.events,
                        distinct=validator.candidates,
                        queue=0,
                        seconds=now - started,
                    )
                )

        found = validate(
            _source(log, follow=options.follow),
            oracle,
            hidden=options.hidden,
            hidden_max=options.hidden_max,
            candidates_max=options.candidates_max,
            kept_max=options.keep,
            allow_prefix=options.prefix,
            witness=options.out is not None,
            again=log != _STDIN or not options.follow,
            command=_command(oracle, log, options),
            watch=watch,
        )
    target = None
    if found.trace is not None:
        target = _target(log, number, options.out)
        itf.write(found.trace, target)
    return _Result(log=log, validation=found, seconds=time.monotonic() - started, trace=target)


def _source(log: Path, *, follow: bool) -> Run | Path | Callable[[], contextlib.AbstractContextManager[Log]]:
    """Return the log to validate: readable twice, unless it comes over standard input while it is written."""
    if not follow:
        return _whole(sys.stdin) if log == _STDIN else log
    return _stdin if log == _STDIN else lambda: _growing(log)


def _whole(lines: Any) -> Run:
    reader = Reader(lines)
    return Run(header=reader.header, events=tuple(reader), ended=reader.ended)


@contextlib.contextmanager
def _stdin() -> Iterator[Reader]:
    yield Reader(sys.stdin, live=True)


@contextlib.contextmanager
def _growing(path: Path) -> Iterator[Reader]:
    yield Reader(_tail(path), path, live=True)


def _tail(path: Path) -> Iterator[str]:
    """Yield the lines of a growing file, each once it is complete; never ends."""
    try:
        with path.open(encoding="utf-8") as file:
            line = ""
            while True:
                line += file.readline()
                if line.endswith("\n"):
                    yield line
                    line = ""
                else:
                    time.sleep(_LOOK_SECONDS)
    except OSError as error:
        raise TraceError(f"cannot be read: {error.strerror or error}", path) from error
    except UnicodeDecodeError as error:
        raise TraceError("is no text file in UTF-8, so no log of a run", path) from error


def _command(oracle: SpecOracle, log: Path, options: _Options) -> str:
    words = [
        "tlacheck",
        "validate",
        str(log),
        "--spec",
        str(oracle.spec.path),
        "--config",
        str(oracle.spec.config),
        *oracle.spec.library_words,
    ]
    if options.hidden:
        words += ["--hidden", ",".join(options.hidden), "--hidden-max", str(options.hidden_max)]
    if options.candidates_max != CANDIDATES_MAX:
        words += ["--candidates-max", str(options.candidates_max)]
    return shlex.join(words + (["--prefix"] if options.prefix else []))


def _target(log: Path, number: int, out: Path | None) -> Path:
    """Return the file for the trace of the command's `number`th log."""
    if out is None:
        name = "stdin" if log == _STDIN else log.name
        suffix = next((each for each in _SUFFIXES if name.endswith(each)), "")
        return TRACES / f"{name.removesuffix(suffix)}{_TRACE_SUFFIX}"
    if number == 1:
        return out
    suffix = _TRACE_SUFFIX if out.name.endswith(_TRACE_SUFFIX) else out.suffix
    return out.with_name(f"{out.name.removesuffix(suffix)}-{number}{suffix}")


def _lines(result: _Result) -> Iterator[str]:
    found = result.validation
    yield f"{'standard input' if result.log == _STDIN else result.log}: {_verdict_words(found)}"
    if found.rejection is not None:
        yield from (f"  {line}" for line in found.rejection.lines)
    rate = found.events / result.seconds if result.seconds else 0.0
    yield (
        f"  {found.events:,} event(s), {found.candidates:,} state(s) fit at the end, "
        f"{found.candidates_peak:,} at "
        f"most, {rate:,.0f} events/s"
    )
    if result.trace is not None:
        what = "a behaviour that fits" if found.rejection is None else "what fits, and the event at fault"
        since = f", from event {found.begins_after + 1:,} on" if found.begins_after else ""
        yield f"  {what}{since}: {result.trace}"
        yield f"  look at it with: tlacheck inspect {result.trace}"


def _verdict_words(found: Validation) -> str:
    if found.verdict.is_established:
        return f"{found.verdict}: {found.reason}"
    return str(found.verdict)


def _to_json(oracle: SpecOracle, results: list[_Result]) -> dict[str, Any]:
    return {
        "spec": str(oracle.spec.path),
        "config": str(oracle.spec.config),
        "engine": oracle.engine.label,
        "logs": [_log_to_json(result) for result in results],
    }


def _log_to_json(result: _Result) -> dict[str, Any]:
    found, rejection = result.validation, result.validation.rejection
    return {
        "log": str(result.log),
        "verdict": found.verdict.to_json(),
        "reason": found.reason,
        "events": found.events,
        "candidates": found.candidates,
        "candidates_peak": found.candidates_peak,
        "hidden": found.hidden,
        "hidden_where": found.hidden_where.value,
        "seconds": round(result.seconds, 3),
        "trace": None if result.trace is None else str(result.trace),
        "trace_begins_after": found.begins_after,
        "rejection": None
        if rejection is None
        else {
            "event": rejection.number,
            "action": rejection.event.action,
            "enabled": list(rejection.enabled),
            "nearest": rejection.nearest,
            "differences": list(map(str, rejection.differences)),
            "conjunct": rejection.explanation.conjunct if rejection.explanation else "",
            "location": str(rejection.explanation.location) if rejection.explanation else "",
            "lines": list(rejection.lines),
        },
    }


def _status(verdicts: list[Verdict]) -> int:
    if any(verdict.is_violated for verdict in verdicts):
        return VIOLATED
    return ESTABLISHED if all(verdict.is_established for verdict in verdicts) else INCONCLUSIVE
