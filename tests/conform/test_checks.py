"""Conformance as checks of `tlacheck verify`: each can fail, and is unknown without input."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import pytest

from tests.conform.toys import CALLS, Shows, Tally, Wraps, oracle, run
from tlacheck import itf
from tlacheck.conform.checks import follows, leaves, recorded_in, takes_every_edge, violated, walks_with
from tlacheck.errors import TraceError
from tlacheck.trace import Trace, Violation
from tlacheck.verdict import Kind
from tlacheck.verify import Context, Outcome


@pytest.fixture
def context(tmp_path: Path) -> Context:
    return Context(folder=tmp_path, budget="ci", seed=0, command="repeat it", progress=lambda _: None)


@pytest.fixture
def recorded(tmp_path: Path) -> list[Path]:
    """One recorded behaviour of the spec, marked as a violation."""
    trace = run(*CALLS)
    wrong = Violation(property="NeverThis", step=len(trace))
    path = tmp_path / "recorded.itf.json"
    itf.write(attrs.evolve(trace, violation=wrong), path)
    return [path]


def right(_: Trace) -> Tally:
    return Tally()


def wrong(_: Trace) -> Tally:
    return Shows("total", total=3)


def _left_on_disk(outcome: Outcome) -> Trace:
    assert outcome.verdict.kind is Kind.VIOLATED
    assert outcome.trace is not None
    found = itf.read(outcome.trace)
    assert found.origin.command == "repeat it"
    return found


def test_a_right_system_follows_the_recorded_traces(context: Context, recorded: list[Path]) -> None:
    outcome = follows(context, recorded, right)
    assert outcome.verdict.kind is Kind.SAMPLED
    assert dict(outcome.figures) == {"traces": 1, "steps": len(CALLS)}


def test_a_wrong_system_diverges_and_its_run_is_written(context: Context, recorded: list[Path]) -> None:
    outcome = follows(context, recorded, wrong)
    assert len(_left_on_disk(outcome)) == 3
    assert "leaves recorded.itf" in (outcome.verdict.reason or "")
    assert "total: the spec has 2, the system has 3" in outcome.message


def test_diverging_from_a_weakened_spec_passes(context: Context, recorded: list[Path]) -> None:
    assert leaves(context, recorded, wrong).verdict.kind is Kind.SAMPLED


def test_following_a_weakened_spec_fails(context: Context, recorded: list[Path]) -> None:
    outcome = leaves(context, recorded, right)
    assert len(_left_on_disk(outcome)) == len(CALLS)
    assert "the fault that was put into the spec" in (outcome.verdict.reason or "")


@pytest.mark.parametrize("check", [follows, leaves])
def test_a_replay_without_traces_is_unknown(context: Context, check: Any) -> None:
    assert check(context, [], right).verdict.kind is Kind.UNKNOWN


def test_recorded_traces_come_from_all_folders_and_none_is_empty(
    tmp_path: Path, recorded: list[Path]
) -> None:
    assert recorded_in(tmp_path, tmp_path) == recorded * 2
    (tmp_path / "nothing").mkdir()
    with pytest.raises(TraceError, match="there is no recorded trace here"):
        recorded_in(tmp_path, tmp_path / "nothing")


def _walked(context: Context, make: Callable[[], Tally] = Tally, **options: Any) -> Outcome:
    given: dict[str, Any] = {
        "walks": 4,
        "steps": 20,
        "weights": {"Raise": 1.0, "Reset": 1.0, "Knock": 1.0},
        "counted": lambda run: {"odd": sum(state["odd"] for state in run.states), "never": 0},
        **options,
    }
    return walks_with(context, oracle(), make, **given)


def test_random_walks_are_followed_and_counted(context: Context) -> None:
    outcome = _walked(context, needed=("odd",))
    assert outcome.verdict.kind is Kind.SAMPLED
    assert outcome.figures["steps"] == 4 * 20
    assert outcome.figures["odd"]


def test_a_diverging_walk_is_shrunk_and_written(context: Context) -> None:
    outcome = _walked(context, Wraps)
    left = _left_on_disk(outcome)
    assert len(left) < 20
    assert f"{len(left)} after shrinking" in (outcome.verdict.reason or "")


def test_walks_that_miss_an_action_or_a_goal_are_unknown(context: Context) -> None:
    """Otherwise a spec without progress would pass."""
    assert str(_walked(context, walks=1, steps=1).verdict.reason).startswith("no walk took ")
    assert _walked(context, needed=("odd", "never")).verdict.reason == "no walk has any never: walk longer"


def test_every_edge_of_a_model_is_taken(context: Context) -> None:
    outcome = takes_every_edge(context, oracle().spec, Tally, edges_min=10)
    assert outcome.verdict.kind is Kind.EXHAUSTED
    assert int(outcome.figures["steps"]) >= int(outcome.figures["edges"]) >= 10


def test_a_model_with_too_few_edges_is_unknown(context: Context) -> None:
    outcome = takes_every_edge(context, oracle().spec, Tally, edges_min=10**6)
    assert "widen its bounds" in (outcome.verdict.reason or "")


def test_a_wrong_edge_is_written(context: Context) -> None:
    outcome = takes_every_edge(context, oracle().spec, Wraps, edges_min=10)
    assert len(_left_on_disk(outcome)) > 0
    assert "an edge goes wrong" in (outcome.verdict.reason or "")


def test_a_run_without_a_violation_is_refused(context: Context) -> None:
    with pytest.raises(ValueError, match="nothing is wrong"):
        violated(context, run(*CALLS), "no reason")
