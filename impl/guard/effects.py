"""Requests of a guard to its host, to be carried out in order."""

from typing import TypeAlias

import attrs

from impl.common.identities import NodeId
from impl.guard.evidence import Evidence
from impl.guard.trail import Entry

__all__ = ["Alarm", "Append", "Effect", "Gossip", "Ignored", "Quarantined", "Released"]


@attrs.frozen
class Append:
    """Write this behind the audit trail, before any later effect."""

    entry: Entry


@attrs.frozen
class Gossip:
    """Keep this proof, which `resume` needs after a crash, before any later effect; and send it to all other replicas.

    It convinces them as well, whatever they think of this one.
    """

    evidence: Evidence


@attrs.frozen
class Quarantined:
    """From here on `is_heard` says no to this replica.

    If it is the primary, the host may let the timer fire at once. If it is the guard's own replica, take that out of
    service: its key was stolen, or its disk forgot what it said.
    """

    replica: NodeId


@attrs.frozen
class Released:
    """This replica is heard again."""

    replica: NodeId


@attrs.frozen
class Alarm:
    """More than f replicas are proved faulty: agreement can no longer be promised. Stop, and call an operator.

    Attributes:
        proved: all against whom there is proof, in the order in which it came; the first f of them are quarantined.
    """

    proved: tuple[NodeId, ...]


@attrs.frozen
class Ignored:
    """An input made no sense, and the guard is as it was.

    Attributes:
        input: what it was.
        reason: what is wrong with it, for a human.
    """

    input: object
    reason: str


Effect: TypeAlias = Append | Gossip | Quarantined | Released | Alarm | Ignored
