"""Execution: what is committed is executed in the order of its numbers, each request once (paper, 4.1 and 4.2)."""

import attrs

from impl.common.encoding import digest
from impl.common.keys import signed
from impl.pbft import rules
from impl.pbft.effects import Effect, Executed, Send
from impl.pbft.messages import Answered, Batch, Checkpoint, Reply, Request, State
from impl.pbft.outcome import Outcome
from impl.pbft.service import Service
from impl.pbft.state import Node
from impl.pbft.voting import heard_checkpoint

__all__ = ["answer", "applied", "execute_from", "without_answered"]


def applied(service: Service, state: State, request: Request) -> tuple[State, Answered]:
    """The state after a request, and the answer for its client, which the state keeps."""
    value, result = service.apply(state.value, request)
    answered = Answered(client=request.client, timestamp=request.timestamp, result=result)
    return state.with_answer(value, answered), answered


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


def execute_from(node: Node, seq: int, state: State) -> Outcome:
    """From a state at a number, execute the committed batches up to the first that is missing (paper, 4.2).

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
    return Outcome(without_answered(attrs.evolve(node, durable=durable)), tuple(effects))


def _after(node: Node, state: State, batch: Batch) -> tuple[State, list[Effect]]:
    """The state after a batch, and the replies to those whose requests were executed now."""
    replies: list[Effect] = []
    for request in batch:
        if rules.may_execute(state, request):
            state, answered = applied(node.config.service, state, request)
            replies.append(answer(node, answered))
    return state, replies


def without_answered(node: Node) -> Node:
    """The replica that waits no more for requests that are executed, or too old to be."""
    state = node.durable.state
    waiting = {
        client: request for client, request in node.waiting.items() if rules.may_execute(state, request)
    }
    return node if len(waiting) == len(node.waiting) else attrs.evolve(node, waiting=waiting)
