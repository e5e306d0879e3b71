"""docs/own-protocol.md, run as it is printed, on a copy of `examples/lock` outside of the repository."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "own-protocol.md").read_text(encoding="utf-8")
LOCK = ROOT / "examples" / "lock"
#: What differs from run to run.
_CHANGING = re.compile(r"^(.* s of CPU: .*|versions: .*)$", re.MULTILINE)


def _done(command: list[str], folder: Path) -> str:
    done = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done.stdout


def test_the_page_runs_as_printed(tmp_path: Path) -> None:
    shutil.copytree(LOCK, tmp_path / "lock", ignore=shutil.ignore_patterns("__pycache__"))
    commands = re.findall(r"^```console\n\$ tlacheck (.*)\n((?:.*\n)*?)```$", PAGE, re.MULTILINE)
    assert len(commands) == 2
    for command, printed in commands:
        call = ["-c", "from tlacheck.cli import main; main()", *shlex.split(command)]
        found = _done([sys.executable, *call], tmp_path)
        assert _CHANGING.sub("", found) == _CHANGING.sub("", printed)
    (program,) = re.findall(r"^```python\n((?:.*\n)*?)```$", PAGE, re.MULTILINE)
    (expected,) = re.findall(r"^```text\n((?:.*\n)*?)```$", PAGE, re.MULTILINE)
    assert _done([sys.executable, "-c", program], tmp_path) == expected


def test_the_page_shows_the_files_as_they_are() -> None:
    shown = dict(re.findall(r"^```python title=(\S+)\n((?:.*\n)*?)```$", PAGE, re.MULTILINE))
    assert shown["step.py"] in (LOCK / "core.py").read_text(encoding="utf-8")
    assert shown["declaration.py"] in (LOCK / "protocol.py").read_text(encoding="utf-8")


def test_the_example_is_as_small_as_the_page_promises() -> None:
    declaration = (LOCK / "protocol.py").read_text(encoding="utf-8").partition("LOCK = Protocol(")[2]
    assert len(declaration.splitlines()) < 60
    assert len((LOCK / "core.py").read_text(encoding="utf-8").splitlines()) < 100
