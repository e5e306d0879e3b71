"""A mutant is its module with one edit made on import; nothing else changes."""

import importlib
import sys
from pathlib import Path

import attrs
import pytest

from tlacheck.errors import ConfigError
from tlacheck.mutants import Mutant
from tlacheck.mutants.mutation import install, mutated_source

DOUBLE = Mutant(name="once", bug="T-1", module="toy.maths", old="return n * 2", new="return n")


def test_an_edit_replaces_its_text() -> None:
    assert mutated_source(DOUBLE, "def f(n):\n    return n * 2\n") == "def f(n):\n    return n\n"


@pytest.mark.parametrize(
    ("source", "count"), [("return n * 3", 0), ("return n * 2\nreturn n * 2", 2)], ids=["absent", "twice"]
)
def test_an_edit_that_does_not_fit_is_an_error(source: str, count: int) -> None:
    """Code changes; a mutant that no longer applies would be caught or survive by mistake."""
    with pytest.raises(
        ConfigError, match=f"mutant once: its text occurs {count} times in toy.maths, not once"
    ) as e:
        mutated_source(DOUBLE, source)
    assert "Has the code changed? The text is: 'return n * 2'" in str(e.value)


def test_a_mutant_changes_the_imported_module_and_not_its_file(importable: Path) -> None:
    before = {path: path.read_bytes() for path in importable.rglob("*.py")}
    install(DOUBLE)
    maths = importlib.import_module("toy.maths")
    assert maths.double(3) == 3
    assert maths.half(3) == 1
    assert {path: path.read_bytes() for path in importable.rglob("*.py")} == before


def test_a_mutant_leaves_no_bytecode(importable: Path) -> None:
    install(DOUBLE)
    importlib.import_module("toy.maths")
    assert not list(importable.rglob("maths*.pyc"))


def test_cached_bytecode_of_the_original_is_not_used(
    importable: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    assert importlib.import_module("toy.maths").double(3) == 6
    assert list(importable.rglob("maths*.pyc"))
    del sys.modules["toy.maths"]
    install(DOUBLE)
    assert importlib.import_module("toy.maths").double(3) == 3


def test_a_traceback_of_a_mutant_points_at_the_file(importable: Path) -> None:
    install(attrs.evolve(DOUBLE, new="raise ValueError(n)"))
    maths = importlib.import_module("toy.maths")
    assert maths.__file__ == str(importable / "maths.py")
    with pytest.raises(ValueError, match="3") as caught:
        maths.double(3)
    assert caught.traceback[-1].path == importable / "maths.py"


def test_an_imported_module_cannot_be_mutated(importable: Path) -> None:
    assert importable.is_dir()
    importlib.import_module("toy.maths")
    with pytest.raises(ConfigError, match=r"toy\.maths is imported already, the change would come too late"):
        install(DOUBLE)


@pytest.mark.usefixtures("importable")
def test_installing_an_edit_that_does_not_fit_changes_nothing() -> None:
    finders = sys.meta_path.copy()
    with pytest.raises(ConfigError, match="occurs 0 times"):
        install(attrs.evolve(DOUBLE, old="return n * 7"))
    assert sys.meta_path == finders
    assert importlib.import_module("toy.maths").double(3) == 6


@pytest.mark.usefixtures("importable")
def test_a_missing_module_is_named() -> None:
    with pytest.raises(ConfigError, match=r"there is no module toy\.physics on the path"):
        install(attrs.evolve(DOUBLE, module="toy.physics"))


@pytest.mark.usefixtures("importable")
def test_other_modules_are_imported_unchanged() -> None:
    install(DOUBLE)
    assert importlib.import_module("toy.mutants").MATHS == "toy.maths"
