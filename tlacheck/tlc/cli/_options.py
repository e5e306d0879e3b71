"""Options and exit statuses shared by every command over TLC."""

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypedDict

import click

from tlacheck.tlc._process import MEMORY_MB

__all__ = [
    "ESTABLISHED",
    "INCONCLUSIVE",
    "UNUSABLE",
    "VIOLATED",
    "Modules",
    "config_option",
    "deadlock_option",
    "json_option",
    "limits",
    "limits_of",
    "module_options",
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


class Modules(TypedDict):
    """The places of modules that are not beside the spec, as `Spec.load` takes them."""

    libraries: tuple[Path, ...]
    trusted_jars: tuple[Path, ...]


def module_options(command: Command) -> Command:
    """Add the options `--library` and `--trusted-jar`; the command gets both as `modules`, a `Modules`."""

    @click.option(
        "--library",
        "libraries",
        type=click.Path(path_type=Path),
        multiple=True,
        metavar="DIR",
        help="A folder with more modules; may be repeated. Folders of TLA-Library come after these.",
    )
    @click.option(
        "--trusted-jar",
        "trusted_jars",
        type=click.Path(path_type=Path),
        multiple=True,
        metavar="FILE",
        help="A jar with more modules, whose Java code may run; may be repeated.",
    )
    @functools.wraps(command)
    def bundled(
        *arguments: Any, libraries: tuple[Path, ...], trusted_jars: tuple[Path, ...], **named: Any
    ) -> Any:
        return command(*arguments, modules=Modules(libraries=libraries, trusted_jars=trusted_jars), **named)

    return bundled


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
