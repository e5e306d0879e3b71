"""The state graph of a spec: its states as nodes, its steps as edges.

`stream_graph` gives them breadth first as TLC finds them, so that a graph of any size can be written to a
file; `Graph` keeps all of them, for whoever wants paths. A stream and a graph are read alike: a node
comes before the edges that touch it, and edges come in the order of their sources.

The graph is the one that TLC explores. States with the same VIEW, or that SYMMETRY makes alike, are one
node, shown as the first of them that was found. What a CONSTRAINT or an ACTION_CONSTRAINT excludes is
no part of it: neither the state nor the step to it, though both are counted as generated. A step that
changes nothing is an edge from a node to itself. Steps to the same node with another action or other
arguments are edges of their own; TLC finding one step twice makes one edge.
"""

import time
from array import array
from collections.abc import Callable, Generator, Iterator, Sequence
from pathlib import Path
from typing import Any, Self

import attrs
from immutabledict import immutabledict

from tlacheck.engine import Engine, find_engine
from tlacheck.errors import ConfigError, Location, SpecError
from tlacheck.tlc._closing import Closing
from tlacheck.tlc._convert import Converter
from tlacheck.tlc._diagnose import diagnose, unknown_constants
from tlacheck.tlc._event import EVENT, event_of
from tlacheck.tlc._graph_steps import BETWEEN_STATES, BETWEEN_VALUES
from tlacheck.tlc._process import NoAnswer, Worker
from tlacheck.tlc._protocol import Progress, decode_report, encode_engine
from tlacheck.tlc.spec import Spec, encode_spec, here
from tlacheck.trace import Origin, State, Step, Trace
from tlacheck.values import Function, Value
from tlacheck.verdict import Verdict

__all__ = ["GRAPH_MEMORY_MB", "Edge", "Graph", "GraphStream", "GraphSummary", "Node", "stream_graph"]

#: The default heap of the worker. A stream needs little, and a larger heap is filled before it is
#: collected: with this one the worker stays below 1 GB.
GRAPH_MEMORY_MB = 768
#: The most actions with arguments that a stream caches.
_LABELS_MAX = 200_000


@attrs.frozen
class Edge:
    """A step that the spec allows.

    Attributes:
        source: the number of the node before the step.
        target: the number of the node after it.
        action: the action's name, from the spec's `event` variable or else as TLC names it.
        arguments: the event's other fields, or else the constants that the action's quantifiers bind.
    """

    source: int
    target: int
    action: str
    arguments: immutabledict[str, Value]


class Node:
    """A state of the graph; its values are read when they are asked for.

    Attributes:
        id: its number, counted from 0 in the order in which TLC finds states.
        level: the number of states on the shortest path to it, as TLC counts: 1 for an initial state.
        texts: the variables' values as TLC prints them, in the spec's order.
    """

    __slots__ = ("_read", "id", "level", "texts")

    def __init__(self, number: int, level: int, texts: tuple[str, ...], read: "_Reader") -> None:
        self.id = number
        self.level = level
        self.texts = texts
        self._read = read

    @property
    def is_initial(self) -> bool:
        """True if the spec may begin in it."""
        return self.level == 1

    @property
    def state(self) -> State:
        """All variables with their values, in the spec's order.

        Raises:
            SpecError: a variable holds what has no finite value.
        """
        return self._read(self.texts)

    def __repr__(self) -> str:
        return f"Node({self.id}, level={self.level})"


class _Reader:
    """Converter from printed values to states."""

    def __init__(self, variables: tuple[str, ...]) -> None:
        self.variables = variables
        self.value = Converter()

    def __call__(self, texts: Sequence[str]) -> State:
        return State(zip(self.variables, map(self.value, texts), strict=True))


@attrs.frozen(kw_only=True)
class GraphSummary:
    """The extent of a graph.

    Attributes:
        verdict: exhausted if the graph is complete, bounded if states beyond the asked depth are left out,
            unknown with the reason if it is not.
        nodes: how many states, TLC's distinct ones.
        edges: how many steps.
        depth: the number of states on the longest shortest path from an initial state.
        generated: the states that TLC computed, with repetitions and those that constraints exclude.
        terminal: nodes from which the spec allows no step at all.
        queue: nodes whose steps are not all listed.
        seconds: how long it took.
    """

    verdict: Verdict
    nodes: int
    edges: int
    depth: int
    generated: int
    terminal: int
    queue: int
    seconds: float


class GraphStream(Closing):
    """The nodes and edges of a spec as they are found: an iterator, read once, and a context manager.

    Reading starts as soon as there is a first part. The worker waits while the reader is far behind;
    closing early ends it. A premature end (no time, no memory, a dead worker) ends the iteration too,
    and is the summary's verdict.

    Attributes:
        spec: the spec.
        engine: version and checksum of the TLC that explores.
        variables: the spec's variables, in the order of their declarations.
        has_symmetry: whether a node stands for all states that SYMMETRY makes alike.
        has_view: whether a node stands for all states with one VIEW.
    """

    def __init__(
        self,
        spec: Spec,
        *,
        engine: Engine | None = None,
        memory_mb: int = GRAPH_MEMORY_MB,
        depth: int | None = None,
        timeout: float | None = None,
        on_progress: Callable[[Progress], None] | None = None,
        worker: Worker | None = None,
    ) -> None:
        """Start to explore `spec`. See `stream_graph`.

        A given `worker` stays warm when the stream is read to its end, and keeps its own `memory_mb`.
        """
        if depth is not None and depth < 1:
            raise ConfigError(f"depth is {depth}; the initial states are at depth 1 already")
        self.spec = spec
        chosen = engine or find_engine()
        self.engine = chosen.label
        self.variables: tuple[str, ...] = ()
        self.has_symmetry = self.has_view = False
        self._worker = worker or Worker(memory_mb)
        self._is_guest = worker is not None
        self._request = {"spec": encode_spec(spec), "engine": encode_engine(chosen), "depth": depth}
        self._depth = depth
        self._timeout = timeout
        self._on_progress = on_progress
        self._started = time.monotonic()
        self._verdict = Verdict.unknown("the stream is not read to its end")
        self._nodes = self._edges = self._levels = 0
        self._generated = self._terminal = self._explored = 0
        self._seconds: float | None = None
        self._parts = self._explore()
        try:
            next(self._parts, None)  # up to the head: a spec that TLC rejects raises here
        except BaseException:
            self.close()
            raise

    @property
    def summary(self) -> GraphSummary:
        """Summarise the parts read so far."""
        seconds = time.monotonic() - self._started if self._seconds is None else self._seconds
        return GraphSummary(
            verdict=self._verdict,
            nodes=self._nodes,
            edges=self._edges,
            depth=self._levels,
            generated=self._generated,
            terminal=self._terminal,
            queue=self._nodes - self._explored,
            seconds=seconds,
        )

    @property
    def worker_pid(self) -> int | None:
        """The process number of the worker; None if there is none."""
        return self._worker.pid

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Node | Edge:
        part = next(self._parts)
        if part is None:
            raise StopIteration
        return part

    def close(self) -> None:
        """Stop exploring, and end the worker."""
        self._parts.close()
        self._leave()

    def _leave(self) -> None:
        if not self._is_guest:
            self._worker.close()

    def _explore(self) -> Generator[Node | Edge | None, None, None]:
        """Yield the nodes and edges, after a None when TLC has read the spec."""
        answers = self._worker.stream(
            "graph", self._request, timeout=self._timeout, on_progress=self._on_progress
        )
        decoder: _Decoder | None = None
        try:
            while True:
                try:
                    item = next(answers)
                except StopIteration as end:
                    self._finish(end.value)
                    return
                if decoder is None:
                    decoder = _Decoder(item)
                    self.variables = decoder.variables
                    self.has_symmetry, self.has_view = item["symmetry"], item["view"]
                    yield None
                    continue
                for part in decoder.parts(item, self._nodes):
                    self._count(part)
                    yield part
                self._explored, self._generated = item["explored"], item["generated"]
                self._terminal = item["terminal"]
                # A reader that is slower than the worker always finds something to read.
                if self._timeout is not None and time.monotonic() - self._started > self._timeout:
                    self._verdict = Verdict.unknown(f"no time left after {self._timeout:g} s")
                    return
        except NoAnswer as reason:
            self._verdict = Verdict.unknown(str(reason))
        finally:
            self._seconds = time.monotonic() - self._started
            answers.close()
            self._leave()

    def _count(self, part: Node | Edge) -> None:
        if isinstance(part, Node):
            self._nodes += 1
            self._levels = part.level
        else:
            self._edges += 1

    def _finish(self, answer: dict[str, Any]) -> None:
        report = decode_report(answer["report"])
        if report.strangers:
            raise unknown_constants(self.spec, report.strangers)
        if report.failure is not None or report.messages:
            raise diagnose(self.spec, report.messages, report.failure)
        if not self._nodes:
            nothing = f"no state satisfies the initial predicate of {self.spec.module} and the constraints"
            raise SpecError(nothing, Location(str(self.spec.path)))
        depth = self._depth
        is_whole = depth is None or not answer["cut"]
        self._verdict = Verdict.exhausted() if is_whole else Verdict.bounded(self._levels - 1)


_Label = tuple[str, immutabledict[str, Value]]


class _Decoder:
    """Decoder of the items of the job `graph` into nodes and edges."""

    def __init__(self, head: dict[str, Any]) -> None:
        self.variables: tuple[str, ...] = tuple(head["variables"])
        self._order: list[int] = head["order"]
        self._has_event = head["event"] is not None
        self._state = _Reader(self.variables)
        known: dict[_Label, _Label] = {}
        self._actions: list[_Label] = []
        for name, bound in head["actions"]:
            label = (name, Function((key, self._state.value(text)) for key, text in bound))
            self._actions.append(known.setdefault(label, label))
        self._events: dict[str, _Label | None] = {}

    def parts(self, item: dict[str, Any], number: int) -> Iterator[Node | Edge]:
        """Yield the nodes, from this number on, and the edges in an item, each edge once."""
        if item["new"]:
            for count, text in enumerate(item["states"].split(BETWEEN_STATES)):
                printed = text.split(BETWEEN_VALUES)
                texts = tuple([printed[place] for place in self._order])
                yield Node(number + count, item["level"], texts, self._state)
        if len(self._events) > _LABELS_MAX:
            self._events.clear()
        sources = item["sources"]
        events = item["events"].split(BETWEEN_STATES) if self._has_event else [None] * len(sources)
        seen: set[tuple[int, int]] = set()
        before = -1
        for source, target, action, event in zip(
            sources, item["targets"], item["actions"], events, strict=bool(sources)
        ):
            if target < 0:
                continue  # beyond the requested depth
            if source != before:
                before = source
                seen.clear()
            label = (event and self._event(event)) or self._actions[action]
            key = (target, id(label))  # what is equal is one object here
            if key not in seen:
                seen.add(key)
                yield Edge(source, target, *label)

    def _event(self, text: str) -> _Label | None:
        try:
            return self._events[text]
        except KeyError:
            label = self._events[text] = event_of(self._state.value(text))
        return label


class Graph:
    """All nodes and edges of a spec, in memory: four numbers an edge, and one a variable of a node.

    Nodes and edges go by their numbers, from 0 in the order in which they were found.

    Attributes:
        spec: the spec.
        engine: version and checksum of the TLC that explored it.
        summary: how much of the graph there is.
        variables: the spec's variables, in the order of their declarations.
        has_symmetry: whether a node stands for all states that SYMMETRY makes alike.
        has_view: whether a node stands for all states with one VIEW.
        sources: of each edge, its source. The numbers do not decrease.
        targets: of each edge, its target.
        initial: the nodes in which the spec may begin.
    """

    def __init__(self, stream: GraphStream) -> None:
        """Read what is left of `stream`, which nobody has read from.

        Raises:
            SpecError: TLC cannot evaluate the spec.
        """
        self.spec = stream.spec
        self.engine = stream.engine
        self.variables = stream.variables
        self.has_symmetry, self.has_view = stream.has_symmetry, stream.has_view
        self._read = _Reader(self.variables)
        self._texts: list[str] = []
        self._values = array("I")  # for each node, the places of its values in _texts
        self._levels = array("I")
        self.sources, self.targets = array("I"), array("I")
        self._labels: list[_Label] = []
        self._edge_labels = array("I")
        self._first_edges = array("Q")  # for each node that has been explored
        self._found_by = array("q")  # for each node, the edge that found it; -1 for an initial one
        self._fill(stream)
        self.summary = stream.summary
        self.initial = range(sum(1 for edge in self._found_by if edge < 0))

    def _fill(self, stream: GraphStream) -> None:
        texts: dict[str, int] = {}
        labels: dict[_Label, int] = {}
        for part in stream:
            if isinstance(part, Node):
                self._values.extend([texts.setdefault(text, len(texts)) for text in part.texts])
                self._levels.append(part.level)
                self._found_by.append(-1)
                continue
            number = len(self.sources)
            while len(self._first_edges) <= part.source:
                self._first_edges.append(number)
            self.sources.append(part.source)
            self.targets.append(part.target)
            label = (part.action, part.arguments)
            self._edge_labels.append(labels.setdefault(label, len(labels)))
            if self._found_by[part.target] < 0 and self._levels[part.target] > 1:
                self._found_by[part.target] = number
        while len(self._first_edges) <= len(self._levels):
            self._first_edges.append(len(self.sources))
        self._texts, self._labels = list(texts), list(labels)

    def __iter__(self) -> Iterator[Node | Edge]:
        """Yield all nodes, then all edges."""
        for number in range(len(self._levels)):
            yield self.node(number)
        for number in range(len(self.sources)):
            yield self.edge(number)

    def node(self, number: int) -> Node:
        """Return the node with this number."""
        width = len(self.variables)
        places = self._values[number * width : (number + 1) * width]
        return Node(number, self._levels[number], tuple(self._texts[place] for place in places), self._read)

    def edge(self, number: int) -> Edge:
        """Return the edge with this number."""
        label = self._labels[self._edge_labels[number]]
        return Edge(self.sources[number], self.targets[number], *label)

    def edges_from(self, node: int) -> range:
        """Return the numbers of the edges that leave a node."""
        return range(self._first_edges[node], self._first_edges[node + 1])

    def path_to(self, node: int) -> tuple[int, ...]:
        """Return the edges on a shortest path from an initial node to this one."""
        path: list[int] = []
        while (edge := self._found_by[node]) >= 0:
            path.append(edge)
            node = self.sources[edge]
        return tuple(reversed(path))

    def trace(self, path: Sequence[int], *, command: str = "") -> Trace:
        """Return the trace along a path of edges from an initial node; without edges, that of the first one.

        A node is shown as the state that was found first; only `event` is that of the edge. So with a
        VIEW that hides more than `event`, variables that it hides may jump.

        Args:
            path: numbers of edges.
            command: what makes this trace again, for its origin.

        Raises:
            ConfigError: the edges are no such path, or nodes are states up to SYMMETRY, so that a path is no
                behaviour.
        """
        if self.has_symmetry:
            raise ConfigError(
                f"{self.spec.name} is explored up to SYMMETRY, so a path is no behaviour: take SYMMETRY "
                "out of the configuration"
            )
        node = self.sources[path[0]] if path else 0
        if node not in self.initial:
            raise ConfigError(
                f"the path begins with edge {path[0]}, which leaves node {node}: no initial one"
            )
        initial = self.node(node).state
        steps: list[Step] = []
        for number in path:
            edge = self.edge(number)
            if edge.source != node:
                raise ConfigError(f"edge {number} leaves node {edge.source}; the path has come to {node}")
            node = edge.target
            state = self.node(node).state
            if EVENT in state and event_of(state[EVENT]) is not None:
                state = state.set(EVENT, Function({"action": edge.action, **edge.arguments}))
            steps.append(Step(edge.action, edge.arguments, state))
        origin = Origin(
            source="tlc",
            spec=here(self.spec.path),
            config=here(self.spec.config),
            engine=self.engine,
            command=command,
        )
        return Trace(initial=initial, steps=tuple(steps), origin=origin)


def stream_graph(
    spec: Spec | Path | str,
    config: Path | str | None = None,
    *,
    engine: Engine | None = None,
    memory_mb: int = GRAPH_MEMORY_MB,
    depth: int | None = None,
    timeout: float | None = None,
    on_progress: Callable[[Progress], None] | None = None,
) -> GraphStream:
    """Explore a spec in a worker process; return a stream of its nodes and edges as they are found.

    Args:
        spec: the spec, or its file.
        config: for a file, the configuration. See `Spec.load`.
        engine: the TLC that explores.
        memory_mb: the heap of the worker's JVM. The JVM takes what it gets; 512 are enough for a million
            edges between states of a few thousand characters.
        depth: list only states of the first so many levels, and the steps among them; None lists all.
        timeout: seconds after which to give up, the reading included; None waits.
        on_progress: called about twice a second while the stream is read.

    Raises:
        SpecError: there is no such file, TLC refuses the spec, or (while reading) cannot evaluate it.
        ConfigError: an argument makes no sense.
        SetupError: there is no JVM or no TLC.
    """
    loaded = Spec.of(spec, config)
    return GraphStream(
        loaded, engine=engine, memory_mb=memory_mb, depth=depth, timeout=timeout, on_progress=on_progress
    )
