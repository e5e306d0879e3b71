"""The adapter of the barrier is sound, and the recorded traces are many."""

from property_tests.barrier.replays import REPLAYS, system_for
from tlacheck.conform.replays import oracle_of
from tlacheck.conform.vet import vet


def test_there_are_traces_to_replay() -> None:
    assert len(REPLAYS.followed) >= 10
    assert len(REPLAYS.weakened) >= 14


def test_the_adapter_is_sound() -> None:
    oracle = oracle_of("property_tests.barrier.replays:REPLAYS")
    assert vet(lambda: system_for(oracle.spec.config), oracle, walks=2, steps=15) == ()
