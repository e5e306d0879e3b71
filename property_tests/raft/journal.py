"""The disk of a Raft server: where `Persist` goes, and what a crash leaves of it.

A server's durable state is one value, and a write of it can be torn. So the host keeps a journal of
two slots that are written in turn, each record with its number and a checksum. A record that is torn
is not valid, and the one before it, in the other slot, still is: a `Persist` happens whole or not at
all, which is what the core relies on and the spec says.

`JournaledSystem` is a `RaftSystem` whose restarts read the journal.
"""

import copy
import zlib
from collections.abc import Callable, Mapping
from typing import Final, Self

import attrs

from impl import raft
from property_tests.raft.adapter import RaftSystem
from tlacheck.sim import Disk
from tlacheck.trace import State
from tlacheck.values import Value

__all__ = ["Journal", "JournaledSystem", "Record"]

_SLOTS: Final = 2


@attrs.frozen
class Record:
    """What is written in a slot.

    Attributes:
        number: counts the records of a journal, from 1.
        current_term: of the durable state, as the two fields below.
        checksum: of all other fields.
    """

    number: int
    current_term: int
    voted_for: str | None
    log: tuple[raft.Entry, ...]
    checksum: int

    @classmethod
    def of(cls, number: int, durable: raft.Durable) -> Self:
        """The record of a durable state."""
        fields = (number, durable.current_term, durable.voted_for, durable.log)
        return cls(*fields, _checksum(*fields))

    @property
    def is_whole(self) -> bool:
        """Whether it was written to its end."""
        return self.checksum == _checksum(self.number, self.current_term, self.voted_for, self.log)

    @property
    def durable(self) -> raft.Durable:
        """The durable state in it."""
        return raft.Durable(self.current_term, self.voted_for, self.log)


def _checksum(*fields: object) -> int:
    return zlib.crc32(repr(fields).encode())


class Journal:
    """The durable states of one server, on a `Disk`.

    Attributes:
        disk: where they are.
    """

    def __init__(self) -> None:
        self.disk = Disk()
        self._number = 0

    def begin(self, durable: raft.Durable) -> None:
        """Write a durable state; it is not safe yet."""
        self._number += 1
        self.disk.write(self._number % _SLOTS, Record.of(self._number, durable))

    def persist(self, durable: raft.Durable) -> None:
        """Write a durable state, and make it safe."""
        self.begin(durable)
        self.disk.sync()

    def recover(self) -> raft.Durable:
        """The newest durable state that is whole; that of a new server if there is none."""
        records = [record for slot in range(_SLOTS) if (record := self.disk.read(slot)) and record.is_whole]
        newest = max(records, key=lambda record: record.number, default=None)
        self._number = newest.number if newest else 0
        return newest.durable if newest else raft.Durable()


class JournaledSystem(RaftSystem):
    """A cluster of servers with a journal each.

    Attributes:
        journals: server -> its journal.
    """

    def __init__(self, *, on_effect: Callable[[str, raft.Effect], None]) -> None:
        self.journals: dict[str, Journal] = {}

        def told(node: str, effect: raft.Effect) -> None:
            if isinstance(effect, raft.Persist):
                self.journals[node].persist(effect.durable)
            on_effect(node, effect)

        super().__init__(on_effect=told)

    def reset(self, initial: State) -> None:
        """Start all servers for the first time."""
        super().reset(initial)
        self.journals = {name: Journal() for name in self.nodes}

    def perform(self, action: str, arguments: Mapping[str, Value]) -> None:
        """Take a step; a server restarts with what its journal holds."""
        super().perform(action, arguments)
        if action == "Restart":
            name = arguments["node"].name
            self.nodes[name] = raft.recover(self.nodes[name].config, self.journals[name].recover())

    def fork(self) -> Self:
        """A cluster in the same state, with journals of its own."""
        twin = super().fork()
        twin.journals = copy.deepcopy(self.journals)
        return twin
