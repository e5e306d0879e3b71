"""Statuses, running of checks, and output of a run; a stand-in checks the models."""

import io
import os
import signal
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import attrs
import pytest
from immutabledict import immutabledict
from rich.console import Console

from tlacheck import itf
from tlacheck.errors import SpecError
from tlacheck.tlc import CheckResult, Progress, Spec
from tlacheck.trace import Origin, Step, Trace
from tlacheck.verdict import Verdict
from tlacheck.verify import store
from tlacheck.verify.display import Display, closing_line, show_report
from tlacheck.verify.judge import Status
from tlacheck.verify.plan import read_plan, select
from tlacheck.verify.result import Report, Result, Setting, exit_status
from tlacheck.verify.run import Worker, heaviest_first, run


class StandIn:
    """A stand-in that answers at once as TLC does for the toy project's models."""

    worker_pid = None

    def __init__(self, *, light: bool = False) -> None:
        """Accept both modes, which answer the same."""

    def check(self, spec: Spec, **options: Any) -> CheckResult:
        """Return one of four outcomes, by the configuration."""
        options["on_progress"](Progress(generated=40, distinct=20, queue=3, seconds=0.5))
        name = spec.config.stem
        if name == "unusable":
            raise SpecError("the invariant NoSuchInvariant is not defined")
        holds = name in ("holds", "unreached")
        trace = Trace(
            initial=immutabledict(x=0),
            steps=tuple(Step("Up", immutabledict(), immutabledict(x=x)) for x in (1, 2)),
            origin=Origin(source="tlc", spec=str(spec.path), config=str(spec.config)),
        )
        return CheckResult(
            spec=spec,
            verdict=Verdict.exhausted() if holds else Verdict.violated("NeverTwo", "does not hold"),
            generated=100,
            distinct=54,
            queue=0,
            depth=19,
            seconds=0.1,
            engine="TLC 0",
            trace=None if holds else trace,
            warnings=(),
        )

    def close(self) -> None:
        """Do nothing, since there is no process."""


class Recorder:
    """An observer that records events and may act on them."""

    def __init__(self, on_tick: Callable[[], None] = lambda: None) -> None:
        self.seen: list[str] = []
        self.threads: set[threading.Thread] = set()
        self._on_tick = on_tick

    def started(self, check: Any) -> None:
        """Record the event (see `Observer`)."""
        self._note(f"started {check.name}")

    def progress(self, check: Any, text: str) -> None:
        """Record the event."""
        self._note(f"progress {check.name}: {text}")

    def finished(self, result: Result) -> None:
        """Record the event."""
        self._note(f"finished {result.check.name}")

    def tick(self) -> None:
        """Run the action."""
        self._on_tick()

    def _note(self, line: str) -> None:
        self.seen.append(line)
        self.threads.add(threading.current_thread())


def _setting(root: Path, budget: str = "ci") -> Setting:
    return Setting(
        root=root,
        folder=store.new_folder(root),
        budget=budget,
        seed=3,
        engine="TLC 0 (sha256 0)",
        versions=immutabledict(),
    )


def _run(
    root: Path, *only: str, budget: str = "ci", jobs: int = 2, observer: Any = None, **worker: Any
) -> Report:
    checks = select(read_plan(root / "verify.toml"), budget, only)
    workers = [
        Worker(
            setting=_setting(root, budget),
            command=lambda check: f"repeat {check.name}",
            make_checker=worker.get("make_checker", StandIn),
            environment=dict(os.environ),
            pinned=worker.get("pinned", True),
        )
    ] * jobs
    workers = [attrs.evolve(worker) for worker in workers]
    return run(checks, workers, observer or Recorder())


@pytest.fixture(scope="module")
def root(project: Callable[[], Path]) -> Path:
    return project()


@pytest.fixture(scope="module")
def watcher() -> Recorder:
    return Recorder()


@pytest.fixture(scope="module")
def report(root: Path, watcher: Recorder) -> Report:
    return _run(root, jobs=3, observer=watcher)


def _result(report: Report, name: str) -> Result:
    return next(result for result in report.results if result.check.name == name)


@pytest.mark.parametrize(
    ("name", "status", "words"),
    [
        ("counter/holds", Status.INCONCLUSIVE, "distinct 54, pinned 55"),
        ("counter/broken", Status.INCONCLUSIVE, "NeverThree must fail, but NeverTwo failed first"),
        ("counter/reached", Status.OK, ""),
        (
            "counter/unreached",
            Status.INCONCLUSIVE,
            "NeverMany must fail and holds: the situation is not reached",
        ),
        ("counter/wrong", Status.VIOLATED, "NeverTwo does not hold"),
        ("counter/unusable", Status.FAILED, "the invariant NoSuchInvariant is not defined"),
        ("toy/proved", Status.OK, ""),
        ("toy/sampled", Status.OK, ""),
        ("toy/violated", Status.VIOLATED, "x is 1\nfirst line\nsecond line [n1]"),
        ("toy/mutant", Status.OK, ""),
        ("toy/survivor", Status.INCONCLUSIVE, "it must find a violation and found none"),
        ("toy/weaker", Status.INCONCLUSIVE, "it was to be proved and is only sampled"),
        ("toy/raising", Status.FAILED, "RuntimeError: the cluster [n1] did not start"),
        ("toy/hanging", Status.INCONCLUSIVE, ""),
        ("toy/dying", Status.FAILED, "ended with status 7 before there was an outcome"),
        ("toy/nothing", Status.FAILED, "toy.checks:nothing returned bool, not a tlacheck.verify.Outcome"),
        ("toy/traceless", Status.FAILED, "none.itf.json, but there is no such file"),
        ("toy/missing", Status.FAILED, "ModuleNotFoundError: No module named 'toy.nowhere'"),
    ],
)
def test_each_outcome_has_its_status(report: Report, name: str, status: Status, words: str) -> None:
    result = _result(report, name)
    said = "\n".join((*result.reasons, result.message))
    assert (result.status, words in said) == (status, True), said


def test_an_outcome_arrives_complete(report: Report) -> None:
    sampled = _result(report, "toy/sampled")
    assert sampled.verdict == Verdict.sampled(20, 3)
    assert sampled.figures == {"examples": 20}
    assert sampled.command == "repeat toy/sampled"
    hanging = _result(report, "toy/hanging")
    assert hanging.verdict == Verdict.unknown("no time left after 1 s")
    assert 1 <= hanging.seconds < 5


def test_results_keep_the_plans_order_and_observers_one_thread(
    root: Path, report: Report, watcher: Recorder
) -> None:
    assert [result.check for result in report.results] == list(select(read_plan(root / "verify.toml"), "ci"))
    assert watcher.threads == {threading.current_thread()}
    assert "progress counter/holds: 20 states · 40/s · 3 to go" in watcher.seen
    assert "progress toy/sampled: example 1 of 20" in watcher.seen
    for result in report.results:
        started, finished = (
            watcher.seen.index(f"{word} {result.check.name}") for word in ("started", "finished")
        )
        assert started < finished


def test_a_checks_output_is_logged_and_its_hash_seed_fixed(report: Report) -> None:
    log = report.setting.folder / "toy-sampled" / "output.txt"
    assert log.read_text().splitlines()[:2] == ["a line of its own", "PYTHONHASHSEED 0"]
    assert (
        "the cluster [n1] did not start" in (report.setting.folder / "toy-raising" / "output.txt").read_text()
    )


def test_a_hanging_check_is_killed_with_its_children(report: Report) -> None:
    pids = (report.setting.folder / "toy-hanging" / "pids").read_text().split()
    assert len(pids) == 2
    assert not any(_alive(int(pid)) for pid in pids)


def test_only_the_trace_of_an_unexpected_violation_is_kept(root: Path, report: Report) -> None:
    kept = root / "traces" / "counterexamples"
    assert sorted(path.name for path in kept.iterdir()) == ["counter-wrong.itf.json", "toy-violated.itf.json"]
    assert _result(report, "toy/violated").trace == kept / "toy-violated.itf.json"
    trace = itf.read(kept / "counter-wrong.itf.json")
    assert len(trace) == 2
    assert (trace.origin.spec, trace.origin.config) == (
        "specs/counter/Counter.tla",
        "specs/counter/wrong.cfg",
    )
    assert trace.origin.command == "repeat counter/wrong"
    mutant = _result(report, "toy/mutant").trace
    assert mutant is not None
    assert mutant.parent == report.setting.folder / "toy-mutant"


def test_pins_are_ignored_while_recording(project: Callable[[], Path]) -> None:
    report = _run(project(), "counter/holds", "counter/unreached", pinned=False)
    assert [result.status for result in report.results] == [Status.OK, Status.INCONCLUSIVE]
    assert report.results[0].pins == {"generated": 100, "distinct": 54, "depth": 19}


def test_an_internal_error_affects_one_check_only(project: Callable[[], Path]) -> None:
    def broken(**_: bool) -> StandIn:
        raise ZeroDivisionError("a bug")

    report = _run(project(), "counter/holds", "toy/proved", make_checker=broken)
    assert [result.status for result in report.results] == [Status.FAILED, Status.OK]
    assert "ZeroDivisionError: a bug" in report.results[0].message


def test_a_small_model_gets_a_light_checker(project: Callable[[], Path]) -> None:
    told: list[str] = []

    class Told(StandIn):
        def __init__(self, *, light: bool = False) -> None:
            self._kind = "light" if light else "heavy"
            told.append(f"make {self._kind}")

        def close(self) -> None:
            told.append(f"close {self._kind}")

    # Only the first has a pin, of 91 generated states; what is not known may be large.
    _run(project(), "counter/holds", "counter/unreached", jobs=1, make_checker=Told)
    assert told == ["make heavy", "close heavy", "make light", "close light"]


def test_a_signal_ends_the_run_with_the_results_so_far(project: Callable[[], Path]) -> None:
    root = project()

    def interrupt() -> None:
        if list(root.glob(".verify/*/toy-patient/pids")) and any(
            "finished" in line for line in observer.seen
        ):
            os.kill(os.getpid(), signal.SIGINT)

    observer = Recorder(interrupt)
    before = signal.getsignal(signal.SIGINT)
    report = _run(root, "toy/patient", "toy/proved", budget="deep", observer=observer)
    assert signal.getsignal(signal.SIGINT) is before
    assert report.interrupted == signal.SIGINT
    assert [result.check.name for result in report.results] == ["toy/proved"]
    (pids,) = root.glob(".verify/*/toy-patient/pids")
    assert not any(_alive(int(pid)) for pid in pids.read_text().split())
    assert "interrupted after 1 of 2 checks" in closing_line(report)


def test_an_observer_that_fails_leaves_no_process(project: Callable[[], Path]) -> None:
    root = project()

    def fail() -> None:
        if list(root.glob(".verify/*/toy-patient/pids")):
            raise BrokenPipeError

    with pytest.raises(BrokenPipeError):
        _run(root, "toy/patient", budget="deep", observer=Recorder(fail))
    (pids,) = root.glob(".verify/*/toy-patient/pids")
    assert not any(_alive(int(pid)) for pid in pids.read_text().split())


def test_checks_start_in_order_of_expected_length(root: Path) -> None:
    checks = select(read_plan(root / "verify.toml"), "ci", ["toy/proved", "counter/holds", "counter/reached"])
    assert [check.name for check in heaviest_first(checks)] == [
        "counter/reached",
        "toy/proved",
        "counter/holds",
    ]


@pytest.mark.parametrize(
    ("statuses", "status"),
    [
        ([Status.OK, Status.OK], 0),
        ([Status.OK, Status.INCONCLUSIVE], 3),
        ([Status.FAILED, Status.INCONCLUSIVE], 2),
        ([Status.OK, Status.FAILED, Status.INCONCLUSIVE, Status.VIOLATED], 1),
        ([], 3),
    ],
)
def test_the_worst_result_sets_the_status_and_none_is_no_success(
    report: Report, statuses: Sequence[Status], status: int
) -> None:
    assert exit_status(attrs.evolve(report.results[0], status=one) for one in statuses) == status


def test_the_newest_ten_runs_are_kept(project: Callable[[], Path]) -> None:
    root = project()
    other = root / ".verify" / "traces"
    other.mkdir(parents=True)
    folders = []
    for _ in range(12):
        setting = _setting(root)
        folders.append(setting.folder)
        store.save(Report(setting=setting, planned=0, results=(), seconds=0.0))
    assert sorted(path.name for path in other.parent.iterdir()) == sorted(
        ["latest", "traces", *(folder.name for folder in folders[2:])]
    )
    assert str((other.parent / "latest").readlink()) == folders[-1].name


def _screen(report: Report, *, interactive: bool) -> str:
    file = io.StringIO()
    console = Console(
        file=file,
        force_terminal=interactive,
        width=100,
        markup=False,
        highlight=False,
        color_system="standard" if interactive else None,
    )
    clock = iter(range(0, 10_000, 16))
    checks = [result.check for result in report.results]
    with Display(console, checks, interactive=interactive, clock=lambda: float(next(clock))) as display:
        for check in checks:
            display.started(check)
            display.progress(check, "half\nway [n1]")
            display.tick()
        for result in report.results:
            display.finished(result)
            display.tick()
    show_report(console, report, inspect=lambda trace: f"inspect {trace}")
    return file.getvalue()


def test_without_a_terminal_output_is_plain_lines(report: Report) -> None:
    screen = _screen(report, interactive=False)
    assert not [character for character in screen if ord(character) < 32 and character != "\n"]
    assert "… running: counter/holds " in screen
    assert "(half way [n1])" in screen
    assert "ok  stateful  toy/sampled        sampled     20 examples  " in screen
    assert "  second line [n1]\n" in screen
    table = screen[screen.rindex("check  ") :].splitlines()
    assert len(table) == 1 + len(report.results)
    assert max(map(len, table)) <= 100


def test_a_long_run_ends_in_a_short_table_with_failures(report: Report) -> None:
    screen = _screen(attrs.evolve(report, results=report.results * 3), interactive=False)
    table = [line.split() for line in screen[screen.rindex(" checks ") :].splitlines()[1:]]
    whole = screen.splitlines()
    heading = next(line for line in whole if " checks " in line and "status" in line).split()
    assert heading[-3:] == ["checks", "seconds", "status"]
    subjects = {result.check.name.split("/")[0] for result in report.results}
    assert {row[0] for row in table} == subjects
    assert len(table) == len(subjects)
    counter = next(row for row in table if row[0] == "counter")
    assert "of" in counter
    assert counter[-1] == "violated"
    assert max(map(len, whole[-len(table) :])) <= 100


def test_on_a_terminal_running_checks_are_redrawn(report: Report) -> None:
    screen = _screen(report, interactive=True)
    assert "running:" not in screen
    assert "half way [n1]" in screen
    assert "\x1b[2K" in screen


def test_failures_are_reported_in_full(report: Report) -> None:
    screen = _screen(report, interactive=False)
    account = screen[screen.index("counter/wrong: violated") :].partition("\n\n")[0].splitlines()
    kept = report.setting.root / "traces" / "counterexamples" / "counter-wrong.itf.json"
    assert account == [
        "counter/wrong: violated",
        "  expected: exhausted",
        "  found:    violated(NeverTwo), 2 steps, 54 states",
        "  NeverTwo does not hold",
        f"  trace:    {kept}, kept beyond this run",
        f"  inspect:  inspect {kept}",
        "  repeat:   repeat counter/wrong",
    ]


def _alive(pid: int) -> bool:
    """Return whether the process runs; one just killed may need a moment."""
    for _ in range(20):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return False
        stat = Path(f"/proc/{pid}/stat")
        if stat.is_file() and stat.read_text().rpartition(")")[2].split()[0] == "Z":
            return False  # dead; its new parent has not noticed yet
        time.sleep(0.1)
    return True
