"""Inputs of a replica. Time is an input like any other."""

from typing import TypeAlias

import attrs

from impl.common.requests import Batch
from impl.pbft.messages import Message

__all__ = ["Input", "Propose", "Receive", "Retransmit", "Tick", "Timeout"]


@attrs.frozen
class Receive:
    """A message arrived from any sender; only what it proves itself is known.

    `message` may be any object: one that is no well-formed message is refused.
    """

    message: Message


@attrs.frozen
class Propose:
    """The host of the primary wants a batch of clients' signed requests ordered (paper, 4.2).

    How many requests to wait for is the host's to decide; `Node.waiting` has those that arrived.
    """

    batch: Batch


@attrs.frozen
class Timeout:
    """The timer fired that `ResetTimer` started: the primary is too slow (paper, 4.4)."""


@attrs.frozen
class Retransmit:
    """The retransmission timer fired: send again all that others may still need of this replica.

    The paper leaves retransmission open; without it a lost message may be missing for ever. Also the
    first input after a recovery.
    """


@attrs.frozen
class Tick:
    """A unit of time of the rate limit has passed. The host chooses a fixed unit.

    It brings every client `Config.rate_limit.per_tick` requests; without a limit it does nothing.
    """


Input: TypeAlias = Receive | Propose | Timeout | Retransmit | Tick
