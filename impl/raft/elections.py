"""Elections: timers, pre-votes, votes, and the request to take over (paper, 5.2 and 5.4.1; thesis, 3.10 and 9.6)."""

from collections.abc import Callable

import attrs

from impl.common.identities import NodeId
from impl.raft import rules
from impl.raft.effects import ResetElectionTimer, Send
from impl.raft.following import follow_term, safe_up_to
from impl.raft.leading import become_leader
from impl.raft.messages import (
    Message,
    PreVoteRequest,
    PreVoteResponse,
    RequestVoteRequest,
    RequestVoteResponse,
    TimeoutNow,
)
from impl.raft.outcome import Outcome
from impl.raft.state import Candidate, Durable, Leader, Node, PreCandidate

__all__ = [
    "handle_pre_vote_request",
    "handle_pre_vote_response",
    "handle_request_vote_request",
    "handle_request_vote_response",
    "handle_timeout_now",
    "timeout",
]


def timeout(node: Node) -> Outcome:
    """Stand for election; with `pre_vote` ask first whether it would be won (paper, 5.2; thesis, 9.6).

    The timer of a leader means nothing; that of a server that may not stand, or stays with its leader,
    begins anew.
    """
    if isinstance(node.role, Leader):
        return Outcome(node)
    if node.heard > 0 or not rules.may_campaign(node):
        return Outcome(node, (ResetElectionTimer(),))
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
    return Outcome(asking, (*requests, ResetElectionTimer()))


def _campaign(node: Node, *, transfer: bool) -> Outcome:
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
    return Outcome(attrs.evolve(node, durable=durable, synced=synced, role=role), effects)


def _ask_voters(node: Node, request: Callable[[NodeId], Message]) -> tuple[Send, ...]:
    """A request to each other voter, old and new ones, by name."""
    return tuple(Send(request(voter)) for voter in sorted(node.configuration.all_voters - {node.config.node}))


# --- pre-votes ----------------------------------------------------------------------------------


def handle_pre_vote_request(node: Node, request: PreVoteRequest) -> Outcome:
    """Say whether it would vote, and change nothing (thesis, 9.6).

    A refusal carries its own term, so that who lags behind learns it.
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
    return Outcome(node, (Send(response),))


def handle_pre_vote_response(node: Node, response: PreVoteResponse) -> Outcome:
    """With a quorum that would vote for it, a pre-candidate becomes a candidate (thesis, 9.6)."""
    current = node.durable.current_term
    if not response.vote_granted:
        return Outcome(follow_term(node, response.term) if response.term > current else node)
    if not isinstance(node.role, PreCandidate) or response.term != current + 1:
        return Outcome(node)
    voters = node.role.votes_granted | {response.source}
    if node.configuration.has_quorum(voters):
        return _campaign(node, transfer=False)
    return Outcome(attrs.evolve(node, role=PreCandidate(votes_granted=voters)))


# --- votes --------------------------------------------------------------------------------------


def handle_request_vote_request(node: Node, request: RequestVoteRequest) -> Outcome:
    """Paper, Figure 2, RequestVote RPC. A later term resets the vote before it is judged.

    Who hears a leader does not even look at it, unless that leader asked for it (thesis, 4.2.3).
    """
    if request.term > node.durable.current_term:
        ignores = node.config.check_quorum or node.config.leases
        if ignores and not request.transfer and rules.stays_with_leader(node):
            return Outcome(node)
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
    return Outcome(node, (Send(response), ResetElectionTimer()) if granted else (Send(response),))


def handle_request_vote_response(node: Node, response: RequestVoteResponse) -> Outcome:
    """Count voters, not votes: a duplicate changes nothing (paper, 5.2)."""
    current = node.durable.current_term
    if response.term > current:
        return Outcome(follow_term(node, response.term))
    if response.term < current or not isinstance(node.role, Candidate) or not response.vote_granted:
        return Outcome(node)
    voters = node.role.votes_granted | {response.source}
    if node.configuration.has_quorum(voters):
        return become_leader(node)
    return Outcome(attrs.evolve(node, role=Candidate(votes_granted=voters)))


def handle_timeout_now(node: Node, request: TimeoutNow) -> Outcome:
    """Stand for election at once, and say why, so that who hears the leader votes too (thesis, 3.10)."""
    obeys = (
        request.term == node.durable.current_term
        and not isinstance(node.role, Leader)
        and rules.may_campaign(node)
    )
    return _campaign(node, transfer=True) if obeys else Outcome(node)
