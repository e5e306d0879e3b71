"""The soak: simulated clusters of the hybrid under attack and all faults, for as many steps as wanted.

    python -m property_tests.hybrid.soak --seeds 100 --steps 10000 --jobs 2
    python -m property_tests.hybrid.soak --seeds 20 --replicas 7 --traitors 2

Each seed is one run of `script.py`: clients that ask for things, and again until they know what came of it; clients that lie;
traitors who follow one strategy after the other, alone or together, attack loudly and become quiet again; messages, links and
replicas fail, also in the middle of a step, and timers fire too early. All steps of correct replicas, and what clients believe, are
judged by `Safety`, which knows nothing of the spec; what all clients saw must be linearizable. Every 2,500 steps all faults end: then
the cluster must serve whatever the traitors do, and when these are quiet it must return to Raft and serve.

With `--mutant NAME` the implementation is one of `property_tests/hybrid/mutants.py`.

Exit status: 0 if nothing was broken, every run switched in both directions, and every situation of `INTERESTING` was met; 1 if
something was broken; 2 if the command makes no sense; 3 if a run did not switch there and back, or a situation was never met,
so that the soak says nothing of it.
"""

import difflib
import importlib
import platform
from collections.abc import Sequence

import click

from property_tests import soaking
from property_tests.soaking import Row, Soaked
from tlacheck import __version__
from tlacheck.mutants import Mutant

__all__ = ["main", "soak", "unmet"]


def soak(
    seeds: Sequence[int],
    *,
    steps: int,
    replicas: int = 4,
    traitors: int = 1,
    jobs: int = 1,
    mutant: Mutant | None = None,
    until_broken: bool = False,
) -> Soaked:
    """Play a run for each seed.

    Args:
        seeds: one for each run.
        steps: how many steps correct replicas take at least.
        replicas: how many there are.
        traitors: how many of them are Byzantine; other ones in each run.
        jobs: as `soaking.soak` has it, and so the rest.
        mutant: what is made wrong in the implementation.
        until_broken: whether to end with the first run that is broken.

    Raises:
        ConfigError: as `soaking.soak`.
    """
    return soaking.soak(
        _run,
        seeds,
        steps=steps,
        jobs=jobs,
        mutant=mutant,
        until_broken=until_broken,
        arguments=(replicas, traitors),
    )


def _run(task: tuple[int, int, tuple[object, ...]]) -> Row:
    """One seed, in a process of its own: only here is the implementation imported, mutated or not."""
    script = importlib.import_module("property_tests.hybrid.script")
    seed, steps, (replicas, traitors) = task
    return soaking.played(
        seed,
        lambda: script.endure(
            seed, steps=steps, setting=script.setting(seed, replicas=replicas, traitors=traitors)
        ),
        script.INTERESTING,
    )


def unmet(found: Soaked, *, traitors: int) -> tuple[str, ...]:
    """What keeps a soak from saying anything: runs that did not switch there and back, and situations that were never met.

    Args:
        found: what it came to.
        traitors: how many there were: without one nobody is expected to be one.
    """
    script = importlib.import_module("property_tests.hybrid.script")
    missing = [
        name
        for name in found.missing
        if traitors or not name.startswith(("strategy", "a traitor", "a tentative"))
    ]
    one_way = found.seeds - found.sometimes[script.THERE_AND_BACK]
    return (
        *((f"{one_way} of {found.seeds} runs did not switch there and back",) if one_way else ()),
        *missing,
    )


def _mutant(_context: click.Context, _parameter: click.Parameter, name: str | None) -> Mutant | None:
    """The mutant of that name; click tells what is wrong with any other."""
    if name is None:
        return None
    mutants: tuple[Mutant, ...] = importlib.import_module("property_tests.hybrid.mutants").MUTANTS
    known = {mutant.name: mutant for mutant in mutants}
    if name not in known:
        near = ", ".join(difflib.get_close_matches(name, sorted(known), n=5, cutoff=0.4))
        raise click.BadParameter(
            f"there is no mutant {name!r}; {f'near to it are {near}; ' if near else ''}"
            f"MUTANTS in property_tests/hybrid/mutants.py are all {len(known)}"
        )
    return known[name]


@click.command()
@click.option(
    "--seeds",
    type=click.IntRange(min=1),
    default=100,
    show_default=True,
    help="How many runs, from --seed on.",
)
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="The first seed.")
@click.option(
    "--steps",
    type=click.IntRange(min=1),
    default=10_000,
    show_default=True,
    help="Steps of correct replicas in a run.",
)
@click.option(
    "--replicas", type=click.IntRange(min=4), default=4, show_default=True, help="How many replicas."
)
@click.option(
    "--traitors",
    type=click.IntRange(min=0),
    default=1,
    show_default=True,
    help="How many of them are Byzantine.",
)
@click.option("--jobs", type=click.IntRange(min=1), default=1, show_default=True, help="How many processes.")
@click.option(
    "--mutant",
    callback=_mutant,
    metavar="NAME",
    help="A wrong implementation; the soak ends when it is found.",
)
@click.pass_context
def main(
    context: click.Context,
    *,
    seeds: int,
    seed: int,
    steps: int,
    replicas: int,
    traitors: int,
    jobs: int,
    mutant: Mutant | None,
) -> None:
    """Simulate clusters of the hybrid under attack and all faults, for as many steps as wanted.

    Leaves with 0 if nothing was broken, 1 if something was, 3 if a situation that matters was never met.
    """
    if traitors > (allowed := (replicas - 1) // 3):
        raise click.BadParameter(
            f"{traitors} traitors of {replicas} replicas are more than the {allowed} that these allow for: "
            "safety is not promised",
            param_hint="'--traitors'",
        )
    found = soak(
        range(seed, seed + seeds),
        steps=steps,
        replicas=replicas,
        traitors=traitors,
        jobs=jobs,
        mutant=mutant,
        until_broken=mutant is not None,
    )
    for line in found.lines:
        click.echo(line)
    for number, words in found.broken[:3]:
        wrong = f" --mutant {mutant.name}" if mutant else ""
        size = f" --replicas {replicas} --traitors {traitors}" if (replicas, traitors) != (4, 1) else ""
        lines = (
            f"seed {number}: {words}",
            f"repeat:   python -m property_tests.hybrid.soak --seeds 1 --seed {number} --steps {steps}{size}{wrong}",
            f"versions: tlacheck {__version__}, Python {platform.python_version()}",
        )
        click.echo("\n".join(lines))
    if found.broken:
        context.exit(1)
    if missing := unmet(found, traitors=traitors):
        click.echo(f"{len(missing)} situations that matter were not met; soak longer:")
        for name in missing:
            click.echo(f"  {name}")
        context.exit(3)


if __name__ == "__main__":
    main(prog_name="python -m property_tests.hybrid.soak")
