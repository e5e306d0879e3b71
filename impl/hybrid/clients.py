"""Clients' requests: answered if they are done, otherwise queued for the leader of the epoch, or for BFT."""

import attrs

from impl.common.identities import NodeId
from impl.common.requests import Request
from impl.hybrid.answers import answer, is_done
from impl.hybrid.control import operation_of
from impl.hybrid.effects import Refused
from impl.hybrid.epochs import submit
from impl.hybrid.inputs import Input, Receive
from impl.hybrid.results import Result, StepResult
from impl.hybrid.shapes import request_rejection
from impl.hybrid.state import Node, Waiting
from impl.hybrid.switches import ordered

__all__ = ["receive_request"]


def receive_request(node: Node, request: Request, about: Input, sender: NodeId | None) -> Result:
    """Handle a request: a client's operation, or in the agreed log a replica's epoch-end command."""
    if type(request.client) is str and request.client in node.config.replicas:
        return ordered(node, Receive(request), about, sender)
    if rejection := request_rejection(node.config, request):
        return StepResult(node, (Refused(about, rejection),))
    if is_done(node.speculative, request):
        return _again(node, request, about)
    known = node.waiting.get(request.client)
    if known is None and len(node.waiting) >= node.config.waiting_max:
        return StepResult(node, (Refused(about, f"{len(node.waiting)} clients wait: ask again later"),))
    if known is not None and _sequence(known.request) > _sequence(request):
        return StepResult(node, (Refused(about, "a later operation of this client waits"),))
    is_same = known is not None and _sequence(known.request) == _sequence(request)
    ticks = known.ticks if known is not None and is_same else 0
    node = attrs.evolve(node, waiting={**node.waiting, request.client: Waiting(request, ticks)})
    if node.is_bft:
        return ordered(node, Receive(request), about, sender)
    return submit(node, (request,)) if node.is_leader else StepResult(node)


def _again(node: Node, request: Request, about: Input) -> Result:
    """Answer a request that is done again, if it is the client's last."""
    session = node.speculative.session(request.client)
    if session is None or session.sequence > _sequence(request):
        return StepResult(node, (Refused(about, "a later operation of this client is done"),))
    return StepResult(_noted_unconfirmed(node, request), answer(node, request.client))


def _noted_unconfirmed(node: Node, request: Request) -> Node:
    """The replica with an unconfirmed request: its client asks again for a speculative result.

    Too few replicas may have locked the QC, or answer, for the client to accept. A request that stays
    unconfirmed for too long counts as waiting, although it is done here, since the epoch makes no progress
    that clients see.
    """
    if node.serving is None or is_done(node.committed, request):
        return node
    known = node.unconfirmed.get(request.client)
    if known is None or _sequence(known.request) != _sequence(request):
        return attrs.evolve(node, unconfirmed={**node.unconfirmed, request.client: Waiting(request)})
    if known.ticks < node.config.stall_ticks:
        return node
    return attrs.evolve(node, waiting={**node.waiting, request.client: known})


def _sequence(request: Request) -> int:
    asked = operation_of(request)
    return asked[0] if asked is not None else 0
