"""The pacemaker: time-outs, and the synchronization of views (Diem, 3.3).

A replica enters a view by a certificate of the one before, of votes or of time-outs. There is one other way:
f + 1 time-outs of its view or later ones, at least one of them from a correct replica, take it there. So no
liar can draw it to a far view. Its timer doubles with each view that time-outs ended, and a commit resets it.
"""

import attrs

from impl.hotstuff import rules
from impl.hotstuff.effects import Effect, Entered, Joined, ResetTimer, Send, StopTimer, TimedOut
from impl.hotstuff.messages import Timeout, TimeoutCertificate
from impl.hotstuff.proofs import sign_timeout, timed_out
from impl.hotstuff.results import Result, StepResult
from impl.hotstuff.state import Node
from impl.hotstuff.tree import ancestors

__all__ = ["carries_on", "entered_by", "heard_timeout", "is_waiting", "timer_fired", "with_timer"]


def timer_fired(node: Node) -> Result:
    """Give up a view that takes too long and tell all, or tell all again."""
    if node.durable.timed >= node.view:
        again = node.durable.timeout
        effects: tuple[Effect, ...] = () if again is None else (Send(again), ResetTimer(node.multiplier))
        return StepResult(node, effects)
    return _gives_up(node, node.view, TimedOut(node.view))


def _gives_up(node: Node, view: int, news: Effect) -> Result:
    durable = node.durable
    timeout = sign_timeout(node.config, view, durable.high, durable.vote)
    durable = attrs.evolve(durable, timed=view, timeout=timeout)
    futile = node.futile + (view > node.view)
    return StepResult(attrs.evolve(node, durable=durable, view=view, futile=futile), (news, Send(timeout)))


def heard_timeout(node: Node, timeout: Timeout) -> Result:
    """Count a time-out: a quorum ends the view, and f + 1 make this replica join."""
    before = node.timeouts.get(timeout.source)
    if before is not None and before.view >= timeout.view:
        return StepResult(node)
    node = attrs.evolve(node, timeouts={**node.timeouts, timeout.source: timeout})
    same = {source: each for source, each in node.timeouts.items() if each.view == timeout.view}
    if len(same) >= rules.timeouts_needed(node.config) and timeout.view >= node.view:
        return entered_by(node, timed_out(node.config, same))
    return _joining(node)


def _joining(node: Node) -> Result:
    view = rules.view_to_join(node.config, node.timeouts, node.name)
    if view < node.view or view <= node.durable.timed:
        return StepResult(node)
    return _gives_up(node, view, Joined(view))


def entered_by(node: Node, certificate: TimeoutCertificate) -> Result:
    """Enter the next view by a time-out certificate."""
    view = certificate.view + 1
    durable = node.durable
    known = durable.entry
    if view == node.view and (known is None or known.view < certificate.view):
        return StepResult(attrs.evolve(node, durable=attrs.evolve(durable, entry=certificate)))
    if view <= node.view:
        return StepResult(node)
    durable = attrs.evolve(durable, entry=certificate)
    node = attrs.evolve(node, durable=durable, view=view, futile=node.futile + 1)
    return StepResult(node, (Entered(view),))


# --- the timer ------------------------------------------------------------------------------------


def is_waiting(node: Node) -> bool:
    """Return whether anything is to be ordered or is being ordered; otherwise no view need end.

    A time-out of its view counts as well: others wait for something. So does a highest certificate that
    commits nothing: a fork may have hidden one that did, so that others have not committed what this one has.
    """
    if node.waiting or node.wanted is not None:
        return True
    if node.durable.high.view and rules.commit_for(node.durable, node.durable.high.block) is None:
        return True
    if node.durable.timed >= node.view or any(each.view >= node.view for each in node.timeouts.values()):
        return True
    for name, block in ancestors(node.durable, node.durable.high.block):
        if name == node.durable.committed:
            break
        if block.batch:
            return True
    return any(block.batch and block.view > node.durable.high.view for block in node.durable.blocks.values())


def carries_on(node: Node) -> bool:
    """Return whether a leader has something to propose: requests, or certificates that others wait for.

    The certificate that commits a block is known to the leader alone until it proposes once more.
    """
    last_three = zip(range(3), ancestors(node.durable, node.durable.high.block), strict=False)
    return is_waiting(node) or any(block.batch for _, (_, block) in last_three)


def with_timer(before: Node, result: Result) -> Result:
    """The result of a step with its timer effects: a new view restarts the timer."""
    node = result.state
    was, now = is_waiting(before), is_waiting(node)
    if now and (node.view != before.view or not was or node.durable.committed != before.durable.committed):
        return StepResult(node, (*result.effects, ResetTimer(node.multiplier)))
    if was and not now:
        return StepResult(node, (*result.effects, StopTimer()))
    return result
