"""Explorations find bugs, report their progress, and are independent of how work is sharded."""

import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import attrs
import pytest
from click.testing import CliRunner, Result

from tests.conform.toys import Crashes, Refuses, Shows, Tally, Wraps, oracle
from tlacheck import itf
from tlacheck.campaign import Limits, run_to_first_failure
from tlacheck.conform.branches import Branches
from tlacheck.conform.campaign import ExploreWork, merged
from tlacheck.conform.cli.explore import explore_command
from tlacheck.conform.cli.minimise import minimise_command
from tlacheck.conform.explore import (
    SHARD_STEPS,
    Exploration,
    Plan,
    Sighting,
    explore,
    explore_shard,
    merge,
    shards,
)
from tlacheck.conform.loading import load_system
from tlacheck.conform.replay import replay
from tlacheck.conform.strategy import STRATEGIES
from tlacheck.conform.worker_pool import WorkerPool
from tlacheck.errors import AdapterError, ConfigError
from tlacheck.tlc.legal import demanded
from tlacheck.trace import State
from tlacheck.values import Value

_SPEC = Path(__file__).parents[1] / "specs" / "Tally.tla"
ROOT = Path(__file__).parents[2]
_TOYS = "tests.conform.toys"


def _found(make: Callable[[], Tally], **plan: Any) -> Exploration:
    return explore(oracle(), make, Plan(**{"steps": 600, "length": 30, **plan}))


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_right_system_passes_every_step(strategy: str) -> None:
    found = _found(Tally, strategy=strategy)
    assert found.verdict.is_established
    assert (found.steps, found.walks) == (600, found.verdict.cases)
    assert sum(found.actions.values()) == 600
    assert set(found.actions) == {"Raise", "Reset", "Knock"}
    assert found.states == 9, "0 to 8"
    assert found.states < found.transitions <= 9 * 2 + 15 + 8, "two knocks each, 15 raises, 8 resets"
    assert found.run is None
    assert found.branches is None


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("make", [Wraps, Refuses, Crashes, lambda: Shows("odd", odd=True)])
def test_a_wrong_system_is_found_by_every_strategy(make: Callable[[], Tally], strategy: str) -> None:
    found = _found(make, strategy=strategy, seed=3, command="explore again")
    assert found.verdict.violates == "conforms to Tally"
    run = found.run
    assert run is not None
    assert run.violation is not None
    assert run.violation.step == len(run)
    assert (run.origin.source, run.origin.seed, run.origin.command) == ("explore", 3, "explore again")
    assert set(run.origin.versions) == {"tlacheck", "python"}
    assert itf.from_json(itf.to_json(run)) == run
    again = replay(demanded(run), make())
    assert again.steps == run.steps, "the run fails again, at the same step"


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_the_same_seed_gives_the_same_result_to_the_byte(strategy: str) -> None:
    first, again = (_found(Wraps, strategy=strategy, seed=5) for _ in range(2))
    assert attrs.evolve(first, seconds=0.0) == attrs.evolve(again, seconds=0.0)
    assert first.run is not None
    assert again.run is not None
    assert itf.to_json(first.run) == itf.to_json(again.run)


def test_any_of_several_legal_outcomes_is_accepted() -> None:
    """The walk expects 3, the system chooses 4; the walk continues from there."""
    found = explore(oracle("TallyGuess"), Tally, Plan(strategy="guided", steps=300, length=30))
    assert found.verdict.is_established
    assert found.actions["Guess"] > 5


def test_a_wrong_initial_state_is_found_before_any_step() -> None:
    class Late(Tally):
        def reset(self, initial: State) -> None:
            self.total = initial["total"] + 1

    found = _found(Late)
    assert found.run is not None
    assert found.run.violation is not None
    assert (len(found.run), found.run.violation.step) == (0, 0)


def test_a_required_action_never_taken_gives_unknown() -> None:
    found = _found(Tally, weights={"Reset": 0.0}, required=frozenset({"Reset", "Raise"}))
    assert found.verdict.is_unknown
    assert str(found.verdict.reason).startswith("no walk took Reset:")
    assert _found(Tally, required=frozenset({"Reset"})).verdict.is_established


def test_a_terminating_spec_is_walked_repeatedly() -> None:
    class Clock(Tally):
        variables = frozenset[str]()

        def perform(self, action: str, arguments: Mapping[str, Value]) -> None:
            del action, arguments

        def reset(self, initial: State) -> None:
            del initial

        def observe(self) -> State:
            return State()

    found = explore(oracle("Countdown", "Countdown"), Clock, Plan(strategy="random", steps=30))
    assert (found.steps, found.walks, found.states) == (30, 10, 4)


def test_adapter_errors_are_no_findings() -> None:
    with pytest.raises(AdapterError, match="lacks the variables odd"):
        _found(lambda: Shows("odd"))


@pytest.mark.parametrize(
    ("plan", "message"),
    [
        ({"steps": None}, "a budget in steps or one in seconds"),
        ({"seconds": 1.0}, "a budget in steps or one in seconds"),
        ({"steps": 0}, "steps is 0"),
        ({"length": -1}, "length is -1"),
        ({"strategy": "greedy"}, "no strategy 'greedy'"),
        ({"weights": {"Raise": -1.0}}, "the weight of Raise is -1"),
        ({"watch": ("tests.nowhere",)}, "cannot watch the branches of tests.nowhere"),
    ],
)
def test_an_invalid_plan_is_refused(plan: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        _found(Tally, **plan)


def test_a_time_budget_ends_on_time_and_reports_progress() -> None:
    class Slow(Tally):
        def observe(self) -> State:
            time.sleep(0.001)
            return super().observe()

    found = _found(Slow, steps=None, seconds=1.0)
    assert found.verdict.is_established
    assert 0 < found.steps < SHARD_STEPS


# --- shards ----------------------------------------------------------------------------------------


def test_shards_make_up_the_budget() -> None:
    plan = Plan(steps=2 * SHARD_STEPS + 7)
    assert [shard.steps for shard in shards(plan)] == [SHARD_STEPS, SHARD_STEPS, 7]


def _sighting(number: int, steps: int = 40) -> Sighting:
    plan = Plan(steps=200, length=20, strategy="guided")
    shard = attrs.evolve(next(iter(shards(plan))), number=number, steps=steps)
    return explore_shard(oracle(), Tally(), plan, shard)


def test_shards_are_independent() -> None:
    """So it does not matter which process runs which shard, and in what order."""
    second, first = _sighting(1), _sighting(0)
    assert (_sighting(0), _sighting(1)) == (first, second)
    assert first.transitions != second.transitions


def test_shards_after_the_first_failed_one_do_not_count() -> None:
    parts = [_sighting(0), _sighting(1), _sighting(2)]
    run = _found(Wraps).run
    failed = [parts[0], attrs.evolve(parts[1], run=run), parts[2]]
    found = merge(Plan(steps=120), failed, seconds=1.0)
    assert (found.run, found.steps) == (run, 80)
    assert found.states == len(parts[0].states | parts[1].states)
    assert merge(Plan(steps=120), parts, seconds=1.0).steps == 120


# --- branches ----------------------------------------------------------------------------------------


def test_only_branches_of_watched_modules_are_counted() -> None:
    found = _found(Tally, watch=(_TOYS,))
    assert found.branches is not None
    assert found.branches > 5
    system = Tally()
    branches = Branches((_TOYS,))
    with branches.watching() as first:
        system.perform("Raise", {"by": 1})
    with branches.watching() as second:
        system.perform("Reset", {})
        json.dumps([1])
    assert {name for name, _, _ in first | second} == {_TOYS}
    assert first - second
    assert second - first


def test_watching_no_module_traces_nothing() -> None:
    with Branches(()).watching() as found:
        Tally().perform("Raise", {"by": 1})
    assert not found


# --- the commands ------------------------------------------------------------------------------------


def _run(*arguments: str) -> Result:
    return CliRunner().invoke(explore_command, [str(_SPEC), *arguments])


def test_the_result_is_independent_of_the_number_of_processes() -> None:
    """States are distinguished by TLC's fingerprints, which must agree between JVMs as well."""
    plan = Plan(
        strategy="guided",
        steps=1_000,
        shard_steps=100,
        seed=2,
        weights={"Knock": 20.0, "Reset": 4.0},
        watch=(_TOYS,),
    )
    here = explore(oracle(), Wraps, plan)
    with WorkerPool(oracle().spec, f"{_TOYS}:Wraps", workers=2) as pool:
        shared = pool.explore(plan)
    assert attrs.evolve(here, seconds=0.0) == attrs.evolve(shared, seconds=0.0)
    assert here.run is not None
    assert 200 < here.steps < 1_000, "some shards found nothing, and some were not needed"


@pytest.mark.parametrize("system", ["Tally", "Wraps"])
def test_a_campaign_explores_what_one_process_explores(system: str, tmp_path: Path) -> None:
    plan = Plan(steps=600, shard_steps=200, seed=2, length=30)
    work = ExploreWork(spec=oracle().spec, system=f"{_TOYS}:{system}", plan=plan)
    file = tmp_path / "c.jsonl"
    found = run_to_first_failure(work, work.cases, file=file, limits=Limits(repeat_every=0))
    here = attrs.evolve(explore(oracle(), load_system(work.system), plan), seconds=0.0)
    assert merged(plan, found, seconds=0.0) == here
    again = run_to_first_failure(work, work.cases, file=file, limits=Limits(repeat_every=0))
    assert again.digest == found.digest
    assert [group.actions for group in found.groups] == ([] if here.run is None else [("Raise",) * 3])


def test_the_command_explores_as_a_campaign(tmp_path: Path) -> None:
    words = ["--system", f"{_TOYS}:Tally", "--steps", "300", "--campaign", str(tmp_path / "c.jsonl")]
    assert _run(*words).output.count("300 steps in ") == 1
    assert (tmp_path / "c.jsonl").read_text(encoding="utf-8").count('"kind": "repetition"') == 1
    refused = _run("--system", f"{_TOYS}:Tally", "--seconds", "1", "--campaign", str(tmp_path / "d.jsonl"))
    assert refused.exit_code == 2
    assert "give --steps, and no --seconds" in refused.output


def test_the_commands_explore_shrink_and_write_a_test_that_fails(tmp_path: Path) -> None:
    out = tmp_path / "found.itf.json"
    found = _run("--system", f"{_TOYS}:Wraps", "--tries", "0", "--out", str(out), "--require", "Raise")
    assert found.exit_code == 1, found.output
    assert "Tally: violated(conforms to Tally)" in found.output
    assert "again with: tlacheck explore" in found.output
    short = tmp_path / "short.itf.json"
    done = CliRunner().invoke(
        minimise_command,
        [str(out), "--system", f"{_TOYS}:Wraps", "--out", str(short), "--test", str(tmp_path / "tests")],
    )
    assert done.exit_code == 0, done.output
    assert "to 3 steps" in done.output
    assert len(itf.read(short)) == 3
    assert (tmp_path / "tests" / "test_short.py").is_file()


def test_a_system_in_another_process_is_explored_and_shrunk(tmp_path: Path) -> None:
    """The worked example with its queue reversed: the last waiting client gets the lock."""
    for source in (ROOT / "examples" / "lock_server").iterdir():
        text = source.read_text(encoding="utf-8")
        (tmp_path / source.name).write_text(text.replace("queue.shift()", "queue.pop()"), encoding="utf-8")
    done = CliRunner().invoke(
        explore_command,
        [
            *(str(tmp_path / "LockServer.tla"), "--exec", f"node {tmp_path / 'adapter.js'}"),
            *("--strategy", "random", "--steps", "300", "--seed", "1", "--out", str(tmp_path / "x.itf.json")),
        ],
    )
    assert done.exit_code == 1, done.output
    assert [step.action for step in itf.read(tmp_path / "x-short.itf.json").steps] == ["Acquire"] * 3 + [
        "Release"
    ]
    assert "again with: tlacheck explore" in done.output
    assert f"--exec 'node {tmp_path / 'adapter.js'}'" in done.output


def test_a_right_system_exits_with_0_and_an_unknown_verdict_with_3() -> None:
    right = _run("--system", f"{_TOYS}:Tally", "--steps", "50", "--weights", "Reset=0", "--require", "Reset")
    assert right.exit_code == 3, right.output
    assert "no walk took Reset" in right.output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--system", f"{_TOYS}:Nobody"], "tests.conform.toys has no Nobody"),
        (["--system", f"{_TOYS}:Tally", "--weights", "Raise"], "'Raise' is no weight"),
        (["--system", f"{_TOYS}:Tally", "--steps", "5", "--seconds", "1"], "two budgets"),
    ],
)
def test_a_mistake_is_reported_without_a_traceback(arguments: list[str], message: str) -> None:
    found = _run(*arguments)
    assert found.exit_code == 2
    assert message in found.output
    assert "Traceback" not in found.output
