"""The command `tlacheck check`: one spec, one verdict."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from tlacheck import itf
from tlacheck.errors import SpecError, TlacheckError
from tlacheck.tlc.check import CheckResult, check
from tlacheck.tlc.cli._live import live
from tlacheck.tlc.cli._options import (
    ESTABLISHED,
    INCONCLUSIVE,
    UNUSABLE,
    VIOLATED,
    config_option,
    deadlock_option,
    json_option,
    limits,
    spec_argument,
    workers_option,
)
from tlacheck.tlc.spec import Spec
from tlacheck.trace import Trace

__all__ = ["check_command"]

_TRACES = Path(".verify", "traces")


@click.command("check")
@spec_argument
@config_option
@deadlock_option
@workers_option
@limits
@json_option
@click.option(
    "--trace",
    "trace_file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Where to write a counterexample.",
)
@click.pass_context
def check_command(
    context: click.Context,
    *,
    spec: Path,
    config: Path | None,
    no_deadlock: bool,
    workers: int,
    timeout: float | None,
    memory: int,
    as_json: bool,
    trace_file: Path | None,
) -> None:
    """Check SPEC, a TLA+ module, with TLC.

    Leaves with 0 if its properties are established, 1 if one is violated, 2 if SPEC cannot be
    checked, 3 if nothing was established (no time, no memory).
    """
    trace: Trace | None = None
    try:
        loaded = Spec.load(spec, config)
        target = trace_file or _TRACES / f"{loaded.name}.itf.json"
        try:
            with live(loaded.name) as on_progress:
                result = check(
                    loaded,
                    memory_mb=memory,
                    workers=workers,
                    deadlock=not no_deadlock,
                    timeout=timeout,
                    on_progress=on_progress,
                )
        except SpecError as error:
            trace = error.trace
            raise
        finally:
            if trace is not None:
                itf.write(trace, target)
        if result.trace is not None:
            itf.write(result.trace, target)
    except TlacheckError as error:
        if as_json:
            click.echo(json.dumps({"error": str(error), "trace": str(target) if trace else None}))
        click.echo(str(error), err=True)
        if trace is not None:
            click.echo(f"{_steps(trace)} lead there: tlacheck inspect {target}", err=True)
        context.exit(UNUSABLE)
    if as_json:
        click.echo(json.dumps(_to_json(result, target), ensure_ascii=False, indent=1))
    else:
        for line in _lines(result, target):
            click.echo(line)
    context.exit(_status_code(result))


def _lines(result: CheckResult, target: Path) -> Iterator[str]:
    verdict = result.verdict
    yield f"{result.spec.name}: {verdict}"
    if verdict.is_violated and verdict.reason:
        yield f"  {verdict.violates}: {verdict.reason}"
    counts = f"{result.generated:,} states generated, {result.distinct:,} distinct, depth {result.depth}"
    if result.queue:
        counts += f", {result.queue:,} not explored"
    yield f"  {counts}, {result.seconds:.1f} s, {result.engine}"
    for warning in result.warnings:
        yield f"  warning: {' '.join(warning.split())}"
    if result.trace is not None:
        loop = "" if result.trace.loop is None else f", back to state {result.trace.loop} and so forever"
        yield f"  counterexample of {_steps(result.trace)}{loop}: {target}"
        yield f"  look at it with: tlacheck inspect {target}"


def _steps(trace: Trace) -> str:
    return f"{len(trace)} step{'' if len(trace) == 1 else 's'}"


def _to_json(result: CheckResult, target: Path) -> dict[str, Any]:
    return {
        "spec": str(result.spec.path),
        "config": str(result.spec.config),
        "verdict": result.verdict.to_json(),
        "generated": result.generated,
        "distinct": result.distinct,
        "queue": result.queue,
        "depth": result.depth,
        "seconds": round(result.seconds, 3),
        "engine": result.engine,
        "trace": None if result.trace is None else str(target),
        "warnings": list(result.warnings),
    }


def _status_code(result: CheckResult) -> int:
    if result.verdict.is_established:
        return ESTABLISHED
    return VIOLATED if result.verdict.is_violated else INCONCLUSIVE
