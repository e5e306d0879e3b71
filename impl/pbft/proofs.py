"""Proofs by signed messages inside of messages: certificates, view changes, new views (paper, 4.4).

Each function returns what is missing from a proof, for a human, or nothing. Shapes are checked before
(`impl.pbft.shapes`).
"""

from impl.common.encoding import digest
from impl.common.keys import is_signed_by
from impl.common.requests import Request
from impl.pbft import rules
from impl.pbft.configuration import Config
from impl.pbft.messages import (
    NULL_BATCH,
    Checkpoint,
    CheckpointCertificate,
    NewView,
    Prepare,
    PreparedCertificate,
    PrePrepare,
    ViewChange,
)
from impl.pbft.state import Node

__all__ = [
    "batch_flaw",
    "certificate_flaw",
    "checkpoint_flaw",
    "new_view_flaw",
    "view_change_flaw",
]


def batch_flaw(node: Node, batch: tuple[Request, ...]) -> str:
    """The flaw of a batch: a request that its client did not sign. Waiting ones were checked already."""
    for request in batch:
        if node.waiting.get(request.client) != request and not _is_signed(node.config, request):
            return f"request {request.timestamp} of client {request.client!r} has not that client's signature"
    return ""


def checkpoint_flaw(config: Config, checkpoint: CheckpointCertificate) -> str:
    """The reason why a checkpoint is not proved stable.

    The proof takes a quorum; the first checkpoint needs none.
    """
    if checkpoint.seq == 0:
        same = checkpoint.digest == digest(config.first_state) and not checkpoint.proof
        return "" if same else "a checkpoint at 0 is not the one with which all began"
    if checkpoint.seq % config.interval:
        return f"no checkpoint is made at {checkpoint.seq}: they are {config.interval} apart"
    if not rules.is_stable(config, checkpoint.proof, checkpoint.seq, checkpoint.digest):
        return (
            f"the checkpoint at {checkpoint.seq} has not the same votes "
            f"of {rules.quorum_size(config)} replicas"
        )
    return _votes_flaw(config, checkpoint.proof, checkpoint.seq, checkpoint.digest)


def certificate_flaw(config: Config, certificate: PreparedCertificate) -> str:
    """The reason why a certificate does not prove that its batch was prepared in its view (paper, 4.2)."""
    proposal, votes = certificate.pre_prepare, certificate.prepares
    view, seq, agreed = proposal.view, proposal.seq, digest(proposal.batch)
    if not rules.may_propose(config, proposal.source, view):
        return f"{proposal.source!r} is not the primary of view {view}, and proposed {seq}"
    if proposal.batch == NULL_BATCH and view == 0:
        return f"nothing was proposed for {seq} in view 0, where only a new view may do so"
    if not rules.is_prepared(config, votes, view, seq, agreed):
        return (
            f"number {seq} has not the same prepares "
            f"of {rules.prepare_quorum_size(config)} backups of view {view}"
        )
    if not _is_signed(config, proposal):
        return f"the proposal for {seq} has not the signature of {proposal.source!r}"
    if any(vote.view != view for vote in votes):
        return f"the prepares for {seq} are of several views"
    if any(vote.source not in rules.preparers(config, view) for vote in votes):
        return f"a prepare for {seq} is of no backup of view {view}"
    return _votes_flaw(config, votes, seq, agreed)


def _votes_flaw(
    config: Config, votes: tuple[Prepare, ...] | tuple[Checkpoint, ...], seq: int, agreed: str
) -> str:
    """The flaw of a proof's votes: they differ, share a sender, or lack a signature."""
    if len({vote.source for vote in votes}) < len(votes):
        return f"a replica votes twice in the proof of {seq}"
    for vote in votes:
        if vote.seq != seq or vote.digest != agreed:
            return f"{vote.source!r} votes for something else in the proof of {seq}"
        if vote.source not in config.replicas or not _is_signed(config, vote):
            return f"a vote in the proof of {seq} has not the signature of {vote.source!r}"
    return ""


def view_change_flaw(config: Config, message: ViewChange) -> str:
    """The reason why a view change does not prove what it says.

    Its own signature is checked elsewhere.
    """
    if flaw := checkpoint_flaw(config, message.checkpoint):
        return flaw
    before = message.checkpoint.seq
    for certificate in message.certificates:
        if certificate.seq <= before:
            return (
                f"number {certificate.seq} comes after {before}: "
                "each once, beyond the checkpoint, in their order"
            )
        if not rules.in_window(config, certificate.seq, message.checkpoint.seq):
            return f"number {certificate.seq} is outside of the window behind {message.checkpoint.seq}"
        if certificate.view >= message.view:
            return (
                f"number {certificate.seq} was prepared in view {certificate.view}, not before {message.view}"
            )
        if flaw := certificate_flaw(config, certificate):
            return flaw
        before = certificate.seq
    return ""


def new_view_flaw(node: Node, message: NewView) -> str:
    """The reason why a new view does not follow from its view changes.

    Its own signature is checked elsewhere.

    View changes that arrived by themselves were checked already.
    """
    config = node.config
    sources = {each.source for each in message.view_changes}
    if not len(message.view_changes) == len(sources) == rules.quorum_size(config):
        return f"it takes the view changes of {rules.quorum_size(config)} replicas, one of each"
    for each in message.view_changes:
        if each.view != message.view:
            return f"the view change of {each.source!r} is to view {each.view}"
        if node.view_changes.get(each.source) == each:
            continue
        if each.source not in config.replicas or not _is_signed(config, each):
            return f"a view change has not the signature of {each.source!r}"
        if flaw := view_change_flaw(config, each):
            return f"the view change of {each.source!r}: {flaw}"
    if rules.reproposals(message.view_changes) != tuple((each.seq, each.batch) for each in message.proposals):
        return "the proposals are not what follows from the view changes"
    for proposal in message.proposals:
        if (proposal.view, proposal.source) != (message.view, message.source):
            return f"the proposal for {proposal.seq} is of view {proposal.view} and of {proposal.source!r}"
        if not _is_signed(config, proposal):
            return f"the proposal for {proposal.seq} has not the signature of {proposal.source!r}"
    return ""


def _is_signed(config: Config, message: Request | PrePrepare | Prepare | Checkpoint | ViewChange) -> bool:
    """Return whether the named sender signed it."""
    signer = message.client if isinstance(message, Request) else message.source
    return is_signed_by(signer, message, config.keys)
