"""Verification that begins again whenever a file of the project has changed."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.text import Text

from tlacheck.errors import ConfigError, TlacheckError

__all__ = ["again_and_again"]

#: Folders that a run writes to, besides those that `watchfiles` leaves out by itself.
_WRITTEN: Final = (".verify", ".tlacheck", "counterexamples")
#: The least exit status of a run that a signal ended.
_SIGNALLED: Final = 128
#: So many changed files are named.
_NAMES_MAX: Final = 5


def again_and_again(verify: Callable[[], int], plan: Path, console: Console) -> int:
    """Verify, and again after each change beside or below the plan, until a signal ends it.

    Args:
        verify: a run; its exit status. A plan that cannot be read meanwhile is told, and waited for.
        plan: the `verify.toml`.
        console: where to.

    Returns:
        128 and more, as shells have it: only a signal ends this.

    Raises:
        ConfigError: the package `watchfiles` is missing.
        KeyboardInterrupt: a signal came between two runs.
    """
    try:
        import watchfiles  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise ConfigError(
            "--watch needs the package watchfiles: pip install 'tlacheck[watch]', or verify again by hand"
        ) from error
    folder = plan.absolute().parent
    ignored = watchfiles.DefaultFilter(ignore_dirs=(*watchfiles.DefaultFilter.ignore_dirs, *_WRITTEN))
    changes = watchfiles.watch(folder, watch_filter=ignored, yield_on_timeout=True, rust_timeout=200)
    next(changes)  # the watch begins before the first run, so that what changes during a run is not missed
    changed: set[tuple[watchfiles.Change, str]] = set()
    while True:
        if changed:
            names = sorted({Path(path).name for _, path in changed})
            when = time.strftime("%H:%M:%S")
            console.print(Text(f"\n{when}  changed: {', '.join(names[:_NAMES_MAX])}"), soft_wrap=True)
        if (status := _told(verify, console)) >= _SIGNALLED:
            return status
        console.print(Text(f"watching {folder.name}: save a file to check again, Ctrl-C ends"))
        changed = next(filter(None, changes))


def _told(verify: Callable[[], int], console: Console) -> int:
    try:
        return verify()
    except TlacheckError as error:
        console.print(Text(str(error)), soft_wrap=True)
        return 2
