"""The command `tlacheck verify`."""

import json
import os
import platform
import shlex
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TextIO

import attrs
import click
from immutabledict import immutabledict
from rich.console import Console
from rich.text import Text

from tlacheck import __version__
from tlacheck.engine import VERSIONS, Engine, ensure_engine, find_jvm
from tlacheck.errors import SetupError
from tlacheck.tlc import Checker
from tlacheck.verify.budget import BUDGETS
from tlacheck.verify.display import Display, closing_line, show_changes, show_plan, show_report
from tlacheck.verify.judge import Status, expected
from tlacheck.verify.kept import FOLDER, Kept
from tlacheck.verify.manifest import Model
from tlacheck.verify.plan import Check, Plan, read_plan, select
from tlacheck.verify.record import record
from tlacheck.verify.result import Report, Setting, exit_status
from tlacheck.verify.run import Worker, run
from tlacheck.verify.store import new_folder, save, summary
from tlacheck.verify.watch import again_and_again

__all__ = ["verify_command"]

#: The width of output that is not shown on a terminal.
_PLAIN_WIDTH = 100
#: In a check of some seconds Java's optimising compiler costs three more, and never earns them; in one of
#: minutes it does.
_SHORT_RUNS = "-XX:TieredStopAtLevel=1"
_LONG_BUDGET = "deep"
#: The folder of compiled modules, beside those of the runs.
_COMPILED = "compiled"
_JOBS_MAX = 4


@attrs.frozen(kw_only=True)
class _Options:
    """The options of the command line."""

    file: Path
    budget: str | None
    only: tuple[str, ...]
    seed: int
    jobs: int | None
    engine: str | None
    record: bool
    as_json: bool
    verbose: bool
    fresh: bool
    store: Path | None


@click.command("verify")
@click.option(
    "--budget", type=click.Choice(BUDGETS), help="Budget of the run; the default is in verify.toml."
)
@click.option("--only", multiple=True, metavar="GLOB", help="Only checks of such names; may be repeated.")
@click.option(
    "--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Where randomness begins."
)
@click.option(
    "--jobs",
    type=click.IntRange(min=1),
    help="How many checks run at once; the cores, 4 at most, unless given.",
)
@click.option("--engine", type=click.Choice(VERSIONS), help="Use this TLC.")
@click.option("--fresh", is_flag=True, help="Run every check, also checks whose inputs have not changed.")
@click.option("--watch", is_flag=True, help="When a file has changed, do the checks that read it again.")
@click.option(
    "--store",
    type=click.Path(path_type=Path, file_okay=False),
    help=f"Where results are kept; {FOLDER} beside the plan, unless given.",
)
@click.option("--record", is_flag=True, help="Write the state counts that are found into the manifests.")
@click.option("--list", "listing", is_flag=True, help="Print the planned checks, and run nothing.")
@click.option(
    "--json", "as_json", is_flag=True, help="Print the summary as JSON; the rest goes to standard error."
)
@click.option("-v", "--verbose", is_flag=True, help="Describe each check and its expected verdict.")
@click.option(
    "--file", type=click.Path(path_type=Path), default="verify.toml", show_default=True, help="The plan."
)
@click.pass_context
def verify_command(
    context: click.Context,
    *,
    budget: str | None,
    only: tuple[str, ...],
    seed: int,
    jobs: int | None,
    engine: str | None,
    record: bool,
    listing: bool,
    as_json: bool,
    verbose: bool,
    fresh: bool,
    watch: bool,
    store: Path | None,
    file: Path,
) -> None:
    """Do all checks that verify.toml names, and compare each verdict with the expected one.

    A check that was ok and whose inputs have not changed since is not done again: its result is kept.

    Exits with 0 if all is established, 1 if something is violated, 2 if something could not run, 3 if
    something is inconclusive: no time, a drifted state count, a check that cannot fail any more.
    """
    options = _Options(
        file=file,
        budget=budget,
        only=only,
        seed=seed,
        jobs=jobs,
        engine=engine,
        record=record,
        as_json=as_json,
        verbose=verbose,
        fresh=fresh,
        store=store,
    )
    console = _console(sys.stderr if as_json and not listing else sys.stdout)
    if watch:
        _refuse_with_watch({"--list": listing, "--json": as_json, "--record": record})
        context.exit(
            again_and_again(lambda: _status(_verify(*_chosen(options), options, console)), file, console)
        )
    plan, checks = _chosen(options)
    if listing:
        _list(console, checks, as_json=as_json)
        return
    report = _verify(plan, checks, options, console)
    if as_json:
        click.echo(json.dumps(summary(report), ensure_ascii=False, indent=1))
    context.exit(_status(report))


def _chosen(options: _Options) -> tuple[Plan, tuple[Check, ...]]:
    plan = read_plan(options.file)
    return plan, select(plan, options.budget or plan.budget, options.only)


def _status(report: Report) -> int:
    return exit_status(report.results) if report.interrupted is None else 128 + report.interrupted


def _refuse_with_watch(flags: Mapping[str, bool]) -> None:
    if given := [name for name, is_given in flags.items() if is_given]:
        raise click.UsageError(f"{given[0]} is for one run, and --watch makes many: leave one of them out")


def _verify(plan: Plan, checks: Sequence[Check], options: _Options, console: Console) -> Report:
    budget = options.budget or plan.budget
    engine = _engine(options.engine, needed=any(isinstance(check, Model) for check in checks))
    setting = Setting(
        root=plan.root,
        folder=new_folder(plan.root),
        budget=budget,
        seed=options.seed,
        engine="none" if engine is None else engine.label,
        versions=immutabledict(_versions()),
    )
    jobs = options.jobs or min(_JOBS_MAX, _cores())
    results = Kept(
        folder=options.store or plan.root / FOLDER,
        setting=setting,
        command=lambda check: _command(check, setting, options),
    )
    workers = [_worker(setting, jobs, engine, options, results) for _ in range(jobs)]
    interactive = console.is_terminal and not console.is_dumb_terminal and console.file.isatty()
    with Display(console, checks, interactive=interactive, verbose=options.verbose) as display:
        kept = [] if options.fresh else [found for check in checks if (found := results.find(check))]
        display.kept(kept)
        report = run(checks, workers, display, kept=kept)
    save(report)
    show_report(console, report, inspect=_inspect_command(plan.root))
    if options.record:
        done = [(result.check, result.pins) for result in report.results if result.status is Status.OK]
        show_changes(console, record((model, pins) for model, pins in done if isinstance(model, Model)))
    console.print(Text(closing_line(report)), soft_wrap=True)
    return report


def _worker(setting: Setting, jobs: int, engine: Engine | None, options: _Options, results: Kept) -> Worker:
    return Worker(
        setting=setting,
        command=lambda check: _command(check, setting, options),
        make_checker=lambda *, light: Checker(engine=engine, memory_mb=_memory_mb(jobs), light=light),
        environment=_environment(options.engine, setting),
        pinned=not options.record,
        keep=results.keep,
    )


def _engine(version: str | None, *, needed: bool) -> Engine | None:
    try:
        return ensure_engine(version, progress=lambda line: click.echo(f"engine: {line}", err=True))
    except SetupError:
        if needed or version is not None:
            raise
        return None


def _environment(engine: str | None, setting: Setting) -> dict[str, str]:
    """Return the environment of checks in Python: the same TLC, a JVM fit for their length, compiled modules.

    Who tells Python to leave no compiled modules beside the sources still gets them kept, with the results:
    each check is a process, and would compile all that it imports.
    """
    environment = dict(os.environ)
    if setting.budget != _LONG_BUDGET:
        given = environment.get("JAVA_TOOL_OPTIONS", "")
        environment["JAVA_TOOL_OPTIONS"] = f"{_SHORT_RUNS} {given}".strip()
    if environment.pop("PYTHONDONTWRITEBYTECODE", "") and not environment.get("PYTHONPYCACHEPREFIX"):
        environment["PYTHONPYCACHEPREFIX"] = str(setting.folder.parent.absolute() / _COMPILED)
    if engine is not None:
        environment["TLACHECK_ENGINE"] = engine
        environment.pop("TLACHECK_JAR", None)
    return environment


def _versions() -> dict[str, str]:
    versions = {"tlacheck": __version__, "python": platform.python_version()}
    try:
        versions["jvm"] = find_jvm().label
    except SetupError:
        versions["jvm"] = "none"
    return versions


def _command(check: Check, setting: Setting, options: _Options) -> str:
    own = Path(".venv", "bin", "tlacheck")
    words = [str(own) if own.is_file() else "tlacheck", "verify", "--only", check.name]
    words += ["--budget", setting.budget, "--seed", str(setting.seed)]
    if options.engine is not None:
        words += ["--engine", options.engine]
    if options.file != Path("verify.toml"):
        words += ["--file", str(options.file)]
    return shlex.join(words)


def _inspect_command(root: Path) -> Callable[[Path], str]:
    make = root.absolute() == Path.cwd() and (root / "Makefile").is_file()
    return lambda trace: f"make inspect T={trace}" if make else f"tlacheck inspect {trace}"


def _console(file: TextIO) -> Console:
    reconfigure = getattr(file, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(errors="replace")  # a terminal without Unicode gets question marks, not an exception
    console = Console(file=file, markup=False, highlight=False, emoji=False)
    if not file.isatty():
        console.width = _PLAIN_WIDTH
    return console


def _list(console: Console, checks: Sequence[Check], *, as_json: bool) -> None:
    if not as_json:
        show_plan(console, checks)
        return
    rows = [
        {"name": check.name, "layer": check.layer, "budget": check.budget, "expected": expected(check)}
        for check in checks
    ]
    click.echo(json.dumps(rows, indent=1))


def _cores() -> int:
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity is not None else os.cpu_count() or 1


def _memory_mb(jobs: int) -> int:
    """Return the heap of each checker: half of the machine in total, at most 4 GB each."""
    try:
        total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20
    except (AttributeError, ValueError, OSError):
        return 1024
    return max(512, min(4096, total // (2 * jobs)))
