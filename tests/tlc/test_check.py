"""Checks by TLC on both engines, for specs with known outcomes."""

import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from immutabledict import immutabledict

from tlacheck import itf
from tlacheck.engine import Engine, find_jvm
from tlacheck.errors import ConfigError
from tlacheck.tlc import Checker, CheckResult, Progress, Spec, check
from tlacheck.tlc.cli.check import check_command
from tlacheck.values import ModelValue

P, Q = ModelValue("p"), ModelValue("q")


def _counts(result: CheckResult) -> tuple[int, int, int, int]:
    return result.generated, result.distinct, result.queue, result.depth


@pytest.mark.parametrize(
    ("module", "options", "counts"),
    [
        ("DieHard", {}, (97, 16, 0, 8)),  # 1 + 16 states of 6 successors each; the last is 7 pourings away
        ("Mutex", {}, (15, 8, 0, 4)),  # worked out in the module
        ("Countdown", {"deadlock": False}, (4, 4, 0, 4)),  # 3, 2, 1, 0
    ],
)
def test_the_counts_are_the_expected_ones(
    checker: Checker, load: Any, module: str, options: dict[str, Any], counts: tuple[int, ...]
) -> None:
    result = checker.check(load(module), **options)
    assert str(result.verdict) == "exhausted"
    assert _counts(result) == counts
    assert result.trace is None


def test_the_counts_are_those_of_plain_tlc(
    checker: Checker, engine: Engine, load: Any, tmp_path: Path
) -> None:
    spec = load("Mail")
    java = [
        str(find_jvm().executable),
        "-XX:+UseParallelGC",
        f"-Duser.home={tmp_path}",
        "-cp",
        str(engine.jar),
    ]
    for path in spec.path.parent.glob("Mail*"):
        shutil.copy(path, tmp_path)
    done = subprocess.run(
        [*java, "tlc2.TLC", "Mail.tla"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    said = re.search(r"(\d+) states generated, (\d+) distinct states found, (\d+) states left", done.stdout)
    depth = re.search(r"search is (\d+)", done.stdout)
    assert said, done.stdout
    assert depth, done.stdout
    result = checker.check(spec)
    assert _counts(result) == (*map(int, said.groups()), int(depth[1]))


def test_a_violated_invariant_comes_with_the_shortest_trace(checker: Checker, load: Any) -> None:
    result = checker.check(load("DieHard", "DieHardNotFour"))
    assert result.verdict.is_violated
    assert result.verdict.violates == "NotFour"
    trace = result.trace
    assert trace is not None
    assert [step.action for step in trace.steps] == [
        "FillBig", "BigToSmall", "EmptySmall", "BigToSmall", "FillBig", "BigToSmall",
    ]  # fmt: skip
    assert trace.states[-1] == {"big": 4, "small": 3}
    assert trace.variables == ("big", "small")
    assert trace.loop is None
    assert trace.violation is not None
    assert (trace.violation.property, trace.violation.step) == ("NotFour", 6)
    assert trace.origin.source == "tlc"
    assert trace.origin.engine == result.engine == checker.engine.label
    assert trace.origin.command.startswith("tlacheck check ")


def test_an_invariant_false_initially_has_a_trace_without_steps(checker: Checker, load: Any) -> None:
    result = checker.check(load("DieHard", "DieHardNonzero"))
    assert result.verdict.violates == "Nonzero"
    assert result.trace is not None
    assert [dict(state) for state in result.trace.states] == [{"big": 0, "small": 0}]
    assert result.trace.violation is not None
    assert result.trace.violation.step == 0


def test_a_spec_of_one_variable_has_a_trace_too(checker: Checker, load: Any) -> None:
    result = checker.check(load("Mutex", "MutexBroken"))
    assert result.verdict.violates == "Exclusion"
    assert result.trace is not None
    assert len(result.trace) == 4
    assert result.trace.states[-1] == {"pc": {P: "critical", Q: "critical"}}


def test_a_violated_action_property_is_named(checker: Checker, load: Any) -> None:
    result = checker.check(load("DieHard", "DieHardNeverLess"))
    assert result.verdict.violates == "NeverLess"
    assert result.trace is not None
    assert [step.action for step in result.trace.steps] == ["FillBig", "EmptyBig"]


def test_stuttering_is_a_loop_on_the_last_state(checker: Checker, load: Any) -> None:
    result = checker.check(load("DieHard", "DieHardSolved"))
    assert result.verdict.violates == "Solved"
    trace = result.trace
    assert trace is not None
    assert trace.loop == len(trace)
    assert trace.violation is not None
    assert trace.violation.step is None


def test_starvation_is_a_lasso_that_never_serves_a_waiting_process(checker: Checker, load: Any) -> None:
    result = checker.check(load("Mutex", "MutexWeak"))
    assert result.verdict.violates == "Served"
    trace = result.trace
    assert trace is not None
    assert trace.loop is not None
    loop = [state["pc"] for state in trace.states[trace.loop :]]
    assert any(all(pc[who] == "waiting" for pc in loop) for who in (P, Q))
    assert checker.check(load("Mutex", "MutexUnfair")).verdict.violates == "Served"
    assert checker.check(load("Mutex", "MutexStrong")).verdict.is_established


def test_of_several_temporal_properties_the_violated_one_is_named(checker: Checker, load: Any) -> None:
    result = checker.check(load("DieHard", "DieHardTwo"))
    assert result.verdict.violates == "Solved"


def test_a_deadlock_is_a_violation_unless_allowed(checker: Checker, load: Any) -> None:
    result = checker.check(load("Countdown"))
    assert result.verdict.violates == "Deadlock"
    assert result.trace is not None
    assert [state["left"] for state in result.trace.states] == [3, 2, 1, 0]
    assert checker.check(load("Countdown"), deadlock=False).verdict.is_established


def test_a_false_assumption_is_a_violation_without_a_trace(checker: Checker, load: Any) -> None:
    result = checker.check(load("Countdown", "CountdownShort"))
    assert result.verdict.is_violated
    assert (result.verdict.violates or "").endswith("Countdown.tla:5:8")
    assert result.trace is None


def test_every_kind_of_value_comes_through(checker: Checker, load: Any) -> None:
    result = checker.check(load("Kinds"))
    assert result.trace is not None
    n1, n2 = ModelValue("n1"), ModelValue("n2")
    power = result.trace.initial["power"]
    assert len(power) == 2**11
    assert frozenset(range(1, 12)) in power
    assert {name: value for name, value in result.trace.initial.items() if name not in ("power", "long")} == {
        "step": 0,
        "negative": -7,
        "boolean": True,
        "text": 'say "hi", {back\\slash} >> \n\t.',
        "model": n1,
        "set": {1, 2, 3},
        "interval": {-1, 0, 1, 2},
        "subsets": {frozenset(), frozenset({1}), frozenset({2}), frozenset({1, 2})},
        "functionset": {(n1, n1), (n1, n2), (n2, n1), (n2, n2)},
        "recordset": {immutabledict({"a": a, "b": b}) for a in (1, 2) for b in (False, True)},
        "product": {(1, n1), (2, n1)},
        "union": {1, 2},
        "tuple": (1, "x", frozenset({n1})),
        "sequence": ({"a": 1}, {"a": 2}),
        "record": {"zeta": 1, "alpha": (2,)},
        "nested": {n: {"seen": frozenset({immutabledict({"from": n, "log": ()})})} for n in (n1, n2)},
        "onModels": {n1: frozenset({n1}), n2: frozenset({n2})},
        "fromZero": {0: 0, 1: 1, 2: 4},
        "fromOne": (-1, -2, -3),
        "twoArguments": {(1, n1): 1, (2, n1): 2},
        "onTexts": {"a b": 1, "c": 1},
        "merged": {n1: 1, n2: 2},
        "noTuple": (),
        "noSet": frozenset(),
    }
    assert result.trace.initial["long"][n1].endswith("so after eighty characters")
    assert result.trace.variables[:3] == ("step", "negative", "boolean")
    assert itf.from_json(itf.to_json(result.trace)) == result.trace


def test_the_event_gives_action_and_arguments_and_the_view_hides_it(checker: Checker, load: Any) -> None:
    assert _counts(checker.check(load("MailEvents", "MailEventsHalf")))[1] < 16 + 1
    result = checker.check(load("MailEvents"))
    assert result.trace is not None
    (step,) = result.trace.steps
    a, b = ModelValue("a"), ModelValue("b")
    assert step.action == "Send"
    assert step.arguments in ({"from": a, "to": b}, {"from": b, "to": a})
    assert result.trace.variables == ("box", "got", "event")


def test_specs_checked_in_one_worker_do_not_affect_each_other(one_engine: Engine, load: Any) -> None:
    specs = [load("DieHard"), load("Mutex"), load("Mail"), load("DieHard", "DieHardNotFour")]
    with Checker(
        engine=one_engine, memory_mb=512
    ) as checker:  # a new one: a worker retires after so many runs
        first = [_counts(checker.check(spec)) for spec in specs]
        pid = checker.worker_pid
        assert [_counts(checker.check(spec)) for spec in reversed(specs)] == first[::-1]
        assert checker.worker_pid == pid


def test_a_check_leaves_no_file_beside_spec_or_config(checker: Checker, specs: Path, tmp_path: Path) -> None:
    beside, elsewhere = tmp_path / "spec", tmp_path / "configs"
    beside.mkdir()
    elsewhere.mkdir()
    shutil.copy(specs / "DieHard.tla", beside)
    shutil.copy(specs / "DieHardNotFour.cfg", elsewhere / "any name.cfg")
    result = checker.check(Spec.load(beside / "DieHard.tla", elsewhere / "any name.cfg"))
    assert result.verdict.violates == "NotFour"
    assert [path.name for path in beside.iterdir()] == ["DieHard.tla"]
    assert [path.name for path in elsewhere.iterdir()] == ["any name.cfg"]


def test_two_workers_find_as_many_states(checker: Checker, load: Any) -> None:
    assert _counts(checker.check(load("DieHard"), workers=2))[:2] == (97, 16)


def test_a_check_that_runs_out_of_time_is_unknown(one_engine: Engine, load: Any) -> None:
    seen: list[Progress] = []
    with Checker(engine=one_engine, memory_mb=512) as checker:
        for _ in range(2):
            checker.check(load("DieHard"))  # a JVM takes its time to start, and the second run to load TLC
        result = checker.check(load("Endless"), timeout=2, on_progress=seen.append)
        assert checker.worker_pid is None
    assert result.verdict.is_unknown
    assert "2 s" in (result.verdict.reason or "")
    assert result.seconds >= 2
    assert result.generated == (seen[-1].generated if seen else 0)  # on a busy machine none may have come


def test_a_worker_killed_during_a_check_is_reported_and_replaced(one_engine: Engine, load: Any) -> None:
    with Checker(engine=one_engine, memory_mb=512) as checker:
        killed = threading.Event()

        def kill(_: Progress) -> None:
            if not killed.is_set() and checker.worker_pid is not None:
                killed.set()
                os.kill(checker.worker_pid, signal.SIGKILL)

        result = checker.check(load("Endless"), timeout=30, on_progress=kill)
        assert killed.is_set()
        assert result.verdict.is_unknown
        assert result.verdict.reason == "the TLC worker was ended by signal 9"
        assert checker.check(load("DieHard")).verdict.is_established
        pid, folder = checker.worker_pid, checker._worker.folder
        assert folder is not None
        assert folder.is_dir()
    # Closing leaves no process and no file.
    assert not folder.exists()
    assert pid is not None
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_a_worker_killed_between_checks_is_replaced(load: Any) -> None:
    with Checker(memory_mb=512) as checker:
        assert checker.check(load("DieHard")).verdict.is_established
        assert checker.worker_pid is not None
        os.kill(checker.worker_pid, signal.SIGKILL)
        os.waitid(os.P_PID, checker.worker_pid, os.WEXITED | os.WNOWAIT)
        assert checker.check(load("DieHard")).verdict.is_established


def test_a_worker_ends_with_its_parent(load: Any) -> None:
    spec = load("Endless")
    script = (
        "import sys; from tlacheck.tlc import Checker, Spec; checker = Checker(memory_mb=512)\n"
        "def show(progress): print(checker.worker_pid, flush=True)\n"
        "checker.check(Spec.load(sys.argv[1]), on_progress=show)"
    )
    asking = subprocess.Popen(
        [sys.executable, "-c", script, str(spec.path)], stdout=subprocess.PIPE, text=True, cwd=Path.cwd()
    )
    with asking:
        assert asking.stdout is not None
        worker = int(asking.stdout.readline())
        os.kill(worker, 0)  # it is there
        asking.kill()
    _wait_for_the_end_of(worker)


def _wait_for_the_end_of(process: int) -> None:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            os.kill(process, 0)
        except ProcessLookupError:
            return
        if Path(f"/proc/{process}/stat").exists() and " Z " in Path(f"/proc/{process}/stat").read_text():
            return  # ended; nobody collects orphans in this container
        time.sleep(0.05)
    pytest.fail(f"process {process} is still there")


def test_a_check_that_runs_out_of_memory_is_unknown(load: Any) -> None:
    result = check(load("Hoard"), memory_mb=64, timeout=60)
    assert result.verdict.is_unknown
    assert (result.verdict.reason or "").startswith("out of memory: the worker had 64 MB")


def test_a_worker_aborting_for_lack_of_memory_reports_that(one_engine: Engine, load: Any) -> None:
    """The JVM announces the error and may then be ended by a signal."""
    with Checker(engine=one_engine, memory_mb=512) as checker:

        def fall_over(_: Progress) -> None:
            folder, pid = checker._worker.folder, checker.worker_pid
            if folder is not None and pid is not None:
                with (folder / "log").open("a", encoding="utf-8") as log:
                    log.write(
                        "Terminating due to java.lang.OutOfMemoryError: Java heap space\n"
                        "pure virtual method called\n"
                    )
                os.kill(pid, signal.SIGABRT)

        result = checker.check(load("Endless"), timeout=30, on_progress=fall_over)
    assert (result.verdict.reason or "").startswith("out of memory: the worker had 512 MB; give it more")


def test_a_worker_dying_of_a_full_stack_suggests_recursion(
    one_engine: Engine, load: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SIGKILL stands in for the signal of a full stack, which a JVM would handle itself."""
    monkeypatch.setattr("tlacheck.tlc._process._OVERFLOWN", -signal.SIGKILL)
    with Checker(engine=one_engine, memory_mb=512) as checker:

        def fall_over(_: Progress) -> None:
            if checker.worker_pid is not None:
                os.kill(checker.worker_pid, signal.SIGKILL)

        result = checker.check(load("Endless"), timeout=30, on_progress=fall_over)
    assert "as by a recursion without end" in (result.verdict.reason or "")


def test_invalid_options_are_refused(load: Any) -> None:
    with pytest.raises(ConfigError, match="memory_mb"):
        Checker(memory_mb=1)
    with Checker() as checker, pytest.raises(ConfigError, match="workers"):
        checker.check(load("DieHard"), workers=0)


def test_the_command_reports_a_violation_and_writes_the_trace(
    one_engine: Engine, specs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TLACHECK_ENGINE", one_engine.version)
    monkeypatch.chdir(tmp_path)
    arguments = [str(specs / "DieHard.tla"), "--config", "DieHardNotFour.cfg", "--memory", "512"]
    done = CliRunner().invoke(check_command, arguments)
    assert done.exit_code == 1, done.output
    assert "violated(NotFour)" in done.stdout
    assert "66 states generated, 13 distinct, depth 7" in done.stdout
    path = tmp_path / ".verify" / "traces" / "DieHard-DieHardNotFour.itf.json"
    assert "tlacheck inspect .verify/traces/DieHard-DieHardNotFour.itf.json" in done.stdout
    assert len(itf.read(path)) == 6


@pytest.mark.usefixtures("in_tmp_path", "warm_check_command")
@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["Mutex.tla"], 0, "exhausted"),
        (["Countdown.tla", "--no-deadlock", "--json"], 0, '"kind": "exhausted"'),
        (["Endless.tla", "--timeout", "2"], 3, "unknown(no time left after 2 s)"),
        (["Nothing.tla"], 2, "Nothing.tla: there is no such module"),
        (["Mutex.tla", "--config", "none.cfg"], 2, "MutexBroken.cfg"),
    ],
)
def test_the_command_exits_with_the_status_of_its_verdict(
    specs: Path, arguments: list[str], status: int, words: str
) -> None:
    done = CliRunner().invoke(check_command, [str(specs / arguments[0]), *arguments[1:], "--memory", "512"])
    assert done.exit_code == status, done.output
    assert words in done.output
