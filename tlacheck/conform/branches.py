"""Branch coverage of a step: pairs of consecutive lines in given modules.

Python's tracing reports each line. It is on only while the system takes a step, and only for code of
the watched modules; it still slows that code several times. Code in other threads or processes is not
seen.
"""

import contextlib
import importlib
import pkgutil
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import FrameType
from typing import Any

from tlacheck.conform.novelty import Branch
from tlacheck.errors import ConfigError

__all__ = ["Branches"]


class Branches:
    """Collects the branches taken while it watches.

    Args:
        modules: names of modules; of a package, all modules in it are meant.

    Raises:
        ConfigError: there is no such module, or it has no Python source.
    """

    def __init__(self, modules: Sequence[str]) -> None:
        self._names = {path: name for module in modules for name, path in _files(module)}
        self._found: set[Branch] = set()

    @contextlib.contextmanager
    def watching(self) -> Iterator[set[Branch]]:
        """Yield a set to which the branches taken within the block are added."""
        found: set[Branch] = set()
        self._found = found
        if not self._names:
            yield found
            return
        before = sys.gettrace()
        sys.settrace(self._enter)
        try:
            yield found
        finally:
            sys.settrace(before)

    def _enter(self, frame: FrameType, event: str, argument: Any) -> Any:
        """Trace function for calls; returns the trace function for lines."""
        del event, argument
        name = self._names.get(frame.f_code.co_filename)
        if name is None:
            return None
        found, last = self._found, 0

        def follow(frame: FrameType, event: str, argument: Any) -> Any:
            nonlocal last
            del argument
            if event == "line":
                found.add((name, last, frame.f_lineno))
                last = frame.f_lineno
            elif event == "return":
                found.add((name, last, 0))
            return follow

        return follow


def _files(module: str) -> Iterator[tuple[str, str]]:
    """Yield the name and the file, as code objects name it, of a module or of all modules of a package."""
    try:
        found = importlib.import_module(module)
    except ImportError as error:
        raise ConfigError(f"cannot watch the branches of {module}: {error}") from error
    path = getattr(found, "__file__", None)
    if path is None or Path(path).suffix != ".py":
        raise ConfigError(f"cannot watch the branches of {module}: it is no Python source")
    yield module, path
    for part in pkgutil.iter_modules(getattr(found, "__path__", ())):
        yield from _files(f"{module}.{part.name}")
