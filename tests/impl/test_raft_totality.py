"""Whatever comes, a Raft server stays one: `step` is total, pure, and keeps what a server must be.

The paper is Ongaro and Ousterhout 2014. The clever rules are compared with naive twins: the paper's
words, done literally.
"""

import copy
import random

import pytest
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st

from impl.raft import (
    AppendEntries,
    Apply,
    Candidate,
    Entry,
    Follower,
    Input,
    Leader,
    MisroutedInput,
    Node,
    Persist,
    Receive,
    Role,
    Send,
    recover,
    rules,
    step,
)
from tests.impl.nodes import append, leader, logs, nodes, nodes_and_inputs, server

_THOROUGH = settings(max_examples=300, deadline=None)


def _flaws(node: Node) -> list[str]:
    """What is wrong with a server; nothing for a legal one."""
    config, durable, role = node.config, node.durable, node.role
    terms = [entry.term for entry in durable.log]
    checks = {
        "a term is not negative": durable.current_term >= 0,
        "terms in a log never decrease": terms == sorted(terms),
        "no entry is of a later term than the server": not terms or terms[-1] <= durable.current_term,
        "entries are of elected terms": not terms or terms[0] >= 1,
        "a vote is for a member": durable.voted_for is None or durable.voted_for in config.members,
        "what is committed is held": 0 <= node.commit_index <= len(durable.log),
    }
    match role:
        case Follower():
            pass
        case Candidate(votes_granted=voters):
            checks["a candidate has its own vote"] = (
                config.node in voters and durable.voted_for == config.node
            )
            checks["voters are members"] = voters <= set(config.members)
            checks["a majority would lead"] = 2 * len(voters) <= len(config.members)
        case Leader(progress=progress):
            checks["a leader knows each peer once"] = tuple(p.peer for p in progress) == config.peers
            checks["what matches is behind what is next"] = all(
                0 <= p.match_index < p.next_index <= len(durable.log) + 1 for p in progress
            )
            checks["a leader has its own vote"] = durable.voted_for == config.node
    return [name for name, holds in checks.items() if not holds]


@given(case=nodes_and_inputs())
@_THOROUGH
def test_any_input_in_any_reachable_state_leads_to_a_legal_state_or_is_misrouted(
    case: tuple[Node, Input],
) -> None:
    """A server that dies of a message is a server that anybody can stop (paper, section 5.1)."""
    node, inp = case
    assert _flaws(node) == []
    try:
        after, _ = step(node, inp)
    except MisroutedInput:
        return
    assert _flaws(after) == []
    assert after.config == node.config
    assert after.durable.current_term >= node.durable.current_term
    assert after.commit_index >= node.commit_index
    assert len(after.durable.log) >= node.commit_index
    assert _flaws(recover(after.config, after.durable)) == []


@pytest.mark.parametrize("role", [Follower, Candidate, Leader])
def test_the_servers_drawn_here_get_to_every_role_in_a_cluster_and_commit(role: type[Role]) -> None:
    """A property of servers that never lead would say nothing of leaders."""
    found = find(
        nodes(),
        lambda node: isinstance(node.role, role) and len(node.config.members) > 1 and node.commit_index > 0,
        settings=settings(max_examples=3_000, deadline=None, database=None, phases=[Phase.generate]),
        random=random.Random(0),
    )
    assert _flaws(found) == []


def test_an_illegal_state_is_seen_to_be_one() -> None:
    """The judge of the test above can say no."""
    beyond = leader(log=(Entry(1, "a"),), progress=((5, 4), (1, 0)), commit_index=2)
    assert _flaws(beyond) == ["what is committed is held", "what matches is behind what is next"]
    assert _flaws(server(term=1, log=(Entry(2, "a"), Entry(1, "b")))) == ["terms in a log never decrease"]
    assert _flaws(server(voted_for="nobody", role=Candidate(frozenset({"n1", "n2"})))) == [
        "a vote is for a member",
        "a candidate has its own vote",
        "a majority would lead",
    ]


@given(case=nodes_and_inputs())
@_THOROUGH
def test_the_same_server_and_input_give_the_same_result_and_stay_as_they_were(
    case: tuple[Node, Input],
) -> None:
    """A step that remembers or reads a clock could not be replayed from a trace."""
    node, inp = case
    before = copy.deepcopy(case)

    def result() -> object:
        try:
            return step(node, inp)
        except MisroutedInput as error:
            return str(error)

    assert result() == result()
    assert (node, inp) == before


@given(case=nodes_and_inputs())
@_THOROUGH
def test_what_changed_on_disk_is_written_before_anything_is_sent(case: tuple[Node, Input]) -> None:
    """Paper, Figure 2: persistent state is on stable storage before a server responds.

    A vote or entry that is told to others first and then lost in a crash is given twice.
    """
    node, inp = case
    try:
        after, effects = step(node, inp)
    except MisroutedInput:
        return
    writes = [position for position, effect in enumerate(effects) if isinstance(effect, Persist)]
    assert bool(writes) == (after.durable != node.durable)
    if writes:
        assert writes == [0]
        assert effects[0] == Persist(after.durable)
    for effect in effects:
        if isinstance(effect, Send):
            assert effect.message.term == after.durable.current_term
            assert effect.message.source == node.config.node
            assert effect.message.dest in node.config.peers


@given(case=nodes_and_inputs())
@_THOROUGH
def test_values_are_applied_in_order_once_and_only_when_committed(case: tuple[Node, Input]) -> None:
    """Paper, section 5.3 and Figure 2, rules for all servers: apply log[lastApplied], one after another."""
    node, inp = case
    try:
        after, effects = step(node, inp)
    except MisroutedInput:
        return
    applied = [effect for effect in effects if isinstance(effect, Apply)]
    assert applied == [
        Apply(index, after.durable.log[index - 1].value)
        for index in range(node.commit_index + 1, after.commit_index + 1)
    ]


@given(node=nodes())
def test_a_misrouted_message_is_refused_in_every_state_and_changes_nothing(node: Node) -> None:
    before = copy.deepcopy(node)
    with pytest.raises(MisroutedInput, match="was handed a message for 'elsewhere'"):
        step(node, Receive(append(term=node.durable.current_term + 1, dest="elsewhere")))
    if isinstance(node.role, Leader):
        with pytest.raises(MisroutedInput, match="'elsewhere' is no peer of this leader"):
            step(node, AppendEntries("elsewhere"))
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
def test_up_to_date_is_what_the_paper_says_in_words(other: tuple[Entry, ...], log: tuple[Entry, ...]) -> None:
    """A candidate wrongly found up to date would lead without committed entries (section 5.4.1)."""
    ends = len(other), other[-1].term if other else 0
    assert rules.log_is_up_to_date(*ends, log) == _up_to_date_naively(*ends, log)


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
def test_accepting_entries_is_deleting_conflicts_and_appending_what_is_new(
    log: tuple[Entry, ...], entries: tuple[Entry, ...], data: st.DataObject
) -> None:
    """Truncating without a conflict forgets acknowledged entries; not truncating keeps two histories.

    Where terms agree the entries do (Log Matching, section 5.3), so that equal entries are compared.
    """
    prev = data.draw(st.integers(0, len(log)))
    agreeing = tuple(
        log[index] if index < len(log) and log[index].term == entry.term else entry
        for index, entry in enumerate(entries, start=prev)
    )
    assert rules.accept(log, prev, agreeing) == _accept_naively(log, prev, agreeing)


def _commit_index_naively(
    log: tuple[Entry, ...], match_index: tuple[int, ...], commit_index: int, term: int
) -> int:
    """Paper, Figure 2, leaders: any N above commitIndex that a majority holds, with log[N].term = currentTerm."""
    fitting = [
        index
        for index in range(commit_index + 1, len(log) + 1)
        if log[index - 1].term == term
        and 2 * (1 + sum(match >= index for match in match_index)) > 1 + len(match_index)
    ]
    return max(fitting, default=commit_index)


@given(log=logs(), data=st.data())
@_THOROUGH
def test_the_leader_commits_the_greatest_index_that_the_rule_allows(
    log: tuple[Entry, ...], data: st.DataObject
) -> None:
    """Too far loses committed entries (section 5.4.2, Figure 8); not far enough stalls clients."""
    matches = st.lists(st.integers(0, len(log)), max_size=4).map(tuple)
    match_index = data.draw(matches)
    commit_index = data.draw(st.integers(0, len(log)))
    term = data.draw(st.integers(log[-1].term if log else 1, 5))
    assert rules.leader_commit_index(log, match_index, commit_index, term) == _commit_index_naively(
        log, match_index, commit_index, term
    )


@given(commit=st.integers(0, 9), leader_commit=st.integers(0, 9), last_new=st.integers(0, 9))
def test_a_follower_takes_as_committed_only_what_the_request_vouches_for(
    commit: int, leader_commit: int, last_new: int
) -> None:
    """Paper, Figure 2, AppendEntries rule 5: if leaderCommit > commitIndex, the lesser of it and the last new."""
    naive = commit
    if leader_commit > commit:
        naive = max(commit, min(last_new, leader_commit))
    assert rules.follower_commit_index(commit, leader_commit, last_new) == naive
