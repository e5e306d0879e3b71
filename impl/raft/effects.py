"""What a Raft server asks of its host, to be carried out in order."""

from collections.abc import Hashable
from typing import TypeAlias

import attrs

from impl.raft.messages import Message
from impl.raft.state import Durable

__all__ = ["Apply", "BecameLeader", "Effect", "NotLeader", "Persist", "ResetElectionTimer", "Send"]


@attrs.frozen
class Persist:
    """Write this to stable storage before carrying out any later effect."""

    durable: Durable


@attrs.frozen
class Send:
    """Hand this message to the network; it may be lost."""

    message: Message


@attrs.frozen
class ResetElectionTimer:
    """Start the election timer anew, with a fresh random duration (paper, 5.2).

    Asked for by whoever starts an election, grants a vote, or hears the leader of its term.
    """


@attrs.frozen
class BecameLeader:
    """This server leads `term` from now on: begin to send AppendEntries to all peers."""

    term: int


@attrs.frozen
class Apply:
    """The value at log index `index` is committed: apply it to the state machine.

    Indices come in order and without gaps. After a crash they come again from 1, for the state
    machine was lost as well. No-ops are applied too, so that a host can count.
    """

    index: int
    value: Hashable


@attrs.frozen
class NotLeader:
    """The client's value was not taken: this server does not lead."""

    value: Hashable


Effect: TypeAlias = Persist | Send | ResetElectionTimer | BecameLeader | Apply | NotLeader
