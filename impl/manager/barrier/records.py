"""Records of owners, decisions of Raft, and what the log knows of an owner."""

from collections.abc import Hashable
from typing import Final, NamedTuple, TypeAlias

import attrs

from impl.common.identities import NodeId

__all__ = ["UNKNOWN", "Decision", "Entry", "Fence", "Known", "Record"]


@attrs.frozen
class Record:
    """The state of an owner, as gossip spreads it.

    Attributes:
        generation: the owner's life; 0 if nothing is known of it.
        version: its write in this life; 0 before the first.
        index: how many decisions it had applied, on which this rests.
        value: what it wrote.
    """

    generation: int = 0
    version: int = 0
    index: int = 0
    value: Hashable = None


class Known(NamedTuple):
    """The last decision about an owner: the version that it read, and the value."""

    generation: int = 0
    version: int = 0
    value: Hashable = None


#: Of an owner of which nothing was decided.
UNKNOWN: Final = Known()


@attrs.frozen
class Fence:
    """A decision that makes all records older that rest on less."""


@attrs.frozen
class Decision:
    """A decision that was drawn from a record.

    Attributes:
        owner: of the record.
        generation: the version that was read.
        version: likewise.
        value: what was read there.
    """

    owner: NodeId
    generation: int
    version: int
    value: Hashable = None


#: An entry of Raft's log.
Entry: TypeAlias = Fence | Decision
