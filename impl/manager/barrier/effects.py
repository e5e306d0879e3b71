"""The effects of a step: what the host must do, in order."""

import enum
from typing import TypeAlias

import attrs

from impl.common.identities import NodeId
from impl.common.results import Refused
from impl.manager.barrier.messages import Ask, Fetch, Message
from impl.manager.barrier.records import Decision, Record

__all__ = [
    "Acted",
    "Effect",
    "Ended",
    "Opened",
    "Propose",
    "Refused",
    "Result",
    "Send",
    "Spread",
    "ToCoordinator",
]


class Result(enum.Enum):
    """The end of a barrier. There is no other: nobody may take a time-out for a pass."""

    PASSED = "passed"
    UNKNOWN = "unknown"


@attrs.frozen
class Spread:
    """Spread this node's own record by gossip."""

    record: Record


@attrs.frozen
class Send:
    """Send a message to a node; it may be lost."""

    dest: NodeId
    message: Message


@attrs.frozen
class ToCoordinator:
    """Send a message to a coordinator, another one each time; it may be lost."""

    message: Ask | Fetch


@attrs.frozen
class Propose:
    """Propose a decision to Raft; it may be lost."""

    decision: Decision


@attrs.frozen
class Acted:
    """The application may act on this record, now."""

    owner: NodeId
    record: Record


@attrs.frozen
class Opened:
    """A barrier is open: hand in `Expire` with its number when it is to end."""

    number: int


@attrs.frozen
class Ended:
    """A barrier has ended.

    Attributes:
        number: of the barrier.
        index: of its fence.
        result: how.
        missing: who did not acknowledge.
    """

    number: int
    index: int
    result: Result
    missing: tuple[NodeId, ...]


Effect: TypeAlias = Spread | Send | ToCoordinator | Propose | Acted | Opened | Ended | Refused
