"""The pytest plugin, seen from outside: a pytest process on a small test file."""

import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from tlacheck import itf

_HEAD = """
from immutabledict import immutabledict
from tlacheck.conform.lockstep import Diverged
from tlacheck.trace import Origin, Step, Trace, Violation

def wrong():
    none = immutabledict()
    steps = (Step("Raise", immutabledict(by=1), immutabledict(total=2)),)
    violation = Violation(property="conforms to Tally", step=1, explanation=("total differs",))
    raise Diverged(Trace(initial=immutabledict(total=0), steps=steps, origin=Origin(source="lockstep"),
                         violation=violation))
"""


def _pytest(folder: Path, text: str, *options: str) -> tuple[int, str]:
    (folder / "test_inner.py").write_text(text, encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:randomly", *options]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def test_a_failing_test_is_listed_with_its_trace_file(tmp_path: Path) -> None:
    """Also if the trace belongs to the cause of another exception and is not written yet."""
    text = (
        _HEAD
        + """
import pytest

def test_wrong():
    wrong()

@pytest.mark.parametrize("name", ["a/b"])
def test_behind(name):
    try:
        wrong()
    except Diverged as error:
        raise RuntimeError("of another kind") from error

def test_other():
    raise ValueError("no trace")

def test_right(tlacheck_seed, tlacheck_budget):
    assert (tlacheck_seed, tlacheck_budget) == (7, "smoke")
"""
    )
    status, said = _pytest(
        tmp_path,
        text,
        "--tlacheck-seed=7",
        "--tlacheck-budget=smoke",
        "--tlacheck-traces=kept",
        "--junitxml=x.xml",
    )
    assert status == 1
    assert "3 failed, 1 passed" in said
    listed = said[said.index("traces of failing tests") :]
    assert "test_inner.py::test_wrong\n  trace:   kept/test_inner.py-test_wrong.itf.json\n" in listed
    assert "inspect: tlacheck trace show kept/test_inner.py-test_wrong.itf.json" in listed
    assert "test_inner.py::test_behind[a/b]\n  trace:   kept/test_inner.py-test_behind-a-b.itf.json" in listed
    assert "seed: 7 (--tlacheck-seed)" in listed
    assert "test_other" not in listed.partition("short test summary")[0]
    trace = itf.read(tmp_path / "kept" / "test_inner.py-test_wrong.itf.json")
    assert trace.violation is not None
    assert trace.steps[0].arguments == {"by": 1}
    report = ET.parse(tmp_path / "x.xml")  # noqa: S314 - we wrote it
    cases = {case.get("name"): case for case in report.iter("testcase")}
    properties = {item.get("name"): item.get("value") for item in cases["test_wrong"].iter("property")}
    assert properties == {
        "tlacheck_trace": "kept/test_inner.py-test_wrong.itf.json",
        "tlacheck_seed": "7",
        "tlacheck_budget": "smoke",
    }
    assert not list(cases["test_right"].iter("property"))


def test_the_seed_and_the_budget_reach_hypothesis(tmp_path: Path) -> None:
    text = """
from hypothesis import given, settings, strategies as st
drawn = []

@settings(database=None)
@given(st.integers())
def test_draws(number):
    drawn.append(number)

def test_tells():
    assert len(drawn) <= 20
    print("drawn", drawn)
"""
    options = ("-s", "--tlacheck-budget=smoke")
    one, other, third = (_pytest(tmp_path, text, *options, f"--tlacheck-seed={seed}") for seed in (1, 1, 2))
    drawn = [next(line for line in said.splitlines() if "drawn" in line) for _, said in (one, other, third)]
    assert one[0] == other[0] == third[0] == 0
    assert drawn[0] == drawn[1] != drawn[2]


def test_an_unknown_budget_is_refused(tmp_path: Path) -> None:
    status, said = _pytest(tmp_path, "", "--tlacheck-budget=huge")
    assert status == 4
    assert "invalid choice: 'huge'" in said


@pytest.mark.parametrize("failing", [False, True])
def test_heavy_imports_are_lazy(tmp_path: Path, *, failing: bool) -> None:
    """A plugin that is always loaded must cost nothing where it is unused."""
    text = f"""
import sys

def test_first():
    assert not {failing}

def test_second():
    assert not {{"jpype", "z3", "tlacheck.tlc", "tlacheck.itf", "click", "rich"}} & set(sys.modules)
"""
    _, said = _pytest(tmp_path, text, "-p", "no:hypothesispytest", "-p", "no:cacheprovider")
    assert ("1 failed, 1 passed" if failing else "2 passed") in said
