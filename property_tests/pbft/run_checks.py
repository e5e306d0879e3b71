"""The checks of simulated PBFT clusters, as `tlacheck verify` calls them.

| check       | what drives the implementation                          | what judges it                                   |
|-------------|---------------------------------------------------------|--------------------------------------------------|
| soaked      | a script of clients, faults and traitors, for long      | the spec, step by step; `Safety` and progress    |
| conforming  | the same, for short runs of clusters of every size      | the same                                         |
| stateful    | Hypothesis                                              | the same                                         |
| overfaulted | traitors, one more than is allowed for                  | that the others come to disagree                 |
"""

from property_tests import attacked_checks
from property_tests.attacked_checks import counts, nothing_said, played
from property_tests.enduring import Endured
from property_tests.pbft.cluster import Setting
from property_tests.pbft.machine import PbftMachine
from property_tests.pbft.overfaulted import disagrees, recorded
from property_tests.pbft.recording import CONFIGS
from property_tests.pbft.script import ACTIONS, INTERESTING, endure
from property_tests.pbft.strategies import STRATEGIES
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
    found = played(
        context, lambda number: _run(context, number, steps, replicas=replicas, traitors=traitors), runs=seeds
    )
    if found.broken is not None:
        return found.broken
    figures = Figures(
        seeds=seeds, steps=found.steps, steps_a_second=found.rate, **counts(found.sometimes, _SHOWN)
    )
    missing = [action for action in ACTIONS if not found.actions[action]]
    if missing := missing + [name for name in INTERESTING if not found.sometimes[name]]:
        return nothing_said("no run took or met", missing, figures)
    return Outcome(verdict=Verdict.sampled(seeds, context.seed), figures=figures)


def stateful(context: Context, *, examples: int = 60) -> Outcome:
    """Hypothesis chooses what happens to clusters of four, five and seven replicas; each example ends in progress."""
    return attacked_checks.stateful(context, PbftMachine, examples=examples, shown=_SHOWN)


def conforming(context: Context, *, runs: int = 30, steps: int = 400) -> Outcome:
    """Short runs with traitors and all faults are behaviours of the spec, in clusters of every size of `CONFIGS`."""
    sizes = [(replicas, len(traitors)) for replicas, traitors in CONFIGS]

    def play(number: int) -> Endured:
        replicas, traitors = sizes[number % len(sizes)]
        return _run(context, number, steps, replicas=replicas, traitors=traitors)

    found = played(context, play, runs=runs)
    if found.broken is not None:
        return found.broken
    figures = Figures(
        runs=runs,
        inputs=found.steps,
        steps=found.actions.total(),
        strategies=sum(1 for name in STRATEGIES if found.sometimes[f"strategy: {name}"]),
        **counts(found.sometimes, _SHOWN),
    )
    if missing := [action for action in ACTIONS if not found.actions[action]]:
        return nothing_said("no run took", missing, figures)
    return Outcome(verdict=Verdict.sampled(runs, context.seed), figures=figures)


def _run(context: Context, number: int, steps: int, *, replicas: int, traitors: int) -> Endured:
    seed = context.seed + number
    setting = Setting.drawn(seed, replicas=replicas, traitors=traitors)
    return endure(seed, steps=steps, setting=setting, against_spec=True, command=context.command)


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
