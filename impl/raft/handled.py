"""The result of one part of the core, from which `core.step` makes the effects of the step."""

from typing import Final, NamedTuple

from impl.common import Refused
from impl.raft.effects import BecameLeader, ReadReady, ResetElectionTimer, Send
from impl.raft.inputs import Input
from impl.raft.state import Node

__all__ = ["DOES_NOT_LEAD", "TERM_IS_NEW", "Handled", "refusal"]

#: Why a server refuses that is no leader.
DOES_NOT_LEAD: Final = "this server does not lead"
#: Why a leader refuses that has not committed in its term.
TERM_IS_NEW: Final = "this leader has not committed an entry of its own term yet: ask again soon"


class Handled(NamedTuple):
    """The server after an input, and what `core.step` cannot tell from the server before and after.

    Attributes:
        node: the server after it.
        effects: messages, the timer, and whether it was elected; after what is made durable.
        answers: reads to be answered and what is refused; after what is applied.
    """

    node: Node
    effects: tuple[Send | ResetElectionTimer | BecameLeader, ...] = ()
    answers: tuple[ReadReady | Refused, ...] = ()


def refusal(node: Node, request: Input, reason: str) -> Handled:
    """The unchanged server, and the rejection reason for the requester."""
    return Handled(node, answers=(Refused(request, reason),))
