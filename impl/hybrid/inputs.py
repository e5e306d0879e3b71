"""Inputs of a replica of the hybrid. Time is an input like any other."""

from typing import Any, TypeAlias

import attrs

from impl.common.identities import NodeId

__all__ = ["ElectionTimeout", "Heartbeat", "Input", "Receive", "Retransmit", "Tick", "ViewTimeout"]


@attrs.frozen
class Receive:
    """A message arrived: of the hybrid, of PBFT, a proof of the guard, or a client's request.

    Attributes:
        message: any object at all; anything else is rejected.
        sender: the peer of the authenticated link; None if unknown.
    """

    message: Any
    sender: NodeId | None = None


@attrs.frozen
class ViewTimeout:
    """The timer of `ResetViewTimer` fired: PBFT's primary is too slow."""


@attrs.frozen
class ElectionTimeout:
    """The timer of `ResetElectionTimer` fired: nothing arrived from Raft's leader."""


@attrs.frozen
class Heartbeat:
    """Tell Raft's leader to send to all; others ignore it.

    Its period is much shorter than an election timeout.
    """


@attrs.frozen
class Retransmit:
    """Time to retransmit what may have been lost. Also the first input after a recovery."""


@attrs.frozen
class Tick:
    """A unit of time has passed: scores decay, waiting requests age, cooldowns elapse."""


Input: TypeAlias = Receive | ViewTimeout | ElectionTimeout | Heartbeat | Retransmit | Tick
