"""Answers to clients, and the requests that still wait."""

from collections.abc import Mapping

import attrs

from impl.common.identities import ClientId
from impl.common.requests import Request
from impl.hybrid.control import ControlState, operation_of
from impl.hybrid.effects import Send
from impl.hybrid.messages import Answer
from impl.hybrid.signing import signed
from impl.hybrid.state import Node, Waiting

__all__ = ["aged", "answer", "is_done", "without_done"]


def is_done(control: ControlState, request: Request) -> bool:
    """Return whether an operation of a client, or a later one of the same, is done."""
    asked, session = operation_of(request), control.session(request.client)
    return asked is None or (session is not None and session.sequence >= asked[0])


def without_done(waiting: Mapping[ClientId, Waiting], control: ControlState) -> Mapping[ClientId, Waiting]:
    """The requests that still wait."""
    return {client: each for client, each in waiting.items() if not is_done(control, each.request)}


def answer(node: Node, client: ClientId) -> tuple[Send, ...]:
    """The answer to a client about its last operation that is done; nothing if there is none.

    A committed result is answered with term 0, and f + 1 like answers suffice; a speculative one with the
    term of the locked QC.
    """
    session = node.speculative.session(client)
    if session is None:
        return ()
    is_committed = session == node.committed.session(client)
    locked = node.raft_epoch.locked if node.raft_epoch is not None else None
    told = Answer(
        epoch=node.epoch,
        term=0 if is_committed or locked is None else locked.term,
        client=client,
        sequence=session.sequence,
        result=session.result,
        source=node.name,
    )
    return (Send(signed(told, node.config.keys), client),)


def aged(node: Node) -> Node:
    """The replica one tick later: waiting requests are one tick older."""
    return attrs.evolve(node, waiting=_older(node.waiting), unconfirmed=_older(node.unconfirmed))


def _older(waiting: Mapping[ClientId, Waiting]) -> Mapping[ClientId, Waiting]:
    return {client: attrs.evolve(each, ticks=each.ticks + 1) for client, each in waiting.items()}
