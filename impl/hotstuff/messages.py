"""The messages of HotStuff: blocks, votes and the certificates made of them.

A certificate is a list of signatures with a bitmap of the signers. Only `impl.hotstuff.proofs` builds and
checks it, so that an aggregate signature could replace the list.

Sources: "paper" is Yin et al., "HotStuff: BFT Consensus in the Lens of Blockchain", PODC 2019; "Diem" is the
Diem team, "DiemBFT v4: State Machine Replication in the Diem Blockchain", 2021.
"""

from typing import TypeAlias

import attrs

from impl.common.encoding import DIGESTED, Digest
from impl.common.identities import NodeId
from impl.common.requests import Batch, Reply, Request
from impl.common.service import State

__all__ = [
    "Block",
    "Blocks",
    "Certificate",
    "Fetch",
    "Message",
    "Proposal",
    "Snapshot",
    "Timeout",
    "TimeoutCertificate",
    "Vote",
]


@attrs.frozen(kw_only=True)
class Certificate:
    """The votes of a quorum for one block (the paper's QC).

    Attributes:
        view: the view of the block, in which the votes were given; each signature covers it.
        block: the digest of the block.
        signers: a bitmap: bit k % 8 of byte k // 8 is the replica at place k of `Config.replicas`.
        signatures: theirs, in the order of the bits. Genesis needs none.
    """

    view: int
    block: Digest
    signers: bytes = b""
    signatures: tuple[bytes, ...] = ()


@attrs.frozen(kw_only=True)
class Block:
    """A batch of requests behind a parent.

    Its digest (`impl.hotstuff.proofs.block_digest`) covers view, parent, batch and proposer, and by the
    parent all its ancestors. The certificate is the parent's, whichever quorum signed it, and proves itself.

    Attributes:
        view: the view for which it is proposed, above that of its parent.
        parent: the digest of its parent.
        justify: the certificate of its parent.
        signature: the proposer's, on the digest.
    """

    view: int
    parent: Digest
    batch: Batch = attrs.field(metadata=DIGESTED)
    justify: Certificate
    proposer: NodeId
    signature: bytes = b""


@attrs.frozen(kw_only=True)
class Vote:
    """A replica votes for a block of its view. Two of one view are evidence against it."""

    view: int
    block: Digest
    source: NodeId
    signature: bytes = b""


@attrs.frozen(kw_only=True)
class TimeoutCertificate:
    """Time-outs of a quorum in one view (Diem's TC).

    Attributes:
        view: the view that they gave up.
        signers: a bitmap, as in `Certificate`.
        high_views: the view of the highest certificate that each of them told of, in the order of the bits.
        signatures: theirs, in the same order.
    """

    view: int
    signers: bytes
    high_views: tuple[int, ...]
    signatures: tuple[bytes, ...]


@attrs.frozen(kw_only=True)
class Proposal:
    """The leader of a view asks for votes for its block.

    Attributes:
        block: signed by the leader.
        entry: the time-out certificate of the view before, if the block's parent is of an earlier one.
    """

    block: Block
    entry: TimeoutCertificate | None = None


@attrs.frozen(kw_only=True)
class Timeout:
    """A replica gives up a view: the paper's NEW-VIEW of the next one, told to all (Diem, 3.3).

    Attributes:
        view: the view that it gives up.
        high: the highest certificate that it knows.
        vote: its last vote. The leader to whom it sent that may be faulty, and then nobody else could make
            a certificate of it: three correct leaders in a row would not be enough to commit.
        signature: on the view and the view of `high`.
    """

    view: int
    high: Certificate
    vote: Vote | None
    source: NodeId
    signature: bytes = b""


@attrs.frozen(kw_only=True)
class Fetch:
    """A replica asks for a block, and for its ancestors of views above `above`, of its last commit."""

    block: Digest
    above: int
    source: NodeId
    signature: bytes = b""


@attrs.frozen
class Blocks:
    """Blocks, each the parent of the one before it. They prove themselves."""

    blocks: tuple[Block, ...]


@attrs.frozen(kw_only=True)
class Snapshot:
    """The state at a committed block, for a replica that is too far behind to fetch blocks.

    Attributes:
        head: the block, its child and grandchild: three in a row.
        certificate: of the last of them, which commits the first.
        state: the state after the first; believed if f + 1 replicas say the same.
    """

    head: tuple[Block, Block, Block]
    certificate: Certificate
    state: State
    source: NodeId
    signature: bytes = b""


Message: TypeAlias = (
    Certificate | Request | Proposal | Vote | Timeout | TimeoutCertificate | Fetch | Blocks | Snapshot | Reply
)
