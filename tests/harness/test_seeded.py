"""A seed repeats the examples of a machine, whatever else the process has imported."""

import importlib.util
import sys
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.internal.conjecture import providers
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from tlacheck.harness.seeded import run_seeded

_LIMITS = settings(max_examples=200, database=None, deadline=None)


class Drawn(RuleBasedStateMachine):
    """Remembers what was drawn."""

    numbers: list[int]

    @rule(number=st.integers(0, 1 << 40))
    def draw(self, number: int) -> None:
        self.numbers.append(number)


def _drawn(seed: int) -> list[int]:
    machine: Any = type("Drawn", (Drawn,), {"numbers": []})
    run_seeded(machine, seed=seed, limits=_LIMITS)
    numbers: list[int] = machine.numbers
    return numbers


@pytest.fixture
def module_of_numbers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Imports a module whose source is full of numbers."""

    def load() -> None:
        # Hypothesis passes over folders of tests.
        path = tmp_path / "numbers_of_mine.py"
        path.write_text("\n".join(f"x{each} = {777_000_000 + each}" for each in range(500)), encoding="utf-8")
        found = importlib.util.spec_from_file_location(path.stem, path)
        assert found is not None
        assert found.loader is not None
        module = importlib.util.module_from_spec(found)
        monkeypatch.setitem(sys.modules, path.stem, module)
        found.loader.exec_module(module)

    return load


def test_a_seed_gives_the_same_examples_whatever_was_imported_meanwhile(module_of_numbers: Any) -> None:
    before = _drawn(0)
    module_of_numbers()
    assert _drawn(0) == before
    assert _drawn(1) != before
    assert not any(777_000_000 <= number < 777_000_500 for number in before)


def test_hypothesis_alone_draws_from_what_was_imported(module_of_numbers: Any) -> None:
    """Should this fail, Hypothesis has changed: `seeded` can go, or must follow."""
    module_of_numbers()
    machine: Any = type("Drawn", (Drawn,), {"numbers": []})
    run_state_machine_as_test(machine, settings=_LIMITS)
    assert any(777_000_000 <= number < 777_000_500 for number in machine.numbers)


def test_hypothesis_is_left_as_it_was_even_by_a_machine_that_fails() -> None:
    class Fails(RuleBasedStateMachine):
        @rule()
        def fail(self) -> None:
            raise ZeroDivisionError

    before = providers._get_local_constants
    with pytest.raises(ZeroDivisionError):
        run_seeded(Fails, seed=0, limits=_LIMITS)
    assert providers._get_local_constants is before


def test_examples_are_not_variants_of_each_other() -> None:
    """Hypothesis alone lets most of them begin as one before did; how many do is measured beside ours."""
    begun: list[int] = []

    class Begins(RuleBasedStateMachine):
        is_first = True

        @rule(number=st.integers(0, 1 << 40))
        def draw(self, number: int) -> None:
            if self.is_first:
                begun.append(number)
            self.is_first = False

    run_seeded(Begins, seed=0, limits=_LIMITS)
    ours = len(set(begun)) / len(begun)
    begun.clear()
    run_state_machine_as_test(hypothesis.seed(0)(Begins), settings=_LIMITS)
    assert ours > 2 * len(set(begun)) / len(begun)
