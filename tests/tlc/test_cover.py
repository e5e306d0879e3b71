"""Paths that take every edge of a graph: of random graphs, and of a spec's."""

from collections.abc import Iterator
from itertools import pairwise
from random import Random
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from immutabledict import immutabledict

from tlacheck.errors import ConfigError
from tlacheck.tlc.cover import edge_cover
from tlacheck.tlc.graph import Edge, Graph, Node, stream_graph


class _Stream(list[Any]):
    """A stream like that of `stream_graph`, from a table of successors with several initial nodes."""

    spec = SimpleNamespace(name="Table")
    engine = ""
    variables = ("x",)
    has_symmetry = has_view = False

    def __init__(self, successors: dict[Any, list[Any]], initial: list[Any]) -> None:
        super().__init__(self._parts(successors, initial))
        nodes = sum(isinstance(part, Node) for part in self)
        self.summary = SimpleNamespace(nodes=nodes, edges=len(self) - nodes)

    @staticmethod
    def _parts(successors: dict[Any, list[Any]], initial: list[Any]) -> Iterator[Node | Edge]:
        found = {name: (number, 1) for number, name in enumerate(dict.fromkeys(initial))}
        queue = list(found)
        nothing: Any = None
        for number in range(len(queue)):
            yield Node(number, 1, ("0",), nothing)
        for name in queue:
            number, level = found[name]
            for place, after in enumerate(successors.get(name, [])):
                if after not in found:
                    found[after] = (len(found), level + 1)
                    queue.append(after)
                    yield Node(*found[after], ("0",), nothing)
                yield Edge(number, found[after][0], f"A{place}", immutabledict())


def _graph(successors: dict[Any, list[Any]], initial: list[Any]) -> Graph:
    stream: Any = _Stream(successors, initial)
    return Graph(stream)


def _assert_is_cover(graph: Graph, paths: list[tuple[int, ...]]) -> None:
    for path in paths:
        assert graph.sources[path[0]] in graph.initial
        for edge, after in pairwise(path):
            assert graph.targets[edge] == graph.sources[after]
    assert {edge for path in paths for edge in path} == set(range(len(graph.sources)))


_NAMES = st.integers(0, 12)
_TABLES = st.dictionaries(_NAMES, st.lists(_NAMES, max_size=5), max_size=13)


@given(_TABLES, st.lists(_NAMES, min_size=1, max_size=3), st.none() | st.integers(1, 6))
def test_paths_from_the_start_cover_every_edge(
    successors: dict[int, list[int]], initial: list[int], length_max: int | None
) -> None:
    graph = _graph(successors, initial)
    paths = list(edge_cover(graph, length_max=length_max))
    _assert_is_cover(graph, paths)
    assert paths == list(edge_cover(graph, length_max=length_max))
    taken: set[int] = set()
    for path in paths:
        assert not taken.issuperset(path)  # no path is for nothing
        if length_max is not None:
            # Longer than that is only the shortest way to an edge that was not taken.
            shortest = (*graph.path_to(graph.sources[path[-1]]), path[-1])
            assert len(path) <= length_max or (path == shortest and path[-1] not in taken)
        taken.update(path)


def test_a_cycle_with_loops_is_covered_by_one_path() -> None:
    ring = {number: [number, (number + 1) % 9, number] for number in range(9)}
    (path,) = edge_cover(_graph(ring, [0]))
    assert len(path) == 27


def test_a_tree_is_covered_by_a_path_per_leaf() -> None:
    tree = {number: [2 * number + 1, 2 * number + 2] for number in range(31)}
    paths = list(edge_cover(_graph(tree, [0])))
    assert len(paths) == 32
    assert sum(map(len, paths)) == 32 * 5


def test_a_large_graph_is_covered_in_few_steps_per_edge() -> None:
    """Reaching each edge anew from the start would take eight steps per edge."""
    draw = Random(7)
    graph = _graph({name: [draw.randrange(4_000) for _ in range(4)] for name in range(4_000)}, [0])
    paths = list(edge_cover(graph, length_max=100))
    _assert_is_cover(graph, paths)
    assert sum(map(len, paths)) < 2.2 * len(graph.sources)


def test_a_graph_without_edges_needs_no_path() -> None:
    assert list(edge_cover(_graph({}, [0, 1]))) == []


def test_a_length_below_one_is_refused() -> None:
    with pytest.raises(ConfigError, match="length_max is 0"):
        edge_cover(_graph({0: [0]}, [0]), length_max=0)


def test_the_traces_of_a_cover_are_behaviours(load: Any) -> None:
    with stream_graph(load("Mutex"), memory_mb=512) as stream:
        graph = Graph(stream)
    paths = list(edge_cover(graph, length_max=20))
    _assert_is_cover(graph, paths)
    steps = [step for path in paths for step in graph.trace(path).steps]
    assert {step.action for step in steps} == {"Request", "Enter", "Leave"}
