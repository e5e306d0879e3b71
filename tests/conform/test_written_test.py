"""A failing run becomes a test that fails until the bug is fixed."""

import importlib.util
import subprocess
import sys
from pathlib import Path
from typing import Any

import attrs
import pytest

from tests.conform.toys import CALLS, Wraps, run
from tlacheck import itf
from tlacheck.conform.replay import replay
from tlacheck.conform.written_test import write_test
from tlacheck.errors import ConfigError, TraceError
from tlacheck.trace import Trace, Violation

_RAISES = [("Raise", {"by": 2})] * 3


def _failing() -> Trace:
    found = replay(run(*_RAISES), Wraps())
    return attrs.evolve(found, origin=attrs.evolve(found.origin, seed=7, command='explore "again"\\n'))


def _test_in(path: Path) -> Any:
    """The function that the module at `path` defines."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return getattr(module, path.stem)


def test_a_written_test_fails_on_the_wrong_system_only(tmp_path: Path) -> None:
    wrong = write_test(_failing(), tmp_path, "tests.conform.toys:Wraps", name="wraps at 5")
    right = write_test(_failing(), tmp_path, "tests.conform.toys:Tally", name="mended")
    assert (wrong.module.name, wrong.trace.name) == ("test_wraps_at_5.py", "wraps_at_5.itf.json")
    with pytest.raises(AssertionError, match="total: the spec has 6, the system has 1"):
        _test_in(wrong.module)()
    _test_in(right.module)()


def test_a_written_test_replays_the_demanded_behaviour(tmp_path: Path) -> None:
    written = write_test(_failing(), tmp_path, "tests.conform.toys:Wraps", name="wraps")
    behaviour = itf.read(written.trace)
    assert behaviour.violation is None
    assert [state["total"] for state in behaviour.states] == [0, 2, 4, 6]


def test_a_written_test_names_its_origin_and_passes_the_linter(tmp_path: Path) -> None:
    """Also when the command has quotes and backslashes."""
    written = write_test(_failing(), tmp_path, "tests.conform.toys:Wraps", name="wraps")
    text = written.module.read_text(encoding="utf-8")
    assert "seed 7, tlacheck " in text
    assert "Steps: Raise, Raise, Raise." in text
    config = Path(__file__).parents[2] / "pyproject.toml"
    command = [
        sys.executable, "-m", "ruff", "check", "--config", str(config), "--ignore", "INP001,D,S101,SLF001",
    ]  # fmt: skip
    done = subprocess.run([*command, str(written.module)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_no_test_is_written_of_a_run_without_a_demand(tmp_path: Path) -> None:
    with pytest.raises(TraceError, match="this one does not"):
        write_test(run(*CALLS), tmp_path, "tests.conform.toys:Wraps", name="x")
    disallowed = attrs.evolve(run(*CALLS), violation=Violation(property="conforms", step=5))
    with pytest.raises(TraceError, match="it allows no such step"):
        write_test(disallowed, tmp_path, "tests.conform.toys:Wraps", name="x")
    with pytest.raises(ConfigError, match="no test can be written"):
        write_test(_failing(), tmp_path, "x'); import os", name="x")
    assert not list(tmp_path.iterdir())
