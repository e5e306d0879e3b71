"""Requests of a Raft server to its host, to be carried out in order."""

from collections.abc import Hashable
from typing import TypeAlias

import attrs

from impl.common import Refused
from impl.raft.messages import Message
from impl.raft.state import Durable

__all__ = [
    "Apply",
    "BecameLeader",
    "Effect",
    "Persist",
    "ReadFailed",
    "ReadReady",
    "ResetElectionTimer",
    "Restore",
    "Send",
    "SteppedDown",
    "Write",
]


@attrs.frozen
class Persist:
    """Write this to stable storage, and all that `Write` asked for before, ahead of any later effect."""

    durable: Durable


@attrs.frozen
class Write:
    """Begin to write this to stable storage, and go on (thesis, 10.2.1).

    Only a leader with `async_disk` asks for it, when it appended to its log. Answer with `DiskSynced`
    when it is there. A crash before that may leave any prefix of what was appended.
    """

    durable: Durable


@attrs.frozen
class Send:
    """Hand this message to the network; it may be lost."""

    message: Message


@attrs.frozen
class ResetElectionTimer:
    """Start the election timer anew, with a fresh random duration (paper, 5.2).

    Requested by a server that starts an election, grants a vote, or hears the leader of its term; and by one
    whose timer fired in vain, because it is no voter or stays with its leader.
    """


@attrs.frozen
class BecameLeader:
    """This server leads `term` from now on: begin to send AppendEntries to all other members."""

    term: int


@attrs.frozen
class SteppedDown:
    """This server led `term` and leads no more: stop the leader's timers, start the election timer."""

    term: int


@attrs.frozen
class Restore:
    """A snapshot arrived: replace the state machine by `state`, which is that after log index `index`."""

    index: int
    state: Hashable


@attrs.frozen
class Apply:
    """The value at log index `index` is committed: apply it to the state machine.

    Indices come in order and without gaps, but for those that a `Restore` stands for. After a crash
    they come again from the snapshot's end, for the state machine was lost as well. No-ops and
    configurations are applied too, so that a host can count.
    """

    index: int
    value: Hashable


@attrs.frozen
class ReadReady:
    """The read may be answered from the state machine, as soon as that has applied log index `index`."""

    read: Hashable
    index: int


@attrs.frozen
class ReadFailed:
    """The read was not answered while this server led: ask the leader again."""

    read: Hashable


Effect: TypeAlias = (
    Persist
    | Write
    | Send
    | ResetElectionTimer
    | BecameLeader
    | SteppedDown
    | Restore
    | Apply
    | ReadReady
    | ReadFailed
    | Refused
)
