"""The terms and leaders that a server follows: a later term, the leader of its own (paper, 5.1 and 5.2)."""

import attrs

from impl.raft.state import Candidate, Durable, Follower, Node, PreCandidate

__all__ = ["follow_leader", "follow_term", "safe_up_to"]


def safe_up_to(node: Node, last_index: int) -> int:
    """The value of `synced` once all is on disk that was written up to `last_index`.

    A disk is written in order: what makes a vote safe makes safe all that was written before.
    """
    return last_index if node.config.async_disk else 0


def follow_term(node: Node, term: int) -> Node:
    """Follow in a term above its own, with no vote given yet (paper, 5.1)."""
    durable = node.durable
    return attrs.evolve(
        node,
        durable=Durable(term, None, durable.log, snapshot=durable.snapshot),
        synced=safe_up_to(node, durable.last_index),
        role=Follower(),
    )


def follow_leader(node: Node, term: int) -> Node:
    """Hear the leader of its own term or of a later one.

    A candidate gives up (paper, 5.2); its vote stands if the term is the same.
    """
    if term > node.durable.current_term:
        node = follow_term(node, term)
    elif isinstance(node.role, PreCandidate | Candidate):
        node = attrs.evolve(node, role=Follower())
    if node.config.is_timed and node.heard != node.config.election_ticks:
        node = attrs.evolve(node, heard=node.config.election_ticks)
    return node
