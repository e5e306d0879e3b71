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

import difflib
import importlib
import multiprocessing
import platform
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import attrs
import click

from tlacheck import __version__
from tlacheck.errors import ConfigError
from tlacheck.mutants import Mutant
from tlacheck.mutants.mutation import install

__all__ = ["MUTANTS", "Soaked", "main", "soak"]

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


@attrs.frozen(kw_only=True)
class Soaked:
    """What a soak came to.

    Attributes:
        seeds: how many runs there were.
        steps: how many steps of the spec all of them took.
        ticks: how many of those were ticks of clocks.
        seconds: the CPU seconds of all runs, on all cores.
        sometimes: how often each interesting situation was met.
        broken: (seed, what was broken, in words) of the runs that failed.
        missing: the situations that were never met.
    """

    seeds: int
    steps: int
    ticks: int
    seconds: float
    sometimes: Counter[str]
    broken: tuple[tuple[int, str], ...]
    missing: tuple[str, ...]

    @property
    def lines(self) -> Iterator[str]:
        """The figures, for a person."""
        yield f"{self.seeds} seeds, {self.steps:,} steps, {self.ticks:,} of them ticks of clocks"
        rate = self.steps / max(self.seconds, 0.001)
        rest = (self.steps - self.ticks) / max(self.seconds, 0.001)
        yield f"{self.seconds:.1f} s of CPU: {rate:,.0f} steps/s, {rest:,.0f} without ticks"
        for name in sorted(self.sometimes, key=lambda name: (name[0].isupper(), name)):
            yield f"  {self.sometimes[name]:>10,}  {name}"


def soak(
    seeds: Sequence[int],
    *,
    steps: int,
    jobs: int = 1,
    mutant: Mutant | None = None,
    until_broken: bool = False,
) -> Soaked:
    """Play a run for each seed.

    Args:
        seeds: one for each run.
        steps: how many steps each takes at least, ticks of clocks not counted.
        jobs: how many processes share the work; each is fresh, so that a mutant reaches all its modules.
        mutant: what is made wrong in the implementation.
        until_broken: whether to end with the first run that is broken.

    Raises:
        ConfigError: without a seed, a step or a process: a soak of nothing finds nothing.
    """
    if not seeds or steps < 1 or jobs < 1:
        raise ConfigError(
            f"{len(seeds)} seeds of {steps} steps by {jobs} processes: a soak needs at least 1 of each"
        )
    found: list[dict[str, Any]] = []
    context = multiprocessing.get_context("spawn")
    tasks = [(seed, steps) for seed in seeds]
    initializer = install if mutant else None
    with context.Pool(jobs, initializer, (mutant,) if mutant else ()) as pool:
        for row in pool.imap_unordered(_run, tasks):
            found.append(row)
            if until_broken and row["broken"]:
                break
    sometimes: Counter[str] = Counter()
    for row in found:
        sometimes.update(row["sometimes"])
    return Soaked(
        seeds=len(found),
        steps=sum(row["steps"] for row in found),
        ticks=sometimes["Tick"],
        seconds=sum(row["seconds"] for row in found),
        sometimes=sometimes,
        broken=tuple(sorted((row["seed"], row["broken"]) for row in found if row["broken"])),
        missing=tuple(name for name in found[0]["interesting"] if not sometimes[name]),
    )


def _run(task: tuple[int, int]) -> dict[str, Any]:
    """One seed, in a process of its own: only here is the implementation imported, mutated or not."""
    script = importlib.import_module("property_tests.raft.script")
    seed, steps = task
    script.oracle_of(script.SOAKED)  # the spec's initial state is loaded once a process, and not timed
    begin = time.process_time()
    run = script.endure(seed, steps=steps)
    return {
        "seed": seed,
        "steps": run.steps,
        "seconds": time.process_time() - begin,
        "sometimes": run.sometimes,
        "broken": run.broken,
        "interesting": script.INTERESTING,
    }


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
    with context.Pool(1, install if mutant else None, (mutant,) if mutant else ()) as pool:
        return pool.apply(_trace, ((seed, steps, command, str(path)),))


def _mutant(_context: click.Context, _parameter: click.Parameter, name: str | None) -> Mutant | None:
    """The mutant of that name; click tells what is wrong with any other."""
    if name is None:
        return None
    others: tuple[Mutant, ...] = importlib.import_module("property_tests.raft.mutants").MUTANTS
    known = {mutant.name: mutant for mutant in (*others, *MUTANTS)}
    if name not in known:
        near = ", ".join(difflib.get_close_matches(name, sorted(known), n=5, cutoff=0.4))
        raise click.BadParameter(
            f"there is no mutant {name!r}; {f'near to it are {near}; ' if near else ''}"
            f"MUTANTS here and in property_tests/raft/mutants.py are all {len(known)}"
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
    help="Steps of a run, ticks not counted.",
)
@click.option("--jobs", type=click.IntRange(min=1), default=1, show_default=True, help="How many processes.")
@click.option(
    "--mutant",
    callback=_mutant,
    metavar="NAME",
    help="A wrong implementation; the soak ends when it is found.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path(".verify"),
    show_default=True,
    help="Where the trace of a failure goes.",
)
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
    for line in found.lines:
        click.echo(line)
    for number, words in found.broken[:3]:
        wrong = f" --mutant {mutant.name}" if mutant else ""
        command = f"python -m property_tests.raft.soak --seeds 1 --seed {number} --steps {steps}{wrong}"
        out.mkdir(parents=True, exist_ok=True)
        path = out / f"soak-{number}.itf.json"
        written = write_trace(number, steps=steps, path=path, command=command, mutant=mutant)
        lines = (
            f"seed {number}: {words}",
            f"trace:    {path}, the last {written} steps"
            if written
            else "trace:    none, it did not fail again",
            f"inspect:  make inspect T={path}",
            f"repeat:   {command}",
            f"versions: tlacheck {__version__}, Python {platform.python_version()}",
        )
        click.echo("\n".join(lines))
    if found.broken:
        context.exit(1)
    if found.missing:
        click.echo(f"{len(found.missing)} situations that matter were never met; soak longer:")
        for name in found.missing:
            click.echo(f"  {name}")
        context.exit(3)


if __name__ == "__main__":
    main(prog_name="python -m property_tests.raft.soak")
