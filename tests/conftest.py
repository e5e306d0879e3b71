"""What the tests of the toolkit share: the two TLC versions, and one warm worker for each."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tlacheck.engine import VERSIONS, Engine, find_engine, installed_engines
from tlacheck.tlc import Checker, Spec

# A busy machine draws slowly, and that says nothing about the code.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")


@pytest.fixture(scope="session", autouse=True)
def _short_runs() -> Iterator[None]:
    """Let the JVMs compile lightly: tests run TLC hundreds of times, for a tenth of a second each."""
    with pytest.MonkeyPatch.context() as patch:
        if "JAVA_TOOL_OPTIONS" not in os.environ:
            patch.setenv("JAVA_TOOL_OPTIONS", "-XX:TieredStopAtLevel=1")
        yield


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
                checkers[engine.version] = stack.enter_context(Checker(engine=engine, memory_mb=1024))
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
