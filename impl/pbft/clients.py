"""Clients: each request is ordered once and answered as often as asked (paper, 4.1), within a rate limit."""

import attrs

from impl.common.requests import Request
from impl.pbft import limits, rules
from impl.pbft.effects import Effect, Send
from impl.pbft.execution import answer
from impl.pbft.results import Result, StepResult
from impl.pbft.state import Node

__all__ = ["receive_request", "tick"]


def receive_request(node: Node, request: Request) -> Result:
    """Answer a repeated request as before; queue a new one, which a backup relays to the primary."""
    state, durable = node.durable.state, node.durable
    last = state.last_answer(request.client)
    if last is not None and not rules.may_execute(state, request):
        return StepResult(_having_answered(node, request), (answer(node, last),))
    node = attrs.evolve(node, waiting={**node.waiting, request.client: request})
    relays = not node.is_primary and not durable.changing
    effects: tuple[Effect, ...] = (Send(request, node.config.primary(durable.view)),) if relays else ()
    return StepResult(_having_taken(node, request), effects)


# --- what it costs the client -------------------------------------------------------------------


def _having_taken(node: Node, request: Request) -> Node:
    """The replica after counting a request that it queues."""
    if node.config.rate_limit is None:
        return node
    requests = limits.spend(node.spent.requests, request.client)
    return attrs.evolve(node, spent=attrs.evolve(node.spent, requests=requests))


def _having_answered(node: Node, request: Request) -> Node:
    """The replica after counting a repeated answer."""
    if node.config.rate_limit is None:
        return node
    answers = limits.spend(node.spent.answers, request.client)
    return attrs.evolve(node, spent=attrs.evolve(node.spent, answers=answers))


def tick(node: Node) -> Result:
    """Restore tokens after a tick, so that clients may ask again."""
    limit, spent = node.config.rate_limit, node.spent
    if limit is None or spent == limits.NOTHING_SPENT:
        return StepResult(node)
    return StepResult(attrs.evolve(node, spent=limits.ticked(limit, spent)))
