"""The normal case: pre-prepare, prepare and commit (paper, 4.2).

Votes may come before what they are for. They are kept, and counted as soon as the proposal is accepted: one
input then takes several steps of the spec, `AcceptPrePrepare`, `CollectPrepares` and `CollectCommits`.
"""

import attrs

from impl.common.encoding import digest
from impl.common.keys import signed
from impl.common.requests import Batch
from impl.pbft import rules
from impl.pbft.checkpoints import collect_own_checkpoints
from impl.pbft.effects import Send
from impl.pbft.execution import execute_from
from impl.pbft.messages import Commit, Prepare, PreparedCertificate, PrePrepare
from impl.pbft.results import Result, StepResult
from impl.pbft.state import NO_VOTES, Node
from impl.pbft.voting import accepts, heard

__all__ = ["accept_pre_prepare", "agree", "count", "propose", "receive_pre_prepare", "receive_vote"]


def propose(node: Node, batch: Batch) -> Result:
    """Assign, as the primary, the next sequence number to a batch; the proposal counts as a prepare."""
    seq = rules.next_seq(node.durable)
    proposal = PrePrepare(view=node.durable.view, seq=seq, batch=batch, source=node.name)
    proposal = signed(proposal, node.config.keys)
    return StepResult(_accepted(node, proposal), (Send(proposal),)).then(count, seq)


def receive_pre_prepare(node: Node, message: PrePrepare) -> Result:
    """Handle a valid proposal, which may be too early."""
    if node.durable.changing or message.view > node.durable.view:
        return StepResult(heard(node, message))
    return accept_pre_prepare(node, message)


def receive_vote(node: Node, message: Prepare | Commit) -> Result:
    """Handle a valid prepare or commit, which may be too early."""
    return count(heard(node, message), message.seq)


def accept_pre_prepare(node: Node, message: PrePrepare) -> Result:
    """Agree to a proposal of the primary (paper, 4.2)."""
    return agree(_accepted(node, message), message.seq).then(count, message.seq)


def _accepted(node: Node, proposal: PrePrepare) -> Node:
    """The replica with this proposal accepted."""
    durable = attrs.evolve(node.durable, accepted={**node.durable.accepted, proposal.seq: proposal})
    return accepts(attrs.evolve(node, durable=durable), proposal.seq, digest(proposal.batch))


def agree(node: Node, seq: int) -> Result:
    """Tell all that the proposal is accepted; that is a vote as well."""
    vote = Prepare(view=node.durable.view, seq=seq, digest=node.votes[seq].accepted, source=node.name)
    vote = signed(vote, node.config.keys)
    return StepResult(heard(node, vote), (Send(vote),))


def count(node: Node, seq: int) -> Result:
    """Advance this number as far as the votes allow."""
    if node.durable.changing or seq not in node.durable.accepted:
        return StepResult(node)
    return _collect_prepares(node, seq).then(_collect_commits, seq)


def _collect_prepares(node: Node, seq: int) -> Result:
    """Send a commit for a prepared certificate, a promise never to forget it (paper, 4.2)."""
    durable, config = node.durable, node.config
    votes = node.votes.get(seq, NO_VOTES)
    view, agreed = durable.view, votes.accepted
    known = durable.prepared.get(seq)
    if known is not None and known.view == view:
        return StepResult(node)
    if not rules.is_prepared(config, votes.prepares.values(), view, seq, agreed):
        return StepResult(node)
    voters = rules.prepare_votes(config, votes.prepares.values(), view, seq, agreed)
    chosen = [source for source in config.replicas if source in voters][: rules.prepare_quorum_size(config)]
    certificate = PreparedCertificate(
        pre_prepare=durable.accepted[seq], prepares=tuple(votes.prepares[source] for source in chosen)
    )
    durable = attrs.evolve(durable, prepared={**durable.prepared, seq: certificate})
    vote = signed(Commit(view=view, seq=seq, digest=agreed, source=node.name), config.keys)
    return StepResult(heard(attrs.evolve(node, durable=durable), vote), (Send(vote),))


def _collect_commits(node: Node, seq: int) -> Result:
    """Execute the next batches with a commit certificate (paper, 4.2)."""
    durable = node.durable
    votes = node.votes.get(seq, NO_VOTES)
    certificate = durable.prepared.get(seq)
    if certificate is None or certificate.view != durable.view or seq in durable.committed:
        return StepResult(node)
    if not rules.is_committed(node.config, votes.commits.values(), durable.view, seq, votes.accepted):
        return StepResult(node)
    durable = attrs.evolve(durable, committed={**durable.committed, seq: certificate.batch})
    after = execute_from(attrs.evolve(node, durable=durable), durable.executed, durable.state)
    return after.then(collect_own_checkpoints)
