"""The normal case: pre-prepare, prepare and commit (paper, 4.2).

Votes may come before what they are for. They are kept, and counted as soon as the proposal is accepted: one
input then takes several steps of the spec, `AcceptPrePrepare`, `CollectPrepares` and `CollectCommits`.
"""

import attrs

from impl.common.encoding import digest
from impl.common.keys import signed
from impl.pbft import rules
from impl.pbft.checkpoints import collect_own_checkpoints
from impl.pbft.effects import Send
from impl.pbft.execution import execute_from
from impl.pbft.messages import Batch, Commit, Prepare, PreparedCertificate, PrePrepare
from impl.pbft.outcome import Outcome
from impl.pbft.state import NO_VOTES, Node
from impl.pbft.voting import accepts, heard

__all__ = ["accept_pre_prepare", "agree", "count", "propose", "receive_pre_prepare", "receive_vote"]


def propose(node: Node, batch: Batch) -> Outcome:
    """The primary gives a batch the next sequence number; its own proposal needs no prepare of its own."""
    seq = rules.next_seq(node.durable)
    proposal = PrePrepare(view=node.durable.view, seq=seq, batch=batch, source=node.name)
    proposal = signed(proposal, node.config.keys)
    return Outcome(_accepted(node, proposal), (Send(proposal),)).then(lambda after: count(after, seq))


def receive_pre_prepare(node: Node, message: PrePrepare) -> Outcome:
    """A proposal arrived, valid as it stands; it may be too early."""
    if node.durable.changing or message.view > node.durable.view:
        return Outcome(heard(node, message))
    return accept_pre_prepare(node, message)


def receive_vote(node: Node, message: Prepare | Commit) -> Outcome:
    """A prepare or a commit arrived, valid as it stands; it may be too early."""
    return count(heard(node, message), message.seq)


def accept_pre_prepare(node: Node, message: PrePrepare) -> Outcome:
    """Agree to a proposal of the primary (paper, 4.2)."""
    return agree(_accepted(node, message), message.seq).then(lambda after: count(after, message.seq))


def _accepted(node: Node, proposal: PrePrepare) -> Node:
    """The replica that goes by this proposal."""
    durable = attrs.evolve(node.durable, accepted={**node.durable.accepted, proposal.seq: proposal})
    return accepts(attrs.evolve(node, durable=durable), proposal.seq, digest(proposal.batch))


def agree(node: Node, seq: int) -> Outcome:
    """Tell all that the accepted proposal is accepted; it is a vote as well."""
    vote = Prepare(view=node.durable.view, seq=seq, digest=node.votes[seq].accepted, source=node.name)
    vote = signed(vote, node.config.keys)
    return Outcome(heard(node, vote), (Send(vote),))


def count(node: Node, seq: int) -> Outcome:
    """Go as far at this number as the votes do."""
    if node.durable.changing or seq not in node.durable.accepted:
        return Outcome(node)
    return _collect_prepares(node, seq).then(lambda after: _collect_commits(after, seq))


def _collect_prepares(node: Node, seq: int) -> Outcome:
    """With a prepared certificate, promise by a commit never to forget it (paper, 4.2)."""
    durable, config = node.durable, node.config
    votes = node.votes.get(seq, NO_VOTES)
    view, agreed = durable.view, votes.accepted
    known = durable.prepared.get(seq)
    if known is not None and known.view == view:
        return Outcome(node)
    if not rules.is_prepared(config, votes.prepares.values(), view, seq, agreed):
        return Outcome(node)
    voters = rules.prepare_votes(config, votes.prepares.values(), view, seq, agreed)
    chosen = [source for source in config.replicas if source in voters][: rules.prepare_quorum_size(config)]
    certificate = PreparedCertificate(
        pre_prepare=durable.accepted[seq], prepares=tuple(votes.prepares[source] for source in chosen)
    )
    durable = attrs.evolve(durable, prepared={**durable.prepared, seq: certificate})
    vote = signed(Commit(view=view, seq=seq, digest=agreed, source=node.name), config.keys)
    return Outcome(heard(attrs.evolve(node, durable=durable), vote), (Send(vote),))


def _collect_commits(node: Node, seq: int) -> Outcome:
    """With a commit certificate, execute what comes next (paper, 4.2)."""
    durable = node.durable
    votes = node.votes.get(seq, NO_VOTES)
    certificate = durable.prepared.get(seq)
    if certificate is None or certificate.view != durable.view or seq in durable.committed:
        return Outcome(node)
    if not rules.is_committed(node.config, votes.commits.values(), durable.view, seq, votes.accepted):
        return Outcome(node)
    durable = attrs.evolve(durable, committed={**durable.committed, seq: certificate.batch})
    after = execute_from(attrs.evolve(node, durable=durable), durable.executed, durable.state)
    return after.then(collect_own_checkpoints)
