"""Requests of clients to the machine: five operations, and the two commands that carry them."""

import enum
from typing import TypeAlias

import attrs

__all__ = [
    "ApplyPolicy",
    "CaseState",
    "Command",
    "CreateCase",
    "Custom",
    "DeployOverlay",
    "Operation",
    "Register",
    "Request",
    "UpdateCaseState",
]


class CaseState(enum.Enum):
    """The stage of a workflow case. The values are those in snapshots: they never change."""

    CREATED = 1
    RUNNING = 2
    SUSPENDED = 3
    COMPLETED = 4
    FAILED = 5
    CANCELLED = 6


@attrs.frozen
class CreateCase:
    """Create a workflow case, in state `CREATED`.

    Attributes:
        case_id: its name, unique for ever: a case is never removed.
        spec_id: the workflow specification that it follows.
        data: its data, kept as it is.
    """

    case_id: str
    spec_id: str
    data: str = ""


@attrs.frozen
class UpdateCaseState:
    """Move a case to another state, by a step that `TRANSITIONS` has."""

    case_id: str
    state: CaseState


@attrs.frozen
class ApplyPolicy:
    """Put a governance policy in force, in place of its earlier version.

    Attributes:
        policy_id: its name.
        version: 1 or more, and above the version in force; versions may be left out.
        data: its rules, kept as they are.
    """

    policy_id: str
    version: int
    data: str = ""


@attrs.frozen
class DeployOverlay:
    """Deploy a change (ΔΣ) of a workflow specification, on top of those before.

    Attributes:
        overlay_id: its name, unique for ever.
        spec_id: the specification that it changes.
        base_id: the overlay that it is built on, the latest of its specification; empty for the first.
        data: the change, kept as it is.
    """

    overlay_id: str
    spec_id: str
    base_id: str = ""
    data: str = ""


@attrs.frozen
class Custom:
    """Write a record of one's own, in place of its earlier version.

    Attributes:
        name: the record's name.
        version: the version that this makes: 1 for a new record, one more for every write.
        data: what is written.
    """

    name: str
    version: int
    data: str = ""


Operation: TypeAlias = CreateCase | UpdateCaseState | ApplyPolicy | DeployOverlay | Custom


@attrs.frozen
class Register:
    """Open a session. The answer names the client."""


@attrs.frozen
class Request:
    """A client's request.

    Attributes:
        client: the client, as `Registered` named it.
        sequence: which request of the client this is: 1, 2, 3 ...; the same whenever it is sent again.
        operation: what to do.
    """

    client: int
    sequence: int
    operation: Operation


Command: TypeAlias = Register | Request
