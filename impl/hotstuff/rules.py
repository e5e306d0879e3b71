"""The rules on which HotStuff's safety rests, each a function on plain values.

They carry the names of their definitions in `specs/hotstuff/HotStuff.tla`.
"""

from collections.abc import Iterable, Mapping

from impl.common.encoding import Digest
from impl.common.identities import NodeId
from impl.hotstuff.configuration import Config
from impl.hotstuff.messages import Block, Certificate, Timeout
from impl.hotstuff.state import Durable
from impl.hotstuff.tree import ancestors, is_ancestor, parent_certificate

__all__ = [
    "certificate_size",
    "commit_for",
    "has_new_views",
    "higher",
    "in_a_row",
    "lock_for",
    "may_propose",
    "proposes_once",
    "recovered_view",
    "safe_node",
    "timeouts_needed",
    "view_to_join",
    "votes_in_time",
    "votes_later",
    "weak_quorum_size",
]


# --- how many -----------------------------------------------------------------------------------


def certificate_size(config: Config) -> int:
    """The number of votes that make a certificate."""
    return config.quorum


def timeouts_needed(config: Config) -> int:
    """The number of time-outs that make a time-out certificate."""
    return config.quorum


def weak_quorum_size(config: Config) -> int:
    """The least number of replicas of which at least one is correct."""
    return config.f + 1


# --- votes --------------------------------------------------------------------------------------


def may_propose(config: Config, node: NodeId, view: int) -> bool:
    """The replica that may propose in a view: its leader."""
    return node == config.leader(view)


def proposes_once(durable: Durable, view: int) -> bool:
    """A leader proposes once in a view, a crash between notwithstanding."""
    return view > durable.proposed


def votes_later(durable: Durable, view: int) -> bool:
    """A replica votes once in a view, and views rise."""
    return view > durable.voted


def votes_in_time(durable: Durable, view: int) -> bool:
    """A replica votes in no view in which it has timed out: its time-out told what it knew."""
    return view > durable.timed


def safe_node(config: Config, durable: Durable, block: Digest, justify: Certificate) -> bool:
    """The block extends the lock, or its parent was certified after it (paper, algorithm 1)."""
    return is_ancestor(config, durable, durable.lock, block) or justify.view > durable.lock.view


def lock_for(config: Config, durable: Durable, certificate: Certificate) -> Certificate:
    """The lock of a replica that knows this certificate: the parent of the block."""
    return parent_certificate(config, durable, certificate.block)


def higher(one: Certificate, other: Certificate) -> Certificate:
    """The certificate of the higher view; the first if they are of the same."""
    return other if other.view > one.view else one


# --- commits ------------------------------------------------------------------------------------


def in_a_row(view: int, following: int) -> bool:
    """Return whether two views are consecutive."""
    return following == view + 1


def commit_for(durable: Durable, block: Digest) -> Digest | None:
    """The grandparent that a block's certificate commits, if the three are in a row (paper, algorithm 3)."""
    three = [found for _, (_, found) in zip(range(3), ancestors(durable, block), strict=False)]
    if len(three) < 3:
        return None
    last, middle, first = (each.view for each in three)
    return three[1].parent if in_a_row(first, middle) and in_a_row(middle, last) else None


# --- views --------------------------------------------------------------------------------------


def view_to_join(config: Config, timeouts: Mapping[NodeId, Timeout], own: NodeId) -> int:
    """The last view that f + 1 others have given up, or gone beyond; 0 if there is none (Bracha's step)."""
    views = sorted((each.view for source, each in timeouts.items() if source != own), reverse=True)
    return views[weak_quorum_size(config) - 1] if len(views) >= weak_quorum_size(config) else 0


def has_new_views(config: Config, durable: Durable, view: int, timeouts: Iterable[Timeout]) -> bool:
    """Return whether a leader may propose: no certificate is hidden from it.

    It knows the certificate of the view before, or the time-outs of a quorum carry no higher certificate than
    its own. Otherwise a replica might be locked on a certificate unknown to the leader, and refuse its block.
    """
    if durable.high.view == view - 1:
        return True
    entry = durable.entry
    if entry is not None and entry.view == view - 1 and max(entry.high_views) <= durable.high.view:
        return True
    told = {each.source for each in timeouts if each.view == view - 1 and each.high.view <= durable.high.view}
    return len(told) >= timeouts_needed(config)


def recovered_view(durable: Durable) -> int:
    """The view of a replica that comes back: none that it has left."""
    return max(durable.high.view + 1, durable.voted, durable.timed)


def leads_next(config: Config, block: Block) -> NodeId:
    """The replica that collects the votes for a block: the leader of the next view."""
    return config.leader(block.view + 1)
