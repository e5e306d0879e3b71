"""The command `tlacheck sweep`: one spec, many values of its constants."""

import contextlib
import functools
import json
import math
import re
import shlex
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from tlacheck import campaign, itf
from tlacheck.campaign.options import Heartbeat, Place, campaign_options
from tlacheck.campaign.table import doubts
from tlacheck.errors import ConfigError, EngineError, TlacheckError
from tlacheck.tlc._configuration import split_values
from tlacheck.tlc._protocol import Progress
from tlacheck.tlc.campaign import SweepWork, checked
from tlacheck.tlc.cli._live import live
from tlacheck.tlc.cli._options import (
    ESTABLISHED,
    INCONCLUSIVE,
    UNUSABLE,
    VIOLATED,
    Modules,
    config_option,
    deadlock_option,
    json_option,
    limits,
    module_options,
    spec_argument,
    workers_option,
)
from tlacheck.tlc.cli._result import counterexample_files, result_lines, result_to_json
from tlacheck.tlc.pool import Checked, Pool
from tlacheck.tlc.spec import Spec
from tlacheck.tlc.sweep import Point, PointStatus, Sweep, sweep

__all__ = ["sweep_command"]

_TRACES = Path(".verify", "traces")
_CONFIGURATIONS = Path(".verify", "sweep")
_SETTING = re.compile(r"\s*([A-Za-z_]\w*)\s*=(?!=)(.*)", re.DOTALL)


@click.command("sweep")
@spec_argument
@click.option(
    "--set",
    "settings",
    multiple=True,
    required=True,
    metavar="NAME=VALUES",
    help="A constant and its values, the smallest first: N=1..4, 'Procs={p1},{p1,p2}', 'Rule=<- Weak'.",
)
@config_option
@module_options
@click.option("--all", "all_points", is_flag=True, help="Go on when a configuration fails.")
@click.option(
    "--jobs",
    type=click.IntRange(min=1),
    metavar="N",
    help="Configurations checked at once; by default one a core. "
    "Without --memory they share half of the machine's.",
)
@deadlock_option
@workers_option
@limits
@json_option
@campaign_options
@click.pass_context
def sweep_command(
    context: click.Context,
    *,
    modules: Modules,
    spec: Path,
    settings: tuple[str, ...],
    config: Path | None,
    all_points: bool,
    jobs: int | None,
    no_deadlock: bool,
    workers: int,
    timeout: float | None,
    memory: int,
    as_json: bool,
    place: Place,
) -> None:
    """Check SPEC with many values of its constants, and find the smallest that fail.

    All combinations of the values are checked, smaller ones first, until one fails. The rest of the
    configuration is SPEC's own. Each combination has --timeout seconds.

    Exits with 0 if the properties are established for all, 1 if one is violated, 2 if SPEC cannot be
    checked, 3 if for some nothing was established.
    """
    as_command = functools.partial(_command, no_deadlock=no_deadlock)
    options = {"workers": workers, "deadlock": not no_deadlock, "timeout": timeout}
    chosen = context.get_parameter_source("memory") is not ParameterSource.DEFAULT
    try:
        loaded = Spec.load(spec, config, **modules)
        constants = _constants(settings)
        folder = _CONFIGURATIONS / loaded.name
        with (
            Pool(jobs, memory_mb=memory if chosen else None) as pool,
            _telling(loaded, constants, quiet=as_json) as (on_point, on_progress),
        ):
            found = sweep(
                loaded,
                constants,
                first_failure=not all_points,
                folder=folder,
                pool=pool,
                on_point=on_point,
                on_progress=on_progress,
                checks=functools.partial(
                    _campaign, options, memory=memory, jobs=pool.processes, first=not all_points, place=place
                )
                if place.is_asked_for
                else None,
                **options,
            )
        for point in found.minimal:
            _write_traces(loaded, point)
    except TlacheckError as error:
        if as_json:
            click.echo(json.dumps({"error": str(error)}))
        click.echo(str(error), err=True)
        context.exit(INCONCLUSIVE if isinstance(error, EngineError) else UNUSABLE)
    if as_json:
        click.echo(json.dumps(_to_json(loaded, found, as_command), ensure_ascii=False, indent=1))
    else:
        for line in _summary(loaded, found, as_command):
            click.echo(line)
    context.exit(_status_code(found))


def _campaign(
    options: Mapping[str, Any],
    specs: Sequence[Spec],
    *,
    memory: int,
    jobs: int,
    first: bool,
    place: Place,
) -> Iterator[Checked]:
    """Check the points as a campaign, up to the first that fails if only that is wanted."""
    texts = {spec.config.stem: spec.configuration for spec in specs}
    work = SweepWork(spec=specs[0], configurations=texts, options=options, memory_mb=memory)
    run = campaign.run_to_first_failure if first else campaign.run
    with place.executor() as executor:
        found = run(
            work,
            texts,
            file=place.file,
            executor=executor,
            jobs=jobs,
            limits=place.limits(),
            on_row=Heartbeat("points").tell,
        )
    for line in doubts(found):
        click.echo(line, err=True)
    yield from checked(specs, found)


def _constants(settings: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """The constants of `--set NAME=VALUES` with their values."""
    constants: dict[str, tuple[str, ...]] = {}
    for setting in settings:
        match = _SETTING.fullmatch(setting)
        if match is None:
            raise ConfigError(f"--set {setting}: give a constant and its values, such as --set N=1..4")
        name, values = match.groups()
        if name in constants:
            raise ConfigError(
                f"--set {name} is given twice: put all values into one, such as --set {name}=1,2"
            )
        try:
            constants[name] = split_values(values)
        except ConfigError as error:
            raise ConfigError(f"--set {name}: {error}") from None
    return constants


@contextlib.contextmanager
def _telling(
    spec: Spec, constants: Mapping[str, Sequence[str]], *, quiet: bool
) -> Iterator[tuple[Callable[[Point], None], Callable[[Spec, Progress], None]]]:
    """Report the sweep: each point on standard output, the running checks on standard error."""
    total = math.prod(map(len, constants.values()))
    done, current = 0, ""
    output = sys.stdout  # on a terminal, rich puts another one into its place while it draws

    def describe(progress: Progress) -> str:
        return f"{done} of {total} done; {current}: {progress.generated:,} states, {progress.seconds:.0f} s"

    def on_point(point: Point) -> None:
        nonlocal done
        done += 1
        if quiet:
            return
        stream = sys.stdout if output.isatty() else output
        if done == 1:
            plural = "" if total == 1 else "s"
            stream.write(f"{spec.name}: {total} configuration{plural} of {', '.join(constants)}\n")
        stream.write(f"  {_row(point)}\n")
        stream.flush()

    with live(spec.name, describe=describe) as beat:

        def on_progress(running: Spec, progress: Progress) -> None:
            nonlocal current
            current = running.config.stem
            beat(progress)

        yield on_point, on_progress


def _row(point: Point) -> str:
    if point.result is None:
        return f"{point}: cannot be checked: {' '.join(str(point.error).split())}"
    result, verdict = point.result, point.result.verdict
    if point.outcome is PointStatus.EXCLUDED:
        return f"{point}: excluded, the {verdict.violates} is false"
    counts = f"{result.generated:,} states generated, {result.distinct:,} distinct, depth {result.depth}"
    return f"{point}: {verdict}, {counts}, {result.seconds:.1f} s"


def _summary(spec: Spec, found: Sweep, as_command: Callable[[Point], str]) -> Iterator[str]:
    if found.skipped:
        yield f"  {found.skipped} more not checked: a smaller one fails (--all checks them too)"
    smallest = found.smallest
    if smallest is None or smallest.result is None:
        yield "none fails" if _status_code(found) == ESTABLISHED else "none is seen to fail"
        return
    yield f"the smallest that fails: {smallest}"
    yield from (f"  {line}" for line in result_lines(smallest.result, _trace_file(spec, smallest)))
    yield f"    check it again with: {as_command(smallest)}"
    for point in found.minimal[1:]:
        yield f"as small in its way: {point}"
        yield f"    counterexample: {_trace_file(spec, point)}"
        yield f"    check it again with: {as_command(point)}"


def _trace_file(spec: Spec, point: Point) -> Path:
    return _TRACES / f"{spec.name}-{point.spec.config.stem}.itf.json"


def _write_traces(spec: Spec, point: Point) -> None:
    if point.result is not None:
        files = counterexample_files(point.result, _trace_file(spec, point))
        for violation, file in zip(point.result.violations, files, strict=True):
            if violation.trace is not None and file is not None:
                itf.write(violation.trace, file)


def _command(point: Point, *, no_deadlock: bool) -> str:
    """The command that checks the point by itself."""
    words = ["tlacheck", "check", *point.spec.words]
    return shlex.join([*words, "--no-deadlock"] if no_deadlock else words)


def _to_json(spec: Spec, found: Sweep, as_command: Callable[[Point], str]) -> dict[str, Any]:
    minimal = set(map(id, found.minimal))

    def point_to_json(point: Point) -> dict[str, Any]:
        data: dict[str, Any] = {
            "constants": dict(point.values),
            "outcome": point.outcome.value,
            "config": str(point.spec.config),
            "command": as_command(point),
            "error": None if point.error is None else str(point.error),
            "result": None,
        }
        if point.result is not None:
            data["result"] = result_to_json(point.result, _trace_file(spec, point))
            if id(point) not in minimal:  # only those have their traces written
                _forget_traces(data["result"])
        return data

    smallest = found.smallest
    return {
        "spec": str(spec.path),
        "config": str(spec.config),
        "points": [point_to_json(point) for point in found.points],
        "skipped": found.skipped,
        "smallest": None if smallest is None else dict(smallest.values),
        "minimal": [dict(point.values) for point in found.minimal],
    }


def _forget_traces(result: dict[str, Any]) -> None:
    result["trace"] = None
    for violation in result["violations"]:
        violation["trace"] = None


def _status_code(found: Sweep) -> int:
    outcomes = {point.outcome for point in found.points}
    if PointStatus.FAILS in outcomes:
        return VIOLATED
    if PointStatus.ERROR in outcomes or outcomes == {PointStatus.EXCLUDED}:
        return UNUSABLE
    return INCONCLUSIVE if PointStatus.UNKNOWN in outcomes else ESTABLISHED
