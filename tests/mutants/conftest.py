"""A toy package to mutate: `toy.maths`, its mutants and its layers of checks, in a temporary folder."""

from pathlib import Path

import pytest

_MATHS = '''"""The module to mutate."""


def double(n):
    return n * 2


def half(n):
    return n // 2
'''

_MUTANTS = """from tlacheck.mutants import Mutant

MATHS = "toy.maths"
MUTANTS = (
    Mutant(name="doubles-once", bug="T-1", module=MATHS, old="return n * 2", new="return n"),
    Mutant(name="half-rounds-up", bug="T-2", module=MATHS, old="return n // 2", new="return (n + 1) // 2"),
    Mutant(
        name="adds-instead", bug="none", module=MATHS, old="return n * 2", new="return n + n",
        equivalent=True, why="n + n is n * 2",
    ),
)
HALF_OF_LARGE = Mutant(name="half-of-large", bug="T-3", module=MATHS, old="n // 2", new="n // 2 + (n > 999)")
UNNOTICED = (*MUTANTS, HALF_OF_LARGE)
TRIPLE = {"module": MATHS, "old": "n * 2", "new": "n * 3"}
NOT_EQUIVALENT = (Mutant(name="claims-too-much", bug="none", **TRIPLE, equivalent=True, why="?"),)
FAILS = {"module": MATHS, "old": "return n * 2", "new": "raise ValueError('no double')"}
RAISES = (Mutant(name="raises", bug="T-4", **FAILS),)
DIES = (Mutant(name="dies", bug="T-5", module=MATHS, old="return n // 2", new="import os; os._exit(7)"),)
UNFIT = (Mutant(name="unfit", bug="T-6", module=MATHS, old="return n * 5", new="return n"),)
"""

_CHECKS = """from immutabledict import immutabledict

from tlacheck import itf
from tlacheck.trace import Origin, Step, Trace
from tlacheck.verdict import Verdict
from tlacheck.verify import Outcome
from toy.maths import double, half


def doubles(context):
    context.progress("doubling")
    print("what a check prints is not an answer")
    if double(3) != 6:
        return Outcome(verdict=Verdict.violated("DoubleIsTwice"))
    return Outcome(verdict=Verdict.sampled(1, context.seed))


def halves(context, *, upto):
    for n in range(upto):
        if half(n) * 2 > n or double(half(2 * n)) != 2 * n:
            state = immutabledict(n=n)
            trace = Trace(
                initial=state,
                steps=(Step("Halve", immutabledict(), state),) * 2,
                origin=Origin(source="toy", seed=context.seed),
            )
            path = context.folder / "counterexample.itf.json"
            itf.write(trace, path)
            return Outcome(verdict=Verdict.violated("HalfIsHalf"), trace=path)
    return Outcome(verdict=Verdict.sampled(upto, context.seed))
"""

_LAYERS = """from tlacheck.mutants import Layer

LAYERS = (Layer("doubles", "toy.checks:doubles"), Layer("halves", "toy.checks:halves", {"upto": 9}))
"""


@pytest.fixture
def toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the toy package, as current folder like for `tlacheck mutants`."""
    package = tmp_path / "toy"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "maths.py").write_text(_MATHS, encoding="utf-8")
    (package / "mutants.py").write_text(_MUTANTS, encoding="utf-8")
    (package / "checks.py").write_text(_CHECKS, encoding="utf-8")
    (package / "layers.py").write_text(_LAYERS, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return package


@pytest.fixture
def importable(toy: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The toy package, importable by this process and unloaded after the test."""
    import sys

    monkeypatch.syspath_prepend(toy.parent)
    monkeypatch.setattr(sys, "meta_path", sys.meta_path.copy())
    monkeypatch.setattr(sys, "modules", sys.modules.copy())
    return toy
