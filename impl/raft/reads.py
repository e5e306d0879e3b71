"""Linearizable reads without log entries: by asking a quorum, or by the clock (thesis, 6.4)."""

import attrs

from impl.raft import rules
from impl.raft.effects import ReadReady
from impl.raft.handled import DOES_NOT_LEAD, TERM_IS_NEW, Handled, refusal
from impl.raft.inputs import LeaseRead, ReadIndex
from impl.raft.leading import holds_round, lead
from impl.raft.state import NO_LEASE, Leader, Lease, Node, PendingRead

__all__ = ["lease_read", "read_index", "renew_lease", "tick"]


def read_index(node: Node, request: ReadIndex) -> Handled:
    """Note the commit index; answer once a quorum has answered a request sent after this (thesis, 6.4)."""
    role = node.role
    if not isinstance(role, Leader):
        return refusal(node, request, DOES_NOT_LEAD)
    if not rules.may_read(node):
        return refusal(node, request, TERM_IS_NEW)
    number = role.round + 1
    read = PendingRead(request.read, node.commit_index, number)
    return lead(node, node.durable, attrs.evolve(role, round=number, pending=(*role.pending, read)))


def renew_lease(node: Node) -> Handled:
    """Begin a round on which to rest a lease, in the place of the present one (thesis, 6.4.1)."""
    role = node.role
    if not node.config.leases or not isinstance(role, Leader):
        return Handled(node)
    if role.transferee is not None or not rules.may_hold_lease(role):
        return Handled(node)
    number = role.round + 1
    lease = Lease(number, node.config.lease_ticks)
    return Handled(attrs.evolve(node, role=attrs.evolve(role, round=number, lease=lease)))


def lease_read(node: Node, request: LeaseRead) -> Handled:
    """Answer at once while a quorum that answered the lease's round ignores candidates (thesis, 6.4.1)."""
    role = node.role
    if not isinstance(role, Leader):
        return refusal(node, request, DOES_NOT_LEAD)
    if not rules.may_read(node):
        return refusal(node, request, TERM_IS_NEW)
    if role.lease.left <= 0:
        return refusal(node, request, "this leader has no lease: ask by ReadIndex, or renew the lease first")
    if not holds_round(node, role, role.lease.round):
        reason = f"no quorum has answered round {role.lease.round}, on which the lease rests, yet"
        return refusal(node, request, reason)
    return Handled(node, answers=(ReadReady(request.read, node.commit_index),))


def tick(node: Node) -> Handled:
    """Count down what a server promised to its leader, and what a leader may rely on."""
    if not node.config.is_timed:
        return Handled(node)
    role = node.role
    if isinstance(role, Leader) and role.lease != NO_LEASE:
        lease = role.lease
        rest = Lease(lease.round, lease.left - 1) if lease.left > 1 else NO_LEASE
        node = attrs.evolve(node, role=attrs.evolve(role, lease=rest))
    return Handled(attrs.evolve(node, heard=node.heard - 1) if node.heard else node)
