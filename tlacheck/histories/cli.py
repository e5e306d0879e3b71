"""The command `tlacheck histories`: decides whether a history is linearizable, and shows where not."""

import contextlib
import io
import json
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import click
from rich.console import Console
from rich.text import Text

from tlacheck.errors import TlacheckError
from tlacheck.histories.check import Attempt, Frontier, Legality, Limits, Result, check
from tlacheck.histories.files import read
from tlacheck.histories.history import Fate, History, HistoryError, in_words, shortened
from tlacheck.histories.model import Model
from tlacheck.histories.models import MODELS
from tlacheck.histories.timeline import lanes

__all__ = ["histories_command"]

OK, ILLEGAL, UNUSABLE, INCONCLUSIVE = range(4)

#: The most of an order and of a timeline that is shown; --json has all.
_ORDER_SHOWN: Final = 8
_LANES_SHOWN: Final = 12
_ATTEMPTS_SHOWN: Final = 3
_WIDTH_PIPED: Final = 120
_STATE_MAX: Final = 60
_HEARTBEAT_SECONDS: Final = 30.0


@click.command("histories")
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--model",
    type=click.Choice(list(MODELS)),
    help="What the system should be; what the file says unless given.",
)
@click.option(
    "--seconds",
    type=click.FloatRange(min=0, min_open=True),
    metavar="N",
    help="Give up after this time: the verdict is unknown then.",
)
@click.option(
    "--configurations",
    type=click.IntRange(min=1),
    default=Limits().configurations,
    show_default=True,
    metavar="N",
    help="Give up after exploring so many. The result is the same in every run.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
@click.pass_context
def histories_command(
    context: click.Context,
    *,
    file: Path,
    model: str | None,
    seconds: float | None,
    configurations: int,
    as_json: bool,
) -> None:
    """Decide whether the history in FILE is linearizable: whether one operation at a time explains it.

    Exits with 0 if it is, 1 if it is not (and shows how far an order goes), 2 if FILE holds no history
    of the model, 3 if a limit came first or nothing was answered.
    """
    try:
        history = read(file)
        chosen = _model(model or history.model, file)
        with _live(str(file)) as on_progress:
            result = check(
                history,
                chosen,
                limits=Limits(configurations=configurations, seconds=seconds),
                on_progress=on_progress,
            )
    except TlacheckError as error:
        if as_json:
            click.echo(json.dumps({"error": str(error)}))
        click.echo(str(error), err=True)
        context.exit(UNUSABLE)
    if as_json:
        data = {"file": str(file), "ended": history.ended, **result.to_json()}
        click.echo(json.dumps(data, ensure_ascii=True, indent=1))
    else:
        _print(_lines(file, history, result))
    verdict = result.verdict()
    context.exit(OK if verdict.is_established else ILLEGAL if verdict.is_violated else INCONCLUSIVE)


def _model(name: str, file: Path) -> Model[Any]:
    if name not in MODELS:
        said = f"it says the model is {name!r}" if name else "it does not say of which model it is"
        raise HistoryError(f"{file}: {said}; choose one with --model: {', '.join(MODELS)}")
    return MODELS[name]


def _lines(file: Path, history: History, result: Result) -> Iterator[Text]:
    verdict = result.verdict()
    style = "green" if verdict.is_established else "bold red" if verdict.is_violated else "bold yellow"
    word = "ok" if verdict.is_established else "illegal" if verdict.is_violated else "unknown"
    yield Text.assemble((str(file), "bold"), ": ", (word, style), f", model {result.model.name}")
    fates = {fate: sum(each.fate is fate for each in history.operations) for fate in Fate}
    told = ", ".join(f"{count:,} {fate.value}" for fate, count in fates.items() if count)
    yield Text(
        f"  {result.operations:,} operations of {len(history.processes):,} processes ({told or 'none'}); "
        f"{result.parts:,} {'part' if result.parts == 1 else 'parts'}, "
        f"{result.configurations:,} configurations explored"
    )
    if not history.ended:
        yield Text("  the file has no end: its run was cut short, or goes on")
    if result.legality is Legality.OK:
        if verdict.reason:
            yield Text(f"  {verdict.reason}")
        left_out = result.operations - fates[Fate.FAILED] - len(result.witness)
        if left_out:
            yield Text(f"  {left_out:,} that were not answered need not have happened")
        return
    yield Text(f"  {result.reason}")
    if result.frontier is not None:
        yield from _frontier(result.frontier, result.model, is_illegal=verdict.is_violated)


def _frontier(frontier: Frontier, model: Model[Any], *, is_illegal: bool) -> Iterator[Text]:
    returning = frontier.returning
    of = "" if frontier.part is None else f" of {in_words(frontier.part)}"
    what = "a linearizable prefix"
    if frontier.is_longest:
        what = "longest linearizable prefix"
    elif is_illegal:
        what += " (to find a longer one takes too long)"
    yield Text()
    yield Text(
        f"{what}: the {len(frontier.prefix):,} operations{of} that were called before "
        f"#{returning.number} was answered",
        "bold",
    )
    shown = frontier.attempts[:_ATTEMPTS_SHOWN]
    for number, attempt in enumerate(shown, start=1):
        title = "  an order of them" if len(frontier.attempts) == 1 else f"  order {number} of them"
        yield Text(f"{title}, {len(attempt.order):,} having happened:")
        yield from _attempt(attempt, model)
    if len(frontier.attempts) > len(shown):
        yield Text(f"  {len(frontier.attempts) - len(shown):,} more orders; --json lists them")
    yield Text()
    yield Text("what overlaps there", "bold")
    open_ = {option.operation.number for attempt in frontier.attempts for option in attempt.options}
    recent = [placed.operation.number for placed in frontier.attempts[0].order]
    room = max(_LANES_SHOWN - len(open_), _LANES_SHOWN // 3)
    chosen = {*sorted(open_)[-_LANES_SHOWN:], *recent[-room:], returning.number}
    drawn = [operation for operation in frontier.operations if operation.number in chosen]
    wrong = (returning.number,) if is_illegal else ()
    for line in lanes(drawn, wrong=wrong, width=_width() - 2):
        yield Text(f"  {line}")


def _attempt(attempt: Attempt, model: Model[Any]) -> Iterator[Text]:
    hidden = len(attempt.order) - _ORDER_SHOWN
    if hidden > 0:
        yield Text(f"    … {hidden:,} before", "dim")
    order = attempt.order[-_ORDER_SHOWN:]
    width = max((len(str(placed.operation)) for placed in order), default=0)
    for placed in order:
        yield Text.assemble(
            f"    {placed.operation!s:<{width}}", (f"  then {_cut(model.show(placed.state))}", "dim")
        )
    yield Text(f"    the state is then {_cut(model.show(attempt.state))}, and of what is open")
    for number, option in enumerate(attempt.options):
        answers = " or ".join(map(shortened, option.answers))
        told = f"the model answers {answers}" if option.answers else "it cannot happen there"
        line = Text(f"    {'✗' if number == 0 else ' '} {option.operation}: {told}")
        if number == 0:
            line.stylize("red")
        yield line


def _cut(text: str) -> str:
    return text if len(text) <= _STATE_MAX else f"{text[: _STATE_MAX // 2]}…{text[-_STATE_MAX // 2 :]}"


def _width() -> int:
    columns = os.environ.get("COLUMNS", "")
    if sys.stdout.isatty() or columns.isdigit():
        return shutil.get_terminal_size().columns
    return _WIDTH_PIPED


def _print(lines: Iterator[Text]) -> None:
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a terminal without arrows is no reason to fail
    console = Console(width=_width(), highlight=False, markup=False, emoji=False)
    for line in lines:
        console.print(_harmless(line), soft_wrap=True)


def _harmless(line: Text) -> Text:
    """Escape the control characters of the line: a file must not control the terminal."""
    if line.plain.isprintable():
        return line
    return Text(
        "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in line.plain)
    )


@contextlib.contextmanager
def _live(name: str) -> Iterator[Callable[[int], None]]:
    """Report the progress of a long search on standard error while the block runs."""
    console = Console(stderr=True, highlight=False, markup=False, soft_wrap=True)
    began = last = time.monotonic()

    def words(configurations: int) -> str:
        seconds = max(time.monotonic() - began, 0.001)
        return (
            f"{name}: {configurations:,} configurations, {configurations / seconds:,.0f}/s, {seconds:.0f} s"
        )

    if console.is_terminal and not console.is_dumb_terminal:
        with console.status(Text(f"{name}: searching")) as status:
            yield lambda configurations: status.update(Text(words(configurations)))
        return

    def beat(configurations: int) -> None:
        nonlocal last
        if time.monotonic() - last >= _HEARTBEAT_SECONDS:
            last = time.monotonic()
            console.print(f"… {words(configurations)}")

    yield beat
