"""Options and error reporting shared by every command over a system."""

import functools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, NoReturn

import click

from tlacheck.conform.limits import LIMIT_SECONDS
from tlacheck.errors import TlacheckError
from tlacheck.tlc.cli._options import UNUSABLE

__all__ = [
    "TRACES",
    "failed",
    "out_option",
    "step_limit_option",
    "system_of",
    "system_options",
    "tries_option",
]

#: The default folder of traces.
TRACES: Final = Path(".verify", "traces")

Command = Callable[..., Any]

_system = click.option(
    "--system",
    metavar="MODULE:NAME",
    help="The system: a class or function that makes it, importable from here.",
)
_exec = click.option(
    "--exec",
    "executed",
    metavar="COMMAND",
    help='The system: a process that speaks JSON lines, "node system.js".',
)


def system_options(command: Command) -> Command:
    """Add the options `--system` and `--exec`, of which one names the system under test."""
    return functools.reduce(lambda decorated, option: option(decorated), (_exec, _system), command)


def system_of(system: str | None, executed: str | None) -> str:
    """Return the value of the two options in the form that `load_system` takes.

    Raises:
        click.UsageError: none is given, or both.
    """
    if (system is None) == (executed is None):
        raise click.UsageError('say on what: --system MODULE:NAME, or --exec "COMMAND"')
    return system if system is not None else f"exec:{executed}"


step_limit_option = click.option(
    "--step-limit",
    type=click.FloatRange(min=0, min_open=True),
    default=LIMIT_SECONDS,
    show_default=True,
    metavar="SECONDS",
    help="How long one step of the system may take.",
)


def out_option(does: str) -> Callable[[Command], Command]:
    """Return the option `--out` with this help text."""
    return click.option("--out", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help=does)


def tries_option(*, least: int, does: str) -> Callable[[Command], Command]:
    """Return the option `--tries` of commands that shrink."""
    return click.option(
        "--tries",
        type=click.IntRange(min=least),
        default=3_000,
        show_default=True,
        metavar="N",
        help=does,
    )


def failed(context: click.Context, error: TlacheckError, *, as_json: bool, **more: object) -> NoReturn:
    """Report why nothing was established, and exit."""
    if as_json:
        click.echo(json.dumps({"error": str(error), **more}))
    click.echo(str(error), err=True)
    context.exit(UNUSABLE)
