"""The checks of simulated PBFT clusters, as `tlacheck verify` calls them.

| check       | what drives the implementation                          | what judges it                                   |
|-------------|---------------------------------------------------------|--------------------------------------------------|
| soaked      | a script of clients, faults and traitors, for long      | the spec, step by step; `Safety` and progress    |
| conforming  | the same, for short runs of clusters of every size      | the same                                         |
| stateful    | Hypothesis                                              | `Safety` and progress                            |
| overfaulted | traitors, one more than is allowed for                  | that the others come to disagree                 |
"""

import time
from collections import Counter
from collections.abc import Iterable

from immutabledict import immutabledict

from property_tests.pbft.machine import run_machine
from property_tests.pbft.overfaulted import disagrees, recorded
from property_tests.pbft.recording import CONFIGS
from property_tests.pbft.script import ACTIONS, INTERESTING, Endured, endure, setting
from tlacheck import itf
from tlacheck.verdict import Verdict
from tlacheck.verify import Context, Outcome
from tlacheck.verify.outcome import Figures

__all__ = ["conforming", "overfaulted", "soaked", "stateful"]

#: The situations whose counts tables show.
_SHOWN = (
    "a batch is executed",
    "a view is entered",
    "a view change carries a batch over",
    "a checkpoint is stable",
    "a state is transferred",
    "refused: EQUIVOCATION",
)


def soaked(
    context: Context, *, seeds: int = 20, steps: int = 5_000, replicas: int = 4, traitors: int = 1
) -> Outcome:
    """A soak (`soak.py`) in this process, each step of which is held against the spec."""
    actions: Counter[str] = Counter()
    sometimes: Counter[str] = Counter()
    taken = 0
    begin = time.process_time()
    for number in range(seeds):
        seed = context.seed + number
        run = _endured(context, seed, steps, replicas=replicas, traitors=traitors)
        taken += run.steps
        actions.update(run.actions)
        sometimes.update(run.sometimes)
        context.progress(f"{number + 1} of {seeds} seeds, {taken:,} steps")
        if run.broken:
            return _broken(context, run)
    rate = int(taken / max(time.process_time() - begin, 0.001))
    figures = immutabledict(seeds=seeds, steps=taken, steps_a_second=rate, **_counts(sometimes, _SHOWN))
    missing = [action for action in ACTIONS if not actions[action]]
    if missing := missing + [name for name in INTERESTING if not sometimes[name]]:
        return _nothing_said("no run took or met", missing, figures)
    return Outcome(verdict=Verdict.sampled(seeds, context.seed), figures=figures)


def stateful(context: Context, *, examples: int = 60) -> Outcome:
    """Hypothesis chooses what happens to clusters of four, five and seven replicas; each example ends in progress."""
    run = run_machine(
        seed=context.seed,
        examples=examples,
        folder=context.folder,
        command=context.command,
    )
    figures = immutabledict(examples=run.examples, steps=run.steps, **_counts(run.sometimes, _SHOWN))
    if run.failure is not None:
        verdict = Verdict.violated(run.broken, f"after {run.examples} examples")
        return Outcome(verdict=verdict, figures=figures, trace=run.trace, message=run.message)
    if run.missing:
        return _nothing_said("no example met", run.missing, figures)
    return Outcome(verdict=Verdict.sampled(run.examples, context.seed), figures=figures)


def conforming(context: Context, *, runs: int = 30, steps: int = 400) -> Outcome:
    """Short runs with traitors and all faults are behaviours of the spec, in clusters of every size of `CONFIGS`."""
    actions: Counter[str] = Counter()
    sometimes: Counter[str] = Counter()
    inputs = 0
    sizes = [(replicas, len(traitors)) for replicas, traitors in CONFIGS]
    for number in range(runs):
        replicas, traitors = sizes[number % len(sizes)]
        run = _endured(context, context.seed + number, steps, replicas=replicas, traitors=traitors)
        inputs += run.steps
        actions.update(run.actions)
        sometimes.update(run.sometimes)
        context.progress(
            f"{number + 1} of {runs} runs, {inputs:,} inputs, {actions.total():,} steps of the spec"
        )
        if run.broken:
            return _broken(context, run)
    strategies = sum(1 for name in sometimes if name.startswith("strategy: ") and sometimes[name])
    figures = immutabledict(
        runs=runs, inputs=inputs, steps=actions.total(), strategies=strategies, **_counts(sometimes, _SHOWN)
    )
    if missing := [action for action in ACTIONS if not actions[action]]:
        return _nothing_said("no run took", missing, figures)
    return Outcome(verdict=Verdict.sampled(runs, context.seed), figures=figures)


def _endured(context: Context, seed: int, steps: int, *, replicas: int, traitors: int) -> Endured:
    return endure(
        seed,
        steps=steps,
        setting=setting(seed, replicas=replicas, traitors=traitors),
        against_spec=True,
        command=context.command,
    )


def _broken(context: Context, run: Endured) -> Outcome:
    """What a run broke, with its log and its trace on disk."""
    log, trace = context.folder / "counterexample.log", context.folder / "counterexample.itf.json"
    log.write_text(run.log, encoding="utf-8")
    if run.trace is not None:
        itf.write(run.trace, trace)
    return Outcome(
        verdict=Verdict.violated(run.property, f"the run of seed {run.seed}"),
        trace=trace if run.trace is not None else None,
        message=f"{run.broken}\nlog: {log}",
    )


def overfaulted(context: Context, *, seeds: int = 40) -> Outcome:
    """With two traitors of four, most runs end in a disagreement, which the spec allows: else the adversary is weak."""
    broken = []
    for number in range(seeds):
        run = disagrees(context.seed + number)
        if run.broken:
            broken.append(run)
        context.progress(f"{number + 1} of {seeds} seeds, in {len(broken)} the others disagree")
    figures = Figures(seeds=seeds, disagreements=len(broken))
    if 2 * len(broken) <= seeds:
        reason = f"in {len(broken)} of {seeds} runs only do two traitors of four make the others disagree"
        return Outcome(verdict=Verdict.unknown(reason), figures=figures)
    shortest = recorded(broken[0].seed, command=context.command)
    path = context.folder / "counterexample.itf.json"
    itf.write(shortest.trace, path)
    violation = shortest.trace.violation
    name = violation.property if violation is not None else "?"
    figures = Figures(
        seeds=seeds, disagreements=len(broken), steps=shortest.steps_before, shrunk=shortest.steps_after
    )
    return Outcome(
        verdict=Verdict.violated(name, f"in {len(broken)} of {seeds} runs with two traitors of four"),
        figures=figures,
        trace=path,
        message="\n".join(violation.explanation) if violation is not None else "",
    )


def _counts(sometimes: Counter[str], names: Iterable[str]) -> dict[str, int]:
    return {name.replace(" ", "_").replace(":", ""): sometimes[name] for name in names}


def _nothing_said(what: str, missing: Iterable[str], figures: Figures) -> Outcome:
    return Outcome(
        verdict=Verdict.unknown(f"{what}: {'; '.join(missing)}. Play more, or longer"), figures=figures
    )
