"""The rules on which Raft's safety rests, each a function on plain values.

They carry the names of their definitions in `specs/raft/Raft.tla`, section "The rules". Where such a
definition is a single value (`AcknowledgedIndex`, `CompactibleIndex`, `NoLease`, what survives a crash),
the value stands where it is used.
"""

from collections.abc import Mapping

from impl.common.identities import NodeId
from impl.raft.configuration import Configuration
from impl.raft.log import Entry, Snapshot, term_of
from impl.raft.state import Durable, Leader, Node, Progress

__all__ = [
    "accept",
    "answered_round",
    "committed_in_its_term",
    "follower_commit_index",
    "is_safe_change",
    "keep_behind_snapshot",
    "leader_commit_index",
    "log_is_up_to_date",
    "match_after_success",
    "may_campaign",
    "may_change",
    "may_commit_term",
    "may_hold_lease",
    "may_read",
    "may_vote_for",
    "needs_snapshot",
    "next_after_refusal",
    "previous_entry_matches",
    "snapshot_is_stale",
    "stays_with_leader",
]


# --- votes --------------------------------------------------------------------------------------


def log_is_up_to_date(last_log_index: int, last_log_term: int, durable: Durable) -> bool:
    """Election restriction: a log that ends so is at least as up to date as ours (paper, 5.4.1)."""
    return (last_log_term, last_log_index) >= (durable.last_term, durable.last_index)


def may_vote_for(candidate: NodeId, voted_for: NodeId | None) -> bool:
    """One vote a term: none given yet, or given to this candidate (paper, 5.2)."""
    return voted_for is None or voted_for == candidate


def may_campaign(node: Node) -> bool:
    """Return whether it may stand for election (thesis, 4.2.2).

    A voter may, and a former voter that may still be needed.

    The latter may while it does not know that its removal is committed.
    """
    me = node.config.node
    return me in node.configuration.all_voters or me in node.committed_configuration.all_voters


def stays_with_leader(node: Node) -> bool:
    """Return whether it stays with its leader (thesis, 4.2.3 and 9.6).

    A server that hears from a leader ignores candidates.

    So does the leader itself, since it would know if no quorum heard it.
    """
    return node.heard > 0 or (node.config.check_quorum and isinstance(node.role, Leader))


# --- a follower's log ---------------------------------------------------------------------------


def previous_entry_matches(
    snapshot: Snapshot, log: tuple[Entry, ...], prev_log_index: int, prev_log_term: int
) -> bool:
    """Consistency check: the log holds the entry before the new ones (paper, 5.3).

    The entries that a snapshot covers are committed, so they match every leader's log.
    """
    if prev_log_index < snapshot.index:
        return True
    return (
        prev_log_index <= snapshot.index + len(log)
        and term_of(snapshot, log, prev_log_index) == prev_log_term
    )


def accept(
    snapshot: Snapshot, log: tuple[Entry, ...], prev_log_index: int, entries: tuple[Entry, ...]
) -> tuple[Entry, ...]:
    """The log after taking `entries` behind `prev_log_index` (paper, Figure 2, AppendEntries rules 3 and 4).

    What the snapshot covers is left out. Only a conflict truncates: a request that was delayed or
    duplicated must not remove entries that a later one brought.
    """
    before = prev_log_index - snapshot.index
    if before < 0:
        entries = entries[-before:]
        before = 0
    for behind, entry in enumerate(entries, start=before):
        if behind >= len(log) or log[behind].term != entry.term:
            return log[:before] + entries
    return log


def follower_commit_index(commit_index: int, leader_commit: int, last_new_index: int) -> int:
    """The index up to which a follower may take entries as committed (paper, Figure 2, AppendEntries rule 5).

    No further than the entries that this request vouches for, and never back.
    """
    return max(commit_index, min(leader_commit, last_new_index))


def answered_round(number: int, *, stale: bool) -> int:
    """The round that an answer confirms (thesis, 6.4).

    A refusal of an earlier term confirms none: the leader of that term may lead again, and would take
    it for a round of its present term.
    """
    return 0 if stale else number


# --- a leader's knowledge -----------------------------------------------------------------------


def match_after_success(known: int, acknowledged: int) -> int:
    """The index up to which a peer is known to hold the log: a late success must not unlearn (paper, 5.3)."""
    return max(known, acknowledged)


def next_after_refusal(progress: Progress, hint: int) -> int:
    """The index at which to go on after a refusal, never before what is known to match (paper, 5.3)."""
    return max(min(progress.next_index - 1, hint), progress.match_index + 1)


def may_commit_term(entry_term: int, leader_term: int) -> bool:
    """Commit rule: a leader counts replicas only for entries of its own term (paper, 5.4.2)."""
    return entry_term == leader_term


def leader_commit_index(
    durable: Durable, configuration: Configuration, held: Mapping[NodeId, int], commit_index: int
) -> int:
    """The greatest log index that a leader may take as committed; never below `commit_index`.

    Terms in a log never decrease, so that only the greatest index that a quorum holds needs to be
    tried.

    Args:
        durable: the leader's term and log.
        configuration: the one in force.
        held: for each voter the greatest log index known to be the same there; for the leader itself
            what is on its disk.
        commit_index: what is committed already.
    """
    agreed = min(configuration.agreed_index(held), durable.last_index)
    if agreed > commit_index and may_commit_term(durable.term_at(agreed), durable.current_term):
        return agreed
    return commit_index


# --- snapshots ----------------------------------------------------------------------------------


def needs_snapshot(next_index: int, snapshot: Snapshot) -> bool:
    """A peer that lacks entries which the leader has compacted needs the snapshot (paper, section 7)."""
    return next_index <= snapshot.index


def snapshot_is_stale(index: int, commit_index: int) -> bool:
    """A snapshot older than what is committed brings nothing (paper, Figure 13)."""
    return index <= commit_index


def keep_behind_snapshot(durable: Durable, index: int, term: int) -> tuple[Entry, ...]:
    """The entries that stay behind a snapshot that arrived (paper, Figure 13, rules 6 and 7).

    Those that follow its last one, if the log holds that one; else none.
    """
    if durable.snapshot.index <= index <= durable.last_index and durable.term_at(index) == term:
        return durable.log[index - durable.snapshot.index :]
    return ()


# --- changes of membership, reads and leases ----------------------------------------------------


def committed_in_its_term(node: Node) -> bool:
    """Return whether a leader has committed an entry of its own term.

    Before that it does not know all that is committed (thesis, 6.4): neither for a read, nor whether a
    change of an earlier leader is (Ongaro, "bug in single-server membership changes", raft-dev, 2015).
    """
    return node.durable.term_at(node.commit_index) == node.durable.current_term


def may_change(node: Node) -> bool:
    """A leader changes the membership when the last change is committed (paper, 6; thesis, 4.1)."""
    return node.change_index <= node.commit_index and committed_in_its_term(node)


def is_safe_change(old: Configuration, new: Configuration) -> bool:
    """A change is one that keeps quorums sharing a server."""
    return old.may_become(new)


def may_read(node: Node) -> bool:
    """A leader answers reads when it knows all that is committed (thesis, 6.4)."""
    return committed_in_its_term(node)


def may_hold_lease(leader: Leader) -> bool:
    """Return whether it may hold a lease.

    A leader that asked another to take over has none in its term: the request may arrive late.
    """
    return not leader.handed_over
