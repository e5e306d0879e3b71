"""When the view-change timer runs, and for how long (paper, 4.4 and 4.5.2).

It runs while something waits to be executed; and while the view changes, from when a quorum wants the view
until it is entered. It is started anew by progress only: a view that is entered, or something that is executed.
No message by itself resets it, or a faulty primary could stay for ever by talking.
"""

import attrs

from impl.pbft.effects import ResetTimer, StopTimer
from impl.pbft.outcome import Outcome
from impl.pbft.state import Node
from impl.pbft.view_changes import wants_enough

__all__ = ["is_waiting", "with_timer"]


def is_waiting(node: Node) -> bool:
    """Return whether it is the primary's turn."""
    durable = node.durable
    if durable.changing:
        return wants_enough(node)
    return bool(node.waiting) or max(durable.accepted, default=0) > durable.executed


def with_timer(before: Node, outcome: Outcome) -> Outcome:
    """The result of a step, with what it means for the timer and for its patience."""
    node = outcome.node
    if node is before:
        return outcome
    old, new = before.durable, node.durable
    progressed = new.executed > old.executed
    if progressed and not new.changing and node.futile:
        node = attrs.evolve(node, futile=0)
    was, now = is_waiting(before), is_waiting(node)
    moved = progressed or new.view != old.view or new.changing != old.changing
    if now and (moved or not was):
        return Outcome(node, (*outcome.effects, ResetTimer(node.patience)))
    if was and not now:
        return Outcome(node, (*outcome.effects, StopTimer()))
    return Outcome(node, outcome.effects)
