"""The checks of a declared protocol for `verify.toml`.

| check            | passes when                                                                          |
|------------------|--------------------------------------------------------------------------------------|
| `soaked`         | no run breaks anything, and each goal is met                                         |
| `stateful`       | Hypothesis finds no failing run, and meets each goal                                 |
| `breaks`         | most runs break a property that is expected to break: too many nodes are Byzantine  |
| `scenarios`      | each scenario file says what happens in its run                                      |
| `mutants_caught` | the soak test catches every declared mutant                                          |
"""

from collections.abc import Sequence
from pathlib import Path

from immutabledict import immutabledict

from tlacheck.harness.examples import SHRINKING_SECONDS_MAX, Tally, run_examples
from tlacheck.harness.expected import SHARE_MIN, ExpectedResult, expect_broken, judged_again
from tlacheck.harness.machine import machine_of
from tlacheck.harness.scenario import run_scenarios, scenario_files
from tlacheck.harness.soak import RunResult, SoakPlan, SoakResult, load_protocol, soak
from tlacheck.verdict import Verdict
from tlacheck.verify import Context, Outcome

__all__ = ["breaks", "mutants_caught", "scenarios", "soaked", "stateful"]


def soaked(
    context: Context,
    protocol: str,
    *,
    seeds: int,
    steps: int,
    nodes: int | None = None,
    byzantine: int | None = None,
    judged: bool = True,
    goals: Sequence[str] | None = None,
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
        judged: False to leave the spec out.
        goals: which goals must be met; those of the declaration, if None.
        jobs: how many processes share the work.
    """
    plan = SoakPlan(
        target=protocol, steps=steps, nodes=nodes, byzantine=byzantine, judged=judged, out=context.folder
    )
    done: list[RunResult] = []

    def tell(run: RunResult) -> None:
        done.append(run)
        context.progress(f"{len(done)} of {seeds} seeds, {sum(each.steps for each in done):,} steps")

    found = soak(plan, range(context.seed, context.seed + seeds), jobs=jobs, on_run=tell)
    return _outcome(found, plan, context.seed, goals)


def _outcome(found: SoakResult, plan: SoakPlan, first: int, goals: Sequence[str] | None) -> Outcome:
    actions = sum(run.actions for run in found.runs)
    figures = immutabledict(
        seeds=len(found.runs), steps=found.steps, **({"spec_steps": actions} if plan.judged else {})
    )
    if found.failed:
        run = found.failed[0]
        return Outcome(
            verdict=Verdict.violated(run.property),
            figures=figures,
            trace=run.trace,
            message="\n".join(run.explanation),
            command=plan.command(run.seed),
        )
    missing = found.missing if goals is None else [name for name in goals if not found.goals[name]]
    if missing:
        reason = f"never met: {', '.join(missing)}"
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
    every_size: bool = False,
    judged: bool = True,
    goals: Sequence[str] | None = None,
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
        every_size: True to let Hypothesis choose among all sizes that the spec speaks of.
        judged: False to leave the spec out.
        goals: which goals must be met; those of the declaration, if None.
        shrinking_seconds: the time in which a failing run is made shorter.
    """
    declared = load_protocol(protocol)
    tally = Tally(
        folder=context.folder,
        command=context.command,
        shrinking_seconds=shrinking_seconds,
        watch=lambda done, taken: context.progress(f"{done} of {examples} examples, {taken:,} steps"),
    )
    machine = machine_of(declared, nodes=nodes, byzantine=byzantine, every_size=every_size, judged=judged)
    found = run_examples(
        machine,
        tally,
        seed=context.seed,
        examples=examples,
        steps=steps,
        goals=dict.fromkeys(name for size in machine.sizes for name in declared.goals_of(size))
        if goals is None
        else goals,
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


def breaks(
    context: Context,
    protocol: str,
    *,
    expect: str,
    seeds: int,
    steps: int,
    nodes: int | None = None,
    byzantine: int | None = None,
    share: float = SHARE_MIN,
) -> Outcome:
    """Most runs break a property, as they must with too many Byzantine nodes; else the adversary is weak.

    Some of these are played again with the spec, which allows them, and made shorter if the declaration can;
    the shortest is kept.

    Args:
        context: given by `verify`.
        protocol: the declaration, `package.module:NAME`.
        expect: the property.
        seeds: how many runs, from the context's seed on.
        steps: how many steps each takes at most until it breaks.
        nodes: the size of the cluster; the declaration's first, if None.
        byzantine: how many of them are Byzantine; as the declaration has it, if None.
        share: so many of the runs must break it, and more.

    Returns:
        The verdict is `violated` with that property.
    """
    plan = SoakPlan(target=protocol, steps=steps, nodes=nodes, byzantine=byzantine, out=context.folder)
    found = expect_broken(
        plan,
        expect,
        range(context.seed, context.seed + seeds),
        on_run=lambda done, broken: context.progress(f"{done} of {seeds} seeds, {broken} broke {expect}"),
    )
    figures = {"seeds": seeds, "broken": len(found.broken)}
    if found.share <= share or not found.broken:
        return Outcome(verdict=Verdict.unknown(_too_few(found)), figures=immutabledict(figures))
    again = judged_again(plan, found)
    figures |= {"spec_steps": again.steps, "shortened": len(again.trace)}
    return Outcome(
        verdict=Verdict.violated(again.broke, f"in {len(found.broken)} of {seeds} runs"),
        figures=immutabledict(figures),
        trace=again.path,
        message="\n".join(again.explanation),
        command=plan.command(again.seed),
    )


def _too_few(found: ExpectedResult) -> str:
    return (
        f"{found.expected} broke in {len(found.broken)} of {len(found.runs)} runs only: the adversary is weak"
    )


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


def scenarios(context: Context, protocol: str, *, folder: str, judged: bool = True) -> Outcome:
    """Each scenario of a folder says what happens, and nothing in it fails.

    Args:
        context: given by `verify`.
        protocol: the declaration, `package.module:NAME`.
        folder: the folder of the files, from where `verify` runs.
        judged: False to leave the spec out.
    """
    files = scenario_files(Path(folder))
    results = []
    for result in run_scenarios(protocol, files, judged=judged):
        results.append(result)
        context.progress(f"{len(results)} of {len(files)} scenarios")
    figures = immutabledict(scenarios=len(results), steps=sum(result.steps for result in results))
    wrong = [result for result in results if not result.is_right]
    if wrong:
        first = wrong[0]
        return Outcome(
            verdict=Verdict.violated(f"the scenario {first.path.name}"),
            figures=figures,
            message="\n".join(first.report(protocol)),
            command=f"tlacheck scenario {protocol} {first.path}",
        )
    return Outcome(verdict=Verdict.sampled(len(results), context.seed), figures=figures)
