"""PBFT beside all epochs: its steps, what it proposes, and what it means for the epoch that the book says another one."""

from typing import Final

import attrs

from impl import pbft
from impl.common.encoding import Value
from impl.common.identities import NodeId
from impl.hybrid.book import Book
from impl.hybrid.effects import Effect, Refused, ResetViewTimer, Send, StopViewTimer
from impl.hybrid.inputs import Input
from impl.hybrid.outcome import Outcome
from impl.hybrid.state import Node
from impl.hybrid.suspicion import noticed

__all__ = ["ask", "pbft_step"]

#: Refusals that say nothing of anybody: retransmission and slow replicas look like that.
_COMMON: Final = frozenset({pbft.Why.REPEATED, pbft.Why.USELESS, pbft.Why.OLD_VIEW, pbft.Why.OUTSIDE_WINDOW})


def pbft_step(node: Node, inp: pbft.Input, about: Input, sender: NodeId | None = None) -> Outcome:
    """A step of PBFT, and of its primary's host: it proposes what waits when nothing of its own is under way.

    The caller looks at whether the book says another epoch then: `impl.hybrid.switches.follow`.

    Args:
        node: before the step.
        inp: what PBFT is told.
        about: what this replica was told.
        sender: who handed it over.
    """
    replica, done = pbft.step(node.pbft, inp)
    outcome = _carried_out(attrs.evolve(node, pbft=replica), done, about, sender)
    batch = _proposable(replica)
    if batch:
        replica, done = pbft.step(replica, pbft.Propose(batch))
        proposing = attrs.evolve(outcome.node, pbft=replica)
        outcome = Outcome(proposing, outcome.effects).then(_carried_out, done, about, sender)
    if outcome.node.pbft.durable.state.value is not node.pbft.durable.state.value:
        agreed = Book.from_value(outcome.node.pbft.durable.state.value)
        outcome = Outcome(attrs.evolve(outcome.node, agreed=agreed), outcome.effects)
    return outcome


def _carried_out(node: Node, done: tuple[pbft.Effect, ...], about: Input, sender: NodeId | None) -> Outcome:
    outcome = Outcome(node)
    for effect in done:
        effects: tuple[Effect, ...] = ()
        match effect:
            case pbft.Send(message=pbft.Reply(client=client)) if client in node.config.replicas:
                pass  # a replica that asked for a switch sees in the book what came of it
            case pbft.Send(message=message, to=to):
                effects = (Send(message, to),)
            case pbft.ResetTimer(patience=patience):
                effects = (ResetViewTimer(patience),)
            case pbft.StopTimer():
                effects = (StopViewTimer(),)
            case pbft.Refused(why=why, reason=reason):
                effects = (Refused(about, reason, effect),)
                if why not in _COMMON:
                    outcome = outcome.then(noticed, effect, sender)
            case pbft.Diverged(seq=seq):
                effects = (
                    Refused(about, f"a quorum has another state at {seq}: take this replica out", effect),
                )
            case _:
                pass
        outcome = outcome.saying(*effects)
    return outcome


def _proposable(replica: pbft.Node) -> pbft.Batch:
    """The batch that the primary proposes now: what waits, as soon as what it proposed before is executed."""
    durable = replica.durable
    if not replica.waiting or durable.changing or not replica.is_primary:
        return ()
    if max(durable.accepted, default=0) > durable.executed:
        return ()
    return tuple(replica.waiting.values())[: replica.config.batch_max]


def ask(node: Node, operation: Value, about: Input) -> Outcome:
    """This replica asks the book for something, unless what it asked for before still waits."""
    if node.name in node.pbft.waiting:
        return Outcome(node)
    last = node.pbft.durable.state.last_answer(node.name)
    timestamp = last.timestamp + 1 if last is not None else 1
    request = pbft.Request(client=node.name, timestamp=timestamp, operation=operation)
    return pbft_step(node, pbft.Receive(pbft.signed(request, node.config.keys)), about)
