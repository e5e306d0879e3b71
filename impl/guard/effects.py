"""Requests of a guard to its host, to be carried out in order."""

from typing import TypeAlias

import attrs

from impl.common.identities import NodeId
from impl.common.results import Refused
from impl.guard.evidence import Evidence
from impl.guard.trail import Entry

__all__ = ["Alarm", "Append", "Effect", "Gossip", "Quarantined", "Released"]


@attrs.frozen
class Append:
    """Append this to the audit trail before any later effect."""

    entry: Entry


@attrs.frozen
class Gossip:
    """Persist this proof before any later effect, and send it to all other replicas.

    `recover` needs it after a crash.

    The proof convinces them as well, whatever they think of this guard.
    """

    evidence: Evidence


@attrs.frozen
class Quarantined:
    """From here on `is_heard` says no to this replica.

    If it is the primary, the host may let the timer fire at once. If it is the guard's own replica, take that
    out of service: its key was stolen, or its disk forgot what it said.
    """

    replica: NodeId


@attrs.frozen
class Released:
    """This replica is heard again."""

    replica: NodeId


@attrs.frozen
class Alarm:
    """Report that more than f replicas are proved faulty. Stop, and call an operator.

    Agreement can no longer be promised.

    Attributes:
        proved: all against whom there is proof, in the order in which it came; the first f of them are
            quarantined.
    """

    proved: tuple[NodeId, ...]


Effect: TypeAlias = Append | Gossip | Quarantined | Released | Alarm | Refused
