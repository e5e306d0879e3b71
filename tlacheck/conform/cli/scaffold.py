"""The command `tlacheck scaffold`: an adapter to fill in."""

from pathlib import Path

import click

from tlacheck.conform.scaffolding import LANGUAGES, scaffold
from tlacheck.errors import ConfigError, TlacheckError
from tlacheck.files import write_whole
from tlacheck.tlc.cli._options import UNUSABLE, Modules, config_option, module_options, spec_argument
from tlacheck.tlc.spec import Spec

__all__ = ["scaffold_command"]


@click.command("scaffold")
@spec_argument
@config_option
@module_options
@click.option(
    "--language",
    type=click.Choice(list(LANGUAGES)),
    default="python",
    show_default=True,
    help="Programming language of the adapter.",
)
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Where to write it; standard output unless given. A file that is there is kept.",
)
@click.pass_context
def scaffold_command(
    context: click.Context,
    *,
    modules: Modules,
    spec: Path,
    config: Path | None,
    language: str,
    out: Path | None,
) -> None:
    """Write an adapter for SPEC with a method to fill in for each action and each variable.

    Exits with 0, or with 2 if SPEC cannot be read or FILE exists already.
    """
    try:
        if out is not None and out.exists():
            raise ConfigError(
                f"{out} is there already, and somebody may have filled it in: choose another name"
            )
        text = scaffold(Spec.load(spec, config, **modules), language=language)
        if out is None:
            click.echo(text, nl=False)
        else:
            write_whole(text, out)
            click.echo(f"written to {out}; each method that is not filled in says so when it is called")
    except TlacheckError as error:
        click.echo(str(error), err=True)
        context.exit(UNUSABLE)
