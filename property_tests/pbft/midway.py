"""PBFT replicas in the middle of a run, and all signed messages in it: the material of `forgeries`.

In each run four replicas with Ed25519 keys serve some clients, until the victim, `r1`, is cut off in a
`Midway`: it neither hears nor says anything more there, and the others go on, through checkpoints and views.
So whatever the victim is told afterwards, it is the one continuation of `r1`; and with no more than the
Byzantine replica, `r3`, against it, it must never execute anything else than the others did, in whatever
order it hears what they said.
"""

import functools
import hashlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import attrs

from impl import pbft
from impl.common.ed25519 import Ed25519Keys, public_key

__all__ = [
    "BYZANTINE",
    "CLIENT",
    "REPLICAS",
    "VICTIM",
    "Midway",
    "keys_of",
    "signed_parts",
    "situations",
]

REPLICAS: Final = ("r0", "r1", "r2", "r3")
#: The replica that is told things.
VICTIM: Final = "r1"
#: The replica whose key the hostile side has.
BYZANTINE: Final = "r3"
#: The client whose key it has.
CLIENT: Final = "c9"

_CLIENTS: Final = ("c0", "c1", "c2", "c3")
_SEEDS: Final = {name: hashlib.sha256(name.encode()).digest() for name in (*REPLICAS, *_CLIENTS, CLIENT)}
_PUBLIC: Final = {name: public_key(seed) for name, seed in _SEEDS.items()}


def keys_of(name: str) -> Ed25519Keys:
    """The keys of a replica or a client."""
    return Ed25519Keys(_SEEDS[name], _PUBLIC)


def signed_parts(message: Any) -> Iterator[tuple[str, pbft.Message]]:
    """The message and all messages in it, each with its alleged signer."""
    if isinstance(message, tuple):
        for item in message:
            yield from signed_parts(item)
    elif attrs.has(type(message)):
        if hasattr(message, "signature"):
            yield (message.client if isinstance(message, pbft.Request) else message.source), message
        for field in attrs.fields(type(message)):
            yield from signed_parts(getattr(message, field.name))


def said_of(message: pbft.Message) -> bytes:
    """A digest of the signed part of a message."""
    return hashlib.sha256(pbft.encode(message, without="signature")).digest()


@attrs.frozen(kw_only=True)
class Midway:
    """A replica in the middle of a run.

    Attributes:
        name: the situation in which it is.
        victim: the replica.
        genuine: all messages of that run, in order, with what came after the victim was cut off.
        missed: those that were meant for the victim, never reached it, and are beyond its stable checkpoint,
            in order.
        said: of all but the Byzantine replica and its client, who signed what.
        decided: by sequence number, what the others executed.
    """

    name: str
    victim: pbft.Node
    genuine: tuple[pbft.Message, ...]
    missed: tuple[pbft.Message, ...]
    said: frozenset[tuple[str, bytes]]
    decided: Mapping[int, pbft.Batch]

    def is_authentic(
        self, message: pbft.Message | pbft.PreparedCertificate | pbft.CheckpointCertificate
    ) -> bool:
        """Return whether each part was signed by its named signer.

        It is looked up, except for signers whose key the adversary has: theirs are verified.
        """
        return all(
            (signer, said_of(part)) in self.said
            if signer not in {VICTIM, BYZANTINE, CLIENT}
            else pbft.is_signed_by(signer, part, keys_of(signer))
            for signer, part in signed_parts(message)
        )


class _Run:
    """Four replicas in memory; messages arrive in the order of their sending."""

    def __init__(self) -> None:
        self.nodes = {name: pbft.first_start(_config(name)) for name in REPLICAS}
        self.genuine: list[pbft.Message] = []
        self.missed: list[pbft.Message] = []
        self.decided: dict[int, pbft.Batch] = {}
        self._in_flight: list[tuple[str, pbft.Message]] = []
        self._timestamps = dict.fromkeys(_CLIENTS, 0)
        self.is_cut = False

    def take(self, name: str, *inputs: pbft.Input) -> None:
        """Give a replica inputs, and put its messages in transit."""
        for inp in inputs:
            self.nodes[name], effects = pbft.step(self.nodes[name], inp)
            for effect in effects:
                match effect:
                    case pbft.Executed(seq=seq, batch=batch) if name != VICTIM:
                        self.decided[seq] = batch
                    case pbft.Send(message=message, to=to):
                        self.genuine.append(message)
                        others = [other for other in REPLICAS if other != name]
                        self._in_flight += [
                            (other, message)
                            for other in (others if to is None else [to])
                            if other in REPLICAS
                        ]

    def deliver(self, *, arrives: Callable[[pbft.Message], bool] = lambda _: True) -> None:
        """Deliver all messages in transit; to the victim only those that `arrives` allows."""
        while self._in_flight:
            to, message = self._in_flight.pop(0)
            if to != VICTIM or (not self.is_cut and arrives(message)):
                self.take(to, pbft.Receive(message))
            else:
                self.missed.append(message)

    def request(self, client: str) -> pbft.Request:
        """The next request of a client."""
        self._timestamps[client] += 1
        timestamp = self._timestamps[client]
        asked = pbft.Request(client=client, timestamp=timestamp, operation=("put", client, b"%d" % timestamp))
        asked = pbft.signed(asked, keys_of(client))
        self.genuine.append(asked)
        return asked

    def decide(self, count: int, *, arrives: Callable[[pbft.Message], bool] = lambda _: True) -> None:
        """The primary of most has some batches ordered, of one to three requests each."""
        for number in range(count):
            primary = next(
                name
                for name, node in self.nodes.items()
                if node.is_primary and not node.durable.changing and not (self.is_cut and name == VICTIM)
            )
            batch = tuple(self.request(client) for client in _CLIENTS[: 1 + number % 3])
            self.take(primary, pbft.Propose(batch))
            self.deliver(arrives=arrives)

    def give_up_views(self, *names: str, arrives: Callable[[pbft.Message], bool] = lambda _: True) -> None:
        """The timers of some replicas fire."""
        for name in names:
            self.take(name, pbft.Timeout())
        self.deliver(arrives=arrives)

    def cut(self, name: str) -> Midway:
        """The victim is cut off, and the others go on."""
        victim, self.is_cut = self.nodes[VICTIM], True
        low = victim.durable.stable.seq
        others = [name for name in REPLICAS if name != VICTIM]
        asked = pbft.StateRequest(seq=1, source=BYZANTINE)
        self.take("r0", pbft.Receive(pbft.signed(asked, keys_of(BYZANTINE))))
        for _ in range(3):
            while True:
                self.give_up_views(*others)
                if self.nodes["r0"].config.primary(self.nodes["r0"].durable.view) != VICTIM:
                    break
            self.decide(3)
        return Midway(
            name=name,
            victim=victim,
            genuine=tuple(self.genuine),
            missed=tuple(m for m in self.missed if getattr(m, "seq", low + 1) > low),
            said=frozenset(
                (signer, said_of(part))
                for message in self.genuine
                for signer, part in signed_parts(message)
                if signer not in {BYZANTINE, CLIENT}
            ),
            decided=dict(self.decided),
        )


def _config(name: str) -> pbft.Config:
    return pbft.Config(
        name,
        REPLICAS,
        keys_of(name),
        window=8,
        interval=4,
        batch_max=8,
        request_bytes_max=1024,
        waiting_max=3,
        rate_limit=pbft.RateLimit(per_tick=1, burst=2),
    )


def _busy() -> _Run:
    """Numbers up to 4 are stable, 5 is executed.

    At the victim 6 is prepared and 7 accepted, and the others went on.
    """
    run = _Run()
    run.decide(5)
    run.decide(1, arrives=lambda message: not isinstance(message, pbft.Commit))
    run.decide(1, arrives=lambda message: isinstance(message, pbft.PrePrepare))
    run.take(VICTIM, pbft.Receive(run.request("c3")))
    return run


def _normal() -> Midway:
    """Votes for a proposal that it has not seen, and a checkpoint that it has not reached."""
    run = _busy()
    run.decide(1, arrives=lambda message: _is_of(message, "r2") and not isinstance(message, pbft.PrePrepare))
    return run.cut("in the normal case")


def _behind() -> Midway:
    """A stable checkpoint, and not its state."""
    run = _busy()
    run.decide(5, arrives=lambda message: isinstance(message, pbft.Checkpoint))
    return run.cut("behind a stable checkpoint")


def _about_to_begin() -> Midway:
    """The primary of the next view, with one view change less than it takes."""
    run = _busy()
    run.give_up_views(VICTIM, "r2", arrives=lambda message: _is_of(message, "r2"))
    return run.cut("about to begin a view")


def _begun() -> Midway:
    """Its proposals are those of the view before, and it has a vote for each."""
    run = _busy()
    run.give_up_views(
        *REPLICAS, arrives=lambda message: isinstance(message, pbft.ViewChange) or _is_of(message, "r2")
    )
    return run.cut("in a view that it began")


def _waiting() -> Midway:
    """It has left two views, and one other wants the same."""
    run = _busy()
    run.give_up_views(VICTIM)
    run.give_up_views(VICTIM)
    for _ in range(2):
        run.give_up_views("r0", "r2", arrives=lambda message: _is_of(message, "r0"))
    return run.cut("waiting for a view")


def _is_of(message: pbft.Message, source: str) -> bool:
    return not isinstance(message, pbft.Request) and message.source == source


@functools.cache
def situations() -> tuple[Midway, ...]:
    """The victim in the normal case, behind, and before, in and after a view change."""
    return _normal(), _behind(), _about_to_begin(), _begun(), _waiting()
