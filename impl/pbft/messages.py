"""The messages of PBFT. Each names its sender, who signs all its other fields.

Sources: paper, 4.1 to 4.4; TOCS, 5.3 (state transfer). Where the paper sends a batch beside the digest
that is signed, here the batch is in the message and its digest is what the signature covers. So a
certificate brings the requests along that a new view proposes again.
"""

import bisect
from typing import Final, TypeAlias

import attrs

from impl.common.encoding import DIGESTED, Digest, Value
from impl.common.identities import ClientId, NodeId

__all__ = [
    "NULL_BATCH",
    "Answered",
    "Batch",
    "Checkpoint",
    "CheckpointCertificate",
    "Commit",
    "Message",
    "NewView",
    "PrePrepare",
    "Prepare",
    "PreparedCertificate",
    "Reply",
    "Request",
    "State",
    "StateRequest",
    "StateResponse",
    "ViewChange",
    "Vote",
]


# --- clients (paper, 4.1) -----------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class Request:
    """A client asks for an operation.

    Attributes:
        timestamp: at least 1, and greater in each further request of the client: an operation is
            executed once.
    """

    client: ClientId
    timestamp: int
    operation: Value
    signature: bytes = b""


@attrs.frozen(kw_only=True)
class Reply:
    """A replica tells a client what came of its request; the client believes f + 1 that say the same."""

    view: int
    client: ClientId
    timestamp: int
    result: Value
    source: NodeId
    signature: bytes = b""


#: What a primary proposes under one sequence number: requests, in the order of their execution.
Batch: TypeAlias = tuple[Request, ...]

#: What fills a gap in a new view: executing it does nothing (paper, 4.4).
NULL_BATCH: Final[Batch] = ()


# --- the service's state, as checkpoints tell of it and transfers carry it ----------------------


@attrs.frozen(kw_only=True)
class Answered:
    """A client's last request that was executed, by its timestamp, and its result."""

    client: ClientId
    timestamp: int
    result: Value


@attrs.frozen
class State:
    """The state to which execution has led; replicas that executed the same batches have the same.

    Attributes:
        value: the state of the service.
        answered: one item for each client of whom a request was executed, sorted by client (the paper's
            last-reply cache, which is part of the state: 4.1 and TOCS, 2.4.4).
    """

    value: Value
    answered: tuple[Answered, ...] = ()

    def last_answer(self, client: ClientId) -> Answered | None:
        """The last answer to the client; None if nothing that it asked for was executed."""
        place = bisect.bisect_left(self.answered, client, key=lambda last: last.client)
        found = self.answered[place] if place < len(self.answered) else None
        return found if found is not None and found.client == client else None

    def with_answer(self, value: Value, answer: Answered) -> "State":
        """The state after a request, whose answer stands in the place of the client's last."""
        place = bisect.bisect_left(self.answered, answer.client, key=lambda last: last.client)
        behind = place + (self.last_answer(answer.client) is not None)
        return State(value, (*self.answered[:place], answer, *self.answered[behind:]))


# --- the normal case (paper, 4.2) ---------------------------------------------------------------


@attrs.frozen(kw_only=True)
class PrePrepare:
    """The primary of `view` proposes a batch for a sequence number. Only in a new view may it be null."""

    view: int
    seq: int
    batch: Batch = attrs.field(metadata=DIGESTED)
    source: NodeId
    signature: bytes = b""


@attrs.frozen(kw_only=True)
class Prepare:
    """A backup of `view` agrees that the batch with this digest has this number."""

    view: int
    seq: int
    digest: Digest
    source: NodeId
    signature: bytes = b""


@attrs.frozen(kw_only=True)
class Commit:
    """A replica holds a prepared certificate for the batch with this digest, and will never forget it."""

    view: int
    seq: int
    digest: Digest
    source: NodeId
    signature: bytes = b""


# --- checkpoints (paper, 4.3) -------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class Checkpoint:
    """A replica has executed up to `seq`, and its `State` has this digest."""

    seq: int
    digest: Digest
    source: NodeId
    signature: bytes = b""


@attrs.frozen(kw_only=True)
class CheckpointCertificate:
    """A stable checkpoint with its proof: checkpoint messages of a quorum. That of number 0 needs none."""

    seq: int
    digest: Digest
    proof: tuple[Checkpoint, ...] = ()


@attrs.frozen(kw_only=True)
class StateRequest:
    """A replica asks for the state of a stable checkpoint at `seq` or a later one (TOCS, 5.3)."""

    seq: int
    source: NodeId
    signature: bytes = b""


@attrs.frozen(kw_only=True)
class StateResponse:
    """The answer: a stable checkpoint and the state whose digest it proves."""

    checkpoint: CheckpointCertificate
    state: State = attrs.field(metadata=DIGESTED)
    source: NodeId
    signature: bytes = b""


# --- view changes (paper, 4.4) ------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class PreparedCertificate:
    """The paper's prepared certificate: a proposal, and matching prepares of a quorum less one, of distinct backups."""

    pre_prepare: PrePrepare
    prepares: tuple[Prepare, ...]

    @property
    def view(self) -> int:
        """The view in which it was prepared."""
        return self.pre_prepare.view

    @property
    def seq(self) -> int:
        """The sequence number."""
        return self.pre_prepare.seq

    @property
    def batch(self) -> Batch:
        """The batch that was prepared."""
        return self.pre_prepare.batch


@attrs.frozen(kw_only=True)
class ViewChange:
    """A replica wants `view`, and proves what it has: its stable checkpoint, and what it prepared beyond.

    Attributes:
        certificates: the paper's P: at most one for each sequence number, in their order.
    """

    view: int
    checkpoint: CheckpointCertificate
    certificates: tuple[PreparedCertificate, ...]
    source: NodeId
    signature: bytes = b""


@attrs.frozen(kw_only=True)
class NewView:
    """The primary of `view` begins it.

    Attributes:
        view_changes: the paper's V: those of a quorum, which justify the proposals.
        proposals: the paper's O: signed pre-prepares of the new view, in the order of their numbers.
    """

    view: int
    view_changes: tuple[ViewChange, ...]
    proposals: tuple[PrePrepare, ...]
    source: NodeId
    signature: bytes = b""


#: Of what certificates are made.
Vote: TypeAlias = Prepare | Commit

Message: TypeAlias = (
    Request
    | Reply
    | PrePrepare
    | Prepare
    | Commit
    | Checkpoint
    | StateRequest
    | StateResponse
    | ViewChange
    | NewView
)
