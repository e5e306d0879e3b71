"""Requests of a replica to its host, to be carried out in order."""

import enum
from typing import TypeAlias

import attrs

from impl.common import results
from impl.common.encoding import Digest
from impl.common.identities import ClientId, NodeId
from impl.common.requests import Batch
from impl.pbft.messages import Message
from impl.pbft.state import Durable

__all__ = [
    "Diverged",
    "Effect",
    "EnteredView",
    "Executed",
    "Persist",
    "Refused",
    "ResetTimer",
    "Send",
    "StopTimer",
    "Transferred",
    "Why",
]


@attrs.frozen
class Persist:
    """Write this to stable storage before any later effect.

    A replica that forgot what it sent could contradict it.
    """

    durable: Durable


@attrs.frozen
class Send:
    """Hand this message to the network; it may be lost.

    Attributes:
        message: signed.
        to: one replica or client, perhaps the sender itself; None stands for all other replicas.
    """

    message: Message
    to: NodeId | ClientId | None = None


@attrs.frozen
class Executed:
    """The batch at `seq` was executed.

    Numbers come in order, without gaps but for those of a `Transferred`.
    """

    seq: int
    batch: Batch


@attrs.frozen
class Transferred:
    """The state at `seq` was installed from another replica, with all that was executed up to there."""

    seq: int


@attrs.frozen
class EnteredView:
    """This replica takes part in `view`. If it is the primary, its host proposes the waiting requests."""

    view: int
    primary: NodeId


@attrs.frozen
class ResetTimer:
    """Start the view-change timer anew, with `multiplier` times its basic duration (paper, 4.5.2).

    `multiplier` is doubled for each view that was left since something was executed.
    """

    multiplier: int


@attrs.frozen
class StopTimer:
    """Stop the view-change timer: nothing is waited for, or not enough others want the view yet."""


class Why(enum.Enum):
    """The kind of reason for a rejection. A rejection alone is no proof of a faulty sender."""

    MALFORMED = "fields of wrong types or sizes"
    FORGED = "the signature is not the sender's"
    STRANGER = "the sender may not say such things"
    UNPROVEN = "the message does not prove what it says"
    EQUIVOCATION = "the sender said something else before"
    OLD_VIEW = "an earlier view"
    OUTSIDE_WINDOW = "a sequence number outside of the watermarks"
    REPEATED = "it was said before"
    USELESS = "it comes too late, or too early, to be of use"
    RATE = "the client asks too often"


@attrs.frozen
class Refused(results.Refused):
    """An input was rejected, and the replica is unchanged.

    Attributes:
        why: the kind of reason.
        conflicting: with `Why.EQUIVOCATION`, what the same sender signed before; else None.
    """

    why: Why
    conflicting: Message | None = None


@attrs.frozen
class Diverged:
    """A quorum has another state at `seq` than this replica, which is faulty: take it out of service.

    Usual cause: a service that is not deterministic, or a disk that lies.
    """

    seq: int
    own: Digest
    agreed: Digest


Effect: TypeAlias = (
    Persist | Send | Executed | Transferred | EnteredView | ResetTimer | StopTimer | Refused | Diverged
)
