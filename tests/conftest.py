"""What the tests of the toolkit share: the two TLC versions, and one warm worker for each."""

import os
import re
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tlacheck.engine import VERSIONS, Engine, find_engine, find_jvm, installed_engines
from tlacheck.tlc import Checker, Spec

# A busy machine draws slowly, and that says nothing about the code.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")


#: How the JVMs of the tests compile and collect: lightly, and what runs often only; a tenth of a second is all that
#: most runs take. They do not stop to look for classes that could go either: none can.
_SHORT = "-XX:TieredStopAtLevel=1 -XX:CompileThresholdScaling=5 -XX:MetaspaceSize=512m"


def _heed_interrupts() -> None:
    """Let SIGINT do what it does in a terminal.

    A shell that starts something in the background ignores SIGINT, and whatever is started from there inherits that.
    Tests that interrupt a child would wait for a signal that it never sees.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session", autouse=True)
def _short_runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Let what tests start be ready soon: they start hundreds of processes, each for a second or less.

    JVMs compile lightly, and Python compiles the toolkit once, into a folder that goes with the tests.
    """
    with pytest.MonkeyPatch.context() as patch:
        if "JAVA_TOOL_OPTIONS" not in os.environ:
            patch.setenv("JAVA_TOOL_OPTIONS", _SHORT)
        if os.environ.get("PYTHONDONTWRITEBYTECODE"):
            patch.delenv("PYTHONDONTWRITEBYTECODE")
            folder = tmp_path_factory.getbasetemp()
            if "PYTEST_XDIST_WORKER" in os.environ:
                folder = folder.parent  # which the workers have in common
            patch.setenv("PYTHONPYCACHEPREFIX", str(folder / "bytecode"))
        yield


#: The files that take longest, in that order. They come first, so that no worker of `make test` is left alone with
#: one of them while the others have nothing to do; pytest-xdist itself would go by how many tests a file has.
_LONG = (
    "tests/test_benchmarks.py",
    "tlc/test_zoo.py",
    "raft/test_stateful.py",
    "tlc/test_graph.py",
    "tlc/test_distributed.py",
    "tlc/test_untrusted.py",
    "tlc/test_sweep.py",
    "tlc/test_check.py",
    "tlc/test_passthrough.py",
    "tlc/test_simulate.py",
    "tlc/test_pool.py",
    "tlc/test_evaluate.py",
    "specs_raft/test_raft_spec.py",
    "tests/test_repository.py",
    "verify/test_cli.py",
    "tlc/test_oracle.py",
    "raft/test_spec_machine.py",
    "raft/test_cluster.py",
    "report/test_page.py",
    "tlc/test_check_more.py",
    "tlc/test_bad_specs.py",
)


def pytest_configure(config: pytest.Config) -> None:
    """Let pytest-xdist, if it is there, hand out files in the order of the items; heed interrupts."""
    _heed_interrupts()
    if hasattr(config.option, "loadscopereorder"):
        config.option.loadscopereorder = False


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the tests of long files first; all else stays as it is."""
    places = {name: place for place, name in enumerate(_LONG)}
    items.sort(key=lambda item: places.get("/".join(item.path.parts[-2:]), len(places)))


@pytest.fixture(autouse=True)
def _no_terminal_of_ones_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the tests see does not depend on the terminal, or the lack of one, of whoever runs them."""
    for name in ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "LINES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm")


#: Which of the supported TLCs are here. `tests/test_engine.py` sees to it that none is missing
#: without a good reason.
_HERE = tuple(engine.version for engine in installed_engines() if engine.version in VERSIONS)


@pytest.fixture(scope="session", params=_HERE)
def engine(request: pytest.FixtureRequest) -> Engine:
    """Each TLC that tlacheck supports and that is here."""
    return find_engine(str(request.param))


@pytest.fixture(scope="session")
def one_engine() -> Engine:
    """The TLC of this project, for what is the same whichever TLC checks; the zoo compares them.

    A name of its own: a module that overrode `engine` would leave a `checker` of its engine to the
    modules after it.
    """
    return find_engine()


@pytest.fixture(scope="session")
def _warm() -> Iterator[Callable[[Engine], Checker]]:
    """A checker for each TLC, whose worker stays warm for the whole session."""
    with ExitStack() as stack:
        checkers: dict[str, Checker] = {}

        def warm(engine: Engine) -> Checker:
            if engine.version not in checkers:
                checkers[engine.version] = stack.enter_context(Checker(engine=engine, memory_mb=2048))
            return checkers[engine.version]

        yield warm


@pytest.fixture(scope="session")
def checker(engine: Engine, _warm: Callable[[Engine], Checker]) -> Checker:
    """The warm checker of each TLC."""
    return _warm(engine)


@pytest.fixture(scope="session")
def one_checker(one_engine: Engine, _warm: Callable[[Engine], Checker]) -> Checker:
    """The warm checker of this project's TLC."""
    return _warm(one_engine)


#: Since which Java a JVM can write down what it has loaded.
_ARCHIVING_JAVA = 13


@pytest.fixture(scope="session")
def loaded_before(engine: Engine, specs: Path, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Options with which a plain `java -cp JAR tlc2.TLC` takes TLC's classes as an earlier run left them.

    That halves the second which such a run takes. Should this Java not be able to, there are no options.
    """
    major = re.match(r"\d+", find_jvm().version)
    if major is None or int(major[0]) < _ARCHIVING_JAVA:
        return []
    folder = tmp_path_factory.mktemp(f"classes-{engine.version}")
    (folder / ".tlaplus").mkdir()
    (folder / ".tlaplus" / "esc.txt").write_text("NO_STATISTICS\n", encoding="utf-8")
    archive = folder / "tlc.jsa"
    java = [str(find_jvm().executable), f"-XX:ArchiveClassesAtExit={archive}", f"-Duser.home={folder}"]
    java += [f"-Djava.io.tmpdir={folder}", "-XX:+UseParallelGC", "-cp", str(engine.jar), "tlc2.TLC"]
    java += ["-metadir", str(folder / "states"), str(specs / "Mutex.tla")]
    subprocess.run(java, cwd=folder, capture_output=True, check=True)
    return [f"-XX:SharedArchiveFile={archive}"] if archive.is_file() else []


@pytest.fixture(scope="session")
def specs() -> Path:
    """The folder of the small specs that tests check."""
    return Path(__file__).parent / "specs"


@pytest.fixture
def load(specs: Path) -> "Load":
    """`load("Mutex", "MutexWeak")`: one of those specs with one of its configurations."""
    return Load(specs)


class Load:
    """Loads the specs in a folder by their names."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __call__(self, module: str, config: str | None = None) -> Spec:
        """The spec `module` with the configuration `config`, by default the one of its own name."""
        return Spec.load(self._folder / f"{module}.tla", self._folder / f"{config or module}.cfg")
