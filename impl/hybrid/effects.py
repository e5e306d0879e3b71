"""Requests of a replica of the hybrid to its host, to be carried out in order."""

from typing import Any, TypeAlias

import attrs

from impl.common.identities import ClientId, NodeId
from impl.common.results import Refused
from impl.hybrid.state import Durable

__all__ = [
    "Audit",
    "Effect",
    "EpochAborted",
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
]


@attrs.frozen
class Persist:
    """Write this to stable storage before any later effect.

    A replica that forgot what it sent could contradict it.
    """

    durable: Durable


@attrs.frozen
class Send:
    """Send this message over the network; it may be lost.

    Attributes:
        message: of the hybrid, of PBFT, or `impl.guard.Evidence`.
        to: one replica or client; None stands for all other replicas.
    """

    message: Any
    to: NodeId | ClientId | None = None


@attrs.frozen
class ResetViewTimer:
    """Restart PBFT's view-change timer, with `multiplier` times its basic duration."""

    multiplier: int


@attrs.frozen
class StopViewTimer:
    """Stop that timer."""


@attrs.frozen
class ResetElectionTimer:
    """Restart Raft's election timer, with a fresh random duration."""


@attrs.frozen
class StopElectionTimer:
    """Stop that timer: the epoch is not Raft, or aborted here."""


@attrs.frozen
class Executed:
    """The log prefix of a Raft epoch up to this index is executed, under a QC of `term`.

    All other operations are rolled back.
    """

    epoch: int
    term: int
    index: int


@attrs.frozen
class EpochAborted:
    """This replica aborted its Raft epoch."""

    epoch: int
    reason: str


@attrs.frozen
class EpochBegan:
    """An epoch ended, and this one started."""

    epoch: int
    protocol: str


@attrs.frozen
class LevelChanged:
    """The threat level of this replica changed."""

    old: str
    new: str
    because: str


@attrs.frozen
class Audit:
    """Append this entry to the guard's audit trail."""

    entry: Any


Effect: TypeAlias = (
    Persist
    | Send
    | ResetViewTimer
    | StopViewTimer
    | ResetElectionTimer
    | StopElectionTimer
    | Executed
    | EpochAborted
    | EpochBegan
    | LevelChanged
    | Audit
    | Refused
)
