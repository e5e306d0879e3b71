"""Which values of `specs/hybrid` the values of `impl/hybrid` stand for.

A digest stands for its chain. Which one that is, is learned from the logs of the replicas that signed it.
"""

from collections.abc import Callable, Iterable
from typing import Any, Final

import attrs
from immutabledict import immutabledict

from impl import hybrid, pbft
from impl.hybrid.chain import link_of
from tlacheck.conform.system import NotPossible
from tlacheck.values import ModelValue, Value

__all__ = ["NOTHING", "PROTOCOLS", "VARIABLES", "Projection", "entry_epoch", "reason_of"]

#: What is before any ack, and before any seal.
NOTHING: Final[Value] = immutabledict(term=0, chain=())

#: What the spec calls the protocols of epochs.
PROTOCOLS: Final = immutabledict(raft="Raft", bft="BFT")

#: The spec's variables.
VARIABLES: Final = (
    "acks",
    "answers",
    "stops",
    "calms",
    "book",
    "known",
    "acked",
    "held",
    "stopped",
    "mood",
    "believed",
)


def reason_of(reason: str) -> str:
    """What the spec calls a reason to stop."""
    return reason.capitalize()


def entry_epoch(entries: Iterable[Any]) -> int:
    """The epoch after some entries of the book."""
    return sum(entry["kind"] != "Operation" for entry in entries)


@attrs.frozen
class Projection:
    """From values of the implementation to values of the spec.

    Attributes:
        operation: the value that stands for what a client asks for, by the client and the sequence.
        term: the spec's term; 0 for one that is before all of them.
        noop: the value that stands for a leader's no-op; None if chains of the spec leave it out.
        done: the ledger in a state of the service.
        chains: what is behind digests.
    """

    operation: Callable[[str, int], Value]
    term: Callable[[int], int] = int
    noop: Value | None = None
    done: Callable[[Any], Any] = attrs.field(default=lambda value: value)
    chains: dict[str, tuple[Value, ...]] = attrs.field(factory=dict)

    def learn(self, node: hybrid.Node) -> None:
        """What the digests of a replica's log stand for."""
        if node.raft is None or not node.digests or node.digests[-1] in self.chains:
            return
        links = [link_of(entry) for entry in node.raft.durable.log]
        for index, digest in enumerate(node.digests, start=1):
            if digest not in self.chains:
                self.chains[digest] = self.chain(links[:index])

    def link(self, link: Any) -> Value | None:
        """The operation of a request, or of a request as it stands in a close."""
        match link:
            case None:
                return self.noop
            case pbft.Request(client=client, operation=("operate", int() as sequence, _)):
                return self.operation(client, sequence)
            case (str() as client, _, ("operate", int() as sequence, _), _):
                return self.operation(client, sequence)
            case _:
                raise NotPossible(f"{link!r} is no request for an operation")

    def chain(self, links: Iterable[Any]) -> tuple[Value, ...]:
        """The operations of a chain."""
        shown = (self.link(link) for link in links)
        return tuple(value for value in shown if value is not None)

    def behind(self, digest: str) -> tuple[Value, ...]:
        """The chain that a digest stands for.

        Raises:
            NotPossible: no replica has had it.
        """
        if digest not in self.chains:
            raise NotPossible(f"nobody has the chain behind the digest {digest[:12]}...")
        return self.chains[digest]

    def ledger(self, value: Any) -> tuple[Value, ...]:
        """The operations that a state of the service stands for, in their order."""
        return tuple(self.operation(client, sequence) for client, sequence, _ in self.done(value))

    def vote(self, vote: hybrid.Ack | hybrid.Seal | None) -> Value:
        """What was acked, or is held."""
        if vote is None or not self.term(vote.term):
            return NOTHING
        return immutabledict(term=self.term(vote.term), chain=self.behind(vote.digest))

    def ack(self, ack: hybrid.Ack) -> Value:
        """The record of an ack."""
        return immutabledict(
            node=ModelValue(ack.source),
            epoch=ack.epoch,
            term=self.term(ack.term),
            chain=self.behind(ack.digest),
        )

    def stop(self, stop: hybrid.Stop) -> Value:
        """The record of a stop."""
        return immutabledict(
            node=ModelValue(stop.source),
            epoch=stop.epoch,
            why=reason_of(stop.reason),
            held=self.vote(stop.held),
        )

    def calm(self, calm: hybrid.Calm) -> Value:
        """The record of a calm."""
        return immutabledict(node=ModelValue(calm.source), epoch=calm.epoch)

    def answer(self, name: str, epoch: int, term: int, book: hybrid.Book) -> Value:
        """The record of what a replica answered under a seal, by the state that it answered from."""
        return immutabledict(
            node=ModelValue(name), epoch=epoch, term=self.term(term), state=self.ledger(book.value)
        )

    def entry(self, request: pbft.Request, pages: list[hybrid.Book], after: hybrid.Book) -> Value | None:
        """What a decided request is in the book; None if it changes nothing.

        Args:
            request: what was decided.
            pages: the book after each entry before it.
            after: the book after it.
        """
        before = pages[-1]
        was, now = self.ledger(before.value), self.ledger(after.value)
        match request.operation:
            case ("operate", int() as sequence, _):
                operation = self.operation(request.client, sequence)
                if after == before:
                    return None
                return immutabledict(
                    kind="Operation", operation=operation if now == _applied(was, (operation,)) else now
                )
            case ("close", _, _, tuple() as links) if after.epoch != before.epoch:
                chain = self.chain(links)
                skipped = tuple(each for each in chain if each != self.noop)
                return immutabledict(
                    kind="Close",
                    chain=chain if now == _applied(was, skipped) else ("not", now),
                    protocol=PROTOCOLS[after.protocol],
                )
            case ("open", *_) if after.epoch != before.epoch:
                like = [number for number, page in enumerate(pages) if page.value == after.value]
                return immutabledict(kind="Open", base=max(like, default=-1))
            case _:
                return None


def _applied(state: tuple[Value, ...], chain: tuple[Value, ...]) -> tuple[Value, ...]:
    """A state with a chain done, each operation once."""
    for operation in chain:
        if operation not in state:
            state = (*state, operation)
    return state
