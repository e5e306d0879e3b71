"""The soak: simulated Raft clusters with all parts and all faults, for as many steps as wanted.

    python -m property_tests.raft.soak --seeds 100 --steps 10000 --jobs 2

Each seed is one run of `script.py`: five servers, three of them founders, clients that submit values
again and again, reads by a quorum and by leases, servers that join and leave, leaders that hand over,
snapshots, disks that take their time; messages, links, servers, disks and clocks fail. All steps are
judged by `Safety`, which knows nothing of the spec. Every 2,500 steps all faults end, and the cluster
must make progress within `LIVENESS_BOUND_MS`. Ticks of clocks are not counted among the steps asked for.

With `--mutant NAME` the implementation is one of `MUTANTS`, or of `property_tests/raft/mutants.py`: a
soak that does not find it would not find the like of it either.

What is broken is told with its seed and command; the run is repeated with a trace, of which the last
steps are written. Exit status: 0 if nothing was broken and every situation of `INTERESTING` was met, 1
if something was broken, 2 if the command makes no sense, 3 if a situation was never met, so that the soak
says nothing of it.
"""

import importlib
import multiprocessing
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import click

from property_tests import soaking
from property_tests.soak_command import leave, mutant_option, out_option, seed_options
from property_tests.soaking import Row, Soaked, begin
from tlacheck.mutants import Mutant

__all__ = ["MUTANTS", "main", "soak"]

#: Wrong implementations that a soak finds without the spec. Those that its own faults show best.
MUTANTS: Final = (
    Mutant(
        name="vote-not-persisted",
        bug="RE-02",
        module="impl.raft.core",
        old="effects.append(Persist(after.durable) if is_safe",
        new="effects.append(Persist(Durable(after.durable.current_term, None, after.durable.log, snapshot=after.durable.snapshot)) if is_safe",
    ),
    Mutant(
        name="commit-of-an-earlier-term",
        bug="RC-01, the paper's Figure 8",
        module="impl.raft.rules",
        old=" and may_commit_term(durable.term_at(agreed), durable.current_term)",
        new="",
    ),
    Mutant(
        name="old-snapshot-taken",
        bug="paper, Figure 13, rule 5: a late snapshot drops what came after it",
        module="impl.raft.rules",
        old="    return index <= commit_index\n",
        new="    return False\n",
    ),
    Mutant(
        name="unsynced-entries-counted",
        bug="thesis, 10.2.1",
        module="impl.raft.leading",
        old="held[me] = node.synced if node.config.async_disk else durable.last_index",
        new="held[me] = durable.last_index",
    ),
    Mutant(
        name="changes-at-once",
        bug="thesis, 4.1",
        module="impl.raft.rules",
        old="return node.change_index <= node.commit_index and committed_in_its_term(node)",
        new="return committed_in_its_term(node)",
    ),
    Mutant(
        name="reads-before-an-own-commit",
        bug="thesis, 6.4",
        module="impl.raft.rules",
        old='    """A leader answers reads when it knows all that is committed (thesis, 6.4)."""\n    return committed_in_its_term(node)',
        new='    """A leader answers reads when it likes."""\n    return True',
    ),
)


def soak(
    seeds: Sequence[int],
    *,
    steps: int,
    jobs: int = 1,
    mutant: Mutant | None = None,
    until_broken: bool = False,
) -> Soaked:
    """Play a run for each seed; arguments and errors are those of `soaking.soak`, ticks of clocks are not counted."""
    return soaking.soak(_run, seeds, steps=steps, jobs=jobs, mutant=mutant, until_broken=until_broken)


def _run(task: tuple[int, int, tuple[object, ...]]) -> Row:
    """One seed, in a process of its own: only here is the implementation imported, mutated or not."""
    script = importlib.import_module("property_tests.raft.script")
    seed, steps, _ = task
    script.oracle_of(script.SOAKED)  # the spec's initial state is loaded once a process, and not timed
    return soaking.played(seed, lambda: script.endure(seed, steps=steps), script.INTERESTING)


def _trace(task: tuple[int, int, str, str]) -> int:
    """The same seed again, recorded; its last steps are written."""
    script = importlib.import_module("property_tests.raft.script")
    itf = importlib.import_module("tlacheck.itf")
    seed, steps, command, path = task
    run = script.endure(seed, steps=steps, recorded=True, command=command)
    last = script.last_steps(run.trace)
    if last is None:
        return 0
    itf.write(last, Path(path))
    return len(last)


def write_trace(seed: int, *, steps: int, path: Path, command: str, mutant: Mutant | None = None) -> int:
    """Repeat a run that failed, and write its last steps.

    Returns:
        How many steps were written; 0 if the run does not fail again.
    """
    context = multiprocessing.get_context("spawn")
    with context.Pool(1, begin, (mutant,)) as pool:
        return pool.apply(_trace, ((seed, steps, command, str(path)),))


@click.command()
@seed_options("Steps of a run, ticks not counted.")
@mutant_option("raft", MUTANTS)
@out_option
@click.pass_context
def main(
    context: click.Context, *, seeds: int, seed: int, steps: int, jobs: int, mutant: Mutant | None, out: Path
) -> None:
    """Simulate Raft clusters with all parts and all faults, for as many steps as wanted.

    Leaves with 0 if nothing was broken, 1 if something was, 3 if a situation that matters was never met.
    """
    found = soak(
        range(seed, seed + seeds), steps=steps, jobs=jobs, mutant=mutant, until_broken=mutant is not None
    )

    def repeat(number: int) -> str:
        wrong = f" --mutant {mutant.name}" if mutant else ""
        return f"python -m property_tests.raft.soak --seeds 1 --seed {number} --steps {steps}{wrong}"

    def kept(number: int) -> tuple[str, ...]:
        out.mkdir(parents=True, exist_ok=True)
        path = out / f"soak-raft-{number}.itf.json"
        written = write_trace(number, steps=steps, path=path, command=repeat(number), mutant=mutant)
        if not written:
            return ("trace:    none, it did not fail again",)
        return (f"trace:    {path}, the last {written} steps", f"inspect:  make inspect T={path}")

    leave(context, found, missing=found.missing, kept=kept, repeat=repeat)


if __name__ == "__main__":
    main(prog_name="python -m property_tests.raft.soak")
