"""PBFT's core as a node runs it: configuration, keys, messages and durable state as bytes, digests.

The durable state of a replica is kept as records of the write-ahead log, each about one attribute of
`impl.pbft.Durable`:

| record    | says                                                                        |
|-----------|-----------------------------------------------------------------------------|
| `Set`     | the attribute has this value; the first records of a log set all            |
| `Put`     | under this sequence number the attribute, a mapping, has this item          |
| `Removed` | it has nothing any more under these numbers                                 |

What is replicated is `impl.machine`: an operation is a request of a client as JSON, `{"propose": TEXT}` or
`{"read": KEY}`, and its result the answer as JSON. A read is ordered like any other operation.
"""

import functools
import json
from collections.abc import Hashable, Iterable, Mapping
from typing import Any, ClassVar, Final

import attrs

from impl import machine, pbft
from node.codec import Codec, parsed
from node.engine import Effects
from node.errors import BadFrame, DamagedLog
from node.proposals import Proposal, command_of, shown_answer
from node.reads import checked_key, value_of
from node.stamps import message_codec, short_digest

__all__ = ["CODEC", "MACHINE", "MachineService", "PbftCore", "Put", "Record", "Removed", "Set", "name_of"]

#: How far beyond its stable checkpoint a replica goes, and how often it makes one.
WINDOW: Final = 16
INTERVAL: Final = 8
BATCH_MAX: Final = 16
#: The longest view-change timeout, as a multiple of the first.
MULTIPLIER_MAX: Final = 16


@attrs.frozen
class MachineService:
    """The state machine as PBFT replicates it: its states are snapshots, its results JSON."""

    @property
    def initial(self) -> pbft.Value:
        """The state before the first request."""
        return machine.snapshot(machine.initial())

    def apply(self, value: pbft.Value, request: pbft.Request) -> tuple[pbft.Value, pbft.Value]:
        """The state after a request, and the answer; to what is no request of this machine a refusal."""
        state = _restored(value if isinstance(value, bytes) else b"")
        try:
            match parsed(str(request.operation).encode()):
                case {"propose": str(text)}:
                    state, answer = machine.apply(state, command_of(Proposal(text)))
                    return _snapshot(state), _json({"answer": shown_answer(answer)})
                case {"read": str(key)}:
                    return value, _json({"value": value_of(state, checked_key(key))})
        except BadFrame as error:
            return value, _json({"refused": str(error), "is_wrong": True})
        return value, _json({"refused": "propose a command, or read a key", "is_wrong": True})


@functools.lru_cache(maxsize=64)
def _restored(value: bytes) -> machine.State:
    return machine.restore(value)


def _snapshot(state: machine.State) -> bytes:
    return machine.snapshot(state)


def _json(said: Mapping[str, Any]) -> str:
    return json.dumps(said, sort_keys=True, separators=(",", ":"))


#: The one service.
MACHINE: Final = MachineService()

_MESSAGES: Final = (
    pbft.Request,
    pbft.PrePrepare,
    pbft.Prepare,
    pbft.Commit,
    pbft.Checkpoint,
    pbft.StateRequest,
    pbft.StateResponse,
    pbft.ViewChange,
    pbft.NewView,
)
_PARTS: Final = (pbft.CheckpointCertificate, pbft.PreparedCertificate, pbft.State, pbft.Answered)

#: The codec of messages, replies and inputs.
CODEC: Final = message_codec(
    [
        *_MESSAGES,
        *_PARTS,
        pbft.Reply,
        pbft.Receive,
        pbft.Propose,
        pbft.Timeout,
        pbft.Retransmit,
        pbft.Tick,
    ]
)


# --- records


@attrs.frozen
class Set:
    """An attribute has this value."""

    name: str
    value: Hashable


@attrs.frozen
class Put:
    """An attribute has this item under a sequence number."""

    name: str
    seq: int
    value: Hashable


@attrs.frozen
class Removed:
    """An attribute has nothing any more under these sequence numbers."""

    name: str
    numbers: tuple[int, ...]


Record = Set | Put | Removed

RECORD_CODEC: Final = Codec([Set, Put, Removed, *_MESSAGES, *_PARTS])
_MAPPINGS: Final = ("accepted", "prepared", "committed", "snapshots")
_NAMES: Final = tuple(each.name for each in attrs.fields(pbft.Durable))
_VALUES: Final = tuple(name for name in _NAMES if name not in _MAPPINGS)


def records_between(before: pbft.Durable | None, after: pbft.Durable) -> list[Record]:
    """Return the records by which one durable state, or None, becomes the next."""
    records: list[Record] = []
    for name in _VALUES:
        value = getattr(after, name)
        if before is None or getattr(before, name) != value:
            records.append(Set(name, value))
    for name in _MAPPINGS:
        old: Mapping[int, Any] = {} if before is None else getattr(before, name)
        new: Mapping[int, Any] = getattr(after, name)
        if old is not new:
            if gone := tuple(sorted(seq for seq in old if seq not in new)):
                records.append(Removed(name, gone))
            records += [Put(name, seq, new[seq]) for seq in sorted(new) if old.get(seq) != new[seq]]
    return records


def restored(records: Iterable[Any]) -> pbft.Durable | None:
    """Return the durable state after these records; None if there are none.

    Raises:
        DamagedLog: they do not follow one another, or do not say all.
    """
    found: dict[str, Any] = {}
    for number, record in enumerate(records, start=1):
        match record:
            case Set(name=name, value=value) if name in _VALUES:
                found[name] = value
            case Put(name=name, seq=seq, value=value) if name in _MAPPINGS:
                found.setdefault(name, {})[seq] = value
            case Removed(name=name, numbers=numbers) if set(numbers) <= found.get(name, {}).keys():
                for seq in numbers:
                    del found[name][seq]
            case _:
                raise DamagedLog(
                    f"record {number} of the write-ahead log does not follow those before it: "
                    f"{type(record).__name__}. It was written by another program; keep the folder, and add "
                    "a new node in the place of this one"
                )
    if not found:
        return None
    if missing := [name for name in _VALUES if name not in found]:
        raise DamagedLog(f"the write-ahead log does not say {', '.join(missing)}: its begin is missing")
    return pbft.Durable(**{name: found.get(name, {}) for name in _NAMES})


# --- the core


def name_of(client: str, timestamp: int) -> str:
    """Return the name of a client's request."""
    return f"{client} {timestamp}"


class PbftCore:
    """The core of a PBFT replica. It is a `node.engine.Core`.

    Args:
        node: its name.
        nodes: all replicas, in the order in which they become primary.
        keys: the secret key of this one, and the public keys of replicas and clients.
        f: how many replicas may be Byzantine.

    Raises:
        InvalidConfig: there are not more than 3f replicas.
    """

    protocol: ClassVar[str] = "pbft"

    def __init__(self, node: str, nodes: tuple[str, ...], keys: pbft.Keys, f: int) -> None:
        self.node = node
        self.nodes = nodes
        self.config = pbft.Config(
            node,
            nodes,
            keys,
            f=f,
            window=WINDOW,
            interval=INTERVAL,
            batch_max=BATCH_MAX,
            multiplier_max=MULTIPLIER_MAX,
            service=MACHINE,
        )
        self.codec = CODEC
        self.record_codec = RECORD_CODEC

    def first(self) -> pbft.Node:
        """Return the replica at its first start."""
        return pbft.first_start(self.config)

    def recovered(self, durable: pbft.Durable) -> pbft.Node:
        """Return the replica after a crash that left this durable state."""
        return pbft.recover(self.config, durable)

    def step(self, state: pbft.Node, inp: pbft.Input) -> tuple[pbft.Node, Effects]:
        """Return the replica after an input, and what it asks for."""
        return pbft.step(state, inp)

    def received(self, message: pbft.Message) -> pbft.Input:
        """Return the input by which a message is taken."""
        return pbft.Receive(message)

    def message_in(self, inp: pbft.Input) -> pbft.Message | None:
        """Return the message that an input takes; None if it takes none."""
        return inp.message if isinstance(inp, pbft.Receive) else None

    def is_request(self, inp: pbft.Input) -> bool:
        """Return whether an input takes a client's request: from the client itself, or relayed."""
        return isinstance(inp, pbft.Receive) and isinstance(inp.message, pbft.Request)

    def sends(self, effects: Effects) -> list[tuple[str, pbft.Message]]:
        """Return the messages to replicas, each with where it goes to; one to all is one to each other."""
        found: list[tuple[str, pbft.Message]] = []
        for effect in effects:
            match effect:
                case pbft.Send(message=message, to=None):
                    found += [(name, message) for name in self.nodes if name != self.node]
                case pbft.Send(message=message, to=str(dest)) if dest in self.nodes:
                    found.append((dest, message))
        return found

    def check_message(self, message: object, sender: str) -> None:
        """Check that a message is one that replicas send. Who signed it is the core's to check.

        Raises:
            BadFrame: it is not.
        """
        if not isinstance(message, _MESSAGES):
            raise BadFrame(f"{sender} sends a {type(message).__name__}, which is no message between replicas")

    def applied(self, state: pbft.Node, effects: Effects) -> list[str]:
        """Return the names of the requests that were executed, or came with a transferred state."""
        names = [] if not any(isinstance(each, pbft.Transferred) for each in effects) else self.held(state)
        for effect in effects:
            if isinstance(effect, pbft.Executed):
                names += [name_of(request.client, request.timestamp) for request in effect.batch]
        return names

    def held(self, state: pbft.Node) -> list[str]:
        """Return the names of the requests whose answers a replica has kept."""
        return [name_of(each.client, each.timestamp) for each in state.durable.state.answered]

    def changes(self, before: pbft.Durable | None, after: pbft.Durable) -> list[Any]:
        """Return the records by which one durable state, or None, becomes the next."""
        return list(records_between(before, after))

    def restored(self, records: Iterable[Any]) -> pbft.Durable | None:
        """Return the durable state after these records; None if there are none.

        Raises:
            DamagedLog: they do not follow one another, or do not say all.
        """
        return restored(records)

    def digest(self, state: pbft.Node, effects: Effects) -> str:
        """Return the digest of a step: where the replica is after it, and what it asked for."""
        durable = state.durable
        place = (durable.view, durable.changing, durable.executed, durable.stable.seq, len(state.waiting))
        said = [" ".join(str(each) for each in place)]
        for effect in effects:
            match effect:
                case pbft.Send(message=message, to=dest):
                    said.append(f"{dest} {CODEC.encode(message).decode()}")
                case pbft.Executed(seq=seq, batch=batch):
                    said.append(f"Executed {seq} {pbft.digest(batch)}")
                case pbft.Refused(why=why, reason=reason):
                    said.append(f"Refused {why.name} {reason}")
                case pbft.Persist():
                    said.append("Persist")
                case _:
                    said.append(str(effect))
        return short_digest("\n".join(said).encode())

    def durable_digest(self, durable: pbft.Durable) -> str:
        """Return the digest of a whole durable state."""
        whole = [
            tuple(sorted(getattr(durable, name).items())) if name in _MAPPINGS else (getattr(durable, name),)
            for name in _NAMES
        ]
        return short_digest(RECORD_CODEC.encode(tuple(whole)))
