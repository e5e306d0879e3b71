"""Switches: stops close a Raft epoch, calms open the next, and the book says which epoch it is."""

import attrs

from impl import pbft, raft
from impl.common.identities import NodeId
from impl.hybrid import rules
from impl.hybrid.answers import answer, is_done, without_done
from impl.hybrid.book import calm_value, stop_value
from impl.hybrid.chain import chain_digest, link_value
from impl.hybrid.effects import (
    Effect,
    EpochBegan,
    ResetElectionTimer,
    Send,
    StopElectionTimer,
    StoppedEpoch,
)
from impl.hybrid.inputs import Input
from impl.hybrid.messages import Calm, Reason, Stop, Stopped
from impl.hybrid.ordering import ask, pbft_step
from impl.hybrid.outcome import Outcome
from impl.hybrid.signing import signed
from impl.hybrid.state import Node, RaftEpoch
from impl.threat import Level, level
from impl.threat.levels import RAFT

__all__ = ["consider", "dwell", "ordered", "receive_calm", "receive_stopped", "stop", "stop_flaw", "urge"]


# --- out of a Raft epoch -------------------------------------------------------------------------


def consider(node: Node, about: Input) -> Outcome:
    """Stop the Raft epoch if there is a reason: a threat, a client who waits for too long, a long chain, f + 1 others."""
    epoch = node.serving
    if epoch is None:
        return Outcome(node)
    if reason := _reason(node, epoch):
        return stop(node, reason, about)
    return Outcome(node)


def _reason(node: Node, epoch: RaftEpoch) -> Reason | None:
    if level(node.threat) >= Level.HIGH:
        return Reason.THREAT
    if any(each.ticks >= node.config.standstill_ticks for each in node.waiting.values()):
        return Reason.STANDSTILL
    if epoch.held is not None and epoch.held.index >= node.config.chain_max:
        return Reason.LONG
    return Reason.JOINED if rules.stops_epoch(len(node.stops), node.config.f) else None


def stop(node: Node, reason: Reason, about: Input) -> Outcome:
    """Ack and hold nothing more in this epoch, and say so."""
    epoch = node.serving
    if epoch is None:
        return Outcome(node)
    told = Stop(epoch=epoch.epoch, reason=reason.value, held=epoch.held, source=node.name)
    made = signed(told, node.config.keys)
    stopped = Stopped(made, epoch.chain)
    node = attrs.evolve(
        node,
        raft_epoch=attrs.evolve(epoch, stopped=made),
        stops={**node.stops, node.name: stopped},
    )
    effects: tuple[Effect, ...] = (
        StopElectionTimer(),
        StoppedEpoch(epoch.epoch, reason.value),
        Send(stopped),
    )
    return Outcome(node, effects).then(_close, about, is_patient=True)


def stop_flaw(node: Node, stopped: Stopped) -> str:
    """The reason that keeps a stop, rightly signed, from counting; empty if nothing does."""
    held = stopped.stop.held
    if stopped.stop.reason not in list(Reason):
        return f"{stopped.stop.reason!r} is no reason to stop"
    if held is None:
        return "a chain without a seal" if stopped.chain else ""
    config = node.config
    if flaw := rules.seal_flaw(held, stopped.stop.epoch, config.replicas, config.f, config.keys):
        return flaw
    if len(stopped.chain) != held.index or chain_digest(held.epoch, stopped.chain) != held.digest:
        return "the chain is not the one that is sealed"
    return ""


def receive_stopped(node: Node, stopped: Stopped, about: Input) -> Outcome:
    """Another replica stopped this epoch."""
    if node.raft_epoch is None or stopped.stop.source in node.stops:
        return Outcome(node)
    node = attrs.evolve(node, stops={**node.stops, stopped.stop.source: stopped})
    return consider(node, about).then(_close, about, is_patient=True)


def _close(node: Node, about: Input, *, is_patient: bool) -> Outcome:
    """Ask the book to close the epoch, with the stops that are here. A backup leaves it to the primary at first."""
    if node.raft_epoch is None or len(node.stops) < node.config.stops_needed:
        return Outcome(node)
    if is_patient and not node.pbft.is_primary:
        return Outcome(node)
    told = [node.stops[source] for source in sorted(node.stops)]
    last = rules.last_seal(each.stop.held for each in told)
    chain = next((each.chain for each in told if each.stop.held == last), ())
    operation = (
        "close",
        node.epoch,
        tuple(stop_value(each.stop) for each in told),
        tuple(link_value(link) for link in chain),
    )
    return follow(node, ask(node, operation, about), about)


# --- out of a BFT epoch --------------------------------------------------------------------------


def dwell(node: Node, about: Input) -> Outcome:
    """A tick in a BFT epoch: when it has lasted for long enough, and the level is low, this replica is calm."""
    if not node.is_bft:
        return Outcome(node)
    node = attrs.evolve(node, dwelt=node.dwelt + 1)
    if not _is_calm(node):
        return Outcome(node)
    calm = signed(Calm(epoch=node.epoch, source=node.name), node.config.keys)
    is_new = node.name not in node.calms
    told = Outcome(node, (Send(calm),) if is_new else ())
    return told.then(receive_calm, calm, about)


def _is_calm(node: Node) -> bool:
    needed = node.config.dwell_ticks * min(2**node.agreed.futile, node.config.backoff_max)
    return node.is_bft and node.dwelt >= needed and level(node.threat) < Level.HIGH


def receive_calm(node: Node, calm: Calm, about: Input) -> Outcome:
    """A replica wants to leave this BFT epoch."""
    if not node.is_bft or calm.source in node.calms:
        return Outcome(node)
    node = attrs.evolve(node, calms={**node.calms, calm.source: calm})
    return _open(node, about, is_patient=True)


def _open(node: Node, about: Input, *, is_patient: bool) -> Outcome:
    """Ask the book to open the next Raft epoch, if a quorum wants it and so does this replica."""
    if not node.is_bft or len(node.calms) < node.config.quorum or not _is_calm(node):
        return Outcome(node)
    if is_patient and not node.pbft.is_primary:
        return Outcome(node)
    calms = tuple(calm_value(node.calms[source]) for source in sorted(node.calms))
    return follow(node, ask(node, ("open", node.epoch, calms), about), about)


def urge(node: Node, about: Input) -> Outcome:
    """Say again what a switch still needs; a backup asks the book itself, for the primary may be the traitor.

    Its request goes to all, as those of clients do: who knows of none does not lose patience with the primary.
    """
    effects: list[Effect] = []
    if node.raft_epoch is not None and node.raft_epoch.stopped is not None:
        effects.append(Send(Stopped(node.raft_epoch.stopped, node.raft_epoch.chain)))
    if node.name in node.calms:
        effects.append(Send(node.calms[node.name]))
    if (asked := node.pbft.waiting.get(node.name)) is not None:
        effects.append(Send(asked))
    said = Outcome(node, tuple(effects))
    said = said.then(_close, about, is_patient=False).then(_open, about, is_patient=False)
    return said.then(_wait_with_others, about)


def _wait_with_others(node: Node, about: Input) -> Outcome:
    """If another replica wants to leave PBFT's view, ask the book for nothing.

    In a Raft epoch PBFT may have nothing to do, and who was left behind changes views alone. Now something waits: it is decided
    without that replica, and there are checkpoints to catch up from; or it is not, and the others change views as well.
    """
    if node.raft_epoch is None or not any(name != node.name for name in node.pbft.view_changes):
        return Outcome(node)
    return follow(node, ask(node, ("nothing",), about), about)


# --- into the next epoch -------------------------------------------------------------------------


def ordered(node: Node, inp: pbft.Input, about: Input, sender: NodeId | None = None) -> Outcome:
    """A step of PBFT, with what it means for the epoch."""
    return follow(node, pbft_step(node, inp, about, sender), about)


def follow(before: Node, outcome: Outcome, about: Input) -> Outcome:
    """Follow what PBFT executed: perhaps another epoch, and answers for who waits."""
    node = outcome.node
    if node.agreed is before.agreed:
        return outcome
    if node.agreed.epoch == before.epoch:
        book = node.agreed if node.is_bft else node.book
        waiting = without_done(node.waiting, book)
        return Outcome(attrs.evolve(node, book=book, waiting=waiting), outcome.effects)
    return outcome.then(_enter, about)


def _enter(node: Node, about: Input) -> Outcome:
    """Take part in the epoch that the book says has begun."""
    book, config = node.agreed, node.config
    done = sorted(client for client, each in node.waiting.items() if is_done(book, each.request))
    left = without_done(node.waiting, book)
    server, epoch = None, None
    timer: Effect = StopElectionTimer()
    if book.protocol == RAFT:
        server = raft.first_start(config.raft)
        epoch = RaftEpoch(epoch=book.epoch, opening=book, raft=server.durable)
        timer = ResetElectionTimer()
    node = attrs.evolve(
        node,
        book=book,
        raft=server,
        raft_epoch=epoch,
        digests=(),
        acks={},
        heard={},
        pending=None,
        stops={},
        calms={},
        doubting={},
        dwelt=0,
        waiting={client: attrs.evolve(each, ticks=0) for client, each in left.items()},
    )
    answers = tuple(each for client in done for each in answer(node, client))
    outcome = Outcome(node, (EpochBegan(book.epoch, book.protocol), timer, *answers))
    for each in tuple(node.waiting.values()) if node.is_bft else ():
        outcome = outcome.then(ordered, pbft.Receive(each.request), about)
    return outcome
