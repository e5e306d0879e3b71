"""The disk of a Raft server: where `Persist` and `Write` go, and what a crash leaves of it.

A server's durable state is one value, and a write of it can be torn. So the host keeps a journal of
two slots that are written in turn, each record with its number and a checksum. A record that is torn
is not valid, and the one before it, in the other slot, still is: a `Persist` happens whole or not at
all, which is what the core relies on and the spec says.

A `Write` of a leader (thesis, 10.2.1) is a record that is not safe yet. Several may be on their way:
a crash leaves those that got there, in their order, and so takes from the leader's log its end.

`JournaledSystem` is a `RaftSystem` whose restarts read the journal.
"""

import copy
from collections.abc import Callable, Mapping
from typing import Any, Final, Self

import attrs

from impl import raft
from property_tests.raft.adapter import RaftSystem
from tlacheck.conform.system import NotPossible
from tlacheck.sim import Disk
from tlacheck.trace import State
from tlacheck.values import ModelValue, Value

__all__ = ["Journal", "JournaledSystem", "Record"]

_SLOTS: Final = 2


@attrs.frozen
class Record:
    """What is written in a slot.

    Attributes:
        number: counts the records of a journal, from 1.
        current_term: of the durable state, as the three fields below.
        checksum: of all other fields.
    """

    number: int
    current_term: int
    voted_for: str | None
    log: tuple[raft.Entry, ...]
    snapshot: raft.Snapshot
    checksum: int

    @classmethod
    def of(cls, number: int, durable: raft.Durable) -> Self:
        """The record of a durable state."""
        fields = (number, durable.current_term, durable.voted_for, durable.log, durable.snapshot)
        return cls(*fields, hash(fields))

    @property
    def is_whole(self) -> bool:
        """True if it was written to its end."""
        fields = (self.number, self.current_term, self.voted_for, self.log, self.snapshot)
        return self.checksum == hash(fields)

    @property
    def durable(self) -> raft.Durable:
        """The durable state in it."""
        return raft.Durable(self.current_term, self.voted_for, self.log, snapshot=self.snapshot)


class Journal:
    """The durable states of one server, on a `Disk`.

    Args:
        first: the durable state of a new server.

    Attributes:
        disk: where they are.
    """

    def __init__(self, first: raft.Durable) -> None:
        self.disk = Disk()
        self._number = 0
        self._first = first

    def begin(self, durable: raft.Durable) -> None:
        """Write a durable state; it is not safe yet."""
        self._number += 1
        self.disk.write(self._number % _SLOTS, Record.of(self._number, durable))

    def persist(self, durable: raft.Durable) -> None:
        """Write a durable state, and make it safe, with all that was written before."""
        self.begin(durable)
        self.disk.sync()

    def recover(self) -> raft.Durable:
        """The newest durable state that is whole; that of a new server if there is none."""
        records = [record for slot in range(_SLOTS) if (record := self.disk.read(slot)) and record.is_whole]
        newest = max(records, key=lambda record: record.number, default=None)
        self._number = newest.number if newest else 0
        return newest.durable if newest else self._first


class JournaledSystem(RaftSystem):
    """A cluster of servers with a journal each.

    Args:
        on_effect: told every effect as it is carried out, with the server's name.
        settings: what a `RaftSystem` takes besides.

    Attributes:
        journals: server -> its journal.
    """

    def __init__(self, *, on_effect: Callable[[str, raft.Effect], None], **settings: Any) -> None:
        self.journals: dict[str, Journal] = {}

        def told(node: str, effect: raft.Effect) -> None:
            if isinstance(effect, raft.Persist):
                self.journals[node].persist(effect.durable)
            elif isinstance(effect, raft.Write):
                self.journals[node].begin(effect.durable)
            on_effect(node, effect)

        super().__init__(on_effect=told, **settings)

    def reset(self, initial: State) -> None:
        """Start all servers for the first time."""
        super().reset(initial)
        self.journals = {name: Journal(node.durable) for name, node in self.nodes.items()}

    def perform(self, action: str, arguments: Mapping[str, Value]) -> None:
        """Take a step; a server restarts with what its journal holds, and knows when that is safe."""
        name = arguments["node"].name if "node" in arguments else ""
        if action == "DiskSynced":
            last = self.nodes[name].durable.last_index
            if arguments["lastIndex"] != last:
                raise NotPossible(f"a journal is synced whole, up to log index {last} of {name}")
            self.journals[name].disk.sync()
        super().perform(action, arguments)
        if action == "Restart":
            self._recover(name)

    def take(self, name: str, inp: raft.Input) -> None:
        """The step of `perform` in the words of the implementation: quicker, for who compares no states."""
        match inp:
            case raft.Receive(message=message):
                self.lose(message)
                self._step(name, inp)
            case raft.ReadIndex(read=read) | raft.LeaseRead(read=read):
                self._ask(name, ModelValue(str(read)), inp)
            case raft.DiskSynced(index=index):
                self.journals[name].disk.sync()
                self.disk_synced(ModelValue(name), index)
            case _:
                self._step(name, inp)

    def lose(self, message: raft.Message) -> None:
        """One copy of a message is on its way no more."""
        self._take(message)

    def come_back(self, name: str) -> None:
        """A server restarts with what its journal holds."""
        self.restart(ModelValue(name), self.journals[name].recover().last_index)
        self._recover(name)

    def _recover(self, name: str) -> None:
        self.nodes[name] = raft.recover(self.nodes[name].config, self.journals[name].recover())

    def fork(self) -> Self:
        """A cluster in the same state, with journals of its own."""
        twin = super().fork()
        twin.journals = copy.deepcopy(self.journals)
        return twin
