"""The steps of the spec in a run of a simulated cluster, and whether the spec allows them.

`Journal` is told each step of each correct replica. What a replica signs, holds, executes and learns in it are steps of
the spec, in the order of its effects: one input may be several, an ack and the hold that follows, a level and the stop. Of each
the journal knows what it changes, from what the replica shows, and asks the oracle whether the spec's action leads there. At the
end of each input the replica must show what the spec has.

The book grows when the first correct replica knows that PBFT decided. What of a batch is an entry of the book, is
found with the book-keeper of the implementation; that a close or an open has what it takes, the spec says.

| here                     | in the spec                                                              |
|--------------------------|--------------------------------------------------------------------------|
| a leader's no-op         | `"no-op"` in a chain, which does nothing (HybridRuns.tla)                |
| a stop of a traitor      | one for a threat if it names an attack, else for a long chain            |
| a close of more stops    | one of n - f of them that comes to the same                              |
| a level that goes down   | `Lower`; and `Dwell` when the replica says that it is calm               |
| a belief in what is in the book, in a Raft epoch | none: it follows from what is decided            |
| a term that a traitor made huge | a lower one, in the same order: TLC's integers have 32 bits |
"""

import itertools
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import attrs
from immutabledict import immutabledict

from impl import hybrid, pbft
from impl.threat import Level, level
from impl.threat.levels import BFT
from property_tests.hybrid.hosting import Taken
from property_tests.hybrid.projection import NOTHING, VARIABLES, Projection, entry_epoch, reason_of
from tlacheck import __version__
from tlacheck.conform.comparison import deviations
from tlacheck.conform.lockstep import Diverged
from tlacheck.conform.replay import conformance
from tlacheck.conform.system import NotPossible
from tlacheck.tlc.oracle import SpecOracle
from tlacheck.tlc.spec import Spec
from tlacheck.trace import Origin, State, Step, Trace, Violation
from tlacheck.values import ModelValue, Value, to_tla

__all__ = ["NO_OP", "Journal", "fitted", "runs_spec"]

_SPECS: Final = Path(__file__).resolve().parents[2] / "specs" / "hybrid"

#: What stands for a leader's no-op.
NO_OP: Final = "no-op"
#: What of a replica is compared after each input.
_OWN: Final = ("known", "acked", "held", "stopped")
_ATTACKS: Final = ("threat", "standstill")
#: Where terms begin: at 0, and at those that traitors name. So many are near to one of them.
_HUGE: Final = (0, 1 << 40, 1 << 62)
_NEAR: Final = 1 << 20


def runs_spec(config: str) -> Spec:
    """The spec without bounds that runs are held against; `config` says who the traitors are."""
    return Spec.load(_SPECS / "HybridRuns.tla", _SPECS / f"{config}.cfg")


def fitted(term: int) -> int:
    """The spec's term for one of the implementation; terms keep their order.

    Terms grow by one or two; what is further apart was led there by a traitor, who names one of `_HUGE`.

    Raises:
        NotPossible: the term is near none of these.
    """
    for rank, mark in enumerate(_HUGE):
        if abs(term - mark) < _NEAR:
            return 2 * _NEAR * rank + term - mark
    raise NotPossible(f"term {term} is far from all of {', '.join(map(str, _HUGE))}")


class Journal:
    """The run of a cluster as a trace of the spec.

    Args:
        oracle: the spec with the traitors of the cluster.
        configs: by name, the configurations of all replicas.
        traitors: who is Byzantine.
        done: the ledger of all that was done, in a state of the service.
        seed: of the run, for the trace.
        command: the command that makes this run again, for the trace.

    Attributes:
        actions: how often each action of the spec was taken.
    """

    def __init__(
        self,
        oracle: SpecOracle,
        configs: Mapping[str, hybrid.Config],
        traitors: frozenset[str],
        *,
        done: Callable[[Any], Any],
        seed: int,
        command: str = "",
    ) -> None:
        self.actions: Counter[str] = Counter()
        self._oracle = oracle
        self._config = next(iter(configs.values()))
        self._traitors = traitors
        self._projection = Projection(
            lambda client, sequence: f"{client}-{sequence}", fitted, noop=NO_OP, done=done
        )
        self._at = oracle.initial_states()[0]
        values = self._at.values
        self._shown: Any = immutabledict({name: values[name] for name in VARIABLES})
        self._initial: State = self._shown
        self._steps: list[Step] = []
        self._committed: dict[int, pbft.Batch] = {}
        self._answered: dict[str, int] = {}
        # The book after each entry, and how many entries there are at each number of PBFT.
        self._pages = [hybrid.first_start(self._config).agreed]
        self._entries = [0]
        self._origin = Origin(
            source="lockstep",
            spec=str(oracle.spec.path),
            config=str(oracle.spec.config),
            engine=oracle.engine.label,
            seed=seed,
            command=command,
            versions=immutabledict({"tlacheck": __version__}),
        )

    @property
    def trace(self) -> Trace:
        """The run so far, in the spec's words."""
        return Trace(initial=self._initial, steps=tuple(self._steps), origin=self._origin)

    def broken(self, prop: str, explanation: tuple[str, ...]) -> Trace:
        """The run so far, after whose last step `prop` does not hold."""
        violation = Violation(property=prop, step=len(self._steps), explanation=explanation)
        return attrs.evolve(self.trace, violation=violation)

    def fail(self, prop: str, explanation: tuple[str, ...]) -> None:
        """End the run: `prop` does not hold after its last step.

        Raises:
            Diverged: always, with the trace.
        """
        raise Diverged(self.broken(prop, explanation))

    def finish(self) -> None:
        """The invariants of the configuration hold at the end of the run.

        Raises:
            Diverged: one does not.
        """
        for name in self._oracle.violated_invariants(self._at):
            self.fail(name, ("it does not hold at the end of the run",))

    # --- what correct replicas do

    def step(self, taken: Taken) -> None:
        """A correct replica took a step, or came back from a crash.

        Raises:
            Diverged: the spec does not allow it.
        """
        try:
            self._step(taken)
        except NotPossible as refusal:
            self.fail(conformance(self._oracle.spec.path.stem), (f"after {taken.input}: {refusal}",))
        if lines := deviations(self._own(taken.name), self._projected(taken)):
            self.fail(
                conformance(self._oracle.spec.path.stem), (f"after {taken.input}, the states differ:", *lines)
            )

    def _step(self, taken: Taken) -> None:
        node = ModelValue(taken.name)
        self._projection.learn(taken.after)
        if taken.before is None:
            self._take("Restart", {"node": node})
            return
        self._decides(taken.after)
        for effect in taken.effects:
            match effect:
                case hybrid.Send(message=hybrid.Ack(source=source) as ack) if source == taken.name:
                    self._acks(node, ack)
                case hybrid.Executed(term=term, index=index) if taken.after.raft_epoch is not None:
                    chain = self._projection.chain(taken.after.raft_epoch.chain[:index])
                    self._holds(node, term, chain, taken.after.book)
                case hybrid.StoppedEpoch(epoch=epoch, reason=reason):
                    record = immutabledict(
                        node=node, epoch=epoch, why=reason_of(reason), held=self._shown["held"][node]
                    )
                    self._take("Stop", {"node": node, "why": reason_of(reason)}, stops={record}, stopped=True)
                case hybrid.LevelChanged(old=old, new=new):
                    self._feels(node, was=Level[old] >= Level.HIGH, now=Level[new] >= Level.HIGH)
                case hybrid.Send(message=hybrid.Calm(source=source) as calm) if source == taken.name:
                    self._is_calm(node, calm)
                case hybrid.EpochBegan(epoch=epoch):
                    self._learns(node, taken.after, epoch)
        self._learns(node, taken.after, None)

    def _acks(self, node: ModelValue, ack: hybrid.Ack) -> None:
        record: Any = self._projection.ack(ack)
        if record not in self._shown["acks"]:
            vote = immutabledict(term=record["term"], chain=record["chain"])
            self._take("Ack", {"node": node, **vote}, acks={record}, acked=vote)

    def _holds(self, node: ModelValue, term: int, chain: tuple[Value, ...], book: hybrid.Book) -> None:
        vote = immutabledict(term=fitted(term), chain=chain)
        epoch = entry_epoch(self._shown["known"][node])
        answer = self._projection.answer(node.name, epoch, term, book)
        self._take("Hold", {"node": node, **vote}, held=vote, answers={answer})

    def _feels(self, node: ModelValue, *, was: bool, now: bool) -> None:
        """Return whether it was alarmed, and is now."""
        if was != now:
            self._take("Raise" if now else "Lower", {"node": node}, mood="Alarmed" if now else "Uneasy")

    def _is_calm(self, node: ModelValue, calm: hybrid.Calm) -> None:
        record = self._projection.calm(calm)
        if record in self._shown["calms"]:
            return
        if self._shown["mood"][node] == "Uneasy":
            self._take("Dwell", {"node": node}, mood="Calm")
        self._take("Calm", {"node": node}, calms={record})

    # --- the book

    def _decides(self, after: hybrid.Node) -> None:
        """What PBFT decided, as soon as a correct replica knows."""
        self._committed.update(after.pbft.durable.committed)
        while (batch := self._committed.get(len(self._entries))) is not None:
            for request in batch:
                if request.timestamp > self._answered.get(request.client, 0):
                    self._answered[request.client] = request.timestamp
                    self._does(request)
            self._entries.append(len(self._pages) - 1)

    def _does(self, request: pbft.Request) -> None:
        value, _ = self._config.pbft.service.apply(self._pages[-1].to_value(), request)
        after = hybrid.Book.from_value(value)
        entry: Any = self._projection.entry(request, self._pages, after)
        if entry is None:
            return
        book = (*self._shown["book"], entry)
        self._pages.append(after)
        match entry["kind"]:
            case "Operation":
                self._take("Decide", {"operation": entry["operation"]}, book=book)
            case "Close":
                self._take_one_of("Close", "stops", self._closes(request), book)
            case _:
                self._take_one_of("Open", "calms", self._opens(request), book)

    def _closes(self, request: pbft.Request) -> Iterator[Value]:
        """The closes of n - f of its stops."""
        operation: Any = request.operation
        _, epoch, stops, _ = operation
        records: list[Any] = []
        for source, reason, seal, _ in stops:
            known = [s for s in self._shown["stops"] if (s["node"].name, s["epoch"]) == (source, epoch)]
            held = (
                immutabledict(term=fitted(seal[0]), chain=self._projection.behind(seal[2]))
                if seal
                else NOTHING
            )
            why = "Threat" if reason in _ATTACKS else "Long"
            record = immutabledict(node=ModelValue(source), epoch=epoch, why=why, held=held)
            records += known if source not in self._traitors else [record]
        for chosen in itertools.combinations(records, self._config.stops_needed):
            yield frozenset(chosen)

    def _opens(self, request: pbft.Request) -> Iterator[Value]:
        """The opens of a quorum of its calms."""
        operation: Any = request.operation
        _, _, calms = operation
        sources = sorted({ModelValue(source) for source, _ in calms}, key=str)
        for chosen in itertools.combinations(sources, self._config.quorum):
            yield frozenset(chosen)

    def _take_one_of(self, action: str, name: str, choices: Iterator[Value], book: Value) -> None:
        """The step, with the first of several arguments with which the spec allows it."""
        last: Value = frozenset()
        after = immutabledict({**self._shown, "book": book})
        for last in choices:
            if self._oracle.holds(action, self._at, last, after=self._oracle.state(after)):
                break
        self._take(action, {name: last}, book=book)

    def _learns(self, node: ModelValue, after: hybrid.Node, epoch: int | None) -> None:
        """It executes the book up to where it is now, or up to the beginning of an epoch."""
        executed = after.pbft.durable.executed
        if executed >= len(self._entries):
            raise NotPossible(
                f"{node} has executed number {executed}, which no correct replica has committed"
            )
        while len(known := self._shown["known"][node]) < self._entries[executed]:
            if entry_epoch(known) == epoch:
                return
            entry = self._shown["book"][len(known)]
            changed: dict[str, Any] = {"known": (*known, entry)}
            if entry["kind"] != "Operation":
                changed |= {"acked": NOTHING, "held": NOTHING, "stopped": False}
            self._take("Learn", {"node": node}, **changed)

    # --- clients

    def believes(self, client: str, believed: hybrid.Believed) -> None:
        """A client came to believe something.

        Raises:
            Diverged: the spec does not allow it.
        """
        operation = self._projection.operation(client, believed.sequence)
        if believed.term:
            term = fitted(believed.term)
            states = [
                answer["state"]
                for answer in self._shown["answers"]
                if (answer["epoch"], answer["term"]) == (believed.epoch, term)
            ]
            found = [state[: state.index(operation) + 1] for state in states if operation in state]
            self._take_belief(believed.epoch, term, found[0] if found else (operation,))
            return
        done = self._projection.ledger(self._pages[-1].value)
        state = done[: done.index(operation) + 1] if operation in done else (operation,)
        # The BFT epochs in which the book had it, the first one first: mostly f + 1 replicas know that one.
        epochs = dict.fromkeys(
            page.epoch
            for page in self._pages
            if page.protocol == BFT and len(self._projection.done(page.value)) >= len(state)
        )
        may = (epoch for epoch in epochs if self._oracle.holds("MayBelieve", self._at, epoch, 0, state))
        if (epoch := next(may, None)) is not None:
            self._take_belief(epoch, 0, state)
        elif operation not in done:
            self.fail(
                conformance(self._oracle.spec.path.stem),
                (f"{client} believes {operation}, which nobody decided",),
            )

    def _take_belief(self, epoch: int, term: int, state: tuple[Value, ...]) -> None:
        arguments = immutabledict(epoch=epoch, term=term, state=state)
        if arguments not in self._shown["believed"]:
            self._take("Believe", arguments, believed={arguments})

    # --- taking steps

    def _take(self, action: str, arguments: Mapping[str, Value], **changed: Any) -> None:
        """A step of the spec, by which these variables change: sets grow, and of functions the value of `node` changes."""
        parts: dict[str, Value] = {}
        for name, value in changed.items():
            if isinstance(value, set):
                parts[name] = self._shown[name] | value
            elif name == "book":
                parts[name] = value
            else:
                parts[name] = immutabledict({**self._shown[name], arguments["node"]: value})
        shown = immutabledict({**self._shown, **parts})
        after = self._oracle.state(shown)
        known = immutabledict(arguments)
        if not self._oracle.holds(action, self._at, *known.values(), after=after):
            self._steps.append(Step(action, known, self._shown))
            said = ", ".join(f"{name} = {to_tla(value)}" for name, value in known.items())
            self.fail(
                conformance(self._oracle.spec.path.stem), (f"the spec allows no {action}({said}) here.",)
            )
        self.actions[action] += 1
        self._at, self._shown = after, shown
        self._steps.append(Step(action, known, shown))

    def _own(self, name: str) -> State:
        """What the spec has of a replica."""
        node = ModelValue(name)
        own = {part: self._shown[part][node] for part in _OWN}
        return immutabledict({**own, "alarmed": self._shown["mood"][node] == "Alarmed"})

    def _projected(self, taken: Taken) -> State:
        """What the replica shows of that."""
        after, projection = taken.after, self._projection
        epoch = after.raft_epoch
        count = self._entries[after.pbft.durable.executed]
        known = self._shown["book"][:count]
        if after.agreed != self._pages[count] or (epoch is not None and epoch.epoch != after.epoch):
            known = (*known, f"and is in epoch {after.epoch}")
        return immutabledict(
            known=known,
            acked=projection.vote(epoch.acked) if epoch is not None else NOTHING,
            held=projection.vote(epoch.held) if epoch is not None else NOTHING,
            stopped=epoch is not None and epoch.stopped is not None,
            alarmed=level(after.threat) >= Level.HIGH,
        )
