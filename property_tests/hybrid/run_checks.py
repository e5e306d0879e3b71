"""The checks of simulated clusters of the hybrid, as `tlacheck verify` calls them.

| check    | what drives the implementation                        | what judges it                                    |
|----------|-------------------------------------------------------|---------------------------------------------------|
| soaked   | a script of clients, faults and attacks, for long     | the spec, step by step; `Safety`, progress, return, linearizable histories |
| stateful | Hypothesis                                            | the same                                          |
"""

import time
from collections import Counter
from typing import Final

from immutabledict import immutabledict

from property_tests.hybrid.machine import run_machine
from property_tests.hybrid.script import EACH_RUN, INTERESTING, THERE_AND_BACK, endure, setting
from tlacheck import itf
from tlacheck.verdict import Verdict
from tlacheck.verify import Context, Outcome

__all__ = ["soaked", "stateful"]

#: The situations whose counts tables show, and which even a short soak must meet.
_SHOWN: Final = (
    *EACH_RUN,
    "switch: raft to raft",
    "an operation is believed by a seal",
    "an operation is believed in the book",
    "a close takes over a chain",
    "all faults end and the cluster makes progress",
    "the attack ends and a Raft epoch serves",
)

#: From so many seeds on a soak must meet every situation, each strategy of traitors among them.
_LONG: Final = 60


def soaked(
    context: Context, *, seeds: int = 8, steps: int = 5_000, replicas: int = 4, traitors: int = 1
) -> Outcome:
    """A soak (`soak.py`) in this process: every run switches there and back, or it says nothing."""
    sometimes: Counter[str] = Counter()
    taken = 0
    begin = time.process_time()
    for number in range(seeds):
        seed = context.seed + number
        run = endure(
            seed,
            steps=steps,
            setting=setting(seed, replicas=replicas, traitors=traitors),
            against_spec=True,
            command=context.command,
        )
        taken += run.steps
        sometimes.update(run.sometimes)
        context.progress(f"{number + 1} of {seeds} seeds, {taken:,} steps")
        if run.broken:
            log = context.folder / "counterexample.log"
            log.write_text(run.log, encoding="utf-8")
            trace = context.folder / "counterexample.itf.json"
            if run.trace is not None:
                itf.write(run.trace, trace)
            return Outcome(
                verdict=Verdict.violated(run.property, f"the run of seed {seed}"),
                trace=trace if run.trace is not None else None,
                message=f"{run.broken}\nlog: {log}",
            )
    rate = int(taken / max(time.process_time() - begin, 0.001))
    figures = immutabledict(seeds=seeds, steps=taken, steps_a_second=rate, **_counts(sometimes))
    missing = [name for name in (INTERESTING if seeds >= _LONG else _SHOWN) if not sometimes[name]]
    if one_way := seeds - sometimes[THERE_AND_BACK]:
        missing.insert(0, f"{one_way} of {seeds} runs did not switch there and back")
    if missing:
        return Outcome(verdict=Verdict.unknown(f"no run met: {'; '.join(missing)}"), figures=figures)
    return Outcome(verdict=Verdict.sampled(seeds, context.seed), figures=figures)


def stateful(context: Context, *, examples: int = 30) -> Outcome:
    """Hypothesis chooses what happens to clusters of four, five and seven; each example ends in progress."""
    run = run_machine(
        seed=context.seed,
        examples=examples,
        folder=context.folder,
        command=context.command,
    )
    figures = immutabledict(examples=run.examples, steps=run.steps, **_counts(run.sometimes))
    if run.failure is not None:
        verdict = Verdict.violated(run.broken, f"after {run.examples} examples")
        return Outcome(verdict=verdict, figures=figures, trace=run.trace, message=run.message)
    if missing := run.missing:
        return Outcome(verdict=Verdict.unknown(f"no example met: {'; '.join(missing)}"), figures=figures)
    return Outcome(verdict=Verdict.sampled(run.examples, context.seed), figures=figures)


def _counts(sometimes: Counter[str]) -> dict[str, int]:
    return {name.replace(" ", "_").replace(":", ""): sometimes[name] for name in _SHOWN}
