"""Raft's logs in `models.raft_log`: what follows from the invariant, and that wrong models fail the proof.

The whole proof is a check of `tlacheck verify`; here it is tried action by action.
"""

from pathlib import Path

import attrs
import pytest

from models.raft_log import Fault, consequences, logs
from models.raft_log_small import SCENARIOS
from tlacheck import itf
from tlacheck.smt import NOT_REACHED, Need, Result, TransitionSystem, each_dropped, inductive
from tlacheck.verdict import Kind, Verdict


def only(action: str, *, fault: Fault | None = None) -> TransitionSystem:
    """The model, in which only this happens."""
    system = logs(fault=fault)
    return attrs.evolve(system, actions=[one for one in system.actions if one.name == action])


def kept(action: str, *, fault: Fault | None = None) -> Result:
    system = only(action, fault=fault)
    return inductive(system, system.properties, stop_early=True)


def test_figure_3_of_the_paper_follows_from_the_invariant() -> None:
    found = consequences()
    assert [one.clauses[0].name for one in found] == [
        "LogMatching",
        "LeaderCompleteness",
        "StateMachineSafety",
    ]
    assert [one.verdict.kind for one in found] == [Kind.BOUNDED] * 3


def test_it_does_not_follow_from_a_part_of_the_invariant() -> None:
    assert consequences(without="LogsAreOfLedgers")[0].verdict.is_violated
    assert consequences(without="CommitsAreOfLedgers")[2].verdict.is_violated


@pytest.mark.parametrize(
    ("fault", "action"),
    [
        (Fault.VOTE_NOT_DURABLE, "Restart"),
        (Fault.VOTES_IGNORING_LOGS, "GrantVote"),
        (Fault.SKIPS_THE_CHECK, "StoreEntries"),
        (Fault.COMMITS_OLD_TERMS, "Commit"),
    ],
    ids=lambda one: one.name if isinstance(one, Fault) else one,
)
def test_a_wrong_action_breaks_the_invariant(fault: Fault, action: str, tmp_path: Path) -> None:
    trace = kept(action, fault=fault).trace
    assert trace is not None
    assert trace.violation is not None
    assert trace.violation.explanation == (NOT_REACHED,)
    assert [step.action for step in trace.steps] == [action]
    itf.write(trace, tmp_path / "step.itf.json")
    assert itf.read(tmp_path / "step.itf.json") == trace


def test_the_right_action_keeps_it() -> None:
    assert kept("GrantVote").verdict == Verdict.proved()


def test_a_dropped_clause_leaves_a_step_that_the_proof_does_not_exclude() -> None:
    """One of them here; `models.raft_log:clauses_needed` drops each."""
    system = only("GrantVote")
    others = [clause.name for clause in system.properties if clause.name != "LedgersLackTheDead"]
    found = each_dropped(system, system.properties, goals=others)
    assert [one.need for one in found] == [Need.NEEDED]


def test_a_forgotten_vote_elects_two_leaders_of_three_servers(tmp_path: Path) -> None:
    scenario = SCENARIOS[0]
    found = scenario.run(fault=scenario.fault)
    assert found.verdict.is_violated
    assert found.trace is not None
    assert tuple(step.action for step in found.trace.steps) == scenario.schedule
    itf.write(found.trace, tmp_path / "two-leaders.itf.json")
    assert scenario.run(fault=None).verdict.kind is Kind.BOUNDED
