"""How far a run is, told while it goes on: a line that is redrawn on a terminal, a line now and then elsewhere."""

import contextlib
import os
import sys
import time
from collections.abc import Callable, Iterator

from rich.console import Console

from tlacheck.tlc._protocol import Progress

__all__ = ["live"]

#: Seconds between two lines where nothing can be redrawn: a log that is silent looks dead.
_HEARTBEAT_SECONDS = 30.0


@contextlib.contextmanager
def live(
    name: str, *, describe: Callable[[Progress], str] | None = None
) -> Iterator[Callable[[Progress], None]]:
    """Within the block, tell on standard error what the function that it gives is called with.

    Args:
        name: what runs.
        describe: one line about the progress; by default states, distinct, queue, rate and time.
    """
    tell = describe or _counts
    # soft_wrap: a line of a log is one line however wide the console is thought to be
    console = Console(stderr=True, highlight=False, markup=False, soft_wrap=True)
    if console.is_terminal and not console.is_dumb_terminal:
        with console.status(f"{name}: loading") as status:
            yield lambda progress: status.update(f"{name}: {tell(progress)}")
        return
    last = time.monotonic()

    def beat(progress: Progress) -> None:
        nonlocal last
        if time.monotonic() - last >= _HEARTBEAT_SECONDS:
            last = time.monotonic()
            sys.stderr.write(f"… {name}: {tell(progress)}{os.linesep}")
            sys.stderr.flush()

    yield beat


def _counts(progress: Progress) -> str:
    rate = progress.generated / progress.seconds if progress.seconds else 0.0
    return (
        f"{progress.generated:,} states generated, {progress.distinct:,} distinct, {progress.queue:,} to go, "
        f"{rate:,.0f} states/s, {progress.seconds:.0f} s"
    )
