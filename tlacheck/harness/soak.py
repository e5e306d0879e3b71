"""Soak tests: runs of a protocol for as many seeds and steps as wanted, shared among processes."""

import contextlib
import functools
import importlib
import multiprocessing
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Final

import attrs

from tlacheck.conform.loading import load_named
from tlacheck.conform.lockstep import Diverged
from tlacheck.errors import ConfigError
from tlacheck.harness.protocol import Protocol
from tlacheck.harness.run import Run, spec_of
from tlacheck.harness.workload import Schedule, conclude
from tlacheck.mutants.mutation import Mutant, install
from tlacheck.orphans import end_with_parent
from tlacheck.tlc.oracle import SpecOracle

__all__ = ["RunResult", "SoakPlan", "SoakResult", "load_protocol", "play", "soak"]

#: A run that takes no steps any more ends after so many drawn events for each step that was wanted.
_EVENTS_MAX: Final = 20


@attrs.frozen(kw_only=True)
class SoakPlan:
    """One campaign.

    Attributes:
        target: the declaration, `package.module:NAME`.
        steps: how many steps of nodes a run takes at least.
        nodes: the size of the cluster; the declaration's first, if None.
        faults: which faults there are; the declaration's, if None.
        byzantine: how many of them are Byzantine; as many as the first such size declares, if None.
        judged: True to ask the spec about every step.
        mutant: the name of the declaration's mutant that is put in the core's place.
        out: where traces and logs of failures go.

    Raises:
        ConfigError: there are no steps.
    """

    target: str
    steps: int = 1_000
    nodes: int | None = None
    faults: tuple[str, ...] | None = None
    byzantine: int | None = None
    judged: bool = True
    mutant: str | None = None
    out: Path = Path(".verify")

    def __attrs_post_init__(self) -> None:
        if self.steps < 1:
            raise ConfigError(f"{self.steps} steps: a run needs at least 1")

    def command(self, seed: int) -> str:
        """The command that repeats the run of one seed."""
        words = ["tlacheck soak", self.target, f"--seed {seed} --seeds 1 --steps {self.steps}"]
        if self.nodes is not None:
            words.append(f"--nodes {self.nodes}")
        if self.faults is not None:
            words.append(f"--faults {','.join(self.faults) or 'none'}")
        if self.byzantine is not None:
            words.append(f"--byzantine {self.byzantine}")
        if not self.judged:
            words.append("--not-judged")
        if self.mutant:
            words.append(f"--mutant {self.mutant}")
        return " ".join(words)


@attrs.frozen(kw_only=True)
class RunResult:
    """Result of one run.

    Attributes:
        seed: of the run.
        steps: how many steps nodes took.
        actions: how many steps of the spec they stand for.
        seconds: of CPU.
        goals: how often each coverage goal was met.
        faults: how often each fault found something to do.
        property: what was broken; empty if nothing was.
        explanation: why, in words.
        trace: the file of the run up to there.
        log: the file of what happened in the cluster.
    """

    seed: int
    steps: int
    actions: int
    seconds: float
    goals: Counter[str]
    faults: Counter[str]
    property: str = ""
    explanation: tuple[str, ...] = ()
    trace: Path | None = None
    log: Path | None = None


@attrs.frozen(kw_only=True)
class SoakResult:
    """Result of a soak test.

    Attributes:
        runs: one for each seed, in the order of the seeds.
        faults: how often each fault found something to do.
    """

    runs: tuple[RunResult, ...]

    @property
    def goals(self) -> Counter[str]:
        """Coverage goal -> the number of times that it was met in all runs."""
        return functools.reduce(_sum, (run.goals for run in self.runs), Counter())

    @property
    def faults(self) -> Counter[str]:
        """Fault -> the number of times that it found something to do."""
        return functools.reduce(_sum, (run.faults for run in self.runs), Counter())

    @property
    def failed(self) -> tuple[RunResult, ...]:
        """The runs in which something was broken."""
        return tuple(run for run in self.runs if run.property)

    @property
    def missing(self) -> tuple[str, ...]:
        """The coverage goals that no run met."""
        return tuple(name for name, count in self.goals.items() if not count)

    @property
    def steps(self) -> int:
        """The number of steps that nodes took in all runs."""
        return sum(run.steps for run in self.runs)


def _sum(one: Counter[str], other: Counter[str]) -> Counter[str]:
    """Add up, keeping what was never met."""
    total = Counter(one)
    total.update(other)
    return total


def load_protocol(target: str) -> Protocol:
    """The declaration that `package.module:NAME` names.

    Raises:
        ConfigError: there is none.
    """
    found = load_named(target, "protocol", "a tlacheck.harness.Protocol")
    if not isinstance(found, Protocol):
        raise ConfigError(f"{target} is a {type(found).__name__}, and no tlacheck.harness.Protocol")
    return found


def play(plan: SoakPlan, seed: int) -> RunResult:
    """One run. A failure leaves its trace and log in `plan.out`.

    Raises:
        ConfigError: the plan does not fit the declaration.
        SpecError: the spec cannot be used.
    """
    protocol = load_protocol(plan.target)
    size = protocol.size(plan.nodes, plan.byzantine)
    begin = time.process_time()
    oracle = _oracle(plan.target, plan.nodes, plan.byzantine) if plan.judged else None
    run: Run | None = None
    try:
        run = Run(protocol, size, seed=seed, oracle=oracle, command=plan.command(seed))
        schedule = Schedule(run, protocol, seed=seed, faults=plan.faults)
        events = 0
        while run.steps < plan.steps and events < _EVENTS_MAX * plan.steps:
            schedule.happen()
            events += 1
        conclude(run, protocol, schedule)
    except Diverged as failure:
        result = _result(seed, run, time.process_time() - begin)
        return _failed(plan, protocol, result, run, failure)
    return _result(seed, run, time.process_time() - begin)


def _failed(
    plan: SoakPlan, protocol: Protocol, result: RunResult, run: Run | None, failure: Diverged
) -> RunResult:
    violation = failure.trace.violation
    if violation is None or run is None:  # it did not even begin as the spec does
        raise failure
    stem = f"soak-{protocol.name}-{plan.mutant or 'seed'}-{result.seed}"
    trace, log = run.keep(failure.trace, plan.out, stem)
    return attrs.evolve(
        result, property=violation.property, explanation=violation.explanation, trace=trace, log=log
    )


def _result(seed: int, run: Run | None, seconds: float) -> RunResult:
    return RunResult(
        seed=seed,
        steps=run.steps if run else 0,
        actions=run.recorder.actions if run else 0,
        seconds=seconds,
        goals=run.goals if run else Counter(),
        faults=Counter(run.cluster.simulation.met) if run else Counter(),
    )


@functools.lru_cache(maxsize=4)
def _oracle(target: str, nodes: int | None, byzantine: int | None) -> SpecOracle:
    protocol = load_protocol(target)
    return SpecOracle(spec_of(protocol, protocol.size(nodes, byzantine)))


def _begin(path: Sequence[str], mutant: Mutant | None) -> None:
    """In a fresh process: what it may import, and what is wrong with it."""
    end_with_parent()
    sys.path[:] = path
    if mutant is not None:
        install(mutant)
        importlib.invalidate_caches()


def soak(
    plan: SoakPlan,
    seeds: Iterable[int],
    *,
    jobs: int = 1,
    until_failed: bool = False,
    on_run: Callable[[RunResult], None] = lambda _: None,
) -> SoakResult:
    """Play a run for each seed; in processes of their own, if there are several jobs or a mutant.

    Args:
        plan: what each run is.
        seeds: one for each run.
        jobs: how many processes share the work.
        until_failed: end with the first run in which something is broken.
        on_run: told of each run as it ends.

    Raises:
        ConfigError: there is no seed or no process, or the plan does not fit the declaration.
        SpecError: the spec cannot be used.
    """
    wanted = list(seeds)
    if not wanted or jobs < 1:
        raise ConfigError(f"{len(wanted)} seeds by {jobs} processes: a soak test needs at least 1 of each")
    protocol = load_protocol(plan.target)
    mutant = protocol.mutant(plan.mutant) if plan.mutant else None
    runs: list[RunResult] = []
    with contextlib.ExitStack() as stack:
        for result in _played(stack, plan, wanted, mutant, jobs):
            runs.append(result)
            on_run(result)
            if until_failed and result.property:
                break
    return SoakResult(runs=tuple(sorted(runs, key=lambda run: run.seed)))


def _played(
    stack: contextlib.ExitStack, plan: SoakPlan, seeds: Sequence[int], mutant: Mutant | None, jobs: int
) -> Iterable[RunResult]:
    """The runs as they end: here, or in fresh processes, which a mutant needs to reach all modules."""
    if mutant is None and jobs == 1:
        return map(functools.partial(play, plan), seeds)
    executor = ProcessPoolExecutor(
        min(jobs, len(seeds)),
        mp_context=multiprocessing.get_context("spawn"),
        initializer=_begin,
        initargs=(list(sys.path), mutant),
    )
    stack.callback(executor.shutdown, cancel_futures=True)
    runs = [executor.submit(play, plan, seed) for seed in seeds]
    return _ended(runs)


def _ended(runs: Iterable["Future[RunResult]"]) -> Iterable[RunResult]:
    try:
        for run in as_completed(runs):
            yield run.result()
    except BrokenProcessPool as error:
        raise ConfigError(
            "a process of the soak test ended before its run did. It was killed, or it cannot import the main "
            "module, which must be a file: not standard input, and guarded by __name__ if it is a script"
        ) from error
