"""`tlacheck soak`: runs of a declared protocol, each step of which is judged."""

import platform
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import click

from tlacheck import __version__, campaign
from tlacheck.campaign.options import Heartbeat, Place, campaign_options
from tlacheck.campaign.table import campaign_lines, status_of
from tlacheck.harness.campaign import SoakWork
from tlacheck.harness.expected import SHARE_MIN, expect_broken, judged_again
from tlacheck.harness.soak import SoakPlan, SoakResult, soak

__all__ = ["soak_command"]

#: So many of the runs that failed are told.
_TOLD_MAX: Final = 3


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
@click.option("--faults", help="Faults, separated by commas, or none; by default those declared.")
@click.option(
    "--byzantine", type=click.IntRange(min=0), help="How many of them are Byzantine; by default as declared."
)
@click.option("--not-judged", is_flag=True, help="Leave the spec out; invariants and progress are judged.")
@click.option(
    "--only", help="Properties that end a run when they break, separated by commas; by default all."
)
@click.option(
    "--expect",
    metavar="PROPERTY",
    help="A property that most runs must break, because too many nodes are Byzantine.",
)
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
@campaign_options
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
    only: str | None,
    expect: str | None,
    mutant: str | None,
    out: Path,
    place: Place,
) -> None:
    """Let a protocol run under faults; judge every step by its spec, its invariants and its progress.

    \b
    0  nothing was broken, and each coverage goal was met
    1  something was broken: seed, trace and the command that repeats it are printed
    2  the command makes no sense
    3  a coverage goal was never met: soak longer

    With --campaign, or on a --scheduler, it is a campaign: it goes on where FILE ends, failures are shrunk,
    and `tlacheck campaign show FILE` shows it again. Traces then go beside FILE.

    With --expect a property must break in most runs: 0 if it does, 3 if not. Runs that do are played
    again with the spec, and the shortest trace is kept.
    """  # noqa: D301 - the backspace is click's mark of a list
    plan = SoakPlan(
        target=target,
        steps=steps,
        nodes=nodes,
        faults=_names(faults),
        byzantine=byzantine,
        judged=not not_judged,
        only=_names(only),
        mutant=mutant,
        out=out,
    )
    if expect is not None:
        context.exit(_expected(plan, expect, range(seed, seed + seeds)))
    if place.is_asked_for:
        context.exit(_campaign(plan, range(seed, seed + seeds), jobs, place))
    heartbeat, left = Heartbeat("seeds"), iter(range(seeds - 1, -1, -1))
    found = soak(
        plan,
        range(seed, seed + seeds),
        jobs=jobs,
        until_failed=mutant is not None,
        on_run=lambda run: heartbeat.count(run.steps, next(left), is_failed=bool(run.property)),
    )
    for line in _lines(found, plan):
        click.echo(line)
    if found.failed:
        context.exit(1)
    if found.missing:
        context.exit(3)


def _campaign(plan: SoakPlan, seeds: range, jobs: int, place: Place) -> int:
    """Play the seeds as a campaign; the exit status."""
    heartbeat = Heartbeat("seeds")
    with place.executor() as executor:
        found = campaign.run(
            SoakWork(plan),
            seeds,
            file=place.file,
            executor=executor,
            jobs=jobs,
            limits=place.limits(),
            until_failed=plan.mutant is not None,
            on_row=heartbeat.tell,
        )
    for line in campaign_lines(found):
        click.echo(line)
    return status_of(found)


def _names(text: str | None) -> tuple[str, ...] | None:
    return None if text is None else tuple(name for name in text.split(",") if name not in ("", "none"))


def _expected(plan: SoakPlan, expect: str, seeds: Sequence[int]) -> int:
    """Print how often the property broke, and where a trace of that is; the exit status."""
    found = expect_broken(plan, expect, seeds)
    click.echo(f"{len(seeds)} seeds: {expect} broke in {len(found.broken)}")
    if found.broken:
        again = judged_again(plan, found)
        click.echo(f"seed {again.seed}: {again.broke}")
        for line in again.explanation:
            click.echo(f"  {line}")
        click.echo(
            f"trace:    {again.path}, {again.steps} steps of the spec, {len(again.trace)} of them kept"
        )
        click.echo(f"repeat:   {plan.command(again.seed)} --expect {expect}")
        if again.broke != expect:
            return 1
    if found.share > SHARE_MIN:
        return 0
    click.echo(f"that is not most of them: the adversary is weak, or {plan.steps} steps are too few")
    return 3


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
        if run.trace is not None:
            yield f"trace:    {run.trace}"
        yield f"log:      {run.log}"
        yield f"repeat:   {plan.command(run.seed)}"
        yield f"versions: tlacheck {__version__}, Python {platform.python_version()}"
    if len(found.failed) > _TOLD_MAX:
        yield f"{len(found.failed) - _TOLD_MAX} more seeds failed"
    for name in () if found.failed else found.missing:
        yield f"never met: {name}; soak longer"
