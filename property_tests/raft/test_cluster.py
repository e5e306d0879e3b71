"""The simulated cluster, one scenario a fault, each step judged by the spec.

Scripts, so that what the paper says of a fault can be read off: who leads, in which term, what is
committed where. Hypothesis plays the same faults at random in `test_stateful.py`.
"""

import pytest

from impl import raft
from property_tests.raft.adapter import server_names
from property_tests.raft.cluster import ELECTION_TIMEOUT_MS, HEARTBEAT_MS, LIVENESS_BOUND_MS, Cluster
from property_tests.raft.machine import oracle_for
from tlacheck import itf
from tlacheck.conform.lockstep import Diverged

#: Long enough for a first election, and for entries to reach all.
A_WHILE_MS = 1_500


def _cluster(servers: int = 3, *, seed: int = 1, judged: bool = True) -> Cluster:
    return Cluster(oracle_for(servers), server_names(servers), seed=seed, judged=judged)


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
    monkeypatch.setattr(cluster, "restart", lambda node: None)  # noqa: ARG005 - that is the fault
    with pytest.raises(Diverged, match="n3 Candidate in term"):
        cluster.heal_and_expect_progress()


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
