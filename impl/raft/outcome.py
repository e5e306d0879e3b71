"""The result of handling one input."""

from typing import Final, NamedTuple

from impl.raft.effects import BecameLeader, ReadReady, Refused, ResetElectionTimer, Send
from impl.raft.inputs import Input
from impl.raft.state import Node

__all__ = ["DOES_NOT_LEAD", "TERM_IS_NEW", "Outcome", "refusal"]

#: Why a server refuses that is no leader.
DOES_NOT_LEAD: Final = "this server does not lead"
#: Why a leader refuses that has not committed in its term.
TERM_IS_NEW: Final = "this leader has not committed an entry of its own term yet: ask again soon"


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


def refusal(node: Node, request: Input, reason: str) -> Outcome:
    """The server as it was, and the reason for whoever asked."""
    return Outcome(node, answers=(Refused(request, reason),))
