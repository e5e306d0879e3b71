"""Blocks and certificates: what a replica stores, learns, locks and commits."""

import attrs

from impl.common.encoding import Digest, digest
from impl.common.keys import signed
from impl.common.requests import Batch, Reply
from impl.common.service import Answered, State, applied
from impl.hotstuff import rules, tree
from impl.hotstuff.effects import Committed, Effect, Learned, Send, Stored
from impl.hotstuff.messages import Block, Certificate, Snapshot
from impl.hotstuff.proofs import block_digest
from impl.hotstuff.results import Result, StepResult
from impl.hotstuff.state import Node

__all__ = ["answer", "install", "is_same", "known", "learn", "store", "unordered"]


def store(node: Node, block: Block) -> Result:
    """Store a block whose parent is at hand, and take the certificate of its parent."""
    name = block_digest(block)
    if tree.has(node.config, node.durable, name):
        return StepResult(node)
    durable = attrs.evolve(node.durable, blocks={**node.durable.blocks, name: block})
    orphans = {each: found for each, found in node.orphans.items() if each != name}
    after = attrs.evolve(node, durable=durable, orphans=orphans)
    return StepResult(after, (Stored(block),)).then(known, block.justify)


def learn(node: Node, certificate: Certificate) -> Result:
    """Take a certificate of a block at hand that arrives by itself."""
    if certificate.view <= node.durable.high.view:
        return StepResult(node)
    news = Learned(certificate.view, certificate.block)
    return StepResult(node, (news,)).then(known, certificate)


def known(node: Node, certificate: Certificate) -> Result:
    """Take a certificate of a block that is at hand: raise the lock, commit, and go to the next view."""
    durable, config = node.durable, node.config
    view = max(node.view, certificate.view + 1)
    if certificate.view > durable.high.view:
        lock = rules.higher(durable.lock, rules.lock_for(config, durable, certificate))
        durable = attrs.evolve(durable, high=certificate, lock=lock)
        node = attrs.evolve(node, durable=durable)
        if node.wanted is not None and node.wanted.certificate.view <= certificate.view:
            node = attrs.evolve(node, wanted=None, orphans={})
        result = _committing(node, certificate.block)
    else:
        result = StepResult(node)
    return StepResult(attrs.evolve(result.state, view=view), result.effects)


# --- commits --------------------------------------------------------------------------------------


def _committing(node: Node, block: Digest) -> Result:
    """Commit the last ancestor of a certified block that three in a row commit, and all before it."""
    durable = node.durable
    last = None
    for each, _ in tree.ancestors(durable, block):
        if each == durable.committed:
            break
        if (last := rules.commit_for(durable, each)) is not None:
            break
    if last is None:
        return StepResult(node)
    fresh: list[tuple[Digest, Block]] = []
    for each, found in tree.ancestors(durable, last):
        if each == durable.committed:
            break
        fresh.append((each, found))
    if not fresh or fresh[-1][1].parent != durable.committed:
        return StepResult(node)
    return _executed(node, fresh[::-1])


def _executed(node: Node, fresh: list[tuple[Digest, Block]]) -> Result:
    """Execute blocks, the first of which is a child of the last committed one."""
    durable, effects = node.durable, []
    for name, block in fresh:
        state, replies = _applied(node, durable.state, block)
        effects += [Committed(block.view, name, block.batch), *replies]
        durable = attrs.evolve(durable, committed=name, state=state)
    durable = attrs.evolve(durable, blocks=tree.pruned(node.config, durable))
    after = attrs.evolve(node, durable=durable, futile=0)
    return StepResult(_without_answered(after), tuple(effects))


def _applied(node: Node, state: State, block: Block) -> tuple[State, list[Effect]]:
    """The state after a block, and the replies to those whose requests were executed now."""
    replies: list[Effect] = []
    for request in block.batch:
        last = state.last_answer(request.client)
        if last is not None and last.timestamp >= request.timestamp:
            continue
        state, answered = applied(node.config.service, state, request)
        replies.append(answer(node, answered, block.view))
    return state, replies


def answer(node: Node, last: Answered, view: int) -> Send:
    """The reply to a client, which believes f + 1 equal ones."""
    reply = Reply(
        view=view, client=last.client, timestamp=last.timestamp, result=last.result, source=node.name
    )
    return Send(signed(reply, node.config.keys), last.client)


def _without_answered(node: Node) -> Node:
    """The replica without the waiting requests that are executed."""
    state = node.durable.state
    waiting = {
        client: request
        for client, request in node.waiting.items()
        if (last := state.last_answer(client)) is None or last.timestamp < request.timestamp
    }
    return attrs.evolve(node, waiting=waiting)


def unordered(node: Node) -> Batch:
    """The waiting requests that no uncommitted block holds, as many as fit into a block."""
    ordered = {
        (request.client, request.timestamp)
        for _, block in tree.ancestors(node.durable, node.durable.high.block)
        for request in block.batch
    }
    fresh = (each for each in node.waiting.values() if (each.client, each.timestamp) not in ordered)
    return tuple(each for _, each in zip(range(node.config.batch_max), fresh, strict=False))


# --- snapshots ------------------------------------------------------------------------------------


def install(node: Node, snapshot: Snapshot) -> Result:
    """Take over a state that f + 1 replicas vouch for, at a block that three in a row commit.

    The blocks between are not executed here: `Committed` leaves them out.
    """
    first, middle, last = snapshot.head
    durable = node.durable
    kept = {name: block for name, block in durable.blocks.items() if block.view > first.view}
    name = block_digest(first)
    blocks = {**kept, name: first, block_digest(middle): middle, block_digest(last): last}
    durable = attrs.evolve(durable, blocks=blocks, state=snapshot.state, committed=name)
    node = _without_answered(attrs.evolve(node, durable=durable, snapshots={}, wanted=None, futile=0))
    news = (Stored(first), Stored(middle), Stored(last), Learned(last.view, block_digest(last)))
    effects: tuple[Effect, ...] = (*news, Committed(first.view, name, first.batch))
    return StepResult(node, effects).then(known, snapshot.certificate)


def is_same(one: Snapshot, other: Snapshot) -> bool:
    """Return whether two snapshots vouch for the same state at the same block."""
    return block_digest(one.head[0]) == block_digest(other.head[0]) and digest(one.state) == digest(
        other.state
    )
