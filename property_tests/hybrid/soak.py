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

import importlib
from pathlib import Path

import click

from property_tests.attacked import Attacked, cluster_options, soaked
from property_tests.soak_command import leave, mutant_option, out_option, seed_options
from property_tests.soaking import Soaked
from tlacheck.mutants import Mutant

__all__ = ["main", "unmet"]


def unmet(found: Soaked, *, traitors: int) -> tuple[str, ...]:
    """The reason that keeps a soak from saying anything: runs that did not switch there and back, and situations that were never met.

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


@click.command()
@seed_options("Steps of correct replicas in a run.")
@cluster_options
@mutant_option("hybrid")
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
    out: Path,
) -> None:
    """Simulate clusters of the hybrid under attack and all faults, for as many steps as wanted.

    Leaves with 0 if nothing was broken, 1 if something was, 3 if a situation that matters was never met.
    """
    attacked = Attacked(
        protocol="hybrid",
        steps=steps,
        replicas=replicas,
        traitors=traitors,
        against_spec=spec,
        mutant=mutant,
        out=out,
    )
    found = soaked(attacked, range(seed, seed + seeds), jobs=jobs)
    missing = unmet(found, traitors=traitors)
    leave(context, found, missing=missing, kept=attacked.kept, repeat=attacked.repeat)


if __name__ == "__main__":
    main(prog_name="python -m property_tests.hybrid.soak")
