"""A client of the hybrid, pure as well: its requests, and the condition under which it accepts a result.

It sends its request to all replicas, and repeats the operation in a new request until it knows the result. In
whatever epochs the requests arrive, the operation is done once.

| an answer of       | says                                 | is accepted when               |
|--------------------|--------------------------------------|--------------------------------|
| PBFT               | done, with this result               | f + 1 replicas say so          |
| the control state (term 0)  | the same                             | f + 1 replicas say so          |
| a QC of a term   | executed under a QC of that term   | a quorum says so with the same epoch and term |

docs/hybrid.md rests on the last rule: what fewer answers say, or answers of several terms together, may be
undone.
"""

from collections.abc import Mapping
from typing import Final

import attrs

from impl import quorum
from impl.common.encoding import Value, rejection_of
from impl.common.identities import NodeId
from impl.common.keys import Keys, is_signed_by, signed
from impl.common.requests import Reply, Request
from impl.hybrid.messages import Answer
from impl.hybrid.signing import is_signed

__all__ = ["Accepted", "Client", "ask", "ask_again", "hear"]

#: The types of the fields of each kind of answer; a result is any value.
_FIELDS: Final[Mapping[type, Mapping[str, type]]] = {
    Answer: {
        "epoch": int,
        "term": int,
        "client": str,
        "sequence": int,
        "source": str,
        "signature": bytes,
    },
    Reply: {"view": int, "client": str, "timestamp": int, "source": str, "signature": bytes},
}


@attrs.frozen
class Accepted:
    """The result of an operation that a client accepted.

    Attributes:
        sequence: which one.
        result: of the service.
        epoch: in which it was done, as far as the answers say.
        term: of the QC that a quorum locked; 0 if the result is committed.
    """

    sequence: int
    result: Value
    epoch: int
    term: int


@attrs.frozen(kw_only=True)
class Client:
    """One client: it asks for one thing at a time.

    Attributes:
        name: unique among clients, and none of the replicas'.
        replicas: of the cluster.
        f: how many of them may be Byzantine.
        keys: its secret key, and the public keys of the replicas.
        sequence: of its last operation.
        timestamp: of its last request.
        first: the timestamp of the first request for its last operation.
        what: its last operation.
        heard: who gave which answer to it.
        is_done: whether it accepted one.
    """

    name: str
    replicas: tuple[NodeId, ...]
    f: int
    keys: Keys = attrs.field(eq=False, repr=False)
    sequence: int = 0
    timestamp: int = 0
    first: int = 1
    what: Value = None
    heard: Mapping[tuple[int, int, Value], frozenset[NodeId]] = attrs.field(factory=dict)
    is_done: bool = True


def ask(client: Client, what: Value) -> tuple[Client, Request]:
    """Send a new request to all replicas, as soon as the previous one is done."""
    client = attrs.evolve(
        client,
        sequence=client.sequence + 1,
        first=client.timestamp + 1,
        what=what,
        heard={},
        is_done=False,
    )
    return ask_again(client)


def ask_again(client: Client) -> tuple[Client, Request]:
    """The same operation in a new request."""
    client = attrs.evolve(client, timestamp=client.timestamp + 1)
    operation = ("operate", client.sequence, client.what)
    request = Request(client=client.name, timestamp=client.timestamp, operation=operation)
    return client, signed(request, client.keys)


def hear(client: Client, message: object) -> tuple[Client, Accepted | None]:
    """Handle a message, and return the result once it is accepted.

    Other messages are ignored.
    """
    said = _said(client, message)
    if said is None or client.is_done:
        return client, None
    source, epoch, term, result = said
    place = (epoch if term else 0, term, result)
    voters = client.heard.get(place, frozenset()) | {source}
    client = attrs.evolve(client, heard={**client.heard, place: voters})
    needed = quorum.byzantine_quorum(len(client.replicas), client.f) if term else client.f + 1
    if len(voters) < needed:
        return client, None
    return attrs.evolve(client, is_done=True), Accepted(client.sequence, result, epoch, term)


def _is_well_formed(message: object, kinds: Mapping[str, type]) -> bool:
    """Return whether an answer has fields of these types, so that its signature can be looked at."""
    values = {name: getattr(message, name, None) for name in (*kinds, "result")}
    has_types = all(type(values[name]) is kind for name, kind in kinds.items())
    return has_types and not any(rejection_of(value) for value in values.values())


def _said(client: Client, message: object) -> tuple[NodeId, int, int, Value] | None:
    """The parts of an answer about the operation: replica, epoch, term, result. Never raises."""
    kind = type(message)
    if type(kind) is not type or kind not in _FIELDS or not _is_well_formed(message, _FIELDS[kind]):
        return None
    if type(message) is Answer:
        is_own = message.client == client.name and message.sequence == client.sequence
        if is_own and message.source in client.replicas and is_signed(message, client.keys):
            return message.source, message.epoch, message.term, message.result
    if type(message) is Reply:
        is_own = message.client == client.name and client.first <= message.timestamp <= client.timestamp
        if (
            is_own
            and message.source in client.replicas
            and is_signed_by(message.source, message, client.keys)
        ):
            match message.result:
                case ("done", int() as epoch, result):
                    return message.source, epoch, 0, result
    return None
