"""Raft servers for tests: made by hand in one line, or by Hypothesis through inputs that can happen.

`inputs_for` draws what an honest world may hand to a server: Raft tolerates crashes, not lies. So a
leader meets no second leader of its term, an answer vouches for no more than the server holds, and a
leader's log agrees with what the server knows to be committed. Beyond that all goes: any term, stale
and doubled messages, strangers, timers of another role, and messages for somebody else.
"""

from typing import Final

from hypothesis import strategies as st

from impl.raft import (
    AppendEntries,
    AppendEntriesRequest,
    AppendEntriesResponse,
    Candidate,
    ClientRequest,
    Config,
    Durable,
    Effect,
    Entry,
    Follower,
    Input,
    Leader,
    Message,
    MisroutedInput,
    Node,
    Progress,
    Receive,
    RequestVoteRequest,
    RequestVoteResponse,
    Role,
    Send,
    Timeout,
    recover,
    step,
)

__all__ = [
    "FIVE",
    "THREE",
    "append",
    "ask_vote",
    "candidate",
    "inputs_for",
    "leader",
    "log_of",
    "logs",
    "nodes",
    "nodes_and_inputs",
    "received",
    "sent",
    "server",
]

THREE: Final = ("n1", "n2", "n3")
FIVE: Final = ("n1", "n2", "n3", "n4", "n5")


# --- by hand: server n1 of three, unless told otherwise -----------------------------------------


def log_of(*terms: int) -> tuple[Entry, ...]:
    """A log whose entries have these terms, each with a value that its term and index determine."""
    return tuple(Entry(term, f"{term}.{index}") for index, term in enumerate(terms, start=1))


def server(
    *,
    term: int = 1,
    voted_for: str | None = None,
    log: tuple[Entry, ...] = (),
    commit_index: int = 0,
    role: Role | None = None,
    members: tuple[str, ...] = THREE,
    entries_max: int = 64,
) -> Node:
    """The first of `members`, a follower of term 1 with an empty log unless told otherwise."""
    return Node(
        config=Config(members[0], members, entries_max),
        durable=Durable(current_term=term, voted_for=voted_for, log=log),
        commit_index=commit_index,
        role=role or Follower(),
    )


def candidate(*, term: int = 1, log: tuple[Entry, ...] = (), members: tuple[str, ...] = THREE) -> Node:
    """The first of `members`, which stands for election in `term` and has its own vote."""
    me = members[0]
    return server(
        term=term, voted_for=me, log=log, members=members, role=Candidate(votes_granted=frozenset({me}))
    )


def leader(
    *,
    term: int = 1,
    log: tuple[Entry, ...] = (),
    commit_index: int = 0,
    progress: tuple[tuple[int, int], ...] = (),
    members: tuple[str, ...] = THREE,
    entries_max: int = 64,
) -> Node:
    """The first of `members`, which leads `term`; `progress` has (next index, match index) for each peer."""
    known = progress or ((len(log) + 1, 0),) * (len(members) - 1)
    return server(
        term=term,
        voted_for=members[0],
        log=log,
        commit_index=commit_index,
        members=members,
        entries_max=entries_max,
        role=Leader(
            tuple(
                Progress(peer, next_index=following, match_index=match)
                for peer, (following, match) in zip(members[1:], known, strict=True)
            )
        ),
    )


def ask_vote(
    *, term: int, source: str = "n2", dest: str = "n1", last_log_index: int = 0, last_log_term: int = 0
) -> RequestVoteRequest:
    """A request for a vote, from n2 to n1 with an empty log unless told otherwise."""
    return RequestVoteRequest(
        term=term, source=source, dest=dest, last_log_index=last_log_index, last_log_term=last_log_term
    )


def append(
    *,
    term: int,
    prev: tuple[int, int] = (0, 0),
    entries: tuple[Entry, ...] = (),
    leader_commit: int = 0,
    source: str = "n2",
    dest: str = "n1",
) -> AppendEntriesRequest:
    """A leader's request, from n2 to n1; `prev` is the index and the term of the entry before the new ones."""
    return AppendEntriesRequest(
        term=term,
        source=source,
        dest=dest,
        prev_log_index=prev[0],
        prev_log_term=prev[1],
        entries=entries,
        leader_commit=leader_commit,
    )


def received(node: Node, *messages: Message) -> Node:
    """The server after these messages."""
    for message in messages:
        node, _ = step(node, Receive(message))
    return node


def sent(effects: tuple[Effect, ...]) -> list[Message]:
    """The messages among the effects."""
    return [effect.message for effect in effects if isinstance(effect, Send)]


# --- by Hypothesis ------------------------------------------------------------------------------


@st.composite
def logs(draw: st.DrawFn, *, terms_max: int = 4, size_max: int = 6) -> tuple[Entry, ...]:
    """Logs as Raft makes them: terms never decrease."""
    terms = sorted(draw(st.lists(st.integers(1, terms_max), max_size=size_max)))
    return tuple(Entry(term, draw(st.sampled_from("abc"))) for term in terms)


@st.composite
def _leader_logs(draw: st.DrawFn, node: Node, term: int) -> tuple[Entry, ...]:
    """The log of a leader of `term`: it has what `node` knows to be committed, and perhaps another end."""
    log = node.durable.log
    kept = log[: draw(st.integers(min(node.commit_index, len(log)), len(log)))]
    kept = tuple(entry for entry in kept if entry.term <= term)
    lowest = kept[-1].term if kept else 1
    more = sorted(draw(st.lists(st.integers(lowest, term), max_size=3)))
    return (*kept, *(Entry(each, draw(st.sampled_from("abc"))) for each in more))


_KINDS: Final = ("timeout", "append", "client", "vote?", "vote!", "entries?", "entries!")
#: What gets a server of a role further, so that elections are won and entries committed.
_LIKELY: Final[dict[type[Role], tuple[str, ...]]] = {
    Follower: ("entries?",),
    Candidate: ("vote!", "vote!", "vote!"),
    Leader: ("entries!", "entries!", "client"),
}


@st.composite
def inputs_for(draw: st.DrawFn, node: Node) -> Input:
    """An input that an honest world may hand to `node`, or one that the host routed wrongly."""
    config, durable = node.config, node.durable
    someone = st.sampled_from([*config.peers * 4, config.node, "stranger"])
    kind = draw(st.sampled_from(_KINDS + _LIKELY[type(node.role)] * 4))
    match kind:
        case "timeout":
            return Timeout()
        case "append":
            return AppendEntries(draw(someone))
        case "client":
            return ClientRequest(draw(st.sampled_from("abc")))
    source = draw(someone)
    dest = config.node if draw(st.integers(0, 15)) else draw(someone)
    term = max(1, durable.current_term + draw(st.sampled_from([0] * 8 + [1, 2, -1, -2])))
    message: Message
    match kind:
        case "vote?":
            last = draw(logs(terms_max=term))
            message = RequestVoteRequest(
                term=term,
                source=source,
                dest=dest,
                last_log_index=len(last),
                last_log_term=last[-1].term if last else 0,
            )
        case "vote!":
            message = RequestVoteResponse(
                term=term, source=source, dest=dest, vote_granted=bool(draw(st.integers(0, 3)))
            )
        case "entries?":
            if isinstance(node.role, Leader) and term == durable.current_term:
                term += 1
            known = draw(_leader_logs(node, term))
            prev = draw(st.integers(0, len(known)))
            message = AppendEntriesRequest(
                term=term,
                source=source,
                dest=dest,
                prev_log_index=prev,
                prev_log_term=known[prev - 1].term if prev else 0,
                entries=known[prev : prev + draw(st.integers(0, 3))],
                leader_commit=draw(st.integers(0, len(known))),
            )
        case _:
            success = draw(st.booleans())
            message = AppendEntriesResponse(
                term=term,
                source=source,
                dest=dest,
                success=success,
                match_index=draw(st.integers(0, len(durable.log))) if success else 0,
            )
    return Receive(message)


@st.composite
def nodes(draw: st.DrawFn, *, inputs_max: int = 15) -> Node:
    """Servers of clusters of one to five, after inputs that can happen and perhaps a crash."""
    members = FIVE[: draw(st.integers(1, 5))]
    node = recover(Config(draw(st.sampled_from(members)), members, draw(st.integers(1, 3))), Durable())
    for _ in range(draw(st.integers(0, inputs_max))):
        try:
            node, _ = step(node, draw(inputs_for(node)))
        except MisroutedInput:
            continue
        if draw(st.integers(0, 19)) == 0:
            node = recover(node.config, node.durable)
    return node


@st.composite
def nodes_and_inputs(draw: st.DrawFn) -> tuple[Node, Input]:
    """A server and an input for it."""
    node = draw(nodes())
    return node, draw(inputs_for(node))
