"""PBFT replicas for tests: built in one line, with honest and Byzantine messages, and an in-memory cluster.

Replicas are r0, r1, ... in the order in which they become primary. Their signatures are symbolic, so that
a test may sign in anybody's name, which models a faulty replica.
"""

import random
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, TypeVar

import attrs

from impl.pbft import (
    Batch,
    Checkpoint,
    CheckpointCertificate,
    Commit,
    Config,
    Effect,
    Executed,
    Input,
    Message,
    NewView,
    Node,
    Prepare,
    PreparedCertificate,
    PrePrepare,
    Propose,
    Receive,
    Refused,
    Reply,
    Request,
    Retransmit,
    Send,
    State,
    SymbolicKeys,
    Tick,
    Timeout,
    ViewChange,
    Why,
    digest,
    first_start,
    recover,
    signed,
    step,
)

AnyMessage = TypeVar("AnyMessage", bound=Message)
AnyEffect = TypeVar("AnyEffect")


# --- replicas and their messages ----------------------------------------------------------------


def changed(message: Any, **fields: Any) -> Any:
    """A message with other field values of any type, as a Byzantine replica may send it."""
    return attrs.evolve(message, **fields)


def names(n: int) -> tuple[str, ...]:
    return tuple(f"r{number}" for number in range(n))


def config(node: str = "r0", *, n: int = 4, **settings: Any) -> Config:
    """A replica of n that goes 4 numbers beyond its stable checkpoint and makes one after each 2."""
    chosen = {"window": 4, "interval": 2, **settings}
    return Config(node, names(n), SymbolicKeys(node), **chosen)


def replica(node: str = "r1", *, n: int = 4, **settings: Any) -> Node:
    """A replica that starts for the first time."""
    return first_start(config(node, n=n, **settings))


def _by(source: str, message: AnyMessage) -> AnyMessage:
    return signed(message, SymbolicKeys(source))


def request(operation: str, *, client: str = "", timestamp: int = 1) -> Request:
    """A client's request; each operation has a client of its own unless told otherwise."""
    client = client or f"client of {operation}"
    return _by(client, Request(client=client, timestamp=timestamp, operation=operation))


def batch(*operations: str) -> Batch:
    return tuple(request(operation) for operation in operations)


X: Final = batch("x")
Y: Final = batch("y")
Z: Final = batch("z")


def pre_prepare(value: Batch, *, source: str = "r0", view: int = 0, seq: int = 1) -> PrePrepare:
    return _by(source, PrePrepare(view=view, seq=seq, batch=value, source=source))


def prepare(value: Batch, source: str, *, view: int = 0, seq: int = 1) -> Prepare:
    return _by(source, Prepare(view=view, seq=seq, digest=digest(value), source=source))


def commit(value: Batch, source: str, *, view: int = 0, seq: int = 1) -> Commit:
    return _by(source, Commit(view=view, seq=seq, digest=digest(value), source=source))


def state_after(*batches: Batch) -> State:
    """The ledger's state after these batches, each request in only one of them."""
    node = replica("r0", n=1, window=100, interval=100)
    for each in batches:
        node = taken(node, Propose(each))[0]
    return node.durable.state


def checkpoint(source: str, *batches: Batch, seq: int = 2) -> Checkpoint:
    return _by(source, Checkpoint(seq=seq, digest=digest(state_after(*batches)), source=source))


def checkpoint_certificate(
    *batches: Batch, sources: Sequence[str] = ("r0", "r1", "r2"), seq: int = 2
) -> CheckpointCertificate:
    """The proof that a checkpoint is stable; without batches, the initial one."""
    if not batches:
        return CheckpointCertificate(seq=0, digest=digest(State(())))
    proof = tuple(checkpoint(source, *batches, seq=seq) for source in sources)
    return CheckpointCertificate(seq=seq, digest=proof[0].digest, proof=proof)


def certificate(
    value: Batch, *, view: int = 0, seq: int = 1, n: int = 4, voters: Sequence[str] | None = None
) -> PreparedCertificate:
    """The proof that a batch was prepared, by the least number of backups unless told otherwise."""
    settings = config(n=n)
    primary = settings.primary(view)
    backups = [name for name in names(n) if name != primary][: settings.quorum - 1]
    return PreparedCertificate(
        pre_prepare=pre_prepare(value, source=primary, view=view, seq=seq),
        prepares=tuple(prepare(value, voter, view=view, seq=seq) for voter in voters or backups),
    )


def view_change(
    source: str,
    *certificates: PreparedCertificate,
    view: int = 1,
    stable: CheckpointCertificate | None = None,
) -> ViewChange:
    return _by(
        source,
        ViewChange(
            view=view, checkpoint=stable or checkpoint_certificate(), certificates=certificates, source=source
        ),
    )


def new_view(
    view_changes: Iterable[ViewChange], *proposals: tuple[int, Batch], view: int = 1, source: str = "r1"
) -> NewView:
    return _by(
        source,
        NewView(
            view=view,
            view_changes=tuple(view_changes),
            proposals=tuple(
                pre_prepare(value, source=source, view=view, seq=seq) for seq, value in proposals
            ),
            source=source,
        ),
    )


# --- steps --------------------------------------------------------------------------------------


def taken(node: Node, *inputs: Input | Message) -> tuple[Node, tuple[Effect, ...]]:
    """The replica after inputs, a bare message meaning its receipt, and all effects."""
    effects: tuple[Effect, ...] = ()
    for each in inputs:
        inp = each if isinstance(each, Propose | Receive | Retransmit | Tick | Timeout) else Receive(each)
        node, more = step(node, inp)
        effects += more
    return node, effects


def only(effects: Iterable[object], kind: type[AnyEffect]) -> list[AnyEffect]:
    """The effects of one kind."""
    return [effect for effect in effects if isinstance(effect, kind)]


def sent(effects: Iterable[Effect], kind: type[AnyEffect]) -> list[AnyEffect]:
    """The messages of one kind that were sent."""
    return [effect.message for effect in only(effects, Send) if isinstance(effect.message, kind)]


def why_refused(node: Node, inp: Input | Message) -> Why:
    """Why an input is refused; asserts that it has no other effect."""
    after, effects = taken(node, inp)
    assert after is node
    (refused,) = effects
    assert isinstance(refused, Refused)
    assert refused.reason
    return refused.why


# --- a cluster ----------------------------------------------------------------------------------


class Disagreement(AssertionError):
    """Two replicas executed different batches at one number."""


class Contradiction(AssertionError):
    """A correct replica sent two contradictory messages."""


@attrs.define
class Cluster:
    """Replicas and their messages in sending order; `pick` chooses the next one to arrive.

    A replica whose name ends with ' is a twin: a second copy of a faulty one, with the same keys. Messages
    to that replica reach both copies; each acts alone and talks to half of the others (Bano et al., "Twins",
    2021).

    Attributes:
        nodes: the replicas that take steps, without a faulty one that the test plays itself.
        decided: the executed batch of each sequence number.
        executed: of each replica what it executed, or came by otherwise, as its last state.
        replies: the replies sent to clients.
        in_flight: undelivered messages, each with its recipient.
    """

    nodes: dict[str, Node]
    pick: Callable[[int], int] = lambda _: 0
    decided: dict[int, Batch] = attrs.field(factory=dict)
    replies: list[Reply] = attrs.field(factory=list)
    refused: list[Refused] = attrs.field(factory=list)
    in_flight: list[tuple[str, Message]] = attrs.field(factory=list)
    _said: dict[object, Message] = attrs.field(factory=dict)

    @classmethod
    def of(
        cls, n: int = 4, *, without: Iterable[str] = (), seed: int | None = None, **settings: Any
    ) -> "Cluster":
        absent = set(without)
        nodes = {name: replica(name, n=n, **settings) for name in names(n) if name not in absent}
        return cls(nodes) if seed is None else cls(nodes, random.Random(seed).randrange)

    def take(self, name: str, inp: Input | Message) -> tuple[Effect, ...]:
        """Hand an input to one replica; its messages are then in flight."""
        self.nodes[name], effects = taken(self.nodes[name], inp)
        for effect in effects:
            match effect:
                case Executed(seq=seq, batch=value) if not self._is_faulty(name):
                    if self.decided.setdefault(seq, value) != value:
                        raise Disagreement(f"{name} executed {value} at {seq}, others {self.decided[seq]}")
                case Send(message=Reply() as reply):
                    self.replies.append(reply)
                case Send(message=message, to=to):
                    self._note(name, message)
                    self.in_flight += [
                        (other, message) for other in self.nodes if self._reaches(name, other, to)
                    ]
                case Refused():
                    self.refused.append(effect)
        return effects

    def _reaches(self, name: str, other: str, to: str | None) -> bool:
        """Return whether a message of `name` to `to` reaches `other`; a twin reaches only its half."""
        mine, its = self.nodes[name].name, self.nodes[other].name
        if its == mine or to not in {None, its}:
            return False
        if not self._is_faulty(name):
            return True
        is_twin = name.endswith("'")
        return other.endswith("'") == is_twin if self._is_faulty(other) else int(its[1:]) % 2 == is_twin

    def _is_faulty(self, name: str) -> bool:
        return f"{self.nodes[name].name}'" in self.nodes

    def _note(self, name: str, message: Message) -> None:
        """Raise if a correct replica contradicts itself, also across a crash (the spec's VotesOnce)."""
        said: Any = message
        match message:
            case PrePrepare() | Prepare() | Commit():
                about: object = (type(message), message.source, message.view, message.seq)
            case Checkpoint():
                about = (Checkpoint, message.source, message.seq)
            case ViewChange() | NewView():
                about = (type(message), message.source, message.view)
            case _:
                return
        if not self._is_faulty(name) and self._said.setdefault(about, said) != said:
            raise Contradiction(f"{name} said {said}, and before {self._said[about]}")

    def everybody(self, inp: Input | Message, *, but: Iterable[str] = ()) -> None:
        """Hand an input to all replicas."""
        for name in list(self.nodes):
            if name not in set(but):
                self.take(name, inp)

    def run(self, *, lost: Callable[[str, Message], bool] = lambda _to, _message: False) -> None:
        """Deliver messages until none is in flight."""
        while self.in_flight:
            to, message = self.in_flight.pop(self.pick(len(self.in_flight)))
            if to in self.nodes and not lost(to, message):
                self.take(to, message)

    def restart(self, name: str) -> None:
        """Crash a replica and recover it from its durable state."""
        node = self.nodes[name]
        self.nodes[name] = recover(node.config, node.durable)
        self.take(name, Retransmit())

    def states(self) -> set[State]:
        """The states of all replicas."""
        return {node.durable.state for node in self.nodes.values()}

    def operations(self, name: str) -> list[str]:
        """The operations in a replica's ledger."""
        value: Any = self.nodes[name].durable.state.value
        return [entry[2] for entry in value]
