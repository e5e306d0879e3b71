"""Correct PBFT replicas with their guards, links between them, and all that was ever signed by anybody.

Liars are no objects here: they have keys, and see everything. What they say comes from outside.
"""

import itertools
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final, TypeVar

import attrs

from impl import guard as byzantine_guard
from impl import pbft
from impl.guard import (
    SCORE_MAX,
    Append,
    Entry,
    Evidence,
    Gossip,
    Guard,
    Observed,
    Progressed,
    Quarantined,
    Reported,
    is_heard,
    offence,
    verify_chain,
)
from impl.guard import Input as GuardInput
from impl.guard.forensics import held_by, parts, search
from impl.pbft import (
    Batch,
    Checkpoint,
    Config,
    EnteredView,
    Executed,
    Input,
    Message,
    Node,
    Propose,
    Receive,
    Refused,
    Request,
    Retransmit,
    Send,
    StateResponse,
    SymbolicKeys,
    Timeout,
    Transferred,
    ViewChange,
    digest,
    encode,
    signed,
)

__all__ = ["Broken", "World", "known_batches", "request", "settings_of"]

AnyMessage = TypeVar("AnyMessage", bound=Message)

#: What no signature of a replica binds, and so nobody can be accused by.
_UNBINDING: Final = (pbft.Request, pbft.Reply, pbft.StateRequest)


class Broken(AssertionError):
    """Something that must never happen has happened."""


def settings_of(node: str, n: int) -> Config:
    """A replica r0, r1, ... of n, with small windows so that checkpoints, transfers and views come soon."""
    return Config(node, tuple(f"r{k}" for k in range(n)), SymbolicKeys(node), window=4, interval=2)


def request(number: int) -> Request:
    """A request of a client of its own."""
    client = f"c{number}"
    return signed(Request(client=client, timestamp=1, operation=number), SymbolicKeys(client))


@attrs.define
class World:
    """The cluster.

    Attributes:
        liars: who is Byzantine; all others are correct, and here.
        nodes: the correct replicas.
        guards: their guards.
        trails: of each guard the audit trail on disk.
        kept: of each guard the evidence on disk.
        in_flight: who handed what over, and to whom: messages, and evidence.
        signed_by_all: every message that anybody signed, and their parts, by their canonical bytes.
        noted: what is among them already, as it was sent.
        decided: by sequence number, what was executed.
        met: how often what happened.
        asked: how many requests there were.
        helped: with how much of what was signed the liars have helped.
    """

    liars: frozenset[str]
    nodes: dict[str, Node]
    guards: dict[str, Guard]
    trails: dict[str, list[Entry]] = attrs.field(factory=dict)
    kept: dict[str, list[Evidence]] = attrs.field(factory=dict)
    in_flight: list[tuple[str, str, Message | Evidence]] = attrs.field(factory=list)
    signed_by_all: dict[bytes, Message] = attrs.field(factory=dict)
    noted: set[Message] = attrs.field(factory=set)
    decided: dict[int, Batch] = attrs.field(factory=dict)
    met: Counter[str] = attrs.field(factory=Counter)
    asked: int = 0
    helped: int = 0

    @classmethod
    def of(cls, n: int, liars: Iterable[str]) -> "World":
        """A cluster that starts for the first time."""
        byzantine = frozenset(liars)
        names = [f"r{k}" for k in range(n) if f"r{k}" not in byzantine]
        return cls(
            byzantine,
            {name: pbft.first_start(settings_of(name, n)) for name in names},
            {name: byzantine_guard.first_start(settings_of(name, n)) for name in names},
            {name: [] for name in names},
            {name: [] for name in names},
        )

    @property
    def config(self) -> Config:
        """The settings of some correct replica."""
        return next(iter(self.nodes.values())).config

    @property
    def pool(self) -> Sequence[Message]:
        """All that anybody can show."""
        return tuple(self.signed_by_all.values())

    @property
    def is_overrun(self) -> bool:
        """True if there are more liars than the cluster allows for: agreement may be lost, and states may differ."""
        return len(self.liars) > self.config.f

    def _is_excused(self, messages: Sequence[Message]) -> bool:
        """Return whether these offer states, which may differ among correct replicas if there are too many liars."""
        return self.is_overrun and all(isinstance(each, StateResponse) for each in messages)

    # --- what correct replicas do -----------------------------------------------------------------

    def take(self, name: str, inp: Input, sender: str = "") -> None:
        """A correct replica takes an input; its guard hears what it refuses, and keeps quarantined ones away."""
        if isinstance(inp, Receive) and not is_heard(self.guards[name], inp.message):
            self.met["a message of a quarantined replica is dropped"] += 1
            return
        if isinstance(inp, Receive) and isinstance(inp.message, ViewChange):
            self._compare(name, inp.message)
        self.nodes[name], effects = pbft.step(self.nodes[name], inp)
        for effect in effects:
            match effect:
                case Send(message=message, to=to):
                    self.note(message)
                    self.send(name, message, None if to is None else {to})
                case Executed(seq=seq, batch=batch):
                    if self.decided.setdefault(seq, batch) != batch and not self.is_overrun:
                        raise Broken(f"{name} executed {batch} at {seq}, others {self.decided[seq]}")
                    self.met["a batch is executed"] += 1
                    self.tell(name, Progressed(seq, self.config.replicas))
                case Refused(why=why):
                    self.met[f"refused: {why.name}"] += 1
                    self.tell(name, Observed(effect, sender))
                case EnteredView() | Transferred():
                    self.met[type(effect).__name__] += 1
                case _:
                    pass

    def _compare(self, name: str, change: ViewChange) -> None:
        """The host lays a view change beside what its sender said before."""
        node = self.nodes[name]
        held = [
            each for each in held_by(node) if isinstance(each, pbft.Commit) and each.source == change.source
        ]
        for found in search(node.config, [*held, change]):
            self.tell(name, Reported(found, name))

    def tell(self, name: str, inp: GuardInput) -> None:
        """A guard takes an input."""
        self.guards[name], effects = byzantine_guard.step(self.guards[name], inp)
        for effect in effects:
            match effect:
                case Append(entry=entry):
                    self.trails[name].append(entry)
                case Gossip(evidence=evidence):
                    self.kept[name].append(evidence)
                    self.in_flight += [(name, other, evidence) for other in self.nodes if other != name]
                    for proved in self._offences(evidence):
                        self.met[f"proved: {proved}"] += 1
                case Quarantined():
                    self.met["a liar is quarantined"] += 1
                case _:
                    pass

    def _offences(self, evidence: Evidence) -> Iterator[str]:
        found = offence(evidence.messages, self.config)
        if found is not None:
            yield found.name

    def note(self, message: Message) -> None:
        """This was signed, and so were its parts: from here on anybody may show it."""
        if message in self.noted:
            return
        self.noted.add(message)
        for part in parts(message):
            self.signed_by_all[encode(part)] = part

    def send(self, sender: str, message: Message, to: set[str] | None = None) -> None:
        """It is under way to these, or to all."""
        receivers = [other for other in self.nodes if other != sender and (to is None or other in to)]
        self.in_flight += [(sender, other, message) for other in receivers]

    def deliver(self, choose: Callable[[int], int] = lambda _: 0, at_most: int = 10_000) -> None:
        """What is under way arrives, as `choose` picks, until so many have or nothing is left."""
        for _ in range(at_most):
            if not self.in_flight:
                return
            sender, to, what = self.in_flight.pop(choose(len(self.in_flight)))
            if isinstance(what, Evidence):
                self.tell(to, Reported(what, sender))
            else:
                self.take(to, Receive(what), sender)

    def propose(self) -> None:
        """A client asks all, and whoever believes to be the primary proposes what waits."""
        self.asked += 1
        asked = request(self.asked)
        for name in self.nodes:
            self.take(name, Receive(asked))
        self.propose_waiting()

    def propose_waiting(self) -> None:
        """Whoever believes to be the primary proposes what waits."""
        for name, node in list(self.nodes.items()):
            if node.is_primary and not node.durable.changing and node.waiting:
                self.take(name, Propose(tuple(node.waiting.values())[: node.config.batch_max]))

    def restart(self, name: str) -> None:
        """A replica and its guard lose all that is not on disk, and begin again."""
        node, guard = self.nodes[name], self.guards[name]
        self.nodes[name] = pbft.recover(node.config, node.durable)
        self.guards[name] = byzantine_guard.resume(guard.config, self.trails[name], self.kept[name])
        if self.guards[name].proofs != guard.proofs or self.guards[name].head != guard.head:
            raise Broken(f"the guard of {name} came back with other proofs")
        self.met["a replica restarts"] += 1
        self.take(name, Retransmit())

    # --- what liars do ----------------------------------------------------------------------------

    def lie(self, liar: str, message: AnyMessage, to: set[str] | None = None) -> AnyMessage:
        """A liar signs something in its own name, and says it to some."""
        said = signed(message, SymbolicKeys(liar))
        self.note(said)
        self.send(liar, said, to)
        return said

    def help(self) -> None:
        """The liars do for once what correct ones would: the others come further, and there is more to deny later."""
        news, self.helped = self.pool[self.helped :], len(self.pool)
        for said in news:
            for liar in self.liars - {getattr(said, "source", None)}:
                if isinstance(said, pbft.PrePrepare) and self.config.primary(said.view) != liar:
                    agreed = digest(said.batch)
                    self.lie(liar, pbft.Prepare(view=said.view, seq=said.seq, digest=agreed, source=liar))
                    self.lie(liar, pbft.Commit(view=said.view, seq=said.seq, digest=agreed, source=liar))
                if isinstance(said, Checkpoint):
                    self.lie(liar, attrs.evolve(said, source=liar))

    # --- what must hold ---------------------------------------------------------------------------

    def check(self) -> None:
        """After each step: nobody but liars is proved faulty, at most f are kept away, and scores are scores.

        Raises:
            Broken: if that is not so.
        """
        for name, guard in self.guards.items():
            excused = {each.accused for each in guard.proofs if self._is_excused(each.messages)}
            if framed := {*guard.proved, *guard.quarantined} - self.liars - excused:
                raise Broken(f"the guard of {name} takes correct {sorted(framed)} for faulty")
            if len(guard.quarantined) > guard.config.f:
                raise Broken(f"the guard of {name} keeps {guard.quarantined} away, and f is {guard.config.f}")
            if not all(0 <= score <= SCORE_MAX for score in guard.scores.values()):
                raise Broken(f"the guard of {name} has the scores {guard.scores}")

    def convicting(self) -> list[tuple[Message, ...]]:
        """Of all that was ever signed, what convicts a correct replica: each message, and each two of one."""
        by_source: dict[str, list[Message]] = {name: [] for name in self.nodes}
        for message in self.pool:
            if not isinstance(message, _UNBINDING) and message.source in by_source:
                by_source[message.source].append(message)
        config = self.config
        return [
            messages
            for said in by_source.values()
            for messages in (*((one,) for one in said), *itertools.combinations(said, 2))
            if offence(messages, config) and not self._is_excused(messages)
        ]

    def check_at_the_end(self) -> None:
        """No choice of what was ever signed convicts a correct replica, and all trails are whole.

        Raises:
            Broken: if that is not so.
        """
        if found := self.convicting():
            raise Broken(f"a correct replica is convicted by {found[0]}")
        for name, trail in self.trails.items():
            if broken := verify_chain(trail, node=name, head=self.guards[name].head):
                raise Broken(f"the trail of {name} is broken: {broken}")

    def heal(self, rounds: int = 40) -> None:
        """The liars fall silent: what is asked for now is executed by a quorum, whoever is quarantined.

        Raises:
            Broken: if it is not.
        """
        self.in_flight = [flight for flight in self.in_flight if flight[0] in self.nodes]
        self.asked += 1
        last = request(self.asked)
        for _ in range(rounds):
            for name in self.nodes:
                self.take(name, Receive(last))
            self.propose_waiting()
            for name in self.nodes:
                self.take(name, Retransmit())
            self.deliver()
            done = [node for node in self.nodes.values() if _has(node, last)]
            if len(done) >= self.config.quorum:
                return
            for name, node in list(self.nodes.items()):
                if pbft.is_waiting(node):
                    self.take(name, Timeout())
            self.deliver()
        raise Broken(f"nothing was executed in {rounds} rounds without liars")


def _has(node: Node, asked: Request) -> bool:
    """Return whether the ledger of a replica holds this request."""
    return node.durable.state.last_answer(asked.client) is not None


def known_batches(world: World) -> list[Batch]:
    """Batches that somebody proposed, and one that nobody did."""
    found = {digest(each.batch): each.batch for each in world.pool if isinstance(each, pbft.PrePrepare)}
    return [*found.values(), (request(10_000),), ()]
