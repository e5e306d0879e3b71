"""The protocols, their guarantees, and the tables of A2 and A102: which operation is for which protocol."""

import enum
from collections.abc import Hashable, Mapping
from typing import Final

import attrs

from impl.manager.errors import BadOperation

__all__ = [
    "DEFAULT",
    "GUARANTEES",
    "MESSAGES",
    "OPERATIONS",
    "Consistency",
    "EngineName",
    "Guarantee",
    "Operation",
    "is_stronger",
    "route",
]


class EngineName(enum.Enum):
    """The protocols."""

    PBFT = "PBFT"
    HOTSTUFF = "HotStuff"
    RAFT = "Raft"
    GOSSIP = "gossip"


class Consistency(enum.Enum):
    """The consistency in A102's terms: all see the same order, or all see everything eventually."""

    STRONG = "strong"
    EVENTUAL = "eventual"


@attrs.frozen
class Guarantee:
    """The promise of a protocol.

    Attributes:
        strength: greater is stronger; what holds with less holds with more.
        consistency: strong or eventual.
        tolerates: which faults, in words.
    """

    strength: int
    consistency: Consistency
    tolerates: str


#: What each protocol promises: A2's column Fault Tolerance, and A102's column Consistency. HotStuff is in
#: neither, and promises what PBFT does.
GUARANTEES: Final[Mapping[EngineName, Guarantee]] = {
    EngineName.GOSSIP: Guarantee(0, Consistency.EVENTUAL, "network partitions"),
    EngineName.RAFT: Guarantee(1, Consistency.STRONG, "crashes of f < n/2"),
    EngineName.PBFT: Guarantee(2, Consistency.STRONG, "Byzantine faults of f < n/3"),
    EngineName.HOTSTUFF: Guarantee(2, Consistency.STRONG, "Byzantine faults of f < n/3"),
}

#: A2, Protocol Selection Matrix, and the uses that its Decision and Use Case Analysis name.
OPERATIONS: Final[Mapping[str, EngineName]] = {
    "model update": EngineName.PBFT,
    "security decision": EngineName.PBFT,
    "leader election": EngineName.RAFT,
    "task coordination": EngineName.RAFT,
    "status update": EngineName.GOSSIP,
    "metrics": EngineName.GOSSIP,
}

#: A102, Message Types.
MESSAGES: Final[Mapping[str, EngineName]] = {
    "feature activation": EngineName.RAFT,
    "dependency check": EngineName.RAFT,
    "safe zone update": EngineName.RAFT,
    "Q-table sync": EngineName.GOSSIP,
    "health heartbeat": EngineName.GOSSIP,
    "pattern broadcast": EngineName.GOSSIP,
}

#: Where whatever is in neither table goes (A2, Integration Architecture: `else`).
DEFAULT: Final = EngineName.GOSSIP


def is_stronger(one: EngineName, other: EngineName) -> bool:
    """Return whether the guarantee of one protocol is stronger than that of another."""
    return GUARANTEES[one].strength > GUARANTEES[other].strength


# --- operations and where they go ---


@attrs.frozen
class Operation:
    """Something to be agreed on or to be spread.

    Attributes:
        type: what it is, by the tables of this module.
        data: what it says; hashable.

    Raises:
        BadOperation: the type is no text, or is empty, or the data cannot be hashed.
    """

    type: str
    data: Hashable = None

    def __attrs_post_init__(self) -> None:
        _check_type(self.type)
        try:
            frozenset((self.data,))
        except TypeError:
            raise BadOperation(
                f"the data of {self.type!r} is of {type(self.data).__name__}, which cannot be hashed: "
                "use a tuple for a list, a frozenset for a set"
            ) from None


def route(kind: str) -> EngineName:
    """The protocol that operations or messages of this type are for.

    Args:
        kind: the type, as the tables spell it, or any other.

    Returns:
        What the tables say; gossip for what they do not have.

    Raises:
        BadOperation: it is no text, or it is nearly what a table has.
    """
    _check_type(kind)
    if (name := _ROUTES.get(kind)) is not None:
        return name
    if (meant := _BY_SPELLING.get(_spelling(kind))) is not None:
        raise BadOperation(
            f"there is no type {kind!r}; write {meant!r}, which is for {_ROUTES[meant].value}. "
            f"As it is spelled it would go to {DEFAULT.value}"
        )
    return DEFAULT


_ROUTES: Final[Mapping[str, EngineName]] = {**OPERATIONS, **MESSAGES}


def _spelling(kind: str) -> str:
    """A type name normalized for comparison: no capitals, blanks, other signs or plural of A2's matrix."""
    return "".join(letter for letter in kind.casefold() if letter.isalnum()).removesuffix("s")


_BY_SPELLING: Final[Mapping[str, str]] = {_spelling(kind): kind for kind in _ROUTES}


def _check_type(kind: object) -> None:
    if not isinstance(kind, str) or not kind.strip():
        raise BadOperation(f"{kind!r} is no type of an operation: use a text such as 'model update'")
