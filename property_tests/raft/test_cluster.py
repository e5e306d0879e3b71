"""The simulated cluster, one scenario a fault, each step judged by the spec.

Scripts, so that what the paper says of a fault can be read off: who leads, in which term, what is
committed where. Hypothesis plays the same faults at random in `test_stateful.py`.
"""

from typing import Any

import pytest

from impl import raft
from impl.raft import core, rules
from property_tests.raft.adapter import server_names
from property_tests.raft.cluster import ELECTION_TIMEOUT_MS, FAULTS, HEARTBEAT_MS, LIVENESS_BOUND_MS, Cluster
from property_tests.raft.features import FULL, SKEWED, Setting, oracle_of
from property_tests.raft.journal import Record
from property_tests.raft.machine import oracle_for
from property_tests.raft.timers import RENEWAL_MS
from tlacheck import itf
from tlacheck.conform.lockstep import Diverged
from tlacheck.errors import AdapterError
from tlacheck.sim import FaultPlan, HeavyTailed, Network, Request

#: Long enough for a first election, and for entries to reach all.
A_WHILE_MS = 1_500


def _cluster(
    servers: int = 3, *, seed: int = 1, judged: bool = True, network: Network | None = None
) -> Cluster:
    return Cluster(oracle_for(servers), server_names(servers), seed=seed, judged=judged, network=network)


def _leaders(cluster: Cluster) -> list[str]:
    return [name for name, node in cluster.system.nodes.items() if isinstance(node.role, raft.Leader)]


def _elected(cluster: Cluster) -> str:
    """Let time pass until one server leads; which one."""
    cluster.advance(A_WHILE_MS)
    (leader,) = _leaders(cluster)
    return leader


def _commits(cluster: Cluster) -> dict[str, int]:
    return {name: node.commit_index for name, node in cluster.system.nodes.items()}


@pytest.fixture
def cluster() -> Cluster:
    return _cluster()


def test_without_faults_a_leader_is_elected_and_commits_what_clients_submit(cluster: Cluster) -> None:
    """5.2 and 5.3, the good run that all others are variations of."""
    leader = _elected(cluster)
    assert cluster.client_request("v2")
    cluster.advance(A_WHILE_MS)
    assert _leaders(cluster) == [leader]
    assert set(_commits(cluster).values()) == {2}
    assert [entry.value for entry in cluster.system.nodes["n1"].durable.log] == [raft.NOOP, "v2"]
    assert cluster.sometimes["a leader is elected"] == 1


def test_before_anybody_leads_a_client_is_turned_away(cluster: Cluster) -> None:
    assert not cluster.client_request("v1")
    assert cluster.steps == 0


def test_heartbeats_keep_the_leader_in_office(cluster: Cluster) -> None:
    """5.2: as long as followers hear their leader, nobody starts an election."""
    leader = _elected(cluster)
    term = cluster.system.nodes[leader].durable.current_term
    cluster.advance(20 * ELECTION_TIMEOUT_MS[1])
    assert _leaders(cluster) == [leader]
    assert {node.durable.current_term for node in cluster.system.nodes.values()} == {term}


def test_partition_an_isolated_leader_is_replaced_and_steps_down_when_the_network_heals(
    cluster: Cluster,
) -> None:
    """5.1 and 5.3: the others elect a leader; the old one follows it, and loses what it never committed."""
    old = _elected(cluster)
    committed = cluster.system.nodes[old].commit_index
    cluster.world.partition({old})
    assert cluster.client_request("v1", old)
    cluster.advance(A_WHILE_MS)
    (new,) = [name for name in _leaders(cluster) if name != old]
    assert old in _leaders(cluster)
    assert cluster.system.nodes[old].commit_index == committed
    assert cluster.system.nodes[new].durable.current_term > cluster.system.nodes[old].durable.current_term
    assert cluster.client_request("v2", new)
    cluster.advance(A_WHILE_MS)
    cluster.world.heal()
    cluster.advance(A_WHILE_MS)
    assert _leaders(cluster) == [new]
    logs = {node.durable.log for node in cluster.system.nodes.values()}
    assert len(logs) == 1
    values = [entry.value for entry in logs.pop()]
    assert "v2" in values
    assert "v1" not in values
    assert cluster.sometimes["two servers believe that they lead"]
    assert cluster.sometimes["a conflicting entry is removed"]


def test_crash_the_others_elect_a_new_leader_and_the_old_one_comes_back_as_its_follower(
    cluster: Cluster,
) -> None:
    """5.2 and Figure 2: what was committed is in the new leader's log; the old one recovers from its disk."""
    old = _elected(cluster)
    cluster.client_request("v3")
    cluster.advance(A_WHILE_MS)
    cluster.crash(old)
    cluster.advance(A_WHILE_MS)
    (new,) = [name for name in _leaders(cluster) if name != old]
    assert "v3" in [entry.value for entry in cluster.system.nodes[new].durable.log]
    log = cluster.system.nodes[old].durable.log
    cluster.restart(old)
    assert cluster.system.nodes[old].role == raft.Follower()
    assert cluster.system.nodes[old].durable.log == log
    assert cluster.system.nodes[old].commit_index == 0
    cluster.advance(A_WHILE_MS)
    assert _leaders(cluster) == [new]
    assert len(set(_commits(cluster).values())) == 1
    assert cluster.sometimes["a leader crashes"] == 1


def test_a_crashed_server_does_nothing_until_it_restarts(cluster: Cluster) -> None:
    _elected(cluster)
    cluster.crash("n2")
    before = cluster.system.nodes["n2"]
    cluster.advance(A_WHILE_MS)
    assert cluster.system.nodes["n2"] == before
    assert not cluster.client_request("v1", "n2")


def test_duplicate_every_message_that_comes_twice_counts_once(cluster: Cluster) -> None:
    """5.2 and 5.3: RPCs are idempotent. Here all messages come twice, through an election and a commit."""
    for round_ in range(60):
        if round_ == 40:
            assert cluster.client_request("v1")
        for flight in list(cluster.world.flights):
            if [f.message for f in cluster.world.flights].count(flight.message) < 2:
                cluster.duplicate(flight)
        cluster.advance(HEARTBEAT_MS // 2)
    assert cluster.sometimes["DuplicateMessage"] > 30
    assert cluster.sometimes["a leader is elected"] == 1
    (leader,) = _leaders(cluster)
    assert cluster.system.nodes[leader].commit_index == 2
    assert [entry.value for entry in cluster.system.nodes[leader].durable.log] == [raft.NOOP, "v1"]


def test_drop_a_lost_request_is_sent_again(cluster: Cluster) -> None:
    """5.3: the leader retries AppendEntries indefinitely."""
    leader = _elected(cluster)
    cluster.client_request("v1")
    cluster.advance(0)
    for _ in range(2 * HEARTBEAT_MS):
        for flight in list(cluster.world.flights):
            cluster.drop(flight)
        cluster.advance(1)
    assert cluster.sometimes["DropMessage"] >= 4
    assert cluster.system.nodes[leader].commit_index == 1
    cluster.advance(A_WHILE_MS)
    assert min(_commits(cluster).values()) >= 2


def test_reorder_and_delay_late_messages_undo_nothing(cluster: Cluster) -> None:
    """5.3: a request that comes after its successors removes none of what they brought."""
    leader = _elected(cluster)
    for number in range(1, 4):
        cluster.client_request(f"v{number}", leader)
        cluster.advance(1)
        for flight in cluster.world.flights[::2]:
            cluster.world.delay(flight, 120)
        if cluster.world.flights:
            cluster.world.reorder(cluster.world.flights[-1])
    cluster.advance(A_WHILE_MS)
    assert _leaders(cluster) == [leader]
    assert set(_commits(cluster).values()) == {4}


@pytest.mark.parametrize("judged", [True, False])
def test_faults_end_and_the_cluster_makes_progress(*, judged: bool) -> None:
    """5.4: liveness is demanded only after the faults: a crash, a partition and a lost network."""
    cluster = _cluster(5, judged=judged)
    leader = _elected(cluster)
    cluster.crash(leader)
    up = [name for name in cluster.servers if name != leader]
    cluster.world.partition(up[:2])
    for flight in list(cluster.world.flights):
        cluster.drop(flight)
    cluster.advance(300)
    cluster.heal_and_expect_progress()
    assert not cluster.world.down
    assert not cluster.world.islands
    assert len(_leaders(cluster)) == 1


# --- pauses, clocks, one-way cuts, crashes within a step ----------------------------------------


def test_pause_a_leader_that_pauses_is_replaced_and_learns_of_it_when_it_resumes(cluster: Cluster) -> None:
    """5.1: a stale leader may go on for a moment; it commits nothing, and steps down."""
    old = _elected(cluster)
    cluster.inflict("pause", node=old)
    cluster.advance(A_WHILE_MS)
    assert len(_leaders(cluster)) == 2
    assert not cluster.client_request("v1", old)
    cluster.inflict("resume", node=old)
    cluster.advance(A_WHILE_MS)
    (new,) = _leaders(cluster)
    assert new != old
    assert cluster.sometimes["a server is paused"] == 1


def test_drift_a_server_whose_clock_runs_fast_stands_for_election_again_and_again(cluster: Cluster) -> None:
    """5.6: the timing requirement is broken, and with it availability; safety is not."""
    leader = _elected(cluster)
    term = cluster.system.nodes[leader].durable.current_term
    fast = next(name for name in cluster.servers if name != leader)
    cluster.inflict("drift", node=fast, ppm=20_000_000)
    cluster.advance(A_WHILE_MS // 2)
    assert cluster.system.nodes[fast].durable.current_term >= term + 2


def test_skew_a_clock_that_is_set_forward_makes_a_follower_impatient(cluster: Cluster) -> None:
    leader = _elected(cluster)
    term = cluster.system.nodes[leader].durable.current_term
    follower = next(name for name in cluster.servers if name != leader)
    cluster.inflict("skew", node=follower, by_ms=1_000)
    cluster.advance(1)
    assert cluster.system.nodes[follower].durable.current_term == term + 1


def test_cut_a_leader_that_is_heard_and_hears_nothing_commits_nothing(cluster: Cluster) -> None:
    """One way only: its heartbeats keep the others quiet, and their answers are lost."""
    leader = _elected(cluster)
    others = [name for name in cluster.servers if name != leader]
    cluster.inflict("cut", sources=others, dests=[leader])
    committed = cluster.system.nodes[leader].commit_index
    assert cluster.client_request("v1")
    cluster.advance(A_WHILE_MS)
    assert _leaders(cluster) == [leader]
    assert cluster.system.nodes[leader].commit_index == committed
    cluster.heal_and_expect_progress()


@pytest.mark.parametrize("done", range(5))
@pytest.mark.parametrize("torn", [False, True])
def test_crash_during_a_step_leaves_all_of_it_or_nothing_and_the_spec_has_both(
    done: int, *, torn: bool
) -> None:
    """Figure 2: persistent before responding. The spec takes the step, or the message is lost."""
    cluster = _cluster(seed=3)
    _elected(cluster)
    for server in cluster.servers:
        cluster.inflict("crash_during", node=server, done=done, torn=torn)
    cluster.advance(A_WHILE_MS)
    assert cluster.simulation.met["a step cut short"] == 3
    assert cluster.world.down == set(cluster.servers)
    cluster.heal_and_expect_progress()


def test_a_write_that_is_torn_is_not_there_after_the_restart(cluster: Cluster) -> None:
    """The journal of the host: a record that is not whole does not count, the one before it does."""
    leader = _elected(cluster)
    before = cluster.system.nodes[leader].durable
    cluster.inflict("crash_during", node=leader, torn=True)
    cluster.client_request("v1", leader)
    assert cluster.sometimes["a write is torn"] == 1
    cluster.restart(leader)
    assert cluster.system.nodes[leader].durable == before


def test_a_host_that_believes_a_torn_record_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Record, "is_whole", True)
    cluster = _cluster()
    leader = _elected(cluster)
    follower = next(name for name in cluster.servers if name != leader)
    cluster.crash(leader)
    cluster.inflict("crash_during", node=follower, torn=True)
    cluster.advance(2 * ELECTION_TIMEOUT_MS[1])
    with pytest.raises(Diverged, match="DurableStays: violated"):
        cluster.restart(follower)


@pytest.mark.parametrize("judged", [True, False], ids=["by the spec", "by the properties"])
def test_a_core_that_sends_before_it_persists_is_caught_by_a_crash_in_between(
    monkeypatch: pytest.MonkeyPatch, *, judged: bool
) -> None:
    """Figure 2. No crash between steps can show it: the answer and the write are in one step."""
    monkeypatch.setattr(core, "_effects", _sends_first(core._effects))  # noqa: SLF001 - what is made wrong
    cluster = _cluster(judged=judged)
    with pytest.raises(Diverged) as caught:
        _crash_in_every_step(cluster)
    violation = caught.value.trace.violation
    assert violation is not None
    assert violation.property == ("conforms to RaftEvents" if judged else "VoteStands")


def _crash_in_every_step(cluster: Cluster) -> None:
    """Every server crashes after the first effect of each step, and comes back soon."""
    for _ in range(200):
        for server in cluster.servers:
            cluster.inflict("restart", node=server)
            cluster.inflict("crash_during", node=server, done=1)
        cluster.advance(10)


def _sends_first(effects: Any) -> Any:
    def sends_first(*arguments: Any) -> tuple[raft.Effect, ...]:
        found = effects(*arguments)
        return tuple(sorted(found, key=lambda effect: not isinstance(effect, raft.Send)))

    return sends_first


def test_drawn_faults_over_a_bad_network_leave_a_cluster_that_makes_progress() -> None:
    """A scenario run: faults from a plan, clients at their times, each step judged by the spec."""
    plan = FaultPlan.draw(11, server_names(3), until_ms=2_500, count=40)
    network = Network(delay=HeavyTailed(2, shape=1.3, greatest_ms=400), loss=0.05, duplication=0.05)
    cluster = _cluster(seed=11, network=network)
    workload = [Request(at, f"n{1 + at % 3}", "v1") for at in range(500, 2_500, 130)]
    cluster.play(plan, until_ms=2_500, workload=workload)
    assert cluster.simulation.met.keys() >= {"drop", "crash", "cut", "pause", "skew", "drift"}
    assert cluster.sometimes["DuplicateMessage"] > 3
    cluster.heal_and_expect_progress()
    assert cluster.sometimes["an entry is committed"]


def test_every_fault_that_is_an_action_is_one_of_the_spec() -> None:
    FAULTS.check(oracle_for(3).step_names or ())


def test_a_fault_that_raft_does_not_promise_to_survive_is_refused(cluster: Cluster) -> None:
    with pytest.raises(AdapterError, match="does not say what the fault 'betray' is"):
        cluster.inflict("betray", node="n1", behaviour="liar")


def test_a_leader_that_never_backs_off_is_caught_going_round_in_a_loop(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """5.3: a follower that lacks entries is refused for ever; the trace of it is a lasso."""
    monkeypatch.setattr(rules, "next_after_refusal", lambda progress, _: progress.next_index)
    cluster = _cluster(judged=False)
    leader = _elected(cluster)
    behind = next(name for name in cluster.servers if name != leader)
    cluster.crash(behind)
    cluster.client_request("v1")
    cluster.advance(A_WHILE_MS)
    cluster.crash(leader)
    cluster.restart(leader)
    cluster.advance(A_WHILE_MS)
    with pytest.raises(Diverged, match="Progress: violated") as caught:
        cluster.heal_and_expect_progress()
    trace = caught.value.trace
    assert trace.violation is not None
    assert trace.violation.explanation[0].startswith(f"{LIVENESS_BOUND_MS} ms after all faults ended")
    assert trace.loop is not None, trace.violation.explanation


# --- too many faults: the checks of progress can fail -------------------------------------------


def test_with_a_majority_down_nothing_is_elected_and_nothing_committed(cluster: Cluster) -> None:
    """5.1: three servers tolerate one failure. Progress with two down would be progress without a quorum."""
    leader = _elected(cluster)
    for name in cluster.servers:
        if name != leader:
            cluster.crash(name)
    before = cluster.lockstep.state["committed"]
    assert cluster.client_request("v1", leader)
    cluster.advance(LIVENESS_BOUND_MS)
    assert cluster.lockstep.state["committed"] == before
    assert len(cluster.system.nodes[leader].durable.log) == len(before) + 1


def test_a_lone_follower_stands_for_election_for_ever_and_never_leads(cluster: Cluster) -> None:
    """5.2: its own vote is not a majority of three."""
    leader = _elected(cluster)
    alone, other = (name for name in cluster.servers if name != leader)
    elected = cluster.lockstep.state["elected"]
    cluster.crash(leader)
    cluster.crash(other)
    cluster.advance(LIVENESS_BOUND_MS // 3)
    assert isinstance(cluster.system.nodes[alone].role, raft.Candidate)
    assert cluster.system.nodes[alone].durable.current_term > 5
    assert cluster.lockstep.state["elected"] == elected


def test_if_the_network_never_heals_the_check_of_progress_fails_and_says_who_is_where(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The check that every other run passes can fail: here `heal` heals nothing."""
    cluster = _cluster(judged=False)
    cluster.world.partition({"n1"})
    monkeypatch.setattr(cluster.world, "heal", lambda: None)
    with pytest.raises(Diverged, match="Progress: violated") as caught:
        cluster.heal_and_expect_progress()
    violation = caught.value.trace.violation
    assert violation is not None
    assert (violation.property, violation.step) == ("Progress", None)
    assert violation.explanation[0] == (
        f"{LIVENESS_BOUND_MS} ms after all faults ended, no new value is committed at all servers:"
    )
    assert "n1 Candidate in term" in violation.explanation[1]


def test_if_servers_stay_down_the_check_of_progress_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = _cluster(judged=False)
    for name in ("n1", "n2"):
        cluster.crash(name)
    monkeypatch.setattr(cluster.simulation, "stabilise", lambda: None)
    with pytest.raises(Diverged, match="n3 Candidate in term"):
        cluster.heal_and_expect_progress()


# --- with all parts -----------------------------------------------------------------------------


def _full(*, seed: int = 1, setting: Setting = FULL) -> Cluster:
    return Cluster(oracle_of(setting), setting.names, seed=seed, setting=setting)


def _submit(cluster: Cluster, count: int) -> None:
    for number in range(count):
        assert cluster.client_request(f"v{1 + number % 6}")
        cluster.advance(HEARTBEAT_MS)


def test_a_server_that_was_down_for_long_is_sent_a_snapshot_and_what_came_after_it() -> None:
    """Paper, section 7: its leader has compacted what it lacks."""
    cluster = _full()
    leader = _elected(cluster)
    away = next(name for name in ("n1", "n2", "n3") if name != leader)
    cluster.crash(away)
    _submit(cluster, 12)
    assert cluster.system.nodes[leader].durable.snapshot.index > 0
    cluster.restart(away)
    cluster.advance(A_WHILE_MS)
    assert cluster.sometimes["a snapshot is installed"] == 1
    assert (
        cluster.system.applied[away] == cluster.system.applied[leader] == ("v1", "v2", "v3", "v4", "v5", "v6")
    )


def test_a_server_joins_as_a_learner_votes_and_takes_over_from_a_leader_that_is_removed() -> None:
    """Thesis, chapter 4, and 4.2.2: a leader steps down when the configuration without it is committed."""
    cluster = _full()
    old = _elected(cluster)
    _submit(cluster, 3)
    voters = cluster.system.nodes[old].configuration.voters
    for configuration in (
        raft.Configuration(voters, learners=frozenset({"n4"})),
        raft.Configuration(voters | {"n4"}),
        raft.Configuration((voters | {"n4"}) - {old}),
    ):
        assert cluster.ask(raft.ChangeMembership(configuration))
        cluster.advance(4 * HEARTBEAT_MS)
    assert cluster.sometimes["a leader that was removed steps down"] == 1
    new = _elected(cluster)
    assert new != old
    assert cluster.system.nodes[new].configuration.voters == {"n1", "n2", "n3", "n4"} - {old}
    assert cluster.system.applied["n4"] == ("v1", "v2", "v3")
    cluster.heal_and_expect_progress()


def test_two_changes_that_are_not_committed_are_one_too_many() -> None:
    cluster = _full()
    leader = _elected(cluster)
    voters = cluster.system.nodes[leader].configuration.voters
    assert cluster.ask(raft.ChangeMembership(raft.Configuration(voters, learners=frozenset({"n4"}))))
    assert not cluster.ask(raft.ChangeMembership(raft.Configuration(voters)))


def test_a_joint_configuration_is_left_again_by_its_leader() -> None:
    """Paper, 6."""
    cluster = _full()
    leader = _elected(cluster)
    new = frozenset({leader, "n4"})
    old = cluster.system.nodes[leader].configuration
    assert cluster.ask(raft.ChangeMembership(raft.Configuration(new, outgoing=old.voters)))
    cluster.advance(A_WHILE_MS)
    assert cluster.system.nodes["n4"].committed_configuration == raft.Configuration(new)
    assert (cluster.sometimes["a joint change is committed"], cluster.sometimes["a change is committed"]) == (
        1,
        1,
    )


def test_a_leader_hands_over_at_once_and_takes_nothing_from_clients_meanwhile() -> None:
    """Thesis, 3.10: without waiting for an election timeout."""
    cluster = _full()
    old = _elected(cluster)
    new = next(name for name in ("n1", "n2", "n3") if name != old)
    assert cluster.ask(raft.TransferLeadership(new), old)
    assert not cluster.client_request("v1", old)
    cluster.advance(ELECTION_TIMEOUT_MS[0])
    assert _leaders(cluster) == [new]


def test_a_handing_over_that_does_not_come_about_ends() -> None:
    cluster = _full()
    leader = _elected(cluster)
    down = next(name for name in ("n1", "n2", "n3") if name != leader)
    cluster.crash(down)
    assert cluster.ask(raft.TransferLeadership(down), leader)
    cluster.advance(ELECTION_TIMEOUT_MS[1] + 1)
    assert cluster.sometimes["AbortTransfer"] == 1
    assert cluster.client_request("v1", leader)


def test_a_read_is_answered_by_the_lease_at_once_and_by_a_quorum_after_a_round() -> None:
    """Thesis, 6.4 and 6.4.1."""
    answers: list[tuple[object, int]] = []

    def told(_: str, effect: raft.Effect) -> None:
        if isinstance(effect, raft.ReadReady):
            answers.append((effect.read, effect.index))

    cluster = Cluster(oracle_of(FULL), FULL.names, seed=1, setting=FULL, on_effect=told)
    _elected(cluster)
    _submit(cluster, 2)
    assert cluster.ask(raft.LeaseRead("r1"))
    assert cluster.ask(raft.ReadIndex("r2"))
    assert answers == [("r1", 3)]
    cluster.advance(HEARTBEAT_MS)
    assert answers == [("r1", 3), ("r2", 3)]


def test_a_leader_that_crashes_loses_the_end_of_its_log_that_was_not_on_its_disk_yet() -> None:
    """Thesis, 10.2.1: it had not counted itself for it."""
    cluster = _full()
    leader = _elected(cluster)
    cluster.world.partition({leader})
    last = cluster.system.nodes[leader].durable.last_index
    for value in ("v1", "v2", "v3"):  # three writes begin; two of them reach the disk, and half of the third
        assert cluster.client_request(value, leader)
    cluster.inflict("crash", node=leader, kept=2, torn=True)
    cluster.inflict("restart", node=leader)
    assert cluster.system.nodes[leader].durable.last_index == last + 2
    assert cluster.sometimes["the end of a log is lost in a crash"] == 1
    assert cluster.sometimes["what was not synced survives a crash"] == 1


def test_a_leader_whom_no_quorum_answers_steps_down_though_nobody_tells_it() -> None:
    """Thesis, 6.2."""
    cluster = _full()
    leader = _elected(cluster)
    cluster.world.partition({leader})
    cluster.advance(2 * ELECTION_TIMEOUT_MS[1])
    assert not isinstance(cluster.system.nodes[leader].role, raft.Leader)
    assert cluster.sometimes["a leader whom no quorum answers steps down"] == 1


@pytest.mark.parametrize(
    ("setting", "is_stale"), [(SKEWED, True), (FULL, False)], ids=["skewed", "kept together"]
)
def test_a_leader_with_a_slow_clock_answers_a_stale_read_unless_clocks_are_kept_together(
    setting: Setting, *, is_stale: bool
) -> None:
    """Thesis, 6.4.1: what leases assume. Every step is one that the spec allows of such clocks."""
    cluster = _full(setting=setting)
    old = _elected(cluster)
    cluster.inflict("drift", node=old, ppm=-900_000)
    cluster.advance(RENEWAL_MS + HEARTBEAT_MS)
    assert cluster.ask(raft.LeaseRead("r1"), old)
    cluster.world.partition({old})
    for number in range(2, 20):
        cluster.advance(HEARTBEAT_MS)
        new = cluster.leader
        if new not in (old, None):
            cluster.client_request("v1", new)
        cluster.ask(raft.LeaseRead(f"r{number}"), old)
    assert bool(cluster.safety.stale) is is_stale
    assert setting.leases_are_safe is not is_stale


# --- the same seed, the same run ----------------------------------------------------------------


def _some_faults(seed: int, *, judged: bool) -> str:
    cluster = _cluster(seed=seed, judged=judged)
    leader = _elected(cluster)
    cluster.client_request("v1")
    cluster.world.partition({leader})
    cluster.advance(700)
    cluster.world.heal()
    cluster.crash("n2")
    cluster.advance(400)
    cluster.restart("n2")
    for flight in cluster.world.flights[:2]:
        cluster.duplicate(flight)
    cluster.heal_and_expect_progress()
    return itf.to_json(cluster.lockstep.trace)


def test_the_same_seed_gives_the_same_run_to_the_byte_and_another_seed_another() -> None:
    """Seed and commit are all that a failure needs to be seen again."""
    first = _some_faults(3, judged=True)
    assert _some_faults(3, judged=True) == first
    assert _some_faults(4, judged=True) != first


def test_the_judge_changes_nothing_in_the_run_that_it_judges() -> None:
    assert _some_faults(3, judged=False) == _some_faults(3, judged=True)
