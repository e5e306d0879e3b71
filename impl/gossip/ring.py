"""The ring of the nodes that a node holds for alive: each watches those before it, which are others for each.

The ring is in the order of hashes of names, so that similar names do not become neighbours.
"""

import bisect
import functools
import hashlib
from collections.abc import Iterable

import attrs

from impl.common.identities import NodeId
from impl.gossip.node import Node, is_held_dead

__all__ = ["after", "before", "with_places", "with_ring"]


@functools.lru_cache(maxsize=1 << 15)
def _place(name: NodeId) -> bytes:
    return hashlib.blake2b(name.encode(), digest_size=8).digest()


def _is_on_ring(node: Node, other: NodeId) -> bool:
    is_known = node.holdings.get(other).generation > 0
    return is_known and (other == node.name or not is_held_dead(node, other))


def with_ring(node: Node) -> Node:
    """The node with its ring computed."""
    if node.ring is not None:
        return node
    alive = (other for other in node.holdings.known() if _is_on_ring(node, other))
    return attrs.evolve(node, ring=tuple(sorted(alive, key=_place)))


def with_places(node: Node, others: Iterable[NodeId]) -> Node:
    """The node with the places of these nodes as they are now; all other places are right already."""
    if node.ring is None:
        return node
    ring = list(node.ring)
    for other in others:
        place = bisect.bisect_left(ring, _place(other), key=_place)
        is_there = place < len(ring) and ring[place] == other
        if is_there and not _is_on_ring(node, other):
            del ring[place]
        elif not is_there and _is_on_ring(node, other):
            ring.insert(place, other)
    return attrs.evolve(node, ring=tuple(ring))


def _neighbours(node: Node, direction: int) -> tuple[NodeId, ...]:
    ring = node.ring or ()
    place = bisect.bisect_left(ring, _place(node.name), key=_place)
    count = min(node.config.watched, len(ring) - 1)
    return tuple(ring[(place + direction * step) % len(ring)] for step in range(1, count + 1))


def after(node: Node) -> tuple[NodeId, ...]:
    """The nodes behind this one on the ring, which watch it."""
    return _neighbours(node, 1)


def before(node: Node) -> tuple[NodeId, ...]:
    """The nodes before this one on the ring, which it watches."""
    return _neighbours(node, -1)
