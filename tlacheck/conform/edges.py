"""Replay of all edges: a system takes every step that a small model allows, compared after each.

A system that can `fork` stands at a node, and a copy takes each edge from there. Each edge is thus
performed once, from the state in which the first path to its node left the system. Nodes come in the
order in which TLC found them, breadth first, so the first edge that fails ends one of the shortest
failing runs. A system that cannot fork follows paths that together cover the edges, each from the
start.

A failure in a fork is repeated from the start by a fresh system: a copy that shares something with its
original is the adapter's fault, and is reported as such.

Both ways take an edge once. If two paths lead a system into states that look alike to the spec and yet
differ, only the first is tried; random walks can find such differences.
"""

import functools
from collections.abc import Callable, Iterator
from typing import Final

import attrs
from immutabledict import immutabledict

from tlacheck.conform.comparison import deviations, observed
from tlacheck.conform.limits import LIMIT_SECONDS, Limit
from tlacheck.conform.replay import Interrupted, replay, replay_all
from tlacheck.conform.system import Closable, Forkable, NotPossible, System, attempt, close, closing
from tlacheck.errors import AdapterError, ConfigError, TraceError
from tlacheck.tlc.cover import edge_cover
from tlacheck.tlc.graph import Edge, Graph, stream_graph
from tlacheck.tlc.spec import Spec
from tlacheck.trace import State, Trace

__all__ = ["EdgeReplay", "replay_edges"]

#: The most steps of one path of a system that cannot fork.
_LENGTH_MAX: Final = 200
#: The number of edges between two calls of `on_progress`.
_TELL_EVERY: Final = 1000
#: The most spec states kept after they were read.
_EXPECTED_MAX: Final = 1 << 16


@attrs.frozen(kw_only=True)
class EdgeReplay:
    """The result of the replay.

    Attributes:
        edges: how many edges the system was made to take, each counted once.
        edges_total: how many the graph has.
        states: how many states the graph has.
        steps: how many steps were performed, repetitions included.
        actions: action -> on how many edges it was taken.
        is_complete: whether the graph has all states and steps of the model.
        forked: whether the system was forked.
        violation: the run that left the spec, from the start; None if there is none.
        followed: the behaviour of the spec that it should have followed.
    """

    edges: int
    edges_total: int
    states: int
    steps: int
    actions: immutabledict[str, int]
    is_complete: bool
    forked: bool
    violation: Trace | None = None
    followed: Trace | None = None


def replay_edges(
    graph: Graph | Spec,
    make_system: Callable[[], System],
    *,
    limit_seconds: float | None = LIMIT_SECONDS,
    command: str = "",
    on_progress: Callable[[int, int], None] = lambda _taken, _total: None,
) -> EdgeReplay:
    """Make a system take every edge of a state graph, up to the first that it gets wrong.

    The configuration must have no SYMMETRY, and a VIEW may hide only variables that the system does not
    show: otherwise nodes are not states that can be compared.

    Args:
        graph: the graph; or a spec, which is explored.
        make_system: makes a fresh system.
        limit_seconds: as for `replay`.
        command: what does this again, for the origin of a failing run.
        on_progress: told now and then how many edges were taken, of how many.

    Raises:
        ConfigError: the graph is up to SYMMETRY, or has no edge.
        SpecError: TLC cannot explore the spec.
        TraceError: the spec lacks a variable that the system shows.
        Interrupted: the adapter breaks its contract.
    """
    if isinstance(graph, Spec):
        with stream_graph(graph) as stream:
            graph = Graph(stream)
    if graph.has_symmetry:
        raise ConfigError(
            f"{graph.spec.name} is explored up to SYMMETRY, so its nodes are no states to compare with: "
            "take SYMMETRY out of the configuration"
        )
    if not graph.targets:
        raise ConfigError(f"the graph of {graph.spec.name} has no edge: there is nothing to replay")
    with closing(make_system) as system:
        if missing := sorted(system.variables - set(graph.variables)):
            raise TraceError(
                f"{graph.spec.name} lacks the variables {', '.join(missing)} that the system shows"
            )
        forks = isinstance(system, Forkable)
    if forks:
        return _Forking(graph, make_system, limit_seconds, command, on_progress).run()
    return _along_paths(graph, make_system, limit_seconds, command, on_progress)


# --- a system that can fork ---------------------------------------------------------------------


class _Failed(Exception):
    """A run that leaves the spec, and the behaviour that it should have followed."""

    def __init__(self, run: Trace, followed: Trace) -> None:
        self.run = run
        self.followed = followed


class _Forking:
    """The systems at nodes that are known and whose edges are not all taken."""

    def __init__(
        self,
        graph: Graph,
        make_system: Callable[[], System],
        limit_seconds: float | None,
        command: str,
        on_progress: Callable[[int, int], None],
    ) -> None:
        self._graph = graph
        self._make_system = make_system
        self._limit_seconds = limit_seconds
        self._command = command
        self._on_progress = on_progress
        self._standing: dict[int, System] = {}
        self._is_entered = bytearray(graph.summary.nodes)
        self._expected = functools.lru_cache(_EXPECTED_MAX)(lambda node: graph.node(node).state)
        self._actions: dict[str, int] = {}
        self._taken = 0
        self._is_closable = False
        self._nothing = graph.trace((), command=command)

    def run(self) -> EdgeReplay:
        """Take all edges."""
        run = followed = None
        try:
            for node in self._graph.initial:
                self._begin(node)
            for node in range(self._graph.summary.nodes):
                self._leave(node)
        except _Failed as failed:
            run, followed = failed.run, failed.followed
        finally:
            for system in self._standing.values():
                close(system)
        return EdgeReplay(
            edges=self._taken,
            edges_total=len(self._graph.targets),
            states=self._graph.summary.nodes,
            steps=self._taken + (len(run) if run else 0),
            actions=immutabledict(sorted(self._actions.items())),
            is_complete=self._graph.summary.verdict.is_established,
            forked=True,
            violation=run,
            followed=followed,
        )

    def _begin(self, node: int) -> None:
        """Place a fresh system at an initial node."""
        system = self._make_system()
        self._standing[node] = system
        self._is_entered[node] = True
        self._is_closable = isinstance(system, Closable)
        beginning = attrs.evolve(self._nothing, initial=self._expected(node))
        run = replay(beginning, system, limit_seconds=self._limit_seconds)
        if run.violation is not None:
            raise _Failed(run, beginning)

    def _leave(self, node: int) -> None:
        """Take the edges that leave a node."""
        edges = self._graph.edges_from(node)
        here = self._standing.pop(node, None)
        if here is None or not edges:  # a partial graph has nodes without any known edge
            return
        with Limit.of(here, self._limit_seconds) as limit:
            self._take(edges, here, limit)

    def _take(self, edges: range, here: System, limit: Limit) -> None:
        graph = self._graph
        for number in edges:
            edge = graph.edge(number)
            self._actions[edge.action] = self._actions.get(edge.action, 0) + 1
            self._taken += 1
            if self._taken % _TELL_EVERY == 0:
                self._on_progress(self._taken, len(graph.targets))
            if not edge.action:
                raise TraceError(
                    f"a step of {graph.spec.name} does not name its action: take a module with an "
                    "`event` variable"
                )
            try:
                there = here if number == edges[-1] else limit(_fork, here)
                found = limit(_taken, there, edge)
                lines = deviations(self._expected(edge.target), found)
            except (NotPossible, AdapterError) as refusal:
                raise self._from_the_start(number, str(refusal)) from refusal
            if lines:
                raise self._from_the_start(number, "\n".join(lines))
            if self._is_entered[edge.target]:
                if self._is_closable:
                    close(there)
            else:
                self._is_entered[edge.target] = True
                self._standing[edge.target] = there

    def _from_the_start(self, edge: int, why: str) -> _Failed:
        """Repeat, with a fresh system from the start, the failure of a copy.

        Raises:
            Interrupted: that does not fail, or the adapter breaks its contract there too.
        """
        path = (*self._graph.path_to(self._graph.sources[edge]), edge)
        followed = self._graph.trace(path, command=self._command)
        system = self._make_system()
        try:
            run = replay(followed, system, limit_seconds=self._limit_seconds)
        finally:
            close(system)
        if run.violation is None:
            raise Interrupted(
                "a copy made by fork() fails where a fresh system does not: fork() shares something "
                "with its "
                f"original, or the system is not deterministic. After {followed.steps[-1].action}:\n{why}",
                attrs.evolve(run, steps=run.steps[:-1]),
            )
        return _Failed(run, followed)


def _taken(system: System, edge: Edge) -> State:
    """Perform the step and return the state that the system shows."""
    attempt(system, edge.action, edge.arguments)
    return observed(system)


def _fork(system: System) -> System:
    if not isinstance(system, Forkable):
        raise AdapterError(f"{type(system).__name__} has no fork(), though the first system had one")
    return system.fork()


# --- a system that cannot fork ------------------------------------------------------------------


def _along_paths(
    graph: Graph,
    make_system: Callable[[], System],
    limit_seconds: float | None,
    command: str,
    on_progress: Callable[[int, int], None],
) -> EdgeReplay:
    taken = bytearray(len(graph.targets))
    begun: list[tuple[int, ...]] = []

    def traces() -> Iterator[Trace]:
        for path in edge_cover(graph, length_max=_LENGTH_MAX):
            begun.append(path)
            yield graph.trace(path, command=command)
            for edge in path:
                taken[edge] = True
            on_progress(sum(taken), len(taken))

    found = replay_all(traces(), make_system, limit_seconds=limit_seconds)
    if found.violation is not None:
        for edge in begun[-1][: len(found.violation)]:
            taken[edge] = True
    return EdgeReplay(
        edges=sum(taken),
        edges_total=len(taken),
        states=graph.summary.nodes,
        steps=found.steps,
        actions=immutabledict(sorted(found.actions.items())),
        is_complete=graph.summary.verdict.is_established,
        forked=False,
        violation=found.violation,
        followed=found.followed,
    )
