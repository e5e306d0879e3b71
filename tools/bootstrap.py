"""Set-up with no step by hand: `.venv` with the locked packages, a Java if none is here, a TLC.

Every `make` target calls this first. When all is in place it says nothing and needs no network. It
runs on any Python and any platform with nothing installed, so it uses the standard library only
and keeps to a syntax that an old Python can read, to be able to say that it is too old.

`.venv/tlacheck-setup.json` is the stamp: the digests of what was installed, each written when its
step has ended, and the files that were found outside of `.venv` (the TLC jar, the JVM) with their
sizes. A `.venv` without it was left half-way and is made anew; a file that is gone is found or
fetched again.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

OLDEST = (3, 11)
ROOT = Path(__file__).resolve().parent.parent
LOCK = "requirements/dev.txt"
SPARE_JAVA = "requirements/jdk.txt"
SETTINGS = ("HOME", "JAVA_HOME", "TLACHECK_CACHE", "TLACHECK_ENGINE", "TLACHECK_JAR", "XDG_CACHE_HOME")
"""The environment variables that decide which engine and which Java are found."""
STAMP = "tlacheck-setup.json"
LOG = "tlacheck-setup.log"


class Refusal(Exception):
    """Set-up cannot go on; the message is the one line that the user gets."""


def main() -> int:
    """Make sure that everything is in place; return 0 if so, 2 with one line on stderr if not."""
    old = too_old(sys.version_info[:2])
    if old:
        print(f"bootstrap: {old}", file=sys.stderr)
        return 2
    try:
        set_up(ROOT, ROOT / ".venv")
    except Refusal as refusal:
        print(f"bootstrap: {refusal}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("bootstrap: interrupted; the next run takes it up", file=sys.stderr)
        return 130
    return 0


def too_old(version: tuple[int, ...]) -> str:
    """Return the error about this version of Python, empty if it is recent enough."""
    if version >= OLDEST:
        return ""
    found, needed = ".".join(map(str, version)), ".".join(map(str, OLDEST))
    return (
        f"Python {found} is too old: install Python {needed} or newer, or name one: make "
        "PYTHON=/path/to/python3"
    )


def set_up(root: Path, home: Path) -> None:
    """Bring the environment `home` of the project at `root` to the state that the stamp records."""
    if up_to_date(root, home):
        return
    with one_at_a_time(root):
        if up_to_date(root, home):
            return
        wanted = digests(root, home)
        stamp = read_stamp(home)
        if stamp.get("place") != wanted["place"] or not runs(home):
            make_environment(home)
            stamp = {"place": wanted["place"]}
        if stamp.get("locked") != wanted["locked"]:
            (home / STAMP).unlink(missing_ok=True)
            say(f"installing {LOCK}")
            pip(root, home, "--require-hashes", "--requirement", LOCK)
            stamp["locked"] = wanted["locked"]
            write_stamp(home, stamp)
        if stamp.get("project") != wanted["project"]:
            pip(root, home, "--no-deps", "--no-build-isolation", "--editable", ".")
            stamp["project"] = wanted["project"]
            write_stamp(home, stamp)
        stamp.update(ready_machine(root, home))
        write_stamp(home, stamp)


def up_to_date(root: Path, home: Path) -> bool:
    """Return whether nothing has changed since the last finished set-up, by a few file reads."""
    stamp = read_stamp(home)
    return (
        all(stamp.get(name) == digest for name, digest in digests(root, home).items())
        and stamp.get("settings") == settings()
        and all(size_of(Path(path)) == size for path, size in stamp["files"].items())
    )


def digests(root: Path, home: Path) -> dict[str, str]:
    """Return the inputs of `.venv`: its place (its scripts name it), the lock, the project's metadata."""
    return {
        "place": str(home),
        "locked": hashlib.sha256(read(root / LOCK)).hexdigest(),
        "project": hashlib.sha256(read(root / "pyproject.toml")).hexdigest(),
    }


def settings() -> dict[str, str]:
    """Return the environment settings that decide which engine and which Java are found."""
    found = {name: os.environ[name] for name in SETTINGS if name in os.environ}
    java = shutil.which("java")
    return {**found, "java": os.path.realpath(java) if java else ""}


def runs(home: Path) -> bool:
    """Return whether `home` is an environment of a suitable Python (any, not only this one), with pip."""
    command = [str(python(home)), "-c", f"import pip, sys; sys.exit(sys.version_info < {OLDEST})"]
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def make_environment(home: Path) -> None:
    """Replace whatever is there by an empty virtual environment."""
    say(f"making .venv with Python {sys.version.split()[0]}")
    missing = [name for name in ("venv", "ensurepip") if importlib.util.find_spec(name) is None]
    if missing:
        package = "python{}.{}-venv".format(*sys.version_info[:2])
        raise Refusal(
            f"{sys.executable} lacks {' and '.join(missing)}: on Debian or Ubuntu, sudo apt install {package}"
        )
    if home.is_symlink() or home.is_file():
        home.unlink()
    home.mkdir(parents=True, exist_ok=True)
    outside = getattr(sys, "_base_executable", sys.executable)  # this may be the Python of the very .venv
    run(home, [outside, "-m", "venv", "--clear", str(home)], "python -m venv")


def ready_machine(root: Path, home: Path) -> dict[str, object]:
    """Make sure of an engine and a JVM; return the part of the stamp that locates them."""
    if engine(root, home, "show")["jvm"] is None:
        say(f"no Java 11 or newer is here, installing {SPARE_JAVA}")
        pip(root, home, "--require-hashes", "--requirement", SPARE_JAVA)
    found = engine(root, home, "install", "--if-missing")
    if found["engine"] is None or found["jvm"] is None:
        raise Refusal(
            found["engine_problem"]
            or "the Java of requirements/jdk.txt does not serve: install Java 11 or newer"
        )
    files = [found["engine"]["jar"], found["jvm"]["library"], found["jvm"]["executable"], str(python(home))]
    return {"settings": settings(), "files": {path: size_of(Path(path)) for path in files}}


def engine(root: Path, home: Path, *arguments: str) -> dict[str, Any]:
    """Return the report of `tlacheck engine`, passing on its progress."""
    process = subprocess.Popen(
        [str(python(home)), "-m", "tlacheck.engine", *arguments, "--json"],
        cwd=str(root),
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout is not None
        assert process.stderr is not None
        said = ""
        for line in process.stderr:
            said = line.strip() or said
            if line.startswith("engine: "):
                say(line[len("engine: ") :].strip())
        report = process.stdout.read()
    if not report:
        raise Refusal(
            said[len("tlacheck: ") :] if said.startswith("tlacheck: ") else f"tlacheck engine: {said}"
        )
    return cast("dict[str, Any]", json.loads(report))


def pip(root: Path, home: Path, *arguments: str) -> None:
    """Install with the environment's own pip, silently."""
    options = ["--no-input", "--disable-pip-version-check", "--progress-bar=off"]
    run(home, [str(python(home)), "-m", "pip", "install", *options, *arguments], "pip install", folder=root)


def run(home: Path, command: list[str], name: str, folder: Path | None = None) -> None:
    """Run a command with its output in the log; if it fails, its last meaningful lines are the refusal."""
    done = subprocess.run(
        command,
        cwd=str(folder) if folder else None,
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )
    with (home / LOG).open("a", encoding="utf-8") as log:
        log.write(f"$ {' '.join(command)}\n{done.stdout}")
    if done.returncode:
        raise Refusal(f"{name} failed: {gist(done.stdout)} (all of it: {home.name}/{LOG})")


def gist(output: str) -> str:
    """Return the error of a failed command: its last line that states one, else its last line."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    errors = [line for line in lines if re.match(r"(ERROR: |[\w.]*(Error|Exception): )", line)]
    told = (errors or lines or ["no output"])[-1]
    return f"no network? {told}" if "Retrying (" in output else told


def environment() -> dict[str, str]:
    """Return the environment without variables that would redirect Python or pip."""
    foreign = {"PIP_PREFIX", "PIP_TARGET", "PIP_USER", "PYTHONHOME", "PYTHONPATH"}
    return {name: value for name, value in os.environ.items() if name not in foreign}


@contextlib.contextmanager
def one_at_a_time(root: Path) -> Iterator[None]:
    """Let a second `make` wait until the first has finished the set-up."""
    try:
        import fcntl  # noqa: PLC0415 - not on every platform
    except ImportError:
        yield
        return
    with (root / "pyproject.toml").open("rb") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            say("waiting for another set-up of this folder")
            fcntl.flock(held, fcntl.LOCK_EX)
        yield


def read_stamp(home: Path) -> dict[str, Any]:
    """Return the record of the last finished set-up, empty if none finished."""
    try:
        return cast("dict[str, Any]", json.loads((home / STAMP).read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return {}


def write_stamp(home: Path, stamp: dict[str, Any]) -> None:
    """Record the progress of the set-up, atomically."""
    draft = home / (STAMP + ".new")
    draft.write_text(json.dumps(stamp, indent=1), encoding="utf-8")
    draft.replace(home / STAMP)


def read(path: Path) -> bytes:
    """Return a file's content; nothing if it is not there."""
    return path.read_bytes() if path.is_file() else b""


def python(home: Path) -> Path:
    """The interpreter of the environment."""
    return home / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def size_of(path: Path) -> int:
    """The size of a file, -1 if it is not there."""
    try:
        return path.stat().st_size
    except OSError:
        return -1


def say(line: str) -> None:
    """One line of progress."""
    print(f"bootstrap: {line}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
