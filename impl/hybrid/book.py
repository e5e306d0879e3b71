"""The book: what PBFT has decided, and so what all correct replicas agree on. It is the service that `impl.pbft` replicates.

| operation of a request                  | is carried out if                                                          | else answers |
|-----------------------------------------|----------------------------------------------------------------------------|--------------|
| `("operate", sequence, what)`           | the epoch's protocol is BFT, and the client did not have it done before    | `("elsewhere", epoch)` in a Raft epoch |
| `("close", epoch, stops, chain)`        | that is the Raft epoch, and n - f stops of it have the chain as their last | `("void", why)` |
| `("nothing",)`                          | never                                                                      | `("void", why)` |
| `("open", epoch, calms)`                | that is the BFT epoch, and a quorum wants to leave it                      | `("void", why)` |

What is carried out answers `("done", epoch, result)`, or `("closed", epoch)` and `("opened", epoch)` with the epoch that has
begun. The sequences of a client grow; an operation that was done is answered as it was, in whatever epoch it is asked for
again, and one before the last that was done with `("past", epoch, sequence)`.
"""

import bisect
from collections import Counter
from collections.abc import Iterable
from typing import Any

import attrs

from impl import quorum
from impl.common.encoding import Value
from impl.common.identities import ClientId, NodeId
from impl.common.keys import Keys
from impl.hybrid import rules
from impl.hybrid.chain import chain_digest
from impl.hybrid.messages import Ack, Calm, Link, Reason, Seal, Stop
from impl.hybrid.signing import is_signed
from impl.pbft.messages import Request
from impl.pbft.service import Service
from impl.threat.levels import BFT, RAFT

__all__ = ["Book", "BookKeeper", "Session", "calm_value", "operation_of", "seal_value", "stop_value"]


@attrs.frozen
class Session:
    """The last operation of a client that was done, and its result."""

    client: ClientId
    sequence: int
    result: Value


@attrs.frozen(kw_only=True)
class Book:
    """The book: what is agreed on.

    Attributes:
        epoch: the one that began last.
        protocol: its protocol.
        value: the state of the service.
        sessions: one for each client that had anything done, sorted by client.
        done: how many operations were done.
        futile: how many Raft epochs in a row ended before anything was done in them.
    """

    epoch: int = 0
    protocol: str = RAFT
    value: Value = None
    sessions: tuple[Session, ...] = ()
    done: int = 0
    futile: int = 0

    def session(self, client: ClientId) -> Session | None:
        """The last operation that a client had done; None if there is none."""
        place = bisect.bisect_left(self.sessions, client, key=lambda each: each.client)
        found = self.sessions[place] if place < len(self.sessions) else None
        return found if found is not None and found.client == client else None

    def operated(self, service: Service, request: Request) -> "Book":
        """The book with one more operation done: once, however often it is in a chain or in the log of PBFT."""
        asked = operation_of(request)
        if asked is None:
            return self
        sequence, what = asked
        last = self.session(request.client)
        if last is not None and last.sequence >= sequence:
            return self
        value, result = service.apply(self.value, attrs.evolve(request, timestamp=sequence, operation=what))
        place = bisect.bisect_left(self.sessions, request.client, key=lambda each: each.client)
        session = Session(request.client, sequence, result)
        sessions = (*self.sessions[:place], session, *self.sessions[place + (last is not None) :])
        return attrs.evolve(self, value=value, sessions=sessions, done=self.done + 1)

    def extended(self, service: Service, chain: Iterable[Link]) -> "Book":
        """The book with the operations of a chain done, in its order."""
        book = self
        for link in chain:
            if link is not None:
                book = book.operated(service, link)
        return book

    def to_value(self) -> Value:
        """As PBFT keeps it."""
        sessions = tuple((each.client, each.sequence, each.result) for each in self.sessions)
        return (self.epoch, self.protocol, self.value, sessions, self.done, self.futile)

    @classmethod
    def from_value(cls, value: Any) -> "Book":
        """The book that `to_value` made a value of."""
        epoch, protocol, state, sessions, done, futile = value
        return cls(
            epoch=epoch,
            protocol=protocol,
            value=state,
            sessions=tuple(Session(*each) for each in sessions),
            done=done,
            futile=futile,
        )


def operation_of(request: Request) -> tuple[int, Value] | None:
    """The sequence and the operation that a client asks for; None if its request asks for none."""
    asked = request.operation
    if not isinstance(asked, tuple) or len(asked) != 3 or asked[0] != "operate":
        return None
    _, sequence, what = asked
    return (sequence, what) if type(sequence) is int and sequence >= 1 else None


@attrs.frozen
class BookKeeper:
    """The service that PBFT replicates: a function of the book and the request alone.

    Attributes:
        replicas: all of them.
        f: how many may be Byzantine.
        keys: whose public keys say what is signed; the same at all replicas.
        service: what clients ask operations of.
    """

    replicas: tuple[NodeId, ...]
    f: int
    keys: Keys = attrs.field(eq=False, repr=False)
    service: Service

    @property
    def initial(self) -> Value:
        """Raft epoch 0, nothing done."""
        return Book(value=self.service.initial).to_value()

    def apply(self, value: Value, request: Request) -> tuple[Value, Value]:
        """One request more, and what it is answered."""
        book = Book.from_value(value)
        match request.operation:
            case ("operate", *_) if operation_of(request) is not None:
                book, result = self._operate(book, request)
            case ("close", int() as epoch, tuple() as stops, tuple() as chain):
                book, result = self._close(book, epoch, stops, chain)
            case ("open", int() as epoch, tuple() as calms):
                book, result = self._open(book, epoch, calms)
            case _:
                result = ("void", "no such operation")
        return book.to_value(), result

    def _operate(self, book: Book, request: Request) -> tuple[Book, Value]:
        sequence, _ = operation_of(request) or (0, None)
        last = book.session(request.client)
        if (last is None or last.sequence < sequence) and book.protocol == BFT:
            book = book.operated(self.service, request)
            last = book.session(request.client)
        if last is None or last.sequence < sequence:
            return book, ("elsewhere", book.epoch)
        if last.sequence > sequence:
            return book, ("past", book.epoch, last.sequence)
        return book, ("done", book.epoch, last.result)

    def _close(self, book: Book, epoch: int, stops: Any, chain: Any) -> tuple[Book, Value]:
        if (epoch, RAFT) != (book.epoch, book.protocol):
            return book, ("void", f"epoch {book.epoch} is {book.protocol}")
        told = [_stop(epoch, each) for each in stops]
        if not all(each is not None and self._is_stop(each) for each in told):
            return book, ("void", "a stop proves nothing")
        read = [each for each in told if each is not None]
        if len({each.source for each in read}) != len(read) or len(read) < len(self.replicas) - self.f:
            return book, ("void", f"{len(read)} stops, of some twice or too few")
        last = rules.last_seal(each.held for each in read)
        links = tuple(_link(each) for each in chain)
        if len(links) != (last.index if last else 0) or (last and chain_digest(epoch, links) != last.digest):
            return book, ("void", "the chain is not the one of the last seal")
        after = book.extended(self.service, links)
        reasons = Counter(each.reason for each in read)
        is_bft = reasons[Reason.THREAT] + reasons[Reason.STANDSTILL] > self.f
        futile = 0 if after.done > book.done or not is_bft else book.futile + 1
        after = attrs.evolve(after, epoch=epoch + 1, protocol=BFT if is_bft else RAFT, futile=futile)
        return after, ("closed", after.epoch)

    def _open(self, book: Book, epoch: int, calms: Any) -> tuple[Book, Value]:
        if (epoch, BFT) != (book.epoch, book.protocol):
            return book, ("void", f"epoch {book.epoch} is {book.protocol}")
        told = [_calm(epoch, each) for each in calms]
        wanting = {
            each.source
            for each in told
            if each and self._is_replica(each.source) and is_signed(each, self.keys)
        }
        if len(wanting) < quorum.byzantine_quorum(len(self.replicas), self.f):
            return book, ("void", f"{len(wanting)} want it")
        return attrs.evolve(book, epoch=epoch + 1, protocol=RAFT), ("opened", epoch + 1)

    def _is_stop(self, stop: Stop) -> bool:
        is_known = self._is_replica(stop.source) and stop.reason in list(Reason)
        return (
            is_known
            and is_signed(stop, self.keys)
            and (
                stop.held is None
                or rules.seal_flaw(stop.held, stop.epoch, self.replicas, self.f, self.keys) == ""
            )
        )

    def _is_replica(self, name: object) -> bool:
        return name in self.replicas


# --- messages as canonical values ----------------------------------------------------------------


def seal_value(seal: Seal | None) -> Value:
    """A seal in a close."""
    if seal is None:
        return None
    return (seal.term, seal.index, seal.digest, tuple((ack.source, ack.signature) for ack in seal.acks))


def stop_value(stop: Stop) -> Value:
    """A stop in a close."""
    return (stop.source, stop.reason, seal_value(stop.held), stop.signature)


def calm_value(calm: Calm) -> Value:
    """A calm in an open."""
    return (calm.source, calm.signature)


def _seal(epoch: int, value: Any) -> Seal | None:
    match value:
        case (int() as term, int() as index, str() as digest, tuple() as acks):
            read = []
            for each in acks:
                match each:
                    case (str() as source, bytes() as signature):
                        read.append(
                            Ack(
                                epoch=epoch,
                                term=term,
                                index=index,
                                digest=digest,
                                source=source,
                                signature=signature,
                            )
                        )
                    case _:
                        return None
            return Seal(epoch=epoch, term=term, index=index, digest=digest, acks=tuple(read))
        case _:
            return None


def _stop(epoch: int, value: Any) -> Stop | None:
    match value:
        case (str() as source, str() as reason, held, bytes() as signature):
            seal = _seal(epoch, held)
            if held is not None and seal is None:
                return None
            return Stop(epoch=epoch, reason=reason, held=seal, source=source, signature=signature)
        case _:
            return None


def _calm(epoch: int, value: Any) -> Calm | None:
    match value:
        case (str() as source, bytes() as signature):
            return Calm(epoch=epoch, source=source, signature=signature)
        case _:
            return None


def _link(value: Any) -> Link:
    match value:
        case (str() as client, int() as timestamp, operation, bytes() as signature):
            return Request(client=client, timestamp=timestamp, operation=operation, signature=signature)
        case _:
            return None
