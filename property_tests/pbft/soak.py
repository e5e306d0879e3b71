"""The soak: simulated PBFT clusters with traitors and all faults, for as many steps as wanted.

    python -m property_tests.pbft.soak --seeds 100 --steps 10000 --jobs 2
    python -m property_tests.pbft.soak --seeds 20 --replicas 7 --traitors 2
    python -m property_tests.pbft.soak --overfaulted --seeds 100

Each seed is one run of `script.py`: clients that ask for things again and again, of all replicas or of one; traitors
who follow one strategy after the other, alone or together; messages, links and replicas fail, also in the middle of a step,
and timers fire too early. All steps of correct replicas are held against the spec, and judged by `Safety`, which knows nothing of
it. Every 2,500 steps all faults but the traitors' end, and the cluster must execute a new request at all correct replicas.

The spec is asked about clusters of four, five and seven with as many traitors as these allow for (`recording.CONFIGS`); with `--no-spec`
any cluster can be soaked, and `Safety` alone judges.

With `--overfaulted` two of four replicas are traitors, one more than is allowed for, and the others must come to disagree in
most runs. The first such runs, --written of them, are held against the spec, which allows them, shrunk, and written as traces.

With `--mutant NAME` the implementation is one of `property_tests/pbft/mutants.py`.

Exit status: 0 if nothing was broken and every situation of `INTERESTING` was met (or most over-faulted runs disagreed), 1
if something was broken, 2 if the command makes no sense, 3 if a situation was never met, so that the soak says nothing
of it (or too few over-faulted runs disagreed: the adversary is weak).
"""

import importlib
from collections.abc import Sequence
from pathlib import Path

import click

from property_tests.attacked import Attacked, cluster_options, soaked
from property_tests.soak_command import leave, mutant_option, out_option, seed_options
from property_tests.soaking import Soaked
from tlacheck import itf
from tlacheck.mutants import Mutant

__all__ = ["main", "unmet"]


def unmet(found: Soaked, *, traitors: int) -> tuple[str, ...]:
    """The situations that were never met and matter.

    Args:
        found: what the soak came to.
        traitors: how many there were: without one nobody is expected to be one.
    """
    return tuple(
        name
        for name in found.missing
        if traitors or not name.startswith(("strategy", "refused", "a traitor"))
    )


@click.command()
@seed_options("Steps of correct replicas in a run.")
@cluster_options
@mutant_option("pbft")
@click.option("--overfaulted", is_flag=True, help="Two traitors of four: the others must come to disagree.")
@click.option(
    "--written",
    type=click.IntRange(min=0),
    default=3,
    show_default=True,
    help="How many over-faulted runs are held against the spec, shrunk and written.",
)
@out_option
@click.pass_context
def main(
    context: click.Context,
    *,
    seeds: int,
    seed: int,
    steps: int,
    jobs: int,
    replicas: int,
    traitors: int,
    spec: bool,
    mutant: Mutant | None,
    overfaulted: bool,
    written: int,
    out: Path,
) -> None:
    """Simulate PBFT clusters with traitors and all faults, for as many steps as wanted.

    Leaves with 0 if nothing was broken, 1 if something was, 3 if a situation that matters was never met.
    """
    if overfaulted:
        context.exit(_overfaulted(range(seed, seed + seeds), out, written))
    attacked = Attacked(
        protocol="pbft",
        steps=steps,
        replicas=replicas,
        traitors=traitors,
        against_spec=spec,
        mutant=mutant,
        out=out,
    )
    found = soaked(
        attacked, range(seed, seed + seeds), jobs=jobs, hint=". --overfaulted shows what happens then"
    )
    missing = unmet(found, traitors=traitors)
    leave(context, found, missing=missing, kept=attacked.kept, repeat=attacked.repeat)


def _overfaulted(seeds: Sequence[int], out: Path, written: int) -> int:
    """Two traitors of four; the exit status."""
    overfaulted = importlib.import_module("property_tests.pbft.overfaulted")
    runs = [overfaulted.disagrees(seed) for seed in seeds]
    broken = [run for run in runs if run.broken]
    click.echo(f"{len(seeds)} seeds with two traitors of four: in {len(broken)} the two others disagree")
    out.mkdir(parents=True, exist_ok=True)
    for run in broken[:written]:
        command = f"python -m property_tests.pbft.soak --overfaulted --seeds 1 --seed {run.seed}"
        shrunk = overfaulted.recorded(run.seed, command=command)
        path = out / f"overfaulted-{run.seed}.itf.json"
        itf.write(shrunk.trace, path)
        click.echo(f"seed {run.seed}: {run.broken}")
        click.echo(
            f"trace:    {path}, {shrunk.steps_before} steps of the spec, {shrunk.steps_after} after shrinking"
        )
        click.echo(f"inspect:  make inspect T={path}")
        click.echo(f"repeat:   {command}")
    return 0 if 2 * len(broken) > len(seeds) else 3


if __name__ == "__main__":
    main(prog_name="python -m property_tests.pbft.soak")
