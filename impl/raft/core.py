"""One step of a Raft server. Pure; each branch names the rule of the paper that it carries out."""

from typing import TypeAlias, assert_never

import attrs

from impl import quorum
from impl.raft import rules
from impl.raft.effects import Apply, BecameLeader, Effect, NotLeader, Persist, ResetElectionTimer, Send
from impl.raft.inputs import AppendEntries, ClientRequest, Input, Receive, Timeout
from impl.raft.messages import (
    AppendEntriesRequest,
    AppendEntriesResponse,
    Message,
    RequestVoteRequest,
    RequestVoteResponse,
)
from impl.raft.state import (
    NOOP,
    Candidate,
    Config,
    Durable,
    Entry,
    Follower,
    Leader,
    MisroutedInput,
    Node,
    Progress,
)

__all__ = ["recover", "step"]

#: The server after the step, and what it sends and asks of its timer.
_Outcome: TypeAlias = tuple[Node, tuple[Send | ResetElectionTimer, ...]]


def recover(config: Config, durable: Durable) -> Node:
    """The server as it comes back from a crash: what was on disk, and nothing else.

    With an empty `Durable()` it is a server that starts for the first time.
    """
    return Node(config=config, durable=durable)


def step(node: Node, inp: Input) -> tuple[Node, tuple[Effect, ...]]:
    """One step of a server.

    An input that does not fit the server's role (a late timer, a message of an old term) changes
    nothing: the network and the clock may say anything.

    Args:
        node: the server before the step.
        inp: what happened.

    Returns:
        The server after the step, and what the host must do, in order: `Persist` first, then
        messages, then news for the client and the state machine.

    Raises:
        MisroutedInput: if the input is for another server. That is the host's mistake.
    """
    match inp:
        case Timeout():
            after, own = _timeout(node)
        case AppendEntries(peer=peer):
            after, own = _append_entries(node, peer)
        case ClientRequest(value=value):
            if not isinstance(node.role, Leader):
                return node, (NotLeader(value),)
            after, own = _client_request(node, Entry(node.durable.current_term, value))
        case Receive(message=message):
            if message.dest != node.config.node:
                raise MisroutedInput(
                    f"{node.config.node!r} was handed a message for {message.dest!r}: {message}"
                )
            if message.source not in node.config.peers:
                return node, ()
            after, own = _receive(node, message)
        case _:
            assert_never(inp)
    return after, _effects(node, after, own)


def _effects(before: Node, after: Node, own: tuple[Send | ResetElectionTimer, ...]) -> tuple[Effect, ...]:
    """What the host must do to make the step real, what is durable before what relies on it."""
    effects: list[Effect] = []
    if after.durable != before.durable:
        effects.append(Persist(after.durable))
    effects.extend(own)
    if isinstance(after.role, Leader) and not isinstance(before.role, Leader):
        effects.append(BecameLeader(after.durable.current_term))
    effects.extend(
        Apply(index, after.durable.log[index - 1].value)
        for index in range(before.commit_index + 1, after.commit_index + 1)
    )
    return tuple(effects)


# --- timers and clients -------------------------------------------------------------------------


def _timeout(node: Node) -> _Outcome:
    """Start an election: a new term, a vote for oneself, and a request to all others (paper, 5.2)."""
    if isinstance(node.role, Leader):
        return node, ()
    me, term = node.config.node, node.durable.current_term + 1
    candidate = attrs.evolve(
        node,
        durable=attrs.evolve(node.durable, current_term=term, voted_for=me),
        role=Candidate(votes_granted=frozenset({me})),
    )
    requests = (
        Send(
            RequestVoteRequest(
                term=term,
                source=me,
                dest=peer,
                last_log_index=len(node.durable.log),
                last_log_term=rules.last_term(node.durable.log),
            )
        )
        for peer in node.config.peers
    )
    return _count_votes(candidate, frozenset({me})), (*requests, ResetElectionTimer())


def _append_entries(node: Node, peer: str) -> _Outcome:
    """Send a peer the entries from its next index on; none of them is a heartbeat (paper, 5.3)."""
    if not isinstance(node.role, Leader):
        return node, ()
    log = node.durable.log
    prev = node.role.of(peer).next_index - 1
    request = AppendEntriesRequest(
        term=node.durable.current_term,
        source=node.config.node,
        dest=peer,
        prev_log_index=prev,
        prev_log_term=rules.term_at(log, prev),
        entries=log[prev : prev + node.config.entries_max],
        leader_commit=node.commit_index,
    )
    return node, (Send(request),)


def _client_request(node: Node, entry: Entry) -> _Outcome:
    """Append a client's entry to the leader's log (paper, 5.3)."""
    appended = attrs.evolve(node, durable=attrs.evolve(node.durable, log=(*node.durable.log, entry)))
    return _advance_commit_index(appended), ()


# --- messages -----------------------------------------------------------------------------------


def _receive(node: Node, message: Message) -> _Outcome:
    """Whoever meets a term above its own follows in it, with no vote given yet (paper, 5.1)."""
    if message.term > node.durable.current_term:
        durable = attrs.evolve(node.durable, current_term=message.term, voted_for=None)
        node = attrs.evolve(node, durable=durable, role=Follower())
    match message:
        case RequestVoteRequest():
            return _handle_request_vote_request(node, message)
        case RequestVoteResponse():
            return _handle_request_vote_response(node, message), ()
        case AppendEntriesRequest():
            return _handle_append_entries_request(node, message)
        case AppendEntriesResponse():
            return _handle_append_entries_response(node, message), ()
        case _:
            assert_never(message)


def _handle_request_vote_request(node: Node, request: RequestVoteRequest) -> _Outcome:
    """Paper, Figure 2, RequestVote RPC."""
    granted = (
        request.term == node.durable.current_term
        and rules.may_vote_for(request.source, node.durable.voted_for)
        and rules.log_is_up_to_date(request.last_log_index, request.last_log_term, node.durable.log)
    )
    if granted:
        node = attrs.evolve(node, durable=attrs.evolve(node.durable, voted_for=request.source))
    response = RequestVoteResponse(
        term=node.durable.current_term, source=node.config.node, dest=request.source, vote_granted=granted
    )
    return node, (Send(response), ResetElectionTimer()) if granted else (Send(response),)


def _handle_request_vote_response(node: Node, response: RequestVoteResponse) -> Node:
    """Count voters, not votes: a duplicate changes nothing (paper, 5.2)."""
    if (
        response.term < node.durable.current_term
        or not isinstance(node.role, Candidate)
        or not response.vote_granted
    ):
        return node
    return _count_votes(node, node.role.votes_granted | {response.source})


def _count_votes(node: Node, voters: frozenset[str]) -> Node:
    """A candidate with a majority leads, and opens its term with a no-op (paper, 5.2; thesis, 6.4)."""
    if not quorum.has_majority(len(voters), len(node.config.members)):
        return attrs.evolve(node, role=Candidate(votes_granted=voters))
    next_index = len(node.durable.log) + 1
    leader = Leader(tuple(Progress(peer, next_index=next_index) for peer in node.config.peers))
    noop = Entry(node.durable.current_term, NOOP)
    log = (*node.durable.log, noop)
    return _advance_commit_index(attrs.evolve(node, durable=attrs.evolve(node.durable, log=log), role=leader))


def _handle_append_entries_request(node: Node, request: AppendEntriesRequest) -> _Outcome:
    """Paper, Figure 2, AppendEntries RPC.

    A request of our own term comes from its leader, so that a candidate gives up (5.2); its vote
    stands, for the term is the same.
    """
    current = request.term == node.durable.current_term
    if current and isinstance(node.role, Candidate):
        node = attrs.evolve(node, role=Follower())
    success = current and rules.previous_entry_matches(
        node.durable.log, request.prev_log_index, request.prev_log_term
    )
    last_new_index = request.prev_log_index + len(request.entries)
    if success:
        log = rules.accept(node.durable.log, request.prev_log_index, request.entries)
        commit_index = rules.follower_commit_index(node.commit_index, request.leader_commit, last_new_index)
        node = attrs.evolve(node, durable=attrs.evolve(node.durable, log=log), commit_index=commit_index)
    response = AppendEntriesResponse(
        term=node.durable.current_term,
        source=node.config.node,
        dest=request.source,
        success=success,
        match_index=last_new_index if success else 0,
    )
    return node, (Send(response), ResetElectionTimer()) if current else (Send(response),)


def _handle_append_entries_response(node: Node, response: AppendEntriesResponse) -> Node:
    """Learn what a peer holds (paper, 5.3).

    An answer may be late or a duplicate: what a peer is known to hold never shrinks, and the next
    index backs off no further than behind it.
    """
    if response.term < node.durable.current_term or not isinstance(node.role, Leader):
        return node
    known = node.role.of(response.source)
    if not response.success:
        backed_off = max(known.next_index - 1, known.match_index + 1)
        return attrs.evolve(node, role=node.role.learn(attrs.evolve(known, next_index=backed_off)))
    learnt = attrs.evolve(
        known,
        match_index=max(known.match_index, response.match_index),
        next_index=max(known.next_index, response.match_index + 1),
    )
    return _advance_commit_index(attrs.evolve(node, role=node.role.learn(learnt)))


def _advance_commit_index(node: Node) -> Node:
    """A leader commits what a majority holds, if it is of its own term (paper, 5.3 and 5.4.2)."""
    if not isinstance(node.role, Leader):
        return node
    match_index = tuple(progress.match_index for progress in node.role.progress)
    committed = rules.leader_commit_index(
        node.durable.log, match_index, node.commit_index, node.durable.current_term
    )
    return attrs.evolve(node, commit_index=committed)
