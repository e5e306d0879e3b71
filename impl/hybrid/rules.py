"""The rules on which the safety of Raft epochs and of hand-overs rests, each a function on plain values.

They carry the names of docs/hybrid.md, which says why they suffice; `models/hybrid.py` proves it.
"""

from collections.abc import Iterable, Sequence

from impl import quorum
from impl.common.encoding import Digest
from impl.common.identities import NodeId
from impl.common.keys import Keys
from impl.hybrid.messages import Ack, Seal
from impl.hybrid.signing import is_signed

__all__ = ["extends", "last_seal", "may_ack", "may_hold", "seal_flaw", "seals", "stops_epoch"]


def extends(digests: Sequence[Digest], index: int, digest: Digest) -> bool:
    """Return whether the chain with these digests, from index 1 on, has that digest at an index, 0 for the empty chain."""
    return index == 0 or (index <= len(digests) and digests[index - 1] == digest)


def may_ack(acked: Ack | None, held: Seal | None, term: int, index: int, digests: Sequence[Digest]) -> bool:
    """Return whether a replica acks in `term` the chain of these digests up to `index` (rules A1 and A2).

    Args:
        acked: the last that it acked in this epoch.
        held: what it holds.
        term: of its Raft.
        index: how far it vouches for the chain, at least 1.
        digests: of its log.
    """
    chain = digests[:index]
    if acked is not None:
        if term < acked.term:
            return False
        if term == acked.term and not extends(chain, acked.index, acked.digest):
            return False
    if held is not None:
        return term >= held.term and extends(chain, held.index, held.digest)
    return True


def may_hold(acked: Ack | None, held: Seal | None, seal: Seal) -> bool:
    """Return whether a replica takes this seal in the place of the one it holds (rule H1)."""
    if acked is not None and acked.term > seal.term:
        return False
    return held is None or (seal.term, seal.index) > (held.term, held.index)


def seals(acks: Iterable[Ack], replicas: Sequence[NodeId], f: int) -> bool:
    """Return whether these acks, which say the same, are a quorum's."""
    sources = {ack.source for ack in acks if ack.source in replicas}
    return len(sources) >= quorum.byzantine_quorum(len(replicas), f)


def last_seal(held: Iterable[Seal | None]) -> Seal | None:
    """Of what the stops of a close hold, the longest chain of the highest term; None if nobody holds anything."""
    known = [seal for seal in held if seal is not None]
    return max(known, key=lambda seal: (seal.term, seal.index), default=None)


def stops_epoch(others: int, f: int) -> bool:
    """Return whether so many others stopped that a correct one is among them."""
    return others > f


def seal_flaw(seal: Seal, epoch: int, replicas: Sequence[NodeId], f: int, keys: Keys) -> str:
    """The reason that keeps a seal from proving that a quorum acked its chain in an epoch; empty if it does."""
    if seal.epoch != epoch:
        return f"it is of epoch {seal.epoch}, not {epoch}"
    about = (seal.epoch, seal.term, seal.index, seal.digest)
    if any((ack.epoch, ack.term, ack.index, ack.digest) != about for ack in seal.acks):
        return "an ack says something else"
    if len(seal.acks) > len(replicas) or not seals(seal.acks, replicas, f):
        return f"{len(seal.acks)} acks are no quorum, or too many"
    if not all(is_signed(ack, keys) for ack in seal.acks):
        return "an ack has not the signature of its source"
    return ""
