"""Clusters with all parts of Raft: in lockstep with the spec, in a soak without it; wrong servers are found by both."""

import re
from pathlib import Path
from typing import Any

import attrs
import pytest
from click.testing import CliRunner

from impl.raft import rules
from property_tests.raft import checks
from property_tests.raft.features import FULL, PLAIN, SKEWED, SOAKED, oracle_of
from property_tests.raft.machine import run_machine
from property_tests.raft.script import ACTIONS, INTERESTING, endure, last_steps
from property_tests.raft.soak import MUTANTS, main, soak
from property_tests.raft.timers import Clocks
from tlacheck import itf
from tlacheck.errors import ConfigError
from tlacheck.verify import Context

pytestmark = pytest.mark.sweep

#: Two runs, from this seed on, that take every action of the spec between them.
SEED, STEPS = 2, 500


@pytest.fixture
def context(tmp_path: Path) -> Context:
    return Context(folder=tmp_path, budget="smoke", seed=0, command="repeat me", progress=lambda _: None)


# --- in lockstep with the spec


def test_all_parts_together_keep_to_the_spec_and_every_action_is_taken(context: Context) -> None:
    """Each step of clusters with snapshots, changes of membership, reads, leases and the rest is one of the spec's."""
    outcome = checks.endurance(attrs.evolve(context, seed=SEED), seeds=2, steps=STEPS)
    assert outcome.verdict.is_established, outcome
    assert int(outcome.figures["a_read_is_answered_by_the_lease"]) > 5
    assert outcome.figures["a_snapshot_is_installed"]


def test_runs_in_which_an_action_was_never_taken_establish_nothing(context: Context) -> None:
    outcome = checks.endurance(context, seeds=1, steps=20)
    assert outcome.verdict.is_unknown
    assert "InstallSnapshot" in (outcome.verdict.reason or "")


def test_hypothesis_finds_nothing_wrong_with_all_parts(tmp_path: Path) -> None:
    run = run_machine(seed=0, examples=5, folder=tmp_path, setting=FULL)
    assert run.message == ""
    assert run.goals["an entry is committed"] >= 5
    assert run.goals["Tick"]


def test_examples_that_met_too_little_of_all_parts_establish_nothing(context: Context) -> None:
    outcome = checks.all_parts(context, examples=1)
    assert outcome.verdict.is_unknown
    assert "ReadIndex" in (outcome.verdict.reason or "")


def test_a_leader_that_takes_two_changes_at_once_leaves_the_spec(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Thesis, 4.1. The check of all parts can fail, and leaves a trace."""
    monkeypatch.setattr(rules, "may_change", rules.committed_in_its_term)
    outcome = checks.endurance(attrs.evolve(context, seed=10), seeds=1, steps=STEPS)
    assert outcome.verdict.is_violated
    assert outcome.trace is not None
    violation = itf.read(outcome.trace).violation
    assert violation is not None
    assert violation.property == "conforms to RaftEvents"


# --- without it


def test_a_soak_meets_much_and_breaks_nothing(context: Context) -> None:
    outcome = checks.soaked(context, seeds=10, steps=2_500)
    assert not outcome.verdict.is_violated, outcome.message
    assert outcome.figures["a_joint_change_is_committed"]
    assert int(outcome.figures["steps"]) > 10 * 2_500


def test_a_soak_that_met_too_little_is_inconclusive(context: Context) -> None:
    assert checks.soaked(context, seeds=1, steps=50).verdict.is_unknown
    result = CliRunner().invoke(main, ["--seeds", "1", "--steps", "50"])
    assert result.exit_code == 3
    assert re.search(r"1 seeds, [\d,]+ steps", result.output)
    assert re.search(r"\d+ situations that matter were not met; soak longer:\n  ", result.output)
    assert max(map(len, result.output.splitlines())) < 110


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        *((option, value, "x>=1") for option in ("--seeds", "--steps", "--jobs") for value in ("0", "-3")),
        ("--seeds", "many", "not a valid integer"),
        ("--seed", "-1", "x>=0"),
        (
            "--mutant",
            "x",
            "there is no mutant 'x'; MUTANTS in property_tests/raft/mutants.py and soak.py are all",
        ),
        ("--mutant", "vote-not-kept", "near to it are vote-not-persisted"),
    ],
)
def test_a_soak_of_nothing_is_no_success_but_a_command_that_makes_no_sense(
    option: str, value: str, said: str
) -> None:
    result = CliRunner().invoke(main, [option, value])
    assert result.exit_code == 2
    assert option in result.output
    assert said in result.output
    assert "seeds, " not in result.output


@pytest.mark.parametrize(("seeds", "steps", "jobs"), [(0, 1, 1), (1, 0, 1), (1, 1, 0)])
def test_who_asks_for_a_soak_of_nothing_is_told(seeds: int, steps: int, jobs: int) -> None:
    with pytest.raises(ConfigError, match=f"{seeds} seeds of {steps} steps by {jobs} processes"):
        soak(range(seeds), steps=steps, jobs=jobs)


def test_a_run_is_the_same_whether_it_is_recorded_or_not() -> None:
    """So that the trace of a failure that was found without one is that of the same run."""
    quick, recorded = (endure(5, steps=1_200, recorded=recorded) for recorded in (False, True))
    assert (quick.steps, quick.sometimes, quick.broken) == (recorded.steps, recorded.sometimes, "")
    assert quick.trace is None
    assert recorded.trace is not None
    assert len(recorded.trace) == recorded.steps
    assert last_steps(recorded.trace) is None


def test_a_wrong_server_is_found_told_with_its_seed_and_left_as_a_trace(tmp_path: Path) -> None:
    name = "reads-before-an-own-commit"
    command = ["--seeds", "5", "--steps", "5000", "--mutant", name, "--out", str(tmp_path)]
    result = CliRunner().invoke(main, command)
    assert result.exit_code == 1
    out = result.output
    (path,) = tmp_path.iterdir()
    trace = itf.read(path)
    assert trace.violation is not None
    assert trace.violation.property == "LinearizableReads"
    assert trace.violation.step == len(trace) <= 100
    assert re.search(
        rf"repeat:   python -m property_tests.raft.soak --seeds 1 --seed \d --steps 5000 --mutant {name}", out
    )
    assert f"trace:    {path}, the last {len(trace)} steps" in out


@pytest.mark.parametrize(
    ("name", "broken"),
    [
        ("vote-not-persisted", "VoteStands"),
        ("commit-of-an-earlier-term", "LeaderCommitsOwnTerm"),
        ("old-snapshot-taken", "CommitIndexMonotonic"),
        ("unsynced-entries-counted", "CommittedIsDurable"),
    ],
)
def test_a_soak_finds_wrong_servers(name: str, broken: str) -> None:
    (mutant,) = (mutant for mutant in MUTANTS if mutant.name == name)
    found = soak(range(10), steps=5_000, mutant=mutant, until_broken=True)
    assert found.broken
    assert found.broken[0][1].startswith(f"{broken}: violated")


def test_every_action_of_the_spec_is_asked_for() -> None:
    """An action that is added to the spec must be met by soaks as well."""
    text = oracle_of(FULL).spec.path.read_text(encoding="utf-8")
    assert set(ACTIONS) == set(re.findall(r'action \|-> "(\w+)"', text)) - {"Init"}
    assert set(ACTIONS) < set(INTERESTING)


# --- settings and clocks


@pytest.mark.parametrize("setting", [PLAIN, FULL, SOAKED, SKEWED], ids=lambda setting: setting.config)
def test_a_setting_has_the_constants_of_its_configuration(setting: Any) -> None:
    """Else a judged run fails at once, and a soak is of another cluster than it says."""
    oracle = oracle_of(setting)
    text = oracle.spec.configuration
    for name, value in {
        "MaxEntries": setting.entries_max,
        "MaxUnacknowledged": setting.unacknowledged_max,
        "ElectionTicks": setting.election_ticks,
        "LeaseTicks": setting.lease_ticks,
        "MaxSkew": setting.skew_max,
    }.items():
        assert f"    {name} = {value}\n" in text
    (features,) = re.findall(r"Features = \{([^}]*)\}", text)
    assert set(re.findall(r'"(\w+)"', features)) == setting.features
    (state,) = oracle.initial_states()
    assert sorted(server.name for server in state.values["role"]) == list(setting.names)


def test_leases_are_safe_where_clocks_keep_together() -> None:
    """Thesis, 6.4.1."""
    assert FULL.leases_are_safe
    assert SOAKED.leases_are_safe
    assert not SKEWED.leases_are_safe


def test_a_clock_that_would_get_too_far_ahead_waits_for_the_slowest_that_runs() -> None:
    clocks = Clocks(("a", "b", "c"), skew_max=2)
    assert clocks.tick("a", ()) == ("a",)
    assert clocks.tick("a", ()) == ("a",)
    assert clocks.tick("a", ()) == ()
    assert clocks.tick("b", ()) == ("b",)
    assert clocks.tick("a", ()) == ()
    assert clocks.tick("c", ()) == ("c",)
    assert clocks.tick("a", ()) == ("a",)


def test_the_clock_of_a_server_that_stands_still_goes_on() -> None:
    """A server that pauses finds on its clock how long it was away, and has no lease any more."""
    clocks = Clocks(("a", "b"), skew_max=1)
    assert clocks.tick("a", ()) == ("a",)
    assert clocks.tick("a", {"b"}) == ("b", "a")
    assert clocks.tick("a", ()) == ()
