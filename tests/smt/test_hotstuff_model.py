"""HotStuff in `models.hotstuff`: the proof of agreement, wrong rules, and small clusters."""

from pathlib import Path

import attrs
import pytest

from models.hotstuff import GOALS, PROOF, Fault, chained
from models.hotstuff_small import COMMIT, SCENARIOS, commit_reached, states_by_tlc, states_by_z3
from tlacheck import itf
from tlacheck.smt import Need, Scenario, cvc5, each_dropped, inductive
from tlacheck.verdict import Kind
from tlacheck.verify import Context

pytestmark = pytest.mark.sweep


def test_agreement_is_proved_for_any_cluster() -> None:
    assert PROOF.attempt().verdict.kind is Kind.PROVED


def test_the_goals_alone_are_not_inductive() -> None:
    system = chained()
    assert inductive(system, GOALS, stop_early=True).verdict.is_unknown


@pytest.mark.parametrize(
    ("fault", "obligation"),
    [
        (Fault.ANY_VIEWS, "Main after Certify"),
        (Fault.TWO_CHAIN, "Agreement after Commit"),
        (Fault.NO_LOCK, "VotesRise after Vote"),
        (Fault.LATE_LOCK, "LockHigh after Vote"),
        (Fault.LOSES_LOCK, "LockHigh after Forget"),
        (Fault.VOTES_AGAIN, "Main after Vote"),
        (Fault.VOTES_AFTER_LEAVING, "Main after Vote"),
        (Fault.FORGED_PARENT, "ParentCertified after Propose"),
        (Fault.ONE_VOTE_LESS, "CertificatesAgree after Certify"),
        (Fault.QUORUMS_SHARE_A_LIAR, "CertificatesAgree after Certify"),
    ],
    ids=lambda one: one.name if isinstance(one, Fault) else "",
)
def test_a_wrong_rule_breaks_a_clause_that_speaks_of_it(fault: Fault, obligation: str) -> None:
    result = PROOF.attempt(fault)
    assert result.trace is not None
    assert obligation in [failed.name for failed in result.failing]


@pytest.mark.parametrize("fault", Fault)
def test_cvc5_finds_a_step_of_each_wrong_rule_that_breaks_a_clause(fault: Fault) -> None:
    result = PROOF.attempt(fault, solver=cvc5.ask)
    assert "cvc5 has a counterexample" in str(result.verdict)


def test_without_the_main_clause_the_proof_fails() -> None:
    """A sample; `models.hotstuff:clauses_needed` drops each clause."""
    system = chained()
    kept = [action for action in system.actions if action.name == "Commit"]
    system = attrs.evolve(system, actions=kept)
    goals = [clause.name for clause in system.properties if clause.name != "Main"]
    (dropped,) = each_dropped(system, system.properties, goals=goals)
    assert dropped.need is Need.NEEDED


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda one: one.fault.name)
def test_a_wrong_rule_commits_two_forks_among_four(scenario: Scenario[Fault]) -> None:
    assert scenario.run(scenario.fault).verdict.violates == "Agreement"
    assert not scenario.run(None).verdict.is_violated


def test_something_is_committed(tmp_path: Path) -> None:
    context = Context(folder=tmp_path, budget="ci", seed=0, command="", progress=lambda _: None)
    assert commit_reached(context).verdict.kind is Kind.PROVED
    trace = itf.read(tmp_path / "commit.itf.json")
    assert tuple(step.action for step in trace.steps) == COMMIT


@pytest.mark.parametrize("fault", [None, Fault.NO_LOCK, Fault.LATE_LOCK], ids=str)
def test_only_the_right_model_has_the_states_that_tlc_finds(fault: Fault | None) -> None:
    by_tlc, told = states_by_tlc()
    by_z3, found = states_by_z3(fault)
    assert told.kind is found.kind is Kind.EXHAUSTED
    assert len(by_tlc) == 130
    assert (by_z3 == by_tlc) == (fault is None)
