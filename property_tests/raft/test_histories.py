"""Histories of the service are linearizable if clocks keep to the assumption; violations are reported."""

from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from click.testing import CliRunner

from impl.raft import leading, reads, rules
from property_tests.raft.histories import (
    INTERESTING,
    Service,
    Simulated,
    histories,
    main,
    missed_write,
    service_protocol,
    simulate,
)
from property_tests.raft.safety import Safety
from tlacheck import itf
from tlacheck.conform.lockstep import Diverged
from tlacheck.errors import ConfigError
from tlacheck.harness import Run
from tlacheck.harness.shrink import shrink_run
from tlacheck.harness.workload import schedule_of
from tlacheck.histories import Fate, Legality, check, key_value, read
from tlacheck.verify import Context


def _context(folder: Path, seed: int = 1) -> Context:
    return Context(folder=folder, budget="smoke", seed=seed, command="the command", progress=lambda _: None)


def _seen(run: Simulated) -> list[tuple[str, float, float | None, object]]:
    return [
        (str(each.call), each.invoked_at, each.answered_at, each.answer) for each in run.history.operations
    ]


@pytest.mark.parametrize("service", [Service.READ_INDEX, Service.LEASE])
def test_a_thousand_concurrent_operations_under_all_faults_are_linearizable(
    tmp_path: Path, service: Service
) -> None:
    """RAFT-4, RAFT-8. A run without elections, snapshots, changes and lost requests would say nothing."""
    outcome = histories(_context(tmp_path), runs=2, operations=1_000, clients=25, service=service)
    assert outcome.verdict.is_established, outcome.message or str(outcome.verdict)
    assert int(outcome.figures["answered"]) > 1_500
    assert int(outcome.figures["unknown"]) > 20
    assert (int(outcome.figures["by_lease"]) > 200) is (service is Service.LEASE)
    assert not list(tmp_path.iterdir())


@pytest.mark.sweep
def test_a_thousand_clients_at_once_are_served(tmp_path: Path) -> None:
    """All operations are open at once, on a few keys: without a quorum they would only fill a log."""
    run = simulate(1, operations=1_000, clients=1_000, many_away=False)
    assert run.broken is None
    assert len(run.history.processes) > 500
    assert check(run.history, key_value()).legality is Legality.OK
    assert not list(tmp_path.iterdir())


def test_runs_that_meet_nothing_are_inconclusive(tmp_path: Path) -> None:
    outcome = histories(_context(tmp_path), runs=1, operations=1)
    assert outcome.verdict.is_unknown
    assert "a request is in the log twice" in str(outcome.verdict)
    assert set(INTERESTING) >= {"operations overlap", "a request of unknown fate was lost"}


def test_a_failure_of_the_service_is_shrunk_to_what_matters() -> None:
    """The history of a run that is played again comes from its requests and answers, not from the clients."""
    protocol = service_protocol(service=Service.BEFORE_COMMIT, clients=5)

    def begun() -> Run:
        return Run(protocol, protocol.sizes[0], seed=1, oracle=None)

    run = begun()
    schedule = schedule_of(run, protocol, seed=1)
    schedule.round(600)
    schedule.conclude()
    with pytest.raises(Diverged, match="linearizable to kv"):
        run.finish()
    short = shrink_run(begun, run, "linearizable to kv")
    assert short.trace is not None
    assert len(short.events) < len(run.events) / 3


# --- services that are wrong ---------------------------------------------------------------------


def test_a_lease_of_a_clock_that_is_slow_outlives_the_leader_and_the_two_operations_are_shown(
    tmp_path: Path,
) -> None:
    """Thesis, 6.4.1: leases rest on clocks. The page shows the write that was missed and the stale read."""
    words = ["--operations", "1000", "--runs", "12", "--seed", "5", "--lease-reads"]
    found = CliRunner().invoke(main, [*words, "--skewed-clock", "--folder", str(tmp_path)])
    assert found.exit_code == 1
    told = found.output
    result = check(read(tmp_path / "history.ndjson"), key_value())
    assert result.frontier is not None
    stale, missed = result.frontier.returning, missed_write(result)
    assert missed is not None
    assert missed.answered_at is not None
    assert missed.answered_at < stale.invoked_at
    assert stale.call.name == "get"
    assert "answered by lease" in told
    assert str(missed) in told
    trace = itf.read(tmp_path / "counterexample.itf.json")
    assert trace.violation is not None
    assert trace.violation.step == len(trace)
    last = trace.states[-1]
    assert (last["write"], last["read"]) == (str(missed), str(stale))
    assert any(list(state["role"].values()).count("Leader") == 2 for state in trace.states)
    page = (tmp_path / "counterexample.html").read_text(encoding="utf-8")
    assert f"#{missed.number} {missed.process}" in page
    assert f"#{stale.number} {stale.process}" in page
    assert f"again: {trace.origin.command}" in told
    # Whoever types the command gets the same again.
    seed = trace.origin.command.split("--seed ")[1].split()[0]
    again = [*words[:2], "--seed", seed, "--lease-reads", "--skewed-clock", "--folder", str(tmp_path)]
    found = CliRunner().invoke(main, again)
    assert found.exit_code == 1
    assert str(missed) in found.output


@pytest.mark.sweep
def test_the_same_seeds_are_linearizable_by_read_index_whatever_the_clock(tmp_path: Path) -> None:
    """ReadIndex asks a quorum, and no clock (thesis, 6.4)."""
    outcome = histories(_context(tmp_path), runs=3, operations=1_000, clients=25, skewed_clock=True)
    assert not outcome.verdict.is_violated, outcome.message
    assert int(outcome.figures["answered"]) > 1_500


def test_a_service_that_answers_before_it_has_committed_is_found_by_its_clients(tmp_path: Path) -> None:
    """Nothing inside of the cluster is wrong: every step is Raft's. Only the answers tell."""
    outcome = histories(_context(tmp_path), runs=12, operations=200, service=Service.BEFORE_COMMIT)
    assert outcome.verdict.violates == "linearizable to kv"
    path = tmp_path / "history.ndjson"
    assert f"look at it with: tlacheck histories {path}" in outcome.message
    result = check(read(path), key_value())
    assert result.legality is Legality.ILLEGAL
    assert result.reason in outcome.message
    assert outcome.trace is not None
    assert itf.read(outcome.trace).origin.command == "the command"


def test_a_deposed_leader_that_reads_from_its_own_machine_answers_with_the_past(tmp_path: Path) -> None:
    """A stale read misses a write answered before its call; ReadIndex prevents that (thesis, 6.4)."""
    outcome = histories(_context(tmp_path), runs=12, operations=400, service=Service.LOCAL_READS)
    assert outcome.verdict.violates == "linearizable to kv"
    result = check(read(tmp_path / "history.ndjson"), key_value())
    assert result.frontier is not None
    assert result.frontier.returning.call.name == "get"
    assert result.frontier.returning.fate is Fate.ANSWERED


@pytest.mark.parametrize(
    ("rules_of", "rule", "service"),
    [
        (leading, "holds_round", Service.READ_INDEX),
        (reads, "holds_round", Service.LEASE),
        (rules, "may_read", Service.READ_INDEX),
    ],
)
def test_a_leader_that_answers_reads_too_early_is_told_before_a_client_notices(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rules_of: ModuleType, rule: str, service: Service
) -> None:
    """The leader skips the quorum for a round or a lease, or the commit in its own term (thesis, 6.4)."""
    monkeypatch.setattr(rules_of, rule, lambda *_: True)
    outcome = histories(_context(tmp_path), runs=12, service=service)
    assert outcome.verdict.violates == "LinearizableReads"


def test_clients_find_a_leader_that_answers_reads_too_early(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same, seen by nobody but the clients."""
    monkeypatch.setattr(leading, "holds_round", lambda *_: True)
    monkeypatch.setattr(Safety, "answered", lambda *_: None)
    runs = (simulate(seed, operations=1_000, clients=25) for seed in range(6, 13))
    broken = next(run.broken for run in runs if run.broken)
    assert broken[0] == "linearizable to kv"


def test_two_votes_in_a_term_are_told_before_a_client_could_notice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rules, "may_vote_for", lambda *_: True)
    outcome = histories(_context(tmp_path), runs=20, operations=200)
    assert outcome.verdict.violates == "VoteStands"


def test_a_leader_without_what_is_committed_is_told_before_a_client_notices(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rules, "log_is_up_to_date", lambda *_: True)
    outcome = histories(_context(tmp_path), runs=20, operations=400)
    assert outcome.verdict.violates == "LeaderCompleteness"


# --- runs are values -----------------------------------------------------------------------------


def test_the_same_seed_gives_the_same_history_filmed_or_not() -> None:
    first, filmed, other = (
        simulate(seed, operations=60, film=film) for seed, film in ((5, False), (5, True), (6, False))
    )
    assert _seen(first) == _seen(filmed)
    assert _seen(first) != _seen(other)


# --- the command ---------------------------------------------------------------------------------


def test_the_command_leaves_with_3_if_nothing_interesting_was_met(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["--operations", "1", "--folder", str(tmp_path)])
    assert result.exit_code == 3
    assert "no run met" in result.output


def test_one_server_alone_meets_too_little_and_breaks_nothing(tmp_path: Path) -> None:
    """A server cannot leave its own cluster, whatever the operator requests."""
    command = ["--operations", "20", "--clients", "1", "--servers", "1", "--folder", str(tmp_path)]
    result = CliRunner().invoke(main, command)
    assert result.exit_code == 3
    assert "no run met" in result.output


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        *(
            (option, value, "x>=1")
            for option in ("--operations", "--clients", "--servers", "--runs")
            for value in ("0", "-1")
        ),
        ("--seed", "-1", "x>=0"),
        ("--clients", "some", "not a valid integer"),
    ],
)
def test_a_command_that_makes_no_sense_is_refused_before_anything_is_done(
    tmp_path: Path, option: str, value: str, said: str
) -> None:
    folder = tmp_path / "histories"
    result = CliRunner().invoke(main, [option, value, "--folder", str(folder)])
    assert result.exit_code == 2
    assert option in result.output
    assert said in result.output
    assert not folder.exists()


@pytest.mark.parametrize("name", ["runs", "operations", "clients", "servers"])
@pytest.mark.parametrize("value", [0, -1])
def test_histories_of_nothing_establish_nothing(tmp_path: Path, name: str, value: int) -> None:
    nothing: dict[str, Any] = {name: value}
    with pytest.raises(ConfigError, match=f"{name} is {value}"):
        histories(_context(tmp_path), **nothing)
