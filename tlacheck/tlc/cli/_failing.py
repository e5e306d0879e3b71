"""Errors of the commands: the trace that one may come with, and its message."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from tlacheck import itf
from tlacheck.errors import TlacheckError
from tlacheck.tlc.cli._result import steps_of
from tlacheck.trace import EvaluationError

__all__ = ["keeping_trace", "report_error"]


@contextmanager
def keeping_trace(target: Path) -> Iterator[None]:
    """Write the trace of an `EvaluationError` to `target` before the error goes on."""
    try:
        yield
    except EvaluationError as error:
        itf.write(error.trace, target)
        raise


def report_error(error: TlacheckError, target: Path | None, *, as_json: bool) -> None:
    """Print an error, as JSON too if asked; name the trace that leads to it, if any."""
    trace = error.trace if isinstance(error, EvaluationError) else None
    if as_json:
        click.echo(json.dumps({"error": str(error), "trace": None if trace is None else str(target)}))
    click.echo(str(error), err=True)
    if trace is not None:
        click.echo(f"{steps_of(trace)} lead there: tlacheck inspect {target}", err=True)
