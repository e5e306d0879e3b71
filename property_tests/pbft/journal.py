"""The steps of the spec in a run of a simulated cluster, and whether the spec allows them.

A replica of a cluster hears votes one by one; a step of the spec is the input that completes a certificate, so
that most inputs are no step, and one that was waited for is several in a row: a proposal for which all votes are there
already is accepted, prepared, committed, executed and perhaps behind a stable checkpoint. `Journal` is told each step of
each correct replica. It says which actions of the spec it must be, finds an order in which the spec allows them, and
demands that they lead to what the replica shows afterwards.

Byzantine replicas are part of the spec: whatever signatures do not forbid, they may have said. So a run under any of the
strategies is held against the spec like any other, with `Byzantine` being who the traitors are.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import attrs
from immutabledict import immutabledict

from impl import pbft
from property_tests.pbft.hosting import Taken
from property_tests.pbft.projection import KEPT, VARIABLES, Projection
from tlacheck import __version__
from tlacheck.conform.comparison import deviations
from tlacheck.conform.lockstep import Diverged
from tlacheck.conform.replay import conformance
from tlacheck.conform.system import NotPossible
from tlacheck.tlc.oracle import OracleState, SpecOracle, Successor
from tlacheck.tlc.spec import Spec
from tlacheck.trace import Origin, State, Step, Trace, Violation
from tlacheck.values import ModelValue, Value, to_tla

__all__ = ["VIEWS_MAX", "Journal", "runs_spec", "traitors_of"]

#: Runs are watched up to this view, by how many traitors there are: what these may claim to have prepared, and so begin
#: a view with, grows with the views before, for several of them as a product.
VIEWS_MAX: Final = immutabledict({1: 4, 2: 0})

_SPECS: Final = Path(__file__).resolve().parents[2] / "specs" / "pbft"

#: The actions in which one input may end, in the order in which they are tried.
_FOLLOWING: Final = (
    "AcceptPrePrepare",
    "CollectPrepares",
    "CollectCommits",
    "TransferState",
    "CollectCheckpoints",
)


def runs_spec(config: str) -> Spec:
    """The spec without bounds that runs are held against; `config` says who the traitors are."""
    return Spec.load(_SPECS / "PbftRuns.tla", _SPECS / f"{config}.cfg")


def traitors_of(spec: Spec) -> frozenset[str]:
    """`Byzantine` of a configuration."""
    found = re.search(r"^ *Byzantine = \{([^}]*)\}", spec.config.read_text(encoding="utf-8"), re.MULTILINE)
    return frozenset(re.findall(r"\w+", found[1])) if found else frozenset()


@attrs.frozen
class _Call:
    """A step of the spec that a replica must have taken; of its arguments those that are known."""

    action: str
    arguments: immutabledict[str, Value]
    is_needed: bool = True


class Journal:
    """The run of a cluster as a trace of the spec.

    Args:
        oracle: the spec with the traitors of the cluster.
        configs: by name, the configurations of all replicas.
        traitors: who is Byzantine.
        seed: of the run, for the trace.
        command: the command that makes this run again, for the trace.

    Attributes:
        actions: how often each action of the spec was taken.
    """

    def __init__(
        self,
        oracle: SpecOracle,
        configs: Mapping[str, pbft.Config],
        traitors: frozenset[str],
        *,
        seed: int,
        command: str = "",
    ) -> None:
        self.actions: Counter[str] = Counter()
        self._oracle = oracle
        self._at = oracle.initial_states()[0]
        self._projection = Projection(lambda request: request.client, _executed)
        self._durables = {
            name: pbft.first_start(config).durable for name, config in configs.items() if name not in traitors
        }
        for durable in self._durables.values():
            self._projection.learn(durable)
        self._views_max = VIEWS_MAX[len(traitors)]
        self._messages: set[Value] = set()
        self._decided: frozenset[Value] = frozenset()
        self._steps: list[Step] = []
        self._initial = self._shown(self._at)
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

    @property
    def is_over(self) -> bool:
        """Whether the views have become so many that the run is watched no more."""
        return max(durable.view for durable in self._durables.values()) > self._views_max

    def fail(self, prop: str, explanation: tuple[str, ...]) -> None:
        """End the run: `prop` does not hold after its last step.

        Raises:
            Diverged: always, with the trace.
        """
        violation = Violation(property=prop, step=len(self._steps), explanation=explanation)
        raise Diverged(attrs.evolve(self.trace, violation=violation))

    def step(self, taken: Taken) -> None:
        """A correct replica took a step.

        Raises:
            Diverged: the spec does not allow it.
        """
        if taken.before is None:
            return  # a crash is slowness, as the spec sees it
        self._learn(taken)
        messages = {
            self._projection.record(effect.message)
            for effect in taken.effects
            if isinstance(effect, pbft.Send) and isinstance(effect.message, KEPT)
        }
        if taken.after.durable is taken.before.durable and messages <= self._messages:
            return
        self._durables[taken.name] = taken.after.durable
        self._messages |= messages
        self._decided |= {
            self._projection.entry(effect.seq, effect.batch)
            for effect in taken.effects
            if isinstance(effect, pbft.Executed) and effect.seq not in taken.before.durable.committed
        }
        self._decided |= {
            self._projection.entry(seq, batch) for seq, batch in taken.after.durable.committed.items()
        }
        target = self._projection.variables(self._durables, self._messages, self._decided)
        for call in self._beginning(taken):
            self._take(call)
        self._follow(taken)
        if lines := deviations(self._at.values, target):
            self.fail(
                conformance(self._oracle.spec.path.stem), (f"after {taken.input}, the states differ:", *lines)
            )

    def _learn(self, taken: Taken) -> None:
        """What may be behind digests: what is on the disk, and what came and went within this step."""
        self._projection.learn(taken.after.durable)
        match taken.input:
            case pbft.Receive(message=pbft.PrePrepare(batch=batch)):
                self._projection.learn_batch(batch)
            case pbft.Receive(message=pbft.NewView(proposals=proposals)):
                for made in proposals:
                    self._projection.learn_batch(made.batch)
            case pbft.Receive(message=pbft.StateResponse(state=state)):
                self._projection.states[pbft.digest(state)] = _executed(state)
        for votes in taken.after.votes.values():
            for made in votes.pre_prepares.values():
                self._projection.learn_batch(made.batch)

    # --- which steps of the spec it was

    def _beginning(self, taken: Taken) -> Iterator[_Call]:
        """What the input itself was, if it was a step."""
        node = ModelValue(taken.name)
        if taken.before is None:
            return
        sent = [effect.message for effect in taken.effects if isinstance(effect, pbft.Send)]
        entered = any(isinstance(effect, pbft.EnteredView) for effect in taken.effects)
        match taken.input:
            case pbft.Propose(batch=batch):
                arguments = immutabledict(node=node, batch=self._projection.batch(batch))
                yield _Call("Propose", arguments)
            case pbft.Timeout():
                yield _Call("Timeout", immutabledict(node=node))
            case pbft.Receive(message=pbft.ViewChange()) if entered:
                changes = next(m.view_changes for m in sent if isinstance(m, pbft.NewView))
                records = frozenset(self._projection.record(each) for each in changes)
                yield _Call("NewView", immutabledict(node=node, viewChanges=records))
            case pbft.Receive(message=pbft.ViewChange()):
                yield _Call("JoinViewChange", immutabledict(node=node, view=taken.after.durable.view))
            case pbft.Receive(message=pbft.NewView() as message):
                record = self._projection.record(message)
                yield _Call("EnterNewView", immutabledict(node=node, message=record))
            case pbft.Receive(message=pbft.StateResponse(checkpoint=checkpoint)):
                if checkpoint.seq > taken.before.durable.stable.seq:
                    yield _Call("CollectCheckpoints", immutabledict(node=node, seq=checkpoint.seq))
                yield _Call("TransferState", immutabledict(node=node))

    def _follow(self, taken: Taken) -> None:
        """The steps that follow from it in the same input, in the first order in which the spec allows them."""
        left = list(self._following(taken))
        while left:
            for call in left:
                if found := self._allowed(call):
                    self._go(call, found[0])
                    left.remove(call)
                    break
            else:
                needed = [call for call in left if call.is_needed]
                if needed:
                    self._refuse(needed[0])
                return

    def _following(self, taken: Taken) -> Iterator[_Call]:
        before, after = taken.before, taken.after.durable
        if before is None:
            return
        node, old = ModelValue(taken.name), before.durable
        calls: dict[str, dict[int, _Call]] = {action: {} for action in _FOLLOWING}

        def call(action: str, place: int, /, **arguments: Value) -> None:
            known = immutabledict({"node": node, **arguments})
            calls[action].setdefault(place, _Call(action, known))

        entered = {made.seq for made in after.entered.proposals} if after.entered is not None else set()
        for effect in taken.effects:
            match effect:
                case pbft.Send(message=pbft.Prepare() as vote) if not isinstance(
                    taken.input, pbft.Retransmit
                ):
                    if vote.seq not in entered:
                        batch = self._projection.batches[vote.digest]
                        message = immutabledict(
                            type="PrePrepare",
                            source=ModelValue(taken.after.config.primary(vote.view)),
                            view=vote.view,
                            seq=vote.seq,
                            batch=batch,
                        )
                        call("AcceptPrePrepare", vote.seq, message=message)
                case pbft.Send(message=pbft.Commit() as vote) if not isinstance(taken.input, pbft.Retransmit):
                    call(
                        "CollectPrepares",
                        vote.seq,
                        seq=vote.seq,
                        batch=self._projection.batches[vote.digest],
                    )
                case pbft.Executed(seq=seq, batch=batch) if seq not in old.committed:
                    call("CollectCommits", seq, seq=seq, batch=self._projection.batch(batch))
        for seq, batch in after.committed.items():
            if seq not in old.committed:
                call("CollectCommits", seq, seq=seq, batch=self._projection.batch(batch))
        for action in _FOLLOWING:
            for seq in sorted(calls[action]):
                yield calls[action][seq]
        for seq in range(old.stable.seq + 1, after.stable.seq + 1):
            if seq % taken.after.config.interval == 0:
                arguments = immutabledict(node=node, seq=seq)
                yield _Call("CollectCheckpoints", arguments, is_needed=False)

    # --- taking them

    def _take(self, call: _Call) -> None:
        found = self._allowed(call)
        if not found:
            self._refuse(call)
        self._go(call, found[0])

    def _allowed(self, call: _Call) -> tuple[Successor, ...]:
        return self._oracle.successors(self._at, call.action, call.arguments)

    def _go(self, call: _Call, successor: Successor) -> None:
        self.actions[call.action] += 1
        self._at = successor.state
        self._steps.append(Step(call.action, successor.arguments, self._shown(successor.state)))

    def _refuse(self, call: _Call) -> None:
        said = ", ".join(f"{name} = {to_tla(value)}" for name, value in call.arguments.items())
        self._steps.append(Step(call.action, call.arguments, self._shown(self._at)))
        self.fail(
            conformance(self._oracle.spec.path.stem),
            (f"the spec allows no {call.action}({said}) here.",),
        )

    def _shown(self, at: OracleState) -> State:
        values = at.values
        return immutabledict({name: values[name] for name in VARIABLES})


def _executed(state: pbft.State) -> Value:
    """The requests that a ledger holds, each by its client."""
    ledger = state.value
    if not isinstance(ledger, tuple):
        raise NotPossible(f"{ledger!r} is no ledger")
    return tuple(str(each[0]) if isinstance(each, tuple) else str(each) for each in ledger)
