"""What one Raft server is: its configuration, its durable state, its volatile state."""

from collections.abc import Hashable
from typing import Final, TypeAlias

import attrs

__all__ = [
    "NOOP",
    "Candidate",
    "Config",
    "Durable",
    "Entry",
    "Follower",
    "InvalidConfig",
    "Leader",
    "MisroutedInput",
    "NoOp",
    "Node",
    "NodeId",
    "Progress",
    "Role",
]

#: The name of a server, unique in its cluster.
NodeId: TypeAlias = str


class InvalidConfig(ValueError):
    """The operator described a cluster that cannot be.

    Usual causes: a server that is not among its own members, a member named twice.
    """


class MisroutedInput(ValueError):
    """The host handed a server an input that is not for it: its routing is wrong.

    Usual causes: a message delivered to another server than its `dest`, an `AppendEntries` for
    somebody who is no peer. The server's state is unchanged.
    """


@attrs.frozen
class NoOp:
    """The value of the entry with which a leader opens its term; it is applied to nothing."""


#: The one no-op value.
NOOP: Final = NoOp()


@attrs.frozen
class Entry:
    """One entry of a log: the term of the leader that made it, and a client's value or `NOOP`."""

    term: int
    value: Hashable


@attrs.frozen
class Config:
    """Who this server is and with whom it forms a cluster.

    Attributes:
        node: this server.
        members: all servers of the cluster, this one among them.
        entries_max: how many entries one AppendEntries request may carry, at least 1.

    Raises:
        InvalidConfig: if `node` is no member, a member is named twice, or `entries_max` < 1.
    """

    node: NodeId
    members: tuple[NodeId, ...]
    entries_max: int = 64

    def __attrs_post_init__(self) -> None:
        if self.node not in self.members:
            raise InvalidConfig(
                f"server {self.node!r} is not among its members {self.members}: add it, or fix its name"
            )
        if len(set(self.members)) < len(self.members):
            raise InvalidConfig(f"members {self.members} name a server twice: each server has one vote")
        if self.entries_max < 1:
            raise InvalidConfig(
                f"entries_max is {self.entries_max}: a request must be able to carry at least 1 entry"
            )

    @property
    def peers(self) -> tuple[NodeId, ...]:
        """The other members."""
        return tuple(member for member in self.members if member != self.node)


@attrs.frozen
class Durable:
    """What a crash must not lose (paper, Figure 2, "persistent state on all servers").

    Attributes:
        current_term: the latest term seen; 0 before the first election.
        voted_for: whom this server voted for in `current_term`; None if nobody.
        log: the entries; log index k is `log[k - 1]`.
    """

    current_term: int = 0
    voted_for: NodeId | None = None
    log: tuple[Entry, ...] = ()


@attrs.frozen
class Follower:
    """Takes entries from a leader, and votes."""


@attrs.frozen
class Candidate:
    """Asks for votes. `votes_granted` are the servers that voted for it, itself included."""

    votes_granted: frozenset[NodeId]


@attrs.frozen
class Progress:
    """What a leader knows of one peer.

    Attributes:
        peer: the peer.
        next_index: the next log index to send to it.
        match_index: the greatest log index known to be the same there; below `next_index`.
    """

    peer: NodeId
    next_index: int = 1
    match_index: int = 0


@attrs.frozen
class Leader:
    """Replicates its log. `progress` has one item a peer, in the order of `Config.peers`."""

    progress: tuple[Progress, ...]

    def of(self, peer: NodeId) -> Progress:
        """What is known of one peer.

        Raises:
            MisroutedInput: if it is no peer.
        """
        for progress in self.progress:
            if progress.peer == peer:
                return progress
        raise MisroutedInput(
            f"{peer!r} is no peer of this leader: its peers are {[p.peer for p in self.progress]}"
        )

    def learn(self, learnt: Progress) -> "Leader":
        """This leader, knowing something else of one peer."""
        return Leader(tuple(learnt if old.peer == learnt.peer else old for old in self.progress))


#: What a server currently is.
Role: TypeAlias = Follower | Candidate | Leader


@attrs.frozen
class Node:
    """One server.

    Attributes:
        config: who it is; never changes.
        durable: what survives a crash.
        commit_index: the greatest log index that it knows to be committed; lost in a crash.
        role: follower, candidate or leader, with what belongs to the role; lost in a crash.
    """

    config: Config
    durable: Durable = Durable()
    commit_index: int = 0
    role: Role = Follower()
