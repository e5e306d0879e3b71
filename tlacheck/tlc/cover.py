"""Paths through a state graph that together take every edge, for replay.

An implementation that follows all of them has taken every step that the spec allows. The fewest steps
would be a postman's tour, which costs more than it is worth; here a path goes on greedily:

* along an edge that no path has taken yet, one back to the same node first;
* where there is none, along the shortest way to a node that has one, if a short search finds it;
* else the path ends. The next one takes the shortest way from an initial node to the first node (in
  the order of the numbers) that has such an edge. That is the shortest way to any of them.

The search looks at a bounded number of edges, so the whole takes time in proportion to the steps it
gives. The same graph gives the same paths.
"""

import sys
from array import array
from collections.abc import Iterator

from tlacheck.errors import ConfigError
from tlacheck.tlc.graph import Graph

__all__ = ["edge_cover"]

#: The most edges that a search for an untaken edge examines.
_SEARCH_MAX = 64


def edge_cover(graph: Graph, *, length_max: int | None = None) -> Iterator[tuple[int, ...]]:
    """Yield paths of edge numbers, from initial nodes, that together take every edge of the graph.

    Args:
        graph: the graph; of one that is not complete, the edges that it has.
        length_max: no path goes on beyond so many edges. Only the shortest way to an edge that no path
            has taken may be longer: then the path is that way and that edge. None: paths as long as they get.

    Raises:
        ConfigError: `length_max` is less than 1.
    """
    if length_max is not None and length_max < 1:
        raise ConfigError(f"length_max is {length_max}; a path that takes an edge has 1 at least")
    return _Cover(graph, length_max).paths()


class _Cover:
    """The edges taken so far, and the choice of the next one."""

    def __init__(self, graph: Graph, length_max: int | None) -> None:
        self._graph = graph
        self._targets = graph.targets
        self._length_max = sys.maxsize if length_max is None else length_max
        nodes = graph.summary.nodes
        self._is_taken = bytearray(len(graph.targets))
        self._is_entered = bytearray(nodes)
        # For each node, the first edge that may be untaken, and where its edges end.
        self._next = array("q", (graph.edges_from(node).start for node in range(nodes)))
        self._end = array("q", (graph.edges_from(node).stop for node in range(nodes)))

    def paths(self) -> Iterator[tuple[int, ...]]:
        for node in range(len(self._next)):
            while self._is_open(node):
                # The way there goes through nodes with smaller numbers: all their edges are taken.
                path = list(self._graph.path_to(node))
                self._extend(path, node, max(len(path) + 1, self._length_max))
                yield tuple(path)

    def _extend(self, path: list[int], node: int, length_max: int) -> None:
        """Extend the path from `node`, up to `length_max` edges."""
        while len(path) < length_max:
            if not self._is_entered[node]:
                self._is_entered[node] = True
                loops = [edge for edge in self._graph.edges_from(node) if self._targets[edge] == node]
                for edge in loops[: length_max - len(path)]:
                    self._take(path, edge)
            elif self._is_open(node):
                node = self._take(path, self._next[node])
            else:
                way = self._way_from(node, length_max - len(path) - 1)
                if not way:
                    return
                path.extend(way)
                node = self._targets[way[-1]]

    def _take(self, path: list[int], edge: int) -> int:
        self._is_taken[edge] = True
        path.append(edge)
        return self._targets[edge]

    def _is_open(self, node: int) -> bool:
        """Return whether an edge of the node is untaken; then it is `_next` of the node."""
        edge, end = self._next[node], self._end[node]
        while edge < end and self._is_taken[edge]:
            edge += 1
        self._next[node] = edge
        return edge < end

    def _way_from(self, start: int, length_max: int) -> list[int]:
        """Return a shortest way to a node with an untaken edge; empty if a short search finds none."""
        came_by: dict[int, int] = {start: -1}
        ring, looked, length = [start], 0, 0
        while ring and length < length_max:
            length += 1
            outer: list[int] = []
            for node in ring:
                for edge in self._graph.edges_from(node):
                    looked += 1
                    if looked > _SEARCH_MAX:
                        return []
                    target = self._targets[edge]
                    if target in came_by:
                        continue
                    came_by[target] = edge
                    if self._is_open(target):
                        return self._back(came_by, target)
                    outer.append(target)
            ring = outer
        return []

    def _back(self, came_by: dict[int, int], node: int) -> list[int]:
        way: list[int] = []
        while (edge := came_by[node]) >= 0:
            way.append(edge)
            node = self._graph.sources[edge]
        return way[::-1]
