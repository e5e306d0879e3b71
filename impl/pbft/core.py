"""One step of a PBFT replica. Pure; each handler names the section of the paper that it carries out."""

from typing import assert_never

from impl.common.encoding import digest
from impl.common.requests import Reply, Request
from impl.pbft import checkpoints, clients, normal, retransmission, view_changes
from impl.pbft.configuration import Config
from impl.pbft.effects import Effect, Persist, Why
from impl.pbft.inputs import Input, Propose, Receive, Retransmit, Tick, Timeout
from impl.pbft.messages import (
    Checkpoint,
    CheckpointCertificate,
    Commit,
    Message,
    NewView,
    Prepare,
    PrePrepare,
    StateRequest,
    StateResponse,
    ViewChange,
)
from impl.pbft.results import Refusal, Result, refused
from impl.pbft.state import Durable, Node
from impl.pbft.timers import with_timer
from impl.pbft.validation import batch_refusal, message_refusal

__all__ = ["first_start", "recover", "step"]


def first_start(config: Config) -> Node:
    """A replica that starts for the first time, in view 0, with the service's first state.

    Its host persists `durable` before the replica takes a step; later starts use `recover`.
    """
    first = config.first_state
    return Node(
        config,
        Durable(
            state=first,
            stable=CheckpointCertificate(seq=0, digest=digest(first)),
            snapshots={0: first},
        ),
    )


def recover(config: Config, durable: Durable) -> Node:
    """The replica after a crash: its state on disk, and what follows from it.

    The messages not yet counted are lost, and so are the waiting requests. Hand it `Retransmit` first, and
    start its timer if it `is_waiting`.
    """
    return retransmission.recollected(Node(config, durable))


def step(node: Node, inp: Input) -> tuple[Node, tuple[Effect, ...]]:
    """One step of a replica.

    Total: every input is either accepted, or rejected by a `Refused` with the reason and the replica
    unchanged. Only the service may raise.

    Args:
        node: the replica before the step.
        inp: what happened.

    Returns:
        The replica after the step, and what the host must do, in order: `Persist` first, then messages and
        news of execution as they came about, then the timer.
    """
    match inp:
        case Receive(message=message):
            result = _receive(node, inp, message)
        case Propose(batch=batch):
            refusal = batch_refusal(node, batch)
            result = refused(node, inp, refusal) if refusal else normal.propose(node, batch)
        case Timeout():
            result = view_changes.timeout(node)
        case Retransmit():
            result = retransmission.retransmit(node)
        case Tick():
            result = clients.tick(node)
        case _:
            assert_never(inp)
    after, effects = with_timer(node, result)
    if after.durable is not node.durable:
        effects = (Persist(after.durable), *effects)
    return after, effects


def _receive(node: Node, inp: Receive, message: Message) -> Result:
    """Validate a message from any sender, then dispatch it."""
    if refusal := message_refusal(node, message):
        return refused(node, inp, refusal)
    match message:
        case Prepare() | Commit():
            return normal.receive_vote(node, message)
        case PrePrepare():
            return normal.receive_pre_prepare(node, message)
        case Request():
            return clients.receive_request(node, message)
        case Checkpoint():
            return checkpoints.receive_checkpoint(node, message)
        case ViewChange():
            return view_changes.receive_view_change(node, message)
        case NewView():
            return view_changes.receive_new_view(node, message)
        case StateRequest():
            return checkpoints.receive_state_request(node, message)
        case StateResponse():
            return checkpoints.receive_state_response(node, message)
        case Reply():
            return refused(node, inp, Refusal(Why.STRANGER, "replies are for clients"))
        case _:
            assert_never(message)
