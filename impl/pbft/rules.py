"""The rules on which PBFT's safety rests, each a function on plain values.

They carry the names of their definitions in `specs/pbft/Pbft.tla`. Votes are counted by who gave them, never
by how many messages came.
"""

from collections.abc import Iterable, Mapping

from impl.common.encoding import Digest
from impl.common.identities import NodeId
from impl.common.requests import Batch, Request
from impl.common.service import State
from impl.pbft.configuration import Config
from impl.pbft.messages import (
    NULL_BATCH,
    Checkpoint,
    CheckpointCertificate,
    Commit,
    Prepare,
    PreparedCertificate,
    PrePrepare,
    ViewChange,
)
from impl.pbft.state import Durable

__all__ = [
    "base",
    "checkpoint_votes",
    "commit_quorum_size",
    "commit_votes",
    "fill",
    "in_window",
    "is_committed",
    "is_prepared",
    "is_stable",
    "latest",
    "may_accept",
    "may_execute",
    "may_propose",
    "next_seq",
    "prepare_quorum_size",
    "prepare_votes",
    "preparers",
    "quorum_size",
    "reproposals",
    "told",
    "view_to_join",
    "weak_quorum_size",
]


# --- how many -----------------------------------------------------------------------------------


def quorum_size(config: Config) -> int:
    """The least number of replicas of which any two sets share a correct one: 2f + 1 only if n = 3f + 1."""
    return config.quorum


def weak_quorum_size(config: Config) -> int:
    """The least number of replicas of which at least one is correct."""
    return config.f + 1


def prepare_quorum_size(config: Config) -> int:
    """The number of prepares that it takes: the primary has spoken by its pre-prepare (paper, 4.2)."""
    return quorum_size(config) - 1


def commit_quorum_size(config: Config) -> int:
    """The number of commits that it takes (paper, 4.2)."""
    return quorum_size(config)


# --- whose votes count, and for what ------------------------------------------------------------


def preparers(config: Config, view: int) -> frozenset[NodeId]:
    """Those whose prepare counts: all but the primary (paper, 4.2)."""
    return frozenset(config.replicas) - {config.primary(view)}


def prepare_votes(
    config: Config, prepares: Iterable[Prepare], view: int, seq: int, digest: Digest
) -> frozenset[NodeId]:
    """The replicas that may agree to this batch at this number in this view, and did."""
    return preparers(config, view) & {
        vote.source for vote in prepares if vote.digest == digest and vote.view == view and vote.seq == seq
    }


def commit_votes(
    config: Config, commits: Iterable[Commit], view: int, seq: int, digest: Digest
) -> frozenset[NodeId]:
    """The replicas that committed to this batch at this number in this view."""
    return frozenset(config.replicas) & {
        vote.source for vote in commits if vote.digest == digest and vote.view == view and vote.seq == seq
    }


def checkpoint_votes(
    config: Config, checkpoints: Iterable[Checkpoint], seq: int, digest: Digest
) -> frozenset[NodeId]:
    """The replicas that had this state at this number."""
    return frozenset(config.replicas) & {
        vote.source for vote in checkpoints if vote.digest == digest and vote.seq == seq
    }


def is_prepared(config: Config, prepares: Iterable[Prepare], view: int, seq: int, digest: Digest) -> bool:
    """The paper's prepared(m, v, n), as far as votes go: with the primary's proposal they are a quorum."""
    return len(prepare_votes(config, prepares, view, seq, digest)) >= prepare_quorum_size(config)


def is_committed(config: Config, commits: Iterable[Commit], view: int, seq: int, digest: Digest) -> bool:
    """The paper's committed-local(m, v, n), as far as votes go."""
    return len(commit_votes(config, commits, view, seq, digest)) >= commit_quorum_size(config)


def is_stable(config: Config, checkpoints: Iterable[Checkpoint], seq: int, digest: Digest) -> bool:
    """Return whether a quorum has a checkpoint, so that the log before it may go (paper, 4.3)."""
    return len(checkpoint_votes(config, checkpoints, seq, digest)) >= quorum_size(config)


# --- the normal case ----------------------------------------------------------------------------


def may_propose(config: Config, node: NodeId, view: int) -> bool:
    """The replica that may propose in a view: its primary."""
    return node == config.primary(view)


def may_accept(accepted: Mapping[int, PrePrepare], seq: int) -> bool:
    """A replica accepts one proposal for a sequence number in a view (paper, 4.2)."""
    return seq not in accepted


def in_window(config: Config, seq: int, low: int) -> bool:
    """Return whether a number is between the watermarks, the high one included (paper, 4.2)."""
    return low < seq <= low + config.window


def next_seq(durable: Durable) -> int:
    """The number that a primary gives to its next proposal."""
    return 1 + max(durable.stable.seq, *durable.accepted, 0)


def may_execute(state: State, request: Request) -> bool:
    """A request is executed once, however often it is decided (paper, 4.1).

    Timestamps of a client grow, so the last one covers all earlier ones.
    """
    last = state.last_answer(request.client)
    return last is None or last.timestamp < request.timestamp


# --- view changes -------------------------------------------------------------------------------


def view_to_join(config: Config, wanted: Iterable[int]) -> int | None:
    """The view to go to when f + 1 others want later ones: the first of these (paper, 4.5.2).

    Args:
        config: how many faulty replicas are allowed for.
        wanted: for each other replica that wants a view later than the own one, that view.

    Returns:
        None while faulty ones alone could want it.
    """
    views = sorted(wanted)
    return views[0] if len(views) >= weak_quorum_size(config) else None


def told(durable: Durable) -> tuple[PreparedCertificate, ...]:
    """The certificates that a view change must carry: the latest for each number (paper, 4.4)."""
    return tuple(durable.prepared[seq] for seq in sorted(durable.prepared))


def base(view_changes: Iterable[ViewChange]) -> CheckpointCertificate:
    """The latest stable checkpoint among view changes; the paper's min-s."""
    return max((each.checkpoint for each in view_changes), key=lambda checkpoint: checkpoint.seq)


def latest(certificates: Iterable[PreparedCertificate]) -> PreparedCertificate:
    """The certificate of the highest view for a sequence number, which a new view takes (paper, 4.4)."""
    return max(certificates, key=lambda certificate: certificate.view)


def fill(certificates: tuple[PreparedCertificate, ...]) -> Batch:
    """The batch that a new view proposes for a number: the last prepared one, or else the null batch."""
    return latest(certificates).batch if certificates else NULL_BATCH


def reproposals(view_changes: tuple[ViewChange, ...]) -> tuple[tuple[int, Batch], ...]:
    """The proposals that a new view must make, without a gap from the base to the last prepared number.

    Each replica computes it for itself from the same view changes (paper, 4.4).

    Returns:
        Sequence numbers, in their order, with their batches.
    """
    low = base(view_changes).seq
    prepared: dict[int, list[PreparedCertificate]] = {}
    for each in view_changes:
        for certificate in each.certificates:
            prepared.setdefault(certificate.seq, []).append(certificate)
    high = max(prepared, default=low)
    return tuple((seq, fill(tuple(prepared.get(seq, ())))) for seq in range(low + 1, high + 1))
