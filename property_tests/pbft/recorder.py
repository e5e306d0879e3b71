"""The recorder of PBFT runs: which steps of the spec a step of a replica was.

A replica of a cluster hears votes one by one; a step of the spec is the input that completes a certificate,
so that most inputs are no step, and one that was waited for is several in a row: a proposal for which all
votes are there already is accepted, prepared, committed, executed and perhaps behind a stable checkpoint.
`PbftRecorder` says which actions a step must be, with which arguments, and lets the spec find an order in
which it allows them. They must lead to what the replica shows afterwards, and to no other message (`Shows` of
PbftRuns.tla).

Byzantine replicas are part of the spec: whatever signatures do not forbid, they may have said. So a run under
any behaviour is judged like any other. What justifies a new view is not looked for among all that they might
have said: the NEW-VIEW has it with it, and the spec says whether they might have said that (PbftProofs.tla).
"""

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from immutabledict import immutabledict

from impl import pbft
from impl.common.service import applied
from impl.pbft import rules
from property_tests.pbft.host import ReplicaStep, replica_step
from property_tests.pbft.projection import KEPT, VARIABLES, Projection
from tlacheck.conform.system import NotPossible
from tlacheck.errors import ConfigError
from tlacheck.harness import Size, SpecRun, SpecStep, spec_step
from tlacheck.sim import StepRecord
from tlacheck.tlc.oracle import OracleState, SpecOracle
from tlacheck.trace import State
from tlacheck.values import ModelValue, Value, to_tla

__all__ = ["PbftRecorder", "asked"]

#: Of the messages of a long run a trace shows those of the last views, and about numbers not so long ago.
_RECENT: Final = 8

#: The actions in which one input may end, in the order in which they are tried.
_FOLLOWING: Final = (
    "AcceptPrePrepare",
    "CollectPrepares",
    "CollectCommits",
    "TransferState",
    "CollectCheckpoints",
)


def asked(client: str, timestamp: int) -> Value:
    """The spec value of a request: its client and its timestamp."""
    return (client, timestamp)


class PbftRecorder:
    """Follows the replicas of one run in the spec. It is a `SpecRecorder`.

    Args:
        size: of the cluster.
        spec: the run of the spec.
        configs: by name, the configurations of all replicas.
        name: the value that stands for what a client asks for by a timestamp.
        executed: the requests that a state of the service stands for; if not given, the service is a ledger.

    Raises:
        ConfigError: the configuration of the spec speaks of other replicas.
    """

    def __init__(
        self,
        size: Size,
        spec: SpecRun,
        *,
        configs: Mapping[str, pbft.Config],
        name: Callable[[str, int], Value] = asked,
        executed: Callable[[pbft.State], Value] | None = None,
    ) -> None:
        self._spec = spec
        config = next(iter(configs.values()))
        spec.start_at(_start(spec.oracle, config))
        self._service = config.service
        self._name = name
        self._ledgers: dict[pbft.Value, Value] = {}
        self._projection = Projection(
            lambda request: name(request.client, request.timestamp), executed or self._executed
        )
        self._durables = {node: pbft.first_start(configs[node]).durable for node in size.honest}
        for durable in self._durables.values():
            self._projection.learn(durable)
        self._byzantine = size.byzantine
        self._records: dict[Any, Value] = {}
        self._messages: set[Value] = set()
        self._claimed: dict[int, dict[Value, None]] = {}
        self._decided: set[Value] = set()

    # --- `tlacheck.harness.SpecRecorder`

    def on_restart(self, node: str, state: Any) -> None:
        """A crash is slowness, as the spec sees it."""

    def observe(self) -> Mapping[str, Value]:
        """All variables."""
        return self._projection.variables(self._durables, self._messages, frozenset(self._decided))

    def shown(self, states: Sequence[OracleState], *, is_whole: bool) -> list[State]:
        """The states of a trace; of a long run with the recent messages only."""
        first = states[0]
        messages: Any = first.value("messages")
        if not is_whole:
            messages = frozenset(_recent(first))
        found = [_shown(first, messages)]
        for before, after in itertools.pairwise(states):
            messages |= self._spec.oracle.evaluate("SentNow", before, after=after)
            found.append(_shown(after, messages))
        return found

    def on_step(self, record: StepRecord) -> None:
        """Follow a step of an honest replica."""
        if record.node in self._byzantine:
            return
        step = replica_step(record)
        old, new = step.before.durable, step.after.durable
        if new is not old:
            self._learn(step, old, new)
        sent = {self._record(said) for said in step.sent if isinstance(said, KEPT)} - self._messages
        if new is old and not sent:
            return
        self._durables[step.name] = new
        self._messages |= sent
        for each in sent:
            if each["type"] == "Checkpoint":
                self._claimed.setdefault(each["seq"], {})[each["state"]] = None
        decided = {self._projection.entry(seq, batch) for seq, batch in _committed(step)} - self._decided
        self._decided |= decided
        for began in self._beginning(step, old):
            self._spec.follow(began)
        self._spec.follow_all(self._following(step, old, new))
        shown = (self._projection.own(new), frozenset(sent), len(self._messages))
        known = (frozenset(decided), len(self._decided))
        if not self._spec.holds("Shows", ModelValue(step.name), *shown, *known):
            self._spec.compare(self.observe(), f"after {step.input}")
            self._spec.fail(f"after {step.input}, the spec does not have what {step.name} shows")

    # --- what things are in the spec

    def _executed(self, state: pbft.State) -> Value:
        """The requests that a ledger holds.

        Raises:
            NotPossible: the state is none of a ledger: a Byzantine replica made it.
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

    def _learn(self, step: ReplicaStep, old: pbft.Durable, new: pbft.Durable) -> None:
        """Note the preimages of digests: those on the disk, and those that came and went within this step."""
        projection, state = self._projection, old.state
        for seq, proposal in new.accepted.items():
            if old.accepted.get(seq) is not proposal:
                projection.learn_batch(proposal.batch)
        match step.input:
            case pbft.Receive(message=pbft.PrePrepare(batch=batch)):
                projection.learn_batch(batch)
            case pbft.Receive(message=pbft.NewView(proposals=proposals)):
                for made in proposals:
                    projection.learn_batch(made.batch)
            case pbft.Receive(message=pbft.StateResponse(state=transferred)) if new.state is not state:
                projection.learn_state(transferred)
                state = transferred
        if new.accepted is not old.accepted:
            for votes in step.before.votes.values():
                for made in votes.pre_prepares.values():
                    projection.learn_batch(made.batch)
        for effect in step.effects:
            if isinstance(effect, pbft.Executed):
                for request in effect.batch:
                    if rules.may_execute(state, request):
                        state, _ = applied(self._service, state, request)
                if effect.seq % step.after.config.interval == 0:
                    projection.learn_state(state)

    # --- which steps of the spec it was

    def _beginning(self, step: ReplicaStep, old: pbft.Durable) -> Iterator[SpecStep]:
        """The step of the spec that the input itself was, if it was one."""
        node = ModelValue(step.name)
        sent = list(step.sent)
        entered = any(isinstance(effect, pbft.EnteredView) for effect in step.effects)
        match step.input:
            case pbft.Propose(batch=batch):
                yield _call("Propose", node, batch=self._projection.batch(batch))
            case pbft.Timeout():
                yield _call("Timeout", node)
            case pbft.Receive(message=pbft.ViewChange()) if entered:
                changes = next(m.view_changes for m in sent if isinstance(m, pbft.NewView))
                yield _call("NewView", node, viewChanges=self._justification(changes))
            case pbft.Receive(message=pbft.ViewChange()):
                yield _call("JoinViewChange", node, view=step.after.durable.view)
            case pbft.Receive(message=pbft.NewView() as message):
                proof = self._justification(message.view_changes) if message.source in self._byzantine else ()
                record = self._record(message)
                yield _call("EnterNewView", node, message=record, viewChanges=frozenset(proof))
            case pbft.Receive(message=pbft.StateResponse(checkpoint=checkpoint)):
                if checkpoint.seq > old.stable.seq:
                    stable: Any = self._projection.checkpoint(checkpoint)
                    yield _call("CollectCheckpoints", node, **stable)
                yield _call("TransferState", node)

    def _justification(self, changes: Iterable[pbft.ViewChange]) -> frozenset[Value]:
        return frozenset(self._record(change) for change in changes)

    def _following(self, step: ReplicaStep, old: pbft.Durable, new: pbft.Durable) -> Iterator[SpecStep]:
        node, batches = ModelValue(step.name), self._projection.batches
        calls: dict[str, dict[int, SpecStep]] = {action: {} for action in _FOLLOWING}
        entered = {made.seq for made in new.entered.proposals} if new.entered is not None else set()
        votes = [] if isinstance(step.input, pbft.Retransmit) else list(step.sent)
        for vote in votes:
            match vote:
                case pbft.Prepare(view=view, seq=seq, digest=digest) if seq not in entered:
                    message = immutabledict(
                        type="PrePrepare",
                        source=ModelValue(step.after.config.primary(view)),
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
        for seq, batch in _committed(step):
            call = _call("CollectCommits", node, seq=seq, batch=self._projection.batch(batch))
            calls["CollectCommits"].setdefault(seq, call)
        for action in _FOLLOWING:
            for seq in sorted(calls[action]):
                yield calls[action][seq]
        for seq in range(old.stable.seq + 1, new.stable.seq + 1):
            for state in self._claimed.get(seq, ()):
                yield _call("CollectCheckpoints", node, seq=seq, state=state).optional


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


def _recent(at: OracleState) -> Iterator[Value]:
    """Messages of the last views, about numbers not long before the latest stable checkpoint."""
    stable: Any = at.value("stable")
    views: Any = at.value("view")
    messages: Any = at.value("messages")
    seq = max(checkpoint["seq"] for checkpoint in stable.values()) - _RECENT
    view = max(views.values()) - 1
    for message in messages:
        if message.get("seq", seq) >= seq and message.get("view", view) >= view:
            yield message


def _shown(at: OracleState, messages: frozenset[Value]) -> State:
    shown = {name: at.value(name) for name in (*VARIABLES, "rotation") if name != "messages"}
    return immutabledict(shown, messages=messages)


def _call(action: str, node: ModelValue, **arguments: Value) -> SpecStep:
    return spec_step(action, node=node, **arguments).by(f"{action}Step")


def _committed(step: ReplicaStep) -> Iterator[tuple[int, pbft.Batch]]:
    """Batches that a replica learned to be committed in a step, even if it discarded them in that step."""
    known = step.before.durable.committed
    for effect in step.effects:
        if isinstance(effect, pbft.Executed) and effect.seq not in known:
            yield effect.seq, effect.batch
    for seq, batch in step.after.durable.committed.items():
        if seq not in known:
            yield seq, batch
