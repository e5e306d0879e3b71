"""The pytest plugin: seeds, budgets, and the traces of failing tests. Nothing heavy until it is used.

| option                | does                                                                               |
|-----------------------|------------------------------------------------------------------------------------|
| `--tlacheck-seed N`   | the fixture `tlacheck_seed`,  and Hypothesis' seed without `--hypothesis-seed` |
| `--tlacheck-budget B` | the fixture `tlacheck_budget`;  smoke, ci or deep; sets Hypothesis' examples too |
| `--tlacheck-traces D` | the folder for traces that nobody else wrote; by default `.tlacheck`               |

A test that fails with a trace (`Diverged`, from a lockstep run or a `SpecMachine`) is listed at the
end with the file of its trace, which is written here if it is not on disk yet. JUnit's XML holds seed,
budget and file as properties of the test.
"""

import re
from pathlib import Path
from typing import Any, Final

import pytest

__all__ = ["tlacheck_budget", "tlacheck_seed"]

#: Budget -> examples and steps of Hypothesis. Without a budget nothing changes.
_EXTENT: Final = {"smoke": (20, 30), "ci": (100, 50), "deep": (2000, 100)}


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options."""
    group = parser.getgroup("tlacheck", "conformance to TLA+ specs")
    group.addoption("--tlacheck-seed", type=int, metavar="N", help="seed of random walks, and of Hypothesis")
    group.addoption(
        "--tlacheck-budget", choices=tuple(_EXTENT), help="how much to try; Hypothesis' examples with it"
    )
    group.addoption(
        "--tlacheck-traces",
        type=Path,
        default=Path(".tlacheck"),
        metavar="DIR",
        help="where traces of failing tests go, if they are nowhere yet (default: .tlacheck)",
    )


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Pass the seed to Hypothesis' plugin, configured after this one, and seed and budget to its settings."""
    seed, budget = config.getoption("tlacheck_seed"), config.getoption("tlacheck_budget")
    if seed is not None and getattr(config.option, "hypothesis_seed", "") is None:
        config.option.hypothesis_seed = str(seed)
    if budget is None and seed is None:
        return
    try:
        from hypothesis import settings  # noqa: PLC0415 - heavy, and needed only with one of these options
    except ModuleNotFoundError:
        return
    wanted: dict[str, Any] = {}
    if budget is not None:
        wanted["max_examples"], wanted["stateful_step_count"] = _EXTENT[budget]
    if seed is not None:
        wanted["derandomize"] = False  # Hypothesis' profile for CI would ignore the seed
    settings.register_profile("tlacheck", settings.default, **wanted)
    settings.load_profile("tlacheck")


@pytest.fixture(scope="session")
def tlacheck_seed(pytestconfig: pytest.Config) -> int:
    """The seed of `--tlacheck-seed`; 0 if it is not given."""
    seed: int | None = pytestconfig.getoption("tlacheck_seed")
    return seed or 0


@pytest.fixture(scope="session")
def tlacheck_budget(pytestconfig: pytest.Config) -> str:
    """The budget of `--tlacheck-budget`: smoke, ci or deep; ci if it is not given."""
    budget: str | None = pytestconfig.getoption("tlacheck_budget")
    return budget or "ci"


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> None:
    """Note the trace of a failing test in its properties, for the closing list and for JUnit."""
    path = None if call.excinfo is None else _trace_of(call.excinfo.value, item)
    if path is not None:
        item.user_properties += [("tlacheck_trace", str(path)), *_said(item.config)]


def _said(config: pytest.Config) -> list[tuple[str, object]]:
    """Return the seed and the budget that were given."""
    names = ("tlacheck_seed", "tlacheck_budget")
    return [(name, config.getoption(name)) for name in names if config.getoption(name) is not None]


def _trace_of(error: BaseException, item: pytest.Item) -> Path | None:
    """Return the file of the trace that an exception carries, writing it if needed; None if there is none."""
    seen: set[int] = set()
    todo: list[BaseException | None] = [error]
    while todo:
        found = todo.pop()
        if found is None or id(found) in seen:
            continue
        seen.add(id(found))
        # By attribute: importing `Diverged` would import the toolkit for every failing test.
        if type(found).__name__ == "Diverged" and hasattr(found, "trace"):
            return getattr(found, "path", None) or _written(found, item)
        todo += [found.__cause__, found.__context__, *getattr(found, "exceptions", ())]
    return None


def _written(diverged: Any, item: pytest.Item) -> Path:
    from tlacheck import itf  # noqa: PLC0415 - see the module's first line

    name = re.sub(r"[^\w.=-]+", "-", item.nodeid).strip("-")[-150:]
    path: Path = item.config.getoption("tlacheck_traces") / f"{name}.itf.json"
    itf.write(diverged.trace, path)
    return path


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """List the traces of the failing tests."""
    rows = [
        (report.nodeid, path)
        for report in terminalreporter.stats.get("failed", [])
        for name, path in getattr(report, "user_properties", ())
        if name == "tlacheck_trace"
    ]
    if not rows:
        return
    terminalreporter.section("traces of failing tests")
    for test, path in rows:
        terminalreporter.line(f"{test}\n  trace:   {path}\n  inspect: tlacheck trace show {path}")
    seed = config.getoption("tlacheck_seed")
    if seed is not None:
        terminalreporter.line(f"seed: {seed} (--tlacheck-seed)")
