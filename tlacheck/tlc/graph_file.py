"""A state graph as a file, written while it is explored: `ndjson` for programs, `dot` for GraphViz.

`ndjson` is one JSON object a line, values as in ITF traces (see `tlacheck.itf`):

| line    | looks like                                                                        |
|---------|-----------------------------------------------------------------------------------|
| first   | `{"graph": "Mail", "spec": ..., "config": ..., "engine": ..., "variables": [...]}` |
| a node  | `{"node": 0, "level": 1, "state": {"box": {"#set": []}, ...}}`                      |
| an edge | `{"from": 0, "to": 1, "action": "Send", "arguments": {"to": {"#model": "b"}}}`      |
| last    | `{"verdict": {"kind": "exhausted"}, "nodes": 16, "edges": 32, ...}`                 |

A node comes before its edges. The file gets its name when it is complete; the verdict in its last line
says whether the graph is.
"""

import contextlib
import json
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import attrs

from tlacheck import itf
from tlacheck.errors import ConfigError
from tlacheck.tlc._convert import parse
from tlacheck.tlc.graph import Edge, Graph, GraphStream, GraphSummary, Node
from tlacheck.tlc.spec import here
from tlacheck.values import to_tla

__all__ = ["FORMATS", "GraphWriter", "summary_to_json", "write_graph"]

#: The most encoded values and labels that a writer caches.
_KNOWN_MAX = 200_000


@contextlib.contextmanager
def write_graph(path: Path, form: str, graph: GraphStream | Graph) -> Iterator["GraphWriter"]:
    """Write a graph to a file, which gets its name when the block ends well; yields the writer.

    Args:
        path: the file.
        form: one of `FORMATS`.
        graph: where the parts come from.

    Raises:
        ConfigError: there is no such format, or the file cannot be written.
    """
    if form not in FORMATS:
        raise ConfigError(f"there is no format {form}: take one of {', '.join(FORMATS)}")
    scratch: Path | None = None
    try:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(
                "w", encoding="utf-8", dir=path.parent, prefix=f".{path.name}.", delete=False
            ) as file:
                scratch = Path(file.name)
                writer = FORMATS[form](file.write, graph)
                yield writer
                writer.end(graph.summary)
            scratch.chmod(0o644)  # a temporary file is private to its owner
            os.replace(scratch, path)  # noqa: PTH105 - the atomic rename is the point
        finally:
            if scratch is not None:
                scratch.unlink(missing_ok=True)
    except OSError as error:
        raise ConfigError(f"{path} cannot be written: {error.strerror or error}") from error


class GraphWriter:
    """Writes the parts of a graph, piece by piece."""

    def __init__(self, write: Callable[[str], object], graph: GraphStream | Graph) -> None:
        """Write the header."""
        self._write = write
        self._variables = graph.variables
        self._known: dict[Any, str] = {}
        self._begin(graph)

    def add(self, part: Node | Edge) -> None:
        """Write a node or an edge."""
        if len(self._known) > _KNOWN_MAX:
            self._known.clear()
        if isinstance(part, Node):
            self._node(part)
        else:
            label = (part.action, part.arguments)
            text = self._known.get(label)
            if text is None:
                text = self._known[label] = self._label(part)
            self._edge(part, text)

    def end(self, summary: GraphSummary) -> None:
        """Write the end."""
        raise NotImplementedError

    def _begin(self, graph: GraphStream | Graph) -> None:
        raise NotImplementedError

    def _node(self, node: Node) -> None:
        raise NotImplementedError

    def _edge(self, edge: Edge, label: str) -> None:
        raise NotImplementedError

    def _label(self, edge: Edge) -> str:
        """Format action and arguments for the edge's line."""
        raise NotImplementedError


class _Ndjson(GraphWriter):
    def _begin(self, graph: GraphStream | Graph) -> None:
        head = {
            "graph": graph.spec.name,
            "spec": here(graph.spec.path),
            "config": here(graph.spec.config),
            "engine": graph.engine,
            "variables": list(graph.variables),
            "symmetry": graph.has_symmetry,
            "view": graph.has_view,
        }
        self._write(_json(head) + "\n")
        self._names = [_json(name) for name in graph.variables]

    def _node(self, node: Node) -> None:
        known = self._known
        values = []
        for name, text in zip(self._names, node.texts, strict=True):
            value = known.get(text)
            if value is None:
                value = known[text] = _json(itf.value_to_json(parse(text)))
            values.append(f"{name}: {value}")
        self._write(f'{{"node": {node.id}, "level": {node.level}, "state": {{{", ".join(values)}}}}}\n')

    def _label(self, edge: Edge) -> str:
        arguments = {name: itf.value_to_json(value) for name, value in sorted(edge.arguments.items())}
        return f'"action": {_json(edge.action)}, "arguments": {_json(arguments)}'

    def _edge(self, edge: Edge, label: str) -> None:
        self._write(f'{{"from": {edge.source}, "to": {edge.target}, {label}}}\n')

    def end(self, summary: GraphSummary) -> None:
        self._write(_json(summary_to_json(summary)) + "\n")


class _Dot(GraphWriter):
    def _begin(self, graph: GraphStream | Graph) -> None:
        self._write(f"digraph {_quoted(graph.spec.name)} {{\n  node [shape=box];\n")

    def _node(self, node: Node) -> None:
        # \l ends a line and sets it to the left.
        lines = (f"/\\ {name} = {text}" for name, text in zip(self._variables, node.texts, strict=True))
        label = "".join(f"{_escaped(line)}\\l" for line in lines)
        style = ", style=filled" if node.is_initial else ""
        self._write(f'  {node.id} [label="{label}"{style}];\n')

    def _label(self, edge: Edge) -> str:
        arguments = ", ".join(f"{name} = {to_tla(value)}" for name, value in edge.arguments.items())
        return _quoted(f"{edge.action}({arguments})" if arguments else edge.action)

    def _edge(self, edge: Edge, label: str) -> None:
        self._write(f"  {edge.source} -> {edge.target} [label={label}];\n")

    def end(self, summary: GraphSummary) -> None:
        self._write(f"}}\n// {' '.join(str(summary.verdict).split())}\n")


#: Name -> the writer for that format.
FORMATS: Mapping[str, type[GraphWriter]] = {"ndjson": _Ndjson, "dot": _Dot}


def summary_to_json(summary: GraphSummary) -> dict[str, Any]:
    """The summary as JSON data."""
    data = attrs.asdict(summary, recurse=False)
    return {**data, "verdict": summary.verdict.to_json(), "seconds": round(summary.seconds, 3)}


def _json(data: Any) -> str:
    return json.dumps(data, ensure_ascii=False)


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


def _quoted(text: str) -> str:
    return f'"{_escaped(text)}"'
