"""Options and exit statuses shared by every command over TLC."""

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from tlacheck.tlc._process import MEMORY_MB

__all__ = [
    "ESTABLISHED",
    "INCONCLUSIVE",
    "UNUSABLE",
    "VIOLATED",
    "config_option",
    "deadlock_option",
    "json_option",
    "limits",
    "limits_of",
    "seed_option",
    "spec_argument",
    "workers_option",
]

#: Exit statuses: a property holds, or the request succeeded; a property is violated; the command
#: could not run; nothing was established.
ESTABLISHED, VIOLATED, UNUSABLE, INCONCLUSIVE = range(4)

Command = Callable[..., Any]

spec_argument = click.argument("spec", type=click.Path(path_type=Path))

config_option = click.option(
    "--config",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="TLC configuration; the spec's name with .cfg unless given.",
)

deadlock_option = click.option(
    "--no-deadlock", is_flag=True, help="Do not report states in which no action is enabled."
)

workers_option = click.option(
    "--workers",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    metavar="N",
    help="Threads that explore. With one, two runs give the same counts and traces.",
)

seed_option = click.option(
    "--seed", type=click.IntRange(min=0), metavar="N", help="Where random choices begin; 0 unless given."
)

json_option = click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")


def limits_of(memory_mb: int) -> Callable[[Command], Command]:
    """Add the options `--timeout` and `--memory`: the limits after which a run ends as `unknown`."""
    memory = click.option(
        "--memory",
        type=click.IntRange(min=64),
        default=memory_mb,
        show_default=True,
        metavar="MB",
        help="Heap of the JVM. What needs more ends as unknown.",
    )
    timeout = click.option(
        "--timeout",
        type=click.FloatRange(min=0, min_open=True),
        metavar="SECONDS",
        help="Give up after this time: the verdict is unknown then.",
    )
    return lambda command: functools.reduce(
        lambda decorated, option: option(decorated), (memory, timeout), command
    )


#: Those options with the usual default.
limits = limits_of(MEMORY_MB)
