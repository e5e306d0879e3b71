"""The effects of a step: what the host must do, in order."""

import enum
from collections.abc import Mapping
from typing import TypeAlias

import attrs

from impl.common.identities import NodeId
from impl.common.results import Refused
from impl.gossip.messages import Message
from impl.gossip.records import Copy, Level

__all__ = ["Changed", "Durable", "Effect", "Persist", "Refused", "Send", "Standing"]


class Standing(enum.Enum):
    """The standing of a node as another node sees it."""

    UNKNOWN = "unknown"
    ALIVE = "alive"
    SUSPECTED = "suspected"
    DEAD = "dead"
    FORGOTTEN = "forgotten"


@attrs.frozen
class Durable:
    """The state that a crash must not lose.

    Attributes:
        own: the node's own keys. Of a host that does not keep them, the generation at least.
        forgotten: owner -> its last generation that was forgotten.
    """

    own: Copy
    forgotten: Mapping[NodeId, int] = attrs.field(factory=dict)


@attrs.frozen
class Persist:
    """Write this to the disk, before anything after it is done."""

    durable: Durable


@attrs.frozen
class Send:
    """Send a message to a node; it may be lost."""

    dest: NodeId
    message: Message


@attrs.frozen
class Changed:
    """The standing of a node has changed, at a level."""

    node: NodeId
    standing: Standing
    level: Level


Effect: TypeAlias = Persist | Send | Changed | Refused
