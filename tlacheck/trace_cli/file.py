"""Shared parts of the commands: selecting one trace of a file, and writing a text."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from tlacheck.convert import read_traces
from tlacheck.errors import TraceError
from tlacheck.files import write_whole
from tlacheck.trace import Trace

__all__ = ["emit", "number_option", "one_trace"]

Command = Callable[..., Any]

number_option: Callable[[Command], Command] = click.option(
    "--number",
    type=click.IntRange(min=1),
    default=None,
    metavar="K",
    help="Select a trace in a FILE with several; the first by default.",
)


def one_trace(path: Path, number: int | None = None) -> Trace:
    """Return the trace of a file; of several, the one with this number, counted from 1.

    The default is the first one; a message on standard error mentions the others.

    Raises:
        TraceError: there is no such file, it holds no trace, or not so many.
    """
    traces = read_traces(path)
    if number is not None and number > len(traces):
        raise TraceError(f"there is no trace {number}; the file holds {len(traces)}", path)
    if number is None and len(traces) > 1:
        click.echo(f"{path} holds {len(traces)} traces; this is the first (--number for another)", err=True)
    return traces[(number or 1) - 1]


def emit(text: str, out: Path | None) -> None:
    """Write a text to a file, atomically, or to standard output.

    Raises:
        TraceError: the file cannot be written.
    """
    if out is not None:
        write_whole(text, out)
    else:
        sys.stdout.write(text)
