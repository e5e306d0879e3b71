"""What the handling of one input comes to."""

from typing import NamedTuple

from impl.raft.effects import BecameLeader, ReadReady, Refused, ResetElectionTimer, Send
from impl.raft.state import Node

__all__ = ["Outcome"]


class Outcome(NamedTuple):
    """The server after an input, and what `core.step` cannot tell from the server before and after.

    Attributes:
        node: the server after it.
        effects: messages, the timer, and whether it was elected; after what is made durable.
        answers: reads to be answered and what is refused; after what is applied.
    """

    node: Node
    effects: tuple[Send | ResetElectionTimer | BecameLeader, ...] = ()
    answers: tuple[ReadReady | Refused, ...] = ()
