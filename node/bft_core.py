"""The core of a Byzantine protocol as a node runs it: what PBFT and HotStuff have alike.

Their packages use the same names for inputs, effects and state, so that a protocol is little more than a
list of its messages (`node.pbft_core`, `node.hotstuff_core`). The durable state of a replica is kept as
records of the write-ahead log, each about one attribute of `Durable`:

| record    | says                                                                        |
|-----------|-----------------------------------------------------------------------------|
| `Set`     | the attribute has this value; the first records of a log set all            |
| `Put`     | under this key the attribute, a mapping, has this item                      |
| `Removed` | it has nothing any more under these keys                                    |
"""

import abc
from collections.abc import Hashable, Iterable, Mapping
from typing import Any, ClassVar, Final

import attrs

from impl.common.requests import Batch, Reply, Request
from impl.common.service import Answered, State
from node.codec import Codec
from node.engine import Effects
from node.errors import BadFrame, DamagedLog
from node.stamps import message_codec, short_digest

__all__ = ["CLIENT_CODEC", "BftCore", "Put", "Record", "Removed", "Set", "name_of"]

#: The codec of what clients send and get.
CLIENT_CODEC: Final = Codec([Request, Reply])


@attrs.frozen
class Set:
    """An attribute has this value."""

    name: str
    value: Hashable


@attrs.frozen
class Put:
    """An attribute has this item under a key."""

    name: str
    key: int | str
    value: Hashable


@attrs.frozen
class Removed:
    """An attribute has nothing any more under these keys."""

    name: str
    keys: tuple[int | str, ...]


Record = Set | Put | Removed


def name_of(client: str, timestamp: int) -> str:
    """Return the name of a client's request."""
    return f"{client} {timestamp}"


class BftCore(abc.ABC):
    """The core of a replica. It is a `node.engine.Core`.

    Args:
        config: the settings of the replica.

    Attributes:
        impl: the package of the protocol.
        messages: what replicas send each other; clients' requests too.
        parts: the further types in messages and in the durable state.
        inputs: the types of inputs.
        mappings: the attributes of the durable state that are mappings.
        hears_itself: whether a replica is handed what it sends to all.
    """

    protocol: ClassVar[str]
    impl: ClassVar[Any]
    messages: ClassVar[tuple[type[Any], ...]]
    parts: ClassVar[tuple[type[Any], ...]]
    inputs: ClassVar[tuple[type[Any], ...]]
    mappings: ClassVar[tuple[str, ...]]
    hears_itself: ClassVar[bool] = False

    def __init__(self, config: Any) -> None:
        self.config = config
        self.node: str = config.node
        self.nodes: tuple[str, ...] = config.replicas
        known = (*self.messages, *self.parts, State, Answered)
        self.codec = message_codec([*known, Reply, *self.inputs])
        self.record_codec = Codec([Set, Put, Removed, *known])
        self._names = tuple(each.name for each in attrs.fields(self.impl.Durable))
        self._values = tuple(name for name in self._names if name not in self.mappings)

    # --- steps

    def first(self) -> Any:
        """Return the replica at its first start."""
        return self.impl.first_start(self.config)

    def recovered(self, durable: Any) -> Any:
        """Return the replica after a crash that left this durable state."""
        return self.impl.recover(self.config, durable)

    def step(self, state: Any, inp: Any) -> tuple[Any, Effects]:
        """Return the replica after an input, and what it asks for."""
        after, effects = self.impl.step(state, inp)
        return after, effects

    def received(self, message: Any) -> Any:
        """Return the input by which a message is taken."""
        return self.impl.Receive(message)

    def message_in(self, inp: Any) -> Any:
        """Return the message that an input takes; None if it takes none."""
        return inp.message if isinstance(inp, self.impl.Receive) else None

    def is_request(self, inp: Any) -> bool:
        """Return whether an input takes a client's request: from the client itself, or relayed."""
        return isinstance(self.message_in(inp), Request)

    def sends(self, effects: Effects) -> list[tuple[str, Any]]:
        """Return the messages to replicas, each with where it goes to."""
        found: list[tuple[str, Any]] = []
        for effect in effects:
            if isinstance(effect, self.impl.Send):
                to = self.nodes if effect.to is None else (effect.to,)
                found += [
                    (name, effect.message)
                    for name in to
                    if name in self.nodes and (self.hears_itself or name != self.node)
                ]
        return found

    def check_message(self, message: object, sender: str) -> None:
        """Check that a message is one that replicas send. Who signed it is the core's to check.

        Raises:
            BadFrame: it is not.
        """
        if not isinstance(message, self.messages):
            raise BadFrame(f"{sender} sends a {type(message).__name__}, which is no message between replicas")

    # --- requests

    @abc.abstractmethod
    def executed(self, effect: Any) -> Batch | None:
        """Return the requests that an effect tells to be executed; None if it tells of none."""

    def applied(self, state: Any, effects: Effects) -> list[str]:
        """Return the names of the requests that were executed, or came with a transferred state."""
        batches = [batch for effect in effects if (batch := self.executed(effect)) is not None]
        names = [name_of(request.client, request.timestamp) for batch in batches for request in batch]
        return names + self.held(state) if batches else names

    def held(self, state: Any) -> list[str]:
        """Return the names of the requests whose answers a replica has kept."""
        return [name_of(each.client, each.timestamp) for each in state.durable.state.answered]

    # --- durable state

    def changes(self, before: Any, after: Any) -> list[Record]:
        """Return the records by which one durable state, or None, becomes the next."""
        records: list[Record] = []
        for name in self._values:
            value = getattr(after, name)
            if before is None or getattr(before, name) != value:
                records.append(Set(name, value))
        for name in self.mappings:
            old: Mapping[Any, Any] = {} if before is None else getattr(before, name)
            new: Mapping[Any, Any] = getattr(after, name)
            if old is not new:
                if gone := tuple(sorted(key for key in old if key not in new)):
                    records.append(Removed(name, gone))
                records += [Put(name, key, new[key]) for key in sorted(new) if old.get(key) != new[key]]
        return records

    def restored(self, records: Iterable[Any]) -> Any:
        """Return the durable state after these records; None if there are none.

        Raises:
            DamagedLog: they do not follow one another, or do not say all.
        """
        found: dict[str, Any] = {}
        for number, record in enumerate(records, start=1):
            match record:
                case Set(name=name, value=value) if name in self._values:
                    found[name] = value
                case Put(name=name, key=key, value=value) if name in self.mappings:
                    found.setdefault(name, {})[key] = value
                case Removed(name=name, keys=keys) if set(keys) <= found.get(name, {}).keys():
                    for key in keys:
                        del found[name][key]
                case _:
                    raise DamagedLog(
                        f"record {number} of the write-ahead log does not follow those before it: "
                        f"{type(record).__name__}. It was written by another program; keep the folder, and "
                        "add a new node in the place of this one"
                    )
        if not found:
            return None
        if missing := [name for name in self._values if name not in found]:
            raise DamagedLog(f"the write-ahead log does not say {', '.join(missing)}: its begin is missing")
        return self.impl.Durable(**{name: found.get(name, {}) for name in self._names})

    # --- digests

    @abc.abstractmethod
    def place(self, state: Any) -> tuple[object, ...]:
        """Return where a replica is, in a few values."""

    def digest(self, state: Any, effects: Effects) -> str:
        """Return the digest of a step: where the replica is after it, and what it asked for."""
        said = [" ".join(str(each) for each in self.place(state))]
        for effect in effects:
            if isinstance(effect, self.impl.Send):
                said.append(f"{effect.to} {self.codec.encode(effect.message).decode()}")
            elif isinstance(effect, self.impl.Refused):
                said.append(f"Refused {effect.why.name} {effect.reason}")
            else:
                said.append("Persist" if isinstance(effect, self.impl.Persist) else str(effect))
        return short_digest("\n".join(said).encode())

    def durable_digest(self, durable: Any) -> str:
        """Return the digest of a whole durable state."""
        whole = [
            tuple(sorted(getattr(durable, name).items()))
            if name in self.mappings
            else (getattr(durable, name),)
            for name in self._names
        ]
        return short_digest(self.record_codec.encode(tuple(whole)))
