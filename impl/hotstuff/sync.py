"""Missing blocks: a replica fetches them, one after the other, from those that must have them.

A certificate names them: a quorum voted for the block, so at least f + 1 correct signers have it and its
ancestors, or have pruned them and send the state instead. Each time another signer is asked. A replica asks
for one block at a time, that of the highest certificate, so that others can make it keep and send little.
"""

import attrs

from impl.common.keys import signed
from impl.hotstuff import chain, rules, tree
from impl.hotstuff.effects import Send
from impl.hotstuff.messages import Block, Blocks, Certificate, Fetch, Snapshot
from impl.hotstuff.proofs import block_digest, signers_of
from impl.hotstuff.results import Result, StepResult
from impl.hotstuff.state import Node, Wanted

__all__ = ["asks_again", "has_or_wants", "receive_blocks", "receive_fetch", "receive_snapshot", "snapshot_of"]


def has_or_wants(node: Node, certificate: Certificate) -> Result:
    """Take a certificate if its block is at hand; ask for the block if not."""
    if tree.has(node.config, node.durable, certificate.block):
        return chain.learn(node, certificate)
    if certificate.view <= node.durable.high.view:
        return StepResult(node)
    if node.wanted is not None and node.wanted.certificate.view >= certificate.view:
        return StepResult(node)
    return _asks(attrs.evolve(node, wanted=Wanted(certificate)))


def asks_again(node: Node) -> Result:
    """Ask another signer for the block that is wanted, if one is."""
    return StepResult(node) if node.wanted is None else _asks(node)


def _asks(node: Node) -> Result:
    if node.wanted is None:
        return StepResult(node)
    certificate, asked = node.wanted.certificate, node.wanted.asked
    missing = _lowest(node, certificate)
    others = [each for each in node.config.replicas if each != node.name]
    signers = [each for each in signers_of(node.config, missing.signers) if each in others]
    above = tree.view_of(node.durable, node.durable.committed)
    fetch = Fetch(block=missing.block, above=above, source=node.name)
    to = signers[asked % len(signers)]
    node = attrs.evolve(node, wanted=Wanted(certificate, asked + 1))
    return StepResult(node, (Send(signed(fetch, node.config.keys), to),))


def _lowest(node: Node, certificate: Certificate) -> Certificate:
    """The certificate of the first block that is missing on the way down from this one."""
    while (orphan := node.orphans.get(certificate.block)) is not None:
        if tree.has(node.config, node.durable, orphan.parent):
            return certificate
        certificate = orphan.justify
    return certificate


def receive_fetch(node: Node, fetch: Fetch) -> Result:
    """Send a replica the block that it asks for and its ancestors, or a snapshot if they are pruned."""
    durable = node.durable
    path = [block for _, block in tree.ancestors(durable, fetch.block) if block.view > fetch.above]
    below, view = (path[-1].parent, path[-1].justify.view) if path else (fetch.block, fetch.above + 1)
    is_gone = view > fetch.above and not tree.has(node.config, durable, below)
    if is_gone and tree.view_of(durable, durable.committed) > fetch.above:
        made = snapshot_of(node)
        if made is not None:
            return StepResult(node, (Send(made, fetch.source),))
    found = tuple(path[: node.config.fetch_max])
    return StepResult(node, (Send(Blocks(found), fetch.source),) if found else ())


def snapshot_of(node: Node) -> Snapshot | None:
    """The state that this replica has committed, with the three blocks that prove it."""
    durable = node.durable
    path = [block for _, block in tree.ancestors(durable, durable.high.block)]
    certificate = durable.high
    for last, middle, first in zip(path, path[1:], path[2:], strict=False):
        if block_digest(first) == durable.committed:
            made = Snapshot(
                head=(first, middle, last), certificate=certificate, state=durable.state, source=node.name
            )
            return signed(made, node.config.keys)
        certificate = last.justify
    return None


def receive_blocks(node: Node, blocks: tuple[Block, ...]) -> Result:
    """Store arriving blocks whose parents are at hand, and hold others that are wanted; then ask for more."""
    result: Result = StepResult(node)
    for block in reversed(blocks):
        if tree.has(node.config, result.state.durable, block.parent):
            result = result.then(chain.store, block)
    for block in blocks:
        if not tree.has(node.config, result.state.durable, block_digest(block)):
            result = StepResult(_keeping(result.state, block), result.effects)
    is_of_use = result.state is not node
    return result.then(_adopting).then(_asks) if is_of_use else result


def _keeping(node: Node, block: Block) -> Node:
    """The replica with an orphan block stored, if the wanted block descends from it.

    So a quorum has voted for each, and there are no more of them than views since its last commit.
    """
    name = block_digest(block)
    if node.wanted is None or name in node.orphans:
        return node
    if block.view <= tree.view_of(node.durable, node.durable.committed):
        return node
    on_the_way = {node.wanted.certificate.block, *(each.parent for each in node.orphans.values())}
    return attrs.evolve(node, orphans={**node.orphans, name: block}) if name in on_the_way else node


def _adopting(node: Node) -> Result:
    """Store orphans whose parents have arrived; take the wanted certificate if its block is among them."""
    result: Result = StepResult(node)
    while True:
        current = result.state
        ready = [
            each
            for each in current.orphans.values()
            if tree.has(current.config, current.durable, each.parent)
        ]
        if not ready:
            break
        result = result.then(chain.store, ready[0])
    wanted = result.state.wanted
    if wanted is None or not tree.has(node.config, result.state.durable, wanted.certificate.block):
        return result
    result = StepResult(attrs.evolve(result.state, wanted=None, orphans={}), result.effects)
    return result.then(chain.learn, wanted.certificate)


def receive_snapshot(node: Node, snapshot: Snapshot) -> Result:
    """Handle a state; install it once f + 1 replicas have sent the same."""
    node = attrs.evolve(node, snapshots={**node.snapshots, snapshot.source: snapshot})
    alike = [each for each in node.snapshots.values() if chain.is_same(each, snapshot)]
    if len(alike) < rules.weak_quorum_size(node.config):
        return asks_again(node)
    return chain.install(attrs.evolve(node, orphans={}), snapshot)
