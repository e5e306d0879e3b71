"""The soak: simulated clusters of the hybrid under attack and all faults, for as many steps as wanted.

    python -m property_tests.hybrid.soak --seeds 100 --steps 10000 --jobs 2
    python -m property_tests.hybrid.soak --seeds 20 --replicas 7 --traitors 2

Each seed is one run of `script.py`: clients that ask for things, and again until they know what came of it; clients that lie;
traitors who follow one strategy after the other, alone or together, attack loudly and become quiet again; messages, links and
replicas fail, also in the middle of a step, and timers fire too early. All steps of correct replicas, and what clients believe, are
held against the spec, and judged by `Safety`, which knows nothing of it; what all clients saw must be linearizable. Every 2,500 steps
all faults end: then the cluster must serve whatever the traitors do, and when these are quiet it must return to Raft and serve.

The spec is asked about clusters of four, five and seven with as many traitors as these allow for (`recording.CONFIGS`); with `--no-spec`
any cluster can be soaked, and `Safety` alone judges. With `--mutant NAME` the implementation is one of `property_tests/hybrid/mutants.py`.

Exit status: 0 if nothing was broken, every run switched in both directions, and every situation of `INTERESTING` was met; 1 if
something was broken; 2 if the command makes no sense; 3 if a run did not switch there and back, or a situation was never met,
so that the soak says nothing of it.
"""

import difflib
import importlib
import platform
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import click

from property_tests import soaking
from property_tests.soaking import Row, Soaked
from tlacheck import __version__, itf
from tlacheck.errors import ConfigError
from tlacheck.mutants import Mutant

__all__ = ["kept_at", "main", "repeating", "soak", "unmet"]

#: Where traces and logs of failures go.
_OUT: Final = Path(".verify")


def soak(
    seeds: Sequence[int],
    *,
    steps: int,
    replicas: int = 4,
    traitors: int = 1,
    jobs: int = 1,
    mutant: Mutant | None = None,
    until_broken: bool = False,
    against_spec: bool = True,
    out: Path = _OUT,
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
        against_spec: whether each step must be one that the spec allows, besides.
        out: the folder where the traces and the logs of runs that fail go: `kept_at` names them.

    Raises:
        ConfigError: as `soaking.soak`; or the spec has no configuration for such a cluster.
    """
    return soaking.soak(
        _run,
        seeds,
        steps=steps,
        jobs=jobs,
        mutant=mutant,
        until_broken=until_broken,
        arguments=(replicas, traitors, against_spec, str(out), mutant.name if mutant else ""),
    )


def repeating(seed: int, *, steps: int, replicas: int, traitors: int, against_spec: bool, mutant: str) -> str:
    """The command that plays one run again."""
    size = f" --replicas {replicas} --traitors {traitors}" if (replicas, traitors) != (4, 1) else ""
    alone = "" if against_spec else " --no-spec"
    wrong = f" --mutant {mutant}" if mutant else ""
    return f"python -m property_tests.hybrid.soak --seeds 1 --seed {seed} --steps {steps}{size}{alone}{wrong}"


def kept_at(out: Path, seed: int) -> tuple[Path, Path]:
    """Where the trace and the log of a run that failed lie."""
    return out / f"soak-hybrid-{seed}.itf.json", out / f"soak-hybrid-{seed}.log"


def _run(task: tuple[int, int, tuple[Any, ...]]) -> Row:
    """One seed, in a process of its own: only here is the implementation imported, mutated or not."""
    script = importlib.import_module("property_tests.hybrid.script")
    seed, steps, (replicas, traitors, against_spec, out, mutant) = task
    command = repeating(
        seed, steps=steps, replicas=replicas, traitors=traitors, against_spec=against_spec, mutant=mutant
    )
    place = script.setting(seed, replicas=replicas, traitors=traitors)
    if against_spec:
        recording = importlib.import_module("property_tests.hybrid.recording")
        recording.oracle_of(recording.config_for(place))  # it is loaded once a process, and not timed

    def play() -> Any:
        run = script.endure(seed, steps=steps, setting=place, against_spec=against_spec, command=command)
        if run.broken:
            _keep(run, Path(out))
        return run

    return soaking.played(seed, play, script.INTERESTING)


def _keep(run: Any, out: Path) -> None:
    """Put a run that failed on disk."""
    trace, log = kept_at(out, run.seed)
    out.mkdir(parents=True, exist_ok=True)
    log.write_text(run.log, encoding="utf-8")
    trace.unlink(missing_ok=True)
    if run.trace is not None:
        itf.write(run.trace, trace)


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
@click.option(
    "--spec/--no-spec", default=True, show_default=True, help="Hold each step against the spec, besides."
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=_OUT,
    show_default=True,
    help="Where the trace and the log of a failure go.",
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
    spec: bool,
    out: Path,
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
    if spec:
        script, recording = (
            importlib.import_module(f"property_tests.hybrid.{name}") for name in ("script", "recording")
        )
        try:
            recording.config_for(script.setting(0, replicas=replicas, traitors=traitors))
        except ConfigError as error:
            raise click.UsageError(f"{error}. With --no-spec it is judged without the spec") from error
    found = soak(
        range(seed, seed + seeds),
        steps=steps,
        replicas=replicas,
        traitors=traitors,
        jobs=jobs,
        mutant=mutant,
        until_broken=mutant is not None,
        against_spec=spec,
        out=out,
    )
    for line in found.lines:
        click.echo(line)
    for number, words in found.broken[:3]:
        trace, log = kept_at(out, number)
        command = repeating(
            number,
            steps=steps,
            replicas=replicas,
            traitors=traitors,
            against_spec=spec,
            mutant=mutant.name if mutant else "",
        )
        lines = (
            f"seed {number}: {words}",
            *((f"trace:    {trace}", f"inspect:  make inspect T={trace}") if spec else ()),
            f"log:      {log}",
            f"repeat:   {command}",
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
