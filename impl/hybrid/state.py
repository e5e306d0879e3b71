"""The state of one replica of the hybrid: its durable part, and what it received but has not used yet."""

from collections.abc import Mapping
from typing import Any

import attrs

from impl import guard, raft, threat
from impl.common.encoding import Digest
from impl.common.identities import ClientId, NodeId
from impl.common.requests import Request
from impl.hybrid.configuration import Config
from impl.hybrid.control import ControlState
from impl.hybrid.engines import Replica
from impl.hybrid.messages import Abort, AbortHistory, LogEntry, QuorumCertificate, SwitchbackVote, Vote
from impl.threat.levels import BFT

__all__ = ["Durable", "Node", "RaftEpoch", "Waiting"]


@attrs.frozen(kw_only=True)
class RaftEpoch:
    """The durable state of a replica in a Raft epoch.

    Attributes:
        epoch: its number.
        base: the control state at the start of the epoch.
        raft: of Raft.
        last_vote: its last vote; None before the first.
        locked: its locked QC; None before the first.
        prefix: the log prefix of the locked QC.
        abort: its abort; None as long as it takes part.
    """

    epoch: int
    base: ControlState
    raft: raft.Durable
    last_vote: Vote | None = None
    locked: QuorumCertificate | None = None
    prefix: tuple[LogEntry, ...] = ()
    abort: Abort | None = None


@attrs.frozen(kw_only=True)
class Durable:
    """The state that survives a crash.

    Attributes:
        bft: of the BFT protocol; it includes the control state, and so the epoch.
        raft_epoch: of the current epoch, if it is a Raft epoch; else None.
        threat: of the threat machine.
        guard: of the guard.
    """

    bft: Any
    raft_epoch: RaftEpoch | None
    threat: threat.Durable
    guard: guard.Guard


@attrs.frozen
class Waiting:
    """A client's request that is not done, and how many ticks it has waited here."""

    request: Request
    ticks: int = 0


@attrs.frozen(kw_only=True)
class Node:
    """One replica. Mappings are never changed, only replaced.

    Attributes:
        config: its configuration; never changes.
        bft: the replica of the BFT protocol, which runs in every epoch.
        committed: the control state after what that has executed here.
        speculative: the committed state after the locked prefix of the current Raft epoch.
        raft_epoch: see `Durable`.
        raft: the Raft server of the current epoch; None in a BFT epoch.
        digests: the digest of the log prefix at each index of Raft's log.
        votes: as a leader, by index, digest and source, the votes of its term beyond its lock.
        heard: the last vote received from each replica in this epoch.
        pending: the latest QC that it cannot lock yet because its prefix is missing.
        aborts: the abort history of each replica in this epoch.
        switchbacks: the switch-back vote of each replica in this epoch.
        waiting: by client, its request that is not done.
        unconfirmed: by client that repeats a request whose result is speculative, its first such repetition.
        epoch_ticks: the age of the epoch here, in ticks.
        threat: the threat machine.
        guard: the guard.
    """

    config: Config
    bft: Replica
    committed: ControlState
    speculative: ControlState
    raft_epoch: RaftEpoch | None
    raft: raft.Node | None
    threat: threat.Threat
    guard: guard.Guard
    digests: tuple[Digest, ...] = ()
    votes: Mapping[tuple[int, Digest], Mapping[NodeId, Vote]] = attrs.field(factory=dict)
    heard: Mapping[NodeId, Vote] = attrs.field(factory=dict)
    pending: QuorumCertificate | None = None
    aborts: Mapping[NodeId, AbortHistory] = attrs.field(factory=dict)
    switchbacks: Mapping[NodeId, SwitchbackVote] = attrs.field(factory=dict)
    waiting: Mapping[ClientId, Waiting] = attrs.field(factory=dict)
    unconfirmed: Mapping[ClientId, Waiting] = attrs.field(factory=dict)
    epoch_ticks: int = 0

    @property
    def name(self) -> NodeId:
        """The name of this replica."""
        return self.config.node

    @property
    def epoch(self) -> int:
        """The epoch that it is in."""
        return self.committed.epoch

    @property
    def is_bft(self) -> bool:
        """True if that is a BFT epoch."""
        return self.committed.protocol == BFT

    @property
    def serving(self) -> RaftEpoch | None:
        """The Raft epoch that it takes part in; None in a BFT epoch, and after its abort."""
        return self.raft_epoch if self.raft_epoch is not None and self.raft_epoch.abort is None else None

    @property
    def is_leader(self) -> bool:
        """True if it leads a Raft epoch."""
        is_leading = self.raft is not None and isinstance(self.raft.role, raft.Leader)
        return is_leading and self.serving is not None

    @property
    def durable(self) -> Durable:
        """Its durable state."""
        return Durable(
            bft=self.bft.durable,
            raft_epoch=self.raft_epoch,
            threat=self.threat.durable,
            guard=self.guard,
        )
