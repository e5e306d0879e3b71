"""The command `tlacheck trace minimise`: shrinks a failing run to a trace, a text and a test."""

import json
import time
from pathlib import Path
from typing import Final

import click

from tlacheck import itf
from tlacheck.conform.cli._options import (
    failed,
    out_option,
    step_limit_option,
    system_of,
    system_options,
    tries_option,
)
from tlacheck.conform.shrink import Shrunk
from tlacheck.conform.worker_pool import WorkerPool
from tlacheck.conform.written_test import WrittenTest, write_test
from tlacheck.errors import TlacheckError, TraceError
from tlacheck.report.lanes import lanes_of
from tlacheck.report.terminal import render
from tlacheck.tlc._protocol import Progress
from tlacheck.tlc.cli._live import live
from tlacheck.tlc.cli._options import ESTABLISHED, INCONCLUSIVE, json_option
from tlacheck.tlc.legal import check_behaviour
from tlacheck.tlc.spec import Spec
from tlacheck.trace import Trace
from tlacheck.verdict import Verdict

__all__ = ["minimise_command"]

_WIDTH: Final = 110


@click.command("minimise")
@click.argument("file", type=click.Path(path_type=Path))
@system_options
@click.option(
    "--spec",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="The TLA+ module; the trace's own unless given.",
)
@click.option(
    "--config",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="TLC configuration; the trace's own unless given.",
)
@tries_option(least=1, does="How many candidates to play.")
@out_option("Where the short run goes; beside FILE unless given.")
@click.option(
    "--test",
    "test",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="FOLDER",
    help="Also write a pytest test with its trace into FOLDER.",
)
@click.option(
    "--check",
    is_flag=True,
    help="Let TLC check, in a run of its own, that the result is a behaviour of the spec.",
)
@step_limit_option
@json_option
@click.pass_context
def minimise_command(
    context: click.Context,
    *,
    file: Path,
    system: str | None,
    executed: str | None,
    spec: Path | None,
    config: Path | None,
    tries: int,
    out: Path | None,
    test: Path | None,
    check: bool,
    step_limit: float,
    as_json: bool,
) -> None:
    """Shrink the failing run in FILE to the shortest behaviour that the system leaves in the same way.

    Exits with 0 if the run was shrunk or cannot be shorter, 2 if it cannot be done, 3 if the run did
    not fail again or TLC does not confirm the result.
    """
    maker = system_of(system, executed)
    written: WrittenTest | None = None
    legal: Verdict | None = None
    try:
        run = itf.read(file)
        if run.violation is None:
            raise TraceError("this run does not fail, so that nothing can be left of it", file)
        loaded = _spec_of(run, file, spec, config)
        with WorkerPool(loaded, maker, limit_seconds=step_limit) as pool:
            found = _shrunk(pool, run, file.name, tries)
        target = out or file.with_name(f"{_stem(file)}-short.itf.json")
        itf.write(found.trace, target)
        if test is not None:
            written = write_test(found.trace, test, maker, name=_stem(target))
        if check:
            legal = check_behaviour(found.trace, loaded)
    except TlacheckError as error:
        failed(context, error, as_json=as_json)
    if as_json:
        data = {
            "trace": str(target),
            "steps_before": found.steps_before,
            "steps_after": found.steps_after,
            "tries": found.tries,
            "reproduced": found.reproduced,
            "test": None if written is None else str(written.module),
            "legal": None if legal is None else legal.to_json(),
        }
        click.echo(json.dumps(data, ensure_ascii=False))
    else:
        _tell(found, target, written, legal)
    confirmed = legal is None or legal.is_established
    context.exit(ESTABLISHED if found.reproduced and confirmed else INCONCLUSIVE)


def _spec_of(run: Trace, file: Path, spec: Path | None, config: Path | None) -> Spec:
    if spec is not None:
        return Spec.load(spec, config)
    if not run.origin.spec:
        raise TraceError("the trace does not say of which spec it is: give --spec and --config", file)
    return Spec.load(run.origin.spec, config or run.origin.config or None)


def _shrunk(pool: WorkerPool, run: Trace, name: str, tries: int) -> Shrunk:
    started = time.monotonic()

    def tell(progress: Progress) -> str:
        return f"{progress.generated:,} candidates, {progress.distinct:,} steps, {progress.seconds:.0f} s"

    with live(name, describe=tell) as beat:
        return pool.shrink(
            run,
            tries_max=tries,
            on_progress=lambda played, steps: beat(
                Progress(generated=played, distinct=steps, queue=0, seconds=time.monotonic() - started)
            ),
        )


def _stem(path: Path) -> str:
    return path.name.removesuffix(".json").removesuffix(".itf")


def _tell(found: Shrunk, target: Path, written: WrittenTest | None, legal: Verdict | None) -> None:
    for line in render(lanes_of(found.trace), width=_WIDTH, file=str(target)):
        click.echo(line.plain)
    if found.reproduced:
        click.echo(
            f"shrunk from {found.steps_before} to {found.steps_after} steps in {found.tries:,} tries: "
            f"{target}"
        )
    else:
        click.echo("the run did not fail again: does the system do the same twice, and is it the right one?")
    if written is not None:
        click.echo(f"as a test: {written.module}, with {written.trace.name}")
    if legal is not None:
        click.echo(
            "TLC confirms that it is a behaviour of its spec"
            if legal.is_established
            else f"TLC does not confirm it: {legal}, {legal.reason}"
        )
