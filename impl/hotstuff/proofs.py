"""Signatures and certificates: the one module that knows how they are made and checked.

Each `..._flaw` says what is missing from a proof, for a human, or nothing. Shapes are checked before
(`impl.hotstuff.shapes`).
"""

from collections.abc import Iterable, Mapping, Sequence

import attrs

from impl.common.encoding import Digest, digest, encode
from impl.common.identities import NodeId
from impl.common.keys import Keys, is_signed_by
from impl.common.requests import Request
from impl.hotstuff import rules
from impl.hotstuff.configuration import Config
from impl.hotstuff.messages import (
    Block,
    Certificate,
    Fetch,
    Proposal,
    Snapshot,
    Timeout,
    TimeoutCertificate,
    Vote,
)

__all__ = [
    "bitmap",
    "block_digest",
    "block_flaw",
    "certificate_flaw",
    "certified",
    "fetch_flaw",
    "has_signature",
    "proposal_flaw",
    "request_flaw",
    "sign_block",
    "sign_timeout",
    "sign_vote",
    "signers_of",
    "snapshot_flaw",
    "timed_out",
    "timeout_certificate_flaw",
    "timeout_flaw",
    "vote_flaw",
]


def block_digest(block: Block) -> Digest:
    """The digest of a block: of its view, parent, batch and proposer."""
    return digest(("block", block.view, block.parent, digest(block.batch), block.proposer))


def _block_content(config: Config, block: Digest) -> bytes:
    return encode(("propose", config.cluster, block))


def _vote_content(config: Config, view: int, block: Digest) -> bytes:
    return encode(("vote", config.cluster, view, block))


def _timeout_content(config: Config, view: int, high_view: int) -> bytes:
    return encode(("timeout", config.cluster, view, high_view))


def sign_block(config: Config, block: Block) -> Block:
    """The block with its proposer's signature."""
    return attrs.evolve(block, signature=config.keys.sign(_block_content(config, block_digest(block))))


def sign_vote(config: Config, view: int, block: Digest) -> Vote:
    """This replica's vote for a block."""
    signature = config.keys.sign(_vote_content(config, view, block))
    return Vote(view=view, block=block, source=config.node, signature=signature)


def sign_timeout(config: Config, view: int, high: Certificate, vote: Vote | None) -> Timeout:
    """This replica's time-out."""
    signature = config.keys.sign(_timeout_content(config, view, high.view))
    return Timeout(view=view, high=high, vote=vote, source=config.node, signature=signature)


# --- certificates ---------------------------------------------------------------------------------


def _places(config: Config, sources: Iterable[NodeId]) -> list[int]:
    named = set(sources)
    return [place for place, replica in enumerate(config.replicas) if replica in named]


def bitmap(config: Config, places: Iterable[int]) -> bytes:
    """The bitmap of the replicas at these places."""
    bits = sum(1 << place for place in places)
    return bits.to_bytes(config.bitmap_bytes, "little")


def signers_of(config: Config, signers: bytes) -> tuple[NodeId, ...]:
    """The replicas of a bitmap."""
    bits = int.from_bytes(signers, "little")
    return tuple(replica for place, replica in enumerate(config.replicas) if bits >> place & 1)


def certified(config: Config, votes: Mapping[NodeId, Vote]) -> Certificate:
    """The certificate made of as many votes for one block, of different replicas, as it needs."""
    places = _places(config, votes)[: rules.certificate_size(config)]
    some = votes[config.replicas[places[0]]]
    return Certificate(
        view=some.view,
        block=some.block,
        signers=bitmap(config, places),
        signatures=tuple(votes[config.replicas[place]].signature for place in places),
    )


def timed_out(config: Config, timeouts: Mapping[NodeId, Timeout]) -> TimeoutCertificate:
    """The time-out certificate made of time-outs of different replicas in one view."""
    places = _places(config, timeouts)[: rules.timeouts_needed(config)]
    chosen = [timeouts[config.replicas[place]] for place in places]
    return TimeoutCertificate(
        view=chosen[0].view,
        signers=bitmap(config, places),
        high_views=tuple(each.high.view for each in chosen),
        signatures=tuple(each.signature for each in chosen),
    )


def _quorum_flaw(
    config: Config, signers: bytes, signatures: Sequence[bytes], contents: Sequence[bytes], needed: int
) -> str:
    """The flaw of a list of signatures: too few, of strangers, or not theirs."""
    if int.from_bytes(signers, "little") >> config.n:
        return f"a signer is none of the {config.n} replicas"
    named = signers_of(config, signers)
    if len(named) < needed:
        return f"{len(named)} replicas signed it, and it takes {needed}"
    if len(signatures) != len(named) or len(contents) != len(named):
        return f"{len(named)} signers have {len(signatures)} signatures"
    for signer, signature, content in zip(named, signatures, contents, strict=True):
        if not config.keys.verify(signer, content, signature):
            return f"it has not the signature of {signer!r}"
    return ""


def certificate_flaw(config: Config, certificate: Certificate) -> str:
    """The reason why a certificate does not prove that a quorum voted for its block in its view."""
    if certificate.view == 0:
        is_genesis = certificate == Certificate(view=0, block=config.genesis)
        return "" if is_genesis else "a certificate of view 0 is not that of genesis"
    if certificate.block == config.genesis:
        return f"genesis is of view 0, not of {certificate.view}"
    content = _vote_content(config, certificate.view, certificate.block)
    contents = (content,) * len(certificate.signatures)
    return _quorum_flaw(
        config, certificate.signers, certificate.signatures, contents, rules.certificate_size(config)
    )


def timeout_certificate_flaw(config: Config, certificate: TimeoutCertificate) -> str:
    """The reason why a time-out certificate does not prove that a quorum gave up its view."""
    if any(high >= certificate.view for high in certificate.high_views):
        return f"somebody knows a certificate of view {certificate.view}, and gives it up"
    contents = [_timeout_content(config, certificate.view, high) for high in certificate.high_views]
    return _quorum_flaw(
        config, certificate.signers, certificate.signatures, contents, rules.timeouts_needed(config)
    )


# --- messages -------------------------------------------------------------------------------------


def block_flaw(config: Config, block: Block) -> str:
    """The reason why the leader of its view may not propose a block."""
    if not rules.may_propose(config, block.proposer, block.view):
        return f"{block.proposer!r} does not lead view {block.view}"
    if block.justify.block != block.parent:
        return "the certificate is not that of the parent"
    if block.justify.view >= block.view:
        return f"the parent is of view {block.justify.view}, not before {block.view}"
    if not has_signature(config, block):
        return f"it has not the signature of {block.proposer!r}"
    for request in block.batch:
        if flaw := request_flaw(config, request):
            return flaw
    return certificate_flaw(config, block.justify)


def proposal_flaw(config: Config, proposal: Proposal) -> str:
    """The reason why a proposal does not prove that its view has begun."""
    block, entry = proposal.block, proposal.entry
    if flaw := block_flaw(config, block):
        return flaw
    if block.justify.view == block.view - 1:
        return ""
    if entry is None or entry.view != block.view - 1:
        return f"nothing proves that view {block.view} has begun: its parent is of view {block.justify.view}"
    return timeout_certificate_flaw(config, entry)


def vote_flaw(config: Config, vote: Vote) -> str:
    """The reason why a vote does not count."""
    if vote.source not in config.replicas:
        return f"{vote.source!r} is no replica"
    return "" if has_signature(config, vote) else f"it has not the signature of {vote.source!r}"


def has_signature(config: Config, said: Vote | Block) -> bool:
    """Return whether a vote or a block has the signature of its source or proposer, whatever else it says."""
    if isinstance(said, Vote):
        content = _vote_content(config, said.view, said.block)
        return config.keys.verify(said.source, content, said.signature)
    return config.keys.verify(said.proposer, _block_content(config, block_digest(said)), said.signature)


def timeout_flaw(config: Config, timeout: Timeout) -> str:
    """The reason why a time-out does not count."""
    if timeout.source not in config.replicas:
        return f"{timeout.source!r} is no replica"
    if timeout.high.view >= timeout.view:
        return (
            f"{timeout.source!r} knows a certificate of view {timeout.high.view}, and gives up {timeout.view}"
        )
    content = _timeout_content(config, timeout.view, timeout.high.view)
    if not config.keys.verify(timeout.source, content, timeout.signature):
        return f"it has not the signature of {timeout.source!r}"
    if timeout.vote is not None:
        if timeout.vote.source != timeout.source or timeout.vote.view > timeout.view:
            return "the vote is of somebody else, or of a later view"
        if flaw := vote_flaw(config, timeout.vote):
            return flaw
    return certificate_flaw(config, timeout.high)


def fetch_flaw(config: Config, fetch: Fetch) -> str:
    """The reason why a fetch is not answered: only replicas may ask."""
    return _signed_flaw(config.keys, config.replicas, fetch.source, fetch)


def snapshot_flaw(config: Config, snapshot: Snapshot) -> str:
    """The reason why a snapshot does not prove that its block is committed.

    Its state is not proved, only vouched for.
    """
    first, middle, last = snapshot.head
    for block in snapshot.head:
        if flaw := block_flaw(config, block):
            return flaw
    if middle.parent != block_digest(first) or last.parent != block_digest(middle):
        return "its blocks are no chain"
    if not (rules.in_a_row(first.view, middle.view) and rules.in_a_row(middle.view, last.view)):
        return f"its blocks are of the views {first.view}, {middle.view}, {last.view}: not in a row"
    if (snapshot.certificate.view, snapshot.certificate.block) != (last.view, block_digest(last)):
        return "the certificate is not that of its last block"
    if flaw := certificate_flaw(config, snapshot.certificate):
        return flaw
    return _signed_flaw(config.keys, config.replicas, snapshot.source, snapshot)


def request_flaw(config: Config, request: Request) -> str:
    """The reason why a request is not its client's."""
    is_signed = is_signed_by(request.client, request, config.keys)
    return "" if is_signed else f"a request has not the signature of client {request.client!r}"


def _signed_flaw(keys: Keys, replicas: Sequence[NodeId], source: NodeId, message: Fetch | Snapshot) -> str:
    if source not in replicas:
        return f"{source!r} is no replica"
    return "" if is_signed_by(source, message, keys) else f"it has not the signature of {source!r}"
