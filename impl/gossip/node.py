"""The state of a node."""

from collections.abc import Mapping
from typing import NamedTuple

import attrs

from impl.common.identities import NodeId
from impl.gossip.configuration import Config
from impl.gossip.detector import Intervals
from impl.gossip.effects import Durable, Standing
from impl.gossip.holdings import Holdings
from impl.gossip.records import Copy, Level

__all__ = ["Node", "Since", "is_held_dead", "own_copy", "standing"]


class Since(NamedTuple):
    """A level, and the time at which it was reached, in ns."""

    level: Level
    at_ns: int


def _nobody() -> Mapping[NodeId, Since]:
    return {}


@attrs.frozen(kw_only=True)
class Node:
    """One node.

    Attributes:
        config: who it is.
        holdings: all that it has, its own keys among them.
        dead: whom it holds for dead, at which level.
        accused: who is accused by enough others, at which level.
        heard: whom it watches, and when it heard of them.
        tombstones: version of its own tombstones -> when it first saw them at a round, ns.
        turn: how many rounds it had.
        now_ns: when the last one was; None before the first.
        returned_ns: when it last went on in a later generation.
        first: the owner that comes after this one has the first place in the next answer.
        ring: itself and the others that it considers alive, in the order of the ring; None if that is to be
            computed.
    """

    config: Config
    holdings: Holdings
    dead: Mapping[NodeId, Since] = attrs.field(factory=_nobody)
    accused: Mapping[NodeId, Since] = attrs.field(factory=_nobody)
    heard: Mapping[NodeId, Intervals] = attrs.field(factory=dict)
    tombstones: Mapping[int, int] = attrs.field(factory=dict)
    turn: int = 0
    now_ns: int | None = None
    returned_ns: int | None = None
    first: NodeId = ""
    ring: tuple[NodeId, ...] | None = attrs.field(default=None, repr=False)

    @property
    def name(self) -> NodeId:
        """Its name."""
        return self.config.node

    @property
    def durable(self) -> Durable:
        """The state that a crash must not lose."""
        return Durable(own_copy(self), self.holdings.forgotten)


def own_copy(node: Node) -> Copy:
    """The own keys of a node."""
    return node.holdings.get(node.name)


def is_held_dead(node: Node, other: NodeId) -> bool:
    """Return whether a node considers another one dead at its known level (`IsHeldDead`)."""
    buried = node.dead.get(other)
    return buried is not None and node.holdings.level(other) <= buried.level


def standing(node: Node, other: NodeId) -> Standing:
    """The standing of another node as this one sees it."""
    if not node.holdings.get(other).generation:
        return Standing.FORGOTTEN if other in node.holdings.forgotten else Standing.UNKNOWN
    if is_held_dead(node, other):
        return Standing.DEAD
    accusers = len(node.holdings.accusers(other))
    return Standing.SUSPECTED if accusers >= node.config.accusers else Standing.ALIVE
