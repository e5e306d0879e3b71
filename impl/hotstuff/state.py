"""The state of one replica: its settings, its durable state, and what it heard."""

from collections.abc import Mapping

import attrs

from impl.common.encoding import Digest
from impl.common.identities import ClientId, NodeId
from impl.common.requests import Request
from impl.common.service import State
from impl.hotstuff.configuration import Config
from impl.hotstuff.messages import (
    Block,
    Certificate,
    Proposal,
    Snapshot,
    Timeout,
    TimeoutCertificate,
    Vote,
)

__all__ = ["Durable", "Node", "Wanted"]


@attrs.frozen(kw_only=True)
class Durable:
    """The state that a crash must not lose. Mappings are never changed, only replaced.

    Attributes:
        voted: the last view in which it voted.
        timed: the last view in which it timed out.
        proposed: the last view for which it proposed.
        high: the highest certificate that it knows, of a block that it has.
        lock: the certificate of the block that it is locked on.
        committed: the digest of the last block that it committed and executed.
        state: the state to which they have led.
        blocks: by digest, the blocks that it has; genesis is none of them.
        vote: its last vote.
        timeout: its last time-out.
        proposal: its last proposal.
        entry: the latest time-out certificate by which it entered a view.
    """

    voted: int = 0
    timed: int = 0
    proposed: int = 0
    high: Certificate
    lock: Certificate
    committed: Digest
    state: State
    blocks: Mapping[Digest, Block] = attrs.field(factory=dict)
    vote: Vote | None = None
    timeout: Timeout | None = None
    proposal: Proposal | None = None
    entry: TimeoutCertificate | None = None


@attrs.frozen
class Wanted:
    """A block that it has asked for.

    Attributes:
        certificate: proves that a quorum voted for it; some of the signers have it.
        asked: how often it has asked: each time somebody else.
    """

    certificate: Certificate
    asked: int = 0


@attrs.frozen
class Node:
    """One replica. What is not in `durable` a crash may lose.

    Attributes:
        config: its settings.
        durable: its durable state.
        view: the view that it is in.
        votes: of each replica the vote of the highest view that it sent here.
        timeouts: of each replica the time-out of the highest view.
        heard: of each leader the block of the highest view that came as a proposal.
        pending: proposals whose parents it has not, one of each leader.
        orphans: fetched blocks whose parents it has not.
        wanted: the block that it asks for; None if it asks for none.
        snapshots: of each replica the last snapshot that it sent here.
        waiting: of each client the request that is to be ordered.
        futile: how many views ended by time-outs since it committed something.
        told: how often it has told somebody its highest certificate: each time the next replica.
    """

    config: Config
    durable: Durable
    view: int = 1
    votes: Mapping[NodeId, Vote] = attrs.field(factory=dict)
    timeouts: Mapping[NodeId, Timeout] = attrs.field(factory=dict)
    heard: Mapping[NodeId, Block] = attrs.field(factory=dict)
    pending: Mapping[NodeId, Proposal] = attrs.field(factory=dict)
    orphans: Mapping[Digest, Block] = attrs.field(factory=dict)
    wanted: Wanted | None = None
    snapshots: Mapping[NodeId, Snapshot] = attrs.field(factory=dict)
    waiting: Mapping[ClientId, Request] = attrs.field(factory=dict)
    futile: int = 0
    told: int = 0

    @property
    def name(self) -> NodeId:
        """Its name."""
        return self.config.node

    @property
    def is_leader(self) -> bool:
        """True if it leads its view."""
        return self.config.leader(self.view) == self.name

    @property
    def multiplier(self) -> int:
        """The time that it waits in its view, as a multiple of the timer's duration.

        Each view that time-outs ended doubles it.
        """
        return min(1 << min(self.futile, 32), self.config.multiplier_max)
