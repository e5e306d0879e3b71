"""The adapter of gossip is sound, the recorded traces are many, and their worked cases hold."""

from pathlib import Path

from property_tests.gossip.replays import REPLAYS, system_for
from property_tests.gossip.timing import timing
from tlacheck.conform.replays import oracle_of
from tlacheck.conform.vet import vet
from tlacheck.verdict import Kind
from tlacheck.verify import Context


def test_there_are_traces_to_replay() -> None:
    assert len(REPLAYS.followed) >= 10
    assert len(REPLAYS.weakened) >= 17


def test_the_adapter_is_sound() -> None:
    oracle = oracle_of("property_tests.gossip.replays:REPLAYS")
    assert vet(lambda: system_for(oracle.spec.config), oracle, walks=2, steps=15) == ()


def test_worked_cases_of_time_hold(tmp_path: Path) -> None:
    outcome = timing(Context(folder=tmp_path, budget="ci", seed=0, command="", progress=lambda _: None))
    assert outcome.message == ""
    assert outcome.verdict.kind is Kind.SAMPLED
