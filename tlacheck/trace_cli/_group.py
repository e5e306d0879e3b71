"""The command `tlacheck trace`: a table of its subcommands, each loaded when it is used."""

import importlib
from typing import Any

import click

from tlacheck.errors import TlacheckError

__all__ = ["trace_command"]

_UNUSABLE = 2

#: Subcommand -> where it is, and what it does.
_COMMANDS = {
    "show": ("tlacheck.report.cli:inspect_command", "Show a trace step by step, by default the latest."),
    "html": ("tlacheck.trace_cli.html:html_command", "Write a trace as one page for a browser."),
    "diff": ("tlacheck.trace_cli.diff:diff_command", "Say where two traces part."),
    "convert": (
        "tlacheck.trace_cli.convert:convert_command",
        "Read a trace of any format, and write another.",
    ),
    "minimise": (
        "tlacheck.conform.cli.minimise:minimise_command",
        "Make a failing run short while it still fails.",
    ),
}


class _LazyGroup(click.Group):
    """A group that imports a command when it is called, and turns a complaint of tlacheck into one message."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - the signature is click's
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - as above
        if cmd_name not in _COMMANDS:
            return None
        module, _, name = _COMMANDS[cmd_name][0].partition(":")
        try:
            command: click.Command = getattr(importlib.import_module(module), name)
        except ModuleNotFoundError as error:
            raise TlacheckError(
                f"`tlacheck trace {cmd_name}` needs the module {error.name}, which is not installed"
            ) from error
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - as above
        with formatter.section("Commands"):
            formatter.write_dl([(name, help_line) for name, (_, help_line) in _COMMANDS.items()])

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except TlacheckError as error:
            click.echo(f"tlacheck: {error}", err=True)
            ctx.exit(_UNUSABLE)


@click.group("trace", cls=_LazyGroup)
def trace_command() -> None:
    """Look at traces, compare them, and make something else of them.

    A FILE may be an ITF trace, a log of a run with whole states, or what TLC printed.
    """
