"""The command `tlacheck trace html`: a trace as one page for a browser."""

import json
import webbrowser
from pathlib import Path

import click

from tlacheck.convert import written
from tlacheck.files import write_whole
from tlacheck.trace_cli.file import number_option, one_trace

__all__ = ["html_command"]

_SUFFIXES = (".itf.json", ".json", ".ndjson", ".txt", ".out", ".log")


@click.command("html")
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="OUT",
    help="Where the page goes; FILE's name with .html, in the current folder, unless given.",
)
@click.option("--open", "is_opened", is_flag=True, help="Show it in the browser.")
@number_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON: the file that was written, and its size.")
def html_command(*, file: Path, out: Path | None, is_opened: bool, number: int | None, as_json: bool) -> None:
    """Write the trace in FILE as one self-contained HTML page.

    The page has a lane for each node, an arrow for each message, faults and the violation marked, the
    state after each step with what changed, search and keys (? lists them). An address that ends in
    #step=12 opens it at step 12.

    Exits with 0, or with 2 if FILE holds no trace or the page cannot be written.
    """
    trace = one_trace(file, number)
    target = out or Path(_page_name(file.name))
    text = written(trace, "html", file=str(file))
    write_whole(text, target)
    if as_json:
        click.echo(json.dumps({"file": str(target), "bytes": len(text.encode()), "steps": len(trace)}))
    else:
        click.echo(
            f"{target}: {len(trace)} step{'' if len(trace) == 1 else 's'}, {len(text.encode()):,} bytes"
        )
    if is_opened and not webbrowser.open(target.resolve().as_uri()):
        click.echo(f"no browser could be started here: open {target} yourself", err=True)


def _page_name(name: str) -> str:
    for suffix in _SUFFIXES:
        name = name.removesuffix(suffix)
    return f"{name}.html"
