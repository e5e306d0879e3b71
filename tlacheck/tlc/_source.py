"""The text of a module's file, by the places that SANY gives.

SANY counts lines as editors do, and columns as if a tab reached to the next multiple of eight and as
if a character outside of Unicode's first plane were two.
"""

import bisect
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Self

__all__ = ["Source"]

_LINE_END = re.compile(r"\r\n|\r|\n")
_TAB = 8


class Source:
    """The text of one file."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._lines = [0, *(match.end() for match in _LINE_END.finditer(text))]

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read the text of the file; bytes that are not UTF-8 are replaced, as SANY does."""
        return cls(path.read_bytes().decode("utf-8", errors="replace"))

    def between(self, line: int, column: int, end_line: int, end_column: int) -> str:
        """Return the text between two places, both included."""
        return self._text[self._offset(line, column) : self._offset(end_line, end_column) + 1]

    def with_piece(self, line: int, column: int, end_line: int, end_column: int, new: str) -> str:
        """Return the text with `new` in the place of what `between` returns."""
        return (
            self._text[: self._offset(line, column)]
            + new
            + self._text[self._offset(end_line, end_column) + 1 :]
        )

    @property
    def text(self) -> str:
        """The whole text."""
        return self._text

    def comment_above(self, line: int, column: int, comments: Sequence[str]) -> str:
        """Return the text of the comments right above a place, without their frames.

        SANY gives a definition all comments since the symbol before it. Here a comment counts if it is
        alone on its lines, and no empty line separates it from what is below.

        Args:
            line: where the definition begins.
            column: the same.
            comments: what SANY gives, as written.
        """
        end = self._offset(line, column)
        parts: list[str] = []
        for comment in reversed([comment.strip() for comment in comments]):
            gap_end = end
            while end and self._text[end - 1].isspace():
                end -= 1
            begin = end - len(comment)
            if len(_LINE_END.findall(self._text, end, gap_end)) > 1:
                break
            if begin < 0 or not self._text.startswith(comment, begin):
                break
            line_begin = self._lines[bisect.bisect_right(self._lines, begin) - 1]
            if self._text[line_begin:begin].strip():
                break  # it belongs to the code before it
            parts.append(_unframed(comment))
            end = begin
        return "\n".join(part for part in reversed(parts) if part)

    def _offset(self, line: int, column: int) -> int:
        begin = self._lines[line - 1]
        if self._text.isascii() and "\t" not in self._text[begin : begin + column]:
            return begin + column - 1
        offset, reached = begin, 0
        while offset < len(self._text):
            character = self._text[offset]
            if character == "\t":
                reached += _TAB - reached % _TAB
            else:
                reached += 2 if ord(character) > 0xFFFF else 1
            if reached >= column:
                break
            offset += 1
        return offset


def _unframed(comment: str) -> str:
    r"""Return the words of a comment without `(*`, `*)`, `\*` and the stars around a box."""
    inner = comment.removeprefix("\\*").removeprefix("(*").removesuffix("*)")
    lines = [line.strip().strip("*").strip() for line in inner.splitlines()]
    return "\n".join(lines).strip()
