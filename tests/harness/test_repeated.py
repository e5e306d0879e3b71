"""Recorded runs are repeated by the right implementation, and by no other that takes another step."""

import fcntl
from pathlib import Path
from typing import Any

import pytest

from tlacheck import itf
from tlacheck.errors import TraceError
from tlacheck.harness import SoakPlan, repeated
from tlacheck.harness.repeated import (
    REPEATS,
    record_accounts,
    record_runs,
    recorded_runs,
    repeats,
    repeats_accounts,
)
from tlacheck.verify import Context

LOCK = "lock.protocol:LOCK"

VARIANTS = '''
import attrs
from lock import core
from lock.protocol import LOCK


class Raising(core.Lock):
    """The server cannot be asked."""

    def step(self, state, inp):
        raise KeyError("c9")


RAISING = attrs.evolve(LOCK, core=lambda size: Raising())


def account(seed):
    return [f"{seed} counts {number}" for number in range(seed)]
'''

pytestmark = pytest.mark.usefixtures("lock_example")


def _context(folder: Path) -> Context:
    return Context(folder=folder, budget="tests", seed=1, command="", progress=lambda _: None)


@pytest.fixture
def recorded(tmp_path: Path) -> Path:
    """The folder of two recorded runs of the lock service."""
    folder = tmp_path / "runs"
    folder.mkdir()
    record_runs(folder / "runs-lock.pickle", SoakPlan(target=LOCK, steps=200), seed=1, seeds=2)
    return folder


def test_the_right_implementation_repeats_the_recorded_runs(recorded: Path) -> None:
    outcome = repeats(_context(recorded / "out"), LOCK, seeds=2, steps=200, folder=recorded)
    assert str(outcome.verdict).startswith("sampled(2 ")
    assert int(outcome.figures["steps"]) > 400


def test_the_first_step_that_is_another_one_is_shown(recorded: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing that the declaration judges need break."""
    from lock import core  # type: ignore[import-not-found]  # a module of examples/

    monkeypatch.setattr(core, "Sync", lambda: core.Send(core.SERVER, core.Release("c1", 0)))
    outcome = repeats(_context(recorded / "out"), LOCK, seeds=2, steps=200, folder=recorded)
    assert outcome.verdict.violates == REPEATS
    assert "is another one: " in outcome.message
    assert "Sync()" in outcome.message.splitlines()[1]
    assert outcome.trace is None or itf.read(outcome.trace).violation is not None


def _raises(*_: object) -> None:
    raise KeyError("c9")


def test_a_broken_property_is_named_rather_than_the_difference(
    recorded: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lock import core

    monkeypatch.setattr(core.Lock, "step", _raises)
    outcome = repeats(_context(recorded / "out"), LOCK, seeds=2, steps=200, folder=recorded)
    assert outcome.verdict.violates == "Total"


def test_runs_that_meet_too_little_are_not_recorded(tmp_path: Path) -> None:
    path = tmp_path / "runs.pickle"
    with pytest.raises(TraceError, match="no run meets .*the lock is released: record more runs"):
        record_runs(path, SoakPlan(target=LOCK, steps=1), seed=1, seeds=1)
    assert not path.exists()


def test_runs_of_an_implementation_that_fails_by_itself_are_not_recorded(tmp_path: Path) -> None:
    plan = SoakPlan(target="variants:RAISING", steps=200, judged=False)
    with pytest.raises(TraceError, match="of seed 1 breaks Total without a mutant"):
        record_runs(tmp_path / "runs-lock.pickle", plan, seed=1, seeds=1)


def test_runs_are_recorded_once_for_all_who_ask(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a process of its own; whoever asks meanwhile waits for it."""
    plan = SoakPlan(target=LOCK, steps=120, judged=False)
    locks: list[int] = []
    monkeypatch.setattr(fcntl, "flock", lambda _, kind: locks.append(kind))
    first, again = (recorded_runs(tmp_path / "runs", plan, seed=1, seeds=2) for _ in range(2))
    assert first == again
    assert [run.seed for run in first] == [1, 2]
    assert locks == [fcntl.LOCK_EX] * 2


def test_runs_of_two_sizes_are_recorded_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recorded: list[Path] = []

    def record(path: Path, _: object) -> tuple[()]:
        recorded.append(path)
        return ()

    monkeypatch.setattr(repeated, "_once", record)
    for nodes in (3, 4):
        recorded_runs(tmp_path, SoakPlan(target=LOCK, nodes=nodes), seed=1, seeds=1)
    assert len(set(recorded)) == 2


# --- accounts


ACCOUNT = "variants:account"


@pytest.mark.parametrize(
    ("other", "says"),
    [
        (lambda seed: [f"{seed} counts 0", *["else"] * (seed - 1)], "step 2 is another one: else"),
        (lambda seed: [f"{seed} counts {number}" for number in range(seed - 1)], "the end of the run"),
        (lambda seed: [f"{seed} counts {number}" for number in range(seed + 1)], "the end of the run"),
    ],
)
def test_a_run_that_is_told_otherwise_is_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, other: Any, says: str
) -> None:
    record_accounts(tmp_path / "accounts-variants-account.pickle", ACCOUNT, seed=1, seeds=3)
    same = repeats_accounts(_context(tmp_path), ACCOUNT, seeds=3, folder=tmp_path)
    assert str(same.verdict).startswith("sampled(3 ")
    monkeypatch.setattr("variants.account", other)
    found = repeats_accounts(_context(tmp_path), ACCOUNT, seeds=3, folder=tmp_path)
    assert found.verdict.violates == REPEATS
    assert says in found.message
