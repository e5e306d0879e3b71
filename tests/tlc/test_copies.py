"""The reused copy of TLC's classes: what ran before in it makes no difference."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tlacheck.engine import VERSIONS, Engine
from tlacheck.tlc import Checker, Spec

ZOO = Path(__file__).parents[1] / "zoo"
LIMIT_SECONDS = 120

#: Models that end in all ways, and that use the parts of TLC with state of their own: strings, model values,
#: symmetry, views, liveness, PlusCal, prints, random numbers.
MODELS = (
    "AssumedOdd",
    "Bank",
    "BufferNeverEmpty",
    "CalculatorMistaken",
    "Clock",
    "CoffeeCanOne",
    "Countdown",
    "CountdownAssert",
    "CountdownGarbled",
    "Election",
    "ElevatorKept",
    "Euclid",
    "LatticeAlike",
    "LostUpdateUnlocked",
    "PetersonUnfair",
    "ReadersWritersAlike",
    "TrafficLightStays",
    "TwoPhase",
    "Unbalanced",
    "Undefined",
    "Walk",
)


class Process:
    """A process that checks models as `one_process.py` says."""

    def __init__(self, how: str, engine: Engine) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("one_process.py")), how],
            env={**os.environ, "TLACHECK_JAR": str(engine.jar)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def check(self, name: str) -> dict[str, Any]:
        """Return the answer for one model."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(name + "\n")
        self._process.stdin.flush()
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        return answer

    def close(self) -> None:
        """End the process."""
        self._process.communicate(timeout=LIMIT_SECONDS)


@pytest.fixture(scope="module")
def stack() -> Iterator[ExitStack]:
    """Ends the processes of this module."""
    with ExitStack() as processes:
        yield processes


def opened(stack: ExitStack, how: str, engine: Engine) -> Process:
    process = Process(how, engine)
    stack.callback(process.close)
    return process


@pytest.fixture(scope="module")
def fresh(engine: Engine, stack: ExitStack) -> dict[str, str]:
    """The result of each model in a copy that nothing else has used."""
    process = opened(stack, "fresh", engine)
    return {name: process.check(name)["result"] for name in MODELS}


@pytest.fixture(scope="module")
def reused(engine: Engine, stack: ExitStack) -> Process:
    """A process whose copy has been used by all that was drawn before."""
    process = opened(stack, "reused", engine)
    process.check("Clock")  # the first run of a process has a copy to itself
    return process


@settings(max_examples=8, deadline=None)
@given(names=st.lists(st.sampled_from(MODELS), min_size=2, max_size=8))
def test_what_ran_before_changes_no_result_and_leaves_nothing(
    fresh: dict[str, str], reused: Process, names: list[str]
) -> None:
    """Otherwise a verdict, a count or a trace would depend on the order of the checks."""
    for name in names:
        answer = reused.check(name)
        assert answer["result"] == fresh[name]
        assert answer["differences"] == []


def test_models_of_all_kinds_share_one_copy(reused: Process, engine: Engine) -> None:
    """Otherwise the tests above would say nothing: each run would have a copy of its own."""
    before = reused.check("Clock")["copies"]
    more = 0 if engine.version in VERSIONS else 1  # what newer TLCs keep cannot be restored
    copies = [before + more * (number + 1) for number in range(len(MODELS))]
    assert [reused.check(name)["copies"] for name in MODELS] == copies


def test_a_copy_that_is_not_restored_gives_other_results(
    fresh: dict[str, str], engine: Engine, stack: ExitStack
) -> None:
    process = opened(stack, "unrestored", engine)
    answers = {name: process.check(name) for name in ("Clock", "Bank", "PetersonUnfair", "Walk", "TwoPhase")}
    if engine.version not in VERSIONS:  # its classes are not used again, restored or not
        assert {name: answer["result"] for name, answer in answers.items()}.items() <= fresh.items()
        return
    assert any(answer["result"] != fresh[name] for name, answer in answers.items())
    assert "tlc2.TLCGlobals.metaDir" in answers["Walk"]["differences"]


def test_coverage_is_counted_whatever_ran_before(engine: Engine) -> None:
    """Some classes ask when they are initialised whether there is coverage."""
    spec = Spec.load(ZOO / "Clock.tla", ZOO / "Clock.cfg")
    with Checker(engine=engine, memory_mb=1024, light=True) as checker:
        first = checker.check(spec, coverage=True).coverage
        for _ in range(3):
            checker.check(spec)
        assert checker.check(spec, coverage=True).coverage == first
    assert first is not None
    assert first.actions[0].taken


LATE = """---- MODULE Late ----
EXTENDS TLC, Naturals
VARIABLE n
Init == n = 0
Next == n < 1 /\\ n' = n + 1
Soon == TLCGet("duration") < 2
====
"""


def test_the_duration_of_a_run_begins_with_it(one_engine: Engine, tmp_path: Path) -> None:
    """The class of TLC's module notes the time when it is initialised."""
    (tmp_path / "Late.tla").write_text(LATE, encoding="utf-8")
    (tmp_path / "Late.cfg").write_text("INIT Init\nNEXT Next\nINVARIANT Soon\n", encoding="utf-8")
    late, clock = Spec.load(tmp_path / "Late.tla"), Spec.load(ZOO / "Clock.tla", ZOO / "Clock.cfg")
    with Checker(engine=one_engine, memory_mb=1024, light=True) as checker:
        checker.check(clock)
        checker.check(clock)
        time.sleep(2.2)
        assert str(checker.check(late, deadlock=False).verdict) == "exhausted"


def test_no_finalizer_has_files_to_close(reused: Process, engine: Engine, stack: ExitStack) -> None:
    """It would close them again, in a later run, and their buffers would be given to two files at once."""
    armed = opened(stack, "armed", engine)
    armed.check("Clock")
    assert armed.check("Bank")["files"] > 0
    assert reused.check("Bank")["files"] == 0


def test_a_worker_outlives_many_runs(one_engine: Engine) -> None:
    """A worker ends after fifty copies: this one has made fewer."""
    with Checker(engine=one_engine, memory_mb=1024, light=True) as checker:
        spec = Spec.load(ZOO / "Clock.tla", ZOO / "Clock.cfg")
        checker.check(spec)
        first = checker.worker_pid
        for _ in range(55):
            checker.check(spec)
        assert checker.worker_pid == first
