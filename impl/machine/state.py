"""The machine at a log index: its content, its sessions, its limits. All of it is in a snapshot."""

import attrs

from impl.machine.answers import Applied, Refused
from impl.machine.operations import CaseState
from impl.machine.ordered import OrderedMap

__all__ = [
    "Case",
    "Content",
    "InvalidLimits",
    "Limits",
    "Overlay",
    "Policy",
    "Record",
    "Session",
    "State",
    "initial",
]


class InvalidLimits(ValueError):
    """A limit of the machine makes every operation impossible.

    Usual causes: a 0 that was meant as "no limit"; there is always one.
    """


@attrs.frozen(kw_only=True)
class Limits:
    """The limits of the machine. Part of the replicated state: all servers must have the same.

    Attributes:
        sessions_max: how many sessions are open at most, 1 or more.
        text_bytes_max: how long a text may be, in bytes of UTF-8, 1 to 2**32 - 1.

    Raises:
        InvalidLimits: if one of them is out of its range.
    """

    sessions_max: int = 1_024
    text_bytes_max: int = 1 << 20

    def __attrs_post_init__(self) -> None:
        if not 1 <= self.sessions_max < 1 << 32:
            raise InvalidLimits(
                f"sessions_max is {self.sessions_max}: without a session no request is taken, "
                "give 1 to 2**32 - 1"
            )
        if not 1 <= self.text_bytes_max < 1 << 32:
            raise InvalidLimits(
                f"text_bytes_max is {self.text_bytes_max}: names have 1 byte or more, give 1 to 2**32 - 1"
            )


@attrs.frozen
class Case:
    """A workflow case: its specification, where it stands, its data."""

    spec_id: str
    state: CaseState
    data: str


@attrs.frozen
class Policy:
    """A policy in force."""

    version: int
    data: str


@attrs.frozen
class Overlay:
    """A change of a specification; `base_id` is the one before it, empty for the first."""

    spec_id: str
    base_id: str
    data: str


@attrs.frozen
class Record:
    """The latest record of `Custom`."""

    version: int
    data: str


@attrs.frozen
class Content:
    """The content, which operations change.

    Attributes:
        cases: by case id.
        policies: by policy id.
        overlays: by overlay id.
        latest: the latest overlay of each specification that has one, by specification id.
        records: by name.
    """

    cases: OrderedMap[str, Case] = attrs.field(factory=OrderedMap)
    policies: OrderedMap[str, Policy] = attrs.field(factory=OrderedMap)
    overlays: OrderedMap[str, Overlay] = attrs.field(factory=OrderedMap)
    latest: OrderedMap[str, str] = attrs.field(factory=OrderedMap)
    records: OrderedMap[str, Record] = attrs.field(factory=OrderedMap)


@attrs.frozen
class Session:
    """The session of a client: what the machine remembers of it.

    Attributes:
        used: the log index at which it was last used.
        sequence: the number of the latest request that was answered; 0 before the first.
        answer: what that was answered; None before the first.
    """

    used: int
    sequence: int = 0
    answer: Applied | Refused | None = None


@attrs.frozen
class State:
    """The whole machine.

    Attributes:
        limits: what it holds at most; never changes.
        applied: how many log entries were applied, which is the log index of the last one. A host
            applies entry `applied + 1` next.
        content: what operations change.
        sessions: by client id.
    """

    limits: Limits
    applied: int = 0
    content: Content = Content()
    sessions: OrderedMap[int, Session] = attrs.field(factory=OrderedMap)


def initial(limits: Limits | None = None) -> State:
    """The machine before the first log entry."""
    return State(limits or Limits())
