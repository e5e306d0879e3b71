"""View changes: another primary, and nothing lost that may be committed (paper, 4.4)."""

import attrs

from impl.common.encoding import digest
from impl.common.keys import signed
from impl.pbft import rules
from impl.pbft.checkpoints import discard
from impl.pbft.effects import EnteredView, Send
from impl.pbft.messages import NewView, PrePrepare, ViewChange
from impl.pbft.normal import accept_pre_prepare, agree, count
from impl.pbft.results import Result, StepResult
from impl.pbft.state import Node
from impl.pbft.voting import accepts, heard_view_change, votes_from_view

__all__ = ["receive_new_view", "receive_view_change", "relay_waiting", "timeout", "wants_enough"]


# --- leaving a view -----------------------------------------------------------------------------


def timeout(node: Node) -> Result:
    """Leave a view whose primary is too slow, entered or awaited."""
    return _leave(node, node.durable.view + 1)


def _leave(node: Node, view: int) -> Result:
    """Want a view, and tell all what was prepared before.

    The primary of that view sends its view change to itself as well, and begins the view on the view change
    that completes a quorum, be it its own.
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
    return StepResult(heard_view_change(node, message), tuple(effects))


def receive_view_change(node: Node, message: ViewChange) -> Result:
    """Handle a view change: join its view, or begin it as the primary."""
    node = heard_view_change(node, message)
    joined = _join_view_change(node)
    return _new_view(node) if joined.state is node else joined


def _join_view_change(node: Node) -> Result:
    """Join the first of the later views that f + 1 others want (paper, 4.5.2).

    At least one of them is correct.
    """
    wanted = [
        each.view
        for source, each in node.view_changes.items()
        if source != node.name and each.view > node.durable.view
    ]
    view = rules.view_to_join(node.config, wanted)
    return StepResult(node) if view is None else _leave(node, view)


def wants_enough(node: Node) -> bool:
    """Return whether a quorum wants this replica's next view or a later one.

    The primary of that view is to act now.
    """
    return len(node.view_changes) >= rules.quorum_size(node.config)


# --- beginning a view ---------------------------------------------------------------------------


def _new_view(node: Node) -> Result:
    """Begin a view as its primary, with the view changes of a quorum and its own (paper, 4.4)."""
    durable, config = node.durable, node.config
    if durable.leaving is None or not rules.may_propose(config, node.name, durable.view):
        return StepResult(node)
    others = [
        node.view_changes[source]
        for source in config.replicas
        if source != node.name
        and source in node.view_changes
        and node.view_changes[source].view == durable.view
    ]
    view_changes = (durable.leaving, *others)[: rules.quorum_size(config)]
    if len(view_changes) < rules.quorum_size(config):
        return StepResult(node)
    proposals = tuple(
        signed(PrePrepare(view=durable.view, seq=seq, batch=batch, source=node.name), config.keys)
        for seq, batch in rules.reproposals(view_changes)
    )
    message = NewView(view=durable.view, view_changes=view_changes, proposals=proposals, source=node.name)
    message = signed(message, config.keys)
    entered = _enter(node, message)
    return StepResult(entered.state, (Send(message), *entered.effects)).then(_catch_up)


def receive_new_view(node: Node, message: NewView) -> Result:
    """Handle a new view: enter it, and agree to its proposals."""
    result = _enter(node, message)
    for seq in sorted(result.state.durable.accepted):
        result = result.then(agree, seq)
    return result.then(_catch_up)


def _enter(node: Node, message: NewView) -> Result:
    """Take part in a view from here on, with its proposals beyond the low watermark."""
    view, stable = message.view, rules.base(message.view_changes)
    durable = attrs.evolve(node.durable, view=view, leaving=None, entered=message, accepted={})
    node = attrs.evolve(
        node,
        durable=durable,
        votes=votes_from_view(node, view),
        view_changes={source: each for source, each in node.view_changes.items() if each.view > view},
    )
    result = discard(node, stable) if stable.seq > durable.stable.seq else StepResult(node)
    node = result.state
    accepted = {
        proposal.seq: proposal for proposal in message.proposals if proposal.seq > node.durable.stable.seq
    }
    node = attrs.evolve(node, durable=attrs.evolve(node.durable, accepted=accepted))
    for seq, proposal in accepted.items():
        node = accepts(node, seq, digest(proposal.batch))
    entered = EnteredView(view, node.config.primary(view))
    return StepResult(node, (*result.effects, entered))


def _catch_up(node: Node) -> Result:
    """Process early messages of a view just entered, and relay the waiting requests to its primary."""
    result: Result = StepResult(node, relay_waiting(node))
    for seq in sorted({*node.durable.accepted, *node.votes}):
        result = result.then(_catch_up_at, seq)
    return result


def _catch_up_at(node: Node, seq: int) -> Result:
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
