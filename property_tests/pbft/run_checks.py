"""The checks of simulated PBFT clusters, as `tlacheck verify` calls them.

| check       | what drives the implementation                          | what judges it                     |
|-------------|---------------------------------------------------------|------------------------------------|
| soaked      | a script of clients, faults and traitors, for long      | `Safety` and progress              |
| stateful    | Hypothesis                                              | `Safety` and progress              |
| conforming  | the script, with few requests                           | the spec, step by step             |
| overfaulted | traitors, one more than is allowed for                  | that the others come to disagree   |
"""

import time
from collections import Counter
from collections.abc import Iterable

from immutabledict import immutabledict

from property_tests.pbft.machine import run_machine
from property_tests.pbft.overfaulted import disagrees, recorded
from property_tests.pbft.runs import watched
from property_tests.pbft.script import ACTIONS, INTERESTING, endure, setting
from tlacheck import itf
from tlacheck.conform.checks import violated
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
    """A soak (`soak.py`) in this process: `Safety` and progress judge, without the spec."""
    sometimes: Counter[str] = Counter()
    taken = 0
    begin = time.process_time()
    for number in range(seeds):
        seed = context.seed + number
        run = endure(seed, steps=steps, setting=setting(seed, replicas=replicas, traitors=traitors))
        taken += run.steps
        sometimes.update(run.sometimes)
        context.progress(f"{number + 1} of {seeds} seeds, {taken:,} steps")
        if run.broken:
            log = context.folder / "counterexample.log"
            log.write_text(run.log, encoding="utf-8")
            return Outcome(
                verdict=Verdict.violated(run.property, f"the run of seed {seed}"),
                message=f"{run.broken}\nlog: {log}",
            )
    rate = int(taken / max(time.process_time() - begin, 0.001))
    figures = immutabledict(seeds=seeds, steps=taken, steps_a_second=rate, **_counts(sometimes, _SHOWN))
    if missing := [name for name in INTERESTING if not sometimes[name]]:
        return _nothing_said("no run met", missing, figures)
    return Outcome(verdict=Verdict.sampled(seeds, context.seed), figures=figures)


def stateful(context: Context, *, examples: int = 60) -> Outcome:
    """Hypothesis chooses what happens to clusters of four, five and seven replicas; each example ends in progress."""
    run = run_machine(
        seed=context.seed,
        examples=examples,
        log=context.folder / "counterexample.log",
        command=context.command,
    )
    figures = immutabledict(examples=run.examples, steps=run.steps, **_counts(run.sometimes, _SHOWN))
    if run.rule:
        reason = f"after {run.examples} examples"
        return Outcome(verdict=Verdict.violated(run.rule, reason), figures=figures, message=run.message)
    if run.missing:
        return _nothing_said("no example met", run.missing, figures)
    return Outcome(verdict=Verdict.sampled(run.examples, context.seed), figures=figures)


def conforming(context: Context, *, runs: int = 30, steps: int = 400) -> Outcome:
    """Runs with a traitor and all faults are behaviours of the spec, with that traitor in it."""
    actions: Counter[str] = Counter()
    sometimes: Counter[str] = Counter()
    inputs = taken = 0
    for number in range(runs):
        seed = context.seed + number
        run = watched(seed, steps=steps, command=context.command)
        inputs += run.steps
        taken += len(run.trace)
        actions.update(run.actions)
        sometimes.update(run.sometimes)
        context.progress(f"{number + 1} of {runs} runs, {inputs:,} inputs, {taken:,} steps of the spec")
        if run.trace.violation is not None:
            return violated(context, run.trace, f"the run of seed {seed} fails after {run.steps} inputs")
    strategies = sum(1 for name in sometimes if name.startswith("strategy: ") and sometimes[name])
    figures = immutabledict(
        runs=runs, inputs=inputs, steps=taken, strategies=strategies, **_counts(sometimes, _SHOWN)
    )
    if missing := [action for action in ACTIONS if not actions[action]]:
        return _nothing_said("no run took", missing, figures)
    return Outcome(verdict=Verdict.sampled(runs, context.seed), figures=figures)


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
