"""The messages of the hybrid beside those of PBFT, and its answers to clients. All are signed.

Each message names its epoch under the signature, and counts in no other epoch.
"""

import enum
from typing import TypeAlias

import attrs

from impl import raft
from impl.common.encoding import Digest, Value
from impl.common.identities import ClientId, NodeId
from impl.common.requests import Request

__all__ = [
    "Abort",
    "AbortHistory",
    "Answer",
    "Envelope",
    "Equivocation",
    "LogEntry",
    "Message",
    "QuorumCertificate",
    "Reason",
    "Score",
    "SwitchbackVote",
    "Vote",
]

#: An entry of a log prefix: a client's request, or None for the no-op with which a leader opens its term.
LogEntry: TypeAlias = Request | None


class Reason(enum.StrEnum):
    """The reasons to abort an epoch."""

    THREAT = "threat"
    STALLED = "stalled"
    LONG = "long"
    JOINED = "joined"


@attrs.frozen(kw_only=True)
class Envelope:
    """A message of Raft in an epoch, signed by its `source` (`impl.hybrid.signing`)."""

    epoch: int
    message: raft.Message
    source: NodeId
    signature: bytes = b""


@attrs.frozen(kw_only=True)
class Vote:
    """In `term` the log of `source` holds the prefix with this digest up to `index`, at least 1."""

    epoch: int
    term: int
    index: int
    digest: Digest
    source: NodeId
    signature: bytes = b""


@attrs.frozen(kw_only=True)
class QuorumCertificate:
    """A quorum certificate (QC): like votes of a quorum.

    All QCs of its term are for prefixes or extensions of its prefix.

    It proves itself, and so has no signature of its own.
    """

    epoch: int
    term: int
    index: int
    digest: Digest
    votes: tuple[Vote, ...]


@attrs.frozen(kw_only=True)
class Abort:
    """The statement of `source` that it neither votes nor locks any more in this epoch.

    `locked` is its locked QC, None if it has none.
    """

    epoch: int
    reason: str
    locked: QuorumCertificate | None
    source: NodeId
    signature: bytes = b""


@attrs.frozen
class AbortHistory:
    """An abort with the log prefix of its locked QC, which proves the prefix."""

    abort: Abort
    prefix: tuple[LogEntry, ...]


@attrs.frozen(kw_only=True)
class SwitchbackVote:
    """The vote of `source` to leave this BFT epoch."""

    epoch: int
    source: NodeId
    signature: bytes = b""


@attrs.frozen(kw_only=True)
class Score:
    """The cluster score as `source` sees it; later statements have greater numbers."""

    number: int
    score: int
    source: NodeId
    signature: bytes = b""


@attrs.frozen
class Equivocation:
    """Proof of equivocation: two votes of one replica for different prefixes at one index of one term.

    Rule A1 forbids it.
    """

    one: Vote
    other: Vote


@attrs.frozen(kw_only=True)
class Answer:
    """The result of the operation `sequence` of a client, beside PBFT's replies.

    Attributes:
        epoch: of the replica.
        term: of the locked QC under which the operation was executed; 0 if its result is committed.
        sequence: the number of the operation.
        result: of the service.
    """

    epoch: int
    term: int
    client: ClientId
    sequence: int
    result: Value
    source: NodeId
    signature: bytes = b""


Message: TypeAlias = (
    Envelope | Vote | QuorumCertificate | AbortHistory | SwitchbackVote | Score | Equivocation | Answer
)
