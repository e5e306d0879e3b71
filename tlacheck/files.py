"""Atomic file writes: a reader sees the old text or all of the new one, never a part."""

import os
import tempfile
from pathlib import Path

from tlacheck.errors import TraceError

__all__ = ["read_text", "write_whole"]


def write_whole(text: str, path: Path) -> None:
    """Write a text to a file, in UTF-8, by a rename; create missing folders.

    Raises:
        TraceError: the file cannot be written; the message says why.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(
            "w", encoding="utf-8", newline="\n", dir=path.parent, prefix=f".{path.name}.", delete=False
        ) as file:
            scratch = Path(file.name)
            try:
                file.write(text)
            except BaseException:
                scratch.unlink(missing_ok=True)
                raise
        try:
            scratch.chmod(0o644)  # a temporary file is private to its owner; a trace is for all to read
            os.replace(scratch, path)  # noqa: PTH105 - the atomic rename is the point
        finally:
            scratch.unlink(missing_ok=True)
    except OSError as error:
        raise TraceError(f"cannot be written: {error.strerror or error}", path) from error


def read_text(path: Path, kind: str) -> str:
    """Read the text of a file in UTF-8.

    Args:
        path: the file.
        kind: what it should hold, for the message: "trace".

    Raises:
        TraceError: there is no such file, or it holds no text.
    """
    try:
        # Windows editors may begin a file with a byte order mark.
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise TraceError(f"cannot be read: {error.strerror or error}", path) from error
    except UnicodeDecodeError as error:
        raise TraceError(f"is no text file in UTF-8, so no {kind}", path) from error
