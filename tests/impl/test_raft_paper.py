"""The Raft core, section by section of the paper: Ongaro and Ousterhout 2014.

Read it beside the paper. Each test names the section whose rule it exercises, and what would go
wrong without the rule. "Figure 2" is the paper's summary of the algorithm.
"""

from collections.abc import Callable
from typing import Any

import pytest

from impl.raft import (
    NOOP,
    AppendEntries,
    AppendEntriesResponse,
    Apply,
    BecameLeader,
    Candidate,
    ClientRequest,
    Config,
    Entry,
    Follower,
    Input,
    InvalidConfig,
    Leader,
    Message,
    MisroutedInput,
    Node,
    Persist,
    Progress,
    Receive,
    Refused,
    RequestVoteRequest,
    RequestVoteResponse,
    ResetElectionTimer,
    Send,
    SteppedDown,
    Timeout,
    first_start,
    recover,
    step,
)
from tests.impl.nodes import (
    FIVE,
    THREE,
    acknowledged,
    append,
    ask_vote,
    candidate,
    configuration,
    disk,
    leader,
    log_of,
    received,
    refused,
    sent,
    server,
)


def vote(*, term: int, granted: bool = True, source: str = "n2") -> RequestVoteResponse:
    return RequestVoteResponse(term=term, source=source, dest="n1", vote_granted=granted)


#: One message of each type, in a term of choice.
EACH_TYPE: dict[str, Callable[[int], Message]] = {
    "RequestVoteRequest": lambda term: ask_vote(term=term),
    "RequestVoteResponse": lambda term: vote(term=term, granted=False),
    "AppendEntriesRequest": lambda term: append(term=term),
    "AppendEntriesResponse": lambda term: refused(term=term),
}

EACH_ROLE: dict[str, Callable[[], Node]] = {
    "follower": lambda: server(term=3),
    "candidate": lambda: candidate(term=3),
    "leader": lambda: leader(term=3),
}


# --- 5.1 Raft basics: terms ---------------------------------------------------------------------


@pytest.mark.parametrize("message", EACH_TYPE.values(), ids=EACH_TYPE)
@pytest.mark.parametrize("node", EACH_ROLE.values(), ids=EACH_ROLE)
def test_a_server_that_sees_a_later_term_becomes_its_follower(
    node: Callable[[], Node], message: Callable[[int], Message]
) -> None:
    """5.1: a larger term updates one's own, and a candidate or leader reverts to follower.

    Without it two leaders of different terms would go on side by side.
    """
    after = received(node(), message(5))
    assert after.durable.current_term == 5
    assert after.role == Follower()


def test_a_leader_that_meets_a_later_term_reports_stepping_down() -> None:
    """5.1: its host must stop the leader's timers and start an election timer."""
    _, effects = step(leader(term=3), Receive(append(term=5)))
    assert SteppedDown(3) in effects
    assert SteppedDown(3) not in step(candidate(term=3), Receive(append(term=5)))[1]


@pytest.mark.parametrize("message", ["RequestVoteResponse", "AppendEntriesRequest", "AppendEntriesResponse"])
def test_a_new_term_comes_with_a_free_vote(message: str) -> None:
    """Figure 2: votedFor is of the current term. A vote carried over would block the new term."""
    after = received(candidate(term=3), EACH_TYPE[message](5))
    assert after.durable.voted_for is None


@pytest.mark.parametrize("node", EACH_ROLE.values(), ids=EACH_ROLE)
def test_requests_of_an_earlier_term_are_refused_with_the_current(node: Callable[[], Node]) -> None:
    """5.1: a request with a stale term is rejected; the answer's term makes its sender step down."""
    before = node()
    for request in (ask_vote(term=2, last_log_index=9, last_log_term=2), append(term=2, entries=log_of(2))):
        after, effects = step(before, Receive(request))
        assert after == before
        (answer,) = sent(effects)
        assert answer.term == 3
        assert answer in (
            RequestVoteResponse(term=3, source="n1", dest="n2", vote_granted=False),
            AppendEntriesResponse(term=3, source="n1", dest="n2", success=False, match_index=0),
        )
        assert ResetElectionTimer() not in effects


@pytest.mark.parametrize(
    "node", [candidate(term=3), leader(term=3, log=log_of(3))], ids=["candidate", "leader"]
)
def test_answers_of_an_earlier_term_are_ignored(node: Node) -> None:
    """5.1: a late vote or acknowledgement speaks of a term that is over.

    Counted, it would elect a leader, or commit an entry, without a majority.
    """
    for answer in (vote(term=2), acknowledged(1, term=2), refused(term=2)):
        assert step(node, Receive(answer)) == (node, ())


# --- 5.2 Leader election ------------------------------------------------------------------------


def test_an_election_begins_a_term_votes_for_itself_and_asks_all() -> None:
    """5.2: increment the term, become candidate, vote for yourself, ask each other server in parallel."""
    after, effects = step(server(term=3, voted_for="n2", log=log_of(1, 2)), Timeout())
    assert after.durable == disk(term=4, voted_for="n1", log=log_of(1, 2))
    assert after.role == Candidate(votes_granted=frozenset({"n1"}))
    assert effects == (
        Persist(after.durable),
        *(
            Send(RequestVoteRequest(term=4, source="n1", dest=peer, last_log_index=2, last_log_term=2))
            for peer in ("n2", "n3")
        ),
        ResetElectionTimer(),
    )


def test_a_candidate_without_a_winner_starts_another_election() -> None:
    """5.2: after a split vote each candidate times out and begins a new term; otherwise nobody leads."""
    once, _ = step(server(term=0), Timeout())
    half = received(once, vote(term=1, granted=False))
    again, effects = step(half, Timeout())
    assert again.durable.current_term == 2
    assert again.role == Candidate(votes_granted=frozenset({"n1"}))
    assert [message.term for message in sent(effects)] == [2, 2]


def test_a_server_votes_for_the_first_candidate_of_a_term_only() -> None:
    """5.2: with a second vote in one term two candidates could both have a majority."""
    first, effects = step(server(term=1), Receive(ask_vote(term=1, source="n2")))
    assert effects == (
        Persist(disk(term=1, voted_for="n2")),
        Send(RequestVoteResponse(term=1, source="n1", dest="n2", vote_granted=True)),
        ResetElectionTimer(),
    )
    second, effects = step(first, Receive(ask_vote(term=1, source="n3")))
    assert second == first
    assert sent(effects) == [RequestVoteResponse(term=1, source="n1", dest="n3", vote_granted=False)]
    assert ResetElectionTimer() not in effects


def test_a_repeated_request_is_granted_again_by_the_same_vote() -> None:
    """Figure 2, RequestVote rule 2: votedFor is null or the candidate. The first answer may be lost."""
    voted = received(server(term=1), ask_vote(term=1))
    again, effects = step(voted, Receive(ask_vote(term=1)))
    assert again == voted
    assert effects == (
        Send(RequestVoteResponse(term=1, source="n1", dest="n2", vote_granted=True)),
        ResetElectionTimer(),
    )


def test_a_candidate_refuses_its_rival_of_the_same_term() -> None:
    """5.2: a candidate has voted, for itself."""
    standing = candidate(term=2)
    after, effects = step(standing, Receive(ask_vote(term=2)))
    assert after == standing
    assert sent(effects) == [RequestVoteResponse(term=2, source="n1", dest="n2", vote_granted=False)]


def test_a_majority_elects_a_leader_that_appends_a_no_op() -> None:
    """5.2 and section 8: a majority in its term wins; a no-op lets the leader commit what came before."""
    after, effects = step(candidate(term=2, log=log_of(1, 1)), Receive(vote(term=2)))
    assert after.durable == disk(term=2, voted_for="n1", log=(*log_of(1, 1), Entry(2, NOOP)))
    assert after.role == Leader(
        (Progress("n2", next_index=3), Progress("n3", next_index=3)), configuration("123")
    )
    assert effects == (Persist(after.durable), BecameLeader(2))


def test_two_votes_of_five_do_not_win_and_three_do() -> None:
    """5.2: a majority of the full cluster, however few of its servers answer."""
    two = received(candidate(term=2, members=FIVE), vote(term=2, source="n4"))
    assert two.role == Candidate(votes_granted=frozenset({"n1", "n4"}))
    assert isinstance(received(two, vote(term=2, source="n5")).role, Leader)


def test_two_votes_of_four_do_not_win() -> None:
    """5.2: half is no majority; two halves could each elect a leader of one term."""
    two = received(candidate(term=2, members=FIVE[:4]), vote(term=2, source="n4"))
    assert two.role == Candidate(votes_granted=frozenset({"n1", "n4"}))


def test_a_vote_that_arrives_twice_counts_once() -> None:
    """5.2: votes are of servers. A network that duplicates must not elect anybody."""
    standing = candidate(term=2, members=FIVE)
    after = received(standing, *[vote(term=2, source="n4")] * 5)
    assert after.role == Candidate(votes_granted=frozenset({"n1", "n4"}))


def test_a_refused_vote_is_not_counted() -> None:
    """5.2: an answer is not a vote. Counting refusals would elect any candidate."""
    standing = candidate(term=2)
    assert step(standing, Receive(vote(term=2, granted=False))) == (standing, ())


@pytest.mark.parametrize("node", [server(term=2, voted_for="n1"), leader(term=2)], ids=["follower", "leader"])
def test_a_late_vote_of_this_term_changes_nothing(node: Node) -> None:
    """5.2: only a candidate counts votes. A leader that won again would forget what its peers hold."""
    assert step(node, Receive(vote(term=2, source="n3"))) == (node, ())


def test_a_candidate_yields_to_the_leader_of_its_term_and_keeps_its_vote() -> None:
    """5.2: AppendEntries of a term at least as large is a legitimate leader's.

    The term is the same, so the vote stands: a second one in it could elect a second leader.
    """
    after, effects = step(candidate(term=2), Receive(append(term=2)))
    assert after.role == Follower()
    assert after.durable == disk(term=2, voted_for="n1")
    assert ResetElectionTimer() in effects
    late, answers = step(after, Receive(ask_vote(term=2, source="n3")))
    assert late == after
    assert sent(answers) == [RequestVoteResponse(term=2, source="n1", dest="n3", vote_granted=False)]


def test_a_leaders_request_resets_the_timer_even_on_a_log_mismatch() -> None:
    """5.2: followers stay followers while they hear a leader, also one still repairing their logs."""
    _, effects = step(server(term=2), Receive(append(term=2, prev=(3, 1))))
    assert ResetElectionTimer() in effects


def test_a_leader_ignores_the_election_timer() -> None:
    """5.2: only followers and candidates start elections; a leader never competes with itself."""
    assert step(leader(term=2), Timeout()) == (leader(term=2), ())


def test_a_cluster_of_one_elects_itself_and_commits_at_once() -> None:
    """5.2 and 5.3: one server is a majority of one; nobody will ever answer it."""
    alone = first_start(Config("n1", ("n1",)))
    led, effects = step(alone, Timeout())
    assert led.durable == disk(term=1, voted_for="n1", log=(Entry(1, NOOP),), members=("n1",))
    assert (led.role, led.commit_index) == (Leader((), configuration("1")), 1)
    assert effects == (Persist(led.durable), ResetElectionTimer(), BecameLeader(1), Apply(1, NOOP))
    taken, effects = step(led, ClientRequest("x"))
    assert taken.commit_index == 2
    assert effects == (Persist(taken.durable), Apply(2, "x"))


# --- 5.3 Log replication ------------------------------------------------------------------------


def test_a_leader_appends_a_submission_without_committing_it() -> None:
    """5.3: the leader appends the command to its log; it is applied once it is safely replicated."""
    after, effects = step(leader(term=2, log=log_of(1)), ClientRequest("x"))
    assert after.durable.log == (*log_of(1), Entry(2, "x"))
    assert after.commit_index == 0
    assert effects == (Persist(after.durable),)


@pytest.mark.parametrize("node", [server(), candidate()], ids=["follower", "candidate"])
def test_a_server_that_does_not_lead_refuses_a_submission(node: Node) -> None:
    """Section 8: clients are redirected. A value accepted here would be lost silently."""
    request = ClientRequest("x")
    assert step(node, request) == (node, (Refused(request, "this server does not lead"),))


def test_a_request_carries_the_next_entries_and_their_predecessor() -> None:
    """5.3: index and term of the entry that precedes the new ones, and the leader's commit index."""
    node = leader(term=3, log=log_of(1, 1, 2, 3), commit_index=1, progress=((3, 0), (5, 0)), entries_max=2)
    after, effects = step(node, AppendEntries("n2"))
    assert after == node
    assert sent(effects) == [
        append(term=3, prev=(2, 1), entries=log_of(1, 1, 2, 3)[2:], leader_commit=1, source="n1", dest="n2")
    ]
    assert sent(step(node, AppendEntries("n3"))[1]) == [
        append(term=3, prev=(4, 3), leader_commit=1, source="n1", dest="n3")
    ]


def test_a_request_carries_no_more_entries_than_it_may() -> None:
    """Config.entries_max: a peer that is far behind is brought up in pieces."""
    node = leader(term=1, log=log_of(1, 1, 1), progress=((1, 0), (1, 0)), entries_max=2)
    assert sent(step(node, AppendEntries("n2"))[1]) == [
        append(term=1, entries=log_of(1, 1), source="n1", dest="n2")
    ]


@pytest.mark.parametrize("node", [server(), candidate()], ids=["follower", "candidate"])
def test_a_server_that_does_not_lead_sends_no_entries(node: Node) -> None:
    """5.2: only leaders send AppendEntries. A deposed one would overwrite its successor's log."""
    assert step(node, AppendEntries("n2")) == (node, ())


@pytest.mark.parametrize(
    ("own", "prev", "fits"),
    [
        ((), (0, 0), True),
        ((1, 1), (0, 0), True),
        ((1, 1), (2, 1), True),
        ((1, 1), (1, 1), True),
        ((1, 1), (3, 1), False),
        ((1, 1), (2, 2), False),
        ((1, 2), (2, 1), False),
        ((), (1, 1), False),
    ],
)
def test_entries_are_accepted_only_after_a_matching_entry(
    own: tuple[int, ...], prev: tuple[int, int], *, fits: bool
) -> None:
    """5.3, the consistency check: by induction, logs that match at an entry match before it."""
    node = server(term=3, log=log_of(*own))
    new = (Entry(3, "new"),)
    after, effects = step(node, Receive(append(term=3, prev=prev, entries=new, leader_commit=9)))
    (answer,) = sent(effects)
    assert isinstance(answer, AppendEntriesResponse)
    assert answer.success is fits
    assert answer.match_index == (prev[0] + 1 if fits else 0)
    assert after.durable.log == (log_of(*own)[: prev[0]] + new if fits else log_of(*own))
    assert after.commit_index == (prev[0] + 1 if fits else 0)


def test_a_conflicting_entry_is_removed_with_its_successors() -> None:
    """5.3: the follower's log becomes the leader's from the first difference on (Figure 7, server f)."""
    node = server(term=4, log=log_of(1, 2, 2, 3))
    after = received(node, append(term=4, prev=(1, 1), entries=(Entry(2, "2.2"), Entry(4, "x"))))
    assert after.durable.log == (*log_of(1, 2), Entry(4, "x"))


def test_a_late_request_removes_no_later_entries() -> None:
    """Figure 2, AppendEntries rule 3: only a conflict truncates.

    The leader counts on acknowledged entries; a duplicate that cut the log would uncommit them.
    """
    early = append(term=1, entries=log_of(1))
    node = received(server(), early, append(term=1, prev=(1, 1), entries=log_of(1, 1, 1)[1:]))
    after, effects = step(node, Receive(early))
    assert after == node
    assert sent(effects) == [
        AppendEntriesResponse(term=1, source="n1", dest="n2", success=True, match_index=1)
    ]
    assert received(node, append(term=1)) == node


def test_a_follower_commits_no_further_than_the_request_vouches_for() -> None:
    """Figure 2, AppendEntries rule 5: entries after the last new one may conflict with the leader's."""
    node = server(term=3, log=log_of(1, 2, 2))
    after, effects = step(node, Receive(append(term=3, prev=(1, 1), leader_commit=3)))
    assert after.commit_index == 1
    assert effects[-1] == Apply(1, "1.1")


def test_a_followers_commit_index_never_goes_back() -> None:
    """5.3: a late request only shows that its sender knew less then."""
    node = server(log=log_of(1, 1, 1), commit_index=3)
    after, effects = step(node, Receive(append(term=1, prev=(1, 1), leader_commit=1)))
    assert after == node
    assert not [effect for effect in effects if isinstance(effect, Apply)]


def test_after_a_refusal_the_leader_tries_one_entry_earlier() -> None:
    """5.3: nextIndex is decremented and the request sent again, until the logs meet."""
    node = leader(term=2, log=log_of(1, 1, 1), progress=((4, 0), (4, 0)))
    for expected in (3, 2, 1, 1):
        node = received(node, refused(term=2))
        assert isinstance(node.role, Leader)
        assert [known.next_index for known in node.role.progress] == [expected, 4]


def test_a_late_refusal_does_not_go_back_behind_a_known_match() -> None:
    """5.3: a match is permanent. Backing off behind it resends entries and breaks ProgressIsSane."""
    node = leader(term=1, log=log_of(1, 1, 1), progress=((4, 2), (4, 0)))
    for _ in range(3):
        node = received(node, refused())
    assert isinstance(node.role, Leader)
    assert node.role.of("n2") == Progress("n2", next_index=3, match_index=2)


def test_a_late_acknowledgement_does_not_lower_a_match_index() -> None:
    """Figure 2: matchIndex increases monotonically, or a commit could count too few servers."""
    node = leader(term=1, log=log_of(1, 1, 1), members=FIVE)
    node = received(node, acknowledged(3), acknowledged(1))
    assert isinstance(node.role, Leader)
    assert node.role.of("n2") == Progress("n2", next_index=4, match_index=3)


def test_an_acknowledgement_of_unsent_entries_is_ignored() -> None:
    """5.1: otherwise the leader would continue behind the end of its log."""
    node = leader(term=1, log=log_of(1, 1, 1))
    assert step(node, Receive(acknowledged(4))) == (node, ())


def test_an_entry_on_a_majority_is_committed_with_all_before_it() -> None:
    """5.3: this also commits all preceding entries, also those of earlier leaders."""
    node = leader(term=2, log=log_of(1, 1, 2), members=FIVE)
    node = received(node, acknowledged(3, term=2))
    assert node.commit_index == 0
    after, effects = step(node, Receive(acknowledged(3, term=2, source="n4")))
    assert after.commit_index == 3
    assert effects == (Apply(1, "1.1"), Apply(2, "1.2"), Apply(3, "2.3"))


def test_an_acknowledgement_to_a_deposed_leader_is_ignored() -> None:
    """5.3: only a leader commits by counting."""
    for node in (server(log=log_of(1)), candidate(log=log_of(1))):
        assert step(node, Receive(acknowledged(1))) == (node, ())
        assert step(node, Receive(refused())) == (node, ())


# --- 5.4.1 Election restriction -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("own", "candidates", "granted"),
    [
        ((), (), True),
        ((1,), (), False),
        ((), (1,), True),
        ((1, 1), (1, 1), True),  # equal
        ((1, 1), (1, 1, 1), True),  # same last term, longer
        ((1, 1, 1), (1, 1), False),  # same last term, shorter
        ((1, 1, 1), (2,), True),  # later last term, though shorter
        ((2,), (1, 1, 1), False),  # earlier last term, though longer
        ((1, 2), (1, 1, 2), True),
        ((1, 1, 2), (1, 3), True),
    ],
)
def test_a_vote_goes_only_to_a_log_at_least_as_up_to_date(
    own: tuple[int, ...], candidates: tuple[int, ...], *, granted: bool
) -> None:
    """5.4.1: the later last term, then the longer log. Otherwise a leader could lack committed entries."""
    request = ask_vote(
        term=5, last_log_index=len(candidates), last_log_term=candidates[-1] if candidates else 0
    )
    after, effects = step(server(term=4, log=log_of(*own)), Receive(request))
    assert sent(effects) == [RequestVoteResponse(term=5, source="n1", dest="n2", vote_granted=granted)]
    assert after.durable == disk(term=5, voted_for="n2" if granted else None, log=log_of(*own))
    assert (ResetElectionTimer() in effects) is granted


# --- 5.4.2 Committing entries from previous terms -----------------------------------------------


def test_a_leader_never_commits_an_earlier_term_by_counting_replicas() -> None:
    """5.4.2: an entry of an earlier term on a majority may still be overwritten (Figure 8)."""
    node = leader(term=4, log=log_of(1, 2, 4), members=FIVE)
    spread = received(node, *(acknowledged(2, term=4, source=peer) for peer in FIVE[1:]))
    assert spread.commit_index == 0
    after = received(spread, acknowledged(3, term=4), acknowledged(3, term=4, source="n3"))
    assert after.commit_index == 3


class Servers:
    """Servers whose messages are delivered only when a test says so."""

    def __init__(self, *, log: tuple[Entry, ...]) -> None:
        durable = disk(term=1, log=log, members=FIVE)
        self.nodes = {name: recover(Config(name, FIVE, entries_max=1), durable) for name in FIVE}
        self.applied: list[tuple[str, Apply]] = []

    def step(self, name: str, inp: Input) -> list[Message]:
        """Hand one input to a server; return the messages that it sends."""
        self.nodes[name], effects = step(self.nodes[name], inp)
        self.applied.extend((name, effect) for effect in effects if isinstance(effect, Apply))
        return sent(effects)

    def ask(self, messages: list[Message], *to: str) -> None:
        """Deliver the messages to these servers, and their answers; all others are lost."""
        for message in messages:
            if message.dest in to:
                for answer in self.step(message.dest, Receive(message)):
                    self.step(answer.dest, Receive(answer))

    def elect(self, name: str, *voters: str, attempts: int = 1) -> None:
        """Hold elections of `name`; only `voters` hear of the last one, nobody of the earlier ones."""
        for _ in range(attempts - 1):
            self.step(name, Timeout())
        self.ask(self.step(name, Timeout()), *voters)

    def crash(self, name: str) -> None:
        """Crash the server and recover it from its disk."""
        self.nodes[name] = recover(self.nodes[name].config, self.nodes[name].durable)

    def terms(self, name: str) -> list[int]:
        """The terms of a server's log, as the figure draws them."""
        return [entry.term for entry in self.nodes[name].durable.log]


@pytest.fixture
def figure_8() -> Servers:
    """Figure 8, (a) to (c): s1 leads again, and an entry of term 2 is on a majority, not committed."""
    s = Servers(log=log_of(1))
    s.elect("n1", *FIVE[1:])  # (a) s1 leads term 2 and reaches s2 only
    s.ask(s.step("n1", AppendEntries("n2")), "n2")
    assert [s.terms(name) for name in FIVE] == [[1, 2], [1, 2], [1], [1], [1]]
    s.crash("n1")  # (b) s5 leads term 3 with the votes of s3, s4 and its own
    s.elect("n5", "n3", "n4")
    assert isinstance(s.nodes["n5"].role, Leader)
    assert s.terms("n5") == [1, 3]
    s.crash("n5")  # (c) s1 leads term 4 and goes on replicating its entry of term 2
    s.elect("n1", "n2", "n3", "n4", attempts=2)
    assert s.nodes["n1"].durable.current_term == 4
    for _ in range(2):  # the first try is refused: s3 and s4 lack the entry before
        for peer in ("n3", "n4"):
            s.ask(s.step("n1", AppendEntries(peer)), peer)
    assert [s.terms(name) for name in FIVE] == [[1, 2, 4], [1, 2], [1, 2], [1, 2], [1, 3]]
    assert s.nodes["n1"].commit_index == 0
    assert s.applied == []
    return s


def test_figure_8_d_an_overwritten_majority_entry_was_never_applied(figure_8: Servers) -> None:
    """5.4.2, Figure 8 (d): s5 wins with the votes of s2, s3 and s4, whose last terms are earlier than 3.

    Had s1 committed its entry of term 2 by counting, it would be lost now.
    """
    s = figure_8
    s.crash("n1")
    s.elect("n5", "n2", "n3", "n4", attempts=2)
    assert isinstance(s.nodes["n5"].role, Leader)
    for _ in range(4):
        for peer in FIVE[:4]:
            s.ask(s.step("n5", AppendEntries(peer)), peer)
    assert {tuple(s.terms(name)) for name in FIVE} == {(1, 3, 5)}
    assert [effect for name, effect in s.applied if name == "n5"] == [
        Apply(1, "1.1"),
        Apply(2, NOOP),
        Apply(3, NOOP),
    ]
    assert [effect.value for name, effect in s.applied if name == "n1"] == ["1.1", NOOP, NOOP]


def test_figure_8_e_a_current_term_majority_entry_keeps_s5_out(figure_8: Servers) -> None:
    """5.4.2, Figure 8 (e): once an entry of term 4 is on a majority, all before it is committed for good."""
    s = figure_8
    for peer in ("n3", "n4"):
        s.ask(s.step("n1", AppendEntries(peer)), peer)
    assert s.nodes["n1"].commit_index == 3
    assert [effect.index for name, effect in s.applied if name == "n1"] == [1, 2, 3]
    s.crash("n1")
    s.elect("n5", "n2", "n3", "n4", attempts=2)
    standing = s.nodes["n5"].role
    assert standing == Candidate(votes_granted=frozenset({"n5", "n2"}))


# --- 5.5 and Figure 2: what a crash loses -------------------------------------------------------


def test_a_crash_keeps_only_term_vote_and_log() -> None:
    """Figure 2, persistent state: currentTerm, votedFor and log; all else is volatile."""
    node = leader(term=4, log=log_of(1, 4), commit_index=2, progress=((3, 2), (3, 2)))
    back = recover(node.config, node.durable)
    assert back == server(term=4, voted_for="n1", log=log_of(1, 4))
    assert (back.role, back.commit_index) == (Follower(), 0)


def test_a_vote_stands_across_a_crash() -> None:
    """5.2: one vote a term, also across a crash. Otherwise two leaders could share a term."""
    voted = received(server(term=1), ask_vote(term=1, source="n2"))
    back = recover(voted.config, voted.durable)
    after, effects = step(back, Receive(ask_vote(term=1, source="n3")))
    assert after == back
    assert sent(effects) == [RequestVoteResponse(term=1, source="n1", dest="n3", vote_granted=False)]


def test_after_a_crash_the_log_is_applied_from_its_beginning() -> None:
    """Figure 2: lastApplied is volatile as well; the state machine is rebuilt from the log."""
    back = recover(Config("n1", THREE), disk(term=1, log=log_of(1, 1)))
    _, effects = step(back, Receive(append(term=1, prev=(2, 1), leader_commit=2)))
    assert [effect for effect in effects if isinstance(effect, Apply)] == [Apply(1, "1.1"), Apply(2, "1.2")]


def test_a_step_without_durable_change_writes_nothing() -> None:
    """Figure 2: only the persistent state is on disk; a heartbeat costs no write."""
    node = server(log=log_of(1))
    _, effects = step(node, Receive(append(term=1, prev=(1, 1), leader_commit=1)))
    assert not [effect for effect in effects if isinstance(effect, Persist)]


# --- the host -----------------------------------------------------------------------------------


@pytest.mark.parametrize("message", EACH_TYPE.values(), ids=EACH_TYPE)
def test_a_message_for_another_server_is_misrouted(message: Callable[[int], Message]) -> None:
    """A server that answered for another would vote, or acknowledge, in its name."""
    node = server(members=("n3", "n1", "n2"))
    with pytest.raises(MisroutedInput, match="'n3' was handed a message for 'n1'"):
        step(node, Receive(message(9)))
    assert node == server(members=("n3", "n1", "n2"))


@pytest.mark.parametrize("node", EACH_ROLE.values(), ids=EACH_ROLE)
def test_an_answer_of_a_stranger_does_not_count(node: Callable[[], Node]) -> None:
    """5.1: quorums are of the cluster's voters. A removed server, or one that never joined, elects nobody."""
    strangers = [f"stranger{number}" for number in range(3)]
    votes = received(node(), *(vote(term=3, source=name) for name in strangers))
    assert type(votes.role) is type(node().role)
    acknowledgements = [acknowledged(1, term=3, source=name) for name in strangers]
    assert received(node(), *acknowledgements) == node()


def test_a_request_of_a_stranger_is_accepted() -> None:
    """Thesis, 4.1: a server accepts requests of leaders that are not in its own latest configuration."""
    after = received(server(term=1), append(term=2, entries=log_of(2), source="n9"))
    assert after.durable == disk(term=2, log=log_of(2))


@pytest.mark.parametrize("node", EACH_ROLE.values(), ids=EACH_ROLE)
def test_a_message_from_itself_changes_nothing(node: Callable[[], Node]) -> None:
    assert step(node(), Receive(ask_vote(term=9, source="n1"))) == (node(), ())


def test_nothing_is_sent_to_a_non_member() -> None:
    """A timer of the host may outlive the membership of its peer (thesis, 4.1)."""
    assert step(leader(term=2), AppendEntries("n9")) == (leader(term=2), ())


@pytest.mark.parametrize(
    ("founders", "settings", "words"),
    [
        ((), {}, "server 'n1' has 0 founders: name the cluster's first voters"),
        (("n1", "n2", "n2"), {}, "name a server twice: each server has one vote"),
        (THREE, {"entries_max": 0}, "entries_max is 0: a request must be able to carry at least 1 entry"),
        (THREE, {"unacknowledged_max": 0},
            "unacknowledged_max is 0: a leader must be able to send at least 1"),
        (THREE, {"election_ticks": 0}, "election_ticks is 0: a leader must be heard for at least 1 tick"),
        (THREE, {"lease_ticks": -1}, "lease_ticks is -1: a lease cannot end before it begins"),
        (THREE, {"leases": True, "lease_ticks": 5, "election_ticks": 5},
            "lease_ticks is 5 and election_ticks 5: a follower stays with its leader .* Use at most 4"),
    ],
)  # fmt: skip
def test_an_invalid_config_is_refused_with_advice(
    founders: tuple[str, ...], settings: dict[str, Any], words: str
) -> None:
    with pytest.raises(InvalidConfig, match=words):
        Config("n1", founders, **settings)


def test_a_disabled_lease_may_have_any_length() -> None:
    assert Config("n1", THREE, lease_ticks=5, election_ticks=5).lease_ticks == 5


def test_a_server_that_is_no_founder_starts_and_never_stands() -> None:
    """Thesis, 4.1: a joining server gets the log before it becomes a voter."""
    joining = first_start(Config("n9", THREE))
    assert joining.configuration == configuration("123")
    assert step(joining, Timeout()) == (joining, (ResetElectionTimer(),))
