"""Operations as a drawing in text: a lane a process, time from left to right.

```
c1  ├─ #1 put(x, 1) → null ─┤
c2       ├─ #2 get(x) → 1 ─┤    ├─ #3 get(x) → null ─✗
```

The lengths show only overlap: each bar is as long as its text needs. A bar without an end belongs to an
operation that was never answered.
"""

from collections.abc import Collection, Iterator, Sequence

import attrs

from tlacheck.histories.history import Fate, Operation, shortened

__all__ = ["lanes"]

_GAP = 2
_NARROWEST = 20


def lanes(operations: Sequence[Operation], *, wrong: Collection[int] = (), width: int = 110) -> Iterator[str]:
    """Draw some operations.

    Args:
        operations: in any order.
        wrong: the numbers of those whose answer is marked with ✗.
        width: how many characters a line may have; what does not fit is left out on the left.
    """
    bars, right = _bars(operations)
    rows = _rows(bars)
    margin = max((len(process) for process, _ in rows), default=0) + 2
    room = max(width - margin, _NARROWEST)
    for process, row in rows:
        line = ""
        for bar in row:
            line = line.ljust(bar.start) + bar.drawn(right, is_wrong=bar.operation.number in wrong)
        if right > room:
            line = line.ljust(right)[right - room :].rstrip()
            line = f"…{line[1:]}" if line else ""
        yield f"{process:<{margin}}{line}".rstrip()


@attrs.define
class _Bar:
    """The position of a drawn operation: columns; `end` is that of its last character."""

    operation: Operation
    start: int
    end: int = 0

    @property
    def text(self) -> str:
        operation = self.operation
        ending = (
            f"→ {shortened(operation.answer)}"
            if operation.fate is Fate.ANSWERED
            else f"({operation.fate.value})"
        )
        return f"├─ #{operation.number} {operation.call} {ending} "

    def drawn(self, right: int, *, is_wrong: bool) -> str:
        if self.operation.is_open:
            return self.text.ljust(right - self.start, "╌")
        return self.text.ljust(self.end - self.start, "─") + ("✗" if is_wrong else "┤")


def _bars(operations: Sequence[Operation]) -> tuple[list[_Bar], int]:
    """Lay out the bars, one column per event in the order of events; return them and the total width."""
    events = [(operation.invoked_at, False, operation) for operation in operations]
    events += [
        (operation.answered_at, True, operation)
        for operation in operations
        if operation.answered_at is not None and not operation.is_open
    ]
    events.sort(key=lambda event: (event[0], event[1], event[2].number))
    bars: dict[int, _Bar] = {}
    column = -_GAP
    for _, is_end, operation in events:
        column += _GAP
        if is_end:
            bar = bars[operation.number]
            column = max(column, bar.start + len(bar.text) + 1)
            bar.end = column
        else:
            bars[operation.number] = _Bar(operation, column)
    right = max([column + 1, *(bar.start + len(bar.text) + 1 for bar in bars.values())])
    return list(bars.values()), right


def _rows(bars: Sequence[_Bar]) -> list[tuple[str, list[_Bar]]]:
    """Return the lanes of each process: a second one where an abandoned operation goes on."""
    rows: dict[str, list[list[_Bar]]] = {}
    for bar in bars:
        lanes_ = rows.setdefault(bar.operation.process, [])
        free = [lane for lane in lanes_ if not lane[-1].operation.is_open and lane[-1].end < bar.start]
        if free:
            free[0].append(bar)
        else:
            lanes_.append([bar])
    return [
        (process if number == 0 else "", lane)
        for process, found in rows.items()
        for number, lane in enumerate(found)
    ]
