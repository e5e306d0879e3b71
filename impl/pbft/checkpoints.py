"""Checkpoints and log truncation (paper, 4.3); state transfer (TOCS, 5.3).

A checkpoint that a quorum has is stable, and the log before it is discarded.
"""

import attrs

from impl.common.encoding import Digest
from impl.common.keys import signed
from impl.common.service import State
from impl.pbft import rules
from impl.pbft.effects import Diverged, Effect, Send, Transferred
from impl.pbft.execution import execute_from
from impl.pbft.messages import Checkpoint, CheckpointCertificate, StateRequest, StateResponse
from impl.pbft.results import Result, StepResult
from impl.pbft.state import Node, beyond
from impl.pbft.voting import heard_checkpoint, without_checkpoints

__all__ = [
    "collect_checkpoints",
    "collect_own_checkpoints",
    "discard",
    "receive_checkpoint",
    "receive_state_request",
    "receive_state_response",
    "state_request",
]


def receive_checkpoint(node: Node, message: Checkpoint) -> Result:
    """Handle the checkpoint of a replica."""
    return collect_checkpoints(heard_checkpoint(node, message), message.seq, message.digest)


def collect_checkpoints(node: Node, seq: int, digest: Digest) -> Result:
    """Make a checkpoint stable once a quorum has it, and discard the log before it (paper, 4.3)."""
    heard = [each for several in node.checkpoints.values() for each in several]
    if seq <= node.durable.stable.seq or not rules.is_stable(node.config, heard, seq, digest):
        return StepResult(node)
    voters = rules.checkpoint_votes(node.config, heard, seq, digest)
    # Its own vote is in the proof if it gave one: so the proof also tells what it may say again.
    own_first = sorted(voters, key=lambda source: (source != node.name, source))
    chosen = own_first[: rules.quorum_size(node.config)]
    votes = {each.source: each for each in heard if each.seq == seq and each.digest == digest}
    proof = tuple(votes[source] for source in node.config.replicas if source in chosen)
    stable = CheckpointCertificate(seq=seq, digest=digest, proof=proof)
    return discard(node, stable)


def collect_own_checkpoints(node: Node) -> Result:
    """Collect the own checkpoints after execution: they may be the last ones missing."""
    result: Result = StepResult(node)
    for own in node.checkpoints.get(node.name, ()):
        result = result.then(collect_checkpoints, own.seq, own.digest)
    return result


def discard(node: Node, stable: CheckpointCertificate) -> Result:
    """Advance the low watermark to a later stable checkpoint.

    A replica that has not executed up to there asks for the state.
    """
    durable, seq = node.durable, stable.seq
    own = next((each for each in node.checkpoints.get(node.name, ()) if each.seq == seq), None)
    effects: list[Effect] = []
    if own is not None and own.digest != stable.digest:
        effects.append(Diverged(seq, own.digest, stable.digest))
    durable = attrs.evolve(
        durable,
        stable=stable,
        accepted=beyond(durable.accepted, seq),
        prepared=beyond(durable.prepared, seq),
        committed=beyond(durable.committed, seq),
        snapshots=beyond(durable.snapshots, seq - 1),
    )
    node = without_checkpoints(attrs.evolve(node, durable=durable), seq)
    if durable.executed < seq:
        effects.append(state_request(node))
    return StepResult(node, tuple(effects))


# --- state transfer -----------------------------------------------------------------------------


def state_request(node: Node, *, beyond: int = 0) -> Send:
    """Ask all for the state of the stable checkpoint, or of one at least so many numbers beyond it."""
    request = StateRequest(seq=node.durable.stable.seq + beyond, source=node.name)
    return Send(signed(request, node.config.keys))


def receive_state_request(node: Node, request: StateRequest) -> Result:
    """Send the stable checkpoint, with its proof and its state."""
    stable = node.durable.stable
    response = StateResponse(checkpoint=stable, state=node.durable.snapshots[stable.seq], source=node.name)
    return StepResult(node, (Send(signed(response, node.config.keys), request.source),))


def receive_state_response(node: Node, response: StateResponse) -> Result:
    """Install a state whose digest a quorum vouches for; its stable checkpoint may be new as well."""
    checkpoint = response.checkpoint
    result: Result = StepResult(node)
    if checkpoint.seq > node.durable.stable.seq:
        node = discard(node, checkpoint).state
        result = StepResult(node)
    return result.then(_transfer_state, response.state).then(collect_own_checkpoints)


def _transfer_state(node: Node, state: State) -> Result:
    """Install the state of the stable checkpoint, and execute the committed batches behind it."""
    seq = node.durable.stable.seq
    durable = attrs.evolve(node.durable, snapshots={**node.durable.snapshots, seq: state})
    result = execute_from(attrs.evolve(node, durable=durable), seq, state)
    return StepResult(result.state, (Transferred(seq), *result.effects))
