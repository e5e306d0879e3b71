"""The files of a spec, read before SANY reads them.

SANY is silent about two things: it replaces bytes that are not UTF-8, so that two different strings may
become equal, and of modules that extend each other it says only that parsing failed.
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from tlacheck.errors import Location, SpecError

__all__ = ["MODULE_HEADER", "circle", "refuse_garbled", "texts"]

MODULE_HEADER = re.compile(r"-{4,}[ \t]*MODULE[ \t]+(\w+)[ \t]*-{4,}")

_NEEDS = re.compile(r"\b(?:EXTENDS\s+(\w+(?:\s*,\s*\w+)*)|INSTANCE\s+(\w+))")
_COMMENT = re.compile(r"\(\*.*?\*\)|\\\*[^\n]*", re.DOTALL)
#: Bytes that are no UTF-8, as Python decodes them when told to keep them.
_GARBLED = re.compile("[\udc80-\udcff]+")
_CODE = re.compile(
    r'"(?:\\.|[^"\\\n])*"|\\\*[^\n]*|\(\*|-{4,}[ \t]*MODULE\b|={4,}|' + _GARBLED.pattern, re.ASCII
)
_IN_COMMENT = re.compile(r"\(\*|\*\)")


def refuse_garbled(root: Path, libraries: Sequence[Path] = ()) -> None:
    """Reject a module, or one that it needs, with bytes outside comments that are not text.

    Raises:
        SpecError: a byte is no UTF-8.
    """
    for path in _needed(root, libraries):
        text = _text(path)
        position = None if text.isascii() or not _GARBLED.search(text) else _garbled(text)
        if position is None:
            continue
        line_begin = text.rfind("\n", 0, position) + 1
        place = Location(str(path), text.count("\n", 0, position) + 1, position - line_begin + 1)
        byte = text[position].encode("utf-8", errors="surrogateescape")[0]
        raise SpecError(f"the byte 0x{byte:02X} is no UTF-8: save the file as UTF-8", place)


def texts(root: Path, libraries: Sequence[Path] = ()) -> Iterator[str]:
    """Yield the text of a module and of those that it needs, as far as they are beside it or in a library."""
    return map(_text, _needed(root, libraries))


def circle(root: Path, libraries: Sequence[Path] = ()) -> tuple[Path, ...]:
    """Return modules each of which needs the next one, the last the first; empty if there are none.

    Comments apart, this goes by the words EXTENDS and INSTANCE.
    """
    done: set[Path] = set()
    trail = [root]
    ahead = [_named(root, libraries)]
    while trail:
        following = next(ahead[-1], None)
        if following is None:
            done.add(trail.pop())
            ahead.pop()
        elif following in trail:
            return tuple(trail[trail.index(following) :])
        elif following not in done:
            trail.append(following)
            ahead.append(_named(following, libraries))
    return ()


def _needed(root: Path, libraries: Sequence[Path]) -> Iterator[Path]:
    """Yield the module and the modules it needs, as far as they are beside it or in a library, each once."""
    seen = {root}
    rest = [root]
    while rest:
        path = rest.pop()
        yield path
        for other in _named(path, libraries):
            if other not in seen:
                seen.add(other)
                rest.append(other)


def _named(path: Path, libraries: Sequence[Path]) -> Iterator[Path]:
    """Yield the files of the modules that a file names, as far as they are beside it or in a library."""
    for extended, instantiated in _NEEDS.findall(_COMMENT.sub(" ", _text(path))):
        for name in re.findall(r"\w+", extended or instantiated):
            places = (folder / f"{name}.tla" for folder in (path.parent, *libraries))
            if other := next((place for place in places if place.is_file()), None):
                yield other


def _text(path: Path) -> str:
    return path.read_bytes().decode("utf-8", errors="surrogateescape")


def _garbled(text: str) -> int | None:
    """Return the first such byte that belongs to the module and to no comment."""
    header = MODULE_HEADER.search(text)
    if header is None:
        return None  # nothing but comment; what is missing is the module
    position, modules = header.end(), 1
    while modules and (token := _CODE.search(text, position)):
        position = token.end()
        if token[0] == "(*":
            position = _after_comment(text, position)
        elif token[0].startswith("="):
            modules -= 1
        elif token[0].startswith("-"):
            modules += 1
        elif not token[0].startswith("\\*") and (found := _GARBLED.search(token[0])):
            return token.start() + found.start()
    return None


def _after_comment(text: str, position: int) -> int:
    depth = 1
    while depth and (bracket := _IN_COMMENT.search(text, position)):
        depth += 1 if bracket[0] == "(*" else -1
        position = bracket.end()
    return len(text) if depth else position
