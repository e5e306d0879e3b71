"""`tlacheck tlc` behaves like the plain `java` command, status and streams included."""

import os
import shutil
import signal
import subprocess
import sys
import zipfile
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import MagicMock

import attrs
import pytest

from tlacheck.engine import VERSIONS, Engine, Jvm, find_engine, find_jvm
from tlacheck.errors import SetupError
from tlacheck.tlc import Spec, check
from tlacheck.tlc._run import _arguments
from tlacheck.tlc.cli.passthrough import _command
from tlacheck.tlc.parse import parse

_TLACHECK = [sys.executable, "-c", "from tlacheck.cli import main; main()"]
_HEAD = "---- MODULE M ----\nEXTENDS Naturals, TLC\nVARIABLE x\nInit == x = 0\n"
_NEXT = "Next == x' = (x + 1) % 3\n"
_CONFIG = "INIT Init\nNEXT Next\n"


@attrs.frozen
class Case:
    """A module, a configuration and TLC's exit status, which differs in 2.15 for a few."""

    name: str
    status: int
    body: str = _NEXT
    config: str = ""
    status_in_2_15: int | None = None


CASES = [
    Case("success", 0),
    Case("assumption", 10, f"ASSUME 1 = 2\n{_NEXT}"),
    Case("deadlock", 11, "Next == x < 2 /\\ x' = x + 1\n"),
    Case("safety", 12, f"{_NEXT}Small == x < 2\n", "INVARIANT Small"),
    Case("liveness", 13, f"{_NEXT}Ends == <>[](x = 2)\n", "PROPERTY Ends"),
    Case("assertion", 14, 'Next == x\' = x + 1 /\\ Assert(x < 2, "no")\n', status_in_2_15=75),
    Case("evaluation", 75, "Next == x' = IF x = 2 THEN x[1] ELSE x + 1\n"),
    Case("parse", 150, "Next == x' = (x + 1 % 3\n"),
    Case("config", 151, _NEXT, "INVARIANT Nothing"),
]


@pytest.fixture
def environment(tmp_path: Path, engine: Engine, loaded_before: list[str]) -> dict[str, str]:
    """An environment that selects the engine and unpacks its modules in the test's folder."""
    options = " ".join([_unpacking_in(tmp_path), f"-Duser.home={tmp_path}", *loaded_before])
    is_own = engine.version not in VERSIONS
    return {
        **{name: value for name, value in os.environ.items() if name != "TLACHECK_JAR"},
        **({"TLACHECK_JAR": str(engine.jar)} if is_own else {"TLACHECK_ENGINE": engine.version}),
        "JDK_JAVA_OPTIONS": options,
        "PYTHONPATH": str(Path(__file__).parents[2]),
    }


def _unpacking_in(folder: Path) -> str:
    """Java's option for that folder. A TLC that ends deletes the modules of any other in its folder."""
    return f"-Djava.io.tmpdir={folder}"


def _start(command: list[str], folder: Path, environment: dict[str, str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_status_is_that_of_plain_tlc(
    case: Case, engine: Engine, tmp_path: Path, environment: dict[str, str]
) -> None:
    (tmp_path / "M.tla").write_text(f"{_HEAD}{case.body}====\n")
    (tmp_path / "M.cfg").write_text(f"{_CONFIG}{case.config}\n")
    java = [str(find_jvm().executable), "-XX:+UseParallelGC", "-cp", str(engine.jar), "tlc2.TLC"]
    commands = {"ours": [*_TLACHECK, "tlc", "--"], "plain": java}
    runs = {}
    for name, command in commands.items():
        (tmp_path / name).mkdir()
        options = f"{environment['JDK_JAVA_OPTIONS']} {_unpacking_in(tmp_path / name)}"
        alone = {**environment, "JDK_JAVA_OPTIONS": options}
        runs[name] = _start([*command, "-metadir", name, "M"], tmp_path, alone)
    output = {name: run.communicate(timeout=120)[0] for name, run in runs.items()}
    expected = case.status_in_2_15 if engine.version == "2.15" and case.status_in_2_15 else case.status
    assert runs["ours"].returncode == runs["plain"].returncode == expected, output["ours"]
    version = engine.version if engine.version in VERSIONS else ""  # a build of one's own shows today's date
    assert f"TLC2 Version {version}" in output["ours"]


def test_an_interrupt_ends_tlc_and_leaves_no_process(
    specs: Path, tmp_path: Path, environment: dict[str, str]
) -> None:
    for path in specs.glob("Endless.*"):
        shutil.copy(path, tmp_path)
    run = _start([*_TLACHECK, "tlc", "Endless"], tmp_path, environment)
    try:
        assert run.stdout is not None
        for line in run.stdout:
            if "Computing initial states" in line:
                break
        command = Path(f"/proc/{run.pid}/cmdline")
        assert not command.exists() or b"tlc2.TLC" in command.read_bytes()  # exec kept the process
        run.send_signal(signal.SIGINT)
        run.communicate(timeout=60)
    finally:
        run.kill()
    assert run.returncode in (130, -signal.SIGINT)


def test_translated_pluscal_can_be_parsed(
    engine: Engine, tmp_path: Path, environment: dict[str, str]
) -> None:
    (tmp_path / "M.tla").write_text(
        "---- MODULE M ----\nEXTENDS Naturals\n(* --algorithm m\nvariables x = 0;\n"
        "process p \\in 1..2\nbegin\n"
        "Up: x := x + 1;\nDown: either x := 0; or skip; end either;\nend process;\nend algorithm; *)\n====\n"
    )
    run = _start([*_TLACHECK, "tlc", "--tool", "pluscal", "--", "M.tla"], tmp_path, environment)
    output = run.communicate(timeout=60)[0]
    assert run.returncode == 0, output
    module = parse(tmp_path / "M.tla", engine=engine, memory_mb=512)
    assert [action.signature for action in module.actions] == [
        "Up(self in 1..2)",
        "Down(self in 1..2)",
        "Terminating",
    ]


@pytest.fixture
def jvm(tmp_path: Path) -> Jvm:
    return Jvm(version="17", home=tmp_path, library=tmp_path, executable=Path("java"), source="PATH")


def test_java_options_in_the_environment_choose_the_collector(jvm: Jvm, engine: Engine) -> None:
    def options(**environment: str) -> list[str]:
        command = _command(
            engine, jvm, tool="tlc", memory_mb=512, classpath="more.jar", environment=environment
        )
        assert command[0] == "java"
        assert command[-3:] == ["-cp", f"{engine.jar}{os.pathsep}more.jar", "tlc2.TLC"]
        return command[1:-3]

    assert options() == ["-XX:+UseParallelGC", "-Xmx512m"]
    assert options(JDK_JAVA_OPTIONS="-Dx=y -XX:+UseG1GC") == ["-Xmx512m"]


def test_a_tool_missing_from_the_jar_is_refused(jvm: Jvm, engine: Engine) -> None:
    if engine.version not in VERSIONS:
        command = _command(engine, jvm, tool="repl", memory_mb=None, classpath=None, environment={})
        assert command[-1] == "tlc2.REPL"
        return
    with pytest.raises(SetupError, match=r"TLC 2\.\d+ .* has no repl: name a newer tla2tools\.jar"):
        _command(engine, jvm, tool="repl", memory_mb=None, classpath=None, environment={})


# A custom jar.


def _other_version(source: Path, target: Path) -> Path:
    """A copy of a jar with another version number."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            if name == "tlc2/TLCGlobals.class":
                content = content.replace(b"Version 2.1", b"Version 2.9")
            new.writestr(name, content)
    return target


def test_a_jar_of_an_unknown_version_works(
    engine: Engine, specs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TLACHECK_JAR", str(_other_version(engine.jar, tmp_path / "tla2tools.jar")))
    own = find_engine()
    assert own.version == engine.version.replace("2.1", "2.9")
    assert own.sha256 != engine.sha256
    result = check(Spec.load(specs / "DieHard.tla"), memory_mb=512)
    assert result.verdict.is_established
    assert (result.distinct, result.engine) == (16, own.label)
    assert parse(specs / "DieHard.tla", memory_mb=512).engine == own.label


@pytest.mark.parametrize("knows", [True, False])
def test_no_trace_spec_is_generated_beside_the_spec(*, knows: bool, tmp_path: Path) -> None:
    engine = SimpleNamespace(knows=lambda option: knows and option == "-noGenerateSpecTE")
    request = MagicMock(engine=engine, workers=1, depth_first=None)
    assert ("-noGenerateSpecTE" in _arguments(request, MagicMock(root="M"), tmp_path)) == knows
