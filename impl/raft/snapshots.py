"""Snapshots: the state replaces the committed entries that led to it (paper, section 7)."""

import attrs

from impl.raft import rules
from impl.raft.effects import ResetElectionTimer, Send
from impl.raft.following import follow_leader, safe_up_to
from impl.raft.handled import Handled
from impl.raft.inputs import Compact
from impl.raft.leading import lead
from impl.raft.log import Snapshot
from impl.raft.messages import AppendEntriesResponse, InstallSnapshotRequest
from impl.raft.state import Leader, Node

__all__ = ["compact", "handle_install_snapshot_request"]


def compact(node: Node, request: Compact) -> Handled:
    """Replace the part of the log that is known to be committed by the state after it.

    The whole log is on its disk then, and a leader may commit by it (thesis, 10.2.1).
    """
    durable, index = node.durable, node.commit_index
    kept = index - durable.snapshot.index
    if kept <= 0:
        return Handled(node)
    snapshot = Snapshot(
        index=index,
        term=durable.term_at(index),
        configuration=node.committed_configuration,
        state=request.state,
    )
    compacted = attrs.evolve(durable, log=durable.log[kept:], snapshot=snapshot)
    node = attrs.evolve(node, synced=safe_up_to(node, durable.last_index))
    if isinstance(node.role, Leader):
        return lead(node, compacted, node.role)
    return Handled(attrs.evolve(node, durable=compacted))


def handle_install_snapshot_request(node: Node, request: InstallSnapshotRequest) -> Handled:
    """Paper, Figure 13, InstallSnapshot RPC.

    It is answered like a request whose last entry is the last one that the snapshot covers: from there
    on sender and receiver agree.
    """
    stale = request.term < node.durable.current_term
    index = request.snapshot.index
    if not stale:
        node = follow_leader(node, request.term)
        if not rules.snapshot_is_stale(index, node.commit_index):
            kept = rules.keep_behind_snapshot(node.durable, index, request.snapshot.term)
            durable = attrs.evolve(node.durable, log=kept, snapshot=request.snapshot)
            synced = safe_up_to(node, durable.last_index)
            node = attrs.evolve(node, durable=durable, commit_index=index, synced=synced)
    response = AppendEntriesResponse(
        term=node.durable.current_term,
        source=node.config.node,
        dest=request.source,
        success=not stale,
        match_index=0 if stale else index,
        round=rules.answered_round(request.round, stale=stale),
    )
    return Handled(node, (Send(response),) if stale else (Send(response), ResetElectionTimer()))
