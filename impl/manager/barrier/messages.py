"""The messages of nodes and coordinators.

| message   | says                                                 | is answered by                  |
|-----------|------------------------------------------------------|---------------------------------|
| `Ask`     | I am new in this life: how long is the log?          | `Welcome`, after a read of Raft |
| `Welcome` | so long, to that life                                |                                 |
| `Fetch`   | I have applied so much                               | `Update`, by who has applied more |
| `Update`  | what the log comes to, at this index                 |                                 |
| `Probe`   | a barrier waits for you to apply this                | `Ack`                           |
| `Ack`     | I have applied so much, in this life                 |                                 |
"""

from typing import Any, Final, TypeAlias

import attrs

from impl.common.identities import NodeId
from impl.common.shapes import Shapes, at_least
from impl.manager.barrier.records import Known

__all__ = ["Ack", "Ask", "Fetch", "Message", "Probe", "Update", "Welcome", "rejection"]


@attrs.frozen
class Ask:
    """The question of a node in this generation: how long is the log?"""

    generation: int


@attrs.frozen
class Welcome:
    """The length of the log at some time after a node of this generation asked."""

    generation: int
    index: int


@attrs.frozen
class Fetch:
    """The sender has applied so many decisions, and needs more."""

    index: int


@attrs.frozen
class Update:
    """The outcome of the decisions up to an index.

    Attributes:
        index: how many decisions.
        fence: the index of the last fence among them; 0 if there is none.
        known: owner -> what they know of it, in the order of names.
    """

    index: int
    fence: int
    known: tuple[tuple[NodeId, Known], ...]


@attrs.frozen
class Probe:
    """A barrier waits until the receiver has applied this."""

    index: int


@attrs.frozen
class Ack:
    """The sender has applied so many decisions, in this generation."""

    generation: int
    index: int


Message: TypeAlias = Ask | Welcome | Fetch | Update | Probe | Ack


def _table(_: Any, found: Any) -> str:
    """Names in order, each with something known."""
    if type(found) is not tuple:
        return "what is known is a tuple"
    for each in found:
        if (
            type(each) is not tuple
            or len(each) != 2
            or type(each[0]) is not str
            or type(each[1]) is not Known
        ):
            return "what is known is a tuple of names, each with what is known of it"
        if any(at_least(0)(None, number) for number in each[1][:2]):
            return "generations and versions are numbers from 0 on"
    names = [each[0] for each in found]
    return "" if names == sorted(set(names)) else "the names are not in order, each once"


_SHAPES: Final = Shapes[None]("a barrier")
_SHAPES.declare(
    {
        Ask: {"generation": at_least(1)},
        Welcome: {"generation": at_least(1), "index": at_least(0)},
        Fetch: {"index": at_least(0)},
        Update: {"index": at_least(0), "fence": at_least(0), "known": _table},
        Probe: {"index": at_least(0)},
        Ack: {"generation": at_least(1), "index": at_least(0)},
    },
    messages={Ask, Welcome, Fetch, Update, Probe, Ack},
)


def rejection(message: object) -> str:
    """The reason why this is no message; empty if it is one. Never raises."""
    return _SHAPES.rejection(None, message)
