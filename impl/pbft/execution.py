"""Execution of committed batches in sequence order, each request once (paper, 4.1 and 4.2)."""

import attrs

from impl.common.encoding import digest
from impl.common.keys import signed
from impl.common.requests import Batch, Reply
from impl.common.service import Answered, State, applied
from impl.pbft import rules
from impl.pbft.effects import Effect, Executed, Send
from impl.pbft.messages import Checkpoint
from impl.pbft.results import Result, StepResult
from impl.pbft.state import Node
from impl.pbft.voting import heard_checkpoint

__all__ = ["answer", "execute_from", "without_answered"]


def answer(node: Node, last: Answered) -> Send:
    """The reply to a client (paper, 4.1)."""
    reply = Reply(
        view=node.durable.view,
        client=last.client,
        timestamp=last.timestamp,
        result=last.result,
        source=node.name,
    )
    return Send(signed(reply, node.config.keys), last.client)


def execute_from(node: Node, seq: int, state: State) -> Result:
    """Execute committed batches from a state at a number to the first missing one (paper, 4.2).

    Each checkpoint passed is told to all (paper, 4.3).

    Args:
        node: the replica.
        seq: where it is: what it executed last, or the stable checkpoint that it takes over.
        state: the state there.
    """
    config = node.config
    snapshots = dict(node.durable.snapshots)
    effects: list[Effect] = []
    while (batch := node.durable.committed.get(seq + 1)) is not None:
        seq += 1
        state, replies = _after(node, state, batch)
        effects += [Executed(seq, batch), *replies]
        if seq % config.interval == 0:
            snapshots[seq] = state
            checkpoint = signed(Checkpoint(seq=seq, digest=digest(state), source=config.node), config.keys)
            node = heard_checkpoint(node, checkpoint)
            effects.append(Send(checkpoint))
    durable = attrs.evolve(node.durable, executed=seq, state=state, snapshots=snapshots)
    return StepResult(without_answered(attrs.evolve(node, durable=durable)), tuple(effects))


def _after(node: Node, state: State, batch: Batch) -> tuple[State, list[Effect]]:
    """The state after a batch, and the replies to those whose requests were executed now."""
    replies: list[Effect] = []
    for request in batch:
        if rules.may_execute(state, request):
            state, answered = applied(node.config.service, state, request)
            replies.append(answer(node, answered))
    return state, replies


def without_answered(node: Node) -> Node:
    """The replica without the waiting requests that are executed or outdated."""
    state = node.durable.state
    waiting = {
        client: request for client, request in node.waiting.items() if rules.may_execute(state, request)
    }
    return node if len(waiting) == len(node.waiting) else attrs.evolve(node, waiting=waiting)
