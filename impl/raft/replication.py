"""Replication: a leader sends its log, followers take it and answer (paper, 5.3)."""

import attrs

from impl.common.identities import NodeId
from impl.raft import rules
from impl.raft.effects import ResetElectionTimer, Send
from impl.raft.following import follow_leader, follow_term, safe_up_to
from impl.raft.handled import Handled
from impl.raft.leading import lead
from impl.raft.log import first_index_of, last_index_of
from impl.raft.messages import (
    NO_CONFLICT,
    AppendEntriesRequest,
    AppendEntriesResponse,
    ConflictHint,
    InstallSnapshotRequest,
    TimeoutNow,
)
from impl.raft.state import Durable, Leader, Node, Progress

__all__ = ["append_entries", "handle_append_entries_request", "handle_append_entries_response"]


# --- the leader sends ---------------------------------------------------------------------------


def append_entries(node: Node, peer: NodeId) -> Handled:
    """Send a peer the entries from its next index on (paper, 5.3 and 7).

    If they are compacted, send the snapshot.

    No entries are a heartbeat. With pipelining, the leader assumes that its entries arrive until a refusal
    comes (thesis, 10.2.2).
    """
    role, durable, config = node.role, node.durable, node.config
    progress = role.of(peer) if isinstance(role, Leader) else None
    if not isinstance(role, Leader) or progress is None:
        return Handled(node)
    if rules.needs_snapshot(progress.next_index, durable.snapshot):
        return Handled(
            node,
            (
                Send(
                    InstallSnapshotRequest(
                        term=durable.current_term,
                        source=config.node,
                        dest=peer,
                        snapshot=durable.snapshot,
                        round=role.round,
                    )
                ),
            ),
        )
    prev = progress.next_index - 1
    room = config.entries_max
    if config.pipelining:
        room = max(0, min(room, config.unacknowledged_max - (prev - progress.match_index)))
    behind = prev - durable.snapshot.index
    entries = durable.log[behind : behind + room]
    if config.size_limits is not None:
        entries = config.size_limits.fitting(entries)
    request = AppendEntriesRequest(
        term=durable.current_term,
        source=config.node,
        dest=peer,
        prev_log_index=prev,
        prev_log_term=durable.term_at(prev),
        entries=entries,
        leader_commit=node.commit_index,
        round=role.round,
    )
    if config.pipelining and entries:
        sent = attrs.evolve(progress, next_index=progress.next_index + len(entries))
        node = attrs.evolve(node, role=_learnt(role, sent, handed_over=False))
    return Handled(node, (Send(request),))


def _learnt(role: Leader, learnt: Progress, *, handed_over: bool) -> Leader:
    """The leader with new progress of one peer, and whether it asked that peer to take over."""
    return Leader(
        tuple([learnt if known.peer == learnt.peer else known for known in role.progress]),
        role.configuration,
        role.change_index,
        role.round,
        role.pending,
        role.lease,
        role.transferee,
        role.handed_over or handed_over,
    )


# --- a follower takes ---------------------------------------------------------------------------


def handle_append_entries_request(node: Node, request: AppendEntriesRequest) -> Handled:
    """Paper, Figure 2, AppendEntries RPC. The log is safe before it is answered."""
    if request.term < node.durable.current_term:
        return Handled(node, (Send(_answer(node, request, success=False, match_index=0)),))
    node = follow_leader(node, request.term)
    durable, prev = node.durable, request.prev_log_index
    if not rules.previous_entry_matches(durable.snapshot, durable.log, prev, request.prev_log_term):
        conflict = _conflict(durable, prev) if node.config.conflict_term else NO_CONFLICT
        refusal = _answer(node, request, success=False, match_index=0, conflict=conflict)
        return Handled(node, (Send(refusal), ResetElectionTimer()))
    log = rules.accept(durable.snapshot, durable.log, prev, request.entries)
    if log is not durable.log:
        durable = Durable(durable.current_term, durable.voted_for, log, snapshot=durable.snapshot)
    last_new_index = prev + len(request.entries)
    commit_index = rules.follower_commit_index(node.commit_index, request.leader_commit, last_new_index)
    if durable is not node.durable or commit_index != node.commit_index:
        synced = safe_up_to(node, durable.last_index)
        node = Node(node.config, durable, synced, commit_index, node.role, node.heard)
    # It answers for no more than the request vouches for: behind that there may be entries of its own (paper,
    # 5.3).
    response = _answer(node, request, success=True, match_index=last_new_index)
    return Handled(node, (Send(response), ResetElectionTimer()))


def _answer(
    node: Node,
    request: AppendEntriesRequest,
    *,
    success: bool,
    match_index: int,
    conflict: ConflictHint = NO_CONFLICT,
) -> AppendEntriesResponse:
    return AppendEntriesResponse(
        term=node.durable.current_term,
        source=node.config.node,
        dest=request.source,
        success=success,
        match_index=match_index,
        conflict=conflict,
        round=rules.answered_round(request.round, stale=request.term < node.durable.current_term),
    )


def _conflict(durable: Durable, prev_log_index: int) -> ConflictHint:
    """The place where the leader should go on (paper, 5.3).

    Behind a log that is too short, else where its conflicting term begins.
    """
    if prev_log_index > durable.last_index:
        return ConflictHint(0, durable.last_index + 1)
    term = durable.term_at(prev_log_index)
    return ConflictHint(term, first_index_of(term, durable.snapshot, durable.log))


# --- the leader learns --------------------------------------------------------------------------


def handle_append_entries_response(node: Node, response: AppendEntriesResponse) -> Handled:
    """Learn what a peer holds (paper, 5.3), and that it followed when the request's round was sent.

    An answer may be late or a duplicate: the known match index of a peer never shrinks, and its next
    index stays above it. The peer that is to take over is told so once it holds all entries (thesis, 3.10).
    """
    durable, role, peer = node.durable, node.role, response.source
    if response.term > durable.current_term:
        return Handled(follow_term(node, response.term))
    known = role.of(peer) if isinstance(role, Leader) and response.term == durable.current_term else None
    if not isinstance(role, Leader) or known is None:
        return Handled(node)
    if response.match_index > durable.last_index:
        return Handled(node)  # It answers nothing that this leader sent.
    if response.success:
        next_index = max(known.next_index, response.match_index + 1)
        match_index = rules.match_after_success(known.match_index, response.match_index)
    else:
        next_index = rules.next_after_refusal(known, _hint(node, known, response.conflict))
        match_index = known.match_index
    hands_over = role.transferee == peer and match_index == durable.last_index
    learnt = Progress(
        peer,
        next_index,
        match_index,
        max(known.acked, response.round),
        known.is_active or node.config.check_quorum,
    )
    effects = (Send(TimeoutNow(term=durable.current_term, source=node.config.node, dest=peer)),)
    return lead(node, durable, _learnt(role, learnt, handed_over=hands_over), effects if hands_over else ())


def _hint(node: Node, progress: Progress, conflict: ConflictHint) -> int:
    """The index at which to go on after a refusal (paper, 5.3).

    Behind its last entry of the conflicting term if it has any, else where the follower's entries of that
    term begin. A refusal that says nothing of a conflict answers a request of an earlier term of this leader.
    """
    if not node.config.conflict_term or conflict == NO_CONFLICT:
        return progress.next_index - 1
    last = last_index_of(conflict.term, node.durable.snapshot, node.durable.log)
    return conflict.index if last is None else last + 1
