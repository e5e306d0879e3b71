"""The adapter of `impl/hybrid` to `specs/hybrid`: the one file that knows both vocabularies.

Which inputs perform a step of the spec is told by the methods of `HybridSystem` that are marked `action`, and which spec
state the replicas are in by the one that is marked `variable`. What Byzantine replicas say is signed with their own keys.

| part          | is here                                                                                          |
|---------------|--------------------------------------------------------------------------------------------------|
| Raft          | whoever leads: for an ack, some other replica brings the chain, which replaces what the log held |
| terms         | `_TERM` apart; between them are the terms of entries that come without an ack, for a seal's sake |
| the first no-op | acked and held by all when an epoch begins, in a term below the spec's, which leaves it out    |
| PBFT          | decides on one request after the other; a replica that learns of one hears all votes for it      |
| levels        | each replica has a real threat machine, which it looks at in the steps that depend on its level  |
| clients       | each operation is the only one of a client of its own; all ask again after each hold, and after each entry of the book |

A step is performed on a replica that has just come back from a crash, with what it wrote to its disk. That every
replica crashes between any two steps also shows whether it persisted what it relies on.
"""

import copy
import functools
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, Self

import attrs
from immutabledict import immutabledict

from impl import hybrid, pbft, raft, threat
from impl.hybrid.book import stop_value
from impl.hybrid.chain import chain_digest, link_of, link_value
from property_tests.hybrid.projection import (
    NOTHING,
    VARIABLES,
    Projection,
    entry_epoch,
)
from tlacheck.conform.adapter import Adapter, action, variable
from tlacheck.conform.system import NotPossible
from tlacheck.tlc.spec import Spec
from tlacheck.trace import State
from tlacheck.values import ModelValue, Value

__all__ = ["HybridSystem", "Telling", "spec_for"]

_SPECS: Final = Path(__file__).resolve().parents[2] / "specs" / "hybrid"

#: How far the terms of the spec are apart here.
_TERM: Final = 1_000
#: The term of the no-op with which an epoch begins.
_FIRST_TERM: Final = 1
#: The client that waits for too long when there is to be a standstill.
_WAITS: Final = "waits"
_SCORE: Final = 100


def spec_for(replicas: int) -> Spec:
    """The unbounded spec of a cluster of so many replicas, for the oracle."""
    return Spec.load(_SPECS / "HybridRuns.tla", _SPECS / f"Oracle{replicas}.cfg")


@attrs.frozen
class Telling:
    """A ledger whose results are what was done so far: an answer tells of the state that it came from."""

    @property
    def initial(self) -> pbft.Value:
        """Nothing was done."""
        return ()

    def apply(self, value: pbft.Value, request: pbft.Request) -> tuple[pbft.Value, pbft.Value]:
        """One operation more."""
        done: tuple[Any, ...] = value if isinstance(value, tuple) else ()
        after = (*done, (request.client, request.timestamp, request.operation))
        return after, tuple(each[0] for each in after)


@functools.cache
def _request(name: str, timestamp: int = 1) -> pbft.Request:
    """A request for the operation of this name, the only one of its client."""
    asked = pbft.Request(client=name, timestamp=timestamp, operation=("operate", 1, name))
    return pbft.signed(asked, pbft.SymbolicKeys(name))


def _name(value: Value) -> str:
    return str(getattr(value, "name", value))


class HybridSystem(Adapter):
    """The correct replicas of a cluster with their disks, all that they ever said, and the book; no clock.

    Args:
        replicas: the names of all: `Replica`.
        byzantine: those that are faulty, which this class speaks for: `Byzantine`.
        f: how many faulty ones are allowed for: `MaxFaulty`.
        on_effect: told every effect, with the replica's name.

    Attributes:
        nodes: the correct replicas by name, as each was after its last step.
    """

    unobserved = frozenset({"swings"})  # a bound of the models

    def __init__(
        self,
        replicas: tuple[str, ...] = ("r0", "r1", "r2", "r3"),
        *,
        byzantine: frozenset[str] = frozenset(),
        f: int = 1,
        value_of: Callable[[str], Value] = ModelValue,
        on_effect: Callable[[str, hybrid.Effect], None] | None = None,
    ) -> None:
        limits: dict[str, Any] = {"standstill_ticks": 1, "dwell_ticks": 2, "backoff_max": 1}
        self._configs = {
            name: hybrid.Config(
                name,
                replicas,
                pbft.SymbolicKeys(name),
                f=f,
                service=Telling(),
                threat=threat.Config(name, replicas, f, dwell_ticks=1, calm_ticks=2, decay=_SCORE),
                **limits,
            )
            for name in replicas
        }
        # The same with a limit that any chain reaches.
        self._short = {name: attrs.evolve(config, chain_max=1) for name, config in self._configs.items()}
        self.byzantine = byzantine
        self._value_of = value_of
        self._on_effect = on_effect
        # What is behind a digest is the same in all forks and runs.
        self._projection = Projection(
            lambda client, _: value_of(client), lambda term: term // _TERM if term % _TERM == 0 else 0
        )
        self.nodes: dict[str, hybrid.Node] = {}
        self._disks: dict[str, hybrid.Durable] = {}
        self._levels: dict[str, threat.Threat] = {}
        self._said: frozenset[Value] = frozenset()
        self._acks: Mapping[tuple[int, int, str], Mapping[str, hybrid.Ack]] = {}
        self._answers: frozenset[Value] = frozenset()
        self._stops: Mapping[tuple[int, str], hybrid.Stopped] = {}
        self._calms: Mapping[tuple[int, str], hybrid.Calm] = {}
        self._told: tuple[Any, ...] = ()
        self._decided: tuple[pbft.Request, ...] = ()
        self._pages: list[hybrid.Book] = []
        self._book: tuple[Value, ...] = ()
        self._learned: dict[str, tuple[Value, ...]] = {}
        self._believed: frozenset[Value] = frozenset()
        self._side = 0

    def reset(self, initial: State) -> None:
        """Start all correct replicas for the first time."""
        names = [name for name in self._configs if name not in self.byzantine]
        if set(initial["known"]) != {ModelValue(name) for name in names}:
            raise NotPossible(f"the correct replicas here are {', '.join(names)}; the trace has others")
        self.nodes = {name: hybrid.first_start(self._configs[name]) for name in names}
        self._disks = {name: _in_view(node.durable, self._view) for name, node in self.nodes.items()}
        self._levels = {name: threat.first_start(self._configs[name].threat) for name in names}
        self._said = self._answers = self._believed = frozenset()
        self._acks, self._stops, self._calms, self._told = {}, {}, {}, ()
        self._decided, self._book, self._side = (), (), 0
        self._pages = [self.nodes[names[0]].agreed]
        self._learned = dict.fromkeys(names, ())
        for name in names:
            self._begin(name)

    # --- Raft epochs

    @action("Ack")
    def ack(self, node: Value, term: Value, chain: Value) -> None:
        """Some other replica, as the leader of the term, brings the chain."""
        name = _name(node)
        self._step(name, [self._brought(name, term * _TERM, chain, term * _TERM)])

    @action("Hold")
    def hold(self, node: Value, term: Value, chain: Value) -> None:
        """The seal arrives, after the chain if the log does not hold it."""
        name = _name(node)
        disk, epoch = self._disks[name].raft_epoch, self._epoch(name)
        inputs = []
        links = [link_of(entry) for entry in disk.raft.log] if disk is not None else []
        wanted = self._links(chain)
        if tuple(links[: len(wanted)]) != wanted:
            current = disk.raft.current_term if disk is not None else 0
            inputs.append(self._brought(name, max(term * _TERM, current), chain, 0))
        inputs.append(hybrid.Receive(self._seal(epoch, term, chain)))
        self._step(name, inputs)
        self._asked_again(name)

    @action("Stop")
    def stop(self, node: Value, why: Value) -> None:
        """It has the reason, and notices."""
        name = _name(node)
        epoch = self._epoch(name)
        match why:
            case "Threat":
                self._step(name, [hybrid.Heartbeat()], level=self._levels[name])
            case "Standstill":
                self._step(name, [hybrid.Receive(_request(_WAITS)), hybrid.Tick()])
            case "Long":
                self._step(name, [hybrid.Heartbeat()], config=self._short[name])
            case _:
                others = [
                    stop for (at, source), stop in self._stops.items() if at == epoch and source != name
                ]
                forged = [
                    self._forged_stop(epoch, immutabledict(node=ModelValue(each), why="Long", held=NOTHING))
                    for each in sorted(self.byzantine)
                ]
                inputs = [hybrid.Receive(each) for each in (*others, *forged)]
                self._step(name, inputs, level=self._levels[name])

    # --- the book

    @action("Close")
    def close_epoch(self, stops: Value) -> None:
        """One of those who stopped hears of the others, and asks the book; with too few it takes a Byzantine replica."""
        epoch = self._pages[-1].epoch
        ordered = []
        for record in sorted(stops, key=repr):
            known = self._stops.get((epoch, _name(record["node"])))
            ordered.append(known if known is not None else self._forged_stop(epoch, record))
        sources = {each.stop.source for each in ordered}
        if len(sources) >= self.config.stops_needed:
            asker = max(sources - self.byzantine)
            heard = [hybrid.Receive(each) for each in ordered if each.stop.source != asker]
            self._decide(self._asks(asker, [*heard, hybrid.Retransmit()]))
            return
        last = max(
            (each for each in ordered if each.stop.held is not None),
            key=lambda each: (each.stop.held.term, each.stop.held.index) if each.stop.held else (0, 0),
            default=None,
        )
        chain = last.chain if last is not None else ()
        values = tuple(stop_value(each.stop) for each in ordered)
        self._decide(self._forged_request(("close", epoch, values, tuple(map(link_value, chain)))))

    @action("Decide")
    def decide(self, operation: Value) -> None:
        """Its client's request is decided."""
        self._decide(_request(_name(operation), len(self._book) + 1))

    @action("Calm")
    def calm(self, node: Value) -> None:
        """So many ticks pass as its mood says that passed, and the scores of others keep its level up, or do not."""
        name = _name(node)
        config, mood = self._configs[name], self._mood(name)
        ticks = config.dwell_ticks - (mood == "Uneasy")
        scores = self._scores(name, _SCORE) if mood == "Alarmed" else []
        number = 1
        inputs: list[hybrid.Input] = []
        for _ in range(ticks):
            inputs += [
                hybrid.Receive(self._stated(score.reporter, _LATER + number, _SCORE)) for score in scores
            ]
            number += 1
            inputs.append(hybrid.Tick())
        self._step(name, inputs, level=self._levels[name])

    @action("Open")
    def open_epoch(self, calms: Value) -> None:
        """One of those who are calm hears of the others, and asks the book; with too few it takes a Byzantine replica."""
        epoch = self._pages[-1].epoch
        told = {}
        for name in sorted(map(_name, calms)):
            known = self._calms.get((epoch, name))
            forged = hybrid.Calm(epoch=epoch, source=name)
            told[name] = known if known is not None else self._by(name, forged)
        askers = sorted(name for name in told if name not in self.byzantine)
        if askers and len(told) >= self.config.quorum:
            asker = askers[-1]
            waits = [hybrid.Tick()] * self.config.dwell_ticks
            heard = [hybrid.Receive(calm) for name, calm in told.items() if name != asker]
            self._decide(self._asks(asker, [*waits, *heard, hybrid.Retransmit()]))
            return
        values = tuple((calm.source, calm.signature) for calm in told.values())
        self._decide(self._forged_request(("open", epoch, values)))

    @action("Learn")
    def learn(self, node: Value) -> None:
        """Its PBFT hears all votes for the next number, and executes it."""
        name = _name(node)
        before = self._disks[name].pbft.executed
        if before >= len(self._decided):
            raise NotPossible(f"the book has {len(self._decided)} entries, and {name} has executed them")
        request, seq, pages = self._decided[before], before + 1, self._pages[: before + 1]
        was = self.nodes[name].epoch
        self._step(name, self._votes(name, seq, request), is_pbft=True)
        after = self.nodes[name]
        if after.pbft.durable.executed != seq:
            raise NotPossible(f"{name} does not execute number {seq}")
        entry = self._entry(request, pages, after.agreed)
        self._learned[name] = (*self._learned[name], entry if entry is not None else "nothing")
        if after.epoch != was and not after.is_bft:
            self._begin(name)
        self._asked_again(name)

    # --- clients

    @action("Believe")
    def believe(self, epoch: Value, term: Value, state: Value) -> None:
        """The client of the last operation hears all answers of that epoch and term, then all others of that epoch."""
        if (belief := self._belief(epoch, term, state)) is None:
            raise NotPossible(f"the client of {state[-1]} does not believe it done")
        self._believed |= {belief}

    def _belief(self, epoch: int, term: int, state: tuple[Value, ...]) -> Value | None:
        name = _name(state[-1])
        begun = hybrid.Client(
            name=name, replicas=self.config.replicas, f=self.config.f, keys=pbft.SymbolicKeys(name)
        )
        client, _ = hybrid.ask(begun, name)
        client = attrs.evolve(client, timestamp=len(self._book) + 1)
        forged = [
            self._by(
                each,
                hybrid.Answer(
                    epoch=epoch,
                    term=term * _TERM,
                    client=name,
                    sequence=1,
                    result=tuple(map(_name, state)),
                    source=each,
                ),
            )
            for each in sorted(self.byzantine)
        ]
        wanted = [message for at, of, message in self._told if (at, of) == (epoch, term * _TERM)]
        others = [message for at, of, message in self._told if at == epoch and of != term * _TERM]
        for message in (*wanted, *forged, *others):
            client, believed = hybrid.hear(client, message)
            if believed is not None:
                told: Any = believed.result
                # What was in the book when a Raft epoch began is answered as agreed, whatever is held.
                is_agreed = believed.term == 0 and believed.epoch == epoch
                return immutabledict(
                    epoch=believed.epoch,
                    term=term if is_agreed else self._projection.term(believed.term),
                    state=tuple(self._value_of(each) for each in told),
                )
        return None

    # --- levels, and crashes

    @action("Raise")
    def raise_level(self, node: Value) -> None:
        """As many others as have a correct one among them state a high score."""
        name = _name(node)
        self._feel(name, self._scores(name, _SCORE))

    @action("Lower")
    def lower_level(self, node: Value) -> None:
        """They state that all is well, and time passes until the level is below High."""
        name = _name(node)
        self._feel(name, self._scores(name, 0))
        while threat.level(self._levels[name]) >= threat.Level.HIGH:
            self._feel(name, [threat.Tick()])

    @action("Dwell")
    def dwell(self, node: Value) -> None:
        """Time passes until the level is None."""
        name = _name(node)
        while threat.level(self._levels[name]) > threat.Level.NONE:
            self._feel(name, [threat.Tick()])

    @action("Restart")
    def restart(self, node: Value) -> None:
        """It comes back with what is on its disk."""
        name = _name(node)
        back = hybrid.recover(self._configs[name], self._disks[name])
        self.nodes[name] = back
        self._disks[name] = back.durable
        self._levels[name] = threat.recover(self._configs[name].threat, self._levels[name].durable)

    # --- what there is to see

    @variable(*VARIABLES)
    def shown(self) -> State:
        """The spec state that disks and messages stand for, with what clients believe."""
        projection = self._projection

        def each(part: Callable[[str], Value]) -> Value:
            return immutabledict({ModelValue(name): part(name) for name in self._disks})

        def of_epoch(part: Callable[[hybrid.RaftEpoch], Value], otherwise: Value) -> Callable[[str], Value]:
            def shown(name: str) -> Value:
                epoch = self._disks[name].raft_epoch
                return part(epoch) if epoch is not None else otherwise

            return shown

        return immutabledict(
            acks=frozenset(
                projection.ack(ack)
                for given in self._acks.values()
                for ack in given.values()
                if projection.term(ack.term)
            ),
            answers=self._answers,
            stops=frozenset(projection.stop(stopped.stop) for stopped in self._stops.values()),
            calms=frozenset(projection.calm(calm) for calm in self._calms.values()),
            book=self._book,
            known=each(self._known),
            acked=each(of_epoch(lambda epoch: projection.vote(epoch.acked), NOTHING)),
            held=each(of_epoch(self._held, NOTHING)),
            stopped=each(of_epoch(lambda epoch: epoch.stopped is not None, otherwise=False)),
            mood=each(self._mood),
            believed=self._believed,
        )

    def _known(self, name: str) -> Value:
        """What a replica has executed of the book; with a mark if it is in another epoch, or has another book."""
        disk = self._disks[name]
        number = disk.pbft.executed
        entries = self._learned[name][:number]
        book = hybrid.Book.from_value(disk.pbft.state.value)
        epoch = disk.raft_epoch.epoch if disk.raft_epoch is not None else book.epoch
        is_bft = disk.raft_epoch is None
        agreed = self._pages[number] if number < len(self._pages) else None
        if agreed != book or epoch != entry_epoch(entries) or is_bft != (book.protocol == "bft"):
            return (*entries, f"and is in epoch {epoch}")
        return entries

    def _held(self, epoch: hybrid.RaftEpoch) -> Value:
        """The seal that it holds; with the chain that it executed, if that is another one."""
        told: Any = self._projection.vote(epoch.held)
        if told != NOTHING and self._projection.chain(epoch.chain) != told["chain"]:
            return immutabledict(term=told["term"], chain=("executed", self._projection.chain(epoch.chain)))
        return told

    def _mood(self, name: str) -> Value:
        """How a level feels: at None for long enough, at High or above, or between."""
        level = threat.level(self._levels[name])
        if level >= threat.Level.HIGH:
            return "Alarmed"
        return "Calm" if level == threat.Level.NONE else "Uneasy"

    def fork(self) -> Self:
        """A cluster in the same state, with replicas, disks and messages of its own."""
        twin = copy.copy(self)
        for part in ("nodes", "_disks", "_levels", "_learned", "_pages"):
            setattr(twin, part, copy.copy(getattr(self, part)))
        return twin

    # --- steps

    def _step(
        self,
        name: str,
        inputs: Iterable[hybrid.Input],
        *,
        config: hybrid.Config | None = None,
        level: threat.Threat | None = None,
        is_pbft: bool = False,
    ) -> None:
        """A replica comes back from a crash and takes some inputs. Of PBFT it keeps what it is told in `Learn` alone."""
        disk = self._disks[name]
        quiet = threat.first_start(self._configs[name].threat)
        node = hybrid.recover(config or self._configs[name], disk)
        node = attrs.evolve(node, threat=level or quiet)
        written = disk
        for inp in inputs:
            node, effects = hybrid.step(node, inp)
            self._projection.learn(node)
            if any(isinstance(effect, hybrid.Persist) for effect in effects[1:]):
                raise NotPossible(f"{name} writes to its disk after it said something")
            for effect in effects:
                if isinstance(effect, hybrid.Persist):
                    written = effect.durable
                self._heard(name, node, effect)
        kept = written.pbft if is_pbft else disk.pbft
        self._disks[name] = attrs.evolve(written, pbft=kept, threat=quiet.durable)
        self.nodes[name] = node

    def _heard(self, name: str, node: hybrid.Node, effect: hybrid.Effect) -> None:
        """What the network keeps of it, and what is to be seen."""
        if self._on_effect:
            self._on_effect(name, effect)
        match effect:
            case hybrid.Send(message=hybrid.Ack(source=source) as ack) if source == name:
                place = ack.epoch, ack.term, ack.digest
                self._acks = {**self._acks, place: {**self._acks.get(place, {}), name: ack}}
            case hybrid.Send(message=hybrid.Stopped(stop=stop) as stopped) if stop.source == name:
                self._stops = {**self._stops, (stop.epoch, name): stopped}
            case hybrid.Send(message=hybrid.Calm(source=source) as calm) if source == name:
                self._calms = {**self._calms, (calm.epoch, name): calm}
            case hybrid.Send(message=hybrid.Answer() | pbft.Reply() as told):
                self._told = (*self._told, (*_place(told, node), told))
            case hybrid.Executed(epoch=epoch, term=term) if self._projection.term(term):
                self._answers |= {self._projection.answer(name, epoch, term, node.book)}

    def _asked_again(self, name: str) -> None:
        """All clients of whom a replica has anything done ask it again."""
        node = self.nodes[name]
        done: Any = node.book.value
        for client, _, _ in done:
            _, effects = hybrid.step(node, hybrid.Receive(_request(client)))
            for effect in effects:
                if isinstance(effect, hybrid.Send) and isinstance(effect.message, hybrid.Answer):
                    self._heard(name, node, effect)

    def _begin(self, name: str) -> None:
        """A replica enters a Raft epoch, in which a first leader's no-op is sealed."""
        epoch = self._epoch(name)
        brought = self._brought(name, _FIRST_TERM, (), _FIRST_TERM)
        about: dict[str, Any] = {
            "epoch": epoch,
            "term": _FIRST_TERM,
            "index": 1,
            "digest": chain_digest(epoch, (None,)),
        }
        acks = [self._by(each, hybrid.Ack(source=each, **about)) for each in self._configs]
        seal = hybrid.Seal(acks=tuple(acks[: self.config.quorum]), **about)
        self._step(name, [brought, hybrid.Receive(seal)])

    def _feel(self, name: str, inputs: Iterable[threat.Input]) -> None:
        for inp in inputs:
            self._levels[name], _ = threat.step(self._levels[name], inp)

    def _scores(self, name: str, score: int) -> list[threat.Statement]:
        """Statements of f + 1 others, later than what was heard of them."""
        heard = self._levels[name].durable.heard
        others = [each for each in self._configs if each != name][: self.config.weak_quorum]
        return [threat.Statement(each, heard.get(each, 0) + 1, score) for each in others]

    def _stated(self, source: str, number: int, score: int) -> hybrid.Score:
        return hybrid.signed(
            hybrid.Score(number=number, score=score, source=source), self._configs[source].keys
        )

    # --- what replicas say, the Byzantine ones among them

    @property
    def config(self) -> hybrid.Config:
        return next(iter(self._configs.values()))

    def _by(self, source: str, message: Any) -> Any:
        """The message with the signature of its source, whose keys this class has."""
        return hybrid.signed(message, self._configs[source].keys)

    @property
    def _view(self) -> int:
        """The view in which all is decided: the first one of a Byzantine primary, who proposes whatever is to be."""
        primary = min(self.byzantine, default=self.config.replicas[0])
        return self.config.replicas.index(primary)

    def _epoch(self, name: str) -> int:
        disk = self._disks[name]
        epoch = hybrid.Book.from_value(disk.pbft.state.value).epoch
        return disk.raft_epoch.epoch if disk.raft_epoch is not None else epoch

    def _links(self, chain: Value) -> tuple[hybrid.Link, ...]:
        """The links of a chain of the spec: a first leader's no-op, and the requests."""
        return (None, *(_request(_name(operation)) for operation in chain))

    def _brought(self, name: str, term: int, chain: Value, last_term: int) -> hybrid.Receive:
        """Some other replica, as a leader in `term`, brings a chain, which the log takes whatever it held.

        For the terms of its entries are like those of no other entries, but for the last one's, which is given; or 0.
        """
        leader = next(each for each in self._configs if each != name)
        self._side += 1
        side = max(1, term - self._side)
        entries = [raft.Entry(side, link if link is not None else raft.NoOp()) for link in self._links(chain)]
        if last_term:
            entries[-1] = attrs.evolve(entries[-1], term=last_term)
        message = raft.AppendEntriesRequest(
            term=term,
            source=leader,
            dest=name,
            prev_log_index=0,
            prev_log_term=0,
            entries=tuple(entries),
            leader_commit=0,
        )
        carried = hybrid.Carried(epoch=self._epoch(name), message=message, source=leader)
        return hybrid.Receive(self._by(leader, carried))

    def _seal(self, epoch: int, term: int, chain: Value) -> hybrid.Seal:
        """The seal of a chain with all acks for it; if they are no quorum, with those of other epochs as well."""
        links = self._links(chain)
        about: dict[str, Any] = {
            "epoch": epoch,
            "term": term * _TERM,
            "index": len(links),
            "digest": chain_digest(epoch, links),
        }
        given = dict(self._acks.get((epoch, term * _TERM, about["digest"]), {}))
        for name in sorted(self.byzantine):
            given[name] = self._by(name, hybrid.Ack(source=name, **about))
        for (_, of, digest), foreign in self._acks.items():
            is_like = of == term * _TERM and self._projection.behind(digest) == chain
            if is_like and len(given) < self.config.quorum:
                given = {**foreign, **given}
        acks = tuple(given[name] for name in sorted(given))
        return hybrid.Seal(acks=acks, **about)

    def _forged_stop(self, epoch: int, record: Value) -> hybrid.Stopped:
        """The stop that a Byzantine replica may sign."""
        name, held = _name(record["node"]), record["held"]
        if name not in self.byzantine:
            raise NotPossible(f"{name} did not stop epoch {epoch}")
        seal = self._seal(epoch, held["term"], held["chain"]) if held != NOTHING else None
        stop = hybrid.Stop(epoch=epoch, reason=str(record["why"]).lower(), held=seal, source=name)
        return hybrid.Stopped(self._by(name, stop), self._links(held["chain"]) if seal else ())

    def _forged_request(self, operation: pbft.Value) -> pbft.Request:
        """What a Byzantine replica asks of the book, or a correct one's place in a cluster without any."""
        name = min(self.byzantine, default=self.config.replicas[-1])
        asked = pbft.Request(client=name, timestamp=len(self._book) + 1, operation=operation)
        return pbft.signed(asked, self._configs[name].keys)

    # --- PBFT

    def _asks(self, name: str, inputs: Iterable[hybrid.Input]) -> pbft.Request:
        """What a replica asks of the book when it is told this; it has not the time to write anything down."""
        node = hybrid.recover(self._configs[name], self._disks[name])
        for inp in inputs:
            node, _ = hybrid.step(node, inp)
        if (request := node.pbft.waiting.get(name)) is None:
            raise NotPossible(f"{name} asks nothing of the book")
        return request

    def _decide(self, request: pbft.Request) -> None:
        """PBFT decides a request: what the book makes of it is a function of the book."""
        value, answered = self.config.pbft.service.apply(self._pages[-1].to_value(), request)
        after = hybrid.Book.from_value(value)
        entry = self._entry(request, self._pages, after)
        if entry is None:
            raise NotPossible(f"the book answers {answered!r}")
        self._decided = (*self._decided, request)
        self._book = (*self._book, entry)
        self._pages = [*self._pages, after]

    def _entry(self, request: pbft.Request, pages: list[hybrid.Book], after: hybrid.Book) -> Value | None:
        """The entry that a request is in the book, also one for what was done before; None if it is none."""
        entry = self._projection.entry(request, pages, after)
        if entry is None and after.protocol == "bft" and after.session(request.client) is not None:
            return immutabledict(kind="Operation", operation=self._value_of(request.client))
        return entry

    def _votes(self, name: str, seq: int, request: pbft.Request) -> Iterator[hybrid.Input]:
        """A request is decided under a number: what a replica hears of it."""
        view, batch = self._view, (request,)
        primary, digest = self.config.replicas[view], pbft.digest(batch)
        said: list[Any] = [pbft.PrePrepare(view=view, seq=seq, batch=batch, source=primary)]
        if name == primary:
            said = [request]
        others = [each for each in self._configs if each != name]
        said += [
            pbft.Prepare(view=view, seq=seq, digest=digest, source=each) for each in others if each != primary
        ]
        said += [pbft.Commit(view=view, seq=seq, digest=digest, source=each) for each in others]
        for message in said:
            told = message
            if not isinstance(message, pbft.Request):
                told = pbft.signed(message, self._configs[message.source].keys)
            yield hybrid.Receive(told)


def _in_view(durable: hybrid.Durable, view: int) -> hybrid.Durable:
    """The same in a later view of PBFT, before anything is decided."""
    return attrs.evolve(durable, pbft=attrs.evolve(durable.pbft, view=view))


#: Numbers of statements that are later than all others.
_LATER: Final = 1 << 20


def _place(message: hybrid.Answer | pbft.Reply, node: hybrid.Node) -> tuple[int, int]:
    """Of which epoch an answer is, and of which term what its replica holds; 0 in a BFT epoch."""
    if isinstance(message, hybrid.Answer):
        held = node.raft_epoch.held if node.raft_epoch is not None else None
        return message.epoch, held.term if held is not None else 0
    match message.result:
        case ("done", int() as epoch, _):
            return epoch, 0
        case _:
            return -1, 0
