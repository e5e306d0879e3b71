"""One step of a replica of the hybrid.

Pure and total: malformed input is `Refused`, and nothing is raised.
"""

from typing import Any, Final, assert_never

import attrs

from impl import guard, raft, threat
from impl.common.encoding import kind_of
from impl.common.requests import Request
from impl.guard import Evidence
from impl.hybrid import epochs, suspicion, switches
from impl.hybrid.answers import aged
from impl.hybrid.clients import receive_request
from impl.hybrid.configuration import Config
from impl.hybrid.control import ControlState
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
from impl.hybrid.log_prefix import digests_of
from impl.hybrid.messages import (
    AbortHistory,
    Envelope,
    Equivocation,
    QuorumCertificate,
    Score,
    SwitchbackVote,
    Vote,
)
from impl.hybrid.results import Result, StepResult
from impl.hybrid.rules import may_lock, qc_rejection
from impl.hybrid.shapes import SHAPES
from impl.hybrid.signing import is_signed
from impl.hybrid.state import Durable, Node, RaftEpoch
from impl.threat import Suspicion

__all__ = ["first_start", "recover", "step"]

#: Terms from here on are rejected: a Byzantine replica may claim any term, and a correct one must be able to
#: increment it.
_TERM_END: Final = 1 << 61
_LISTENS_TO_NOBODY: Final = "there is proof against its sender, which is ignored"


def first_start(config: Config) -> Node:
    """A replica that starts for the first time, in Raft epoch 0.

    Its host persists `durable` before the replica takes a step; later starts use `recover`.
    """
    replica, server = config.bft.first_start(), raft.first_start(config.raft)
    control = ControlState.from_value(config.bft.state(replica.durable).value)
    return Node(
        config=config,
        bft=replica,
        committed=control,
        speculative=control,
        raft_epoch=RaftEpoch(epoch=control.epoch, base=control, raft=server.durable),
        raft=server,
        threat=threat.first_start(config.threat),
        guard=guard.first_start(config.bft.config),
    )


def recover(config: Config, durable: Durable) -> Node:
    """The replica as it recovers from a crash.

    Give it `Retransmit` first, and start its timers: the election timer in a Raft epoch that it has not
    aborted (`node.serving`), the view timer if `config.bft.is_waiting(node.bft)`.
    """
    committed = ControlState.from_value(config.bft.state(durable.bft).value)
    epoch = durable.raft_epoch
    node = Node(
        config=config,
        bft=config.bft.recover(durable.bft),
        committed=committed,
        speculative=committed,
        raft_epoch=epoch,
        raft=None,
        threat=threat.recover(config.threat, durable.threat),
        guard=attrs.evolve(durable.guard, config=config.bft.config),
    )
    if epoch is None:
        return node
    return attrs.evolve(
        node,
        speculative=epoch.base.extended(config.service, epoch.prefix),
        raft=raft.recover(config.raft, epoch.raft),
        digests=digests_of(epoch.epoch, epoch.raft.log, (), ()),
        aborts={node.name: AbortHistory(epoch.abort, epoch.prefix)} if epoch.abort is not None else {},
    )


def step(node: Node, inp: Input) -> tuple[Node, tuple[Effect, ...]]:
    """One step of a replica.

    Args:
        node: the replica before the step.
        inp: what happened.

    Returns:
        The replica after the step, and what the host must do, in order: `Persist` first.
    """
    result = _handled(node, inp).then(switches.consider, inp)
    after, effects = result
    if _forgets(node, after):
        effects = (Persist(after.durable), *effects)
    return after, effects


def _forgets(before: Node, after: Node) -> bool:
    """Return whether the durable state changed."""
    return (
        before.bft.durable is not after.bft.durable
        or before.raft_epoch is not after.raft_epoch
        or before.threat.durable is not after.threat.durable
        or before.guard is not after.guard
    )


def _handled(node: Node, inp: Input) -> Result:
    match inp:
        case Receive(message=message):
            return _receive(node, inp, message)
        case ViewTimeout():
            return switches.ordered(node, inp, inp)
        case ElectionTimeout():
            return epochs.raft_step(node, raft.Timeout())
        case Heartbeat():
            return epochs.heartbeat(node)
        case Retransmit():
            result = switches.ordered(node, inp, inp)
            return result.then(switches.retransmit, inp).then(_relay)
        case Tick():
            return suspicion.ticked(aged(node)).then(switches.cool_down, inp)
        case _:
            assert_never(inp)


def _relay(node: Node) -> Result:
    """Relay the waiting requests to the leader, which may not have received them.

    The leader of a Raft epoch relays nothing.
    """
    if node.serving is None or node.is_leader:
        return StepResult(node)
    return StepResult(node, tuple(Send(each.request) for each in node.waiting.values()))


# --- messages ------------------------------------------------------------------------------------


def _receive(node: Node, inp: Receive, message: Any) -> Result:
    """Validate a message from any sender, then dispatch it."""
    kind = type(message)
    if type(kind) is type and kind is Request:
        return receive_request(node, message, inp, inp.sender)
    if type(kind) is type and kind is Evidence:
        return suspicion.reported(node, message, inp.sender)
    if type(kind) is type and kind in node.config.bft.messages:
        if not guard.is_heard(node.guard, message):
            return StepResult(node, (Refused(inp, _LISTENS_TO_NOBODY),))
        return switches.ordered(node, inp, inp, inp.sender)
    if type(kind) is not type or kind not in SHAPES.messages:
        said = StepResult(node, (Refused(inp, f"a {kind_of(message)} is no message"),))
        return said.then(suspicion.suspected, Suspicion.REFUSED)
    if rejection := SHAPES.rejection(node.config, message):
        said = StepResult(node, (Refused(inp, rejection),))
        return said.then(suspicion.suspected, Suspicion.REFUSED)
    return _taken(node, inp, message)


def _taken(node: Node, inp: Receive, message: Any) -> Result:
    """Handle a well-formed message of the hybrid."""
    signed_by = message.abort if type(message) is AbortHistory else message
    epoch = getattr(signed_by, "epoch", node.epoch)
    if epoch != node.epoch:
        return StepResult(node, (Refused(inp, f"it is of epoch {epoch}, not {node.epoch}"),))
    if type(message) is QuorumCertificate:
        return _receive_qc(node, inp, message)
    if type(message) is Equivocation:
        return suspicion.receive_equivocation(node, message)
    if signed_by.source == node.name:
        return StepResult(node, (Refused(inp, "it comes from this replica"),))
    if not is_signed(signed_by, node.config.keys):
        said = StepResult(node, (Refused(inp, f"it has not the signature of {signed_by.source!r}"),))
        return said.then(suspicion.suspected, Suspicion.SIGNATURE)
    match message:
        case Envelope():
            return _receive_envelope(node, inp, message)
        case Vote():
            return suspicion.compared(node, message).then(epochs.receive_vote, message)
        case AbortHistory():
            if rejection := switches.abort_rejection(node, message):
                said = StepResult(node, (Refused(inp, rejection),))
                return said.then(suspicion.suspected, Suspicion.REFUSED)
            return switches.receive_abort(node, message, inp)
        case SwitchbackVote():
            return switches.receive_switchback(node, message, inp)
        case Score():
            return suspicion.receive_score(node, message)
        case _:
            return StepResult(node)


def _receive_envelope(node: Node, inp: Receive, envelope: Envelope) -> Result:
    """Handle a message of Raft.

    Its source must be that of the envelope, and its destination this replica.
    """
    message = envelope.message
    if message.source != envelope.source or message.dest != node.name:
        said = StepResult(
            node, (Refused(inp, f"{envelope.source!r} sends a message of another source or destination"),)
        )
        return said.then(suspicion.suspected, Suspicion.REFUSED)
    if message.term >= _TERM_END:
        return StepResult(node, (Refused(inp, f"term {message.term} is too far"),))
    if isinstance(message, raft.AppendEntriesRequest):
        if node.is_leader and node.raft is not None and message.term == node.raft.durable.current_term:
            return StepResult(node, (Refused(inp, f"it leads term {message.term} itself"),))
        end = message.prev_log_index + len(message.entries)
        if end > node.config.log_max:
            return StepResult(node, (Refused(inp, f"{end} entries are more than {node.config.log_max}"),))
    return epochs.raft_step(node, raft.Receive(message))


def _receive_qc(node: Node, inp: Receive, qc: QuorumCertificate) -> Result:
    """Handle a QC, which proves itself, from any sender."""
    epoch, config = node.serving, node.config
    if epoch is None or not may_lock(epoch.last_vote, epoch.locked, qc):
        return StepResult(node, (Refused(inp, "it is too old to be locked"),))
    if rejection := qc_rejection(qc, node.epoch, config.replicas, config.f, config.keys):
        said = StepResult(node, (Refused(inp, rejection),))
        return said.then(suspicion.suspected, Suspicion.REFUSED)
    result: Result = StepResult(node)
    for vote in qc.votes:
        result = result.then(suspicion.compared, vote)
    return result.then(epochs.receive_qc, qc)
