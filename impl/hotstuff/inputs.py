"""Inputs of a replica. Time is an input like any other."""

from typing import TypeAlias

import attrs

from impl.common.requests import Batch
from impl.hotstuff.messages import Message

__all__ = ["Input", "Propose", "Receive", "Retransmit", "TimerFired"]


@attrs.frozen
class Receive:
    """A message arrived from any sender; only what it proves itself is known.

    The host also hands a replica what that replica sends to all or to itself. `message` may be any object:
    one that is no well-formed message is refused.
    """

    message: Message


@attrs.frozen
class Propose:
    """The host of the leader wants a batch proposed; an empty one only carries certificates on.

    `impl.hotstuff.ready` says when, and which batch.
    """

    batch: Batch


@attrs.frozen
class TimerFired:
    """The timer fired that `ResetTimer` started: the view takes too long."""


@attrs.frozen
class Retransmit:
    """The retransmission timer fired. Also the first input after a recovery."""


Input: TypeAlias = Receive | Propose | TimerFired | Retransmit
