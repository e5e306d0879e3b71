"""TLC's distributed mode on loopback: a server and workers agree with a single process."""

import contextlib
import os
import re
import shlex
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tlacheck.engine import VERSIONS, Engine
from tlacheck.errors import ConfigError, SpecError
from tlacheck.tlc import Checker, CheckResult, Progress, Spec
from tlacheck.tlc.distributed import check_distributed
from tlacheck.trace import EvaluationError

MEMORY_MB = 512


def _counts(result: CheckResult) -> tuple[int, int, int]:
    return result.generated, result.distinct, result.queue


def _refused(engine: Engine, spec: Spec) -> None:
    """This TLC cannot do it, and that is said at once."""
    with pytest.raises(ConfigError, match="cannot check in distributed mode: its server cannot send"):
        check_distributed(spec, engine=engine, local_workers=1, memory_mb=MEMORY_MB, timeout=60)


def test_a_server_and_two_workers_find_what_one_process_finds(
    engine: Engine, checker: Checker, load: Any
) -> None:
    """Under a constraint; all listening sockets are bound to loopback."""
    if engine.version not in VERSIONS:
        _refused(engine, load("Parcels"))
        return
    listening: list[str] = []

    def look(command: str) -> None:
        port = re.search(r"TLCServer\.port=(\d+)", command)
        assert port is not None
        listening.extend(_listening_on(int(port[1])))

    result = check_distributed(
        load("Parcels"), engine=engine, local_workers=2, memory_mb=MEMORY_MB, timeout=120, on_ready=look
    )
    alone = checker.check(load("Parcels"))
    assert str(result.verdict) == "exhausted"
    assert _counts(result) == _counts(alone)
    assert result.trace is None
    assert result.engine == engine.label
    assert not [address for address in listening if address not in ("0100007F", _MAPPED_LOOPBACK)]
    if Path("/proc/net/tcp").exists():
        assert listening


def test_symmetric_states_count_once(one_checker: Checker, load: Any) -> None:
    spec = load("Parcels", "ParcelsAlike")
    result = check_distributed(spec, local_workers=1, memory_mb=MEMORY_MB, timeout=120)
    assert _counts(result) == _counts(one_checker.check(spec))


_MAPPED_LOOPBACK = "0000000000000000FFFF00000100007F"


def _listening_on(port: int) -> list[str]:
    """The addresses on which this machine listens at that port, in Linux's notation."""
    tables = [Path("/proc/net/tcp"), Path("/proc/net/tcp6")]
    lines = [
        line.split() for table in tables if table.exists() for line in table.read_text().splitlines()[1:]
    ]
    ends = [local.split(":") for _, local, _, state, *_ in lines if state == "0A"]
    return [address for address, at in ends if int(at, 16) == port]


def test_a_violation_is_named_with_a_trace_from_the_initial_state(engine: Engine, load: Any) -> None:
    """TLC's own output in this mode names no property and calls the last state but one the initial one."""
    if engine.version not in VERSIONS:
        _refused(engine, load("Parcels", "ParcelsEarly"))
        return
    result = check_distributed(
        load("Parcels", "ParcelsEarly"), engine=engine, local_workers=1, memory_mb=MEMORY_MB, timeout=120
    )
    assert result.verdict.violates == "Early"
    trace = result.trace
    assert trace is not None
    assert set(trace.initial["at"].values()) == {0}
    assert {step.action for step in trace.steps} == {"Move"}
    for before, after in zip(trace.states, trace.states[1:], strict=False):
        assert sum(after["at"].values()) == sum(before["at"].values()) + 1
    assert all(moved >= 2 for moved in trace.states[-1]["at"].values())
    assert any(moved < 2 for moved in trace.states[-2]["at"].values())


def test_an_unevaluable_expression_is_explained(load: Any) -> None:
    with pytest.raises(
        SpecError, match="Naturals!Plus was given a string where it needs an integer"
    ) as refused:
        check_distributed(load("Parcels", "ParcelsSober"), local_workers=1, memory_mb=MEMORY_MB, timeout=120)
    assert refused.value.location is not None
    assert (refused.value.location.line, refused.value.location.column) == (16, 40)
    assert isinstance(refused.value, EvaluationError)


def test_a_deadlock_and_a_false_initial_invariant_are_found(load: Any) -> None:
    deadlock = check_distributed(load("Countdown"), local_workers=1, memory_mb=MEMORY_MB, timeout=120)
    assert deadlock.verdict.violates == "Deadlock"
    assert deadlock.trace is not None
    assert [state["left"] for state in deadlock.trace.states] == [3, 2, 1, 0]
    first = check_distributed(load("DieHard", "DieHardNonzero"), local_workers=0, memory_mb=MEMORY_MB)
    assert first.verdict.violates == "Nonzero"
    assert first.trace is not None
    assert [dict(state) for state in first.trace.states] == [{"big": 0, "small": 0}]


def test_a_false_assumption_is_found_although_tlc_ignores_it(load: Any) -> None:
    result = check_distributed(load("Parcels", "ParcelsNowhere"), local_workers=0, memory_mb=MEMORY_MB)
    assert (result.verdict.violates or "").endswith("Parcels.tla:6:18")


def test_properties_that_tlc_would_silently_ignore_are_refused(load: Any) -> None:
    """TLC says "No error has been found" for a liveness property that it did not check."""
    with pytest.raises(ConfigError, match="temporal properties and action properties and action constraints"):
        check_distributed(load("Parcels", "ParcelsUnsuited"), local_workers=0, memory_mb=MEMORY_MB)


def test_a_server_without_workers_gives_up(load: Any) -> None:
    result = check_distributed(
        load("Parcels"), local_workers=0, patience=0.5, memory_mb=MEMORY_MB, timeout=120
    )
    assert str(result.verdict) == "unknown(no worker for 0.5 s)"
    result = check_distributed(load("Parcels"), local_workers=0, memory_mb=MEMORY_MB, timeout=2)
    assert str(result.verdict) == "unknown(no time left after 2 s)"


class _Helpers:
    """External workers, started with the command that the server prints.

    They run without a JIT compiler, so that the check lasts long enough to kill one during it.
    """

    def __init__(self, folder: Path) -> None:
        self.running: list[subprocess.Popen[bytes]] = []
        self._folder = folder

    def start(self, command: str) -> None:
        slow = ["-Xint", "-Dtlc2.tool.distributed.TLCWorker.threadCount=1"]
        java, *rest = shlex.split(command)
        for number in range(2):
            unpacked = self._folder / f"modules-{number}"  # a TLC that ends takes its modules with it
            unpacked.mkdir()
            words = [java, *slow, f"-Djava.io.tmpdir={unpacked}", *rest]
            self.running.append(
                subprocess.Popen(
                    words, cwd=self._folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
                )
            )


@pytest.fixture
def helpers(tmp_path: Path) -> Iterator[_Helpers]:
    """External workers that are killed after the test."""
    found = _Helpers(tmp_path)
    yield found
    for helper in found.running:
        helper.kill()
        helper.wait()


def test_a_killed_worker_does_not_change_the_result(load: Any, helpers: _Helpers) -> None:
    def kill_one(progress: Progress) -> None:
        if progress.distinct > 50 and len(helpers.running) > 1:
            helpers.running[0].kill()

    result = check_distributed(
        load("Parcels", "ParcelsFar"),
        local_workers=0,
        memory_mb=MEMORY_MB,
        timeout=120,
        on_ready=helpers.start,
        on_progress=kill_one,
    )
    assert helpers.running[0].wait() == -signal.SIGKILL
    assert str(result.verdict) == "exhausted"
    assert result.distinct == 5**5


@pytest.mark.sweep
def test_the_verdict_is_unknown_when_all_workers_are_killed(load: Any, helpers: _Helpers) -> None:
    def kill_all(progress: Progress) -> None:
        if progress.distinct > 50:
            for helper in helpers.running:
                helper.kill()

    result = check_distributed(
        load("Endless"),
        local_workers=0,
        memory_mb=MEMORY_MB,
        timeout=120,
        patience=15,  # workers start slowly on a busy machine
        on_ready=helpers.start,
        on_progress=kill_all,
    )
    # A worker that had nothing to do is missed when it is asked for something.
    assert result.verdict.is_unknown
    assert result.verdict.reason == "no worker for 15 s"
    assert result.distinct > 50


def test_an_interrupt_of_the_caller_ends_all_processes(load: Any) -> None:
    def interrupt(_: Progress) -> None:
        raise KeyboardInterrupt

    before = _children()
    with pytest.raises(KeyboardInterrupt):
        check_distributed(load("Endless"), local_workers=1, memory_mb=MEMORY_MB, on_progress=interrupt)
    assert _children() <= before


def _children() -> set[int]:
    tasks = Path(f"/proc/{os.getpid()}/task")
    if not tasks.is_dir():
        pytest.skip("needs /proc")
    found: set[int] = set()
    for task in tasks.iterdir():
        with contextlib.suppress(FileNotFoundError):  # the thread has ended meanwhile
            found.update(map(int, (task / "children").read_text().split()))
    return found


def test_an_address_that_cannot_be_bound_is_refused(load: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError, match=f"cannot listen on 127.0.0.1, port {port}: "):
            check_distributed(load("Mutex"), port=port)
    with pytest.raises(ConfigError, match="cannot listen on 192.0.2.1: "):
        check_distributed(load("Mutex"), host="192.0.2.1")
    with pytest.raises(ConfigError, match="local_workers is -1"):
        check_distributed(load("Mutex"), local_workers=-1)
