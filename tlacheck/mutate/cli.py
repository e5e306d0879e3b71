"""`tlacheck mutate`: mutants made by operators, what became of each, and the survivors as diffs."""

import json
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Never

import attrs
import click
from rich.console import Console
from rich.table import Table

from tlacheck.campaign.options import Heartbeat, Place, campaign_options
from tlacheck.errors import ConfigError
from tlacheck.files import write_whole
from tlacheck.mutate.code import CodeMutant
from tlacheck.mutate.operators import OPERATORS
from tlacheck.mutate.plan import Plan, mutate
from tlacheck.mutate.score import Fate, Score, Trial, share
from tlacheck.mutate.spec import SpecMutant, SpecPlan, display, mutate_spec
from tlacheck.tlc.configuration import MANIFEST

__all__ = ["mutate_command"]


@click.command("mutate")
@click.option(
    "--of", required=True, metavar="PACKAGE", help="Has the layers; or MODULE:PROTOCOL; or a spec's manifest."
)
@click.option(
    "--config", default="", metavar="FILE", help="If --of is a module, Spec.tla: its configuration."
)
@click.option(
    "--replays",
    default="",
    metavar="MODULE:NAME",
    help="Of a spec: a system that must leave counterexamples.",
)
@click.option(
    "--module", "modules", multiple=True, metavar="NAME", help="What to mutate; NAME.* is all of a package."
)
@click.option(
    "--layer", "layers", multiple=True, metavar="NAME", help="Ask this layer only; may be repeated."
)
@click.option("--only", default="*", metavar="GLOB", help="Only mutants of such a name.")
@click.option(
    "--sample", type=click.IntRange(min=1), metavar="N", help="Draw so many mutants; by default all."
)
@click.option("--seed", default=0, show_default=True, help="Seed of the sample and of every layer.")
@click.option(
    "--jobs", default=2, show_default=True, type=click.IntRange(min=1), help="Mutants tried at once."
)
@click.option("--controls", is_flag=True, help="Try listed mutants too; one that is caught is none.")
@click.option(
    "--again",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    metavar="JSON",
    help="Only those that nothing noticed according to this file of --json.",
)
@click.option("--resume", is_flag=True, help="Record in .verify/mutate-PACKAGE.ndjson, and go on from there.")
@click.option(
    "--json", "report", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="Write it here."
)
@click.option("--list", "list_only", is_flag=True, help="List the mutants and end.")
@campaign_options
def mutate_command(
    of: str,
    modules: tuple[str, ...],
    layers: tuple[str, ...],
    only: str,
    *,
    config: str,
    replays: str,
    sample: int | None,
    seed: int,
    jobs: int,
    again: Path | None,
    report: Path | None,
    controls: bool,
    resume: bool,
    list_only: bool,
    place: Place,
) -> None:
    """Make every small wrong change of modules, one at a time, and report which ones no layer notices.

    Layers are PACKAGE.layers:LAYERS or those of the protocol, the quickest first. Modules, equivalent mutants
    and what is not judged are in mutate.toml beside them. Leaves with 0 if a layer noticed every mutant, with
    1 if one survived or is never reached, with 3 if one only made a layer inconclusive.

    With --of manifest.toml, its folder, or Spec.tla, a spec is changed instead, and its models are asked:
    --layer then names models (raft/elections, raft/*), --module modules of TLA+.
    """
    sys.path.insert(0, str(Path.cwd()))
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 110)
    if Path(of).suffix in (".tla", ".toml") or Path(of, MANIFEST).is_file():
        if again is not None:
            raise ConfigError("--again is for mutants of code")
        spec_plan = SpecPlan(
            of=Path(of), config=config, layers=layers, modules=modules, only=only, sample=sample, seed=seed,
            replays=replays, controls=controls,
        )  # fmt: skip
        _mutate_spec(
            spec_plan, console, jobs=jobs, report=report, resume=resume, list_only=list_only, place=place
        )
    if config or replays:
        raise ConfigError(
            "--config and --replays are for a spec: --of manifest.toml, its folder, or Spec.tla"
        )
    plan = Plan(
        of=of,
        modules=modules,
        only=only,
        only_layers=layers,
        again=None if again is None else _unnoticed(again),
        sample=sample,
        seed=seed,
        controls=controls,
    )
    if list_only:
        _list(console, plan.chosen(plan.mutants(plan.review())))
        return
    _mutate_code(plan, console, jobs=jobs, report=report, place=_recorded(place, of, resume=resume))


def _mutate_code(plan: Plan, console: Console, *, jobs: int, report: Path | None, place: Place) -> Never:
    """Do it for code, and leave."""
    folder = _folder()
    started = time.monotonic()
    with place.executor() as executor:
        score = mutate(
            plan,
            folder=folder,
            jobs=jobs,
            file=place.file,
            executor=executor,
            on_row=Heartbeat("mutants").tell,
            on_note=lambda note: click.echo(note, err=True),
        )
    if report is not None:
        write_whole(json.dumps(score.to_json(), indent=1, ensure_ascii=False) + "\n", report)
    _show(console, score)
    console.print(f"traces: {folder}", markup=False)
    console.print(f"{_summary(score)} seconds={time.monotonic() - started:.1f}", markup=False)
    sys.exit(_status(score))


def _mutate_spec(
    plan: SpecPlan,
    console: Console,
    *,
    jobs: int,
    report: Path | None,
    resume: bool,
    list_only: bool,
    place: Place,
) -> Never:
    """Do it for a spec, and leave."""
    if list_only:
        _list(console, plan.chosen())
        sys.exit(0)
    place = _recorded(place, plan.of.stem if plan.of.suffix == ".tla" else plan.of.name, resume=resume)
    folder = _folder()
    started = time.monotonic()
    with place.executor() as executor:
        score = mutate_spec(
            plan,
            folder=folder,
            jobs=jobs,
            file=place.file,
            executor=executor,
            on_row=Heartbeat("mutants").tell,
            on_note=lambda note: click.echo(note, err=True),
        )
    if report is not None:
        write_whole(json.dumps(score.to_json(), indent=1, ensure_ascii=False) + "\n", report)
    display.show(console, score)
    console.print(f"counterexamples: {folder}", markup=False)
    console.print(f"{display.summary(score)} seconds={time.monotonic() - started:.1f}", markup=False)
    sys.exit(display.status(score))


def _list(console: Console, mutants: Iterable[CodeMutant | SpecMutant]) -> None:
    for mutant in mutants:
        console.print(f"{mutant.name}  {mutant.change}", markup=False, soft_wrap=True)


def _recorded(place: Place, of: str, *, resume: bool) -> Place:
    """The place with the file of `--resume`, unless another was named."""
    if not resume or place.file is not None:
        return place
    return attrs.evolve(place, file=Path(".verify") / f"mutate-{of.replace(':', '-')}.ndjson")


def _folder() -> Path:
    return Path(".verify") / f"mutate-{datetime.now(UTC):%Y%m%d-%H%M%S}"


def _unnoticed(file: Path) -> frozenset[str]:
    """The mutants that a file of `--json` says nothing noticed."""
    try:
        trials = json.loads(file.read_text(encoding="utf-8"))["trials"]
        fates = {trial["mutant"]: Fate(trial["fate"]) for trial in trials}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigError(f"{file} is no file of tlacheck mutate --json: {error}") from error
    return frozenset(name for name, fate in fates.items() if fate.counts and not fate.is_noticed)


def _status(score: Score) -> int:
    if score.survivors:
        return 1
    return 3 if score.inconclusive_ones else 0


def _show(console: Console, score: Score) -> None:
    console.print(_table(score, "module", lambda mutant: mutant.module))
    console.print()
    console.print(_table(score, "operator", lambda mutant: mutant.operator))
    console.print()
    console.print(_layers(score))
    for layer, why in score.inconclusive.items():
        console.print(f"{layer} is inconclusive on the unchanged code too: {why}", markup=False)
    for trial in (*score.inconclusive_ones, *score.survivors):
        console.print(f"\n{trial.fate}: {trial.mutant.name}{_why(trial)}", markup=False, soft_wrap=True)
        console.print("\n".join(trial.mutant.diff().splitlines()[2:]), markup=False, soft_wrap=True)
    console.print()


def _why(trial: Trial) -> str:
    return f" ({trial.layer}: {trial.detail})" if trial.layer else ""


_COLUMNS = {
    "caught": (Fate.CAUGHT,),
    "raised": (Fate.RAISED,),
    "limit": (Fate.LIMIT,),
    "survived": (Fate.SURVIVED,),
    "not reached": (Fate.NOT_REACHED,),
    "inconclusive": (Fate.INCONCLUSIVE,),
    "equivalent": (Fate.EQUIVALENT,),
    "other": (Fate.NOT_JUDGED, Fate.UNIMPORTABLE, Fate.NOT_EQUIVALENT),
}


def _table(score: Score, title: str, key: Callable[[CodeMutant], str]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column(title, no_wrap=True)
    for column in ("mutants", *_COLUMNS, "score"):
        table.add_column(column, justify="right")
    groups = score.grouped(key)
    order = [name for name in OPERATORS if name in groups] if title == "operator" else list(groups)
    for name in order:
        table.add_row(name, *_cells(groups[name]))
    table.add_row("all", *_cells(score.fates()), style="bold")
    return table


def _cells(fates: Counter[Fate]) -> tuple[str, ...]:
    counts = [sum(fates[fate] for fate in those) for those in _COLUMNS.values()]
    found = share(fates)
    return (
        str(fates.total()),
        *(str(count) if count else "" for count in counts),
        "" if found is None else f"{100 * found:.1f} %",
    )


def _layers(score: Score) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("layer", no_wrap=True)
    table.add_column("noticed first", justify="right")
    for layer in score.layers:
        table.add_row(layer, str(score.caught_by(layer)))
    return table


def _summary(score: Score) -> str:
    fates = score.fates()
    found = share(fates)
    counting = sum(count for fate, count in fates.items() if fate.counts)
    noticed = sum(count for fate, count in fates.items() if fate.is_noticed)
    return (
        f"mutate: noticed={noticed}/{counting}{'' if found is None else f' ({100 * found:.1f} %)'} "
        f"survived={fates[Fate.SURVIVED]} not_reached={fates[Fate.NOT_REACHED]} "
        f"inconclusive={fates[Fate.INCONCLUSIVE]} equivalent={fates[Fate.EQUIVALENT]} "
        f"not_judged={fates[Fate.NOT_JUDGED]} unimportable={fates[Fate.UNIMPORTABLE]} "
        f"tried={len(score.trials)} of {score.total} seed={score.seed}"
    )
