"""The steps of the spec in a run of a simulated cluster, and whether the spec allows them.

A replica of a cluster hears votes one by one; a step of the spec is the input that completes a certificate, so
that most inputs are no step, and one that was waited for is several in a row: a proposal for which all votes are there
already is accepted, prepared, committed, executed and perhaps behind a stable checkpoint. `Journal` is told each step of
each correct replica. It says which actions of the spec it must be, with which arguments, finds an order in which the spec
allows them, and demands that they lead to what the replica shows afterwards, and to no other message.

Byzantine replicas are part of the spec: whatever signatures do not forbid, they may have said. So a run under any of the
strategies is held against the spec like any other, with `Byzantine` being who the traitors are. What justifies a new view is
not looked for among all that they might have said: the NEW-VIEW has it with it, and the spec says whether they might
have said that (PbftProofs.tla).

States stay in TLC, which shares between them what does not change; only those that a trace shows are read.
"""

from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import attrs
from immutabledict import immutabledict

from impl import pbft
from impl.pbft import rules
from impl.pbft.execution import applied
from property_tests.pbft.hosting import Taken
from property_tests.pbft.projection import KEPT, VARIABLES, Projection
from tlacheck import __version__
from tlacheck.conform.comparison import deviations
from tlacheck.conform.lockstep import Diverged
from tlacheck.conform.replay import conformance
from tlacheck.conform.system import NotPossible
from tlacheck.errors import ConfigError
from tlacheck.tlc.oracle import OracleState, SpecOracle
from tlacheck.tlc.spec import Spec
from tlacheck.trace import Origin, State, Step, Trace, Violation
from tlacheck.values import ModelValue, Value, to_tla

__all__ = ["LAST_SHOWN", "SPECS", "WHOLE_MAX", "Journal", "runs_spec"]

SPECS: Final = Path(__file__).resolve().parents[2] / "specs" / "pbft"

#: A trace shows a whole run of so many steps; of a longer one so many that are the last, and of the messages the recent ones.
WHOLE_MAX: Final = 250
LAST_SHOWN: Final = 60
_RECENT: Final = 8

#: How much of a step that the spec refuses is said in words; the trace has it all.
_SAID_MAX: Final = 500

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
    return Spec.load(SPECS / "PbftRuns.tla", SPECS / f"{config}.cfg")


@attrs.frozen
class _Call:
    """A step of the spec that a replica must have taken."""

    action: str
    arguments: immutabledict[str, Value]
    is_needed: bool = True


@attrs.frozen
class _Done:
    """A step of the spec that was taken."""

    call: _Call
    state: OracleState


class Journal:
    """The run of a cluster as a trace of the spec.

    Args:
        oracle: the spec with the traitors of the cluster.
        configs: by name, the configurations of all replicas.
        traitors: who is Byzantine.
        name: the value that stands for what a client asks for by a timestamp.
        seed: of the run, for the trace.
        command: the command that makes this run again, for the trace.

    Attributes:
        actions: how often each action of the spec was taken.
        steps: how many steps of the spec were taken.
    """

    def __init__(
        self,
        oracle: SpecOracle,
        configs: Mapping[str, pbft.Config],
        traitors: frozenset[str],
        *,
        name: Callable[[str, int], Value],
        seed: int,
        command: str = "",
    ) -> None:
        self.actions: Counter[str] = Counter()
        self.steps = 0
        self._oracle = oracle
        config = next(iter(configs.values()))
        self._at = self._before = _start(oracle, config)
        self._service = config.service
        self._name = name
        self._ledgers: dict[pbft.Value, Value] = {}
        self._projection = Projection(lambda request: name(request.client, request.timestamp), self._executed)
        self._durables = {
            name: pbft.first_start(config).durable for name, config in configs.items() if name not in traitors
        }
        for durable in self._durables.values():
            self._projection.learn(durable)
        self._traitors = traitors
        self._records: dict[Any, Value] = {}
        self._messages: set[Value] = set()
        self._claimed: dict[int, dict[Value, None]] = {}
        self._decided: set[Value] = set()
        self._done: deque[_Done] = deque(maxlen=WHOLE_MAX)
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
        """The run so far, in the spec's words; of a long one the end."""
        done, at = list(self._done), self._before
        is_whole = self.steps <= WHOLE_MAX
        if not is_whole:
            at, done = done[-LAST_SHOWN - 1].state, done[-LAST_SHOWN:]
        values: Any = at.values
        messages = values["messages"] if is_whole else frozenset(_recent(values))
        initial, steps = _shown(at, messages), []
        for each in done:
            messages |= self._sent_between(at, each.state)
            steps.append(Step(each.call.action, each.call.arguments, _shown(each.state, messages)))
            at = each.state
        return Trace(initial=initial, steps=tuple(steps), origin=self._origin)

    def _sent_between(self, before: OracleState, after: OracleState) -> Any:
        return self._oracle.evaluate("SentNow", before, after=after)

    def broken(self, prop: str, explanation: tuple[str, ...]) -> Trace:
        """The run so far, after whose last step `prop` does not hold."""
        trace = self.trace
        if self.steps > len(trace):
            explanation = (*explanation, f"(these are the last {len(trace)} of {self.steps:,} steps)")
        violation = Violation(property=prop, step=len(trace), explanation=explanation)
        return attrs.evolve(trace, violation=violation)

    def fail(self, prop: str, explanation: tuple[str, ...]) -> None:
        """End the run: `prop` does not hold after its last step.

        Raises:
            Diverged: always, with the trace.
        """
        raise Diverged(self.broken(prop, explanation))

    def finish(self) -> None:
        """At the end of the run all variables are what the replicas show, and the invariants of the configuration hold.

        Raises:
            Diverged: they are not, or one does not.
        """
        self._compare("at the end of the run")
        for name in self._oracle.violated_invariants(self._at):
            self.fail(name, ("it does not hold at the end of the run",))

    def step(self, taken: Taken) -> None:
        """A correct replica took a step.

        Raises:
            Diverged: the spec does not allow it.
        """
        if taken.before is None:
            return  # a crash is slowness, as the spec sees it
        try:
            self._step(taken, taken.before.durable, taken.after.durable)
        except NotPossible as refusal:
            self._leaves(f"after {taken.input}: {refusal}")

    def _step(self, taken: Taken, old: pbft.Durable, new: pbft.Durable) -> None:
        if new is not old:
            self._learn(taken, old, new)
        said = (effect.message for effect in taken.effects if isinstance(effect, pbft.Send))
        sent = {self._record(message) for message in said if isinstance(message, KEPT)} - self._messages
        if new is old and not sent:
            return
        self._durables[taken.name] = new
        self._messages |= sent
        for record in sent:
            if record["type"] == "Checkpoint":
                self._claimed.setdefault(record["seq"], {})[record["state"]] = None
        decided = {self._projection.entry(seq, batch) for seq, batch in _committed(taken)} - self._decided
        self._decided |= decided
        for call in self._beginning(taken, old):
            if not self._take(call):
                self._refuse(call)
        self._follow(taken, old, new)
        shown = (self._projection.own(new), frozenset(sent), len(self._messages))
        known = (frozenset(decided), len(self._decided))
        if not self._oracle.holds("Shows", self._at, ModelValue(taken.name), *shown, *known):
            self._compare(f"after {taken.input}")
            self._leaves(f"after {taken.input}, the spec does not have what {taken.name} shows")

    def _compare(self, when: str) -> None:
        """All variables are what the replicas show and sent.

        Raises:
            Diverged: they are not.
        """
        target = self._projection.variables(self._durables, self._messages, frozenset(self._decided))
        has, shows = dict(self._at.values), dict(target)
        for name, both in ((name, has[name] & shows[name]) for name in ("messages", "decided")):
            has[name], shows[name] = has[name] - both, shows[name] - both
        if lines := deviations(immutabledict(has), immutabledict(shows)):
            self._leaves(f"{when}, the states differ:", *lines)

    def _leaves(self, *explanation: str) -> None:
        self.fail(conformance(self._oracle.spec.path.stem), explanation)

    # --- what things are in the spec

    def _executed(self, state: pbft.State) -> Value:
        """The requests that a ledger holds.

        Raises:
            NotPossible: the state is none of a ledger: a traitor made it.
        """
        ledger: Any = state.value
        if ledger not in self._ledgers:
            try:
                self._ledgers[ledger] = tuple(self._name(client, stamp) for client, stamp, _ in ledger)
            except (TypeError, ValueError):
                raise NotPossible(f"{ledger!r} is no ledger") from None
        return self._ledgers[ledger]

    def _record(self, message: Any) -> Any:
        if message not in self._records:
            self._records[message] = self._projection.record(message)
        return self._records[message]

    def _learn(self, taken: Taken, old: pbft.Durable, new: pbft.Durable) -> None:
        """What may be behind digests: what is on the disk, and what came and went within this step."""
        projection, state = self._projection, old.state
        for seq, proposal in new.accepted.items():
            if old.accepted.get(seq) is not proposal:
                projection.learn_batch(proposal.batch)
        match taken.input:
            case pbft.Receive(message=pbft.PrePrepare(batch=batch)):
                projection.learn_batch(batch)
            case pbft.Receive(message=pbft.NewView(proposals=proposals)):
                for made in proposals:
                    projection.learn_batch(made.batch)
            case pbft.Receive(message=pbft.StateResponse(state=transferred)) if new.state is not state:
                projection.learn_state(transferred)
                state = transferred
        if taken.before is not None and new.accepted is not old.accepted:
            for votes in taken.before.votes.values():
                for made in votes.pre_prepares.values():
                    projection.learn_batch(made.batch)
        for effect in taken.effects:
            if isinstance(effect, pbft.Executed):
                for request in effect.batch:
                    if rules.may_execute(state, request):
                        state, _ = applied(self._service, state, request)
                if effect.seq % taken.after.config.interval == 0:
                    projection.learn_state(state)

    # --- which steps of the spec it was

    def _beginning(self, taken: Taken, old: pbft.Durable) -> Iterator[_Call]:
        """What the input itself was, if it was a step."""
        node = ModelValue(taken.name)
        sent = [effect.message for effect in taken.effects if isinstance(effect, pbft.Send)]
        entered = any(isinstance(effect, pbft.EnteredView) for effect in taken.effects)
        match taken.input:
            case pbft.Propose(batch=batch):
                yield _call("Propose", node, batch=self._projection.batch(batch))
            case pbft.Timeout():
                yield _call("Timeout", node)
            case pbft.Receive(message=pbft.ViewChange()) if entered:
                changes = next(m.view_changes for m in sent if isinstance(m, pbft.NewView))
                yield _call("NewView", node, viewChanges=self._justification(changes))
            case pbft.Receive(message=pbft.ViewChange()):
                yield _call("JoinViewChange", node, view=taken.after.durable.view)
            case pbft.Receive(message=pbft.NewView() as message):
                proof = self._justification(message.view_changes) if message.source in self._traitors else ()
                record = self._record(message)
                yield _call("EnterNewView", node, message=record, viewChanges=frozenset(proof))
            case pbft.Receive(message=pbft.StateResponse(checkpoint=checkpoint)):
                if checkpoint.seq > old.stable.seq:
                    stable: Any = self._projection.checkpoint(checkpoint)
                    yield _call("CollectCheckpoints", node, **stable)
                yield _call("TransferState", node)

    def _justification(self, changes: Iterable[pbft.ViewChange]) -> frozenset[Value]:
        return frozenset(self._record(change) for change in changes)

    def _follow(self, taken: Taken, old: pbft.Durable, new: pbft.Durable) -> None:
        """The steps that follow from it in the same input, in the first order in which the spec allows them."""
        left = list(self._following(taken, old, new))
        while left:
            call = next((call for call in left if self._take(call)), None)
            if call is None:
                needed = [call for call in left if call.is_needed]
                if needed:
                    self._refuse(needed[0])
                return
            left.remove(call)

    def _following(self, taken: Taken, old: pbft.Durable, new: pbft.Durable) -> Iterator[_Call]:
        node, batches = ModelValue(taken.name), self._projection.batches
        calls: dict[str, dict[int, _Call]] = {action: {} for action in _FOLLOWING}
        entered = {made.seq for made in new.entered.proposals} if new.entered is not None else set()
        votes = [
            effect.message
            for effect in taken.effects
            if isinstance(effect, pbft.Send) and not isinstance(taken.input, pbft.Retransmit)
        ]
        for vote in votes:
            match vote:
                case pbft.Prepare(view=view, seq=seq, digest=digest) if seq not in entered:
                    message = immutabledict(
                        type="PrePrepare",
                        source=ModelValue(taken.after.config.primary(view)),
                        view=view,
                        seq=seq,
                        batch=batches[digest],
                    )
                    calls["AcceptPrePrepare"].setdefault(
                        seq, _call("AcceptPrePrepare", node, message=message)
                    )
                case pbft.Commit(seq=seq, digest=digest):
                    call = _call("CollectPrepares", node, seq=seq, batch=batches[digest])
                    calls["CollectPrepares"].setdefault(seq, call)
        for seq, batch in _committed(taken):
            call = _call("CollectCommits", node, seq=seq, batch=self._projection.batch(batch))
            calls["CollectCommits"].setdefault(seq, call)
        for action in _FOLLOWING:
            for seq in sorted(calls[action]):
                yield calls[action][seq]
        for seq in range(old.stable.seq + 1, new.stable.seq + 1):
            for state in self._claimed.get(seq, ()):
                yield attrs.evolve(_call("CollectCheckpoints", node, seq=seq, state=state), is_needed=False)

    # --- taking them

    def _take(self, call: _Call) -> bool:
        """Take a step if the spec allows it."""
        found = self._oracle.apply(f"{call.action}Step", self._at, *call.arguments.values())
        if not found:
            return False
        self._at = found[
            0
        ]  # the only one: of several view changes one is the latest, if traitors are no more than f
        self._done.append(_Done(call, self._at))
        self.actions[call.action] += 1
        self.steps += 1
        return True

    def _refuse(self, call: _Call) -> None:
        said = ", ".join(f"{name} = {to_tla(value)}" for name, value in call.arguments.items())
        self._done.append(_Done(call, self._at))
        self.steps += 1
        said = said if len(said) <= _SAID_MAX else f"{said[:_SAID_MAX]}..."
        self._leaves(f"the spec allows no {call.action}({said}) here.")


def _start(oracle: SpecOracle, config: pbft.Config) -> OracleState:
    """The initial state of a cluster whose replicas are configured like this.

    Raises:
        ConfigError: the configuration of the spec speaks of other replicas.
    """
    name = oracle.spec.config.name
    for constant, has in (("Window", config.window), ("Interval", config.interval), ("MaxFaulty", config.f)):
        if (said := oracle.evaluate(constant)) != has:
            raise ConfigError(f"{name} says {constant} = {to_tla(said)}, the replicas have {has}")
    (first,) = oracle.initial_states()
    order = tuple(ModelValue(replica) for replica in config.replicas)
    start = oracle.state({**first.values, "rotation": order})
    if not oracle.holds("MayStart", start):
        raise ConfigError(f"{name} does not speak of the replicas {to_tla(order)}")
    return start


def _recent(values: Any) -> Iterator[Value]:
    """Of all messages those of the last views, and about numbers not long before the latest stable checkpoint."""
    seq = max(checkpoint["seq"] for checkpoint in values["stable"].values()) - _RECENT
    view = max(values["view"].values()) - 1
    for message in values["messages"]:
        if message.get("seq", seq) >= seq and message.get("view", view) >= view:
            yield message


def _shown(at: OracleState, messages: frozenset[Value]) -> State:
    shown = {name: at.value(name) for name in (*VARIABLES, "rotation") if name != "messages"}
    return immutabledict(shown, messages=messages)


def _call(action: str, node: ModelValue, **arguments: Value) -> _Call:
    return _Call(action, immutabledict({"node": node, **arguments}))


def _committed(taken: Taken) -> Iterator[tuple[int, pbft.Batch]]:
    """What a replica came to know as committed in a step, be it discarded in the same step."""
    if taken.before is None:
        return
    known = taken.before.durable.committed
    for effect in taken.effects:
        if isinstance(effect, pbft.Executed) and effect.seq not in known:
            yield effect.seq, effect.batch
    for seq, batch in taken.after.durable.committed.items():
        if seq not in known:
            yield seq, batch
