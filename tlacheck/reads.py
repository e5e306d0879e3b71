"""A list of the files that a process and its children read, to tell later whether any of them has changed.

A process in whose environment `TLACHECK_READS` names a file appends to it, from the import of `tlacheck` on,
each path that it opens for reading and each folder that it lists. So does every child that imports
`tlacheck`. Lines are appended as it happens, for a child may be killed. A module that comes from its
compiled form counts as its source.

Not seen: what Java opens (`tlacheck.verify.kept` adds the modules beside a spec), and the mere question
whether a file exists.
"""

import importlib.util
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

__all__ = ["ENVIRONMENT", "begin", "reads_in"]

#: The variable that names the file of the list.
ENVIRONMENT: Final = "TLACHECK_READS"

_WRITING: Final = os.O_WRONLY | os.O_RDWR
_IMPORTING: Final = "<frozen importlib._bootstrap_external>"


def begin() -> None:
    """Begin the list of this process, if its environment asks for one.

    Raises:
        OSError: the list cannot be written.
    """
    target = os.environ.get(ENVIRONMENT)
    if not target:
        return
    note = _noter(os.open(target, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600))
    for module in tuple(sys.modules.values()):
        if isinstance(file := getattr(module, "__file__", None), str):
            note("", file)

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open":
            path, mode, flags = arguments
            is_read = not flags & _WRITING if mode is None else not any(letter in mode for letter in "wax+")
            if is_read:
                note("", path)
        elif event in ("os.listdir", "os.scandir"):
            path = arguments[0]
            # An import lists the folders in which it looks for modules; what it finds there it opens.
            if sys._getframe(1).f_code.co_filename != _IMPORTING:  # noqa: SLF001 - there is no other way to tell
                note("/", "." if path is None else path)

    sys.addaudithook(hook)


def _noter(descriptor: int) -> Callable[[str, Any], None]:
    """Return what appends a path, once, unless it belongs to Python or the system."""
    foreign = tuple(
        f"{path.rstrip(os.sep)}{os.sep}"
        for path in {sys.prefix, sys.base_prefix, os.environ.get("TMPDIR", ""), "/proc", "/sys", "/dev"}
        if path
    )
    seen: set[str] = set()

    def note(ending: str, path: Any) -> None:
        if isinstance(path, int):
            return
        name = os.path.abspath(os.fsdecode(path))  # noqa: PTH100 - on every open, and it follows no links
        if name.endswith(".pyc"):
            try:
                name = importlib.util.source_from_cache(name)
            except ValueError:
                return
        line = name + ending
        if line not in seen:
            seen.add(line)
            if not name.startswith(foreign):
                os.write(descriptor, os.fsencode(line) + b"\0")

    return note


def reads_in(file: Path) -> frozenset[str]:
    """Return the absolute paths that a list names; those of listed folders end with a slash.

    Raises:
        OSError: there is no such list.
    """
    return frozenset(os.fsdecode(line) for line in file.read_bytes().split(b"\0") if line)
