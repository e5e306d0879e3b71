"""Inputs of a replica. Time is an input like any other."""

from typing import TypeAlias

import attrs

from impl.pbft.messages import Batch, Message

__all__ = ["Input", "Propose", "Receive", "Retransmit", "Tick", "Timeout"]


@attrs.frozen
class Receive:
    """A message arrived, of whomever: nothing is known of it but what it proves by itself.

    `message` may be any object at all: what is no message of the right types is refused.
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
    """It is time to send again what may have been lost: all that others may still need of this replica.

    The paper leaves retransmission open; without it a lost message may be missing for ever. Also the
    first input after a recovery.
    """


@attrs.frozen
class Tick:
    """A unit of time has passed by which clients are limited: the host's choice, one and the same each time.

    It brings every client `Config.rate_limit.per_tick` requests; without a limit it does nothing.
    """


Input: TypeAlias = Receive | Propose | Timeout | Retransmit | Tick
