"""Answers to clients, and the requests that still wait."""

from collections.abc import Mapping

import attrs

from impl.common.identities import ClientId
from impl.hybrid.book import Book, operation_of
from impl.hybrid.effects import Send
from impl.hybrid.messages import Answer
from impl.hybrid.signing import signed
from impl.hybrid.state import Node, Waiting
from impl.pbft.messages import Request

__all__ = ["aged", "answer", "is_done", "without_done"]


def is_done(book: Book, request: Request) -> bool:
    """Return whether an operation of a client, or a later one of the same, is done."""
    asked, session = operation_of(request), book.session(request.client)
    return asked is None or (session is not None and session.sequence >= asked[0])


def without_done(waiting: Mapping[ClientId, Waiting], book: Book) -> Mapping[ClientId, Waiting]:
    """The requests that still wait."""
    return {client: each for client, each in waiting.items() if not is_done(book, each.request)}


def answer(node: Node, client: ClientId) -> tuple[Send, ...]:
    """The answer to a client on the last operation that it had done; nothing if there is none.

    In the book it is agreed, and f + 1 like answers suffice; by a seal it rests on the term of that.
    """
    session = node.book.session(client)
    if session is None:
        return ()
    is_agreed = session == node.agreed.session(client)
    held = node.raft_epoch.held if node.raft_epoch is not None else None
    told = Answer(
        epoch=node.epoch,
        term=0 if is_agreed or held is None else held.term,
        client=client,
        sequence=session.sequence,
        result=session.result,
        source=node.name,
    )
    return (Send(signed(told, node.config.keys), client),)


def aged(node: Node) -> Node:
    """The replica one tick later: who waits has waited longer."""
    return attrs.evolve(node, waiting=_older(node.waiting), doubting=_older(node.doubting))


def _older(waiting: Mapping[ClientId, Waiting]) -> Mapping[ClientId, Waiting]:
    return {client: attrs.evolve(each, ticks=each.ticks + 1) for client, each in waiting.items()}
