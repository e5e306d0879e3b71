"""Scaffolded adapters pass the linters, fit their spec, and name the parts still to be written."""

import importlib.util
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from tests.conform.toys import CALLS, oracle, run
from tests.conftest import Load
from tlacheck.conform.cli.scaffold import scaffold_command
from tlacheck.conform.process import Process
from tlacheck.conform.replay import Interrupted, replay
from tlacheck.conform.scaffolding import LANGUAGES, scaffold
from tlacheck.conform.vocabulary import check, vocabulary_of
from tlacheck.tlc import Spec
from tlacheck.tlc.parse import Parser

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def parser() -> Iterator[Parser]:
    with Parser() as one:
        yield one


@pytest.fixture(scope="module")
def text(parser: Parser) -> str:
    return scaffold(oracle().spec, parser=parser)


def _module(text: str, path: Path) -> Any:
    path.write_text(text, encoding="utf-8")
    found = importlib.util.spec_from_file_location(path.stem, path)
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


#: Names that a language could stumble over: keywords, the adapter's own names, odd comments, no arguments.
ODD = '''---- MODULE Odd ----
VARIABLES class, def, observe, event
(* A comment with "quotes", a \\ and `ticks` and */ and """ what ends a docstring. *)
ResetEvent == class' = 1 /\\ UNCHANGED <<def, observe>> /\\ event' = [action |-> "reset"]
ImportEvent == /\\ UNCHANGED <<class, def, observe>>
               /\\ event' = [action |-> "import", from |-> 1, self |-> 2, to |-> 3]
HTTPGetEvent == UNCHANGED <<class, def, observe>> /\\ event' = [action |-> "HTTPGet", url |-> "x"]
PerformEvent == UNCHANGED <<class, def, observe>> /\\ event' = [action |-> "Perform"]
Init == class = 0 /\\ def = 0 /\\ observe = 0 /\\ event = [action |-> "Init"]
Next == ResetEvent \\/ ImportEvent \\/ HTTPGetEvent \\/ PerformEvent
====
'''


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> Spec:
    folder = tmp_path_factory.mktemp("odd")
    (folder / "Odd.tla").write_text(ODD, encoding="utf-8")
    (folder / "Odd.cfg").write_text("INIT Init\nNEXT Next\n", encoding="utf-8")
    return Load(folder)("Odd")


@pytest.fixture(scope="module")
def scaffolded(parser: Parser, odd: Spec, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A package of adapters for very different specs."""
    folder = tmp_path_factory.mktemp("scaffolded") / "adapters"
    folder.mkdir()
    (folder / "__init__.py").write_text('"""Adapters."""\n', encoding="utf-8")
    raft = Spec.load(ROOT / "specs/raft/RaftEvents.tla", ROOT / "specs/raft/Oracle3.cfg")
    lamp = Load(ROOT / "tests" / "specs")("Lamp")
    for spec in (oracle().spec, raft, lamp, odd):
        name = f"adapter_{spec.module.lower()}.py"
        (folder / name).write_text(scaffold(spec, parser=parser), encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    "tool", [("ruff", "check"), ("ruff", "format", "--check"), ("mypy",)], ids=["ruff", "format", "mypy"]
)
def test_the_scaffold_passes_the_linters(scaffolded: Path, tool: tuple[str, ...], tmp_path: Path) -> None:
    """A scaffold with warnings would teach its user to ignore them."""
    config = (
        [f"--config={ROOT / 'pyproject.toml'}"]
        if tool[0] == "ruff"
        else ["--strict", f"--cache-dir={tmp_path}"]
    )
    done = subprocess.run(
        [sys.executable, "-m", *tool, *config, str(scaffolded)],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_scaffold_fits_its_spec(text: str, parser: Parser, tmp_path: Path) -> None:
    module = _module(text, tmp_path / "scaffolded_tally.py")
    check(module.TallySystem.declaration, vocabulary_of(oracle().spec, parser=parser))


def test_reserved_python_names_are_scaffolded(odd: Spec, parser: Parser, tmp_path: Path) -> None:
    module = _module(scaffold(odd, parser=parser), tmp_path / "scaffolded_odd.py")
    check(module.OddSystem.declaration, vocabulary_of(odd, parser=parser))
    system = module.OddSystem()
    for action, arguments in (
        ("reset", {}),
        ("import", {"from": 1, "self": 2, "to": 3}),
        ("HTTPGet", {"url": "x"}),
    ):
        with pytest.raises(Exception, match="is not filled in yet"):
            system.perform(action, arguments)


def test_an_unfilled_method_says_so_with_its_location(text: str, tmp_path: Path) -> None:
    system = _module(text, tmp_path / "scaffolded_tally.py").TallySystem
    with pytest.raises(
        Interrupted,
        match=r"TallySystem.reset is not filled in yet: see the initial state, a mapping from total, odd",
    ):
        replay(run(*CALLS), system())

    class Begun(system):  # type: ignore[misc, valid-type] # a class made at run time
        def reset(self, initial: Any) -> None:
            self.total = initial["total"]

        def show_total(self) -> Any:
            return self.total

        def show_odd(self) -> Any:
            return self.total % 2 == 1

    with pytest.raises(
        Interrupted, match=r"step 1, Knock: TallySystem.knock is not filled in yet: see Tally.tla:10"
    ):
        replay(run(*CALLS), Begun())


def _lines(spec: Spec) -> Iterator[tuple[int, str]]:
    return enumerate(spec.path.read_text(encoding="utf-8").splitlines(), start=1)


def test_the_scaffold_has_the_specs_comments_and_locations(parser: Parser) -> None:
    lock = Spec.load(ROOT / "examples" / "lock_server" / "LockServer.tla")
    found = scaffold(lock, parser=parser)
    (line,) = [number for number, text in _lines(lock) if text.startswith("ReleaseEvent(c) ==")]
    assert f'"""The holder gives it back: the next one gets it. See LockServer.tla:{line}."""' in found
    assert '@action("Release")\n    def release(self, client: Value) -> None:' in found
    assert '@variable("waiting")\n    def show_waiting(self) -> Value:' in found


def test_a_node_scaffold_speaks_the_protocol(parser: Parser, tmp_path: Path) -> None:
    if shutil.which("node") is None:
        pytest.fail(
            "this needs Node.js: install it (Debian: apt-get install nodejs), then `node` is on the PATH"
        )
    path = tmp_path / "adapter.js"
    path.write_text(scaffold(oracle().spec, language="node", parser=parser), encoding="utf-8")
    with Process(["node", str(path)]) as process:
        check(process.declaration, vocabulary_of(oracle().spec, parser=parser))
        violation = replay(run(*CALLS), process).violation
    assert violation is not None
    assert (
        "reset is not filled in yet: see the initial state, an object with total,odd"
        in violation.explanation[0]
    )


def test_the_command_writes_a_file_but_never_overwrites_one(tmp_path: Path) -> None:
    out = tmp_path / "new" / "adapter.py"
    spec = str(ROOT / "examples" / "lock_server" / "LockServer.tla")
    done = CliRunner().invoke(scaffold_command, [spec, "--out", str(out)])
    assert done.exit_code == 0, done.output
    assert "class LockServerSystem(Adapter):" in out.read_text(encoding="utf-8")
    out.write_text("filled in", encoding="utf-8")
    again = CliRunner().invoke(scaffold_command, [spec, "--out", str(out)])
    assert again.exit_code == 2
    assert "is there already" in again.output
    assert out.read_text(encoding="utf-8") == "filled in"


def test_a_missing_spec_exits_with_2() -> None:
    done = CliRunner().invoke(scaffold_command, ["Nowhere.tla"])
    assert done.exit_code == 2
    assert "there is no such module" in done.output


def test_the_languages_are_those_of_the_guide() -> None:
    assert list(LANGUAGES) == ["python", "node"]
