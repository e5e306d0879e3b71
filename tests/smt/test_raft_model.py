"""Raft's elections in `models.raft`: the proof, its clauses, and wrong models that fail it."""

from pathlib import Path

import pytest

from models import raft
from models.raft import GOALS, PROOF, Fault, elections
from models.raft_small import MODULE, Instance, compared, states_by_tlc
from tlacheck import itf
from tlacheck.smt import NOT_REACHED, bounded, inductive
from tlacheck.values import Function
from tlacheck.verdict import Kind, Verdict
from tlacheck.verify import Context

pytestmark = pytest.mark.sweep


def test_at_most_one_leader_a_term_is_proved_for_any_cluster() -> None:
    result = PROOF.attempt()
    assert result.verdict == Verdict.proved()
    assert len(result.obligations) == len(elections().properties) * (1 + len(elections().actions))


def test_the_goals_alone_are_not_inductive() -> None:
    assert inductive(elections(), GOALS, stop_early=True).verdict.is_unknown


@pytest.mark.parametrize("fault", [Fault.VOTES_TWICE, Fault.VOTE_NOT_DURABLE], ids=lambda fault: fault.name)
def test_a_server_that_may_vote_twice_fails_the_proof(fault: Fault, tmp_path: Path) -> None:
    trace = PROOF.attempt(fault).trace
    assert trace is not None
    assert trace.violation is not None
    assert trace.violation.explanation == (NOT_REACHED,)
    assert [step.action for step in trace.steps] == ["GrantVote" if fault is Fault.VOTES_TWICE else "Restart"]
    itf.write(trace, tmp_path / "step.itf.json")
    assert itf.read(tmp_path / "step.itf.json") == trace


def test_disjoint_quorums_elect_two_leaders() -> None:
    found = bounded(Instance(2, 1, quorum_size=1).system(fault=Fault.QUORUMS_APART), "ElectionSafety", 4)
    assert found.verdict.is_violated
    assert found.trace is not None
    assert sorted(step.action for step in found.trace.steps) == [
        "BecomeLeader",
        "BecomeLeader",
        "Timeout",
        "Timeout",
    ]
    assert bounded(Instance(2, 1).system(), "ElectionSafety", 4).verdict.kind is Kind.BOUNDED


@pytest.fixture(scope="module")
def by_tlc(tmp_path_factory: pytest.TempPathFactory) -> tuple[frozenset[Function], Verdict]:
    """The states that TLC finds for two servers and one term."""
    config = tmp_path_factory.mktemp("small") / "OneTerm.cfg"
    text = MODULE.with_suffix(".cfg").read_text(encoding="utf-8")
    config.write_text(text.replace("MaxTerm = 2", "MaxTerm = 1"), encoding="utf-8")
    return states_by_tlc(config)


def test_tlc_and_z3_find_the_same_states(by_tlc: tuple[frozenset[Function], Verdict]) -> None:
    outcome = compared(*by_tlc, *Instance(2, 1).states())
    assert outcome.verdict == Verdict.exhausted()
    assert outcome.figures["states_by_tlc"] == 19


def test_a_wrong_model_has_other_states(by_tlc: tuple[frozenset[Function], Verdict]) -> None:
    outcome = compared(*by_tlc, *Instance(2, 1).states(fault=Fault.VOTE_NOT_DURABLE))
    assert outcome.verdict.violates == "SameStates"
    assert "reached by Z3 only" in outcome.message


def test_an_incomplete_list_agrees_with_nothing(by_tlc: tuple[frozenset[Function], Verdict]) -> None:
    states, verdict = by_tlc
    assert compared(states, verdict, states, Verdict.unknown("too many")).verdict.is_unknown


# the checks of `tlacheck verify`


@pytest.fixture
def context(tmp_path: Path) -> Context:
    return Context(folder=tmp_path, budget="ci", seed=0, command="", progress=lambda _: None)


def test_the_proofs_check_counts_its_obligations(context: Context) -> None:
    outcome = raft.election_safety(context)
    assert outcome.verdict == Verdict.proved()
    assert dict(outcome.figures) == {"clauses": 9, "obligations": 81}


def test_each_wrong_model_fails_and_leaves_a_step(context: Context) -> None:
    outcome = raft.mutants_fail(context)
    assert outcome.verdict == Verdict.proved()
    assert dict(outcome.figures) == {"wrong_models": 4, "failed": 4}
    assert len(list(context.folder.glob("*.itf.json"))) == len(Fault)


def test_each_clause_is_needed(context: Context) -> None:
    outcome = raft.clauses_needed(context)
    assert outcome.verdict == Verdict.proved()
    assert dict(outcome.figures) == {"needed": 7, "redundant": 0, "unknown": 0}
