"""Layout of styled text in columns, without loss: text that does not fit is wrapped."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import zip_longest

from rich.text import Text

__all__ = ["beside", "fitted", "hang", "labelled"]

_NARROWEST = 8  # a narrower column shows nothing readable


def hang(text: Text, width: int, indent: int = 2) -> Iterator[Text]:
    """Break the text into lines of at most `width`; all but the first are indented.

    Lines break between the items of a list rather than inside one, and before an arrow rather than
    behind it. A word longer than a line is cut.
    """
    width = max(width, _NARROWEST)
    indent = min(indent, width // 2)
    plain, start, margin = text.plain, 0, 0
    depths = _depths(plain) if len(plain) > width else {}
    while len(plain) - start > width - margin:
        end = _break(depths, start, width - margin, width - indent, len(plain))
        yield Text(" " * margin).append_text(text[start : end or start + width - margin])
        start = end + 1 if end else start + width - margin
        margin = indent
    yield Text(" " * margin).append_text(text[start:])


def _depths(plain: str) -> dict[int, int]:
    """Return the places where a line may break, each with its bracket depth."""
    depths, depth = {}, 0
    for place, char in enumerate(plain):
        depth += (char in "([{<") - (char in ")]}>")
        if char == " ":
            depths[place] = depth + plain.startswith("→", place - 1)
    return depths


def _break(depths: dict[int, int], start: int, room: int, next_room: int, length: int) -> int | None:
    """Return where to end a line: outside brackets as far as possible; None if there is no place."""
    places = [place for place in depths if start < place <= start + room]
    for depth in sorted({depths[place] for place in places}):
        place = max(place for place in places if depths[place] <= depth)
        item_ends = min(
            (other for other in depths if other > place and depths[other] <= depth), default=length
        )
        if place - start > room // 2 or item_ends - place <= next_room + 1:
            return place
    return max(places, default=None)


def beside(
    columns: Sequence[Iterable[Text]], widths: Sequence[int], *, margin: int, gap: int = 2
) -> Iterator[Text]:
    """Lay out the columns side by side, each padded to its width; lines end where their text ends."""
    for cells in zip_longest(*columns):
        line, due = Text(), margin
        for cell, width in zip(cells, widths, strict=True):
            if cell is not None and cell.plain:
                line.append(" " * (due - len(line.plain)))
                line.append_text(cell)
            due += width + gap
        yield line


def labelled(label: Text, text: Text, *, margin: int, label_width: int, width: int) -> Iterator[Text]:
    """Break the text into lines, with the label before the first and the same space before the others."""
    before = margin + label_width + 2
    body = list(hang(text, width - before))
    yield from beside([[label], body], [label_width, width - before], margin=margin)


def fitted(needs: Sequence[int], *, room: int, gap: int = 2) -> list[int] | None:
    """Return the widths for columns of these sizes, if they all fit into `room`; else None."""
    return list(needs) if sum(needs) + gap * (len(needs) - 1) <= room else None
