"""The result of a spec's mutants as tables, for a terminal."""

from collections import Counter
from collections.abc import Callable

from rich.console import Console
from rich.table import Table

from tlacheck.mutate.spec.mutants import SpecMutant
from tlacheck.mutate.spec.operators import OPERATORS
from tlacheck.mutate.spec.score import SpecFate, SpecScore, share

__all__ = ["show", "status", "summary"]


def show(console: Console, score: SpecScore) -> None:
    """Print the tables, then each survivor as a diff."""
    console.print(_table(score, "definition", lambda mutant: f"{mutant.module}!{mutant.definition}"))
    console.print()
    console.print(_table(score, "operator", lambda mutant: mutant.operator))
    console.print()
    console.print(_properties(score))
    for trial in score.survivors:
        _diff(console, trial.mutant, f"only counted: {trial.mutant.name} ({trial.model}: {trial.detail})")
    for trial in score.trials:
        if trial.fate is SpecFate.MISLISTED:
            why = f"{trial.model}: {trial.detail}"
            _diff(console, trial.mutant, f"listed, yet noticed: {trial.mutant.name} ({why})")
    for trial in score.followed:
        why = f"{trial.detail} is violated, and the implementation does the same"
        _diff(console, trial.mutant, f"followed: {trial.mutant.name} ({why})")
    console.print()


def status(score: SpecScore) -> int:
    """0 if all were noticed, 1 if one was not, is mislisted or was followed, 3 if nothing is known of one."""
    if score.survivors or score.followed or score.fates()[SpecFate.MISLISTED]:
        return 1
    return 3 if score.fates()[SpecFate.LIMIT] else 0


def summary(score: SpecScore) -> str:
    """The result in one line."""
    fates = score.fates()
    found = share(fates)
    counting = sum(count for fate, count in fates.items() if fate.counts)
    noticed = sum(count for fate, count in fates.items() if fate.is_noticed)
    replayed = sum(trial.left is not None for trial in score.trials)
    return (
        f"mutate: noticed={noticed}/{counting}{'' if found is None else f' ({100 * found:.1f} %)'} "
        f"only_counted={fates[SpecFate.ONLY_COUNTED]} limit={fates[SpecFate.LIMIT]} "
        f"same={fates[SpecFate.SAME]} listed={fates[SpecFate.LISTED]} refused={fates[SpecFate.REFUSED]} "
        f"left={replayed - len(score.followed)}/{replayed} "
        f"tried={len(score.trials)} of {score.total} seed={score.seed}"
    )


def _table(score: SpecScore, title: str, key: Callable[[SpecMutant], str]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column(title, no_wrap=True)
    for column in ("mutants", *SpecFate, "score"):
        table.add_column(str(column), justify="right")
    groups = score.grouped(key)
    order = [name for name in OPERATORS if name in groups] if title == "operator" else list(groups)
    for name in order:
        table.add_row(name, *_cells(groups[name]))
    table.add_row("all", *_cells(score.fates()), style="bold")
    return table


def _cells(fates: Counter[SpecFate]) -> tuple[str, ...]:
    found = share(fates)
    counts = (str(fates[fate]) if fates[fate] else "" for fate in SpecFate)
    return (str(fates.total()), *counts, "" if found is None else f"{100 * found:.1f} %")


def _properties(score: SpecScore) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("property or witness", no_wrap=True)
    table.add_column("noticed first", justify="right")
    for name, count in sorted(score.first().items(), key=lambda each: -each[1]):
        table.add_row(name, str(count) if count else "none")
    return table


def _diff(console: Console, mutant: SpecMutant, title: str) -> None:
    console.print(f"\n{title}", markup=False, soft_wrap=True)
    console.print("\n".join(mutant.diff().splitlines()[2:]), markup=False, soft_wrap=True)
