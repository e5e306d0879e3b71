"""Shared parts of the benchmarks: machine description, timing, output, exit."""

import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NoReturn, TypeVar

from tlacheck.engine import Engine, find_engine, find_jvm

ROOT = Path(__file__).resolve().parents[1]


_T = TypeVar("_T")


def sized(full: _T, smallest: _T) -> _T:
    """Return `full`, or `smallest` if `BENCHMARK_SIZE=smallest` asks only that the benchmark runs."""
    return smallest if os.environ.get("BENCHMARK_SIZE") == "smallest" else full


def java() -> Path:
    """Return the `java` command of the JVM that tlacheck uses."""
    return find_jvm().home / "bin" / "java"


def _java_version() -> str:
    done = subprocess.run([java(), "-version"], capture_output=True, text=True, check=True)
    lines = [line for line in done.stderr.splitlines() if "version" in line]
    return lines[0].strip() if lines else "?"


def begin(title: str) -> Engine:
    """Print the subject and the machine; return the engine."""
    engine = find_engine()
    print(f"# {title}")
    print(f"# {os.cpu_count()} cores, {platform.machine()}, load {os.getloadavg()[0]:.1f} at the beginning")
    print(f"# Python {platform.python_version()}; {_java_version()}; {engine.label}", flush=True)
    return engine


def seconds(work: Callable[[], object]) -> float:
    """Return how long the work takes."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def cpu_seconds(work: Callable[[], object]) -> float:
    """Return the CPU time that the work takes in this thread: what else runs on the machine hardly counts."""
    started = time.thread_time()
    work()
    return time.thread_time() - started


def show(what: str, rates: Iterable[float], unit: str) -> float:
    """Print the median of some rates, and all of them; return the median."""
    measured = list(rates)
    median = statistics.median(measured)
    runs = ", ".join(f"{rate:,.0f}" for rate in measured)
    print(f"{what:<44} {median:>12,.0f} {unit}   ({runs})", flush=True)
    return median


def leave() -> NoReturn:
    """End the process although threads of a JVM live in it."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)
