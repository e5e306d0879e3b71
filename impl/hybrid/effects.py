"""Requests of a replica of the hybrid to its host, to be carried out in order."""

from typing import Any, TypeAlias

import attrs

from impl.common.identities import ClientId, NodeId
from impl.hybrid.inputs import Input
from impl.hybrid.state import Durable

__all__ = [
    "Audit",
    "Effect",
    "EpochBegan",
    "Executed",
    "LevelChanged",
    "Persist",
    "Refused",
    "ResetElectionTimer",
    "ResetViewTimer",
    "Send",
    "StopElectionTimer",
    "StopViewTimer",
    "StoppedEpoch",
]


@attrs.frozen
class Persist:
    """Write this to stable storage before any later effect: who forgot what it said could say something else."""

    durable: Durable


@attrs.frozen
class Send:
    """Hand this message to the network; it may be lost.

    Attributes:
        message: of the hybrid, of PBFT, or `impl.guard.Evidence`.
        to: one replica or client; None stands for all other replicas.
    """

    message: Any
    to: NodeId | ClientId | None = None


@attrs.frozen
class ResetViewTimer:
    """Start PBFT's view-change timer anew, with `patience` times its basic duration."""

    patience: int


@attrs.frozen
class StopViewTimer:
    """Stop that timer."""


@attrs.frozen
class ResetElectionTimer:
    """Start Raft's election timer anew, with a fresh random duration."""


@attrs.frozen
class StopElectionTimer:
    """Stop that timer: no Raft epoch, or it is stopped here."""


@attrs.frozen
class Executed:
    """The operations of a Raft epoch are executed up to this index of its chain, under a seal of `term`; or rolled back to it."""

    epoch: int
    term: int
    index: int


@attrs.frozen
class StoppedEpoch:
    """This replica takes no more part in a Raft epoch."""

    epoch: int
    reason: str


@attrs.frozen
class EpochBegan:
    """The book says that an epoch ended, and which has begun."""

    epoch: int
    protocol: str


@attrs.frozen
class LevelChanged:
    """The threat level of this replica is another one."""

    old: str
    new: str
    because: str


@attrs.frozen
class Audit:
    """Write this entry behind the guard's audit trail."""

    entry: Any


@attrs.frozen
class Refused:
    """An input was not taken, and the replica is as it was but for what it suspects.

    Attributes:
        input: what was refused.
        reason: why, for a human.
        detail: of what PBFT refused, its own refusal; else None.
    """

    input: Input
    reason: str
    detail: Any = None


Effect: TypeAlias = (
    Persist
    | Send
    | ResetViewTimer
    | StopViewTimer
    | ResetElectionTimer
    | StopElectionTimer
    | Executed
    | StoppedEpoch
    | EpochBegan
    | LevelChanged
    | Audit
    | Refused
)
