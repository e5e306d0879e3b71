"""The log of messages that may still count, for each sender one for each purpose."""

from collections.abc import Mapping
from typing import TypeVar

import attrs

from impl.common.encoding import Digest
from impl.pbft.messages import Checkpoint, Commit, Prepare, PrePrepare, ViewChange
from impl.pbft.state import NO_VOTES, Node, Votes, beyond

__all__ = [
    "accepts",
    "heard",
    "heard_checkpoint",
    "heard_view_change",
    "votes_from_view",
    "without_checkpoints",
]

Said = TypeVar("Said", PrePrepare, Prepare, Commit)


def heard(node: Node, message: PrePrepare | Prepare | Commit) -> Node:
    """The replica with one more message for a number, in place of the sender's from earlier views."""
    votes = node.votes.get(message.seq, NO_VOTES)
    match message:
        case PrePrepare():
            votes = attrs.evolve(votes, pre_prepares={**votes.pre_prepares, message.source: message})
        case Prepare():
            votes = attrs.evolve(votes, prepares={**votes.prepares, message.source: message})
        case Commit():
            votes = attrs.evolve(votes, commits={**votes.commits, message.source: message})
    return attrs.evolve(node, votes={**node.votes, message.seq: votes})


def _of_view(held: Mapping[str, Said], view: int) -> dict[str, Said]:
    """The messages of this view or a later one."""
    return {source: message for source, message in held.items() if message.view >= view}


def votes_from_view(node: Node, view: int) -> Mapping[int, Votes]:
    """The votes heard, without those of earlier views, which no longer count."""
    kept = {
        seq: Votes(
            pre_prepares=_of_view(votes.pre_prepares, view),
            prepares=_of_view(votes.prepares, view),
            commits=_of_view(votes.commits, view),
        )
        for seq, votes in node.votes.items()
    }
    return {seq: votes for seq, votes in kept.items() if votes != NO_VOTES}


def accepts(node: Node, seq: int, digest: Digest) -> Node:
    """The replica that counts votes at a number for this digest, its proposal no longer waiting."""
    votes = node.votes.get(seq, NO_VOTES)
    early = _of_view(votes.pre_prepares, node.durable.view + 1)
    votes = attrs.evolve(votes, accepted=digest, pre_prepares=early)
    return attrs.evolve(node, votes={**node.votes, seq: votes})


def heard_checkpoint(node: Node, message: Checkpoint) -> Node:
    """The replica with one more checkpoint of a sender, of whom the last `checkpoints_max` are kept.

    A correct sender has no more beyond what is stable.
    """
    known = node.checkpoints.get(message.source, ())
    several = sorted((*known, message), key=lambda each: each.seq)[-node.config.checkpoints_max :]
    return attrs.evolve(node, checkpoints={**node.checkpoints, message.source: tuple(several)})


def without_checkpoints(node: Node, up_to: int) -> Node:
    """The replica without the messages for numbers that are stable now."""
    kept = {
        source: tuple(each for each in several if each.seq > up_to)
        for source, several in node.checkpoints.items()
    }
    return attrs.evolve(
        node,
        votes=beyond(node.votes, up_to),
        checkpoints={source: several for source, several in kept.items() if several},
    )


def heard_view_change(node: Node, message: ViewChange) -> Node:
    """The replica with a view change in place of the sender's earlier ones."""
    return attrs.evolve(node, view_changes={**node.view_changes, message.source: message})
