"""Membership changes and leadership transfer (paper, 6; thesis, 3.10 and chapter 4)."""

import attrs

from impl.raft import rules
from impl.raft.effects import Send
from impl.raft.handled import DOES_NOT_LEAD, TERM_IS_NEW, Handled, refusal
from impl.raft.inputs import ChangeMembership, TransferLeadership
from impl.raft.leading import appended, lead
from impl.raft.messages import TimeoutNow
from impl.raft.state import NO_LEASE, Leader, Node, Progress

__all__ = ["abort_transfer", "change_membership", "transfer_leadership"]


def change_membership(node: Node, request: ChangeMembership) -> Handled:
    """Append another configuration, and use it at once (paper, 6; thesis, 4.1).

    A member that is new is sent the log from its end on, and what it lacks once it refuses that.
    """
    role, configuration = node.role, request.configuration
    if not isinstance(role, Leader):
        return refusal(node, request, DOES_NOT_LEAD)
    if role.transferee is not None:
        return refusal(node, request, f"this leader hands over to {role.transferee!r}")
    if not rules.may_change(node):
        if role.change_index > node.commit_index:
            reason = f"the change at log index {role.change_index} is not committed yet: one change at a time"
            return refusal(node, request, reason)
        return refusal(node, request, TERM_IS_NEW)
    if not rules.is_safe_change(role.configuration, configuration):
        return refusal(
            node,
            request,
            f"{configuration} may not follow {role.configuration}: change one server, "
            "or leave or enter a joint configuration",
        )
    last_index = node.durable.last_index
    progress = tuple(
        role.of(peer) or Progress(peer, next_index=last_index + 1)
        for peer in sorted(configuration.members - {node.config.node})
    )
    changed = attrs.evolve(role, progress=progress, configuration=configuration, change_index=last_index + 1)
    return lead(node, appended(node.durable, configuration), changed)


def transfer_leadership(node: Node, request: TransferLeadership) -> Handled:
    """Transfer leadership (thesis, 3.10).

    Take no more from clients, give up the lease, and tell the peer to take over once it holds all entries.
    """
    role, peer = node.role, request.peer
    if not isinstance(role, Leader):
        return refusal(node, request, DOES_NOT_LEAD)
    if role.transferee is not None:
        return refusal(node, request, f"this leader hands over to {role.transferee!r} already")
    progress = role.of(peer)
    if progress is None or peer not in role.configuration.all_voters:
        return refusal(node, request, f"{peer!r} is no other voter of {role.configuration}")
    is_ready = progress.match_index == node.durable.last_index
    handing_over = attrs.evolve(
        role, transferee=peer, handed_over=role.handed_over or is_ready, lease=NO_LEASE
    )
    request_now = Send(TimeoutNow(term=node.durable.current_term, source=node.config.node, dest=peer))
    return Handled(attrs.evolve(node, role=handing_over), (request_now,) if is_ready else ())


def abort_transfer(node: Node) -> Handled:
    """Serve clients again: the other did not take over in time (thesis, 3.10)."""
    role = node.role
    if not isinstance(role, Leader) or role.transferee is None:
        return Handled(node)
    return Handled(attrs.evolve(node, role=attrs.evolve(role, transferee=None)))
