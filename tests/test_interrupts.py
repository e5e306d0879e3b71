"""Commands end when they are told to, whatever a shell ignores, and no worker outlives its parent."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SPECS = ROOT / "tests" / "specs"
_PLENTY = 120.0
_TLACHECK = [sys.executable, "-c", "from tlacheck.cli import main; main()"]
#: How a shell starts something in the background: SIGINT is ignored, by it and by whatever it starts.
_IN_BACKGROUND = ["sh", "-c", 'trap "" INT; exec "$@"', "sh"]


@pytest.fixture(autouse=True)
def _proc() -> None:
    if not Path("/proc/self/environ").exists():
        pytest.skip("needs /proc to find processes")


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., "subprocess.Popen[str]"]]:
    """Starts a command whose processes can be told by the temporary folder in their environment."""
    started: list[subprocess.Popen[str]] = []

    def start(*command: str) -> "subprocess.Popen[str]":
        environment = {**os.environ, "TMPDIR": str(tmp_path), "PYTHONPATH": f"{ROOT}:{ROOT / 'examples'}"}
        process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=tmp_path,
            env=environment,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate(timeout=_PLENTY)
    for pid in _alive(tmp_path):
        os.kill(pid, signal.SIGKILL)


def _alive(folder: Path) -> list[int]:
    """The processes that were started with this temporary folder."""
    mark = f"TMPDIR={folder}".encode()  # workers have folders of their own in it
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdecimal() and mark in (entry / "environ").read_bytes():
                found.append(int(entry.name))
        except OSError:
            continue  # it is gone, or somebody else's
    return found


def _wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _PLENTY
    while not holds():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.05)


def test_a_command_that_ignores_interrupts_ends_on_sigterm(
    start: Callable[..., "subprocess.Popen[str]"], tmp_path: Path
) -> None:
    process = start(*_IN_BACKGROUND, *_TLACHECK, "check", str(SPECS / "Endless.tla"), "--memory", "128")
    _wait_until(lambda: len(_alive(tmp_path)) > 1)
    process.send_signal(signal.SIGINT)
    time.sleep(0.2)
    assert process.poll() is None
    process.terminate()
    process.communicate(timeout=_PLENTY)
    assert process.returncode == 128 + signal.SIGTERM
    _wait_until(lambda: not _alive(tmp_path))


def test_a_command_that_ignores_interrupts_ends_by_itself(
    start: Callable[..., "subprocess.Popen[str]"],
) -> None:
    process = start(*_IN_BACKGROUND, *_TLACHECK, "check", str(SPECS / "DieHard.tla"), "--memory", "128")
    output, _ = process.communicate(timeout=_PLENTY)
    assert process.returncode == 0, output


def test_tests_of_interrupts_end_where_a_shell_ignores_them(
    start: Callable[..., "subprocess.Popen[str]"],
) -> None:
    """`nohup make test &` in a script would wait for ever for a child that never sees its SIGINT."""
    chosen = (
        "--rootdir",
        str(ROOT),
        str(ROOT / "tests" / "tlc" / "test_pool.py"),
        "-k",
        "test_ctrl_c_ends_all_workers",
    )
    process = start(*_IN_BACKGROUND, sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *chosen)
    output, _ = process.communicate(timeout=_PLENTY)
    assert process.returncode == 0, output


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize(
    "command",
    [
        ("soak", "lock.protocol:LOCK", "--jobs", "2", "--seeds", "1000", "--steps", "1000"),
        ("check", str(SPECS / "Endless.tla"), "--memory", "128"),
    ],
    ids=lambda command: command[0],
)
def test_no_worker_outlives_a_command_that_is_killed(
    start: Callable[..., "subprocess.Popen[str]"], tmp_path: Path, command: tuple[str, ...], seed: int
) -> None:
    process = start(*_TLACHECK, *command)
    _wait_until(lambda: len(_alive(tmp_path)) > 1)
    time.sleep(random.Random(seed).uniform(0, 3))
    process.kill()
    process.communicate(timeout=_PLENTY)
    _wait_until(lambda: not _alive(tmp_path))


# --- a busy machine


def _under_load(*words: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, str(ROOT / "tools" / "under_load.py"), *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=_PLENTY, check=False)


@pytest.mark.sweep
def test_a_check_beside_eight_busy_processes_says_the_same() -> None:
    busy = _under_load("--", *_TLACHECK, "check", str(SPECS / "DieHard.tla"), "--memory", "128")
    assert busy.returncode == 0, busy.stdout + busy.stderr
    assert "16 distinct" in busy.stdout


def test_a_command_under_load_keeps_its_status_and_its_mistakes_are_told() -> None:
    assert _under_load("1", "--", sys.executable, "-c", "raise SystemExit(7)").returncode == 7
    refused = _under_load("eight", "--", "true")
    assert (refused.returncode, "usage: " in refused.stderr) == (2, True)


def test_busy_processes_end_with_what_started_them(
    start: Callable[..., "subprocess.Popen[str]"], tmp_path: Path
) -> None:
    tool = str(ROOT / "tools" / "under_load.py")
    process = start(sys.executable, tool, "3", "--", "sleep", "5")
    _wait_until(lambda: len(_alive(tmp_path)) >= 5)
    process.kill()
    _wait_until(lambda: len(_alive(tmp_path)) <= 1)  # `sleep`, which ends by itself
