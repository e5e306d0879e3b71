"""The JSON data of a page: texts, and numbers of lanes and steps.

Only the initial state is stored whole; a step stores its changes. So the page of a long trace stays
small, and the script assembles states on demand. A *cell* is a variable held by no node, or a node's
share of one that nodes hold; cells are numbered, node by node within a variable, then the shared
variables.
"""

from collections.abc import Iterator
from pathlib import PurePath
from typing import Any, Final

from tlacheck.errors import spelt_out
from tlacheck.report.faults import is_fault
from tlacheck.report.flights import flights_of
from tlacheck.report.lanes import Lanes, LaneStep, VariableChange, bag_of
from tlacheck.trace import State
from tlacheck.values import Value

__all__ = ["page_data"]

#: The lane of everything that belongs to no node.
_NOWHERE: Final = -1
_GAINS: Final = frozenset({"sent", "copied"})


def page_data(lanes: Lanes, file: str) -> dict[str, Any]:
    """The data of the page for a trace in `file`."""
    return _Data(lanes).whole(file)


class _Data:
    def __init__(self, lanes: Lanes) -> None:
        self._lanes = lanes
        self._lane = {node: index for index, node in enumerate(lanes.nodes)}
        count = len(lanes.nodes)
        self._cell = {
            (name, node): row * count + self._lane[node]
            for row, name in enumerate(lanes.per_node)
            for node in lanes.nodes
        }
        first = len(lanes.per_node) * count
        self._shared = {name: first + index for index, name in enumerate(lanes.shared)}
        self._network = {name: index for index, name in enumerate(lanes.networks)}

    def whole(self, file: str) -> dict[str, Any]:
        lanes = self._lanes
        trace = lanes.trace
        return {
            "title": spelt_out(PurePath(file).name),
            "file": spelt_out(file),
            "facts": [[label, spelt_out(text)] for label, text in self._facts() if text],
            "violation": self._violation(),
            "nodes": [self._text(node) for node in lanes.nodes],
            "perNode": list(map(spelt_out, lanes.per_node)),
            "shared": list(map(spelt_out, lanes.shared)),
            "networks": list(map(spelt_out, lanes.networks)),
            "cells": self._cells(trace.initial),
            "messages": [self._contents(trace.initial.get(name)) for name in lanes.networks],
            "steps": [self._step(step) for step in lanes.steps],
            "flights": [
                [
                    self._lane.get(flight.source, _NOWHERE),
                    self._lane.get(flight.dest, _NOWHERE),
                    flight.sent,
                    flight.taken,
                    flight.how,
                    flight.copied,
                    spelt_out(flight.text),
                ]
                for flight in flights_of(lanes)
            ],
            "loop": trace.loop,
            "back": None if lanes.back is None else self._step(lanes.back),
        }

    def _facts(self) -> Iterator[tuple[str, str]]:
        trace = self._lanes.trace
        origin = trace.origin
        yield "spec", origin.spec + (f" with {origin.config}" if origin.config else "")
        seed = "" if origin.seed is None else f"seed {origin.seed}"
        yield "made by", ", ".join(filter(None, (origin.source, seed, origin.engine)))
        yield "versions", ", ".join(f"{name} {version}" for name, version in sorted(origin.versions.items()))
        yield "repeat", origin.command

    def _violation(self) -> dict[str, Any] | None:
        lanes, violation = self._lanes, self._lanes.trace.violation
        if violation is None:
            return None
        has_step = violation.step is not None and 0 <= violation.step <= len(lanes.trace)
        differing = lanes.differing
        told = (*(each.part for each in differing), *lanes.networks) if differing else ()
        return {
            "property": spelt_out(violation.property),
            "step": violation.step if has_step else None,
            "named": violation.step,
            "explanation": [
                spelt_out(line.removesuffix(":") if differing else line)
                for line in "\n".join(violation.explanation).splitlines()
                # The table shows these again, in line.
                if not (": the spec has " in line and line.startswith(told))
            ],
            "differences": [
                [spelt_out(each.part), self._side(each.expected), self._side(each.found)]
                for each in differing
            ],
        }

    def _side(self, value: Value) -> str | None:
        return None if value is None else self._text(value)

    def _cells(self, state: State) -> list[str | None]:
        lanes = self._lanes
        per_node = [
            self._text(state[name][node]) if node in state.get(name, ()) else None
            for name in lanes.per_node
            for node in lanes.nodes
        ]
        return per_node + [self._text(state[name]) if name in state else None for name in lanes.shared]

    def _contents(self, network: Value) -> list[list[Any]]:
        bag = bag_of(network)
        return [
            [spelt_out(self._lanes.wording.message(message)), bag[message]]
            for message in sorted(bag, key=self._lanes.wording.message)
        ]

    def _step(self, step: LaneStep) -> dict[str, Any]:
        return {
            "action": spelt_out(step.action),
            "actor": None if step.actor is None else self._lane[step.actor],
            "arguments": [[spelt_out(name), spelt_out(text)] for name, text in step.arguments],
            "fault": is_fault(step),
            "cells": [
                *(
                    self._changed(self._cell[change.variable, node], change)
                    for node, changes in step.nodes.items()
                    for change in changes
                ),
                *(self._changed(self._shared[change.variable], change) for change in step.shared),
            ],
            "messages": [
                [
                    each.how,
                    self._network.get(each.variable, _NOWHERE),
                    spelt_out(each.text),
                    each.copies if each.how in _GAINS else -each.copies,
                ]
                for each in step.messages
            ],
        }

    def _changed(self, cell: int, change: VariableChange) -> list[Any]:
        """Return the cell's number, its value, its changes in words, and whether those are complete."""
        is_whole = [part.part for part in change.parts] == [change.variable] and change.parts[0].sign == "→"
        return [cell, self._side(change.new), [spelt_out(str(part)) for part in change.parts], is_whole]

    def _text(self, value: Value) -> str:
        return spelt_out(self._lanes.wording.value(value))
