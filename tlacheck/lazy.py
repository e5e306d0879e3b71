"""A group of commands that are loaded when they are used.

So `--help` needs neither a JVM nor a solver, and a command does not pay for another command's imports.
"""

import importlib
from collections.abc import Mapping
from typing import Any, Final

import click

from tlacheck.errors import TlacheckError

__all__ = ["LazyGroup"]

#: The exit status of an error.
_UNUSABLE: Final = 2


class LazyGroup(click.Group):
    """A group that imports a command when it is called, and prints a `TlacheckError` as one message.

    Args:
        table: command -> where it is, as `module:name`, and what it does, in the order of the help.
    """

    def __init__(self, *args: Any, table: Mapping[str, tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._table = table

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - the signature is click's
        """The names of the commands."""
        return list(self._table)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name, imported now.

        Raises:
            TlacheckError: it needs a module that is not installed.
        """
        if cmd_name not in self._table:
            return None
        module, _, name = self._table[cmd_name][0].partition(":")
        try:
            command: click.Command = getattr(importlib.import_module(module), name)
        except ModuleNotFoundError as error:
            raise TlacheckError(
                f"`{ctx.command_path} {cmd_name}` needs the module {error.name}, which is not installed"
            ) from error
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - as above
        """Write the table, without loading anything."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, does) for name, (_, does) in self._table.items()])

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command that the arguments name; an error exits with status 2."""
        try:
            return super().invoke(ctx)
        except TlacheckError as error:
            click.echo(f"tlacheck: {error}", err=True)
            ctx.exit(_UNUSABLE)
