"""The rules on which the safety of Raft epochs and of switches rests, each a function on plain values.

docs/hybrid.md names them and says why they suffice; `models/hybrid.py` proves it.
"""

from collections.abc import Iterable, Sequence

from impl import quorum
from impl.common.encoding import Digest
from impl.common.identities import NodeId
from impl.common.keys import Keys
from impl.hybrid.messages import QuorumCertificate, Vote
from impl.hybrid.signing import is_signed

__all__ = ["extends", "highest_qc", "is_quorum", "may_lock", "may_vote", "must_join", "qc_rejection"]


def extends(digests: Sequence[Digest], index: int, digest: Digest) -> bool:
    """Return whether the prefix with these digests, from index 1 on, has that digest at an index.

    At index 0 every prefix has it.
    """
    return index == 0 or (index <= len(digests) and digests[index - 1] == digest)


def may_vote(
    last_vote: Vote | None, locked: QuorumCertificate | None, term: int, index: int, digests: Sequence[Digest]
) -> bool:
    """Return whether a replica may vote in `term` for a prefix of these digests (rules A1 and A2).

    The prefix ends at `index`.

    Args:
        last_vote: its last vote in this epoch.
        locked: its locked QC.
        term: its Raft term.
        index: the length of the prefix, at least 1.
        digests: the digests of its log.
    """
    prefix = digests[:index]
    if last_vote is not None:
        if term < last_vote.term:
            return False
        if term == last_vote.term and not extends(prefix, last_vote.index, last_vote.digest):
            return False
    if locked is not None:
        return term >= locked.term and extends(prefix, locked.index, locked.digest)
    return True


def may_lock(last_vote: Vote | None, locked: QuorumCertificate | None, qc: QuorumCertificate) -> bool:
    """Return whether a replica may replace its locked QC by this one (rule H1)."""
    if last_vote is not None and last_vote.term > qc.term:
        return False
    return locked is None or (qc.term, qc.index) > (locked.term, locked.index)


def is_quorum(votes: Iterable[Vote], replicas: Sequence[NodeId], f: int) -> bool:
    """Return whether these like votes come from a quorum."""
    sources = {vote.source for vote in votes if vote.source in replicas}
    return len(sources) >= quorum.byzantine_quorum(len(replicas), f)


def highest_qc(locked: Iterable[QuorumCertificate | None]) -> QuorumCertificate | None:
    """The QC of the highest term with the longest prefix among the locks of n - f aborts.

    None if there is none.
    """
    known = [qc for qc in locked if qc is not None]
    return max(known, key=lambda qc: (qc.term, qc.index), default=None)


def must_join(others: int, f: int) -> bool:
    """Return whether at least one of the replicas that aborted is correct."""
    return others > f


def qc_rejection(qc: QuorumCertificate, epoch: int, replicas: Sequence[NodeId], f: int, keys: Keys) -> str:
    """The rejection reason of a QC; empty if it proves that a quorum voted for its prefix in an epoch."""
    if qc.epoch != epoch:
        return f"it is of epoch {qc.epoch}, not {epoch}"
    about = (qc.epoch, qc.term, qc.index, qc.digest)
    if any((vote.epoch, vote.term, vote.index, vote.digest) != about for vote in qc.votes):
        return "a vote is for something else"
    if len(qc.votes) > len(replicas) or not is_quorum(qc.votes, replicas, f):
        return f"{len(qc.votes)} votes are no quorum, or too many"
    if not all(is_signed(vote, keys) for vote in qc.votes):
        return "a vote lacks the signature of its source"
    return ""
