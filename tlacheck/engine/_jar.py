"""Search for the TLC jar, and the cache of fetched jars.

Search order: the jar named by TLACHECK_JAR; the version named by TLACHECK_ENGINE; the pin set with
`tlacheck engine use`; TLC 2.18 (Maven Central); TLC 2.15 (inside a wheel on PyPI). A machine that
reaches only PyPI therefore has an engine too. The pin is a file in the cache, for all projects of a
user; a pinned jar is pinned with its checksum.

A cached jar is trusted only if its checksum matches, which is computed on every use. Files are put in
place by a rename, so no reader sees half a jar. The cache remembers a failed fetch: the next run does
not wait for the same network again unless told to.
"""

import contextlib
import functools
import hashlib
import json
import os
import re
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import attrs

from tlacheck.engine import _fetch
from tlacheck.errors import SetupError

__all__ = [
    "VERSIONS",
    "Engine",
    "cache_folder",
    "ensure_engine",
    "find_engine",
    "installed_engines",
    "pin_engine",
    "reason",
    "unpin_engine",
    "user_jar",
]

_JAR_VARIABLE, _VERSION_VARIABLE = "TLACHECK_JAR", "TLACHECK_ENGINE"
_PIN = "pin.json"


@attrs.frozen
class Engine:
    """A verified TLC jar, as verdicts record it."""

    version: str
    sha256: str
    jar: Path
    source: str
    """The place it came from: `TLACHECK_JAR`, `pin` (a jar of the user's), `maven` or `pypi`."""

    @property
    def label(self) -> str:
        """Version and the head of the checksum, as a report prints them."""
        return f"TLC {self.version} (sha256 {self.sha256[:12]})"

    def knows(self, option: str) -> bool:
        """Return whether this TLC takes a command line option, such as `-noGenerateSpecTE`; asks the jar."""
        return _constant(option) in _code(self.jar, self.sha256, "tlc2/TLC.class")

    @property
    def compares_translations(self) -> bool:
        """True if this TLC tells that a PlusCal algorithm has changed since its translation; asks the jar."""
        return b"chksum" in _code(self.jar, self.sha256, "pcal/Validator.class")


def _constant(text: str) -> bytes:
    """Return a text as the constants of a Java class hold it, with its kind and length before it."""
    return b"\x01" + len(text).to_bytes(2, "big") + text.encode()


@functools.lru_cache
def _code(jar: Path, _sha256: str, name: str) -> bytes:
    """Return the code of a class; empty if the jar has none of that name."""
    with zipfile.ZipFile(jar) as archive:
        return archive.read(name) if name in archive.namelist() else b""


@attrs.frozen
class _Release:
    """A TLC that can be fetched."""

    version: str
    sha256: str
    source: str
    fetch: Callable[[Path], Path]

    @property
    def jar(self) -> Path:
        return cache_folder() / f"tlc-{self.version}.jar"

    @property
    def failure(self) -> Path:
        """The file with the reason of the last fetch, if it failed."""
        return cache_folder() / f"tlc-{self.version}.failed"


_RELEASES = {
    release.version: release
    for release in (
        _Release(
            "2.18",
            "fc0a7b69b35076b4aeef54228a62fce9ca035f81a19619f5ed3f023f78c803b3",
            "maven",
            _fetch.from_maven,
        ),
        _Release(
            "2.15",
            "58c6df9a1045beb341ee947bc640fe8d89988ad1d0b700e392aa8dd97502129a",
            "pypi",
            _fetch.from_pypi,
        ),
    )
}

VERSIONS = tuple(_RELEASES)
"""The versions of TLC that can be fetched, the preferred one first."""


class _DamagedError(Exception):
    """A cached jar does not match its checksum."""


class _RememberedError(_fetch.FetchError):
    """A fetch failed before and was not retried."""


def find_engine(version: str | None = None) -> Engine:
    """Find the engine to use, without fetching anything.

    Args:
        version: `2.15` or `2.18` for exactly that one, whatever the environment says. None for the
            first in the order of this module.

    Raises:
        SetupError: There is none, or TLACHECK_JAR, TLACHECK_ENGINE or the pin does not say something
            usable, or a cached jar is damaged.
    """
    if version is None and (own := user_jar()) is not None:
        return own
    wanted = _wanted(version)
    for release in wanted:
        try:
            engine = _cached(release)
        except _DamagedError:
            raise SetupError(
                f"{release.jar} is damaged: run `tlacheck engine install` to fetch it again"
            ) from None
        if engine is not None:
            return engine
    names = " or ".join(release.version for release in wanted)
    raise SetupError(
        f"TLC {names} is not in {cache_folder()}: run `tlacheck engine install`, or set TLACHECK_JAR"
    )


def ensure_engine(
    version: str | None = None, *, retry: bool = False, progress: Callable[[str], None] = lambda _line: None
) -> Engine:
    """Find the engine to use, fetching it if needed.

    Args:
        version: As for `find_engine`.
        retry: Fetch again what could not be fetched before. Without it a failure that the cache
            remembers stands as long as another engine serves, or if `version` asked for that very one.
        progress: Gets a line before each fetch and after one that failed.

    Raises:
        SetupError: No engine is there and none could be fetched, or the environment names a bad one.
    """
    if version is None and (own := user_jar()) is not None:
        return own
    reasons, untried = [], []
    for release in _wanted(version):
        try:
            return _provide(release, retry=retry, progress=progress)
        except _RememberedError as error:
            untried.append(release)
            reasons.append(f"TLC {release.version}: {error}")
        except _fetch.FetchError as error:
            reasons.append(f"TLC {release.version}: {error}")
    for release in untried if version is None else ():
        # a remembered failure must not leave the user without an engine
        with contextlib.suppress(_fetch.FetchError):
            return _provide(release, retry=True, progress=progress)
    raise SetupError(
        f"no TLC could be fetched ({'; '.join(reasons)}): "
        "run `tlacheck engine install` when there is a network, or set TLACHECK_JAR to a tla2tools.jar"
    )


def installed_engines() -> tuple[Engine, ...]:
    """List the installed, undamaged engines, the preferred one first."""
    own = user_jar()
    engines = [own] if own else []
    for release in _RELEASES.values():
        with contextlib.suppress(_DamagedError):
            engine = _cached(release)
            engines += [engine] if engine else []
    return tuple(engines)


def user_jar() -> Engine | None:
    """Return the user's own jar that TLACHECK_JAR or else the pin names; None if neither does.

    Raises:
        SetupError: The file is not there, or is no jar of TLC, or is another one than was pinned.
    """
    if named := os.environ.get(_JAR_VARIABLE):
        return _examined(named, f"{_JAR_VARIABLE}={named}", _JAR_VARIABLE, "correct or unset it")
    pinned = None if os.environ.get(_VERSION_VARIABLE) else _pinned()
    if pinned is None or "sha256" not in pinned:
        return None
    engine = _examined(pinned["engine"], f"the pinned jar {pinned['engine']}", "pin", _PIN_REMEDY)
    if engine.sha256 != pinned["sha256"]:
        raise SetupError(
            f"the pinned jar {engine.jar} is another file now (sha256 {engine.sha256[:12]}, pinned with "
            f"{pinned['sha256'][:12]}): {_PIN_REMEDY}"
        )
    return engine


def pin_engine(name: str) -> Engine:
    """Pin this engine. TLACHECK_JAR and TLACHECK_ENGINE still take precedence.

    Args:
        name: `2.15` or `2.18`, or else the path of a tla2tools.jar.

    Raises:
        SetupError: It is not here, or no jar of TLC, or the cache cannot be written.
    """
    if name in _RELEASES:
        engine, pin = find_engine(name), {"engine": name}
    elif re.fullmatch(r"\d+(\.\d+)*", name) and not Path(name).exists():
        raise SetupError(f"{name} is no engine: say {' or '.join(VERSIONS)}, or the path of a tla2tools.jar")
    else:
        engine = _examined(name, name, "pin", "name a tla2tools.jar")
        pin = {"engine": str(engine.jar), "sha256": engine.sha256}
    with _writing_to(cache_folder()) as scratch:
        note = scratch / _PIN
        note.write_text(json.dumps(pin) + "\n", encoding="utf-8")
        note.replace(cache_folder() / _PIN)
    return engine


def unpin_engine() -> None:
    """Remove the pin."""
    try:
        (cache_folder() / _PIN).unlink(missing_ok=True)
    except OSError as error:
        raise SetupError(f"{error.filename} cannot be removed: {error.strerror}") from error


def reason() -> str:
    """Explain the choice of `find_engine`."""
    for variable in (_JAR_VARIABLE, _VERSION_VARIABLE):
        if os.environ.get(variable):
            return f"{variable} names it"
    return "pinned with `tlacheck engine use`" if _pinned() else "the preferred one of those that are here"


_MANIFEST = "META-INF/MANIFEST.MF"
_PIN_REMEDY = "run `tlacheck engine use` with a jar or a version, or with --reset"


def _pinned() -> dict[str, str] | None:
    """Return the pin: `engine`, a version or a path; with a path its `sha256`."""
    path = cache_folder() / _PIN
    try:
        pin = json.loads(path.read_text(encoding="utf-8"))
        if pin["engine"] in _RELEASES or isinstance(pin["sha256"], str):
            return dict(pin)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError, TypeError, KeyError):
        pass
    raise SetupError(f"{path} cannot be read or says nothing usable: {_PIN_REMEDY}")


def _examined(named: str, what: str, source: str, remedy: str) -> Engine:
    """Inspect a jar of the user's. `what` names it in messages."""
    jar = Path(named).expanduser().absolute()
    try:
        with zipfile.ZipFile(jar) as archive:
            archive.getinfo("tlc2/TLC.class")
            constants = archive.read("tlc2/TLCGlobals.class")
            manifest = archive.read(_MANIFEST) if _MANIFEST in archive.namelist() else b""
        digest = _sha256(jar)
    except OSError as error:
        raise SetupError(f"{what} cannot be read ({error.strerror}): {remedy}") from error
    except (KeyError, zipfile.BadZipFile):
        raise SetupError(f"{what} is no jar of TLC (tla2tools.jar): {remedy}") from None
    # javac leaves TLCGlobals.versionOfTLC, "Version 2.19 of 08 August 2024", as one constant.
    stated = re.search(rb"Version (\d+(?:\.\d+)+) of ", constants)
    version = stated[1].decode() if stated else _built(manifest.decode("utf-8", "replace"))
    return Engine(version=version, sha256=digest, jar=jar, source=source)


def _built(manifest: str) -> str:
    """Return the date of a build and its revision: newer TLCs have no other version."""
    entries = dict(line.split(": ", 1) for line in manifest.splitlines() if ": " in line)
    day = re.match(r"(\d{4})-(\d\d)-(\d\d)T", entries.get("Build-TimeStamp", ""))
    if day is None:
        return "unknown"
    revision = entries.get("X-Git-ShortRevision", "").strip()
    return ".".join(day.groups()) + (f"-{revision}" if revision else "")


def cache_folder() -> Path:
    """Return the folder of fetched jars. It need not exist."""
    if own := os.environ.get("TLACHECK_CACHE"):
        return Path(own).expanduser().absolute()
    shared = Path(os.environ.get("XDG_CACHE_HOME", ""))
    # The XDG specification says to ignore relative paths.
    return (shared if shared.is_absolute() else Path.home() / ".cache") / "tlacheck" / "engines"


def _wanted(version: str | None) -> tuple[_Release, ...]:
    """List the releases that may serve, the preferred one first."""
    named, where = (version, "version") if version else (os.environ.get(_VERSION_VARIABLE), _VERSION_VARIABLE)
    if not named and (pin := _pinned()):
        named, where = pin["engine"], "the pin"
    if not named:
        return tuple(_RELEASES.values())
    if named not in _RELEASES:
        raise SetupError(f"{where} {named!r} is no engine: say {' or '.join(VERSIONS)}")
    return (_RELEASES[named],)


def _cached(release: _Release) -> Engine | None:
    try:
        digest = _sha256(release.jar)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise SetupError(f"{release.jar} cannot be read: {error.strerror}") from error
    if digest != release.sha256:
        raise _DamagedError
    return Engine(version=release.version, sha256=digest, jar=release.jar, source=release.source)


def _provide(release: _Release, *, retry: bool, progress: Callable[[str], None]) -> Engine:
    """Return the cached engine of a release, or fetch it."""
    with contextlib.suppress(_DamagedError):
        engine = _cached(release)
        if engine is not None:
            return engine
    if not retry and release.failure.is_file():
        reason = release.failure.read_text(encoding="utf-8").strip()
        raise _RememberedError(f"{reason} (not tried again)")
    progress(f"fetching TLC {release.version} ({release.source})")
    try:
        with _writing_to(release.jar.parent) as scratch:
            _checked(release.fetch(scratch), release).replace(release.jar)
            release.failure.unlink(missing_ok=True)
    except _fetch.FetchError as error:
        progress(f"TLC {release.version} could not be fetched: {error}")
        _remember(release, str(error))
        raise
    return Engine(version=release.version, sha256=release.sha256, jar=release.jar, source=release.source)


def _checked(fetched: Path, release: _Release) -> Path:
    digest = _sha256(fetched)
    if digest != release.sha256:
        raise _fetch.FetchError(f"got a file with sha256 {digest[:12]}, not {release.sha256[:12]}")
    return fetched


def _remember(release: _Release, reason: str) -> None:
    """Record a failed fetch, and drop a damaged jar that it left behind."""
    with _writing_to(release.failure.parent) as scratch:
        note = scratch / "reason"
        note.write_text(reason + "\n", encoding="utf-8")
        note.replace(release.failure)
    release.jar.unlink(missing_ok=True)


@contextlib.contextmanager
def _writing_to(folder: Path) -> Iterator[Path]:
    """Yield a scratch folder on the file system of `folder`, which is created if missing."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".fetch-", dir=folder) as scratch:
            yield Path(scratch)
    except OSError as error:
        raise SetupError(
            f"{folder} cannot be written ({error.strerror}): set TLACHECK_CACHE to a folder that can"
        ) from error


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
