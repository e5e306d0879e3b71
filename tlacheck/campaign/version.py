"""Version of a worker: whatever may change a result though work and case are the same."""

import functools
import hashlib
import importlib.metadata
import os
import platform
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, Self

import attrs
from immutabledict import immutabledict

import tlacheck
from tlacheck.engine import find_engine
from tlacheck.errors import SetupError

__all__ = ["Version"]

#: The files of a project that can change a result.
_SOURCES: Final = (".py", ".tla", ".cfg", ".toml")
#: So many packages that differ are named.
_NAMED_MAX: Final = 5
_GIT_SECONDS: Final = 60.0


def _frozen(packages: Mapping[str, str]) -> immutabledict[str, str]:
    return immutabledict(sorted(packages.items()))


@attrs.frozen(kw_only=True)
class Version:
    """Version of this process, which must equal that of the campaign.

    Attributes:
        commit: the commit of the project, as git has it; empty outside of a clone.
        sources: SHA-256 of the project's sources as they are, whether committed or not, and of tlacheck's.
        packages: package -> its version, of all that are installed.
        python: the version of Python.
        engine: the TLC.
    """

    commit: str
    sources: str
    packages: immutabledict[str, str] = attrs.field(converter=_frozen)
    python: str
    engine: str

    @classmethod
    def here(cls) -> Self:
        """Version of this process, with the project in whose folder it runs.

        It is found once: a process may already have imported what is edited later.
        """
        return cls(**_here(Path.cwd()))

    def differences(self, other: Self) -> tuple[str, ...]:
        """Differences of another process from this one, in words; empty if they are equal."""
        lines = [
            f"{name}: {mine or 'none'} here, {its or 'none'} there"
            for name in ("commit", "sources", "python", "engine")
            if (mine := getattr(self, name)) != (its := getattr(other, name))
        ]
        names = sorted({*self.packages, *other.packages})
        packages = [
            f"{name} {self.packages.get(name, 'absent')} here, {other.packages.get(name, 'absent')} there"
            for name in names
            if self.packages.get(name) != other.packages.get(name)
        ]
        if len(packages) > _NAMED_MAX:
            packages[_NAMED_MAX:] = [f"{len(packages) - _NAMED_MAX} more packages differ"]
        return (*lines, *packages)

    def to_json(self) -> dict[str, Any]:
        """The version as JSON data."""
        return {**attrs.asdict(self, recurse=False), "packages": dict(self.packages)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """The version that `to_json` wrote.

        Raises:
            KeyError: a part is missing.
        """
        return cls(**{field.name: data[field.name] for field in attrs.fields(cls)})


@functools.cache
def _here(folder: Path) -> Mapping[str, Any]:
    root = Path(_git(folder, "rev-parse", "--show-toplevel") or folder)
    try:
        engine = find_engine().label
    except SetupError:
        engine = ""
    return immutabledict(
        commit=_git(folder, "rev-parse", "HEAD"),
        sources=_sources(root),
        packages={each.name: each.version for each in importlib.metadata.distributions()},
        python=f"{platform.python_implementation()} {platform.python_version()}",
        engine=engine,
    )


def _git(folder: Path, *words: str) -> str:
    """Return the output of git; empty if there is no git or no clone."""
    try:
        done = subprocess.run(
            ["git", "-C", folder, *words],
            capture_output=True,
            text=True,
            check=True,
            timeout=_GIT_SECONDS,
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip()


def _sources(root: Path) -> str:
    """SHA-256 of names and contents of all sources."""
    package = Path(tlacheck.__path__[0])
    roots = [root] if package.resolve().is_relative_to(root.resolve()) else [root, package]
    total = hashlib.sha256()
    for each in roots:
        for path in sorted(_files(each)):
            content = hashlib.sha256(path.read_bytes()).hexdigest()
            total.update(f"{path.relative_to(each).as_posix()} {content}\n".encode(errors="surrogateescape"))
    return total.hexdigest()[:16]


def _files(folder: Path) -> Iterator[Path]:
    """The sources below a folder, as git has them, or else all that are not in hidden folders."""
    listed = _git(folder, "ls-files", "--cached", "--others", "--exclude-standard", "-z")
    if listed:
        paths = (folder / name for name in listed.split("\0"))
        yield from {path for path in paths if path.suffix in _SOURCES and path.is_file()}
        return
    for at, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".") and name != "__pycache__"]
        yield from (Path(at, name) for name in names if name.endswith(_SOURCES) and Path(at, name).is_file())
