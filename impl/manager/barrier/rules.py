"""The rules on which safety rests, named as in specs/barrier/Barrier.tla."""

from impl.manager.barrier.messages import Ack, Welcome
from impl.manager.barrier.node import Barrier, Node
from impl.manager.barrier.records import Decision, Known, Record

__all__ = [
    "differs",
    "has_all",
    "has_applied",
    "is_enough",
    "is_fresh",
    "is_later",
    "is_of_this_life",
    "is_ready",
    "is_welcome",
    "may_act",
    "may_count",
    "may_take",
    "renews",
]


def is_later(one: Record | Known | Decision, other: Record | Known | Decision) -> bool:
    """Return whether one state of an owner is later than another one."""
    return (one.generation, one.version) > (other.generation, other.version)


def is_ready(node: Node) -> bool:
    """Return whether a node knows enough of the past in this life."""
    return node.floor is not None and node.applied >= node.floor


def has_applied(node: Node, record: Record) -> bool:
    """Return whether a node has applied what a record rests on."""
    return record.index <= node.applied


def is_fresh(node: Node, record: Record) -> bool:
    """Return whether a record is no older than the last fence."""
    return record.index >= node.fence


def may_act(node: Node, record: Record) -> bool:
    """Return whether a node may act on a record, or draw a decision from it."""
    known = record.generation > 0
    return known and is_ready(node) and has_applied(node, record) and is_fresh(node, record)


def differs(node: Node, owner: str) -> bool:
    """Return whether gossip has a later state of an owner than the log knows."""
    return is_later(node.copy_of(owner), node.known_of(owner))


def may_take(node: Node, decision: Decision) -> bool:
    """Return whether a decision takes effect: the log does not know its owner in a later version."""
    return not is_later(node.known_of(decision.owner), decision)


def renews(node: Node, fence: int) -> bool:
    """Return whether a node renews its record as it applies decisions with this last fence."""
    return fence > node.applied


def is_welcome(node: Node, welcome: Welcome) -> bool:
    """Return whether an answer is for this life of a node, which has had none yet."""
    return node.floor is None and welcome.generation == node.generation


def is_of_this_life(barrier: Barrier, source: str, ack: Ack) -> bool:
    """Return whether an acknowledgement is of the life that is known, or a later one."""
    return ack.generation >= barrier.expected[source]


def is_enough(barrier: Barrier, ack: Ack) -> bool:
    """Return whether who acknowledges has applied the fence."""
    return ack.index >= barrier.index


def may_count(barrier: Barrier) -> bool:
    """Return whether a barrier still counts."""
    return barrier.result is None


def has_all(barrier: Barrier) -> bool:
    """Return whether all those concerned have acknowledged."""
    return not barrier.missing
