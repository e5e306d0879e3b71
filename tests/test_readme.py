"""README's first screen, run as it is printed."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_small_system_fails_for_the_printed_reason(tmp_path: Path) -> None:
    system = re.search(r"^```python title=(\S+)\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
    shown = re.search(r"^```console\n\$ tlacheck (explore .*)\n((?:.*\n)*?)```$", README, re.MULTILINE)
    assert system is not None
    assert shown is not None
    (tmp_path / system[1]).write_text(system[2], encoding="utf-8")
    for path in (ROOT / "examples" / "lock_server").glob("LockServer.*"):
        shutil.copy(path, tmp_path)
    done = subprocess.run(
        [sys.executable, "-c", "from tlacheck.cli import main; main()", *shlex.split(shown[1])],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    printed = [re.escape(line) for line in shown[2].splitlines()]
    pattern = "\n".join(".*" if line == re.escape("  …") else line for line in printed)
    assert re.match(pattern, done.stdout, re.DOTALL), done.stdout


def test_the_first_screen_ends_with_the_two_commands() -> None:
    first_screen = README.splitlines()[:55]
    assert "$ make verify" in "\n".join(first_screen)
    assert "$ make test" in "\n".join(first_screen)
