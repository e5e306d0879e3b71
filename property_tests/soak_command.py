"""What the commands of all soaks share: their options, and how they tell what was found and leave.

| exit status | means                                                                        |
|-------------|------------------------------------------------------------------------------|
| 0           | nothing was broken, and every situation that matters was met                 |
| 1           | something was broken: seed, trace and the command that repeats it are told   |
| 2           | the command makes no sense                                                   |
| 3           | a situation was never met, so that the soak says nothing of it               |
"""

import difflib
import importlib
import platform
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from property_tests.soaking import Soaked
from tlacheck import __version__
from tlacheck.mutants import Mutant

__all__ = ["OUT", "leave", "mutant_option", "out_option", "seed_options"]

#: Where traces and logs of failures go.
OUT: Final = Path(".verify")

#: So many of the runs that failed are told.
_TOLD_MAX: Final = 3

_F = TypeVar("_F", bound=Callable[..., Any])


def seed_options(steps: str) -> Callable[[_F], _F]:
    """Which seeds, how long a run, and how many processes; `steps` says what a step is."""

    def add(command: _F) -> _F:
        at_least_one = click.IntRange(min=1)
        for option in (
            click.option(
                "--jobs", type=at_least_one, default=1, show_default=True, help="How many processes."
            ),
            click.option("--steps", type=at_least_one, default=10_000, show_default=True, help=steps),
            click.option(
                "--seed", type=click.IntRange(min=0), default=0, show_default=True, help="The first seed."
            ),
            click.option(
                "--seeds",
                type=at_least_one,
                default=100,
                show_default=True,
                help="How many runs, from --seed on.",
            ),
        ):
            command = option(command)
        return command

    return add


def out_option(command: _F) -> _F:
    """Where what failed is written."""
    return click.option(
        "--out",
        type=click.Path(path_type=Path, file_okay=False),
        default=OUT,
        show_default=True,
        help="Where traces and logs of failures go.",
    )(command)


def mutant_option(protocol: str, further: Sequence[Mutant] = ()) -> Callable[[_F], _F]:
    """Which wrong implementation: one of `property_tests/<protocol>/mutants.py`, or of `further`."""

    def named(_context: click.Context, _parameter: click.Parameter, name: str | None) -> Mutant | None:
        if name is None:
            return None
        mutants: tuple[Mutant, ...] = importlib.import_module(f"property_tests.{protocol}.mutants").MUTANTS
        known = {mutant.name: mutant for mutant in (*mutants, *further)}
        if name not in known:
            near = ", ".join(difflib.get_close_matches(name, sorted(known), n=5, cutoff=0.4))
            raise click.BadParameter(
                f"there is no mutant {name!r}; {f'near to it are {near}; ' if near else ''}"
                f"MUTANTS in property_tests/{protocol}/mutants.py{' and soak.py' if further else ''} are all {len(known)}"
            )
        return known[name]

    return click.option(
        "--mutant",
        callback=named,
        metavar="NAME",
        help="A wrong implementation; the soak ends when it is found.",
    )


def leave(
    context: click.Context,
    found: Soaked,
    *,
    missing: Sequence[str],
    kept: Callable[[int], Iterable[str]],
    repeat: Callable[[int], str],
) -> None:
    """Tell what was found, and leave with the status that says so.

    Args:
        context: the command's.
        found: what the soak came to.
        missing: what was not met that had to be.
        kept: lines about what a seed that failed has left on disk.
        repeat: the command that plays a seed again.
    """
    for line in found.lines:
        click.echo(line)
    for seed, words in found.broken[:_TOLD_MAX]:
        click.echo(f"seed {seed}: {words}")
        for line in kept(seed):
            click.echo(line)
        click.echo(f"repeat:   {repeat(seed)}")
        click.echo(f"versions: tlacheck {__version__}, Python {platform.python_version()}")
    if found.broken:
        context.exit(1)
    if missing:
        click.echo(f"{len(missing)} situations that matter were not met; soak longer:")
        for name in missing:
            click.echo(f"  {name}")
        context.exit(3)
