"""Live progress of a run: a redrawn line on a terminal, an occasional line elsewhere."""

import contextlib
import os
import time
from collections.abc import Callable, Iterator

from rich.console import Console
from rich.text import Text

from tlacheck.tlc._protocol import Progress

__all__ = ["live"]

#: Seconds between two lines where nothing can be redrawn: a silent log looks dead.
_HEARTBEAT_SECONDS = 30.0


@contextlib.contextmanager
def live(
    name: str,
    *,
    describe: Callable[[Progress], str] | None = None,
    console: Console | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[Callable[[Progress], None]]:
    """Report on standard error the arguments of calls of the yielded function.

    If the block is interrupted, that and the last progress are reported too.

    Args:
        name: what runs.
        describe: one line about the progress; by default states, distinct, queue, depth, rate and time.
        console: where to tell it; standard error unless given.
        clock: the time in seconds.
    """
    tell = describe or _counts
    # soft_wrap: a line of a log is one line however wide the console is thought to be
    console = console or Console(stderr=True, highlight=False, markup=False, soft_wrap=True)
    latest: Progress | None = None
    try:
        with _shown(name, tell, console, clock) as show:

            def note(progress: Progress) -> None:
                nonlocal latest
                latest = progress
                show(progress)

            yield note
    except KeyboardInterrupt:
        so_far = f" after {tell(latest)}" if latest else ""
        console.file.write(f"{name}: interrupted{so_far}{os.linesep}")
        console.file.flush()
        raise


@contextlib.contextmanager
def _shown(
    name: str, tell: Callable[[Progress], str], console: Console, clock: Callable[[], float]
) -> Iterator[Callable[[Progress], None]]:
    if console.is_terminal and not console.is_dumb_terminal:
        # A text, not a string: rich would take brackets in a name for its markup.
        with console.status(Text(f"{name}: loading")) as status:
            yield lambda progress: status.update(Text(f"{name}: {tell(progress)}"))
        return
    last = clock()

    def beat(progress: Progress) -> None:
        nonlocal last
        if clock() - last >= _HEARTBEAT_SECONDS:
            last = clock()
            console.file.write(f"… {name}: {tell(progress)}{os.linesep}")
            console.file.flush()

    yield beat


def _counts(progress: Progress) -> str:
    rate = progress.generated / progress.seconds if progress.seconds else 0.0
    depth = f", depth {progress.depth}" if progress.depth else ""
    return (
        f"{progress.generated:,} states generated, {progress.distinct:,} distinct, {progress.queue:,} to go"
        f"{depth}, {rate:,.0f} states/s, {progress.seconds:.0f} s"
    )
