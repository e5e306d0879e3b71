"""The implementation follows what the spec does, and leaves what only a weakened spec does."""

from pathlib import Path

import pytest

from property_tests.vote.checks import oracle_for, system_for, system_of
from tlacheck import itf
from tlacheck.conform.replay import replay
from tlacheck.conform.vet import vet

_GOLDEN = Path(__file__).resolve().parents[2] / "traces" / "golden" / "vote"
FOLLOWED = sorted((*_GOLDEN.glob("witness/*.itf.json"), *_GOLDEN.glob("misconfigured/*.itf.json")))
WEAKENED = sorted(_GOLDEN.glob("weakened/*.itf.json"))


def _name(path: Path) -> str:
    return path.name.removesuffix(".itf.json")


@pytest.mark.parametrize("path", FOLLOWED, ids=_name)
def test_the_implementation_follows_the_spec_to_the_end(path: Path) -> None:
    trace = itf.read(path)
    run = replay(trace, system_of(trace))
    assert run.violation is None
    assert len(run) == len(trace) > 0


@pytest.mark.parametrize("path", WEAKENED, ids=_name)
def test_the_implementation_leaves_what_only_a_weakened_spec_allows(path: Path) -> None:
    """Code that follows one of these has the fault that was put into the spec; the document's rule is one."""
    trace = itf.read(path)
    assert replay(trace, system_of(trace)).violation is not None


def test_there_are_traces_to_replay() -> None:
    assert len(FOLLOWED) >= 10
    assert len(WEAKENED) >= 20


def test_the_adapter_is_sound() -> None:
    oracle = oracle_for(4)
    assert vet(lambda: system_for(oracle.spec.config), oracle, walks=2, steps=15) == ()
