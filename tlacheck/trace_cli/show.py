"""The command `tlacheck trace show`, also called `tlacheck inspect`: a trace, step by step."""

import io
import json
import os
import sys
from collections.abc import Iterable
from pathlib import Path

import click
from rich.console import Console
from rich.text import Text

from tlacheck.errors import TlacheckError, TraceError
from tlacheck.report.lanes import Lanes, lanes_of, to_json
from tlacheck.report.terminal import render, render_step
from tlacheck.trace_cli.file import number_option, one_trace

__all__ = ["inspect_command"]

#: The results of the last run of `tlacheck verify`.
_LAST_RUN = Path(".verify", "latest")
#: Where checks leave traces, under the current folder.
_PLACES = (_LAST_RUN, Path(".verify", "traces"), Path("traces", "counterexamples"))

_WIDTH_PIPED = 120
_WIDTH_MIN = 40

UNUSABLE = 2


@click.command("inspect")
@click.argument("file", type=click.Path(path_type=Path), required=False)
@click.option(
    "--step", type=int, metavar="N", help="Only step N, and the whole state after it; 0 is the initial state."
)
@click.option("--full", is_flag=True, help="Show all variables after each step, not only changed ones.")
@number_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON; values are texts in TLA+.")
@click.pass_context
def inspect_command(
    context: click.Context,
    *,
    file: Path | None,
    step: int | None,
    full: bool,
    number: int | None,
    as_json: bool,
) -> None:
    """Show the trace in FILE step by step: who acted, what changed, which messages went where.

    FILE may be an ITF trace, a log of a run with whole states, or what TLC printed.

    Without FILE: the newest trace that a check left in .verify/ or traces/counterexamples/; after a run
    of `tlacheck verify`, that of the first violated check. Exits with 0, or with 2 if there is no such
    trace or step.
    """
    try:
        path = file or _newest()
        lanes = lanes_of(one_trace(path, number))
        length = len(lanes.trace)
        if step is not None and not 0 <= step <= length:
            raise TraceError(
                f"there is no step {step}; this trace has steps 0 (the initial state) to {length}", path
            )
    except TlacheckError as error:
        click.echo(str(error), err=True)
        context.exit(UNUSABLE)
    if as_json:
        data = {"file": str(path), **to_json(lanes, only=step, full=full)}
        click.echo(json.dumps(data, ensure_ascii=True, indent=1))
    else:
        _print(lanes, str(path), step=step, full=full)


def _newest() -> Path:
    """Return the newest trace that a check left under the current folder."""
    found = [path for place in _PLACES for path in place.glob("**/*.itf.json")]
    if not found:
        raise TraceError(
            "no trace in .verify/ or traces/counterexamples/: name a file, or let `make verify` look "
            "for counterexamples"
        )
    newest = max(found, key=lambda path: (path.stat().st_mtime_ns, str(path)))
    wrong = _violated_in_last_run()
    return wrong[0] if wrong and (newest in wrong or _LAST_RUN in newest.parents) else newest


def _violated_in_last_run() -> list[Path]:
    """Return the traces of the checks that were violated in the last run of `tlacheck verify`.

    Checks that must fail leave traces in that run's folder as well, which are not wanted here.
    """
    try:
        checks = json.loads((_LAST_RUN / "summary.json").read_text(encoding="utf-8"))["checks"]
        traces = [
            Path(check["trace"]) for check in checks if check["status"] == "violated" and check["trace"]
        ]
    except (OSError, ValueError, KeyError, TypeError):
        return []
    return [path for path in traces if path.is_file()]


def _print(lanes: Lanes, file: str, *, step: int | None, full: bool) -> None:
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a terminal without arrows is no reason to fail
    piped = not sys.stdout.isatty() and not os.environ.get("COLUMNS", "").isdigit()
    console = Console(width=_WIDTH_PIPED if piped else None, highlight=False, markup=False, emoji=False)
    width = max(console.width, _WIDTH_MIN)
    lines: Iterable[Text]
    if step is None:
        lines = render(lanes, width=width, file=file, full=full)
    else:
        lines = render_step(lanes, step, width=width, file=file)
    for line in lines:
        console.print(_harmless(line), soft_wrap=True)


def _harmless(line: Text) -> Text:
    """Escape the control characters of the line: a file must not control the terminal."""
    if line.plain.isprintable():
        return line
    return Text(
        "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in line.plain)
    )
