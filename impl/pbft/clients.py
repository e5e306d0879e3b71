"""Clients: a request is ordered once, and answered as often as it is asked (paper, 4.1), within the limit of its rate."""

import attrs

from impl.pbft import limits, rules
from impl.pbft.effects import Effect, Send
from impl.pbft.execution import answer
from impl.pbft.messages import Request
from impl.pbft.outcome import Outcome
from impl.pbft.state import Node

__all__ = ["receive_request", "tick"]


def receive_request(node: Node, request: Request) -> Outcome:
    """A client asks, or asks again: the answer it had, or its request waits; a backup hands it to the primary."""
    state, durable = node.durable.state, node.durable
    last = state.last_answer(request.client)
    if last is not None and not rules.may_execute(state, request):
        return Outcome(_having_answered(node, request), (answer(node, last),))
    node = attrs.evolve(node, waiting={**node.waiting, request.client: request})
    relays = not node.is_primary and not durable.changing
    effects: tuple[Effect, ...] = (Send(request, node.config.primary(durable.view)),) if relays else ()
    return Outcome(_having_taken(node, request), effects)


# --- what it costs the client -------------------------------------------------------------------


def _having_taken(node: Node, request: Request) -> Node:
    """The replica that counts a request that it lets wait."""
    if node.config.rate_limit is None:
        return node
    requests = limits.spend(node.spent.requests, request.client)
    return attrs.evolve(node, spent=attrs.evolve(node.spent, requests=requests))


def _having_answered(node: Node, request: Request) -> Node:
    """The replica that counts an answer that it gives again."""
    if node.config.rate_limit is None:
        return node
    answers = limits.spend(node.spent.answers, request.client)
    return attrs.evolve(node, spent=attrs.evolve(node.spent, answers=answers))


def tick(node: Node) -> Outcome:
    """Time has passed: clients may ask again."""
    limit, spent = node.config.rate_limit, node.spent
    if limit is None or spent == limits.NOTHING_SPENT:
        return Outcome(node)
    return Outcome(attrs.evolve(node, spent=limits.ticked(limit, spent)))
