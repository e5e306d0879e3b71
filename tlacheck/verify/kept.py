"""Kept results: what a check established stands until something that it read has changed.

A check that is ok is kept with its verdict, figures, trace and time, and with a digest of each of its
inputs. A later run with the same key, whose inputs have the same digests, takes the result from the
store. Nothing else is kept: what is violated, inconclusive or could not run is done again.

The key of a model is its spec, the text of its configuration, and whether a deadlock counts. Its inputs are
the modules beside the spec and in libraries, and the sources of tlacheck that check models.

The key of a check in Python is its function, arguments, budget and seed. Its inputs are the files that its
processes opened and the folders that they listed (`tlacheck.reads`). Java reads what a module extends, so
with a module go all modules and configurations beside it.

In both keys are the engine, the JVM, Python, the packages, the system, and the variables of the environment
that tlacheck, TLC or Java read. What was expected is in neither: the result is judged anew.

An input is a path from the root: `impl/core.py` is its content, `traces/golden/` the names in it,
`specs/raft/*.tla` names and contents. An entry is one file, written whole, with a digest of itself; one that
is torn, foreign or of another version is ignored. So a store may be copied, shared by several checkouts, and
thrown away.
"""

import contextlib
import hashlib
import importlib.metadata
import json
import os
import platform
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import attrs

import tlacheck
from tlacheck.errors import TlacheckError
from tlacheck.reads import reads_in
from tlacheck.tlc.configuration import configuration_text
from tlacheck.tlc.libraries import of_environment
from tlacheck.verify._work import flat
from tlacheck.verify.judge import Status, judge_call, judge_model
from tlacheck.verify.manifest import Model, Pins
from tlacheck.verify.outcome import Outcome
from tlacheck.verify.plan import Call, Check
from tlacheck.verify.result import Result, Setting

__all__ = ["FOLDER", "Kept"]

#: Where a project keeps results, from its root.
FOLDER: Final = Path(".verify", "kept")

_FORMAT: Final = 1
#: So many entries of one key stay: branches between which one goes to and fro.
_ENTRIES_MAX: Final = 8
#: An input has settled when it was changed so long before a check began: Python takes the compiled form of a
#: module for that of its source if that has the same size and was changed in the same second.
_SETTLED_SECONDS: Final = 2.0
#: Folders of a project in which nothing is an input: results, caches, environments.
_NO_INPUTS: Final = frozenset({".verify", ".tlacheck", ".hypothesis", ".git", ".venv", "__pycache__"})
#: The sources of tlacheck on which the verdict on a model rests.
_CHECKING: Final = ("*.py", "tlc/*.py", "engine/*.py", "convert/*.py", "verify/_work.py")
#: How the variables begin that tlacheck, TLC or Java read; and those that say what a key has already.
_VARIABLES: Final = ("TLACHECK_", "JAVA_", "_JAVA_", "JDK_JAVA_")
_NAMED: Final = frozenset(
    {"TLACHECK_JAR", "TLACHECK_ENGINE", "TLACHECK_CACHE", "TLACHECK_READS", "JAVA_HOME"}
)
_ABSENT: Final = "absent"


@attrs.define
class Kept:
    """The results that a project keeps.

    Args:
        folder: the store.
        setting: what all checks of this run share.
        command: the command that repeats a check.
    """

    folder: Path
    setting: Setting
    command: Callable[[Check], str]
    _common: Mapping[str, Any] = attrs.field(init=False)
    _contents: dict[Path, tuple[int, int, str]] = attrs.field(factory=dict, init=False)

    def __attrs_post_init__(self) -> None:
        self._common = {
            "format": _FORMAT,
            "engine": self.setting.engine,
            "versions": dict(self.setting.versions),
            "packages": sorted(f"{each.name}=={each.version}" for each in importlib.metadata.distributions()),
            "system": [platform.system(), platform.machine(), sys.implementation.name],
            "environment": {
                name: value
                for name, value in sorted(os.environ.items())
                if name.startswith(_VARIABLES) and name not in _NAMED
            },
        }

    # --- answers

    def find(self, check: Check) -> Result | None:
        """Return the kept result of a check, if it has one that is ok and none of its inputs has changed."""
        folder = self._of(check)
        if folder is None or not folder.is_dir():
            return None
        for file in _newest_first(folder):
            entry = _read(file)
            if entry is None or any(self._digest(what) != was for what, was in entry["inputs"].items()):
                continue
            with contextlib.suppress(KeyError, TypeError, ValueError, AttributeError, OSError):
                result = self._result(check, entry["result"])
                if result.status is Status.OK:
                    return result
        return None

    def _result(self, check: Check, data: Mapping[str, Any]) -> Result:
        outcome = Outcome.from_json({**data, "trace": None, "message": ""})
        pins = Pins(data["pins"])
        judgement = (
            judge_call(check, outcome.verdict)
            if isinstance(check, Call)
            else judge_model(check, outcome.verdict, pins)
        )
        return Result(
            check=check,
            status=judgement.status,
            verdict=outcome.verdict,
            figures=outcome.figures,
            pins=pins,
            seconds=float(data["seconds"]),
            trace=self._unpacked(check, data["trace"]) if judgement.status is Status.OK else None,
            reasons=judgement.reasons,
            command=outcome.command or self.command(check),
            is_kept=True,
        )

    def _unpacked(self, check: Check, trace: Mapping[str, str] | None) -> Path | None:
        if trace is None:
            return None
        folder = self.setting.folder / flat(check)
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / Path(trace["name"]).name
        path.write_text(trace["text"], encoding="utf-8")
        return path

    # --- keeping

    def keep(self, result: Result, reads: Path | None, since: float) -> None:
        """Keep the result of a check, if it is ok and its inputs are known.

        Args:
            result: of a check that was just done.
            reads: the list of what its processes read; None for a model.
            since: when it began, seconds since the epoch. If an input was changed later, or hardly before,
                nobody knows which of its versions was read, and nothing is kept.
        """
        check, folder = result.check, self._of(result.check)
        if result.status is not Status.OK or result.verdict is None or folder is None:
            return
        try:
            inputs = self._inputs_of_model(check) if isinstance(check, Model) else self._inputs_read(reads)
            latest = since - _SETTLED_SECONDS
            if any(_changed_at(path) > latest for what in inputs for path in self._files(what)):
                return
            entry = {
                "check": check.name,
                "inputs": {what: self._digest(what) for what in sorted(inputs)},
                "result": _packed(result),
            }
            _write(folder, entry)
        except (OSError, ValueError):
            return  # the store is a convenience: it is full, read-only, or an input has just gone

    def _inputs_read(self, reads: Path | None) -> set[str]:
        """The inputs of a check in Python."""
        if reads is None:
            raise FileNotFoundError
        root = f"{self._root}{os.sep}"
        ours = (root, f"{Path(tlacheck.__path__[0]).resolve()}{os.sep}")
        found: set[str] = set()
        for name in reads_in(reads):
            path = name if name.startswith(ours) else _resolved(name)
            if not path.startswith(ours) and not path.endswith((".tla", ".cfg")):
                continue
            own = path.removeprefix(root) or "./"
            if _NO_INPUTS.intersection(Path(own).parts):
                continue
            found.add(own)
            if own.endswith(".tla"):
                found.update(str(Path(own).with_name(pattern)) for pattern in ("*.tla", "*.cfg"))
        return found

    def _inputs_of_model(self, check: Model) -> set[str]:
        folders = (check.spec.parent, *of_environment())
        inputs = {self._from_root(folder / "*.tla") for folder in folders}
        package = Path(tlacheck.__path__[0])
        if not package.is_relative_to(sys.prefix):
            inputs |= {self._from_root(package / pattern) for pattern in _CHECKING}
        return inputs

    # --- keys and digests

    @property
    def _root(self) -> Path:
        return self.setting.root.resolve()

    def _from_root(self, path: Path) -> str:
        path = path.absolute()
        resolved = path.parent.resolve() / path.name
        return str(resolved.relative_to(self._root)) if resolved.is_relative_to(self._root) else str(resolved)

    def _of(self, check: Check) -> Path | None:
        """The folder of a check's entries; None if its configuration cannot be read."""
        if isinstance(check, Model):
            try:
                text = configuration_text(check.config)
            except (TlacheckError, OSError):
                return None
            own = {"spec": self._from_root(check.spec), "config": text, "deadlock": check.deadlock}
        else:
            arguments = dict(check.arguments[self.setting.budget])
            own = {"call": check.call, "arguments": arguments}
            own |= {"budget": self.setting.budget, "seed": self.setting.seed}
        key = _sha256(_canonical({**self._common, "of": own}))
        return self.folder / key[:2] / key[2:]

    def _files(self, what: str) -> Iterable[Path]:
        path = self._root / what
        return path.parent.glob(path.name) if "*" in path.name else (path,)

    def _digest(self, what: str) -> str:
        """The digest of an input as it is now."""
        path = self._root / what
        if what.endswith("/"):
            return _names_in(path)
        if "*" in path.name:
            return _sha256(_canonical({each.name: self._content(each) for each in self._files(what)}))
        return self._content(path)

    def _content(self, path: Path) -> str:
        """The digest of a file, which is read again only if its time or size has changed."""
        try:
            status = path.stat()
            known = self._contents.get(path)
            if known is None or known[:2] != (status.st_mtime_ns, status.st_size):
                known = status.st_mtime_ns, status.st_size, _sha256(path.read_bytes())
                self._contents[path] = known
        except OSError:
            return _ABSENT
        return known[2]


def _resolved(name: str) -> str:
    """Return a path without symbolic links; that of a folder keeps its slash."""
    return os.path.realpath(name) + ("/" if name.endswith("/") else "")


def _packed(result: Result) -> dict[str, Any]:
    if result.verdict is None:
        raise ValueError("a result without a verdict is not kept")
    outcome = Outcome(verdict=result.verdict, figures=result.figures)
    trace = result.trace
    text = None if trace is None else {"name": trace.name, "text": trace.read_text(encoding="utf-8")}
    return {**outcome.to_json(), "pins": dict(result.pins), "seconds": result.seconds, "trace": text}


def _read(file: Path) -> dict[str, Any] | None:
    """An entry; None if it is torn or no entry."""
    try:
        whole = json.loads(file.read_bytes())
        entry: dict[str, Any] = whole["entry"]
        is_whole = whole["sha256"] == _sha256(_canonical(entry)) and isinstance(entry["inputs"], dict)
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None
    return entry if is_whole else None


def _write(folder: Path, entry: Mapping[str, Any]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    text = _canonical(entry)
    target = folder / f"{_sha256(_canonical(entry['inputs']))[:16]}.json"
    with tempfile.NamedTemporaryFile(dir=folder, prefix=".", delete=False) as scratch:
        scratch.write(_canonical({"sha256": _sha256(text), "entry": entry}))
    Path(scratch.name).replace(target)
    for old in _newest_first(folder)[_ENTRIES_MAX:]:
        old.unlink(missing_ok=True)


def _newest_first(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.json"), key=_changed_at, reverse=True)


def _changed_at(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def _names_in(folder: Path) -> str:
    try:
        names = sorted(path.name for path in folder.iterdir() if path.name not in _NO_INPUTS)
    except OSError:
        return _ABSENT
    return _sha256(_canonical(names))


def _canonical(data: Any) -> bytes:
    return json.dumps(data, sort_keys=True, ensure_ascii=False).encode(errors="surrogateescape")


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
