"""Checks one model of the zoo after another in this process, with TLACHECK_JAR: `python one_process.py HOW`.

Reads the names of configurations, a line each, and answers with lines of JSON: the result, how many copies
of TLC's classes there have been, what differs afterwards from the state with which the reused one began, and
how many files a finalizer would close.

HOW is `fresh` (a copy for each model), `reused` (as a worker does), or a mistake that the tests must notice:
`unrestored` (the state is not restored) or `armed` (finalizers keep the files that they close).
"""

import functools
import json
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import attrs
import jpype

from tlacheck.engine import find_engine
from tlacheck.errors import SpecError
from tlacheck.tlc import Spec, _copies, _run
from tlacheck.tlc._jvm import TlcClasses, start_jvm
from tlacheck.tlc._outcome import interpret
from tlacheck.tlc._protocol import Request
from tlacheck.values import to_tla

ZOO = Path(__file__).parents[1] / "zoo"


def main(how: str) -> None:
    """Answer until standard input closes. Does not return."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    with tempfile.TemporaryDirectory() as folder:
        start_jvm(memory_mb=1024, folder=Path(folder), ends_when_full=True, light=True)
        _mistake(how)
        for line in sys.stdin:
            answers.write(json.dumps(_answer(line.strip())) + "\n")
            answers.flush()
    os._exit(0)


def _mistake(how: str) -> None:
    if how == "fresh":
        mock.patch.object(_copies.Copies, "_reusable", return_value=None).start()
    if how == "unrestored":
        mock.patch.object(_copies.ReusedCopy, "restore", return_value=True).start()
    disarm = mock.Mock() if how == "armed" else _copies.disarm
    mock.patch.object(_run, "disarm", functools.partial(_disarmed, disarm)).start()


_files: list[int] = []


def _disarmed(disarm: Callable[[TlcClasses, Any], None], classes: TlcClasses, checker: Any) -> None:
    """Disarm, and count the files that are left."""
    disarm(classes, checker)
    disk = classes["tlc2.tool.fp.DiskFPSet"].class_
    fields = [disk.getDeclaredField(name) for name in ("braf", "brafPool")]
    _files.clear()
    for fingerprints in _copies._fingerprint_sets(checker):
        for field in fields:
            field.setAccessible(True)
            _files.append(len(field.get(fingerprints)) if disk.isInstance(fingerprints) else 0)


def _answer(name: str) -> dict[str, Any]:
    module = next(path for path in ZOO.glob("*.tla") if name.startswith(path.stem) and _is_of(path, name))
    spec = Spec.load(module, ZOO / f"{name}.cfg")
    request = Request(
        spec=spec,
        engine=find_engine(),
        workers=1,
        deadlock=True,
        continue_=False,
        depth_first=None,
        coverage=False,
        levels=False,
        dumps=(),
    )
    report = _run.run(request, mock.Mock(), _run._COPIES)
    try:
        outcome = interpret(report, spec, request.engine, deadlock=True, continue_=False, depth_first=None)
        result = repr(attrs.evolve(outcome, trace=None, violations=()))
        # Of a temporal property, TLC finds one of several lassos, by its random choice of a polynomial.
        if outcome.trace is not None and outcome.trace.loop is None:
            states = [outcome.trace.initial, *(step.state for step in outcome.trace.steps)]
            result += "".join(
                f"; {name} = {to_tla(value)}" for state in states for name, value in state.items()
            )
    except SpecError as error:
        result = str(error)
    return {
        "result": result,
        "copies": TlcClasses.made,
        "differences": sorted(_differences()),
        "files": sum(_files),
    }


def _is_of(path: Path, name: str) -> bool:
    """Return whether the module is the one with the longest name that the configuration begins with."""
    return not any(
        name.startswith(other.stem) and len(other.stem) > len(path.stem) for other in ZOO.glob("*.tla")
    )


def _differences() -> Iterator[str]:
    """Yield what differs once Java has collected all garbage and run all finalizers."""
    reused = _run._COPIES._reused
    if reused is None:
        return
    system = jpype.JClass("java.lang.System")
    for _ in range(2):
        system.gc()
        system.runFinalization()
    yield from Counter(reused.differences())


if __name__ == "__main__":
    main(*sys.argv[1:])
