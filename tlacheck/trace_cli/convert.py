"""The command `tlacheck trace convert`: a trace of any format in, another format out."""

from pathlib import Path

import click

from tlacheck.convert import WRITTEN, format_of, losses, written
from tlacheck.trace_cli.file import emit, number_option, one_trace

__all__ = ["convert_command"]

_FORMATS = "; ".join(f"{name} ({each.what})" for name, each in WRITTEN.items())


@click.command("convert", epilog=f"Formats that are written: {_FORMATS}.")
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="OUT",
    help="Where the result goes; standard output unless given.",
)
@click.option(
    "--to",
    "format_",
    type=click.Choice(list(WRITTEN)),
    help="Output format; by default that of OUT's suffix, or itf without OUT.",
)
@number_option
def convert_command(*, file: Path, out: Path | None, format_: str | None, number: int | None) -> None:
    """Read the trace in FILE, and write it in another format.

    FILE may be ITF JSON, a log of a run (ndjson) whose events have the whole state, TLC's printed
    output, or its output of -dumpTrace json or tla; the content of FILE decides, not its name.

    Exits with 0, or with 2 if FILE holds no trace or OUT cannot be written.
    """
    target = format_ or (format_of(out) if out else "itf")
    trace = one_trace(file, number)
    emit(written(trace, target, file=str(file)), out)
    if lost := losses(trace, target):
        click.echo(f"left out, for {target} has no place for it: {' and '.join(lost)}", err=True)
