"""The checks of a declared protocol for `verify.toml`: a soak test, Byzantine soaks, the state machine, its mutants."""

from immutabledict import immutabledict

from tlacheck.harness.examples import SHRINKING_SECONDS_MAX, Tally, run_examples
from tlacheck.harness.machine import machine_of
from tlacheck.harness.soak import RunResult, SoakPlan, SoakResult, load_protocol, soak
from tlacheck.verdict import Verdict
from tlacheck.verify import Context, Outcome

__all__ = ["mutants_caught", "soaked", "stateful"]


def soaked(
    context: Context,
    protocol: str,
    *,
    seeds: int,
    steps: int,
    nodes: int | None = None,
    byzantine: int | None = None,
    jobs: int = 1,
) -> Outcome:
    """No run breaks anything, and each coverage goal is met.

    Args:
        context: given by `verify`.
        protocol: the declaration, `package.module:NAME`.
        seeds: how many runs, from the context's seed on.
        steps: how many steps each takes at least.
        nodes: the size of the cluster; the declaration's first, if None.
        byzantine: how many of them are Byzantine; as the declaration has it, if None.
        jobs: how many processes share the work.
    """
    plan = SoakPlan(target=protocol, steps=steps, nodes=nodes, byzantine=byzantine, out=context.folder)
    done: list[RunResult] = []

    def tell(run: RunResult) -> None:
        done.append(run)
        context.progress(f"{len(done)} of {seeds} seeds, {sum(each.steps for each in done):,} steps")

    found = soak(plan, range(context.seed, context.seed + seeds), jobs=jobs, on_run=tell)
    return _outcome(found, plan, context.seed)


def _outcome(found: SoakResult, plan: SoakPlan, first: int) -> Outcome:
    figures = immutabledict(seeds=len(found.runs), steps=found.steps)
    if found.failed:
        run = found.failed[0]
        return Outcome(
            verdict=Verdict.violated(run.property),
            figures=figures,
            trace=run.trace,
            message="\n".join(run.explanation),
            command=plan.command(run.seed),
        )
    if found.missing:
        reason = f"never met: {', '.join(found.missing)}"
        return Outcome(verdict=Verdict.unknown(reason), figures=figures, command=plan.command(first))
    return Outcome(verdict=Verdict.sampled(len(found.runs), first), figures=figures)


def stateful(
    context: Context,
    protocol: str,
    *,
    examples: int,
    steps: int = 40,
    nodes: int | None = None,
    byzantine: int | None = None,
    shrinking_seconds: float = SHRINKING_SECONDS_MAX,
) -> Outcome:
    """Hypothesis finds no failing run of the protocol's state machine, and meets each coverage goal.

    Args:
        context: given by `verify`.
        protocol: the declaration, `package.module:NAME`.
        examples: how many to try.
        steps: how many rules an example takes at most.
        nodes: the size of the cluster; the declaration's first, if None.
        byzantine: how many of them are Byzantine; as the declaration has it, if None.
        shrinking_seconds: the time in which a failing run is made shorter.
    """
    declared = load_protocol(protocol)
    tally = Tally(
        folder=context.folder,
        command=context.command,
        shrinking_seconds=shrinking_seconds,
        watch=lambda done, taken: context.progress(f"{done} of {examples} examples, {taken:,} steps"),
    )
    found = run_examples(
        machine_of(declared, nodes=nodes, byzantine=byzantine),
        tally,
        seed=context.seed,
        examples=examples,
        steps=steps,
        goals=[goal.name for goal in declared.goals],
    )
    figures = immutabledict(examples=found.examples, steps=found.steps)
    if found.failure is not None:
        return Outcome(
            verdict=Verdict.violated(found.property),
            figures=figures,
            trace=found.trace,
            message=found.message,
            command=context.command,
        )
    if found.missing:
        reason = f"never met: {', '.join(found.missing)}"
        return Outcome(verdict=Verdict.unknown(reason), figures=figures, command=context.command)
    return Outcome(verdict=Verdict.sampled(examples, context.seed), figures=figures)


def mutants_caught(context: Context, protocol: str, *, seeds: int, steps: int, jobs: int = 1) -> Outcome:
    """The soak test catches every mutant that is not equivalent.

    Args:
        context: given by `verify`.
        protocol: the declaration, `package.module:NAME`.
        seeds: how many runs each mutant gets at most.
        steps: how many steps each takes at least.
        jobs: how many processes share the work.
    """
    mutants = [mutant for mutant in load_protocol(protocol).mutants if not mutant.equivalent]
    survived: list[str] = []
    for number, mutant in enumerate(mutants, start=1):
        plan = SoakPlan(target=protocol, steps=steps, mutant=mutant.name, out=context.folder / "mutants")
        found = soak(plan, range(context.seed, context.seed + seeds), jobs=jobs, until_failed=True)
        if not found.failed:
            survived.append(mutant.name)
        context.progress(f"{number} of {len(mutants)} mutants, {len(survived)} survived")
    figures = immutabledict(mutants=len(mutants), survived=len(survived))
    if survived or not mutants:
        reason = f"not caught: {', '.join(survived)}" if survived else "the protocol declares no mutant"
        return Outcome(verdict=Verdict.unknown(reason), figures=figures)
    return Outcome(verdict=Verdict.sampled(len(mutants), context.seed), figures=figures)
