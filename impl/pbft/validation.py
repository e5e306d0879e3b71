"""The checks of an input before it is handled, all in one place.

The order is: its shape; whether it is of use here, which is cheap; its signature; what it proves. So a
replayed message costs no signature check, and a refusal that accuses the sender (`Why.EQUIVOCATION`,
`Why.UNPROVEN`) is always about a message that it signed.
"""

from typing import assert_never

import attrs

from impl.common.encoding import digest
from impl.common.keys import is_signed_by
from impl.common.requests import Reply, Request
from impl.pbft import limits, rules
from impl.pbft.effects import Why
from impl.pbft.messages import (
    NULL_BATCH,
    Checkpoint,
    Commit,
    Message,
    NewView,
    Prepare,
    PrePrepare,
    StateRequest,
    StateResponse,
    ViewChange,
)
from impl.pbft.proofs import batch_flaw, checkpoint_flaw, new_view_flaw, view_change_flaw
from impl.pbft.results import Refusal
from impl.pbft.shapes import SHAPES, batch_rejection
from impl.pbft.state import NO_VOTES, Node

__all__ = ["batch_refusal", "message_refusal"]


def message_refusal(node: Node, message: Message) -> Refusal | None:
    """The reason to reject a message; None if it is accepted. Never raises, for any object."""
    if rejection := SHAPES.rejection(node.config, message):
        return Refusal(Why.MALFORMED, rejection)
    if isinstance(message, Request):
        return _request_refusal(node, message)
    if message.source not in node.config.replicas:
        return Refusal(Why.STRANGER, f"{message.source!r} is none of the replicas")
    if message.source == node.name:
        # A primary sends its view change to itself, and counts it as the others'.
        sent = message == node.durable.leaving
        return None if sent else Refusal(Why.REPEATED, "it is this replica's own")
    if refusal := _use_refusal(node, message):
        return refusal
    if not is_signed_by(message.source, message, node.config.keys):
        return Refusal(Why.FORGED, f"it has not the signature of {message.source!r}")
    return _contradiction(node, message) or _proof_refusal(node, message)


def batch_refusal(node: Node, batch: tuple[Request, ...]) -> Refusal | None:
    """The reason why the host's batch cannot be proposed now; None if it can."""
    durable, config = node.durable, node.config
    if rejection := batch_rejection(config, batch):
        return Refusal(Why.MALFORMED, rejection)
    if batch == NULL_BATCH:
        return Refusal(Why.MALFORMED, "a batch has at least 1 request: only a new view may propose nothing")
    if durable.changing:
        return Refusal(Why.USELESS, f"view {durable.view} has not begun: wait for EnteredView")
    if not rules.may_propose(config, node.name, durable.view):
        return Refusal(
            Why.STRANGER, f"the primary of view {durable.view} is {config.primary(durable.view)!r}"
        )
    seq = rules.next_seq(durable)
    if not rules.in_window(config, seq, durable.stable.seq):
        return Refusal(
            Why.OUTSIDE_WINDOW,
            f"{seq} is beyond {durable.stable.seq + config.window}: wait until a checkpoint is stable",
        )
    if flaw := batch_flaw(node, batch):
        return Refusal(Why.FORGED, flaw)
    return None


def _request_refusal(node: Node, request: Request) -> Refusal | None:
    """The reason to reject a client's request; only the latest one counts."""
    known = node.waiting.get(request.client)
    if known == request:
        return Refusal(Why.REPEATED, "it waits already")
    if known is not None and known.timestamp >= request.timestamp:
        return Refusal(
            Why.USELESS, f"request {known.timestamp} of this client waits: its timestamps must grow"
        )
    last = node.durable.state.last_answer(request.client)
    if last is not None and last.timestamp > request.timestamp:
        return Refusal(
            Why.REPEATED, f"request {last.timestamp} of this client is executed: its timestamps must grow"
        )
    if known is None and len(node.waiting) >= node.config.waiting_max:
        return Refusal(Why.USELESS, f"{len(node.waiting)} clients wait: ask again later")
    is_executed = last is not None and last.timestamp == request.timestamp
    counted = node.spent.answers if is_executed else node.spent.requests
    if rejection := limits.over(node.config.rate_limit, counted, request.client):
        return Refusal(Why.RATE, rejection)
    if not is_signed_by(request.client, request, node.config.keys):
        return Refusal(Why.FORGED, f"it has not the signature of {request.client!r}")
    return None


# --- of use at all ------------------------------------------------------------------------------


def _use_refusal(node: Node, message: Message) -> Refusal | None:
    """The reason why a message, taken at its word, is of no use here; None if it is of use."""
    durable = node.durable
    match message:
        case PrePrepare() | Prepare() | Commit():
            return _normal_refusal(node, message)
        case Checkpoint():
            return _checkpoint_refusal(node, message)
        case ViewChange():
            return _view_change_refusal(node, message)
        case NewView():
            if not rules.may_propose(node.config, message.source, message.view):
                return Refusal(Why.STRANGER, f"{message.source!r} is not the primary of view {message.view}")
            if message.view < durable.view:
                return Refusal(Why.OLD_VIEW, f"this replica is in view {durable.view}")
            if message.view == durable.view and not durable.changing:
                return Refusal(Why.REPEATED, f"view {message.view} has begun")
        case StateRequest():
            if message.seq > durable.stable.seq or durable.stable.seq not in durable.snapshots:
                return Refusal(Why.USELESS, f"this replica has no state at {message.seq} or later")
        case StateResponse():
            if message.checkpoint.seq < durable.stable.seq or message.checkpoint.seq <= durable.executed:
                return Refusal(Why.USELESS, f"this replica needs no state at {message.checkpoint.seq}")
        case Reply() | Request():
            return None
        case _:
            assert_never(message)
    return None


def _normal_refusal(node: Node, message: PrePrepare | Prepare | Commit) -> Refusal | None:
    """The reason to reject a proposal or vote: its view, number or sender, or it is a duplicate."""
    config, durable = node.config, node.durable
    if message.view < durable.view:
        return Refusal(Why.OLD_VIEW, f"this replica is in view {durable.view}")
    if not rules.in_window(config, message.seq, durable.stable.seq):
        low = durable.stable.seq
        return Refusal(Why.OUTSIDE_WINDOW, f"{message.seq} is not from {low + 1} to {low + config.window}")
    if isinstance(message, PrePrepare) and not rules.may_propose(config, message.source, message.view):
        return Refusal(Why.STRANGER, f"{message.source!r} is not the primary of view {message.view}")
    if isinstance(message, Prepare) and message.source not in rules.preparers(config, message.view):
        return Refusal(Why.STRANGER, f"{message.source!r} is the primary of view {message.view}")
    if isinstance(message, PrePrepare) and message.batch == NULL_BATCH:
        return Refusal(Why.STRANGER, "only a new view may propose nothing")
    known = _known(node, message)
    if known is not None and known.view > message.view:
        return Refusal(Why.OLD_VIEW, f"{message.source!r} is in view {known.view}")
    if known == message:
        return Refusal(Why.REPEATED, "it was heard before")
    return None


def _known(node: Node, message: PrePrepare | Prepare | Commit) -> PrePrepare | Prepare | Commit | None:
    """The message that the sender sent before for this purpose."""
    votes = node.votes.get(message.seq, NO_VOTES)
    match message:
        case PrePrepare():
            durable = node.durable
            if message.view == durable.view and not rules.may_accept(durable.accepted, message.seq):
                return durable.accepted[message.seq]
            return votes.pre_prepares.get(message.source)
        case Prepare():
            return votes.prepares.get(message.source)
        case Commit():
            return votes.commits.get(message.source)


def _checkpoint_refusal(node: Node, message: Checkpoint) -> Refusal | None:
    """The reason to reject a checkpoint: not beyond the stable one, off the interval, or outdated."""
    config, low = node.config, node.durable.stable.seq
    if message.seq <= low:
        return Refusal(Why.OUTSIDE_WINDOW, f"the checkpoint at {low} is stable")
    if message.seq % config.interval:
        return Refusal(
            Why.USELESS, f"no checkpoint is made at {message.seq}: they are {config.interval} apart"
        )
    known = node.checkpoints.get(message.source, ())
    if message in known:
        return Refusal(Why.REPEATED, "it was heard before")
    if len(known) == config.checkpoints_max and message.seq < known[0].seq:
        return Refusal(Why.USELESS, f"{message.source!r} has made later ones")
    return None


def _view_change_refusal(node: Node, message: ViewChange) -> Refusal | None:
    """The reason to reject a view change: its view was entered, or it is not its sender's latest."""
    durable = node.durable
    if message.view < durable.view:
        return Refusal(Why.OLD_VIEW, f"this replica is in view {durable.view}")
    if message.view == durable.view and not durable.changing:
        return Refusal(Why.USELESS, f"view {message.view} has begun")
    known = node.view_changes.get(message.source)
    if known is not None and known.view > message.view:
        return Refusal(Why.OLD_VIEW, f"{message.source!r} wants view {known.view}")
    if known == message:
        return Refusal(Why.REPEATED, "it was heard before")
    return None


# --- of one that the sender signed --------------------------------------------------------------


def _contradiction(node: Node, message: Message) -> Refusal | None:
    """The message that the sender signed before, if it may sign only one of both."""
    known: Message | None = None
    match message:
        case PrePrepare() | Prepare() | Commit():
            earlier = _known(node, message)
            known = earlier if earlier is not None and earlier.view == message.view else None
        case Checkpoint():
            several = node.checkpoints.get(message.source, ())
            known = next((each for each in several if each.seq == message.seq), None)
        case ViewChange():
            wanted = node.view_changes.get(message.source)
            known = wanted if wanted is not None and wanted.view == message.view else None
        case _:
            return None
    if known is None:
        return None
    if attrs.evolve(known, signature=message.signature) == message:
        return Refusal(Why.REPEATED, "it was heard before, with another signature")
    return Refusal(Why.EQUIVOCATION, f"{message.source!r} signed something else before", known)


def _proof_refusal(node: Node, message: Message) -> Refusal | None:
    """The reason why a message does not prove what it says; None if it does."""
    flaw = ""
    match message:
        case PrePrepare():
            flaw = batch_flaw(node, message.batch)
        case ViewChange():
            flaw = view_change_flaw(node.config, message)
        case NewView():
            flaw = new_view_flaw(node, message)
        case StateResponse():
            flaw = checkpoint_flaw(node.config, message.checkpoint)
            stable, offered = node.durable.stable, message.checkpoint
            wanted = stable if stable.seq == offered.seq else offered
            if not flaw and digest(message.state) != wanted.digest:
                flaw = f"the state is not the one with the digest at {wanted.seq}"
        case _:
            pass
    return Refusal(Why.UNPROVEN, flaw) if flaw else None
