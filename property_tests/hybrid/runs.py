"""Runs of simulated clusters of the hybrid that are held against the spec, step by step.

`watched` plays a round of `script.py` on four replicas with a traitor, an attack among it, and lets a `Journal` find the steps
of the spec in it; what clients come to believe is a step as well.
"""

import functools
from collections import Counter
from collections.abc import Callable
from typing import Final

import attrs
from immutabledict import immutabledict

from impl import hybrid, pbft
from property_tests.hybrid.cluster import Cluster, Setting, Violated
from property_tests.hybrid.hosting import Taken
from property_tests.hybrid.journal import Journal, runs_spec
from property_tests.hybrid.scenes import asked_by, brought, sealed
from property_tests.hybrid.script import Script
from tlacheck.conform.checks import violated
from tlacheck.conform.lockstep import Diverged
from tlacheck.tlc.oracle import SpecOracle
from tlacheck.trace import Trace
from tlacheck.verdict import Verdict
from tlacheck.verify import Context, Outcome

__all__ = ["ACTIONS", "CONFIGS", "INTERESTING", "Watched", "conforming", "oracle_of", "setting_of", "watched"]

#: The configuration of `specs/hybrid` that runs are held against.
ONE_TRAITOR: Final = "OracleTraitor"
CONFIGS: Final = (ONE_TRAITOR,)
#: Who is Byzantine in it.
_TRAITORS: Final = frozenset({"r0"})

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


@functools.cache
def oracle_of(config: str = ONE_TRAITOR) -> SpecOracle:
    """The oracle of a configuration; loaded once a process."""
    return SpecOracle(runs_spec(config))


@attrs.frozen
class _Ledger:
    """The service of the spec; its results are the positions, as pairs, which clients' notes take for those of `Registers`."""

    @property
    def initial(self) -> pbft.Value:
        """Nothing was done."""
        return pbft.LEDGER.initial

    def apply(self, value: pbft.Value, request: pbft.Request) -> tuple[pbft.Value, pbft.Value]:
        """One operation more."""
        after, position = pbft.LEDGER.apply(value, request)
        return after, (position, None)


def setting_of() -> Setting:
    """The cluster that the configuration speaks of; its service is the ledger of the spec."""
    limits = {**Setting().limits, "service": _Ledger()}
    return Setting(traitors=_TRAITORS, limits=limits)


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


class _Recorder:
    """Tells the journal what replicas do, and before each step what clients believe by then."""

    def __init__(self, journal: Journal, believed: Callable[[], dict[str, hybrid.Believed]]) -> None:
        self._journal = journal
        self._believed = believed
        self._told: dict[str, hybrid.Believed] = {}

    def step(self, taken: Taken) -> None:
        """A correct replica takes a step.

        Raises:
            Diverged: the spec does not allow it, or what a client believes.
        """
        self.tell()
        self._journal.step(taken)

    def tell(self) -> None:
        """What clients came to believe."""
        for client, believed in self._believed().items():
            if self._told.get(client) != believed:
                self._told[client] = believed
                self._journal.believes(client, believed)


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
    recorders: list[_Recorder] = []
    journals: list[Journal] = []
    clusters: list[Cluster] = []

    def believed() -> dict[str, hybrid.Believed]:
        return dict(clusters[0].believed) if clusters else {}

    def record(configs: dict[str, hybrid.Config], traitors: frozenset[str]) -> _Recorder:
        journals.append(Journal(oracle_of(), configs, traitors, seed=seed, command=command))
        recorders.append(_Recorder(journals[0], believed))
        return recorders[0]

    cluster = Cluster(setting_of(), seed=seed, record=record, only=only)
    clusters.append(cluster)
    journal = journals[0]
    trace: Trace | None = None
    try:
        try:
            if seed % _OVERTURNS == 0:
                _overturn(cluster)
            Script(cluster, seed).round(steps)
            recorders[0].tell()
            journal.finish()
        except Violated as wrong:
            journal.fail(wrong.property, (wrong.explanation,))
    except Diverged as failure:
        trace = failure.trace
    return Watched(
        trace=trace if trace is not None else journal.trace,
        actions=journal.actions,
        sometimes=cluster.sometimes + cluster.den.used,
        steps=cluster.steps,
    )


def _overturn(cluster: Cluster) -> None:
    """The traitor leads, and has a chain sealed that it shows to r1 alone; then the others seal another one, in a later term."""
    one, other = asked_by("one", what=("put", "a", 1)), asked_by("other", what=("put", "a", 2))
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
