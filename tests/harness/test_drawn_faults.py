"""Drawn faults take as many nodes away at once as the declaration says, and now and then one more."""

import random

import attrs
import pytest

from tlacheck.harness import Protocol, Run
from tlacheck.harness.soak import load_protocol
from tlacheck.harness.workload import fault_of

VARIANTS = ""

pytestmark = pytest.mark.usefixtures("lock_example")


def _away(protocol: Protocol) -> list[int]:
    """The numbers of nodes that are down or paused after each of 300 drawn crashes, pauses and returns."""
    run = Run(protocol, protocol.sizes[0], seed=1, oracle=None)
    rng, found = random.Random(1), []
    for _ in range(300):
        fault = fault_of(rng.choice(("crash", "crash", "pause", "restart", "resume")), run, rng, protocol)
        if fault is not None:
            run.inflict(fault)
        found.append(len(run.cluster.world.down | run.cluster.world.paused))
    return found


def test_one_node_at_a_time_is_away_unless_more_are_declared() -> None:
    assert set(_away(load_protocol("lock.protocol:LOCK"))) == {0, 1}


def test_as_many_nodes_as_tolerated_are_away_and_seldom_one_more() -> None:
    tolerant = attrs.evolve(load_protocol("lock.protocol:LOCK"), tolerated=lambda _: 2)
    found = _away(tolerant)
    assert set(found) == {0, 1, 2, 3}
    assert found.count(3) < found.count(2)
