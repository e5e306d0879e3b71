"""`tlacheck soak`: runs of a declared protocol, each step of which is judged."""

import platform
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import click

from tlacheck import __version__
from tlacheck.harness.soak import RunResult, SoakPlan, SoakResult, soak

__all__ = ["soak_command"]

#: So many of the runs that failed are told, and so often is told that it goes on.
_TOLD_MAX: Final = 3
_HEARTBEAT_SECONDS: Final = 10.0


@click.command("soak")
@click.argument("target", metavar="MODULE:PROTOCOL")
@click.option("--seeds", type=click.IntRange(min=1), default=20, show_default=True, help="How many runs.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="The first seed.")
@click.option(
    "--steps", type=click.IntRange(min=1), default=1_000, show_default=True, help="Steps of a run, at least."
)
@click.option("--jobs", type=click.IntRange(min=1), default=1, show_default=True, help="How many processes.")
@click.option(
    "--nodes", type=click.IntRange(min=1), help="The size of the cluster; by default the first declared."
)
@click.option("--faults", help="Which faults, separated by commas, or none; by default those declared.")
@click.option(
    "--byzantine", type=click.IntRange(min=0), help="How many of them are Byzantine; by default as declared."
)
@click.option("--not-judged", is_flag=True, help="Leave the spec out; invariants and progress are judged.")
@click.option(
    "--mutant", metavar="NAME", help="A declared mutant in the core's place; ends when it is caught."
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path(".verify"),
    show_default=True,
    help="Where traces and logs of failures go.",
)
@click.pass_context
def soak_command(  # noqa: PLR0917 - click passes them by name
    context: click.Context,
    target: str,
    seeds: int,
    seed: int,
    steps: int,
    jobs: int,
    nodes: int | None,
    faults: str | None,
    byzantine: int | None,
    *,
    not_judged: bool,
    mutant: str | None,
    out: Path,
) -> None:
    r"""Let a protocol run under faults; judge every step by its spec, its invariants and its progress.

    \b
    0  nothing was broken, and each coverage goal was met
    1  something was broken: seed, trace and the command that repeats it are printed
    2  the command makes no sense
    3  a coverage goal was never met: soak longer
    """
    chosen = None if faults is None else tuple(name for name in faults.split(",") if name not in ("", "none"))
    plan = SoakPlan(
        target=target,
        steps=steps,
        nodes=nodes,
        faults=chosen,
        byzantine=byzantine,
        judged=not not_judged,
        mutant=mutant,
        out=out,
    )
    heartbeat = _Heartbeat(seeds)
    found = soak(
        plan,
        range(seed, seed + seeds),
        jobs=jobs,
        until_failed=mutant is not None,
        on_run=heartbeat.tell,
    )
    for line in _lines(found, plan):
        click.echo(line)
    if found.failed:
        context.exit(1)
    if found.missing:
        context.exit(3)


class _Heartbeat:
    """Says now and then, on standard error, how far the campaign is."""

    def __init__(self, seeds: int) -> None:
        self._seeds = seeds
        self._done = self._steps = self._failed = 0
        self._began = self._told = time.monotonic()

    def tell(self, run: RunResult) -> None:
        self._done += 1
        self._steps += run.steps
        self._failed += bool(run.property)
        now = time.monotonic()
        if now - self._told < _HEARTBEAT_SECONDS:
            return
        self._told = now
        rate = self._steps / (now - self._began)
        left = (self._seeds - self._done) * (now - self._began) / self._done
        text = f"{self._done} of {self._seeds} seeds, {self._steps:,} steps, {rate:,.0f} steps/s, {self._failed} failed, {left:.0f} s to go"
        click.echo(text, file=sys.stderr)


def _lines(found: SoakResult, plan: SoakPlan) -> Iterator[str]:
    seconds = sum(run.seconds for run in found.runs)
    judged = sum(run.actions for run in found.runs)
    yield f"{len(found.runs)} seeds, {found.steps:,} steps, {judged:,} steps of the spec"
    yield f"{seconds:.1f} s of CPU: {found.steps / max(seconds, 0.001):,.0f} steps/s"
    for name, count in sorted(found.goals.items()):
        yield f"  {count:>9,}  {name}"
    if any(found.faults.values()):
        yield "faults: " + ", ".join(
            f"{name} {count}" for name, count in sorted(found.faults.items()) if count
        )
    for run in found.failed[:_TOLD_MAX]:
        yield f"seed {run.seed}: {run.property}"
        yield from (f"  {line}" for line in run.explanation)
        yield f"trace:    {run.trace}"
        yield f"log:      {run.log}"
        yield f"repeat:   {plan.command(run.seed)}"
        yield f"versions: tlacheck {__version__}, Python {platform.python_version()}"
    if len(found.failed) > _TOLD_MAX:
        yield f"{len(found.failed) - _TOLD_MAX} more seeds failed"
    for name in () if found.failed else found.missing:
        yield f"never met: {name}; soak longer"
