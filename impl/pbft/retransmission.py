"""Retransmission: messages repeated for replicas that may have missed them.

After a crash a replica also counts its own messages again. A repeated message has the same content, and so
the same signature, as the first time.
"""

from impl.common.encoding import digest
from impl.common.keys import signed
from impl.pbft.checkpoints import state_request
from impl.pbft.effects import Send
from impl.pbft.messages import Checkpoint, Commit, Message, Prepare
from impl.pbft.results import Result, StepResult
from impl.pbft.state import Node
from impl.pbft.view_changes import relay_waiting
from impl.pbft.voting import accepts, heard, heard_checkpoint, heard_view_change

__all__ = ["recollected", "retransmit"]


def retransmit(node: Node) -> Result:
    """Retransmit to all what is not known to be covered by their stable checkpoints.

    A replica that changes views asks for the states of the others (as with the status messages of TOCS, 5.2).
    It may be alone while they proceed with the votes of a Byzantine replica that sends it nothing, and would
    otherwise never catch up.
    """
    durable = node.durable
    said: list[Message] = [*_own_checkpoints(node), *_own_votes(node)]
    if durable.leaving is not None:
        said.append(durable.leaving)
    elif node.is_primary:
        begun = durable.entered.proposals if durable.entered is not None else ()
        if durable.entered is not None:
            said.append(durable.entered)
        said += [
            durable.accepted[seq] for seq in sorted(durable.accepted) if durable.accepted[seq] not in begun
        ]
    effects = [Send(message) for message in said]
    if durable.leaving is not None and node.is_primary:
        effects.append(Send(durable.leaving, node.name))
    if durable.executed < durable.stable.seq:
        effects.append(state_request(node))
    elif durable.changing:
        effects.append(state_request(node, beyond=node.config.interval))
    return StepResult(node, (*effects, *relay_waiting(node)))


def recollected(node: Node) -> Node:
    """The replica after a crash with its own messages and the votes of its certificates restored."""
    for checkpoint in _own_checkpoints(node):
        if checkpoint.seq > node.durable.stable.seq:
            node = heard_checkpoint(node, checkpoint)
    for seq, proposal in node.durable.accepted.items():
        node = accepts(node, seq, digest(proposal.batch))
        certificate = node.durable.prepared.get(seq)
        if certificate is not None and certificate.view == node.durable.view:
            for vote in certificate.prepares:
                node = heard(node, vote)
    for own in _own_votes(node):
        node = heard(node, own)
    if node.durable.leaving is not None:
        node = heard_view_change(node, node.durable.leaving)
    return node


def _own_checkpoints(node: Node) -> list[Checkpoint]:
    """The checkpoints that it made itself, from the stable one on; not one of an installed state."""
    snapshots, stable = node.durable.snapshots, node.durable.stable
    own = [vote for vote in stable.proof if vote.source == node.name]
    made = [
        Checkpoint(seq=seq, digest=digest(snapshots[seq]), source=node.name)
        for seq in sorted(snapshots)
        if seq > stable.seq
    ]
    return [*own, *(signed(checkpoint, node.config.keys) for checkpoint in made)]


def _own_votes(node: Node) -> list[Prepare | Commit]:
    """The proposals that it agreed to in its view."""
    durable, config = node.durable, node.config
    votes: list[Prepare | Commit] = []
    for seq in sorted(durable.accepted):
        agreed = node.votes[seq].accepted
        if not node.is_primary:
            prepare = Prepare(view=durable.view, seq=seq, digest=agreed, source=config.node)
            votes.append(signed(prepare, config.keys))
        certificate = durable.prepared.get(seq)
        if certificate is not None and certificate.view == durable.view:
            commit = Commit(view=durable.view, seq=seq, digest=agreed, source=config.node)
            votes.append(signed(commit, config.keys))
    return votes
