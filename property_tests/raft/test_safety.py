"""Each property of `Safety` is seen to fail, on two states made by hand, and all hold on a good run.

A property that cannot fail protects nothing. The pairs of states below are the smallest wrong steps
that we could think of; the paper's Figure 3 has the properties.
"""

import inspect
import re
from typing import Any

import pytest
from immutabledict import immutabledict

from impl import raft
from property_tests.raft import safety as safety_module
from property_tests.raft.adapter import RaftSystem, server_names
from property_tests.raft.cluster import Cluster
from property_tests.raft.machine import oracle_for
from property_tests.raft.safety import Safety
from tlacheck.conform.comparison import observed
from tlacheck.conform.walk import random_walk
from tlacheck.trace import State
from tlacheck.values import ModelValue, Value

N1, N2, N3, NIL = (ModelValue(name) for name in ("n1", "n2", "n3", "Nil"))
SERVERS = (N1, N2, N3)


def log(*terms: int) -> Value:
    """A log of entries with these terms; the values follow from term and index."""
    return tuple(
        immutabledict(term=term, value=ModelValue(f"t{term}i{index}"))
        for index, term in enumerate(terms, start=1)
    )


def state(**of: dict[ModelValue, Any]) -> State:
    """Three followers of term 3 with two entries each, one committed; and what is different about whom.

    `committed` is given for `N1`, as (entries, term of the leader that committed them).
    """
    entries, term = of.pop("committed", {}).get(N1, (log(1), 1))
    usual: dict[str, Any] = {
        "role": "Follower",
        "currentTerm": 3,
        "votedFor": N2,
        "log": log(1, 2),
        "commitIndex": 1,
        "matchIndex": immutabledict(),
    }
    assert of.keys() <= usual.keys()
    return immutabledict(
        {
            name: immutabledict({server: of.get(name, {}).get(server, value) for server in SERVERS})
            for name, value in usual.items()
        },
        committed=tuple(immutabledict(entry=entry, term=term) for entry in entries),
    )


LEADS = {N1: "Leader"}

#: Property -> the states before and after a step that breaks it, and words of the explanation.
BROKEN: dict[str, tuple[State, State, str]] = {
    "ElectionSafety": (state(), state(role={N1: "Leader", N2: "Leader"}), "n1 and n2 both lead term 3"),
    "LeaderCompleteness": (
        state(committed={N1: (log(1, 2), 2)}),
        state(committed={N1: (log(1, 2), 2)}, role=LEADS, log={N1: log(1, 3)}),
        "n1 leads term 3 without the committed entry 2",
    ),
    "CommitIndexInLog": (state(), state(commitIndex={N2: 3}), "n2 holds as committed an entry"),
    "LogMatching": (
        state(),
        state(log={N1: log(2, 2, 3), N2: log(1, 2, 3)}, commitIndex=dict.fromkeys(SERVERS, 0)),
        "n1 and n2 agree at log index 3 and differ before it",
    ),
    "TermMonotonic": (state(), state(currentTerm={N3: 2}), "the term of n3 went back from 3 to 2"),
    "VoteStands": (state(), state(votedFor={N1: N3}), "n1 voted for n2 in term 3 and now for n3"),
    "LeaderAppendOnly": (
        state(role=LEADS, log={N1: log(1, 2, 3)}),
        state(role=LEADS, log={N1: log(1, 2)}),
        "leader n1 changed or removed entries of its own log",
    ),
    "LeaderCommitsOwnTerm": (
        state(role=LEADS),
        state(role=LEADS, commitIndex={N1: 2}),
        "leader n1 of term 3 committed directly an entry of term 2",
    ),
    "CommitIndexMonotonic": (
        state(commitIndex={N2: 2}),
        state(commitIndex={N2: 1}),
        "the commit index of n2 went back from 2 to 1",
    ),
    "CommittedStays": (
        state(),
        state(log={N3: log(2)}, commitIndex={N3: 1}),
        "n3 changed or removed an entry up to its commit index 1",
    ),
    "MatchIndexMonotonic": (
        state(role=LEADS, matchIndex={N1: immutabledict({N2: 2, N3: 0})}),
        state(role=LEADS, matchIndex={N1: immutabledict({N2: 1, N3: 0})}),
        "leader n1 forgot what a peer holds",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_step_that_breaks_a_property_is_named_with_who_broke_it(name: str) -> None:
    before, after, words = BROKEN[name]
    broken = Safety().step(before, after, None)
    assert broken is not None
    assert broken[0] == name
    assert words in broken[1]


@pytest.mark.parametrize("name", BROKEN)
def test_the_state_before_the_wrong_step_is_right(name: str) -> None:
    """So that it is the step that is found wrong."""
    before, _, _ = BROKEN[name]
    assert Safety().step(before, before, None) is None


def test_every_property_that_safety_can_name_is_broken_here() -> None:
    """A property that is added without a pair of states that breaks it is noticed."""
    named = set(re.findall(r'"([A-Z][a-z]+[A-Z]\w+)"', inspect.getsource(safety_module)))
    assert named == {*BROKEN, "StateMachineSafety"}


def test_two_servers_that_apply_different_values_at_one_index_break_state_machine_safety() -> None:
    """Figure 3. The states do not show it: they are told apart by what was applied."""
    safety = Safety()
    safety.applied("n1", 1, "x")
    safety.applied("n2", 1, "x")
    assert safety.step(state(), state(), None) is None
    safety.applied("n3", 1, "y")
    assert safety.step(state(), state(), None) == (
        "StateMachineSafety",
        "at log index 1 n1 applied x and n3 applied y",
    )


def test_two_leaders_of_one_term_one_after_the_other_break_election_safety() -> None:
    """5.2: at most one leader is elected in a term, ever; they need not meet."""
    safety = Safety()
    assert safety.step(state(), state(role={N1: "Leader"}), None) is None
    assert safety.step(state(role={N1: "Leader"}), state(), None) is None
    broken = safety.step(state(), state(role={N2: "Leader"}), None)
    assert broken == ("ElectionSafety", "n1 and n2 both lead term 3")


def test_leaders_of_different_terms_may_meet() -> None:
    """5.1: an old leader does not know yet."""
    both = state(role={N1: "Leader", N2: "Leader"}, currentTerm={N2: 4}, log={N2: log(1, 2, 4)})
    assert Safety().step(both, both, None) is None


def test_a_crash_may_forget_the_commit_index_of_the_server_that_crashed() -> None:
    before, after = state(commitIndex={N2: 2}), state(commitIndex={N2: 0})
    assert Safety().step(before, after, N2) is None
    assert Safety().step(before, after, N1) is not None


def test_a_crash_may_not_forget_a_vote_or_a_term() -> None:
    """Figure 2: both are persistent."""
    broken = Safety().step(state(), state(votedFor={N2: NIL}), N2)
    assert broken is not None
    assert broken[0] == "VoteStands"
    broken = Safety().step(state(), state(currentTerm={N2: 0}, votedFor={N2: NIL}), N2)
    assert broken is not None
    assert broken[0] == "TermMonotonic"


def test_a_vote_is_free_again_in_a_new_term() -> None:
    assert Safety().step(state(), state(currentTerm={N1: 4}, votedFor={N1: N3}), None) is None


def test_a_vote_that_was_sent_stands_also_if_the_server_has_forgotten_it() -> None:
    """5.2 and Figure 2: the states do not show a vote that was sent and not persisted."""
    vote: dict[str, Any] = {"term": 4, "source": "n1", "vote_granted": True}
    safety = Safety()
    for message in (
        raft.RequestVoteResponse(dest="n2", **vote),
        raft.RequestVoteResponse(dest="n2", **vote),
        raft.RequestVoteResponse(dest="n3", **{**vote, "vote_granted": False}),
        raft.RequestVoteResponse(dest="n3", **{**vote, "term": 5}),
    ):
        safety.sent(message)
    assert safety.step(state(), state(), None) is None
    safety.sent(raft.RequestVoteRequest(term=4, source="n1", dest="n2", last_log_index=0, last_log_term=0))
    assert safety.step(state(), state(), None) == (
        "VoteStands",
        "n1 sent votes for n2 and for n1 in term 4",
    )


def test_what_was_once_broken_stays_broken() -> None:
    """So that a judge who looks away for a step still learns of it."""
    before, after, _ = BROKEN["VoteStands"]
    safety = Safety()
    assert safety.step(before, after, None) is not None
    assert safety.step(after, after, None) is not None


def test_a_leader_that_holds_more_as_committed_than_it_has_is_named_and_does_not_break_the_judge() -> None:
    broken = Safety().step(state(role=LEADS), state(role=LEADS, commitIndex={N1: 9}), None)
    assert broken is not None
    assert broken[0] == "CommitIndexInLog"


def test_all_properties_hold_on_walks_of_the_spec() -> None:
    """The spec keeps them, so that a judge who finds fault here is wrong."""
    oracle = oracle_for(3)
    for seed in range(6):
        walk = random_walk(oracle, seed=seed, steps=60, weights={"Restart": 0.3, "Timeout": 0.5})
        safety = Safety()
        for before, step in zip(walk.states, walk.steps, strict=False):
            restarted = step.arguments["node"] if step.action == "Restart" else None
            assert safety.step(before, step.state, restarted) is None


def test_all_properties_hold_on_a_good_run_that_commits() -> None:
    cluster = Cluster(oracle_for(3), server_names(3), seed=2, judged=False)
    cluster.advance(1_000)
    assert cluster.client_request("v1")
    cluster.advance(1_000)
    assert cluster.sometimes["an entry is committed"]
    safety = Safety()
    trace = cluster.lockstep.trace
    for before, step in zip(trace.states, trace.steps, strict=False):
        assert safety.step(before, step.state, None) is None


def test_the_states_made_by_hand_have_the_shape_of_observed_ones() -> None:
    """Else the pairs above would test a shape that no run has."""
    system = RaftSystem()
    system.reset(oracle_for(3).initial_states()[0].values)
    found = observed(system)
    made = state()
    assert made.keys() <= found.keys()
    for name in ("role", "currentTerm", "votedFor", "log", "commitIndex"):
        assert made[name].keys() == found[name].keys()
        assert type(made[name][N1]) is type(found[name][N1])
    assert raft.NoOp() == raft.NOOP
