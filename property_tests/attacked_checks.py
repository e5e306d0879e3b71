"""Runs of clusters some of whose replicas are traitors, as checks of `tlacheck verify`: what PBFT's and the hybrid's share."""

import time
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

import attrs

from property_tests.enduring import Endured
from property_tests.faulty import FaultyMachine, run_machine
from tlacheck import itf
from tlacheck.verdict import Verdict
from tlacheck.verify import Context, Outcome
from tlacheck.verify.outcome import Figures

__all__ = ["Played", "counts", "nothing_said", "played", "stateful"]


@attrs.frozen(kw_only=True)
class Played:
    """What some runs came to.

    Attributes:
        runs: how many.
        steps: how many steps correct replicas took in them.
        rate: how many of these a second of this process' time.
        sometimes: how often each interesting situation was met.
        actions: of runs that were held against the spec, how often each action was taken.
        broken: what the check comes to, if the last run broke something.
    """

    runs: int
    steps: int
    rate: int
    sometimes: Counter[str]
    actions: Counter[str]
    broken: Outcome | None = None


def played(context: Context, play: Callable[[int], Endured], *, runs: int) -> Played:
    """Play some runs, up to the first that breaks something, whose log and trace are then on disk.

    Args:
        context: what `verify` gives.
        play: plays a run, of which it is told the number.
        runs: how many.
    """
    sometimes: Counter[str] = Counter()
    actions: Counter[str] = Counter()
    steps = number = 0
    broken: Outcome | None = None
    begin = time.process_time()
    while number < runs and broken is None:
        run = play(number)
        number += 1
        steps += run.steps
        sometimes.update(run.sometimes)
        actions.update(run.actions)
        context.progress(f"{number} of {runs} runs, {steps:,} steps")
        if run.broken:
            broken = _broken(context, run)
    rate = int(steps / max(time.process_time() - begin, 0.001))
    return Played(runs=number, steps=steps, rate=rate, sometimes=sometimes, actions=actions, broken=broken)


def _broken(context: Context, run: Endured) -> Outcome:
    log, trace = context.folder / "counterexample.log", context.folder / "counterexample.itf.json"
    log.write_text(run.log, encoding="utf-8")
    if run.trace is not None:
        itf.write(run.trace, trace)
    return Outcome(
        verdict=Verdict.violated(run.property, f"the run of seed {run.seed}"),
        trace=trace if run.trace is not None else None,
        message=f"{run.broken}\nlog: {log}",
    )


def stateful(
    context: Context, machine: type[FaultyMachine[Any]], *, examples: int, shown: Iterable[str]
) -> Outcome:
    """Hypothesis chooses what happens; each example ends in progress.

    Args:
        context: what `verify` gives.
        machine: the machine of the protocol.
        examples: how many to try.
        shown: the situations whose counts the table shows.
    """
    run = run_machine(
        machine,
        seed=context.seed,
        examples=examples,
        folder=context.folder,
        command=context.command,
    )
    figures = Figures(examples=run.examples, steps=run.steps, **counts(run.goals, shown))
    if run.failure is not None:
        verdict = Verdict.violated(run.property, f"after {run.examples} examples")
        return Outcome(verdict=verdict, figures=figures, trace=run.trace, message=run.message)
    if run.missing:
        return nothing_said("no example met", run.missing, figures)
    return Outcome(verdict=Verdict.sampled(run.examples, context.seed), figures=figures)


def counts(sometimes: Counter[str], shown: Iterable[str]) -> dict[str, int]:
    """How often these situations were met, by the names that they have as figures."""
    return {name.replace(" ", "_").replace(":", ""): sometimes[name] for name in shown}


def nothing_said(what: str, missing: Iterable[str], figures: Figures) -> Outcome:
    """What a check comes to that did not meet what it must, and so establishes nothing."""
    reason = f"{what}: {'; '.join(missing)}. Play more, or longer"
    return Outcome(verdict=Verdict.unknown(reason), figures=figures)
