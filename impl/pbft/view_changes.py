"""View changes: another primary, and nothing lost that may be committed (paper, 4.4)."""

import functools

import attrs

from impl.common.encoding import digest
from impl.common.keys import signed
from impl.pbft import rules
from impl.pbft.checkpoints import discard
from impl.pbft.effects import EnteredView, Send
from impl.pbft.messages import NewView, PrePrepare, ViewChange
from impl.pbft.normal import accept_pre_prepare, agree, count
from impl.pbft.outcome import Outcome
from impl.pbft.state import Node
from impl.pbft.voting import accepts, heard_view_change, votes_from_view

__all__ = ["receive_new_view", "receive_view_change", "relay_waiting", "timeout", "wants_enough"]


# --- leaving a view -----------------------------------------------------------------------------


def timeout(node: Node) -> Outcome:
    """The primary of its view, or of the view that it waits for, is too slow."""
    return _leave(node, node.durable.view + 1)


def _leave(node: Node, view: int) -> Outcome:
    """Want a view, and tell all what was prepared before.

    The primary of that view sends its view change to itself as well, and begins the view by an input of its own:
    the one that completes a quorum, be it this one.
    """
    durable, config = node.durable, node.config
    message = ViewChange(
        view=view, checkpoint=durable.stable, certificates=rules.told(durable), source=config.node
    )
    message = signed(message, config.keys)
    durable = attrs.evolve(durable, view=view, leaving=message, entered=None, accepted={})
    node = attrs.evolve(
        node,
        durable=durable,
        votes=votes_from_view(node, view),
        view_changes={source: each for source, each in node.view_changes.items() if each.view >= view},
        futile=node.futile + 1,
    )
    effects = [Send(message)]
    if node.is_primary:
        effects.append(Send(message, node.name))
    return Outcome(heard_view_change(node, message), tuple(effects))


def receive_view_change(node: Node, message: ViewChange) -> Outcome:
    """A replica wants a later view, or the one that this one wants: join it, or begin it."""
    node = heard_view_change(node, message)
    joined = _join_view_change(node)
    return _new_view(node) if joined.node is node else joined


def _join_view_change(node: Node) -> Outcome:
    """When f + 1 others want later views, so that a correct one does, go to the first of these (paper, 4.5.2)."""
    wanted = [
        each.view
        for source, each in node.view_changes.items()
        if source != node.name and each.view > node.durable.view
    ]
    view = rules.view_to_join(node.config, wanted)
    return Outcome(node) if view is None else _leave(node, view)


def wants_enough(node: Node) -> bool:
    """Return whether a quorum wants the view that this replica changes to, or a later one: its primary is to act now."""
    return len(node.view_changes) >= rules.quorum_size(node.config)


# --- beginning a view ---------------------------------------------------------------------------


def _new_view(node: Node) -> Outcome:
    """The primary that has the view changes of a quorum, its own among them, begins the view (paper, 4.4)."""
    durable, config = node.durable, node.config
    if durable.leaving is None or not rules.may_propose(config, node.name, durable.view):
        return Outcome(node)
    others = [
        node.view_changes[source]
        for source in config.replicas
        if source != node.name
        and source in node.view_changes
        and node.view_changes[source].view == durable.view
    ]
    view_changes = (durable.leaving, *others)[: rules.quorum_size(config)]
    if len(view_changes) < rules.quorum_size(config):
        return Outcome(node)
    proposals = tuple(
        signed(PrePrepare(view=durable.view, seq=seq, batch=batch, source=node.name), config.keys)
        for seq, batch in rules.reproposals(view_changes)
    )
    message = NewView(view=durable.view, view_changes=view_changes, proposals=proposals, source=node.name)
    message = signed(message, config.keys)
    entered = _enter(node, message)
    return Outcome(entered.node, (Send(message), *entered.effects)).then(_catch_up)


def receive_new_view(node: Node, message: NewView) -> Outcome:
    """The primary of a later view, or of the one that is wanted, begins it: agree to what it must propose."""
    outcome = _enter(node, message)
    for seq in sorted(outcome.node.durable.accepted):
        outcome = outcome.then(functools.partial(agree, seq=seq))
    return outcome.then(_catch_up)


def _enter(node: Node, message: NewView) -> Outcome:
    """Take part in a view from here on, with its proposals beyond the low watermark."""
    view, stable = message.view, rules.base(message.view_changes)
    durable = attrs.evolve(node.durable, view=view, leaving=None, entered=message, accepted={})
    node = attrs.evolve(
        node,
        durable=durable,
        votes=votes_from_view(node, view),
        view_changes={source: each for source, each in node.view_changes.items() if each.view > view},
    )
    outcome = discard(node, stable) if stable.seq > durable.stable.seq else Outcome(node)
    node = outcome.node
    accepted = {
        proposal.seq: proposal for proposal in message.proposals if proposal.seq > node.durable.stable.seq
    }
    node = attrs.evolve(node, durable=attrs.evolve(node.durable, accepted=accepted))
    for seq, proposal in accepted.items():
        node = accepts(node, seq, digest(proposal.batch))
    entered = EnteredView(view, node.config.primary(view))
    return Outcome(node, (*outcome.effects, entered))


def _catch_up(node: Node) -> Outcome:
    """In a view that was just entered, use what came too early, and hand to the primary what waits."""
    outcome = Outcome(node, relay_waiting(node))
    for seq in sorted({*node.durable.accepted, *node.votes}):
        outcome = outcome.then(functools.partial(_catch_up_at, seq=seq))
    return outcome


def _catch_up_at(node: Node, seq: int) -> Outcome:
    """The same for one sequence number."""
    view, votes = node.durable.view, node.votes.get(seq)
    early = votes.pre_prepares.get(node.config.primary(view)) if votes else None
    if early is not None and early.view == view and rules.may_accept(node.durable.accepted, seq):
        return accept_pre_prepare(node, early)
    return count(node, seq)


def relay_waiting(node: Node) -> tuple[Send, ...]:
    """The messages that a backup hands to the primary: the requests that wait (paper, 4.1)."""
    if node.is_primary or node.durable.changing:
        return ()
    primary = node.config.primary(node.durable.view)
    return tuple(Send(request, primary) for request in node.waiting.values())
