"""Soaks: runs of simulated clusters for as many seeds and steps as wanted, shared among processes.

A protocol says what one run is, a function of a seed and a number of steps in a module of its own; `soak` plays it for each
seed in fresh processes, in which the implementation may be a mutant, and adds up what came of it.
"""

import multiprocessing
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol, TypeAlias

import attrs

from tlacheck.errors import ConfigError
from tlacheck.mutants import Mutant
from tlacheck.mutants.mutation import install
from tlacheck.orphans import end_with_parent

__all__ = ["Play", "Row", "Soaked", "begin", "played", "soak"]


class Run(Protocol):
    """What a protocol's run came to."""

    @property
    def steps(self) -> int:
        """How many steps it took."""

    @property
    def sometimes(self) -> Counter[str]:
        """How often each interesting situation was met."""

    @property
    def broken(self) -> str:
        """What was broken, in words; empty if nothing was."""


@attrs.frozen(kw_only=True)
class Row:
    """What one run came to, as it leaves its process.

    Attributes:
        seed: of the run.
        steps: how many it took.
        seconds: of CPU.
        sometimes: how often each interesting situation was met.
        broken: what was broken, in words; empty if nothing was.
        interesting: the situations that all runs together must meet.
    """

    seed: int
    steps: int
    seconds: float
    sometimes: Counter[str]
    broken: str
    interesting: tuple[str, ...]


#: One run, of (seed, steps, further arguments): a function of a module, which imports the implementation when it is called.
Play: TypeAlias = Callable[[tuple[int, int, tuple[object, ...]]], Row]


def played(seed: int, play: Callable[[], Run], interesting: tuple[str, ...]) -> Row:
    """A run, with the CPU time that it took."""
    begin = time.process_time()
    run = play()
    return Row(
        seed=seed,
        steps=run.steps,
        seconds=time.process_time() - begin,
        sometimes=run.sometimes,
        broken=run.broken,
        interesting=interesting,
    )


@attrs.frozen(kw_only=True)
class Soaked:
    """What a soak came to.

    Attributes:
        seeds: how many runs there were.
        steps: how many steps all of them took.
        seconds: the CPU seconds of all runs, on all cores.
        sometimes: how often each interesting situation was met.
        broken: (seed, what was broken, in words) of the runs that failed.
        missing: the situations that were never met.
    """

    seeds: int
    steps: int
    seconds: float
    sometimes: Counter[str]
    broken: tuple[tuple[int, str], ...]
    missing: tuple[str, ...]

    @property
    def lines(self) -> Iterator[str]:
        """The figures, for a person."""
        ticks = self.sometimes["Tick"]
        of_clocks = f", {ticks:,} of them ticks of clocks" if ticks else ""
        yield f"{self.seeds} seeds, {self.steps:,} steps{of_clocks}"
        rate = self.steps / max(self.seconds, 0.001)
        rest = f", {(self.steps - ticks) / max(self.seconds, 0.001):,.0f} without ticks" if ticks else ""
        yield f"{self.seconds:.1f} s of CPU: {rate:,.0f} steps/s{rest}"
        for name in sorted(self.sometimes, key=lambda name: (name[0].isupper(), name)):
            yield f"  {self.sometimes[name]:>10,}  {name}"


def begin(mutant: Mutant | None) -> None:
    """In a fresh process: make it end with its parent, and put a mutant in the implementation's place."""
    end_with_parent()
    if mutant is not None:
        install(mutant)


def soak(
    play: Play,
    seeds: Sequence[int],
    *,
    steps: int,
    jobs: int = 1,
    mutant: Mutant | None = None,
    until_broken: bool = False,
    arguments: tuple[object, ...] = (),
) -> Soaked:
    """Play a run for each seed.

    Args:
        play: plays one run.
        seeds: one for each run.
        steps: how many steps each takes at least.
        jobs: how many processes share the work; each is fresh, so that a mutant reaches all its modules.
        mutant: what is made wrong in the implementation.
        until_broken: whether to end with the first run that is broken.
        arguments: what else `play` is given.

    Raises:
        ConfigError: without a seed, a step or a process: a soak of nothing finds nothing.
    """
    if not seeds or steps < 1 or jobs < 1:
        raise ConfigError(
            f"{len(seeds)} seeds of {steps} steps by {jobs} processes: a soak needs at least 1 of each"
        )
    rows: list[Row] = []
    context = multiprocessing.get_context("spawn")
    tasks = [(seed, steps, arguments) for seed in seeds]
    with context.Pool(jobs, begin, (mutant,)) as pool:
        for row in pool.imap_unordered(play, tasks):
            rows.append(row)
            if until_broken and row.broken:
                break
    sometimes: Counter[str] = Counter()
    for row in rows:
        sometimes.update(row.sometimes)
    return Soaked(
        seeds=len(rows),
        steps=sum(row.steps for row in rows),
        seconds=sum(row.seconds for row in rows),
        sometimes=sometimes,
        broken=tuple(sorted((row.seed, row.broken) for row in rows if row.broken)),
        missing=tuple(name for name in rows[0].interesting if not sometimes[name]),
    )
