"""Clients: a request is ordered once, and answered as often as it is asked (paper, 4.1)."""

import attrs

from impl.pbft import rules
from impl.pbft.effects import Effect, Send
from impl.pbft.execution import answer
from impl.pbft.messages import Request
from impl.pbft.outcome import Outcome
from impl.pbft.state import Node

__all__ = ["receive_request"]


def receive_request(node: Node, request: Request) -> Outcome:
    """A client asks, or asks again: the answer it had, or its request waits; a backup hands it to the primary."""
    state, durable = node.durable.state, node.durable
    last = state.last_answer(request.client)
    if last is not None and not rules.may_execute(state, request):
        return Outcome(node, (answer(node, last),))
    node = attrs.evolve(node, waiting={**node.waiting, request.client: request})
    relays = not node.is_primary and not durable.changing
    effects: tuple[Effect, ...] = (Send(request, node.config.primary(durable.view)),) if relays else ()
    return Outcome(node, effects)
