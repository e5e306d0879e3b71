"""The inputs of a node."""

from collections.abc import Hashable
from typing import TypeAlias

import attrs

from impl.common.identities import NodeId
from impl.manager.barrier.messages import Message
from impl.manager.barrier.records import Record

__all__ = ["ActOn", "Committed", "Compare", "Expire", "Heard", "Input", "Open", "Receive", "Tick", "Write"]


@attrs.frozen
class Write:
    """The state of this node has changed."""

    value: Hashable


@attrs.frozen
class Heard:
    """Gossip has brought a record."""

    owner: NodeId
    record: Record


@attrs.frozen
class ActOn:
    """The application wants to act on what is known of an owner."""

    owner: NodeId


@attrs.frozen
class Compare:
    """A comparison of gossip and log is due.

    Attributes:
        owners: whose records to compare; all that are known, by default.
    """

    owners: tuple[NodeId, ...] | None = None


@attrs.frozen
class Committed:
    """Raft has decided the entry at an index; the first one is at 1. Other values are only counted."""

    index: int
    entry: Hashable


@attrs.frozen
class Open:
    """Somebody wants a barrier at the last fence.

    Attributes:
        concerned: for whom it waits.
    """

    concerned: tuple[NodeId, ...]


@attrs.frozen
class Expire:
    """The time-out of the barrier of this number."""

    number: int


@attrs.frozen
class Tick:
    """It is time to ask again for what did not come."""


@attrs.frozen
class Receive:
    """A message came.

    Attributes:
        source: who sent it, as far as the host knows.
        message: any object at all.
    """

    source: NodeId
    message: Message


Input: TypeAlias = Write | Heard | ActOn | Compare | Committed | Open | Expire | Tick | Receive
