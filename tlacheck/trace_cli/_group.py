"""The command `tlacheck trace`: a table of its subcommands, each loaded when it is used."""

import click

from tlacheck.lazy import LazyGroup

__all__ = ["trace_command"]

#: Subcommand -> its module and name, and its help text.
_COMMANDS = {
    "show": ("tlacheck.trace_cli.show:inspect_command", "Show a trace step by step, by default the latest."),
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


@click.group("trace", cls=LazyGroup, table=_COMMANDS)
def trace_command() -> None:
    """View, compare and convert traces.

    A FILE may be an ITF trace, a log of a run with whole states, or what TLC printed.
    """
