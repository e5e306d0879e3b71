"""A toy core to mutate, `queue.core`, with layers of checks that leave holes, in a temporary folder."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

_CORE = '''"""A queue with a limit."""

LIMIT = 3


def admit(waiting, name):
    """Admit a name once, while there is room."""
    if name in waiting:
        return waiting
    if len(waiting) >= LIMIT:
        raise ValueError("it is full")
    return (*waiting, name)


def drained(waiting):
    """Serve all, one by one."""
    served = 0
    while len(waiting) > served:
        served += 1
    return served


def urgent(names):
    """The first in the order of names."""
    return min(names) if names else None


def forgotten(n):
    """Called by no layer."""
    return n > 1
'''

_CHECKS = '''from tlacheck.verdict import Verdict
from tlacheck.verify import Outcome


def once(context):
    """Admits a name, never twice; looks neither at the limit nor at the order."""
    from queues.core import admit

    waiting = admit(admit((), "a"), "a")
    if waiting != ("a",):
        return Outcome(verdict=Verdict.violated("Once"))
    return Outcome(verdict=Verdict.sampled(1, context.seed))


def served(context):
    from queues.core import drained, urgent

    if urgent(["b", "a"]) not in ("a", "b"):
        return Outcome(verdict=Verdict.violated("Urgent"))
    if drained(("a", "b")) != 2:
        return Outcome(verdict=Verdict.unknown("nobody was served"))
    return Outcome(verdict=Verdict.sampled(1, context.seed))


def objects(context):
    return Outcome(verdict=Verdict.violated("Always"))
'''

_LAYERS = """from tlacheck.mutants import Layer

LAYERS = (Layer("once", "queues.checks:once"), Layer("served", "queues.checks:served"))
"""


@pytest.fixture
def queues(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder of the toy package, in the current folder, as for `tlacheck mutate`."""
    package = tmp_path / "queues"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "core.py").write_text(_CORE, encoding="utf-8")
    (package / "checks.py").write_text(_CHECKS, encoding="utf-8")
    (package / "layers.py").write_text(_LAYERS, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    yield package
    for name in [name for name in sys.modules if name.partition(".")[0] == "queues"]:
        del sys.modules[name]
