"""Generation of a regression test from a failing run.

Two files are written side by side: the behaviour that the spec demands, as ITF, and a pytest module
that replays it on the system. The test fails until the bug is fixed, and needs no JVM: the behaviour is
all it knows of the spec. Where the spec allows several outcomes of one step, the behaviour has one of
them.
"""

import re
import string
from pathlib import Path
from typing import Final

import attrs

from tlacheck import __version__, itf
from tlacheck.errors import ConfigError, TraceError
from tlacheck.tlc.legal import demanded
from tlacheck.trace import Trace

__all__ = ["WrittenTest", "write_test"]

_TEXT: Final = string.Template('''\
"""$title

$story

The behaviour is in $trace beside this file: look at it with `tlacheck inspect`.
"""

from pathlib import Path

from tlacheck import itf
from tlacheck.conform.loading import load_system
from tlacheck.conform.replay import replay
from tlacheck.conform.system import closing


def $function() -> None:
    """The system follows the behaviour that the spec demands."""
    behaviour = itf.read(Path(__file__).with_name("$trace"))
    with closing(load_system("$system")) as system:
        run = replay(behaviour, system)
    assert run.violation is None, "\\n".join(run.violation.explanation)
''')


@attrs.frozen
class WrittenTest:
    """The files of a test.

    Attributes:
        module: the pytest module.
        trace: the behaviour that it replays.
    """

    module: Path
    trace: Path


def write_test(run: Trace, folder: Path | str, system: str, *, name: str) -> WrittenTest:
    """Write a test that replays, on a system, the behaviour that the spec demands where `run` left it.

    Args:
        run: a failing run, best a shrunk one.
        folder: where the files go; it is made if need be.
        system: the system as `load_system` takes it, `package.module:Name` or `exec:COMMAND`.
        name: what the test is about: `test_NAME.py` and `NAME.itf.json` are written.

    Returns:
        The files.

    Raises:
        TraceError: the run does not fail, fails as a whole, or fails by a step that the spec does not allow,
            so that there is no behaviour to replay; or a file cannot be written.
        ConfigError: the name cannot be one of a Python module, or the system is not written as it should be.
    """
    if run.violation is None or run.violation.step is None:
        raise TraceError("a test is written of a run that leaves its spec at some step; this one does not")
    identifier = re.sub(r"\W+", "_", name, flags=re.ASCII).strip("_").lower()
    if not identifier or not re.fullmatch(r"[\w.]+:[\w.]+", system, re.ASCII):
        raise ConfigError(f"no test can be written with the name {name!r} for the system {system!r}")
    behaviour = demanded(run)
    files = WrittenTest(Path(folder, f"test_{identifier}.py"), Path(folder, f"{identifier}.itf.json"))
    itf.write(behaviour, files.trace)
    text = _TEXT.substitute(
        title=f"{_plain(run.violation.property)}: a run of {len(run)} steps leaves its spec at the last.",
        story="\n".join(_story(run)),
        trace=files.trace.name,
        function=f"test_{identifier}",
        system=system,
    )
    try:
        files.module.write_text(text, encoding="utf-8")
    except OSError as error:
        raise TraceError(f"cannot be written: {error.strerror or error}", files.module) from error
    return files


def _story(run: Trace) -> list[str]:
    origin, violation = run.origin, run.violation
    lines = [f"Steps: {', '.join(step.action for step in run.steps)}."]
    lines += [f"    {line}" for line in (violation.explanation if violation else ())]
    lines.append("")
    if origin.command:
        lines.append(f"Found by: {origin.command}")
    versions = {"tlacheck": __version__, **origin.versions}
    made = [f"{tool} {version}" for tool, version in versions.items()]
    if origin.seed is not None:
        made.insert(0, f"seed {origin.seed}")
    lines.append(", ".join([*made, *filter(None, [origin.engine])]))
    return [_plain(line) for line in lines]


def _plain(text: str) -> str:
    """Return the text made safe for a one-line docstring."""
    return " ".join(text.replace("\\", "\\\\").replace('"""', "'''").splitlines()).rstrip('"')
