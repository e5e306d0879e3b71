"""The adapter: what the spec of gossip calls a step, as inputs of `impl.gossip`, and back.

The spec's exchanges speak of one owner; so messages here are of the one bucket that this owner is in. Where a
delta of the spec is cut, the node gets just so much room. What a node does in a round comes apart: each part
is a step.
"""

import copy
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Self

import attrs
from immutabledict import immutabledict

from impl import gossip
from impl.common import SymbolicKeys
from impl.gossip import exchange, members
from impl.gossip.node import Since
from impl.gossip.records import OWNER_BYTES, bucket_of, size_of
from tlacheck.conform import Adapter, NotPossible, action, variable
from tlacheck.tlc.spec import Spec
from tlacheck.trace import State
from tlacheck.values import ModelValue, Value

__all__ = [
    "VALUE_BYTES",
    "GossipSystem",
    "copy_to_spec",
    "delta_to_spec",
    "message_to_spec",
    "spec_for",
    "state_to_spec",
]

_SPECS: Final = Path(__file__).resolve().parents[2] / "specs" / "gossip"
#: So many buckets that the names used here have one each.
_BUCKETS: Final = 1 << 12
#: The time in a replay stands still here, ns; `_LONG_AGO` is before all time-outs.
_NOW: Final = 1 << 60
_LONG_AGO: Final = 0
#: Bytes to accept of a node that signs and is to send no delta: enough for a digest, too little for a state.
_ONE_ENTRY: Final = OWNER_BYTES - 1


def spec_for(nodes: int) -> Spec:
    """The unbounded spec of three nodes, or of three and a liar, for the oracle."""
    return Spec.load(_SPECS / "MCGossip.tla", _SPECS / f"Oracle{nodes}.cfg")


# --- values

_DELETED: Final = ModelValue("deleted")
_VALUE: Final = ModelValue("x")
#: What the application writes; so long that a message can be cut between any two records.
VALUE_BYTES: Final = 200
_KEYS: Final = ("k1", "k2", "k3")
#: What nodes say of a liar, which the spec does not know, is a key like any other to it.
_OF_LIAR: Final = "@n4"

NO_DELTA: Final = immutabledict({"gen": 0, "from": 0, "upto": 0, "gc": 0, "recs": frozenset()})


def key_from_spec(key: Value) -> str:
    """The key that a key or the name of a node stands for."""
    return key.name if key.name in _KEYS else gossip.name_key(key.name)


def _record_to_spec(key: str, record: gossip.Record) -> Value:
    value: Value = _VALUE
    if record.is_tombstone:
        value = _DELETED
    elif isinstance(record.value, gossip.Level) and key != _OF_LIAR:
        value = tuple(record.value)
    return immutabledict(key=ModelValue(key.removeprefix("@")), version=record.version, value=value)


def _record_from_spec(record: Mapping[str, Any]) -> tuple[str, gossip.Record]:
    value = record["value"]
    made: Any = "x" * VALUE_BYTES
    if value == _DELETED:
        made = gossip.DELETED
    elif isinstance(value, tuple):
        made = gossip.Level(*value)
    return key_from_spec(record["key"]), gossip.Record(record["version"], made)


def _records(records: Any) -> tuple[tuple[str, gossip.Record], ...]:
    return tuple(sorted(map(_record_from_spec, records), key=lambda each: each[1].version))


def copy_to_spec(copy: gossip.Copy) -> Value:
    """The record that stands for a copy."""
    records = frozenset(_record_to_spec(key, record) for key, record in copy.records.items())
    return immutabledict(gen=copy.generation, gc=copy.collected, max=copy.version, recs=records)


def copy_from_spec(copy: Mapping[str, Any]) -> gossip.Copy:
    """The copy that a record stands for, without a signature."""
    return gossip.Copy(copy["gen"], copy["gc"], copy["max"], dict(_records(copy["recs"])))


def state_to_spec(owner: str, copy: gossip.Copy) -> Value:
    """The record that stands for a state of an owner."""
    return immutabledict(copy_to_spec(copy), owner=ModelValue(owner))


def entry_to_spec(entry: gossip.Entry) -> Value:
    """The record that stands for what a digest says of an owner."""
    return immutabledict(gen=entry.generation, gc=entry.collected, max=entry.version, gone=entry.is_gone)


def entry_from_spec(entry: Mapping[str, Any]) -> gossip.Entry:
    """The entry of a digest that a record stands for."""
    return gossip.Entry(entry["gen"], entry["gc"], entry["max"], entry["gone"])


def delta_to_spec(delta: gossip.Delta | None) -> Value:
    """The record that stands for a delta; None is no delta."""
    if delta is None:
        return NO_DELTA
    records = frozenset(_record_to_spec(key, record) for key, record in delta.records)
    fields = {"gen": delta.generation, "from": delta.begin, "upto": delta.end, "gc": delta.collected}
    return immutabledict(fields, recs=records)


def delta_from_spec(delta: Mapping[str, Any], signature: bytes = b"") -> gossip.Delta:
    """The delta that a record stands for."""
    return gossip.Delta(
        delta["gen"], delta["from"], delta["upto"], delta["gc"], _records(delta["recs"]), signature
    )


def message_to_spec(source: str, dest: str, owner: str, message: gossip.Message) -> Value:
    """The record that stands for what a message says of one owner."""
    fields: dict[str, Value] = {
        "type": type(message).__name__,
        "source": ModelValue(source),
        "dest": ModelValue(dest),
        "owner": ModelValue(owner),
    }
    if isinstance(message, gossip.Syn | gossip.Reply):
        fields["digest"] = entry_to_spec(dict(message.digest).get(owner, gossip.Entry()))
    if isinstance(message, gossip.Reply | gossip.Ack):
        fields["delta"] = delta_to_spec(dict(message.deltas).get(owner))
    return immutabledict(fields)


class GossipSystem(Adapter):
    """Nodes that gossip, all messages that they ever sent, and no clock.

    Args:
        names: of the nodes.
        liars: those that lie, for whom this class speaks. Where there are some, owners sign.
        accusers: how many it takes to bury somebody.
    """

    def __init__(
        self, names: tuple[str, ...] = ("n1", "n2", "n3"), *, liars: tuple[str, ...] = (), accusers: int = 1
    ) -> None:
        self._names, self._liars, self._accusers = names, liars, accusers
        self.nodes: dict[str, gossip.Node] = {}
        self._messages: frozenset[Value] = frozenset()
        self._history: dict[Value, gossip.Copy] = {}

    def _config(self, name: str) -> gossip.Config:
        keys = SymbolicKeys(name) if self._liars else None
        return gossip.Config(
            node=name, keys=keys, accusers=self._accusers, buckets=_BUCKETS, watched=len(self._names)
        )

    def reset(self, initial: State) -> None:
        """Start all nodes for the first time."""
        if set(initial["copy"]) != set(map(ModelValue, self._names)):
            raise NotPossible(f"the nodes here are {', '.join(self._names)}; the trace has others")
        self.nodes = {name: gossip.first_start(self._config(name)) for name in self._names}
        self._messages, self._history = frozenset(), {}
        for name in self._names:
            self._note(name)

    # --- owners

    @action("Write", unused={"value"})
    def write(self, node: Value, key: Value) -> None:
        """The application writes."""
        self._step(node.name, gossip.Write(key.name, "x" * VALUE_BYTES))

    @action("Delete")
    def delete(self, node: Value, key: Value) -> None:
        """The application deletes."""
        self._step(node.name, gossip.Delete(key.name))

    @action("Collect")
    def collect(self, node: Value, version: int) -> None:
        """The tombstones up to this one are old."""
        own = gossip.own_copy(self.nodes[node.name])
        ages = {
            record.version: _LONG_AGO if record.version <= version else _NOW
            for record in own.records.values()
            if record.is_tombstone
        }
        before = attrs.evolve(self.nodes[node.name], tombstones=ages)
        self._become(node.name, members.collecting(before, _NOW))

    # --- exchanges

    @action("Start")
    def start(self, node: Value, dest: Value, owner: Value) -> None:
        """An exchange begins."""
        syn = exchange.syn_for(self.nodes[node.name], (bucket_of(owner.name, _BUCKETS),))
        self._send(node.name, dest.name, owner.name, syn)

    @action("HandleSyn")
    def handle_syn(self, node: Value, message: Value, delta: Value) -> None:
        """A Syn comes, and there is room for so much in the answer."""
        effects = self._receive(
            node.name, message, gossip.Syn(self._buckets(message), self._digest(message)), delta
        )
        self._send_all(node.name, message["owner"].name, effects)

    @action("HandleReply")
    def handle_reply(self, node: Value, message: Value, delta: Value) -> None:
        """A Reply comes, and there is room for so much in the answer."""
        reply = gossip.Reply(self._buckets(message), self._digest(message), self._deltas(message))
        self._send_all(node.name, message["owner"].name, self._receive(node.name, message, reply, delta))

    @action("HandleAck")
    def handle_ack(self, node: Value, message: Value) -> None:
        """An Ack comes."""
        self._receive(node.name, message, gossip.Ack(self._deltas(message)), NO_DELTA)

    @action("Return")
    def come_back(self, node: Value, message: Value) -> None:
        """It reads that it is forgotten; what it answers besides is lost."""
        self.nodes[node.name] = attrs.evolve(self.nodes[node.name], returned_ns=None)
        syn = gossip.Syn(self._buckets(message), self._digest(message))
        self._step(node.name, gossip.Receive(message["source"].name, syn, _NOW))

    # --- failures

    @action("Suspect")
    def suspect(self, node: Value, accused: Value) -> None:
        """It has not heard of it for too long."""
        silent = gossip.Intervals.begin(_LONG_AGO, gossip.Detector())
        before = attrs.evolve(self.nodes[node.name], heard={accused.name: silent})
        self._become(node.name, members.suspecting(before, _NOW)[0])

    @action("Withdraw")
    def withdraw(self, node: Value, accused: Value) -> None:
        """It is time to look whom it accuses in vain; of others this would be another step."""
        own = gossip.own_copy(self.nodes[node.name])
        after = gossip.own_copy(members.withdrawing(self.nodes[node.name]))
        if after.version > own.version + 1:
            raise NotPossible(f"{node.name} takes back more than one accusation at once")
        del accused
        self._become(node.name, members.withdrawing(self.nodes[node.name]))

    @action("Refute")
    def refute(self, node: Value) -> None:
        """It looks whether it is accused."""
        self._become(node.name, members.refuting(self._with_lies(node.name, node.name)))

    @action("Bury")
    def bury(self, node: Value, accused: Value) -> None:
        """The accused had long enough to refute; others that are accused had not."""
        lied = self._with_lies(node.name, accused.name)
        since = Since(lied.holdings.level(accused.name), _LONG_AGO)
        self._become(node.name, members.burying(attrs.evolve(lied, accused={accused.name: since}), _NOW)[0])

    @action("Forget")
    def forget(self, node: Value, accused: Value) -> None:
        """It has been dead for long enough; others have not."""
        before = self.nodes[node.name]
        dead = {
            name: Since(since.level, _LONG_AGO if name == accused.name else _NOW)
            for name, since in before.dead.items()
        }
        self._become(node.name, members.forgetting(attrs.evolve(before, dead=dead), _NOW)[0])

    @action("Recover")
    def recover(self, node: Value) -> None:
        """It comes back with its keys."""
        self._become(node.name, gossip.recover(self._config(node.name), self.nodes[node.name].durable))

    @action("Restart")
    def restart(self, node: Value) -> None:
        """It comes back without its keys."""
        self._become(node.name, gossip.restart(self._config(node.name), self.nodes[node.name].durable))

    # --- liars

    @action("Mislead")
    def mislead(self, node: Value) -> None:
        """A liar says that it is forgotten."""
        before = self.nodes[node.name]
        gone = gossip.Entry(gossip.own_copy(before).generation, is_gone=True)
        self.nodes[node.name] = attrs.evolve(before, returned_ns=None)
        syn = gossip.Syn((bucket_of(node.name, _BUCKETS),), ((node.name, gone),))
        self._step(node.name, gossip.Receive(self._liars[0], syn, _NOW))

    @action("Hear")
    def hear(self, node: Value, state: Value) -> None:
        """A liar hands on what an owner once signed."""
        owner, held = state["owner"].name, self._history[state]
        records = tuple(held.above(0))
        delta = gossip.Delta(held.generation, 0, held.version, held.collected, records, held.signature)
        self._step(node.name, gossip.Receive(self._liars[0], gossip.Ack(((owner, delta),)), _NOW))

    # --- what there is to see

    @variable("copy", "dead", "forgotten", "messages", "history")
    def shown(self) -> State:
        """The spec state that the nodes stand for."""
        return immutabledict(
            copy=self._each(lambda node, other: copy_to_spec(node.holdings.get(other))),
            dead=self._each(
                lambda node, other: tuple(node.dead[other].level if other in node.dead else gossip.NEVER)
            ),
            forgotten=self._each(lambda node, other: node.holdings.forgotten.get(other, 0)),
            messages=self._messages,
            history=frozenset(self._history),
        )

    def fork(self) -> Self:
        """Nodes in the same state, with copies of their own."""
        twin = copy.copy(self)
        twin.nodes, twin._history = self.nodes.copy(), self._history.copy()  # noqa: SLF001 - a copy of oneself
        return twin

    # --- inside

    def _each(self, part: Any) -> Value:
        return immutabledict(
            (ModelValue(name), immutabledict((ModelValue(other), part(node, other)) for other in self._names))
            for name, node in self.nodes.items()
        )

    def _become(self, name: str, node: gossip.Node) -> None:
        self.nodes[name] = node
        self._note(name)

    def _note(self, name: str) -> None:
        """Remember a state of an owner."""
        own = gossip.own_copy(self.nodes[name])
        self._history.setdefault(state_to_spec(name, own), own)

    def _step(self, name: str, inp: gossip.Input) -> tuple[gossip.Effect, ...]:
        node, effects = gossip.step(self.nodes[name], inp)
        self._become(name, node)
        return effects

    def _receive(
        self, name: str, message: Value, made: gossip.Message, delta: Value
    ) -> tuple[gossip.Effect, ...]:
        """A message comes to a node that has room for just this delta in its answer.

        It does not return now.
        """
        usual = self._config(name)
        room = _room_for(delta) if delta != NO_DELTA else 1
        no_room = self._liars and delta == NO_DELTA and isinstance(made, gossip.Syn)
        config = attrs.evolve(usual, room=room, accepts=_ONE_ENTRY if no_room else usual.accepts)
        self.nodes[name] = attrs.evolve(self.nodes[name], config=config, returned_ns=_NOW)
        effects = self._step(name, gossip.Receive(message["source"].name, made, _NOW))
        self.nodes[name] = attrs.evolve(self.nodes[name], config=usual)
        return effects

    def _send_all(self, name: str, owner: str, effects: tuple[gossip.Effect, ...]) -> None:
        for effect in effects:
            if isinstance(effect, gossip.Send):
                self._send(name, effect.dest, owner, effect.message)

    def _send(self, source: str, dest: str, owner: str, message: gossip.Message) -> None:
        self._messages |= {message_to_spec(source, dest, owner, message)}

    def _buckets(self, message: Value) -> tuple[int, ...]:
        return (bucket_of(message["owner"].name, _BUCKETS),)

    def _digest(self, message: Value) -> tuple[tuple[str, gossip.Entry], ...]:
        entry = entry_from_spec(message["digest"])
        return ((message["owner"].name, entry),) if entry.generation else ()

    def _deltas(self, message: Value) -> tuple[tuple[str, gossip.Delta], ...]:
        """The delta of a message, with its owner's signature if it signed what comes out."""
        said: Mapping[str, Any] = message["delta"]
        if said == NO_DELTA:
            return ()
        owner = message["owner"].name
        signatures = [
            held.signature
            for state, held in self._history.items()
            if (state["owner"].name, held.generation, held.collected, held.version)
            == (owner, said["gen"], said["gc"], said["upto"])
        ]
        return ((owner, delta_from_spec(said, signatures[0] if signatures else b"")),)

    def _with_lies(self, name: str, accused: str) -> gossip.Node:
        """The node that has heard of every liar's suspicion."""
        node = self.nodes[name]
        for liar in self._liars:
            record = gossip.Record(1, node.holdings.level(accused))
            lie = gossip.Copy(1, 0, 1, {gossip.name_key(accused): record})
            node = attrs.evolve(node, holdings=node.holdings.put({liar: lie}))
        return node


def _room_for(delta: Value) -> int:
    records = copy_from_spec({"gen": 1, "gc": 0, "max": 0, "recs": delta["recs"]}).records
    return OWNER_BYTES + sum(size_of(key, record) for key, record in records.items())
