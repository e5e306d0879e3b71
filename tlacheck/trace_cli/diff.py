"""The command `tlacheck trace diff`: the first difference between two traces."""

import json
from pathlib import Path

import click

from tlacheck.errors import spelt_out
from tlacheck.report.difference import parting, parting_lines, parting_to_json
from tlacheck.trace_cli.file import one_trace

__all__ = ["diff_command"]

_SAME, _DIFFERENT = 0, 1


@click.command("diff")
@click.argument("one", type=click.Path(path_type=Path))
@click.argument("other", type=click.Path(path_type=Path))
@click.option(
    "--ignore", multiple=True, metavar="VARIABLE", help="Do not compare this variable; may be repeated."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON; values are texts in TLA+.")
@click.pass_context
def diff_command(
    context: click.Context, *, one: Path, other: Path, ignore: tuple[str, ...], as_json: bool
) -> None:
    """Compare the traces in ONE and OTHER: states, actions, arguments, loop and violation.

    Prints the first step that differs, and the parts that differ there. The origin of the traces does
    not matter.

    Exits with 0 if they are the same, 1 if they differ, 2 if a file holds no trace.
    """
    left, right = one_trace(one), one_trace(other)
    found = parting(left, right, ignore=ignore)
    if as_json:
        click.echo(json.dumps({"files": [str(one), str(other)], **parting_to_json(found)}, indent=1))
    else:
        for line in parting_lines(found, left, (str(one), str(other))):
            click.echo(spelt_out(line))
    context.exit(_SAME if found is None else _DIFFERENT)
