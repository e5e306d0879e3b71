"""Soak tests: runs of a protocol for as many seeds and steps as wanted, shared among processes."""

import contextlib
import functools
import importlib
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Executor, Future, as_completed
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import attrs

from tlacheck.conform.loading import load_named
from tlacheck.conform.lockstep import Diverged
from tlacheck.errors import ConfigError
from tlacheck.harness.protocol import Protocol
from tlacheck.harness.run import Run, oracle_of
from tlacheck.harness.workload import schedule_of
from tlacheck.mutants.mutation import Mutant, install
from tlacheck.processes import Processes
from tlacheck.sim.cluster import Observer
from tlacheck.trace import Trace

__all__ = [
    "Played",
    "RunResult",
    "SoakPlan",
    "SoakResult",
    "begun",
    "load_protocol",
    "play",
    "play_run",
    "processes",
    "soak",
]


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
        only: the properties that end a run when they break; all if None.
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
    only: tuple[str, ...] | None = None
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
        if self.only is not None:
            words.append(f"--only {','.join(self.only) or 'none'}")
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
    played = play_run(plan, seed)
    violation = played.trace.violation if played.trace is not None else None
    if played.trace is None or violation is None:
        return played.result
    stem = f"soak-{load_protocol(plan.target).name}-{plan.mutant or 'seed'}-{seed}"
    trace, log = played.run.keep(played.trace, plan.out, stem)
    return attrs.evolve(played.result, trace=trace, log=log)


@attrs.frozen
class Played:
    """A run that has ended, with all that is known of it.

    Attributes:
        run: the cluster as it was in the end.
        result: of the run; nothing of it is on disk.
        trace: up to what was broken; None if nothing was.
    """

    run: Run
    result: RunResult
    trace: Trace | None


def play_run(plan: SoakPlan, seed: int, listen: Callable[[Run], Observer] | None = None) -> Played:
    """One run, of which nothing is written.

    Args:
        plan: what the run is.
        seed: of the run.
        listen: makes a listener of the run; None if nobody listens.

    Raises:
        ConfigError: the plan does not fit the declaration.
        Diverged: the nodes do not start as the spec does.
        SpecError: the spec cannot be used.
    """
    begin = time.process_time()
    protocol = load_protocol(plan.target)
    run = begun(plan, seed)
    run.listener = None if listen is None else listen(run)
    try:
        schedule = schedule_of(run, protocol, seed=seed, faults=plan.faults)
        schedule.begin()
        rest_every = protocol.rest_every or plan.steps
        while run.steps < plan.steps:
            until = min(plan.steps, run.steps + rest_every)
            schedule.round(until)
            is_stuck = run.steps < until
            schedule.conclude()
            if is_stuck:
                break
        run.finish()
    except Diverged as failure:
        result = _result(seed, run, time.process_time() - begin)
        if (violation := failure.trace.violation) is None:
            raise
        broken = attrs.evolve(result, property=violation.property, explanation=violation.explanation)
        return Played(run, broken, failure.trace)
    return Played(run, _result(seed, run, time.process_time() - begin), None)


def begun(plan: SoakPlan, seed: int) -> Run:
    """The cluster of a run, before anything happens.

    Raises:
        ConfigError, Diverged, SpecError: as `play_run`.
    """
    protocol = load_protocol(plan.target)
    size = protocol.size(plan.nodes, plan.byzantine)
    oracle = oracle_of(protocol, size) if plan.judged else None
    return Run(protocol, size, seed=seed, oracle=oracle, command=plan.command(seed), only=plan.only)


def _result(seed: int, run: Run, seconds: float) -> RunResult:
    return RunResult(
        seed=seed,
        steps=run.steps,
        actions=run.recorder.actions.total(),
        seconds=seconds,
        goals=run.goals,
        faults=Counter(run.cluster.simulation.met),
    )


def begin(mutant: Mutant | None) -> None:
    """Prepare a fresh process: what is wrong with it."""
    if mutant is not None:
        install(mutant)
        importlib.invalidate_caches()


def soak(
    plan: SoakPlan,
    seeds: Iterable[int],
    *,
    jobs: int = 1,
    executor: Executor | None = None,
    until_failed: bool = False,
    on_run: Callable[[RunResult], None] = lambda _: None,
) -> SoakResult:
    """Play a run for each seed; in processes of their own, if there are several jobs or a mutant.

    Args:
        plan: what each run is.
        seeds: one for each run.
        jobs: how many processes share the work.
        executor: who plays the runs instead of processes of this soak test. Its processes must import the
            declaration; they may be on other machines (docs/campaigns.md).
        until_failed: end with the first run in which something is broken.
        on_run: told of each run as it ends.

    Raises:
        ConfigError: there is no seed or no process, the plan does not fit the declaration, or an executor is
            given for a mutant, which changes its whole process.
        SpecError: the spec cannot be used.
    """
    wanted = list(seeds)
    if not wanted or jobs < 1:
        raise ConfigError(f"{len(wanted)} seeds by {jobs} processes: a soak test needs at least 1 of each")
    protocol = load_protocol(plan.target)
    mutant = protocol.mutant(plan.mutant) if plan.mutant else None
    if mutant is not None and executor is not None:
        raise ConfigError(f"the mutant {mutant.name} changes the whole process: play it without an executor")
    runs: list[RunResult] = []
    with contextlib.ExitStack() as stack:
        for result in _played(stack, plan, wanted, mutant=mutant, jobs=jobs, executor=executor):
            runs.append(result)
            on_run(result)
            if until_failed and result.property:
                break
    return SoakResult(runs=tuple(sorted(runs, key=lambda run: run.seed)))


def _played(
    stack: contextlib.ExitStack,
    plan: SoakPlan,
    seeds: Sequence[int],
    *,
    mutant: Mutant | None,
    jobs: int,
    executor: Executor | None,
) -> Iterable[RunResult]:
    """The runs as they end: here, or in fresh processes, which a mutant needs to reach all modules."""
    if executor is None and mutant is None and jobs == 1:
        return map(functools.partial(play, plan), seeds)
    if executor is None:
        executor = processes(mutant, min(jobs, len(seeds)))
        stack.callback(executor.shutdown, cancel_futures=True)
    runs = [executor.submit(play, plan, seed) for seed in seeds]
    stack.callback(_cancel, runs)
    return _ended(runs)


def processes(mutant: Mutant | None, jobs: int) -> Processes:
    """Fresh processes in which the mutant, if any, stands in the core's place."""
    return Processes(jobs, begin, mutant)


def _cancel(runs: Iterable["Future[RunResult]"]) -> None:
    for run in runs:
        run.cancel()


def _ended(runs: Iterable["Future[RunResult]"]) -> Iterable[RunResult]:
    try:
        for run in as_completed(runs):
            yield run.result()
    except BrokenProcessPool as error:
        raise ConfigError(
            "a process of the soak test ended before its run did. It was killed, or it cannot import "
            "the main "
            "module, which must be a file: not standard input, and guarded by __name__ if it is a script"
        ) from error
