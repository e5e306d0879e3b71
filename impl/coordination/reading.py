"""Reading an agent's record from gossip, behind the barrier."""

from typing import Any

import attrs

from impl import gossip
from impl.common.encoding import Value
from impl.common.identities import NodeId
from impl.manager import barrier
from impl.manager.barrier import rules

__all__ = ["Reading", "View", "read", "stamped"]


@attrs.frozen
class Reading:
    """The state of an agent as a coordinator may tell it.

    Attributes:
        value: of its record.
        missing: why there is none; empty if there is one.
    """

    value: Value = None
    missing: str = ""


@attrs.frozen
class View:
    """The knowledge of a coordinator at a moment.

    Attributes:
        gossip: its node of gossip.
        barrier: its node of the barrier: what it has applied, and the last fence.
    """

    gossip: gossip.Node
    barrier: barrier.Node


def stamped(index: int, value: Value) -> tuple[int, Value]:
    """A value as an agent gossips it: with the index of the last decision that the agent had applied."""
    return index, value


def read(view: View, agent: NodeId, key: str) -> Reading:
    """Read a record of an agent.

    Returns:
        Its value, if the agent is not held for dead and the barrier's rules let the coordinator act on the
        record; else the reason why not.
    """
    standing = gossip.standing(view.gossip, agent)
    if standing in (gossip.Standing.UNKNOWN, gossip.Standing.DEAD, gossip.Standing.FORGOTTEN):
        return Reading(missing=f"the agent is {standing.value}")
    copy = view.gossip.holdings.get(agent)
    record = copy.records.get(key)
    if record is None or record.is_tombstone:
        return Reading(missing=f"the agent has nothing under {key!r}")
    content: Any = record.value
    if not _is_stamped(content):
        return Reading(missing=f"the record under {key!r} carries no index")
    index, value = content
    found = barrier.Record(copy.generation, record.version, index, value)
    if not rules.is_ready(view.barrier):
        return Reading(missing="the coordinator has just come back, and is behind Raft")
    if not rules.has_applied(view.barrier, found):
        return Reading(
            missing=f"the record rests on decision {index}, and {view.barrier.applied} are applied"
        )
    if not rules.is_fresh(view.barrier, found):
        return Reading(
            missing=f"the record rests on decision {index}, before the fence at {view.barrier.fence}"
        )
    return Reading(value)


def _is_stamped(value: Any) -> bool:
    return type(value) is tuple and len(value) == 2 and type(value[0]) is int and value[0] >= 0
