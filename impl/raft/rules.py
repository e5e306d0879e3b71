"""The rules on which Raft's safety rests, each a function on plain values.

They carry the names of their definitions in `specs/raft/Raft.tla`, section "The rules".
"""

from collections.abc import Sequence

from impl import quorum
from impl.raft.state import Entry, NodeId

__all__ = [
    "accept",
    "follower_commit_index",
    "last_term",
    "leader_commit_index",
    "log_is_up_to_date",
    "may_commit_term",
    "may_vote_for",
    "previous_entry_matches",
    "term_at",
]


def term_at(log: tuple[Entry, ...], index: int) -> int:
    """The term of the entry at a log index of 0 to len(log); 0 before the first entry."""
    return log[index - 1].term if index else 0


def last_term(log: tuple[Entry, ...]) -> int:
    """The term of the last entry; 0 if there is none."""
    return term_at(log, len(log))


def log_is_up_to_date(last_log_index: int, last_log_term: int, log: tuple[Entry, ...]) -> bool:
    """Election restriction: a log that ends so is at least as up to date as `log` (paper, 5.4.1)."""
    return (last_log_term, last_log_index) >= (last_term(log), len(log))


def may_vote_for(candidate: NodeId, voted_for: NodeId | None) -> bool:
    """One vote a term: none given yet, or given to this candidate (paper, 5.2)."""
    return voted_for is None or voted_for == candidate


def previous_entry_matches(log: tuple[Entry, ...], prev_log_index: int, prev_log_term: int) -> bool:
    """Consistency check: `log` holds the entry before the new ones (paper, 5.3)."""
    return prev_log_index <= len(log) and term_at(log, prev_log_index) == prev_log_term


def accept(log: tuple[Entry, ...], prev_log_index: int, entries: tuple[Entry, ...]) -> tuple[Entry, ...]:
    """The log after taking `entries` behind `prev_log_index` (paper, Figure 2, AppendEntries rules 3 and 4).

    Only a conflict truncates: a request that was delayed or duplicated must not remove entries
    that a later one brought.
    """
    for index, entry in enumerate(entries, start=prev_log_index + 1):
        if index > len(log) or term_at(log, index) != entry.term:
            return log[:prev_log_index] + entries
    return log


def follower_commit_index(commit_index: int, leader_commit: int, last_new_index: int) -> int:
    """What a follower may take as committed (paper, Figure 2, AppendEntries rule 5).

    No further than the entries that this request vouches for, and never back.
    """
    return max(commit_index, min(leader_commit, last_new_index))


def may_commit_term(entry_term: int, leader_term: int) -> bool:
    """Commit rule: a leader counts replicas only for entries of its own term (paper, 5.4.2)."""
    return entry_term == leader_term


def leader_commit_index(
    log: tuple[Entry, ...], match_index: Sequence[int], commit_index: int, term: int
) -> int:
    """The greatest log index that a leader of `term` may take as committed; never below `commit_index`.

    Terms in a log never decrease, so that only the greatest index that a majority holds needs to be
    tried.

    Args:
        log: the leader's log.
        match_index: per peer, the greatest log index known to be the same there.
        commit_index: what is committed already.
        term: the leader's term.
    """
    held = quorum.commit_index((len(log), *match_index))
    return held if held > commit_index and may_commit_term(term_at(log, held), term) else commit_index
