"""The display of a run: a line for each finished check, live progress, and a closing table.

On a terminal the running checks have a live line each. Elsewhere a periodic line names the running
checks, and nothing moves the cursor.
"""

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Self

import attrs
from rich import box
from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from tlacheck.verdict import Kind
from tlacheck.verify.judge import Status, expected
from tlacheck.verify.manifest import Model
from tlacheck.verify.outcome import Figures
from tlacheck.verify.plan import Check
from tlacheck.verify.record import Change
from tlacheck.verify.result import Report, Result

__all__ = ["Display", "closing_line", "show_changes", "show_plan", "show_report"]

_HEARTBEAT_SECONDS = 15.0
_REFRESH_SECONDS = 0.2

_STYLES = {
    Status.OK: "green",
    Status.VIOLATED: "bold red",
    Status.FAILED: "bold magenta",
    Status.INCONCLUSIVE: "bold yellow",
}

_GRAVEST_FIRST = (Status.VIOLATED, Status.FAILED, Status.INCONCLUSIVE, Status.OK)

#: A closing table with more checks would fill more than a screen; each has had its line by then.
_ROWS_MAX = 20

#: Figures that read better with their name first.
_NAME_FIRST = ("depth", "seed")


@attrs.define
class _Running:
    check: Check
    since: float
    text: str = ""

    def seconds(self, now: float) -> str:
        return f"{now - self.since:.0f}s"


class Display:
    """Shows a run while it goes on; an `Observer`, and a context manager.

    Args:
        console: where to.
        checks: what will be done, for the width of the columns.
        interactive: whether lines may be redrawn.
        verbose: whether each check is explained.
        clock: seconds, for elapsed times.
    """

    def __init__(
        self,
        console: Console,
        checks: Sequence[Check],
        *,
        interactive: bool,
        verbose: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._console = console
        self._clock = clock
        self._verbose = verbose
        self._layer_width = max((len(check.layer) for check in checks), default=0)
        self._name_width = max((len(check.name) for check in checks), default=0)
        self._running: dict[str, _Running] = {}
        self._spoke = self._drawn = clock()
        self._live = Live(
            console=console, auto_refresh=False, transient=True, redirect_stdout=False, redirect_stderr=False
        )
        self._interactive = interactive

    def __enter__(self) -> Self:
        if self._interactive:
            self._live.start()
        return self

    def __exit__(self, *_error: object) -> None:
        if self._interactive:
            self._live.update(Text(), refresh=True)
            self._live.stop()

    def started(self, check: Check) -> None:
        """Show the check among the running ones."""
        self._running[check.name] = _Running(check, self._clock())

    def kept(self, results: Sequence[Result]) -> None:
        """Print how many checks need not be done."""
        if not results:
            return
        seconds = sum(result.seconds for result in results)
        self._say(
            Text.assemble(
                ("kept", _STYLES[Status.OK]),
                f"  {_checks(len(results))}, done earlier in {seconds:,.0f} s, of which no input has changed "
                "(--fresh does them again)",
            )
        )
        for result in results if self._verbose else ():
            self._say(
                Text(f"    {result.check.name}: {_details(result)}, {result.seconds:.1f}s", style="dim")
            )

    def progress(self, check: Check, text: str) -> None:
        """Show its progress."""
        if check.name in self._running:
            self._running[check.name].text = " ".join(text.split())

    def finished(self, result: Result) -> None:
        """Print its line."""
        self._running.pop(result.check.name, None)
        check, style = result.check, _STYLES[result.status]
        line = Text.assemble(
            (f"{result.status.value:<2}", style),
            f"  {check.layer:<{self._layer_width}}  {check.name:<{self._name_width}}  {_kind(result):<10}  ",
            f"{_details(result)}  {result.seconds:.1f}s" if _details(result) else f"{result.seconds:.1f}s",
        )
        self._say(line)
        if self._verbose:
            for explanation in _explanations(result):
                self._say(Text(f"    {explanation}", style="dim"))

    def tick(self) -> None:
        """Redraw the running checks, or print a sign of life."""
        now = self._clock()
        if self._interactive:
            if now - self._drawn >= _REFRESH_SECONDS:
                self._drawn = now
                self._live.update(self._lines(now), refresh=True)
        elif now - self._spoke >= _HEARTBEAT_SECONDS and self._running:
            self._say(
                Text(
                    "… running: " + "; ".join(_heartbeat(running, now) for running in self._running.values())
                )
            )

    def _say(self, line: Text) -> None:
        self._spoke = self._clock()
        self._console.print(line, soft_wrap=True)

    def _lines(self, now: float) -> Table:
        grid = Table.grid(padding=(0, 2))
        for width in (2, self._layer_width, self._name_width, 5):
            grid.add_column(min_width=width, no_wrap=True)
        grid.add_column(no_wrap=True, overflow="ellipsis")
        for running in self._running.values():
            check = running.check
            grid.add_row(
                *map(Text, ("…", check.layer, check.name, running.seconds(now), running.text)), style="dim"
            )
        return grid


def show_report(console: Console, report: Report, *, inspect: Callable[[Path], str]) -> None:
    """Print what is not ok in detail, then the table."""
    for result in report.results:
        if result.status is not Status.OK:
            console.print()
            for line in _account(result, inspect):
                console.print(line, soft_wrap=True)
    console.print()
    if report.results:
        table = _table if len(report.results) <= _ROWS_MAX else _matrix
        console.print(table(report, fancy=console.is_terminal))
    elif not report.planned:
        console.print(f"nothing is part of budget {report.setting.budget}, so nothing is established")


def closing_line(report: Report) -> str:
    """The last line of a run, for people and for scripts."""
    setting = report.setting
    if report.interrupted is not None:
        return (
            f"verify: interrupted after {len(report.results)} of {report.planned} checks, "
            f"{report.seconds:.1f} s"
        )
    return (
        f'verify: budget={setting.budget} engine="{setting.engine}" seed={setting.seed} '
        f"failed={report.count(Status.FAILED)} checks={len(report.results)} ok={report.count(Status.OK)} "
        f"violated={report.count(Status.VIOLATED)} inconclusive={report.count(Status.INCONCLUSIVE)} "
        f"kept={report.kept} seconds={report.seconds:.1f}"
    )


def show_plan(console: Console, checks: Sequence[Check]) -> None:
    """Print the checks that a run would do."""
    table = _grid("check", "layer", "budget", "expected", fancy=console.is_terminal)
    for check in checks:
        table.add_row(*map(Text, (check.name, check.layer, check.budget, expected(check))))
    console.print(table)


def show_changes(console: Console, changes: Sequence[Change]) -> None:
    """Print which pins were written."""
    console.print()
    for change in changes:
        console.print(Text(f"recorded {change}"), soft_wrap=True)
    if not changes:
        console.print("recorded nothing: every pin is as it was")


def _kind(result: Result) -> str:
    return "-" if result.verdict is None else result.verdict.kind.value


def _details(result: Result) -> str:
    """Format the figures, after the name of the violated property."""
    verdict, figures = result.verdict, result.figures
    if verdict is None:
        return ""
    if not figures and verdict.kind is Kind.SAMPLED and verdict.cases is not None:
        figures = Figures(cases=verdict.cases)
    if not figures and verdict.kind is Kind.BOUNDED and verdict.depth is not None:
        figures = Figures(depth=verdict.depth)
    words = [_figure(name, value) for name, value in figures.items()]
    return ", ".join([verdict.violates, *words] if verdict.violates else words)


def _figure(name: str, value: float | str) -> str:
    name = name.replace("_", " ")
    if isinstance(value, str):
        return f"{name} {value}"
    number = f"{value:,}" if isinstance(value, int) else f"{value:,.4g}"
    return f"{name} {number}" if name in _NAME_FIRST else f"{number} {name}"


def _explanations(result: Result) -> list[str]:
    lines = [f"expected: {expected(result.check)}"]
    if isinstance(result.check, Model):
        lines.insert(0, result.check.what)
        lines.append("found: " + ", ".join(f"{pin} {number:,}" for pin, number in result.pins.items()))
    return lines


def _checks(count: int) -> str:
    return "1 check" if count == 1 else f"{count} checks"


def _heartbeat(running: _Running, now: float) -> str:
    told = f" ({running.text})" if running.text else ""
    return f"{running.check.name} {running.seconds(now)}{told}"


def _account(result: Result, inspect: Callable[[Path], str]) -> list[Text]:
    """Return the full account of a check that is not ok."""
    found = "no verdict" if result.verdict is None else str(result.verdict)
    if result.verdict is not None and not result.verdict.is_unknown and result.figures:
        found += ", " + ", ".join(_figure(name, value) for name, value in result.figures.items())
    lines = [
        Text.assemble((f"{result.check.name}: {result.status.value}", _STYLES[result.status])),
        Text(f"  expected: {expected(result.check)}"),
        Text(f"  found:    {found}"),
    ]
    lines += [Text(f"  {line}") for text in (*result.reasons, result.message) for line in text.splitlines()]
    if result.trace is not None:
        kept = ", kept beyond this run" if result.status is Status.VIOLATED else ""
        lines += [Text(f"  trace:    {result.trace}{kept}"), Text(f"  inspect:  {inspect(result.trace)}")]
    return [*lines, Text(f"  repeat:   {result.command}")]


def _table(report: Report, *, fancy: bool) -> Table:
    table = _grid("check", "layer", "verdict", "figures", "seconds", "status", fancy=fancy)
    table.columns[4].justify = "right"
    for result in report.results:
        cells = (
            result.check.name,
            result.check.layer,
            _kind(result),
            _details(result),
            f"{result.seconds:.1f}",
        )
        table.add_row(*map(Text, cells), Text(result.status.value, style=_STYLES[result.status]))
    return table


def _matrix(report: Report, *, fancy: bool) -> Table:
    """Count the checks per layer and first part of the name; say how many are ok if not all."""
    by_subject: dict[str, list[Result]] = {}
    for result in report.results:
        by_subject.setdefault(result.check.name.split("/", 1)[0], []).append(result)
    layers = list(dict.fromkeys(result.check.layer for result in report.results))
    table = _grid("", *layers, "checks", "seconds", "status", fancy=fancy)
    table.padding = (0, 1, 0, 0)
    for column in table.columns[1:-1]:
        column.justify = "right"
    table.columns[-1].no_wrap = True
    for subject, results in by_subject.items():
        cells = [_count([result for result in results if result.check.layer == layer]) for layer in layers]
        seconds = Text(f"{sum(result.seconds for result in results):.1f}")
        table.add_row(Text(subject), *cells, Text(str(len(results))), seconds, _worst(results))
    return table


def _count(results: Sequence[Result]) -> Text:
    fine = sum(result.status is Status.OK for result in results)
    if fine == len(results):
        return Text(str(fine) if results else "")
    return Text(f"{fine} of {len(results)}", style=_worst(results).style)


def _worst(results: Sequence[Result]) -> Text:
    """Return the gravest status of some checks."""
    statuses = {result.status for result in results}
    worst = next(status for status in _GRAVEST_FIRST if status in statuses)
    return Text(worst.value, style=_STYLES[worst])


def _grid(*headings: str, fancy: bool) -> Table:
    return Table(*headings, box=box.SIMPLE_HEAD if fancy else None, pad_edge=False)
