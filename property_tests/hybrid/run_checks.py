"""The checks of simulated clusters of the hybrid, as `tlacheck verify` calls them.

| check    | what drives the implementation                        | what judges it                                    |
|----------|-------------------------------------------------------|---------------------------------------------------|
| soaked   | a script of clients, faults and attacks, for long     | the spec, step by step; `Safety`, progress, return, linearizable histories |
| stateful | Hypothesis                                            | the same                                          |
"""

from typing import Final

from property_tests import attacked_checks
from property_tests.attacked_checks import counts, nothing_said, played
from property_tests.enduring import Endured
from property_tests.hybrid.cluster import Setting
from property_tests.hybrid.machine import HybridMachine
from property_tests.hybrid.script import EACH_RUN, INTERESTING, THERE_AND_BACK, endure
from tlacheck.verdict import Verdict
from tlacheck.verify import Context, Outcome
from tlacheck.verify.outcome import Figures

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

    def play(number: int) -> Endured:
        seed = context.seed + number
        setting = Setting.drawn(seed, replicas=replicas, traitors=traitors)
        return endure(seed, steps=steps, setting=setting, against_spec=True, command=context.command)

    found = played(context, play, runs=seeds)
    if found.broken is not None:
        return found.broken
    figures = Figures(
        seeds=seeds, steps=found.steps, steps_a_second=found.rate, **counts(found.sometimes, _SHOWN)
    )
    missing = [name for name in (INTERESTING if seeds >= _LONG else _SHOWN) if not found.sometimes[name]]
    if one_way := seeds - found.sometimes[THERE_AND_BACK]:
        missing.insert(0, f"{one_way} of {seeds} runs did not switch there and back")
    if missing:
        return nothing_said("no run met", missing, figures)
    return Outcome(verdict=Verdict.sampled(seeds, context.seed), figures=figures)


def stateful(context: Context, *, examples: int = 30) -> Outcome:
    """Hypothesis chooses what happens to clusters of four, five and seven; each example ends in progress."""
    return attacked_checks.stateful(context, HybridMachine, examples=examples, shown=_SHOWN)
