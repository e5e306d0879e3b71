"""The view-change timer: when it runs, and for how long (paper, 4.4 and 4.5.2).

It runs while a request waits to be executed, and during a view change from the time a quorum wants the view
until it is entered. Only progress restarts it: an entered view, or an execution. No message by itself resets
it, or a faulty primary could stay for ever by talking.
"""

import attrs

from impl.pbft.effects import ResetTimer, StopTimer
from impl.pbft.results import Result, StepResult
from impl.pbft.state import Node
from impl.pbft.view_changes import wants_enough

__all__ = ["is_waiting", "with_timer"]


def is_waiting(node: Node) -> bool:
    """Return whether it is the primary's turn."""
    durable = node.durable
    if durable.changing:
        return wants_enough(node)
    return bool(node.waiting) or max(durable.accepted, default=0) > durable.executed


def with_timer(before: Node, result: Result) -> Result:
    """The result of a step with its effects on the timer."""
    node = result.state
    if node is before:
        return result
    old, new = before.durable, node.durable
    progressed = new.executed > old.executed
    if progressed and not new.changing and node.futile:
        node = attrs.evolve(node, futile=0)
    was, now = is_waiting(before), is_waiting(node)
    moved = progressed or new.view != old.view or new.changing != old.changing
    if now and (moved or not was):
        return StepResult(node, (*result.effects, ResetTimer(node.multiplier)))
    if was and not now:
        return StepResult(node, (*result.effects, StopTimer()))
    return StepResult(node, result.effects)
