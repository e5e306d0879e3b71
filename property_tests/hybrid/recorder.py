"""The recorder of the hybrid: the steps of the spec that a run takes, each of which the spec must allow.

The recorder sees each step of each correct replica and client. A replica's votes, locks, aborts and executed
entries are steps of the spec, in the order of its effects; one input may be several: a vote and the lock that
follows, a level and the abort. The recorder knows from the replica which variables a step changes, and asks
the oracle whether the spec's action allows that. After each input the replica must show the spec's state.

The control log grows when the first correct replica knows what the BFT protocol decided. The control state
machine of the implementation tells which requests of a batch are entries; the spec checks the proofs in the
commands.

| here                                                | in the spec                                          |
|-----------------------------------------------------|------------------------------------------------------|
| a leader's no-op                                    | `"no-op"` in a prefix, which does nothing            |
|                                                     | (HybridRuns.tla)                                     |
| an abort of a Byzantine replica                     | one for a threat if it names an attack, else for a   |
|                                                     | long prefix                                          |
| an epoch-end command of more aborts                 | one of n - f of them that comes to the same          |
| a level that goes down                              | `Lower`; and `CoolDown` when the replica votes to    |
|                                                     | switch back                                          |
| an accepted result that is committed, in a Raft     | none: it follows from what is decided                |
| epoch                                               |                                                      |
| a term that a Byzantine replica made huge           | a lower one, in the same order: TLC's integers have  |
|                                                     | 32 bits                                              |
"""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from immutabledict import immutabledict

from impl import hybrid, pbft
from impl.threat import Level, level
from impl.threat.levels import BFT
from property_tests.hybrid.host import Hosted, Registers, ReplicaStep, configs_of, replica_step, replicas_of
from property_tests.hybrid.projection import NOTHING, VARIABLES, Projection, entry_epoch, reason_of
from tlacheck.conform.comparison import deviations
from tlacheck.conform.system import NotPossible
from tlacheck.harness import Size, SpecRun, spec_step
from tlacheck.sim import Notify, StepRecord
from tlacheck.tlc.oracle import OracleState
from tlacheck.trace import State
from tlacheck.values import ModelValue, Value

__all__ = ["NO_OP", "HybridRecorder", "fitted"]

#: What stands for a leader's no-op.
NO_OP: Final = "no-op"
#: What of a replica is compared after each input.
_OWN: Final = ("known", "lastVote", "locked", "aborted")
_ATTACKS: Final = ("threat", "stalled")
#: Where terms begin: at 0, and at those that Byzantine replicas name. So many are near to one of them.
_HUGE: Final = (0, 1 << 40, 1 << 62)
_NEAR: Final = 1 << 20


def fitted(term: int) -> int:
    """The spec's term for one of the implementation; terms keep their order.

    Terms grow by one or two; what is further apart was led there by a Byzantine replica, who names one of
    `_HUGE`.

    Raises:
        NotPossible: the term is near none of these.
    """
    for rank, mark in enumerate(_HUGE):
        if abs(term - mark) < _NEAR:
            return 2 * _NEAR * rank + term - mark
    raise NotPossible(f"term {term} is far from all of {', '.join(map(str, _HUGE))}")


class HybridRecorder:
    """Follows the correct replicas and the clients of one run in the spec.

    Args:
        size: the cluster.
        run: the run of the spec, which it moves.
        config: the configuration of a replica; the usual one, if None.
    """

    def __init__(self, size: Size, run: SpecRun, config: hybrid.Config | None = None) -> None:
        self._run = run
        self._byzantine = size.byzantine
        self._config = config if config is not None else configs_of(size)[replicas_of(size)[0]]
        self._projection = Projection(
            lambda client, sequence: f"{client}-{sequence}", fitted, noop=NO_OP, done=Registers.done
        )
        self._shown: Any = immutabledict({name: run.at.value(name) for name in VARIABLES})
        self._answered: dict[str, int] = {}
        # The control state after each entry; by place of the agreed log, how many entries there are.
        self._pages = [hybrid.first_start(self._config).committed]
        self._entries = {0: 0}
        self._place = 0

    # --- what the harness tells

    def on_step(self, record: StepRecord) -> None:
        """Take the steps of the spec that a step of a replica or a client is.

        Raises:
            Diverged: the spec does not allow them.
            NotPossible: nothing in the spec stands for it.
        """
        if record.node in self._byzantine:
            return
        taken = replica_step(record)
        if taken is not None:
            self._step(taken)
            self._run_compared(taken.name, taken.after, taken.input)
            return
        for command in record.commands:
            match command:
                case Notify(what=hybrid.Accepted() as accepted):
                    self._accepts(record.node, accepted)

    def on_restart(self, node: str, state: Any) -> None:
        """Take the step `Restart`; raises as `on_step`."""
        if isinstance(state, Hosted):
            self._projection.learn(state.node)
            self._take("Restart", {"node": ModelValue(node)})
            self._run_compared(node, state.node, "its restart")

    def observe(self) -> Mapping[str, Value]:
        """Nothing: the recorder compares each replica after each of its steps."""
        return immutabledict()

    def shown(self, states: Sequence[OracleState], *, is_whole: bool) -> list[State]:
        """The spec's variables in the states of a trace."""
        del is_whole
        return [State({name: state.value(name) for name in VARIABLES}) for state in states]

    def _run_compared(self, name: str, after: hybrid.Node, inp: object) -> None:
        """Compare what the spec has of a replica with what the replica shows."""
        if lines := deviations(self._own(name), self._projected(after)):
            self._run.fail(f"after {inp}, the states differ:", *lines)

    # --- what correct replicas do

    def _step(self, taken: ReplicaStep) -> None:
        node = ModelValue(taken.name)
        self._projection.learn(taken.after)
        self._decides(taken.after)
        for effect in taken.effects:
            match effect:
                case hybrid.Send(message=hybrid.Vote(source=source) as vote) if source == taken.name:
                    self._votes(node, vote)
                case hybrid.Executed(term=term, index=index) if taken.after.raft_epoch is not None:
                    prefix = self._projection.prefix(taken.after.raft_epoch.prefix[:index])
                    self._locks(node, term, prefix, taken.after.speculative)
                case hybrid.EpochAborted(epoch=epoch, reason=reason):
                    record = immutabledict(
                        node=node, epoch=epoch, why=reason_of(reason), locked=self._shown["locked"][node]
                    )
                    self._take(
                        "Abort", {"node": node, "why": reason_of(reason)}, aborts={record}, aborted=True
                    )
                case hybrid.LevelChanged(old=old, new=new):
                    self._feels(node, was=Level[old] >= Level.HIGH, now=Level[new] >= Level.HIGH)
                case hybrid.Send(message=hybrid.SwitchbackVote(source=source) as switchback) if (
                    source == taken.name
                ):
                    self._wants_switchback(node, switchback)
                case hybrid.EpochBegan(epoch=epoch):
                    self._learns(node, taken.after, epoch)
        self._learns(node, taken.after, None)

    def _votes(self, node: ModelValue, vote: hybrid.Vote) -> None:
        record: Any = self._projection.vote(vote)
        if record not in self._shown["votes"]:
            place = immutabledict(term=record["term"], prefix=record["prefix"])
            self._take("Vote", {"node": node, **place}, votes={record}, lastVote=place)

    def _locks(
        self, node: ModelValue, term: int, prefix: tuple[Value, ...], control: hybrid.ControlState
    ) -> None:
        place = immutabledict(term=fitted(term), prefix=prefix)
        epoch = entry_epoch(self._shown["known"][node])
        answer = self._projection.answer(node.name, epoch, term, control)
        self._take("Lock", {"node": node, **place}, locked=place, answers={answer})

    def _feels(self, node: ModelValue, *, was: bool, now: bool) -> None:
        """Take the step of an alarm that goes on or off."""
        if was != now:
            self._take("Raise" if now else "Lower", {"node": node}, alarm="On" if now else "Cooldown")

    def _wants_switchback(self, node: ModelValue, switchback: hybrid.SwitchbackVote) -> None:
        record = self._projection.switchback(switchback)
        if record in self._shown["switchbacks"]:
            return
        if self._shown["alarm"][node] == "Cooldown":
            self._take("CoolDown", {"node": node}, alarm="Off")
        self._take("VoteSwitchback", {"node": node}, switchbacks={record})

    # --- the control state

    def _decides(self, after: hybrid.Node) -> None:
        """Take the steps of what is decided as soon as a correct replica knows it."""
        for place, batch in after.config.bft.decided(after.bft, self._place):
            for request in batch:
                if request.timestamp > self._answered.get(request.client, 0):
                    self._answered[request.client] = request.timestamp
                    self._does(request)
            self._entries[place] = len(self._pages) - 1
            self._place = place

    def _does(self, request: pbft.Request) -> None:
        value, _ = self._config.bft.config.service.apply(self._pages[-1].to_value(), request)
        after = hybrid.ControlState.from_value(value)
        entry: Any = self._projection.entry(request, self._pages, after)
        if entry is None:
            return
        control = (*self._shown["controlLog"], entry)
        self._pages.append(after)
        match entry["kind"]:
            case "Operation":
                self._take("Decide", {"operation": entry["operation"]}, controlLog=control)
            case "EndEpoch":
                self._take_one_of("EndEpoch", "aborts", self._epoch_ends(request), control)
            case _:
                self._take_one_of("StartEpoch", "switchbacks", self._epoch_starts(request), control)

    def _epoch_ends(self, request: pbft.Request) -> Iterator[Value]:
        """The arguments of `EndEpoch`: n - f of the command's aborts."""
        operation: Any = request.operation
        _, epoch, aborts, _ = operation
        records: list[Any] = []
        for source, reason, qc, _ in aborts:
            known = [s for s in self._shown["aborts"] if (s["node"].name, s["epoch"]) == (source, epoch)]
            locked = (
                immutabledict(term=fitted(qc[0]), prefix=self._projection.behind(qc[2])) if qc else NOTHING
            )
            why = "Threat" if reason in _ATTACKS else "Long"
            record = immutabledict(node=ModelValue(source), epoch=epoch, why=why, locked=locked)
            records += known if source not in self._byzantine else [record]
        for chosen in itertools.combinations(records, self._config.aborts_needed):
            yield frozenset(chosen)

    def _epoch_starts(self, request: pbft.Request) -> Iterator[Value]:
        """The arguments of `StartEpoch`: a quorum of the command's switch-back votes."""
        operation: Any = request.operation
        _, _, switchbacks = operation
        sources = sorted({ModelValue(source) for source, _ in switchbacks}, key=str)
        for chosen in itertools.combinations(sources, self._config.quorum):
            yield frozenset(chosen)

    def _take_one_of(self, action: str, name: str, choices: Iterator[Value], control: Value) -> None:
        """Take a step with the first of several arguments that the spec allows."""
        last: Value = frozenset()
        after = immutabledict({**self._shown, "controlLog": control})
        for last in choices:
            if self._run.take(spec_step(action, **{name: last}), after=after):
                self._shown = after
                return
        self._take(action, {name: last}, controlLog=control)

    def _learns(self, node: ModelValue, after: hybrid.Node, epoch: int | None) -> None:
        """Take `Learn` for each control log entry that it executed, up to the start of an epoch."""
        executed = after.config.bft.executed(after.bft)
        if executed not in self._entries:
            raise NotPossible(f"{node} has executed place {executed}, which no correct replica knows decided")
        while len(known := self._shown["known"][node]) < self._entries[executed]:
            if entry_epoch(known) == epoch:
                return
            entry = self._shown["controlLog"][len(known)]
            changed: dict[str, Any] = {"known": (*known, entry)}
            if entry["kind"] != "Operation":
                changed |= {"lastVote": NOTHING, "locked": NOTHING, "aborted": False}
            self._take("Learn", {"node": node}, **changed)

    # --- clients

    def _accepts(self, client: str, accepted: hybrid.Accepted) -> None:
        """Take the step of a client that accepted a result.

        Raises:
            Diverged: the spec does not allow it.
        """
        operation = self._projection.operation(client, accepted.sequence)
        if accepted.term:
            term = fitted(accepted.term)
            states = [
                answer["state"]
                for answer in self._shown["answers"]
                if (answer["epoch"], answer["term"]) == (accepted.epoch, term)
            ]
            found = [state[: state.index(operation) + 1] for state in states if operation in state]
            self._take_acceptance(accepted.epoch, term, found[0] if found else (operation,))
            return
        done = self._projection.ledger(self._pages[-1].value)
        state = done[: done.index(operation) + 1] if operation in done else (operation,)
        # The BFT epochs in which the control state had it, the first one first: mostly f + 1 replicas know
        # that one.
        epochs = dict.fromkeys(
            page.epoch
            for page in self._pages
            if page.protocol == BFT and len(self._projection.done(page.value)) >= len(state)
        )
        may = (epoch for epoch in epochs if self._run.holds("MayAccept", epoch, 0, state))
        if (epoch := next(may, None)) is not None:
            self._take_acceptance(epoch, 0, state)
        elif operation not in done:
            self._run.fail(f"{client} accepts {operation}, which nobody decided")

    def _take_acceptance(self, epoch: int, term: int, state: tuple[Value, ...]) -> None:
        arguments = immutabledict(epoch=epoch, term=term, state=state)
        if arguments not in self._shown["accepted"]:
            self._take("Accept", arguments, accepted={arguments})

    # --- taking steps

    def _take(self, action: str, arguments: Mapping[str, Value], **changed: Any) -> None:
        """Take a step that changes these variables: sets grow, and functions change at `node`."""
        parts: dict[str, Value] = {}
        for name, value in changed.items():
            if isinstance(value, set):
                parts[name] = self._shown[name] | value
            elif name == "controlLog":
                parts[name] = value
            else:
                parts[name] = immutabledict({**self._shown[name], arguments["node"]: value})
        shown = immutabledict({**self._shown, **parts})
        self._run.follow(spec_step(action, **arguments), after=shown)
        self._shown = shown

    def _own(self, name: str) -> State:
        """The spec's state of a replica."""
        node = ModelValue(name)
        own = {part: self._shown[part][node] for part in _OWN}
        return immutabledict({**own, "alarmed": self._shown["alarm"][node] == "On"})

    def _projected(self, after: hybrid.Node) -> State:
        """The same as the replica shows it."""
        projection = self._projection
        epoch = after.raft_epoch
        count = self._entries[after.config.bft.executed(after.bft)]
        known = self._shown["controlLog"][:count]
        if after.committed != self._pages[count] or (epoch is not None and epoch.epoch != after.epoch):
            known = (*known, f"and is in epoch {after.epoch}")
        return immutabledict(
            known=known,
            lastVote=projection.place(epoch.last_vote) if epoch is not None else NOTHING,
            locked=projection.place(epoch.locked) if epoch is not None else NOTHING,
            aborted=epoch is not None and epoch.abort is not None,
            alarmed=level(after.threat) >= Level.HIGH,
        )
