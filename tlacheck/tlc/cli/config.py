"""`tlacheck config`: prints a configuration that a manifest derives, or writes it to a file."""

from pathlib import Path

import click

from tlacheck.errors import ConfigError
from tlacheck.tlc.configuration import MANIFEST, configuration_text, derived

__all__ = ["config_command"]


@click.command("config")
@click.argument("manifest", type=click.Path(path_type=Path))
@click.argument("name", required=False)
@click.option("--write", is_flag=True, help="Write the file that the name stands for, beside the manifest.")
def config_command(manifest: Path, name: str | None, *, write: bool) -> None:
    """Print the derived configuration NAME of MANIFEST, or list all of them without NAME.

    MANIFEST is a manifest.toml or its folder. Exits with 0, or with 2 if there is no such
    configuration.
    """
    file = manifest / MANIFEST if manifest.is_dir() else manifest
    if not file.is_file():
        raise ConfigError(f"there is no manifest {file}: give a {MANIFEST} or its folder")
    if name is None:
        if write:
            raise ConfigError("--write needs the name of a configuration")
        for each, derivation in derived(file).items():
            click.echo(f"{each}  from {derivation.base}")
        return
    path = file.parent / (name if name.endswith(".cfg") else f"{name}.cfg")
    text = configuration_text(path)
    if not write:
        click.echo(text, nl=False)
        return
    if path.is_file():
        raise ConfigError(f"there is a file {path}; remove it first")
    path.write_text(text, encoding="utf-8")
    click.echo(f"wrote {path}; while it is there it counts, not its row in {file.name}")
