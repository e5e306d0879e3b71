"""The inputs of a node. Any other object is refused."""

from typing import TypeAlias

import attrs

from impl.common.encoding import Value
from impl.common.identities import NodeId
from impl.gossip.messages import Message
from impl.gossip.records import Key

__all__ = ["Delete", "Input", "Receive", "Round", "Write"]


@attrs.frozen
class Round:
    """A round is due.

    Attributes:
        now_ns: the reading of the node's clock.
        draws: random numbers from 0 on, `Config.fanout` of them: whom to greet.
    """

    now_ns: int
    draws: tuple[int, ...]


@attrs.frozen
class Receive:
    """A message came.

    Attributes:
        source: who sent it, as far as the host knows.
        message: any object at all.
        now_ns: the reading of the node's clock.
    """

    source: NodeId
    message: Message
    now_ns: int


@attrs.frozen
class Write:
    """The application writes under a key of this node."""

    key: Key
    value: Value


@attrs.frozen
class Delete:
    """The application deletes a key of this node."""

    key: Key


Input: TypeAlias = Round | Receive | Write | Delete
