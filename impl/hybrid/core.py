"""One step of a replica of the hybrid. Pure and total: what makes no sense is `Refused`, and nothing is raised."""

from typing import Any, Final, assert_never

import attrs

from impl import guard, pbft, raft, threat
from impl.common.encoding import kind_of
from impl.guard import Evidence
from impl.hybrid import epochs, suspicion, switches
from impl.hybrid.answers import aged
from impl.hybrid.book import Book
from impl.hybrid.chain import digests_of
from impl.hybrid.clients import receive_request
from impl.hybrid.configuration import Config
from impl.hybrid.effects import Effect, Persist, Refused, Send
from impl.hybrid.inputs import (
    ElectionTimeout,
    Heartbeat,
    Input,
    Receive,
    Retransmit,
    Tick,
    ViewTimeout,
)
from impl.hybrid.messages import Ack, Calm, Carried, Exposure, Score, Seal, Stopped
from impl.hybrid.outcome import Outcome
from impl.hybrid.rules import may_hold, seal_flaw
from impl.hybrid.shapes import MESSAGES, shape_complaint
from impl.hybrid.signing import is_signed
from impl.hybrid.state import Durable, Node, RaftEpoch
from impl.pbft.messages import Request
from impl.pbft.shapes import MESSAGES as PBFT_MESSAGES
from impl.threat import Suspicion

__all__ = ["first_start", "recover", "step"]

#: Terms from here on are not taken: a liar may claim any, and one that a correct replica counted on from would have no shape.
_TERM_END: Final = 1 << 61
_LISTENS_TO_NOBODY: Final = "there is proof against its sender, who is not heard"


def first_start(config: Config) -> Node:
    """A replica that starts for the first time, in Raft epoch 0.

    Its host makes `durable` safe before the replica takes a step; from then on it starts by `recover`.
    """
    replica, server = pbft.first_start(config.pbft), raft.first_start(config.raft)
    book = Book.from_value(replica.durable.state.value)
    return Node(
        config=config,
        pbft=replica,
        agreed=book,
        book=book,
        raft_epoch=RaftEpoch(epoch=book.epoch, opening=book, raft=server.durable),
        raft=server,
        threat=threat.first_start(config.threat),
        guard=guard.first_start(config.pbft),
    )


def recover(config: Config, durable: Durable) -> Node:
    """The replica as it comes back from a crash.

    Hand it `Retransmit` first, and start the timers that it needs: the election timer in a Raft epoch that it has not
    stopped (`node.serving`), the view timer if `impl.pbft.is_waiting(node.pbft)`.
    """
    agreed = Book.from_value(durable.pbft.state.value)
    epoch = durable.raft_epoch
    node = Node(
        config=config,
        pbft=pbft.recover(config.pbft, durable.pbft),
        agreed=agreed,
        book=agreed,
        raft_epoch=epoch,
        raft=None,
        threat=threat.recover(config.threat, durable.threat),
        guard=attrs.evolve(durable.guard, config=config.pbft),
    )
    if epoch is None:
        return node
    return attrs.evolve(
        node,
        book=epoch.opening.extended(config.service, epoch.chain),
        raft=raft.recover(config.raft, epoch.raft),
        digests=digests_of(epoch.epoch, epoch.raft.log, (), ()),
        stops={node.name: Stopped(epoch.stopped, epoch.chain)} if epoch.stopped is not None else {},
    )


def step(node: Node, inp: Input) -> tuple[Node, tuple[Effect, ...]]:
    """One step of a replica.

    Args:
        node: the replica before the step.
        inp: what happened.

    Returns:
        The replica after the step, and what the host must do, in order: `Persist` first.
    """
    outcome = _handled(node, inp).then(switches.consider, inp)
    after, effects = outcome
    if _forgets(node, after):
        effects = (Persist(after.durable), *effects)
    return after, effects


def _forgets(before: Node, after: Node) -> bool:
    """Return whether the disk does not hold what the replica must not forget."""
    return (
        before.pbft.durable is not after.pbft.durable
        or before.raft_epoch is not after.raft_epoch
        or before.threat.durable is not after.threat.durable
        or before.guard is not after.guard
    )


def _handled(node: Node, inp: Input) -> Outcome:
    match inp:
        case Receive(message=message):
            return _receive(node, inp, message)
        case ViewTimeout():
            return switches.ordered(node, pbft.Timeout(), inp)
        case ElectionTimeout():
            return epochs.raft_step(node, raft.Timeout())
        case Heartbeat():
            return epochs.heartbeat(node)
        case Retransmit():
            outcome = switches.ordered(node, pbft.Retransmit(), inp)
            return outcome.then(switches.urge, inp).then(_relay)
        case Tick():
            return suspicion.ticked(aged(node)).then(switches.dwell, inp)
        case _:
            assert_never(inp)


def _relay(node: Node) -> Outcome:
    """Tell the others which requests wait, unless it leads a Raft epoch: the leader may not have heard it."""
    if node.serving is None or node.is_leader:
        return Outcome(node)
    return Outcome(node, tuple(Send(each.request) for each in node.waiting.values()))


# --- messages ------------------------------------------------------------------------------------


def _receive(node: Node, inp: Receive, message: Any) -> Outcome:
    """A message, of whomever: it is looked at from all sides before anything is done with it."""
    kind = type(message)
    if type(kind) is type and kind is Request:
        return receive_request(node, message, inp, inp.sender)
    if type(kind) is type and kind is Evidence:
        return suspicion.reported(node, message, inp.sender)
    if type(kind) is type and kind in PBFT_MESSAGES:
        if not guard.is_heard(node.guard, message):
            return Outcome(node, (Refused(inp, _LISTENS_TO_NOBODY),))
        return switches.ordered(node, pbft.Receive(message), inp, inp.sender)
    if type(kind) is not type or kind not in MESSAGES:
        said = Outcome(node, (Refused(inp, f"a {kind_of(message)} is no message"),))
        return said.then(suspicion.suspected, Suspicion.REFUSED)
    if complaint := shape_complaint(node.config, message):
        said = Outcome(node, (Refused(inp, complaint),))
        return said.then(suspicion.suspected, Suspicion.REFUSED)
    return _taken(node, inp, message)


def _taken(node: Node, inp: Receive, message: Any) -> Outcome:
    """A message of the hybrid, of the right shape."""
    signed_by = message.stop if type(message) is Stopped else message
    epoch = getattr(signed_by, "epoch", node.epoch)
    if epoch != node.epoch:
        return Outcome(node, (Refused(inp, f"it is of epoch {epoch}, not {node.epoch}"),))
    if type(message) is Seal:
        return _receive_seal(node, inp, message)
    if type(message) is Exposure:
        return suspicion.exposed(node, message)
    if signed_by.source == node.name:
        return Outcome(node, (Refused(inp, "it comes from this replica"),))
    if not is_signed(signed_by, node.config.keys):
        said = Outcome(node, (Refused(inp, f"it has not the signature of {signed_by.source!r}"),))
        return said.then(suspicion.suspected, Suspicion.SIGNATURE)
    match message:
        case Carried():
            return _receive_carried(node, inp, message)
        case Ack():
            return suspicion.compared(node, message).then(epochs.receive_ack, message)
        case Stopped():
            if flaw := switches.stop_flaw(node, message):
                said = Outcome(node, (Refused(inp, flaw),))
                return said.then(suspicion.suspected, Suspicion.REFUSED)
            return switches.receive_stopped(node, message, inp)
        case Calm():
            return switches.receive_calm(node, message, inp)
        case Score():
            return suspicion.receive_score(node, message)
        case _:
            return Outcome(node)


def _receive_carried(node: Node, inp: Receive, carried: Carried) -> Outcome:
    """A message of Raft, which is of who carries it, and for this replica."""
    message = carried.message
    if message.source != carried.source or message.dest != node.name:
        said = Outcome(
            node, (Refused(inp, f"{carried.source!r} carries what is not its own, or not for here"),)
        )
        return said.then(suspicion.suspected, Suspicion.REFUSED)
    if message.term >= _TERM_END:
        return Outcome(node, (Refused(inp, f"term {message.term} is too far"),))
    if isinstance(message, raft.AppendEntriesRequest):
        if node.is_leader and node.raft is not None and message.term == node.raft.durable.current_term:
            return Outcome(node, (Refused(inp, f"it leads term {message.term} itself"),))
        end = message.prev_log_index + len(message.entries)
        if end > node.config.log_max:
            return Outcome(node, (Refused(inp, f"{end} entries are more than {node.config.log_max}"),))
    return epochs.raft_step(node, raft.Receive(message))


def _receive_seal(node: Node, inp: Receive, seal: Seal) -> Outcome:
    """A seal proves itself, whoever brings it."""
    epoch, config = node.serving, node.config
    if epoch is None or not may_hold(epoch.acked, epoch.held, seal):
        return Outcome(node, (Refused(inp, "it comes too late to be held"),))
    if flaw := seal_flaw(seal, node.epoch, config.replicas, config.f, config.keys):
        said = Outcome(node, (Refused(inp, flaw),))
        return said.then(suspicion.suspected, Suspicion.REFUSED)
    outcome = Outcome(node)
    for ack in seal.acks:
        outcome = outcome.then(suspicion.compared, ack)
    return outcome.then(epochs.receive_seal, seal)
