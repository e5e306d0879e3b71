"""Runs of simulated clusters of the hybrid that are held against the spec, step by step.

`watched` plays a round of `script.py` on four replicas with a traitor, an attack among it, and lets a `Journal` find the steps
of the spec in it; what clients come to believe is a step as well.
"""

from collections import Counter
from typing import Final

import attrs
from immutabledict import immutabledict

from impl import hybrid
from property_tests.hybrid.cluster import Cluster, Setting
from property_tests.hybrid.recording import recorded
from property_tests.hybrid.scenes import asked_by, brought, sealed
from property_tests.hybrid.script import Script
from property_tests.judged import Violated, failed
from tlacheck.conform.checks import violated
from tlacheck.conform.lockstep import Diverged
from tlacheck.trace import Trace
from tlacheck.verdict import Verdict
from tlacheck.verify import Context, Outcome

__all__ = ["ACTIONS", "INTERESTING", "Watched", "conforming", "watched"]

#: One run in so many begins with a chain that is undone: no strategy leads to it often.
_OVERTURNS: Final = 4

#: The actions of the spec, each of which runs must take, all together.
ACTIONS: Final = (
    "Ack",
    "Hold",
    "Believe",
    "Stop",
    "Close",
    "Decide",
    "Calm",
    "Open",
    "Learn",
    "Raise",
    "Lower",
    "Dwell",
    "Restart",
)

#: The situations that runs must meet, all together.
INTERESTING: Final = (
    "switch: raft to bft",
    "switch: bft to raft",
    "switch: raft to raft",
    "stopped: threat",
    "stopped: standstill",
    "stopped: joined",
    "a tentative execution is undone",
    "a close takes over a chain",
    "an operation is believed by a seal",
    "an operation is believed in the book",
)


@attrs.frozen(kw_only=True)
class Watched:
    """What a run came to.

    Attributes:
        trace: its steps, as the spec has them; `violation` says what was broken.
        actions: how often each action was taken.
        sometimes: how often each interesting situation was met.
        steps: how many steps correct replicas took.
    """

    trace: Trace
    actions: Counter[str]
    sometimes: Counter[str]
    steps: int


def watched(
    seed: int,
    *,
    steps: int,
    only: frozenset[str] | None = None,
    command: str = "",
) -> Watched:
    """One run under all faults, each step of it held against the spec; the same for the same seed.

    Args:
        seed: decides all that happens.
        steps: how many steps correct replicas take at least.
        only: which properties end the run if they are broken, besides conformance; all if None.
        command: the command that makes this run again, for the trace.
    """
    cluster, journal = recorded(Setting(), seed=seed, only=only, command=command)
    trace: Trace | None = None
    try:
        if seed % _OVERTURNS == 0:
            _overturn(cluster)
        Script(cluster, seed).round(steps)
        cluster.judge_history()
        journal.finish()
    except (Violated, Diverged) as failure:
        _, trace = failed(failure, journal)
    return Watched(
        trace=trace if trace is not None else journal.trace,
        actions=journal.actions,
        sometimes=cluster.sometimes + cluster.den.used,
        steps=cluster.steps,
    )


def _overturn(cluster: Cluster) -> None:
    """The traitor leads, and has a chain sealed that it shows to r1 alone; then the others seal another one, in a later term."""
    one, other = asked_by("one", what=("put", "undone", 1)), asked_by("other", what=("put", "undone", 2))
    for request in (one, other):
        cluster.safety.asked(request)
    chains: dict[int, tuple[hybrid.Link, ...]] = {1: (None, one), 2: (None, other)}
    for term, ackers in ((1, ("r1", "r2")), (2, ("r2", "r3"))):
        for name in dict.fromkeys((*ackers, "r1")):
            cluster.lose_patience(
                name, hybrid.Receive(brought(chains[term], term=term, by="r0", to=name), "r0")
            )
        seal = sealed(chains[term], names=("r0", *ackers), term=term)
        cluster.lose_patience("r1", hybrid.Receive(seal, "r0"))


def conforming(context: Context, *, runs: int = 30, steps: int = 600) -> Outcome:
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
        runs=runs,
        inputs=inputs,
        steps=taken,
        strategies=strategies,
        **{name.replace(" ", "_").replace(":", ""): sometimes[name] for name in INTERESTING},
    )
    missing = [action for action in ACTIONS if not actions[action]]
    missing += [name for name in INTERESTING if not sometimes[name]]
    if missing:
        reason = f"no run took or met: {'; '.join(missing)}. Play more, or longer"
        return Outcome(verdict=Verdict.unknown(reason), figures=figures)
    return Outcome(verdict=Verdict.sampled(runs, context.seed), figures=figures)
