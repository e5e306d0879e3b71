"""The adapter of `impl/pbft` to `specs/pbft`: the one file that knows both vocabularies.

Three things are told here: which inputs perform a spec action, by the methods of `PbftSystem` that are marked
`action`; what Byzantine replicas say when a step needs it of them, signed with their own keys; and which spec
state an implementation state stands for, by the method marked `variable`.

A step of the spec is the input that completes a certificate; the votes before it make no difference there. So
a step is performed on a replica that has just come back from a crash: it holds what it wrote to its disk,
which is what the spec knows of it, and hears the votes of this step, as many as it takes. That every replica
crashes between any two steps also shows whether it persisted what it relies on.

A digest stands for what it is made of: a checkpoint's for the requests that were executed up to it. Each
request is that of a client of its own, so that no timestamp stands in its way.
"""

import copy
import functools
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Final, Self, TypeVar

from impl import pbft
from property_tests.pbft.projection import KEPT, VARIABLES, Projection
from tlacheck.conform.adapter import Adapter, action, variable
from tlacheck.conform.system import NotPossible
from tlacheck.tlc.spec import Spec
from tlacheck.trace import State
from tlacheck.values import ModelValue, Value

__all__ = ["PbftSystem", "batch_from_spec", "request_of", "spec_for"]

_SPECS: Final = Path(__file__).resolve().parents[2] / "specs" / "pbft"

Said = TypeVar(
    "Said",
    pbft.PrePrepare,
    pbft.Prepare,
    pbft.Commit,
    pbft.Checkpoint,
    pbft.ViewChange,
    pbft.NewView,
    pbft.StateResponse,
)


def spec_for(replicas: int) -> Spec:
    """The unbounded spec of a cluster of so many replicas, for the oracle."""
    return Spec.load(_SPECS / "MCPbft.tla", _SPECS / f"Oracle{replicas}.cfg")


# --- requests, batches and states ---------------------------------------------------------------


@functools.cache
def request_of(name: str) -> pbft.Request:
    """The request that a value of the spec stands for: the only one of a client of that name."""
    return pbft.signed(pbft.Request(client=name, timestamp=1, operation=name), pbft.SymbolicKeys(name))


def batch_from_spec(batch: Value) -> pbft.Batch:
    """The requests that a sequence of values stands for."""
    return tuple(request_of(getattr(value, "name", value)) for value in batch)


def _executed(state: pbft.State, value_of: Callable[[str], Value]) -> Value:
    executed: Any = state.value
    return tuple(value_of(client) for client, _, _ in executed)


@functools.cache
def _state_from_spec(executed: tuple[Value, ...]) -> pbft.State:
    """The state of a ledger after some requests, one of each client."""
    value, answered = pbft.LEDGER.initial, []
    for request in batch_from_spec(executed):
        value, result = pbft.LEDGER.apply(value, request)
        answered.append(pbft.Answered(client=request.client, timestamp=request.timestamp, result=result))
    return pbft.State(value, tuple(sorted(answered, key=lambda one: one.client)))


# --- the system ---------------------------------------------------------------------------------


class PbftSystem(Adapter):
    """The correct replicas of a cluster with their disks, and all messages that they ever sent; no clock.

    Args:
        replicas: the names of all, in the order in which they become primary: `Rotation` of the spec.
        byzantine: those that are faulty, which this class speaks for: `Byzantine`.
        f: how many faulty ones are allowed for: `MaxFaulty`.
        window: `Window`.
        interval: `Interval`.
        value_of: the value that stands for the request of a client: a model value, or in runs a string.
        on_effect: told every effect as it is carried out, with the replica's name.

    Attributes:
        nodes: the correct replicas by name.
    """

    def __init__(
        self,
        replicas: tuple[str, ...] = ("r0", "r1", "r2", "r3"),
        *,
        byzantine: frozenset[str] = frozenset(),
        f: int = 1,
        window: int = 1,
        interval: int = 1,
        value_of: Callable[[str], Value] = ModelValue,
        on_effect: Callable[[str, pbft.Effect], None] | None = None,
    ) -> None:
        self._configs = {
            name: pbft.Config(name, replicas, pbft.SymbolicKeys(name), f=f, window=window, interval=interval)
            for name in replicas
        }
        self._byzantine = byzantine
        self._on_effect = on_effect
        self.nodes: dict[str, pbft.Node] = {}
        self._disks: dict[str, pbft.Durable] = {}
        # What correct replicas sent, by the record that stands for it.
        self._sent: dict[Value, pbft.Message] = {}
        self._decided: frozenset[Value] = frozenset()
        # What is behind a digest is the same in all forks and runs.
        self._projection = Projection(
            lambda request: value_of(request.client), lambda state: _executed(state, value_of)
        )

    def reset(self, initial: State) -> None:
        """Start all correct replicas for the first time."""
        names = [name for name in self._configs if name not in self._byzantine]
        self.nodes = {name: pbft.first_start(self._configs[name]) for name in names}
        self._disks = {name: node.durable for name, node in self.nodes.items()}
        self._sent, self._decided = {}, frozenset()
        for durable in self._disks.values():
            self._projection.learn(durable)
        if set(initial["view"]) != {ModelValue(name) for name in names}:
            raise NotPossible(f"the correct replicas here are {', '.join(names)}; the trace has others")

    # --- the normal case

    @action("Propose", unused={"seq"})
    def propose(self, node: Value, batch: Value) -> None:
        """The primary's host hands it a batch; which number it gets, the primary knows."""
        self._step(node.name, [pbft.Propose(batch_from_spec(batch))])

    @action("AcceptPrePrepare")
    def accept_pre_prepare(self, node: Value, message: Value) -> None:
        """A proposal arrives."""
        self._hear(node.name, [self._message(message)])

    @action("CollectPrepares")
    def collect_prepares(self, node: Value, seq: Value, batch: Value) -> None:
        """Prepares of all others arrive, as far as they were sent or are forged, but for the primary's."""
        name = node.name
        view = self.nodes[name].durable.view
        self._hear(name, self._prepares(view, seq, batch_from_spec(batch), but=name))

    @action("CollectCommits")
    def collect_commits(self, node: Value, seq: Value, batch: Value) -> None:
        """Commits of all others arrive."""
        name = node.name
        view, digest = self.nodes[name].durable.view, pbft.digest(batch_from_spec(batch))
        self._hear(
            name,
            self._votes(
                lambda source: pbft.Commit(view=view, seq=seq, digest=digest, source=source), but=name
            ),
        )

    # --- checkpoints

    @action("CollectCheckpoints")
    def collect_checkpoints(self, node: Value, seq: Value, state: Value) -> None:
        """Checkpoints of all others arrive."""
        self._hear(node.name, self._checkpoints(seq, state, but=node.name))

    @action("TransferState")
    def transfer_state(self, node: Value) -> None:
        """Another replica sends the state behind the stable checkpoint."""
        stable = self.nodes[node.name].durable.stable
        source = next(name for name in self._configs if name != node.name)
        response = pbft.StateResponse(
            checkpoint=stable, state=_state_from_spec(self._projection.states[stable.digest]), source=source
        )
        self._hear(node.name, [self._signed(response)])

    # --- view changes

    @action("Timeout")
    def timeout(self, node: Value) -> None:
        """Let the replica's timer fire."""
        self._step(node.name, [pbft.Timeout()])

    @action("JoinViewChange")
    def join_view_change(self, node: Value, view: Value) -> None:
        """View changes of f + 1 others arrive, the first of them to `view`."""
        first: list[pbft.Message] = []
        later: list[pbft.Message] = []
        for source in self._configs:
            if source == node.name:
                continue
            if source in self._byzantine:
                genesis = self._certified(0, ())
                forged = pbft.ViewChange(view=view, checkpoint=genesis, certificates=(), source=source)
                first.append(self._signed(forged))
                continue
            wanted = [m for m in self._said_by(source, pbft.ViewChange) if m.view >= view]
            if wanted:
                earliest = min(wanted, key=lambda m: m.view)
                (first if earliest.view == view else later).append(earliest)
        weak_quorum = self._configs[node.name].f + 1
        self._hear(node.name, (first + later)[:weak_quorum])

    @action("NewView")
    def new_view(self, node: Value, viewChanges: Value) -> None:  # noqa: N803 - as the spec calls it
        """View changes of a quorum arrive at the primary, its own as the last."""
        own_last = sorted(viewChanges, key=lambda record: (record["source"] == node, record["source"].name))
        self._hear(node.name, [self._view_change(record) for record in own_last])

    @action("EnterNewView")
    def enter_new_view(self, node: Value, message: Value, viewChanges: Value) -> None:  # noqa: N803 - as above
        """A new view arrives; `viewChanges` are those by which a Byzantine primary justifies it."""
        source = message["source"].name
        if source not in self._byzantine:
            self._hear(node.name, [self._message(message)])
            return
        proposals = sorted(message["proposals"], key=lambda proposal: proposal["seq"])
        forged = pbft.NewView(
            view=message["view"],
            view_changes=tuple(
                sorted((self._view_change(record) for record in viewChanges), key=lambda m: m.source)
            ),
            proposals=tuple(
                self._signed(
                    pbft.PrePrepare(
                        view=message["view"],
                        seq=proposal["seq"],
                        batch=batch_from_spec(proposal["batch"]),
                        source=source,
                    )
                )
                for proposal in proposals
            ),
            source=source,
        )
        self._hear(node.name, [self._signed(forged)])

    # --- what there is to see

    @variable(*VARIABLES)
    def shown(self) -> State:
        """The spec state that replicas and messages stand for, with the history of this run."""
        durables = {name: node.durable for name, node in self.nodes.items()}
        return self._projection.variables(durables, self._sent.keys(), self._decided)

    def fork(self) -> Self:
        """A cluster in the same state, with replicas, disks and messages of its own."""
        twin = copy.copy(self)
        twin.nodes = self.nodes.copy()
        twin._disks = self._disks.copy()  # noqa: SLF001 - a copy of oneself
        twin._sent = self._sent.copy()  # noqa: SLF001 - as above
        return twin

    # --- steps

    def _hear(self, name: str, messages: Iterable[pbft.Message]) -> None:
        self._step(name, [pbft.Receive(message) for message in messages])

    def _step(self, name: str, inputs: Iterable[pbft.Input]) -> None:
        """A replica comes back from a crash and takes some inputs, up to the one that makes a difference."""
        node = pbft.recover(self._configs[name], self._disks[name])
        for inp in inputs:
            node, effects = pbft.step(node, inp)
            for effect in effects:
                match effect:
                    case pbft.Persist(durable=durable):
                        self._disks[name] = durable
                        self._projection.learn(durable)
                    case pbft.Send(message=message) if isinstance(message, KEPT):
                        self._sent[self._projection.record(message)] = message
                if self._on_effect:
                    self._on_effect(name, effect)
            if any(isinstance(effect, pbft.Persist) for effect in effects):
                break
        self.nodes[name] = node
        self._decided |= {self._projection.entry(seq, batch) for seq, batch in node.durable.committed.items()}

    # --- what replicas say, the Byzantine ones among them

    def _signed(self, message: Said) -> Said:
        """The message with its sender's signature; of Byzantine replicas this class has the keys."""
        return pbft.signed(message, self._configs[message.source].keys)

    def _said_by(self, source: str, kind: type[Any]) -> Iterator[Any]:
        return (m for m in self._sent.values() if isinstance(m, kind) and m.source == source)

    def _votes(self, vote: Callable[[str], Any], *, but: str = "") -> list[Any]:
        """The votes of all replicas that gave this one, or may forge it, in the order of the replicas."""
        said = set(self._sent.values())
        votes = (self._signed(vote(source)) for source in self._configs if source != but)
        return [vote for vote in votes if vote.source in self._byzantine or vote in said]

    def _prepares(self, view: int, seq: int, batch: pbft.Batch, *, but: str = "") -> list[pbft.Prepare]:
        digest = pbft.digest(batch)
        primary = next(iter(self._configs.values())).primary(view)
        votes = self._votes(
            lambda source: pbft.Prepare(view=view, seq=seq, digest=digest, source=source), but=but
        )
        return [vote for vote in votes if vote.source != primary]

    def _checkpoints(self, seq: int, state: Value, *, but: str = "") -> list[pbft.Checkpoint]:
        digest = pbft.digest(_state_from_spec(state))
        return self._votes(lambda source: pbft.Checkpoint(seq=seq, digest=digest, source=source), but=but)

    def _certified(self, seq: int, state: Value) -> pbft.CheckpointCertificate:
        """A stable checkpoint with its proof, of which Byzantine replicas may be part."""
        digest = pbft.digest(_state_from_spec(state))
        self._projection.states[digest] = state
        quorum = next(iter(self._configs.values())).quorum
        proof = () if seq == 0 else tuple(self._checkpoints(seq, state)[:quorum])
        return pbft.CheckpointCertificate(seq=seq, digest=digest, proof=proof)

    def _proposal(self, view: int, seq: int, batch: pbft.Batch) -> pbft.PrePrepare:
        """The proposal that the primary of a view made, or may have made."""
        primary = next(iter(self._configs.values())).primary(view)
        made = self._signed(pbft.PrePrepare(view=view, seq=seq, batch=batch, source=primary))
        known = [*self._said_by(primary, pbft.PrePrepare)]
        known += [p for new in self._said_by(primary, pbft.NewView) for p in new.proposals]
        if primary not in self._byzantine and made not in known:
            raise NotPossible(
                f"{primary} never proposed {self._projection.batch(batch)} for {seq} in view {view}"
            )
        return made

    def _view_change(self, record: Value) -> pbft.ViewChange:
        """The view change that a record stands for, with all its proofs."""
        source = record["source"].name
        if source not in self._byzantine:
            sent = self._message(record)
            if not isinstance(sent, pbft.ViewChange):
                raise NotPossible(f"{record} is no view change")
            return sent
        quorum = self._configs[source].quorum
        certificates = []
        for told in sorted(record["certificates"], key=lambda told: told["seq"]):
            view, seq, batch = told["view"], told["seq"], batch_from_spec(told["batch"])
            prepares = tuple(self._prepares(view, seq, batch)[: quorum - 1])
            certificates.append(
                pbft.PreparedCertificate(pre_prepare=self._proposal(view, seq, batch), prepares=prepares)
            )
        checkpoint = record["checkpoint"]
        return self._signed(
            pbft.ViewChange(
                view=record["view"],
                checkpoint=self._certified(checkpoint["seq"], checkpoint["state"]),
                certificates=tuple(certificates),
                source=source,
            )
        )

    def _message(self, record: Value) -> pbft.Message:
        """The message that a record stands for: one that was sent, or a proposal that is forged."""
        if (sent := self._sent.get(record)) is not None:
            return sent
        source = record["source"].name
        if source not in self._byzantine or record["type"] != "PrePrepare":
            raise NotPossible(f"{source} never sent {dict(record)}")
        return self._signed(
            pbft.PrePrepare(
                view=record["view"],
                seq=record["seq"],
                batch=batch_from_spec(record["batch"]),
                source=source,
            )
        )
