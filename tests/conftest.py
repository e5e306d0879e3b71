"""Shared fixtures: the supported TLC versions, and one warm worker for each."""

import gc
import os
import re
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from tlacheck.engine import VERSIONS, Engine, find_engine, find_jvm, installed_engines
from tlacheck.garbage import collect_rarely
from tlacheck.tlc import Checker, CheckResult, Spec

# A busy machine draws slowly, and that says nothing about the code.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")


#: JVM options for runs of a tenth of a second: light compilation of hot code only, and no collection to
#: unload classes, since none can be unloaded.
_SHORT = "-XX:TieredStopAtLevel=1 -XX:CompileThresholdScaling=5 -XX:MetaspaceSize=512m"


def _heed_interrupts() -> None:
    """Let SIGINT do what it does in a terminal.

    A shell that starts something in the background ignores SIGINT, and what is started from there inherits
    that. Tests that interrupt a child would wait for a signal that it never sees.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session", autouse=True)
def _short_runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Make child processes start fast: tests start hundreds, each for a second or less.

    JVMs use light compilation, and Python caches the toolkit's bytecode in the tests' temporary folder.
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


#: The longest files, in order. They come first, so that no worker of `make test` is left alone with one of
#: them at the end; pytest-xdist itself would sort files by their number of tests.
_LONG = (
    "tests/test_benchmarks.py",
    "tlc/test_zoo.py",
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
    "raft/test_protocol.py",
    "report/test_page.py",
    "tlc/test_check_more.py",
    "tlc/test_bad_specs.py",
)


#: The modules whose tests on the second released TLC belong to every run, since they compare the two.
_COMPARING = ("test_zoo.py", "test_raft_spec.py")


def pytest_configure(config: pytest.Config) -> None:
    """Keep pytest-xdist to the order of the items, and heed interrupts."""
    _heed_interrupts()
    if hasattr(config.option, "loadscopereorder"):
        config.option.loadscopereorder = False


def pytest_itemcollected(item: pytest.Item) -> None:
    """Mark a test on any TLC but the preferred one, for `make test` to leave to CI."""
    callspec = getattr(item, "callspec", None)
    others = _JARS if item.path.name in _COMPARING else (*_HERE[1:], *_JARS)
    if callspec and callspec.params.get("engine") in others:
        item.add_marker("second_engine")


def pytest_collection_finish() -> None:
    """Let the garbage collector look less often, and no more at what is imported."""
    gc.collect()
    collect_rarely()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the tests of long files first; keep the order otherwise."""
    places = {name: place for place, name in enumerate(_LONG)}
    items.sort(key=lambda item: places.get("/".join(item.path.parts[-2:]), len(places)))


@pytest.fixture(autouse=True)
def _no_terminal_of_ones_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the tests independent of the terminal, or the lack of one, that runs them."""
    for name in ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "LINES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm")


#: The installed ones of the supported TLCs. `tests/tlc/test_engines.py` checks that none is missing
#: without a good reason.
_HERE = tuple(engine.version for engine in installed_engines() if engine.version in VERSIONS)
#: More jars of TLC on which to repeat the tests of `engine`, as a list of paths.
_JARS = tuple(filter(None, os.environ.get("TLACHECK_TEST_JARS", "").split(os.pathsep)))


@pytest.fixture(scope="session", params=(*_HERE, *_JARS))
def engine(request: pytest.FixtureRequest) -> Engine:
    """Each installed TLC that tlacheck supports, and each that TLACHECK_TEST_JARS names."""
    named = str(request.param)
    if named not in _JARS:
        return find_engine(named)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TLACHECK_JAR", named)
        return find_engine()


@pytest.fixture(scope="session")
def one_engine() -> Engine:
    """The preferred TLC, for tests that are independent of the version; the zoo compares the versions.

    It has a separate name, since a module that overrode `engine` would leave a `checker` of its engine to the
    modules after it.
    """
    return find_engine()


@pytest.fixture(scope="session")
def _warm() -> Iterator[Callable[[Engine], Checker]]:
    """A factory of checkers, one per TLC, whose workers stay warm for the whole session."""
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


@pytest.fixture
def in_tmp_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run in an empty folder, since commands write traces there."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def warm_check_command(one_checker: Checker, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let `tlacheck check` use the warm checker instead of starting a JVM."""

    def check(spec: Spec, *, memory_mb: int, **options: Any) -> CheckResult:
        del memory_mb  # the warm worker has its own
        return one_checker.check(spec, **options)

    monkeypatch.setattr("tlacheck.tlc.cli.check.check", check)


#: The first Java version that can archive loaded classes.
_ARCHIVING_JAVA = 13


@pytest.fixture(scope="session")
def loaded_before(engine: Engine, specs: Path, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Java options with which a plain `java -cp JAR tlc2.TLC` reuses the class archive of an earlier run.

    They halve the second that such a run takes; empty if this Java cannot archive classes.
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
    """The folder of the small test specs."""
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
