"""The Raft core beyond the paper's Figure 2, section by section of Ongaro's thesis (2014).

Each test names the section whose rule it exercises, and what would go wrong without the rule.
"paper" is Ongaro and Ousterhout 2014.
"""

import itertools
from collections.abc import Callable, Iterable
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from impl.raft import (
    NO_LEASE,
    NOOP,
    AbortTransfer,
    AppendEntries,
    AppendEntriesRequest,
    AppendEntriesResponse,
    Apply,
    BecameLeader,
    Candidate,
    ChangeMembership,
    CheckQuorum,
    ClientRequest,
    Compact,
    Config,
    Configuration,
    ConflictHint,
    DiskSynced,
    Entry,
    Follower,
    Input,
    InstallSnapshotRequest,
    InvalidConfig,
    Leader,
    Lease,
    LeaseRead,
    Node,
    PendingRead,
    Persist,
    PreCandidate,
    PreVoteRequest,
    PreVoteResponse,
    Progress,
    ReadFailed,
    ReadIndex,
    ReadReady,
    Receive,
    Refused,
    RenewLease,
    RequestVoteRequest,
    RequestVoteResponse,
    ResetElectionTimer,
    Restore,
    Send,
    Snapshot,
    SteppedDown,
    Tick,
    Timeout,
    TimeoutNow,
    TransferLeadership,
    Write,
    first_start,
    leading,
    recover,
    step,
)
from tests.impl.nodes import (
    FIVE,
    acknowledged,
    append,
    ask_vote,
    candidate,
    configuration,
    crashed,
    leader,
    log_of,
    received,
    refused,
    sent,
    server,
)

THREE_VOTERS = configuration("123")


def known_of(node: Node, peer: str = "n2") -> Progress:
    assert isinstance(node.role, Leader)
    progress = node.role.of(peer)
    assert progress is not None
    return progress


def role_of(node: Node) -> Leader:
    assert isinstance(node.role, Leader)
    return node.role


def why_not(node: Node, inp: Input) -> str:
    """The reason why an input is refused; the server stays as it is."""
    after, effects = step(node, inp)
    assert after == node
    (refusal,) = effects
    assert isinstance(refusal, Refused)
    assert refusal.input == inp
    return refusal.reason


# --- configurations (chapter 4) -----------------------------------------------------------------


def _sets(names: Iterable[str]) -> list[frozenset[str]]:
    pool = sorted(names)
    return [frozenset(each) for size in range(len(pool) + 1) for each in itertools.combinations(pool, size)]


def _configurations(names: str) -> list[Configuration]:
    """All configurations of these servers."""
    found = []
    for voters, outgoing, learners in itertools.product(*[_sets(f"n{name}" for name in names)] * 3):
        if voters and not learners & (voters | outgoing):
            found.append(Configuration(voters, outgoing, learners))
    return found


def _successors(old: Configuration, servers: frozenset[str]) -> set[Configuration]:
    """`Successors` of specs/raft/Raft.tla, word by word."""
    if old.is_joint:
        return {attrs.evolve(old, outgoing=frozenset())}
    voters, learners = old.voters, old.learners
    single = {Configuration(voters | {j}, learners=learners - {j}) for j in servers - voters}
    single |= {Configuration(voters - {j}, learners=learners) for j in voters if voters != {j}}
    single |= {Configuration(voters, learners=learners | {j}) for j in servers - old.members}
    single |= {Configuration(voters, learners=learners - {j}) for j in learners}
    others = [each for each in _sets(servers) if each and each != voters]
    return single | {Configuration(each, voters, learners - each) for each in others}


def test_the_successors_of_a_configuration_are_the_specs() -> None:
    """4.1 and 4.3: after any other change two quorums need not meet, and two leaders share a term."""
    every = _configurations("123")
    servers = frozenset({"n1", "n2", "n3"})
    for old in every:
        assert {new for new in every if old.may_become(new)} == _successors(old, servers)


def test_quorums_of_successive_configurations_share_a_server() -> None:
    """4.1: the purpose of the rule."""
    every = _configurations("123")
    everybody = _sets({"n1", "n2", "n3"})
    quorums = {each: [s for s in everybody if each.has_quorum(s)] for each in every}
    for old, new in itertools.product(every, every):
        if old.may_become(new):
            assert all(a & b for a in quorums[old] for b in quorums[new])


@given(held=st.lists(st.integers(0, 9), min_size=5, max_size=5))
@pytest.mark.parametrize(
    "among",
    [configuration("1"), configuration("1234"), configuration("12345"), configuration("345", outgoing="12")],
)
def test_the_agreed_index_is_the_largest_a_quorum_holds(among: Configuration, held: list[int]) -> None:
    """4.3: in joint consensus an entry needs both majorities."""
    indices = dict(zip(FIVE, held, strict=True))
    agreed = among.agreed_index(indices)
    assert among.has_quorum([name for name, index in indices.items() if index >= agreed])
    assert not among.has_quorum([name for name, index in indices.items() if index > agreed])


def test_an_invalid_configuration_is_refused() -> None:
    with pytest.raises(InvalidConfig, match="a configuration has 0 voters"):
        configuration("")
    with pytest.raises(InvalidConfig, match=r"\['n2'\] are voters and learners at once"):
        configuration("1", outgoing="2", learners="2")


# --- changes of membership (chapter 4) ----------------------------------------------------------


def changeable(**more: Any) -> Node:
    """Leader n1 of three, whose no-op of term 1 is committed and acknowledged by all."""
    return leader(log=log_of(1), commit_index=1, progress=((2, 1), (2, 1)), **more)


def test_a_leader_adopts_a_configuration_once_it_is_in_its_log() -> None:
    """4.1: not when it is committed. The leader probes the new server from the end of the log."""
    four = configuration("1234")
    after, effects = step(changeable(), ChangeMembership(four))
    assert after.durable.log == (*log_of(1), Entry(1, four))
    assert (after.configuration, role_of(after).change_index) == (four, 2)
    assert known_of(after, "n4") == Progress("n4", next_index=2)
    assert known_of(after, "n2") == Progress("n2", next_index=2, match_index=1)
    assert effects == (Persist(after.durable),)
    two_of_four = received(after, acknowledged(2))
    assert two_of_four.commit_index == 1
    assert received(two_of_four, acknowledged(2, source="n4")).commit_index == 2


def test_a_follower_reverts_an_overwritten_configuration() -> None:
    """4.1: a server uses the last configuration in its log, committed or not."""
    new = configuration("1234")
    taken = received(server(), append(term=1, entries=(Entry(1, new),)))
    assert taken.configuration == new
    assert taken.committed_configuration == THREE_VOTERS
    undone = received(taken, append(term=2, entries=(Entry(2, "x"),), source="n3"))
    assert undone.configuration == THREE_VOTERS


def test_one_change_at_a_time() -> None:
    """4.1: between configurations that are two changes apart quorums need not meet."""
    first, _ = step(changeable(), ChangeMembership(configuration("1234")))
    again = ChangeMembership(configuration("12345"))
    assert "log index 2 is not committed yet: one change at a time" in why_not(first, again)
    done = received(first, acknowledged(2), acknowledged(2, source="n3"))
    assert step(done, again)[0].configuration == configuration("12345")


def test_a_leader_refuses_changes_until_it_committed_in_its_term() -> None:
    """Ongaro, "bug in single-server membership changes", 2015."""
    node = leader(term=2, log=log_of(1, 2), commit_index=1)
    assert "has not committed an entry of its own term yet" in why_not(
        node, ChangeMembership(configuration("12"))
    )


def test_a_change_with_disjoint_quorums_is_refused() -> None:
    why = why_not(changeable(), ChangeMembership(configuration("145", learners="6")))
    assert why.startswith(
        "voters n1, n4, n5; learners n6 may not follow voters n1, n2, n3: change one server"
    )
    assert why_not(server(), ChangeMembership(configuration("12"))) == "this server does not lead"


def test_a_client_request_with_a_configuration_is_refused() -> None:
    """4.1: as a plain value it would come into force without the rules of changes."""
    why = why_not(changeable(), ClientRequest(configuration("4")))
    assert why == "a configuration is no value of a client: ask by ChangeMembership"


def test_in_joint_consensus_both_majorities_elect_and_commit() -> None:
    """4.3: three of the new voters do not suffice without a majority of the old ones."""
    joint = configuration("145", outgoing="123")
    after, _ = step(changeable(), ChangeMembership(joint))
    new_only = received(after, acknowledged(2, source="n4"), acknowledged(2, source="n5"))
    assert new_only.commit_index == 1
    assert received(new_only, acknowledged(2, source="n3")).commit_index == 2

    standing = candidate(term=2, log=(Entry(1, joint),))
    votes = [
        RequestVoteResponse(term=2, source=f"n{number}", dest="n1", vote_granted=True) for number in (4, 5, 2)
    ]
    assert isinstance(received(standing, *votes[:2]).role, Candidate)
    assert isinstance(received(standing, *votes).role, Leader)


def test_a_candidate_asks_old_and_new_voters_and_no_learners() -> None:
    """4.2.1 and 4.3."""
    node = server(log=(Entry(1, configuration("145", outgoing="12", learners="3")),))
    _, effects = step(node, Timeout())
    assert [message.dest for message in sent(effects)] == ["n2", "n4", "n5"]


def test_a_learner_receives_the_log_and_does_not_count() -> None:
    """4.2.1: a new server catches up before it votes, so that a commit does not wait for it."""
    after, _ = step(changeable(), ChangeMembership(configuration("123", learners="4")))
    assert [message.dest for message in sent(step(after, AppendEntries("n4"))[1])] == ["n4"]
    assert received(after, acknowledged(2, source="n4")).commit_index == 1
    learner = attrs.evolve(
        server(log=(Entry(1, configuration("23", learners="1")),), commit_index=1), role=Follower()
    )
    assert step(learner, Timeout()) == (learner, (ResetElectionTimer(),))


def test_a_removed_leader_steps_down_once_its_removal_is_committed() -> None:
    """4.2.2: until then it is needed to commit its own removal; it does not count itself."""
    leaving, _ = step(changeable(), ChangeMembership(configuration("23")))
    half = received(leaving, acknowledged(2))
    assert (half.commit_index, isinstance(half.role, Leader)) == (1, True)
    after, effects = step(half, Receive(acknowledged(2, source="n3")))
    assert (after.commit_index, after.role) == (2, Follower())
    assert effects == (SteppedDown(1), Apply(2, configuration("23")))


def test_a_removed_server_stands_until_its_removal_is_committed() -> None:
    """4.2.2: it may be the only one whose log lets it win."""
    removed = server(log=(Entry(1, configuration("23")),))
    assert isinstance(step(removed, Timeout())[0].role, Candidate)
    knows = attrs.evolve(removed, commit_index=1)
    assert step(knows, Timeout()) == (knows, (ResetElectionTimer(),))


# --- snapshots (chapter 5; paper, 7) ------------------------------------------------------------


def snapshot(index: int, term: int = 1, *, state: str = "state") -> Snapshot:
    return Snapshot(index=index, term=term, configuration=THREE_VOTERS, state=state)


def install(covered: Snapshot, *, term: int = 2) -> InstallSnapshotRequest:
    return InstallSnapshotRequest(term=term, source="n2", dest="n1", snapshot=covered, round=7)


def test_compaction_replaces_committed_entries_and_keeps_the_rest() -> None:
    """5.1: only what is committed; the configuration goes with it."""
    four = configuration("1234")
    node = server(log=(*log_of(1), Entry(1, four), *log_of(1, 1, 1)[2:]), commit_index=2)
    after, effects = step(node, Compact("state"))
    assert after.durable.snapshot == Snapshot(index=2, term=1, configuration=four, state="state")
    assert after.durable.log == node.durable.log[2:]
    assert (after.durable.last_index, after.commit_index, after.configuration) == (3, 2, four)
    assert effects == (Persist(after.durable),)
    assert step(after, Compact("state")) == (after, ())


def test_a_recovered_server_has_its_snapshot_and_applies_the_rest() -> None:
    """5.1: entries that a snapshot covers are committed."""
    back = recover(Config("n1", ("n1", "n2", "n3")), server(log=log_of(1, 1), snapshot=snapshot(3)).durable)
    assert (back.commit_index, back.durable.last_index) == (3, 5)
    _, effects = step(back, Receive(append(term=1, prev=(5, 1), leader_commit=4)))
    assert [effect for effect in effects if isinstance(effect, Apply)] == [Apply(4, "1.1")]


def test_a_peer_that_lacks_compacted_entries_is_sent_the_snapshot() -> None:
    """Paper, 7: nextIndex at or below the snapshot's end; there is no entry left to send."""
    node = leader(term=2, log=log_of(2), snapshot=snapshot(3), progress=((3, 0), (4, 3)), known={"round": 7})
    after, effects = step(node, AppendEntries("n2"))
    assert after == node
    assert effects == (
        Send(InstallSnapshotRequest(term=2, source="n1", dest="n2", snapshot=snapshot(3), round=7)),
    )
    (request,) = sent(step(node, AppendEntries("n3"))[1])
    assert request == attrs.evolve(
        append(term=2, prev=(3, 1), entries=log_of(2), leader_commit=3, source="n1", dest="n3"), round=7
    )


def test_a_longer_snapshot_replaces_log_and_state() -> None:
    """Paper, Figure 13, rules 6 to 8: the whole log, if it does not hold the snapshot's last entry."""
    after, effects = step(server(term=2, log=log_of(1, 1)), Receive(install(snapshot(3))))
    assert (after.durable.snapshot, after.durable.log, after.commit_index) == (snapshot(3), (), 3)
    answer = attrs.evolve(acknowledged(3, term=2, number=7), source="n1", dest="n2")
    assert effects == (Persist(after.durable), Send(answer), ResetElectionTimer(), Restore(3, "state"))


@pytest.mark.parametrize(("term", "kept"), [(1, 1), (2, 0)])
def test_entries_after_a_matching_snapshot_are_kept(term: int, kept: int) -> None:
    """Paper, Figure 13, rule 6: otherwise acknowledged entries would be lost."""
    after = received(server(term=2, log=log_of(1, 1, 2)), install(snapshot(2, term)))
    assert (after.durable.snapshot.index, len(after.durable.log)) == (2, kept)


def test_a_late_snapshot_changes_nothing() -> None:
    """5.3: committed entries stay; the answer acknowledges the snapshot."""
    node = server(term=2, log=log_of(1, 1, 1), commit_index=3)
    after, effects = step(node, Receive(install(snapshot(2))))
    assert after == node
    assert sent(effects) == [attrs.evolve(acknowledged(2, term=2, number=7), source="n1", dest="n2")]
    assert step(node, Receive(install(snapshot(3, state="theirs"))))[0] == node
    stale, effects = step(server(term=3), Receive(install(snapshot(2))))
    assert (stale, len(sent(effects)), ResetElectionTimer() in effects) == (server(term=3), 1, False)


def test_entries_below_the_snapshot_are_skipped() -> None:
    """5.3: entries that a snapshot covers match those of any leader."""
    node = server(term=1, snapshot=snapshot(2), log=log_of(1))
    entries = (*log_of(1, 1), Entry(1, "1.1"), Entry(1, "new"))
    after = received(node, append(term=1, entries=entries))
    assert after.durable.log == (Entry(1, "1.1"), Entry(1, "new"))
    assert received(node, append(term=1, entries=log_of(1))) == node


# --- leadership transfer (3.10) -----------------------------------------------------------------

NOW = TimeoutNow(term=1, source="n1", dest="n2")


def test_an_up_to_date_transferee_is_asked_to_take_over_at_once() -> None:
    """3.10: it starts an election without waiting for its timer."""
    after, effects = step(changeable(), TransferLeadership("n2"))
    assert effects == (Send(NOW),)
    assert (role_of(after).transferee, role_of(after).handed_over) == ("n2", True)


def test_a_lagging_transferee_is_brought_up_to_date_first() -> None:
    """3.10: otherwise its log would cost it the election and leave the cluster without a leader."""
    node = leader(log=log_of(1, 1), commit_index=1, progress=((2, 1), (2, 1)))
    waiting, effects = step(node, TransferLeadership("n2"))
    assert (effects, role_of(waiting).handed_over) == ((), False)
    other = waiting
    for too_little in (acknowledged(2, source="n3"), acknowledged(1)):
        other, effects = step(other, Receive(too_little))
        assert sent(effects) == []
    after, effects = step(other, Receive(acknowledged(2)))
    assert sent(effects) == [NOW]
    assert role_of(after).handed_over


def test_a_leader_takes_nothing_new_during_a_transfer() -> None:
    """3.10: otherwise the transferee's log would never be up to date."""
    node, _ = step(changeable(), TransferLeadership("n2"))
    assert why_not(node, ClientRequest("x")) == "this leader hands over to 'n2'"
    assert why_not(node, ChangeMembership(configuration("12"))) == "this leader hands over to 'n2'"
    assert why_not(node, TransferLeadership("n3")) == "this leader hands over to 'n2' already"
    served, effects = step(node, AbortTransfer())
    assert (effects, role_of(served).transferee) == ((), None)
    assert step(served, ClientRequest("x"))[0].durable.last_index == 2


@pytest.mark.parametrize("peer", ["n1", "n9", "n4"])
def test_a_transfer_to_anyone_but_another_voter_is_refused(peer: str) -> None:
    node = leader(log=(Entry(1, configuration("123", learners="4")),))
    assert f"{peer!r} is no other voter" in why_not(node, TransferLeadership(peer))
    assert why_not(server(), TransferLeadership("n2")) == "this server does not lead"


def test_a_transferee_stands_and_marks_its_requests() -> None:
    """3.10 and 4.2.3: so that servers that still hear the leader vote as well."""
    request = TimeoutNow(term=1, source="n2", dest="n1")
    after, effects = step(server(heard=2, check_quorum=True, pre_vote=True), Receive(request))
    assert after.durable.current_term == 2
    assert [getattr(message, "transfer", None) for message in sent(effects)] == [True, True]
    for node in (
        server(term=2),
        leader(term=1),
        server(log=(Entry(1, configuration("23")),), commit_index=1),
    ):
        assert step(node, Receive(request)) == (node, ())


# --- pre-votes and check-quorum (9.6, 6.2 and 4.2.3) --------------------------------------------


def pre_vote(*, term: int, granted: bool = True, source: str = "n2") -> PreVoteResponse:
    return PreVoteResponse(term=term, source=source, dest="n1", vote_granted=granted)


def test_a_pre_vote_precedes_an_election() -> None:
    """9.6: a partitioned server does not increase its term and so does not disturb the others later."""
    node = server(term=3, log=log_of(1, 2), pre_vote=True)
    after, effects = step(node, Timeout())
    assert after.durable == node.durable
    assert after.role == PreCandidate(votes_granted=frozenset({"n1"}))
    assert effects == (
        *(
            Send(PreVoteRequest(term=4, source="n1", dest=peer, last_log_index=2, last_log_term=2))
            for peer in ("n2", "n3")
        ),
        ResetElectionTimer(),
    )
    stands = received(after, pre_vote(term=4))
    assert stands.durable.current_term == 4
    assert stands.role == Candidate(votes_granted=frozenset({"n1"}))


def test_pre_votes_of_another_election_and_refusals_do_not_count() -> None:
    """9.6: but a refusal of a later term updates the term."""
    asking, _ = step(server(term=3, pre_vote=True), Timeout())
    assert received(asking, pre_vote(term=3), pre_vote(term=5), pre_vote(term=3, granted=False)) == asking
    assert received(server(term=3), pre_vote(term=4)) == server(term=3)
    behind = received(asking, pre_vote(term=7, granted=False))
    assert (behind.durable.current_term, behind.role) == (7, Follower())
    of_five, _ = step(server(term=3, pre_vote=True, members=FIVE), Timeout())
    assert isinstance(received(of_five, *[pre_vote(term=4)] * 3).role, PreCandidate)


def test_a_pre_candidate_yields_to_the_leader_of_its_term() -> None:
    asking, _ = step(server(term=3, pre_vote=True), Timeout())
    assert received(asking, append(term=3)).role == Follower()


@pytest.mark.parametrize(
    ("node", "term", "granted"),
    [
        (server(term=3, voted_for="n3"), 4, True),
        (server(term=3), 3, False),
        (server(term=3, log=log_of(2)), 4, False),
        (server(term=3, heard=1), 4, False),
        (leader(term=3), 4, True),
        (leader(term=3, check_quorum=True), 4, False),
    ],
    ids=["would", "not of a later term", "log", "hears a leader", "a leader", "a leader that would know"],
)
def test_a_pre_vote_is_answered_without_any_change(node: Node, term: int, *, granted: bool) -> None:
    """9.6: the same rules as for a vote, and never while hearing a leader."""
    request = PreVoteRequest(term=term, source="n2", dest="n1", last_log_index=0, last_log_term=0)
    after, effects = step(node, Receive(request))
    assert after == node
    response = PreVoteResponse(term=term if granted else 3, source="n1", dest="n2", vote_granted=granted)
    assert effects == (Send(response),)


@pytest.mark.parametrize("setting", ["check_quorum", "leases"])
def test_a_server_that_hears_a_leader_ignores_other_candidates(setting: str) -> None:
    """4.2.3: a removed server must not depose the leader. Pre-votes alone do not suffice."""
    settings: dict[str, Any] = {setting: True}
    node = received(server(term=1, **settings), append(term=1))
    assert node.heard == node.config.election_ticks
    assert step(node, Receive(ask_vote(term=2))) == (node, ())
    sent_by_leader = attrs.evolve(ask_vote(term=2), transfer=True)
    assert received(node, sent_by_leader).durable.voted_for == "n2"
    for _ in range(node.config.election_ticks):
        assert step(node, Timeout()) == (node, (ResetElectionTimer(),))
        node, _ = step(node, Tick())
    assert received(node, ask_vote(term=2)).durable.voted_for == "n2"
    plain = attrs.evolve(server(term=1), heard=2)
    assert received(plain, ask_vote(term=2)).durable.voted_for == "n2"


def test_a_recovered_server_keeps_its_lease_promise() -> None:
    """6.4.1: it may have acknowledged a leader's round just before the crash."""
    node = server(term=1, leases=True)
    assert recover(node.config, node.durable).heard == node.config.election_ticks
    assert recover(server().config, server().durable).heard == 0
    assert first_start(node.config).heard == 0


def test_a_leader_without_answers_of_a_quorum_steps_down() -> None:
    """6.2: so that clients look for another one instead of waiting behind a partition."""
    read = PendingRead("r", 1, 1)
    node = changeable(check_quorum=True, known={"round": 1, "pending": (read,)})
    answered = received(node, acknowledged(1))
    waiting, effects = step(answered, CheckQuorum())
    assert (effects, isinstance(waiting.role, Leader)) == ((), True)
    after, effects = step(waiting, CheckQuorum())
    assert after.role == Follower()
    assert effects == (SteppedDown(1), ReadFailed("r"))
    assert step(changeable(), CheckQuorum()) == (changeable(), ())


# --- reads (6.4) --------------------------------------------------------------------------------


def test_a_read_is_answered_after_a_later_round_of_a_quorum() -> None:
    """6.4: an answer to an earlier request does not show that there is no newer leader."""
    asked, effects = step(changeable(), ReadIndex("r"))
    assert effects == ()
    assert role_of(asked).pending == (PendingRead("r", 1, 1),)
    assert {getattr(m, "round", None) for m in sent(step(asked, AppendEntries("n2"))[1])} == {1}
    early = received(asked, acknowledged(1))
    assert role_of(early).pending == role_of(asked).pending
    after, effects = step(early, Receive(acknowledged(1, number=1)))
    assert effects == (ReadReady("r", 1),)
    assert role_of(after).pending == ()


@pytest.mark.parametrize("request_of", [lambda: append(term=1), lambda: install(snapshot(1), term=1)])
def test_refusing_an_earlier_term_confirms_no_round(request_of: Callable[[], Any]) -> None:
    """6.4: the server that led that term may lead again, and its rounds begin again at 1.

    Counted, a late request of its earlier term would confirm a read that another leader has outrun.
    """
    late = attrs.evolve(request_of(), round=5)
    (answer,) = sent(step(server(term=2, voted_for="n2"), Receive(late))[1])
    assert isinstance(answer, AppendEntriesResponse)
    assert (answer.success, answer.term, answer.round) == (False, 2, 0)


def test_reads_are_answered_as_far_as_their_rounds_are_confirmed() -> None:
    """6.4: reads of several rounds, answered as far as they are confirmed."""
    node = changeable()
    for read in ("r", "s"):
        node, _ = step(node, ReadIndex(read))
    _, effects = step(node, Receive(acknowledged(1, number=1)))
    assert effects == (ReadReady("r", 1),)
    _, effects = step(node, Receive(acknowledged(1, number=2)))
    assert effects == (ReadReady("r", 1), ReadReady("s", 1))


def test_a_step_examines_one_more_read_than_it_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    """6.4: the rounds of reads only grow. Scanning all of a thousand in each step would stall the leader."""
    node = changeable()
    for read in range(10):
        node, _ = step(node, ReadIndex(read))
    holds_round, asked = leading.holds_round, []

    def counted(*what: Any) -> bool:
        asked.append(what)
        return holds_round(*what)

    monkeypatch.setattr(leading, "holds_round", counted)
    node, effects = step(node, Receive(acknowledged(1, number=4)))
    assert (len(effects), len(asked)) == (4, 5)
    assert [pending.read for pending in role_of(node).pending] == [4, 5, 6, 7, 8, 9]


def test_a_new_leader_refuses_reads_until_its_no_op_is_committed() -> None:
    """6.4: it waits for the commit of its no-op."""
    node = leader(term=2, log=log_of(1, 2), commit_index=1, leases=True)
    for request in (ReadIndex("r"), LeaseRead("r")):
        assert "has not committed an entry of its own term yet" in why_not(node, request)
        assert why_not(server(), request) == "this server does not lead"


def test_pending_reads_fail_with_the_leadership() -> None:
    """6.4: the client can then ask the next leader instead of waiting for ever."""
    asked, _ = step(changeable(), ReadIndex("r"))
    _, effects = step(asked, Receive(append(term=2)))
    assert effects[-1] == ReadFailed("r")


def test_a_cluster_of_one_reads_at_once() -> None:
    alone, _ = step(first_start(Config("n1", ("n1",))), Timeout())
    assert step(alone, ReadIndex("r"))[1] == (ReadReady("r", 1),)


def test_a_lease_holds_from_a_quorums_answer_until_it_expires() -> None:
    """6.4.1: measured from when its round was sent."""
    node = changeable(leases=True, election_ticks=5, lease_ticks=3)
    assert "this leader has no lease" in why_not(node, LeaseRead("r"))
    begun, effects = step(node, RenewLease())
    assert (effects, role_of(begun).lease) == ((), Lease(1, 3))
    assert "no quorum has answered round 1" in why_not(begun, LeaseRead("r"))
    held = received(begun, acknowledged(1, number=1))
    for _ in range(3):
        assert step(held, LeaseRead("r")) == (held, (ReadReady("r", 1),))
        held, _ = step(held, Tick())
    assert role_of(held).lease == NO_LEASE
    assert "this leader has no lease" in why_not(held, LeaseRead("r"))


def test_a_transfer_ends_the_lease_for_the_rest_of_the_term() -> None:
    """6.4.1: the TimeoutNow request may arrive late, and its receiver's candidacy is not ignored."""
    node, _ = step(changeable(leases=True), RenewLease())
    handing, _ = step(node, TransferLeadership("n2"))
    assert role_of(handing).lease == NO_LEASE
    assert step(handing, RenewLease()) == (handing, ())
    served, _ = step(handing, AbortTransfer())
    assert step(served, RenewLease()) == (served, ())
    assert step(changeable(), RenewLease()) == (changeable(), ())


# --- replication: conflict hints, slow disks, pipelining (paper, 5.3; 10.2.1 and 10.2.2) --------


@pytest.mark.parametrize(
    ("own", "prev", "conflict"),
    [
        ((1, 1), (5, 3), ConflictHint(0, 3)),
        ((1, 2, 2, 2), (4, 3), ConflictHint(2, 2)),
        ((1, 1), (2, 2), ConflictHint(1, 1)),
        ((), (1, 1), ConflictHint(0, 1)),
    ],
)
def test_a_refusal_says_where_to_continue(
    own: tuple[int, ...], prev: tuple[int, int], conflict: ConflictHint
) -> None:
    """Paper, 5.3: one request a conflicting term instead of one an entry."""
    request = Receive(append(term=3, prev=prev))
    (answer,) = sent(step(server(term=3, log=log_of(*own), conflict_term=True), request)[1])
    assert answer == attrs.evolve(refused(conflict, term=3), source="n1", dest="n2")
    (plain,) = sent(step(server(term=3, log=log_of(*own)), request)[1])
    assert plain == attrs.evolve(refused(ConflictHint(), term=3), source="n1", dest="n2")


@pytest.mark.parametrize(
    ("conflict", "expected"),
    [
        (ConflictHint(0, 3), 3),  # the follower's log is too short
        (ConflictHint(2, 2), 5),  # both have term 2: behind the leader's last entry of it
        (ConflictHint(3, 2), 2),  # the leader has no term 3: where the follower's begins
        (ConflictHint(5, 9), 6),  # never forward
    ],
)
def test_a_leader_continues_where_a_refusal_points(conflict: ConflictHint, expected: int) -> None:
    """Paper, 5.3: it neither skips an entry on which both agree nor goes behind a known match."""
    log = log_of(1, 2, 2, 2, 5, 5)
    node = leader(term=5, log=log, progress=((7, 0), (7, 0)), conflict_term=True)
    assert known_of(received(node, refused(conflict, term=5))).next_index == expected
    matched = leader(term=5, log=log, progress=((7, 5), (7, 0)), conflict_term=True)
    assert known_of(received(matched, refused(conflict, term=5))).next_index == 6


def test_pipelined_requests_stop_at_the_unacknowledged_limit() -> None:
    """10.2.2: the leader assumes delivery; the limit bounds the cost of a slow follower."""
    node = leader(
        log=log_of(1, 1, 1, 1, 1, 1),
        progress=((2, 1), (7, 0)),
        pipelining=True,
        entries_max=2,
        unacknowledged_max=3,
    )
    requests: list[tuple[int, int]] = []
    for _ in range(3):
        node, effects = step(node, AppendEntries("n2"))
        for request in sent(effects):
            assert isinstance(request, AppendEntriesRequest)
            requests.append((request.prev_log_index, len(request.entries)))
    assert requests == [(1, 2), (3, 1), (4, 0)]
    assert known_of(node) == Progress("n2", next_index=5, match_index=1)
    node = received(node, acknowledged(3))
    assert known_of(step(node, AppendEntries("n2"))[0]).next_index == 7


def test_a_leader_counts_itself_once_its_write_is_done() -> None:
    """10.2.1: the disk of the leader is one of the quorum, and need not be the first."""
    node = leader(log=log_of(1), progress=((2, 1), (2, 1)), async_disk=True, synced=1, commit_index=1)
    after, effects = step(node, ClientRequest("x"))
    assert effects == (Write(after.durable),)
    assert (after.synced, after.durable_index) == (1, 1)
    half = received(after, acknowledged(2))
    assert half.commit_index == 1
    assert received(half, acknowledged(2, source="n3")).commit_index == 2
    synced, effects = step(half, DiskSynced(2))
    assert (synced.synced, synced.commit_index, effects) == (2, 2, (Apply(2, "x"),))


def test_a_leader_counts_the_synced_part_of_its_log() -> None:
    """10.2.1: a disk under load never has all writes done."""
    node = leader(log=log_of(1, 1, 1), progress=((4, 3), (4, 0)), async_disk=True)
    assert received(node).commit_index == 0
    assert step(node, DiskSynced(2))[0].commit_index == 2
    assert step(node, DiskSynced(9))[0].synced == 3
    assert step(leader(log=log_of(1)), DiskSynced(1)) == (leader(log=log_of(1)), ())


def test_a_server_syncs_its_log_before_it_answers_or_votes() -> None:
    """Paper, Figure 2: also entries it wrote as an earlier leader, though its log does not change now."""
    deposed = server(log=log_of(1, 1), async_disk=True, synced=1)
    for message in (
        append(term=2, prev=(2, 1)),
        append(term=2, prev=(5, 1)),
        ask_vote(term=2, last_log_index=2, last_log_term=1),
    ):
        after, effects = step(deposed, Receive(message))
        assert (after.synced, effects[0]) == (2, Persist(after.durable))
        assert after.durable.log == deposed.durable.log
    assert crashed(deposed, 1).durable.log == log_of(1)


def test_compaction_syncs_the_log_and_a_lone_leader_commits_it() -> None:
    node = step(first_start(Config("n1", ("n1",), async_disk=True)), Timeout())[0]
    node = step(node, ClientRequest("x"))[0]
    assert (node.commit_index, node.durable.last_index) == (1, 2)
    node, effects = step(node, Compact(b"state"))
    assert (node.synced, node.commit_index) == (2, 2)
    assert Apply(2, "x") in effects


def test_a_cluster_of_one_is_elected_with_its_log_synced() -> None:
    """10.2.1: its own vote syncs everything, the no-op included."""
    alone, effects = step(first_start(Config("n1", ("n1",), async_disk=True)), Timeout())
    assert (alone.synced, alone.commit_index) == (1, 1)
    assert effects == (Persist(alone.durable), ResetElectionTimer(), BecameLeader(1), Apply(1, NOOP))


def test_an_elected_leader_with_a_slow_disk_begins_to_write_its_no_op() -> None:
    standing = candidate(term=2, async_disk=True)
    vote = RequestVoteResponse(term=2, source="n2", dest="n1", vote_granted=True)
    after, effects = step(standing, Receive(vote))
    assert effects == (Write(after.durable), BecameLeader(2))
    assert isinstance(sent(step(server(), Timeout())[1])[0], RequestVoteRequest)
