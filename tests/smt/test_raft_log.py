"""Raft's logs in `models.raft_log`: consequences of the invariant, and what wrong models lead to."""

from pathlib import Path

import pytest

from models.raft_log import PROOF, logs
from models.raft_log_small import SCENARIOS
from tlacheck import itf
from tlacheck.smt import implied
from tlacheck.values import ModelValue
from tlacheck.verdict import Kind, Verdict

pytestmark = pytest.mark.sweep


def test_figure_3_of_the_paper_follows_from_the_invariant() -> None:
    found = PROOF.followed()
    assert [one.clauses[0].name for one in found] == [
        "LogMatching",
        "LeaderCompleteness",
        "StateMachineSafety",
        "LogsAreFunctions",
    ]
    assert [one.verdict for one in found] == [Verdict.proved()] * 4


@pytest.mark.parametrize(
    ("goal", "clause"),
    [
        ("LogMatching", "LogsAreOfLedgers"),
        ("LeaderCompleteness", "LeadersHoldLedgers"),
        ("StateMachineSafety", "CommitsAreOfLedgers"),
        ("LogsAreFunctions", "OneEntryAnIndex"),
    ],
)
def test_figure_3_does_not_follow_without_any_one_clause(goal: str, clause: str) -> None:
    system = logs()
    (wanted,) = (one for one in PROOF.consequences if one.name == goal)
    found = implied(system, [one for one in system.properties if one.name != clause], wanted)
    assert found.verdict.is_unknown
    assert found.trace is not None


def test_a_forgotten_vote_elects_two_leaders_of_three_servers(tmp_path: Path) -> None:
    scenario = SCENARIOS[0]
    found = scenario.run(scenario.fault)
    assert found.verdict.violates == "ElectionSafety"
    assert found.trace is not None
    assert tuple(step.action for step in found.trace.steps) == scenario.schedule
    itf.write(found.trace, tmp_path / "two-leaders.itf.json")
    assert scenario.run(None).verdict.kind is Kind.BOUNDED


def test_figure_8_of_the_paper_loses_an_entry_that_was_counted(tmp_path: Path) -> None:
    """The first leader leads again in term 3, commits its entry of term 1, and term 4 has another there.

    `models.raft_log_small:behaviours_found` checks that the right model does not.
    """
    figure_8 = SCENARIOS[-1]
    found = figure_8.run(figure_8.fault)
    assert found.verdict.violates == "LeaderCompleteness"
    trace = found.trace
    assert trace is not None
    itf.write(trace, tmp_path / "figure-8.itf.json")
    assert tuple(step.action for step in trace.steps) == figure_8.schedule
    k1, t1, t2, t3, t4 = map(ModelValue, ("k1", "t1", "t2", "t3", "t4"))
    commit = next(step for step in trace.steps if step.action == "Commit")
    old, new = commit.arguments["i"], trace.steps[-1].arguments["i"]
    assert trace.steps[0].arguments["i"] == old != new
    end = trace.steps[-1].state
    assert (t3, k1) in end["decided"]
    assert (t4, new) in end["leads"]
    assert {(server, term) for server, index, term, _ in end["entry"] if index == k1} >= {
        (old, t1),
        (new, t2),
    }
    assert (new, t1) not in {(server, term) for server, index, term, _ in end["entry"] if index == k1}
