"""`tlacheck verify` end to end: the real TLC, processes, exit statuses, files."""

import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from tlacheck import __version__, itf
from tlacheck.cli import main
from tlacheck.verify.manifest import read_manifest

LAST_LINE = re.compile(
    r'verify: budget=ci engine="TLC \d+\.\d+ \(sha256 [0-9a-f]{12}\)" seed=7 failed=6 '
    r"checks=18 ok=6 violated=2 inconclusive=4 kept=0 seconds=\d+\.\d"
)


@pytest.fixture(scope="module")
def root(project: Callable[[], Path]) -> Path:
    return project()


@pytest.fixture(scope="module")
def done(root: Path, tlacheck: Any) -> "subprocess.CompletedProcess[str]":
    """One whole run, shared by many tests."""
    finished: subprocess.CompletedProcess[str] = tlacheck(root, "verify", "--budget", "ci", "--seed", "7")
    return finished


@pytest.fixture(scope="module")
def summary(root: Path, done: "subprocess.CompletedProcess[str]") -> dict[str, Any]:
    assert done.stderr == ""
    data: dict[str, Any] = json.loads((root / ".verify" / "latest" / "summary.json").read_text())
    return data


def test_the_last_line_counts_results_and_the_worst_sets_the_status(
    done: "subprocess.CompletedProcess[str]",
) -> None:
    assert LAST_LINE.fullmatch(done.stdout.splitlines()[-1]), done.stdout
    assert done.returncode == 1


def test_models_are_checked_by_the_real_tlc(summary: dict[str, Any]) -> None:
    found = {check["name"]: check for check in summary["checks"]}
    assert {name: check["status"] for name, check in found.items() if check["layer"] == "TLC"} == {
        "counter/holds": "ok",
        "counter/broken": "ok",
        "counter/reached": "ok",
        "counter/unreached": "inconclusive",
        "counter/wrong": "violated",
        "counter/unusable": "could not run",
    }
    assert found["counter/holds"]["pins"] == {"generated": 91, "distinct": 55, "depth": 19}
    assert found["counter/holds"]["figures"] == {"states": 55, "depth": 19}
    assert found["counter/broken"]["verdict"]["violates"] == "NeverThree"
    assert found["counter/unusable"]["message"].startswith("specs/counter/unusable.cfg:4:")


def test_the_summary_records_the_tools(summary: dict[str, Any]) -> None:
    assert summary["versions"]["tlacheck"] == __version__
    assert summary["versions"]["jvm"].startswith("Java ")
    assert summary["versions"]["engine"].startswith("TLC ")
    assert (summary["budget"], summary["seed"], summary["exit_status"]) == ("ci", 7, 1)
    for check in summary["checks"]:
        assert check["command"] == f"tlacheck verify --only {check['name']} --budget ci --seed 7"


def test_latest_is_a_relative_link_to_a_folder_per_check(root: Path, summary: dict[str, Any]) -> None:
    latest = root / ".verify" / "latest"
    assert re.fullmatch(r"\d{8}-\d{6}", str(latest.readlink()))
    folders = {path.name for path in latest.iterdir() if path.is_dir()}
    assert folders == {check["name"].replace("/", "-") for check in summary["checks"]}
    trace = itf.read(latest / "counter-broken" / "counter-broken.itf.json")
    assert (len(trace), trace.origin.spec) == (3, "specs/counter/Counter.tla")
    assert (root / "traces" / "counterexamples" / "counter-wrong.itf.json").is_file()


def test_the_command_of_a_trace_reproduces_it(root: Path, summary: dict[str, Any]) -> None:
    trace = itf.read(root / "traces" / "counterexamples" / "toy-violated.itf.json")
    assert trace.origin.command in {check["command"] for check in summary["checks"]}
    assert trace.origin.seed == 7


@pytest.mark.parametrize(
    ("only", "status"), [("toy/proved", 0), ("toy/violated", 1), ("toy/raising", 2), ("toy/hanging", 3)]
)
def test_each_status_can_occur_alone(
    project: Callable[[], Path], tlacheck: Any, only: str, status: int
) -> None:
    finished = tlacheck(project(), "verify", "--only", only)
    assert finished.returncode == status, finished.stdout
    assert "checks=1 " in finished.stdout


def test_a_budget_without_checks_is_inconclusive(project: Callable[[], Path], tlacheck: Any) -> None:
    root = project()
    (root / "verify.toml").write_text("")
    finished = tlacheck(root, "verify", "--budget", "smoke")
    assert finished.returncode == 3
    assert "nothing is part of budget smoke" in finished.stdout


@pytest.mark.parametrize(("budget", "expected"), [("ci", "-XX:TieredStopAtLevel=1 -Xint"), ("deep", "-Xint")])
def test_java_compiles_quickly_but_in_a_deep_run(
    project: Callable[[], Path], tlacheck: Any, budget: str, expected: str
) -> None:
    """A check of some seconds would spend half of them in the optimising compiler."""
    root = project()
    only = ("--budget", budget, "--only", "toy/sampled")
    tlacheck(root, "verify", *only, JAVA_TOOL_OPTIONS="-Xint")
    printed = (root / ".verify" / "latest" / "toy-sampled" / "output.txt").read_text(encoding="utf-8")
    assert f"JAVA_TOOL_OPTIONS {expected}\n" in printed


def test_modules_are_compiled_once_where_python_may_not(project: Callable[[], Path], tlacheck: Any) -> None:
    """Each check in Python is a process, which would otherwise compile all that it imports."""
    root = project()
    variables = {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONPYCACHEPREFIX": ""}
    tlacheck(root, "verify", "--only", "toy/sampled", **variables)
    compiled = {path.name.partition(".")[0] for path in (root / ".verify" / "compiled").rglob("*.pyc")}
    assert {"_job", "verdict"} <= compiled
    assert not list(root.rglob("__pycache__"))


def test_a_drifted_pin_is_inconclusive_until_recorded(project: Callable[[], Path], tlacheck: Any) -> None:
    root = project()
    manifest = root / "specs" / "counter" / "manifest.toml"
    text = manifest.read_text()
    manifest.write_text(text.replace("distinct = 55", "distinct = 56  # guessed"))
    drifted = tlacheck(root, "verify", "--only", "counter/holds")
    assert drifted.returncode == 3
    assert "  distinct 55, pinned 56\n" in drifted.stdout
    assert (
        "if the change is meant: tlacheck verify --only counter/holds --budget ci --record" in drifted.stdout
    )

    options = [option for name in ("holds", "broken", "reached") for option in ("--only", f"counter/{name}")]
    recorded = tlacheck(root, "verify", "--record", *options)
    assert recorded.returncode == 0, recorded.stdout
    assert "recorded counter/holds: distinct = 55 (was 56)\n" in recorded.stdout
    assert "distinct = 55  # guessed\n" in manifest.read_text()
    assert read_manifest(manifest)[2].pins["steps"] == 2

    other = tlacheck(root, "verify", "--engine", "2.15", *options)
    assert other.returncode == 0, other.stdout
    assert 'engine="TLC 2.15 ' in other.stdout


def test_only_json_goes_to_standard_output(project: Callable[[], Path], tlacheck: Any) -> None:
    finished = tlacheck(project(), "verify", "--only", "toy/proved", "--json")
    assert json.loads(finished.stdout)["counts"]["ok"] == 1
    assert finished.stderr.splitlines()[-1].startswith("verify: budget=ci ")


@pytest.mark.parametrize(("number", "moment"), [(signal.SIGINT, "loading"), (signal.SIGTERM, "exploring")])
def test_ctrl_c_prints_the_results_so_far_and_leaves_nothing_behind(
    project: Callable[[], Path], tlacheck: Any, tmp_path: Path, number: signal.Signals, moment: str
) -> None:
    root = project()
    only = [
        option for name in ("counter/endless", "toy/patient", "toy/proved") for option in ("--only", name)
    ]
    process = tlacheck.start(root, "verify", "--budget", "deep", "--jobs", "3", *only, TMPDIR=str(tmp_path))
    try:
        first = process.stdout.readline()  # toy/proved is done
        deadline = time.monotonic() + 30
        while not list(root.glob(".verify/*/toy-patient/pids")) or str(tmp_path) not in _processes():
            assert time.monotonic() < deadline
            time.sleep(0.1)
        while moment == "exploring" and not list(tmp_path.glob("tlacheck-*/run-*/states/*")):
            assert time.monotonic() < deadline
            time.sleep(0.1)
        process.send_signal(number)
        rest, err = process.communicate(timeout=30)
        out = first + rest
    finally:
        process.kill()  # after a failure; its children notice
    assert (process.returncode, err) == (128 + number, "")
    assert "ok  Z3      toy/proved" in out
    assert out.splitlines()[-1].startswith("verify: interrupted after 1 of 3 checks, ")
    assert str(tmp_path) not in _processes()
    (pids,) = root.glob(".verify/*/toy-patient/pids")
    assert not set(pids.read_text().split()) & set(_pids())
    assert list(tmp_path.iterdir()) == []
    assert not (root / ".verify" / "latest").exists()


def test_list_shows_the_checks_without_running_them(
    project: Callable[[], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    root = project()
    monkeypatch.chdir(root)
    shown = CliRunner().invoke(main, ["verify", "--list", "--budget", "deep"])
    assert shown.exit_code == 0
    assert re.search(
        r"^counter/holds +TLC +ci +exhausted, generated 91, distinct 55, depth 19 *$",
        shown.output,
        re.MULTILINE,
    )
    assert len(shown.output.splitlines()) == 1 + 7 + 13
    rows = json.loads(CliRunner().invoke(main, ["verify", "--list", "--json", "--only", "toy/m*"]).output)
    assert [row["name"] for row in rows] == ["toy/mutant", "toy/missing"]
    assert not (root / ".verify").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["verify"], "tlacheck: there is no file verify.toml"),
        (["verify", "--jobs", "0"], "--jobs"),
        (["verfy"], "No such command"),
        (["check", "Nothing.tla"], "Nothing.tla: there is no such module"),
    ],
)
def test_a_mistake_is_one_message_and_status_2(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], words: str
) -> None:
    monkeypatch.chdir(tmp_path)
    answer = CliRunner().invoke(main, arguments)
    assert answer.exit_code == 2
    assert words in answer.stderr
    assert "Traceback" not in answer.output


def test_help_lists_the_commands_without_loading_them() -> None:
    code = (
        "import sys\nfrom tlacheck.cli import main\n"
        "try:\n    main(['--help'])\nexcept SystemExit:\n    pass\n"
        "print([name for name in ('jpype', 'z3', 'hypothesis', 'rich') if name in sys.modules])"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.endswith("[]\n")
    for command in ("check", "verify", "inspect", "engine"):
        assert re.search(rf"^  {command} +\S", shown.stdout, re.MULTILINE)


def test_the_version_is_printed() -> None:
    assert __version__ in CliRunner().invoke(main, ["--version"]).output


def _processes() -> str:
    return subprocess.run(["ps", "-ww", "-eo", "args"], capture_output=True, text=True, check=True).stdout


def _pids() -> list[str]:
    listed = subprocess.run(["ps", "-eo", "pid=,stat="], capture_output=True, text=True, check=True).stdout
    return [pid for pid, stat in (line.split() for line in listed.splitlines()) if not stat.startswith("Z")]
