"""`tlacheck mutants`: a table of wrong implementations, and the layers of checks that catch them."""

import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from tlacheck.campaign.options import Heartbeat, Place, campaign_options
from tlacheck.campaign.run import run
from tlacheck.campaign.table import doubts
from tlacheck.errors import EngineError
from tlacheck.mutants.campaign import MutantWork, results_of
from tlacheck.mutants.trial import Attempt, Layer, Result, chosen_mutants, declared, load_mutants, try_mutants

__all__ = ["mutants_command"]


@click.command("mutants")
@click.option(
    "--of",
    "package",
    required=True,
    metavar="PACKAGE",
    help="Has the mutants and the layers; or MODULE:PROTOCOL.",
)
@click.option("--only", default="*", metavar="GLOB", help="Only mutants of such a name.")
@click.option("--every-layer", is_flag=True, help="Ask the other layers too when one has caught a mutant.")
@click.option("--seed", default=0, show_default=True, help="Seed of every layer.")
@click.option(
    "--jobs", default=2, show_default=True, type=click.IntRange(min=1), help="Mutants tried at once."
)
@click.option("--list", "list_only", is_flag=True, help="List the mutants and end.")
@campaign_options
def mutants_command(
    package: str, only: str, seed: int, jobs: int, *, every_layer: bool, list_only: bool, place: Place
) -> None:
    """Break the implementation on purpose, one line at a time, and report which layer catches each mutant.

    PACKAGE.mutants:MUTANTS lists the changes, PACKAGE.layers:LAYERS the layers. A declared protocol has
    both; a soak test is its layer if it names no other. Leaves with 0 if every mutant is caught and every
    equivalent one survives, with 1 if not.
    """
    sys.path.insert(0, str(Path.cwd()))
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 110)
    if list_only:
        for mutant in load_mutants(declared(package)[0]):
            console.print(f"{mutant.name}  [{mutant.bug}]", markup=False)
        return
    mutants, layers = declared(package)
    folder = Path(".verify") / f"mutants-{datetime.now(UTC):%Y%m%d-%H%M%S}"
    started = time.monotonic()

    def show(result: Result) -> None:
        status = "ok" if result.is_as_expected else "NOT AS EXPECTED"
        console.print(f"{status}  {result.mutant.name}: {_summary(result)}", markup=False)

    if place.is_asked_for:
        work = MutantWork(mutants=mutants, layers=layers, folder=folder, seed=seed, every_layer=every_layer)
        results = _campaign(work, only, jobs, place)
        for result in results:
            show(result)
    else:
        results = try_mutants(
            mutants,
            layers,
            folder=folder,
            seed=seed,
            jobs=jobs,
            only=only,
            every_layer=every_layer,
            on_result=show,
        )
    console.print()
    console.print(_table(results, layers, every_layer=every_layer))
    for result in results:
        for attempt in result.attempts:
            if attempt.error:
                console.print(f"{result.mutant.name}, {attempt.layer}: {attempt.error}", markup=False)
    real = [result for result in results if not result.mutant.equivalent]
    caught = sum(result.first is not None for result in real)
    survived = sum(result.first is None for result in results if result.mutant.equivalent)
    good = all(result.is_as_expected for result in results)
    console.print(f"traces: {folder}", markup=False)
    console.print(
        f"mutants: caught={caught}/{len(real)} equivalent_survived={survived}/{len(results) - len(real)} "
        f"seed={seed} seconds={time.monotonic() - started:.1f}",
        markup=False,
    )
    if not good:
        sys.exit(1)


def _campaign(work: MutantWork, only: str, jobs: int, place: Place) -> tuple[Result, ...]:
    """Try the mutants as a campaign.

    Raises:
        EngineError: some could not be tried.
    """
    mutants = chosen_mutants(work.mutants, only)
    with place.executor() as executor:
        found = run(
            work,
            [mutant.name for mutant in mutants],
            file=place.file,
            executor=executor,
            jobs=jobs,
            limits=place.limits(),
            on_row=Heartbeat("mutants").tell,
        )
    for line in doubts(found):
        click.echo(line, err=True)
    if found.unfinished:
        raise EngineError(f"{len(found.unfinished)} of {len(mutants)} mutants could not be tried")
    return results_of(mutants, found)


def _summary(result: Result) -> str:
    if result.first is None:
        return (
            "survives, as an equivalent change must" if result.mutant.equivalent else "SURVIVES every layer"
        )
    return f"caught by {result.first.layer} ({result.first.violates})"


def _table(results: Sequence[Result], layers: Sequence[Layer], *, every_layer: bool) -> Table:
    """Build a row per mutant: the first layer that caught it; with `every_layer` also each layer's result."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("mutant", no_wrap=True, min_width=39)
    if every_layer:
        for layer in layers:
            table.add_column(layer.name, justify="right", no_wrap=True)
    else:
        table.add_column("caught by")
        table.add_column("property", overflow="fold")
        table.add_column("seconds", justify="right")
        table.add_column("steps", justify="right")
    for result in results:
        name = f"{result.mutant.name} (equivalent)" if result.mutant.equivalent else result.mutant.name
        if every_layer:
            by_layer = {attempt.layer: attempt for attempt in result.attempts}
            table.add_row(name, *(_cell(by_layer.get(layer.name)) for layer in layers))
        else:
            table.add_row(name, *_first_cells(result))
    return table


def _first_cells(result: Result) -> tuple[str, ...]:
    first = result.first
    if first is None:
        return "none", "", f"{sum(attempt.seconds for attempt in result.attempts):.1f}", ""
    steps = "" if first.steps is None else str(first.steps)
    return first.layer, first.violates, f"{first.seconds:.1f}", steps


def _cell(attempt: Attempt | None) -> str:
    if attempt is None:
        return ""
    if attempt.error:
        return "error"
    if not attempt.caught:
        return f"- in {attempt.seconds:.0f}s"
    return f"{'caught' if attempt.steps is None else attempt.steps} in {attempt.seconds:.0f}s"
