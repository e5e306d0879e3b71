"""The command `tlacheck graph`: the states and steps of one spec, counted, written or covered by paths."""

import contextlib
import json
import shlex
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import click

from tlacheck import itf
from tlacheck.errors import ConfigError, TlacheckError
from tlacheck.tlc.cli._live import live
from tlacheck.tlc.cli._options import (
    ESTABLISHED,
    INCONCLUSIVE,
    UNUSABLE,
    Modules,
    config_option,
    json_option,
    limits_of,
    module_options,
    spec_argument,
)
from tlacheck.tlc.cover import edge_cover
from tlacheck.tlc.graph import GRAPH_MEMORY_MB, Edge, Graph, GraphStream, GraphSummary, Node, stream_graph
from tlacheck.tlc.graph_file import FORMATS, summary_to_json, write_graph
from tlacheck.tlc.spec import Spec, here

__all__ = ["graph_command"]

#: The default length of a covering path.
_LENGTH_MAX = 200
#: The most actions listed; --json has all.
_LISTED_MAX = 50


@click.command("graph")
@spec_argument
@config_option
@module_options
@click.option(
    "--depth",
    type=click.IntRange(min=1),
    metavar="N",
    help="Only the states of the first N levels, and the steps among them; initial states are on level 1.",
)
@click.option(
    "--out", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help="Where to write the graph."
)
@click.option(
    "--format",
    "form",
    type=click.Choice(list(FORMATS)),
    help="How to write it: a JSON object a line, or for GraphViz; by FILE's ending unless given.",
)
@click.option(
    "--cover",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="FOLDER",
    help="Write traces that together take every step, for replay. Needs the graph in memory.",
)
@click.option(
    "--length",
    type=click.IntRange(min=1),
    metavar="N",
    help=f"With --cover: begin another trace after N steps, {_LENGTH_MAX} unless given.",
)
@limits_of(GRAPH_MEMORY_MB)
@json_option
@click.pass_context
def graph_command(
    context: click.Context,
    *,
    modules: Modules,
    spec: Path,
    config: Path | None,
    depth: int | None,
    out: Path | None,
    form: str | None,
    cover: Path | None,
    length: int | None,
    timeout: float | None,
    memory: int,
    as_json: bool,
) -> None:
    """List the states and steps of SPEC, a TLA+ module, as TLC explores them.

    Exits with 0 if the graph is complete (to the depth asked for), 2 if SPEC cannot be explored, 3 if
    the graph is partial (no time, no memory): the part found is written all the same.
    """
    if form is not None and out is None:
        raise click.UsageError("--format says how --out FILE is written; give --out as well")
    if length is not None and cover is None:
        raise click.UsageError("--length bounds the traces of --cover FOLDER; give --cover as well")
    try:
        graph, tally, covered = _explore(
            Spec.load(spec, config, **modules),
            depth=depth,
            out=out,
            form=form,
            cover=cover,
            length_max=length or _LENGTH_MAX,
            timeout=timeout,
            memory_mb=memory,
        )
    except TlacheckError as error:
        if as_json:
            click.echo(json.dumps({"error": str(error)}))
        click.echo(str(error), err=True)
        context.exit(UNUSABLE)
    summary = graph.summary
    if as_json:
        data = {
            "spec": str(graph.spec.path),
            "config": str(graph.spec.config),
            "engine": graph.engine,
            **summary_to_json(summary),
            **tally.to_json(summary),
            "out": None if out is None else str(out),
            "cover": None if covered is None else {"folder": str(cover), **attrs.asdict(covered)},
        }
        click.echo(json.dumps(data, ensure_ascii=False, indent=1))
    else:
        for line in _lines(graph, tally, out):
            click.echo(line)
        if covered is not None:
            click.echo(_cover_line(covered, summary, cover))
            if graph.has_view:
                click.echo("  the configuration has a VIEW: these are behaviours if it hides only `event`")
    context.exit(ESTABLISHED if summary.verdict.is_established else INCONCLUSIVE)


def _explore(
    spec: Spec,
    *,
    depth: int | None,
    out: Path | None,
    form: str | None,
    cover: Path | None,
    length_max: int,
    timeout: float | None,
    memory_mb: int,
) -> tuple["Graph | GraphStream", "_Tally", "_Covered | None"]:
    """Carry out the command; return the remaining report."""
    if cover is not None and cover.is_dir() and any(cover.iterdir()):
        raise ConfigError(f"{cover} is not empty: traces of two graphs in one folder cannot be told apart")
    tally = _Tally()
    with live(spec.name) as on_progress, contextlib.ExitStack() as files:
        stream = files.enter_context(
            stream_graph(spec, memory_mb=memory_mb, depth=depth, timeout=timeout, on_progress=on_progress)
        )
        if cover is not None and stream.has_symmetry:
            message = "with SYMMETRY a path of the graph is no behaviour; cover a configuration without it"
            raise ConfigError(f"{spec.config}: {message}")
        graph: Graph | GraphStream = stream if cover is None else Graph(stream)
        writer = None
        if out is not None:
            form = form or ("dot" if out.suffix in (".dot", ".gv") else "ndjson")
            writer = files.enter_context(write_graph(out, form, graph))
        for part in graph:
            tally.add(part)
            if writer is not None:
                writer.add(part)
    covered = None
    if cover is not None and isinstance(graph, Graph):
        covered = _write_cover(graph, cover, length_max, depth)
    return graph, tally, covered


class _Tally:
    """The counts of the summary."""

    def __init__(self) -> None:
        self.actions: Counter[str] = Counter()
        self.initial = 0
        self._degrees: Counter[int] = Counter()  # edges of a node -> how many nodes
        self._source, self._degree = -1, 0

    def add(self, part: Node | Edge) -> None:
        if isinstance(part, Node):
            self.initial += part.is_initial
            return
        self.actions[part.action] += 1
        if part.source != self._source:
            self._close()
            self._source = part.source
        self._degree += 1

    def _close(self) -> None:
        if self._degree:
            self._degrees[self._degree] += 1
        self._degree = 0

    def degrees(self, summary: GraphSummary) -> tuple[int, float, int]:
        """Return the least, the average and the greatest number of edges that leave a node."""
        self._close()
        explored = summary.nodes - summary.queue
        if not explored:
            return 0, 0.0, 0
        has_edges_everywhere = sum(self._degrees.values()) == explored
        least = min(self._degrees) if has_edges_everywhere else 0
        return least, sum(self.actions.values()) / explored, max(self._degrees, default=0)

    def to_json(self, summary: GraphSummary) -> dict[str, Any]:
        least, average, most = self.degrees(summary)
        return {
            "initial": self.initial,
            "edges_from_a_node": {"min": least, "average": round(average, 3), "max": most},
            "edges_by_action": dict(sorted(self.actions.items())),
        }


@attrs.frozen(kw_only=True)
class _Covered:
    """The number of traces that cover a graph.

    Attributes:
        traces: their number.
        steps: the steps of all together.
        longest: the steps of the longest.
    """

    traces: int
    steps: int
    longest: int


def _write_cover(graph: Graph, folder: Path, length_max: int, depth: int | None) -> _Covered:
    """Write a trace for each path; the folder gets its name when all are there."""
    options = [*graph.spec.words, "--cover", here(folder)]
    if depth is not None:
        options += ["--depth", str(depth)]
    command = shlex.join(["tlacheck", "graph", *options, "--length", str(length_max)])
    traces = steps = longest = 0
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}.") as name:
            scratch = Path(name, "traces")
            scratch.mkdir()
            for path in edge_cover(graph, length_max=length_max):
                traces += 1
                steps += len(path)
                longest = max(longest, len(path))
                itf.write(
                    graph.trace(path, command=command), scratch / f"{graph.spec.name}-{traces:06}.itf.json"
                )
            scratch.replace(folder)
    except OSError as error:
        raise ConfigError(f"{folder} cannot be written: {error.strerror or error}") from error
    return _Covered(traces=traces, steps=steps, longest=longest)


def _lines(graph: Graph | GraphStream, tally: _Tally, out: Path | None) -> Iterator[str]:
    summary = graph.summary
    yield f"{graph.spec.name}: {summary.verdict}"
    counts = f"{_of(summary.nodes, 'node')}, {tally.initial:,} initial, {summary.terminal:,} terminal"
    if summary.queue:
        counts += f", {summary.queue:,} not explored"
    yield (
        f"  {counts}; {_of(summary.edges, 'edge')}; {_of(summary.generated, 'state')} generated, "
        f"depth {summary.depth}, {summary.seconds:.1f} s, {graph.engine}"
    )
    if not summary.verdict.is_established:
        yield "  the graph is partial"
    if tally.actions:
        least, average, most = tally.degrees(summary)
        yield f"  edges from a node: {least:,} at least, {average:.1f} on average, {most:,} at most"
        yield "  edges by action:"
        # An action's name may be any string of the spec, even one that would control the terminal.
        names = {
            action: action if action.isprintable() else json.dumps(action)
            for action in sorted(tally.actions)[:_LISTED_MAX]
        }
        width = max(map(len, names.values()))
        for action, name in names.items():
            yield f"    {name:<{width}} {tally.actions[action]:>12,}"
        if len(tally.actions) > _LISTED_MAX:
            yield f"    and {len(tally.actions) - _LISTED_MAX:,} more actions; --json lists them all"
    if out is not None:
        yield f"  written to {out}"


def _cover_line(covered: _Covered, summary: GraphSummary, folder: Path | None) -> str:
    ratio = covered.steps / summary.edges if summary.edges else 0.0
    return (
        f"  {_of(covered.traces, 'trace')} with {_of(covered.steps, 'step')} ({ratio:.1f} an edge), "
        f"{covered.longest:,} at most, take every edge: {folder}"
    )


def _of(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"
