"""Clients' requests: answered if they are done, else they wait for the leader of the epoch, or for PBFT."""

import attrs

from impl import pbft
from impl.common.identities import NodeId
from impl.hybrid.answers import answer, is_done
from impl.hybrid.book import operation_of
from impl.hybrid.effects import Refused
from impl.hybrid.epochs import submit
from impl.hybrid.inputs import Input
from impl.hybrid.outcome import Outcome
from impl.hybrid.shapes import request_complaint
from impl.hybrid.state import Node, Waiting
from impl.hybrid.switches import ordered
from impl.pbft.messages import Request

__all__ = ["receive_request"]


def receive_request(node: Node, request: Request, about: Input, sender: NodeId | None) -> Outcome:
    """Somebody asks: a client for an operation, or a replica, by PBFT, for the end of an epoch."""
    if type(request.client) is str and request.client in node.config.replicas:
        return ordered(node, pbft.Receive(request), about, sender)
    if complaint := request_complaint(node.config, request):
        return Outcome(node, (Refused(about, complaint),))
    if is_done(node.book, request):
        return _again(node, request, about)
    known = node.waiting.get(request.client)
    if known is None and len(node.waiting) >= node.config.waiting_max:
        return Outcome(node, (Refused(about, f"{len(node.waiting)} clients wait: ask again later"),))
    if known is not None and _sequence(known.request) > _sequence(request):
        return Outcome(node, (Refused(about, "a later operation of this client waits"),))
    is_same = known is not None and _sequence(known.request) == _sequence(request)
    ticks = known.ticks if known is not None and is_same else 0
    node = attrs.evolve(node, waiting={**node.waiting, request.client: Waiting(request, ticks)})
    if node.is_bft:
        return ordered(node, pbft.Receive(request), about, sender)
    return submit(node, (request,)) if node.is_leader else Outcome(node)


def _again(node: Node, request: Request, about: Input) -> Outcome:
    """It is done, and so is answered again, if it is the client's last."""
    session = node.book.session(request.client)
    if session is None or session.sequence > _sequence(request):
        return Outcome(node, (Refused(about, "a later operation of this client is done"),))
    return Outcome(_doubted(node, request), answer(node, request.client))


def _doubted(node: Node, request: Request) -> Node:
    """The replica that notes that a client asks again for what rests on a seal only.

    So few replicas may hold the seal, or answer, that the client never believes. Who asks again for too long is taken for
    waiting, though all is done here: for the epoch makes no progress that counts.
    """
    if node.serving is None or is_done(node.agreed, request):
        return node
    known = node.doubting.get(request.client)
    if known is None or _sequence(known.request) != _sequence(request):
        return attrs.evolve(node, doubting={**node.doubting, request.client: Waiting(request)})
    if known.ticks < node.config.standstill_ticks:
        return node
    return attrs.evolve(node, waiting={**node.waiting, request.client: known})


def _sequence(request: Request) -> int:
    asked = operation_of(request)
    return asked[0] if asked is not None else 0
