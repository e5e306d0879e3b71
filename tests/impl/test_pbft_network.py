"""Agreement and progress of PBFT clusters on a reordering network with impatient timers.

Any replica's timer may fire at any time, and one replica may be gone for good, or recover. Two replicas never
execute different batches at one number; once the faults are over, every request is executed.
"""

import random
from collections.abc import Iterable

import pytest

from impl.pbft import Propose, Retransmit, Timeout, first_start, is_waiting, rules
from tests.impl.pbft_nodes import Cluster, Contradiction, Disagreement, batch, names, pre_prepare


def _disturbed(seed: int, *, n: int = 4, steps: int = 400, twins: Iterable[str] = ()) -> Cluster:
    """A cluster after many random steps: proposals, deliveries, losses, timers, crashes."""
    draw = random.Random(seed)
    cluster = Cluster.of(n, seed=seed)
    for twin in twins:
        cluster.nodes[f"{twin}'"] = cluster.nodes[twin]
    proposed = 0
    for _ in range(steps):
        name = draw.choice(list(cluster.nodes))
        kind = draw.random()
        if kind < 0.08:
            for primary in [each for each, node in cluster.nodes.items() if node.is_primary]:
                proposed += 1
                cluster.take(primary, Propose(batch(f"{proposed}")))
        elif kind < 0.10:
            cluster.take(name, Timeout())
        elif kind < 0.103:
            cluster.restart(name)
        elif kind < 0.106:
            cluster.take(name, Retransmit())
        elif cluster.in_flight:
            to, message = cluster.in_flight.pop(draw.randrange(len(cluster.in_flight)))
            if draw.random() < 0.97:
                cluster.take(to, message)
    return cluster


def _healed(cluster: Cluster, rounds: int = 40) -> int:
    """Run fault-free rounds of retransmissions and timeouts after a client's request to all.

    Returns:
        The number of rounds after which a quorum executed the request.
    """
    (last,) = batch("last")
    for number in range(rounds):
        cluster.everybody(last)
        for name, node in list(cluster.nodes.items()):
            if node.is_primary and not node.durable.changing and node.waiting:
                cluster.take(name, Propose(tuple(node.waiting.values())))
        cluster.everybody(Retransmit())
        cluster.run()
        quorum = next(iter(cluster.nodes.values())).config.quorum
        if sum("last" in cluster.operations(name) for name in cluster.nodes) >= quorum:
            return number
        for name, node in list(cluster.nodes.items()):
            if is_waiting(node):
                cluster.take(name, Timeout())
        cluster.run()
    raise Stuck(f"nothing was executed in {rounds} rounds")


class Stuck(AssertionError):
    """The cluster makes no progress although the faults are over."""


@pytest.mark.parametrize("seed", range(12))
def test_replicas_agree_and_make_progress_after_random_faults(seed: int) -> None:
    assert _healed(_disturbed(seed)) < 12


@pytest.mark.parametrize("seed", range(8))
def test_replicas_agree_and_make_progress_with_one_gone(seed: int) -> None:
    n = 4 + seed % 4
    cluster = _disturbed(seed, n=n)
    del cluster.nodes[names(n)[seed % n]]
    assert _healed(cluster) < 12


def test_the_runs_change_views_and_make_stable_checkpoints() -> None:
    """The runs above would prove little otherwise."""
    clusters = [_disturbed(seed) for seed in range(20)]
    nodes = [node for cluster in clusters for node in cluster.nodes.values()]
    assert sum(node.durable.stable.seq > 0 for node in nodes) > 10
    assert sum(node.durable.entered is not None for node in nodes) > 10
    assert any(node.durable.entered and node.durable.entered.proposals for node in nodes)


@pytest.mark.parametrize(
    ("rule", "wrong"),
    [
        ("told", lambda _durable: ()),
        ("fill", lambda _certificates: ()),
        ("quorum_size", lambda config: config.f + 1),
    ],
    ids=["nothing is told", "all is filled with nothing", "too small quorums"],
)
def test_the_runs_notice_a_broken_rule(rule: str, wrong: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, rule, wrong)
    assert any(_disagrees(seed) for seed in range(40))


def _disagrees(seed: int, *, n: int = 4, twins: Iterable[str] = ()) -> bool:
    try:
        _disturbed(seed, n=n, twins=twins)
    except Disagreement:
        return True
    return False


def _forgets(cluster: Cluster, name: str) -> None:
    """Restart a replica with an empty disk."""
    cluster.nodes[name] = first_start(cluster.nodes[name].config)


def test_a_replica_that_lost_its_disk_is_noticed() -> None:
    cluster = Cluster.of()
    cluster.take("r1", pre_prepare(batch("x")))
    _forgets(cluster, "r1")
    with pytest.raises(Contradiction):
        cluster.take("r1", pre_prepare(batch("y")))


# --- a faulty replica in two copies -------------------------------------------------------------


@pytest.mark.parametrize("n", [4, 5, 6])
def test_one_duplicated_replica_cannot_divide_the_others(n: int) -> None:
    assert not any(_disagrees(seed, n=n, twins=["r0"]) for seed in range(10))


def test_two_duplicated_replicas_of_four_can_divide_the_others() -> None:
    """With f + 1 faulty replicas agreement is lost; otherwise these runs would prove nothing."""
    assert any(_disagrees(seed, twins=["r0", "r1"]) for seed in range(20))


def test_one_duplicated_replica_divides_too_small_quorums(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "quorum_size", lambda config: 2 * config.f + 1)
    assert any(_disagrees(seed, n=5, twins=["r0"]) for seed in range(20))


def test_the_same_seed_gives_the_same_run() -> None:
    assert _disturbed(5).nodes == _disturbed(5).nodes
