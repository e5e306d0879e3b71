"""Configurations: voters and learners, and which may follow which (thesis, chapter 4)."""

from collections.abc import Collection, Mapping

import attrs

from impl import quorum
from impl.common.errors import InvalidConfig
from impl.common.identities import NodeId

__all__ = ["Configuration"]

_NOBODY: frozenset[NodeId] = frozenset()


@attrs.frozen
class Configuration:
    """The members of a cluster.

    While two sets of voters change hands (joint consensus, paper, section 6) `outgoing` holds the old
    ones; else it is empty.

    Attributes:
        voters: whose votes and acknowledgements count; at least one.
        outgoing: the voters of before, whose votes still count as well.
        learners: who receives the log and has no vote yet (thesis, 4.2.1).

    Raises:
        InvalidConfig: if nobody votes, or a learner votes as well.
    """

    voters: frozenset[NodeId]
    outgoing: frozenset[NodeId] = _NOBODY
    learners: frozenset[NodeId] = _NOBODY

    def __attrs_post_init__(self) -> None:
        if not self.voters:
            raise InvalidConfig("a configuration has 0 voters: nobody could ever commit, keep at least 1")
        if both := self.learners & self.all_voters:
            raise InvalidConfig(f"{sorted(both)} are voters and learners at once: a learner has no vote yet")

    def __str__(self) -> str:
        """The members, by name, so that what is said of it is the same in every process."""
        parts = {"voters": self.voters, "outgoing": self.outgoing, "learners": self.learners}
        return "; ".join(f"{part} {', '.join(sorted(who))}" for part, who in parts.items() if who)

    @property
    def is_joint(self) -> bool:
        """True if old and new voters have to agree, each among themselves."""
        return bool(self.outgoing)

    @property
    def all_voters(self) -> frozenset[NodeId]:
        """The voters of both sides."""
        return self.voters | self.outgoing if self.outgoing else self.voters

    @property
    def members(self) -> frozenset[NodeId]:
        """All servers that receive the log."""
        return self.voters | self.outgoing | self.learners

    def has_quorum(self, nodes: Collection[NodeId]) -> bool:
        """Return whether these servers are a majority of the voters.

        In a joint configuration they must be one of the old voters too.
        """
        agreed = frozenset(nodes)
        return all(
            quorum.has_majority(len(agreed & voters), len(voters))
            for voters in (self.voters, self.outgoing)
            if voters
        )

    def agreed_index(self, held: Mapping[NodeId, int]) -> int:
        """The greatest index up to which a quorum holds something.

        Args:
            held: for each voter the index up to which it does; others do not count.

        Returns:
            0 if a quorum holds nothing.
        """
        agreed = quorum.commit_index([held[voter] for voter in self.voters])
        if self.outgoing:
            return min(agreed, quorum.commit_index([held[voter] for voter in self.outgoing]))
        return agreed

    def may_become(self, other: "Configuration") -> bool:
        """Return whether `other` may follow this configuration, so that quorums of both share a server.

        One voter more or less, one learner more or less (thesis, 4.1), or any other voters by way of a joint
        configuration (paper, 6), which has one successor. A learner that becomes a voter is no learner any
        more.
        """
        if self.is_joint:
            return other == Configuration(self.voters, learners=self.learners)
        if other.is_joint:
            return (
                other.outgoing == self.voters != other.voters
                and other.learners == self.learners - other.voters
            )
        changed = self.voters ^ other.voters
        if changed:
            return len(changed) == 1 and other.learners == self.learners - changed
        return len(self.learners ^ other.learners) == 1
