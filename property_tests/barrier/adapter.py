"""The adapter of `impl.manager.barrier` to `specs/barrier`: a step of the spec is an input of one node.

What the spec keeps of the network this class keeps: Raft's log, and all that was ever proposed, spread,
acknowledged and answered. What a node fetches is what a replica says that has applied just so much. A record
rests on what its index says: if the code writes another one, the states differ.
"""

import copy
from typing import Any, Final, Self

from immutabledict import immutabledict

from impl.manager import barrier
from tlacheck.conform import Adapter, NotPossible, action, variable
from tlacheck.trace import State
from tlacheck.values import ModelValue, Value

__all__ = ["BarrierSystem", "entry_to_spec", "node_to_spec", "record_to_spec"]

_NOTHING: Final = ModelValue("none")
_FENCE: Final = immutabledict(type="Fence")
_NO_BARRIER: Final = immutabledict(index=0, expected=(), acked=frozenset(), status="none")


def record_to_spec(record: barrier.Record, owner: str | None = None) -> Value:
    """The record of the spec, with its owner if one is named."""
    fields: dict[str, Value] = {
        "gen": record.generation,
        "version": record.version,
        "index": record.index,
        "rests": record.index,
    }
    return immutabledict(fields if owner is None else {**fields, "owner": ModelValue(owner)})


def _record_from_spec(said: Value) -> barrier.Record:
    return barrier.Record(said["gen"], said["version"], said["index"])


def entry_to_spec(entry: barrier.Entry) -> Value:
    """The record that stands for a decision."""
    if isinstance(entry, barrier.Fence):
        return _FENCE
    owner = ModelValue(entry.owner)
    return immutabledict(type="Decide", owner=owner, gen=entry.generation, version=entry.version)


def _entry_from_spec(entry: Value) -> barrier.Entry:
    if entry == _FENCE:
        return barrier.Fence()
    return barrier.Decision(entry["owner"].name, entry["gen"], entry["version"])


def _barrier_to_spec(last: barrier.Barrier | None) -> Value:
    if last is None:
        return _NO_BARRIER
    expected = immutabledict((ModelValue(name), least) for name, least in last.expected.items())
    status = "open" if last.result is None else last.result.value
    acked = frozenset(map(ModelValue, last.acked))
    return immutabledict(index=last.index, expected=expected, acked=acked, status=status)


def node_to_spec(node: barrier.Node, names: tuple[str, ...]) -> dict[str, Value]:
    """The parts of the variables that speak of one node; `barrier` of coordinators only."""
    known = {name: node.known_of(name) for name in names}
    shown: dict[str, Value] = {
        "gen": node.generation,
        "floor": -1 if node.floor is None else node.floor,
        "applied": node.applied,
        "known": immutabledict(
            (ModelValue(name), immutabledict(gen=each.generation, version=each.version))
            for name, each in known.items()
        ),
        "copy": immutabledict((ModelValue(name), record_to_spec(node.copy_of(name))) for name in names),
        "acted": _NOTHING if node.acted is None else record_to_spec(node.acted[1], node.acted[0]),
    }
    if node.config.is_coordinator:
        shown["barrier"] = _barrier_to_spec(node.barrier)
    return shown


class BarrierSystem(Adapter):
    """Nodes with a barrier, Raft's log, all that was ever sent, and no clock.

    Args:
        names: of the nodes.
        coordinators: those of them that decide and open barriers.
    """

    def __init__(self, names: tuple[str, ...], coordinators: tuple[str, ...]) -> None:
        self._configs = {
            name: barrier.Config(node=name, is_coordinator=name in coordinators) for name in names
        }
        self._names = tuple(self._configs)
        self.nodes: dict[str, barrier.Node] = {}
        self._log: tuple[Value, ...] = ()
        self._replicas: tuple[barrier.Node, ...] = ()
        self._proposed: frozenset[Value] = frozenset()
        self._said: frozenset[Value] = frozenset()
        self._acks: frozenset[Value] = frozenset()
        self._welcomes: frozenset[Value] = frozenset()

    def reset(self, initial: State) -> None:
        """Start all nodes for the first time."""
        if set(initial["gen"]) != set(map(ModelValue, self._names)):
            raise NotPossible(f"the nodes here are {', '.join(self._names)}; the trace has others")
        self.nodes = {name: barrier.first_start(config) for name, config in self._configs.items()}
        self._log, self._proposed = (), frozenset()
        self._replicas = (barrier.first_start(barrier.Config(node="replica")),)
        self._acks = self._welcomes = frozenset()
        self._said = frozenset(record_to_spec(node.own, name) for name, node in self.nodes.items())

    # --- owners and gossip

    @action("Write")
    def write(self, node: Value) -> None:
        """Its state changes."""
        self._step(node.name, barrier.Write(None))

    @action("Hear")
    def hear(self, node: Value, record: Value) -> None:
        """Gossip brings a record."""
        self._step(node.name, barrier.Heard(record["owner"].name, _record_from_spec(record)))

    @action("Act")
    def act(self, node: Value, owner: Value) -> None:
        """The application wants to act."""
        self._step(node.name, barrier.ActOn(owner.name))

    # --- decisions

    @action("Propose")
    def propose(self, node: Value, owner: Value) -> None:
        """A comparison, of one owner."""
        self._step(node.name, barrier.Compare((owner.name,)))

    @action("Commit")
    def commit(self, decision: Value) -> None:
        """Raft decides; a replica applies all decisions one after the other."""
        self._log = (*self._log, decision)
        last = self._replicas[-1]
        after, _ = barrier.step(last, barrier.Committed(last.applied + 1, _entry_from_spec(decision)))
        self._replicas = (*self._replicas, after)

    @action("Apply")
    def apply(self, node: Value, index: int) -> None:
        """The next decision comes from Raft to a coordinator; all others are fetched."""
        before = self.nodes[node.name]
        if before.config.is_coordinator and index == before.applied + 1:
            entry = _entry_from_spec(self._log[index - 1])
            self._step(node.name, barrier.Committed(index, entry))
            return
        _, sent = barrier.step(
            self._replicas[index], barrier.Receive(node.name, barrier.Fetch(before.applied))
        )
        for effect in sent:
            if isinstance(effect, barrier.Send):
                self._step(node.name, barrier.Receive("replica", effect.message))

    # --- lives

    @action("Welcome")
    def welcome(self, node: Value, generation: int) -> None:
        """Raft reads how long the log is."""
        told = immutabledict(node=node, gen=generation, index=len(self._log))
        self._welcomes |= {told}

    @action("Join")
    def join(self, node: Value, welcome: Value) -> None:
        """The answer comes."""
        told = barrier.Welcome(welcome["gen"], welcome["index"])
        self._step(node.name, barrier.Receive("c1", told))

    @action("Restart")
    def restart(self, node: Value) -> None:
        """It crashes, and comes back with its generation."""
        name = node.name
        after = barrier.restart(self._configs[name], self.nodes[name].generation)
        self.nodes[name] = after
        self._said |= {record_to_spec(after.own, name)}

    # --- barriers

    @action("Open")
    def open(self, node: Value) -> None:
        """Somebody wants a barrier for all others."""
        self._step(node.name, barrier.Open(tuple(name for name in self._names if name != node.name)))

    @action("Ack")
    def acknowledge(self, node: Value) -> None:
        """A coordinator asks what it has applied."""
        self._step(node.name, barrier.Receive("c1", barrier.Probe(0)))

    @action("Count")
    def count(self, node: Value, ack: Value) -> None:
        """An acknowledgement arrives."""
        said = barrier.Ack(ack["gen"], ack["index"])
        self._step(node.name, barrier.Receive(ack["node"].name, said))

    @action("TimeOut")
    def time_out(self, node: Value) -> None:
        """The barrier ends."""
        last = self.nodes[node.name].barrier
        if last is None:
            raise NotPossible(f"{node.name} has no barrier")
        self._step(node.name, barrier.Expire(last.number))

    # --- what there is to see

    @variable(
        "log", "proposed", "said", "welcomes", "acks", "gen", "floor", "applied", "known", "copy", "acted",
        "barrier",
    )  # fmt: skip
    def shown(self) -> State:
        """The spec state that the nodes stand for."""
        each = {name: node_to_spec(node, self._names) for name, node in self.nodes.items()}
        parts = {
            part: immutabledict((ModelValue(name), own[part]) for name, own in each.items() if part in own)
            for part in ("gen", "floor", "applied", "known", "copy", "acted", "barrier")
        }
        return immutabledict(
            {
                "log": self._log,
                "proposed": self._proposed,
                "said": self._said,
                "welcomes": self._welcomes,
                "acks": self._acks,
                **parts,
            }
        )

    def fork(self) -> Self:
        """Nodes in the same state."""
        twin = copy.copy(self)
        twin.nodes = self.nodes.copy()
        return twin

    def _step(self, name: str, inp: barrier.Input) -> None:
        self.nodes[name], effects = barrier.step(self.nodes[name], inp)
        for effect in effects:
            self._note(name, effect)

    def _note(self, name: str, effect: Any) -> None:
        match effect:
            case barrier.Spread(record=record):
                self._said |= {record_to_spec(record, name)}
            case barrier.Propose(decision=decision):
                self._proposed |= {entry_to_spec(decision)}
            case barrier.Send(message=barrier.Ack() as ack):
                told = immutabledict(node=ModelValue(name), gen=ack.generation, index=ack.index)
                self._acks |= {told}
