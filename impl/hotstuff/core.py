"""One step of a HotStuff replica. Pure; each handler names the part of the paper that it carries out."""

from typing import assert_never

import attrs

from impl.common.requests import Batch, Request
from impl.hotstuff import chain, following, pacemaker, proofs, rules, sync, tree
from impl.hotstuff.configuration import Config
from impl.hotstuff.effects import Effect, Persist, Send, Why
from impl.hotstuff.inputs import Input, Propose, Receive, Retransmit, TimerFired
from impl.hotstuff.messages import (
    Block,
    Blocks,
    Certificate,
    Fetch,
    Proposal,
    Snapshot,
    Timeout,
    TimeoutCertificate,
    Vote,
)
from impl.hotstuff.results import Result, StepResult, refused
from impl.hotstuff.shapes import SHAPES, batch_rejection
from impl.hotstuff.state import Durable, Node

__all__ = ["first_start", "ready", "recover", "step"]


def first_start(config: Config) -> Node:
    """A replica that starts for the first time, in view 1, behind genesis.

    Its host persists `durable` before the replica takes a step; later starts use `recover`.
    """
    genesis = Certificate(view=0, block=config.genesis)
    durable = Durable(high=genesis, lock=genesis, committed=config.genesis, state=config.first_state)
    return Node(config, durable)


def recover(config: Config, durable: Durable) -> Node:
    """The replica as it comes back from a crash, in the view that follows from what was on disk.

    Hand it `Retransmit` first, and start its timer.
    """
    return Node(config, durable, view=rules.recovered_view(durable))


def ready(node: Node) -> Batch | None:
    """The batch that the host of a leader has proposed now; None if there is nothing to do.

    While something is on its way to be committed, empty batches carry the certificates on.
    """
    if not following.may_propose(node) or not pacemaker.carries_on(node):
        return None
    return chain.unordered(node)


def step(node: Node, inp: Input) -> Result:
    """One step of a replica.

    Total: every input is either accepted, or rejected by a `Refused` with the reason and the replica
    unchanged. Only the service may raise.

    Args:
        node: the replica before the step.
        inp: what happened.

    Returns:
        The replica after the step, and what the host must do, in order: `Persist` first, then messages and
        news as they came about, then the timer.
    """
    match inp:
        case Receive(message=message):
            result = _receive(node, inp, message)
        case Propose(batch=batch):
            result = _propose(node, inp, batch)
        case TimerFired():
            result = pacemaker.timer_fired(node).then(sync.asks_again)
        case Retransmit():
            result = _retransmit(node)
        case _:
            assert_never(inp)
    after, effects = pacemaker.with_timer(node, result)
    if after.durable is not node.durable:
        effects = (Persist(after.durable), *effects)
    return StepResult(after, effects)


def _receive(node: Node, inp: Receive, message: object) -> Result:
    """Validate a message from any sender, then dispatch it."""
    config = node.config
    if rejection := SHAPES.rejection(config, message):
        return refused(node, inp, Why.MALFORMED, rejection)
    match message:
        case Proposal():
            return _receive_proposal(node, inp, message)
        case Vote():
            if message.view <= node.durable.high.view:
                return refused(node, inp, Why.OLD, f"view {message.view} has a certificate, or a later one")
            flaw = proofs.vote_flaw(config, message)
            return _unless(node, inp, flaw) or following.receive_vote(node, message)
        case Timeout():
            return _receive_timeout(node, inp, message)
        case TimeoutCertificate():
            if message.view < node.view:
                return refused(node, inp, Why.OLD, f"it is in view {node.view}, behind {message.view}")
            flaw = proofs.timeout_certificate_flaw(config, message)
            return _unless(node, inp, flaw) or pacemaker.entered_by(node, message)
        case Certificate():
            if message.view <= node.durable.high.view:
                return refused(node, inp, Why.OLD, f"it knows the certificate of {node.durable.high.view}")
            flaw = proofs.certificate_flaw(config, message)
            return _unless(node, inp, flaw) or sync.has_or_wants(node, message).then(following.retried)
        case Fetch():
            return _unless(node, inp, proofs.fetch_flaw(config, message)) or sync.receive_fetch(node, message)
        case Blocks(blocks=blocks):
            return _receive_blocks(node, inp, blocks)
        case Snapshot():
            if message.certificate.view <= node.durable.high.view or node.wanted is None:
                return refused(node, inp, Why.USELESS, "it is not behind")
            flaw = proofs.snapshot_flaw(config, message)
            return _unless(node, inp, flaw) or sync.receive_snapshot(node, message).then(following.retried)
        case Request():
            return _receive_request(node, inp, message)
        case _:
            return refused(node, inp, Why.STRANGER, "replies are for clients")


def _unless(node: Node, inp: Receive, flaw: str) -> Result | None:
    """The refusal, if there is a flaw."""
    return refused(node, inp, Why.UNPROVEN, flaw) if flaw else None


# --- messages -------------------------------------------------------------------------------------


def _receive_proposal(node: Node, inp: Receive, proposal: Proposal) -> Result:
    block = proposal.block
    if block.view < node.view:
        return refused(node, inp, Why.OLD, f"it is in view {node.view}, behind {block.view}")
    if flaw := proofs.proposal_flaw(node.config, proposal):
        return refused(node, inp, Why.UNPROVEN, flaw)
    if full := _no_room(node, block):
        return refused(node, inp, Why.FULL, full)
    return following.receive_proposal(node, proposal).then(following.retried)


def _no_room(node: Node, block: Block, *, has_begun: bool = True) -> str:
    """The reason not to keep one more block of its view; a certified block is kept nonetheless.

    Of all views of which nothing proves that they have begun, no more are kept than of one that has: their
    leaders can sign blocks for each of them.
    """
    name, kept = proofs.block_digest(block), node.durable.blocks
    if name in kept:
        return ""
    of_view = (each.view == block.view if has_begun else each.view > node.view for each in kept.values())
    if (others := sum(of_view)) < node.config.variants_max:
        return ""
    return (
        f"{others} blocks of view {block.view}{'' if has_begun else ' or other later ones'} are kept already"
    )


def _receive_timeout(node: Node, inp: Receive, timeout: Timeout) -> Result:
    known = node.timeouts.get(timeout.source)
    if known == timeout and timeout.view < node.view:
        return _tells(node, timeout)
    if known is not None and known.view >= timeout.view:
        return refused(node, inp, Why.OLD, f"{timeout.source!r} has given up view {known.view} already")
    if flaw := proofs.timeout_flaw(node.config, timeout):
        return refused(node, inp, Why.UNPROVEN, flaw)
    result = sync.has_or_wants(node, timeout.high)
    if (vote := timeout.vote) is not None:
        result = result.then(following.heard_vote, vote)
    result = result.then(pacemaker.heard_timeout, timeout).then(following.retried)
    return result.then(_tells, timeout) if timeout.view < node.view else result


def _tells(node: Node, timeout: Timeout) -> Result:
    """Send a replica that is behind the certificates that take it along, each time that it says so.

    Without requests nobody else would; and those whose time-outs it waits for may be in the next view by now.
    """
    high, entry = node.durable.high, node.durable.entry
    if timeout.source == node.name:
        return StepResult(node)
    effects: list[Effect] = [Send(high, timeout.source)] if timeout.high.view < high.view else []
    if entry is not None and entry.view >= timeout.view:
        effects.append(Send(entry, timeout.source))
    return StepResult(node, tuple(effects))


def _receive_blocks(node: Node, inp: Receive, blocks: tuple[Block, ...]) -> Result:
    config = node.config
    wanted = None if node.wanted is None else node.wanted.certificate.block
    for block, above in zip(blocks, (None, *blocks), strict=False):
        if above is not None and above.parent != proofs.block_digest(block):
            return refused(node, inp, Why.UNPROVEN, "its blocks are no chain")
        if flaw := proofs.block_flaw(config, block):
            return refused(node, inp, Why.UNPROVEN, flaw)
    first = blocks[0]
    asked = {wanted, *(each.parent for each in node.orphans.values())}
    if proofs.block_digest(first) not in asked:
        if not tree.has(config, node.durable, first.parent):
            return refused(node, inp, Why.USELESS, "nobody asked for it, and its parent is not at hand")
        has_begun = first.view <= max(node.view, first.justify.view + 1)
        if full := _no_room(node, first, has_begun=has_begun):
            return refused(node, inp, Why.FULL, full)
    return sync.receive_blocks(node, blocks).then(following.retried)


def _receive_request(node: Node, inp: Receive, request: Request) -> Result:
    """Answer a repeated request as before; queue a new one for a leader."""
    if flaw := proofs.request_flaw(node.config, request):
        return refused(node, inp, Why.FORGED, flaw)
    last = node.durable.state.last_answer(request.client)
    if last is not None and last.timestamp >= request.timestamp:
        if last.timestamp > request.timestamp:
            return refused(node, inp, Why.OLD, f"client {request.client!r} had an answer to a later request")
        return StepResult(node, (chain.answer(node, last, node.view),))
    held = node.waiting.get(request.client)
    if held is not None and held.timestamp >= request.timestamp:
        return refused(node, inp, Why.OLD, f"client {request.client!r} waits for request {held.timestamp}")
    if held is None and len(node.waiting) >= node.config.waiting_max:
        return refused(node, inp, Why.FULL, f"{len(node.waiting)} clients wait already")
    return StepResult(attrs.evolve(node, waiting={**node.waiting, request.client: request}))


def _propose(node: Node, inp: Propose, batch: Batch) -> Result:
    if rejection := batch_rejection(node.config, batch):
        return refused(node, inp, Why.MALFORMED, rejection)
    for request in batch:
        if flaw := proofs.request_flaw(node.config, request):
            return refused(node, inp, Why.FORGED, flaw)
    if not following.may_propose(node):
        leader = node.config.leader(node.view)
        return refused(
            node,
            inp,
            Why.USELESS,
            f"{leader!r} leads view {node.view}, once, and with the certificates for it",
        )
    return following.propose(node, batch)


def _retransmit(node: Node) -> Result:
    """Retransmit messages of the present view that may have been lost."""
    durable, config = node.durable, node.config
    effects: list[Effect] = []
    if durable.proposal is not None and durable.proposal.block.view == node.view:
        effects.append(Send(durable.proposal))
    if durable.vote is not None and durable.vote.view == node.view:
        effects.append(Send(durable.vote, config.leader(durable.vote.view + 1)))
    if durable.timeout is not None and durable.timeout.view >= node.view - 1:
        effects.append(Send(durable.timeout))
    return StepResult(node, tuple(effects)).then(sync.asks_again).then(_tells_next)


def _tells_next(node: Node) -> Result:
    """Send the highest certificate to one more replica, if nothing is to be done.

    The last leader alone sends its block again. If it is faulty, a replica that missed the block waits for
    nothing, no timer of it runs, and nobody else would tell it.
    """
    others = [each for each in node.config.replicas if each != node.name]
    if pacemaker.is_waiting(node) or node.durable.high.view == 0 or not others:
        return StepResult(node)
    to = others[node.told % len(others)]
    return StepResult(attrs.evolve(node, told=node.told + 1), (Send(node.durable.high, to),))
