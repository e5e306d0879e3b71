"""The adapter of `impl/hybrid` to `specs/hybrid`: the one file that knows both vocabularies.

Which inputs perform a step of the spec is told by the methods of `HybridSystem` that are marked `action`, and
which spec state the replicas are in by the one that is marked `variable`. What Byzantine replicas say is
signed with their own keys.

| part            | is here                                                                                  |
|-----------------|------------------------------------------------------------------------------------------|
| Raft            | any leader: before a vote another replica sends the prefix, which replaces the log       |
| terms           | `_TERM` apart; those between are of entries that arrive without a vote, for the sake of  |
|                 | a QC                                                                                     |
| the first no-op | all vote for it and lock it when an epoch starts, in a term below the spec's, which      |
|                 | omits it                                                                                 |
| PBFT            | decides on one request after the other; a replica that learns of one hears all votes for |
|                 | it                                                                                       |
| levels          | each replica has a real threat machine, which it looks at in the steps that depend on    |
|                 | its level                                                                                |
| clients         | each operation has a client of its own; all ask again after each lock, and each control  |
|                 | log entry                                                                                |

A step is performed on a replica that has just come back from a crash, with what it wrote to its disk. That
every replica crashes between any two steps also shows whether it persisted what it relies on.
"""

import copy
import functools
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, Self

import attrs
from immutabledict import immutabledict

from impl import hybrid, pbft, raft, threat
from impl.hybrid.control import abort_value
from impl.hybrid.log_prefix import log_entry_of, log_entry_value, prefix_digest
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
#: The client that waits for too long when there is to be a stall.
_WAITS: Final = "waits"
_SCORE: Final = 100


def spec_for(replicas: int) -> Spec:
    """The unbounded spec of a cluster of so many replicas, for the oracle."""
    return Spec.load(_SPECS / "HybridRuns.tla", _SPECS / f"Oracle{replicas}.cfg")


@attrs.frozen
class Telling:
    """A ledger whose results list the operations done so far: an answer shows the state it came from."""

    @property
    def initial(self) -> pbft.Value:
        """Nothing was done."""
        return ()

    def apply(self, value: pbft.Value, request: pbft.Request) -> tuple[pbft.Value, pbft.Value]:
        """Apply one more operation."""
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
    """The correct replicas of a cluster with their disks, all sent messages, and the control state; no clock.

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
        limits: dict[str, Any] = {"stall_ticks": 1, "cooldown_ticks": 2, "backoff_max": 1}
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
        # The same with a limit that any prefix reaches.
        self._short = {name: attrs.evolve(config, prefix_max=1) for name, config in self._configs.items()}
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
        self._votes: Mapping[tuple[int, int, str], Mapping[str, hybrid.Vote]] = {}
        self._answers: frozenset[Value] = frozenset()
        self._aborts: Mapping[tuple[int, str], hybrid.AbortHistory] = {}
        self._switchbacks: Mapping[tuple[int, str], hybrid.SwitchbackVote] = {}
        self._told: tuple[Any, ...] = ()
        self._decided: tuple[pbft.Request, ...] = ()
        self._pages: list[hybrid.ControlState] = []
        self._control: tuple[Value, ...] = ()
        self._learned: dict[str, tuple[Value, ...]] = {}
        self._accepted: frozenset[Value] = frozenset()
        self._side = 0

    def reset(self, initial: State) -> None:
        """Start all correct replicas for the first time."""
        names = [name for name in self._configs if name not in self.byzantine]
        if set(initial["known"]) != {ModelValue(name) for name in names}:
            raise NotPossible(f"the correct replicas here are {', '.join(names)}; the trace has others")
        self.nodes = {name: hybrid.first_start(self._configs[name]) for name in names}
        self._disks = {name: _in_view(node.durable, self._view) for name, node in self.nodes.items()}
        self._levels = {name: threat.first_start(self._configs[name].threat) for name in names}
        self._said = self._answers = self._accepted = frozenset()
        self._votes, self._aborts, self._switchbacks, self._told = {}, {}, {}, ()
        self._decided, self._control, self._side = (), (), 0
        self._pages = [self.nodes[names[0]].committed]
        self._learned = dict.fromkeys(names, ())
        for name in names:
            self._begin(name)

    # --- Raft epochs

    @action("Vote")
    def vote(self, node: Value, term: Value, prefix: Value) -> None:
        """Another replica, as the leader of the term, sends the prefix."""
        name = _name(node)
        self._step(name, [self._brought(name, term * _TERM, prefix, term * _TERM)])

    @action("Lock")
    def lock(self, node: Value, term: Value, prefix: Value) -> None:
        """The QC arrives, after the prefix if the log does not hold it."""
        name = _name(node)
        disk, epoch = self._disks[name].raft_epoch, self._epoch(name)
        inputs = []
        log_entries = [log_entry_of(entry) for entry in disk.raft.log] if disk is not None else []
        wanted = self._log_entries(prefix)
        if tuple(log_entries[: len(wanted)]) != wanted:
            current = disk.raft.current_term if disk is not None else 0
            inputs.append(self._brought(name, max(term * _TERM, current), prefix, 0))
        inputs.append(hybrid.Receive(self._qc(epoch, term, prefix)))
        self._step(name, inputs)
        self._asked_again(name)

    @action("Abort")
    def abort(self, node: Value, why: Value) -> None:
        """The replica has the reason, and notices it."""
        name = _name(node)
        epoch = self._epoch(name)
        match why:
            case "Threat":
                self._step(name, [hybrid.Heartbeat()], level=self._levels[name])
            case "Stalled":
                self._step(name, [hybrid.Receive(_request(_WAITS)), hybrid.Tick()])
            case "Long":
                self._step(name, [hybrid.Heartbeat()], config=self._short[name])
            case _:
                others = [
                    abort for (at, source), abort in self._aborts.items() if at == epoch and source != name
                ]
                forged = [
                    self._forged_abort(
                        epoch, immutabledict(node=ModelValue(each), why="Long", locked=NOTHING)
                    )
                    for each in sorted(self.byzantine)
                ]
                inputs = [hybrid.Receive(each) for each in (*others, *forged)]
                self._step(name, inputs, level=self._levels[name])

    # --- the control state

    @action("EndEpoch")
    def end_epoch(self, aborts: Value) -> None:
        """A replica that aborted receives the other aborts, and submits the command.

        With too few, a Byzantine replica submits it.
        """
        epoch = self._pages[-1].epoch
        ordered = []
        for record in sorted(aborts, key=repr):
            known = self._aborts.get((epoch, _name(record["node"])))
            ordered.append(known if known is not None else self._forged_abort(epoch, record))
        sources = {each.abort.source for each in ordered}
        if len(sources) >= self.config.aborts_needed:
            asker = max(sources - self.byzantine)
            heard = [hybrid.Receive(each) for each in ordered if each.abort.source != asker]
            self._decide(self._asks(asker, [*heard, hybrid.Retransmit()]))
            return
        last = max(
            (each for each in ordered if each.abort.locked is not None),
            key=lambda each: (
                (each.abort.locked.term, each.abort.locked.index) if each.abort.locked else (0, 0)
            ),
            default=None,
        )
        prefix = last.prefix if last is not None else ()
        values = tuple(abort_value(each.abort) for each in ordered)
        self._decide(self._forged_request(("epoch-end", epoch, values, tuple(map(log_entry_value, prefix)))))

    @action("Decide")
    def decide(self, operation: Value) -> None:
        """Decide the client's request."""
        self._decide(_request(_name(operation), len(self._control) + 1))

    @action("VoteSwitchback")
    def switchback(self, node: Value) -> None:
        """Let as many ticks pass as its alarm implies, with or without scores that keep its level up."""
        name = _name(node)
        config, alarm = self._configs[name], self._alarm(name)
        ticks = config.cooldown_ticks - (alarm == "Cooldown")
        scores = self._scores(name, _SCORE) if alarm == "On" else []
        number = 1
        inputs: list[hybrid.Input] = []
        for _ in range(ticks):
            inputs += [
                hybrid.Receive(self._stated(score.reporter, _LATER + number, _SCORE)) for score in scores
            ]
            number += 1
            inputs.append(hybrid.Tick())
        self._step(name, inputs, level=self._levels[name])

    @action("StartEpoch")
    def start_epoch(self, switchbacks: Value) -> None:
        """A replica that voted receives the other votes, and submits the command.

        With too few, a Byzantine replica submits it.
        """
        epoch = self._pages[-1].epoch
        told = {}
        for name in sorted(map(_name, switchbacks)):
            known = self._switchbacks.get((epoch, name))
            forged = hybrid.SwitchbackVote(epoch=epoch, source=name)
            told[name] = known if known is not None else self._by(name, forged)
        askers = sorted(name for name in told if name not in self.byzantine)
        if askers and len(told) >= self.config.quorum:
            asker = askers[-1]
            waits = [hybrid.Tick()] * self.config.cooldown_ticks
            heard = [hybrid.Receive(switchback) for name, switchback in told.items() if name != asker]
            self._decide(self._asks(asker, [*waits, *heard, hybrid.Retransmit()]))
            return
        values = tuple((switchback.source, switchback.signature) for switchback in told.values())
        self._decide(self._forged_request(("epoch-start", epoch, values)))

    @action("Learn")
    def learn(self, node: Value) -> None:
        """Deliver all votes for the next number to the replica's PBFT, which executes it."""
        name = _name(node)
        before = self._disks[name].bft.executed
        if before >= len(self._decided):
            raise NotPossible(
                f"the control state has {len(self._decided)} entries, and {name} has executed them"
            )
        request, seq, pages = self._decided[before], before + 1, self._pages[: before + 1]
        was = self.nodes[name].epoch
        self._step(name, self._pbft_votes(name, seq, request), is_pbft=True)
        after = self.nodes[name]
        if after.bft.durable.executed != seq:
            raise NotPossible(f"{name} does not execute number {seq}")
        entry = self._entry(request, pages, after.committed)
        self._learned[name] = (*self._learned[name], entry if entry is not None else "nothing")
        if after.epoch != was and not after.is_bft:
            self._begin(name)
        self._asked_again(name)

    # --- clients

    @action("Accept")
    def accept(self, epoch: Value, term: Value, state: Value) -> None:
        """Deliver to the last operation's client all answers of its term, then the others of that epoch."""
        if (acceptance := self._acceptance(epoch, term, state)) is None:
            raise NotPossible(f"the client of {state[-1]} does not accept it done")
        self._accepted |= {acceptance}

    def _acceptance(self, epoch: int, term: int, state: tuple[Value, ...]) -> Value | None:
        name = _name(state[-1])
        begun = hybrid.Client(
            name=name, replicas=self.config.replicas, f=self.config.f, keys=pbft.SymbolicKeys(name)
        )
        client, _ = hybrid.ask(begun, name)
        client = attrs.evolve(client, timestamp=len(self._control) + 1)
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
            client, accepted = hybrid.hear(client, message)
            if accepted is not None:
                told: Any = accepted.result
                # What was in the control state when a Raft epoch began is answered as agreed, whatever is
                # locked.
                is_committed = accepted.term == 0 and accepted.epoch == epoch
                return immutabledict(
                    epoch=accepted.epoch,
                    term=term if is_committed else self._projection.term(accepted.term),
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

    @action("CoolDown")
    def cool_down(self, node: Value) -> None:
        """Time passes until the level is None."""
        name = _name(node)
        while threat.level(self._levels[name]) > threat.Level.NONE:
            self._feel(name, [threat.Tick()])

    @action("Restart")
    def restart(self, node: Value) -> None:
        """The replica recovers from its disk."""
        name = _name(node)
        back = hybrid.recover(self._configs[name], self._disks[name])
        self.nodes[name] = back
        self._disks[name] = back.durable
        self._levels[name] = threat.recover(self._configs[name].threat, self._levels[name].durable)

    # --- what there is to see

    @variable(*VARIABLES)
    def shown(self) -> State:
        """The spec state that disks and messages stand for, with what clients accept."""
        projection = self._projection

        def each(part: Callable[[str], Value]) -> Value:
            return immutabledict({ModelValue(name): part(name) for name in self._disks})

        def of_epoch(part: Callable[[hybrid.RaftEpoch], Value], otherwise: Value) -> Callable[[str], Value]:
            def shown(name: str) -> Value:
                epoch = self._disks[name].raft_epoch
                return part(epoch) if epoch is not None else otherwise

            return shown

        return immutabledict(
            votes=frozenset(
                projection.vote(vote)
                for given in self._votes.values()
                for vote in given.values()
                if projection.term(vote.term)
            ),
            answers=self._answers,
            aborts=frozenset(projection.abort(history.abort) for history in self._aborts.values()),
            switchbacks=frozenset(
                projection.switchback(switchback) for switchback in self._switchbacks.values()
            ),
            controlLog=self._control,
            known=each(self._known),
            lastVote=each(of_epoch(lambda epoch: projection.place(epoch.last_vote), NOTHING)),
            locked=each(of_epoch(self._locked, NOTHING)),
            aborted=each(of_epoch(lambda epoch: epoch.abort is not None, otherwise=False)),
            alarm=each(self._alarm),
            accepted=self._accepted,
        )

    def _known(self, name: str) -> Value:
        """The control log that a replica has executed.

        It carries a mark if its epoch or its control state differs.
        """
        disk = self._disks[name]
        number = disk.bft.executed
        entries = self._learned[name][:number]
        control = hybrid.ControlState.from_value(disk.bft.state.value)
        epoch = disk.raft_epoch.epoch if disk.raft_epoch is not None else control.epoch
        is_bft = disk.raft_epoch is None
        committed = self._pages[number] if number < len(self._pages) else None
        if committed != control or epoch != entry_epoch(entries) or is_bft != (control.protocol == "bft"):
            return (*entries, f"and is in epoch {epoch}")
        return entries

    def _locked(self, epoch: hybrid.RaftEpoch) -> Value:
        """The QC that it holds; with the prefix that it executed, if that is another one."""
        told: Any = self._projection.place(epoch.locked)
        if told != NOTHING and self._projection.prefix(epoch.prefix) != told["prefix"]:
            return immutabledict(
                term=told["term"], prefix=("executed", self._projection.prefix(epoch.prefix))
            )
        return told

    def _alarm(self, name: str) -> Value:
        """The alarm of a level: off at None for long enough, on at High or above, else cooling down."""
        level = threat.level(self._levels[name])
        if level >= threat.Level.HIGH:
            return "On"
        return "Off" if level == threat.Level.NONE else "Cooldown"

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
        """A replica comes back from a crash and takes some inputs.

        Of PBFT it keeps what it is told in `Learn` alone.
        """
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
        kept = written.bft if is_pbft else disk.bft
        self._disks[name] = attrs.evolve(written, bft=kept, threat=quiet.durable)
        self.nodes[name] = node

    def _heard(self, name: str, node: hybrid.Node, effect: hybrid.Effect) -> None:
        """Keep the messages of a step, and its visible effects."""
        if self._on_effect:
            self._on_effect(name, effect)
        match effect:
            case hybrid.Send(message=hybrid.Vote(source=source) as vote) if source == name:
                place = vote.epoch, vote.term, vote.digest
                self._votes = {**self._votes, place: {**self._votes.get(place, {}), name: vote}}
            case hybrid.Send(message=hybrid.AbortHistory(abort=abort) as history) if abort.source == name:
                self._aborts = {**self._aborts, (abort.epoch, name): history}
            case hybrid.Send(message=hybrid.SwitchbackVote(source=source) as switchback) if source == name:
                self._switchbacks = {**self._switchbacks, (switchback.epoch, name): switchback}
            case hybrid.Send(message=hybrid.Answer() | pbft.Reply() as told):
                self._told = (*self._told, (*_place(told, node), told))
            case hybrid.Executed(epoch=epoch, term=term) if self._projection.term(term):
                self._answers |= {self._projection.answer(name, epoch, term, node.speculative)}

    def _asked_again(self, name: str) -> None:
        """All clients of whom a replica has anything done ask it again."""
        node = self.nodes[name]
        done: Any = node.speculative.value
        for client, _, _ in done:
            _, effects = hybrid.step(node, hybrid.Receive(_request(client)))
            for effect in effects:
                if isinstance(effect, hybrid.Send) and isinstance(effect.message, hybrid.Answer):
                    self._heard(name, node, effect)

    def _begin(self, name: str) -> None:
        """A replica enters a Raft epoch, in which a first leader's no-op is certified."""
        epoch = self._epoch(name)
        brought = self._brought(name, _FIRST_TERM, (), _FIRST_TERM)
        about: dict[str, Any] = {
            "epoch": epoch,
            "term": _FIRST_TERM,
            "index": 1,
            "digest": prefix_digest(epoch, (None,)),
        }
        votes = [self._by(each, hybrid.Vote(source=each, **about)) for each in self._configs]
        qc = hybrid.QuorumCertificate(votes=tuple(votes[: self.config.quorum]), **about)
        self._step(name, [brought, hybrid.Receive(qc)])

    def _feel(self, name: str, inputs: Iterable[threat.Input]) -> None:
        for inp in inputs:
            self._levels[name], _ = threat.step(self._levels[name], inp)

    def _scores(self, name: str, score: int) -> list[threat.Statement]:
        """Statements of f + 1 others, later than those received before."""
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
        """The view in which all is decided: the first with a Byzantine primary, who proposes any batch."""
        primary = min(self.byzantine, default=self.config.replicas[0])
        return self.config.replicas.index(primary)

    def _epoch(self, name: str) -> int:
        disk = self._disks[name]
        epoch = hybrid.ControlState.from_value(disk.bft.state.value).epoch
        return disk.raft_epoch.epoch if disk.raft_epoch is not None else epoch

    def _log_entries(self, prefix: Value) -> tuple[hybrid.LogEntry, ...]:
        """The log entries of a prefix of the spec: a first leader's no-op, and the requests."""
        return (None, *(_request(_name(operation)) for operation in prefix))

    def _brought(self, name: str, term: int, prefix: Value, last_term: int) -> hybrid.Receive:
        """Some other replica, as a leader in `term`, brings a prefix, which the log takes whatever it held.

        For the terms of its entries are like those of no other entries, but for the last one's, which is
        given; or 0.
        """
        leader = next(each for each in self._configs if each != name)
        self._side += 1
        side = max(1, term - self._side)
        entries = [
            raft.Entry(side, log_entry if log_entry is not None else raft.NoOp())
            for log_entry in self._log_entries(prefix)
        ]
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
        envelope = hybrid.Envelope(epoch=self._epoch(name), message=message, source=leader)
        return hybrid.Receive(self._by(leader, envelope))

    def _qc(self, epoch: int, term: int, prefix: Value) -> hybrid.QuorumCertificate:
        """The QC of a prefix with all votes for it.

        If they are no quorum, the votes of other epochs are added.
        """
        log_entries = self._log_entries(prefix)
        about: dict[str, Any] = {
            "epoch": epoch,
            "term": term * _TERM,
            "index": len(log_entries),
            "digest": prefix_digest(epoch, log_entries),
        }
        given = dict(self._votes.get((epoch, term * _TERM, about["digest"]), {}))
        for name in sorted(self.byzantine):
            given[name] = self._by(name, hybrid.Vote(source=name, **about))
        for (_, of, digest), foreign in self._votes.items():
            is_like = of == term * _TERM and self._projection.behind(digest) == prefix
            if is_like and len(given) < self.config.quorum:
                given = {**foreign, **given}
        votes = tuple(given[name] for name in sorted(given))
        return hybrid.QuorumCertificate(votes=votes, **about)

    def _forged_abort(self, epoch: int, record: Value) -> hybrid.AbortHistory:
        """An abort that a Byzantine replica may sign."""
        name, locked = _name(record["node"]), record["locked"]
        if name not in self.byzantine:
            raise NotPossible(f"{name} did not stop epoch {epoch}")
        qc = self._qc(epoch, locked["term"], locked["prefix"]) if locked != NOTHING else None
        abort = hybrid.Abort(epoch=epoch, reason=str(record["why"]).lower(), locked=qc, source=name)
        return hybrid.AbortHistory(self._by(name, abort), self._log_entries(locked["prefix"]) if qc else ())

    def _forged_request(self, operation: pbft.Value) -> pbft.Request:
        """A command of a Byzantine replica, or of a correct one in a cluster without any."""
        name = min(self.byzantine, default=self.config.replicas[-1])
        asked = pbft.Request(client=name, timestamp=len(self._control) + 1, operation=operation)
        return pbft.signed(asked, self._configs[name].keys)

    # --- PBFT

    def _asks(self, name: str, inputs: Iterable[hybrid.Input]) -> pbft.Request:
        """The command that a replica submits when it receives this; it crashes before it writes anything."""
        node = hybrid.recover(self._configs[name], self._disks[name])
        for inp in inputs:
            node, _ = hybrid.step(node, inp)
        if (request := node.bft.waiting.get(name)) is None:
            raise NotPossible(f"{name} asks nothing of the control state")
        return request

    def _decide(self, request: pbft.Request) -> None:
        """Let PBFT decide a request; the control state alone determines its effect."""
        value, answered = self.config.bft.config.service.apply(self._pages[-1].to_value(), request)
        after = hybrid.ControlState.from_value(value)
        entry = self._entry(request, self._pages, after)
        if entry is None:
            raise NotPossible(f"the control state answers {answered!r}")
        self._decided = (*self._decided, request)
        self._control = (*self._control, entry)
        self._pages = [*self._pages, after]

    def _entry(
        self, request: pbft.Request, pages: list[hybrid.ControlState], after: hybrid.ControlState
    ) -> Value | None:
        """The entry of a request in the control state, also for an operation that was done before.

        The result is None if there is no such entry.
        """
        entry = self._projection.entry(request, pages, after)
        if entry is None and after.protocol == "bft" and after.session(request.client) is not None:
            return immutabledict(kind="Operation", operation=self._value_of(request.client))
        return entry

    def _pbft_votes(self, name: str, seq: int, request: pbft.Request) -> Iterator[hybrid.Input]:
        """Yield the inputs by which a replica learns that a request is decided under a number."""
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
    return attrs.evolve(durable, bft=attrs.evolve(durable.bft, view=view))


#: Numbers of statements that are later than all others.
_LATER: Final = 1 << 20


def _place(message: hybrid.Answer | pbft.Reply, node: hybrid.Node) -> tuple[int, int]:
    """The epoch of an answer, and the term of its replica's lock; 0 in a BFT epoch."""
    if isinstance(message, hybrid.Answer):
        locked = node.raft_epoch.locked if node.raft_epoch is not None else None
        return message.epoch, locked.term if locked is not None else 0
    match message.result:
        case ("done", int() as epoch, _):
            return epoch, 0
        case _:
            return -1, 0
