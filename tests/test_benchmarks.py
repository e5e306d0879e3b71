"""Each benchmark runs to its end at its smallest size; what it measures there means nothing."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.sweep

ROOT = Path(__file__).resolve().parents[1]
BENCHMARKS = sorted(path.stem for path in (ROOT / "benchmarks").glob("[!_]*.py"))
_SECONDS = 240


@pytest.mark.parametrize("name", BENCHMARKS)
def test_benchmark_runs_to_its_end_at_its_smallest_size(name: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", f"benchmarks.{name}"],
        cwd=ROOT,
        env={**os.environ, "BENCHMARK_SIZE": "smallest"},
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    assert "cores" in done.stdout


def test_make_bench_runs_every_benchmark() -> None:
    recipe = re.search(r"for b in (.*?); \\", (ROOT / "Makefile").read_text(encoding="utf-8"), re.DOTALL)
    assert recipe
    assert sorted(recipe[1].replace("\\", " ").split()) == BENCHMARKS
