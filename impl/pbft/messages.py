"""The messages of PBFT. Each names its sender, whose signature covers all its other fields.

Sources: paper, 4.1 to 4.4; TOCS, 5.3 (state transfer). Where the paper sends a batch beside the digest
that is signed, here the batch is in the message and its digest is what the signature covers. So a
certificate brings the requests along that a new view proposes again.
"""

from typing import Final, TypeAlias

import attrs

from impl.common.encoding import DIGESTED, Digest
from impl.common.identities import NodeId
from impl.common.requests import Batch, Reply, Request
from impl.common.service import State

__all__ = [
    "NULL_BATCH",
    "Checkpoint",
    "CheckpointCertificate",
    "Commit",
    "Message",
    "NewView",
    "PrePrepare",
    "Prepare",
    "PreparedCertificate",
    "StateRequest",
    "StateResponse",
    "ViewChange",
    "Vote",
]


#: What fills a gap in a new view: executing it does nothing (paper, 4.4).
NULL_BATCH: Final[Batch] = ()


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
    """The paper's prepared certificate.

    A proposal, and matching prepares of a quorum less one, of distinct backups.
    """

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
    """A replica wants `view`, and proves its stable checkpoint and what it prepared beyond.

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
