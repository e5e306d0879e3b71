"""Proposals and votes (paper, algorithm 3)."""

import attrs

from impl.common.requests import Batch
from impl.hotstuff import chain, pacemaker, rules, sync, tree
from impl.hotstuff.effects import Effect, Equivocated, Proposed, Send, Voted
from impl.hotstuff.messages import Block, Proposal, TimeoutCertificate, Vote
from impl.hotstuff.proofs import block_digest, certified, sign_block, sign_vote
from impl.hotstuff.results import Result, StepResult
from impl.hotstuff.state import Node

__all__ = ["heard_vote", "may_propose", "propose", "receive_proposal", "receive_vote", "retried"]


def may_propose(node: Node) -> bool:
    """Return whether this replica may propose now."""
    durable, config = node.durable, node.config
    return (
        rules.may_propose(config, node.name, node.view)
        and rules.proposes_once(durable, node.view)
        and rules.has_new_views(config, durable, node.view, node.timeouts.values())
    )


def propose(node: Node, batch: Batch) -> Result:
    """Propose, as the leader, a block that extends the highest known certificate."""
    high, view = node.durable.high, node.view
    block = Block(view=view, parent=high.block, batch=batch, justify=high, proposer=node.name)
    block = sign_block(node.config, block)
    proposal = Proposal(block=block, entry=None if high.view == view - 1 else _entry(node))
    durable = attrs.evolve(node.durable, proposed=view, proposal=proposal)
    return StepResult(attrs.evolve(node, durable=durable), (Proposed(block), Send(proposal)))


def _entry(node: Node) -> TimeoutCertificate | None:
    """The time-out certificate of the view before, if it entered its view by one."""
    entry = node.durable.entry
    return entry if entry is not None and entry.view == node.view - 1 else None


def receive_proposal(node: Node, proposal: Proposal) -> Result:
    """Store a leader's block, and vote for it if that is safe."""
    block, entry = proposal.block, proposal.entry
    result = _compared(node, block)
    if entry is not None:
        result = result.then(pacemaker.entered_by, entry)
    if not tree.has(node.config, node.durable, block.parent):
        return result.then(lambda one: sync.has_or_wants(_waiting_for_parent(one, proposal), block.justify))
    return result.then(chain.store, block).then(_vote, block)


def _compared(node: Node, block: Block) -> Result:
    """Remember what a leader proposed last; two blocks of one view are evidence against it."""
    before = node.heard.get(block.proposer)
    if before is not None and before.view > block.view:
        return StepResult(node)
    effects: tuple[Effect, ...] = ()
    if before is not None and before.view == block.view and block_digest(before) != block_digest(block):
        effects = (Equivocated(block.proposer, before, block),)
    return StepResult(attrs.evolve(node, heard={**node.heard, block.proposer: block}), effects)


def _waiting_for_parent(node: Node, proposal: Proposal) -> Node:
    """The replica that keeps a proposal until its parent arrives, one of each leader."""
    before = node.pending.get(proposal.block.proposer)
    if before is not None and before.block.view > proposal.block.view:
        return node
    return attrs.evolve(node, pending={**node.pending, proposal.block.proposer: proposal})


def retried(node: Node) -> Result:
    """Retry the proposals whose parents have arrived."""
    result: Result = StepResult(node)
    for leader, proposal in node.pending.items():
        if tree.has(node.config, result.state.durable, proposal.block.parent):
            rest = {each: held for each, held in result.state.pending.items() if each != leader}
            result = StepResult(attrs.evolve(result.state, pending=rest), result.effects)
            result = result.then(receive_proposal, proposal)
    return result


def _vote(node: Node, block: Block) -> Result:
    """Vote for a block of its view, once, and send the vote to the leader of the next."""
    durable, config, name = node.durable, node.config, block_digest(block)
    if not (
        block.view == node.view
        and rules.votes_later(durable, block.view)
        and rules.votes_in_time(durable, block.view)
        and rules.safe_node(config, durable, name, block.justify)
    ):
        return StepResult(node)
    vote = sign_vote(config, block.view, name)
    durable = attrs.evolve(durable, voted=block.view, vote=vote)
    news = (Voted(block.view, name), Send(vote, rules.leads_next(config, block)))
    return StepResult(attrs.evolve(node, durable=durable), news)


# --- votes ----------------------------------------------------------------------------------------


def receive_vote(node: Node, vote: Vote) -> Result:
    """Handle a vote; the last one needed makes a certificate."""
    return heard_vote(node, vote).then(retried)


def heard_vote(node: Node, vote: Vote) -> Result:
    """Count a vote; two of one view are evidence."""
    before = node.votes.get(vote.source)
    if before is not None and before.view == vote.view and before.block != vote.block:
        return StepResult(node, (Equivocated(vote.source, before, vote),))
    if vote.view <= node.durable.high.view or (before is not None and before.view >= vote.view):
        return StepResult(node)
    node = attrs.evolve(node, votes={**node.votes, vote.source: vote})
    alike = {
        source: each
        for source, each in node.votes.items()
        if each.view == vote.view and each.block == vote.block
    }
    if len(alike) < rules.certificate_size(node.config):
        return StepResult(node)
    return sync.has_or_wants(node, certified(node.config, alike))
