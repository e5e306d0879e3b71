"""Levels of threat, and the protocol that suffices for each."""

import enum
from typing import Final

__all__ = ["BFT", "RAFT", "Level", "protocol"]

#: The names of the two protocols.
RAFT: Final = "raft"
BFT: Final = "bft"


class Level(enum.IntEnum):
    """The degrees of a threat. They have an order, and are numbered without gaps."""

    NONE = 0
    LOW = 1
    MEDIUM = 2
    HIGH = 3
    CRITICAL = 4


def protocol(level: Level) -> str:
    """The protocol that a level asks for: `RAFT` up to Medium, `BFT` from High on."""
    return BFT if level >= Level.HIGH else RAFT
