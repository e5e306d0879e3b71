"""The state of one Raft server: its settings, its durable state, its volatile state."""

from collections.abc import Hashable
from typing import Final, TypeAlias

import attrs

from impl.common.errors import InvalidConfig
from impl.common.identities import NodeId
from impl.raft.configuration import Configuration
from impl.raft.log import Entry, Snapshot, in_force, last_change, term_of
from impl.raft.sizes import SizeLimits

__all__ = [
    "NO_LEASE",
    "Candidate",
    "Config",
    "Durable",
    "Follower",
    "Leader",
    "Lease",
    "MisroutedInput",
    "Node",
    "PendingRead",
    "PreCandidate",
    "Progress",
    "Role",
]


class MisroutedInput(ValueError):
    """The host handed a server an input that is not for it: its routing is wrong.

    Usual cause: a message delivered to another server than its `dest`. The server's state is unchanged.
    """


@attrs.frozen
class Config:
    """The name of this server, the founders of its cluster, and the parts of the protocol that are on.

    All servers of a cluster are given the same founders and the same settings. A server that joins
    later is no founder: it learns of the cluster from the log.

    Attributes:
        node: this server.
        founders: the voters of the first configuration.
        entries_max: how many entries one AppendEntries request may carry, at least 1.
        unacknowledged_max: with `pipelining`, how many entries may be sent ahead of their
            acknowledgement, at least 1.
        pre_vote: ask first whether an election would be won, so that who would not win raises no term
            (thesis, 9.6).
        check_quorum: a leader whom no quorum answers steps down, and who hears a leader ignores
            candidates (thesis, 6.2 and 4.2.3).
        leases: a leader may answer reads by its clock (thesis, 6.4.1).
        pipelining: send requests before earlier ones are acknowledged (thesis, 10.2.2).
        conflict_term: a refusal says where to go on (paper, 5.3).
        async_disk: a leader writes its disk while it replicates (thesis, 10.2.1).
        election_ticks: for so many ticks of its clock a server that heard a leader stays with it, at
            least 1; no more than the shortest election timeout.
        lease_ticks: for so many ticks after a round was sent the leader relies on it.
        size_limits: how large clients' values and requests may be; None if of any size.

    Raises:
        InvalidConfig: if there are no founders or one is named twice, a limit is below 1, or leases
            outlast what servers promise: a lease must end before any server that answered it may vote
            for another, also by a clock that runs ahead. The room between `lease_ticks` and
            `election_ticks` is what two clocks may drift apart, there and back: twice the skew.
    """

    node: NodeId
    founders: tuple[NodeId, ...]
    entries_max: int = 64
    unacknowledged_max: int = 256
    pre_vote: bool = False
    check_quorum: bool = False
    leases: bool = False
    pipelining: bool = False
    conflict_term: bool = False
    async_disk: bool = False
    election_ticks: int = 10
    lease_ticks: int = 6
    size_limits: SizeLimits | None = None

    def __attrs_post_init__(self) -> None:
        if not self.founders:
            raise InvalidConfig(f"server {self.node!r} has 0 founders: name the cluster's first voters")
        if len(set(self.founders)) < len(self.founders):
            raise InvalidConfig(f"founders {self.founders} name a server twice: each server has one vote")
        if self.entries_max < 1:
            raise InvalidConfig(
                f"entries_max is {self.entries_max}: a request must be able to carry at least 1 entry"
            )
        if self.unacknowledged_max < 1:
            raise InvalidConfig(
                f"unacknowledged_max is {self.unacknowledged_max}: "
                "a leader must be able to send at least 1 entry"
            )
        if self.election_ticks < 1:
            raise InvalidConfig(
                f"election_ticks is {self.election_ticks}: a leader must be heard for at least 1 tick"
            )
        if self.lease_ticks < 0:
            raise InvalidConfig(f"lease_ticks is {self.lease_ticks}: a lease cannot end before it begins")
        if self.leases and self.lease_ticks >= self.election_ticks:
            raise InvalidConfig(
                f"lease_ticks is {self.lease_ticks} and election_ticks {self.election_ticks}: "
                "a follower stays with its leader for election_ticks of its own clock, "
                "so that a lease of the leader's clock must be shorter by twice what the clocks may differ. "
                f"Use at most {self.election_ticks - 1}"
            )

    @property
    def is_timed(self) -> bool:
        """True if servers count time."""
        return self.pre_vote or self.check_quorum or self.leases

    @property
    def first_snapshot(self) -> Snapshot:
        """The snapshot with which the log of every server of the cluster begins."""
        return Snapshot(configuration=Configuration(frozenset(self.founders)))


@attrs.frozen
class Durable:
    """The state that a crash must not lose (paper, Figures 2 and 13).

    Attributes:
        current_term: the latest term seen; 0 before the first election.
        voted_for: whom this server voted for in `current_term`; None if nobody.
        log: the entries behind the snapshot; log index k is `log[k - snapshot.index - 1]`.
        snapshot: what stands for all before them.
    """

    current_term: int = 0
    voted_for: NodeId | None = None
    log: tuple[Entry, ...] = ()
    snapshot: Snapshot = attrs.field(kw_only=True)

    @property
    def last_index(self) -> int:
        """The log index of the last entry."""
        return self.snapshot.index + len(self.log)

    @property
    def last_term(self) -> int:
        """The term of the last entry; 0 if there never was one."""
        return self.log[-1].term if self.log else self.snapshot.term

    def term_at(self, index: int) -> int:
        """The term at a log index, from the snapshot's end to the log's."""
        return term_of(self.snapshot, self.log, index)

    def entry_at(self, index: int) -> Entry:
        """The entry at a log index behind the snapshot's end."""
        return self.log[index - self.snapshot.index - 1]


@attrs.frozen
class Follower:
    """Takes entries from a leader, and votes."""


@attrs.frozen
class PreCandidate:
    """Asks who would vote for it. `votes_granted` are the servers that would, itself included."""

    votes_granted: frozenset[NodeId]


@attrs.frozen
class Candidate:
    """Asks for votes. `votes_granted` are the servers that voted for it, itself included."""

    votes_granted: frozenset[NodeId]


@attrs.frozen
class Progress:
    """The progress of one other member, as its leader knows it.

    Attributes:
        peer: the member.
        next_index: the next log index to send to it.
        match_index: the greatest log index known to be the same there; below `next_index`.
        acked: the latest round that it answered.
        is_active: with `check_quorum`, whether it answered since the last check.
    """

    peer: NodeId
    next_index: int = 1
    match_index: int = 0
    acked: int = 0
    is_active: bool = False


@attrs.frozen
class PendingRead:
    """A read to be answered from the state at log index `index`, once a quorum answered `round`."""

    read: Hashable
    index: int
    round: int


@attrs.frozen
class Lease:
    """The round on which a lease rests, and for how many more ticks it may be relied on."""

    round: int = 0
    left: int = 0


#: No lease.
NO_LEASE: Final = Lease()


@attrs.frozen
class Leader:
    """Replicates its log.

    Attributes:
        progress: one item for each other member of the configuration in force, sorted by name.
        configuration: the configuration in force, the last one in the log or the snapshot.
        change_index: the log index of that configuration; 0 if it was the snapshot's when the leader
            was elected.
        round: counts the rounds of requests that reads and leases asked for.
        pending: the reads to be answered, in the order of their rounds.
        lease: what reads by the clock rest on.
        transferee: to whom it is handing over; None if to nobody.
        handed_over: whether it ever asked anybody to take over.
    """

    progress: tuple[Progress, ...]
    configuration: Configuration
    change_index: int = 0
    round: int = 0
    pending: tuple[PendingRead, ...] = ()
    lease: Lease = NO_LEASE
    transferee: NodeId | None = None
    handed_over: bool = False

    def of(self, peer: NodeId) -> Progress | None:
        """The progress of one other member; None if it is none."""
        for progress in self.progress:
            if progress.peer == peer:
                return progress
        return None


#: What a server currently is.
Role: TypeAlias = Follower | PreCandidate | Candidate | Leader


@attrs.frozen
class Node:
    """One server.

    Attributes:
        config: who it is; never changes.
        durable: what survives a crash (with `async_disk` its log only up to `synced`).
        synced: with `async_disk`, the log index up to which its log is on disk; else 0.
        commit_index: the greatest log index that it knows to be committed; lost in a crash.
        role: follower, (pre-)candidate or leader, with what belongs to the role; lost in a crash.
        heard: for so many more ticks it stays with the leader that it heard.
    """

    config: Config
    durable: Durable
    synced: int = 0
    commit_index: int = 0
    role: Role = Follower()
    heard: int = 0

    @property
    def durable_index(self) -> int:
        """The log index up to which its log would survive a crash."""
        return self.synced if self.config.async_disk else self.durable.last_index

    @property
    def configuration(self) -> Configuration:
        """The configuration that it uses: the last one in its log, committed or not (paper, section 6).

        A leader keeps it at hand; any other server looks through its log.
        """
        if isinstance(self.role, Leader):
            return self.role.configuration
        return in_force(self.durable.snapshot, self.durable.log, self.durable.last_index)

    @property
    def committed_configuration(self) -> Configuration:
        """The last configuration that it knows to be committed."""
        return in_force(self.durable.snapshot, self.durable.log, self.commit_index)

    @property
    def change_index(self) -> int:
        """The log index of the last configuration in its log; 0 if its log holds none."""
        if isinstance(self.role, Leader):
            return self.role.change_index
        return last_change(self.durable.snapshot, self.durable.log, self.durable.last_index)
