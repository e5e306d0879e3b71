"""The answers of the machine."""

import enum
from typing import TypeAlias

import attrs

__all__ = ["Answer", "Applied", "Reason", "Refused", "Registered"]


class Reason(enum.Enum):
    """Why a command was refused. The values are those in snapshots: they never change."""

    #: It is no command, or a field of it has a value that it cannot have.
    MALFORMED = 1
    #: There is a case of this name.
    CASE_EXISTS = 2
    #: There is no case of this name.
    NO_SUCH_CASE = 3
    #: A case in its state does not go to that one.
    ILLEGAL_TRANSITION = 4
    #: The policy is in force in this version, or a later one.
    OLD_POLICY = 5
    #: There is an overlay of this name.
    OVERLAY_EXISTS = 6
    #: The overlay is not built on the latest one.
    OTHER_BASE = 7
    #: The record has another version than the one before this.
    OTHER_VERSION = 8
    #: The client never registered, or its session was closed to make room.
    NO_SESSION = 9
    #: A late copy: the client has sent a later request since.
    ALREADY_ANSWERED = 10
    #: A request before this one has not come yet.
    OUT_OF_ORDER = 11


@attrs.frozen
class Applied:
    """The operation was carried out."""


@attrs.frozen
class Registered:
    """A session is open. `client` is the client's id: no other has it, ever."""

    client: int


@attrs.frozen
class Refused:
    """The operation was rejected, and changed nothing.

    Attributes:
        reason: why, for programs.
        explanation: why, for people, with the values concerned and what to do.
    """

    reason: Reason
    explanation: str


Answer: TypeAlias = Applied | Registered | Refused
