"""The state of a node."""

from collections.abc import Mapping

import attrs

from impl.common.identities import NodeId
from impl.manager.barrier.effects import Result
from impl.manager.barrier.records import UNKNOWN, Known, Record

__all__ = ["Barrier", "Config", "Node"]


@attrs.frozen(kw_only=True)
class Config:
    """A node.

    Attributes:
        node: its name.
        is_coordinator: True if it draws decisions and opens barriers.
    """

    node: NodeId
    is_coordinator: bool = False


@attrs.frozen(kw_only=True)
class Barrier:
    """A barrier at a fence.

    Attributes:
        number: of the barrier, from 1 on in each life of its coordinator.
        index: of the fence.
        expected: those concerned -> the least generation whose acknowledgement counts.
        acked: those that acknowledged.
        result: how it ended; None while it is open.
    """

    number: int
    index: int
    expected: Mapping[NodeId, int]
    acked: frozenset[NodeId] = frozenset()
    result: Result | None = None

    @property
    def missing(self) -> tuple[NodeId, ...]:
        """Those concerned that have not acknowledged."""
        return tuple(sorted(self.expected.keys() - self.acked))


@attrs.frozen(kw_only=True)
class Node:
    """One node. Only its generation survives a crash; the host writes it to the disk before anything is sent.

    Attributes:
        config: who it is.
        generation: its life, from 1 on.
        floor: how many decisions it must have applied before it acts; None before it is told.
        applied: how many it has applied.
        fence: the index of the last fence among them; 0 if there is none.
        known: owner -> what these decisions know of it.
        copies: owner -> its record, as far as gossip has brought it; its own among them.
        acted: the owner and the record on which it acted last.
        barrier: its last barrier.
    """

    config: Config
    generation: int
    floor: int | None = None
    applied: int = 0
    fence: int = 0
    known: Mapping[NodeId, Known] = attrs.field(factory=dict)
    copies: Mapping[NodeId, Record] = attrs.field(factory=dict)
    acted: tuple[NodeId, Record] | None = None
    barrier: Barrier | None = None

    @property
    def name(self) -> NodeId:
        """Its name."""
        return self.config.node

    @property
    def own(self) -> Record:
        """Its own record."""
        return self.copies[self.name]

    def copy_of(self, owner: NodeId) -> Record:
        """The record of an owner, as far as it is known."""
        return self.copies.get(owner, Record())

    def known_of(self, owner: NodeId) -> Known:
        """The last decision about an owner."""
        return self.known.get(owner, UNKNOWN)
