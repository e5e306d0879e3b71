"""Elections: timers, pre-votes, votes, leadership transfer (paper, 5.2 and 5.4.1; thesis, 3.10 and 9.6)."""

from collections.abc import Callable

import attrs

from impl.common.identities import NodeId
from impl.raft import rules
from impl.raft.effects import ResetElectionTimer, Send
from impl.raft.following import follow_term, safe_up_to
from impl.raft.handled import Handled
from impl.raft.leading import become_leader
from impl.raft.messages import (
    Message,
    PreVoteRequest,
    PreVoteResponse,
    RequestVoteRequest,
    RequestVoteResponse,
    TimeoutNow,
)
from impl.raft.state import Candidate, Durable, Leader, Node, PreCandidate

__all__ = [
    "handle_pre_vote_request",
    "handle_pre_vote_response",
    "handle_request_vote_request",
    "handle_request_vote_response",
    "handle_timeout_now",
    "timeout",
]


def timeout(node: Node) -> Handled:
    """Stand for election; with `pre_vote` ask first whether it would be won (paper, 5.2; thesis, 9.6).

    A leader ignores its timer; a server that may not stand, or stays with its leader, restarts it.
    """
    if isinstance(node.role, Leader):
        return Handled(node)
    if node.heard > 0 or not rules.may_campaign(node):
        return Handled(node, (ResetElectionTimer(),))
    me, durable = node.config.node, node.durable
    if not node.config.pre_vote or node.configuration.has_quorum([me]):
        return _campaign(node, transfer=False)
    requests = _ask_voters(
        node,
        lambda voter: PreVoteRequest(
            term=durable.current_term + 1,
            source=me,
            dest=voter,
            last_log_index=durable.last_index,
            last_log_term=durable.last_term,
        ),
    )
    asking = attrs.evolve(node, role=PreCandidate(votes_granted=frozenset({me})))
    return Handled(asking, (*requests, ResetElectionTimer()))


def _campaign(node: Node, *, transfer: bool) -> Handled:
    """Start an election: a new term, a vote for oneself, and a request to all voters (paper, 5.2)."""
    me, old = node.config.node, node.durable
    durable = Durable(old.current_term + 1, me, old.log, snapshot=old.snapshot)
    requests = _ask_voters(
        node,
        lambda voter: RequestVoteRequest(
            term=durable.current_term,
            source=me,
            dest=voter,
            last_log_index=durable.last_index,
            last_log_term=durable.last_term,
            transfer=transfer,
        ),
    )
    effects: tuple[Send | ResetElectionTimer, ...] = (*requests, ResetElectionTimer())
    role = Candidate(votes_granted=frozenset({me}))
    if node.configuration.has_quorum([me]):
        opened = safe_up_to(node, durable.last_index + 1)
        return become_leader(attrs.evolve(node, durable=durable, synced=opened, role=role), effects)
    synced = safe_up_to(node, durable.last_index)
    return Handled(attrs.evolve(node, durable=durable, synced=synced, role=role), effects)


def _ask_voters(node: Node, request: Callable[[NodeId], Message]) -> tuple[Send, ...]:
    """A request to each other voter, old and new ones, by name."""
    return tuple(Send(request(voter)) for voter in sorted(node.configuration.all_voters - {node.config.node}))


# --- pre-votes ----------------------------------------------------------------------------------


def handle_pre_vote_request(node: Node, request: PreVoteRequest) -> Handled:
    """Answer whether it would vote, and change nothing (thesis, 9.6).

    A refusal carries the server's term, so that a lagging requester learns it.
    """
    granted = (
        request.term > node.durable.current_term
        and not rules.stays_with_leader(node)
        and rules.log_is_up_to_date(request.last_log_index, request.last_log_term, node.durable)
    )
    response = PreVoteResponse(
        term=request.term if granted else node.durable.current_term,
        source=node.config.node,
        dest=request.source,
        vote_granted=granted,
    )
    return Handled(node, (Send(response),))


def handle_pre_vote_response(node: Node, response: PreVoteResponse) -> Handled:
    """Become a candidate once a quorum would vote for it (thesis, 9.6)."""
    current = node.durable.current_term
    if not response.vote_granted:
        return Handled(follow_term(node, response.term) if response.term > current else node)
    if not isinstance(node.role, PreCandidate) or response.term != current + 1:
        return Handled(node)
    voters = node.role.votes_granted | {response.source}
    if node.configuration.has_quorum(voters):
        return _campaign(node, transfer=False)
    return Handled(attrs.evolve(node, role=PreCandidate(votes_granted=voters)))


# --- votes --------------------------------------------------------------------------------------


def handle_request_vote_request(node: Node, request: RequestVoteRequest) -> Handled:
    """Paper, Figure 2, RequestVote RPC. A later term resets the vote before it is judged.

    A server that hears a leader ignores it, unless that leader asked for the election (thesis, 4.2.3).
    """
    if request.term > node.durable.current_term:
        ignores = node.config.check_quorum or node.config.leases
        if ignores and not request.transfer and rules.stays_with_leader(node):
            return Handled(node)
        node = follow_term(node, request.term)
    durable = node.durable
    granted = (
        request.term == durable.current_term
        and rules.may_vote_for(request.source, durable.voted_for)
        and rules.log_is_up_to_date(request.last_log_index, request.last_log_term, durable)
    )
    if granted and durable.voted_for is None:
        voted = Durable(durable.current_term, request.source, durable.log, snapshot=durable.snapshot)
        node = attrs.evolve(node, durable=voted, synced=safe_up_to(node, durable.last_index))
    response = RequestVoteResponse(
        term=durable.current_term, source=node.config.node, dest=request.source, vote_granted=granted
    )
    return Handled(node, (Send(response), ResetElectionTimer()) if granted else (Send(response),))


def handle_request_vote_response(node: Node, response: RequestVoteResponse) -> Handled:
    """Count voters, not votes: a duplicate changes nothing (paper, 5.2)."""
    current = node.durable.current_term
    if response.term > current:
        return Handled(follow_term(node, response.term))
    if response.term < current or not isinstance(node.role, Candidate) or not response.vote_granted:
        return Handled(node)
    voters = node.role.votes_granted | {response.source}
    if node.configuration.has_quorum(voters):
        return become_leader(node)
    return Handled(attrs.evolve(node, role=Candidate(votes_granted=voters)))


def handle_timeout_now(node: Node, request: TimeoutNow) -> Handled:
    """Stand for election at once, flagged so that servers that hear the leader vote too (thesis, 3.10)."""
    obeys = (
        request.term == node.durable.current_term
        and not isinstance(node.role, Leader)
        and rules.may_campaign(node)
    )
    return _campaign(node, transfer=True) if obeys else Handled(node)
