"""The messages of Raft (paper, Figure 2). Each names its sender, its receiver and the sender's term."""

from typing import TypeAlias

import attrs

from impl.raft.state import Entry, NodeId

__all__ = [
    "AppendEntriesRequest",
    "AppendEntriesResponse",
    "Message",
    "RequestVoteRequest",
    "RequestVoteResponse",
]


@attrs.frozen(kw_only=True)
class RequestVoteRequest:
    """A candidate asks for a vote, and says how far its log reaches."""

    term: int
    source: NodeId
    dest: NodeId
    last_log_index: int
    last_log_term: int


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


@attrs.frozen(kw_only=True)
class AppendEntriesResponse:
    """The answer: on success, `match_index` is the last log index that the request vouched for; else 0."""

    term: int
    source: NodeId
    dest: NodeId
    success: bool
    match_index: int


Message: TypeAlias = RequestVoteRequest | RequestVoteResponse | AppendEntriesRequest | AppendEntriesResponse
