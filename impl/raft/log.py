"""Logs: entries behind a snapshot that stands for the compacted prefix (paper, section 7)."""

from collections.abc import Hashable
from typing import Final

import attrs

from impl.raft.configuration import Configuration

__all__ = [
    "NOOP",
    "Entry",
    "NoOp",
    "Snapshot",
    "first_index_of",
    "in_force",
    "last_change",
    "last_index_of",
    "term_of",
]


@attrs.frozen
class NoOp:
    """The value of the entry with which a leader opens its term; it is applied to nothing."""


#: The one no-op value.
NOOP: Final = NoOp()


@attrs.frozen
class Entry:
    """One log entry: the term of the leader that made it, and a value.

    The value is a client's, `NOOP` or a `Configuration`.
    """

    term: int
    value: Hashable


@attrs.frozen(kw_only=True)
class Snapshot:
    """The snapshot that stands for the compacted prefix of a log (paper, Figure 12).

    Attributes:
        index: the last log index that it covers; 0 if nothing was compacted yet.
        term: the term of the entry there; 0 likewise.
        configuration: the one in force at `index`; of a new server the founders'.
        state: what the state machine held after `index`, as its host gave it.
    """

    index: int = 0
    term: int = 0
    configuration: Configuration
    state: Hashable = ()


def term_of(snapshot: Snapshot, log: tuple[Entry, ...], index: int) -> int:
    """The term at a log index, from the snapshot's end to the log's; 0 before the first entry."""
    behind = index - snapshot.index
    return log[behind - 1].term if behind else snapshot.term


def last_change(snapshot: Snapshot, log: tuple[Entry, ...], up_to: int) -> int:
    """The log index of the last configuration that the log holds up to an index; 0 if it holds none there."""
    for behind in range(min(up_to - snapshot.index, len(log)), 0, -1):
        if isinstance(log[behind - 1].value, Configuration):
            return snapshot.index + behind
    return 0


def in_force(snapshot: Snapshot, log: tuple[Entry, ...], up_to: int) -> Configuration:
    """The configuration after the entry at an index: the last one until there (paper, section 6)."""
    change = last_change(snapshot, log, up_to)
    value = log[change - snapshot.index - 1].value if change else None
    return value if isinstance(value, Configuration) else snapshot.configuration


def first_index_of(term: int, snapshot: Snapshot, log: tuple[Entry, ...]) -> int:
    """The first log index behind the snapshot whose term is at least `term`.

    One behind the end if there is none.

    Terms in a log never decrease, so that halving finds it.
    """
    low, high = 0, len(log)
    while low < high:
        middle = (low + high) // 2
        if log[middle].term < term:
            low = middle + 1
        else:
            high = middle
    return snapshot.index + low + 1


def last_index_of(term: int, snapshot: Snapshot, log: tuple[Entry, ...]) -> int | None:
    """The last log index behind the snapshot with this term; None if there is none."""
    behind = first_index_of(term + 1, snapshot, log) - 1 - snapshot.index
    return snapshot.index + behind if behind and log[behind - 1].term == term else None
