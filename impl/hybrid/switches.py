"""Switches between epochs.

Aborts end a Raft epoch, switch-back votes start the next, and the committed state says which epoch it is.
"""

import attrs

from impl import raft
from impl.common.identities import NodeId
from impl.hybrid import rules
from impl.hybrid.answers import answer, is_done, without_done
from impl.hybrid.control import abort_value, switchback_value
from impl.hybrid.effects import (
    Effect,
    EpochAborted,
    EpochBegan,
    ResetElectionTimer,
    Send,
    StopElectionTimer,
)
from impl.hybrid.engines.log import Input as Ordered
from impl.hybrid.inputs import Input, Receive
from impl.hybrid.log_prefix import log_entry_value, prefix_digest
from impl.hybrid.messages import Abort, AbortHistory, Reason, SwitchbackVote
from impl.hybrid.ordering import ask, bft_step
from impl.hybrid.results import Result, StepResult
from impl.hybrid.signing import signed
from impl.hybrid.state import Node, RaftEpoch
from impl.threat import Level, level
from impl.threat.levels import RAFT

__all__ = [
    "abort",
    "abort_rejection",
    "consider",
    "cool_down",
    "ordered",
    "receive_abort",
    "receive_switchback",
    "retransmit",
]


# --- out of a Raft epoch -------------------------------------------------------------------------


def consider(node: Node, about: Input) -> Result:
    """Abort the Raft epoch if there is a reason: a threat, a stalled request, a long prefix, f + 1 others."""
    epoch = node.serving
    if epoch is None:
        return StepResult(node)
    if reason := _reason(node, epoch):
        return abort(node, reason, about)
    return StepResult(node)


def _reason(node: Node, epoch: RaftEpoch) -> Reason | None:
    if level(node.threat) >= Level.HIGH:
        return Reason.THREAT
    if any(each.ticks >= node.config.stall_ticks for each in node.waiting.values()):
        return Reason.STALLED
    if epoch.locked is not None and epoch.locked.index >= node.config.prefix_max:
        return Reason.LONG
    return Reason.JOINED if rules.must_join(len(node.aborts), node.config.f) else None


def abort(node: Node, reason: Reason, about: Input) -> Result:
    """Abort the epoch: vote and lock no more in it, and tell all."""
    epoch = node.serving
    if epoch is None:
        return StepResult(node)
    told = Abort(epoch=epoch.epoch, reason=reason.value, locked=epoch.locked, source=node.name)
    made = signed(told, node.config.keys)
    history = AbortHistory(made, epoch.prefix)
    node = attrs.evolve(
        node,
        raft_epoch=attrs.evolve(epoch, abort=made),
        aborts={**node.aborts, node.name: history},
    )
    effects: tuple[Effect, ...] = (
        StopElectionTimer(),
        EpochAborted(epoch.epoch, reason.value),
        Send(history),
    )
    return StepResult(node, effects).then(_end_epoch, about, is_patient=True)


def abort_rejection(node: Node, history: AbortHistory) -> str:
    """The rejection reason of a signed abort with its prefix; empty if it counts."""
    locked = history.abort.locked
    if history.abort.reason not in list(Reason):
        return f"{history.abort.reason!r} is no reason to abort"
    if locked is None:
        return "a prefix without a QC" if history.prefix else ""
    config = node.config
    if rejection := rules.qc_rejection(locked, history.abort.epoch, config.replicas, config.f, config.keys):
        return rejection
    if len(history.prefix) != locked.index or prefix_digest(locked.epoch, history.prefix) != locked.digest:
        return "the prefix is not the one of its QC"
    return ""


def receive_abort(node: Node, history: AbortHistory, about: Input) -> Result:
    """Handle the abort of another replica."""
    if node.raft_epoch is None or history.abort.source in node.aborts:
        return StepResult(node)
    node = attrs.evolve(node, aborts={**node.aborts, history.abort.source: history})
    return consider(node, about).then(_end_epoch, about, is_patient=True)


def _end_epoch(node: Node, about: Input, *, is_patient: bool) -> Result:
    """Submit the epoch-end command with the known aborts. A backup leaves it to the primary at first."""
    if node.raft_epoch is None or len(node.aborts) < node.config.aborts_needed:
        return StepResult(node)
    if is_patient and not node.config.bft.leads(node.bft):
        return StepResult(node)
    told = [node.aborts[source] for source in sorted(node.aborts)]
    last = rules.highest_qc(each.abort.locked for each in told)
    prefix = next((each.prefix for each in told if each.abort.locked == last), ())
    operation = (
        "epoch-end",
        node.epoch,
        tuple(abort_value(each.abort) for each in told),
        tuple(log_entry_value(log_entry) for log_entry in prefix),
    )
    return follow(node, ask(node, operation, about), about)


# --- out of a BFT epoch --------------------------------------------------------------------------


def cool_down(node: Node, about: Input) -> Result:
    """A tick in a BFT epoch: vote to switch back once its cooldown has passed and the level is low."""
    if not node.is_bft:
        return StepResult(node)
    node = attrs.evolve(node, epoch_ticks=node.epoch_ticks + 1)
    if not _wants_switchback(node):
        return StepResult(node)
    switchback = signed(SwitchbackVote(epoch=node.epoch, source=node.name), node.config.keys)
    is_new = node.name not in node.switchbacks
    told = StepResult(node, (Send(switchback),) if is_new else ())
    return told.then(receive_switchback, switchback, about)


def _wants_switchback(node: Node) -> bool:
    needed = node.config.cooldown_ticks * min(2**node.committed.fruitless, node.config.backoff_max)
    return node.is_bft and node.epoch_ticks >= needed and level(node.threat) < Level.HIGH


def receive_switchback(node: Node, switchback: SwitchbackVote, about: Input) -> Result:
    """Handle the switch-back vote of another replica."""
    if not node.is_bft or switchback.source in node.switchbacks:
        return StepResult(node)
    node = attrs.evolve(node, switchbacks={**node.switchbacks, switchback.source: switchback})
    return _start_epoch(node, about, is_patient=True)


def _start_epoch(node: Node, about: Input, *, is_patient: bool) -> Result:
    """Submit the epoch-start command, if a quorum voted for it and this replica wants it."""
    if not node.is_bft or len(node.switchbacks) < node.config.quorum or not _wants_switchback(node):
        return StepResult(node)
    if is_patient and not node.config.bft.leads(node.bft):
        return StepResult(node)
    switchbacks = tuple(switchback_value(node.switchbacks[source]) for source in sorted(node.switchbacks))
    return follow(node, ask(node, ("epoch-start", node.epoch, switchbacks), about), about)


def retransmit(node: Node, about: Input) -> Result:
    """Retransmit what a switch still needs.

    A backup submits the command itself, since the primary may be Byzantine.

    Its request goes to all, as those of clients do: a replica that knows of no request does not suspect the
    primary.
    """
    effects: list[Effect] = []
    if node.raft_epoch is not None and node.raft_epoch.abort is not None:
        effects.append(Send(AbortHistory(node.raft_epoch.abort, node.raft_epoch.prefix)))
    if node.name in node.switchbacks:
        effects.append(Send(node.switchbacks[node.name]))
    if (asked := node.bft.waiting.get(node.name)) is not None:
        effects.append(Send(asked))
    said = StepResult(node, tuple(effects))
    said = said.then(_end_epoch, about, is_patient=False).then(_start_epoch, about, is_patient=False)
    return said.then(_wait_with_others, about)


def _wait_with_others(node: Node, about: Input) -> Result:
    """Submit a command without effect if another replica wants to leave the BFT protocol's view.

    In a Raft epoch that may have nothing to do, and a replica that was left behind changes views alone. The
    command is decided without that replica, and leads to checkpoints to catch up from; or it is not, and the
    others change views as well.
    """
    if node.raft_epoch is None or not node.config.bft.is_view_abandoned(node.bft):
        return StepResult(node)
    return follow(node, ask(node, ("nothing",), about), about)


# --- into the next epoch -------------------------------------------------------------------------


def ordered(node: Node, inp: Ordered, about: Input, sender: NodeId | None = None) -> Result:
    """A step of the BFT protocol, with its effect on the epoch."""
    return follow(node, bft_step(node, inp, about, sender), about)


def follow(before: Node, result: Result, about: Input) -> Result:
    """Apply executed commands: enter another epoch if they started one, and answer waiting clients."""
    node = result.state
    if node.committed is before.committed:
        return result
    if node.committed.epoch == before.epoch:
        control = node.committed if node.is_bft else node.speculative
        waiting = without_done(node.waiting, control)
        return StepResult(attrs.evolve(node, speculative=control, waiting=waiting), result.effects)
    return result.then(_enter, about)


def _enter(node: Node, about: Input) -> Result:
    """Enter the epoch of the committed state."""
    control, config = node.committed, node.config
    done = sorted(client for client, each in node.waiting.items() if is_done(control, each.request))
    left = without_done(node.waiting, control)
    server, epoch = None, None
    timer: Effect = StopElectionTimer()
    if control.protocol == RAFT:
        server = raft.first_start(config.raft)
        epoch = RaftEpoch(epoch=control.epoch, base=control, raft=server.durable)
        timer = ResetElectionTimer()
    node = attrs.evolve(
        node,
        speculative=control,
        raft=server,
        raft_epoch=epoch,
        digests=(),
        votes={},
        heard={},
        pending=None,
        aborts={},
        switchbacks={},
        unconfirmed={},
        epoch_ticks=0,
        waiting={client: attrs.evolve(each, ticks=0) for client, each in left.items()},
    )
    answers = tuple(each for client in done for each in answer(node, client))
    result = StepResult(node, (EpochBegan(control.epoch, control.protocol), timer, *answers))
    for each in tuple(node.waiting.values()) if node.is_bft else ():
        result = result.then(ordered, Receive(each.request), about)
    return result
