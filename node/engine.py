"""The engine of a node: all that the driver must know of a protocol, in two interfaces.

| interface | is                                                                                        |
|-----------|-------------------------------------------------------------------------------------------|
| `Core`    | the pure core of one replica: its steps, and its values as bytes and digests. The judge   |
|           | of a run uses it as well, to execute a log again                                          |
| `Engine`  | the core at work: its timers and duties, requests of clients, effects to be carried out   |

The driver has what no protocol changes: the queue, the batch, the order persist, send, apply, answer, the
event log, stamps. The engine calls it by `Host`. A protocol is a `Core`, an `Engine`, and an entry in
`node.protocols`.
"""

import abc
import asyncio
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any, ClassVar, Protocol

import attrs

from node.codec import Codec
from node.points import FailPoint

__all__ = ["Core", "Counts", "Effects", "Engine", "Host", "Timing", "Unanswered", "fail"]

#: What a step asks for, in order; of whichever types the protocol has.
Effects = tuple[Any, ...]


@attrs.frozen
class Timing:
    """The times of a cluster, in milliseconds.

    Attributes:
        heartbeat_ms: between two messages of a leader to a peer.
        election_ms: the shortest election timeout; the longest is twice that. In PBFT and
            HotStuff the first timeout of a view.
    """

    heartbeat_ms: int = 50
    election_ms: int = 150


class Unanswered(Exception):
    """A request was not answered.

    Attributes:
        may_happen: False if it was refused before anything was done; True if nobody knows.
    """

    def __init__(self, reason: str, *, may_happen: bool) -> None:
        super().__init__(reason)
        self.may_happen = may_happen


@attrs.define
class Counts:
    """The numbers that a node counts; they only grow, but for the last two."""

    steps: int = 0
    batches: int = 0
    proposals_submitted: int = 0
    proposals_committed: int = 0
    leader_elections: int = 0
    byzantine_failures: int = 0
    messages_lost: int = 0
    applied: int = 0
    sync_seconds: float = 0.0


class Core(Protocol):
    """The pure core of one replica, as host and judge use it. Its states and inputs are the protocol's.

    Attributes:
        protocol: its name in the file of a cluster.
        node: the name of this replica.
        nodes: the names of all.
        codec: reads and writes messages and inputs.
        record_codec: reads and writes the records of the durable state.
    """

    protocol: ClassVar[str]
    node: str
    nodes: tuple[str, ...]
    codec: Codec
    record_codec: Codec

    def first(self) -> Any:
        """Return the replica at its first start."""

    def recovered(self, durable: Any) -> Any:
        """Return the replica after a crash that left this durable state."""

    def step(self, state: Any, inp: Any) -> tuple[Any, Effects]:
        """Return the replica after an input, and what it asks for."""

    def received(self, message: Any) -> Any:
        """Return the input by which a message is taken."""

    def message_in(self, inp: Any) -> Any:
        """Return the message that an input takes; None if it takes none."""

    def is_request(self, inp: Any) -> bool:
        """Return whether an input takes a message that a client may bring, which has no stamp then."""

    def sends(self, effects: Effects) -> Sequence[tuple[str, Any]]:
        """Return the messages to nodes among the effects, each with the node that it goes to, in order."""

    def check_message(self, message: object, sender: str) -> None:
        """Check that a message is one that the sender may bring to this node.

        Raises:
            BadFrame: it is not.
        """

    def applied(self, state: Any, effects: Effects) -> Iterable[str]:
        """Return the names of the requests of clients that a step to this state, with these effects, did."""

    def held(self, state: Any) -> Iterable[str]:
        """Return the names of the requests whose answers a replica has kept, such as after a crash."""

    def changes(self, before: Any, after: Any) -> list[Any]:
        """Return the records by which one durable state, or None, becomes the next."""

    def restored(self, records: Iterable[Any]) -> Any:
        """Return the durable state after these records; None if there are none.

        Raises:
            DamagedLog: they do not follow one another.
        """

    def digest(self, state: Any, effects: Effects) -> str:
        """Return the digest of a step that led to this state with these effects."""

    def durable_digest(self, durable: Any) -> str:
        """Return the digest of a whole durable state."""


class Host(Protocol):
    """The driver, as an engine sees it."""

    point: FailPoint
    counts: Counts

    def give(self, inp: Any) -> Effects:
        """Step the core, and return what it asks for; it is carried out once the disk holds the batch."""

    def set_timer(self, due: Hashable, after_s: float) -> None:
        """Let a timer fire after so many seconds, in place of when it would have."""

    def stop_timer(self, due: Hashable) -> None:
        """Let a timer not fire."""

    def start_number(self) -> int:
        """Return which start of the node this is, from 1."""


class Engine(abc.ABC):
    """A core at work. All is called in the loop's thread; nothing waits.

    Args:
        core: the core.

    Attributes:
        core: the core.
        state: the replica, as it is in memory: ahead of the disk by the batch at work.
        host: the driver; set by it.
    """

    host: Host

    def __init__(self, core: Any) -> None:
        self.core = core
        self.state: Any = None

    @property
    def durable(self) -> Any:
        """The durable part of the state."""
        return self.state.durable

    # --- what comes in

    @abc.abstractmethod
    def begin(self) -> None:
        """Set the timers of a replica that has just started."""

    @abc.abstractmethod
    def before_input(self) -> None:
        """Give the core what must come before any other input."""

    @abc.abstractmethod
    def heard(self, message: Any) -> None:
        """Note a message that the core has just taken."""

    @abc.abstractmethod
    def fire(self, due: Any) -> None:
        """Carry out what a timer is for."""

    @abc.abstractmethod
    def ask(self, what: Any, future: asyncio.Future[Any]) -> None:
        """Give the core a request of a client, and answer it later by the future."""

    @abc.abstractmethod
    def settle(self) -> None:
        """Do what is due once all that waited was taken."""

    # --- what it asks for

    @abc.abstractmethod
    def stepped(self, effects: Effects) -> None:
        """Note the effects of a step that concern the process only: timers, roles. Not yet on disk."""

    @abc.abstractmethod
    def carry_out(self, effects: Effects) -> None:
        """Apply and answer what a step asked for; the disk holds it, and its messages have left."""

    @abc.abstractmethod
    def end(self, reason: Unanswered) -> None:
        """Tell all who wait that there will be no answer."""

    # --- clients and operators

    @abc.abstractmethod
    def wanted(self, request: Mapping[str, Any]) -> Any:
        """Return what a client's request asks for, as `ask` takes it; None if there is no such request.

        Raises:
            BadFrame: the request is malformed.
        """

    @abc.abstractmethod
    def said(self, what: Any, answer: Any) -> dict[str, Any]:
        """Return the answer to what was asked for, as JSON."""

    @property
    @abc.abstractmethod
    def leader(self) -> str | None:
        """The node that leads, as far as it knows."""

    @property
    @abc.abstractmethod
    def is_ready(self) -> bool:
        """True if it may serve."""

    @property
    @abc.abstractmethod
    def role(self) -> str:
        """Its role, in the protocol's words."""

    @abc.abstractmethod
    def numbers(self) -> dict[str, int]:
        """Return where it is, in the protocol's words: name -> number."""


def fail(future: asyncio.Future[Any], reason: str, *, may_happen: bool) -> None:
    """Tell who asked that there is no answer, unless that client has gone since."""
    if not future.done():
        future.set_exception(Unanswered(reason, may_happen=may_happen))
