"""The messages of Raft. Each names its sender, its receiver and a term.

Sources: paper, Figures 2 and 13; thesis, 9.6 (pre-votes), 3.10 (handing over) and 6.4 (`round`, by
which a leader tells which answers came after a read was asked for).
"""

from typing import Final, TypeAlias

import attrs

from impl.common.identities import NodeId
from impl.raft.log import Entry, Snapshot

__all__ = [
    "NO_CONFLICT",
    "AppendEntriesRequest",
    "AppendEntriesResponse",
    "ConflictHint",
    "InstallSnapshotRequest",
    "Message",
    "PreVoteRequest",
    "PreVoteResponse",
    "RequestVoteRequest",
    "RequestVoteResponse",
    "TimeoutNow",
]


@attrs.frozen(kw_only=True)
class PreVoteRequest:
    """A server asks whether it would win an election in `term`, one above its own (thesis, 9.6)."""

    term: int
    source: NodeId
    dest: NodeId
    last_log_index: int
    last_log_term: int


@attrs.frozen(kw_only=True)
class PreVoteResponse:
    """The answer: `term` is the asked one if the vote would be granted, else the refuser's own."""

    term: int
    source: NodeId
    dest: NodeId
    vote_granted: bool


@attrs.frozen(kw_only=True)
class RequestVoteRequest:
    """A candidate asks for a vote, and says how far its log reaches.

    `transfer` is True if the leader asked for the election: then servers that hear that leader answer too.
    """

    term: int
    source: NodeId
    dest: NodeId
    last_log_index: int
    last_log_term: int
    transfer: bool = False


@attrs.frozen(kw_only=True)
class RequestVoteResponse:
    """The answer: whether the vote was granted."""

    term: int
    source: NodeId
    dest: NodeId
    vote_granted: bool


@attrs.frozen(kw_only=True)
class AppendEntriesRequest:
    """A leader sends the entries that follow log index `prev_log_index`; none is a heartbeat."""

    term: int
    source: NodeId
    dest: NodeId
    prev_log_index: int
    prev_log_term: int
    entries: tuple[Entry, ...]
    leader_commit: int
    round: int = 0


@attrs.frozen
class ConflictHint:
    """The place where a leader should go on after a refusal (paper, 5.3).

    Attributes:
        term: the term of the entry that conflicts; 0 if the log ends before it.
        index: the first index of that term, or the one behind the log's end; 0 if nothing is said.
    """

    term: int = 0
    index: int = 0


#: No hint.
NO_CONFLICT: Final = ConflictHint()


@attrs.frozen(kw_only=True)
class AppendEntriesResponse:
    """The answer to a request of a leader, also to `InstallSnapshotRequest`.

    On success, `match_index` is the last log index that the request vouched for; else 0. `round` is
    the request's; 0 in the refusal of an earlier term.
    """

    term: int
    source: NodeId
    dest: NodeId
    success: bool
    match_index: int
    conflict: ConflictHint = NO_CONFLICT
    round: int = 0


@attrs.frozen(kw_only=True)
class InstallSnapshotRequest:
    """A leader sends its whole snapshot to a peer that lacks compacted entries (paper, section 7)."""

    term: int
    source: NodeId
    dest: NodeId
    snapshot: Snapshot
    round: int = 0


@attrs.frozen(kw_only=True)
class TimeoutNow:
    """The leader of `term` asks the receiver to stand for election at once (thesis, 3.10)."""

    term: int
    source: NodeId
    dest: NodeId


Message: TypeAlias = (
    PreVoteRequest
    | PreVoteResponse
    | RequestVoteRequest
    | RequestVoteResponse
    | AppendEntriesRequest
    | AppendEntriesResponse
    | InstallSnapshotRequest
    | TimeoutNow
)
