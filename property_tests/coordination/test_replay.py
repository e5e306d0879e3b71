"""The adapter of the flow is sound, and the recorded traces are many."""

from property_tests.coordination.adapter import spec_for
from property_tests.coordination.replays import REPLAYS, system_for
from tlacheck.conform.vet import vet
from tlacheck.tlc.oracle import SpecOracle


def test_there_are_traces_to_replay() -> None:
    assert len(REPLAYS.followed) >= 11
    assert len(REPLAYS.weakened) >= 5


def test_the_adapter_is_sound() -> None:
    oracle = SpecOracle(spec_for(3))
    assert vet(lambda: system_for(oracle.spec.config), oracle, walks=2, steps=15) == ()
