"""Raft servers for tests, built by hand in one line or drawn by Hypothesis through legal inputs.

`inputs_for` draws inputs of an honest world: Raft tolerates crashes, not lies. So a
leader meets no second leader of its term, an answer vouches for no more than the server holds, and a
leader's log agrees with the entries that the server knows to be committed. Anything else may happen:
any term, stale and duplicated messages, strangers, timers of another role, requests of clients and
operators at any time, and messages for another server.
"""

from typing import Any, Final

import attrs
from hypothesis import strategies as st

from impl.raft import (
    AbortTransfer,
    AppendEntries,
    AppendEntriesRequest,
    AppendEntriesResponse,
    Candidate,
    ChangeMembership,
    CheckQuorum,
    ClientRequest,
    Compact,
    Config,
    Configuration,
    ConflictHint,
    DiskSynced,
    Durable,
    Effect,
    Entry,
    Follower,
    Input,
    InstallSnapshotRequest,
    InvalidConfig,
    Leader,
    LeaseRead,
    Message,
    MisroutedInput,
    Node,
    PreCandidate,
    PreVoteRequest,
    PreVoteResponse,
    Progress,
    ReadIndex,
    Receive,
    RenewLease,
    RequestVoteRequest,
    RequestVoteResponse,
    Role,
    Send,
    Snapshot,
    Tick,
    Timeout,
    TimeoutNow,
    TransferLeadership,
    first_start,
    recover,
    step,
)

THREE: Final = ("n1", "n2", "n3")
FIVE: Final = ("n1", "n2", "n3", "n4", "n5")


# --- by hand: server n1 of three, unless told otherwise -----------------------------------------


def log_of(*terms: int) -> tuple[Entry, ...]:
    """A log whose entries have these terms, each with a value that its term and index determine."""
    return tuple(Entry(term, f"{term}.{index}") for index, term in enumerate(terms, start=1))


def configuration(voters: str, *, outgoing: str = "", learners: str = "") -> Configuration:
    """A configuration of servers whose names are given by their numbers: "123" are n1, n2 and n3."""
    return Configuration(
        *(frozenset(f"n{number}" for number in each) for each in (voters, outgoing, learners))
    )


def disk(
    *,
    term: int = 1,
    voted_for: str | None = None,
    log: tuple[Entry, ...] = (),
    members: tuple[str, ...] = THREE,
    snapshot: Snapshot | None = None,
) -> Durable:
    """Durable state of the first of `members`, the founders."""
    return Durable(term, voted_for, log, snapshot=snapshot or Config(members[0], members).first_snapshot)


def server(
    *,
    term: int = 1,
    voted_for: str | None = None,
    log: tuple[Entry, ...] = (),
    commit_index: int | None = None,
    role: Role | None = None,
    members: tuple[str, ...] = THREE,
    snapshot: Snapshot | None = None,
    synced: int = 0,
    heard: int = 0,
    **settings: Any,
) -> Node:
    """The first of `members`, a follower of term 1 with an empty log unless told otherwise."""
    durable = disk(term=term, voted_for=voted_for, log=log, members=members, snapshot=snapshot)
    return Node(
        config=Config(members[0], members, **settings),
        durable=durable,
        synced=synced,
        commit_index=durable.snapshot.index if commit_index is None else commit_index,
        role=role or Follower(),
        heard=heard,
    )


def candidate(*, term: int = 1, members: tuple[str, ...] = THREE, **more: Any) -> Node:
    """The first of `members`, a candidate of `term` with its own vote."""
    me = members[0]
    return server(
        term=term, voted_for=me, members=members, role=Candidate(votes_granted=frozenset({me})), **more
    )


def leader(
    *,
    term: int = 1,
    log: tuple[Entry, ...] = (),
    progress: tuple[tuple[int, int], ...] = (),
    members: tuple[str, ...] = THREE,
    known: dict[str, Any] | None = None,
    **more: Any,
) -> Node:
    """The first of `members`, leader of `term`.

    `progress` has (next index, match index) for each peer; `known` sets further fields of the leader's role.
    """
    node = server(term=term, voted_for=members[0], log=log, members=members, **more)
    peers = sorted(node.configuration.members - {members[0]})
    indices = progress or ((node.durable.last_index + 1, 0),) * len(peers)
    role = Leader(
        tuple(
            Progress(peer, next_index=following, match_index=match)
            for peer, (following, match) in zip(peers, indices, strict=True)
        ),
        node.configuration,
        node.change_index,
    )
    return attrs.evolve(node, role=attrs.evolve(role, **known or {}))


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
    """A leader's request from n2 to n1; `prev` is the index and term of the entry before the new ones."""
    return AppendEntriesRequest(
        term=term,
        source=source,
        dest=dest,
        prev_log_index=prev[0],
        prev_log_term=prev[1],
        entries=entries,
        leader_commit=leader_commit,
    )


def acknowledged(
    match_index: int, *, term: int = 1, source: str = "n2", number: int = 0
) -> AppendEntriesResponse:
    """A peer's acknowledgement, to n1, in round `number`."""
    return AppendEntriesResponse(
        term=term, source=source, dest="n1", success=True, match_index=match_index, round=number
    )


def refused(
    conflict: ConflictHint | None = None, *, term: int = 1, source: str = "n2"
) -> AppendEntriesResponse:
    """A peer's refusal, to n1."""
    return AppendEntriesResponse(
        term=term, source=source, dest="n1", success=False, match_index=0, conflict=conflict or ConflictHint()
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
    """The log of a leader of `term`, from index 1 on.

    It holds the entries that `node` knows to be committed, and perhaps another suffix. Entries covered by the
    snapshot of `node` are placeholders.
    """
    base, log = node.durable.snapshot, node.durable.log
    committed = min(node.commit_index - base.index, len(log))
    kept = log[: draw(st.integers(committed, len(log)))]
    kept = tuple(entry for entry in (*(Entry(base.term, "?"),) * base.index, *kept) if entry.term <= term)
    lowest = kept[-1].term if kept else 1
    more = sorted(draw(st.lists(st.integers(lowest, term), max_size=3)))
    values = st.sampled_from(["a", "b", "c", configuration("12"), configuration("123", outgoing="12")])
    return (*kept, *(Entry(each, draw(values)) for each in more))


@st.composite
def _configurations(draw: st.DrawFn, node: Node) -> Configuration:
    """Configurations an operator may ask for, mostly legal successors of the one in force."""
    old = node.configuration
    name = draw(st.sampled_from(FIVE))
    voters = old.voters ^ {name} if draw(st.booleans()) else old.voters
    learners = (old.learners - voters) if voters != old.voters else old.learners ^ {name}
    outgoing = old.voters if draw(st.integers(0, 3)) == 0 else frozenset[str]()
    if old.is_joint and draw(st.booleans()):
        return attrs.evolve(old, outgoing=frozenset())
    try:
        return Configuration(voters, outgoing, learners)
    except InvalidConfig:
        return old


_REQUESTS: Final = (
    "compact", "change", "transfer", "abort", "read", "lease", "renew", "check", "tick", "synced",
)  # fmt: skip
_KINDS: Final = (
    *("timeout", "append", "client", "vote?", "vote!", "entries?", "entries!", "pre-vote?", "pre-vote!"),
    *("snapshot?", "now", *_REQUESTS),
)
#: Inputs that let a server of a role make progress, so that elections are won and entries committed.
_LIKELY: Final[dict[type[Role], tuple[str, ...]]] = {
    Follower: ("entries?", "timeout", "tick", "compact"),
    PreCandidate: ("pre-vote!", "pre-vote!", "pre-vote!"),
    Candidate: ("vote!", "vote!", "vote!"),
    Leader: ("entries!", "entries!", "entries!", "client", "compact", "change", "transfer", "read", "renew"),
}


@st.composite
def inputs_for(draw: st.DrawFn, node: Node) -> Input:
    """An input that an honest world may hand to `node`, or one that the host routed wrongly."""
    config, durable = node.config, node.durable
    peers = sorted(node.configuration.members - {config.node})
    someone = st.sampled_from([*peers * 4, config.node, "stranger"])
    kind = draw(st.sampled_from(_KINDS + _LIKELY[type(node.role)] * 4))
    match kind:
        case "timeout":
            return Timeout()
        case "append":
            return AppendEntries(draw(someone))
        case "client":
            return ClientRequest(draw(st.sampled_from("abc")))
        case "compact":
            return Compact("state")
        case "change":
            return ChangeMembership(draw(_configurations(node)))
        case "transfer":
            return TransferLeadership(draw(someone))
        case "abort":
            return AbortTransfer()
        case "read":
            return ReadIndex(draw(st.sampled_from("rs")))
        case "lease":
            return LeaseRead("r")
        case "renew":
            return RenewLease()
        case "check":
            return CheckQuorum()
        case "tick":
            return Tick()
        case "synced":
            return DiskSynced(durable.last_index)
    return Receive(draw(_messages_for(node, kind)))


@st.composite
def _messages_for(draw: st.DrawFn, node: Node, kind: str) -> Message:
    config, durable = node.config, node.durable
    peers = sorted(node.configuration.members - {config.node})
    someone = st.sampled_from([*peers * 4, config.node, "stranger"])
    source = draw(someone)
    dest = config.node if draw(st.integers(0, 15)) else draw(someone)
    term = max(1, durable.current_term + draw(st.sampled_from([0] * 8 + [1, 2, -1, -2])))
    match kind:
        case "vote?" | "pre-vote?":
            last = draw(logs(terms_max=term))
            ends = len(last), last[-1].term if last else 0
            if kind == "pre-vote?":
                return PreVoteRequest(
                    term=term, source=source, dest=dest, last_log_index=ends[0], last_log_term=ends[1]
                )
            return RequestVoteRequest(
                term=term,
                source=source,
                dest=dest,
                last_log_index=ends[0],
                last_log_term=ends[1],
                transfer=draw(st.booleans()),
            )
        case "vote!":
            granted = bool(draw(st.integers(0, 3)))
            return RequestVoteResponse(term=term, source=source, dest=dest, vote_granted=granted)
        case "pre-vote!":
            granted = bool(draw(st.integers(0, 3)))
            asked = durable.current_term + 1 if granted else term
            return PreVoteResponse(term=asked, source=source, dest=dest, vote_granted=granted)
        case "now":
            return TimeoutNow(term=term, source=source, dest=dest)
        case "entries?" | "snapshot?":
            if isinstance(node.role, Leader) and term == durable.current_term:
                term += 1
            known = draw(_leader_logs(node, term))
            if kind == "snapshot?" and known:
                index = draw(st.integers(1, len(known)))
                return InstallSnapshotRequest(
                    term=term,
                    source=source,
                    dest=dest,
                    snapshot=Snapshot(
                        index=index,
                        term=known[index - 1].term,
                        configuration=config.first_snapshot.configuration,
                        state="theirs",
                    ),
                    round=draw(st.integers(0, 2)),
                )
            prev = draw(st.integers(0, len(known)))
            return AppendEntriesRequest(
                term=term,
                source=source,
                dest=dest,
                prev_log_index=prev,
                prev_log_term=known[prev - 1].term if prev else 0,
                entries=known[prev : prev + draw(st.integers(0, 3))],
                leader_commit=draw(st.integers(0, len(known))),
                round=draw(st.integers(0, 2)),
            )
        case _:
            success = draw(st.booleans())
            index = draw(st.just(durable.last_index) | st.integers(0, durable.last_index))
            return AppendEntriesResponse(
                term=term,
                source=source,
                dest=dest,
                success=success,
                match_index=index if success else 0,
                conflict=ConflictHint() if success else ConflictHint(draw(st.integers(0, term)), index + 1),
                round=node.role.round if isinstance(node.role, Leader) else 0,
            )


@st.composite
def _configs(draw: st.DrawFn) -> Config:
    """Servers with any settings, in clusters of one to five founders, or about to join one."""
    founders = FIVE[: draw(st.integers(1, 5))]
    name = draw(st.sampled_from([*founders * 3, "n6"]))
    on: dict[str, Any] = {
        setting: draw(st.booleans())
        for setting in ("pre_vote", "check_quorum", "leases", "pipelining", "conflict_term", "async_disk")
    }
    return Config(name, founders, draw(st.integers(1, 3)), 4, election_ticks=3, lease_ticks=2, **on)


def _elected(node: Node) -> Node:
    """The server after winning an election with all founders' votes, its no-op committed.

    A server that is no founder is unchanged.
    """
    node, _ = step(node, Timeout())
    for granted in (PreVoteResponse, RequestVoteResponse):
        for voter in sorted(node.configuration.voters - {node.config.node}):
            term = node.durable.current_term + isinstance(node.role, PreCandidate)
            answer = granted(term=term, source=voter, dest=node.config.node, vote_granted=True)
            node, _ = step(node, Receive(answer))
    node, _ = step(node, DiskSynced(node.durable.last_index))
    for follower in sorted(node.configuration.voters - {node.config.node}):
        held = AppendEntriesResponse(
            term=node.durable.current_term,
            source=follower,
            dest=node.config.node,
            success=True,
            match_index=1,
        )
        node, _ = step(node, Receive(held))
    return node


@st.composite
def walks(draw: st.DrawFn, *, inputs_max: int = 15) -> tuple[tuple[Node, Input], ...]:
    """The states of a server, each with the input handed to it there; now and then it crashes."""
    node = first_start(draw(_configs()))
    if draw(st.booleans()):
        node = _elected(node)
    walk: list[tuple[Node, Input]] = []
    for _ in range(draw(st.integers(inputs_max // 2, inputs_max))):
        inp = draw(inputs_for(node))
        walk.append((node, inp))
        try:
            node, _ = step(node, inp)
        except MisroutedInput:
            continue
        if draw(st.integers(0, 19)) == 0:
            node = crashed(node, draw(st.integers(node.durable_index, node.durable.last_index)))
    return tuple(walk)


def crashed(node: Node, last_index: int) -> Node:
    """The server recovered after a crash, with its log on disk up to an index."""
    log = node.durable.log[: last_index - node.durable.snapshot.index]
    return recover(node.config, attrs.evolve(node.durable, log=log))
