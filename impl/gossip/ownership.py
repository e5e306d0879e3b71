"""The node's own keys: writes, deletions, refutations, later generations.

Each is signed where owners sign.
"""

import attrs

from impl.common.encoding import Value
from impl.common.identities import NodeId
from impl.common.keys import Keys
from impl.gossip import rules
from impl.gossip.node import Node, own_copy
from impl.gossip.records import DELETED, Copy, Key, Level, name_key

__all__ = ["collected", "deleted", "goes_on", "owns", "refuted", "suspected", "withdrawn", "written"]


def signed(owner: NodeId, copy: Copy, keys: Keys | None) -> Copy:
    """An owner's state with its signature, where owners sign."""
    return copy if keys is None else attrs.evolve(copy, signature=keys.sign(copy.content(owner)))


def owns(node: Node, copy: Copy) -> Node:
    """The node with these keys of its own (`Owns`)."""
    own = {node.name: signed(node.name, copy, node.config.keys)}
    return attrs.evolve(node, holdings=node.holdings.put(own))


def written(node: Node, key: Key, value: Value) -> Node:
    """The node after a write (`Write`)."""
    return owns(node, own_copy(node).written(key, value))


def deleted(node: Node, key: Key) -> Node:
    """The node after a deletion (`Delete`)."""
    return owns(node, own_copy(node).written(key, DELETED))


def collected(node: Node, version: int) -> Node:
    """The node with its tombstones collected up to a version (`Collect`)."""
    return owns(node, own_copy(node).collected_to(version))


def suspected(node: Node, other: NodeId) -> Node:
    """The node with a suspicion of another one at its known level (`Suspect`)."""
    return owns(node, own_copy(node).written(name_key(other), node.holdings.level(other)))


def withdrawn(node: Node, other: NodeId) -> Node:
    """The node with a suspicion withdrawn (`Delete`)."""
    return deleted(node, name_key(other))


def refuted(node: Node) -> Node:
    """The node at a level above that of its suspicion (`Refute`)."""
    level: Level = rules.outdone(node.holdings.level(node.name))
    return owns(node, own_copy(node).written(name_key(node.name), level))


def goes_on(node: Node) -> Node:
    """The node in a later generation, with the same keys (`GoesOn`)."""
    own = own_copy(node)
    return owns(node, attrs.evolve(own, generation=rules.next_generation(own.generation)))
