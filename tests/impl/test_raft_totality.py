"""Totality of the Raft core: `step` accepts any input, is pure, and keeps the server's invariants.

The paper is Ongaro and Ousterhout 2014. The optimised rules are compared with naive twins: the paper's
words, taken literally.
"""

import copy
import itertools
from collections import Counter
from collections.abc import Callable, Hashable, Iterator
from typing import TypeAlias

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from impl.raft import (
    AppendEntriesResponse,
    Apply,
    BecameLeader,
    Candidate,
    Configuration,
    Durable,
    Effect,
    Entry,
    Follower,
    Input,
    Leader,
    LeaseRead,
    MisroutedInput,
    Node,
    Persist,
    PreCandidate,
    ReadFailed,
    ReadIndex,
    ReadReady,
    Receive,
    Refused,
    Restore,
    Send,
    Snapshot,
    SteppedDown,
    Write,
    rules,
    step,
)
from impl.raft.log import first_index_of, in_force, last_change, last_index_of
from tests.impl.nodes import append, configuration, crashed, disk, leader, logs, server, walks

#: The type that `walks` draws.
Walk: TypeAlias = tuple[tuple[Node, Input], ...]

_THOROUGH = settings(max_examples=60, deadline=None)
#: The snapshot before the first entry of a log.
_SNAPSHOT = disk().snapshot


def _flaws(node: Node) -> list[str]:
    """The violated invariants of a server; none for a legal one."""
    config, durable, role = node.config, node.durable, node.role
    last_index = durable.last_index
    terms = [durable.snapshot.term, *(entry.term for entry in durable.log)]
    checks = {
        "a term is not negative": durable.current_term >= 0,
        "terms in a log never decrease": terms == sorted(terms),
        "no entry is of a later term than the server": terms[-1] <= durable.current_term,
        "entries are of elected terms": min(terms[1:], default=1) >= 1,
        "what is committed is held": durable.snapshot.index <= node.commit_index <= last_index,
        "what is on disk is written": 0 <= node.synced <= (last_index if config.async_disk else 0),
        "nobody stays with a leader for ever": 0 <= node.heard <= config.election_ticks * config.is_timed,
    }
    match role:
        case Follower():
            pass
        case PreCandidate(votes_granted=voters) | Candidate(votes_granted=voters):
            checks["a candidate has its own vote"] = config.node in voters
            checks["a majority would lead"] = not node.configuration.has_quorum(voters)
        case Leader(progress=progress):
            members = node.configuration.members - {config.node}
            checks["a leader knows each peer once"] = [p.peer for p in progress] == sorted(members)
            checks["what matches is behind what is next"] = all(
                0 <= p.match_index < p.next_index <= last_index + 1 for p in progress
            )
            checks["answered rounds were begun"] = all(0 <= p.acked <= role.round for p in progress)
            checks["reads wait for a round"] = all(1 <= read.round <= role.round for read in role.pending)
            in_log = in_force(durable.snapshot, durable.log, last_index)
            checks["a leader goes by the last configuration in its log"] = role.configuration == in_log
            change = last_change(durable.snapshot, durable.log, last_index)
            checks["a leader knows where that is"] = (
                role.change_index == change or change == 0 <= role.change_index <= durable.snapshot.index
            )
    if isinstance(role, Candidate | Leader):
        checks["a vote is for oneself"] = durable.voted_for == config.node
    return [name for name, holds in checks.items() if not holds]


def _steps(walk: Walk) -> Iterator[tuple[Node, Input, Node, tuple[Effect, ...]]]:
    """The steps of the server, without misrouted inputs."""
    for node, inp in walk:
        try:
            after, effects = step(node, inp)
        except MisroutedInput:
            continue
        yield node, inp, after, effects


@given(walk=walks())
@_THOROUGH
def test_any_input_leads_to_a_legal_state_or_is_misrouted(walk: Walk) -> None:
    """A server that a message can crash is one that anybody can stop (paper, section 5.1)."""
    for node, _, after, _ in _steps(walk):
        assert _flaws(node) == []
        assert _flaws(after) == []
        assert after.config == node.config
        assert after.durable.current_term >= node.durable.current_term
        assert after.commit_index >= node.commit_index
        assert after.durable.last_index >= node.commit_index
        assert after.durable.snapshot.index >= node.durable.snapshot.index
        assert _flaws(crashed(after, after.durable_index)) == []


#: Situations that the drawn servers must reach, or the properties say little.
SITUATIONS: dict[str, Callable[[Node], bool]] = {
    "a follower that knows of commits": lambda node: (
        isinstance(node.role, Follower) and node.commit_index > 0
    ),
    "a pre-candidate": lambda node: isinstance(node.role, PreCandidate),
    "a candidate": lambda node: isinstance(node.role, Candidate),
    "a leader that committed": lambda node: _leads(node) and node.commit_index > 0,
    "a log behind a snapshot": lambda node: node.durable.snapshot.index > 0 and node.durable.log != (),
    "a joint configuration": lambda node: _leads(node) and node.configuration.is_joint,
    "a learner": lambda node: _leads(node) and node.configuration.learners != frozenset(),
    "a read that waits": lambda node: isinstance(node.role, Leader) and node.role.pending != (),
    "a lease": lambda node: isinstance(node.role, Leader) and node.role.lease.left > 0,
    "a leader that hands over": lambda node: (
        isinstance(node.role, Leader) and node.role.transferee is not None
    ),
    "entries not on disk": lambda node: _leads(node) and node.durable_index < node.durable.last_index,
    "a leader that is heard": lambda node: node.heard > 0,
}


def _leads(node: Node) -> bool:
    return isinstance(node.role, Leader) and len(node.configuration.members) > 1


def test_the_drawn_servers_reach_every_situation() -> None:
    """A property of servers that never lead would say nothing of leaders."""
    met: set[str] = set()

    @given(walk=walks())
    @settings(max_examples=200, deadline=None, database=None, derandomize=True, phases=[Phase.generate])
    def watch(walk: Walk) -> None:
        met.update(name for node, _ in walk for name, holds in SITUATIONS.items() if holds(node))

    watch()
    assert met == set(SITUATIONS)


def test_an_illegal_state_is_noticed() -> None:
    """The judge of the test above can fail."""
    beyond = leader(log=(Entry(1, "a"),), progress=((5, 4), (1, 0)), commit_index=2)
    assert _flaws(beyond) == ["what is committed is held", "what matches is behind what is next"]
    assert _flaws(server(term=1, log=(Entry(2, "a"), Entry(1, "b")))) == ["terms in a log never decrease"]
    assert _flaws(server(voted_for="nobody", role=Candidate(frozenset({"n3", "n2"})))) == [
        "a candidate has its own vote",
        "a majority would lead",
        "a vote is for oneself",
    ]
    unknown = leader(log=(Entry(1, configuration("12")),), known={"change_index": 0})
    assert _flaws(unknown) == ["a leader knows where that is"]
    other = leader(known={"configuration": configuration("123", learners="4")})
    assert _flaws(other) == [
        "a leader knows each peer once",
        "a leader goes by the last configuration in its log",
    ]
    assert _flaws(server(synced=1, heard=1)) == [
        "what is on disk is written",
        "nobody stays with a leader for ever",
    ]


@given(walk=walks())
@_THOROUGH
def test_a_step_is_deterministic_and_mutates_nothing(walk: Walk) -> None:
    """A step that remembers or reads a clock could not be replayed from a trace."""
    before = copy.deepcopy(walk)
    assert list(_steps(walk)) == list(_steps(walk))
    assert walk == before


@given(walk=walks())
@_THOROUGH
def test_durable_changes_are_written_before_anything_is_sent(walk: Walk) -> None:
    """Paper, Figure 2: persistent state is on stable storage before a server responds.

    A vote or entry that is told to others first and then lost in a crash is given twice. Only what a
    leader appends may be written meanwhile (thesis, 10.2.1).
    """
    for node, _, after, effects in _steps(walk):
        writes = [position for position, effect in enumerate(effects) if isinstance(effect, Persist | Write)]
        assert bool(writes) >= (after.durable != node.durable)
        assert bool(writes) <= (after.durable != node.durable or after.synced != node.synced)
        if writes:
            assert writes == [0]
            is_safe = after.durable_index == after.durable.last_index
            assert effects[0] == (Persist(after.durable) if is_safe else Write(after.durable))


@given(walk=walks())
@_THOROUGH
def test_votes_and_acknowledgements_survive_a_crash(walk: Walk) -> None:
    """A forgotten vote or acknowledgement makes a quorum void (thesis, 10.2.1)."""
    for node, _, after, effects in _steps(walk):
        back = crashed(after, after.durable_index).durable
        assert (back.current_term, back.voted_for) == (after.durable.current_term, after.durable.voted_for)
        for effect in effects:
            if isinstance(effect, Send):
                assert effect.message.source == node.config.node
                assert effect.message.dest != node.config.node
                if isinstance(effect.message, AppendEntriesResponse):
                    assert effect.message.match_index <= back.last_index


@given(walk=walks())
@_THOROUGH
def test_values_are_applied_in_order_once_and_only_when_committed(walk: Walk) -> None:
    """Paper, section 5.3 and Figure 2, rules for all servers: apply log[lastApplied], one after another.

    A snapshot that arrives stands for all up to its index (paper, section 7).
    """
    for node, _, after, effects in _steps(walk):
        expected: list[Effect] = []
        snapshot, applied = after.durable.snapshot, node.commit_index
        if snapshot.index > applied:
            expected, applied = [Restore(snapshot.index, snapshot.state)], snapshot.index
        for index in range(applied + 1, after.commit_index + 1):
            expected.append(Apply(index, after.durable.entry_at(index).value))
        assert [effect for effect in effects if isinstance(effect, Apply | Restore)] == expected


@given(walk=walks())
@_THOROUGH
def test_refusals_change_nothing_and_reads_are_answered_once(walk: Walk) -> None:
    """A refused client asks elsewhere: a refused request must not take effect after all."""
    for node, inp, after, effects in _steps(walk):
        refusals = [effect for effect in effects if isinstance(effect, Refused)]
        if refusals:
            assert after == node
            assert [(refusal.input, bool(refusal.reason)) for refusal in refusals] == [(inp, True)]
        asked = Counter(_pending(node))
        if isinstance(inp, ReadIndex | LeaseRead):
            asked[inp.read] += 1
        answered = Counter(effect.read for effect in effects if isinstance(effect, ReadReady | ReadFailed))
        asked.subtract(answered)
        asked.subtract(_pending(after))
        assert sum(asked.values()) == len(refusals) * isinstance(inp, ReadIndex | LeaseRead)
        assert min(asked.values(), default=0) >= 0


def _pending(node: Node) -> list[Hashable]:
    return [pending.read for pending in node.role.pending] if isinstance(node.role, Leader) else []


@given(walk=walks())
@_THOROUGH
def test_gaining_and_losing_leadership_is_reported(walk: Walk) -> None:
    """An uninformed host would keep the wrong timers, and clients would wait in vain."""
    for node, _, after, effects in _steps(walk):
        leads = (isinstance(node.role, Leader), isinstance(after.role, Leader))
        assert (BecameLeader(after.durable.current_term) in effects) is (leads == (False, True))
        assert (SteppedDown(node.durable.current_term) in effects) is (leads == (True, False))


@given(walk=walks())
@_THOROUGH
def test_a_misrouted_message_is_refused_in_every_state(walk: Walk) -> None:
    node, _ = walk[-1]
    before = copy.deepcopy(node)
    with pytest.raises(MisroutedInput, match="was handed a message for 'elsewhere'"):
        step(node, Receive(append(term=node.durable.current_term + 1, dest="elsewhere")))
    assert node == before


# --- naive twins --------------------------------------------------------------------------------


def _up_to_date_naively(last_log_index: int, last_log_term: int, log: tuple[Entry, ...]) -> bool:
    """Paper, 5.4.1: logs with last entries of different terms: the later term; else the longer log."""
    own_term = log[-1].term if log else 0
    if last_log_term != own_term:
        return last_log_term > own_term
    return not last_log_index < len(log)


@given(other=logs(), log=logs())
@_THOROUGH
def test_up_to_date_agrees_with_the_papers_words(other: tuple[Entry, ...], log: tuple[Entry, ...]) -> None:
    """A candidate wrongly found up to date would lead without committed entries (section 5.4.1)."""
    ends = len(other), other[-1].term if other else 0
    assert rules.log_is_up_to_date(*ends, disk(log=log)) == _up_to_date_naively(*ends, log)


def _accept_naively(
    log: tuple[Entry, ...], prev_log_index: int, entries: tuple[Entry, ...]
) -> tuple[Entry, ...]:
    """Paper, Figure 2, AppendEntries, rules 3 and 4, one entry after another."""
    result = list(log)
    for index, entry in enumerate(entries, start=prev_log_index + 1):
        if index <= len(result) and result[index - 1].term != entry.term:
            del result[index - 1 :]
        if index > len(result):
            result.append(entry)
    return tuple(result)


@given(log=logs(), entries=logs(size_max=4), data=st.data())
@_THOROUGH
def test_accepting_entries_deletes_conflicts_and_appends_the_rest(
    log: tuple[Entry, ...], entries: tuple[Entry, ...], data: st.DataObject
) -> None:
    """Truncating without a conflict loses acknowledged entries; not truncating keeps two histories.

    Where terms agree the entries do (Log Matching, section 5.3), so that equal entries are compared.
    """
    prev = data.draw(st.integers(0, len(log)))
    agreeing = tuple(
        log[index] if index < len(log) and log[index].term == entry.term else entry
        for index, entry in enumerate(entries, start=prev)
    )
    whole = _accept_naively(log, prev, agreeing)
    assert rules.accept(_SNAPSHOT, log, prev, agreeing) == whole
    kept = len(list(itertools.takewhile(lambda pair: pair[0] == pair[1], zip(log, whole, strict=False))))
    covered = data.draw(st.integers(0, kept))
    behind = Snapshot(index=covered, configuration=_SNAPSHOT.configuration)
    assert rules.accept(behind, log[covered:], prev, agreeing) == whole[covered:]


def _commit_index_naively(durable: Durable, config: Configuration, held: dict[str, int], commit: int) -> int:
    """Paper, Figure 2, leaders: any N > commitIndex held by a quorum, with log[N].term = currentTerm."""
    fitting = [
        index
        for index in range(commit + 1, durable.last_index + 1)
        if durable.term_at(index) == durable.current_term
        and config.has_quorum([name for name, match in held.items() if match >= index])
    ]
    return max(fitting, default=commit)


@given(log=logs(), data=st.data())
@_THOROUGH
def test_the_leader_commits_the_greatest_index_that_the_rule_allows(
    log: tuple[Entry, ...], data: st.DataObject
) -> None:
    """Too far loses committed entries (section 5.4.2, Figure 8); not far enough stalls clients."""
    covered = data.draw(st.integers(0, len(log)))
    snapshot = Snapshot(
        index=covered, term=log[covered - 1].term if covered else 0, configuration=_SNAPSHOT.configuration
    )
    term = data.draw(st.integers(log[-1].term if log else 1, 5))
    durable = disk(term=term, log=log[covered:], snapshot=snapshot)
    config = data.draw(
        st.sampled_from([configuration("1"), configuration("123"), configuration("2345", learners="1")])
        | st.sampled_from([configuration("123", outgoing="12"), configuration("45", outgoing="123")])
    )
    held = {name: data.draw(st.integers(0, len(log) + 2)) for name in sorted(config.members)}
    commit = data.draw(st.integers(covered, len(log)))
    assert rules.leader_commit_index(durable, config, held, commit) == _commit_index_naively(
        durable, config, held, commit
    )


@given(log=logs(), covered=st.integers(0, 3), term=st.integers(0, 6))
def test_binary_search_finds_where_a_term_begins_and_ends(
    log: tuple[Entry, ...], covered: int, term: int
) -> None:
    """Paper, 5.3: with a wrong hint a leader continues too late, and never agrees, or much too early."""
    snapshot = Snapshot(index=covered, configuration=_SNAPSHOT.configuration)
    indices = {index: entry.term for index, entry in enumerate(log, start=covered + 1)}
    behind = covered + len(log) + 1
    assert first_index_of(term, snapshot, log) == min(
        (i for i, t in indices.items() if t >= term), default=behind
    )
    assert last_index_of(term, snapshot, log) == max(
        (i for i, t in indices.items() if t == term), default=None
    )


@given(commit=st.integers(0, 9), leader_commit=st.integers(0, 9), last_new=st.integers(0, 9))
def test_a_follower_commits_only_what_the_request_vouches_for(
    commit: int, leader_commit: int, last_new: int
) -> None:
    """Paper, Figure 2, AppendEntries rule 5: if leaderCommit > commitIndex, the lesser of both."""
    naive = commit
    if leader_commit > commit:
        naive = max(commit, min(last_new, leader_commit))
    assert rules.follower_commit_index(commit, leader_commit, last_new) == naive
