"""Raft under faults, judged by the spec, by `Safety` and by progress.

Wrong servers and hosts are caught by each of them.
"""

import re
from pathlib import Path
from typing import Any

import pytest

from impl import raft
from impl.raft import core, rules
from property_tests.raft.host import Record
from property_tests.raft.judge import ACTIONS, SITUATIONS, RaftJudge
from property_tests.raft.protocol import LIVENESS_BOUND_MS, RAFT, RAFT_FULL, RAFT_SKEWED, setting_of
from property_tests.raft.settings import CLOCKS_WITHIN_MS, FULL, oracle_for
from tlacheck.conform.lockstep import Diverged
from tlacheck.harness import Protocol, Run, RunResult, SoakPlan, soak
from tlacheck.harness.checks import soaked, stateful
from tlacheck.harness.run import oracle_of
from tlacheck.harness.workload import schedule_of
from tlacheck.sim import Fault
from tlacheck.verify import Context

PLAIN_TARGET, FULL_TARGET = "property_tests.raft.protocol:RAFT", "property_tests.raft.protocol:RAFT_FULL"
CONFORMS = "conforms to RaftEvents"


def _context(folder: Path, seed: int = 0) -> Context:
    return Context(folder=folder, budget="ci", seed=seed, command="", progress=lambda _: None)


def _first_failure(target: str, folder: Path, *, seeds: int, **options: Any) -> RunResult:
    found = soak(SoakPlan(target=target, out=folder, **options), range(seeds), until_failed=True)
    (run, *_) = found.failed
    return run


def _run(protocol: Protocol, *, judged: bool = False, nodes: int | None = None, seed: int = 1) -> Run:
    size = protocol.size(nodes)
    return Run(protocol, size, seed=seed, oracle=oracle_of(protocol, size) if judged else None)


def _conclude(run: Run, protocol: Protocol) -> None:
    schedule_of(run, protocol, seed=0).conclude()


def _elected(run: Run) -> str:
    """Let time pass until one server leads; which one."""
    run.advance(1_500)
    (leader,) = [name for name, server in run.view.items() if server.role == "Leader"]
    return leader


# --- what holds


@pytest.mark.parametrize("nodes", [3, 4, 5])
def test_each_step_of_plain_raft_is_one_of_the_spec(nodes: int, tmp_path: Path) -> None:
    found = soak(SoakPlan(target=PLAIN_TARGET, steps=600, nodes=nodes, out=tmp_path), range(2))
    assert [run.explanation for run in found.failed] == []
    assert found.goals["a leader is elected"] >= 2
    assert sum(run.actions for run in found.runs) > found.steps


@pytest.mark.sweep
def test_all_parts_keep_to_the_spec_and_every_action_is_taken(tmp_path: Path) -> None:
    outcome = soaked(_context(tmp_path), FULL_TARGET, seeds=8, steps=600)
    assert outcome.message == ""
    assert outcome.verdict.is_established, outcome.verdict


@pytest.mark.sweep
def test_a_soak_without_the_spec_meets_all_and_breaks_nothing(tmp_path: Path) -> None:
    outcome = soaked(_context(tmp_path), FULL_TARGET, seeds=5, steps=5_000, nodes=5, judged=False)
    assert outcome.message == ""
    assert outcome.verdict.is_established, outcome.verdict


@pytest.mark.sweep
def test_hypothesis_finds_nothing_wrong_and_meets_all_goals(tmp_path: Path) -> None:
    outcome = stateful(_context(tmp_path), PLAIN_TARGET, examples=25, every_size=True)
    assert outcome.message == ""
    assert outcome.verdict.is_established, outcome.verdict


def test_the_spec_changes_nothing_in_the_run_that_it_judges(tmp_path: Path) -> None:
    judged, alone = (
        soak(SoakPlan(target=FULL_TARGET, steps=300, judged=judged, out=tmp_path), [5]).runs[0]
        for judged in (True, False)
    )
    assert (judged.steps, judged.faults) == (alone.steps, alone.faults)
    assert {name: judged.goals[name] for name in SITUATIONS} == {
        name: alone.goals[name] for name in SITUATIONS
    }


def test_a_soak_that_met_too_little_is_inconclusive(tmp_path: Path) -> None:
    outcome = soaked(_context(tmp_path), FULL_TARGET, seeds=1, steps=20)
    assert outcome.verdict.is_unknown
    assert "InstallSnapshot" in (outcome.verdict.reason or "")


def test_every_action_of_the_spec_is_a_goal() -> None:
    """An action that is added to the spec must be met by soaks as well.

    Those of the network and restarts are faults.
    """
    text = oracle_for(3).spec.path.read_text(encoding="utf-8")
    actions = set(re.findall(r'action \|-> "(\w+)"', text)) - {"Init"}
    assert actions - set(ACTIONS) == {"Restart", "DropMessage", "DuplicateMessage"}
    assert set(ACTIONS) <= actions
    assert {*ACTIONS, "fault: restart", "fault: drop", "fault: duplicate"} <= set(
        RAFT_FULL.goals_of(RAFT_FULL.sizes[0])
    )


@pytest.mark.parametrize(("protocol", "nodes"), [(RAFT, 3), (RAFT, 5), (RAFT_FULL, 4), (RAFT_SKEWED, 4)])
def test_a_setting_has_the_constants_of_its_configuration(protocol: Protocol, nodes: int) -> None:
    """Else a judged run fails at once, and a soak is of another cluster than it says."""
    size = protocol.size(nodes)
    oracle, setting = oracle_of(protocol, size), setting_of(protocol, size)
    text = oracle.spec.configuration
    for name, value in {
        "MaxEntries": setting.entries_max,
        "MaxUnacknowledged": setting.unacknowledged_max,
        "ElectionTicks": setting.election_ticks,
        "LeaseTicks": setting.lease_ticks,
    }.items():
        assert f"    {name} = {value}\n" in text
    (features,) = re.findall(r"Features = \{([^}]*)\}", text)
    assert set(re.findall(r'"(\w+)"', features)) == setting.features
    (state,) = oracle.initial_states()
    assert sorted(server.name for server in state.values["role"]) == list(size.nodes)


# --- clocks and leases


def test_clocks_that_keep_together_keep_to_what_leases_assume() -> None:
    """Thesis, 6.4.1. Two clocks that are each within 14 ms are never more than two ticks of 15 ms apart."""
    skew_max = -(-2 * CLOCKS_WITHIN_MS // 15)
    assert FULL.lease_ticks + 2 * skew_max <= FULL.election_ticks


@pytest.mark.parametrize(("protocol", "is_stale"), [(RAFT_SKEWED, True), (RAFT_FULL, False)])
def test_a_slow_clock_makes_a_stale_read_unless_clocks_are_kept_together(
    protocol: Protocol, *, is_stale: bool
) -> None:
    """Thesis, 6.4.1. Every step is one that the spec allows of such clocks."""
    run = _run(protocol, judged=True)
    old = _elected(run)
    run.inflict(Fault.of("drift", node=old, ppm=-900_000))
    run.advance(125)
    run.request(old, raft.LeaseRead("r1"))
    run.inflict(Fault.of("partition", group=[old]))
    for number in range(2, 20):
        run.advance(50)
        for name, server in run.view.items():
            if name != old and server.role == "Leader":
                run.request(name, raft.ClientRequest("v1"))
        run.request(old, raft.LeaseRead(f"r{number}"))
    assert bool(run.judge(RaftJudge).safety.stale) is is_stale


# --- wrong servers and hosts


def _crash_in_every_step(run: Run) -> None:
    """Every server crashes after the first command of each step, and comes back soon."""
    for _ in range(200):
        for server in run.size.nodes:
            run.inflict(Fault.of("restart", node=server))
            run.inflict(Fault.of("crash_during", node=server, done=1))
        run.advance(10)


def _sends_first(effects: Any) -> Any:
    def sends_first(*arguments: Any) -> tuple[raft.Effect, ...]:
        found = effects(*arguments)
        return tuple(sorted(found, key=lambda effect: not isinstance(effect, raft.Send)))

    return sends_first


@pytest.mark.parametrize(("judged", "name"), [(True, CONFORMS), (False, "VoteStands")])
def test_a_core_that_sends_before_it_persists_is_caught_by_a_crash_in_between(
    monkeypatch: pytest.MonkeyPatch, name: str, *, judged: bool
) -> None:
    """Figure 2. No crash between steps can show it: the answer and the write are in one step."""
    monkeypatch.setattr(core, "_effects", _sends_first(core._effects))  # noqa: SLF001 - what is made wrong
    run = _run(RAFT, judged=judged)
    with pytest.raises(Diverged) as caught:
        _crash_in_every_step(run)
    violation = caught.value.trace.violation
    assert violation is not None
    assert violation.property == name


@pytest.mark.parametrize(("judged", "name"), [(True, CONFORMS), (False, "DurableStays")])
def test_a_host_that_believes_a_torn_record_is_caught(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, *, judged: bool
) -> None:
    monkeypatch.setattr(Record, "is_whole", True)
    assert _first_failure(PLAIN_TARGET, tmp_path, seeds=20, steps=600, judged=judged).property == name


@pytest.mark.parametrize(
    ("rule", "wrong", "target"),
    [
        ("may_vote_for", lambda *_: True, PLAIN_TARGET),
        pytest.param("may_change", rules.committed_in_its_term, FULL_TARGET, marks=pytest.mark.sweep),
        ("may_hold_lease", lambda _: True, FULL_TARGET),
    ],
)
def test_a_broken_rule_is_caught_by_the_spec(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, rule: str, wrong: Any, target: str
) -> None:
    monkeypatch.setattr(rules, rule, wrong)
    run = _first_failure(target, tmp_path, seeds=20, steps=600)
    assert run.property == CONFORMS
    assert run.trace is not None
    assert run.trace.is_file()


@pytest.mark.sweep
@pytest.mark.parametrize(
    ("rule", "wrong", "name"),
    [
        ("may_vote_for", lambda *_: True, "VoteStands"),
        ("may_commit_term", lambda *_: True, "LeaderCommitsOwnTerm"),
        ("snapshot_is_stale", lambda *_: False, "CommitIndexMonotonic"),
        ("may_read", lambda _: True, "LinearizableReads"),
        ("may_change", rules.committed_in_its_term, "OneChangeAtATime"),
    ],
)
def test_a_broken_rule_is_caught_without_the_spec(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, rule: str, wrong: Any, name: str
) -> None:
    monkeypatch.setattr(rules, rule, wrong)
    run = _first_failure(FULL_TARGET, tmp_path, seeds=10, steps=5_000, nodes=5, judged=False)
    assert run.property == name


@pytest.mark.parametrize(("judged", "name"), [(True, CONFORMS), (False, "VoteStands")])
def test_hypothesis_catches_a_server_that_votes_for_everybody(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, *, judged: bool
) -> None:
    """Elections rest on one vote per term (paper, section 5.2)."""
    monkeypatch.setattr(rules, "may_vote_for", lambda *_: True)
    outcome = stateful(_context(tmp_path), PLAIN_TARGET, examples=40, judged=judged, shrinking_seconds=5)
    assert outcome.verdict.violates == name
    assert outcome.trace is not None


# --- progress


def test_a_leader_that_never_backs_off_makes_no_progress(monkeypatch: pytest.MonkeyPatch) -> None:
    """5.3: a follower that lacks entries is refused for ever."""
    monkeypatch.setattr(rules, "next_after_refusal", lambda progress, _: progress.next_index)
    run = _run(RAFT)
    leader = _elected(run)
    behind = next(name for name in run.size.nodes if name != leader)
    run.inflict(Fault.of("crash", node=behind))
    run.request(leader, raft.ClientRequest("v1"))
    run.advance(1_500)
    run.inflict(Fault.of("crash", node=leader))
    run.inflict(Fault.of("restart", node=leader))
    run.advance(1_500)
    with pytest.raises(Diverged, match="a new value is committed at all members: violated"):
        _conclude(run, RAFT)


def test_progress_fails_if_the_network_never_heals_and_says_who_is_where(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run = _run(RAFT)
    run.inflict(Fault.of("partition", group=["n1"]))
    monkeypatch.setattr(run.cluster.world, "heal", lambda: None)
    with pytest.raises(Diverged) as caught:
        _conclude(run, RAFT)
    assert f"not reached within {LIVENESS_BOUND_MS} ms after all faults had ended" in str(caught.value)
    assert "n1 Candidate in term" in str(caught.value)


def test_progress_fails_if_servers_stay_down(monkeypatch: pytest.MonkeyPatch) -> None:
    run = _run(RAFT)
    for name in ("n1", "n2"):
        run.inflict(Fault.of("crash", node=name))
    monkeypatch.setattr(run.cluster.simulation, "stabilise", lambda: None)
    with pytest.raises(Diverged, match="n3 Candidate in term"):
        _conclude(run, RAFT)
