"""A trace for a terminal: a heading, a block for each step with a column per node, and hints.

Everything is laid out as lines of styled text for a width; the caller prints them. Nothing is cut off:
text that does not fit is wrapped, and where columns would be too narrow to read, the nodes stand below
each other.
"""

import shlex
from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from pathlib import Path
from typing import Final

import attrs
from immutabledict import immutabledict
from rich.text import Text

from tlacheck.report.columns import beside, fitted, hang, labelled
from tlacheck.report.compact import Change, is_record, kind_field
from tlacheck.report.lanes import Lanes, LaneStep, VariableChange
from tlacheck.trace import State
from tlacheck.values import Value, same

__all__ = ["render", "render_step"]

#: The narrowest useful columns: of changes, of plain values.
_COLUMN_MIN: Final = 20
_VALUE_MIN: Final = 14
_MARGIN: Final = 4
_LABEL: Final = len("received")

_WHOLE: Final = "is broken by the behaviour as a whole"

_HEADING, _NAME, _QUIET, _BAD, _GOOD = "bold", "cyan", "dim", "bold red", "green"
_HOW_STYLES: Final = {
    "sent": "green",
    "received": "blue",
    "lost": "red",
    "copied": "yellow",
    "removed": "yellow",
}

#: Producers whose traces show that something can happen; the others' show that it did.
_SEARCHES: Final = frozenset({"tlc", "smt", "z3"})


def render(lanes: Lanes, *, width: int, file: str, full: bool = False) -> Iterator[Text]:
    """The whole trace.

    Args:
        lanes: the trace.
        width: how many characters a line may have.
        file: the trace's file, as it is to be named in commands.
        full: show all variables after each step, not only what changed.
    """
    page = _Page(lanes, width, file)
    yield from page.heading()
    yield from page.initially(collapsed=not full)
    for step in lanes.steps:
        yield from page.step(step, full=full)
    yield from page.ending()


def render_step(lanes: Lanes, number: int, *, width: int, file: str) -> Iterator[Text]:
    """One step, what it changed, and the whole state after it. Step 0 is the initial state."""
    page = _Page(lanes, width, file)
    yield from page.heading()
    if number:
        yield from page.step(lanes.steps[number - 1], full=False)
        yield Text()
        yield Text(f"state after step {number}", _HEADING)
        yield from page.state(lanes.trace.states[number])
    else:
        yield from page.initially(collapsed=False)
    yield from page.neighbours(number)


@attrs.frozen
class _Page:
    lanes: Lanes
    width: int
    file: str

    # --- before and after the steps

    def heading(self) -> Iterator[Text]:
        trace = self.lanes.trace
        origin, violation, length = trace.origin, trace.violation, _count(len(trace), "step")
        if violation is None:
            kind = "a witness" if origin.source in _SEARCHES else "a run"
            outcome = Text(f"no violation: {kind} of {length}", _GOOD)
        else:
            where = f"by {length}" if violation.step is None else f"at step {violation.step} of {len(trace)}"
            outcome = Text.assemble(("✗ ", _BAD), (violation.property, _BAD), f": violated {where}")
        yield Text(self.file, _HEADING)
        yield from hang(outcome, self.width)
        seed = "" if origin.seed is None else f"seed {origin.seed}"
        spec = _near(origin.spec) + (f" with {_near(origin.config)}" if origin.config else "")
        yield from self._facts("spec", spec)
        yield from self._facts("from", ", ".join(filter(None, (origin.source, seed, origin.engine))))
        yield from self._facts("nodes", ", ".join(map(self.lanes.wording.value, self.lanes.nodes)))

    def _facts(self, label: str, text: str) -> Iterator[Text]:
        if text:
            yield from labelled(Text(label, _QUIET), Text(text), margin=0, label_width=5, width=self.width)

    def initially(self, *, collapsed: bool) -> Iterator[Text]:
        yield Text()
        yield Text("initially", _HEADING)
        yield from self.state(self.lanes.trace.initial, collapsed=collapsed, still=not collapsed)
        violation = self.lanes.trace.violation
        if violation and violation.step == 0:
            yield from self._broken()
        yield from self._loop_begins(0)

    def ending(self) -> Iterator[Text]:
        trace, back, violation = self.lanes.trace, self.lanes.back, self.lanes.trace.violation
        if back is not None:
            yield Text()
            if trace.loop == len(trace):
                yield Text(f"↺ stays in state {trace.loop} forever", "bold magenta")
            else:
                yield Text(f"↺ back to state {trace.loop}, and so forever", "bold magenta")
                yield from self._changes(back)
        known = violation is None or (violation.step is not None and 0 <= violation.step <= len(trace))
        if violation and not known:
            yield Text()
            yield from self._broken()
        yield Text()
        if violation is None:
            yield Text(f"{_count(len(trace), 'step')}, no violation", _GOOD)
        else:
            where = _WHOLE if violation.step is None else f"broke at step {violation.step} of {len(trace)}"
            yield from hang(Text.assemble(("✗ ", _BAD), (violation.property, _BAD), f" {where}"), self.width)
        if trace.origin.command:
            yield from self._command("repeat", trace.origin.command)
        last = len(trace) if violation is None or violation.step is None or not known else violation.step
        yield from self._command(
            "more", self._inspect(f"--step {last}"), "that step and the whole state after it"
        )
        yield from self._command("", self._inspect("--full"), "the whole state after every step")

    def neighbours(self, number: int) -> Iterator[Text]:
        """Return hints at the neighbours of one step."""
        yield Text()
        for label, other in (("before", number - 1), ("after", number + 1)):
            if 0 <= other <= len(self.lanes.trace):
                yield from self._command(label, self._inspect(f"--step {other}"))

    def _inspect(self, options: str) -> str:
        return f"tlacheck inspect {shlex.quote(self.file)} {options}"

    def _command(self, label: str, command: str, comment: str = "") -> Iterator[Text]:
        """A command, never wrapped, so that it can be copied; its comment only where there is room."""
        line = Text.assemble("  ", (f"{label:<6}", _QUIET), "  ", command)
        if comment and len(line.plain) + len(comment) + 4 <= self.width:
            line.append(f"  # {comment}", _QUIET)
        yield line

    # --- a step

    def step(self, step: LaneStep, *, full: bool) -> Iterator[Text]:
        digits = len(str(len(self.lanes.steps)))
        title = Text.assemble((f"step {step.number:>{digits}}  ", _HEADING))
        title.append(
            step.action or "(the trace does not name the action)", _HEADING if step.action else _QUIET
        )
        if step.actor is not None:
            title.append(f"  {self.lanes.wording.value(step.actor)}", "bold yellow")
        for name, text in step.arguments:
            title.append(f"  {name}=", _QUIET).append(text)
        yield Text()
        yield from hang(title, self.width, indent=len(f"step {0:>{digits}}  "))
        if full:
            yield from self._messages(step)
            yield from self.state(step.state, step=step, still=True)
        else:
            yield from self._changes(step)
        if step.broke:
            yield from self._broken()
        yield from self._loop_begins(step.number)

    def _changes(self, step: LaneStep) -> Iterator[Text]:
        if step.actor is not None or any(step.nodes.values()):
            yield from self._side_by_side(step) if self._share else self._one_below_the_other(step)
        yield from self._messages(step)
        label = "shared" if self.lanes.nodes else ""
        for change in _parts(step.shared):
            if self.lanes.nodes:
                yield from self._labelled(Text(label, _QUIET), _styled(change))
            else:
                yield from self._indented(_styled(change))
            label = ""
        if not (step.messages or step.shared or any(step.nodes.values())):
            yield Text("    nothing changed", _QUIET)

    def _side_by_side(self, step: LaneStep) -> Iterator[Text]:
        columns = [
            [
                self._node(node, step),
                *(line for part in _parts(changes) for line in _inset(hang(_styled(part), self._share))),
            ]
            for node, changes in step.nodes.items()
        ]
        yield from beside(columns, [self._share + 2] * len(columns), margin=_MARGIN - 2, gap=0)

    def _one_below_the_other(self, step: LaneStep) -> Iterator[Text]:
        names = self._names
        for node, changes in step.nodes.items():
            if not changes and node != step.actor:
                continue
            label = self._node(node, step)
            for part in _parts(changes):
                yield from labelled(
                    label, _styled(part), margin=_MARGIN - 2, label_width=names + 2, width=self.width
                )
                label = Text()
            if not changes:
                yield Text(" " * (_MARGIN - 2)).append_text(label)

    def _node(self, node: Value, step: LaneStep) -> Text:
        acts = node == step.actor
        name = self.lanes.wording.value(node)
        if step.nodes[node]:
            return Text.assemble(
                ("▸ " if acts else "  ", "bold yellow"), (name, "bold yellow" if acts else _HEADING)
            )
        return Text.assemble(
            ("▸ " if acts else "  ", "bold yellow"), (name, "yellow" if acts else _QUIET), (" ·", _QUIET)
        )

    def _messages(self, step: LaneStep) -> Iterator[Text]:
        previous = ""
        for each in step.messages:
            style = _HOW_STYLES.get(each.how, _QUIET)
            label = Text("" if each.how == previous else each.how, style)
            yield from self._labelled(label, _copies(each.copies, each.text))
            previous = each.how

    def _labelled(self, label: Text, text: Text) -> Iterator[Text]:
        return labelled(label, text, margin=_MARGIN, label_width=_LABEL, width=self.width)

    def _indented(self, text: Text, margin: int = _MARGIN) -> Iterator[Text]:
        for line in hang(text, self.width - margin):
            yield Text(" " * margin).append_text(line)

    def _loop_begins(self, number: int) -> Iterator[Text]:
        if self.lanes.trace.loop == number < len(self.lanes.trace):
            text = f"↺ state {number}: the end of the trace returns here"
            yield from self._indented(Text(text, "magenta"), 2)

    # --- what is wrong

    def _broken(self) -> Iterator[Text]:
        violation = self.lanes.trace.violation
        if violation is None:
            return
        here = "broke here" if violation.step is not None else _WHOLE
        if violation.step is not None and not 0 <= violation.step <= len(self.lanes.trace):
            here = f"broke at step {violation.step}, which this trace has not got"
        yield from self._indented(
            Text.assemble(("✗ ", _BAD), (violation.property, _BAD), (f" {here}", _BAD)), 2
        )
        differing = self.lanes.differing
        told = (*(each.part for each in differing), *self.lanes.networks) if differing else ()
        for line in "\n".join(violation.explanation).splitlines():
            if not (": the spec has " in line and line.startswith(told)):
                yield from self._indented(Text(line))
        if differing:
            yield from self._differing()

    def _differing(self) -> Iterator[Text]:
        value = self.lanes.wording.value
        rows = [
            (each.part, _side(each.expected, value), _side(each.found, value))
            for each in self.lanes.differing
        ]
        table = [("", "spec has", "system has"), *rows]
        widths = fitted(
            [max(map(len, column)) for column in zip(*table, strict=True)], room=self.width - _MARGIN
        )
        if widths:
            for part, expected, found in table:
                styles = (_NAME, _GOOD, "red") if part else (_QUIET, _QUIET, _QUIET)
                cells = [[Text(*cell)] for cell in zip((part, expected, found), styles, strict=True)]
                yield from beside(cells, widths, margin=_MARGIN)
            return
        for part, expected, found in rows:
            yield from self._indented(Text(part, _NAME))
            for label, side, style in (("spec has", expected, _GOOD), ("system has", found, "red")):
                yield from labelled(
                    Text(label, _QUIET),
                    Text(side, style),
                    margin=_MARGIN + 2,
                    label_width=len("system has"),
                    width=self.width,
                )

    # --- a whole state

    def state(
        self, state: State, *, collapsed: bool = False, step: LaneStep | None = None, still: bool = False
    ) -> Iterator[Text]:
        """All variables.

        Args:
            state: the state.
            collapsed: say once what all nodes agree on.
            step: mark what this step changed.
            still: use columns as wide as any state of the trace needs, so that they stand still.
        """
        lanes, value = self.lanes, self.lanes.wording.value
        alike = [
            name for name in lanes.per_node if collapsed and _all_alike(state.get(name), len(lanes.nodes))
        ]
        apart = [name for name in lanes.per_node if name in state and name not in alike]
        first = max(len("each node") if alike else 0, *map(len, (*apart, *lanes.shared, *lanes.networks, "")))

        def row(label: Text, text: Text) -> Iterator[Text]:
            return labelled(label, text, margin=_MARGIN, label_width=first, width=self.width)

        if alike:
            yield from row(
                Text("each node", _QUIET), _listed((name, value(_any(state[name]))) for name in alike)
            )
        if apart:
            cells = _Cells(lanes, apart, step)
            yield from self._node_table(cells, state, first, self._need if still else cells.need(state))
        changed = {change.variable for change in step.shared} if step else None
        for name in lanes.shared:
            if name in state:
                text = _mark(value(state[name]), changed and name in changed, step)
                yield from row(Text(name, _NAME), Text(text, _HEADING if changed and name in changed else ""))
        for name in lanes.networks:
            label = Text(name, _NAME)
            for line in _contents(state.get(name), lanes.wording.message):
                yield from row(label, Text(" " if step else "").append_text(line))
                label = Text()

    def _node_table(self, cells: "_Cells", state: State, first: int, need: int) -> Iterator[Text]:
        """Lay out a table with a column for each node, or with a row for each node if columns do not fit."""
        nodes = self.lanes.nodes
        need = max(need, self._names)
        room = (self.width - _MARGIN - first - 2) // len(nodes) - 2
        if room < min(need, _VALUE_MIN):
            for node in nodes:
                pairs = ((name, cells.text(state, node, name).strip()) for name in cells.names)
                label = Text(self.lanes.wording.value(node), _HEADING)
                yield from labelled(
                    label, _listed(pairs), margin=_MARGIN, label_width=self._names, width=self.width
                )
            return
        widths = [first, *[min(room, need)] * len(nodes)]
        space = " " if cells.step else ""
        titles = [[Text(f"{space}{self.lanes.wording.value(node)}", _HEADING)] for node in nodes]
        yield from beside([[Text()], *titles], widths, margin=_MARGIN)
        for name in cells.names:
            row = [
                hang(
                    Text(cells.text(state, node, name), _HEADING if cells.changed(node, name) else ""),
                    widths[1],
                )
                for node in nodes
            ]
            yield from beside([[Text(name, _NAME)], *row], widths, margin=_MARGIN)

    # --- widths

    @cached_property
    def _names(self) -> int:
        """The width of the longest name of a node."""
        return max((len(self.lanes.wording.value(node)) for node in self.lanes.nodes), default=0)

    @cached_property
    def _share(self) -> int:
        """Return the width of each node's column of changes in the whole trace; 0 if too narrow."""
        steps = [*self.lanes.steps, *filter(None, [self.lanes.back])]
        parts = (part for step in steps for changes in step.nodes.values() for part in _parts(changes))
        need = max([self._names + 2, *(len(str(part)) for part in parts)])
        room = (self.width - (_MARGIN - 2)) // len(self.lanes.nodes) - 2
        return min(room, need) if room >= min(need, _COLUMN_MIN) else 0

    @cached_property
    def _need(self) -> int:
        """Return the width of the widest value of a node in any state, with a mark."""
        cells = _Cells(self.lanes, list(self.lanes.per_node), None)
        return 1 + max(cells.need(state) for state in self.lanes.trace.states)


@attrs.frozen
class _Cells:
    """The cells of a table of a state: each value, and whether a step changed it."""

    lanes: Lanes
    names: list[str]
    step: LaneStep | None

    def changed(self, node: Value, name: str) -> bool:
        return self.step is not None and any(change.variable == name for change in self.step.nodes[node])

    def text(self, state: State, node: Value, name: str) -> str:
        values = state.get(name, {})
        if node not in values:
            return ""
        return _mark(self.lanes.wording.value(values[node]), self.changed(node, name), self.step)

    def need(self, state: State) -> int:
        """Return the width of the widest cell."""
        return max(len(self.text(state, node, name)) for node in self.lanes.nodes for name in self.names)


# --- small texts --------------------------------------------------------------------------------


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _near(path: str) -> str:
    """Return the path relative to the current folder, if it is inside."""
    if path and Path(path).is_relative_to(Path.cwd()):
        return str(Path(path).relative_to(Path.cwd()))
    return path


def _parts(changes: Iterable[VariableChange]) -> Iterator[Change]:
    return (part for change in changes for part in change.parts)


def _styled(change: Change) -> Text:
    if change.sign == "→":
        return Text.assemble((change.part, _NAME), " ", (change.old, _QUIET), " → ", (change.new, _HEADING))
    style = "green" if change.sign == "+=" else "red"
    return Text.assemble(
        (change.part, _NAME), " ", (change.sign, style), " ", (change.old or change.new, _HEADING)
    )


def _inset(lines: Iterable[Text]) -> Iterator[Text]:
    return (Text("  ").append_text(line) for line in lines)


def _copies(copies: int, text: str) -> Text:
    line = Text(text)
    if copies != 1:
        line.append(f"  ({copies} copies)", _HEADING)
    return line


def _contents(network: Value, message: Callable[[Value], str]) -> Iterator[Text]:
    """The messages in a network, a text each."""
    if not network:
        yield Text("(none)", _QUIET)
    elif isinstance(network, frozenset):
        yield from map(Text, sorted(map(message, network)))
    else:
        for text, copies in sorted((message(each), copies) for each, copies in network.items()):
            yield _copies(copies, text)


def _mark(text: str, changed: object, step: LaneStep | None) -> str:
    """Mark the text with a star if it changed; with a space if only others in its table may have."""
    return text if step is None else f"{'*' if changed else ' '}{text}"


def _listed(pairs: Iterable[tuple[str, str]]) -> Text:
    text = Text()
    for name, value in pairs:
        text.append(", " if text.plain else "").append(name, _NAME).append(f"={value}")
    return text


def _any(values: Value) -> Value:
    return next(iter(values.values()))


def _all_alike(values: Value, count: int) -> bool:
    found = list(values.values()) if isinstance(values, immutabledict) else []
    return len(found) == count and all(same(found[0], other) for other in found[1:])


def _side(value: Value, wording: Callable[..., str]) -> str:
    if value is None:
        return "(absent)"
    return wording(value, exact=not (is_record(value) and kind_field(value)))
