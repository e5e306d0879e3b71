"""The state of one replica of the hybrid: what a crash must not lose, and what it heard but has not counted yet."""

from collections.abc import Mapping

import attrs

from impl import guard, pbft, raft, threat
from impl.common.encoding import Digest
from impl.common.identities import ClientId, NodeId
from impl.hybrid.book import Book
from impl.hybrid.configuration import Config
from impl.hybrid.messages import Ack, Calm, Link, Seal, Stop, Stopped
from impl.pbft.messages import Request
from impl.threat.levels import BFT

__all__ = ["Durable", "Node", "RaftEpoch", "Waiting"]


@attrs.frozen(kw_only=True)
class RaftEpoch:
    """The part of a Raft epoch that a replica must not forget.

    Attributes:
        epoch: its number.
        opening: the book as it was when the epoch began.
        raft: of Raft.
        acked: the last chain that it acked; None before the first.
        held: the seal that it holds; None before the first.
        chain: what that is for.
        stopped: its stop; None as long as it takes part.
    """

    epoch: int
    opening: Book
    raft: raft.Durable
    acked: Ack | None = None
    held: Seal | None = None
    chain: tuple[Link, ...] = ()
    stopped: Stop | None = None


@attrs.frozen(kw_only=True)
class Durable:
    """The state that a crash must not lose.

    Attributes:
        pbft: of PBFT; its state holds the book, and so the epoch.
        raft_epoch: of the present epoch, if that is Raft's; else None.
        threat: of the threat level.
        guard: of the guard.
    """

    pbft: pbft.Durable
    raft_epoch: RaftEpoch | None
    threat: threat.Durable
    guard: guard.Guard


@attrs.frozen
class Waiting:
    """A client's request that is not done, and for how many ticks it has waited here."""

    request: Request
    ticks: int = 0


@attrs.frozen(kw_only=True)
class Node:
    """One replica. Mappings are never changed, only replaced.

    Attributes:
        config: who it is; never changes.
        pbft: the replica of PBFT, which runs in every epoch.
        agreed: the book as far as PBFT has executed here.
        book: the same with what it holds of the present Raft epoch done.
        raft_epoch: see `Durable`.
        raft: the server of the present Raft epoch; None in a BFT epoch.
        digests: of its chain, at each index of Raft's log.
        acks: as a leader, by index and digest and source, the acks of its term beyond what it holds.
        heard: of each replica the last ack that was heard in this epoch.
        pending: the latest seal that it cannot hold yet, for want of its chain.
        stops: of each replica its stop of this epoch.
        calms: of each replica its calm of this epoch.
        waiting: of each client the request that is not done.
        doubting: of each client that asks again for what is executed here, but not agreed, its first such request.
        dwelt: for how many ticks the epoch has lasted here.
        threat: the threat level.
        guard: who keeps evidence.
    """

    config: Config
    pbft: pbft.Node
    agreed: Book
    book: Book
    raft_epoch: RaftEpoch | None
    raft: raft.Node | None
    threat: threat.Threat
    guard: guard.Guard
    digests: tuple[Digest, ...] = ()
    acks: Mapping[tuple[int, Digest], Mapping[NodeId, Ack]] = attrs.field(factory=dict)
    heard: Mapping[NodeId, Ack] = attrs.field(factory=dict)
    pending: Seal | None = None
    stops: Mapping[NodeId, Stopped] = attrs.field(factory=dict)
    calms: Mapping[NodeId, Calm] = attrs.field(factory=dict)
    waiting: Mapping[ClientId, Waiting] = attrs.field(factory=dict)
    doubting: Mapping[ClientId, Waiting] = attrs.field(factory=dict)
    dwelt: int = 0

    @property
    def name(self) -> NodeId:
        """The name of this replica."""
        return self.config.node

    @property
    def epoch(self) -> int:
        """The epoch that it is in."""
        return self.agreed.epoch

    @property
    def is_bft(self) -> bool:
        """True if that is a BFT epoch."""
        return self.agreed.protocol == BFT

    @property
    def serving(self) -> RaftEpoch | None:
        """The Raft epoch that it takes part in; None in a BFT epoch, and after its stop."""
        return self.raft_epoch if self.raft_epoch is not None and self.raft_epoch.stopped is None else None

    @property
    def is_leader(self) -> bool:
        """True if it leads a Raft epoch."""
        is_leading = self.raft is not None and isinstance(self.raft.role, raft.Leader)
        return is_leading and self.serving is not None

    @property
    def durable(self) -> Durable:
        """The state that it must not forget."""
        return Durable(
            pbft=self.pbft.durable,
            raft_epoch=self.raft_epoch,
            threat=self.threat.durable,
            guard=self.guard,
        )
