"""Kept results: which checks are done again after which change, and what the store bears."""

import itertools
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tlacheck import itf
from tlacheck.reads import reads_in

CHECKS = """\
import multiprocessing
import time
from pathlib import Path

from toy import cores, traces
from tlacheck import itf
from tlacheck.tlc.oracle import SpecOracle
from tlacheck.tlc.spec import Spec
from tlacheck.trace import Origin, Trace, Violation
from tlacheck.verdict import Verdict
from tlacheck.verify import Outcome


def core(context, *, cases=cores.CASES):
    return Outcome(verdict=Verdict.sampled(cases, context.seed))


def child(context):
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        found = pool.apply(traces.count, ("traces",))
    return Outcome(verdict=Verdict.sampled(found, context.seed), figures={"traces": found})


def oracle(context):
    found = SpecOracle(Spec.load("specs/counter/Counter.tla", "holds.cfg")).initial_states()
    return Outcome(verdict=Verdict.sampled(len(found), context.seed))


def slow(context):
    text = Path("toy/slow.txt").read_text()
    time.sleep(0.05)
    Path("toy/slow.txt").write_text(text)  # as an editor would, while the check runs
    return Outcome(verdict=Verdict.proved())


def broken(context):
    path = context.folder / "found.itf.json"
    violation = Violation(property="P", step=None)
    itf.write(Trace(initial={"x": 0}, steps=(), origin=Origin(source="toy"), violation=violation), path)
    return Outcome(verdict=Verdict.violated("P"), trace=path)
"""

PLAN = """\
[[models]]
manifest = "specs/counter/manifest.toml"

[[check]]
name = "toy/core"
layer = "replay"
call = "toy.kept_checks:core"

[[check]]
name = "toy/child"
layer = "replay"
call = "toy.kept_checks:child"

[[check]]
name = "toy/oracle"
layer = "replay"
call = "toy.kept_checks:oracle"

[[check]]
name = "toy/slow"
layer = "replay"
call = "toy.kept_checks:slow"

[[check]]
name = "toy/mutant"
layer = "replay"
call = "toy.kept_checks:broken"
expect = "violated"

[[check]]
name = "toy/violated"
layer = "replay"
call = "toy.kept_checks:broken"
"""

#: The checks that are ok and whose inputs stay.
FINE = ("counter/holds", "counter/broken", "toy/core", "toy/child", "toy/oracle", "toy/mutant")


_SECONDS = itertools.count(1)


def edit(path: Path, text: str) -> None:
    """Write a file, as if long ago and in a second of its own: inputs have to settle."""
    path.write_text(text)
    settle(path, path.parent)


def settle(*paths: Path) -> None:
    then = time.time() - 100_000 + 10 * next(_SECONDS)
    for path in paths:
        os.utime(path, (then, then))


@pytest.fixture
def root(project: Callable[[], Path]) -> Path:
    root = project()
    settle(*root.rglob("*"))
    edit(root / "toy" / "kept_checks.py", CHECKS)
    edit(root / "toy" / "cores.py", "CASES = 3\n")
    edit(
        root / "toy" / "traces.py",
        "from pathlib import Path\n\nimport tlacheck\n\n\n"
        "def count(folder):\n    return len(list(Path(folder).iterdir()))\n",
    )
    edit(root / "toy" / "slow.txt", "slow")
    (root / "traces").mkdir(exist_ok=True)
    edit(root / "traces" / "one", "1")
    edit(root / "verify.toml", PLAN)
    return root


@pytest.fixture
def verified(root: Path, tlacheck: Any) -> Callable[..., dict[str, dict[str, Any]]]:
    """Verify; the results by name."""

    def verify(*options: str, only: tuple[str, ...] = FINE, at: Path = root) -> dict[str, dict[str, Any]]:
        chosen = [word for name in only for word in ("--only", name)]
        finished = tlacheck(at, "verify", "--json", *chosen, *options)
        assert "Traceback" not in finished.stderr
        checks: list[dict[str, Any]] = json.loads(finished.stdout)["checks"]
        return {check["name"]: check for check in checks}

    return verify


def done(results: dict[str, dict[str, Any]]) -> set[str]:
    """The checks that were really done."""
    return {name for name, result in results.items() if not result["kept"]}


def test_what_has_not_changed_is_kept_with_all_that_it_said(root: Path, verified: Any) -> None:
    first, second = verified(), verified()
    assert (done(first), done(second)) == (set(FINE), set())
    for name in FINE:
        for part in ("verdict", "figures", "pins", "seconds", "status", "command", "layer"):
            assert second[name][part] == first[name][part], (name, part)
    for name in ("counter/broken", "toy/mutant"):
        kept, made = (itf.read(root / results[name]["trace"]) for results in (second, first))
        assert kept == made
        assert second[name]["trace"] != first[name]["trace"]


def test_an_edit_does_again_what_read_the_file_and_nothing_else(root: Path, verified: Any) -> None:
    verified()
    edit(root / "toy" / "cores.py", "CASES = 4\n")
    # All checks in Python stand in one module, which imports the core.
    assert done(verified()) == {"toy/core", "toy/child", "toy/oracle", "toy/mutant"}
    edit(root / "traces" / "two", "2")
    again = verified()
    assert done(again) == {"toy/child"}
    assert again["toy/child"]["figures"] == {"traces": 2}
    spec = root / "specs" / "counter" / "Counter.tla"
    edit(spec, spec.read_text() + "(* more *)\n")
    assert done(verified()) == {"counter/holds", "counter/broken", "toy/oracle"}
    edit(
        root / "specs" / "counter" / "holds.cfg",
        "INIT Init\nNEXT Next\nCONSTANT Top = 9\nINVARIANTS Ordered\n",
    )
    assert done(verified()) == {"counter/holds", "toy/oracle"}


def test_a_file_put_back_as_it_was_brings_its_result_back(root: Path, verified: Any) -> None:
    some = ("toy/core", "toy/mutant")
    verified(only=some)
    core = root / "toy" / "cores.py"
    edit(core, "CASES = 4\n")
    assert verified(only=some)["toy/core"]["verdict"]["cases"] == 4
    edit(core, "CASES = 3\n")
    back = verified(only=some)
    assert done(back) == set()
    assert back["toy/core"]["verdict"]["cases"] == 3


def test_another_seed_budget_or_argument_is_another_check(root: Path, verified: Any) -> None:
    some = ("toy/core", "counter/holds")
    verified(only=some)
    assert done(verified("--seed", "5", only=some)) == {"toy/core"}
    assert done(verified("--budget", "deep", only=some)) == {"toy/core"}
    plan = root / "verify.toml"
    edit(plan, PLAN.replace('kept_checks:core"', 'kept_checks:core"\nwith = { cases = 3 }'))
    assert done(verified(only=some)) == {"toy/core"}


def test_another_engine_does_all_again(verified: Any) -> None:
    verified(only=("counter/holds",))
    assert done(verified("--engine", "2.15", only=("counter/holds",))) == {"counter/holds"}
    assert done(verified("--engine", "2.15", only=("counter/holds",))) == set()


def test_only_what_is_ok_is_kept(verified: Any) -> None:
    bad = ("counter/unreached", "toy/violated")
    verified(only=bad)
    assert done(verified(only=bad)) == set(bad)


def test_what_was_expected_is_judged_anew(root: Path, verified: Any) -> None:
    verified(only=("toy/core",))
    edit(root / "verify.toml", PLAN.replace('kept_checks:core"', 'kept_checks:core"\nexpect = "violated"'))
    assert verified(only=("toy/core",))["toy/core"]["status"] == "inconclusive"


def test_an_input_that_changes_during_the_check_keeps_nothing(verified: Any) -> None:
    verified(only=("toy/slow",))
    assert done(verified(only=("toy/slow",))) == {"toy/slow"}


def test_an_input_that_has_just_changed_keeps_nothing(root: Path, verified: Any) -> None:
    core = root / "toy" / "cores.py"
    core.write_text("CASES = 4  # now\n")
    os.utime(core, (soon := time.time() + 600, soon))  # just now, however long a busy machine takes to begin
    verified(only=("toy/core",))
    assert done(verified(only=("toy/core",))) == {"toy/core"}


def test_fresh_does_all(verified: Any) -> None:
    some = ("toy/core", "counter/holds")
    verified(only=some)
    assert done(verified("--fresh", only=some)) == set(some)


def test_people_are_told_what_was_kept(root: Path, tlacheck: Any) -> None:
    for _ in range(2):
        finished = tlacheck(root, "verify", "--only", "toy/core")
    kept, *_, last = finished.stdout.splitlines()
    assert kept.startswith("kept  1 check, done earlier in ")
    assert " kept=1 " in last
    told = tlacheck(root, "verify", "--only", "toy/core", "--verbose")
    assert "toy/core: 3 cases" in told.stdout


# --- the store


def _cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-20])


def _altered(file: Path) -> None:
    file.write_text(file.read_text().replace('"cases": 3', '"cases": 9'))


def _foreign(file: Path) -> None:
    file.write_text('{"sha256": "", "entry": []}')


def _no_json(file: Path) -> None:
    file.write_bytes(b"\xff\xfe")


def _a_folder(file: Path) -> None:
    file.unlink()
    file.mkdir()


@pytest.mark.parametrize("harm", [_cut, _altered, _foreign, _no_json, _a_folder])
def test_a_harmed_entry_is_ignored(root: Path, verified: Any, harm: Callable[[Path], None]) -> None:
    verified(only=("toy/core",))
    (entry,) = (root / ".verify" / "kept").glob("*/*/*.json")
    harm(entry)
    again = verified(only=("toy/core",))
    assert done(again) == {"toy/core"}
    assert again["toy/core"]["verdict"]["cases"] == 3


def test_a_store_is_shared_by_checkouts(root: Path, tmp_path: Path, verified: Any) -> None:
    store, twin = tmp_path / "store", tmp_path / "twin"
    shutil.copytree(root, twin)
    some = ("toy/core", "counter/holds")
    verified("--store", str(store), only=some)
    assert done(verified("--store", str(store), only=some, at=twin)) == set()
    assert not (twin / ".verify" / "kept").exists()


def test_a_store_that_cannot_be_written_costs_nothing_but_time(root: Path, verified: Any) -> None:
    (root / ".verify").mkdir()
    edit(root / ".verify" / "kept", "a file where the folder should be")
    assert verified(only=("toy/core",))["toy/core"]["status"] == "ok"


# --- watching


def test_watch_does_again_what_a_saved_file_concerns(root: Path, tlacheck: Any) -> None:
    process = tlacheck.start(root, "verify", "--watch", "--only", "toy/core", "--only", "counter/holds")
    try:
        assert " kept=0 " in _until(process, "watching ")[-2]
        edit(root / "toy" / "cores.py", "CASES = 5\n")
        lines = _until(process, "watching ")
        assert any("changed: cores.py" in line for line in lines)
        assert any("toy/core" in line and "5 cases" in line for line in lines)
        assert " kept=1 " in lines[-2]
        edit(root / "verify.toml", "[verify]\nbudjet = 3\n")
        assert any('did you mean "budget"' in line for line in _until(process, "watching "))
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=20) == 130
    finally:
        process.kill()
        _, said = process.communicate(timeout=20)
    assert said == ""


def _until(process: "subprocess.Popen[str]", start: str) -> list[str]:
    lines: list[str] = []
    assert process.stdout is not None
    for line in process.stdout:
        lines.append(line.rstrip("\n"))
        if line.startswith(start):
            return lines
    raise AssertionError("\n".join(lines))


# --- the list of what is read


def _listed(tmp_path: Path, code: str) -> set[str]:
    listed = tmp_path / "reads"
    environment = {**os.environ, "TLACHECK_READS": str(listed), "TMPDIR": str(tmp_path / "scratch")}
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=environment, check=True, timeout=60)
    return {name.removeprefix(f"{tmp_path}/") for name in reads_in(listed) if name.startswith(f"{tmp_path}/")}


def test_reads_are_listed_and_writes_are_not(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    for name in ("read", "low", "written", "appended"):
        (tmp_path / name).write_text("x")
    code = (
        "import tlacheck, os\nfrom pathlib import Path\n"
        "Path('read').read_text(); os.close(os.open('low', os.O_RDONLY)); Path('written').write_text('y')\n"
        "open('appended', 'a').close(); list(Path('folder').iterdir())\n"
    )
    assert _listed(tmp_path, code) == {"read", "low", "folder/"}


def test_modules_count_as_their_sources_also_when_compiled(tmp_path: Path) -> None:
    (tmp_path / "module.py").write_text("x = 1\n")
    for _ in range(2):
        (tmp_path / "reads").unlink(missing_ok=True)
        assert _listed(tmp_path, "import tlacheck, module") == {"module.py"}


def test_what_a_killed_child_has_read_is_listed(tmp_path: Path) -> None:
    (tmp_path / "child.py").write_text(
        "import tlacheck, os, signal\nopen('seen').close()\nos.kill(os.getpid(), signal.SIGKILL)\n"
    )
    (tmp_path / "seen").write_text("x")
    code = "import tlacheck, subprocess, sys\nsubprocess.run([sys.executable, 'child.py'])"
    assert {"child.py", "seen"} <= _listed(tmp_path, code)
