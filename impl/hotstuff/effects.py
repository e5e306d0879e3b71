"""Requests of a replica to its host, to be carried out in order, and events for observers."""

import enum
from typing import TypeAlias

import attrs

from impl.common import results
from impl.common.encoding import Digest
from impl.common.identities import ClientId, NodeId
from impl.common.requests import Batch
from impl.hotstuff.messages import Block, Message, Vote
from impl.hotstuff.state import Durable

__all__ = [
    "Committed",
    "Effect",
    "Entered",
    "Equivocated",
    "Joined",
    "Learned",
    "Persist",
    "Proposed",
    "Refused",
    "ResetTimer",
    "Send",
    "StopTimer",
    "Stored",
    "TimedOut",
    "Voted",
    "Why",
]


@attrs.frozen
class Persist:
    """Write this to stable storage before any later effect.

    A replica that forgets a vote may contradict it.
    """

    durable: Durable


@attrs.frozen
class Send:
    """Hand this message to the network; it may be lost.

    Attributes:
        message: signed.
        to: one replica or client, perhaps the sender itself; None stands for all replicas, the sender too.
    """

    message: Message
    to: NodeId | ClientId | None = None


@attrs.frozen
class ResetTimer:
    """Start the timer of the view anew, with `multiplier` times its basic duration."""

    multiplier: int


@attrs.frozen
class StopTimer:
    """Stop the timer of the view: nothing is waited for."""


# --- what it did ---------------------------------------------------------------------------------


@attrs.frozen
class Proposed:
    """The replica has proposed a block."""

    block: Block


@attrs.frozen
class Stored:
    """The replica has a block, and knows the certificate of its parent."""

    block: Block


@attrs.frozen
class Learned:
    """The replica knows a higher certificate than before, of a block that it has."""

    view: int
    block: Digest


@attrs.frozen
class Voted:
    """The replica has voted for a block."""

    view: int
    block: Digest


@attrs.frozen
class TimedOut:
    """The replica has given up a view, because its timer fired."""

    view: int


@attrs.frozen
class Joined:
    """The replica has given up a view, because f + 1 others gave up that one or later ones."""

    view: int


@attrs.frozen
class Entered:
    """The replica has entered a view by a time-out certificate of the one before."""

    view: int


@attrs.frozen
class Committed:
    """A block is committed and executed.

    Blocks come in the order of their chain, without gaps but for those that a snapshot covers.
    """

    view: int
    block: Digest
    batch: Batch


@attrs.frozen
class Equivocated:
    """Two votes or two blocks of one replica in one view, signed by it: evidence for the guard."""

    source: NodeId
    first: Vote | Block
    second: Vote | Block


class Why(enum.Enum):
    """The kind of reason for which an input was refused. A refusal alone is no proof of a faulty sender."""

    MALFORMED = "fields of wrong types or sizes"
    FORGED = "a signature is not its signer's"
    STRANGER = "the sender may not say such things"
    UNPROVEN = "the message does not prove what it says"
    OLD = "an earlier view, or known already"
    USELESS = "it comes too late, or too early, to be of use"
    FULL = "there is no room for more of its kind"


@attrs.frozen
class Refused(results.Refused):
    """An input was rejected, and the replica is unchanged.

    Attributes:
        why: the kind of reason.
    """

    why: Why


Effect: TypeAlias = (
    Persist
    | Send
    | ResetTimer
    | StopTimer
    | Proposed
    | Stored
    | Learned
    | Voted
    | TimedOut
    | Joined
    | Entered
    | Committed
    | Equivocated
    | Refused
)
