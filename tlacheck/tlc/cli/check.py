"""The command `tlacheck check`: one spec, one verdict."""

import json
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import click

from tlacheck import itf
from tlacheck.errors import ConfigError, TlacheckError, spelt_out
from tlacheck.tlc.check import DUMPED, CheckResult, check
from tlacheck.tlc.cli._failing import keeping_trace, report_error
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
from tlacheck.tlc.cli.distributed import check_with_others, distributed_options
from tlacheck.tlc.spec import Spec

__all__ = ["check_command"]

_TRACES = Path(".verify", "traces")


@click.command("check")
@spec_argument
@config_option
@module_options
@deadlock_option
@click.option(
    "--continue", "continue_", is_flag=True, help="Go on past the first violation; report them all."
)
@click.option(
    "--dfid",
    "depth_first",
    type=int,
    metavar="N",
    help="Search depth first, behaviours of up to N states. No temporal properties, one worker.",
)
@click.option(
    "--coverage", is_flag=True, help="Count how often actions are taken and expressions evaluated. Slower."
)
@click.option("--levels", is_flag=True, help="Count the states first found at each depth.")
@workers_option
@distributed_options
@limits
@json_option
@click.option(
    "--trace",
    "trace_file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Where to write a counterexample; further ones go beside it, their names ending in -2, -3.",
)
@click.option(
    "--dump-trace",
    "dumps",
    type=(click.Choice(DUMPED), click.Path(path_type=Path, dir_okay=False)),
    multiple=True,
    metavar="FORMAT FILE",
    help=(
        "Write a counterexample as TLC's -dumpTrace does, in the format tla or json, or as itf; may be "
        "repeated. tla and json need a newer TLC than 2.18."
    ),
)
@click.pass_context
def check_command(
    context: click.Context,
    *,
    modules: Modules,
    spec: Path,
    config: Path | None,
    no_deadlock: bool,
    continue_: bool,
    depth_first: int | None,
    coverage: bool,
    levels: bool,
    workers: int,
    distributed: bool,
    host: str,
    port: int | None,
    patience: float,
    timeout: float | None,
    memory: int,
    as_json: bool,
    trace_file: Path | None,
    dumps: tuple[tuple[str, Path], ...],
) -> None:
    """Check SPEC, a TLA+ module, with TLC.

    Exits with 0 if its properties are established, 1 if one is violated, 2 if SPEC cannot be checked, 3
    if nothing was established (no time, no memory).
    """
    target: Path | None = None
    try:
        loaded = Spec.load(spec, config, **modules)
        target = trace_file or _TRACES / f"{loaded.name}.itf.json"
        run: Callable[..., CheckResult]
        alone: dict[str, Any] = {
            "continue_": continue_,
            "depth_first": depth_first,
            "coverage": coverage,
            "levels": levels,
            "dump_trace": dict(dumps),
        }
        if distributed:
            _refuse_with_distributed(alone)
            run = partial(check_with_others, host=host, port=port, patience=patience, memory=memory)
        else:
            run = partial(check, memory_mb=memory, **alone)
        with keeping_trace(target), live(loaded.name) as on_progress:
            result = run(
                loaded, workers=workers, deadlock=not no_deadlock, timeout=timeout, on_progress=on_progress
            )
        _write(result, target)
    except TlacheckError as error:
        report_error(error, target, as_json=as_json)
        context.exit(UNUSABLE)
    if as_json:
        click.echo(json.dumps(result_to_json(result, target), ensure_ascii=False, indent=1))
    else:
        for line in result_lines(result, target):
            click.echo(spelt_out(line))  # names and values are the spec's
    context.exit(_status_code(result))


#: Parameters that TLC's distributed mode would silently ignore -> their options.
_ALONE = {
    "continue_": "--continue",
    "depth_first": "--dfid",
    "coverage": "--coverage",
    "levels": "--levels",
    "dump_trace": "--dump-trace",
}


def _refuse_with_distributed(options: Mapping[str, object]) -> None:
    """Reject options that TLC's distributed mode would silently ignore."""
    if given := [_ALONE[name] for name, value in options.items() if value]:
        raise ConfigError(f"{', '.join(given)} cannot go with --distributed: TLC's server has no such option")


def _write(result: CheckResult, target: Path) -> None:
    """Write the traces of all violations."""
    for violation, file in zip(result.violations, counterexample_files(result, target), strict=True):
        if violation.trace is not None and file is not None:
            itf.write(violation.trace, file)


def _status_code(result: CheckResult) -> int:
    if result.verdict.is_established:
        return ESTABLISHED
    return VIOLATED if result.verdict.is_violated else INCONCLUSIVE
