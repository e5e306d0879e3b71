"""Raft's elections in `models.raft`: the proof, what it needs, and that wrong models fail it."""

from pathlib import Path

import attrs
import pytest

from models import raft
from models.raft import GOALS, Fault, elections, prove
from models.raft_small import MODULE, Cluster, compared, states_by_tlc
from tlacheck import itf
from tlacheck.smt import NOT_REACHED, Clause, Necessity, Need, Result, bounded, each_dropped, inductive
from tlacheck.values import Function
from tlacheck.verdict import Kind, Verdict
from tlacheck.verify import Context


def test_at_most_one_leader_a_term_is_proved_for_any_cluster() -> None:
    result = prove()
    assert result.verdict == Verdict.proved()
    assert len(result.obligations) == len(elections().properties) * (1 + len(elections().actions))


def test_the_goals_alone_are_not_inductive() -> None:
    assert inductive(elections(), GOALS, stop_early=True).verdict.is_unknown


def test_a_dropped_clause_leaves_a_step_that_the_proof_does_not_exclude() -> None:
    """One of them here; `models.raft:clauses_needed` drops each."""
    system = elections()
    clauses = [*GOALS, "OneBallotATerm", "NoBallotAhead", "BallotIsRemembered"]
    found = each_dropped(system, clauses, goals=[*GOALS, "OneBallotATerm", "BallotIsRemembered"])
    assert [one.need for one in found] == [Need.NEEDED]


@pytest.mark.parametrize("fault", [Fault.VOTES_TWICE, Fault.VOTE_NOT_DURABLE], ids=lambda fault: fault.name)
def test_a_server_that_may_vote_twice_fails_the_proof(fault: Fault, tmp_path: Path) -> None:
    trace = prove(fault=fault).trace
    assert trace is not None
    assert trace.violation is not None
    assert trace.violation.explanation == (NOT_REACHED,)
    assert [step.action for step in trace.steps] == ["GrantVote" if fault is Fault.VOTES_TWICE else "Restart"]
    itf.write(trace, tmp_path / "step.itf.json")
    assert itf.read(tmp_path / "step.itf.json") == trace


def test_quorums_that_do_not_meet_elect_two_leaders() -> None:
    found = bounded(Cluster(2, 1, quorum_size=1).system(fault=Fault.QUORUMS_APART), "ElectionSafety", 4)
    assert found.verdict.is_violated
    assert found.trace is not None
    assert sorted(step.action for step in found.trace.steps) == [
        "BecomeLeader",
        "BecomeLeader",
        "Timeout",
        "Timeout",
    ]
    assert bounded(Cluster(2, 1).system(), "ElectionSafety", 4).verdict.kind is Kind.BOUNDED


@pytest.fixture(scope="module")
def by_tlc(tmp_path_factory: pytest.TempPathFactory) -> tuple[frozenset[Function], Verdict]:
    """What TLC finds of two servers and one term."""
    config = tmp_path_factory.mktemp("small") / "OneTerm.cfg"
    text = MODULE.with_suffix(".cfg").read_text(encoding="utf-8")
    config.write_text(text.replace("MaxTerm = 2", "MaxTerm = 1"), encoding="utf-8")
    return states_by_tlc(config)


def test_tlc_and_z3_find_the_same_states(by_tlc: tuple[frozenset[Function], Verdict]) -> None:
    outcome = compared(*by_tlc, *Cluster(2, 1).states())
    assert outcome.verdict == Verdict.exhausted()
    assert outcome.figures["states_by_tlc"] == 19


def test_a_wrong_model_has_other_states(by_tlc: tuple[frozenset[Function], Verdict]) -> None:
    outcome = compared(*by_tlc, *Cluster(2, 1).states(fault=Fault.VOTE_NOT_DURABLE))
    assert outcome.verdict.violates == "SameStates"
    assert "reached by Z3 only" in outcome.message


def test_a_list_that_is_not_whole_agrees_with_nothing(by_tlc: tuple[frozenset[Function], Verdict]) -> None:
    states, verdict = by_tlc
    assert compared(states, verdict, states, Verdict.unknown("too many")).verdict.is_unknown


# the checks of `tlacheck verify`


@pytest.fixture
def context(tmp_path: Path) -> Context:
    return Context(folder=tmp_path, budget="ci", seed=0, command="", progress=lambda _: None)


def test_the_check_of_the_proof_counts_what_it_looked_at(context: Context) -> None:
    outcome = raft.election_safety(context)
    assert outcome.verdict == Verdict.proved()
    assert dict(outcome.figures) == {"clauses": 9, "obligations": 81}


def test_a_wrong_model_that_is_proved_all_the_same_is_a_violation(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    right, wrong = prove(), prove(fault=Fault.VOTES_TWICE)
    monkeypatch.setattr(raft, "prove", lambda **_: wrong)
    assert raft.mutants_fail(context).verdict == Verdict.proved()
    assert len(list(context.folder.glob("*.itf.json"))) == len(Fault)
    monkeypatch.setattr(raft, "prove", lambda **_: right)
    outcome = raft.mutants_fail(context)
    assert outcome.verdict.violates == "MutantsFail"
    assert Fault.VOTES_TWICE.value in str(outcome.verdict.reason)


def test_a_clause_that_nothing_needs_is_a_violation(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    system = elections()
    idle = Clause("Idle", lambda s: s.zero == s.zero)
    with_idle = attrs.evolve(system, properties=[*system.properties, idle])
    everything = [*system.properties, idle]
    found = each_dropped(with_idle, everything, goals=[one.name for one in system.properties])
    assert [one.need for one in found] == [Need.REDUNDANT]
    monkeypatch.setattr(raft, "needs", lambda _: found)
    outcome = raft.clauses_needed(context)
    assert outcome.verdict.violates == "ClausesAreNeeded"
    assert "does without Idle" in str(outcome.verdict.reason)


def test_a_need_without_an_answer_is_unknown(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    system = elections()
    silent = Necessity(
        system.find("NoBallotAhead"),
        Result(system=system, clauses=(), verdict=Verdict.unknown("no answer within 1 s")),
    )
    monkeypatch.setattr(raft, "needs", lambda _: (silent,))
    assert raft.clauses_needed(context).verdict.is_unknown
