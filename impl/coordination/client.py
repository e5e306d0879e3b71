"""A client: it asks one coordinator after the other, and gives exactly one answer to each query.

A coordinator that was silent is asked last for some queries, so that they do not wait for it again: until
it is heard, or until so many queries were asked (`Client.avoids`), as nobody else says that it is back.
"""

from collections.abc import Mapping
from typing import TypeAlias

import attrs

from impl.common.identities import NodeId
from impl.coordination.queries import Answer, Outcome, Query, Topology

__all__ = ["Ask", "Client", "Done", "Effect", "Heard", "Input", "Open", "Send", "TimedOut", "start", "step"]


@attrs.frozen
class Open:
    """A query without an answer, and the coordinators that were asked, in order."""

    query: Query
    asked: tuple[NodeId, ...]


@attrs.frozen(kw_only=True)
class Client:
    """A client.

    Attributes:
        topology: whom it may ask.
        attempts: how many coordinators it asks before it says that the query failed.
        avoids: for how many queries it asks a coordinator last that was silent; 0 to forget that at once.
        open: number -> the query.
        silent: coordinator -> for how many more queries it is asked last.
    """

    topology: Topology
    attempts: int = attrs.field(default=3, validator=attrs.validators.ge(1))
    avoids: int = attrs.field(default=64, validator=attrs.validators.ge(0))
    open: Mapping[int, Open] = attrs.field(factory=dict)
    silent: Mapping[NodeId, int] = attrs.field(factory=dict)


@attrs.frozen
class Ask:
    """The application asks; numbers are not used twice."""

    query: Query


@attrs.frozen
class Heard:
    """A coordinator answers."""

    source: NodeId
    answer: Answer


@attrs.frozen
class TimedOut:
    """A coordinator was silent for longer than it may take."""

    number: int


Input: TypeAlias = Ask | Heard | TimedOut


@attrs.frozen
class Send:
    """Ask a coordinator, and hand in `TimedOut` if it is silent."""

    dest: NodeId
    query: Query


@attrs.frozen
class Done:
    """The answer, for the application."""

    answer: Answer


Effect: TypeAlias = Send | Done


def start(topology: Topology, attempts: int = 3, avoids: int = 64) -> Client:
    """A client that has asked nothing."""
    return Client(topology=topology, attempts=attempts, avoids=avoids)


def step(client: Client, inp: Input) -> tuple[Client, tuple[Effect, ...]]:
    """Take an input.

    Returns:
        The client after it, and what its host must do.

    Raises:
        BadQuery: as `way_of`.
    """
    match inp:
        case Ask(query=query):
            first = _order(client, query)[0]
            silent = {name: left - 1 for name, left in client.silent.items() if left > 1}
            return _with(attrs.evolve(client, silent=silent), Open(query, (first,))), (Send(first, query),)
        case Heard(source=source, answer=answer):
            silent = {name: left for name, left in client.silent.items() if name != source}
            return _done(attrs.evolve(client, silent=silent), answer)
        case TimedOut(number=number) if (waiting := client.open.get(number)) is not None:
            return _asked_next(client, waiting)
    return client, ()


def _order(client: Client, query: Query) -> tuple[NodeId, ...]:
    """The coordinators in the order in which a query goes to them: those that were silent come last."""
    return tuple(sorted(client.topology.first_asked(query), key=lambda name: name in client.silent))


def _asked_next(client: Client, waiting: Open) -> tuple[Client, tuple[Effect, ...]]:
    if client.avoids:
        client = attrs.evolve(client, silent={**client.silent, waiting.asked[-1]: client.avoids})
    left = [name for name in _order(client, waiting.query) if name not in waiting.asked]
    if len(waiting.asked) >= client.attempts or not left:
        reason = f"none of {len(waiting.asked)} coordinators answered"
        return _done(client, Answer(waiting.query.number, Outcome.FAILED, reason=reason))
    after = _with(client, Open(waiting.query, (*waiting.asked, left[0])))
    return after, (Send(left[0], waiting.query),)


def _done(client: Client, answer: Answer) -> tuple[Client, tuple[Effect, ...]]:
    if answer.number not in client.open:
        return client, ()
    left = {number: each for number, each in client.open.items() if number != answer.number}
    return attrs.evolve(client, open=left), (Done(answer),)


def _with(client: Client, waiting: Open) -> Client:
    return attrs.evolve(client, open={**client.open, waiting.query.number: waiting})
