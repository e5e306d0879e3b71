"""Each property of `Safety` fails on servers made by hand, and all hold on correct runs.

A property that cannot fail protects nothing. The wrong steps below are the smallest that we could think
of; "paper" is Ongaro and Ousterhout 2014, "thesis" Ongaro 2014.
"""

import inspect
import re
from collections.abc import Callable, Mapping
from typing import Any

import attrs
import pytest

from impl import raft
from property_tests.raft import safety as safety_module
from property_tests.raft.adapter import RaftSystem
from property_tests.raft.judge import RaftJudge
from property_tests.raft.protocol import RAFT, RAFT_FULL, leader_of
from property_tests.raft.safety import Broken, Safety
from property_tests.raft.settings import oracle_for
from tlacheck.conform.walk import walk_and_replay
from tlacheck.harness import Protocol, Run
from tlacheck.values import Value

SERVERS = ("n1", "n2", "n3")
FOUNDERS = raft.Configuration(frozenset(SERVERS))
FIRST = raft.Snapshot(configuration=FOUNDERS)


def log(*terms: int) -> tuple[raft.Entry, ...]:
    """A log of entries with these terms; the values follow from term and index."""
    return tuple(raft.Entry(term, f"t{term}i{index}") for index, term in enumerate(terms, start=1))


def node(name: str, **of: Any) -> raft.Node:
    """A follower of term 3 that voted for n2 and holds two entries, one of them committed.

    The arguments replace its fields.
    """
    entries = of.pop("log", log(1, 2))
    base = of.pop("snapshot", FIRST)
    durable = raft.Durable(of.pop("term", 3), of.pop("voted_for", "n2"), entries, snapshot=base)
    config = raft.Config(name, SERVERS, async_disk="synced" in of)
    return raft.Node(config, durable, **{"commit_index": 1, **of})


def leader(
    name: str, *, match: int = 0, configuration: raft.Configuration = FOUNDERS, **of: Any
) -> raft.Node:
    """The same as a leader that knows of its peers to hold `match` entries."""
    peers = sorted(configuration.members - {name})
    role = raft.Leader(tuple(raft.Progress(peer, match + 1, match) for peer in peers), configuration)
    return node(name, role=role, **of)


def elect(safety: Safety, name: str, term: int) -> None:
    """All servers say that they vote for a server."""
    for voter in SERVERS:
        safety.sent(raft.RequestVoteResponse(term=term, source=voter, dest=name, vote_granted=True))


def started(*leaders: raft.Node, others: tuple[raft.Node, ...] = ()) -> Safety:
    """A judge of servers of which some lead, elected by all."""
    safety = Safety({name: node(name, log=(), commit_index=0) for name in SERVERS})
    for commit_index in (0, 1):  # all hold their entries before the first one is committed
        for name in SERVERS:
            safety.step(name, node(name, commit_index=commit_index))
    for each in (*others, *leaders):
        if isinstance(each.role, raft.Leader):
            elect(safety, each.config.node, each.durable.current_term)
        safety.step(each.config.node, each)
    return safety


def change(*voters: str) -> raft.Entry:
    return raft.Entry(3, raft.Configuration(frozenset(voters)))


def _second_leader() -> tuple[Safety, raft.Node]:
    return started(leader("n1")), leader("n2")


def _lacks_committed() -> tuple[Safety, raft.Node]:
    return started(others=tuple(node(name, commit_index=2) for name in SERVERS)), leader(
        "n1", log=log(1, 3), term=4, commit_index=1
    )


def _two_changes() -> tuple[Safety, raft.Node]:
    return started(), node("n1", log=(*log(1, 2), change("n1", "n2"), change("n1")))


def _compacts(**of: Any) -> tuple[Safety, raft.Node]:
    right = {"index": 1, "term": 1, "configuration": FOUNDERS, "state": ("t1i1",)}
    return started(), node("n1", log=log(1, 2)[1:], snapshot=raft.Snapshot(**{**right, **of}))


#: Property, and what is tried -> a judge, the step that breaks it, and words of the explanation.
BROKEN: dict[tuple[str, str], tuple[Callable[[], tuple[Safety, raft.Node]], str]] = {
    ("ElectionSafety", "two lead a term"): (_second_leader, "n1 and n2 both lead term 3"),
    ("LeaderCompleteness", "a leader lacks an entry"): (
        _lacks_committed,
        "n1 leads term 4 without the committed entry 2",
    ),
    ("ElectedByQuorum", "nobody voted"): (
        lambda: (started(), leader("n1", term=4)),
        "n1 leads term 4 with the votes of ['n1'] only",
    ),
    ("LeaderConfiguration", "a leader goes by another one"): (
        lambda: (
            started(leader("n1")),
            leader("n1", configuration=raft.Configuration(frozenset({"n1", "n2"}))),
        ),
        "leader n1 goes by",
    ),
    ("CommitIndexInLog", "beyond the log"): (
        lambda: (started(), node("n2", commit_index=3)),
        "n2 holds as committed an entry",
    ),
    ("LogMatching", "equal behind what differs"): (
        lambda: (started(others=(node("n2", log=log(1, 2, 3)),)), node("n1", log=log(1, 1, 3))),
        "n1 and n2 agree at log index 3 and differ before it",
    ),
    ("TermMonotonic", "a term goes back"): (
        lambda: (started(), node("n3", term=2)),
        "the term of n3 went back from 3 to 2",
    ),
    ("VoteStands", "a vote changes"): (
        lambda: (started(), node("n1", voted_for="n3")),
        "n1 voted for n2 in term 3 and now for n3",
    ),
    ("LeaderAppendOnly", "a leader removes an entry"): (
        lambda: (started(leader("n1", log=log(1, 2, 3))), leader("n1")),
        "leader n1 changed or removed entries of its own log",
    ),
    ("LeaderCommitsOwnTerm", "an earlier one"): (
        lambda: (started(leader("n1")), leader("n1", commit_index=2)),
        "leader n1 of term 3 committed directly an entry of term 2",
    ),
    ("CommitIndexMonotonic", "it goes back"): (
        lambda: (started(others=(node("n2", commit_index=2),)), node("n2")),
        "the commit index of n2 went back from 2 to 1",
    ),
    ("CommittedStays", "a committed entry goes"): (
        lambda: (started(), node("n3", log=log(2))),
        "n3 changed or removed an entry up to its commit index 1",
    ),
    ("MatchIndexMonotonic", "a leader forgets"): (
        lambda: (started(leader("n1", match=2)), leader("n1", match=1)),
        "leader n1 forgot what a peer holds",
    ),
    ("StateMachineSafety", "another entry is committed"): (
        lambda: (started(others=(node("n1", commit_index=2),)), node("n2", log=log(1, 3), commit_index=2)),
        "and n2 holds Entry(term=3, value='t3i2') as committed",
    ),
    ("CommittedIsDurable", "held by one"): (
        lambda: (started(), node("n1", log=log(1, 2, 3), commit_index=3)),
        "n1 committed log index 3, which is on the disks of ['n1'] only",
    ),
    ("CommittedIsDurable", "not synced"): (
        lambda: (
            started(others=(node("n2", log=log(1, 2, 3), synced=3),)),
            node("n1", log=log(1, 2, 3), synced=2, commit_index=3),
        ),
        "n1 committed log index 3, which is on the disks of ['n2'] only",
    ),
    ("OneChangeAtATime", "two open ones"): (
        _two_changes,
        "n1 holds changes of membership at log indices [3, 4]",
    ),
    ("SnapshotsAreTrue", "another state"): (
        lambda: _compacts(state=("x",)),
        "the snapshot of n1 at log index 1",
    ),
    ("SnapshotsAreTrue", "another term"): (lambda: _compacts(term=2), "the snapshot of n1 at log index 1"),
    ("SnapshotsAreTrue", "another configuration"): (
        lambda: _compacts(configuration=raft.Configuration(frozenset({"n1"}))),
        "the snapshot of n1 at log index 1",
    ),
    ("SnapshotsAreTrue", "not committed"): (
        lambda: _compacts(index=2, term=2, state=("t1i1", "t2i2")),
        "covers log index 2, which is not committed",
    ),
    ("SnapshotMonotonic", "it goes back"): (
        lambda: (started(others=(_compacts()[1],)), node("n1")),
        "the snapshot of n1 went back from 1 to 0",
    ),
}


@pytest.mark.parametrize("case", BROKEN, ids=": ".join)
def test_a_step_that_breaks_a_property_is_named_with_who_broke_it(case: tuple[str, str]) -> None:
    make, words = BROKEN[case]
    safety, wrong = make()
    name = wrong.config.node
    assert safety.step(name, safety.nodes[name]) is None, "so that it is the step that is found wrong"
    safety.step(name, wrong)
    assert (case[0], True) in [(found, words in line) for found, line in _breaches(safety)]


def _breaches(safety: Safety) -> list[Broken]:
    return safety._breaches  # noqa: SLF001 - a step may break more than one property


def test_every_property_that_safety_can_name_is_broken_here() -> None:
    """A property that is added without a step that breaks it is noticed."""
    named = set(re.findall(r'"([A-Z][a-z]+[A-Z]\w+)"', inspect.getsource(safety_module)))
    tested = {"DurableStays", "AppliedInOrder", "AppliedOnce", "LinearizableReads"}
    assert named == {*(name for name, _ in BROKEN), *tested}


# --- what is applied ----------------------------------------------------------------------------


def _first(safety: Safety) -> Broken | None:
    return safety.step("n1", safety.nodes["n1"])


def test_two_servers_that_apply_different_values_at_one_index_break_state_machine_safety() -> None:
    """Paper, Figure 3. The states do not show it: they are told apart by what was applied."""
    safety = started()
    safety.applied("n1", 1, "x")
    safety.applied("n2", 1, "x")
    assert _first(safety) is None
    safety.applied("n3", 1, "y")
    assert _first(safety) == ("StateMachineSafety", "at log index 1 n1 applied x and n3 applied y")


def test_a_log_index_that_is_left_out_or_applied_again_is_noticed() -> None:
    safety = started()
    safety.applied("n1", 1, "x")
    safety.applied("n1", 3, "z")
    assert _first(safety) == ("AppliedInOrder", "n1 applied log index 3 where 2 was next")


def test_a_state_machine_that_goes_back_to_an_old_snapshot_is_noticed() -> None:
    """A snapshot older than the applied entries has no effect (paper, Figure 13)."""
    safety = started()
    safety.restored("n1", 5)
    safety.restored("n1", 4)
    assert _first(safety) == ("AppliedInOrder", "n1 went back from log index 5 to 4")


def test_a_value_that_a_state_machine_holds_twice_was_not_applied_once() -> None:
    """Thesis, 6.3: a client that got no answer submits again."""
    safety = started()
    safety.holds("n1", ("x", "x"))
    found = _first(safety)
    assert found is not None
    assert found[0] == "AppliedOnce"


def test_a_state_machine_holds_what_was_committed() -> None:
    safety = started()
    safety.applied("n1", 1, "t1i1")
    safety.holds("n1", ("t1i1",))
    assert _first(safety) is None
    safety.holds("n1", ())
    found = _first(safety)
    assert found is not None
    assert found[0] == "StateMachineSafety"


# --- crashes ------------------------------------------------------------------------------------


def test_a_crash_may_forget_the_commit_index_of_the_server_that_crashed() -> None:
    safety = started(others=(node("n2", commit_index=2),))
    assert safety.step("n2", node("n2", commit_index=0), restarted=True) is None


def test_a_crash_may_not_forget_a_vote_or_a_term() -> None:
    """Paper, Figure 2: both are persistent."""
    for name, wrong in (
        ("VoteStands", {"voted_for": None}),
        ("TermMonotonic", {"term": 0, "voted_for": None}),
    ):
        broken = started().step("n2", node("n2", commit_index=0, **wrong), restarted=True)
        assert broken is not None
        assert broken[0] == name


def test_a_crash_may_take_from_a_log_what_was_not_synced_and_no_more() -> None:
    """A prefix of the entries that a leader was writing may survive (thesis, 10.2.1)."""
    before = node("n1", log=log(1, 2, 3), synced=2)
    for kept, broken in ((3, None), (2, None), (1, "DurableStays")):
        after = node("n1", log=log(1, 2, 3)[:kept], synced=kept, commit_index=0)
        found = started(others=(before,)).step("n1", after, restarted=True)
        assert (found and found[0]) == broken


def test_a_vote_is_free_again_in_a_new_term() -> None:
    assert started().step("n1", node("n1", term=4, voted_for="n3")) is None


def test_a_vote_that_was_sent_stands_also_if_the_server_has_forgotten_it() -> None:
    """Paper, 5.2 and Figure 2: the states do not show a vote that was sent and not persisted."""
    vote: dict[str, Any] = {"term": 4, "source": "n1", "vote_granted": True}
    safety = started()
    for message in (
        raft.RequestVoteResponse(dest="n2", **vote),
        raft.RequestVoteResponse(dest="n2", **vote),
        raft.RequestVoteResponse(dest="n3", **{**vote, "vote_granted": False}),
        raft.RequestVoteResponse(dest="n3", **{**vote, "term": 5}),
    ):
        safety.sent(message)
    assert _first(safety) is None
    safety.sent(raft.RequestVoteRequest(term=4, source="n1", dest="n2", last_log_index=0, last_log_term=0))
    assert _first(safety) == ("VoteStands", "n1 sent votes for n2 and for n1 in term 4")


def test_what_was_once_broken_stays_broken() -> None:
    """A judge that skips a step still learns of it."""
    safety = started()
    assert safety.step("n1", node("n1", voted_for="n3")) is not None
    assert safety.step("n2", node("n2")) is not None


# --- elections, changes, reads ------------------------------------------------------------------


def test_two_leaders_of_one_term_one_after_the_other_break_election_safety() -> None:
    """Paper, 5.2: at most one leader is elected in a term, ever; they need not meet."""
    safety = started(leader("n1"))
    assert safety.step("n1", node("n1")) is None
    elect_again = safety.step("n2", leader("n2"))
    assert elect_again == ("ElectionSafety", "n1 and n2 both lead term 3")


def test_leaders_of_different_terms_may_meet() -> None:
    """Paper, 5.1: an old leader does not know yet."""
    safety = started(leader("n1"), leader("n2", term=4, log=log(1, 2, 4)))
    assert _first(safety) is None


def test_while_voters_change_hands_both_sides_must_elect() -> None:
    """Paper, 6: a majority of the old voters alone is none."""
    joint = raft.Configuration(frozenset({"n3"}), outgoing=frozenset(SERVERS))
    entry = raft.Entry(3, joint)
    safety = started()
    for voter in ("n1", "n2"):
        safety.sent(raft.RequestVoteResponse(term=4, source=voter, dest="n1", vote_granted=True))
    broken = safety.step("n1", leader("n1", term=4, log=(*log(1, 2), entry), configuration=joint))
    assert broken == ("ElectedByQuorum", "n1 leads term 4 with the votes of ['n1', 'n2'] only")


def test_a_read_that_misses_what_was_committed_when_it_was_asked_for_is_stale() -> None:
    """Thesis, 6.4."""
    safety = started(others=(node("n1", commit_index=2),))
    safety.applied("n1", 1, "t1i1")
    safety.asked("r1")
    safety.answered("n1", "r1", 1)
    assert _first(safety) == (
        "LinearizableReads",
        "n1 answered r1 from log index 1, and 2 was committed when it was asked",
    )


def test_a_read_that_is_answered_before_its_index_is_applied_shows_too_little() -> None:
    safety = started()
    safety.asked("r1")
    safety.answered("n1", "r1", 1)
    assert _first(safety) == ("LinearizableReads", "n1 answered r1 from log index 1 with 0 applied")


# --- good runs ----------------------------------------------------------------------------------


class Watched(RaftSystem):
    """A cluster that is watched by `Safety`."""

    def __init__(self) -> None:
        super().__init__(on_effect=self._told)
        self.safety: Safety | None = None

    def _told(self, name: str, effect: raft.Effect) -> None:
        assert self.safety is not None
        match effect:
            case raft.Send(message=message):
                self.safety.sent(message)
            case raft.Apply(index=index, value=value):
                self.safety.applied(name, index, value)

    def perform(self, action: str, arguments: Mapping[str, Value]) -> None:
        if self.safety is None:
            self.safety = Safety(self.nodes)
        super().perform(action, arguments)
        for name, after in self.nodes.items():
            assert self.safety.step(name, after, restarted=action == "Restart") is None


def test_all_properties_hold_on_walks_of_the_spec() -> None:
    """The spec keeps them: a judge that objects here is wrong."""
    oracle = oracle_for(3)
    for seed in range(4):
        run = walk_and_replay(
            oracle, Watched(), seed=seed, steps=60, weights={"Restart": 0.3, "Timeout": 0.5}
        )
        assert run.violation is None


@pytest.mark.parametrize("protocol", [RAFT, RAFT_FULL], ids=["the core", "all parts"])
def test_all_properties_hold_on_a_good_run_that_commits(protocol: Protocol) -> None:
    run = Run(protocol, protocol.size(None), seed=2, oracle=None)
    run.advance(1_000)
    leader = leader_of(run.view)
    assert leader is not None
    run.request(leader, raft.ClientRequest("v1"))
    run.advance(1_000)
    safety = run.judge(RaftJudge).safety
    assert [entry.value for entry, _ in safety.committed] == [raft.NOOP, "v1"]
    wrong = attrs.evolve(run.view["n1"].node, commit_index=9)
    assert safety.step("n1", wrong) is not None
