"""A trace as a sequence diagram of Mermaid, which code hosts show within Markdown.

A participant per node, a note per step, and an arrow per message, drawn where it is received: no arrow
in such a diagram begins in one step and ends in another, so its text names the step that sent it. A
message that is still on its way at the end has no arrow.
"""

import re
from collections import defaultdict
from collections.abc import Iterator
from typing import Final

from tlacheck.errors import spelt_out
from tlacheck.report.faults import is_fault
from tlacheck.report.flights import Flight, flights_of
from tlacheck.report.lanes import Lanes, LaneStep

__all__ = ["render_mermaid"]

#: Characters with a meaning in a diagram, or in the HTML made from it.
_SPECIAL: Final = re.compile("[#;<>&%\"'`{}\\\\]|--")
_NOBODY: Final = "state"
_ARROWS: Final = {"received": "->>", "handled": "->>", "lost": "-x", "removed": "-x"}


def render_mermaid(lanes: Lanes) -> str:
    """Return the trace as the text of a diagram, for a block ```` ```mermaid ````."""
    return "".join(f"{line}\n" for line in _Diagram(lanes).lines())


class _Diagram:
    def __init__(self, lanes: Lanes) -> None:
        self._lanes = lanes
        self._ids = {node: f"p{number}" for number, node in enumerate(lanes.nodes)}
        everybody = list(self._ids.values()) or [_NOBODY]
        self._over_all = ",".join(dict.fromkeys((everybody[0], everybody[-1])))
        self._taken: dict[int, list[Flight]] = defaultdict(list)
        for flight in flights_of(lanes):
            if flight.taken is not None and flight.source is not None and flight.dest is not None:
                self._taken[flight.taken].append(flight)

    def lines(self) -> Iterator[str]:
        trace, lanes = self._lanes.trace, self._lanes
        yield "sequenceDiagram"
        for node, name in self._ids.items():
            yield f"    participant {name} as {_escaped(lanes.wording.value(node))}"
        if not self._ids:
            yield f"    participant {_NOBODY}"
        begins_loop = trace.loop if trace.loop is not None and trace.loop < len(trace) else None
        yield from self._broken(0)
        if begins_loop == 0:
            yield "    loop forever"
        for step in lanes.steps:
            yield from self._step(step)
            yield from self._broken(step.number)
            if begins_loop == step.number:
                yield "    loop forever"
        if begins_loop is not None:
            yield f"    Note over {self._over_all}: back to state {begins_loop}"
            yield "    end"
        elif trace.loop is not None:
            yield f"    Note over {self._over_all}: stays in state {trace.loop} forever"
        if trace.violation is not None and trace.violation.step is None:
            yield f"    Note over {self._over_all}: ✗ {_escaped(trace.violation.property)}"

    def _step(self, step: LaneStep) -> Iterator[str]:
        for flight in self._taken[step.number]:
            arrow = f"{self._ids[flight.source]}{_ARROWS[flight.how]}{self._ids[flight.dest]}"
            since = f" (from step {flight.sent})" if flight.sent else ""
            yield f"    {arrow}: {_escaped(flight.text)}{since}"
        over = self._ids.get(step.actor, self._over_all)
        said = [part for change in step.shared for part in change.parts]
        said += [
            part
            for node, changes in step.nodes.items()
            if node == step.actor
            for change in changes
            for part in change.parts
        ]
        mark = "⚡ " if is_fault(step) else ""
        head = f"{mark}{step.number} {_escaped(step.action or '(unnamed step)')}"
        yield f"    Note over {over}: {'<br/>'.join([head, *(_escaped(str(part)) for part in said)])}"

    def _broken(self, number: int) -> Iterator[str]:
        violation = self._lanes.trace.violation
        if violation is not None and violation.step == number:
            yield f"    Note over {self._over_all}: ✗ {_escaped(violation.property)}"


def _escaped(text: str) -> str:
    """Escape a text for a diagram."""
    plain = " ".join(spelt_out(text).split())
    return _SPECIAL.sub(lambda found: "".join(f"#{ord(char)};" for char in found[0]), plain)
