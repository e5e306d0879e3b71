"""Inputs of a replica of the hybrid. Time is an input like any other."""

from typing import Any, TypeAlias

import attrs

from impl.common.identities import NodeId

__all__ = ["ElectionTimeout", "Heartbeat", "Input", "Receive", "Retransmit", "Tick", "ViewTimeout"]


@attrs.frozen
class Receive:
    """A message arrived: of the hybrid, of PBFT, a proof of the guard, or a client's request.

    Attributes:
        message: any object at all; what is none of these is refused.
        sender: the neighbour on the authenticated link who handed it over; None if there is none to blame.
    """

    message: Any
    sender: NodeId | None = None


@attrs.frozen
class ViewTimeout:
    """The timer fired that `ResetViewTimer` started: PBFT's primary is too slow."""


@attrs.frozen
class ElectionTimeout:
    """The timer fired that `ResetElectionTimer` started: Raft's leader was not heard."""


@attrs.frozen
class Heartbeat:
    """It is time for a leader of Raft to send to all; of anybody else it asks nothing. Much shorter than an election timeout."""


@attrs.frozen
class Retransmit:
    """It is time to say again what may have been lost. Also the first input after a recovery."""


@attrs.frozen
class Tick:
    """A unit of time has passed: scores decay, patience runs out, dwell passes."""


Input: TypeAlias = Receive | ViewTimeout | ElectionTimeout | Heartbeat | Retransmit | Tick
